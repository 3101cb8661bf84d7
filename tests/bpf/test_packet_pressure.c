// SPDX-License-Identifier: MIT
/*
 * What pressure does in the packet path: the scale of costs, the budget of strangers, the
 * bound on open connections, each with a heartbeat that is fresh and one that is not. Runs
 * the real programs, XDP and tc, frame by frame; limits are so slow that no token comes
 * while a test runs, and what is remembered is made older instead of waited for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

#define SETS	     10	    /* 70 slots */
#define FOR_A_WHILE  100000 /* ticks */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLIENT	     "198.51.100.7"
#define SECOND	     1000000000LL
/* A heartbeat that was made before the frame, or is too old for it, however slow the machine. */
#define FRESH 0
#define STALE ((int64_t)HATAGO_HEARTBEAT_MAX_NS)

#define PASSED(why)  HATAGO_VERDICT_PASS, HATAGO_REASON_##why
#define DROPPED(why) HATAGO_VERDICT_DROP, HATAGO_REASON_##why
#define WATCHED(why) HATAGO_VERDICT_WOULD_DROP, HATAGO_REASON_##why

static struct harness edge;
static enum hook hook;

static void beat(int64_t age_ns)
{
	edge.config->pressure.heartbeat_ns = harness_now_ns() - (uint64_t)age_ns;
}

static int setup(void **state)
{
	hook = *state ? HOOK_TC : HOOK_XDP;
	harness_reset(&edge);
	harness_protect(&edge, HATAGO_TCP, 80, 80);
	harness_protect(&edge, HATAGO_UDP, 80, 80);
	beat(FRESH);
	return 0;
}

static const struct packet_frame *frame_of(const char *source, struct layer transport,
					   uint16_t payload)
{
	static struct packet_frame frame;
	const struct layer ip4 = IP4(.source = source), ip6 = IP6(.source = source);
	const struct layer layers[PACKET_LAYERS_MAX] = {ETH(), strchr(source, ':') ? ip6 : ip4,
							transport, RAW(.size = payload)};

	packet_build(layers, 0, &frame);
	return &frame;
}

static struct outcome send(const char *source, uint8_t flags, uint32_t sequence)
{
	const struct layer tcp = TCP(.port = 80, .flags = flags, .sequence = sequence);

	beat(FRESH); /* a slow machine is not to make it stale */
	return harness_run(&edge, hook, frame_of(source, tcp, 0));
}

static void expect_outcome(struct outcome got, enum hatago_verdict verdict,
			   enum hatago_reason reason)
{
	if (got.verdict != verdict || got.reason != reason)
		fail_msg("expected %s, %s; got %s, %s", verdict_name(verdict), reason_name(reason),
			 verdict_name(got.verdict), reason_name(got.reason));
	assert_int_equal(got.frames, 1);
	assert_int_equal(got.dropped, verdict == HATAGO_VERDICT_DROP);
}

static void expect_syn(const char *source, uint32_t sequence, enum hatago_verdict verdict,
		       enum hatago_reason reason)
{
	expect_outcome(send(source, PACKET_SYN, sequence), verdict, reason);
}

static uint32_t standing(enum hatago_standing kind)
{
	return HATAGO_STANDING(kind,
			       (uint32_t)(harness_now_ns() >> HATAGO_TICK_SHIFT) + FOR_A_WHILE);
}

/* Gives the client a slot, and a standing there. */
static struct hatago_slot *stand(const char *source, enum hatago_standing kind)
{
	struct hatago_slot *slot;

	send(source, PACKET_ACK, 0);
	slot = harness_slot(&edge, source);
	assert_non_null(slot);
	memset(slot->tat, 0, sizeof(slot->tat));
	slot->standing = standing(kind);
	return slot;
}

struct scale_row {
	uint32_t scale_inv, trusted_inv;
	int64_t age_ns; /* of the heartbeat */
	enum hatago_standing standing;
	uint64_t burst;
	uint64_t passes; /* frames, from a full bucket */
	uint64_t left;	 /* frames that pass after them without pressure */
};

