// SPDX-License-Identifier: MIT
/*
 * The gate's own object in a snapshot's JSON: what the seed document's members have no
 * place for. Times are milliseconds, percentiles are of all since the gate began.
 */
#include "metrics/json.h"

static void write_quantile(struct json *out, const char *key, const struct histogram *h,
			   double share)
{
	json_double(out, key, (double)(histogram_quantile(h, share) / 1000) / 1e3);
}

/* Rounded to a microsecond: the buckets are no finer. */
static void write_times(struct json *out, const char *key, const struct histogram *h)
{
	json_object_begin(out, key);
	write_quantile(out, "p50", h, 0.5);
	write_quantile(out, "p90", h, 0.9);
	write_quantile(out, "p99", h, 0.99);
	write_quantile(out, "max", h, 1);
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

void metrics_json_gate(const struct metrics_snapshot *snapshot, struct json *out)
{
	const struct metrics_gate *gate = &snapshot->gate;

	json_object_begin(out, "gate");
	json_bool(out, "enabled", gate->enabled);
	write_outcomes(out, &gate->sum);
	json_u64(out, "errors", gate->sum.errors);
	json_double(out, "refusedPerSecond", gate->refused_per_sec);
	write_times(out, "responseTime", &gate->sum.response);
	write_times(out, "queueWait", &gate->sum.queue_wait);
	write_connections(out, gate);
	json_u64(out, "escalations", gate->sum.escalations);
	json_object_begin(out, "events");
	json_u64(out, "emitted", snapshot->events.emitted);
	json_u64(out, "dropped", snapshot->events.dropped);
	json_object_end(out);
	json_object_end(out);
}
