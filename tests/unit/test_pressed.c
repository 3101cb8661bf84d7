// SPDX-License-Identifier: MIT
/*
 * Pressure: the memory of SYNs, the scale of a bucket's costs, and the word in the
 * configuration from shares to fixed point and back. Time is passed in throughout.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/pressed.h"
#include "edge_fixture.h"
#include "hatago/syns.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS	     1000000ULL
#define HASH	     0x123456789abcdef0ULL

/* A SYN, and the same one so much later. */
static void test_syns_in_time(void **state)
{
	static const struct {
		uint64_t after_ns;
		bool in_time;
	} rows[] = {
		{0, false},	    {500 * MS, false},	 {530 * MS, false},   {810 * MS, true},
		{1000 * MS, true},  {3000 * MS, true},	 {7000 * MS, true},   {31000 * MS, true},
		{59500 * MS, true}, {60500 * MS, false}, {67000 * MS, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (uint64_t phase = 0; phase < 4; phase++) { /* of a unit of time */
			uint64_t now = FIXTURE_NOW + phase * 67 * MS;
			struct hatago_syns set = {0};

			assert_false(syns_came_before(&set, HASH, now));
			assert_int_equal(syns_came_before(&set, HASH, now + rows[i].after_ns),
					 rows[i].in_time);
		}
}

/* Asked again too early it stays as old as it is; in time or late, it is as new again. */
static void test_syns_again(void **state)
{
	struct hatago_syns set = {0};

	(void)state;
	assert_false(syns_came_before(&set, HASH, FIXTURE_NOW));
	for (uint64_t ms = 100; ms < 600; ms += 100)
		assert_false(syns_came_before(&set, HASH, FIXTURE_NOW + ms * MS / 2));
	assert_true(syns_came_before(&set, HASH, FIXTURE_NOW + 1000 * MS));
	assert_false(syns_came_before(&set, HASH, FIXTURE_NOW + 1100 * MS));
	assert_true(syns_came_before(&set, HASH, FIXTURE_NOW + 3000 * MS));
	assert_false(syns_came_before(&set, HASH ^ 0x100, FIXTURE_NOW + 3000 * MS));
	assert_false(syns_came_before(&set, HASH, FIXTURE_NOW + 64000 * MS));
	assert_true(syns_came_before(&set, HASH, FIXTURE_NOW + 65000 * MS));
}

/* As many others as the ring has room for push it out, and not one fewer. */
static void test_syns_ring(void **state)
{
	(void)state;
	for (uint32_t others = 0; others <= 2 * SYNS_IN_SET; others++) {
		struct hatago_syns set = {.next = others}; /* also beyond the ring */

		assert_false(syns_came_before(&set, HASH, FIXTURE_NOW));
		for (uint64_t i = 1; i <= others; i++)
			assert_false(syns_came_before(&set, HASH ^ i << 8, FIXTURE_NOW));
		assert_int_equal(syns_came_before(&set, HASH, FIXTURE_NOW + 1000 * MS),
				 others < SYNS_IN_SET);
	}
}

/* What differs in any bit of source, ports, sequence number or secret is another SYN. */
static void test_syns_hash(void **state)
{
	const __u64 secret[2] = {0x0123456789abcdefULL, 0xfedcba9876543211ULL};
	uint64_t usual = syns_hash(1, 2, 3, secret);
	uint32_t hits[16] = {0};

	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		const __u64 other[2] = {secret[0] ^ 1ULL << bit, secret[1]};

		assert_true(usual != syns_hash(1ULL ^ 1ULL << bit, 2, 3, secret));
		assert_true(usual != syns_hash(1, 2ULL ^ 1ULL << bit, 3, secret));
		assert_true(usual != syns_hash(1, 2, 3ULL ^ 1ULL << bit, secret));
		assert_true(usual != syns_hash(1, 2, 3, other));
	}
	for (uint64_t source = 0; source < 16000; source++)
		hits[syns_set(syns_hash(0, source, 7, secret), 16)]++;
	for (int i = 0; i < 16; i++)
		assert_in_range(hits[i], 800, 1200);
}

/* Costs under a scale, against arithmetic in 128 bits. */
static void test_cost(void **state)
{
	static const uint64_t rates[] = {1, 999, 1000000, 50000000000ULL, BUCKET_RATE_MILLI_MAX};
	static const uint64_t bursts[] = {1, 2, 7, 1514, 1000000, BUCKET_BURST_MAX};
	static const uint32_t invs[] = {0, 1, 256, 257, 512, 2560, 65535, HATAGO_INV_MAX};
	struct hatago_limit limit;

	(void)state;
	for (size_t i = 0; i < COUNT(rates) * COUNT(bursts) * COUNT(invs); i++) {
		uint64_t burst = bursts[i / COUNT(rates) % COUNT(bursts)];
		uint32_t inv = invs[i / COUNT(rates) / COUNT(bursts)];

		if (hatago_limit_make(rates[i % COUNT(rates)], burst, 0, &limit))
			continue;
		for (uint64_t n = 1; n <= burst; n = n * 3 + 1) {
			unsigned __int128 want = bucket_cost(&limit, n);
			uint64_t cost = bucket_cost_scaled(&limit, n, inv);

			if (inv > HATAGO_INV_ONE)
				want = want * inv >> 8;
			if (inv > HATAGO_INV_ONE && want > limit.tau)
				want = limit.tau;
			/* near a full bucket it may be rounded up to one: by 2 ns at most */
			if (cost != (uint64_t)want)
				assert_true(cost == limit.tau && limit.tau - (uint64_t)want <= 512);
			assert_true(cost <= limit.tau);
		}
	}
}

/* What waits for so long passes then, and not before. */
static void test_wait(void **state)
{
	static const uint32_t invs[] = {256, 300, 512, 2560, HATAGO_INV_MAX};
	__u64 now = bucket_time(FIXTURE_NOW), tat, ignored;
	struct hatago_limit limit;

	(void)state;
	assert_int_equal(hatago_limit_make(10000, 20, 0, &limit), 0);
	for (size_t i = 0; i < COUNT(invs); i++) {
		uint64_t wait, taken = 0;

		tat = now;
		while (bucket_offer_scaled(tat, &limit, now, 1, invs[i], &tat))
			taken++;
		assert_int_equal(taken, invs[i] >= 20 * 256 ? 1 : 20 * 256 / invs[i]);
		wait = bucket_wait_scaled_ns(tat, &limit, now, 1, invs[i]);
		assert_true(wait > 0);
		assert_true(bucket_offer_scaled(tat, &limit, bucket_time(FIXTURE_NOW + wait), 1,
						invs[i], &ignored));
		assert_false(bucket_offer_scaled(tat, &limit, bucket_time(FIXTURE_NOW + wait - 1),
						 1, invs[i], &ignored));
	}
}

static void test_inv(void **state)
{
	static const struct {
		double share;
		uint32_t inv;
	} rows[] = {
		{1, 256},
		{2, 256},
		{INFINITY, 256},
		{0.5, 512},
		{0.1, 2560},
		{0.3, 853},
		{1.0 / 256, HATAGO_INV_MAX},
		{0, HATAGO_INV_MAX},
		{-1, HATAGO_INV_MAX},
		{NAN, HATAGO_INV_MAX},
		{1e-300, HATAGO_INV_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(pressed_inv(rows[i].share), rows[i].inv);
}

/* What is in force is what a frame would meet. */
static void test_look(void **state)
{
	struct fixture f;
	struct pressed p;

	(void)state;
	fixture_init(&f, 1);
	f.config->pressure = (struct hatago_pressure){.heartbeat_ns = FIXTURE_NOW,
						      .per_mille = 500,
						      .scale_inv = 1024,
						      .trusted_inv = 512,
						      .strangers_inv = 2560};
	pressed_look(f.config, f.rules, FIXTURE_NOW, &p);
	assert_true(p.fresh && !p.has_budget && !p.is_asked);
	assert_true(p.pressure * 2 == 1 && p.scale * 4 == 1 && p.trusted * 2 == 1);
	assert_true(p.strangers >= 1 && p.first == 0);
	assert_int_equal(hatago_limit_make(1000, 100, 0, &f.rules->strangers), 0);
	f.rules->flags |= HATAGO_STRANGERS;
	f.config->strangers.again = bucket_time(FIXTURE_NOW) + f.rules->strangers.tau / 2;
	pressed_look(f.config, f.rules, FIXTURE_NOW, &p);
	assert_true(p.has_budget && p.is_asked && p.strangers * 10 == 1);
	assert_int_equal(p.first, 10);
	assert_int_equal(p.again, 5);
	pressed_look(f.config, f.rules, FIXTURE_NOW + HATAGO_HEARTBEAT_MAX_NS, &p);
	assert_true(!p.fresh && p.has_budget && !p.is_asked);
	assert_true(p.pressure <= 0 && p.scale >= 1 && p.trusted >= 1 && p.strangers >= 1);
	f.config->pressure.scale_inv = 0; /* then the word on trusted clients counts for nothing */
	pressed_look(f.config, f.rules, FIXTURE_NOW, &p);
	assert_true(p.fresh && p.scale >= 1 && p.trusted >= 1);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syns_in_time), cmocka_unit_test(test_syns_again),
		cmocka_unit_test(test_syns_ring),    cmocka_unit_test(test_syns_hash),
		cmocka_unit_test(test_cost),	     cmocka_unit_test(test_wait),
		cmocka_unit_test(test_inv),	     cmocka_unit_test(test_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
