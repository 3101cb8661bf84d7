// SPDX-License-Identifier: MIT
/* See limiter.h. Each peer with the defaults of its source, but for the bounds. */
#include "limiter.h"

#include <math.h>
#include <string.h>

/* Maurer, Fail at Scale, ACM Queue 2015: controlled delay for a queue of requests. */
#define CODEL_TARGET_SEC   0.005
#define CODEL_INTERVAL_SEC 0.1

static double clamp(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
}

void limiter_init(struct limiter *l, const struct limiter_options *options, uint32_t max)
{
	const struct gradient_options bounds = {.min = 1, .max = max, .may_rest = true};

	memset(l, 0, sizeof(*l));
	l->options = *options;
	l->max = max;
	l->limit = options->limit > 0 ? options->limit : max;
	if (options->kind >= LIMITER_VEGAS)
		l->limit = fmin(20, max);
	if (options->kind == LIMITER_AIMD)
		l->limit = fmin(20, max);
	gradient_init(&l->gradient, &bounds, 0);
}

static void aimd(struct limiter *l, double took_sec, uint32_t in_flight, bool is_drop)
{
	if (is_drop || took_sec * 1e3 > l->options.slow_ms)
		l->limit *= 0.9;
	else if (in_flight * 2 >= l->limit)
		l->limit += 1;
	l->limit = clamp(floor(l->limit), 1, l->max);
}

static void vegas(struct limiter *l, double took_sec, uint32_t in_flight, bool is_drop)
{
	double step = fmax(1, log10(l->limit)), queued;

	if (++l->probe_count > 30 * l->limit || l->least_sec <= 0 || took_sec < l->least_sec) {
		if (l->probe_count > 30 * l->limit)
			l->probe_count = 0;
		l->least_sec = took_sec;
		return;
	}
	queued = ceil(l->limit * (1 - l->least_sec / took_sec));
	if (!is_drop && in_flight * 2 < l->limit)
		return;
	if (is_drop || queued > 6 * step)
		l->limit -= step;
	else if (queued <= step)
		l->limit += 6 * step;
	else if (queued < 3 * step)
		l->limit += step;
	l->limit = clamp(l->limit, 1, l->max);
}

static void gradient2_window(struct limiter *l, double took_sec, uint32_t in_flight)
{
	double next;

	if (l->long_count < 10)
		l->long_sec = (l->long_sec * l->long_count + took_sec) / (l->long_count + 1);
	else
		l->long_sec += (took_sec - l->long_sec) * 2 / 601;
	l->long_count++;
	if (l->long_sec / took_sec > 2)
		l->long_sec *= 0.95;
	if (in_flight < l->limit / 2)
		return;
	next = l->limit * clamp(1.5 * l->long_sec / took_sec, 0.5, 1) + 4;
	l->limit = clamp(l->limit * 0.8 + next * 0.2, 1, l->max);
}

static void gradient2(struct limiter *l, double took_sec, uint32_t in_flight, double now_sec)
{
	l->window_sum_sec += took_sec;
	l->window_count++;
	if (in_flight > l->window_in_flight)
		l->window_in_flight = in_flight;
	if (now_sec < l->window_from_sec + 1 || l->window_count < 10)
		return;
	gradient2_window(l, l->window_sum_sec / l->window_count, l->window_in_flight);
	l->window_from_sec = now_sec;
	l->window_sum_sec = 0;
	l->window_count = l->window_in_flight = 0;
}

void limiter_sample(struct limiter *l, double took_sec, uint32_t in_flight, bool is_drop,
		    double now_sec)
{
	switch (l->options.kind) {
	case LIMITER_FIXED:
	case LIMITER_CODEL:
		break;
	case LIMITER_AIMD:
		aimd(l, took_sec, in_flight, is_drop);
		break;
	case LIMITER_VEGAS:
		vegas(l, took_sec, in_flight, is_drop);
		break;
	case LIMITER_GRADIENT2:
		gradient2(l, took_sec, in_flight, now_sec);
		break;
	case LIMITER_OURS:
		gradient_sample(&l->gradient, (uint64_t)(took_sec * 1e9), in_flight, is_drop,
				(uint64_t)(now_sec * 1e9));
		l->limit = gradient_limit(&l->gradient);
		break;
	}
}

uint32_t limiter_limit(const struct limiter *l)
{
	return (uint32_t)l->limit;
}

bool limiter_keeps(struct limiter *l, double waited_sec, uint32_t queued, double now_sec)
{
	bool stands = now_sec - l->empty_sec > CODEL_INTERVAL_SEC;

	if (queued == 0)
		l->empty_sec = now_sec;
	return l->options.kind != LIMITER_CODEL ||
	       waited_sec <= (stands ? CODEL_TARGET_SEC : CODEL_INTERVAL_SEC);
}
