// SPDX-License-Identifier: MIT
/*
 * See gradient.h. Here a window is judged: how much slower are requests than the baseline?
 *
 *     more than TOLERANCE    the limit falls in proportion; if by much, a test follows
 *     up to GROW_WITHIN      it grows, the faster the longer it does, if half of it is used
 *     between                it holds; if it does so for long, it tries a higher limit
 *
 * The baseline is learned where in flight is low, or at max with room left. From time to time a
 * limit that is used up rests (is halved for a window), so that a baseline that was learned while
 * requests waited is found out. Requests wait in the queue meanwhile; none is refused for it
 * that would not be refused for a shorter while without a permit.
 */
#include "core/gradient_parts.h"

#include <math.h>

#define TOLERANCE	 1.4
#define GROW_WITHIN	 1.25
#define WAIT_WEIGHT	 4    /* of a wait, as a share of the mean time */
#define FALL_MOST	 0.35 /* the limit falls to this share, at most */
#define TEST_FALL	 0.5
#define TEST_RISE	 2
#define DOUBTFUL	 1.3 /* over TOLERANCE by this factor: the fall is put to the test */
#define ANCHOR_NS	 5000000000ULL /* an older anchor tells of other times */
#define GROW_STEP	 0.1 /* of the limit; twice as much in the second window in a row, ... */
#define GROW_STEPS	 4   /* ... up to so many times */
#define COARSE_BELOW	 9   /* one more is more than what lies between the two there */
#define GROW_WAIT_MIN_NS 250000000ULL
#define GROW_WAIT_MAX_NS 2000000000ULL
#define USED_SHARE	 0.9
#define STEADY		 1.5 /* two windows differ by less than this factor */
#define OFTEN_WEIGHT	 0.75
#define UNSURE		 0.5 /* standard deviation of a point's logarithm, times sqrt(count) */
#define CONFIRMED	 2.0 /* the baseline, if a rest finds no more than this factor */
#define LEARN_SHARE	 (1.0 / 32)
#define LEARN_FIRST	 8    /* windows before anything is judged */
#define REST_SHARE	 0.5  /* of what a rest finds, in the baseline; ... */
#define REST_LOWER_SHARE 0.75 /* ... of one that was learned while requests waited */
#define REST_MAX_NS	 60000000000ULL
#define REST_RELEARN_NS	 4000000000ULL /* after the baseline rose */
#define REST_PAUSE	 60	       /* times what a rest took: less than 1 % of the time */

/* Little's law; unlike the mean of the times it tells of those that run yet, too. */
static double mean_ns(const struct gradient_point *at)
{
	return at->in_flight / at->per_sec * 1e9;
}

static void learn(struct gradient *g, const struct gradient_point *now, double share)
{
	if (g->base_ns <= 0) {
		g->base_ns = now->low_ns;
		g->mean_ns = mean_ns(now);
	} else {
		g->base_ns *= pow(now->low_ns / g->base_ns, share);
		g->mean_ns *= pow(mean_ns(now) / g->mean_ns, share);
	}
}

/* The average of the first windows, then one that fades slowly. */
static void learn_more(struct gradient *g, const struct gradient_point *now)
{
	learn(g, now, fmax(1.0 / (g->learned + 1), LEARN_SHARE));
	if (g->learned < UINT32_MAX - 1)
		g->learned++;
}

/*
 * The least of three: how much the mean time has grown, which another mix of requests makes
 * grow as well; the time of the fast ones, which a mix leaves as it is, but a short wait
 * multiplies; and this wait as a share of the mean time.
 */
static double slower_than_base(const struct gradient *g, const struct gradient_point *at)
{
	double mean = mean_ns(at) / g->mean_ns, low = at->low_ns / g->base_ns;
	double wait = (at->low_ns - g->base_ns) / g->mean_ns;

	return fmin(mean, fmin(low, 1 + WAIT_WEIGHT * wait));
}

/*
 * Do requests wait inside the upstream at `many`? If so, with fewer they end as often, but
 * sooner; else less often, and no sooner. What lies between is split in the middle; how often
 * they end is the less noisy sign, and weighs more. In doubt they do.
 */
