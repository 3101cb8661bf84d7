/* SPDX-License-Identifier: MIT */
/*
 * The circuit breaker against a model that is slow and obviously right: it keeps every call
 * that was ever reported and asks the list again for each question, and every pass with what
 * has become of it. Both go through many thousand random steps, of fixed seeds. The model
 * doesn't foretell the jitter: it takes the time from the breaker, and judges its bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/breaker.h"

#define SEEDS	    60
#define STEPS	    4000
#define OPTIONS_AT  200 /* steps between two changes of the options */
#define FLYING_MAX  32
#define MILLISECOND 1000000ULL
#define TICK_NS	    (10 * MILLISECOND) /* of what calls take */

struct model_call {
	uint64_t at_ns;
	bool is_failure, is_slow;
};

struct model_pass {
	struct breaker_pass pass;
	uint64_t era; /* of the model: a change of state begins another */
};

struct model {
	struct breaker_options options;
	enum breaker_state state;
	enum breaker_hold hold;
	uint64_t era, until_ns, opened, last_failure_ns;
	uint32_t reopened; /* since it was closed */
	uint32_t good;	   /* probes and checks, in this half-open */
	uint32_t checks_failed;
	bool has_check_passed; /* the last one */
	bool is_deaf;	       /* to passed checks, while open */
	struct model_call calls[STEPS];
	uint32_t call_count, counted_from; /* of the window; earlier ones are forgotten */
	uint32_t row_from;		   /* of failures in a row, likewise */
	struct model_pass flying[FLYING_MAX];
	uint32_t flying_count;
};

struct world {
	uint64_t random, now_ns;
	struct breaker breaker;
	struct model model;
	uint32_t visits[3]; /* changes to each state */
};

static uint32_t any(struct world *w, uint32_t below) /* xorshift64* */
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (uint32_t)((w->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* --- the model --- */

static uint64_t model_slice(const struct model *m, uint64_t at_ns)
{
	return at_ns / (m->options.window_ns / BREAKER_SLICES);
}

static struct breaker_calls model_window(const struct model *m, uint64_t now_ns)
{
	struct breaker_calls sum = {0};

	for (uint32_t i = m->call_count; i-- > m->counted_from;) {
		const struct model_call *call = &m->calls[i];

		if (m->options.window_calls ? sum.calls == m->options.window_calls
					    : model_slice(m, call->at_ns) + BREAKER_SLICES <=
						      model_slice(m, now_ns))
			break;
		sum.calls++;
		sum.failures += call->is_failure;
		sum.slow += call->is_slow;
	}
	return sum;
}

static uint32_t model_row(const struct model *m)
{
	uint32_t row = 0;

	for (uint32_t i = m->call_count; i-- > m->row_from && m->calls[i].is_failure;)
		row++;
	return row;
}

static uint32_t model_flying(const struct model *m)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->flying_count; i++)
		count += m->flying[i].era == m->era;
	return count;
}

static void model_forget(struct model *m)
{
	m->reopened = m->checks_failed = 0;
	m->is_deaf = false;
	m->counted_from = m->row_from = m->call_count;
}

static void model_go(struct world *w, enum breaker_state to, enum breaker_reason reason)
{
	struct model *m = &w->model;
	struct breaker_change change;
	uint64_t wait = m->options.recovery_ns;

	assert_true(breaker_changed(&w->breaker, &change));
	assert_int_equal(change.from, m->state);
	assert_int_equal(change.to, to);
	assert_int_equal(change.reason, reason);
	assert_true(change.at_ns == w->now_ns);
	if (to == BREAKER_OPEN) {
		m->reopened += m->state == BREAKER_HALF_OPEN;
		m->opened++;
		for (uint32_t i = 0; i < m->reopened && i < 40; i++)
			wait *= 2;
		wait = wait < m->options.max_recovery_ns ? wait : m->options.max_recovery_ns;
		m->until_ns = w->breaker.until_ns;
		assert_in_range(m->until_ns - w->now_ns, wait - wait / 10, wait + wait / 10);
	}
	m->state = to;
	m->era++;
	m->good = 0;
	w->visits[to]++;
	if (to == BREAKER_CLOSED)
		model_forget(m);
}

static bool model_is_free(const struct model *m)
{
	return m->options.enabled && m->hold == BREAKER_AUTOMATIC;
}

static bool model_is_due(const struct world *w)
{
	return w->model.state == BREAKER_OPEN && model_is_free(&w->model) &&
	       w->now_ns >= w->model.until_ns;
}

static bool model_may_pass(const struct world *w)
{
	const struct model *m = &w->model;

	if (m->state == BREAKER_HALF_OPEN)
		return model_flying(m) + m->good < m->options.half_open_probes;
	return m->state == BREAKER_CLOSED || model_is_due(w);
}

static void model_good(struct world *w)
{
	if (++w->model.good >= w->model.options.half_open_probes)
		model_go(w, BREAKER_CLOSED, BREAKER_PROBES_PASSED);
}

