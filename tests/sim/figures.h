/* SPDX-License-Identifier: MIT */
/* What a trace says, between two times in seconds. */
#ifndef HATAGO_TESTS_SIM_FIGURES_H
#define HATAGO_TESTS_SIM_FIGURES_H

#include "sim.h"

struct figures {
	double per_sec; /* answered */
	double ideal;	/* share of what the upstream could have answered, of what was offered */
	double service_p50_ms, service_p99_ms; /* from the permit to the answer */
	double total_p99_ms;		       /* from the arrival to the answer */
	double limit_mean, limit_deviation, limit_min, limit_max;
	double refused_share; /* of those that came to an end */
};

void figures_between(const struct sim_trace *trace, const struct sim_scene *scene, double from_sec,
		     double to_sec, struct figures *ret);
/*
 * Until goodput is 95 % of per_sec for the first time, on average of a second to come; in steps of
 * SIM_STEP_SEC; INFINITY: never.
 */
double figures_recovery_sec(const struct sim_trace *trace, double from_sec, double per_sec);
/* What the upstream of this scene answers at best in a second at that time. */
double figures_capacity(const struct sim_scene *scene, double at_sec);

#endif
