// SPDX-License-Identifier: MIT
/*
 * May the request run? In this order: a breaker that lets it to an upstream; what is never
 * limited; the rate, from the client's bucket in the table that the edge enforces; a permit,
 * or a place in the queue. What is decided is core's; here are the lock, and the worker who
 * hears of it.
 */
#include "base/clock.h"
#include "core/rate.h"
#include "core/requests.h"
#include "gate/parts.h"

#define NS_PER_S	    1000000000ULL
#define NS_PER_MS	    1000000ULL
#define RETRY_AFTER_S	    1 /* where nothing says how long it takes */
#define DRAIN_RETRY_AFTER_S 5

static uint64_t seconds_up(uint64_t ns)
{
	return ns == UINT64_MAX ? 1 : (ns + NS_PER_S - 1) / NS_PER_S;
}

/* --- the rate --- */

struct rate_refusal {
	struct hatago_limit limit;
	uint64_t tokens, wait_ns;
	uint64_t debt_ns; /* until the client's own bucket is full */
};

/* What runs short, or nothing. The lock is held. */
static bool take_shared(struct exchange *x, const struct hatago_limit *limit, uint64_t *word,
			uint64_t now_ns, struct rate_refusal *ret)
{
	if (rate_take(word, limit, x->cost, now_ns))
		return true;
	ret->limit = *limit;
	ret->tokens = rate_tokens(word, limit, now_ns);
	ret->wait_ns = rate_wait_ns(word, limit, x->cost, now_ns);
	return false;
}

static struct clients clients_for(const struct exchange *x)
{
	struct gate *gate = x->worker->gate;
	struct clients clients;

	if (!gate->edge.sets || !x->id_is_address)
		return clients_own_view(gate->own);
	clients = gate->edge;
	clients.rules = &clients.config->rules[clients.config->active & 1];
	return clients;
}

/* The limit in force: the edge's rules may have been changed by command. */
static const struct hatago_limit *limit_in_force(const struct exchange *x,
						 const struct clients *clients)
{
	const struct settings *settings = x->worker->settings;

	return clients->rules->dimensions & 1u << HATAGO_DIM_REQUESTS
		       ? &clients->rules->limit[HATAGO_DIM_REQUESTS]
		       : &settings->rate;
}

static bool take_own(struct exchange *x, uint64_t now_ns, struct rate_refusal *ret)
{
	const struct clients clients = clients_for(x);
	const struct hatago_limit *limit = limit_in_force(x, &clients);
	struct requests_left left;

	if (x->is_handshake && requests_take(&clients, x->id, &x->worker->settings->handshake,
					     x->cost, true, now_ns, &left) == REQUESTS_TAKEN)
		return true;
	if (requests_take(&clients, x->id, limit, x->cost, false, now_ns, &left) ==
	    REQUESTS_TAKEN) {
		x->worker->gate->last_tokens = left.tokens;
		return true;
	}
	ret->limit = *limit;
	ret->tokens = left.tokens;
	ret->wait_ns = left.wait_ns;
	ret->debt_ns = left.debt_ns;
	return false;
}

static bool take_rate(struct exchange *x, uint64_t now_ns, struct rate_refusal *ret)
{
	struct gate *gate = x->worker->gate;
	const struct settings *settings = x->worker->settings;

	if (!settings->rate_is_limited || !x->cost)
		return true;
	if (settings->per_client)
		return take_own(x, now_ns, ret);
	if (x->is_handshake &&
	    rate_take(&gate->handshake_word, &settings->handshake, x->cost, now_ns))
		return true;
	return take_shared(x, &settings->rate, &gate->rate_word, now_ns, ret);
}

/* The bucket that a route or a method has for all clients together. */
static bool take_class(struct exchange *x, uint64_t now_ns, struct rate_refusal *ret)
{
	return !x->has_class_limit ||
	       take_shared(x, &x->class_limit, &x->worker->gate->class_words[x->ticket.class_id],
			   now_ns, ret);
}

/* --- refusals --- */

