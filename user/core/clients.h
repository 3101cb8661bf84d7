/* SPDX-License-Identifier: MIT */
/*
 * The client table as user space uses it: where its parts lie in memory, which rules are
 * in force, and the way from a client to its slot. A plain value that owns nothing;
 * whoever mapped the table fills it, anew for each use, since the rules in force change.
 * Finds and claims by the very code of the packet path (hatago/table.h).
 */
#ifndef HATAGO_CORE_CLIENTS_H
#define HATAGO_CORE_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "hatago/abi.h"
#include "hatago/table.h"

struct clients {
	struct hatago_set *sets;
	struct hatago_side *sides; /* as many as there are sets */
	uint32_t front_count;	   /* 1 to set_count */
	uint32_t set_count;
	const struct hatago_config *config;
	const struct hatago_rules *rules; /* those in force */
};

/* The sets that a key may live in. Small tables have no back, and may give one twice. */
struct client_sets {
	struct hatago_set *set[TABLE_SETS];
};

/* Where a client is. */
struct client_at {
	uint64_t key;
	struct hatago_set *first; /* its first set */
	struct hatago_slot *slot; /* where it lives, or its first set's overflow slot */
	struct hatago_side *side; /* of the set of `slot` */
	int place;		  /* as table_place() gives it; -1: the overflow slot */
};

struct client_sets clients_sets(const struct clients *clients, uint64_t key);
/* Finds the slot of a client that has one. *ret is untouched where it has none. */
bool clients_find(const struct clients *clients, struct hatago_client_id id, struct client_at *ret);
/* Finds it or claims one. false: it shares the overflow slot, since its sets are full. */
bool clients_place(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
		   struct client_at *ret);
/* The same by the key. id_lo: as the side keeps it. */
bool clients_place_key(const struct clients *clients, uint64_t key, uint64_t id_lo, uint64_t now_ns,
		       struct client_at *ret);
/* The bucket that a client shares where it gets no slot. */
struct client_at clients_overflow(const struct clients *clients, struct hatago_client_id id);
/* Would a client that has no slot get one? */
bool clients_has_room(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns);
/* The sets for so many clients: a quarter more slots, or 7 % of them would find none. */
uint32_t clients_set_count(uint32_t max_clients);
/*
 * Has the packet path know that the client may be live for so long, where it is not at
 * home: to be called before whatever makes it live for longer than until now.
 */
void clients_keep(const struct client_at *at, uint64_t now_ns, uint64_t life_ns);

#endif
