// SPDX-License-Identifier: MIT
/*
 * See explain.h. The order is that of bpf/limit.h: limit_judge(), then limit_charge();
 * the buckets are read with the same bucket.h that takes from them. A client without a slot
 * is a stranger first and charged after, but finds full buckets: the same in the end, unless
 * it is to share an overflow slot.
 */
#include "core/explain.h"

#include "core/ban.h"
#include "core/connections.h"
#include "core/escalate.h"
#include "core/requests.h"
#include "core/standing.h"

/* What a frame of this many bytes takes from each bucket. */
#define EXPLAIN_COST(bytes)                                              \
	{                                                                \
		[HATAGO_DIM_CONNECTIONS] = 1, [HATAGO_DIM_PACKETS] = 1,  \
		[HATAGO_DIM_BYTES] = (bytes), [HATAGO_DIM_REQUESTS] = 1, \
	}

bool explain_is_protected(const struct hatago_rules *rules, bool is_ipv6)
{
	const uint32_t any = HATAGO_PROTECT_ALL | HATAGO_PROTECT_PORT | HATAGO_PROTECT_ICMP;

	return (rules->flags & (is_ipv6 ? HATAGO_IPV6 : HATAGO_IPV4)) && (rules->flags & any);
}

/* The slot that the next frame would be charged to, as it would be then, and the requests. */
static void explain_find(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
			 struct explain *e)
{
	struct client_at at;

	e->requests_tat = bucket_time(now_ns);
	if (clients_find(clients, id, &at)) {
		e->place = EXPLAIN_KNOWN;
		e->slot = *at.slot;
		e->requests_tat = requests_tat(&at, false, now_ns);
		if (pressure_is_fresh(&clients->config->pressure, now_ns))
			e->open = connections_get(&at, now_ns);
	} else if (clients_has_room(clients, id, now_ns)) {
		e->place = EXPLAIN_NEW;
		e->slot = (struct hatago_slot){0};
		for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
			e->slot.tat[d] = bucket_time(now_ns);
	} else {
		e->place = EXPLAIN_OVERFLOW;
		at = clients_overflow(clients, id);
		e->slot = *at.slot;
		e->requests_tat = requests_tat(&at, false, now_ns);
	}
}

/* Tokens that `cost` of them count as at a scale; never more than there are. */
static uint64_t explain_scaled(const struct hatago_limit *limit, uint64_t cost, uint32_t inv)
{
	unsigned __int128 scaled = (unsigned __int128)cost * inv;

	if (cost >= limit->burst || scaled >= (unsigned __int128)limit->burst * HATAGO_INV_ONE)
		return cost > limit->burst ? cost : limit->burst;
	return (uint64_t)((scaled + HATAGO_INV_ONE - 1) / HATAGO_INV_ONE);
}

static void explain_bucket(const struct hatago_limit *limit, uint64_t tat, uint64_t cost,
			   uint32_t inv, uint64_t now, struct explain_bucket *ret)
{
	*ret = (struct explain_bucket){
		.enabled = true,
		.limit = limit,
		.tokens = bucket_tokens(tat, limit, now),
		.cost = explain_scaled(limit, cost, inv),
		.wait_ns = bucket_wait_scaled_ns(tat, limit, now, cost, inv),
	};
}

static enum hatago_verdict explain_drop(const struct hatago_rules *rules)
{
	return rules->flags & HATAGO_ENFORCE ? HATAGO_VERDICT_DROP : HATAGO_VERDICT_WOULD_DROP;
}

/* The list's word, which no bucket changes; false where the lists are silent. */
static bool explain_lists(const struct explain_client *client, const struct hatago_rules *rules,
			  struct explain_verdict *ret)
{
	if (!explain_is_protected(rules, !client_id_is_ipv4(client->id)))
		*ret = (struct explain_verdict){HATAGO_REASON_NOT_PROTECTED, HATAGO_VERDICT_PASS,
						0};
	else if ((rules->flags & HATAGO_ALLOW) && client->is_allowed)
		*ret = (struct explain_verdict){HATAGO_REASON_ALLOWED, HATAGO_VERDICT_PASS, 0};
	else if ((rules->flags & HATAGO_DENY) && client->is_denied)
		*ret = (struct explain_verdict){HATAGO_REASON_DENIED, explain_drop(rules),
						EXPLAIN_NEVER};
	else
		return false;
	return true;
}

/* What the client's standing says, over what its buckets do. */
static void explain_standing(const struct explain *e, const struct hatago_rules *rules,
			     bool is_connection, struct explain_verdict *v)
{
	bool escalated = is_connection && e->escalated_ns;
	uint64_t left = escalated ? e->escalated_ns : e->ban_ns; /* never both */

	if (is_connection && rules->max_connections && e->open >= rules->max_connections)
		*v = (struct explain_verdict){HATAGO_REASON_LIMIT_OPEN, explain_drop(rules),
					      EXPLAIN_NEVER};
	if (!e->ban_ns && !escalated)
		return;
	v->reason = escalated ? HATAGO_REASON_ESCALATED : HATAGO_REASON_BANNED;
	v->verdict = explain_drop(rules);
	if (left > v->wait_ns)
		v->wait_ns = left;
}

