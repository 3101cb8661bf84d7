// SPDX-License-Identifier: MIT
/*
 * The token bucket of bucket.h without steps: tables of (word, now, tokens) at the edges
 * of its ranges, exactness at the fastest and the slowest rate, the clock's wrap and ten
 * years of uptime, changed limits, and a naive bucket with exact arithmetic beside it.
 * Steps are in test_bucket_steps.c, threads in test_bucket_race.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bucket_reference.h"
#include "hatago/bucket.h"

#define MS	 1000000ULL
#define SECOND	 1000000000ULL
#define DAY	 (86400 * SECOND)
#define WRAP	 (1ULL << (64 - HATAGO_TIME_SHIFT)) /* ns until the bucket's clock wraps */
#define TOKEN(l) ((l)->tau / (l)->burst)

static struct hatago_limit make(uint64_t rate_milli, uint64_t burst)
{
	struct hatago_limit limit;

	assert_int_equal(hatago_limit_make(rate_milli, burst, 0, &limit), 0);
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

/* Single tokens, until it refuses; but no more than one over the burst. */
static uint64_t take_all(uint64_t *word, const struct hatago_limit *limit, uint64_t now_ns)
{
	uint64_t taken = 0;

	while (taken <= limit->burst && take(word, limit, now_ns, 1))
		taken++;
	return taken;
}

static void test_limit_ranges(void **state)
{
	static const struct {
		uint64_t rate_milli, burst;
		uint32_t step_ms;
		int result;
	} rows[] = {
		{1, 1, 0, 0},
		{1, 2592, 0, 0}, /* 2592 * 1000 s are 30 days */
		{1, 2593, 0, -1},
		{1000, 2592000, 0, 0},
		{1000, 2592001, 0, -1},
		{0, 1, 0, -1},
		{1, 0, 0, -1},
		{BUCKET_RATE_MILLI_MAX, BUCKET_BURST_MAX, 0, 0},
		{BUCKET_RATE_MILLI_MAX, 1, 0, 0},
		{BUCKET_RATE_MILLI_MAX + 1, 1, 0, -1},
		{BUCKET_RATE_MILLI_MAX, BUCKET_BURST_MAX + 1, 0, -1},
		{UINT64_MAX, UINT64_MAX, 0, -1},
		{1000, 1, BUCKET_STEP_MAX_MS, 0},
		{1000, 1, BUCKET_STEP_MAX_MS + 1, -1},
		{1000, 1, UINT32_MAX, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hatago_limit limit, untouched;

		memset(&limit, 0xa5, sizeof(limit));
		untouched = limit;
		assert_int_equal(hatago_limit_make(rows[i].rate_milli, rows[i].burst,
						   rows[i].step_ms, &limit),
				 rows[i].result);
		if (rows[i].result) {
			assert_memory_equal(&limit, &untouched, sizeof(limit));
			continue;
		}
		assert_int_equal(limit.burst, rows[i].burst);
		assert_int_equal(limit.rate_milli, rows[i].rate_milli);
		assert_true(limit.tau > 0);
		assert_true(bucket_cost(&limit, limit.burst) <= limit.tau);
	}
}

/* 1000 tokens a second, 10 at once: a token is 1 ms, tau 10 ms. In 1/256 ns. */
#define TAU    (10 * (__s64)MS * 256)
#define COST   ((__s64)MS * 256)
#define FAR    (INT64_MAX / 2)
#define NOBODY INT64_MIN

/* debt: the word is now + this. passes: one token, at this instant. */
struct word_row {
	int64_t debt;
	bool is_idle, is_stale, passes;
	int64_t debt_then; /* after the take, or after the refusal */
};

static void test_words(void **state)
{
	static const struct word_row rows[] = {
		{0, true, false, true, COST},
		{-1, true, false, true, COST},
		{-TAU, true, false, true, COST},
		{-FAR, true, false, true, COST},
		{INT64_MIN + 1, true, false, true, COST},
		{1, false, false, true, COST + 1},
		{COST, false, false, true, 2 * COST},
		{TAU - COST - 1, false, false, true, TAU - 1},
		{TAU - COST, false, false, true, TAU},
		{TAU - COST + 1, false, false, false, TAU - COST + 1},
		{TAU - 1, false, false, false, TAU - 1},
		{TAU, false, false, false, TAU},
		/* Another CPU took a token a moment later than this one's now: no stale word. */
		{TAU + 1, false, false, false, TAU + 1},
		{TAU + 1000 * (__s64)256, false, false, false, TAU + 1000 * (__s64)256},
		{TAU + 50 * (__s64)MS * 256, false, false, false, TAU + 50 * (__s64)MS * 256},
		/* Left over from a longer limit, or older than half of the clock: as just empty. */
		{TAU + 10 * (__s64)SECOND * 256, false, true, false, TAU},
		{FAR, false, true, false, TAU},
		{INT64_MAX, false, true, false, TAU},
	};
	static const uint64_t nows_ns[] = {
		0,    1,	12345678901, WRAP / 2 - 1, WRAP / 2, WRAP - 1, WRAP - 5 * MS,
		WRAP, WRAP + 1, 3650 * DAY,
	};
	const struct hatago_limit limit = make(1000000, 10);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t j = 0; j < sizeof(nows_ns) / sizeof(nows_ns[0]); j++) {
			const __u64 now = bucket_time(nows_ns[j]);
			uint64_t word = now + (uint64_t)rows[i].debt;

			assert_int_equal(!!bucket_is_full(word, now), rows[i].is_idle);
			assert_int_equal(!!bucket_is_stale(word, &limit, now), rows[i].is_stale);
			assert_int_equal(take(&word, &limit, nows_ns[j], 1), rows[i].passes);
			assert_int_equal(word - now, rows[i].debt_then);
		}
	}
}

