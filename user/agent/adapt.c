// SPDX-License-Identifier: MIT
/*
 * How the machine's load becomes limits: sense/ reads it, every checkInterval and whenever
 * stall.h tells of a stall in between; core/pressure.h makes of it a pressure and a scale; the
 * gate scales how many requests may run, and the edge its rates and the budget of strangers.
 * Also the heartbeat without which the kernel forgets all of that. While something is
 * tightened it looks more often, so that it is let go in time.
 */
#include "agent/adapt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/stall.h"
#include "base/clock.h"
#include "base/log.h"

#define ADAPT_NS_PER_MS	 1000000ULL
#define ADAPT_TIGHT_MS	 500   /* between two looks while something is tightened, at most */
#define ADAPT_JUST_ABOVE 1.001 /* what a trigger says of its threshold */
#define ADAPT_LEAST	 0.01  /* of their budget that strangers keep at the highest pressure */

struct adapt {
	struct agent *agent;
	struct sense *sense; /* NULL: adaptation is off */
	struct pressure pressure;
	struct sense_load sensed;  /* as last read */
	struct pressure_load load; /* of it, and of the gate, what counts */
	uv_timer_t check_timer, heartbeat_timer;
	struct stall *stall;	      /* NULL: likewise */
	uint64_t served, response_ns; /* as last seen of the gate's tally */
	unsigned int open;	      /* handles that are to be closed before this is freed */
	bool is_tight;
};

static void adapt_options(const struct config *config, struct pressure_options *ret)
{
	memcpy(ret->threshold, config->adaptive.threshold, sizeof(ret->threshold));
	ret->threshold[PRESSURE_RESPONSE_TIME] = config->adaptive.response_time_threshold_ms;
	ret->min_scale = config->adaptive.min_scale;
}

/* --- to the gate and the edge --- */

static void put_in_force(struct adapt *adapt)
{
	const struct pressure *p = &adapt->pressure;
	bool circuit_is_open = adapt->agent->gate && gate_circuit_is_open(adapt->agent->gate);
	double least = 1 - p->pressure;
	struct edge_pressure pressure = {
		.pressure = p->pressure,
		.scale = p->scale,
		/* The last step: nothing else is left to be tightened. */
		.trusted_scale = p->scale <= p->options.min_scale ? p->scale : 1,
		.strangers_asked = p->pressure > 0 || p->scale < 1 || circuit_is_open,
		.strangers_scale = least > ADAPT_LEAST ? least : ADAPT_LEAST,
	};

	if (!adapt->sense)
		pressure.scale = pressure.trusted_scale = 1;
	if (adapt->agent->edge)
		edge_set_pressure(adapt->agent->edge, &pressure, clock_mono_ns());
}

static void on_heartbeat(uv_timer_t *timer)
{
	put_in_force(timer->data);
}

void adapt_follow_circuit(struct agent *agent)
{
	put_in_force(agent->adapt);
}

/* --- the load --- */

/* Of the upstream, on average since the last look; unknown where it answered nothing. */
static void fill_response_time(struct adapt *adapt, struct pressure_load *ret)
{
	struct tally_gate gate;
	uint64_t served, ns;

	if (!gateway_tally(adapt->agent, &gate))
		return;
	served = gate.sum.upstream_answers;
	ns = gate.sum.upstream_ns_sum;
	if (served > adapt->served)
		pressure_load_set(ret, PRESSURE_RESPONSE_TIME,
				  (double)(ns - adapt->response_ns) /
					  (double)(served - adapt->served) / ADAPT_NS_PER_MS);
	adapt->served = served;
	adapt->response_ns = ns;
}

static void fill_machine(struct adapt *adapt, uint64_t now_ns, struct pressure_load *ret)
{
	struct sense_load *load = &adapt->sensed;
	struct err notice;

	sense_read(adapt->sense, now_ns, load);
	while (sense_notice(adapt->sense, &notice))
		log_line(LEVEL_WARNING, "adaptive: %s", notice.text);
	if (load->valid & SENSE_HAS_CPU)
		pressure_load_set(ret, PRESSURE_CPU, load->cpu_percent);
	if (load->valid & SENSE_HAS_MEMORY)
		pressure_load_set(ret, PRESSURE_MEMORY, load->memory_percent);
	for (unsigned int r = 0; r < SENSE_RESOURCES; r++) {
		const struct sense_psi *psi = &load->psi[r];

		if (psi->valid & SENSE_PSI_SOME)
			pressure_load_set(ret, stall_signal(r, PSI_SOME), psi->some_percent);
		if (psi->valid & SENSE_PSI_FULL)
			pressure_load_set(ret, stall_signal(r, PSI_FULL), psi->full_percent);
	}
}

static void emit_change(struct adapt *adapt, double old_scale)
{
	const struct pressure *p = &adapt->pressure;
	struct json out;
	char *text;

	json_init(&out);
	json_object_begin(&out, NULL);
	json_double(&out, "oldScale", old_scale);
	json_double(&out, "scale", p->scale);
	json_double(&out, "pressure", p->pressure);
	json_str(&out, "reason", pressure_signal_name(p->reason));
	json_double(&out, "value", p->value);
	json_double(&out, "threshold", p->options.threshold[p->reason]);
	json_object_end(&out);
	text = json_take(&out);
	if (text)
		events_emit(adapt->agent->events, "pressureChanged", text);
	free(text);
}

/* One line as it begins and one when it is over: the steps between are events. */
static void log_change(struct adapt *adapt)
{
	const struct pressure *p = &adapt->pressure;
	bool is_tight = p->scale < 1;

	if (is_tight && !adapt->is_tight)
		log_line(LEVEL_WARNING,
			 "under pressure: %s is %.1f, its threshold is %.1f; limits are tightened "
			 "to %.0f %%",
			 pressure_signal_name(p->reason), p->value, p->options.threshold[p->reason],
			 p->scale * 100);
	else if (!is_tight && adapt->is_tight)
		log_line(LEVEL_INFO, "the pressure is over; limits are as configured");
	adapt->is_tight = is_tight;
}

