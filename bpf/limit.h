/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * From fields to a reason: is it protected, is the source listed, banned or escalated, do its
 * buckets have tokens? Counts nothing about the device; that is account.h's.
 */
#ifndef HATAGO_BPF_LIMIT_H
#define HATAGO_BPF_LIMIT_H

#include "clock.h"
#include "frame.h"
#include "hatago/table.h"
#include "maps.h"

struct tokens {
	__u64 of[HATAGO_EDGE_DIMENSIONS];
};

static __always_inline bool limit_is_protected(const struct packet *p, const struct hatago_rules *r)
{
	__u32 protocol;

	if (!(r->flags & (p->is_ipv6 ? HATAGO_IPV6 : HATAGO_IPV4)))
		return false;
	if (r->flags & HATAGO_PROTECT_ALL)
		return true;
	if (p->has_port) {
		protocol = p->protocol == IPPROTO_TCP ? HATAGO_TCP : HATAGO_UDP;
		return (r->port[protocol][p->port / 64] >> (p->port % 64)) & 1;
	}
	/* The port of a later fragment went with the first one: its source pays. */
	if (p->is_later_fragment && (r->flags & HATAGO_PROTECT_PORT))
		return true;
	if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6)
		return r->flags & HATAGO_PROTECT_ICMP;
	return false;
}

static __always_inline bool limit_is_listed(const struct packet *p, void *list)
{
	struct {
		__u32 length;
		__u32 word[4];
	} key = {.length = 128};

	if (p->is_ipv6) {
		key.word[0] = (__u32)p->source_hi;
		key.word[1] = (__u32)(p->source_hi >> 32);
		key.word[2] = (__u32)p->source_lo;
		key.word[3] = (__u32)(p->source_lo >> 32);
	} else {
		key.word[2] = bpf_htonl(0xffff);
		key.word[3] = (__u32)p->source_lo;
	}
	return bpf_map_lookup_elem(list, &key);
}

/* Where a frame is charged. */
struct seat {
	__u64 key;
	struct hatago_slot *slot;
	int place;    /* as table_place() gives it; below 0: it is the overflow slot */
	bool is_away; /* not at home */
};

/*
 * The whole of a take, where it is not as simple as can be. A function of its own, so
 * that the verifier walks it once and not once a try and path.
 */
__noinline int take(struct hatago_slot *slot, const struct hatago_rules *r, __u32 dimensions,
		    const struct tokens *n, __u64 now)
{
	if (!slot || !r || !n)
		return SLOT_TAKEN;
	return slot_take_once(slot, r, dimensions, n->of, now, 0, 1);
}

static __always_inline int limit_take(const struct seat *seat, const struct hatago_rules *r,
				      __u32 dimensions, const struct tokens *n, __u64 now)
{
	int lacking = SLOT_CONTENDED;

	if (!(r->flags & HATAGO_STEPS))
		lacking = (seat->place & TABLE_NEW)
				  ? slot_take_once(seat->slot, r, dimensions, n->of, now, 1, 0)
				  : slot_take_once(seat->slot, r, dimensions, n->of, now, 0, 0);
#pragma clang loop unroll(disable)
	for (int tries = 0; lacking == SLOT_CONTENDED && tries < BUCKET_RETRIES; tries++)
		lacking = take(seat->slot, r, dimensions, n, now);
	return lacking;
}

static __always_inline struct hatago_set *limit_set(__u64 key, int which,
						    const struct hatago_config *c)
{
	__u32 index = table_set(key, which, c->front_count, c->set_count);

	return bpf_map_lookup_elem(&clients, &index);
}

/*
 * The barriers have clang write a check that the verifier understands, and make the address
 * after it.
 */
static __always_inline struct hatago_slot *limit_slot(struct hatago_set *set, __u32 way)
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
		set[which] = limit_set(key, which, c);
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
	first = limit_set(key, TABLE_FIRST, c);
	if (first)
		table_keep(first, key, place, now_ns, slot_life(slot, maps_rules(c), now_ns));
	return 0;
}

/*
 * The seat of a client: its own slot, a claimed one, or the overflow slot of its first
 * set. A slot NULL can't be: the arrays have set_count entries.
 */