static void refuse_rate(struct exchange *x, const struct rate_refusal *short_of)
{
	uint64_t fill_ns = short_of->limit.tau >> HATAGO_TIME_SHIFT;
	struct refusal refusal = {
		.kind = REFUSAL_RATE,
		.retry_after_s = seconds_up(short_of->wait_ns),
		.limit = (double)short_of->limit.rate_milli / 1000,
		.remaining = short_of->tokens,
		.reset_ns = clock_real_ns() + short_of->wait_ns,
	};

	if (!refusal.retry_after_s)
		refusal.retry_after_s = 1;
	tell_refusal(x, &refusal);
	refuse(x, &refusal, short_of->limit.burst, seconds_up(fill_ns));
}

static void refuse_overload(struct exchange *x, enum refusal_kind kind, uint64_t waited_ns)
{
	struct gate *gate = x->worker->gate;
	const struct settings *settings = x->worker->settings;
	struct refusal refusal = {.kind = kind, .waited_ms = waited_ns / NS_PER_MS};
	uint64_t estimate_ns;

	uv_mutex_lock(&gate->lock);
	refusal.queue_position = admission_position(gate->admission);
	estimate_ns = admission_estimate_ns(gate->admission, (uint32_t)refusal.queue_position);
	refusal.current = admission_running(gate->admission);
	refusal.max_concurrent = admission_limit(gate->admission);
	refusal.remaining = gate_tokens(gate);
	uv_mutex_unlock(&gate->lock);
	if (settings->rate_is_limited)
		refusal.limit = (double)settings->rate.rate_milli / 1000;
	refusal.estimated_wait_ms = estimate_ns / NS_PER_MS;
	refusal.retry_after_s = seconds_up(estimate_ns);
	if (refusal.retry_after_s < RETRY_AFTER_S)
		refusal.retry_after_s = RETRY_AFTER_S;
	tell_refusal(x, &refusal);
	refuse(x, &refusal, settings->rate.burst,
	       seconds_up(settings->rate.tau >> HATAGO_TIME_SHIFT));
}

/* When the first upstream may be tried again; without a time of its own, after the usual one. */
static uint64_t breaker_retry_ns(const struct gate *gate, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (size_t i = 0; i < gate->upstream_count; i++) {
		uint64_t at_ns = breaker_next_ns(&gate->upstreams[i].breaker);

		next_ns = at_ns < next_ns ? at_ns : next_ns;
	}
	if (next_ns == UINT64_MAX)
		return gate->breaker_state == BREAKER_HALF_OPEN
			       ? NS_PER_S
			       : gate->settings->breaker.recovery_ns;
	return next_ns > now_ns ? next_ns - now_ns : 0;
}

static void refuse_breaker(struct exchange *x)
{
	struct gate *gate = x->worker->gate;
	uint64_t now_ns = flow_now_ns(&x->worker->flows), retry_ns, check_ns;
	struct refusal refusal = {.kind = REFUSAL_BREAKER};

	uv_mutex_lock(&gate->lock);
	refusal.state = breaker_state_name(gate->breaker_state);
	retry_ns = breaker_retry_ns(gate, now_ns);
	uv_mutex_unlock(&gate->lock);
	check_ns = __atomic_load_n(&gate->next_check_ns, __ATOMIC_RELAXED);
	check_ns = check_ns > now_ns ? check_ns - now_ns : 0;
	refusal.retry_after_s = seconds_up(retry_ns);
	if (refusal.retry_after_s < RETRY_AFTER_S)
		refusal.retry_after_s = RETRY_AFTER_S;
	refusal.next_check_ns = clock_real_ns() + (check_ns < retry_ns ? check_ns : retry_ns);
	tell_refusal(x, &refusal);
	refuse(x, &refusal, 0, 0);
}

void refuse_stream(struct exchange *x)
{
	x->is_one_stream_too_many = true;
	refuse_overload(x, REFUSAL_CONCURRENCY, 0);
}

/* --- the decision --- */

/* As up_run(). */
static bool run(struct exchange *x)
{
	if (x->request_is_done)
		flow_stop_timer(&x->conn->flow);
	else
		flow_set_timer(&x->conn->flow, TIMER_BODY);
	return up_run(x);
}

enum decision {
	DECIDED_RUN,
	DECIDED_WAIT,
	DECIDED_BREAKER,
	DECIDED_RATE,
	DECIDED_FULL,
	DECIDED_STREAMS
};

