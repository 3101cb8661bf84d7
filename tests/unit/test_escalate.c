// SPDX-License-Identifier: MIT
/*
 * Escalation: how refusals are counted and forgotten, whom a mark makes stand how and for
 * how long, what the packet path then drops, and how standings join.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/ban.h"
#include "core/escalate.h"
#include "core/requests.h"
#include "core/standing.h"
#include "edge_fixture.h"

#define MS	1000000ULL
#define ADDRESS "192.0.2.1"

static const struct escalate_options three_a_second = {.after = 3, .window_ns = FIXTURE_SECOND};

/* One client's refusals, at these times. */
static void test_counts_in_a_window(void **state)
{
	static const struct {
		uint64_t at_ms;
		bool escalates;
	} rows[] = {
		{0, false},    {10, false},	{20, false},
		{30, true},    {40, true},	{1200, false}, /* all that is forgotten */
		{1400, false}, {1800, false},	{2000, true},  /* 1200 is within it yet */
		{2400, false},				       /* 1200 and 1400 are not */
		{2500, true},  {900000, false},
	};
	struct escalate *escalate;

	(void)state;
	assert_int_equal(escalate_new(42, &escalate), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(escalate_refused(escalate, 7, &three_a_second,
						  FIXTURE_NOW + rows[i].at_ms * MS),
				 rows[i].escalates);
	escalate_free(escalate);
	escalate_free(NULL);
}

static void test_options(void **state)
{
	static const struct {
		struct escalate_options options;
		int refusals; /* until it escalates; 0: it never does */
	} rows[] = {
		{{0, FIXTURE_SECOND}, 0},
		{{1, FIXTURE_SECOND}, 2},
		{{1, 0}, 0},
		{{1, ESCALATE_SLICES}, 2},
		{{50, FIXTURE_SECOND}, 51},
		{{UINT32_MAX, FIXTURE_SECOND}, 0},
		{{5, UINT64_MAX}, 6},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct escalate *escalate;
		int refusals = 0;

		assert_int_equal(escalate_new(i, &escalate), 0);
		for (int n = 1; n < 100 && !refusals; n++)
			if (escalate_refused(escalate, 7, &rows[i].options, FIXTURE_NOW))
				refusals = n;
		assert_int_equal(refusals, rows[i].refusals);
		escalate_free(escalate);
	}
}

/* More clients than there is room for: the last ones are known, the first forgotten. */
static void test_bounded(void **state)
{
	struct escalate *escalate;
	const uint64_t all = 20ULL * ESCALATE_ENTRIES, recent = all - ESCALATE_ENTRIES;
	uint32_t known = 0;

	(void)state;
	assert_int_equal(escalate_new(1, &escalate), 0);
	for (uint64_t key = 1; key <= all; key++)
		for (int n = 0; n < 3; n++)
			assert_false(escalate_refused(escalate, key, &three_a_second,
						      FIXTURE_NOW + key));
	for (uint64_t key = recent; key <= all; key++)
		known += escalate_refused(escalate, key, &three_a_second, FIXTURE_NOW + all);
	assert_in_range(known, 1, ESCALATE_ENTRIES);
	assert_true(escalate_refused(escalate, all, &three_a_second, FIXTURE_NOW + all));
	assert_false(escalate_refused(escalate, 1, &three_a_second, FIXTURE_NOW + all));
	escalate_free(escalate);
}

/* In a standing, a mark for 5 s; what it is then, and whether that is news. */
static void test_mark(void **state)
{
	static const struct {
		enum hatago_standing kind;
		uint32_t for_s;
		enum hatago_standing then;
		uint32_t then_s;
		bool is_new;
	} rows[] = {
		{HATAGO_KEPT, 0, HATAGO_ESCALATED, 5, true},
		{HATAGO_KEPT, 9, HATAGO_ESCALATED, 9, true},
		{HATAGO_TRUSTED, 2, HATAGO_ESCALATED, 5, true},
		{HATAGO_TRUSTED, 600, HATAGO_ESCALATED, 5, true},
		{HATAGO_ESCALATED, 2, HATAGO_ESCALATED, 5, false},
		{HATAGO_ESCALATED, 9, HATAGO_ESCALATED, 9, false},
		{HATAGO_BANNED, 2, HATAGO_BANNED, 2, false},
		{HATAGO_BANNED, 600, HATAGO_BANNED, 600, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hatago_client_id id;
		struct hatago_slot *slot;
		struct fixture f;

		fixture_init(&f, 1);
		id = fixture_id(&f, ADDRESS);
		slot = fixture_slot(&f, ADDRESS, FIXTURE_NOW);
		if (rows[i].for_s)
			slot->standing = standing_for(rows[i].kind, FIXTURE_NOW,
						      rows[i].for_s * FIXTURE_SECOND);
		assert_int_equal(escalate_mark(&f.clients, id, 5 * FIXTURE_SECOND, FIXTURE_NOW),
				 rows[i].is_new);
		assert_int_equal(slot->standing, standing_for(rows[i].then, FIXTURE_NOW,
							      rows[i].then_s * FIXTURE_SECOND));
		assert_int_equal(escalate_clear(&f.clients, id, FIXTURE_NOW),
				 rows[i].then == HATAGO_ESCALATED);
		assert_int_equal(escalate_remaining_ns(slot, FIXTURE_NOW), 0);
		fixture_done(&f);
	}
}

/* It lasts as long as the debt, prolonged by what is taken meanwhile, and a tick at least. */
static void test_lasts_as_the_debt(void **state)
{
	struct hatago_client_id id;
	struct requests_left left;
	struct hatago_limit limit;
	struct hatago_slot *slot;
	struct fixture f;
	uint64_t end;

	(void)state;
	fixture_init(&f, 1);
	id = fixture_id(&f, ADDRESS);
	assert_int_equal(hatago_limit_make(1000, 60, 0, &limit), 0);
	assert_false(escalate_mark(&f.clients, id, 5 * FIXTURE_SECOND, FIXTURE_NOW)); /* no slot */
	slot = fixture_slot(&f, ADDRESS, FIXTURE_NOW);
	assert_true(escalate_mark(&f.clients, id, 0, FIXTURE_NOW));
	assert_true(escalate_remaining_ns(slot, FIXTURE_NOW) >= 1ULL << HATAGO_TICK_SHIFT);
	assert_int_equal(requests_take(&f.clients, id, &limit, 30, false, FIXTURE_NOW, &left),
			 REQUESTS_TAKEN);
	end = (uint64_t)ban_end(FIXTURE_NOW, 30 * FIXTURE_SECOND) << HATAGO_TICK_SHIFT;
	assert_int_equal(escalate_remaining_ns(slot, FIXTURE_NOW), end - FIXTURE_NOW);
	/* trust gives way, and the debt stays */
	slot->standing = standing_for(HATAGO_TRUSTED, FIXTURE_NOW, 600 * FIXTURE_SECOND);
	assert_true(escalate_mark(&f.clients, id, 0, FIXTURE_NOW));
	assert_int_equal(escalate_remaining_ns(slot, FIXTURE_NOW), end - FIXTURE_NOW);
	assert_true(escalate_clear(&f.clients, id, FIXTURE_NOW));
	requests_peek(&f.clients, id, &limit, 1, false, FIXTURE_NOW, &left);
	assert_int_equal(left.tokens, 30);
	assert_false(escalate_clear(&f.clients, id, FIXTURE_NOW));
	fixture_done(&f);
}

static void test_join(void **state)
{
	enum { NOW = 1000 }; /* a tick */
#define OF(kind, ticks) HATAGO_STANDING(HATAGO_##kind, (ticks))
	static const struct {
		uint32_t a, b, joined;
	} rows[] = {
		{0, 0, 0},
		{0, OF(KEPT, NOW + 1), OF(KEPT, NOW + 1)},
		{OF(BANNED, NOW), OF(KEPT, NOW + 1), OF(KEPT, NOW + 1)}, /* the ban is over */
		{OF(KEPT, NOW + 1), OF(KEPT, NOW + 2), OF(KEPT, NOW + 2)},
		{OF(TRUSTED, NOW + 1), OF(KEPT, NOW + 2), OF(TRUSTED, NOW + 2)},
		{OF(TRUSTED, NOW + 2), OF(KEPT, NOW + 1), OF(TRUSTED, NOW + 2)},
		{OF(ESCALATED, NOW + 1), OF(KEPT, NOW + 2), OF(ESCALATED, NOW + 2)},
		{OF(ESCALATED, NOW + 1), OF(TRUSTED, NOW + 2), OF(ESCALATED, NOW + 1)},
		{OF(ESCALATED, NOW), OF(TRUSTED, NOW + 2), OF(TRUSTED, NOW + 2)},
		{OF(BANNED, NOW + 1), OF(ESCALATED, NOW + 2), OF(BANNED, NOW + 1)},
		{OF(BANNED, NOW + 1), OF(BANNED, NOW + 2), OF(BANNED, NOW + 2)},
		{OF(BANNED, HATAGO_TICK_NEVER), OF(KEPT, NOW), OF(BANNED, HATAGO_TICK_NEVER)},
	};
	const uint64_t now_ns = (uint64_t)NOW << HATAGO_TICK_SHIFT;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(standing_join(rows[i].a, rows[i].b, now_ns), rows[i].joined);
		assert_int_equal(standing_join(rows[i].b, rows[i].a, now_ns), rows[i].joined);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_in_a_window),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_lasts_as_the_debt),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
