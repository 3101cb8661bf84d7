/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What hatagod's word changes (struct hatago_pressure): the scale of costs, the budget of
 * strangers, and whether a client has all connections open that it may. Void without a fresh
 * heartbeat. Touches no client's bucket; that is limit.h's.
 *
 * Strangers. An invented source passes a client's buckets, once. So under pressure a SYN of
 * a client that is not trusted draws on one budget for all. A flood takes all of that; an
 * honest newcomer's SYN comes again (hatago/syns.h) and draws on a second one.
 */
#ifndef HATAGO_BPF_PRESSURE_H
#define HATAGO_BPF_PRESSURE_H

#include "frame.h"
#include "hatago/syns.h"
#include "maps.h"
#include "seat.h"

/* How many sets of them `syns` has. Set before loading. */
const volatile __u32 syn_sets = 1;

/* Shared by the devices; forgotten with the programs, so neither pinned nor in the ABI. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hatago_syns);
} syns SEC(".maps");

/* syns_came_before(), a function of its own as in seat.h. */
__noinline int came_before(__u64 hash, __u64 now_ns)
{
	__u32 index = syns_set(hash, syn_sets);
	struct hatago_syns *set = bpf_map_lookup_elem(&syns, &index);

	return set && syns_came_before(set, hash, now_ns);
}

/* Takes a SYN's token. A refusal writes nothing. */
__noinline int budget_take(__u64 *word, const struct hatago_limit *limit, __u32 inv, __u64 now)
{
	__u64 seen, next;

	if (!word || !limit)
		return 0;
#pragma clang loop unroll(disable)
	for (int tries = 0; tries < BUCKET_RETRIES; tries++) {
		seen = BUCKET_READ(*word);
		if (!bucket_offer_smooth(seen, limit, now, 1, inv, &next)) {
			bucket_settle(word, seen, limit, now);
			return 0;
		}
		if (__sync_val_compare_and_swap(word, seen, next) == seen)
			return 1;
	}
	return 0;
}

/* May the SYN of a stranger pass? */
__noinline int strangers_admit(const struct packet *p, __u64 now_ns)
{
	struct hatago_config *c = maps_config_writable();
	const struct hatago_limit *limit;
	__u32 inv;

	if (!p || !c)
		return 0;
	limit = &maps_rules(c)->strangers;
	inv = c->pressure.strangers_inv;
	if (inv > HATAGO_INV_MAX)
		inv = HATAGO_INV_MAX;
	if (budget_take(&c->strangers.first, limit, inv, bucket_time(now_ns)))
		return 1;
	return came_before(syns_hash(p->source_hi, p->source_lo, p->syn, c->secret), now_ns) &&
	       budget_take(&c->strangers.again, limit, inv, bucket_time(now_ns));
}

/* table_is_known(), a function of its own as in seat.h. */
__noinline int strangers_know(__u64 key, __u64 now_ns)
{
	const struct hatago_config *c = maps_config();
	struct hatago_set *set[TABLE_SETS];

	if (!c)
		return 0;
	BUCKET_UNROLL
	for (int which = 0; which < TABLE_SETS; which++) {
		set[which] = seat_set(key, which, c);
		if (!set[which])
			return 0;
	}
	return table_is_known(set, key, now_ns);
}

/* Has the client that lives there as many connections open as it may? */
__noinline int open_is_full(__u64 key, __u64 now_ns, int place)
{
	const struct hatago_config *c = maps_config();
	const struct hatago_side *side;
	__u32 index;

	if (!c || place < 0 || !pressure_is_fresh(&c->pressure, now_ns))
		return 0;
	index = table_set(key, TABLE_PLACE_SET(place), c->front_count, c->set_count);
	side = bpf_map_lookup_elem(&sides, &index);
	return side && open_count(BUCKET_PEEK(side->gate[place & TABLE_WAY].open), key) >=
			       maps_rules(c)->max_connections;
}

#endif