static __always_inline struct seat limit_seat(struct hatago_client_id id,
					      const struct hatago_config *c, __u64 now_ns)
{
	struct seat seat = {.key = table_key(id, c->secret)};
	struct hatago_set *set = limit_set(seat.key, TABLE_FIRST, c);
	__u32 way = table_home(seat.key), index;

	seat.place = (int)way;
	seat.slot = limit_slot(set, way);
	if (!seat.slot || BUCKET_READ(seat.slot->key) == seat.key)
		return seat;
	seat.place = place(seat.key, id.lo, now_ns);
	if (seat.place < 0) {
		index = table_set(seat.key, TABLE_FIRST, c->front_count, c->set_count);
		seat.slot = bpf_map_lookup_elem(&sides, &index); /* begins with it */
		return seat;
	}
	seat.is_away = (seat.place & ~TABLE_NEW) != (int)way;
	if (TABLE_PLACE_SET(seat.place) != TABLE_FIRST)
		set = limit_set(seat.key, TABLE_PLACE_SET(seat.place), c);
	seat.slot = limit_slot(set, (__u32)seat.place & TABLE_WAY);
	return seat;
}

/* What is held against a frame of a client whose standing is none of the good ones. */
static __always_inline enum hatago_reason limit_suspect(const struct hatago_slot *slot, __u32 tick,
							bool is_connection)
{
	if (slot_is_banned(slot, tick))
		return HATAGO_REASON_BANNED;
	if (is_connection && slot_is_escalated(slot, tick))
		return HATAGO_REASON_ESCALATED;
	return HATAGO_REASON_WITHIN_LIMITS;
}

/* Charges the frame to its client. */
static __always_inline enum hatago_reason
limit_charge(const struct packet *p, const struct hatago_config *c, const struct hatago_rules *r)
{
	struct hatago_client_id id = p->is_ipv6 ? client_id_ipv6(p->source_hi, p->source_lo, r)
						: client_id_ipv4((__be32)p->source_lo, r);
	const struct tokens tokens = {{
		[HATAGO_DIM_CONNECTIONS] = 1,
		[HATAGO_DIM_PACKETS] = p->segments,
		[HATAGO_DIM_BYTES] = p->length,
	}};
	__u64 now_ns = clock_now_ns();
	__u32 dimensions = r->dimensions;
	struct seat seat = limit_seat(id, c, now_ns);
	struct hatago_slot *slot = seat.slot;
	int lacking;

	if (!slot)
		return HATAGO_REASON_WITHIN_LIMITS;
	if (!p->is_connection)
		dimensions &= ~(1u << HATAGO_DIM_CONNECTIONS);
	slot->packets += p->segments;
	slot->bytes += p->length;
	if (slot_is_suspect(slot, tick_of(now_ns))) {
		enum hatago_reason reason = limit_suspect(slot, tick_of(now_ns), p->is_connection);

		if (reason != HATAGO_REASON_WITHIN_LIMITS) {
			slot->drops += p->segments;
			return reason;
		}
	}
	lacking = limit_take(&seat, r, dimensions, &tokens, bucket_time(now_ns));
	if (seat.is_away)
		keep(slot, seat.key, now_ns, seat.place);
	if (lacking == SLOT_TAKEN)
		return seat.place < 0 ? HATAGO_REASON_OVERFLOW : HATAGO_REASON_WITHIN_LIMITS;
	slot->drops += p->segments;
	if (lacking == SLOT_CONTENDED)
		return HATAGO_REASON_CONTENDED;
	if (seat.place < 0)
		return HATAGO_REASON_OVERFLOW_LIMIT;
	return HATAGO_REASON_LIMIT_CONNECTIONS + lacking;
}

static __always_inline enum hatago_reason
limit_judge(const struct packet *p, const struct hatago_config *c, const struct hatago_rules *r)
{
	if (!limit_is_protected(p, r))
		return HATAGO_REASON_NOT_PROTECTED;
	if ((r->flags & HATAGO_ALLOW) && limit_is_listed(p, &allow))
		return HATAGO_REASON_ALLOWED;
	if ((r->flags & HATAGO_DENY) && limit_is_listed(p, &deny))
		return HATAGO_REASON_DENIED;
	return limit_charge(p, c, r);
}

_Static_assert((int)HATAGO_REASON_LIMIT_BYTES - HATAGO_REASON_LIMIT_CONNECTIONS ==
			       HATAGO_DIM_BYTES &&
		       (int)HATAGO_REASON_LIMIT_PACKETS - HATAGO_REASON_LIMIT_CONNECTIONS ==
			       HATAGO_DIM_PACKETS,
	       "a dimension's reason is LIMIT_CONNECTIONS + dimension");

#endif
