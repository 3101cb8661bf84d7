/* SPDX-License-Identifier: MIT */
/*
 * See breaker.h. What is left to itself goes like this; every change goes through
 * breaker_move(), and any other event leaves the state as it is:
 *
 *     from       to         when                                          reason
 *     closed     open       failure_threshold failures in a row           consecutive failures
 *                           failures / calls >= failure_rate (*)          failure rate
 *                           slow / calls >= slow_call_rate (*)            slow calls
 *                           unhealthy_checks failed checks in a row       health checks failed
 *     open       half-open  it has been open for its recovery time        recovery timeout is over
 *                           a check passed that may be believed           health check passed
 *     half-open  closed     half_open_probes probes and checks were good  probes passed
 *                open       a probe was bad or slow                       failed probe
 *                           a check failed                                health checks failed
 *     any        open       breaker_open()                                by hand
 *                closed     breaker_close(), breaker_reset()              by hand
 *                           its options say that it is off                switched off
 *
 *     (*) of minimum_calls calls or more in the window
 *
 * Held open or closed by hand, or switched off, it takes only the changes by hand. The
 * recovery time doubles with each half-open that ends open, until one ends closed.
 */
#include "core/breaker.h"

#define BREAKER_RANDOM_STEP 0x9e3779b97f4a7c15ULL

/* SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators"). */
static uint64_t breaker_random(struct breaker *b)
{
	uint64_t z = b->random += BREAKER_RANDOM_STEP;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* How long it stays open after so many failed probes, without jitter. */
static uint64_t breaker_wait_ns(const struct breaker *b)
{
	uint64_t wait = b->options.recovery_ns, max = b->options.max_recovery_ns;

	for (uint32_t i = 0; i < b->failed_probes && wait < max; i++)
		wait = wait > max / 2 ? max : wait * 2;
	return wait < max ? wait : max;
}

static uint64_t time_add(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < UINT64_MAX - b_ns ? a_ns + b_ns : UINT64_MAX;
}

/* The time from which on it is tried again, spread so that many breakers don't try at once. */
static uint64_t breaker_until_ns(struct breaker *b, uint64_t now_ns)
{
	uint64_t wait = breaker_wait_ns(b), jitter = wait / BREAKER_JITTER;

	return time_add(time_add(now_ns, wait - jitter), breaker_random(b) % (2 * jitter + 1));
}

static void breaker_tell(struct breaker *b, const struct breaker_change *change)
{
	if (b->change_count == BREAKER_CHANGES_MAX) {
		b->change_first = (b->change_first + 1) % BREAKER_CHANGES_MAX;
		b->change_count--;
	}
	b->changes[(b->change_first + b->change_count++) % BREAKER_CHANGES_MAX] = *change;
}

/* Closed, nothing that was seen before counts. */
static void breaker_forget(struct breaker *b)
{
	b->failed_probes = b->consecutive = b->checks_failed = 0;
	b->is_check_misleading = false;
	breaker_window_init(&b->window, b->options.window_ns, b->options.window_calls);
}

/* The one place where the state changes; see the table above. */
static void breaker_move(struct breaker *b, enum breaker_state to, enum breaker_reason reason,
			 uint64_t now_ns)
{
	const struct breaker_change change = {b->state, to, reason, now_ns};

	b->state = to;
	b->generation++;
	b->probes_in_flight = b->probes_passed = 0;
	if (to == BREAKER_CLOSED)
		breaker_forget(b);
	if (to == BREAKER_OPEN) {
		if (change.from == BREAKER_HALF_OPEN && b->failed_probes < UINT32_MAX)
			b->failed_probes++;
		b->until_ns = breaker_until_ns(b, now_ns);
		b->opened++;
	}
	breaker_tell(b, &change);
}

/* May it change its state by itself? */
static bool breaker_is_free(const struct breaker *b)
{
	return b->options.enabled && b->hold == BREAKER_AUTOMATIC;
}

static bool breaker_is_due(const struct breaker *b, uint64_t now_ns)
{
	return now_ns >= breaker_next_ns(b);
}

static bool breaker_has_place(const struct breaker *b)
{
	return b->probes_in_flight < b->options.half_open_probes &&
	       b->options.half_open_probes - b->probes_in_flight > b->probes_passed;
}

static void breaker_close_if_proven(struct breaker *b, uint64_t now_ns)
{
	if (b->probes_passed >= b->options.half_open_probes)
		breaker_move(b, BREAKER_CLOSED, BREAKER_PROBES_PASSED, now_ns);
}

/* The same quotient has the same bits however it is reached, so 7 of 100 are 0.07. */
static bool is_share(uint32_t part, uint32_t whole, double rate)
{
	return rate > 0 && whole && (double)part / whole >= rate;
}

/* A call that came to its end while closed. */
static void breaker_count(struct breaker *b, bool is_failure, bool is_slow, uint64_t now_ns)
{
	const struct breaker_options *o = &b->options;
	struct breaker_calls sum;
	bool is_enough;

	breaker_window_put(&b->window, is_failure, is_slow, now_ns);
	if (!is_failure)
		b->consecutive = 0;
	else if (b->consecutive < UINT32_MAX)
		b->consecutive++;
	if (!breaker_is_free(b))
		return;
	breaker_window_sum(&b->window, now_ns, &sum);
	is_enough = sum.calls >= o->minimum_calls;
	if (o->failure_threshold && b->consecutive >= o->failure_threshold)
		breaker_move(b, BREAKER_OPEN, BREAKER_CONSECUTIVE_FAILURES, now_ns);
	else if (is_enough && is_share(sum.failures, sum.calls, o->failure_rate))
		breaker_move(b, BREAKER_OPEN, BREAKER_FAILURE_RATE, now_ns);
	else if (is_enough && is_share(sum.slow, sum.calls, o->slow_call_rate))
		breaker_move(b, BREAKER_OPEN, BREAKER_SLOW_CALLS, now_ns);
}

static void breaker_probed(struct breaker *b, bool is_good, uint64_t now_ns)
{
	b->probes_passed += is_good;
	if (is_good) {
		breaker_close_if_proven(b, now_ns);
		return;
	}
	b->is_check_misleading = b->last_check_passed;
	breaker_move(b, BREAKER_OPEN, BREAKER_PROBE_FAILED, now_ns);
}

void breaker_init(struct breaker *b, const struct breaker_options *options, uint64_t seed)
{
	*b = (struct breaker){.options = *options, .random = seed};
	breaker_forget(b);
}

void breaker_set_options(struct breaker *b, const struct breaker_options *options, uint64_t now_ns)
{
	bool is_window_kept = options->window_ns == b->options.window_ns &&
			      options->window_calls == b->options.window_calls;
	uint64_t until_ns;

	b->options = *options;
	if (!is_window_kept)
		breaker_window_init(&b->window, options->window_ns, options->window_calls);
	if (!options->enabled && b->hold == BREAKER_AUTOMATIC && b->state != BREAKER_CLOSED) {
		breaker_move(b, BREAKER_CLOSED, BREAKER_SWITCHED_OFF, now_ns);
	} else if (b->state == BREAKER_OPEN) {
		until_ns = time_add(now_ns, breaker_wait_ns(b));
		b->until_ns = until_ns < b->until_ns ? until_ns : b->until_ns;
	} else if (b->state == BREAKER_HALF_OPEN) {
		breaker_close_if_proven(b, now_ns);
	}
}

bool breaker_may_pass(const struct breaker *b, uint64_t now_ns)
{
	if (b->state == BREAKER_HALF_OPEN)
		return breaker_has_place(b);
	return b->state == BREAKER_CLOSED || breaker_is_due(b, now_ns);
}

bool breaker_pass(struct breaker *b, uint64_t now_ns, struct breaker_pass *ret)
{
	breaker_tick(b, now_ns);
	if (!breaker_may_pass(b, now_ns))
		return false;
	if (b->state == BREAKER_HALF_OPEN)
		b->probes_in_flight++;
	ret->generation = b->generation;
	return true;
}

void breaker_report(struct breaker *b, const struct breaker_pass *pass,
		    enum breaker_outcome outcome, uint64_t took_ns, uint64_t now_ns)
{
	bool is_failure = outcome == BREAKER_BAD, is_slow;

	if (pass->generation != b->generation)
		return;
	if (b->state == BREAKER_HALF_OPEN)
		b->probes_in_flight--;
	if (outcome == BREAKER_UNKNOWN)
		return;
	is_slow = b->options.slow_call_ns && took_ns > b->options.slow_call_ns;
	if (is_failure)
		b->last_failure_ns = now_ns;
	if (b->state == BREAKER_HALF_OPEN)
		breaker_probed(b, !is_failure && !(is_slow && b->options.slow_call_rate > 0),
			       now_ns);
	else
		breaker_count(b, is_failure, is_slow, now_ns);
}

void breaker_checked(struct breaker *b, bool is_good, uint64_t now_ns)
{
	const struct breaker_options *o = &b->options;

	b->last_check_passed = is_good;
	if (is_good)
		b->checks_failed = 0;
	else if (b->checks_failed < UINT32_MAX)
		b->checks_failed++;
	if (!is_good)
		b->is_check_misleading = false;
	if (!breaker_is_free(b))
		return;
	if (b->state == BREAKER_HALF_OPEN && is_good) {
		if (b->probes_in_flight > 0) /* what becomes of requests says more */
			return;
		b->probes_passed++;
		breaker_close_if_proven(b, now_ns);
	} else if (b->state == BREAKER_HALF_OPEN ||
		   (b->state == BREAKER_CLOSED && o->unhealthy_checks &&
		    b->checks_failed >= o->unhealthy_checks)) {
		breaker_move(b, BREAKER_OPEN, BREAKER_CHECKS_FAILED, now_ns);
	} else if (b->state == BREAKER_OPEN && is_good && !b->is_check_misleading) {
		breaker_move(b, BREAKER_HALF_OPEN, BREAKER_CHECK_PASSED, now_ns);
	}
}

static void breaker_hold(struct breaker *b, enum breaker_hold hold, enum breaker_state state,
			 uint64_t now_ns)
{
	b->hold = hold;
	if (b->state != state)
		breaker_move(b, state, BREAKER_BY_HAND, now_ns);
}

void breaker_open(struct breaker *b, uint64_t now_ns)
{
	breaker_hold(b, BREAKER_HELD_OPEN, BREAKER_OPEN, now_ns);
}

void breaker_close(struct breaker *b, uint64_t now_ns)
{
	breaker_hold(b, BREAKER_HELD_CLOSED, BREAKER_CLOSED, now_ns);
}

void breaker_reset(struct breaker *b, uint64_t now_ns)
{
	breaker_hold(b, BREAKER_AUTOMATIC, BREAKER_CLOSED, now_ns);
	breaker_forget(b);
	b->generation++; /* what is under way is forgotten too */
	b->last_check_passed = false;
	b->last_failure_ns = 0;
}

bool breaker_tick(struct breaker *b, uint64_t now_ns)
{
	if (!breaker_is_due(b, now_ns))
		return false;
	breaker_move(b, BREAKER_HALF_OPEN, BREAKER_RECOVERY_TIMEOUT_OVER, now_ns);
	return true;
}

uint64_t breaker_next_ns(const struct breaker *b)
{
	return b->state == BREAKER_OPEN && breaker_is_free(b) ? b->until_ns : UINT64_MAX;
}

bool breaker_changed(struct breaker *b, struct breaker_change *ret)
{
	if (!b->change_count)
		return false;
	*ret = b->changes[b->change_first];
	b->change_first = (b->change_first + 1) % BREAKER_CHANGES_MAX;
	b->change_count--;
	return true;
}
