// SPDX-License-Identifier: MIT
/*
 * Trust and open connections in a client's slot: what is set, who believes it and until
 * when, what a new owner inherits, and what is forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/ban.h"
#include "core/connections.h"
#include "core/escalate.h"
#include "core/standing.h"
#include "edge_fixture.h"

#define ADDRESS "192.0.2.1"
#define TRUST	(600 * FIXTURE_SECOND)

static struct fixture f;

static int setup(void **state)
{
	(void)state;
	fixture_init(&f, 4);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_done(&f);
	return 0;
}

static bool set(const char *address, uint32_t count, uint64_t now_ns, uint64_t trust_ns)
{
	return connections_set(&f.clients, fixture_id(&f, address), count, now_ns, trust_ns);
}

static struct client_at find(const char *address)
{
	struct client_at at;

	assert_true(clients_find(&f.clients, fixture_id(&f, address), &at));
	return at;
}

static void expect(const char *address, uint64_t now_ns, uint32_t count, bool is_trusted)
{
	struct client_at at = find(address);

	assert_int_equal(connections_get(&at, now_ns), count);
	assert_int_equal(slot_is_trusted(at.slot, tick_of(now_ns)), is_trusted);
}

/* A count lasts as long as the trust, which no later call makes shorter. */
static void test_lasts(void **state)
{
	(void)state;
	assert_true(set(ADDRESS, 3, FIXTURE_NOW, TRUST));
	expect(ADDRESS, FIXTURE_NOW, 3, true);
	expect(ADDRESS, FIXTURE_NOW + TRUST - 1, 3, true);
	expect(ADDRESS, FIXTURE_NOW + TRUST + FIXTURE_SECOND, 0, false);
	assert_true(set(ADDRESS, 2, FIXTURE_NOW + FIXTURE_SECOND, 0));
	expect(ADDRESS, FIXTURE_NOW + TRUST - 1, 2, true);
	assert_true(set(ADDRESS, 0, FIXTURE_NOW + FIXTURE_SECOND, TRUST));
	expect(ADDRESS, FIXTURE_NOW + TRUST + FIXTURE_SECOND / 2, 0, true);
	assert_true(set(ADDRESS, UINT32_MAX, FIXTURE_NOW, STANDING_FOR_GOOD));
	expect(ADDRESS, FIXTURE_NOW + 1000 * TRUST, UINT32_MAX, true);
}

/* A ban and an escalation stand above it; the count is not believed then. */
static void test_other_standings(void **state)
{
	struct hatago_client_id id = fixture_id(&f, ADDRESS);
	uint32_t former;

	(void)state;
	assert_int_equal(ban_put(&f.clients, id, FIXTURE_NOW, ban_end(FIXTURE_NOW, TRUST), &former),
			 0);
	assert_true(set(ADDRESS, 3, FIXTURE_NOW, 2 * TRUST));
	expect(ADDRESS, FIXTURE_NOW, 0, false);
	assert_true(slot_is_banned(find(ADDRESS).slot, tick_of(FIXTURE_NOW)));
	expect(ADDRESS, FIXTURE_NOW + TRUST + FIXTURE_SECOND, 0,
	       false); /* the ban took the trust */
	assert_true(set("192.0.2.2", 3, FIXTURE_NOW, TRUST));
	assert_true(escalate_mark(&f.clients, fixture_id(&f, "192.0.2.2"), FIXTURE_SECOND,
				  FIXTURE_NOW));
	expect("192.0.2.2", FIXTURE_NOW, 0, false);
}

/* Neither a new owner of the slot nor one who shares a place of the table gets the count. */
static void test_no_heir(void **state)
{
	struct client_at at, heir;

	(void)state;
	assert_true(set(ADDRESS, 3, FIXTURE_NOW, TRUST));
	at = heir = find(ADDRESS);
	heir.key++;
	assert_int_equal(connections_get(&heir, FIXTURE_NOW), 0);
	heir = at;
	heir.place = -1;
	assert_int_equal(connections_get(&heir, FIXTURE_NOW), 0);
	/* handed on after the trust: a standing of the new owner's does not revive it */
	at.slot->key++;
	heir = at;
	heir.key = at.slot->key;
	standing_raise(&heir, standing_for(HATAGO_TRUSTED, FIXTURE_NOW, TRUST), FIXTURE_NOW);
	assert_int_equal(connections_get(&heir, FIXTURE_NOW), 0);
}

static void test_no_slot(void **state)
{
	struct client_sets sets =
		clients_sets(&f.clients, fixture_key(&f, fixture_id(&f, ADDRESS)));

	(void)state;
	for (int i = 0; i < TABLE_SETS; i++)
		for (uint32_t way = 0; way < HATAGO_WAYS; way++) {
			sets.set[i]->key[way] = sets.set[i]->slot[way].key = way + 1;
			sets.set[i]->slot[way].standing =
				HATAGO_STANDING(HATAGO_BANNED, HATAGO_TICK_NEVER);
		}
	assert_false(set(ADDRESS, 3, FIXTURE_NOW, TRUST));
	for (uint32_t i = 0; i < f.clients.set_count; i++)
		for (uint32_t way = 0; way <= HATAGO_WAYS; way++)
			assert_int_equal(f.clients.sides[i].gate[way].open, 0);
}

static void test_clear(void **state)
{
	char address[32];

	(void)state;
	for (int i = 1; i < 20; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		assert_true(set(address, (uint32_t)i, FIXTURE_NOW, TRUST));
	}
	expect("192.0.2.19", FIXTURE_NOW, 19, true);
	connections_clear(&f.clients);
	for (int i = 1; i < 20; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		expect(address, FIXTURE_NOW, 0, true);
	}
}

static void test_carry(void **state)
{
	struct client_at from, to;

	(void)state;
	assert_true(set(ADDRESS, 3, FIXTURE_NOW, TRUST));
	assert_true(set("192.0.2.2", 9, FIXTURE_NOW, TRUST));
	from = find(ADDRESS);
	to = find("192.0.2.2");
	connections_carry(&to, &to);
	expect("192.0.2.2", FIXTURE_NOW, 9, true);
	to.key = from.key; /* as in another table */
	connections_carry(&from, &to);
	assert_int_equal(connections_get(&to, FIXTURE_NOW), 3);
	from.key++; /* a count of somebody before it */
	connections_carry(&from, &to);
	assert_int_equal(connections_get(&to, FIXTURE_NOW), 3);
	from.key--; /* all were closed since it was carried first */
	assert_true(set(ADDRESS, 0, FIXTURE_NOW, TRUST));
	connections_carry(&from, &to);
	assert_int_equal(connections_get(&to, FIXTURE_NOW), 0);
}

static void test_trust_without_a_count(void **state)
{
	struct hatago_client_id id = fixture_id(&f, ADDRESS);

	(void)state;
	assert_true(connections_trust(&f.clients, id, FIXTURE_NOW, TRUST));
	expect(ADDRESS, FIXTURE_NOW, 0, true);
	assert_true(set(ADDRESS, 3, FIXTURE_NOW, TRUST));
	assert_true(connections_trust(&f.clients, id, FIXTURE_NOW, 2 * TRUST));
	expect(ADDRESS, FIXTURE_NOW + TRUST + FIXTURE_SECOND, 3, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lasts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_standings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_heir, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clear, setup, teardown),
		cmocka_unit_test_setup_teardown(test_carry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trust_without_a_count, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