static void model_count(struct world *w, struct model_call call)
{
	struct model *m = &w->model;
	const struct breaker_options *o = &m->options;
	struct breaker_calls sum;

	m->calls[m->call_count++] = call;
	sum = model_window(m, w->now_ns);
	if (!model_is_free(m))
		return;
	if (o->failure_threshold && model_row(m) >= o->failure_threshold)
		model_go(w, BREAKER_OPEN, BREAKER_CONSECUTIVE_FAILURES);
	else if (sum.calls < o->minimum_calls)
		return;
	else if (o->failure_rate > 0 && (double)sum.failures / sum.calls >= o->failure_rate)
		model_go(w, BREAKER_OPEN, BREAKER_FAILURE_RATE);
	else if (o->slow_call_rate > 0 && (double)sum.slow / sum.calls >= o->slow_call_rate)
		model_go(w, BREAKER_OPEN, BREAKER_SLOW_CALLS);
}

static void model_report(struct world *w, uint64_t era, enum breaker_outcome outcome,
			 uint64_t took_ns)
{
	struct model *m = &w->model;
	bool is_slow = m->options.slow_call_ns && took_ns > m->options.slow_call_ns;
	bool is_failure = outcome == BREAKER_BAD;

	if (era != m->era || outcome == BREAKER_UNKNOWN)
		return;
	if (is_failure)
		m->last_failure_ns = w->now_ns;
	if (m->state == BREAKER_CLOSED) {
		model_count(w, (struct model_call){w->now_ns, is_failure, is_slow});
	} else if (is_failure || (is_slow && m->options.slow_call_rate > 0)) {
		m->is_deaf = m->has_check_passed;
		model_go(w, BREAKER_OPEN, BREAKER_PROBE_FAILED);
	} else {
		model_good(w);
	}
}

static void model_checked(struct world *w, bool is_good)
{
	struct model *m = &w->model;
	bool is_ill;

	m->has_check_passed = is_good;
	m->checks_failed = is_good ? 0 : m->checks_failed + 1;
	m->is_deaf = m->is_deaf && is_good;
	is_ill = m->state == BREAKER_CLOSED && m->options.unhealthy_checks &&
		 m->checks_failed >= m->options.unhealthy_checks;
	if (!model_is_free(m))
		return;
	if (m->state == BREAKER_HALF_OPEN && is_good && model_flying(m))
		return;
	if (m->state == BREAKER_HALF_OPEN && is_good)
		model_good(w);
	else if (m->state == BREAKER_HALF_OPEN || is_ill)
		model_go(w, BREAKER_OPEN, BREAKER_CHECKS_FAILED);
	else if (m->state == BREAKER_OPEN && is_good && !m->is_deaf)
		model_go(w, BREAKER_HALF_OPEN, BREAKER_CHECK_PASSED);
}

static void model_hand(struct world *w, enum breaker_hold hold, enum breaker_state state)
{
	w->model.hold = hold;
	if (w->model.state != state)
		model_go(w, state, BREAKER_BY_HAND);
}

/* --- the steps --- */

static void step_begin(struct world *w)
{
	struct model *m = &w->model;
	struct breaker_pass pass = {0};
	bool may = model_may_pass(w), is_due = model_is_due(w);

	if (m->flying_count == FLYING_MAX)
		return;
	assert_int_equal(breaker_may_pass(&w->breaker, w->now_ns), may);
	assert_int_equal(breaker_pass(&w->breaker, w->now_ns, &pass), may);
	if (is_due)
		model_go(w, BREAKER_HALF_OPEN, BREAKER_RECOVERY_TIMEOUT_OVER);
	if (may)
		m->flying[m->flying_count++] = (struct model_pass){pass, m->era};
}

static void step_end(struct world *w, uint32_t failing)
{
	struct model *m = &w->model;
	uint32_t at, roll = any(w, 100);
	enum breaker_outcome outcome = roll < failing ? BREAKER_BAD
				       : roll < 93    ? BREAKER_GOOD
						      : BREAKER_UNKNOWN;
	uint64_t took_ns = any(w, 4) * TICK_NS;
	struct model_pass one;

	if (!m->flying_count)
		return;
	at = any(w, m->flying_count);
	one = m->flying[at];
	m->flying[at] = m->flying[--m->flying_count];
	breaker_report(&w->breaker, &one.pass, outcome, took_ns, w->now_ns);
	model_report(w, one.era, outcome, took_ns);
}

static void step_check(struct world *w, uint32_t failing)
{
	bool is_good = any(w, 100) >= failing;

	breaker_checked(&w->breaker, is_good, w->now_ns);
	model_checked(w, is_good);
}

static void step_hand(struct world *w)
{
	struct model *m = &w->model;

	switch (any(w, 5)) {
	case 0:
		breaker_open(&w->breaker, w->now_ns);
		return model_hand(w, BREAKER_HELD_OPEN, BREAKER_OPEN);
	case 1:
		breaker_close(&w->breaker, w->now_ns);
		return model_hand(w, BREAKER_HELD_CLOSED, BREAKER_CLOSED);
	default:
		breaker_reset(&w->breaker, w->now_ns);
		model_hand(w, BREAKER_AUTOMATIC, BREAKER_CLOSED);
		model_forget(m);
		m->era++;
		m->has_check_passed = false;
		m->last_failure_ns = 0;
	}
}

