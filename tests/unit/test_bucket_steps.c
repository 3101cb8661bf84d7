// SPDX-License-Identifier: MIT
/*
 * The token bucket of bucket.h with steps: tokens arrive at the ticks of the bucket's own
 * clock and never in between, what passes is never more than without steps but for 1/256
 * of a step, and never less but for one step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bucket_reference.h"
#include "hatago/bucket.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL
#define WRAP   (1ULL << (64 - HATAGO_TIME_SHIFT)) /* ns until the bucket's clock wraps */

static struct hatago_limit make(uint64_t rate_milli, uint64_t burst, uint32_t step_ms)
{
	struct hatago_limit limit;

	assert_int_equal(hatago_limit_make(rate_milli, burst, step_ms, &limit), 0);
	return limit;
}

static bool take(uint64_t *word, const struct hatago_limit *limit, uint64_t now_ns, uint64_t n)
{
	__u64 now = bucket_time(now_ns), next;

	if (!bucket_offer(*word, limit, now, n, &next)) {
		bucket_settle((__u64 *)word, *word, limit, now);
		return false;
	}
	*word = next;
	return true;
}

static uint64_t take_all(uint64_t *word, const struct hatago_limit *limit, uint64_t now_ns)
{
	uint64_t taken = 0;

	while (taken <= limit->burst && take(word, limit, now_ns, 1))
		taken++;
	return taken;
}

/* A full bucket gives its whole burst, whatever the rate, the burst and the instant. */
static void test_whole_burst(void **state)
{
	static const uint64_t rates_milli[] = {1,     3,      333,	1500,	  7000,
					       50000, 999999, 20000000, 123456789};
	static const uint64_t bursts[] = {1, 2, 3, 7, 10, 99, 100, 1000};
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(rates_milli) / sizeof(rates_milli[0]); i++) {
		for (size_t j = 0; j < sizeof(bursts) / sizeof(bursts[0]); j++) {
			const struct hatago_limit limit = make(rates_milli[i], bursts[j], 100);
			uint64_t now_ns = SECOND + random_below(&seed, 1000 * SECOND);
			uint64_t word = bucket_time(now_ns);

			assert_int_equal(take_all(&word, &limit, now_ns), bursts[j]);
			word = bucket_time(now_ns);
			assert_true(take(&word, &limit, now_ns, bursts[j])); /* or all at once */
			assert_false(take(&word, &limit, now_ns, 1));
		}
	}
}

/* 20 tokens a step of 100 ms, at whatever instant the bucket's clock starts. */
static void test_ticks(void **state)
{
	const uint64_t slack_ns = 100 * MS / 256; /* to which the clock's start is exact */
	const struct hatago_limit limit = make(200000, 50, 100);
	uint64_t seed = 2;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint64_t now_ns = SECOND + random_below(&seed, 100 * SECOND);
		uint64_t word = bucket_time(now_ns);

		assert_int_equal(take_all(&word, &limit, now_ns), 50);
		for (int step = 1; step <= 20; step++) {
			uint64_t tick_ns = now_ns + (uint64_t)step * 100 * MS;

			assert_int_equal(take_all(&word, &limit, tick_ns - slack_ns - 2), 0);
			assert_int_equal(take_all(&word, &limit, tick_ns), 20);
		}
	}
}

/* A step fills the whole bucket: all of it comes at each tick. */
static void test_step_fills_bucket(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (uint32_t step_ms = 1; step_ms <= 1000; step_ms += 37) {
		const struct hatago_limit limit = make(10000000ULL / step_ms * 100, 1000, step_ms);
		struct reference ref = {
			.rate_milli = limit.rate_milli, .burst = 1000, .step_ns = step_ms * MS};
		uint64_t now_ns = SECOND + random_below(&seed, SECOND), word = bucket_time(now_ns);
		uint64_t sum = 0;

		reference_start(&ref, now_ns);
		for (int i = 0; i < 300; i++) {
			sum += take_all(&word, &limit, now_ns);
			now_ns += step_ms * MS / 3 + 1;
		}
		now_ns -= step_ms * MS / 3 + 1;
		/* 100 steps: the burst and 1000 tokens each, less one step at the most. */
		assert_in_range(sum, 99 * 1000, reference_bound(&ref, now_ns) + 1000 / 256 + 1);
	}
}

