// SPDX-License-Identifier: MIT
/*
 * The last minute of core/trend.h: from the start, over a whole window, after gaps, and each
 * figure by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/trend.h"

#define SECOND 1000000000ULL
#define START  (1234 * SECOND)

static struct trend trend;
static struct tally sum;
static struct trend_view view;

static int setup(void **state)
{
	(void)state;
	memset(&sum, 0, sizeof(sum));
	trend_init(&trend, START);
	return 0;
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9 * (1 + fabs(b));
}

static void test_figures(void **state)
{
	static const struct {
		uint64_t served, errors, failed, timed_out, refused, response_ms;
		double avg_ms, per_sec, refused_per_sec, error_rate;
	} rows[] = {
		/* all over 4 s */
		{0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		{8, 0, 0, 0, 0, 800, 100, 2, 0, 0},
		{10, 1, 0, 0, 0, 5, 0.5, 2.5, 0, 0.1},
		{6, 1, 1, 1, 0, 60, 10, 2, 0, 0.375},
		{0, 0, 3, 1, 0, 0, 0, 1, 0, 1},
		{0, 0, 0, 0, 40, 0, 0, 0, 10, 0},
		{4, 4, 0, 0, 4, 4, 1, 1, 1, 1},
		{1, 2, 0, 0, 0, 1, 1, 0.25, 0, 1}, /* read between two words: no more than 1 */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(state);
		sum.outcomes[TALLY_SERVED] = rows[i].served;
		sum.outcomes[TALLY_UPSTREAM_FAILED] = rows[i].failed;
		sum.outcomes[TALLY_UPSTREAM_TIMEOUT] = rows[i].timed_out;
		sum.outcomes[TALLY_RATE_LIMITED] = rows[i].refused;
		sum.outcomes[TALLY_LOCAL] = sum.outcomes[TALLY_CLIENT_LEFT] = 1000;
		sum.errors = rows[i].errors;
		sum.response_ns_sum = rows[i].response_ms * 1000000;
		trend_look(&trend, &sum, START + 4 * SECOND, &view);
		assert_int_equal(view.over_ns, 4 * SECOND);
		if (!near(view.avg_response_ms, rows[i].avg_ms) ||
		    !near(view.requests_per_sec, rows[i].per_sec) ||
		    !near(view.refused_per_sec, rows[i].refused_per_sec) ||
		    !near(view.error_rate, rows[i].error_rate))
			fail_msg("row %zu: %g ms, %g/s, %g/s refused, %g errors", i,
				 view.avg_response_ms, view.requests_per_sec, view.refused_per_sec,
				 view.error_rate);
	}
}

static void test_refusals(void **state)
{
	static const bool is_refusal[TALLY_OUTCOME_COUNT] = {
		[TALLY_RATE_LIMITED] = true,  [TALLY_OVERLOADED] = true,
		[TALLY_QUEUE_TIMEOUT] = true, [TALLY_BREAKER_OPEN] = true,
		[TALLY_DRAINING] = true,      [TALLY_STREAMS] = true,
		[TALLY_BAD_REQUEST] = true,
	};

	for (int outcome = 0; outcome < TALLY_OUTCOME_COUNT; outcome++) {
		setup(state);
		sum.outcomes[outcome] = 1;
		trend_look(&trend, &sum, START + SECOND, &view);
		if ((view.refused_per_sec > 0) != is_refusal[outcome])
			fail_msg("outcome %d", outcome);
	}
}

/* One request more in each second than in the one before: the window is seen to move. */
static void test_window(void **state)
{
	(void)state;
	for (uint64_t s = 1; s <= 300; s++) {
		uint64_t over = s < 60 ? s : 60;

		sum.outcomes[TALLY_SERVED] += s;
		trend_look(&trend, &sum, START + s * SECOND, &view);
		assert_int_equal(view.over_ns, over * SECOND);
		assert_true(near(view.requests_per_sec, (double)s - ((double)over - 1) / 2));
		trend_sample(&trend, &sum, START + s * SECOND);
	}
}

