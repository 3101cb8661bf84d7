// SPDX-License-Identifier: MIT
/*
 * How many requests may run: maxConcurrent, or with adaptation the lower of what the upstream's
 * answers allow (core/gradient.h) and what the machine's pressure leaves of it (the scale,
 * which the agent sets). What is decided is core's; here it is put in force.
 */
#include "base/clock.h"
#include "gate/parts.h"

/* The lock is held; admit_others() is to be called next. */
static void put_in_force(struct gate *gate)
{
	const struct settings *settings = gate->settings;
	uint32_t limit = settings->admission.max_concurrent, old = admission_limit(gate->admission);
	const char *reason = "configuration";
	uint32_t scaled;

	if (settings->is_adaptive) {
		scaled = (uint32_t)((double)limit * gate->scale);
		limit = gradient_limit(&gate->gradient);
		reason = scaled < limit ? "pressure" : "latency";
		limit = scaled < limit ? scaled : limit;
		if (limit < settings->gradient.min)
			limit = settings->gradient.min;
	}
	admission_set_limit(gate->admission, limit);
	if (limit != old)
		tell_limit(gate, old, limit, reason);
}

void adapt_sample(struct gate *gate, uint64_t took_ns, bool has_failed, uint64_t now_ns)
{
	if (!gate->settings->is_adaptive)
		return;
	if (gradient_sample(&gate->gradient, took_ns, admission_running(gate->admission),
			    has_failed, now_ns))
		put_in_force(gate);
}

void adapt_begin(struct gate *gate, uint64_t now_ns)
{
	gradient_init(&gate->gradient, &gate->settings->gradient, now_ns);
	put_in_force(gate);
}

void adapt_follow(struct gate *gate)
{
	gradient_set_options(&gate->gradient, &gate->settings->gradient);
	put_in_force(gate);
}

void gate_set_scale(struct gate *gate, double scale)
{
	uv_mutex_lock(&gate->lock);
	gate->scale = scale;
	put_in_force(gate);
	admit_others(gate, NULL, clock_mono_ns());
	uv_mutex_unlock(&gate->lock);
}
