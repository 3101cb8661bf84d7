// SPDX-License-Identifier: MIT
/* See figures.h. */
#include "figures.h"

#include <math.h>
#include <stdlib.h>

static int float_compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double share_of(float *values, size_t count, double share)
{
	size_t at = (size_t)ceil(share * (double)count);

	return count ? values[at ? at - 1 : 0] : 0;
}

static size_t phase_at(const struct sim_scene *scene, double at_sec)
{
	size_t at = 0;

	while (at + 1 < scene->phase_count && scene->phases[at + 1].at_sec <= at_sec)
		at++;
	return at;
}

double figures_capacity(const struct sim_scene *scene, double at_sec)
{
	const struct sim_phase *phase = &scene->phases[phase_at(scene, at_sec)];
	double work_sec =
		(scene->work_ms * (1 - phase->slow_share) + scene->slow_ms * phase->slow_share) /
		1e3;
	double at_once = fmin(phase->servers, scene->max);

	return at_once * phase->speed / work_sec * (1 - phase->fail_share);
}

/* What could have been answered: the lesser of offer and capacity, at each step. */
static double ideal_count(const struct sim_scene *scene, double from_sec, double to_sec)
{
	double sum = 0;

	long steps = lround((to_sec - from_sec) / SIM_STEP_SEC);

	for (long i = 0; i < steps; i++) {
		double at = from_sec + (double)i * SIM_STEP_SEC;
		const struct sim_phase *phase = &scene->phases[phase_at(scene, at)];
		double offered =
			phase->per_sec > 0 ? phase->per_sec * (1 - phase->fail_share) : INFINITY;

		sum += fmin(figures_capacity(scene, at), offered) * SIM_STEP_SEC;
	}
	return sum;
}

static void times(const struct sim_trace *trace, double from_sec, double to_sec,
		  struct figures *ret)
{
	float *service = malloc(sizeof(*service) * (trace->done_count + 1));
	float *total = malloc(sizeof(*total) * (trace->done_count + 1));
	size_t count = 0, ended = 0;

	if (!service || !total)
		abort();
	for (size_t i = 0; i < trace->done_count; i++) {
		const struct sim_done *done = &trace->done[i];

		ended += done->end_sec >= from_sec && done->end_sec < to_sec;
		if (done->start_sec < from_sec || done->start_sec >= to_sec)
			continue;
		service[count] = (done->end_sec - done->start_sec) * 1e3F;
		total[count] = service[count] + done->waited_ms;
		count++;
	}
	qsort(service, count, sizeof(*service), float_compare);
	qsort(total, count, sizeof(*total), float_compare);
	ret->per_sec = (double)ended / (to_sec - from_sec);
	ret->service_p50_ms = share_of(service, count, 0.5);
	ret->service_p99_ms = share_of(service, count, 0.99);
	ret->total_p99_ms = share_of(total, count, 0.99);
	free(service);
	free(total);
}

void figures_between(const struct sim_trace *trace, const struct sim_scene *scene, double from_sec,
		     double to_sec, struct figures *ret)
{
	size_t from = (size_t)lround(from_sec / SIM_STEP_SEC), n = 0;
	size_t to = (size_t)lround(to_sec / SIM_STEP_SEC);
	double sum = 0, squares = 0, refused = 0, others = 0;

	*ret = (struct figures){.limit_min = INFINITY};
	times(trace, from_sec, to_sec, ret);
	ret->ideal = ret->per_sec * (to_sec - from_sec) / ideal_count(scene, from_sec, to_sec);
	for (size_t i = from; i < to && i < trace->step_count; i++, n++) {
		const struct sim_step *step = &trace->steps[i];

		sum += step->limit;
		squares += (double)step->limit * step->limit;
		ret->limit_min = fmin(ret->limit_min, step->limit);
		ret->limit_max = fmax(ret->limit_max, step->limit);
		refused += step->refused;
		others += step->done + step->failed;
	}
	ret->limit_mean = sum / (double)n;
	ret->limit_deviation =
		sqrt(fmax(0, squares / (double)n - ret->limit_mean * ret->limit_mean));
	ret->refused_share = refused / fmax(1, refused + others);
}

double figures_recovery_sec(const struct sim_trace *trace, double from_sec, double per_sec)
{
	size_t from = (size_t)lround(from_sec / SIM_STEP_SEC);
	size_t second = (size_t)lround(1 / SIM_STEP_SEC);

	for (size_t i = from; i + second <= trace->step_count; i++) {
		double done = 0;

		for (size_t n = i; n < i + second; n++)
			done += trace->steps[n].done;
		if (done >= 0.95 * per_sec)
			return (double)(i - from) * SIM_STEP_SEC;
	}
	return INFINITY;
}
