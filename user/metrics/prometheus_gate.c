// SPDX-License-Identifier: MIT
/*
 * The gate's metrics as Prometheus text; see prometheus.c. Without a gate they are there
 * all the same, at 0, since a reload may bring one.
 */
#include "metrics/prometheus.h"

/*
 * The bounds of the buckets that Prometheus sees. Ours are finer and end elsewhere: up to
 * 1/16 beyond a bound may be counted within it (core/histogram.h).
 */
static const uint32_t bounds_us[] = {
	1000,	2500,	5000,	 10000,	  25000,   50000,    100000,
	250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
};

static void write_histogram(const struct text *t, const struct histogram *h)
{
	char bound[24];

	for (size_t i = 0; i < sizeof(bounds_us) / sizeof(bounds_us[0]); i++) {
		snprintf(bound, sizeof(bound), "%g", bounds_us[i] / 1e6);
		series_of(t, "_bucket", LABELS({"le", bound}));
		value_u64(t, histogram_within(h, bounds_us[i] * 1000ULL));
	}
	series_of(t, "_bucket", LABELS({"le", "+Inf"}));
	value_u64(t, h->total);
	series_of(t, "_sum", NO_LABELS);
	value_double(t, (double)h->sum / 1e9);
	series_of(t, "_count", NO_LABELS);
	value_u64(t, h->total);
}

SCALAR_PROVIDER(gate_enabled, t->s->gate.enabled)
SCALAR_PROVIDER(concurrent_requests, t->s->gate.current)
SCALAR_PROVIDER(max_concurrent_requests, t->s->gate.max)
SCALAR_PROVIDER(queue_size, t->s->gate.queue_size)
SCALAR_PROVIDER(max_queue_size, t->s->gate.queue_max)
SCALAR_PROVIDER(gate_errors_total, t->s->gate.sum.errors)
SCALAR_PROVIDER(gate_concurrency_limit, t->s->gate.limit)
SCALAR_PROVIDER(gate_streams, t->s->gate.streams)
SCALAR_PROVIDER(gate_max_streams, t->s->gate.streams_max)
SCALAR_PROVIDER(gate_connections, t->s->gate.connections)
SCALAR_PROVIDER(gate_upstream_connections_total, t->s->gate.sum.upstream_connections)
SCALAR_PROVIDER(gate_escalations_total, t->s->gate.sum.escalations)
SCALAR_PROVIDER(gate_events_total, t->s->events.emitted)
SCALAR_PROVIDER(gate_events_dropped_total, t->s->events.dropped)

void write_gate_requests_total(const struct text *t)
{
	for (int outcome = 0; outcome < TALLY_OUTCOME_COUNT; outcome++) {
		series(t, LABELS({"outcome", tally_outcome_label(outcome)}));
		value_u64(t, t->s->gate.sum.outcomes[outcome]);
	}
}

void write_gate_response_seconds(const struct text *t)
{
	write_histogram(t, &t->s->gate.sum.response);
}

void write_gate_queue_wait_seconds(const struct text *t)
{
	write_histogram(t, &t->s->gate.sum.queue_wait);
}

void write_gate_turn_seconds(const struct text *t)
{
	write_histogram(t, &t->s->gate.sum.turn);
}

/* A metric with one series for each upstream. */
#define UPSTREAM_PROVIDER(metric, expression)                                      \
	void write_##metric(const struct text *t)                                  \
	{                                                                          \
		for (size_t i = 0; i < t->s->gate.upstream_count; i++) {           \
			const struct tally_upstream *u = &t->s->gate.upstreams[i]; \
                                                                                   \
			series(t, LABELS({"upstream", u->name}));                  \
			value_u64(t, expression);                                  \
		}                                                                  \
	}

UPSTREAM_PROVIDER(gate_upstream_requests, u->outstanding)
UPSTREAM_PROVIDER(gate_breaker_failures, u->breaker.window.failures)
UPSTREAM_PROVIDER(gate_breaker_opened_total, u->breaker.opened)

void write_gate_breaker_state(const struct text *t)
{
	for (size_t i = 0; i < t->s->gate.upstream_count; i++) {
		const struct tally_upstream *u = &t->s->gate.upstreams[i];

		for (int state = BREAKER_CLOSED; state <= BREAKER_HALF_OPEN; state++) {
			series(t,
			       LABELS({"upstream", u->name}, {"state", breaker_state_name(state)}));
			value_u64(t, u->breaker.state == (enum breaker_state)state);
		}
	}
}

void write_gate_connections_total(const struct text *t)
{
	series(t, LABELS({"result", "accepted"}));
	value_u64(t, t->s->gate.sum.connections_accepted);
	series(t, LABELS({"result", "refused"}));
	value_u64(t, t->s->gate.sum.connections_refused);
}

void write_gate_bytes_total(const struct text *t)
{
	series(t, LABELS({"direction", "in"}));
	value_u64(t, t->s->gate.sum.client_bytes_in);
	series(t, LABELS({"direction", "out"}));
	value_u64(t, t->s->gate.sum.client_bytes_out);
}