static bool is_crowded(const struct gradient_point *many, const struct gradient_point *few)
{
	double half = log(many->in_flight / few->in_flight) / 2;
	double sooner = log(many->low_ns / few->low_ns) - half;
	double as_often = half - log(many->per_sec / few->per_sec);
	double unsure = UNSURE / sqrt(fmin(many->count, few->count));

	return as_often * OFTEN_WEIGHT + sooner * (1 - OFTEN_WEIGHT) >= -unsure;
}

static bool is_steady(const struct gradient_point *last, const struct gradient_point *now)
{
	return last->per_sec > 0 && fabs(log(mean_ns(now) / mean_ns(last))) < log(STEADY);
}

static void anchor_set(struct gradient *g, const struct gradient_point *now, uint64_t now_ns)
{
	g->anchor = *now;
	g->anchor_ns = now_ns;
}

static void test_over(struct gradient *g)
{
	g->test = GRADIENT_NO_TEST;
	g->anchor_ns = 0;
}

/* The service itself got slower: this is the baseline now. */
static void relearn(struct gradient *g, const struct gradient_point *now, uint64_t now_ns)
{
	learn(g, now, 1);
	g->learned = 1;
	g->rest_wait_ns = GRADIENT_REST_MIN_NS;
	g->rest_ns = now_ns + REST_RELEARN_NS;
	test_over(g);
	gradient_limit_set(g, g->before);
}

/* Requests are `over` times slower than they may be. */
static void fall(struct gradient *g, const struct gradient_point *now, double over, uint64_t now_ns)
{
	double used = fmin(g->limit, g->window.peak);
	bool is_fewer = g->anchor_ns && now->in_flight < g->anchor.in_flight * 0.75;

	if (g->streak && g->limit < COARSE_BELOW) {
		g->grow_wait_ns = g->grow_wait_ns ? g->grow_wait_ns * 2 : GROW_WAIT_MIN_NS;
		if (g->grow_wait_ns > GROW_WAIT_MAX_NS)
			g->grow_wait_ns = GROW_WAIT_MAX_NS;
		g->grow_ns = now_ns + g->grow_wait_ns;
	}
	g->streak = 0;
	if (gradient_limit(g) <= g->options.min) { /* so it isn't for their number */
		g->before = g->limit;
		relearn(g, now, now_ns);
	} else if (is_fewer && !is_crowded(&g->anchor, now)) {
		relearn(g, now, now_ns);
	} else if (g->test != GRADIENT_NO_TEST && over > DOUBTFUL) {
		if (!g->anchor_ns) { /* of a try or a rest that had not begun yet */
			anchor_set(g, now, now_ns);
			g->before = g->limit;
		}
		g->test = GRADIENT_TESTS;
		gradient_limit_set(g, used * TEST_FALL);
	} else {
		if (!g->anchor_ns)
			g->before = g->limit;
		g->test = over > DOUBTFUL ? GRADIENT_SUSPECTS : GRADIENT_NO_TEST;
		gradient_limit_set(g, used * fmax(1 / over, FALL_MOST));
	}
}

void gradient_rest_give_up(struct gradient *g, uint64_t now_ns)
{
	g->rest_ns = now_ns + REST_MAX_NS;
	gradient_limit_set(g, g->before);
	test_over(g);
}

static void try_end(struct gradient *g, const struct gradient_point *now, uint64_t now_ns)
{
	bool was_used = now->in_flight >= g->anchor.in_flight * 1.25;

	if (was_used && !is_crowded(now, &g->anchor)) {
		if (g->base_ns < g->anchor.low_ns)
			learn(g, &g->anchor, 1);
		g->stuck_wait_ns = GRADIENT_TRY_MIN_NS;
	} else {
		gradient_limit_set(g, g->before);
		if (g->stuck_wait_ns < REST_MAX_NS)
			g->stuck_wait_ns *= 2;
	}
	g->stuck_ns = now_ns + g->stuck_wait_ns;
	test_over(g);
}

/* The limit as it is was measured: now with twice as many, or half. */
static void step_begin(struct gradient *g, const struct gradient_point *now, uint64_t now_ns)
{
	anchor_set(g, now, now_ns);
	g->before = g->limit;
	g->skip = (uint32_t)g->limit;
	gradient_limit_set(g, g->limit * (g->test == GRADIENT_RESTS ? TEST_FALL : TEST_RISE));
}

