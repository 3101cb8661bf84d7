// SPDX-License-Identifier: MIT
/*
 * The pass over the table: what it counts, whom it lists, in which order, for which
 * prefix; checked against a sort of everybody where the table is large.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/scan.h"
#include "edge_fixture.h"

/* Puts a client in the table with these counts. */
static struct hatago_slot *put(const struct fixture *f, const char *address, uint64_t drops,
			       uint64_t packets, uint64_t bytes)
{
	struct hatago_slot *slot = fixture_slot(f, address, FIXTURE_NOW);

	slot->drops = drops;
	slot->packets = packets;
	slot->bytes = bytes;
	return slot;
}

static void small_table(struct fixture *f)
{
	fixture_init(f, 64);
	fixture_limit(f->rules, HATAGO_DIM_PACKETS, 10, 10);
	put(f, "192.0.2.1", 5, 100, 9000);
	put(f, "192.0.2.2", 7, 50, 3000);
	put(f, "198.51.100.1", 0, 900, 1000);
	put(f, "2001:db8::1", 7, 80, 2000);
	put(f, "2001:db8:0:9::1", 0, 1, 60);
}

/* The listed clients as text: "192.0.2.2 192.0.2.1". */
static const char *listed(const struct fixture *f, const struct scan *scan)
{
	static char text[1024];
	char one[PREFIX_TEXT_MAX];
	struct hatago_prefix prefix;

	text[0] = '\0';
	for (size_t i = 0; i < scan->top_count; i++) {
		client_id_prefix(scan->top[i].id, f->rules, &prefix);
		prefix_format(&prefix, one);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 one);
	}
	return text;
}

static void test_order_and_filter(void **state)
{
	static const struct {
		enum scan_by by;
		enum scan_only only;
		const char *within;
		uint32_t limit;
		uint64_t matched;
		const char *want;
	} rows[] = {
		{SCAN_BY_DROPS, SCAN_ALL, NULL, 10, 5,
		 "2001:db8::/64 192.0.2.2 192.0.2.1 198.51.100.1 2001:db8:0:9::/64"},
		{SCAN_BY_DROPS, SCAN_ALL, NULL, 2, 5, "2001:db8::/64 192.0.2.2"},
		{SCAN_BY_DROPS, SCAN_ALL, NULL, 0, 5, ""},
		{SCAN_BY_PACKETS, SCAN_ALL, NULL, 3, 5, "198.51.100.1 192.0.2.1 2001:db8::/64"},
		{SCAN_BY_BYTES, SCAN_ALL, NULL, 2, 5, "192.0.2.1 192.0.2.2"},
		{SCAN_BY_DROPS, SCAN_DROPPED, NULL, 10, 3, "2001:db8::/64 192.0.2.2 192.0.2.1"},
		{SCAN_BY_DROPS, SCAN_BANNED, NULL, 10, 0, ""},
		{SCAN_BY_DROPS, SCAN_ALL, "192.0.2.0/24", 10, 2, "192.0.2.2 192.0.2.1"},
		{SCAN_BY_DROPS, SCAN_ALL, "192.0.2.2", 10, 1, "192.0.2.2"},
		{SCAN_BY_DROPS, SCAN_ALL, "192.0.2.3", 10, 0, ""},
		{SCAN_BY_PACKETS, SCAN_ALL, "0.0.0.0/0", 10, 3, "198.51.100.1 192.0.2.1 192.0.2.2"},
		{SCAN_BY_PACKETS, SCAN_ALL, "2001:db8::/32", 10, 2,
		 "2001:db8::/64 2001:db8:0:9::/64"},
		{SCAN_BY_PACKETS, SCAN_ALL, "2001:db8::/61", 10, 1, "2001:db8::/64"},
		/* An address longer than a client's prefix: the client that holds it. */
		{SCAN_BY_PACKETS, SCAN_ALL, "2001:db8:0:9::77", 10, 1, "2001:db8:0:9::/64"},
		{SCAN_BY_PACKETS, SCAN_ALL, "8000::/1", 10, 0, ""}, /* holds IPv4's tag */
		{SCAN_BY_PACKETS, SCAN_DROPPED, "192.0.2.0/24", 1, 2, "192.0.2.1"},
	};
	struct fixture f;

	(void)state;
	small_table(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hatago_prefix within;
		struct scan scan;

		assert_int_equal(scan_init(&scan, rows[i].limit), 0);
		scan.by = rows[i].by;
		scan.only = rows[i].only;
		if (rows[i].within) {
			within = fixture_prefix(rows[i].within);
			scan.within = &within;
		}
		scan_table(&f.clients, FIXTURE_NOW, &scan);
		assert_string_equal(listed(&f, &scan), rows[i].want);
		assert_int_equal(scan.matched, rows[i].matched);
		assert_int_equal(scan.occupied, 5);
		scan_done(&scan);
	}
	fixture_done(&f);
}

