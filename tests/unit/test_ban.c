// SPDX-License-Identifier: MIT
/*
 * Bans: when they end, that they survive a flood, that a put never hits another client,
 * and what happens when the client's set has no room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/ban.h"
#include "edge_fixture.h"

#define TICK (1ULL << HATAGO_TICK_SHIFT)

static void test_end_is_rounded_up(void **state)
{
	static const struct {
		uint64_t now, for_ns;
		uint32_t end;
	} rows[] = {
		{0, 0, 0},
		{0, 1, 1},
		{0, TICK, 1},
		{1, TICK, 2},
		{TICK - 1, 1, 1},
		{TICK - 1, 2, 2},
		{5 * TICK, 10 * TICK, 15},
		{5 * TICK + 1, 10 * TICK, 16},
		{7, BAN_FOR_GOOD, HATAGO_TICK_NEVER},
		{7, BAN_FOR_GOOD - 1, HATAGO_TICK_NEVER}, /* the sum wraps */
		{0, (uint64_t)HATAGO_TICK_NEVER * TICK, HATAGO_TICK_NEVER},
		{0, (uint64_t)HATAGO_TICK_NEVER * TICK - TICK, HATAGO_TICK_NEVER - 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ban_end(rows[i].now, rows[i].for_ns), rows[i].end);
}

static void test_remaining(void **state)
{
	static const struct {
		uint32_t until;
		uint64_t now, left;
	} rows[] = {
		{0, 0, 0},
		{0, 99, 0},
		{1, 0, TICK},
		{1, TICK - 1, 1},
		{1, TICK, 0},
		{1, TICK + 1, 0},
		{HATAGO_TICK_NEVER, 0, BAN_FOR_GOOD},
		{HATAGO_TICK_NEVER, UINT64_MAX, BAN_FOR_GOOD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ban_remaining_ns(rows[i].until, rows[i].now), rows[i].left);
}

/* What user space says is left and what the packet path does agree to the nanosecond. */
static void test_ends_when_it_says(void **state)
{
	struct hatago_client_id id;
	uint64_t end;
	uint32_t former, until;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1000, 1000);
	id = fixture_id(&f, "192.0.2.1");
	until = ban_end(FIXTURE_NOW, 10 * FIXTURE_SECOND);
	assert_int_equal(ban_put(&f.clients, id, FIXTURE_NOW, until, &former), 0);
	assert_int_equal(former, 0);
	assert_true(ban_holds(&f.clients, id, until));
	end = FIXTURE_NOW + ban_remaining_ns(until, FIXTURE_NOW);
	assert_in_range(end - FIXTURE_NOW, 10 * FIXTURE_SECOND, 10 * FIXTURE_SECOND + TICK);
	assert_false(fixture_frame(&f, id, 60, false, FIXTURE_NOW));
	assert_false(fixture_frame(&f, id, 60, false, end - 1));
	assert_true(fixture_frame(&f, id, 60, false, end));
	fixture_done(&f);
}

static void test_replaces_and_lifts(void **state)
{
	struct hatago_client_id id, other;
	struct fixture f;
	uint32_t former;

	(void)state;
	fixture_init(&f, 4);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1000, 1000);
	id = fixture_id(&f, "2001:db8::1");
	other = fixture_id(&f, "2001:db8:0:1::1");
	assert_int_equal(ban_lift(&f.clients, id, FIXTURE_NOW), -ENOENT);
	assert_int_equal(ban_put(&f.clients, id, FIXTURE_NOW, 50000, &former), 0);
	assert_int_equal(ban_put(&f.clients, id, FIXTURE_NOW, HATAGO_TICK_NEVER, &former), 0);
	assert_int_equal(former, 50000);
	assert_false(ban_holds(&f.clients, id, 50000));
	assert_int_equal(ban_lift(&f.clients, other, FIXTURE_NOW), -ENOENT);
	assert_int_equal(ban_lift(&f.clients, id, FIXTURE_NOW), 0);
	assert_int_equal(ban_lift(&f.clients, id, FIXTURE_NOW), -ENOENT);
	assert_true(fixture_frame(&f, id, 60, false, FIXTURE_NOW));
	fixture_done(&f);
}

