/* SPDX-License-Identifier: MIT */
/*
 * How a client stands (enum hatago_standing) and until when: read, joined and raised in
 * the client's slot. Pure: the table and the time are passed in. Bans are put by ban.c,
 * escalations by escalate.c; this is what they share with the request buckets.
 */
#ifndef HATAGO_CORE_STANDING_H
#define HATAGO_CORE_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clients.h"

#define STANDING_FOR_GOOD UINT64_MAX /* as a time */
#define STANDING_TRIES	  64u	     /* races that one raise may lose */

/* A standing of this kind that ends for_ns from now, rounded up to a tick. */
uint32_t standing_for(enum hatago_standing kind, uint64_t now_ns, uint64_t for_ns);

/* Nanoseconds that it still lasts, whatever its kind: 0 (over) to STANDING_FOR_GOOD. */
uint64_t standing_left_ns(uint32_t standing, uint64_t now_ns);
/* The same, but 0 where it is of another kind. */
uint64_t standing_left_of_ns(uint32_t standing, enum hatago_standing kind, uint64_t now_ns);

/*
 * What two standings of one client make together: the higher kind that lasts, up to the
 * later end. But a ban ends when it says, and trust makes no escalation longer.
 */
uint32_t standing_join(uint32_t a, uint32_t b, uint64_t now_ns);

/*
 * Joins a standing to the one that the client has; where the client is away the packet
 * path is told first. Nothing is done for those that share an overflow slot. false: the
 * slot was handed to another client meanwhile, which is left as it was found.
 */
bool standing_raise(const struct client_at *at, uint32_t standing, uint64_t now_ns);

#endif