static enum decision decide(struct exchange *x, uint64_t now_ns, struct rate_refusal *short_of)
{
	struct gate *gate = x->worker->gate;
	struct ticket *displaced;
	struct clients clients;
	enum admission_answer answer;

	if (!dispatch_may(gate, now_ns))
		return DECIDED_BREAKER;
	if (x->is_exempt)
		return dispatch_choose(x, now_ns) ? DECIDED_RUN : DECIDED_BREAKER;
	/* The client's own first: who is refused takes nothing from the others. */
	if (!take_rate(x, now_ns, short_of)) {
		clients = clients_for(x);
		escalate(x, &clients, short_of->debt_ns, now_ns);
		return DECIDED_RATE;
	}
	if (!take_class(x, now_ns, short_of))
		return DECIDED_RATE;
	if ((x->is_get_stream || x->is_upgrade) &&
	    admission_streams(gate->admission) >= gate->settings->admission.max_streams)
		return DECIDED_STREAMS;
	x->ticket.client = 1;
	if (x->worker->settings->per_client)
		x->ticket.client = gate_key(gate, x->id);
	x->has_entered = true;
	answer = admission_enter(gate->admission, &x->ticket, now_ns, &displaced);
	if (displaced) {
		exchange_of(displaced)->lost = LOST_DISPLACED;
		wake(exchange_of(displaced), x->worker);
	}
	if (answer ==
	    ADMISSION_WAIT) /* those before it may wait for something else than a permit */
		admit_others(gate, x->worker, now_ns);
	tell_queue(gate, now_ns);
	if (answer == ADMISSION_RUN)
		dispatch_choose(x, now_ns);
	return answer == ADMISSION_RUN	  ? DECIDED_RUN
	       : answer == ADMISSION_WAIT ? DECIDED_WAIT
					  : DECIDED_FULL;
}

void admit(struct exchange *x)
{
	struct worker *w = x->worker;
	uint64_t now_ns = flow_now_ns(&w->flows);
	struct rate_refusal short_of;
	enum decision decision;

	if (w->is_draining && !x->is_exempt) {
		const struct refusal refusal = {.kind = REFUSAL_DRAINING,
						.retry_after_s = DRAIN_RETRY_AFTER_S};

		refuse(x, &refusal, 0, 0);
		return;
	}
	uv_mutex_lock(&w->gate->lock);
	decision = decide(x, now_ns, &short_of);
	uv_mutex_unlock(&w->gate->lock);
	switch (decision) {
	case DECIDED_RUN:
		run(x);
		break;
	case DECIDED_WAIT:
		x->phase = EXCHANGE_WAITING;
		flow_set_timer(&x->conn->flow, TIMER_QUEUE);
		break;
	case DECIDED_BREAKER:
		refuse_breaker(x);
		break;
	case DECIDED_RATE:
		refuse_rate(x, &short_of);
		break;
	case DECIDED_FULL:
	case DECIDED_STREAMS:
		x->is_one_stream_too_many = decision == DECIDED_STREAMS;
		refuse_overload(x, REFUSAL_CONCURRENCY, 0);
		break;
	}
}

void admit_woken(struct exchange *x)
{
	struct worker *w = x->worker;
	uint64_t now_ns = flow_now_ns(&w->flows);

	out_begin(w);
	if (x->lost == LOST_BREAKER) {
		refuse_breaker(x);
		return;
	}
	if (x->lost == LOST_DISPLACED) {
		refuse_overload(x, REFUSAL_CONCURRENCY, now_ns - x->ticket.since_ns);
		return;
	}
	histogram_record(&w->tally.queue_wait, now_ns - x->began_ns);
	if (run(x))
		up_flush(x);
}

void admit_too_late(struct exchange *x)
{
	uint64_t now_ns = flow_now_ns(&x->worker->flows), since_ns;
	bool is_waiting;

	uv_mutex_lock(&x->worker->gate->lock);
	is_waiting = x->ticket.state == TICKET_WAITING;
	since_ns = x->ticket.since_ns;
	uv_mutex_unlock(&x->worker->gate->lock);
	if (is_waiting)
		refuse_overload(x, REFUSAL_QUEUE_TIMEOUT,
				now_ns > since_ns ? now_ns - since_ns : 0);
}
