// SPDX-License-Identifier: MIT
/*
 * A snapshot as JSON: the seed document's object, member for member, then `queue` (which
 * its onMetrics example reads at the top) and what the edge, the gate (json_gate.c) and the
 * load (json_load.c) add. Only counters that are not zero are listed, and of the clients only
 * the worst.
 */
#include "metrics/json.h"
#include "base/text.h"

/* null for time 0. */
static void write_time(struct json *out, const char *key, uint64_t realtime_ns)
{
	char text[TEXT_TIME_MAX];

	if (realtime_ns)
		text_time_utc(realtime_ns, text, sizeof(text));
	json_str(out, key, realtime_ns ? text : NULL);
}

static void write_queue(struct json *out, const struct metrics_gate *gate)
{
	json_object_begin(out, "queue");
	json_u64(out, "size", gate->queue_size);
	json_u64(out, "maxSize", gate->queue_max);
	json_object_end(out);
}

/* The seed document's members. */
static void write_seed(struct json *out, const struct metrics_gate *gate)
{
	json_object_begin(out, "concurrency");
	json_u64(out, "current", gate->current);
	json_u64(out, "max", gate->max);
	write_queue(out, gate);
	json_object_end(out);
	json_object_begin(out, "circuitBreaker");
	json_str(out, "state", breaker_state_name(gate->breaker));
	json_u64(out, "failures", gate->breaker_failures);
	write_time(out, "lastFailure", gate->last_failure_ns);
	json_object_end(out);
	json_object_begin(out, "rateLimiting");
	json_double(out, "tokens", gate->tokens);
	json_double(out, "capacity", gate->capacity);
	json_double(out, "refillRate", gate->refill_rate);
	json_object_end(out);
	json_object_begin(out, "performance");
	json_double(out, "avgResponseTime", gate->avg_response_ms);
	json_double(out, "requestsPerSecond", gate->requests_per_sec);
	json_double(out, "errorRate", gate->error_rate);
	json_object_end(out);
	write_queue(out, gate);
}

static void write_device(struct json *out, const struct metrics_device *device)
{
	json_object_begin(out, NULL);
	json_str(out, "name", device->name);
	json_bool(out, "attached", device->attached);
	json_str(out, "mode", device->attached ? metrics_mode_label(device->mode) : NULL);
	json_str(out, "why", device->why[0] ? device->why : NULL);
	json_bool(out, "unconfirmed", device->unconfirmed);
	json_array_begin(out, "counters");
	for (int verdict = 0; verdict < HATAGO_VERDICT_COUNT; verdict++) {
		for (int reason = 0; reason < HATAGO_REASON_COUNT; reason++) {
			const struct hatago_counter *counter =
				&device->counters.by[verdict][reason];

			if (!counter->packets)
				continue;
			json_object_begin(out, NULL);
			json_str(out, "verdict", metrics_verdict_label(verdict));
			json_str(out, "reason", metrics_reason_label(reason));
			json_u64(out, "packets", counter->packets);
			json_u64(out, "bytes", counter->bytes);
			json_object_end(out);
		}
	}
	json_array_end(out);
	json_object_end(out);
}

static void write_table(struct json *out, const struct metrics_edge *edge)
{
	json_object_begin(out, "table");
	json_u64(out, "slots", edge->slots);
	json_u64(out, "occupied", edge->occupied);
	json_u64(out, "live", edge->live);
	json_u64(out, "banned", edge->banned);
	json_u64(out, "trusted", edge->trusted);
	json_u64(out, "escalated", edge->escalated);
	json_u64(out, "fullSets", edge->full_sets);
	json_double(out, "scanMs", (double)edge->scan_ns / 1e6);
	json_object_end(out);
}

/* As the configuration has it; null for a dimension that is off. */
static void write_limits(struct json *out, const struct metrics_edge *edge)
{
	json_object_begin(out, "limits");
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++) {
		const struct hatago_limit *limit = &edge->limit[d];

		if (!(edge->dimensions & 1u << d)) {
			json_nil(out, metrics_dimension_label(d));
			continue;
		}
		json_object_begin(out, metrics_dimension_label(d));
		json_double(out, "tokensPerSecond", (double)limit->rate_milli / 1000);
		json_u64(out, "burstCapacity", limit->burst);
		json_u64(out, "refillInterval", (limit->step >> HATAGO_TIME_SHIFT) / 1000000);
		json_object_end(out);
	}
	json_object_end(out);
}

static void write_offender(struct json *out, const struct metrics_offender *offender)
{
	bool for_good = offender->ban_ns == METRICS_BAN_FOR_GOOD;

	json_object_begin(out, NULL);
	json_str(out, "client", offender->client);
	json_u64(out, "packets", offender->packets);
	json_u64(out, "bytes", offender->bytes);
	json_u64(out, "drops", offender->drops);
	json_bool(out, "banned", offender->ban_ns);
	if (offender->ban_ns && !for_good)
		json_double(out, "banSecondsLeft", (double)offender->ban_ns / 1e9);
	else
		json_nil(out, "banSecondsLeft");
	json_object_end(out);
}

static void write_pressure(struct json *out, const struct pressed *p)
{
	json_object_begin(out, "pressure");
	json_bool(out, "fresh", p->fresh);
	json_double(out, "pressure", p->pressure);
	json_double(out, "scale", p->scale);
	json_double(out, "trustedScale", p->trusted);
	json_bool(out, "strangersAsked", p->is_asked);
	json_u64(out, "strangersFirst", p->first);
	json_u64(out, "strangersAgain", p->again);
	json_object_end(out);
}

static void write_edge(struct json *out, const struct metrics_edge *edge)
{
	json_object_begin(out, "edge");
	json_bool(out, "enabled", edge->enabled);
	json_bool(out, "enforcing", edge->enforcing);
	json_array_begin(out, "devices");
	for (size_t i = 0; i < edge->device_count; i++)
		write_device(out, &edge->devices[i]);
	json_array_end(out);
	write_table(out, edge);
	write_limits(out, edge);
	write_pressure(out, &edge->pressed);
	json_object_begin(out, "lists");
	json_u64(out, "allow", edge->allow_entries);
	json_u64(out, "deny", edge->deny_entries);
	json_object_end(out);
	json_array_begin(out, "topOffenders");
	for (size_t i = 0; i < edge->offender_count; i++)
		write_offender(out, &edge->offenders[i]);
	json_array_end(out);
	json_object_end(out);
}

void metrics_json(const struct metrics_snapshot *snapshot, struct json *out)
{
	json_object_begin(out, NULL);
	write_time(out, "timestamp", snapshot->now_ns);
	write_seed(out, &snapshot->gate);
	metrics_json_gate(snapshot, out);
	metrics_json_load(&snapshot->load, out);
	write_edge(out, &snapshot->edge);
	json_array_begin(out, "complaints");
	for (size_t i = 0; i < snapshot->complaint_count; i++)
		json_str(out, NULL, snapshot->complaints[i]);
	json_array_end(out);
	json_object_end(out);
}