/* IPv4 clients of /24: a filter may be longer or shorter than they are. */
static void test_cut_clients(void **state)
{
	static const struct {
		const char *within, *want;
	} rows[] = {
		{"203.0.113.9", "203.0.113.0/24"},
		{"203.0.113.0/24", "203.0.113.0/24"},
		{"203.0.112.0/23", "203.0.113.0/24"},
		{"203.0.114.0/23", ""},
	};
	struct fixture f;
	struct scan scan;

	(void)state;
	fixture_init(&f, 4);
	f.rules->ipv4_mask = __builtin_bswap32(0xffffff00);
	put(&f, "203.0.113.1", 1, 1, 1);
	assert_int_equal(scan_init(&scan, 4), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hatago_prefix within = fixture_prefix(rows[i].within);

		scan.within = &within;
		scan_table(&f.clients, FIXTURE_NOW, &scan);
		assert_string_equal(listed(&f, &scan), rows[i].want);
	}
	scan_done(&scan);
	fixture_done(&f);
}

/* Clients of the full 128 bits are told apart and filtered by their lower half. */
static void test_long_prefix(void **state)
{
	struct hatago_prefix within = fixture_prefix("2001:db8::40/122");
	struct fixture f;
	struct scan scan;

	(void)state;
	fixture_init(&f, 4);
	f.rules->ipv6_mask_lo = ~0ULL;
	put(&f, "2001:db8::1", 1, 1, 1);
	put(&f, "2001:db8::42", 2, 2, 2);
	put(&f, "192.0.2.1", 3, 3, 3);
	assert_int_equal(scan_init(&scan, 4), 0);
	scan_table(&f.clients, FIXTURE_NOW, &scan);
	assert_string_equal(listed(&f, &scan), "192.0.2.1 2001:db8::42 2001:db8::1");
	scan.within = &within;
	scan_table(&f.clients, FIXTURE_NOW, &scan);
	assert_string_equal(listed(&f, &scan), "2001:db8::42");
	scan_done(&scan);
	fixture_done(&f);
}

static void test_states(void **state)
{
	struct fixture f;
	struct scan scan;
	uint32_t tick = (uint32_t)(FIXTURE_NOW >> HATAGO_TICK_SHIFT);

	(void)state;
	small_table(&f);
	put(&f, "203.0.113.1", 9, 9, 9)->standing = HATAGO_STANDING(HATAGO_BANNED, tick + 1);
	put(&f, "203.0.113.2", 8, 8, 8)->standing = HATAGO_STANDING(HATAGO_BANNED, tick); /* over */
	put(&f, "203.0.113.3", 7, 7, 7)->standing = HATAGO_STANDING(HATAGO_TRUSTED, tick + 1);
	put(&f, "203.0.113.5", 6, 6, 6)->standing = HATAGO_STANDING(HATAGO_ESCALATED, tick + 1);
	put(&f, "203.0.113.6", 5, 5, 5)->standing = HATAGO_STANDING(HATAGO_ESCALATED, tick);
	fixture_frame(&f, fixture_id(&f, "203.0.113.4"), 60, false, FIXTURE_NOW);
	assert_int_equal(scan_init(&scan, 10), 0);
	scan.only = SCAN_BANNED;
	scan_table(&f.clients, FIXTURE_NOW, &scan);
	assert_string_equal(listed(&f, &scan), "203.0.113.1");
	assert_int_equal(scan.slots, 64 * HATAGO_WAYS);
	assert_int_equal(scan.occupied, 11);
	assert_int_equal(scan.live, 4);
	assert_int_equal(scan.banned, 1);
	assert_int_equal(scan.escalated, 1);
	assert_int_equal(scan.trusted, 1);
	assert_int_equal(scan.full_sets, 0);
	/* A second later the bucket is full and the ban is over. */
	scan_table(&f.clients, FIXTURE_NOW + FIXTURE_SECOND, &scan);
	assert_int_equal(scan.live, 0);
	assert_int_equal(scan.banned, 0);
	assert_int_equal(scan.top_count, 0);
	scan_done(&scan);
	fixture_done(&f);
}