static void test_timer(void **state)
{
	static const struct {
		uint64_t gap_ns, at_least, at_most; /* ns of the window after 300 of them */
	} rows[] = {
		{SECOND / 1000, SECOND * 3 / 10, SECOND * 3 / 10}, /* called at each scrape */
		{SECOND - 1000000, 59 * SECOND, 60 * SECOND},
		{SECOND + 1000000, 58 * SECOND, 60 * SECOND},
		{7 * SECOND, 54 * SECOND, 60 * SECOND},
		{90 * SECOND, 90 * SECOND, 90 * SECOND}, /* it slept: then over what there is */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t now = START;

		setup(state);
		for (int n = 0; n < 300; n++) {
			now += rows[i].gap_ns;
			trend_look(&trend, &sum, now, &view);
			trend_sample(&trend, &sum, now);
		}
		assert_in_range(view.over_ns, rows[i].at_least, rows[i].at_most);
	}
}

/* 100 answers in a second, a millisecond longer in each: the old ones are forgotten. */
static void test_times(void **state)
{
	static const struct {
		uint64_t at_s, shortest_ms; /* of those that count then */
	} rows[] = {{1, 1}, {10, 1}, {60, 1}, {75, 1}, {76, 16}, {300, 240}};
	size_t row = 0;

	(void)state;
	for (uint64_t s = 1; s <= 300; s++) {
		for (int i = 0; i < 100; i++)
			histogram_record(&sum.response, s * 1000000);
		trend_look(&trend, &sum, START + s * SECOND, &view);
		trend_sample(&trend, &sum, START + s * SECOND);
		if (s != rows[row].at_s)
			continue;
		assert_in_range(view.response.max_ms, s, s + s / 16 + 1);
		assert_in_range(view.response.p50_ms, (s + rows[row].shortest_ms) / 2 * 14 / 16,
				(s + rows[row].shortest_ms) / 2 * 18 / 16 + 1);
		assert_true(view.response.p50_ms <= view.response.p90_ms);
		assert_true(view.response.p90_ms <= view.response.p99_ms);
		assert_true(view.queue_wait.max_ms <= 0);
		row++;
	}
	assert_int_equal(row, sizeof(rows) / sizeof(rows[0]));
}

/* Nothing to compare with, or no time gone by: zeros, and no division by them. */
static void test_nothing_known(void **state)
{
	static const struct trend_view zeros;
	static const struct trend never;

	(void)state;
	sum.outcomes[TALLY_SERVED] = 5;
	trend_look(&trend, &sum, START, &view);
	assert_memory_equal(&view, &zeros, sizeof(zeros));
	trend_look(&never, &sum, START, &view);
	assert_memory_equal(&view, &zeros, sizeof(zeros));
}

/* What a worker counted may go when it ends: that is no negative rate. */
static void test_counts_that_fall(void **state)
{
	(void)state;
	sum.outcomes[TALLY_SERVED] = 5;
	sum.response_ns_sum = 7;
	trend_init(&trend, START);
	trend_sample(&trend, &sum, START + SECOND);
	for (int i = 0; i < TREND_SAMPLES; i++)
		trend_sample(&trend, &sum, START + (2 + i) * SECOND);
	memset(&sum, 0, sizeof(sum));
	trend_look(&trend, &sum, START + (3 + TREND_SAMPLES) * SECOND, &view);
	assert_true(near(view.requests_per_sec, 0) && near(view.avg_response_ms, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_figures, setup),
		cmocka_unit_test_setup(test_refusals, setup),
		cmocka_unit_test_setup(test_window, setup),
		cmocka_unit_test_setup(test_timer, setup),
		cmocka_unit_test_setup(test_times, setup),
		cmocka_unit_test_setup(test_nothing_known, setup),
		cmocka_unit_test_setup(test_counts_that_fall, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
