// SPDX-License-Identifier: MIT
/*
 * What happens by the clock: samples for rates, notes of bans that are over, the look at the
 * devices, attaches that nobody confirmed, and signs of life to the service manager. All
 * run on the loop's own thread, so a loop that hangs gives no sign.
 */
#include <string.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/log.h"

#define TIMERS_NS_PER_MS 1000000ULL
#define TIMERS_RETRY_MS	 1000 /* after an expiry that failed */

static void on_sample(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	ops_sample(&agent->ops);
	gateway_sample(agent);
}

static void on_notes(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	if (agent->ops.view && ops_forget_notes(&agent->ops) < 0)
		log_line(LEVEL_WARNING, "can't forget the notes of bans that are over");
	agent->lists_counted = false; /* the command may have worked on the pins itself */
}

static void on_watch(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	watch_look(agent);
	agent_complain(agent);
}

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	service_alive();
}

static void on_confirm(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	struct err err;
	int r;

	watch_look(agent);
	r = edge_expire(agent->edge, &err);
	agent_settle(agent);
	if (r < 0) {
		log_line(LEVEL_ERROR, "can't detach what was not confirmed: %s", err.text);
		uv_timer_start(timer, on_confirm, TIMERS_RETRY_MS, 0);
	}
}

void timers_set_confirm(struct agent *agent)
{
	uint64_t by = agent->edge ? edge_confirm_by_ns(agent->edge) : 0, now = clock_mono_ns();

	if (!by)
		uv_timer_stop(&agent->confirm_timer);
	else /* a millisecond late rather than early */
		uv_timer_start(&agent->confirm_timer, on_confirm,
			       by > now ? (by - now) / TIMERS_NS_PER_MS + 1 : 1, 0);
}

int timers_start(struct agent *agent, struct err *err)
{
	uint64_t alive_ms = service_watchdog_ms();
	const struct {
		uv_timer_t *timer;
		uv_timer_cb callback;
		uint64_t ms; /* 0: later */
	} timers[] = {
		{&agent->sample_timer, on_sample, AGENT_SAMPLE_MS},
		{&agent->notes_timer, on_notes, AGENT_NOTES_MS},
		{&agent->watch_timer, on_watch, AGENT_WATCH_MS},
		{&agent->confirm_timer, on_confirm, 0},
		{&agent->watchdog_timer, on_watchdog, alive_ms},
		{&agent->metrics_timer, NULL, 0},
		{&agent->drain_timer, NULL, 0},
	};

	uv_update_time(&agent->loop);
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		int r = uv_timer_init(&agent->loop, timers[i].timer);

		timers[i].timer->data = agent;
		if (r == 0 && timers[i].ms)
			r = uv_timer_start(timers[i].timer, timers[i].callback, timers[i].ms,
					   timers[i].ms);
		if (r < 0)
			return err_set(err, r, "can't start a timer: %s", uv_strerror(r));
	}
	return 0;
}

void timers_close(struct agent *agent)
{
	uv_timer_t *const timers[] = {&agent->sample_timer,   &agent->notes_timer,
				      &agent->watch_timer,    &agent->confirm_timer,
				      &agent->watchdog_timer, &agent->metrics_timer,
				      &agent->drain_timer};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		if (timers[i]->data && !uv_is_closing((uv_handle_t *)timers[i]))
			uv_close((uv_handle_t *)timers[i], NULL);
}
