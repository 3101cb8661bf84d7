// SPDX-License-Identifier: MIT
/*
 * core/gradient.h sample by sample: bounds, what is unused, failures, requests that are few.
 * How it does with an upstream is test_sim.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/gradient.h"

#define MS    1000000ULL
#define START (99000 * MS)

static struct gradient g;
static uint64_t now;

static int setup(void **state)
{
	const struct gradient_options options = {.min = 2, .max = 100};

	(void)state;
	now = START;
	gradient_init(&g, &options, now);
	return 0;
}

/* Requests that end evenly, for so long; each takes in_flight / per_sec, as Little has it. */
static void run(double seconds, uint32_t in_flight, uint32_t per_sec, bool are_drops)
{
	uint64_t gap_ns = 1000 * MS / per_sec;

	for (uint64_t n = (uint64_t)(seconds * per_sec); n > 0; n--) {
		uint32_t limit = gradient_limit(&g);
		bool has_changed = gradient_sample(&g, in_flight * gap_ns, in_flight, are_drops,
						   now += gap_ns);

		assert_int_equal(has_changed, gradient_limit(&g) != limit);
		assert_in_range(gradient_limit(&g), g.options.min, g.options.max);
	}
}

static void test_begins_at_max(void **state)
{
	(void)state;
	assert_int_equal(gradient_limit(&g), 100);
	run(60, 10, 100, false);
	assert_int_equal(gradient_limit(&g), 100);
}

/* Failures halve it at most in a window; it comes back only while it is used. */
static void test_drops(void **state)
{
	static const struct {
		double share;
		uint32_t at_least, at_most; /* after 2 s */
	} rows[] = {{0, 100, 100}, {0.04, 100, 100}, {0.2, 2, 40}, {1, 2, 2}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t bad = (uint32_t)(rows[i].share * 100);

		setup(state);
		run(5, 20, 1000, false);
		for (uint32_t n = 0; n < 2000; n++) {
			uint32_t used = gradient_limit(&g) < 20 ? gradient_limit(&g) : 20;

			gradient_sample(&g, 20 * MS, used, n * 37 % 100 < bad, now += MS);
		}
		assert_in_range(gradient_limit(&g), rows[i].at_least, rows[i].at_most);
	}
}

static void test_unused(void **state)
{
	static const struct {
		uint32_t in_flight;
		bool grows;
	} rows[] = {{1, false}, {4, false}, {13, true}, {20, true}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t limit;

		setup(state);
		run(5, 20, 200, false);
		while (gradient_limit(&g) > 20)
			run(0.1, 20, 200, true);
		limit = gradient_limit(&g);
		assert_in_range(limit, 10, 20);
		run(30, rows[i].in_flight, rows[i].in_flight * 10, false);
		if ((gradient_limit(&g) > limit) != rows[i].grows)
			fail_msg("%u in flight: from %u to %u", rows[i].in_flight, limit,
				 gradient_limit(&g));
	}
}

/* One request in 10 s tells what it takes as well, and an hour of nothing changes nothing. */
static void test_few(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		gradient_sample(&g, 100 * MS, 1, false, now += 10000 * MS);
	assert_in_range(g.base_ns, 90 * MS, 115 * MS);
	assert_in_range(g.mean_ns, 90 * MS, 115 * MS);
	now += 3600000 * MS;
	run(10, 10, 100, false);
	assert_int_equal(gradient_limit(&g), 100);
}

/* Bursts with pauses between them: a pause is no time that a request took. */
static void test_pauses(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		now += 60000 * MS;
		for (uint32_t n = 8; n > 0; n--)
			gradient_sample(&g, 100 * MS, n, false, now += MS);
	}
	assert_in_range(g.base_ns, 90 * MS, 115 * MS);
	assert_in_range(g.mean_ns, 20 * MS, 200 * MS);
}

static void test_options(void **state)
{
	static const struct {
		uint32_t min, max, expected;
	} rows[] = {{1, 200, 200}, {5, 50, 50}, {7, 7, 7}, {1, 1, 1}, {1, 1000000, 1000000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gradient_options options = {rows[i].min, rows[i].max, true};

		gradient_set_options(&g, &options);
		assert_int_equal(gradient_limit(&g), rows[i].expected);
		run(1, 1, 1000, false);
	}
	run(5, 20, 1000, true);
	gradient_set_options(&g, &(struct gradient_options){30, 90, true});
	assert_int_equal(gradient_limit(&g), 30); /* it wasn't at max: cut to the new bounds */
}

/* Workers read the clock once a turn; and nonsense does no harm. */
static void test_odd_samples(void **state)
{
	(void)state;
	run(2, 20, 1000, false);
	for (int i = 0; i < 1000; i++)
		gradient_sample(&g, 20 * MS, 20, false, now - (i % 2 ? 50 * MS : 0));
	for (int i = 0; i < 1000; i++)
		gradient_sample(&g, i % 2 ? 0 : UINT64_MAX, i % 3 ? 0 : UINT32_MAX, false,
				now += MS);
	run(120, 20, 1000, false);
	assert_in_range(gradient_limit(&g), 2, 100);
	assert_true(g.base_ns > 0 && g.mean_ns > 0 && g.base_ns < 1e18 && g.mean_ns < 1e18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_begins_at_max, setup),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_unused),
		cmocka_unit_test_setup(test_few, setup),
		cmocka_unit_test_setup(test_pauses, setup),
		cmocka_unit_test_setup(test_options, setup),
		cmocka_unit_test_setup(test_odd_samples, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
