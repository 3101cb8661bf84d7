// SPDX-License-Identifier: MIT
/*
 * A table of the process's own: the same functions work on it, rules are replaced as a
 * whole, and named clients are nobody's address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "core/clients_own.h"
#include "core/escalate.h"
#include "core/requests.h"
#include "core/scan.h"
#include "edge_fixture.h"

static const uint64_t secret[2] = {0x0123456789abcdefULL, 0xfedcba9876543210ULL}; /* even */

static struct clients_own *own_new(uint32_t max_clients)
{
	struct clients_own *own;

	assert_int_equal(clients_own_new(max_clients, secret, &own), 0);
	return own;
}

static void test_bounds(void **state)
{
	struct clients_own *own = NULL;

	(void)state;
	assert_int_equal(clients_own_new(HATAGO_CLIENTS_MIN - 1, secret, &own), -ERANGE);
	assert_int_equal(clients_own_new(HATAGO_CLIENTS_MAX + 1, secret, &own), -ERANGE);
	assert_null(own);
	clients_own_free(NULL);
	own = own_new(HATAGO_CLIENTS_MIN);
	assert_int_equal(clients_own_view(own).set_count, 12);
	assert_int_equal((uintptr_t)clients_own_view(own).sets % 64, 0);
	clients_own_free(own);
}

/* 96 of 128 clients' worth of names: each has buckets of its own, as deep as it left them. */
static void test_named_clients(void **state)
{
	struct clients_own *own = own_new(128);
	struct hatago_limit limit;
	struct requests_left left;
	struct clients clients;
	struct scan scan;
	char name[16];

	(void)state;
	assert_int_equal(hatago_limit_make(1000, 100, 0, &limit), 0);
	clients = clients_own_view(own);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < 96; i++) {
			int n = snprintf(name, sizeof(name), "key-%d", i);
			struct hatago_client_id id = clients_named_id(name, (size_t)n, secret);

			requests_peek(&clients, id, &limit, 1, false, FIXTURE_NOW, &left);
			assert_int_equal(left.tokens, pass ? 100 - i : 100);
			assert_int_equal(requests_take(&clients, id, &limit, pass ? 0 : (uint64_t)i,
						       false, FIXTURE_NOW, &left),
					 REQUESTS_TAKEN);
			assert_false(left.shared);
		}
	assert_int_equal(scan_init(&scan, 0), 0);
	scan_table(&clients, FIXTURE_NOW, &scan);
	assert_int_equal(scan.occupied, 96);
	assert_int_equal(scan.live, 95); /* one took nothing */
	scan_done(&scan);
	clients_own_free(own);
}

static void test_named_id(void **state)
{
	const uint64_t other[2] = {1, 2};
	struct hatago_client_id a = clients_named_id("alice", 5, secret), b;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	b = clients_named_id("alice2", 5, secret);
	assert_memory_equal(&a, &b, sizeof(a));
	b = clients_named_id("alice2", 6, secret);
	assert_memory_not_equal(&a, &b, sizeof(a));
	b = clients_named_id("alice", 5, other);
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_false(client_id_is_ipv4(a));
	/* ff ff 00 05: neither IPv4's tag nor an address that a frame may come from */
	assert_memory_equal(&a, "\xff\xff\x00\x05", 4);
	b = fixture_id(&f, "255.255.0.5");
	assert_memory_not_equal(&a, &b, 4);
	fixture_done(&f);
}

/* Rules are copied, the packet path's limits left out, and held by whoever asks next. */
static void test_rules(void **state)
{
	struct clients_own *own = own_new(64);
	const struct hatago_rules *before;
	struct clients clients;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 10, 10);
	fixture_limit(f.rules, HATAGO_DIM_REQUESTS, 1, 5);
	before = clients_own_view(own).rules;
	clients_own_set_rules(own, f.rules);
	clients = clients_own_view(own);
	assert_ptr_not_equal(clients.rules, before);
	assert_int_equal(clients.rules->dimensions, 1u << HATAGO_DIM_REQUESTS);
	assert_int_equal(clients.rules->limit[HATAGO_DIM_REQUESTS].burst, 5);
	fixture_limit(f.rules, HATAGO_DIM_REQUESTS, 1, 7);
	clients_own_set_rules(own, f.rules);
	assert_int_equal(clients_own_view(own).rules->limit[HATAGO_DIM_REQUESTS].burst, 7);
	assert_int_equal(clients.rules->limit[HATAGO_DIM_REQUESTS].burst, 5);
	clients_own_free(own);
	fixture_done(&f);
}

/* A table that nobody asked anything for longer than half of the clock's range. */
static void test_after_years(void **state)
{
	const uint64_t later = FIXTURE_NOW + 500ULL * 86400 * FIXTURE_SECOND;
	struct clients_own *own = own_new(64);
	struct clients clients = clients_own_view(own);
	struct hatago_limit limit;
	struct requests_left left;

	(void)state;
	assert_int_equal(hatago_limit_make(1000, 5, 0, &limit), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct hatago_client_id id = {.hi = i * 2654435761ULL, .lo = i};
		uint64_t now_ns = (i < 500 ? FIXTURE_NOW : later) + i * (10 * FIXTURE_SECOND);

		assert_int_equal(requests_take(&clients, id, &limit, 5, false, now_ns, &left),
				 REQUESTS_TAKEN);
		assert_false(left.shared);
		assert_int_equal(requests_take(&clients, id, &limit, 1, false, now_ns, &left),
				 REQUESTS_REFUSED);
	}
	clients_own_free(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),	    cmocka_unit_test(test_named_clients),
		cmocka_unit_test(test_named_id),    cmocka_unit_test(test_rules),
		cmocka_unit_test(test_after_years),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
