// SPDX-License-Identifier: MIT
/*
 * Why: every rule in the packet program's order, what it says about waiting, and that
 * what it foretells is what the packet path then does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/ban.h"
#include "core/connections.h"
#include "core/escalate.h"
#include "core/explain.h"
#include "core/requests.h"
#include "edge_fixture.h"

#define ADDRESS "192.0.2.1"

static struct explain explain(const struct fixture *f, bool is_allowed, bool is_denied,
			      uint64_t now_ns)
{
	struct explain_client client = {
		.id = fixture_id(f, ADDRESS),
		.is_allowed = is_allowed,
		.is_denied = is_denied,
	};
	struct explain e;

	explain_client(&client, &f->clients, now_ns, &e);
	return e;
}

/* What is wrong with the client, and what is said of its next frame. */
static void test_order(void **state)
{
	enum { ALLOWED = 1, DENIED = 2, BANNED = 4, PACKETS = 8, BYTES = 16, COUNT_ONLY = 32 };
	static const struct {
		unsigned int what;
		enum hatago_reason reason;
		enum hatago_verdict verdict;
		uint64_t wait_ns;
	} rows[] = {
		{0, HATAGO_REASON_WITHIN_LIMITS, HATAGO_VERDICT_PASS, 0},
		{ALLOWED | DENIED | BANNED | PACKETS, HATAGO_REASON_ALLOWED, HATAGO_VERDICT_PASS,
		 0},
		{DENIED | BANNED | PACKETS, HATAGO_REASON_DENIED, HATAGO_VERDICT_DROP,
		 EXPLAIN_NEVER},
		{BANNED | PACKETS, HATAGO_REASON_BANNED, HATAGO_VERDICT_DROP, EXPLAIN_NEVER},
		{PACKETS, HATAGO_REASON_LIMIT_PACKETS, HATAGO_VERDICT_DROP, 100000000},
		{BYTES, HATAGO_REASON_LIMIT_BYTES, HATAGO_VERDICT_DROP, 1514000000},
		{PACKETS | BYTES, HATAGO_REASON_LIMIT_PACKETS, HATAGO_VERDICT_DROP, 1514000000},
		{PACKETS | COUNT_ONLY, HATAGO_REASON_LIMIT_PACKETS, HATAGO_VERDICT_WOULD_DROP,
		 100000000},
		{DENIED | COUNT_ONLY, HATAGO_REASON_DENIED, HATAGO_VERDICT_WOULD_DROP,
		 EXPLAIN_NEVER},
		{BANNED | COUNT_ONLY, HATAGO_REASON_BANNED, HATAGO_VERDICT_WOULD_DROP,
		 EXPLAIN_NEVER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hatago_slot *slot;
		struct explain e;
		struct fixture f;

		fixture_init(&f, 4);
		fixture_limit(f.rules, HATAGO_DIM_PACKETS, 10, 10);
		fixture_limit(f.rules, HATAGO_DIM_BYTES, 1000, 5000);
		f.rules->flags |= HATAGO_ALLOW | HATAGO_DENY;
		if (rows[i].what & COUNT_ONLY)
			f.rules->flags &= ~HATAGO_ENFORCE;
		slot = fixture_slot(&f, ADDRESS, FIXTURE_NOW);
		if (rows[i].what & PACKETS)
			slot->tat[HATAGO_DIM_PACKETS] = bucket_time(FIXTURE_NOW + FIXTURE_SECOND);
		if (rows[i].what & BYTES)
			slot->tat[HATAGO_DIM_BYTES] = bucket_time(FIXTURE_NOW + 5 * FIXTURE_SECOND);
		if (rows[i].what & BANNED)
			slot->standing = HATAGO_STANDING(HATAGO_BANNED, HATAGO_TICK_NEVER);
		e = explain(&f, rows[i].what & ALLOWED, rows[i].what & DENIED, FIXTURE_NOW);
		assert_int_equal(e.place, EXPLAIN_KNOWN);
		assert_int_equal(e.frame.reason, rows[i].reason);
		assert_int_equal(e.frame.verdict, rows[i].verdict);
		assert_int_equal(e.frame.wait_ns, rows[i].wait_ns);
		fixture_done(&f);
	}
}

/* A list whose flag is off is not asked by the packet program, so it decides nothing. */
static void test_flags_of_lists(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	assert_int_equal(explain(&f, true, true, FIXTURE_NOW).frame.reason,
			 HATAGO_REASON_WITHIN_LIMITS);
	f.rules->flags |= HATAGO_DENY;
	assert_int_equal(explain(&f, true, true, FIXTURE_NOW).frame.reason, HATAGO_REASON_DENIED);
	fixture_done(&f);
}

static void test_not_protected(void **state)
{
	static const struct {
		uint32_t flags;
		bool ipv4, ipv6;
	} rows[] = {
		{0, false, false},
		{HATAGO_IPV4 | HATAGO_IPV6, false, false},
		{HATAGO_IPV4 | HATAGO_PROTECT_ALL, true, false},
		{HATAGO_IPV6 | HATAGO_PROTECT_PORT, false, true},
		{HATAGO_IPV4 | HATAGO_IPV6 | HATAGO_PROTECT_ICMP, true, true},
	};
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f.rules->flags = rows[i].flags | HATAGO_DENY;
		assert_int_equal(explain_is_protected(f.rules, false), rows[i].ipv4);
		assert_int_equal(explain_is_protected(f.rules, true), rows[i].ipv6);
		assert_int_equal(explain(&f, false, true, FIXTURE_NOW).frame.reason,
				 rows[i].ipv4 ? HATAGO_REASON_DENIED : HATAGO_REASON_NOT_PROTECTED);
	}
	fixture_done(&f);
}

