// SPDX-License-Identifier: MIT
/*
 * The load of the machine, and what adaptation makes of it, as Prometheus text; see
 * prometheus.c. A signal that can't be read has no series: 0 would be a lie.
 */
#include "metrics/prometheus.h"

SCALAR_PROVIDER(psi_triggers, t->s->load.triggers)

void write_pressure(const struct text *t)
{
	series(t, NO_LABELS);
	value_double(t, t->s->load.now.pressure);
}

void write_limit_scale(const struct text *t)
{
	series(t, NO_LABELS);
	value_double(t, t->s->load.now.scale);
}

void write_load(const struct text *t)
{
	const struct pressure_load *load = &t->s->load.load;

	for (int signal = 0; signal < PRESSURE_SIGNALS; signal++) {
		if (!pressure_load_has(load, signal))
			continue;
		series(t, LABELS({"signal", pressure_signal_name(signal)}));
		value_double(t, load->value[signal]);
	}
}

void write_load_threshold(const struct text *t)
{
	const double *threshold = t->s->load.now.options.threshold;

	for (int signal = 0; signal < PRESSURE_SIGNALS; signal++) {
		if (threshold[signal] <= 0)
			continue;
		series(t, LABELS({"signal", pressure_signal_name(signal)}));
		value_double(t, threshold[signal]);
	}
}