static const struct scale_row scale_rows[] = {
	{0, 0, FRESH, HATAGO_KEPT, 20, 20, 0},
	{256, 256, FRESH, HATAGO_KEPT, 20, 20, 0},
	{512, 256, FRESH, HATAGO_KEPT, 20, 10, 0},
	{2560, 256, FRESH, HATAGO_KEPT, 20, 2, 0},
	{1024, 256, -SECOND, HATAGO_KEPT, 20, 5, 0}, /* a clock ahead of the frame's */
	/* the floor: one frame a full bucket */
	{HATAGO_INV_MAX, 256, FRESH, HATAGO_KEPT, 20, 1, 0},
	{UINT32_MAX, 256, FRESH, HATAGO_KEPT, 20, 1, 0},
	{2560, 256, FRESH, HATAGO_KEPT, 1, 1, 0},
	{512, 256, FRESH, HATAGO_KEPT, 2, 1, 0},
	{512, 256, FRESH, HATAGO_KEPT, 3, 1, 1},
	/* nobody says so any more */
	{2560, 2560, STALE, HATAGO_KEPT, 20, 20, 0},
	{2560, 2560, STALE, HATAGO_TRUSTED, 20, 20, 0},
	/* trusted until the last step */
	{2560, 256, FRESH, HATAGO_TRUSTED, 20, 20, 0},
	{2560, 0, FRESH, HATAGO_TRUSTED, 20, 20, 0},
	{2560, 512, FRESH, HATAGO_TRUSTED, 20, 10, 0},
	{HATAGO_INV_MAX, UINT32_MAX, FRESH, HATAGO_TRUSTED, 20, 1, 0},
};

/* How many frames pass until one is dropped. */
static uint64_t frames_pass(int64_t age_ns, uint64_t most)
{
	const struct layer tcp = TCP(.port = 80, .flags = PACKET_ACK);
	uint64_t passed = 0;

	for (;;) {
		beat(age_ns);
		if (harness_run(&edge, hook, frame_of(CLIENT, tcp, 0)).dropped)
			return passed;
		assert_true(passed++ < most);
	}
}

static void check_scale(const struct scale_row *row, uint32_t step_ms)
{
	const struct hatago_limit *limit = &harness_rules(&edge)->limit[HATAGO_DIM_PACKETS];
	struct hatago_slot *slot;

	harness_limit(&edge, HATAGO_DIM_PACKETS, HARNESS_RATE_LEAST, row->burst, step_ms);
	slot = stand(CLIENT, row->standing);
	edge.config->pressure.scale_inv = row->scale_inv;
	edge.config->pressure.trusted_inv = row->trusted_inv;
	assert_int_equal(frames_pass(row->age_ns, row->burst), row->passes);
	/* No debt is longer than without a scale; of steps the next may be in force already. */
	assert_true(slot->tat[HATAGO_DIM_PACKETS] - bucket_time(harness_now_ns()) <=
		    limit->tau + (limit->step >> BUCKET_PHASE_BITS) + BUCKET_PHASE_MASK);
	edge.config->pressure.scale_inv = 0;
	assert_int_equal(frames_pass(FRESH, row->burst), row->left);
}

static void test_scale(void **state)
{
	for (size_t i = 0; i < COUNT(scale_rows); i++) {
		setup(state);
		check_scale(&scale_rows[i], 0);
	}
}

static void test_scale_with_steps(void **state)
{
	for (size_t i = 0; i < COUNT(scale_rows); i++) {
		setup(state);
		check_scale(&scale_rows[i], 1000);
	}
}

/* A frame takes tokens by its size; the largest passes a full bucket whatever the scale. */
static void test_scale_of_bytes(void **state)
{
	const struct layer tcp = TCP(.port = 80, .flags = PACKET_ACK);

	(void)state;
	harness_limit(&edge, HATAGO_DIM_BYTES, HARNESS_RATE_LEAST, 2000, 0);
	edge.config->pressure.scale_inv = 1024;
	for (int i = 0; i < 2; i++) { /* 454 bytes, then 46 are left at this scale */
		beat(FRESH);
		expect_outcome(harness_run(&edge, hook, frame_of(CLIENT, tcp, 400)),
			       i ? HATAGO_VERDICT_DROP : HATAGO_VERDICT_PASS,
			       i ? HATAGO_REASON_LIMIT_BYTES : HATAGO_REASON_WITHIN_LIMITS);
	}
	beat(FRESH);
	expect_outcome(harness_run(&edge, hook, frame_of("198.51.100.8", tcp, 1400)),
		       PASSED(WITHIN_LIMITS));
	expect_outcome(send("198.51.100.8", PACKET_ACK, 0), DROPPED(LIMIT_BYTES));
}

/* So many SYNs of strangers pass, and as many that came before; then none. */
static void ask_strangers(uint64_t burst)
{
	struct hatago_rules *r = harness_rules(&edge);

	assert_int_equal(hatago_limit_make(HARNESS_RATE_LEAST, burst, 0, &r->strangers), 0);
	r->flags |= HATAGO_STRANGERS;
	edge.config->pressure.strangers_inv = HATAGO_INV_ONE;
}