/* The scan's own test of a slot agrees with the packet path's, at every edge of a bucket. */
static void test_live_is_not_idle(void **state)
{
	const uint64_t now = bucket_time(FIXTURE_NOW);
	struct fixture f;
	struct scan scan;
	uint64_t tau;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_CONNECTIONS, 3, 7);
	fixture_limit(f.rules, HATAGO_DIM_BYTES, 1000000, 5000);
	assert_int_equal(scan_init(&scan, 0), 0);
	f.clients.sets->key[0] = f.clients.sets->slot[0].key = 1;
	for (uint32_t d = 0; d < HATAGO_EDGE_DIMENSIONS; d++) {
		struct hatago_slot *slot = &f.clients.sets->slot[0];

		tau = f.rules->limit[d].tau;
		for (int k = 0; k < 9; k++) {
			const uint64_t tats[] = {0,
						 now - 1,
						 now,
						 now + 1,
						 now + tau / 2,
						 now + tau,
						 now + tau + 1,
						 now + (1ULL << 63),
						 ~0ULL};

			for (uint32_t other = 0; other < HATAGO_EDGE_DIMENSIONS; other++)
				slot->tat[other] = now;
			slot->tat[d] = tats[k];
			scan_table(&f.clients, FIXTURE_NOW, &scan);
			assert_int_equal(scan.live, !slot_is_idle(slot, f.rules, FIXTURE_NOW));
		}
	}
	scan_done(&scan);
	fixture_done(&f);
}

static void test_full_sets(void **state)
{
	struct fixture f;
	struct scan scan;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 10, 10);
	for (uint32_t i = 1; i <= HATAGO_WAYS; i++) {
		fixture_frame(&f, client_id_ipv4(i, f.rules), 60, false, FIXTURE_NOW);
		assert_int_equal(scan_init(&scan, 0), 0);
		scan_table(&f.clients, FIXTURE_NOW, &scan);
		assert_int_equal(scan.live, i);
		assert_int_equal(scan.full_sets, i == HATAGO_WAYS);
		scan_done(&scan);
	}
	fixture_done(&f);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x > y ? -1 : x < y;
}

#define MANY 20000u

/* The bounded heap finds what a sort of everybody finds, for several sizes of the top. */
static void test_top_of_many(void **state)
{
	static const uint32_t limits[] = {1, 2, 3, 100, 4095, MANY};
	uint64_t *all = calloc(MANY, sizeof(*all)), seed = 88172645463325252ULL;
	struct fixture f;
	size_t count = 0;

	(void)state;
	assert_non_null(all);
	fixture_init(&f, 8192);
	for (uint32_t i = 0; i < f.clients.set_count && count < MANY; i++)
		for (uint32_t way = 0; way < 4 && count < MANY; way++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			/* Low bits that make the way its home: 65536 / 7 is 9362.3. */
			seed = (seed & ~0xffffULL) | (way * 9363 + 10);
			f.clients.sets[i].key[way] = f.clients.sets[i].slot[way].key = seed;
			f.clients.sets[i].slot[way].drops = all[count++] = seed >> 40;
		}
	qsort(all, count, sizeof(*all), compare_u64);
	for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
		struct scan scan;

		assert_int_equal(scan_init(&scan, limits[l]), 0);
		scan_table(&f.clients, FIXTURE_NOW, &scan);
		assert_int_equal(scan.occupied, count);
		assert_int_equal(scan.top_count, limits[l]);
		for (size_t i = 0; i < scan.top_count; i++)
			assert_int_equal(scan.top[i].slot.drops, all[i]);
		scan_done(&scan);
	}
	free(all);
	fixture_done(&f);
}

static void test_bounds(void **state)
{
	struct fixture f;
	struct scan scan;

	(void)state;
	fixture_init(&f, 1);
	assert_int_equal(scan_init(&scan, UINT32_MAX), 0);
	assert_int_equal(scan.limit, SCAN_TOP_MAX);
	scan_done(&scan);
	/* Asking a scan for more than it has room for lists what it has room for. */
	assert_int_equal(scan_init(&scan, 1), 0);
	put(&f, "192.0.2.1", 1, 1, 1);
	put(&f, "192.0.2.2", 2, 2, 2);
	scan.limit = 5;
	scan_table(&f.clients, FIXTURE_NOW, &scan);
	assert_string_equal(listed(&f, &scan), "192.0.2.2");
	scan_done(&scan);
	scan_done(&scan);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_filter), cmocka_unit_test(test_cut_clients),
		cmocka_unit_test(test_long_prefix),	 cmocka_unit_test(test_states),
		cmocka_unit_test(test_full_sets),	 cmocka_unit_test(test_top_of_many),
		cmocka_unit_test(test_bounds),		 cmocka_unit_test(test_live_is_not_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
