// SPDX-License-Identifier: MIT
/*
 * The bucket that threads share: takes, what is shown of it, and that several threads
 * together never take more than one would. The bucket's arithmetic is test_bucket.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "core/rate.h"
#include "hatago/bucket.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MS	 1000000ull
#define BEGIN_NS (1000 * MS)
#define THREADS	 4
#define TAKES	 20000

static struct hatago_limit limit_of(uint64_t per_sec, uint64_t burst, uint32_t step_ms)
{
	struct hatago_limit limit;

	assert_int_equal(hatago_limit_make(per_sec * 1000, burst, step_ms, &limit), 0);
	return limit;
}

/* Steps of one bucket of 10 a second, up to 5: what is taken, what is left, what a take waits. */
static void test_takes(void **state)
{
	static const struct {
		uint64_t at_ms, n;
		bool taken;
		uint64_t left, wait_ms; /* for n more */
	} rows[] = {
		{0, 0, true, 5, 0},
		{0, 1, true, 4, 0},
		{0, 3, true, 1, 200},
		{0, 2, false, 1, 100},
		{0, 1, true, 0, 100},
		{0, 0, true, 0, 0},
		{99, 1, false, 0, 1},
		{100, 1, true, 0, 100},
		{100, 6, false, 0, 500}, /* more than it holds: as many as it holds */
		{599, 7, false, 4, 1},
		{600, 7, true, 0, 500},
		{1100, UINT64_MAX, true, 0, 500},
		{9999, 1, true, 4, 0},
	};
	const struct hatago_limit limit = limit_of(10, 5, 0);
	uint64_t word = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t now_ns = BEGIN_NS + rows[i].at_ms * MS;
		bool taken = rate_take(&word, &limit, rows[i].n, now_ns);
		uint64_t left = rate_tokens(&word, &limit, now_ns);
		uint64_t wait_ns = rate_wait_ns(&word, &limit, rows[i].n, now_ns);

		if (taken != rows[i].taken || left != rows[i].left ||
		    (wait_ns + MS / 2) / MS != rows[i].wait_ms)
			fail_msg("row %zu: taken %d, %llu left, %llu ns", i, taken,
				 (unsigned long long)left, (unsigned long long)wait_ns);
	}
}

/* After the wait that is told, and not before, the take succeeds. */
static void test_wait_is_true(void **state)
{
	static const struct {
		uint64_t per_sec, burst, n;
		uint32_t step_ms;
	} rows[] = {
		{10, 20, 1, 0},		{10, 20, 20, 0},  {3, 7, 2, 0},	     {1, 1, 1, 0},
		{1000000, 1000, 10, 0}, {7, 100, 101, 0}, {10, 20, 1, 1000}, {10, 20, 15, 1000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct hatago_limit limit =
			limit_of(rows[i].per_sec, rows[i].burst, rows[i].step_ms);
		uint64_t word = 0, wait_ns;

		assert_true(rate_take(&word, &limit, rows[i].burst, BEGIN_NS));
		wait_ns = rate_wait_ns(&word, &limit, rows[i].n, BEGIN_NS);
		assert_true(wait_ns > 0 && wait_ns < UINT64_MAX);
		if (!rows[i].step_ms)
			assert_false(rate_take(&word, &limit, rows[i].n, BEGIN_NS + wait_ns - 2));
		assert_true(rate_take(&word, &limit, rows[i].n, BEGIN_NS + wait_ns));
	}
}

/* A limit that is lowered holds from the next take; an old word is mended. */
static void test_lowered_limit(void **state)
{
	const struct hatago_limit slow = limit_of(1, 1000, 0), fast = limit_of(10, 5, 0);
	uint64_t word = 0;

	(void)state;
	assert_true(rate_take(&word, &slow, 1000, BEGIN_NS));
	assert_false(rate_take(&word, &fast, 1, BEGIN_NS));
	assert_int_equal(rate_tokens(&word, &fast, BEGIN_NS), 0);
	assert_true(word - bucket_time(BEGIN_NS) <= fast.tau);
	assert_true(rate_take(&word, &fast, 1, BEGIN_NS + 100 * MS));
	assert_int_equal(rate_tokens(&word, &fast, BEGIN_NS + 1000 * MS), 5);
}

struct taker {
	uint64_t *word;
	const struct hatago_limit *limit;
	uint64_t taken;
};

static void *take_all(void *arg)
{
	struct taker *taker = arg;

	for (uint64_t i = 0; i < TAKES; i++) /* at one instant: nothing comes in */
		taker->taken += rate_take(taker->word, taker->limit, 1, BEGIN_NS);
	return NULL;
}

/* Threads that take at one instant get the burst and no more; the rest is still there. */
static void test_threads(void **state)
{
	const struct hatago_limit limit = limit_of(1, 50000, 0);
	pthread_t threads[THREADS];
	struct taker takers[THREADS];
	uint64_t word = 0, taken = 0;

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){&word, &limit, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		taken += takers[i].taken;
	}
	assert_in_range(taken, 1, limit.burst);
	assert_int_equal(rate_tokens(&word, &limit, BEGIN_NS), limit.burst - taken);
	while (rate_take(&word, &limit, 1, BEGIN_NS))
		taken++;
	assert_int_equal(taken, limit.burst);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_wait_is_true),
		cmocka_unit_test(test_lowered_limit),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
