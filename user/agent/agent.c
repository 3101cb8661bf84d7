// SPDX-License-Identifier: MIT
/*
 * The order of things. Whatever can refuse a start without touching the network comes first
 * (the lock, the socket, the listener), then the edge, device by device; only then
 * hatagod is ready. If a start fails, nothing stays attached that was not before.
 *
 *   lock -> signals -> timers -> control -> metrics -> gate's listeners -> edge -> devices
 *     -> load -> rights -> gate's workers -> READY=1 ... loop
 *   gate drains -> STOPPING=1 -> gate and servers close -> devices detach, pins go -> lock
 */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"

void agent_stop(struct agent *agent)
{
	agent->is_stopping = true;
	if (!gateway_drain(agent))
		uv_stop(&agent->loop);
}

static void on_stop_signal(uv_signal_t *handle, int number)
{
	log_line(LEVEL_INFO, "%s: stopping", number == SIGTERM ? "SIGTERM" : "SIGINT");
	agent_stop(handle->data);
}

static void on_reload_signal(uv_signal_t *handle, int number)
{
	struct config_problems problems = {0};
	struct err err;

	(void)number;
	log_line(LEVEL_INFO, "SIGHUP: reloading");
	agent_reload(handle->data, NULL, &problems, &err); /* it has logged its failure */
	config_problems_done(&problems);
}

static int signals_start(struct agent *agent, struct err *err)
{
	const struct {
		uv_signal_t *handle;
		uv_signal_cb callback;
		int number;
	} signals[] = {
		{&agent->on_term, on_stop_signal, SIGTERM},
		{&agent->on_int, on_stop_signal, SIGINT},
		{&agent->on_hup, on_reload_signal, SIGHUP},
	};

	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		int r = uv_signal_init(&agent->loop, signals[i].handle);

		signals[i].handle->data = agent;
		if (r == 0)
			r = uv_signal_start(signals[i].handle, signals[i].callback,
					    signals[i].number);
		if (r < 0)
			return err_set(err, r, "can't watch for signals: %s", uv_strerror(r));
	}
	return 0;
}

static void signals_close(struct agent *agent)
{
	uv_signal_t *const signals[] = {&agent->on_term, &agent->on_int, &agent->on_hup};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i]->data)
			uv_close((uv_handle_t *)signals[i], NULL);
}

void agent_tell_notices(struct agent *agent)
{
	const char *text;

	while (agent->edge && (text = edge_notice(agent->edge)))
		log_line(LEVEL_WARNING, "%s", text);
}

void agent_settle(struct agent *agent)
{
	agent_tell_notices(agent);
	watch_accept(agent);
	gateway_follow_table(agent);
	agent->scanned_ns = 0;
	agent_complain(agent);
	timers_set_confirm(agent);
}

/* Detaches again what this start attached. */
static void devices_undo(struct agent *agent, const bool *was_attached, size_t count)
{
	struct err err;

	for (size_t i = count; i > 0; i--) {
		const char *name = agent->config->edge.devices[i - 1];

		if (!was_attached[i - 1] && edge_detach(agent->edge, name, &err) < 0)
			log_line(LEVEL_ERROR, "%s", err.text);
	}
}

static int devices_attach(struct agent *agent, struct err *err)
{
	const struct config_edge *edge = &agent->config->edge;
	bool was_attached[HATAGO_DEVICES_MAX] = {false};
	int r = 0;

	watch_accept(agent);
	for (size_t i = 0; i < edge->device_count; i++) {
		for (size_t w = 0; w < agent->watch.count; w++)
			if (strcmp(agent->watch.devices[w].name, edge->devices[i]) == 0)
				was_attached[i] = agent->watch.devices[w].fate == WATCH_ATTACHED;
		r = edge_attach(agent->edge, edge->devices[i], edge->mode, 0, err);
		if (r < 0) {
			devices_undo(agent, was_attached, i);
			break;
		}
	}
	agent_tell_notices(agent);
	return r;
}

static int edge_start(struct agent *agent, struct err *err)
{
	const struct config_edge *edge = &agent->config->edge;
	int r = edge_open(agent->config, &agent->edge, &agent->adopted, err);

	if (r < 0)
		return r;
	agent_tell_notices(agent);
	agent->ops.view = edge_view(agent->edge);
	r = devices_attach(agent, err);
	if (r < 0)
		return r;
	log_line(LEVEL_INFO, "%s %s",
		 agent->adopted ? "adopted the edge pinned in" : "the edge is in", edge->pins);
	tell_edge(agent);
	for (size_t i = 0; i < edge->device_count; i++)
		tell_device(agent, edge->devices[i]);
	return 0;
}