static void step_tick(struct world *w)
{
	bool is_due = model_is_due(w);

	assert_int_equal(breaker_tick(&w->breaker, w->now_ns), is_due);
	if (is_due)
		model_go(w, BREAKER_HALF_OPEN, BREAKER_RECOVERY_TIMEOUT_OVER);
}

static struct breaker_options any_options(struct world *w)
{
	struct breaker_options o = {
		.enabled = any(w, 8) > 0,
		.failure_threshold = any(w, 2) ? 2 + any(w, 6) : 0,
		.failure_rate = any(w, 4) * 0.25,
		.minimum_calls = 1 + any(w, 20),
		.window_ns = (50 + any(w, 2) * 450) * MILLISECOND,
		.window_calls = any(w, 2) ? 20 + any(w, 2) * 50 : 0,
		.half_open_probes = 1 + any(w, 5),
		.slow_call_ns = any(w, 3) * TICK_NS,
		.slow_call_rate = any(w, 3) * 0.4,
		.recovery_ns = (1 + any(w, 50)) * MILLISECOND,
		.unhealthy_checks = any(w, 4),
	};

	o.max_recovery_ns = o.recovery_ns * (1 + any(w, 9));
	return o;
}

static void step_options(struct world *w)
{
	struct breaker_options before = w->model.options, after = any_options(w);
	struct model *m = &w->model;
	uint64_t wait = after.recovery_ns;

	breaker_set_options(&w->breaker, &after, w->now_ns);
	m->options = after;
	if (before.window_ns != after.window_ns || before.window_calls != after.window_calls)
		m->counted_from = m->call_count;
	if (!after.enabled && m->hold == BREAKER_AUTOMATIC && m->state != BREAKER_CLOSED)
		return model_go(w, BREAKER_CLOSED, BREAKER_SWITCHED_OFF);
	if (m->state == BREAKER_OPEN) {
		for (uint32_t i = 0; i < m->reopened && wait < after.max_recovery_ns; i++)
			wait *= 2;
		wait = wait < after.max_recovery_ns ? wait : after.max_recovery_ns;
		m->until_ns = w->now_ns + wait < m->until_ns ? w->now_ns + wait : m->until_ns;
	} else if (m->state == BREAKER_HALF_OPEN && m->good >= after.half_open_probes) {
		model_go(w, BREAKER_CLOSED, BREAKER_PROBES_PASSED);
	}
}

static void compare(const struct world *w)
{
	const struct model *m = &w->model;
	struct breaker_calls sum = model_window(m, w->now_ns);
	bool is_waiting = m->state == BREAKER_OPEN && model_is_free(m);
	struct breaker_change change;
	struct breaker copy = w->breaker;
	struct breaker_view v;

	breaker_look(&w->breaker, w->now_ns, &v);
	assert_false(breaker_changed(&copy, &change)); /* none that the model didn't make */
	assert_int_equal(v.state, m->state);
	assert_int_equal(v.hold, m->hold);
	assert_memory_equal(&v.window, &sum, sizeof(sum));
	assert_true(v.last_failure_ns == m->last_failure_ns && v.opened == m->opened);
	assert_true(breaker_next_ns(&w->breaker) == (is_waiting ? m->until_ns : UINT64_MAX));
	if (m->state == BREAKER_CLOSED)
		assert_int_equal(v.consecutive_failures, model_row(m));
	if (m->state != BREAKER_HALF_OPEN)
		return;
	assert_int_equal(v.probes_in_flight, model_flying(m));
	assert_int_equal(v.probes_passed, m->good);
	assert_true(model_flying(m) <= FLYING_MAX);
}

static void steps(struct world *w, uint64_t seed)
{
	*w = (struct world){.random = seed * 2654435761 + 1, .now_ns = 1000000 * MILLISECOND};
	w->model.options = any_options(w);
	breaker_init(&w->breaker, &w->model.options, seed);
	for (uint32_t i = 0; i < STEPS; i++) {
		uint32_t failing = i / 200 % 3 * 40, roll = any(w, 1000);

		if (roll < 450)
			step_begin(w);
		else if (roll < 880)
			step_end(w, failing);
		else if (roll < 940)
			step_check(w, failing);
		else if (roll < 985)
			step_tick(w);
		else if (roll < 990)
			step_hand(w);
		else
			w->now_ns += any(w, 20) * TICK_NS;
		if (i % OPTIONS_AT == OPTIONS_AT - 1)
			step_options(w);
		w->now_ns += any(w, 3) * MILLISECOND;
		compare(w);
	}
}

static void against_the_model(void **state)
{
	static struct world w;
	uint32_t visits[3] = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		steps(&w, seed);
		for (int i = 0; i < 3; i++)
			visits[i] += w.visits[i];
	}
	for (int i = 0; i < 3; i++)
		assert_true(visits[i] > SEEDS * 10); /* it went everywhere, often */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(against_the_model)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