/* Pressure, strangers and open connections: what is said of a SYN, and of another frame. */
static void test_pressure(void **state)
{
	enum { NOT_KNOWN, KNOWN, TRUSTED };
	static const struct {
		int client;
		uint32_t scale_inv, trusted_inv, strangers_inv; /* the budget is used up */
		uint32_t open;					/* of two that it may have */
		uint64_t age_ns;				/* of the heartbeat */
		int taken;					/* packets, of 20 */
		enum hatago_reason frame, connection;
		uint64_t wait_ns; /* of the connection */
	} rows[] = {
#define PASS HATAGO_REASON_WITHIN_LIMITS
		{NOT_KNOWN, 0, 0, 0, 0, 0, 0, PASS, PASS, 0},
		{NOT_KNOWN, 0, 0, 256, 0, 0, 0, PASS, HATAGO_REASON_STRANGERS, FIXTURE_SECOND},
		{NOT_KNOWN, 0, 0, 512, 0, 0, 0, PASS, HATAGO_REASON_STRANGERS, 2 * FIXTURE_SECOND},
		{NOT_KNOWN, 0, 0, 256, 0, HATAGO_HEARTBEAT_MAX_NS, 0, PASS, PASS, 0},
		{KNOWN, 0, 0, 256, 0, 0, 1, PASS, HATAGO_REASON_STRANGERS, FIXTURE_SECOND},
		{TRUSTED, 0, 0, 256, 1, 0, 1, PASS, PASS, 0},
		{TRUSTED, 0, 0, 256, 2, 0, 1, PASS, HATAGO_REASON_LIMIT_OPEN, EXPLAIN_NEVER},
		{TRUSTED, 0, 0, 0, 2, HATAGO_HEARTBEAT_MAX_NS, 1, PASS, PASS, 0},
		/* 10 of 20 tokens are left, at 10 a second: none at a half */
		{KNOWN, 512, 256, 0, 0, 0, 10, PASS, PASS, 0},
		{KNOWN, 2560, 256, 0, 0, 0, 11, HATAGO_REASON_LIMIT_PACKETS,
		 HATAGO_REASON_LIMIT_PACKETS, FIXTURE_SECOND / 10},
		{KNOWN, 2560, 256, 256, 0, 0, 11, HATAGO_REASON_LIMIT_PACKETS,
		 HATAGO_REASON_LIMIT_PACKETS, FIXTURE_SECOND},
		{KNOWN, 2560, 256, 0, 0, HATAGO_HEARTBEAT_MAX_NS, 11, PASS, PASS, 0},
		{TRUSTED, 2560, 256, 0, 0, 0, 11, PASS, PASS, 0},
		{TRUSTED, 2560, 2560, 0, 0, 0, 11, HATAGO_REASON_LIMIT_PACKETS,
		 HATAGO_REASON_LIMIT_PACKETS, FIXTURE_SECOND / 10},
#undef PASS
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;
		struct explain e;

		fixture_init(&f, 4);
		fixture_limit(f.rules, HATAGO_DIM_PACKETS, 10, 20);
		f.rules->max_connections = 2;
		f.rules->flags |= HATAGO_STRANGERS;
		hatago_limit_make(1000, 10, 0, &f.rules->strangers);
		f.config->strangers.first = bucket_time(FIXTURE_NOW) + f.rules->strangers.tau;
		for (int n = 0; n < rows[i].taken; n++)
			fixture_frame(&f, fixture_id(&f, ADDRESS), 100, false, FIXTURE_NOW);
		if (rows[i].client == TRUSTED)
			connections_set(&f.clients, fixture_id(&f, ADDRESS), rows[i].open,
					FIXTURE_NOW, FIXTURE_SECOND);
		f.config->pressure = (struct hatago_pressure){
			.heartbeat_ns = FIXTURE_NOW - rows[i].age_ns,
			.scale_inv = rows[i].scale_inv,
			.trusted_inv = rows[i].trusted_inv,
			.strangers_inv = rows[i].strangers_inv,
		};
		e = explain(&f, false, false, FIXTURE_NOW);
		assert_int_equal(e.frame.reason, rows[i].frame);
		assert_int_equal(e.connection.reason, rows[i].connection);
		assert_int_equal(e.connection.verdict,
				 rows[i].wait_ns ? HATAGO_VERDICT_DROP : HATAGO_VERDICT_PASS);
		assert_true(e.connection.wait_ns == rows[i].wait_ns);
		assert_true((e.trusted_ns > 0) == (rows[i].client == TRUSTED));
		fixture_done(&f);
	}
}

