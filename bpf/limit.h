/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * From fields to a reason: is it protected, is the source listed or banned, do its
 * buckets have tokens? Counts nothing about the device; that is account.h's.
 */
#ifndef HATAGO_BPF_LIMIT_H
#define HATAGO_BPF_LIMIT_H

#include "frame.h"
#include "hatago/table.h"
#include "maps.h"

struct tokens {
	__u64 of[HATAGO_DIM_COUNT];
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
	if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6)
		return r->flags & HATAGO_PROTECT_ICMP;
	/* The port of a later fragment went with the first one: its source pays. */
	return p->is_later_fragment && (r->flags & HATAGO_PROTECT_PORT);
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

/*
 * The whole of a take, where it is not as simple as can be. A function of its own, so
 * that the verifier walks it once and not once a try and path.
 */
__noinline int take(struct hatago_slot *slot, const struct hatago_rules *r, __u32 dimensions,
		    const struct tokens *n, __u64 now)
{
	if (!slot || !r || !n)
		return SLOT_TAKEN;
	return slot_take_once(slot, r, dimensions, n->of, now, HATAGO_EDGE_DIMENSIONS, 1);
}

static __always_inline int limit_take(struct hatago_slot *slot, const struct hatago_rules *r,
				      __u32 dimensions, const struct tokens *n, __u64 now)
{
	int lacking = SLOT_CONTENDED;

	if (!(r->flags & HATAGO_STEPS))
		lacking = slot_take_once(slot, r, dimensions, n->of, now, HATAGO_EDGE_DIMENSIONS, 0);
#pragma clang loop unroll(disable)
	for (int tries = 0; lacking == SLOT_CONTENDED && tries < BUCKET_RETRIES; tries++)
		lacking = take(slot, r, dimensions, n, now);
	return lacking;
}

/* Likewise. Returns the claimed way, or -1 where every slot of the set is live. */
__noinline int claim(__u32 index, __u64 key, __u64 id_lo, __u64 now_ns)
{
	const struct hatago_config *c = maps_config();
	struct hatago_set *set = bpf_map_lookup_elem(&clients, &index);
	const struct hatago_rules *r;
	struct hatago_side *side;
	__u32 way;

	if (!c || !set)
		return -1;
	r = maps_rules(c);
	way = (__u32)set_claim(set, key, r, bucket_time(now_ns), now_ns >> HATAGO_TICK_SHIFT);
	if (r->ipv6_mask_lo && way < HATAGO_WAYS) {
		side = bpf_map_lookup_elem(&sides, &index);
		if (side)
			side->id_lo[way] = id_lo;
	}
	return (int)way;
}

/*
 * The slot to charge a client to: its own, a claimed one, or the set's overflow slot
 * (then *ret_overflow is true). NULL can't be: the arrays have set_count entries.
 */
static __always_inline struct hatago_slot *limit_slot(struct hatago_client_id id,
						      const struct hatago_config *c, __u64 now_ns,
						      bool *ret_overflow)
{
	__u64 key = table_key(id, c->secret);
	__u32 index = table_set_index(key, c->set_count);
	struct hatago_set *set = bpf_map_lookup_elem(&clients, &index);
	__u32 way;

	if (!set)
		return NULL;
	way = (__u32)set_find(set, key);
	if (way >= HATAGO_WAYS)
		way = (__u32)claim(index, key, id.lo, now_ns);
	barrier_var(way);
	if (way >= HATAGO_WAYS) {
		*ret_overflow = true;
		return bpf_map_lookup_elem(&sides, &index); /* begins with the overflow slot */
	}
	return &set->slot[way];
}

/* Charges the frame to its client. */
static __always_inline enum hatago_reason limit_charge(const struct packet *p,
						       const struct hatago_config *c,
						       const struct hatago_rules *r)
{
	struct hatago_client_id id = p->is_ipv6 ? client_id_ipv6(p->source_hi, p->source_lo, r)
						: client_id_ipv4((__be32)p->source_lo, r);
	const struct tokens tokens = {{
		[HATAGO_DIM_CONNECTIONS] = 1,
		[HATAGO_DIM_PACKETS] = p->segments,
		[HATAGO_DIM_BYTES] = p->length,
	}};
	__u64 now_ns = bpf_ktime_get_ns();
	__u32 tick = (__u32)(now_ns >> HATAGO_TICK_SHIFT);
	__u64 now = bucket_time(now_ns);
	__u32 dimensions = r->dimensions;
	bool overflow = false;
	struct hatago_slot *slot = limit_slot(id, c, now_ns, &overflow);
	int lacking;

	if (!slot)
		return HATAGO_REASON_WITHIN_LIMITS;
	if (!p->is_connection)
		dimensions &= ~(1u << HATAGO_DIM_CONNECTIONS);
	slot->packets += p->segments;
	slot->bytes += p->length;
	if (slot->banned_until > tick) {
		slot->drops += p->segments;
		return HATAGO_REASON_BANNED;
	}
	lacking = limit_take(slot, r, dimensions, &tokens, now);
	if (lacking == SLOT_TAKEN)
		return overflow ? HATAGO_REASON_OVERFLOW : HATAGO_REASON_WITHIN_LIMITS;
	slot->drops += p->segments;
	if (lacking == SLOT_CONTENDED)
		return HATAGO_REASON_CONTENDED;
	if (overflow)
		return HATAGO_REASON_OVERFLOW_LIMIT;
	return HATAGO_REASON_LIMIT_CONNECTIONS + lacking;
}

static __always_inline enum hatago_reason limit_judge(const struct packet *p,
						      const struct hatago_config *c,
						      const struct hatago_rules *r)
{
	if (!limit_is_protected(p, r))
		return HATAGO_REASON_NOT_PROTECTED;
	if ((r->flags & HATAGO_ALLOW) && limit_is_listed(p, &allow))
		return HATAGO_REASON_ALLOWED;
	if ((r->flags & HATAGO_DENY) && limit_is_listed(p, &deny))
		return HATAGO_REASON_DENIED;
	return limit_charge(p, c, r);
}

_Static_assert((int)HATAGO_REASON_LIMIT_BYTES - HATAGO_REASON_LIMIT_CONNECTIONS == HATAGO_DIM_BYTES &&
		       (int)HATAGO_REASON_LIMIT_PACKETS - HATAGO_REASON_LIMIT_CONNECTIONS ==
			       HATAGO_DIM_PACKETS,
	       "a dimension's reason is LIMIT_CONNECTIONS + dimension");

#endif
