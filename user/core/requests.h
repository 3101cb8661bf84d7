/* SPDX-License-Identifier: MIT */
/*
 * Request tokens, in the client's own slot of the table that the edge enforces: taken by
 * the function of bucket.h, lock-free, by any number of threads and processes. Pure: the
 * table and the time are passed in. Decides nothing about queues or refusals.
 *
 * Who owns a word. The packet path claims slots without a look at the side, so a word may
 * be an earlier owner's. It is told by the slot's standing: a word counts only if it does
 * not lie beyond the standing's end; else it is a full bucket. Why that is right:
 *  - A take raises the standing first, up to a tick at or after the word that it is about
 *    to write, and only then writes the word. So words always lie before the end.
 *  - While the standing lasts nobody can claim the slot (table.h). Once it is over, so is
 *    every word's debt: the bucket is full by its own account as well, and eviction loses
 *    nothing. The next owner's standing begins at 0.
 *  - A word that lies beyond the end is thus from before a standing that was cut short (a
 *    ban put or lifted: it forgives the requests' debt), from more than 417 days ago, or
 *    of a race below. It is overwritten by a full bucket before a standing is raised that
 *    it could hide behind.
 *
 * Races, and what they cost: a CPU that judged the slot idle just before the standing was
 * raised may still hand it to a newcomer. Then what was being taken is forgotten, and the
 * newcomer may find it taken from its own bucket: at most one take a thread and claim.
 */
#ifndef HATAGO_CORE_REQUESTS_H
#define HATAGO_CORE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clients.h"

#define REQUESTS_TRIES 64u /* races that one take may lose */

enum requests_answer {
	REQUESTS_TAKEN,
	REQUESTS_REFUSED,  /* not enough tokens; nothing was taken */
	REQUESTS_CONTENDED /* others were faster at every try; nothing was taken */
};

struct requests_left {
	uint64_t tokens;  /* whole ones that are left */
	uint64_t wait_ns; /* until as many can be taken (again) if nobody else takes any */
	uint64_t debt_ns; /* until the bucket is full; at most the limit's tau */
	bool shared;	  /* the client has no slot: it shares its set's overflow bucket */
};

/*
 * Takes tokens, cut to the limit's burst, from the client's bucket of requests, or of
 * handshakes; finds its slot or claims one, and keeps that for as long as the debt lasts.
 * now_ns is CLOCK_MONOTONIC; limit as of hatago_limit_make(). *ret is set in any case.
 */
enum requests_answer requests_take(const struct clients *clients, struct hatago_client_id id,
				   const struct hatago_limit *limit, uint64_t tokens,
				   bool handshake, uint64_t now_ns, struct requests_left *ret);

/* What a take would find; claims nothing and changes nothing. */
void requests_peek(const struct clients *clients, struct hatago_client_id id,
		   const struct hatago_limit *limit, uint64_t tokens, bool handshake,
		   uint64_t now_ns, struct requests_left *ret);

/*
 * Gives back what a take took; `shared` as the take said. Never more than the bucket's
 * debt, and nothing where the client lost its slot since.
 */
void requests_refund(const struct clients *clients, struct hatago_client_id id,
		     const struct hatago_limit *limit, uint64_t tokens, bool handshake, bool shared,
		     uint64_t now_ns);

/* A client's bucket as it counts now, as bucket.h reads it. */
uint64_t requests_tat(const struct client_at *at, bool handshake, uint64_t now_ns);
/* Nanoseconds until both of its buckets are full; 0: they are. */
uint64_t requests_debt_ns(const struct client_at *at, uint64_t now_ns);
/* Makes both buckets full, whatever they owe. true: they were not. */
bool requests_forgive(const struct client_at *at, uint64_t now_ns);
/*
 * For a table that is made anew: has the client owe in the new place what it owes in the
 * old one, where that is more. The standing is to be joined before.
 */
void requests_carry(const struct client_at *from, const struct client_at *to, uint64_t now_ns);

#endif