static void rest_end(struct gradient *g, const struct gradient_point *now, uint64_t now_ns)
{
	double off = now->low_ns / g->base_ns;
	bool was_crowded = is_crowded(&g->anchor, now), is_lower = off <= 1 / STEADY;
	bool is_confirmed = !is_lower && off < CONFIRMED;

	learn(g, now, is_lower ? REST_LOWER_SHARE : REST_SHARE);
	if (is_lower && was_crowded && gradient_limit(g) > g->options.min) {
		step_begin(g, now, now_ns); /* half is still too many, for all that is known */
		return;
	}
	if (!is_confirmed)
		g->rest_wait_ns = GRADIENT_REST_MIN_NS;
	else if (g->rest_wait_ns < REST_MAX_NS)
		g->rest_wait_ns *= 2;
	g->rest_ns = now_ns + g->rest_wait_ns;
	if (is_confirmed)
		g->rest_ns += REST_PAUSE * (now_ns - g->rest_began_ns);
	if (is_confirmed || !was_crowded)
		gradient_limit_set(g, g->before);
	test_over(g);
}

static void grow(struct gradient *g, uint64_t now_ns)
{
	if (g->streak)
		g->grow_wait_ns = 0; /* the last step was not too much */
	if (g->streak < GROW_STEPS)
		g->streak++;
	g->stuck_ns = now_ns + g->stuck_wait_ns;
	g->skip = (uint32_t)g->limit / 2; /* the effect is seen only when some of these ended */
	if (g->limit < COARSE_BELOW)
		g->last.per_sec = 0; /* it tells of much fewer */
	gradient_limit_set(g, g->limit + fmax(1, g->limit * GROW_STEP * g->streak));
}

static void keep_or_grow(struct gradient *g, const struct gradient_point *now, double slower,
			 uint64_t now_ns)
{
	bool is_max = g->limit >= g->options.max, is_half_used = g->window.peak >= g->limit / 2;
	bool is_used = g->window.peak >= g->limit * USED_SHARE, is_stuck, may_rest;

	g->test = GRADIENT_NO_TEST;
	if (slower <= TOLERANCE && (!is_half_used || (is_max && !is_used)))
		learn_more(g, now);
	if (!is_half_used) { /* what is learned there needs no rest */
		g->rest_wait_ns = REST_MAX_NS;
		g->rest_ns = now_ns + REST_MAX_NS;
	}
	if (is_half_used && !is_max && slower <= GROW_WITHIN) {
		if (now_ns >= g->grow_ns)
			grow(g, now_ns);
		return;
	}
	g->streak = 0;
	is_stuck = !is_max && now_ns >= g->stuck_ns;
	may_rest = g->options.may_rest && now_ns >= g->rest_ns;
	if (is_used && (is_stuck || may_rest) && is_steady(&g->last, now)) {
		g->test = is_stuck ? GRADIENT_TRIES : GRADIENT_RESTS;
		g->rest_began_ns = now_ns;
		g->anchor_ns = 0;
	}
}

void gradient_decide(struct gradient *g, const struct gradient_point *now, uint64_t now_ns)
{
	bool has_room = g->limit >= g->options.max && g->window.peak < g->limit * USED_SHARE;
	double slower;

	if (g->base_ns <= 0 || (g->learned < LEARN_FIRST && has_room)) {
		learn_more(g, now);
		return;
	}
	slower = slower_than_base(g, now);
	if (g->last.per_sec > 0 && slower < TOLERANCE * TOLERANCE)
		slower = (slower + slower_than_base(g, &g->last)) / 2;
	g->last = *now;
	if (g->anchor_ns && now_ns - g->anchor_ns > ANCHOR_NS && g->test < GRADIENT_TESTS)
		g->anchor_ns = 0;
	if (g->test == GRADIENT_SUSPECTS && !g->anchor_ns)
		anchor_set(g, now, now_ns);
	if (g->test == GRADIENT_TRIES && g->anchor_ns)
		try_end(g, now, now_ns);
	else if (slower > TOLERANCE && g->window.peak >= g->limit / 2)
		fall(g, now, slower / TOLERANCE, now_ns);
	else if (g->test >= GRADIENT_RESTS && !g->anchor_ns)
		step_begin(g, now, now_ns);
	else if (g->test == GRADIENT_RESTS)
		rest_end(g, now, now_ns);
	else
		keep_or_grow(g, now, slower, now_ns);
}