static void on_check(uv_timer_t *timer);

/* Sooner than checkInterval says, while something is tightened. */
static void set_timer(struct adapt *adapt)
{
	uint64_t ms = adapt->agent->config->adaptive.check_interval_ms;

	if (adapt->pressure.scale < 1 && ms > ADAPT_TIGHT_MS)
		ms = ADAPT_TIGHT_MS;
	uv_timer_start(&adapt->check_timer, on_check, ms, 0);
}

/* woke: the signal whose trigger has fired; PRESSURE_SIGNALS: none. */
static void look(struct adapt *adapt, enum pressure_signal woke)
{
	uint64_t now_ns = clock_mono_ns();
	double old_scale = adapt->pressure.scale;
	struct pressure_load *load = &adapt->load;
	double least;

	*load = (struct pressure_load){0};
	fill_machine(adapt, now_ns, load);
	fill_response_time(adapt, load);
	if (woke < PRESSURE_SIGNALS) { /* since the last look it may be thin; not in its window */
		least = adapt->pressure.options.threshold[woke] * ADAPT_JUST_ABOVE;
		if (load->value[woke] < least)
			pressure_load_set(load, woke, least);
	}
	pressure_update(&adapt->pressure, load, now_ns);
	if (adapt->pressure.scale != old_scale) {
		if (adapt->agent->gate)
			gate_set_scale(adapt->agent->gate, adapt->pressure.scale);
		emit_change(adapt, old_scale);
		log_change(adapt);
	}
	put_in_force(adapt);
	set_timer(adapt);
}

static void on_check(uv_timer_t *timer)
{
	look(timer->data, PRESSURE_SIGNALS);
}

static void on_stall(void *ctx, enum pressure_signal signal)
{
	look(ctx, signal);
}

/* --- begin, change, end --- */

static int sense_begin(struct adapt *adapt, struct err *err)
{
	const struct config_adaptive *config = &adapt->agent->config->adaptive;
	struct stall_options options = {
		.sense = {.cgroup = config->cgroup},
		.over = on_stall,
		.ctx = adapt,
	};
	int r;

	if (!config->enabled)
		return 0;
	memcpy(options.threshold, config->threshold, sizeof(options.threshold));
	r = sense_open(&options.sense, &adapt->sense, err);
	if (r == 0)
		r = stall_new(&adapt->agent->loop, &options, &adapt->stall, err);
	if (r < 0)
		adapt->sense = sense_close(adapt->sense);
	return r;
}

static void sense_end(struct adapt *adapt)
{
	adapt->sense = sense_close(adapt->sense);
	adapt->stall = stall_free(adapt->stall);
}

int adapt_open(struct agent *agent, struct err *err)
{
	struct adapt *adapt = calloc(1, sizeof(*adapt));
	struct pressure_options options;

	if (!adapt)
		return err_set(err, -ENOMEM, "out of memory");
	agent->adapt = adapt;
	adapt->agent = agent;
	adapt->check_timer.data = adapt->heartbeat_timer.data = adapt;
	uv_timer_init(&agent->loop, &adapt->check_timer);
	uv_timer_init(&agent->loop, &adapt->heartbeat_timer);
	adapt->open = 2;
	adapt_options(agent->config, &options);
	pressure_init(&adapt->pressure, &options, clock_mono_ns());
	return sense_begin(adapt, err);
}

void adapt_start(struct agent *agent)
{
	struct adapt *adapt = agent->adapt;

	uv_timer_start(&adapt->heartbeat_timer, on_heartbeat, 0, EDGE_HEARTBEAT_MS);
	if (adapt->sense)
		look(adapt, PRESSURE_SIGNALS);
}

void adapt_reload(struct agent *agent)
{
	struct adapt *adapt = agent->adapt;
	struct pressure_options options;
	struct err err;

	adapt_options(agent->config, &options);
	sense_end(adapt);
	uv_timer_stop(&adapt->check_timer);
	if (sense_begin(adapt, &err) < 0)
		log_line(LEVEL_ERROR, "adaptive: %s; the limits stay as configured", err.text);
	if (adapt->sense)
		pressure_set_options(&adapt->pressure, &options);
	else
		pressure_init(&adapt->pressure, &options, clock_mono_ns());
	if (agent->gate)
		gate_set_scale(agent->gate, adapt->pressure.scale);
	log_change(adapt);
	adapt_start(agent);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct adapt *adapt = handle->data;

	if (--adapt->open == 0)
		free(adapt);
}

void adapt_close(struct agent *agent)
{
	struct adapt *adapt = agent->adapt;

	if (!adapt)
		return;
	agent->adapt = NULL;
	sense_end(adapt);
	uv_close((uv_handle_t *)&adapt->check_timer, on_timer_closed);
	uv_close((uv_handle_t *)&adapt->heartbeat_timer, on_timer_closed);
}

void adapt_view(const struct agent *agent, struct pressure_view *ret)
{
	const struct adapt *adapt = agent->adapt;

	*ret = (struct pressure_view){
		.is_on = adapt->sense != NULL,
		.now = adapt->pressure,
		.load = adapt->load,
		.triggers = stall_triggers(adapt->stall),
		.softnet_dropped = adapt->sensed.softnet_dropped,
		.softnet_squeezed = adapt->sensed.softnet_squeezed,
	};
	memcpy(ret->load_average, adapt->sensed.load, sizeof(ret->load_average));
}
