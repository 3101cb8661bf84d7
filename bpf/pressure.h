/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What hatagod's word changes (struct hatago_pressure): the scale of costs, the budget of
 * strangers, and whether a client has all connections open that it may. Void without a fresh
 * heartbeat. Touches no client's bucket; that is limit.h's.
 *
 * Strangers. An invented source passes a client's buckets, once. So under pressure a SYN of
 * a client that is not trusted draws on one budget for all. A flood takes all of that; an
 * honest newcomer is told from it by what it does next: TCP sends the very same SYN again
 * after 1, 3 and 7 s (RFC 6298), where a flood has gone on to other sources. So a SYN that
 * is refused is remembered, and if it comes again, neither at once nor late, it draws on a
 * second budget. As greylisting does with mail.
 */
#ifndef HATAGO_BPF_PRESSURE_H
#define HATAGO_BPF_PRESSURE_H

#include "frame.h"
#include "hatago/table.h"
#include "maps.h"
#include "seat.h"

#define SYN_UNIT_SHIFT 28  /* its time is kept in units of 2^28 ns, 268 ms */
#define SYN_UNITS_MIN  3   /* again in time: after 0.54 to 0.81 s */
#define SYN_UNITS_MAX  223 /* to 60 s */
#define SYN_TIME_MASK  0xffu
#define SYN_TIMES      256
_Static_assert(SYN_UNITS_MAX < SYN_TIMES, "a time doesn't wrap while it counts");

/* How many sets of them `syns` has. Set before loading. */
const volatile __u32 syn_sets = 1;

/*
 * SYNs that were refused: a ring in a cache line, so the oldest is forgotten. A flood of
 * 4 million a second fills one of 524,288 in 1.9 s. 24 bits of a hash under the table's
 * secret tell them apart: in full rings one SYN in a million is taken for another.
 */
struct syns {
	__u32 next;
	__u32 seen[15]; /* hash in the upper 24 bits, time in the others */
};

/* Shared by the devices; forgotten with the programs, so neither pinned nor in the ABI. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct syns);
} syns SEC(".maps");

enum { SYNS = sizeof(((struct syns *)0)->seen) / sizeof(__u32) };

/* The scale of what a frame of the slot's client costs, in 256ths. */
static __always_inline __u32 pressure_inv(const struct hatago_config *c,
					  const struct hatago_slot *slot, __u64 now_ns)
{
	__u32 inv = c->pressure.scale_inv;

	if (inv <= HATAGO_INV_ONE || !pressure_is_fresh(&c->pressure, now_ns))
		return HATAGO_INV_ONE;
	if (slot_is_trusted(slot, tick_of(now_ns)))
		inv = c->pressure.trusted_inv;
	return inv < HATAGO_INV_MAX ? inv : HATAGO_INV_MAX;
}

/* The same segment, sent again, gives the same hash. Ports and sequence: as they lie. */
static __always_inline __u64 syn_hash(const struct packet *p, const __u64 secret[2])
{
	__u64 x = p->source_hi ^ secret[0];

	x = (x ^ (x >> 32)) * TABLE_MULTIPLIER ^ p->source_lo;
	x = (x ^ (x >> 29)) * secret[1] ^ p->syn;
	x = (x ^ (x >> 32)) * TABLE_MULTIPLIER;
	x = (x ^ (x >> 29)) * secret[1];
	return x ^ (x >> 32);
}

/*
 * Did the SYN come before, and does it come in time? If not it is remembered. CPUs that
 * meet in a ring may lose one of their SYNs.
 */
__noinline int syn_came_before(__u64 hash, __u64 now_ns)
{
	__u32 index = (__u32)(((hash >> 32) * syn_sets) >> 32), next, units;
	__u32 time = (__u32)(now_ns >> SYN_UNIT_SHIFT) & SYN_TIME_MASK;
	__u32 seen = ((__u32)hash & ~SYN_TIME_MASK) | time, *same = NULL;
	struct syns *s = bpf_map_lookup_elem(&syns, &index);

	if (!s)
		return 0;
	BUCKET_UNROLL
	for (int i = 0; i < SYNS; i++)
		if (((s->seen[i] ^ seen) & ~SYN_TIME_MASK) == 0)
			same = &s->seen[i];
	if (same) {
		units = (time - *same) & SYN_TIME_MASK;
		if (units < SYN_UNITS_MIN)
			return 0;
		*same = seen;
		return units <= SYN_UNITS_MAX;
	}
	next = s->next;
	barrier_var(next);
	if (next >= SYNS)
		next = 0;
	barrier_var(next);
	s->seen[next] = seen;
	s->next = next + 1;
	return 0;
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

/* Is this a time to ask who is a stranger? */
static __always_inline bool strangers_are_asked(const struct hatago_config *c,
						const struct hatago_rules *r, __u64 now_ns)
{
	return c->pressure.strangers_inv && (r->flags & HATAGO_STRANGERS) &&
	       pressure_is_fresh(&c->pressure, now_ns);
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
	return syn_came_before(syn_hash(p, c->secret), now_ns) &&
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