static const char *const newcomers[][2] = {
	{"198.51.100.1", "198.51.100.2"},
	{"2001:db8:1::1", "2001:db8:2::1"},
};

/* One after 268 ms more: too early; after 1 s: in time, once for the budget. */
static void test_second_try(void **state)
{
	for (size_t i = 0; i < COUNT(newcomers); i++) {
		const char *first = newcomers[i][0], *other = newcomers[i][1];

		setup(state);
		ask_strangers(1);
		expect_syn(first, 1, PASSED(WITHIN_LIMITS));
		expect_syn(other, 7, DROPPED(STRANGERS));
		assert_null(harness_slot(&edge, other)); /* and costs no slot */
		expect_syn(other, 7, DROPPED(STRANGERS));
		harness_age_syns(&edge, SYNS_UNITS_MIN - 2); /* a unit may pass by itself */
		expect_syn(other, 7, DROPPED(STRANGERS));
		harness_age_syns(&edge, 2);
		expect_syn(other, 8, DROPPED(STRANGERS)); /* another sequence number */
		expect_syn("198.51.100.99", 7, DROPPED(STRANGERS));
		expect_syn(other, 7, PASSED(WITHIN_LIMITS));
		assert_non_null(harness_slot(&edge, other));
		harness_age_syns(&edge, SYNS_UNITS_MIN);
		expect_syn(other, 8, DROPPED(STRANGERS)); /* the second budget is used up too */
		edge.config->strangers.again = 0;	  /* as it will be in a while */
		harness_age_syns(&edge, SYNS_UNITS_MIN);
		expect_syn(other, 8, PASSED(WITHIN_LIMITS));
		edge.config->strangers.first = 0;
		expect_syn("198.51.100.99", 9, PASSED(WITHIN_LIMITS));
	}
}

static void test_second_try_too_late(void **state)
{
	(void)state;
	ask_strangers(1);
	expect_syn("198.51.100.1", 1, PASSED(WITHIN_LIMITS));
	expect_syn(CLIENT, 7, DROPPED(STRANGERS));
	harness_age_syns(&edge, SYNS_UNITS_MAX + 1);
	expect_syn(CLIENT, 7, DROPPED(STRANGERS)); /* it counts as the first try again */
	harness_age_syns(&edge, SYNS_UNITS_MIN);
	expect_syn(CLIENT, 7, PASSED(WITHIN_LIMITS));
}

/* Who is asked at all: the budget is empty for each row. */
static void test_who_is_a_stranger(void **state)
{
	static const struct {
		const char *source;
		enum hatago_standing standing;
		enum hatago_verdict verdict;
		enum hatago_reason reason;
	} rows[] = {
		{"198.51.100.7", HATAGO_TRUSTED, PASSED(WITHIN_LIMITS)},
		{"2001:db8::7", HATAGO_TRUSTED, PASSED(WITHIN_LIMITS)},
		{"198.51.100.7", HATAGO_KEPT, DROPPED(STRANGERS)},
		{"2001:db8::7", HATAGO_KEPT, DROPPED(STRANGERS)},
		{"198.51.100.7", HATAGO_ESCALATED, DROPPED(ESCALATED)},
		{"198.51.100.7", HATAGO_BANNED, DROPPED(BANNED)},
		{"203.0.113.1", HATAGO_KEPT, PASSED(ALLOWED)},
		{"203.0.113.2", HATAGO_KEPT, DROPPED(DENIED)},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hatago_slot *slot;

		setup(state);
		slot = stand(rows[i].source, rows[i].standing);
		harness_allow(&edge, "203.0.113.1");
		harness_deny(&edge, "203.0.113.2");
		ask_strangers(1);
		expect_syn("192.0.2.200", 1, PASSED(WITHIN_LIMITS));
		expect_syn(rows[i].source, 1, rows[i].verdict, rows[i].reason);
		if (rows[i].reason != HATAGO_REASON_ALLOWED &&
		    rows[i].reason != HATAGO_REASON_DENIED)
			assert_int_equal(slot->drops, rows[i].verdict == HATAGO_VERDICT_DROP);
		if (rows[i].reason == HATAGO_REASON_STRANGERS) /* what isn't a SYN is not asked */
			expect_outcome(send(rows[i].source, PACKET_ACK, 1), PASSED(WITHIN_LIMITS));
	}
}