static void test_amounts(void **state)
{
	const struct hatago_limit limit = make(1000000, 10);
	uint64_t word = 0;

	(void)state;
	assert_false(take(&word, &limit, SECOND, 11)); /* more than the bucket ever holds */
	assert_false(take(&word, &limit, SECOND, UINT64_MAX));
	assert_int_equal(word, 0);
	assert_true(take(&word, &limit, SECOND, 10));
	assert_false(take(&word, &limit, SECOND, 1));
	assert_true(take(&word, &limit, SECOND + 10 * MS, 10));
	assert_false(take(&word, &limit, SECOND + 20 * MS - 1, 10));
	assert_true(take(&word, &limit, SECOND + 20 * MS - 1, 9));
}

/* A full bucket holds its burst, to the token, and then a token each time that one takes. */
static void test_burst_and_rate(void **state)
{
	static const struct {
		uint64_t rate_milli, burst;
	} rows[] = {
		{1, 1},
		{1, 2592},
		{1, 7},
		{3, 10},
		{333, 100},
		{1500, 1},
		{7000, 3},
		{50000, 100},
		{999999, 1000},
		{20000000, 40000},
		{123456789, 99999},
		{10000000000, 100000},
		{100000000000, 50},
		{1000000000000, 1},
		{1000000000000, 100000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct hatago_limit limit = make(rows[i].rate_milli, rows[i].burst);
		const uint64_t token_ns =
			(1000000000000ULL + rows[i].rate_milli - 1) / rows[i].rate_milli;
		/* Each cost is cut to 1/256 ns. */
		const uint64_t early_ns = 2 + (rows[i].burst >> HATAGO_TIME_SHIFT);
		uint64_t now_ns = 7 * SECOND, word = bucket_time(now_ns);

		assert_int_equal(take_all(&word, &limit, now_ns), rows[i].burst);
		if (token_ns > early_ns)
			assert_int_equal(take_all(&word, &limit, now_ns + token_ns - early_ns), 0);
		assert_int_equal(take_all(&word, &limit, now_ns + token_ns), 1);
		/* Full again after the whole of tau, and no sooner than that: */
		now_ns += (limit.tau >> HATAGO_TIME_SHIFT) + 2 * token_ns + 1;
		assert_true(bucket_is_full(word, bucket_time(now_ns)));
		assert_int_equal(take_all(&word, &limit, now_ns), rows[i].burst);
	}
}

/* 100 Gbit/s of 60-byte frames: 4.8 ns each; offered twice as fast. */
static void test_fastest_bytes(void **state)
{
	const uint64_t rate = 12500000000, burst = 1000000, window_ns = 20 * MS;
	const struct hatago_limit limit = make(rate * 1000, burst);
	uint64_t word = 0, bytes = 0;

	(void)state;
	for (uint64_t t = 0; t < window_ns; t += 2)
		bytes += take(&word, &limit, SECOND + t, 60) ? 60 : 0;
	assert_in_range(bytes, (burst + rate / 1000 * (window_ns / MS)) / 1000 * 999,
			(burst + rate / 1000 * (window_ns / MS)) / 1000 * 1001);
}

/* The slowest: a token in 1000 s, which comes neither early nor late. */
static void test_slowest(void **state)
{
	const struct hatago_limit limit = make(1, 1);
	uint64_t word = 0;

	(void)state;
	for (uint64_t i = 1; i < 100000; i++) { /* three years */
		assert_true(take(&word, &limit, i * 1000 * SECOND, 1));
		assert_false(take(&word, &limit, i * 1000 * SECOND, 1));
		assert_false(take(&word, &limit, (i + 1) * 1000 * SECOND - 1, 1));
	}
}

/* Ten years of uptime, over four wraps: visits after all kinds of pauses up to a year. */
static void test_ten_years(void **state)
{
	static const uint64_t pauses[] = {1, MS, SECOND, 3600 * SECOND, DAY, 31 * DAY, 400 * DAY};
	const struct hatago_limit limit = make(100000, 200); /* full after 2 s */
	uint64_t now_ns = 0, word = 0;

	(void)state;
	for (size_t i = 0; now_ns < 3653 * DAY; i++) {
		uint64_t pause = pauses[i % 7], full = 2 * SECOND;
		uint64_t expected = pause >= full ? 200 : pause / (10 * MS);

		take_all(&word, &limit, now_ns);
		assert_int_equal(take_all(&word, &limit, now_ns + pause), expected);
		now_ns += pause;
	}
}

/* Straight through the wrap, without a token more or less. */
static void test_wrap(void **state)
{
	const struct hatago_limit limit = make(1000000, 10);
	uint64_t word = bucket_time(WRAP - 5 * SECOND), taken = 0;

	(void)state;
	for (uint64_t t = 0; t <= 10 * SECOND; t += MS / 4)
		taken += take_all(&word, &limit, WRAP - 5 * SECOND + t);
	assert_int_equal(taken, 10 + 10 * 1000);
}

/* What a changed limit makes of a word: the next token is the new limit's business. */
static void test_changed_limit(void **state)
{
	const struct hatago_limit slow = make(1000, 100), fast = make(1000000, 100);
	const struct hatago_limit small = make(1000000, 10), large = make(1000000, 1000);
	uint64_t now_ns = 1000 * SECOND, word = 0;

	(void)state;
	assert_int_equal(take_all(&word, &slow, now_ns), 100); /* 100 s of debt */
	assert_false(take(&word, &fast, now_ns, 1)); /* as just empty, and so it is mended: */
	assert_int_equal(take_all(&word, &fast, now_ns + 50 * MS), 50);
	assert_int_equal(take_all(&word, &fast, now_ns + SECOND), 100);

	now_ns += 2 * SECOND;
	assert_true(take(&word, &fast, now_ns, 60));
	assert_int_equal(take_all(&word, &small, now_ns), 0);	/* lowered: none left */
	assert_int_equal(take_all(&word, &large, now_ns), 940); /* raised: the rest */
}

/* The clock is read before the word: a word from a later instant is not to be moved back. */
static void test_late_reader(void **state)
{
	const struct hatago_limit limit = make(1000000, 10);
	const uint64_t now_ns = 77 * SECOND;
	uint64_t word = 0, seen;

	(void)state;
	assert_int_equal(take_all(&word, &limit, now_ns), 10);
	for (uint64_t late = 1; late <= 10 * MS; late *= 10) {
		seen = word;
		assert_false(take(&word, &limit, now_ns - late, 1));
		assert_int_equal(word, seen);
		assert_false(bucket_is_full(word, bucket_time(now_ns - late)));
	}
}

static void test_wait(void **state)
{
	const struct hatago_limit limit = make(1000000, 10);
	const uint64_t now_ns = SECOND;
	uint64_t word = 0;

	(void)state;
	assert_int_equal(bucket_wait_ns(word, &limit, bucket_time(now_ns), 11), UINT64_MAX);
	assert_int_equal(bucket_wait_ns(word, &limit, bucket_time(now_ns), 10), 0);
	assert_int_equal(bucket_tokens(word, &limit, bucket_time(now_ns)), 10);
	for (int i = 0; i < 7; i++)
		assert_true(take(&word, &limit, now_ns, 1));
	assert_int_equal(bucket_tokens(word, &limit, bucket_time(now_ns)), 3);
	for (uint64_t n = 4; n <= 10; n++) {
		uint64_t wait = bucket_wait_ns(word, &limit, bucket_time(now_ns), n), copy = word;

		assert_int_equal(wait, (n - 3) * MS);
		assert_false(take(&copy, &limit, now_ns + wait - 1, n));
		assert_true(take(&copy, &limit, now_ns + wait, n));
		assert_int_equal(bucket_tokens(word, &limit, bucket_time(now_ns + wait)), n);
	}
	word = bucket_time(now_ns) + limit.tau * 1000; /* stale: as just empty */
	assert_int_equal(bucket_tokens(word, &limit, bucket_time(now_ns)), 0);
	assert_int_equal(bucket_wait_ns(word, &limit, bucket_time(now_ns), 1), MS);
}

/* Random frames to both: what passes in all is the same to 0.1 %, and never over the bound. */
static void test_beside_reference(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int round = 0; round < 300; round++) {
		const uint64_t frame = 1 + random_below(&seed, 2000);
		/* Up to what takes 4 ns a frame: 60 bytes at 100 Gbit/s take longer. */
		const uint64_t rate_milli =
			1 + random_below(&seed, 1ULL << random_below(&seed, 37)) * frame;
		const uint64_t burst = frame + random_below(&seed, 100000);
		struct reference ref = {.rate_milli = rate_milli, .burst = burst};
		struct hatago_limit limit;
		uint64_t now_ns = random_below(&seed, WRAP), word = bucket_time(now_ns), sum = 0;
		/* About twice as much is offered as may pass. */
		uint64_t pause =
			(uint64_t)((unsigned __int128)frame * 500000000000ULL / rate_milli);

		if (hatago_limit_make(rate_milli, burst, 0, &limit))
			continue;
		reference_start(&ref, now_ns);
		for (int i = 0; i < 20000; i++) {
			uint64_t n = frame - random_below(&seed, (frame + 1) / 2);

			now_ns += random_below(&seed, pause + 1);
			sum += take(&word, &limit, now_ns, n) ? n : 0;
			reference_take(&ref, now_ns, n);
			assert_true(sum <= reference_bound(&ref, now_ns));
		}
		assert_true(sum + sum / 1000 + frame >= ref.taken);
		assert_true(ref.taken + ref.taken / 1000 + frame >= sum);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_ranges),  cmocka_unit_test(test_words),
		cmocka_unit_test(test_amounts),	      cmocka_unit_test(test_burst_and_rate),
		cmocka_unit_test(test_fastest_bytes), cmocka_unit_test(test_slowest),
		cmocka_unit_test(test_ten_years),     cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_changed_limit), cmocka_unit_test(test_late_reader),
		cmocka_unit_test(test_wait),	      cmocka_unit_test(test_beside_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
