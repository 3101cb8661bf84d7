// SPDX-License-Identifier: MIT
/*
 * A table of another size: what of a client is carried over into it, the gate's part and
 * its standing above all, also when it is done a second time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/escalate.h"
#include "core/requests.h"
#include "edge_fixture.h"
#include "kern/table.h"

#define DEBTORS 40

static struct hatago_client_id debtor(const struct fixture *f, uint32_t i)
{
	return client_id_ipv4(i * 2654435761u + 7, f->rules);
}

static uint64_t tokens(const struct fixture *f, uint32_t i, const struct hatago_limit *limit,
		       bool handshake)
{
	struct requests_left left;

	requests_peek(&f->clients, debtor(f, i), limit, 1, handshake, FIXTURE_NOW, &left);
	return left.tokens;
}

static void carry(const struct fixture *from, const struct fixture *to,
		  struct table_carried *carried)
{
	const struct view view = {
		.config = from->config,
		.sets = from->clients.sets,
		.sides = from->clients.sides,
		.set_count = from->clients.set_count,
	};
	struct table table = {
		.config = to->config,
		.sets = to->clients.sets,
		.sides = to->clients.sides,
		.set_count = to->clients.set_count,
	};

	table_carry(&view, &table, FIXTURE_NOW, carried);
}

static void test_gate_goes_along(void **state)
{
	struct table_carried carried;
	struct requests_left left;
	struct fixture from, to;
	struct hatago_limit limit;

	(void)state;
	fixture_init(&from, 16);
	fixture_init(&to, 60);
	assert_int_equal(hatago_limit_make(1000, 100, 0, &limit), 0);
	for (uint32_t i = 0; i < DEBTORS; i++)
		assert_int_equal(requests_take(&from.clients, debtor(&from, i), &limit, i + 1,
					       i % 2, FIXTURE_NOW, &left),
				 REQUESTS_TAKEN);
	assert_true(escalate_mark(&from.clients, debtor(&from, 3), 0, FIXTURE_NOW));
	carry(&from, &to, &carried);
	assert_int_equal(carried.clients, DEBTORS);
	assert_int_equal(carried.lost, 0);
	for (uint32_t i = 0; i < DEBTORS; i++) {
		struct client_at old, new;

		assert_int_equal(tokens(&to, i, &limit, i % 2), 100 - (i + 1));
		assert_int_equal(tokens(&to, i, &limit, !(i % 2)), 100);
		assert_true(clients_find(&from.clients, debtor(&from, i), &old));
		assert_true(clients_find(&to.clients, debtor(&to, i), &new));
		assert_int_equal(new.slot->standing, old.slot->standing);
	}
	/* Meanwhile one took more in the old table, and another one in the new. */
	requests_take(&from.clients, debtor(&from, 0), &limit, 50, false, FIXTURE_NOW, &left);
	requests_take(&to.clients, debtor(&to, 2), &limit, 50, false, FIXTURE_NOW, &left);
	carry(&from, &to, &carried);
	assert_int_equal(tokens(&to, 0, &limit, false), 49);
	assert_int_equal(tokens(&to, 2, &limit, false), 47);
	fixture_done(&from);
	fixture_done(&to);
}

/* What an earlier owner left, and who owes nothing, stays behind. */
static void test_old_words_stay(void **state)
{
	struct table_carried carried;
	struct fixture from, to;
	struct hatago_limit limit;
	struct client_at at;

	(void)state;
	fixture_init(&from, 2);
	fixture_init(&to, 2);
	fixture_limit(from.rules, HATAGO_DIM_PACKETS, 10, 10);
	assert_int_equal(hatago_limit_make(1000, 100, 0, &limit), 0);
	fixture_frame(&from, debtor(&from, 0), 60, false, FIXTURE_NOW);
	assert_true(clients_find(&from.clients, debtor(&from, 0), &at));
	at.side->gate[at.place & TABLE_WAY].requests = bucket_time(FIXTURE_NOW + FIXTURE_SECOND);
	carry(&from, &to, &carried);
	assert_int_equal(carried.clients, 1);
	assert_true(clients_find(&to.clients, debtor(&to, 0), &at));
	assert_int_equal(at.side->gate[at.place & TABLE_WAY].requests, 0);
	fixture_done(&from);
	fixture_done(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gate_goes_along),
		cmocka_unit_test(test_old_words_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