/* And when. */
static void test_when_strangers_are_asked(void **state)
{
	static const struct {
		uint32_t strangers_inv, flag, enforce;
		uint64_t burst;
		int64_t age_ns;
		int passes; /* SYNs of strangers, of ten */
		enum hatago_verdict last;
	} rows[] = {
		{256, HATAGO_STRANGERS, HATAGO_ENFORCE, 4, FRESH, 4, HATAGO_VERDICT_DROP},
		{512, HATAGO_STRANGERS, HATAGO_ENFORCE, 4, FRESH, 2, HATAGO_VERDICT_DROP},
		{1, HATAGO_STRANGERS, HATAGO_ENFORCE, 4, FRESH, 4, HATAGO_VERDICT_DROP},
		{UINT32_MAX, HATAGO_STRANGERS, HATAGO_ENFORCE, 4, FRESH, 1, HATAGO_VERDICT_DROP},
		{256, HATAGO_STRANGERS, 0, 4, FRESH, 10, HATAGO_VERDICT_WOULD_DROP},
		{0, HATAGO_STRANGERS, HATAGO_ENFORCE, 4, FRESH, 10, HATAGO_VERDICT_PASS},
		{256, 0, HATAGO_ENFORCE, 4, FRESH, 10, HATAGO_VERDICT_PASS},
		{256, HATAGO_STRANGERS, HATAGO_ENFORCE, 4, STALE, 10, HATAGO_VERDICT_PASS},
	};
	const struct layer tcp = TCP(.port = 80, .flags = PACKET_SYN);

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hatago_rules *r = harness_rules(&edge);
		struct outcome got = {0};
		char source[32];
		int passed = 0;

		setup(state);
		ask_strangers(rows[i].burst);
		r->flags = (r->flags & ~(HATAGO_STRANGERS | HATAGO_ENFORCE)) | rows[i].flag |
			   rows[i].enforce;
		edge.config->pressure.strangers_inv = rows[i].strangers_inv;
		for (int n = 0; n < 10; n++) {
			snprintf(source, sizeof(source), "192.0.2.%d", n + 1);
			beat(rows[i].age_ns);
			got = harness_run(&edge, hook, frame_of(source, tcp, 0));
			passed += !got.dropped;
		}
		assert_int_equal(passed, rows[i].passes);
		assert_int_equal(got.verdict, rows[i].last);
	}
}

/* Nothing but a SYN to a protected TCP port is one. */
static void test_what_is_no_syn(void **state)
{
	const struct layer udp = UDP(.port = 80);
	const struct layer other = TCP(.port = 81, .flags = PACKET_SYN);

	(void)state;
	ask_strangers(1);
	expect_syn("192.0.2.200", 1, PASSED(WITHIN_LIMITS));
	expect_outcome(harness_run(&edge, hook, frame_of(CLIENT, udp, 0)), PASSED(WITHIN_LIMITS));
	expect_outcome(harness_run(&edge, hook, frame_of(CLIENT, other, 0)), PASSED(NOT_PROTECTED));
	expect_outcome(send(CLIENT, PACKET_SYN | PACKET_ACK, 1), PASSED(WITHIN_LIMITS));
	expect_syn(CLIENT, 1, DROPPED(STRANGERS));
}

