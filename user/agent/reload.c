// SPDX-License-Identifier: MIT
/*
 * A new configuration: read and checked whole, compared, and put in force, or nothing of
 * it. What takes effect only at a start (edge itself, edge.pins, metrics, control) keeps its
 * old value, is named in a warning, and stands among the complaints until the restart.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/describe.h"

#define RELOAD_LINE_MAX 160 /* bytes of a sentence on one key */

/* What the file says about keys that can't change now. */
struct reload_fixed {
	bool has_edge, has_gate; /* the section itself came or went: all of it is fixed */
	struct config_edge edge;
	struct config_gate gate;
	char *pins;
	struct config_metrics metrics;
	struct config_control control;
};

/* Where the gate listens and what stands behind it, from one to the other. */
static void gate_take_fixed(const struct config_gate *from, struct config_gate *to)
{
	memcpy(to->listen, from->listen, sizeof(to->listen));
	memcpy(to->upstream, from->upstream, sizeof(to->upstream));
	to->listen_count = from->listen_count;
	to->upstream_count = from->upstream_count;
	to->workers = from->workers;
}

/* Lends the values of what is running to what was loaded, and keeps the latter's. */
static void fixed_take(const struct config *running, struct config *loaded,
		       struct reload_fixed *ret)
{
	*ret = (struct reload_fixed){
		.has_edge = running->edge.enabled != loaded->edge.enabled,
		.has_gate = running->gate.enabled != loaded->gate.enabled,
		.edge = loaded->edge,
		.gate = loaded->gate,
		.pins = loaded->edge.pins,
		.metrics = loaded->metrics,
		.control = loaded->control,
	};
	loaded->metrics = running->metrics;
	loaded->control = running->control;
	if (ret->has_edge)
		loaded->edge = running->edge;
	else
		loaded->edge.pins = running->edge.pins;
	if (ret->has_gate)
		loaded->gate = running->gate;
	else
		gate_take_fixed(&running->gate, &loaded->gate);
}

/* Gives them to whichever of the two is to be freed. */
static void fixed_give(const struct reload_fixed *fixed, struct config *config)
{
	config->metrics = fixed->metrics;
	config->control = fixed->control;
	if (fixed->has_edge)
		config->edge = fixed->edge;
	else
		config->edge.pins = fixed->pins;
	if (fixed->has_gate)
		config->gate = fixed->gate;
	else
		gate_take_fixed(&fixed->gate, &config->gate);
}

struct reload_diff {
	struct config_change wanted[CONFIG_CHANGES_MAX], now[CONFIG_CHANGES_MAX];
	size_t wanted_count, now_count;
};

static bool reload_is_now(const struct reload_diff *diff, const char *key)
{
	for (size_t i = 0; i < diff->now_count; i++)
		if (diff->now[i].key == key)
			return true;
	return false;
}

/* One sentence for each key, to the log and to whoever asked. */
static void reload_tell(struct agent *agent, const struct reload_diff *diff, struct json *changes)
{
	char line[RELOAD_LINE_MAX];

	agent->pending_count = 0;
	for (size_t i = 0; i < diff->wanted_count; i++) {
		const char *key = diff->wanted[i].key;
		bool is_now = reload_is_now(diff, key);

		snprintf(line, sizeof(line), is_now ? "%s changed" : "%s waits for a restart", key);
		log_line(is_now ? LEVEL_INFO : LEVEL_WARNING, "reload: %s", line);
		if (changes)
			json_str(changes, NULL, line);
		if (!is_now && agent->pending_count < AGENT_PENDING_MAX)
			agent->pending[agent->pending_count++] = key;
	}
}

static void reload_emit(struct agent *agent, size_t changes, bool failed)
{
	char json[RELOAD_LINE_MAX];

	snprintf(json, sizeof(json), "{\"changes\":%zu,\"failed\":%s}", changes,
		 failed ? "true" : "false");
	events_emit(agent->events, "configReloaded", json);
}

static void reload_failed(struct agent *agent, const struct config_problems *problems,
			  const char *text)
{
	free(agent->reload_failure);
	agent->reload_failure = strdup(text);
	agent->snapshot.failed_reloads++;
	for (size_t i = 0; i < problems->count; i++)
		log_line(LEVEL_ERROR, "%s", problems->lines[i]);
	log_line(LEVEL_ERROR, "reload failed, nothing has changed: %s", text);
	reload_emit(agent, 0, true);
}

static void reload_done(struct agent *agent, struct config *config, const struct reload_diff *diff,
			struct json *changes)
{
	agent->config = config;
	agent->lists_counted = false;
	agent->scanned_ns = 0;
	agent->reloaded_ns = clock_real_ns();
	agent->snapshot.reloads++;
	free(agent->reload_failure);
	agent->reload_failure = NULL;
	reload_tell(agent, diff, changes);
	log_line(LEVEL_INFO, "reloaded %s%s", agent->config_path,
		 diff->wanted_count ? "" : "; nothing in it has changed");
	tell_without_effect(config);
	events_set_hooks(agent->events, config->hooks);
	gateway_set_timer(agent);
	adapt_reload(agent);
	reload_emit(agent, diff->wanted_count, false);
}

static int reload_apply(struct agent *agent, struct config *loaded, struct json *changes,
			struct err *err)
{
	struct config *running = agent->config;
	struct reload_fixed fixed;
	struct reload_diff diff;
	int r = 0;

	diff.wanted_count = config_diff(running, loaded, diff.wanted, CONFIG_CHANGES_MAX);
	fixed_take(running, loaded, &fixed);
	diff.now_count = config_diff(running, loaded, diff.now, CONFIG_CHANGES_MAX);
	watch_look(agent);
	if (agent->edge)
		r = edge_reload(agent->edge, running, loaded, err);
	if (r == 0 && gateway_reload(agent, loaded, err) < 0)
		log_line(LEVEL_ERROR, "the gate keeps its old settings: %s", err->text);
	fixed_give(&fixed, r < 0 ? loaded : running);
	config_free(r < 0 ? loaded : running);
	if (r < 0)
		return r;
	reload_done(agent, loaded, &diff, changes);
	return 0;
}

int agent_reload(struct agent *agent, struct json *changes, struct config_problems *problems,
		 struct err *err)
{
	uint64_t begun_ns = clock_real_ns();
	struct config *loaded = NULL;
	int r;

	service_reloading();
	r = config_load(agent->config_path, &loaded, problems);
	if (r < 0)
		r = err_set(err, -EINVAL, "%s: %zu problem%s", agent->config_path, problems->count,
			    problems->count == 1 ? "" : "s");
	else
		r = reload_apply(agent, loaded, changes, err);
	if (r < 0)
		reload_failed(agent, problems, err->text);
	agent_settle(agent);
	if (r == 0 && agent->edge) {
		tell_edge(agent);
		tell_attached_since(agent, begun_ns);
	}
	service_ready(agent);
	return r;
}
