// SPDX-License-Identifier: MIT
/*
 * How the machine's load becomes limits: sense/ reads it, every checkInterval and whenever a
 * PSI trigger wakes us; core/pressure.h makes of it a pressure and a scale; the gate scales
 * how many requests may run, and the edge its rates and the budget of strangers. Also the
 * heartbeat without which the kernel forgets all of that. While something is tightened it
 * looks more often, so that it is let go in time.
 */
#include "agent/adapt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/log.h"
#include "sense/psi_trigger.h"
#include "sense/sense.h"

#define ADAPT_NS_PER_MS	    1000000ULL
#define ADAPT_TIGHT_MS	    500 /* between two looks while something is tightened, at most */
#define ADAPT_TRIGGERS	    6	/* a resource's some and full */
#define ADAPT_WINDOW_US	    PSI_WINDOW_MIN_US /* of the triggers: the kernel looks at it ten times */
#define ADAPT_JUST_ABOVE    1.001	      /* what a trigger says of its threshold */
#define ADAPT_LEAST	    0.01 /* of their budget that strangers keep at the highest pressure */
#define PSI_SIGNAL(r, kind) (PRESSURE_PSI_CPU_SOME + (r)*2 + (kind))

_Static_assert((int)PSI_SIGNAL(SENSE_IO, PSI_FULL) == PRESSURE_PSI_IO_FULL,
	       "signals go by resource and kind");

struct trigger {
	uv_poll_t poll;
	struct adapt *adapt;
	struct psi_trigger psi;
	enum pressure_signal signal;
	bool is_open;
};

struct adapt {
	struct agent *agent;
	struct sense *sense; /* NULL: adaptation is off */
	struct pressure pressure;
	struct pressure_load load; /* as last read */
	uv_timer_t check_timer, heartbeat_timer;
	struct trigger triggers[ADAPT_TRIGGERS];
	uint64_t served, response_ns; /* as last seen of the gate's tally */
	bool circuit_is_open;	      /* of all upstreams together */
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
	double least = 1 - p->pressure;
	struct edge_pressure pressure = {
		.pressure = p->pressure,
		.scale = p->scale,
		/* The last step: nothing else is left to be tightened. */
		.trusted_scale = p->scale <= p->options.min_scale ? p->scale : 1,
		.strangers_asked = p->pressure > 0 || p->scale < 1 || adapt->circuit_is_open,
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
	struct adapt *adapt = agent->adapt;
	struct tally_gate gate;

