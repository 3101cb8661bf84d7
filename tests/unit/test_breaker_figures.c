/* SPDX-License-Identifier: MIT */
/*
 * The circuit breaker's figures: how long it stays open, what its window holds, options that
 * change while it runs, what is shown of it, and where its numbers end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/breaker.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND	 1000000000ULL
#define START	 (1000 * SECOND)
#define SEEDS	 2000

static const struct breaker_options defaults = {
	.enabled = true,
	.failure_threshold = 5,
	.failure_rate = 0.5,
	.minimum_calls = 10,
	.window_ns = 30 * SECOND,
	.half_open_probes = 3,
	.recovery_ns = 60 * SECOND,
	.max_recovery_ns = 600 * SECOND,
	.unhealthy_checks = 3,
};

static void call(struct breaker *b, enum breaker_outcome outcome, uint64_t now_ns)
{
	struct breaker_pass pass;

	assert_true(breaker_pass(b, now_ns, &pass));
	breaker_report(b, &pass, outcome, 1, now_ns);
}

static void calls(struct breaker *b, enum breaker_outcome outcome, uint32_t count, uint64_t now_ns)
{
	while (count--)
		call(b, outcome, now_ns);
}

static struct breaker opened(const struct breaker_options *options, uint64_t seed)
{
	struct breaker b;

	breaker_init(&b, options, seed);
	calls(&b, BREAKER_BAD, options->failure_threshold, START);
	assert_int_equal(b.state, BREAKER_OPEN);
	return b;
}

static struct breaker_view look(const struct breaker *b, uint64_t now_ns)
{
	struct breaker_view view;

	breaker_look(b, now_ns, &view);
	return view;
}

/* Within a tenth of the configured time, both ends nearly reached, and not all alike. */
static void jitter(void **state)
{
	uint64_t least = UINT64_MAX, most = 0, halves[2] = {0};

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct breaker b = opened(&defaults, seed);
		uint64_t wait = breaker_next_ns(&b) - START;

		assert_in_range(wait, 54 * SECOND, 66 * SECOND);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
		halves[wait > 60 * SECOND]++;
	}
	assert_true(least < 54 * SECOND + SECOND / 10 && most > 66 * SECOND - SECOND / 10);
	assert_true(halves[0] > SEEDS * 2 / 5 && halves[1] > SEEDS * 2 / 5);
}

