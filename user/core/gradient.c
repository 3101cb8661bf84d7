// SPDX-License-Identifier: MIT
/*
 * See gradient.h.
 */
#include "core/gradient.h"

#include <math.h>
#include <string.h>

#define WINDOW_MIN_NS  100000000ULL  /* a window lasts as long, and until it has ... */
#define WINDOW_SAMPLES 25	     /* ... so many, but not longer than ... */
#define WINDOW_MAX_NS  2000000000ULL /* ... this, */
#define SAMPLES_MIN    8	     /* and tells nothing with fewer */
#define DRAIN_MAX_NS   5000000000ULL
#define LOW_SHARE      0.25
#define TOLERANCE      2.0  /* low_ns over base_ns from where the limit falls */
#define GROW_WITHIN    1.5  /* likewise up to where it grows */
#define FALL_MOST      0.5  /* the limit falls to this share at most, at once */
#define DROP_SHARE     0.05 /* of failed requests that make it fall */
#define LEARN_SHARE    (1.0 / 32)

static double clamp(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
}

static void window_begin(struct gradient *g, uint64_t now_ns)
{
	memset(&g->window, 0, sizeof(g->window));
	g->window.since_ns = g->window.last_ns = now_ns;
}

void gradient_init(struct gradient *g, const struct gradient_options *options, uint64_t now_ns)
{
	memset(g, 0, sizeof(*g));
	g->options = *options;
	g->limit = options->max;
	window_begin(g, now_ns);
}

void gradient_set_options(struct gradient *g, const struct gradient_options *options)
{
	bool was_max = g->limit >= g->options.max;

	g->options = *options;
	g->limit = was_max ? options->max : clamp(g->limit, options->min, options->max);
}

uint32_t gradient_limit(const struct gradient *g)
{
	return (uint32_t)g->limit;
}

static void limit_set(struct gradient *g, double limit, uint64_t now_ns)
{
	limit = clamp(limit, g->options.min, g->options.max);
	if (limit < g->limit) {
		g->is_draining = true;
		g->fresh_ns = now_ns;
	}
	g->limit = limit;
}

static void learn(struct gradient *g, double low_ns, double share)
{
	if (g->base_ns <= 0)
		g->base_ns = low_ns;
	else
		g->base_ns *= pow(low_ns / g->base_ns, share);
}

/* Whether requests waited inside the upstream at `from`: with fewer, as many end, and sooner. */
static bool did_help(const struct gradient_point *from, const struct gradient_point *to)
{
	double fewer = log(from->in_flight / to->in_flight);
	double slower = log(from->per_sec / to->per_sec);
	double sooner = log(from->low_ns / to->low_ns);

	return (sooner + fewer - slower) / 2 >= fewer / 2;
}

static void fall(struct gradient *g, const struct gradient_point *now, double over, uint64_t now_ns)
{
	const struct gradient_point *from = &g->anchor;
	double used = g->window.peak < g->limit ? g->window.peak : g->limit;

	g->streak = 0;
	if (g->limit <= g->options.min) {
		learn(g, now->low_ns, LEARN_SHARE * 4);
		return;
	}
	if (from->per_sec > 0 && now->in_flight < from->in_flight * 0.75 && !did_help(from, now)) {
		g->base_ns = now->low_ns;
		limit_set(g, g->before, now_ns);
		g->before = g->anchor.per_sec = 0;
		return;
	}
	if (g->before > 0)
		g->anchor = *now;
	else
		g->before = g->limit;
	limit_set(g, used * clamp(sqrt(1 / over), FALL_MOST, 1), now_ns);
}

static void decide(struct gradient *g, const struct gradient_point *now, double at_least_ns,
		   uint64_t now_ns)
{
	bool is_used = g->window.peak >= g->limit / 2;
	double over = g->base_ns > 0 ? at_least_ns / (TOLERANCE * g->base_ns) : 0;

	if (over > 1) {
		fall(g, now, over, now_ns);
		return;
	}
	g->before = g->anchor.per_sec = 0;
	if (g->limit >= g->options.max || !is_used)
		learn(g, now->low_ns, LEARN_SHARE);
	else if (now->low_ns < g->base_ns)
		learn(g, now->low_ns, LEARN_SHARE);
	if (is_used && now->low_ns <= GROW_WITHIN * g->base_ns) {
		limit_set(g, g->limit + fmax(1, g->limit * 0.1 * fmin(g->streak + 1, 4)), now_ns);
		g->streak++;
	} else {
		g->streak = 0;
	}
}

static void window_end(struct gradient *g, uint64_t now_ns)
{
	double lasted_ns = (double)(now_ns - g->window.since_ns);
	double n = (double)g->window.rtt.total;
	double share = (double)g->window.drops / g->window.count;
	struct gradient_point now = {
		.in_flight = g->window.area / lasted_ns,
		.per_sec = g->window.count / lasted_ns * 1e9,
		.low_ns = (double)histogram_quantile(&g->window.rtt, LOW_SHARE),
	};

	if (share > DROP_SHARE) {
		g->streak = 0;
		limit_set(g, g->limit * (1 - share / 2), now_ns);
	} else if (n >= SAMPLES_MIN) {
		double at_least = LOW_SHARE - 1.5 * sqrt(LOW_SHARE * (1 - LOW_SHARE) / n);

		at_least = fmax(at_least, 1 / n);
		decide(g, &now, (double)histogram_quantile(&g->window.rtt, at_least), now_ns);
	}
	window_begin(g, now_ns);
}

bool gradient_sample(struct gradient *g, uint64_t rtt_ns, uint32_t in_flight, bool is_drop,
		     uint64_t now_ns)
{
	uint32_t before = gradient_limit(g);
	uint64_t lasted_ns;

	if (now_ns < g->window.last_ns)
		now_ns = g->window.last_ns;
	lasted_ns = now_ns - g->window.since_ns;
	if (g->is_draining && in_flight > g->limit && lasted_ns < DRAIN_MAX_NS)
		return false;
	if (g->is_draining) {
		g->is_draining = false;
		g->fresh_ns = now_ns;
		window_begin(g, now_ns);
		return false;
	}
	g->window.area += (double)in_flight * (double)(now_ns - g->window.last_ns);
	g->window.last_ns = now_ns;
	g->window.count++;
	if (in_flight > g->window.peak)
		g->window.peak = in_flight;
	if (is_drop)
		g->window.drops++;
	else if (rtt_ns <= now_ns - g->fresh_ns)
		histogram_record(&g->window.rtt, rtt_ns);
	if (lasted_ns >= WINDOW_MAX_NS ||
	    (lasted_ns >= WINDOW_MIN_NS && g->window.rtt.total + g->window.drops >= WINDOW_SAMPLES))
		window_end(g, now_ns);
	return gradient_limit(g) != before;
}
