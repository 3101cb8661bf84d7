// SPDX-License-Identifier: MIT
/*
 * The gate's own object in a snapshot's JSON: what the seed document's members have no
 * place for. Times are milliseconds, and of the last minute or so (core/trend.h).
 */
#include "metrics/json.h"

static void write_times(struct json *out, const char *key, const struct trend_times *times)
{
	json_object_begin(out, key);
	json_rounded(out, "p50", times->p50_ms);
	json_rounded(out, "p90", times->p90_ms);
	json_rounded(out, "p99", times->p99_ms);
	json_rounded(out, "max", times->max_ms);
	json_object_end(out);
}

static void write_outcomes(struct json *out, const struct tally *sum)
{
	json_object_begin(out, "outcomes");
	for (int outcome = 0; outcome < TALLY_OUTCOME_COUNT; outcome++)
		json_u64(out, tally_outcome_label(outcome), sum->outcomes[outcome]);
	json_object_end(out);
}

static void write_connections(struct json *out, const struct metrics_gate *gate)
{
	json_object_begin(out, "streams");
	json_u64(out, "current", gate->streams);
	json_u64(out, "max", gate->streams_max);
	json_object_end(out);
	json_object_begin(out, "connections");
	json_u64(out, "current", gate->connections);
	json_u64(out, "accepted", gate->sum.connections_accepted);
	json_u64(out, "refused", gate->sum.connections_refused);
	json_object_end(out);
	json_u64(out, "upstreamConnections", gate->sum.upstream_connections);
	json_object_begin(out, "bytes");
	json_u64(out, "in", gate->sum.client_bytes_in);
	json_u64(out, "out", gate->sum.client_bytes_out);
	json_object_end(out);
}

static void write_upstreams(struct json *out, const struct metrics_gate *gate)
{
	json_array_begin(out, "upstreams");
	for (size_t i = 0; i < gate->upstream_count; i++) {
		const struct tally_upstream *u = &gate->upstreams[i];

		json_object_begin(out, NULL);
		json_str(out, "name", u->name);
		json_u64(out, "current", u->outstanding);
		json_str(out, "breaker", breaker_state_name(u->breaker.state));
		json_u64(out, "calls", u->breaker.window.calls);
		json_u64(out, "failures", u->breaker.window.failures);
		json_u64(out, "slow", u->breaker.window.slow);
		json_u64(out, "opened", u->breaker.opened);
		json_object_end(out);
	}
	json_array_end(out);
}

void metrics_json_gate(const struct metrics_snapshot *snapshot, struct json *out)
{
	const struct metrics_gate *gate = &snapshot->gate;

	json_object_begin(out, "gate");
	json_bool(out, "enabled", gate->enabled);
	json_u64(out, "limit", gate->limit);
	write_upstreams(out, gate);
	write_outcomes(out, &gate->sum);
	json_u64(out, "errors", gate->sum.errors);
	json_double(out, "refusedPerSecond", gate->refused_per_sec);
	write_times(out, "responseTime", &gate->response);
	write_times(out, "queueWait", &gate->queue_wait);
	write_connections(out, gate);
	json_u64(out, "escalations", gate->sum.escalations);
	json_object_begin(out, "events");
	json_u64(out, "emitted", snapshot->events.emitted);
	json_u64(out, "dropped", snapshot->events.dropped);
	json_object_end(out);
	json_object_end(out);
}