/* How long it is open after each failed probe. */
static void back_off(void **state)
{
	static const struct {
		uint64_t recovery_ns, max_ns;
		uint64_t waits_ns[5]; /* without jitter */
	} rows[] = {
		{60 * SECOND,
		 600 * SECOND,
		 {60 * SECOND, 120 * SECOND, 240 * SECOND, 480 * SECOND, 600 * SECOND}},
		{60 * SECOND, 60 * SECOND, {60 * SECOND, 60 * SECOND, 60 * SECOND, 60 * SECOND}},
		{SECOND, 3 * SECOND, {SECOND, 2 * SECOND, 3 * SECOND, 3 * SECOND, 3 * SECOND}},
		{1, 5, {1, 2, 4, 5, 5}},
		{0, 0, {0, 0, 0, 0, 0}},
		{0, SECOND, {0, 0, 0, 0, 0}},
		{1ULL << 61, 1ULL << 62, {1ULL << 61, 1ULL << 62, 1ULL << 62, 1ULL << 62}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct breaker_options options = defaults;
		struct breaker b;
		uint64_t now_ns = START;

		options.recovery_ns = rows[i].recovery_ns;
		options.max_recovery_ns = rows[i].max_ns;
		b = opened(&options, i);
		for (size_t n = 0; n < COUNT(rows[i].waits_ns) && rows[i].waits_ns[n]; n++) {
			uint64_t wait = rows[i].waits_ns[n], next_ns = breaker_next_ns(&b);

			assert_in_range(next_ns - now_ns, wait - wait / 10, wait + wait / 10);
			now_ns = next_ns;
			call(&b, BREAKER_BAD, now_ns);
			if (now_ns > UINT64_MAX / 2) /* the clock ends before the waits do */
				break;
		}
		assert_int_equal(b.state, BREAKER_OPEN);
	}
}

/* A wait beyond the end of the clock lasts for ever, it doesn't wrap. */
static void back_off_saturates(void **state)
{
	struct breaker_options options = defaults;
	struct breaker b;

	(void)state;
	options.recovery_ns = 1ULL << 63;
	options.max_recovery_ns = UINT64_MAX;
	b = opened(&options, 1);
	assert_true(breaker_next_ns(&b) >= (1ULL << 63) / 10 * 9);
	for (int i = 0; i < 100; i++) { /* checks fail as often as they like */
		breaker_checked(&b, true, START);
		breaker_checked(&b, false, START);
		assert_int_equal(b.state, BREAKER_OPEN);
	}
	assert_true(breaker_next_ns(&b) >= UINT64_MAX / 10 * 9);
	assert_false(breaker_tick(&b, START + 1000000 * SECOND));
}

static void back_off_begins_anew(void **state)
{
	struct breaker b = opened(&defaults, 3);
	uint64_t now_ns = START;

	(void)state;
	for (int i = 0; i < 3; i++) {
		now_ns = breaker_next_ns(&b);
		call(&b, BREAKER_BAD, now_ns);
	}
	assert_true(breaker_next_ns(&b) - now_ns > 400 * SECOND);
	now_ns = breaker_next_ns(&b);
	calls(&b, BREAKER_GOOD, 3, now_ns);
	assert_int_equal(b.state, BREAKER_CLOSED);
	calls(&b, BREAKER_BAD, 5, now_ns);
	assert_in_range(breaker_next_ns(&b) - now_ns, 54 * SECOND, 66 * SECOND);
}

/* A share is what it says, though 0.07 * 100 is more than 7. */
static void shares(void **state)
{
	static const struct {
		double rate;
		uint32_t failures, calls;
		bool opens;
	} rows[] = {
		{0.07, 7, 100, true},	{0.07, 6, 100, false},	{0.3, 3, 10, true},
		{0.3, 2, 10, false},	{0.001, 1, 1000, true}, {0.001, 1, 1001, false},
		{1, 10, 10, true},	{1, 9, 10, false},	{0, 10, 10, false},
		{1.001, 10, 10, false}, {0.333, 1, 3, true},	{0.334, 1, 3, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct breaker_options options = defaults;
		struct breaker b;

		options.failure_threshold = 0;
		options.failure_rate = rows[i].rate;
		options.minimum_calls = rows[i].calls;
		breaker_init(&b, &options, 0);
		calls(&b, BREAKER_GOOD, rows[i].calls - rows[i].failures, START);
		calls(&b, BREAKER_BAD, rows[i].failures, START);
		assert_int_equal(b.state == BREAKER_OPEN, rows[i].opens);
	}
}

static void slow_calls(void **state)
{
	static const struct {
		uint64_t slow_ns, took_ns;
		bool is_slow;
	} rows[] = {
		{0, UINT64_MAX, false}, {SECOND, SECOND, false},	 {SECOND, SECOND + 1, true},
		{SECOND, 0, false},	{UINT64_MAX, UINT64_MAX, false}, {1, 2, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct breaker_options options = defaults;
		struct breaker_pass pass;
		struct breaker b;

		options.slow_call_ns = rows[i].slow_ns;
		breaker_init(&b, &options, 0);
		assert_true(breaker_pass(&b, START, &pass));
		breaker_report(&b, &pass, BREAKER_GOOD, rows[i].took_ns, START);
		assert_int_equal(look(&b, START).window.slow, rows[i].is_slow);
	}
}

/* What a window of time holds so long after a call. */
static void window_of_time(void **state)
{
	static const struct {
		uint64_t window_ns, first_ns, then_ns;
		uint32_t calls;
	} rows[] = {
		{30 * SECOND, START, START, 1},
		{30 * SECOND, START, START + 27 * SECOND, 1},
		{30 * SECOND, START, START + 30 * SECOND, 0},
		{30 * SECOND, START, START - SECOND, 1}, /* a thread that read the time before */
		{30 * SECOND, START, 0, 1},
		{30 * SECOND, 0, 26 * SECOND, 1},
		{30 * SECOND, 0, 30 * SECOND, 0},
		{30 * SECOND, 3 * SECOND - 1, 30 * SECOND - 1, 1},
		{30 * SECOND, 3 * SECOND - 1, 30 * SECOND, 0}, /* the shortest that it is kept */
		{30 * SECOND, START, UINT64_MAX, 0},
		{30 * SECOND, UINT64_MAX, UINT64_MAX, 1},
		{10, 100, 109, 1},
		{10, 100, 110, 0},
		{1, 100, 109, 1}, /* a slice lasts 1 ns at least */
		{1, 100, 110, 0},
		{UINT64_MAX, 0, UINT64_MAX - 6, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct breaker_window window;
		struct breaker_calls sum;

		breaker_window_init(&window, rows[i].window_ns, 0);
		breaker_window_put(&window, true, true, rows[i].first_ns);
		breaker_window_sum(&window, rows[i].then_ns, &sum);
		assert_int_equal(sum.calls, rows[i].calls);
		assert_int_equal(sum.failures, rows[i].calls);
		assert_int_equal(sum.slow, rows[i].calls);
		breaker_window_put(&window, false, false, rows[i].then_ns);
		breaker_window_sum(&window, rows[i].then_ns, &sum);
		assert_int_equal(sum.calls, rows[i].calls + 1);
		assert_int_equal(sum.failures, rows[i].calls);
	}
}

/* Counts stay where they end. */
static void window_saturates(void **state)
{
	struct breaker_window window;
	struct breaker_calls sum;

	(void)state;
	breaker_window_init(&window, 10, 0);
	window.slices[0] = (struct breaker_calls){UINT32_MAX - 1, UINT32_MAX - 1, 0};
	for (int i = 0; i < 3; i++)
		breaker_window_put(&window, true, false, 0);
	breaker_window_put(&window, true, true, 1);
	breaker_window_sum(&window, 1, &sum);
	assert_int_equal(sum.calls, UINT32_MAX);
	assert_int_equal(sum.failures, UINT32_MAX);
	assert_int_equal(sum.slow, 1);
}

/* The last so many calls, however many words their bits fill, against a plain list. */
static void window_of_calls(void **state)
{
	static const uint32_t lengths[] = {1, 2, 10, 63, 64, 65, 1000, 1024};
	static bool failed[5000], slow[5000];
	uint64_t random = 12345;

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct breaker_window window;

		breaker_window_init(&window, 0, lengths[i]);
		for (uint32_t n = 0; n < COUNT(failed); n++) {
			struct breaker_calls sum, expected = {0};

			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			failed[n] = random >> 63;
			slow[n] = random >> 62 & 1;
			breaker_window_put(&window, failed[n], slow[n], n * SECOND);
			if (n % 97 && n != lengths[i])
				continue;
			for (uint32_t k = n + 1; k-- > 0 && expected.calls < lengths[i];) {
				expected.calls++;
				expected.failures += failed[k];
				expected.slow += slow[k];
			}
			breaker_window_sum(&window, UINT64_MAX, &sum);
			assert_memory_equal(&sum, &expected, sizeof(sum));
		}
	}
}

static void window_of_too_many_calls(void **state)
{
	struct breaker_window window;
	struct breaker_calls sum;

	(void)state;
	breaker_window_init(&window, 0, BREAKER_CALLS_MAX + 1);
	for (uint32_t n = 0; n < 3 * BREAKER_CALLS_MAX; n++)
		breaker_window_put(&window, true, true, 0);
	breaker_window_sum(&window, 0, &sum);
	assert_int_equal(sum.calls, BREAKER_CALLS_MAX);
	assert_int_equal(sum.failures, BREAKER_CALLS_MAX);
}

/* A reload of a closed one. */
static void options_while_closed(void **state)
{
	struct breaker_options options = defaults;
	struct breaker b;

	(void)state;
	breaker_init(&b, &defaults, 0);
	calls(&b, BREAKER_BAD, 4, START);
	options.failure_threshold = 3;
	options.minimum_calls = 1000;
	breaker_set_options(&b, &options, START); /* nothing opens but by a result */
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_int_equal(look(&b, START).window.failures, 4);
	assert_int_equal(look(&b, START).consecutive_failures, 4);
	options.window_ns = 20 * SECOND;
	breaker_set_options(&b, &options, START);
	assert_int_equal(look(&b, START).window.calls, 0);
	assert_int_equal(look(&b, START).consecutive_failures, 4);
	options.window_calls = 10;
	breaker_set_options(&b, &options, START);
	call(&b, BREAKER_BAD, START);
	assert_int_equal(b.state, BREAKER_OPEN);
}

/* How long an open one waits on, where the recovery time is another. */
static void options_while_open(void **state)
{
	static const struct {
		uint64_t recovery_ns, max_ns, after_ns;
		uint64_t least_ns, most_ns; /* from the start */
	} rows[] = {
		{60 * SECOND, 600 * SECOND, 0, 54 * SECOND, 66 * SECOND},
		{300 * SECOND, 600 * SECOND, 0, 54 * SECOND, 66 * SECOND}, /* not longer */
		{10 * SECOND, 600 * SECOND, 5 * SECOND, 15 * SECOND, 15 * SECOND},
		{50 * SECOND, 600 * SECOND, 53 * SECOND, 54 * SECOND, 66 * SECOND},
		{0, 0, 7 * SECOND, 7 * SECOND, 7 * SECOND},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct breaker_options options = defaults;
		struct breaker b = opened(&defaults, i);

		options.recovery_ns = rows[i].recovery_ns;
		options.max_recovery_ns = rows[i].max_ns;
		breaker_set_options(&b, &options, START + rows[i].after_ns);
		assert_int_equal(b.state, BREAKER_OPEN);
		assert_in_range(breaker_next_ns(&b) - START, rows[i].least_ns, rows[i].most_ns);
	}
}

static void options_while_half_open(void **state)
{
	struct breaker_options options = defaults;
	struct breaker b = opened(&defaults, 0);
	struct breaker_pass late, pass;
	struct breaker_change change;
	uint64_t now_ns = breaker_next_ns(&b);

	(void)state;
	while (breaker_changed(&b, &change))
		;
	assert_true(breaker_pass(&b, now_ns, &late) && breaker_pass(&b, now_ns, &pass));
	options.half_open_probes = 1;
	breaker_set_options(&b, &options, now_ns); /* fewer than are under way */
	assert_false(breaker_may_pass(&b, now_ns));
	breaker_set_options(&b, &defaults, now_ns);
	breaker_report(&b, &pass, BREAKER_GOOD, 1, now_ns);
	options.half_open_probes = 2;
	breaker_set_options(&b, &options, now_ns);
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	assert_false(breaker_may_pass(&b, now_ns));
	options.half_open_probes = 5;
	breaker_set_options(&b, &options, now_ns);
	assert_true(breaker_may_pass(&b, now_ns));
	options.half_open_probes = 1;
	breaker_set_options(&b, &options, now_ns);
	assert_int_equal(b.state, BREAKER_CLOSED);
	breaker_report(&b, &late, BREAKER_BAD, 1, now_ns);
	assert_int_equal(look(&b, now_ns).window.calls, 0);
	assert_true(breaker_changed(&b, &change)); /* half-open */
	assert_true(breaker_changed(&b, &change));
	assert_int_equal(change.reason, BREAKER_PROBES_PASSED);
}

/* Switched off, whatever its state; and on again. */
static void options_off(void **state)
{
	struct breaker_options off = defaults;
	struct breaker_change change = {0};
	struct breaker b = opened(&defaults, 0);
	struct breaker_pass pass;

	(void)state;
	off.enabled = false;
	breaker_set_options(&b, &off, START);
	assert_int_equal(b.state, BREAKER_CLOSED);
	while (breaker_changed(&b, &change))
		;
	assert_int_equal(change.reason, BREAKER_SWITCHED_OFF);
	calls(&b, BREAKER_BAD, 20, START);
	breaker_set_options(&b, &off, START);
	breaker_set_options(&b, &defaults, START);
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_false(breaker_changed(&b, &change));
	call(&b, BREAKER_BAD, START);
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_true(breaker_pass(&b, breaker_next_ns(&b), &pass));
	breaker_set_options(&b, &off, START);
	assert_int_equal(b.state, BREAKER_CLOSED);
	breaker_open(&b, START);
	breaker_set_options(&b, &off, START); /* a hand is stronger */
	assert_int_equal(b.state, BREAKER_OPEN);
	breaker_set_options(&b, &defaults, START);
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_true(breaker_next_ns(&b) == UINT64_MAX);
}

static void view(void **state)
{
	struct breaker b;
	struct breaker_pass pass;
	struct breaker_view v;
	uint64_t now_ns;

	(void)state;
	breaker_init(&b, &defaults, 0);
	v = look(&b, START);
	assert_true(v.state == BREAKER_CLOSED && v.hold == BREAKER_AUTOMATIC);
	assert_true(!v.last_failure_ns && !v.opened && !v.retry_ns);
	call(&b, BREAKER_BAD, START);
	call(&b, BREAKER_GOOD, START + 1);
	calls(&b, BREAKER_BAD, 2, START + 2);
	v = look(&b, START + 3);
	assert_int_equal(v.window.calls, 4);
	assert_int_equal(v.window.failures, 3);
	assert_int_equal(v.consecutive_failures, 2);
	assert_true(v.last_failure_ns == START + 2);
	calls(&b, BREAKER_BAD, 3, START + 4);
	v = look(&b, START + 5);
	assert_true(v.state == BREAKER_OPEN && v.opened == 1);
	assert_true(v.retry_ns == breaker_next_ns(&b) - START - 5);
	assert_int_equal(v.window.failures, 6); /* what opened it is still there to see */
	assert_true(look(&b, START + 1000 * SECOND).retry_ns == 0);
	now_ns = breaker_next_ns(&b);
	assert_true(breaker_pass(&b, now_ns, &pass));
	call(&b, BREAKER_GOOD, now_ns);
	v = look(&b, now_ns);
	assert_true(v.probes_in_flight == 1 && v.probes_passed == 1 && v.retry_ns == 0);
	breaker_open(&b, now_ns);
	v = look(&b, now_ns);
	assert_true(v.hold == BREAKER_HELD_OPEN && v.retry_ns == UINT64_MAX && v.opened == 2);
	breaker_close(&b, now_ns);
	assert_int_equal(look(&b, now_ns).hold, BREAKER_HELD_CLOSED);
	assert_true(look(&b, now_ns).last_failure_ns == START + 4);
	breaker_reset(&b, now_ns);
	v = look(&b, now_ns);
	assert_true(v.hold == BREAKER_AUTOMATIC && v.last_failure_ns == 0 && v.opened == 2);
}

/* Changes that nobody fetches: the newest are kept, in order. */
static void changes_are_bounded(void **state)
{
	struct breaker_change change;
	struct breaker b;

	(void)state;
	breaker_init(&b, &defaults, 0);
	assert_false(breaker_changed(&b, &change));
	for (uint64_t i = 0; i < 100; i++)
		(i % 2 ? breaker_close : breaker_open)(&b, i);
	for (uint64_t i = 100 - BREAKER_CHANGES_MAX; i < 100; i++) {
		assert_true(breaker_changed(&b, &change));
		assert_true(change.at_ns == i && change.reason == BREAKER_BY_HAND);
		assert_int_equal(change.to, i % 2 ? BREAKER_CLOSED : BREAKER_OPEN);
	}
	assert_false(breaker_changed(&b, &change));
}

static void whole(void **state)
{
#define C BREAKER_CLOSED
#define O BREAKER_OPEN
#define H BREAKER_HALF_OPEN
	static const struct {
		size_t count;
		enum breaker_state states[3], whole;
	} rows[] = {
		{0, {0}, C},	   {1, {C}, C},	      {1, {O}, O},	 {1, {H}, H},
		{3, {O, O, O}, O}, {3, {O, O, H}, H}, {3, {H, H, H}, H}, {3, {O, H, C}, C},
		{3, {C, O, O}, C}, {2, {O, O, C}, O},
	};
#undef C
#undef O
#undef H

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(breaker_whole(rows[i].states, rows[i].count), rows[i].whole);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
	assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
	assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half-open");
	for (int a = 0; a < BREAKER_REASON_COUNT; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(breaker_reason_name(a), breaker_reason_name(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jitter),
		cmocka_unit_test(back_off),
		cmocka_unit_test(back_off_saturates),
		cmocka_unit_test(back_off_begins_anew),
		cmocka_unit_test(shares),
		cmocka_unit_test(slow_calls),
		cmocka_unit_test(window_of_time),
		cmocka_unit_test(window_saturates),
		cmocka_unit_test(window_of_calls),
		cmocka_unit_test(window_of_too_many_calls),
		cmocka_unit_test(options_while_closed),
		cmocka_unit_test(options_while_open),
		cmocka_unit_test(options_while_half_open),
		cmocka_unit_test(options_off),
		cmocka_unit_test(view),
		cmocka_unit_test(changes_are_bounded),
		cmocka_unit_test(whole),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