static void no_edge(struct agent *agent)
{
	err_set(&agent->ops.view_err, -ENOENT,
		"hatagod runs without an edge: the configuration has no section edge");
	log_line(LEVEL_INFO, "no edge: the configuration has no section edge");
	if (access(agent->ops.pins, F_OK) == 0)
		log_line(LEVEL_WARNING,
			 "an edge that an earlier start left in %s goes on without hatagod; to end "
			 "it: hatago-bpfctl edge detach DEVICE",
			 agent->ops.pins);
}

static int start(struct agent *agent, struct err *err)
{
	const struct config_edge *edge = &agent->config->edge;
	int r = edge->enabled ? pins_lock_take(edge->pins, &agent->lock, err) : 0;

	if (edge->pins) /* a reload keeps this very text */
		agent->ops.pins = edge->pins;
	agent->events = events_new(&agent->loop);
	if (r == 0 && !agent->events)
		r = err_set(err, -ENOMEM, "out of memory");
	r = r < 0 ? r : signals_start(agent, err);
	r = r < 0 ? r : timers_start(agent, err);
	r = r < 0 ? r : control_start(agent, err);
	r = r < 0 ? r : endpoint_start(agent, err);
	r = r < 0 ? r : gateway_open(agent, err);
	if (r < 0)
		return r;
	tell_without_effect(agent->config);
	if (!edge->enabled)
		no_edge(agent);
	else
		r = edge_start(agent, err);
	r = r < 0 ? r : adapt_open(agent, err);
	r = r < 0 ? r : rights_drop(err);
	if (r < 0)
		return r;
	/* With no more rights than they will have later. */
	events_set_hooks(agent->events, agent->config->hooks);
	r = gateway_start(agent, err);
	if (r == 0)
		adapt_start(agent);
	return r;
}

static void on_handle_left(uv_handle_t *handle, void *ctx)
{
	(void)handle;
	(void)ctx;
	log_line(LEVEL_DEBUG, "a handle was left open");
}

/* Closes everything on the loop and lets it run until that has happened. */
static void loop_close(struct agent *agent)
{
	gateway_close(agent);
	adapt_close(agent);
	events_free(agent->events);
	line_server_free(agent->control);
	http_server_free(agent->http);
	signals_close(agent);
	timers_close(agent);
	uv_run(&agent->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&agent->loop) < 0)
		uv_walk(&agent->loop, on_handle_left, NULL);
}

/* A failed start of an edge that was adopted leaves it as it was found. */
static void edge_stop(struct agent *agent, bool remove)
{
	struct err err;

	if (agent->edge && remove && edge_remove(agent->edge, &err) < 0) {
		log_line(LEVEL_ERROR, "%s", err.text);
		agent->exit_code = AGENT_FAILED;
	}
	agent->ops.view = NULL;
	edge_free(agent->edge);
	agent->edge = NULL;
}

static void agent_done(struct agent *agent)
{
	pins_lock_release(&agent->lock);
	ops_done(&agent->ops);
	scan_done(&agent->scan);
	agent_forget_complaints(agent);
	free(agent->reload_failure);
	config_free(agent->config);
	free(agent);
}

static void serve(struct agent *agent)
{
	agent->is_ready = true;
	agent_settle(agent);
	log_line(LEVEL_INFO, "hatagod " VERSION_TEXT " is ready");
	service_ready(agent);
	uv_run(&agent->loop, UV_RUN_DEFAULT);
	agent->is_stopping = true;
	service_stopping();
}

static void on_libbpf_line(const char *line)
{
	log_line(LEVEL_DEBUG, "libbpf: %s", line);
}

int agent_run(const char *config_path, struct config *config)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	struct err err;
	bool is_started;
	int code;

	if (!agent || uv_loop_init(&agent->loop) < 0) {
		log_line(LEVEL_ERROR, "can't make an event loop: out of memory or descriptors");
		free(agent);
		config_free(config);
		return AGENT_FAILED;
	}
	agent->config_path = config_path;
	agent->config = config;
	agent->lock.fd = -1;
	agent->started_ns = clock_real_ns();
	ops_init(&agent->ops);
	agent->ops.daemon = &agent_daemon;
	agent->ops.daemon_ctx = agent;
	edge_set_debug(on_libbpf_line);
	is_started = start(agent, &err) == 0;
	if (is_started) {
		serve(agent);
	} else {
		log_line(LEVEL_ERROR, "%s", err.text);
		agent->exit_code = AGENT_FAILED;
	}
	loop_close(agent);
	edge_stop(agent, is_started || !agent->adopted);
	if (is_started)
		log_line(LEVEL_INFO, "stopped");
	code = agent->exit_code;
	agent_done(agent);
	return code;
}
