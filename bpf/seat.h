/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Where a frame is charged: finds or claims the slot of its client, by table.h, in the maps.
 * Takes nothing and judges nothing; that is limit.h's.
 */
#ifndef HATAGO_BPF_SEAT_H
#define HATAGO_BPF_SEAT_H

#include "frame.h"
#include "hatago/table.h"
#include "maps.h"

/* Where a frame is charged. */
struct seat {
	__u64 key;
	struct hatago_slot *slot;
	int place;    /* as table_place() gives it; below 0: it is the overflow slot */
	bool is_away; /* not at home */
};

static __always_inline struct hatago_set *seat_set(__u64 key, int which,
						   const struct hatago_config *c)
{
	__u32 index = table_set(key, which, c->front_count, c->set_count);

	return bpf_map_lookup_elem(&clients, &index);
}

/*
 * The barriers have clang write a check that the verifier understands, and make the address
 * after it.
 */
static __always_inline struct hatago_slot *seat_slot(struct hatago_set *set, __u32 way)
{
	barrier_var(way);
	if (!set || way >= HATAGO_WAYS)
		return NULL;
	barrier_var(way);
	return &set->slot[way];
}

/* Likewise: table_place(), and the side's half of the id. */
__noinline int place(__u64 key, __u64 id_lo, __u64 now_ns)
{
	const struct hatago_config *c = maps_config();
	struct hatago_set *set[TABLE_SETS];
	const struct hatago_rules *r;
	struct hatago_side *side;
	__u32 index;
	int place;

	if (!c)
		return -1;
	r = maps_rules(c);
	BUCKET_UNROLL
	for (int which = 0; which < TABLE_SETS; which++) {
		set[which] = seat_set(key, which, c);
		if (!set[which])
			return -1;
	}
	place = table_place(set, key, r, now_ns);
	if (r->ipv6_mask_lo && place >= 0) {
		index = table_set(key, TABLE_PLACE_SET(place), c->front_count, c->set_count);
		side = bpf_map_lookup_elem(&sides, &index);
		if (side)
			side->id_lo[place & TABLE_WAY] = id_lo;
	}
	return place;
}

/* Likewise: table_keep() for a slot that is not its client's home. */
__noinline int keep(const struct hatago_slot *slot, __u64 key, __u64 now_ns, int place)
{
	const struct hatago_config *c = maps_config();
	struct hatago_set *first;

	if (!c || !slot)
		return 0;
	first = seat_set(key, TABLE_FIRST, c);
	if (first)
		table_keep(first, key, place, now_ns, slot_life(slot, maps_rules(c), now_ns));
	return 0;
}

/*
 * The seat of a client: its own slot, a claimed one, or the overflow slot of its first
 * set. A slot NULL can't be: the arrays have set_count entries.
 */
static __always_inline struct seat seat_find(__u64 key, __u64 id_lo, const struct hatago_config *c,
					     __u64 now_ns)
{
	struct seat seat = {.key = key};
	struct hatago_set *set = seat_set(seat.key, TABLE_FIRST, c);
	__u32 way = table_home(seat.key), index;

	seat.place = (int)way;
	seat.slot = seat_slot(set, way);
	if (!seat.slot || BUCKET_READ(seat.slot->key) == seat.key)
		return seat;
	seat.place = place(seat.key, id_lo, now_ns);
	if (seat.place < 0) {
		index = table_set(seat.key, TABLE_FIRST, c->front_count, c->set_count);
		seat.slot = bpf_map_lookup_elem(&sides, &index); /* begins with it */
		return seat;
	}
	seat.is_away = (seat.place & ~TABLE_NEW) != (int)way;
	if (TABLE_PLACE_SET(seat.place) != TABLE_FIRST)
		set = seat_set(seat.key, TABLE_PLACE_SET(seat.place), c);
	seat.slot = seat_slot(set, (__u32)seat.place & TABLE_WAY);
	return seat;
}

#endif
