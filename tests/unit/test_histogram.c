// SPDX-License-Identifier: MIT
/*
 * The histogram of core/histogram.h: which bucket holds which time, from the first to beyond
 * the last; percentiles against sorted numbers; and that parts add up to the whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/histogram.h"

#define US		    1000ULL
#define MS		    1000000ULL
#define SECOND		    1000000000ULL
#define HOUR		    (3600 * SECOND)
#define LONGEST		    ((1ULL << 44) - 1) /* ns that the last bucket ends with */
#define PRECISE(exact, got) ((got) >= (exact) && (got) - (exact) <= (exact) / HISTOGRAM_STEPS + 63)

static struct histogram h;

static int setup(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	return 0;
}

static void test_precision(void **state)
{
	static const uint64_t times[] = {
		0,	1,  63,	     64,     65,	 1023, 1024,	 US,	      US + 1,
		999999, MS, 10 * MS, SECOND, 3 * SECOND, HOUR, 4 * HOUR, LONGEST - 1, LONGEST,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		uint64_t got;

		memset(&h, 0, sizeof(h));
		histogram_record(&h, times[i]);
		got = histogram_quantile(&h, 1);
		if (!PRECISE(times[i], got))
			fail_msg("%llu reads as %llu", (unsigned long long)times[i],
				 (unsigned long long)got);
		assert_int_equal(h.total, 1);
		assert_int_equal(h.sum, times[i]);
		assert_int_equal(histogram_within(&h, times[i]), 1);
		assert_int_equal(histogram_within(&h, got), 1);
		assert_int_equal(histogram_quantile(&h, 0), got);
		if (times[i] >= US)
			assert_int_equal(histogram_within(&h, times[i] - times[i] / 15), 0);
	}
	assert_true(4.8 * (double)HOUR <= (double)LONGEST);
}

/* Each bucket ends right before the next: no time falls between two, none is out of order. */
static void test_buckets_in_order(void **state)
{
	uint64_t before = 0;

	(void)state;
	for (uint64_t ns = 0; ns <= LONGEST; ns = before + 1) {
		memset(&h, 0, sizeof(h));
		histogram_record(&h, ns);
		histogram_record(&h, histogram_quantile(&h, 1));
		assert_true(histogram_quantile(&h, 1) == histogram_quantile(&h, 0));
		assert_true(ns == 0 || histogram_within(&h, before) == 0);
		before = histogram_quantile(&h, 1);
		assert_true(before >= ns);
	}
	assert_int_equal(before, LONGEST);
}

static void test_beyond_the_last(void **state)
{
	(void)state;
	histogram_record(&h, LONGEST + 1);
	histogram_record(&h, UINT64_MAX / 2);
	histogram_record(&h, UINT64_MAX / 2 - LONGEST);
	assert_int_equal(h.count[HISTOGRAM_BUCKETS - 1], 3);
	assert_int_equal(histogram_quantile(&h, 0.5), LONGEST);
	assert_int_equal(histogram_within(&h, UINT64_MAX), 3);
	assert_int_equal(histogram_within(&h, LONGEST / 2), 0);
	assert_true(h.sum == UINT64_MAX);
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&h, 0), 0);
	assert_int_equal(histogram_quantile(&h, 1), 0);
	assert_int_equal(histogram_within(&h, UINT64_MAX), 0);
}

/* 1 to 1000 ms, once each: the share of them is known. */
static void test_quantiles(void **state)
{
	static const struct {
		double share;
		uint64_t exact;
	} rows[] = {
		{0, MS},	 {0.001, MS},	   {0.01, 10 * MS},   {0.5, 500 * MS},
		{0.9, 900 * MS}, {0.99, 990 * MS}, {0.999, 999 * MS}, {1, SECOND},
	};

	(void)state;
	for (uint64_t ms = 1; ms <= 1000; ms++)
		histogram_record(&h, ms * MS);
	assert_int_equal(h.sum, 500500 * MS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t got = histogram_quantile(&h, rows[i].share);
		uint64_t within = histogram_within(&h, rows[i].exact);

		if (!PRECISE(rows[i].exact, got))
			fail_msg("p%g: %llu", rows[i].share * 100, (unsigned long long)got);
		assert_true(within >= rows[i].exact / MS);
		assert_true(within <= rows[i].exact / MS + rows[i].exact / MS / HISTOGRAM_STEPS);
	}
}

static void test_add(void **state)
{
	struct histogram *parts = calloc(2, sizeof(*parts)), *sum = calloc(1, sizeof(*sum));

	(void)state;
	for (uint64_t i = 0; i < 10000; i++) {
		uint64_t ns = i * i * 977;

		histogram_record(&parts[i % 3 == 0], ns);
		histogram_record(&h, ns);
	}
	parts[0].total += 5; /* as a reader may see it while its writer writes */
	histogram_add(sum, &parts[0]);
	histogram_add(sum, &parts[1]);
	assert_memory_equal(sum, &h, sizeof(h));
	free(parts);
	free(sum);
}

static void test_since(void **state)
{
	struct histogram *before = calloc(1, sizeof(*before)), *between = malloc(sizeof(*between));

	(void)state;
	memset(between, 0xff, sizeof(*between));
	histogram_record(&h, SECOND);
	histogram_record(&h, MS);
	*before = h;
	histogram_record(&h, 7 * MS);
	histogram_record(&h, SECOND);
	histogram_since(&h, before, between);
	assert_int_equal(between->total, 2);
	assert_int_equal(between->sum, SECOND + 7 * MS);
	assert_int_equal(histogram_within(between, 6 * MS), 0);
	assert_int_equal(histogram_within(between, 7 * MS), 1);
	histogram_since(before, &h, between); /* the wrong way round: nothing */
	assert_int_equal(between->total, 0);
	assert_int_equal(between->sum, 0);
	histogram_since(&h, &h, between);
	assert_int_equal(histogram_quantile(between, 1), 0);
	free(before);
	free(between);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_precision, setup),
		cmocka_unit_test_setup(test_buckets_in_order, setup),
		cmocka_unit_test_setup(test_beyond_the_last, setup),
		cmocka_unit_test_setup(test_empty, setup),
		cmocka_unit_test_setup(test_quantiles, setup),
		cmocka_unit_test_setup(test_add, setup),
		cmocka_unit_test_setup(test_since, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
