// SPDX-License-Identifier: MIT
/*
 * Which upstream a request goes to, with its breaker's leave (a pass), and what is learned when
 * it comes back: the breaker hears whether the upstream failed, the adaptation how long it took.
 * A request that runs has one pass, or none between two upstreams of which it tries the next.
 */
#include "base/clock.h"
#include "gate/parts.h"

#define SHED_MAX 128 /* that lose their place in the queue while the lock is held once */

static bool is_open(const struct exchange *x, uint32_t at, uint64_t now_ns)
{
	return !(x->tried & 1u << at) &&
	       breaker_may_pass(&x->worker->gate->upstreams[at].breaker, now_ns);
}

bool dispatch_may(const struct gate *gate, uint64_t now_ns)
{
	for (size_t i = 0; i < gate->upstream_count; i++)
		if (breaker_may_pass(&gate->upstreams[i].breaker, now_ns))
			return true;
	return false;
}

/* Whoever waits now, in vain, hears of it from the main loop. */
static void shed_later(struct gate *gate, uint64_t now_ns)
{
	if (admission_queued(gate->admission) && !gate->settings->hold_on_open &&
	    !dispatch_may(gate, now_ns))
		uv_async_send(&gate->async);
}

/* The one with the fewest requests; its turn where several are equal. */
bool dispatch_choose(struct exchange *x, uint64_t now_ns)
{
	struct gate *gate = x->worker->gate;
	size_t count = gate->upstream_count;
	struct upstream *best = NULL;

	gate->next_upstream++;
	for (size_t i = 0; i < count; i++) {
		uint32_t at = (uint32_t)((gate->next_upstream + i) % count);
		struct upstream *upstream = &gate->upstreams[at];

		if (best && upstream->outstanding >= best->outstanding)
			continue;
		if (is_open(x, at, now_ns))
			best = upstream;
	}
	if (!best || !breaker_pass(&best->breaker, now_ns, &x->pass))
		return false;
	dispatch_follow(gate, best, now_ns);
	best->outstanding++;
	x->has_pass = true;
	x->upstream = (uint32_t)(best - gate->upstreams);
	x->failure = 0;
	x->ran_ns = now_ns;
	shed_later(gate, now_ns);
	return true;
}

/* --- what is learned --- */

static enum breaker_outcome outcome_of(const struct exchange *x)
{
	unsigned int failure = x->failure;

	if (!failure && x->status >= 500)
		failure = 1u << CONFIG_FAIL_5XX;
	if (failure & x->worker->gate->settings->fail_on)
		return BREAKER_BAD;
	/* Without an answer nothing is known: the client left, or it counts for nothing. */
	return x->answer_has_begun ? BREAKER_GOOD : BREAKER_UNKNOWN;
}

void dispatch_done(struct exchange *x, uint64_t now_ns)
{
	struct gate *gate = x->worker->gate;
	struct upstream *upstream = &gate->upstreams[x->upstream];
	uint64_t end_ns = x->first_ns ? x->first_ns : x->head_ns ? x->head_ns : now_ns;
	uint64_t took_ns = end_ns > x->ran_ns ? end_ns - x->ran_ns : 0;
	enum breaker_outcome outcome = outcome_of(x);

	if (!x->has_pass)
		return;
	x->has_pass = false;
	if (outcome == BREAKER_GOOD) {
		tally_count(&x->worker->tally.upstream_ns_sum, took_ns);
		tally_count(&x->worker->tally.upstream_answers, 1);
	}
	upstream->outstanding--;
	breaker_report(&upstream->breaker, &x->pass, outcome, took_ns, now_ns);
	dispatch_follow(gate, upstream, now_ns);
	if (x->ticket.state == TICKET_RUNNING && outcome != BREAKER_UNKNOWN)
		adapt_sample(gate, took_ns, outcome == BREAKER_BAD, now_ns);
}

void dispatch_again(struct exchange *x)
{
	struct gate *gate = x->worker->gate;
	uint64_t now_ns = flow_now_ns(&x->worker->flows);

	x->tried |= 1u << x->upstream;
	uv_mutex_lock(&gate->lock);
	dispatch_done(x, now_ns);
	dispatch_choose(x, now_ns);
	admit_others(gate, x->worker, now_ns);
	uv_mutex_unlock(&gate->lock);
}

/* --- the breakers --- */

static enum breaker_state whole_state(const struct gate *gate)
{
	enum breaker_state states[CONFIG_UPSTREAMS_MAX];

	for (size_t i = 0; i < gate->upstream_count; i++)
		states[i] = gate->upstreams[i].breaker.state;
	return breaker_whole(states, gate->upstream_count);
}

void dispatch_follow(struct gate *gate, struct upstream *upstream, uint64_t now_ns)
{
	struct breaker_change change;
	enum breaker_state before = gate->breaker_state;
	bool has_changed = false;

	while (breaker_changed(&upstream->breaker, &change)) {
		gate->breaker_state = whole_state(gate);
		tell_breaker(gate, upstream, &change,
			     before != BREAKER_OPEN && gate->breaker_state == BREAKER_OPEN);
		before = gate->breaker_state;
		has_changed = true;
	}
	if (!has_changed)
		return;
	shed_later(gate, now_ns);
	uv_async_send(&gate->async); /* its next step has another time now */
}

/* Those who wait while nothing may pass. false: more of them are left. */
static bool shed(struct gate *gate, uint64_t now_ns)
{
	struct ticket *ticket;

	if (gate->settings->hold_on_open || dispatch_may(gate, now_ns))
		return true;
	for (int i = 0; i < SHED_MAX; i++) {
		ticket = admission_shed(gate->admission, now_ns);
		if (!ticket)
			return true;
		exchange_of(ticket)->lost = LOST_BREAKER;
		wake(exchange_of(ticket), NULL);
	}
	return admission_queued(gate->admission) == 0;
}

uint64_t dispatch_turn(struct gate *gate)
{
	uint64_t now_ns = clock_mono_ns(), next_ns = UINT64_MAX;

	uv_mutex_lock(&gate->lock);
	for (size_t i = 0; i < gate->upstream_count; i++) {
		struct upstream *upstream = &gate->upstreams[i];
		uint64_t at_ns;

		if (breaker_tick(&upstream->breaker, now_ns))
			dispatch_follow(gate, upstream, now_ns);
		at_ns = breaker_next_ns(&upstream->breaker);
		next_ns = at_ns < next_ns ? at_ns : next_ns;
	}
	if (!shed(gate, now_ns))
		next_ns = now_ns;
	admit_others(gate, NULL, now_ns);
	uv_mutex_unlock(&gate->lock);
	return next_ns;
}
