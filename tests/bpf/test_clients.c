// SPDX-License-Identifier: MIT
/*
 * Who is charged for a frame, and how: lists, bans, client prefixes, dimensions, the table
 * and its overflow. Each test runs the real programs, XDP and tc, frame by frame; limits
 * are so slow that no token comes while a test runs. What a frame is, is test_packets.c's.
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

#define SETS	    10 /* 70 slots */
#define TRIES	    4000
#define TICK_NS	    (1ULL << HATAGO_TICK_SHIFT)
#define FOR_A_WHILE 100000 /* ticks */

static struct harness edge;
static enum hook hook;

#define PASSED(why)  HATAGO_VERDICT_PASS, HATAGO_REASON_##why
#define DROPPED(why) HATAGO_VERDICT_DROP, HATAGO_REASON_##why
#define WATCHED(why) HATAGO_VERDICT_WOULD_DROP, HATAGO_REASON_##why

static int setup(void **state)
{
	hook = *state ? HOOK_TC : HOOK_XDP;
	harness_reset(&edge);
	harness_protect(&edge, HATAGO_TCP, 80, 80);
	return 0;
}

/* A TCP segment from `source` to the protected port. */
static const struct packet_frame *segment(const char *source, uint8_t flags, uint16_t payload)
{
	static struct packet_frame frame;
	const struct layer ip4 = IP4(.source = source), ip6 = IP6(.source = source);
	const struct layer layers[PACKET_LAYERS_MAX] = {
		ETH(),
		strchr(source, ':') ? ip6 : ip4,
		TCP(.port = 80, .flags = flags),
		RAW(.size = payload),
	};

	packet_build(layers, 0, &frame);
	return &frame;
}

static void expect_frame(const struct packet_frame *frame, enum hatago_verdict verdict,
			 enum hatago_reason reason)
{
	struct outcome got = harness_run(&edge, hook, frame);

	if (got.verdict != verdict || got.reason != reason)
		fail_msg("expected %s, %s; got %s, %s", verdict_name(verdict), reason_name(reason),
			 verdict_name(got.verdict), reason_name(got.reason));
	assert_int_equal(got.frames, 1);
	assert_int_equal(got.bytes, frame->length);
	assert_int_equal(got.dropped, verdict == HATAGO_VERDICT_DROP);
}

static void expect(const char *source, enum hatago_verdict verdict, enum hatago_reason reason)
{
	expect_frame(segment(source, PACKET_ACK, 0), verdict, reason);
}

/* One frame a client, and no more. */
static void limit_one(enum hatago_dimension d)
{
	harness_limit(&edge, d, HARNESS_RATE_LEAST, 1, 0);
}

static uint32_t tick_now(void)
{
	return (uint32_t)(harness_now_ns() >> HATAGO_TICK_SHIFT);
}

static void test_allow(void **state)
{
	(void)state;
	limit_one(HATAGO_DIM_PACKETS);
	harness_allow(&edge, "198.51.100.0/24");
	harness_allow(&edge, "203.0.113.9");
	harness_allow(&edge, "2001:db8:a::/48");
	for (int i = 0; i < 3; i++) {
		expect("198.51.100.0", PASSED(ALLOWED));
		expect("198.51.100.255", PASSED(ALLOWED));
		expect("203.0.113.9", PASSED(ALLOWED));
		expect("2001:db8:a:ffff::1", PASSED(ALLOWED));
	}
	assert_null(harness_slot(&edge, "198.51.100.0")); /* costs no slot */
	expect("198.51.101.0", PASSED(WITHIN_LIMITS));
	expect("198.51.101.0", DROPPED(LIMIT_PACKETS));
	expect("203.0.113.8", PASSED(WITHIN_LIMITS));
	expect("2001:db8:b::1", PASSED(WITHIN_LIMITS));
	expect("2001:db8:b::1", DROPPED(LIMIT_PACKETS));
}