/* What becomes of a frame that takes cost[d] of those in `dimensions`. */
static void explain_charge(const struct explain *e, const struct hatago_rules *rules,
			   uint32_t dimensions, const uint64_t cost[HATAGO_DIM_COUNT], uint64_t now,
			   struct explain_verdict *ret)
{
	bool overflow = e->place == EXPLAIN_OVERFLOW;
	struct explain_verdict v = {
		.reason = overflow ? HATAGO_REASON_OVERFLOW : HATAGO_REASON_WITHIN_LIMITS,
		.verdict = HATAGO_VERDICT_PASS,
	};

	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++) {
		uint64_t wait;

		if (!(dimensions & rules->dimensions & (1u << d)))
			continue;
		wait = bucket_wait_scaled_ns(e->slot.tat[d], &rules->limit[d], now, cost[d],
					     e->inv);
		if (wait && v.verdict == HATAGO_VERDICT_PASS) {
			v.reason = overflow ? HATAGO_REASON_OVERFLOW_LIMIT
					    : HATAGO_REASON_LIMIT_CONNECTIONS + (unsigned int)d;
			v.verdict = explain_drop(rules);
		}
		if (wait > v.wait_ns)
			v.wait_ns = wait;
	}
	explain_standing(e, rules, dimensions & (1u << HATAGO_DIM_CONNECTIONS), &v);
	*ret = v;
}

/*
 * What the budget of strangers says of its SYN, where nothing that is asked before does. How
 * long until there are tokens is true only if no other stranger takes them.
 */
static void explain_strangers(const struct explain *e, const struct clients *clients, uint64_t now,
			      struct explain_verdict *v)
{
	const struct hatago_config *config = clients->config;
	uint32_t inv = BUCKET_READ(config->pressure.strangers_inv);
	uint64_t wait = bucket_wait_scaled_ns(BUCKET_READ(config->strangers.first),
					      &clients->rules->strangers, now, 1,
					      inv < HATAGO_INV_MAX ? inv : HATAGO_INV_MAX);

	if (wait > v->wait_ns)
		v->wait_ns = wait;
	if (!wait || (v->verdict != HATAGO_VERDICT_PASS && e->place == EXPLAIN_KNOWN))
		return;
	v->reason = HATAGO_REASON_STRANGERS;
	v->verdict = explain_drop(clients->rules);
}

void explain_client(const struct explain_client *client, const struct clients *clients,
		    uint64_t now_ns, struct explain *ret)
{
	const struct hatago_rules *rules = clients->rules;
	static const uint64_t frame[] = EXPLAIN_COST(EXPLAIN_FRAME_BYTES);
	static const uint64_t syn[] = EXPLAIN_COST(EXPLAIN_SYN_BYTES);
	const uint32_t all = (1u << HATAGO_DIM_COUNT) - 1;
	uint64_t now = bucket_time(now_ns);
	struct explain e = {.now_ns = now_ns};

	explain_find(clients, client->id, now_ns, &e);
	e.ban_ns = ban_remaining_ns(ban_of(&e.slot), now_ns);
	e.escalated_ns = escalate_remaining_ns(&e.slot, now_ns);
	e.trusted_ns = standing_left_of_ns(e.slot.standing, HATAGO_TRUSTED, now_ns);
	e.inv = pressure_inv(&clients->config->pressure, &e.slot, now_ns);
	e.is_asked =
		!e.trusted_ns && strangers_are_asked(&clients->config->pressure, rules, now_ns);
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if ((rules->dimensions & (1u << d)) && rules->limit[d].tau)
			explain_bucket(&rules->limit[d], e.slot.tat[d], frame[d], e.inv, now,
				       &e.bucket[d]);
	if ((rules->dimensions & (1u << HATAGO_DIM_REQUESTS)) &&
	    rules->limit[HATAGO_DIM_REQUESTS].tau)
		explain_bucket(&rules->limit[HATAGO_DIM_REQUESTS], e.requests_tat, 1,
			       HATAGO_INV_ONE, now, &e.bucket[HATAGO_DIM_REQUESTS]);
	if (explain_lists(client, rules, &e.frame)) {
		e.connection = e.frame;
	} else {
		explain_charge(&e, rules, all & ~(1u << HATAGO_DIM_CONNECTIONS), frame, now,
			       &e.frame);
		explain_charge(&e, rules, all, syn, now, &e.connection);
		if (e.is_asked)
			explain_strangers(&e, clients, now, &e.connection);
	}
	*ret = e;
}
