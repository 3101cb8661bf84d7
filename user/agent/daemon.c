// SPDX-License-Identifier: MIT
/*
 * What ops/ asks of hatagod and of nobody else: attaching, reloading, and what it has to say
 * of itself. Whether the caller may was decided before (control.c).
 */
#include <errno.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/log.h"

static int daemon_has_edge(const struct agent *agent, struct err *err)
{
	if (agent->edge)
		return 0;
	return err_set(err, -ENOTSUP,
		       "hatagod runs without an edge: add a section edge to %s and start it again",
		       agent->config_path);
}

static int daemon_attach(void *ctx, const char *device, enum config_mode mode, uint32_t confirm_ms,
			 struct err *err)
{
	struct agent *agent = ctx;
	int r = daemon_has_edge(agent, err);

	if (r < 0)
		return r;
	watch_look(agent);
	r = edge_attach(agent->edge, device, mode, confirm_ms, err);
	agent_settle(agent);
	if (r == 0)
		tell_device(agent, device);
	return r;
}

static int daemon_detach(void *ctx, const char *device, struct err *err)
{
	struct agent *agent = ctx;
	int r;

	if (!agent->edge) /* an earlier start may have left one behind */
		return edge_detach_pinned(agent->ops.pins, device, err);
	watch_look(agent);
	r = edge_detach(agent->edge, device, err);
	agent_settle(agent);
	if (r == 0)
		log_line(LEVEL_WARNING, "device %s is detached, so it is NOT protected any more",
			 device);
	return r;
}

static int daemon_confirm(void *ctx, const char *device, struct err *err)
{
	struct agent *agent = ctx;
	int r = daemon_has_edge(agent, err);

	if (r < 0)
		return r;
	watch_look(agent);
	r = edge_confirm(agent->edge, device, err);
	agent_settle(agent);
	if (r == 0)
		log_line(LEVEL_INFO, "device %s: confirmed", device);
	return r;
}

static int daemon_reload(void *ctx, struct json *changes, struct config_problems *problems,
			 struct err *err)
{
	return agent_reload(ctx, changes, problems, err);
}

static const struct config *daemon_config(void *ctx)
{
	const struct agent *agent = ctx;

	return agent->config;
}

static void daemon_info(void *ctx, struct ops_daemon_info *ret)
{
	const struct agent *agent = ctx;

	*ret = (struct ops_daemon_info){
		.started_ns = agent->started_ns,
		.reloaded_ns = agent->reloaded_ns,
		.config_path = agent->config_path,
		.reload_failure = agent->reload_failure,
		.complaints = (const char *const *)agent->complaints,
		.complaint_count = agent->complaint_count,
	};
}

static bool daemon_gate(void *ctx, struct tally_gate *ret, struct trend_view *ret_trend)
{
	struct agent *agent = ctx;

	if (!gateway_tally(agent, ret))
		return false;
	trend_look(&agent->trend, &ret->sum, clock_mono_ns(), ret_trend);
	return true;
}

static void daemon_pressure(void *ctx, struct pressure_view *ret)
{
	adapt_view(ctx, ret);
}

static int daemon_breaker(void *ctx, const char *upstream, enum breaker_hold hold, struct err *err)
{
	struct agent *agent = ctx;
	int r = gate_hold_breaker(agent->gate, upstream, hold);

	return r < 0 ? err_set(err, r,
			       "gate.upstream has no %s; 'breaker show' lists what there is",
			       upstream)
		     : 0;
}

const struct ops_daemon agent_daemon = {
	.attach = daemon_attach,
	.detach = daemon_detach,
	.confirm = daemon_confirm,
	.reload = daemon_reload,
	.config = daemon_config,
	.info = daemon_info,
	.gate = daemon_gate,
	.pressure = daemon_pressure,
	.breaker = daemon_breaker,
};