/* A ban that is over counts as none: neither as a former one nor as one to lift. */
static void test_over_is_none(void **state)
{
	struct hatago_client_id id;
	struct fixture f;
	uint32_t former = 7;

	(void)state;
	fixture_init(&f, 1);
	id = fixture_id(&f, "192.0.2.1");
	assert_int_equal(ban_put(&f.clients, id, FIXTURE_NOW, ban_end(FIXTURE_NOW, TICK), &former),
			 0);
	assert_int_equal(ban_lift(&f.clients, id, FIXTURE_NOW + 2 * TICK), -ENOENT);
	assert_int_equal(
		ban_put(&f.clients, id, FIXTURE_NOW + 2 * TICK, HATAGO_TICK_NEVER, &former), 0);
	assert_int_equal(former, 0);
	fixture_done(&f);
}

/* A set of banned clients: the one over finds no room, and none of the others is disturbed. */
static void test_full_set(void **state)
{
	struct fixture f;
	uint32_t former;
	char text[32];

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1, 10);
	for (unsigned int i = 1; i <= HATAGO_WAYS + 1; i++) {
		int r;

		snprintf(text, sizeof(text), "192.0.2.%u", i);
		r = ban_put(&f.clients, fixture_id(&f, text), FIXTURE_NOW, HATAGO_TICK_NEVER,
			    &former);
		assert_int_equal(r, i <= HATAGO_WAYS ? 0 : -EBUSY);
	}
	for (unsigned int i = 1; i <= HATAGO_WAYS + 1; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		assert_int_equal(ban_holds(&f.clients, fixture_id(&f, text), HATAGO_TICK_NEVER),
				 i <= HATAGO_WAYS);
	}
	/* Room again as soon as one is lifted. */
	assert_int_equal(ban_lift(&f.clients, fixture_id(&f, "192.0.2.3"), FIXTURE_NOW), 0);
	assert_int_equal(ban_put(&f.clients, fixture_id(&f, "192.0.2.8"), FIXTURE_NOW,
				 HATAGO_TICK_NEVER, &former),
			 0);
	fixture_done(&f);
}

/* The limited, the trusted and the banned keep their slots; the idle one gives way. */
static void test_claims_only_idle_slots(void **state)
{
	struct hatago_client_id idle;
	struct fixture f;
	uint32_t former;
	char text[32];

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1, 100);
	for (unsigned int i = 1; i < HATAGO_WAYS; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		assert_true(fixture_frame(&f, fixture_id(&f, text), 60, false, FIXTURE_NOW));
	}
	idle = fixture_id(&f, "192.0.2.100");
	fixture_slot(&f, "192.0.2.100", FIXTURE_NOW);
	assert_int_equal(ban_put(&f.clients, fixture_id(&f, "192.0.2.200"), FIXTURE_NOW,
				 HATAGO_TICK_NEVER, &former),
			 0);
	assert_int_equal(set_find(f.clients.sets, table_key(idle, f.config->secret)), -1);
	for (unsigned int i = 1; i < HATAGO_WAYS; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		assert_true(set_find(f.clients.sets,
				     table_key(fixture_id(&f, text), f.config->secret)) >= 0);
	}
	fixture_done(&f);
}

/* A flood of newcomers through the banned client's set does not move it. */
static void test_flood_keeps_ban(void **state)
{
	struct hatago_client_id id;
	struct fixture f;
	uint32_t former;

	(void)state;
	fixture_init(&f, 2);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1000000, 1000000);
	id = fixture_id(&f, "198.51.100.7");
	assert_int_equal(ban_put(&f.clients, id, FIXTURE_NOW, HATAGO_TICK_NEVER, &former), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		struct hatago_client_id fake = client_id_ipv4(__builtin_bswap32(i + 1), f.rules);

		fixture_frame(&f, fake, 60, true, FIXTURE_NOW + i * 1000ULL);
	}
	assert_true(ban_holds(&f.clients, id, HATAGO_TICK_NEVER));
	assert_false(fixture_frame(&f, id, 60, false, FIXTURE_NOW + FIXTURE_SECOND));
	fixture_done(&f);
}

