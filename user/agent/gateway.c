// SPDX-License-Identifier: MIT
/*
 * The gate within hatagod: opened before the edge, started once the rights are dropped, given
 * the edge's client table through a mapping of its own, so that another table can take the
 * old one's place at any time; its events go to the hooks, its counters to the metrics. At
 * a stop it is drained first.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/connections.h"
#include "kern/pins.h"

#define GATEWAY_DRAIN_LOOK_MS 20
#define GATEWAY_NS_PER_MS     1000000ULL

/* --- the client table --- */

static void table_unmap(struct gateway_table *table)
{
	const struct {
		void *at;
		size_t size;
	} parts[] = {
		{table->config, sizeof(*table->config)},
		{table->sets, table->set_count * sizeof(*table->sets)},
		{table->sides, table->set_count * sizeof(*table->sides)},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].at)
			munmap(parts[i].at, parts[i].size);
	*table = (struct gateway_table){0};
}

static void *table_part(int fd, size_t size)
{
	const struct pins_map map = {.fd = fd, .writable = true};

	return pins_map_values(&map, size);
}

static bool table_map(const struct view *view, struct gateway_table *ret)
{
	struct gateway_table table = {.set_count = view->set_count, .id = view->clients_id};

	table.config = table_part(view->config_fd, sizeof(*table.config));
	table.sets = table_part(view->clients_fd, table.set_count * sizeof(*table.sets));
	table.sides = table_part(view->sides_fd, table.set_count * sizeof(*table.sides));
	if (!table.config || !table.sets || !table.sides) {
		table_unmap(&table);
		return false;
	}
	*ret = table;
	return true;
}

void gateway_follow_table(struct agent *agent)
{
	const struct view *view = agent->ops.view;
	struct gateway_table old = agent->gateway_table, table;
	struct clients clients;

	if (!agent->gate || !view || view->clients_id == old.id)
		return;
	if (!table_map(view, &table)) {
		log_line(LEVEL_ERROR, "the gate can't map the edge's client table; it counts "
				      "requests in memory of its own");
		table = (struct gateway_table){.id = view->clients_id};
	}
	clients = (struct clients){
		.sets = table.sets,
		.sides = table.sides,
		.set_count = table.set_count,
		.front_count = table.config ? table.config->front_count : 0,
		.config = table.config,
	};
	if (table.sets) /* an earlier hatagod's, or as they were a moment ago: the gate tells them
			   anew */
		connections_clear(&clients);
	gate_set_clients(agent->gate, table.sets ? &clients : NULL);
	agent->gateway_table = table;
	table_unmap(&old);
}

/* --- what it tells --- */

static void on_event(void *ctx, enum gate_event event, const char *json)
{
	static const char *const names[] = {
		[GATE_LIMIT_EXCEEDED] = "onLimitExceeded",
		[GATE_QUEUE_CHANGED] = "onQueueChange",
		[GATE_ESCALATED] = "escalationStart",
		[GATE_ESCALATION_ENDED] = "escalationEnd",
		[GATE_BREAKER_CHANGED] = "onStateChange",
		[GATE_CIRCUIT_OPENED] = "onCircuitOpen",
		[GATE_LIMIT_CHANGED] = "limitChanged",
	};
	struct agent *agent = ctx;

	if (event == GATE_ESCALATED || event == GATE_ESCALATION_ENDED)
		log_line(LEVEL_INFO, "%s: %s", names[event], json);
	else if (event == GATE_BREAKER_CHANGED)
		log_line(LEVEL_WARNING, "circuit breaker: %s", json);
	events_emit(agent->events, names[event], json);
	if (event == GATE_BREAKER_CHANGED)
		adapt_follow_circuit(agent);
}

static char *on_metrics(void *ctx, size_t *ret_length)
{
	return endpoint_json(ctx, ret_length);
}

static void on_metrics_timer(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	size_t length;
	char *json;

	if (!events_are_wanted(agent->events, "onMetrics"))
		return;
	json = endpoint_json(agent, &length);
	if (json)
		events_emit(agent->events, "onMetrics", json);
	free(json);
}

bool gateway_tally(struct agent *agent, struct tally_gate *ret)
{
	if (!agent->gate)
		return false;
	gate_tally(agent->gate, ret);
	return true;
}

void gateway_sample(struct agent *agent)
{
	struct tally_gate *tally = &agent->gateway_tally;

	if (!gateway_tally(agent, tally))
		return;
	trend_sample(&agent->trend, &tally->sum, clock_mono_ns());
	gate_tick(agent->gate);
}

/* --- begin, change, end --- */

int gateway_open(struct agent *agent, struct err *err)
{
	const struct gate_owner owner = {.ctx = agent, .event = on_event, .metrics = on_metrics};

	if (!agent->config->gate.enabled)
		return 0;
	trend_init(&agent->trend, clock_mono_ns());
	return gate_new(agent->config, &agent->loop, &owner, &agent->gate, err);
}

int gateway_start(struct agent *agent, struct err *err)
{
	const struct config_gate *config = &agent->config->gate;
	int r;

	if (!agent->gate)
		return 0;
	gateway_follow_table(agent);
	r = gate_start(agent->gate, err);
	if (r < 0)
		return r;
	gateway_set_timer(agent);
	for (size_t i = 0; i < config->listen_count; i++)
		log_line(LEVEL_INFO, "the gate listens on %s", config->listen[i]);
	for (size_t i = 0; i < config->upstream_count; i++)
		log_line(LEVEL_INFO, "upstream: %s", config->upstream[i]);
	return 0;
}

void gateway_set_timer(struct agent *agent)
{
	uint64_t ms = agent->config->hooks_metrics_ms;

	if (agent->gate)
		uv_timer_start(&agent->metrics_timer, on_metrics_timer, ms, ms);
}

int gateway_reload(struct agent *agent, const struct config *config, struct err *err)
{
	return agent->gate ? gate_reload(agent->gate, config, err) : 0;
}

static void on_drain_timer(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	uint32_t left = gate_in_flight(agent->gate);

	if (left && clock_mono_ns() < agent->drain_until_ns)
		return;
	if (left)
		log_line(LEVEL_WARNING, "%u requests are broken off: gate.drainTimeout is over",
			 left);
	uv_timer_stop(timer);
	uv_stop(&agent->loop);
}

bool gateway_drain(struct agent *agent)
{
	if (!agent->gate || !agent->is_ready || agent->drain_until_ns ||
	    !gate_in_flight(agent->gate))
		return false;
	gate_drain(agent->gate);
	agent->drain_until_ns = clock_mono_ns() + agent->config->gate.drain_ms * GATEWAY_NS_PER_MS;
	log_line(LEVEL_INFO, "waiting for %u requests to end", gate_in_flight(agent->gate));
	uv_timer_start(&agent->drain_timer, on_drain_timer, GATEWAY_DRAIN_LOOK_MS,
		       GATEWAY_DRAIN_LOOK_MS);
	return true;
}

void gateway_close(struct agent *agent)
{
	gate_free(agent->gate);
	agent->gate = NULL;
	table_unmap(&agent->gateway_table);
}
