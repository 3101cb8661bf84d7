/* SPDX-License-Identifier: MIT */
/*
 * For unit tests: a client table, its configuration and its rules in ordinary memory,
 * and frames that are charged to it with the code of the packet path.
 */
#ifndef HATAGO_TESTS_EDGE_FIXTURE_H
#define HATAGO_TESTS_EDGE_FIXTURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "core/clients.h"

#define FIXTURE_SECOND 1000000000ULL
#define FIXTURE_NOW    (1000 * FIXTURE_SECOND)

struct fixture {
	struct hatago_config *config;
	struct hatago_rules *rules; /* those in force */
	struct clients clients;	    /* over the same memory */
};

static inline void fixture_limit(struct hatago_rules *rules, enum hatago_dimension d,
				 uint64_t per_second, uint64_t burst)
{
	if (hatago_limit_make(per_second * 1000, burst, 0, &rules->limit[d]) < 0)
		abort();
	rules->dimensions |= 1u << d;
	hatago_rules_seal(rules);
}

/* All traffic of both families is protected; no limits yet. */
static inline void fixture_init(struct fixture *f, uint32_t set_count)
{
	struct clients *c = &f->clients;

	f->config = calloc(1, sizeof(*f->config));
	c->sets = aligned_alloc(64, set_count * sizeof(*c->sets));
	c->sides = aligned_alloc(64, set_count * sizeof(*c->sides));
	if (!f->config || !c->sets || !c->sides)
		abort();
	memset(c->sets, 0, set_count * sizeof(*c->sets));
	memset(c->sides, 0, set_count * sizeof(*c->sides));
	f->config->magic = HATAGO_ABI_MAGIC;
	f->config->abi_version = HATAGO_ABI_VERSION;
	f->config->front_count = f->config->set_count = set_count;
	f->config->secret[0] = 0x0123456789abcdefULL;
	f->config->secret[1] = 0xfedcba9876543211ULL;
	f->rules = &f->config->rules[0];
	f->rules->flags = HATAGO_ENFORCE | HATAGO_IPV4 | HATAGO_IPV6 | HATAGO_PROTECT_ALL;
	f->rules->ipv4_mask = 0xffffffff;
	f->rules->ipv6_mask_hi = ~0ULL;
	c->front_count = c->set_count = set_count;
	c->config = f->config;
	c->rules = f->rules;
}

static inline void fixture_done(struct fixture *f)
{
	free(f->config);
	free(f->clients.sets);
	free(f->clients.sides);
}

static inline struct hatago_prefix fixture_prefix(const char *text)
{
	struct hatago_prefix prefix;

	if (prefix_parse(text, &prefix) < 0)
		abort();
	return prefix;
}

static inline struct hatago_client_id fixture_id(const struct fixture *f, const char *address)
{
	struct hatago_prefix prefix = fixture_prefix(address);

	return prefix_client(&prefix, f->rules);
}

static inline uint64_t fixture_key(const struct fixture *f, struct hatago_client_id id)
{
	return table_key(id, f->config->secret);
}

/* Takes tokens as bpf/limit.h does: SLOT_TAKEN, or the dimension that lacks them. */
static inline int fixture_take(const struct fixture *f, const struct client_at *at,
			       uint32_t dimensions, const __u64 n[HATAGO_EDGE_DIMENSIONS],
			       uint64_t now_ns)
{
	__u64 now = bucket_time(now_ns);
	int lacking;

	if (at->place >= 0 && (at->place & TABLE_NEW))
		lacking = slot_take_once(at->slot, f->rules, dimensions, n, now, HATAGO_INV_ONE, 1,
					 1);
	else
		lacking = slot_take_once(at->slot, f->rules, dimensions, n, now, HATAGO_INV_ONE, 0,
					 1);
	clients_keep(at, now_ns, slot_life(at->slot, f->rules, now_ns));
	return lacking;
}

/* Charges one frame as bpf/limit.h does; false: dropped. */
static inline bool fixture_frame(const struct fixture *f, struct hatago_client_id id,
				 uint64_t bytes, bool is_connection, uint64_t now_ns)
{
	const __u64 n[HATAGO_EDGE_DIMENSIONS] = {
		[HATAGO_DIM_CONNECTIONS] = 1,
		[HATAGO_DIM_PACKETS] = 1,
		[HATAGO_DIM_BYTES] = bytes,
	};
	uint32_t dimensions = f->rules->dimensions & ~(1u << HATAGO_DIM_REQUESTS);
	struct client_at at;

	if (!is_connection)
		dimensions &= ~(1u << HATAGO_DIM_CONNECTIONS);
	clients_place(&f->clients, id, now_ns, &at);
	at.slot->packets++;
	at.slot->bytes += bytes;
	if (slot_is_banned(at.slot, tick_of(now_ns)) ||
	    (is_connection && slot_is_escalated(at.slot, tick_of(now_ns))) ||
	    fixture_take(f, &at, dimensions, n, now_ns) != SLOT_TAKEN) {
		at.slot->drops++;
		return false;
	}
	return true;
}

/* The client's own slot, claimed if need be. */
static inline struct hatago_slot *fixture_slot(const struct fixture *f, const char *address,
					       uint64_t now_ns)
{
	struct client_at at;

	if (!clients_place(&f->clients, fixture_id(f, address), now_ns, &at))
		abort();
	return at.slot;
}

#endif