static void test_deny(void **state)
{
	(void)state;
	harness_deny(&edge, "198.51.0.0/16");
	harness_deny(&edge, "2001:db8:a:b::/64");
	harness_deny(&edge, "2001:db8:c::1");
	expect("198.51.0.1", DROPPED(DENIED));
	expect("198.51.255.255", DROPPED(DENIED));
	expect("2001:db8:a:b:1:2:3:4", DROPPED(DENIED));
	expect("2001:db8:c::1", DROPPED(DENIED));
	assert_null(harness_slot(&edge, "198.51.0.1"));
	expect("198.52.0.1", PASSED(WITHIN_LIMITS));
	expect("2001:db8:a:c::", PASSED(WITHIN_LIMITS));
	expect("2001:db8:c::2", PASSED(WITHIN_LIMITS));
	harness_rules(&edge)->flags &= ~HATAGO_ENFORCE;
	expect("198.51.0.1", WATCHED(DENIED));
}

static void test_deny_all_ipv4(void **state)
{
	(void)state;
	harness_deny(&edge, "0.0.0.0/0");
	expect("198.51.100.7", DROPPED(DENIED));
	expect("2001:db8::1", PASSED(WITHIN_LIMITS));
	expect("::1", PASSED(WITHIN_LIMITS));
}

/* The flags stand for "the list has entries": without them nobody looks. */
static void test_lists_off(void **state)
{
	(void)state;
	harness_deny(&edge, "198.51.100.7");
	harness_allow(&edge, "198.51.100.8");
	harness_rules(&edge)->flags &= ~(HATAGO_ALLOW | HATAGO_DENY);
	expect("198.51.100.7", PASSED(WITHIN_LIMITS));
	expect("198.51.100.8", PASSED(WITHIN_LIMITS));
}

static void test_allow_wins(void **state)
{
	struct hatago_slot *slot;

	(void)state;
	harness_deny(&edge, "198.51.100.0/24");
	harness_deny(&edge, "2001:db8::1");
	harness_allow(&edge, "198.51.0.0/16"); /* even a shorter prefix */
	expect("198.51.100.7", PASSED(ALLOWED));
	expect("2001:db8::1", DROPPED(DENIED));
	harness_allow(&edge, "2001:db8::/32");
	expect("2001:db8::1", PASSED(ALLOWED));

	expect("203.0.113.1", PASSED(WITHIN_LIMITS));
	slot = harness_slot(&edge, "203.0.113.1");
	assert_non_null(slot);
	slot->standing = HATAGO_STANDING(HATAGO_BANNED, HATAGO_TICK_NEVER);
	expect("203.0.113.1", DROPPED(BANNED));
	harness_allow(&edge, "203.0.113.0/24");
	expect("203.0.113.1", PASSED(ALLOWED));
}

static void test_ban(void **state)
{
	static const char *const clients[] = {"198.51.100.7", "2001:db8::7"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct hatago_slot *slot;

		expect(clients[i], PASSED(WITHIN_LIMITS));
		slot = harness_slot(&edge, clients[i]);
		assert_non_null(slot);
		slot->standing = HATAGO_STANDING(HATAGO_BANNED, tick_now() + FOR_A_WHILE);
		expect(clients[i], DROPPED(BANNED));
		expect(clients[i], DROPPED(BANNED));
		assert_int_equal(slot->packets, 3);
		assert_int_equal(slot->drops, 2);
		harness_rules(&edge)->flags &= ~HATAGO_ENFORCE;
		expect(clients[i], WATCHED(BANNED));
		harness_rules(&edge)->flags |= HATAGO_ENFORCE;
		slot->standing = HATAGO_STANDING(HATAGO_BANNED, HATAGO_TICK_NEVER);
		expect(clients[i], DROPPED(BANNED));
		slot->standing = HATAGO_STANDING(HATAGO_BANNED,
						 tick_now()); /* it ends as this tick begins */
		expect(clients[i], PASSED(WITHIN_LIMITS));
		expect("198.51.100.8", PASSED(WITHIN_LIMITS));
	}
}