/* A client cut beyond /64 is found again by its lower half. */
static void test_long_prefix(void **state)
{
	struct hatago_client_id id, seen;
	struct fixture f;
	uint32_t former;
	int way;

	(void)state;
	fixture_init(&f, 1);
	f.rules->ipv6_mask_lo = ~0ULL;
	id = fixture_id(&f, "2001:db8::42");
	assert_int_equal(ban_put(&f.clients, id, FIXTURE_NOW, HATAGO_TICK_NEVER, &former), 0);
	way = set_find(f.clients.sets, table_key(id, f.config->secret));
	assert_true(way >= 0);
	seen = table_id(f.clients.sets->slot[way].key, f.clients.sides->id_lo[way],
			f.config->secret);
	assert_memory_equal(&seen, &id, sizeof(id));
	fixture_done(&f);
}

#define RACE_BANS 3000
/* Later than the flood ever gets, so that its slots are idle. */
#define RACE_NOW (1000000 * FIXTURE_SECOND)

struct race {
	struct hatago_set set;
	struct hatago_side side;
	uint64_t rounds; /* of the flood */
};

/* Another process, as another CPU: ever new clients in the one set, until it is ended. */
static void flood_for_ever(const struct fixture *f, struct race *race)
{
	for (uint32_t i = 1;; i++) {
		struct hatago_client_id fake = client_id_ipv4(i * 2654435761u, f->rules);

		fixture_frame(f, fake, 60, false, FIXTURE_NOW + i * 200000ULL);
		__atomic_add_fetch(&race->rounds, 1, __ATOMIC_SEQ_CST);
	}
}

/* What the flood had judged before is done then: what a kernel's grace period stands for. */
static void wait_for_rounds(const struct race *race)
{
	uint64_t then = __atomic_load_n(&race->rounds, __ATOMIC_SEQ_CST) + 2;

	while (__atomic_load_n(&race->rounds, __ATOMIC_SEQ_CST) < then)
		sched_yield();
}

static bool put_until_it_holds(const struct fixture *f, const struct race *race,
			       struct hatago_client_id id, uint32_t until)
{
	uint32_t former;

	for (int tries = 0; tries < 1000; tries++) {
		if (ban_put(&f->clients, id, RACE_NOW, until, &former) < 0)
			continue;
		wait_for_rounds(race);
		if (ban_holds(&f->clients, id, until))
			return true;
	}
	return false;
}

/* Beside a flood that claims slots all the time: the ban holds, and it is nobody else's. */
static void test_beside_claims(void **state)
{
	struct hatago_client_id id;
	struct fixture f;
	struct race *race;
	pid_t flood;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 10000, 10000);
	id = fixture_id(&f, "203.0.113.77");
	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(race, MAP_FAILED);
	free(f.clients.sets);
	free(f.clients.sides);
	f.clients.sets = &race->set;
	f.clients.sides = &race->side;
	flood = fork();
	if (flood == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where an assertion ends the test */
		flood_for_ever(&f, race);
		_exit(0);
	}
	assert_true(flood > 0);
	for (uint32_t i = 0; i < RACE_BANS; i++) {
		uint32_t until = HATAGO_TICK_NEVER - i;

		assert_true(put_until_it_holds(&f, race, id, until));
		for (int other = 0; other < (int)HATAGO_WAYS; other++)
			if (ban_of(&race->set.slot[other]) == until) /* may be its second slot */
				assert_int_equal(race->set.slot[other].key, fixture_key(&f, id));
		assert_int_equal(ban_lift(&f.clients, id, RACE_NOW), 0);
		wait_for_rounds(race);
	}
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	munmap(race, sizeof(*race));
	free(f.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end_is_rounded_up),
		cmocka_unit_test(test_remaining),
		cmocka_unit_test(test_ends_when_it_says),
		cmocka_unit_test(test_replaces_and_lifts),
		cmocka_unit_test(test_over_is_none),
		cmocka_unit_test(test_full_set),
		cmocka_unit_test(test_claims_only_idle_slots),
		cmocka_unit_test(test_flood_keeps_ban),
		cmocka_unit_test(test_long_prefix),
		cmocka_unit_test(test_beside_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