/* What the gate knows holds for its own ports, where these are protected; else for all. */
static void test_ports_of_the_gate(void **state)
{
	static const struct {
		uint32_t flag;
		bool own; /* the port is the gate's */
		bool held;
	} rows[] = {
		{0, false, true},
		{HATAGO_GATE_PORTS, true, true},
		{HATAGO_GATE_PORTS, false, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hatago_rules *r;

		setup(state);
		r = harness_rules(&edge);
		r->flags |= rows[i].flag;
		r->gate_port[(rows[i].own ? 80 : 81) / 64] = 1ULL << (rows[i].own ? 80 : 81) % 64;
		stand("192.0.2.8", HATAGO_ESCALATED);
		ask_strangers(1);
		expect_syn("192.0.2.200", 1, PASSED(WITHIN_LIMITS));
		if (rows[i].held) {
			expect_syn(CLIENT, 1, DROPPED(STRANGERS));
			expect_syn("192.0.2.8", 1, DROPPED(ESCALATED));
		} else {
			expect_syn(CLIENT, 1, PASSED(WITHIN_LIMITS));
			expect_syn("192.0.2.8", 1, PASSED(WITHIN_LIMITS));
		}
	}
}

/* Refused by the budget, a client that has a slot gets back what it paid. */
static void test_refused_and_paid_back(void **state)
{
	(void)state;
	harness_limit(&edge, HATAGO_DIM_CONNECTIONS, HARNESS_RATE_LEAST, 2, 0);
	ask_strangers(1);
	expect_syn(CLIENT, 1, PASSED(WITHIN_LIMITS)); /* with the budget; it has a slot now */
	for (uint32_t i = 0; i < 10; i++)
		expect_syn(CLIENT, 2, DROPPED(STRANGERS));
	harness_age_syns(&edge, SYNS_UNITS_MIN);
	expect_syn(CLIENT, 2, PASSED(WITHIN_LIMITS));
	expect_syn(CLIENT, 3, DROPPED(LIMIT_CONNECTIONS));
}

/* A client pays from its own bucket first, so that no one address uses up what is for all. */
static void test_one_address_uses_up_nothing(void **state)
{
	(void)state;
	harness_limit(&edge, HATAGO_DIM_CONNECTIONS, HARNESS_RATE_LEAST, 1, 0);
	ask_strangers(2);
	expect_syn(CLIENT, 1, PASSED(WITHIN_LIMITS));
	for (uint32_t i = 0; i < 10; i++)
		expect_syn(CLIENT, i + 2, DROPPED(LIMIT_CONNECTIONS));
	expect_syn("198.51.100.8", 1, PASSED(WITHIN_LIMITS));
	expect_syn("198.51.100.9", 1, DROPPED(STRANGERS));
}

static void test_open_connections(void **state)
{
	static const struct {
		uint32_t max, count;
		bool others; /* the count is an earlier owner's */
		enum hatago_standing standing;
		int64_t age_ns;
		enum hatago_verdict verdict;
		enum hatago_reason reason;
	} rows[] = {
		{4, 4, false, HATAGO_TRUSTED, FRESH, DROPPED(LIMIT_OPEN)},
		{4, 5, false, HATAGO_TRUSTED, FRESH, DROPPED(LIMIT_OPEN)},
		{4, 3, false, HATAGO_TRUSTED, FRESH, PASSED(WITHIN_LIMITS)},
		{0, 9, false, HATAGO_TRUSTED, FRESH, PASSED(WITHIN_LIMITS)},
		{4, 4, true, HATAGO_TRUSTED, FRESH, PASSED(WITHIN_LIMITS)},
		{4, 4, false, HATAGO_TRUSTED, STALE, PASSED(WITHIN_LIMITS)},
		{4, 4, false, HATAGO_KEPT, FRESH, PASSED(WITHIN_LIMITS)},
		{4, 4, false, HATAGO_ESCALATED, FRESH, DROPPED(ESCALATED)},
		{4, 4, false, HATAGO_BANNED, FRESH, DROPPED(BANNED)},
	};
	static const char *const clients[] = {"198.51.100.7", "2001:db8::7"};
	const struct layer syn = TCP(.port = 80, .flags = PACKET_SYN);
	const struct layer ack = TCP(.port = 80, .flags = PACKET_ACK);

	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		const char *client = clients[i % 2];
		uint64_t key;
		struct hatago_side *side;

		setup(state);
		key = harness_key(&edge, client);
		side = &edge.sides[table_set(key, TABLE_FIRST, SETS, SETS)];
		stand(client, rows[i / 2].standing);
		side->gate[set_find(harness_set(&edge, key), key)].open =
			HATAGO_OPEN(key + rows[i / 2].others, rows[i / 2].count);
		harness_rules(&edge)->max_connections = rows[i / 2].max;
		beat(rows[i / 2].age_ns);
		expect_outcome(harness_run(&edge, hook, frame_of(client, syn, 0)),
			       rows[i / 2].verdict, rows[i / 2].reason);
		if (rows[i / 2].reason != HATAGO_REASON_LIMIT_OPEN)
			continue;
		assert_int_equal(harness_slot(&edge, client)->drops, 1);
		expect_outcome(harness_run(&edge, hook, frame_of(client, ack, 0)),
			       PASSED(WITHIN_LIMITS));
		harness_rules(&edge)->flags &= ~HATAGO_ENFORCE;
		expect_syn(client, 1, WATCHED(LIMIT_OPEN));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_scale),
		ON_BOTH(test_scale_with_steps),
		ON_BOTH(test_scale_of_bytes),
		ON_BOTH(test_second_try),
		ON_BOTH(test_second_try_too_late),
		ON_BOTH(test_who_is_a_stranger),
		ON_BOTH(test_when_strangers_are_asked),
		ON_BOTH(test_ports_of_the_gate),
		ON_BOTH(test_refused_and_paid_back),
		ON_BOTH(test_what_is_no_syn),
		ON_BOTH(test_one_address_uses_up_nothing),
		ON_BOTH(test_open_connections),
	};
	int failed;

	harness_require();
	harness_open(&edge, SETS);
	failed = cmocka_run_group_tests_name("pressure", tests, NULL, NULL);
	harness_close(&edge);
	return failed;
}
