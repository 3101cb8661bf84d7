/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * From fields to a reason: is it protected, is the source listed, banned or escalated, do its
 * buckets have tokens, is it a stranger? Counts nothing about the device; that is account.h's.
 */
#ifndef HATAGO_BPF_LIMIT_H
#define HATAGO_BPF_LIMIT_H

#include "clock.h"
#include "pressure.h"
#include "seat.h"

/* What a frame takes, and the scale of what that costs: set where take() is called. */
struct tokens {
	__u64 of[HATAGO_EDGE_DIMENSIONS];
	__u64 inv;
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

/*
 * The whole of a take, where it is not as simple as can be. A function of its own, so
 * that the verifier walks it once and not once a try and path.
 */
__noinline int take(struct hatago_slot *slot, const struct hatago_rules *r, __u32 dimensions,
		    const struct tokens *n, __u64 now)
{
	if (!slot || !r || !n)
		return SLOT_TAKEN;
	return slot_take_once(slot, r, dimensions, n->of, now, (__u32)n->inv, 0, 1);
}

/* What was taken, where the budget of strangers had nothing: its next try finds it there. */
__noinline int give_back(struct hatago_slot *slot, const struct hatago_rules *r, __u32 dimensions,
			 const struct tokens *n)
{
	if (!slot || !r || !n)
		return 0;
	BUCKET_UNROLL
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if (dimensions & (1u << d))
			__sync_fetch_and_sub(&slot->tat[d],
					     bucket_refund(&r->limit[d], n->of[d], (__u32)n->inv));
	return 0;
}

static __always_inline int limit_take(const struct seat *seat, const struct hatago_config *c,
				      const struct hatago_rules *r, __u32 dimensions,
				      struct tokens *n, __u64 now_ns)
{
	__u64 now = bucket_time(now_ns);
	int lacking = SLOT_CONTENDED;

	if (!(r->flags & HATAGO_STEPS) && c->pressure.scale_inv <= HATAGO_INV_ONE)
		lacking = (seat->place & TABLE_NEW)
				  ? slot_take_once(seat->slot, r, dimensions, n->of, now,
						   HATAGO_INV_ONE, 1, 0)
				  : slot_take_once(seat->slot, r, dimensions, n->of, now,
						   HATAGO_INV_ONE, 0, 0);
	if (lacking != SLOT_CONTENDED)
		return lacking;
	n->inv = pressure_inv(&c->pressure, seat->slot, now_ns);
#pragma clang loop unroll(disable)
	for (int tries = 0; lacking == SLOT_CONTENDED && tries < BUCKET_RETRIES; tries++)
		lacking = take(seat->slot, r, dimensions, n, now);
	return lacking;
}

/*
 * A SYN for which the gate's word counts: who is trusted, escalated, or has how many open. Where
 * none of its own ports is protected (others are redirected to it) that is any.
 */
static __always_inline bool limit_is_for_gate(const struct packet *p, const struct hatago_rules *r)
{
	return p->is_connection && (!(r->flags & HATAGO_GATE_PORTS) ||
				    ((r->gate_port[p->port / 64] >> (p->port % 64)) & 1));
}

/* What is held against a frame of the client, whatever its buckets have. */
static __always_inline enum hatago_reason
limit_hold(const struct seat *seat, const struct hatago_rules *r, __u64 now_ns, bool is_for_gate)
{
	__u32 tick = tick_of(now_ns);

	if (slot_is_suspect(seat->slot, tick)) {
		if (slot_is_banned(seat->slot, tick))
			return HATAGO_REASON_BANNED;
		if (is_for_gate && slot_is_escalated(seat->slot, tick))
			return HATAGO_REASON_ESCALATED;
	}
	if (is_for_gate && r->max_connections && slot_is_trusted(seat->slot, tick) &&
	    open_is_full(seat->key, now_ns, seat->place))
		return HATAGO_REASON_LIMIT_OPEN;
	return HATAGO_REASON_WITHIN_LIMITS;
}

/* The reason for a frame that was refused by its client's buckets. */
static __always_inline enum hatago_reason limit_lacks(const struct seat *seat, int lacking)
{
	if (lacking == SLOT_CONTENDED)
		return HATAGO_REASON_CONTENDED;
	if (seat->place < 0)
		return HATAGO_REASON_OVERFLOW_LIMIT;
	return HATAGO_REASON_LIMIT_CONNECTIONS + lacking;
}

/* Takes what the frame costs its client. asked: and the budget of strangers if it is one. */
static __always_inline enum hatago_reason limit_pay(const struct seat *seat, const struct packet *p,
						    const struct hatago_config *c,
						    const struct hatago_rules *r, bool asked,
						    __u64 now_ns)
{
	struct tokens tokens = {.of = {
					[HATAGO_DIM_CONNECTIONS] = 1,
					[HATAGO_DIM_PACKETS] = p->segments,
					[HATAGO_DIM_BYTES] = p->length,
				}};
	__u32 dimensions = r->dimensions;
	int lacking;

	if (!p->is_connection)
		dimensions &= ~(1u << HATAGO_DIM_CONNECTIONS);
	lacking = limit_take(seat, c, r, dimensions, &tokens, now_ns);
	if (seat->is_away)
		keep(seat->slot, seat->key, now_ns, seat->place);
	if (lacking == SLOT_TAKEN) {
		if (!asked || slot_is_trusted(seat->slot, tick_of(now_ns)) ||
		    strangers_admit(p, now_ns))
			return seat->place < 0 ? HATAGO_REASON_OVERFLOW
					       : HATAGO_REASON_WITHIN_LIMITS;
		give_back(seat->slot, r, dimensions, &tokens);
		seat->slot->drops += p->segments;
		return HATAGO_REASON_STRANGERS;
	}
	seat->slot->drops += p->segments;
	return limit_lacks(seat, lacking);
}

/*
 * Charges the frame to its client. While strangers are asked, a SYN of one that has a slot
 * is paid for from its own buckets first, so that no single address can use up what is
 * for all; one that has none gets a slot only once it is admitted, so that a flood costs the
 * table nothing.
 */
static __always_inline enum hatago_reason
limit_charge(const struct packet *p, const struct hatago_config *c, const struct hatago_rules *r)
{
	struct hatago_client_id id = p->is_ipv6 ? client_id_ipv6(p->source_hi, p->source_lo, r)
						: client_id_ipv4((__be32)p->source_lo, r);
	__u64 now_ns = clock_now_ns(), key = table_key(id, c->secret);
	bool is_for_gate = limit_is_for_gate(p, r);
	bool asked = is_for_gate && strangers_are_asked(&c->pressure, r, now_ns);
	enum hatago_reason reason;
	struct seat seat;

	if (asked && !strangers_know(key, now_ns)) {
		if (!strangers_admit(p, now_ns))
			return HATAGO_REASON_STRANGERS;
		asked = false;
	}
	seat = seat_find(key, id.lo, c, now_ns);
	if (!seat.slot)
		return HATAGO_REASON_WITHIN_LIMITS;
	seat.slot->packets += p->segments;
	seat.slot->bytes += p->length;
	reason = limit_hold(&seat, r, now_ns, is_for_gate);
	if (reason != HATAGO_REASON_WITHIN_LIMITS) {
		seat.slot->drops += p->segments;
		return reason;
	}
	return limit_pay(&seat, p, c, r, asked, now_ns);
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