/* Known, new, or charged to the overflow bucket of a set full of live clients. */
static void test_place(void **state)
{
	struct explain e;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1, 2);
	e = explain(&f, false, false, FIXTURE_NOW);
	assert_int_equal(e.place, EXPLAIN_NEW);
	assert_int_equal(e.bucket[HATAGO_DIM_PACKETS].tokens, 2);
	for (uint32_t i = 1; i <= HATAGO_WAYS; i++)
		fixture_frame(&f, client_id_ipv4(i, f.rules), 60, false, FIXTURE_NOW);
	e = explain(&f, false, false, FIXTURE_NOW);
	assert_int_equal(e.place, EXPLAIN_OVERFLOW);
	assert_int_equal(e.frame.reason, HATAGO_REASON_OVERFLOW);
	for (int i = 0; i < 2; i++)
		assert_true(fixture_frame(&f, fixture_id(&f, ADDRESS), 60, false, FIXTURE_NOW));
	e = explain(&f, false, false, FIXTURE_NOW);
	assert_int_equal(e.place, EXPLAIN_OVERFLOW);
	assert_int_equal(e.frame.reason, HATAGO_REASON_OVERFLOW_LIMIT);
	assert_int_equal(e.frame.wait_ns, FIXTURE_SECOND);
	/* Two seconds on, the others are idle: it would get a slot of its own. */
	e = explain(&f, false, false, FIXTURE_NOW + 2 * FIXTURE_SECOND);
	assert_int_equal(e.place, EXPLAIN_NEW);
	assert_int_equal(e.frame.reason, HATAGO_REASON_WITHIN_LIMITS);
	/* Nobody was given a slot by asking. */
	assert_int_equal(
		set_find(f.clients.sets, table_key(fixture_id(&f, ADDRESS), f.config->secret)), -1);
	fixture_done(&f);
}

/* An empty connection bucket stops new connections and nothing else. */
static void test_connections_apart(void **state)
{
	struct explain e;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1000, 1000);
	fixture_limit(f.rules, HATAGO_DIM_CONNECTIONS, 1, 1);
	assert_true(fixture_frame(&f, fixture_id(&f, ADDRESS), 74, true, FIXTURE_NOW));
	e = explain(&f, false, false, FIXTURE_NOW);
	assert_int_equal(e.frame.reason, HATAGO_REASON_WITHIN_LIMITS);
	assert_int_equal(e.connection.reason, HATAGO_REASON_LIMIT_CONNECTIONS);
	assert_int_equal(e.connection.wait_ns, FIXTURE_SECOND);
	assert_false(e.bucket[HATAGO_DIM_BYTES].enabled);
	fixture_done(&f);
}

/* A burst below a full frame: waiting doesn't help. A SYN is small enough. */
static void test_burst_below_frame(void **state)
{
	struct explain e;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_BYTES, 1000, 1000);
	e = explain(&f, false, false, FIXTURE_NOW);
	assert_int_equal(e.frame.reason, HATAGO_REASON_LIMIT_BYTES);
	assert_true(e.frame.wait_ns == EXPLAIN_NEVER);
	assert_int_equal(e.connection.reason, HATAGO_REASON_WITHIN_LIMITS);
	fixture_done(&f);
}