/* Only SYNs without ACK of the escalated client are dropped, and only while it lasts. */
static void test_escalated(void **state)
{
	static const char *const clients[] = {"198.51.100.7", "2001:db8::7"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct hatago_slot *slot;

		expect(clients[i], PASSED(WITHIN_LIMITS));
		slot = harness_slot(&edge, clients[i]);
		assert_non_null(slot);
		slot->standing = HATAGO_STANDING(HATAGO_ESCALATED, tick_now() + FOR_A_WHILE);
		expect_frame(segment(clients[i], PACKET_SYN, 0), DROPPED(ESCALATED));
		expect_frame(segment(clients[i], PACKET_SYN | 0xc0, 0), DROPPED(ESCALATED));
		expect_frame(segment(clients[i], PACKET_ACK, 100), PASSED(WITHIN_LIMITS));
		expect_frame(segment(clients[i], PACKET_SYN | PACKET_ACK, 0),
			     PASSED(WITHIN_LIMITS));
		expect_frame(segment(clients[i], PACKET_FIN | PACKET_ACK, 0),
			     PASSED(WITHIN_LIMITS));
		expect_frame(segment("198.51.100.8", PACKET_SYN, 0), PASSED(WITHIN_LIMITS));
		assert_int_equal(slot->packets, 6);
		assert_int_equal(slot->drops, 2);
		harness_rules(&edge)->flags &= ~HATAGO_ENFORCE;
		expect_frame(segment(clients[i], PACKET_SYN, 0), WATCHED(ESCALATED));
		harness_rules(&edge)->flags |= HATAGO_ENFORCE;
		slot->standing = HATAGO_STANDING(HATAGO_ESCALATED, HATAGO_TICK_NEVER);
		expect_frame(segment(clients[i], PACKET_SYN, 0), DROPPED(ESCALATED));
		slot->standing = HATAGO_STANDING(HATAGO_ESCALATED, tick_now()); /* it is over */
		expect_frame(segment(clients[i], PACKET_SYN, 0), PASSED(WITHIN_LIMITS));
		slot->standing = HATAGO_STANDING(HATAGO_ESCALATED, HATAGO_TICK_NEVER);
	}
	harness_allow(&edge, "198.51.100.0/24");
	expect_frame(segment(clients[0], PACKET_SYN, 0), PASSED(ALLOWED));
	expect_frame(segment(clients[1], PACKET_SYN, 0), DROPPED(ESCALATED));
}

/* No other standing drops SYNs, or a ban that is over. */
static void test_not_escalated(void **state)
{
	const uint32_t tick = tick_now();
	const struct {
		uint32_t standing;
		enum hatago_verdict verdict;
		enum hatago_reason reason;
	} rows[] = {
		{HATAGO_STANDING(HATAGO_KEPT, HATAGO_TICK_NEVER), PASSED(WITHIN_LIMITS)},
		{HATAGO_STANDING(HATAGO_TRUSTED, HATAGO_TICK_NEVER), PASSED(WITHIN_LIMITS)},
		{HATAGO_STANDING(HATAGO_BANNED, tick), PASSED(WITHIN_LIMITS)},
		{HATAGO_STANDING(HATAGO_BANNED, 0), PASSED(WITHIN_LIMITS)},
		{HATAGO_STANDING(HATAGO_BANNED, tick + FOR_A_WHILE), DROPPED(BANNED)},
	};

	(void)state;
	expect("198.51.100.7", PASSED(WITHIN_LIMITS));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		harness_slot(&edge, "198.51.100.7")->standing = rows[i].standing;
		expect_frame(segment("198.51.100.7", PACKET_SYN, 0), rows[i].verdict,
			     rows[i].reason);
	}
}

/* UDP has no connections, and a port that is not protected is nobody's business. */
static void test_escalated_elsewhere(void **state)
{
	static const struct layer udp[PACKET_LAYERS_MAX] = {ETH(), IP4(.source = "198.51.100.7"),
							    UDP(.port = 53)};
	static const struct layer other[PACKET_LAYERS_MAX] = {ETH(), IP4(.source = "198.51.100.7"),
							      TCP(.port = 81, .flags = PACKET_SYN)};
	struct packet_frame frame;

	(void)state;
	harness_protect(&edge, HATAGO_UDP, 53, 53);
	expect("198.51.100.7", PASSED(WITHIN_LIMITS));
	harness_slot(&edge, "198.51.100.7")->standing =
		HATAGO_STANDING(HATAGO_ESCALATED, HATAGO_TICK_NEVER);
	packet_build(udp, 0, &frame);
	expect_frame(&frame, PASSED(WITHIN_LIMITS));
	packet_build(other, 0, &frame);
	expect_frame(&frame, PASSED(NOT_PROTECTED));
}