	if (!gateway_tally(agent, &gate))
		return;
	adapt->circuit_is_open = gate.breaker == BREAKER_OPEN;
	put_in_force(adapt);
}

/* --- the load --- */

/* On average since the last look; unknown where nothing was answered. */
static void fill_response_time(struct adapt *adapt, struct pressure_load *ret)
{
	struct tally_gate gate;
	uint64_t served, ns;

	if (!gateway_tally(adapt->agent, &gate))
		return;
	served = gate.sum.outcomes[TALLY_SERVED];
	ns = gate.sum.response_ns_sum;
	if (served > adapt->served)
		pressure_load_set(ret, PRESSURE_RESPONSE_TIME,
				  (double)(ns - adapt->response_ns) /
					  (double)(served - adapt->served) / ADAPT_NS_PER_MS);
	adapt->served = served;
	adapt->response_ns = ns;
}

static void fill_machine(struct adapt *adapt, uint64_t now_ns, struct pressure_load *ret)
{
	struct sense_load load;
	struct err notice;

	sense_read(adapt->sense, now_ns, &load);
	while (sense_notice(adapt->sense, &notice))
		log_line(LEVEL_WARNING, "adaptive: %s", notice.text);
	if (load.valid & SENSE_HAS_CPU)
		pressure_load_set(ret, PRESSURE_CPU, load.cpu_percent);
	if (load.valid & SENSE_HAS_MEMORY)
		pressure_load_set(ret, PRESSURE_MEMORY, load.memory_percent);
	for (int r = 0; r < SENSE_RESOURCES; r++) {
		const struct sense_psi *psi = &load.psi[r];

		if (psi->valid & SENSE_PSI_SOME)
			pressure_load_set(ret, PSI_SIGNAL(r, PSI_SOME), psi->some_percent);
		if (psi->valid & SENSE_PSI_FULL)
			pressure_load_set(ret, PSI_SIGNAL(r, PSI_FULL), psi->full_percent);
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

/* --- triggers --- */

static void triggers_open(struct adapt *adapt);

/* One that a reload has closed is opened anew. */
static void on_trigger_closed(uv_handle_t *handle)
{
	struct trigger *trigger = handle->data;
	struct adapt *adapt = trigger->adapt;

	close(trigger->psi.fd);
	trigger->is_open = false;
	if (adapt->sense)
		triggers_open(adapt);
	if (--adapt->open == 0)
		free(adapt);
}

static void trigger_close(struct trigger *trigger)
{
	if (trigger->is_open && !uv_is_closing((uv_handle_t *)&trigger->poll))
		uv_close((uv_handle_t *)&trigger->poll, on_trigger_closed);
}

static void on_trigger(uv_poll_t *poll, int status, int events)
{
	struct trigger *trigger = poll->data;

	(void)events;
	if (status < 0 || psi_trigger_check(&trigger->psi) < 0)
		trigger_close(trigger);
	else if (trigger->adapt->sense)
		look(trigger->adapt, trigger->signal);
}

static void trigger_open(struct adapt *adapt, enum sense_resource resource, enum psi_kind kind)
{
	struct trigger *trigger = &adapt->triggers[(int)resource * 2 + (int)kind];
	double percent = adapt->agent->config->adaptive.threshold[PSI_SIGNAL(resource, kind)];
	char path[SENSE_PATH_MAX];

	if (trigger->is_open || percent <= 0 || !sense_psi_path(adapt->sense, resource, path))
		return;
	if (psi_trigger_open(path, kind, (uint32_t)(percent / 100 * ADAPT_WINDOW_US),
			     ADAPT_WINDOW_US, &trigger->psi) < 0)
		return; /* the checks must do */
	trigger->adapt = adapt;
	trigger->signal = PSI_SIGNAL(resource, kind);
	trigger->poll.data = trigger;
	if (uv_poll_init(&adapt->agent->loop, &trigger->poll, trigger->psi.fd) < 0) {
		close(trigger->psi.fd);
		return;
	}
	trigger->is_open = true;
	adapt->open++;
	uv_poll_start(&trigger->poll, UV_PRIORITIZED, on_trigger);
}

static void triggers_open(struct adapt *adapt)
{
	for (int r = 0; r < SENSE_RESOURCES; r++) {
		trigger_open(adapt, (enum sense_resource)r, PSI_SOME);
		trigger_open(adapt, (enum sense_resource)r, PSI_FULL);
	}
}

/* --- begin, change, end --- */

static int sense_begin(struct adapt *adapt, struct err *err)
{
	const struct config_adaptive *config = &adapt->agent->config->adaptive;
	const struct sense_options options = {.cgroup = config->cgroup};
	struct sense_load load;
	int r;

	if (!config->enabled)
		return 0;
	r = sense_open(&options, &adapt->sense, err);
	if (r < 0)
		return r;
	/* Tells no share yet, but which files there are to have triggers on. */
	sense_read(adapt->sense, clock_mono_ns(), &load);
	triggers_open(adapt);
	return 0;
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
	adapt->sense = sense_close(adapt->sense);
	uv_timer_stop(&adapt->check_timer);
	for (size_t i = 0; i < ADAPT_TRIGGERS; i++)
		trigger_close(&adapt->triggers[i]);
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
	adapt->sense = sense_close(adapt->sense);
	for (size_t i = 0; i < ADAPT_TRIGGERS; i++)
		trigger_close(&adapt->triggers[i]);
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
	};
	for (size_t i = 0; i < ADAPT_TRIGGERS; i++)
		ret->triggers += adapt->triggers[i].is_open;
}