/* Frames of bytes at high rates: steps cost no exactness. */
static void test_fast_bytes(void **state)
{
	static const struct {
		uint64_t rate, frame;
	} rows[] = {
		{12500000000, 60}, {12500000000, 1514}, {12500000000, 9014}, {1250000000, 61},
		{1250000000, 64},  {125000000, 60},	{125000000, 61},     {50000000, 1514},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint64_t step = rows[i].rate / 200, burst = 4 * step; /* of 5 ms */
		const struct hatago_limit limit = make(rows[i].rate * 1000, burst, 5);
		const uint64_t frame_ns = rows[i].frame * SECOND / rows[i].rate;
		const uint64_t now_ns = 3 * SECOND + 777;
		uint64_t word = bucket_time(now_ns), bytes = 0, expected = burst + step * 20;

		for (uint64_t t = 0; t <= 100 * MS; t += frame_ns / 2 + 1)
			bytes += take(&word, &limit, now_ns + t, rows[i].frame) ? rows[i].frame : 0;
		assert_in_range(bytes, (expected - step) / 1000 * 999,
				(expected + step / 256) / 1000 * 1001);
	}
}

/* Ticks go on through the clock's wrap; the one step across it may be short or long. */
static void test_wrap(void **state)
{
	const struct hatago_limit limit = make(200000, 50, 100);
	uint64_t word = bucket_time(WRAP - 5 * SECOND), taken = 0;

	(void)state;
	for (uint64_t t = 0; t <= 10 * SECOND; t += MS)
		taken += take_all(&word, &limit, WRAP - 5 * SECOND + t);
	assert_in_range(taken, 50 + 10 * 200 - 20, 50 + 10 * 200 + 20);
}

/* A word from a later instant keeps its place and the phase of its clock. */
static void test_late_reader(void **state)
{
	const struct hatago_limit limit = make(200000, 20, 100);
	const uint64_t now_ns = 77 * SECOND + 12345678;
	uint64_t word = bucket_time(now_ns), seen;

	(void)state;
	assert_int_equal(take_all(&word, &limit, now_ns), 20);
	seen = word;
	for (uint64_t late = 1; late <= 10 * MS; late *= 10) {
		assert_false(take(&word, &limit, now_ns - late, 1));
		assert_int_equal(word, seen);
	}
	assert_int_equal(take_all(&word, &limit, now_ns + 99 * MS), 0);
	assert_int_equal(take_all(&word, &limit, now_ns + 100 * MS), 20);
}

static void test_wait(void **state)
{
	const struct hatago_limit limit = make(200000, 50, 100);
	const uint64_t now_ns = 5 * SECOND + 4321;
	uint64_t word = bucket_time(now_ns);

	(void)state;
	take_all(&word, &limit, now_ns);
	for (uint64_t n = 1; n <= 50; n++) {
		uint64_t wait = bucket_wait_ns(word, &limit, bucket_time(now_ns + 30 * MS), n);
		uint64_t copy = word, ticks = (n + 19) / 20;

		assert_in_range(wait, ticks * 100 * MS - 31 * MS, ticks * 100 * MS + 100 * MS);
		assert_true(take(&copy, &limit, now_ns + 30 * MS + wait, n));
	}
	assert_int_equal(bucket_tokens(word, &limit, bucket_time(now_ns + 99 * MS)), 0);
	assert_int_equal(bucket_tokens(word, &limit, bucket_time(now_ns + 150 * MS)), 20);
	assert_int_equal(bucket_tokens(word, &limit, bucket_time(now_ns + SECOND)), 50);
}

static void test_beside_reference(void **state)
{
	uint64_t seed = 43;

	(void)state;
	for (int round = 0; round < 300; round++) {
		const uint64_t frame = 1 + random_below(&seed, 2000);
		const uint32_t step_ms = 1 + (uint32_t)random_below(&seed, 2000);
		const uint64_t rate_milli =
			1 + random_below(&seed, 1ULL << random_below(&seed, 37)) * frame;
		const uint64_t step =
			(uint64_t)((unsigned __int128)rate_milli * step_ms / 1000000) + 1;
		const uint64_t burst = step + frame + random_below(&seed, 100000);
		struct reference ref = {rate_milli, burst, .step_ns = step_ms * MS};
		uint64_t now_ns = random_below(&seed, WRAP / 2), word = bucket_time(now_ns),
			 sum = 0;
		uint64_t pause =
			(uint64_t)((unsigned __int128)frame * 500000000000ULL / rate_milli);
		struct hatago_limit limit;

		if (hatago_limit_make(rate_milli, burst, step_ms, &limit))
			continue;
		reference_start(&ref, now_ns);
		for (int i = 0; i < 20000; i++) {
			uint64_t n = frame - random_below(&seed, (frame + 1) / 2);

			now_ns += random_below(&seed, pause + 1);
			sum += take(&word, &limit, now_ns, n) ? n : 0;
			reference_take(&ref, now_ns, n);
			assert_true(sum <= reference_bound(&ref, now_ns) + step / 256 + frame);
		}
		assert_true(sum + sum / 1000 + frame + step >= ref.taken);
		assert_true(ref.taken + ref.taken / 1000 + frame + step >= sum);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_burst),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_step_fills_bucket),
		cmocka_unit_test(test_fast_bytes),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_late_reader),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_beside_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
