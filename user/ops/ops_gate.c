// SPDX-License-Identifier: MIT
/*
 * The gate's part of `status`: what is in flight and waits, how the last minute went, and
 * what was refused since the start, by reason. hatagod alone knows it (daemon->gate).
 */
#include "ops/commands.h"

static void write_of(const char *key, uint64_t current, uint64_t max, struct json *out)
{
	json_object_begin(out, key);
	json_u64(out, "current", current);
	json_u64(out, "max", max);
	json_object_end(out);
}

static void write_times(const char *key, const struct trend_times *times, struct json *out)
{
	json_object_begin(out, key);
	json_rounded(out, "p50", times->p50_ms);
	json_rounded(out, "p99", times->p99_ms);
	json_object_end(out);
}

/* Those that occurred, in the order of their list. */
static void write_outcomes(const char *key, const struct tally *sum,
			   bool (*is_among)(enum tally_outcome), struct json *out)
{
	json_array_begin(out, key);
	for (int outcome = 0; outcome < TALLY_OUTCOME_COUNT; outcome++) {
		if (!is_among(outcome) || !sum->outcomes[outcome])
			continue;
		json_object_begin(out, NULL);
		json_str(out, "reason", tally_outcome_label(outcome));
		json_u64(out, "requests", sum->outcomes[outcome]);
		json_str(out, "help", tally_outcome_help(outcome));
		json_object_end(out);
	}
	json_array_end(out);
}

static void write_trend(const struct trend_view *trend, struct json *out)
{
	json_object_begin(out, "lately");
	ops_write_ms("over_ms", trend->over_ns, out);
	json_rounded(out, "requests_per_second", trend->requests_per_sec);
	json_rounded(out, "refused_per_second", trend->refused_per_sec);
	json_rounded(out, "average_ms", trend->avg_response_ms);
	json_rounded(out, "error_rate", trend->error_rate);
	write_times("response_ms", &trend->response, out);
	write_times("queue_wait_ms", &trend->queue_wait, out);
	json_object_end(out);
}

void ops_write_gate(const struct ops_context *ops, struct json *out)
{
	const struct ops_daemon *daemon = ops->daemon;
	struct tally_gate gate = {0};
	struct trend_view trend = {0};

	if (!daemon || !daemon->gate || !daemon->gate(ops->daemon_ctx, &gate, &trend)) {
		json_nil(out, "gate");
		return;
	}
	json_object_begin(out, "gate");
	write_of("concurrency", gate.current, gate.max_concurrent, out);
	json_u64(out, "limit", gate.limit);
	json_object_begin(out, "breaker");
	ops_write_breakers(ops, &gate, out);
	json_object_end(out);
	write_of("queue", gate.queued, gate.queue_size, out);
	write_of("streams", tally_level(gate.sum.streams), gate.streams_max, out);
	json_u64(out, "connections", tally_level(gate.sum.connections));
	write_trend(&trend, out);
	json_u64(out, "served", gate.sum.outcomes[TALLY_SERVED]);
	json_u64(out, "errors", gate.sum.errors);
	write_outcomes("refused", &gate.sum, tally_is_refusal, out);
	write_outcomes("failed", &gate.sum, tally_is_failure, out);
	json_object_end(out);
}
