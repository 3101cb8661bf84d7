/* SPDX-License-Identifier: MIT */
/*
 * What the gate tells the edge of a client's connections: that it completed a handshake, so
 * it is trusted for a while, and how many it has open, so the edge may drop the SYN of one
 * too many. Pure: the table and the time are passed in. Counts nothing itself; whoever
 * counts calls it again while connections are open, before the trust is over.
 */
#ifndef HATAGO_CORE_CONNECTIONS_H
#define HATAGO_CORE_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clients.h"

#define CONNECTIONS_TRIES 8u /* races for a slot that one set may lose */

/*
 * Has the client trusted for trust_for_ns from now, or longer if it was already, and says how
 * many connections it has open; finds its slot or claims one. now_ns is CLOCK_MONOTONIC.
 * Whoever counts one client on several threads calls this under the lock of its count.
 * false: the client has no slot, since its sets are full of live clients.
 */
bool connections_set(const struct clients *clients, struct hatago_client_id id, uint32_t count,
		     uint64_t now_ns, uint64_t trust_for_ns);
/* The same without a count: who made the connection is told by a header in it. */
bool connections_trust(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
		       uint64_t trust_for_ns);
/* The count as the edge believes it while the heartbeat is fresh; 0 where it knows none. */
uint32_t connections_get(const struct client_at *at, uint64_t now_ns);
/* Forgets every count, such as those of a hatagod that died. Trust stays. */
void connections_clear(const struct clients *clients);
/* For a table that is made anew: takes the count along. The standing is to be joined before. */
void connections_carry(const struct client_at *from, const struct client_at *to);

#endif