/* A prefix of the source address and whether two addresses are one client under it. */
struct prefix_row {
	const char *one, *other;
	unsigned int length;
	bool same;
};

static void set_client_prefix(const struct prefix_row *row)
{
	struct hatago_rules *r = harness_rules(&edge);
	uint8_t mask[16] = {0};

	for (unsigned int bit = 0; bit < row->length; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	if (strchr(row->one, ':')) {
		memcpy(&r->ipv6_mask_hi, mask, 8);
		memcpy(&r->ipv6_mask_lo, mask + 8, 8);
	} else {
		memcpy(&r->ipv4_mask, mask, 4);
	}
}

static void test_client_prefix(void **state)
{
	static const struct prefix_row rows[] = {
		{"10.1.2.3", "10.255.0.0", 8, true},
		{"10.1.2.3", "11.1.2.3", 8, false},
		{"198.51.100.7", "198.51.100.255", 24, true},
		{"198.51.100.7", "198.51.101.7", 24, false},
		{"198.51.100.6", "198.51.100.7", 31, true},
		{"198.51.100.6", "198.51.100.7", 32, false},
		{"2001:db8::1", "2001:ffff::2", 16, true},
		{"2001:db8::1", "2002:db8::1", 16, false},
		{"2001:db8:1::1", "2001:db8:1:ffff::1", 48, true},
		{"2001:db8:1::1", "2001:db8:2::1", 48, false},
		{"2001:db8:1:aa00::1", "2001:db8:1:aaff::1", 56, true},
		{"2001:db8:1:aa00::1", "2001:db8:1:ab00::1", 56, false},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", 64, true},
		{"2001:db8::1", "2001:db8:0:1::1", 64, false},
		{"2001:db8::8000:0:0:0", "2001:db8::ffff:0:0:1", 65, true},
		{"2001:db8::8000:0:0:0", "2001:db8::7fff:0:0:0", 65, false},
		{"2001:db8::2", "2001:db8::3", 127, true},
		{"2001:db8::2", "2001:db8::3", 128, false},
		{"2001:db8::", "2001:db8::1", 128, false},
		{"2001:db8:0:1::1", "2001:db8::1", 128, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(state);
		limit_one(HATAGO_DIM_PACKETS);
		set_client_prefix(&rows[i]);
		expect(rows[i].one, PASSED(WITHIN_LIMITS));
		expect(rows[i].one, DROPPED(LIMIT_PACKETS));
		if (rows[i].same)
			expect(rows[i].other, DROPPED(LIMIT_PACKETS));
		else
			expect(rows[i].other, PASSED(WITHIN_LIMITS));
	}
}

/* Display needs the address back: from the key, and for long prefixes from the side. */
static void test_key_gives_address(void **state)
{
	uint64_t half[2] = {0}, key;
	const struct hatago_side *side;
	struct hatago_client_id id;
	int way;

	(void)state;
	harness_rules(&edge)->ipv6_mask_lo = ~0ULL;
	key = harness_key(&edge, "2001:db8::7");
	side = &edge.sides[table_set(key, TABLE_FIRST, SETS, SETS)];
	expect("2001:db8::7", PASSED(WITHIN_LIMITS));
	way = set_find(harness_set(&edge, key), key);
	assert_in_range(way, 0, HATAGO_WAYS - 1);
	id = table_id(key, side->id_lo[way], edge.config->secret);
	memcpy(half, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16);
	assert_memory_equal(&id, half, 16);

	expect("198.51.100.7", PASSED(WITHIN_LIMITS));
	key = harness_key(&edge, "198.51.100.7");
	id = table_id(key, 0, edge.config->secret);
	assert_true(client_id_is_ipv4(id));
	assert_memory_equal((const char *)&id + 4, "\xc6\x33\x64\x07", 4);
}

/* Only a SYN without ACK is a connection, whatever else is set. */
static void test_connections(void **state)
{
	static const struct {
		uint8_t flags;
		bool charged;
	} rows[] = {
		{PACKET_SYN, true},
		{PACKET_SYN | 0xc0, true}, /* with ECE and CWR, as ECN has it */
		{PACKET_SYN | PACKET_FIN, true},
		{PACKET_SYN | PACKET_RST, true},
		{PACKET_SYN | PACKET_ACK, false},
		{PACKET_ACK, false},
		{PACKET_RST, false},
		{PACKET_FIN | PACKET_ACK, false},
		{0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(state);
		limit_one(HATAGO_DIM_CONNECTIONS);
		expect_frame(segment("198.51.100.7", PACKET_SYN, 0), PASSED(WITHIN_LIMITS));
		if (rows[i].charged)
			expect_frame(segment("198.51.100.7", rows[i].flags, 0),
				     DROPPED(LIMIT_CONNECTIONS));
		else
			expect_frame(segment("198.51.100.7", rows[i].flags, 0),
				     PASSED(WITHIN_LIMITS));
		expect_frame(segment("198.51.100.7", PACKET_SYN, 0), DROPPED(LIMIT_CONNECTIONS));
		expect_frame(segment("2001:db8::7", PACKET_SYN, 0), PASSED(WITHIN_LIMITS));
		expect_frame(segment("2001:db8::7", PACKET_SYN, 0), DROPPED(LIMIT_CONNECTIONS));
	}
}

/* The byte bucket takes the whole frame, tags and padding included. */
static void test_bytes(void **state)
{
	static const struct layer layers[PACKET_LAYERS_MAX] = {
		ETH(), VLAN(), VLAN(), IP6(.length_error = -40), TCP(.port = 80), RAW(.size = 540),
	};
	struct packet_frame frame;

	packet_build(layers, 0, &frame);
	assert_int_equal(frame.length, 14 + 4 + 4 + 40 + 20 + 540);
	harness_limit(&edge, HATAGO_DIM_BYTES, HARNESS_RATE_LEAST, frame.length, 0);
	expect_frame(&frame, PASSED(WITHIN_LIMITS));
	expect_frame(&frame, DROPPED(LIMIT_BYTES));
	setup(state);
	harness_limit(&edge, HATAGO_DIM_BYTES, HARNESS_RATE_LEAST, frame.length - 1, 0);
	expect_frame(&frame, DROPPED(LIMIT_BYTES));
	setup(state);
	harness_limit(&edge, HATAGO_DIM_BYTES, HARNESS_RATE_LEAST, frame.length * 3 - 1, 0);
	expect_frame(&frame, PASSED(WITHIN_LIMITS));
	expect_frame(&frame, PASSED(WITHIN_LIMITS));
	expect_frame(&frame, DROPPED(LIMIT_BYTES));
}

/* A frame takes from every bucket or from none. */
static void test_all_or_none(void **state)
{
	const char *client = "198.51.100.7";

	(void)state;
	harness_limit(&edge, HATAGO_DIM_PACKETS, HARNESS_RATE_LEAST, 2, 0);
	harness_limit(&edge, HATAGO_DIM_BYTES, HARNESS_RATE_LEAST, 500, 0);
	harness_limit(&edge, HATAGO_DIM_CONNECTIONS, HARNESS_RATE_LEAST, 1, 0);
	for (int i = 0; i < 5; i++)
		expect_frame(segment(client, PACKET_SYN, 1000), DROPPED(LIMIT_BYTES));
	expect_frame(segment(client, PACKET_SYN, 0), PASSED(WITHIN_LIMITS));
	for (int i = 0; i < 5; i++)
		expect_frame(segment(client, PACKET_SYN, 0), DROPPED(LIMIT_CONNECTIONS));
	expect_frame(segment(client, PACKET_ACK, 0), PASSED(WITHIN_LIMITS));
	expect_frame(segment(client, PACKET_ACK, 0), DROPPED(LIMIT_PACKETS));
}

static void test_dimension_off(void **state)
{
	(void)state;
	limit_one(HATAGO_DIM_PACKETS);
	limit_one(HATAGO_DIM_BYTES);
	limit_one(HATAGO_DIM_CONNECTIONS);
	limit_one(HATAGO_DIM_REQUESTS); /* not the packet path's */
	harness_rules(&edge)->dimensions = 1u << HATAGO_DIM_REQUESTS;
	for (int i = 0; i < 3; i++)
		expect_frame(segment("198.51.100.7", PACKET_SYN, 100), PASSED(WITHIN_LIMITS));
}

static void test_watch_only(void **state)
{
	(void)state;
	limit_one(HATAGO_DIM_PACKETS);
	harness_rules(&edge)->flags &= ~HATAGO_ENFORCE;
	expect("198.51.100.7", PASSED(WITHIN_LIMITS));
	expect("198.51.100.7", WATCHED(LIMIT_PACKETS));
	expect("198.51.100.7", WATCHED(LIMIT_PACKETS));
}

static void test_confirmation(void **state)
{
	(void)state;
	limit_one(HATAGO_DIM_PACKETS);
	expect("198.51.100.7", PASSED(WITHIN_LIMITS));
	edge.device->confirm_by_ns = harness_now_ns() + 3600000000000ULL;
	expect("198.51.100.7", DROPPED(LIMIT_PACKETS));
	edge.device->confirm_by_ns = harness_now_ns();
	expect("198.51.100.7", PASSED(UNCONFIRMED));
	edge.device->confirm_by_ns = 0;
	expect("198.51.100.7", DROPPED(LIMIT_PACKETS));
}

/* The other rules come into force as a whole, buckets stay. */
static void test_rules_switch(void **state)
{
	const char *client = "2001:db8::7";
	struct hatago_rules *next = &edge.config->rules[1];

	(void)state;
	limit_one(HATAGO_DIM_PACKETS);
	expect(client, PASSED(WITHIN_LIMITS));
	memcpy(next, harness_rules(&edge), sizeof(*next));
	assert_int_equal(
		hatago_limit_make(HARNESS_RATE_LEAST, 3, 0, &next->limit[HATAGO_DIM_PACKETS]), 0);
	expect(client, DROPPED(LIMIT_PACKETS));
	edge.config->active = 1;
	expect(client, PASSED(WITHIN_LIMITS)); /* one of three is gone */
	expect(client, PASSED(WITHIN_LIMITS));
	expect(client, DROPPED(LIMIT_PACKETS));
	edge.config->active = 2; /* only bit 0 counts */
	expect(client, DROPPED(LIMIT_PACKETS));
	edge.config->active = 3;
	next->flags &= ~HATAGO_PROTECT_PORT;
	memset(next->port, 0, sizeof(next->port));
	expect(client, PASSED(NOT_PROTECTED));
}

static void test_counts_in_slot(void **state)
{
	const struct packet_frame *frame = segment("198.51.100.7", PACKET_ACK, 46);
	struct hatago_slot *slot;

	(void)state;
	harness_limit(&edge, HATAGO_DIM_PACKETS, HARNESS_RATE_LEAST, 2, 0);
	expect_frame(frame, PASSED(WITHIN_LIMITS));
	expect_frame(frame, PASSED(WITHIN_LIMITS));
	expect_frame(frame, DROPPED(LIMIT_PACKETS));
	slot = harness_slot(&edge, "198.51.100.7");
	assert_non_null(slot);
	assert_int_equal(slot->packets, 3);
	assert_int_equal(slot->bytes, 300);
	assert_int_equal(slot->drops, 1);
}

/* Frames that the kernel merged before tc saw them count, and cost, as many as they were. */
static void test_merged(void **state)
{
	const struct packet_frame *frame = segment("198.51.100.7", PACKET_ACK, 400);
	struct outcome got;

	(void)state;
	harness_limit(&edge, HATAGO_DIM_PACKETS, HARNESS_RATE_LEAST, 7, 0);
	got = harness_run_merged(&edge, frame, 4);
	assert_int_equal(got.reason, HATAGO_REASON_WITHIN_LIMITS);
	assert_int_equal(got.frames, 4);
	got = harness_run_merged(&edge, frame, 4);
	assert_int_equal(got.reason, HATAGO_REASON_LIMIT_PACKETS);
	assert_int_equal(got.frames, 4);
	got = harness_run_merged(&edge, frame, 3);
	assert_int_equal(got.reason, HATAGO_REASON_WITHIN_LIMITS);
}

static const char *nth_client(unsigned int i)
{
	static char text[32];

	snprintf(text, sizeof(text), "10.1.%u.%u", i / 256, i % 256);
	return text;
}

static unsigned int slots_taken(void)
{
	unsigned int taken = 0;

	for (uint32_t s = 0; s < edge.set_count; s++)
		for (unsigned int way = 0; way < HATAGO_WAYS; way++)
			taken += edge.sets[s].slot[way].key != 0;
	return taken;
}

/* Clients with a frame in debt each, until no slot is free; returns how many that were. */
static unsigned int fill_table(void)
{
	unsigned int i = 0;

	while (i < TRIES && slots_taken() < SETS * HATAGO_WAYS)
		harness_run(&edge, hook, segment(nth_client(i++), PACKET_ACK, 0));
	assert_int_equal(slots_taken(), SETS * HATAGO_WAYS);
	return i;
}

static void test_overflow(void **state)
{
	static struct hatago_slot before[SETS][HATAGO_WAYS];
	unsigned int filled, overflowed = 0, limited = 0;

	(void)state;
	limit_one(HATAGO_DIM_PACKETS);
	filled = fill_table();
	memset(edge.sides, 0, SETS * sizeof(*edge.sides));
	for (int s = 0; s < SETS; s++)
		memcpy(before[s], edge.sets[s].slot, sizeof(before[s]));
	for (unsigned int i = filled; i < filled + 10 * SETS; i++) {
		struct outcome got =
			harness_run(&edge, hook, segment(nth_client(i), PACKET_ACK, 0));

		overflowed += got.reason == HATAGO_REASON_OVERFLOW && !got.dropped;
		limited += got.reason == HATAGO_REASON_OVERFLOW_LIMIT && got.dropped;
	}
	assert_in_range(overflowed, 1, SETS); /* a frame a set: its shared bucket holds one */
	assert_int_equal(overflowed + limited, 10 * SETS);
	for (int s = 0; s < SETS; s++) /* nobody's slot was touched */
		assert_memory_equal(before[s], edge.sets[s].slot, sizeof(before[s]));
}

static void test_overflow_only_watched(void **state)
{
	unsigned int filled;

	(void)state;
	limit_one(HATAGO_DIM_PACKETS);
	filled = fill_table();
	harness_rules(&edge)->flags &= ~HATAGO_ENFORCE;
	for (unsigned int i = 0; i < 2; i++)
		harness_run(&edge, hook, segment(nth_client(filled), PACKET_ACK, 0));
	expect(nth_client(filled), WATCHED(OVERFLOW_LIMIT));
}

/* An inhabitant of the full set that the newcomer belongs to. */
static struct hatago_slot *a_neighbour(const char *newcomer)
{
	struct hatago_set *set = harness_set(&edge, harness_key(&edge, newcomer));

	set->full_until = 0;
	return &set->slot[3];
}

/* What a slot's state is, and whether a newcomer may have it. */
static void test_claim(void **state)
{
	const uint32_t tick = tick_now();
	const struct {
		int64_t debt_ns;
		uint32_t standing;
		bool claimable;
	} rows[] = {
		{-1, 0, true},
		{-86400000000000, 0, true},
		{0, HATAGO_STANDING(HATAGO_BANNED, tick - 1), true},
		{0, HATAGO_STANDING(HATAGO_TRUSTED, tick - 1), true},
		{0, HATAGO_STANDING(HATAGO_BANNED, tick + FOR_A_WHILE), false},
		{0, HATAGO_STANDING(HATAGO_BANNED, HATAGO_TICK_NEVER), false},
		{0, HATAGO_STANDING(HATAGO_ESCALATED, tick - 1), true},
		{0, HATAGO_STANDING(HATAGO_ESCALATED, tick + FOR_A_WHILE), false},
		{0, HATAGO_STANDING(HATAGO_TRUSTED, tick + FOR_A_WHILE), false},
		{0, HATAGO_STANDING(HATAGO_KEPT, tick + FOR_A_WHILE), false},
		{3600000000000, 0, false}, /* the debt of a longer limit that was in force before */
		{1000000000000, 0, false}, /* just empty: a client that is being limited */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hatago_slot *slot;
		char newcomer[32];

		setup(state);
		limit_one(HATAGO_DIM_PACKETS);
		snprintf(newcomer, sizeof(newcomer), "%s", nth_client(fill_table()));
		slot = a_neighbour(newcomer);
		slot->tat[HATAGO_DIM_PACKETS] =
			bucket_time(harness_now_ns() + (uint64_t)rows[i].debt_ns);
		slot->standing = rows[i].standing;
		slot->packets = slot->bytes = slot->drops = 1000;
		harness_run(&edge, hook, segment(newcomer, PACKET_ACK, 0));
		assert_int_equal(harness_slot(&edge, newcomer) != NULL, rows[i].claimable);
		if (!rows[i].claimable)
			continue;
		assert_ptr_equal(harness_slot(&edge, newcomer), slot);
		assert_int_equal(slot->packets, 1); /* no history of the former owner's */
		assert_int_equal(slot->bytes, 54);
		assert_int_equal(slot->drops, 0);
		assert_int_equal(slot->standing, 0);
		expect(newcomer, DROPPED(LIMIT_PACKETS)); /* and a bucket of its own */
	}
}

/* An idle slot is as free as an empty one, but an owner that comes back finds his own. */
static void test_owner_returns(void **state)
{
	struct hatago_slot *slot;

	(void)state;
	limit_one(HATAGO_DIM_PACKETS);
	expect("198.51.100.7", PASSED(WITHIN_LIMITS));
	slot = harness_slot(&edge, "198.51.100.7");
	assert_non_null(slot);
	slot->tat[HATAGO_DIM_PACKETS] = bucket_time(harness_now_ns());
	expect("198.51.100.7", PASSED(WITHIN_LIMITS));
	assert_ptr_equal(harness_slot(&edge, "198.51.100.7"), slot);
	assert_int_equal(slot->packets, 2);
	assert_int_equal(slots_taken(), 1);
}

/* What isn't charged leaves no trace in the table. */
static void test_no_slot_for_the_uncharged(void **state)
{
	static const struct layer ssh[PACKET_LAYERS_MAX] = {ETH(), IP4(), TCP(.port = 22)};
	struct packet_frame frame;

	(void)state;
	packet_build(ssh, 0, &frame);
	expect_frame(&frame, PASSED(NOT_PROTECTED));
	assert_int_equal(slots_taken(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_allow),
		ON_BOTH(test_deny),
		ON_BOTH(test_deny_all_ipv4),
		ON_BOTH(test_lists_off),
		ON_BOTH(test_allow_wins),
		ON_BOTH(test_ban),
		ON_BOTH(test_escalated),
		ON_BOTH(test_not_escalated),
		ON_BOTH(test_escalated_elsewhere),
		ON_BOTH(test_client_prefix),
		ON_BOTH(test_key_gives_address),
		ON_BOTH(test_connections),
		ON_BOTH(test_bytes),
		ON_BOTH(test_all_or_none),
		ON_BOTH(test_dimension_off),
		ON_BOTH(test_watch_only),
		ON_BOTH(test_confirmation),
		ON_BOTH(test_rules_switch),
		ON_BOTH(test_counts_in_slot),
		{.name = "tc: test_merged",
		 .test_func = test_merged,
		 .setup_func = setup,
		 .initial_state = &edge},
		ON_BOTH(test_overflow),
		ON_BOTH(test_overflow_only_watched),
		ON_BOTH(test_claim),
		ON_BOTH(test_owner_returns),
		ON_BOTH(test_no_slot_for_the_uncharged),
	};
	int failed;

	harness_require();
	harness_open(&edge, SETS);
	failed = cmocka_run_group_tests_name("clients", tests, NULL, NULL);
	harness_close(&edge);
	return failed;
}
