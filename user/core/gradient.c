// SPDX-License-Identifier: MIT
/*
 * See gradient.h. Here samples become windows. A window begins when its requests are of one
 * kind: after a fall of the limit only once no more run than it allows and these have ended, so
 * that neither those from before it (long ones most of all) nor the first, short ones mislead.
 */
#include "core/gradient.h"

#include <math.h>
#include <string.h>

#include "core/gradient_parts.h"

/*
 * A window lasts 100 ms or more, and until it has 25 samples and half of what is in flight; this
 * half no longer matters from 250 ms on, and half of 25 will do from 500 ms on. Whatever
 * happens it has 8. That of a test has 100 samples, unless these take longer than a second.
 */
#define WINDOW_MIN_NS  100000000ULL
#define WINDOW_LONG_NS 250000000ULL
#define WINDOW_SLOW_NS 500000000ULL
#define WINDOW_TEST_NS 1000000000ULL
#define WINDOW_MAX_NS  2000000000ULL
#define SAMPLES	       25
#define SAMPLES_MIN    8
#define SAMPLES_TEST   100
#define SETTLE_MAX_NS  5000000000ULL /* a window begins then in any case */
#define REST_SETTLE_NS 500000000ULL  /* a rest is given up then */
#define LOW_SHARE      0.25	     /* few enough to be of the fast kind where there are two */
#define DROP_SHARE     0.05	     /* of requests, from where they make the limit fall */
#define IN_FLIGHT_MIN  1e-6

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
	g->rest_wait_ns = GRADIENT_REST_MIN_NS;
	g->rest_ns = now_ns + GRADIENT_REST_MIN_NS;
	g->stuck_wait_ns = GRADIENT_TRY_MIN_NS;
	g->is_draining = true;
	window_begin(g, now_ns);
}

void gradient_set_options(struct gradient *g, const struct gradient_options *options)
{
	bool was_max = g->limit >= g->options.max;

	g->options = *options;
	gradient_limit_set(g, was_max ? options->max : g->limit);
}

uint32_t gradient_limit(const struct gradient *g)
{
	return (uint32_t)g->limit;
}

void gradient_limit_set(struct gradient *g, double limit)
{
	limit = fmin(fmax(limit, g->options.min), g->options.max);
	if (limit < g->limit) {
		g->is_draining = true;
		g->last.per_sec = 0;
	}
	g->limit = limit;
}

static void window_end(struct gradient *g, uint64_t now_ns)
{
	double lasted_ns = (double)(now_ns - g->window.since_ns);
	double drop_share = (double)g->window.drops / g->window.count;
	struct gradient_point now = {
		.in_flight = fmax(g->window.area / lasted_ns, IN_FLIGHT_MIN),
		.per_sec = g->window.count / lasted_ns * 1e9,
		.low_ns = (double)histogram_quantile(&g->window.rtt, LOW_SHARE),
		.count = g->window.count,
	};

	if (drop_share > DROP_SHARE) {
		g->streak = 0;
		g->test = GRADIENT_NO_TEST;
		gradient_limit_set(g, g->limit * (1 - drop_share / 2));
	} else if (g->window.rtt.total >= SAMPLES_MIN) {
		gradient_decide(g, &now, now_ns);
	}
	window_begin(g, now_ns);
}

static bool window_is_over(const struct gradient *g, uint64_t lasted_ns)
{
	uint32_t wanted = SAMPLES;

	if (g->test >= GRADIENT_TESTS && lasted_ns < WINDOW_TEST_NS)
		wanted = SAMPLES_TEST;
	else if (lasted_ns >= WINDOW_MAX_NS)
		wanted = SAMPLES_MIN;
	else if (lasted_ns >= WINDOW_SLOW_NS)
		wanted = SAMPLES / 2;
	else if (lasted_ns < WINDOW_LONG_NS && g->window.peak / 2 > wanted)
		wanted = g->window.peak / 2;
	return lasted_ns >= WINDOW_MIN_NS && g->window.count >= wanted;
}

/* Is the sample from before the next window? */
static bool is_settling(struct gradient *g, uint32_t in_flight, uint64_t now_ns)
{
	bool is_late = now_ns - g->window.since_ns >= SETTLE_MAX_NS;

	if (g->is_draining && g->test == GRADIENT_RESTS &&
	    now_ns - g->window.since_ns >= REST_SETTLE_NS)
		gradient_rest_give_up(g, now_ns);
	if (g->is_draining && (in_flight <= g->limit || is_late)) {
		g->is_draining = false;
		g->skip = in_flight;
		g->fresh_ns = now_ns;
		return true;
	}
	if (g->is_draining || !g->skip)
		return g->is_draining;
	if (--g->skip == 0 || is_late) {
		g->skip = 0;
		window_begin(g, now_ns);
	}
	return true;
}

bool gradient_sample(struct gradient *g, uint64_t rtt_ns, uint32_t in_flight, bool is_drop,
		     uint64_t now_ns)
{
	uint32_t before = gradient_limit(g);
	double passed_ns, own_ns;

	if (now_ns < g->window.last_ns)
		now_ns = g->window.last_ns;
	if (in_flight < 1)
		in_flight = 1;
	if (is_settling(g, in_flight, now_ns))
		return false;
	/* It was there for no longer than it took, the others all of the time since the last; but
	 * after a long pause they are as new as it is. */
	passed_ns = (double)(now_ns - g->window.last_ns);
	own_ns = fmin((double)rtt_ns, passed_ns);
	g->window.area +=
		(in_flight - 1) * (passed_ns > WINDOW_MAX_NS ? own_ns : passed_ns) + own_ns;
	g->window.last_ns = now_ns;
	g->window.count++;
	if (in_flight > g->window.peak)
		g->window.peak = in_flight;
	if (is_drop)
		g->window.drops++;
	else if (rtt_ns <= now_ns - g->fresh_ns)
		histogram_record(&g->window.rtt, rtt_ns);
	if (window_is_over(g, now_ns - g->window.since_ns))
		window_end(g, now_ns);
	return gradient_limit(g) != before;
}