/* A ban outlasts the buckets' waits, or they outlast it: the longer of the two. */
static void test_ban_and_buckets(void **state)
{
	struct hatago_slot *slot;
	struct explain e;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1, 10);
	slot = fixture_slot(&f, ADDRESS, FIXTURE_NOW);
	slot->standing = HATAGO_STANDING(HATAGO_BANNED, ban_end(FIXTURE_NOW, FIXTURE_SECOND / 2));
	slot->tat[HATAGO_DIM_PACKETS] = bucket_time(FIXTURE_NOW + 10 * FIXTURE_SECOND);
	e = explain(&f, false, false, FIXTURE_NOW);
	assert_int_equal(e.frame.reason, HATAGO_REASON_BANNED);
	assert_int_equal(e.frame.wait_ns, FIXTURE_SECOND);
	assert_int_equal(e.ban_ns, ban_remaining_ns(ban_of(slot), FIXTURE_NOW));
	slot->tat[HATAGO_DIM_PACKETS] = bucket_time(FIXTURE_NOW);
	e = explain(&f, false, false, FIXTURE_NOW);
	assert_int_equal(e.frame.wait_ns, e.ban_ns);
	fixture_done(&f);
}

/* It is about new connections only; and the bucket of requests stands beside the verdicts. */
static void test_escalated(void **state)
{
	struct hatago_client_id id;
	struct requests_left left;
	struct explain e;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_REQUESTS, 1, 10);
	id = fixture_id(&f, ADDRESS);
	assert_int_equal(explain(&f, false, false, FIXTURE_NOW).bucket[HATAGO_DIM_REQUESTS].tokens,
			 10);
	requests_take(&f.clients, id, &f.rules->limit[HATAGO_DIM_REQUESTS], 10, false, FIXTURE_NOW,
		      &left);
	assert_true(escalate_mark(&f.clients, id, 0, FIXTURE_NOW));
	e = explain(&f, false, false, FIXTURE_NOW);
	assert_int_equal(e.frame.reason, HATAGO_REASON_WITHIN_LIMITS);
	assert_int_equal(e.frame.wait_ns, 0);
	assert_int_equal(e.connection.reason, HATAGO_REASON_ESCALATED);
	assert_int_equal(e.connection.verdict, HATAGO_VERDICT_DROP);
	assert_in_range(e.connection.wait_ns, 10 * FIXTURE_SECOND, 11 * FIXTURE_SECOND);
	assert_int_equal(e.bucket[HATAGO_DIM_REQUESTS].tokens, 0);
	assert_int_equal(e.bucket[HATAGO_DIM_REQUESTS].wait_ns, FIXTURE_SECOND);
	assert_false(fixture_frame(&f, id, 74, true, FIXTURE_NOW));
	assert_true(fixture_frame(&f, id, 74, false, FIXTURE_NOW));
	assert_true(fixture_frame(&f, id, 74, true, FIXTURE_NOW + e.connection.wait_ns));
	fixture_done(&f);
}

/* After random traffic, the frame is refused until the very instant that was foretold. */
static void test_foretells(void **state)
{
	uint64_t seed = 2463534242, now = FIXTURE_NOW;
	struct hatago_client_id id;
	struct fixture f;
	int waits = 0;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 700, 30);
	fixture_limit(f.rules, HATAGO_DIM_BYTES, 300000, 20000);
	id = fixture_id(&f, ADDRESS);
	for (int i = 0; i < 2000; i++) {
		struct explain e;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		now += seed % 3000000;
		fixture_frame(&f, id, 60 + (seed >> 20) % 9000, false, now);
		e = explain(&f, false, false, now);
		if (!e.frame.wait_ns)
			continue;
		waits++;
		assert_int_equal(e.frame.verdict, HATAGO_VERDICT_DROP);
		assert_int_not_equal(
			explain(&f, false, false, now + e.frame.wait_ns - 1).frame.wait_ns, 0);
		assert_false(fixture_frame(&f, id, EXPLAIN_FRAME_BYTES, false,
					   now + e.frame.wait_ns - 1));
		now += e.frame.wait_ns;
		assert_true(fixture_frame(&f, id, EXPLAIN_FRAME_BYTES, false, now));
	}
	assert_in_range(waits, 100, 2000);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_flags_of_lists),
		cmocka_unit_test(test_not_protected),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_connections_apart),
		cmocka_unit_test(test_burst_below_frame),
		cmocka_unit_test(test_ban_and_buckets),
		cmocka_unit_test(test_escalated),
		cmocka_unit_test(test_foretells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
