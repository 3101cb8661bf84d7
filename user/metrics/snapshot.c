// SPDX-License-Identifier: MIT
/*
 * Fills a snapshot from a view, the gate and the configuration; see metrics.h. Copies, so
 * that what is printed is of one instant and no text points into mapped memory.
 */
#include <string.h>

#include "metrics/metrics.h"

static void device_fill(const struct view *view, const struct view_device *from,
			struct metrics_device *to)
{
	memcpy(to->name, from->name, sizeof(to->name));
	to->name[sizeof(to->name) - 1] = '\0';
	to->attached = from->attached;
	to->unconfirmed = from->attached && from->device->confirm_by_ns;
	to->mode = from->device->mode;
	memcpy(to->why, from->device->why, sizeof(to->why));
	to->why[sizeof(to->why) - 1] = '\0';
	view_device_counters(view, from, &to->counters);
}

void metrics_snapshot_view(const struct view *view, uint64_t now_ns,
			   struct metrics_snapshot *snapshot)
{
	const struct hatago_rules *rules = view_rules(view);
	struct metrics_edge *edge = &snapshot->edge;

	edge->enforcing = rules->flags & HATAGO_ENFORCE;
	edge->dimensions = rules->dimensions;
	memcpy(edge->limit, rules->limit, sizeof(edge->limit));
	pressed_look(view->config, rules, now_ns, &edge->pressed);
	edge->slots = (uint64_t)view->set_count * HATAGO_WAYS;
	edge->device_count = view->device_count;
	for (size_t i = 0; i < view->device_count; i++)
		device_fill(view, &view->devices[i], &edge->devices[i]);
}

void metrics_snapshot_config(const struct config *config, struct metrics_snapshot *snapshot)
{
	const struct hatago_limit *limit = &config->rate_limiting.limit;
	struct metrics_gate *gate = &snapshot->gate;

	snapshot->edge.enabled = config->edge.enabled;
	snapshot->edge.pressed.scale = snapshot->edge.pressed.trusted = 1;
	gate->enabled = config->gate.enabled;
	gate->max = gate->limit = config->concurrency.max_concurrent;
	gate->queue_max = config->concurrency.queue_size;
	gate->streams_max = config->gate.max_streams;
	gate->capacity = gate->tokens = (double)limit->burst;
	gate->refill_rate = (double)limit->rate_milli / 1000;
}

static void breakers_fill(const struct tally_gate *gate, uint64_t now_ns,
			  struct metrics_snapshot *snapshot)
{
	struct metrics_gate *to = &snapshot->gate;
	uint64_t last_ns = 0;

	to->breaker = gate->breaker;
	to->upstream_count = gate->upstream_count;
	memcpy(to->upstreams, gate->upstreams, sizeof(to->upstreams));
	to->breaker_failures = 0;
	for (size_t i = 0; i < gate->upstream_count; i++) {
		const struct breaker_view *b = &gate->upstreams[i].breaker;

		to->breaker_failures += b->window.failures;
		last_ns = b->last_failure_ns > last_ns ? b->last_failure_ns : last_ns;
	}
	to->last_failure_ns = last_ns ? snapshot->now_ns - (now_ns - last_ns) : 0;
}

void metrics_snapshot_gate(const struct tally_gate *gate, const struct trend *trend,
			   uint64_t now_ns, struct metrics_snapshot *snapshot)
{
	struct metrics_gate *to = &snapshot->gate;
	struct trend_view view;

	trend_look(trend, &gate->sum, now_ns, &view);
	to->current = gate->current;
	to->max = gate->max_concurrent;
	to->limit = gate->limit;
	breakers_fill(gate, now_ns, snapshot);
	to->queue_size = gate->queued;
	to->queue_max = gate->queue_size;
	if (gate->capacity > 0) { /* else no bucket was asked yet: full, as configured */
		to->tokens = gate->tokens;
		to->capacity = gate->capacity;
		to->refill_rate = gate->refill_rate;
	}
	to->avg_response_ms = view.avg_response_ms;
	to->requests_per_sec = view.requests_per_sec;
	to->refused_per_sec = view.refused_per_sec;
	to->error_rate = view.error_rate;
	to->response = view.response;
	to->queue_wait = view.queue_wait;
	to->streams = tally_level(gate->sum.streams);
	to->streams_max = gate->streams_max;
	to->connections = tally_level(gate->sum.connections);
	to->sum = gate->sum;
}
