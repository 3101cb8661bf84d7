// SPDX-License-Identifier: MIT
/*
 * Runs the table of packet_rows.c through the XDP program and the tc program: each frame
 * must get its verdict and reason, the return value must fit them, and it must be counted
 * once with all its bytes. Then two families of frames that are too many for a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "packet_rows.h"

#define NAME_MAX_BYTES 128
#define HOOKS	       2

static struct harness edge;
static struct packet_frame frame;

/* One test: a row and the program that it is run through. */
struct trial {
	const struct packet_row *row;
	enum hook hook;
	char name[NAME_MAX_BYTES];
};

static void protect(unsigned int rules)
{
	struct hatago_rules *r = harness_rules(&edge);

	if (rules & ROW_PORTS) {
		harness_protect(&edge, HATAGO_TCP, 80, 80);
		harness_protect(&edge, HATAGO_UDP, 0, 0);
		harness_protect(&edge, HATAGO_UDP, 53, 53);
		harness_protect(&edge, HATAGO_UDP, 6000, 6063);
		harness_protect(&edge, HATAGO_UDP, 65535, 65535);
	}
	if (rules & ROW_ALL)
		r->flags |= HATAGO_PROTECT_ALL;
	if (rules & ROW_ICMP)
		r->flags |= HATAGO_PROTECT_ICMP;
	if (rules & ROW_NO_IPV4)
		r->flags &= ~HATAGO_IPV4;
	if (rules & ROW_NO_IPV6)
		r->flags &= ~HATAGO_IPV6;
	if (rules & ROW_WATCH)
		r->flags &= ~HATAGO_ENFORCE;
	if (rules & ROW_DENY_ALL)
		harness_deny(&edge, "::/0");
	if (rules & ROW_UNCONFIRMED)
		edge.device->confirm_by_ns = 1;
}

static void check_outcome(enum hook hook, enum hatago_verdict verdict, enum hatago_reason reason)
{
	struct outcome got = harness_run(&edge, hook, &frame);

	if (got.verdict != verdict || got.reason != reason)
		fail_msg("expected %s, %s; got %s, %s", verdict_name(verdict), reason_name(reason),
			 verdict_name(got.verdict), reason_name(got.reason));
	assert_int_equal(got.frames, 1);
	assert_int_equal(got.bytes, frame.length);
	assert_int_equal(got.dropped, verdict == HATAGO_VERDICT_DROP);
}

static void test_row(void **state)
{
	const struct trial *trial = *state;
	const struct packet_row *row = trial->row;

	harness_reset(&edge);
	protect(row->rules);
	packet_build(row->layers, row->cut, &frame);
	check_outcome(trial->hook, row->verdict, row->reason);
}

/* A header may lie over the end of a frame's first buffer, in any way. */
static void test_border(void **state)
{
	(void)state;
	for (uint16_t before = 1600; before < 2048; before += 8) {
		for (uint16_t tail = 0; tail < 8; tail++) {
			const struct layer layers[PACKET_LAYERS_MAX] = {
				ETH(),
				IP6(),
				DSTOPTS(.size = 1800),
				DSTOPTS(.size = before),
				AH(.size = 8 + 4 * (tail % 2)),
				TCP(.port = tail & 2 ? 81 : 80),
				RAW(.size = 5000),
			};

			harness_reset(&edge);
			protect(ROW_PORTS);
			packet_build(layers, 0, &frame);
			check_outcome(HOOK_XDP, HATAGO_VERDICT_PASS,
				      tail & 2 ? HATAGO_REASON_NOT_PROTECTED
					       : HATAGO_REASON_WITHIN_LIMITS);
		}
	}
}

/* Wherever a frame is cut: malformed up to the end of its headers, then by the book. */
static void test_every_cut(void **state)
{
	static const struct layer ipv4[PACKET_LAYERS_MAX] = {
		ETH(), VLAN(), IP4(.words = 15), TCP(.port = 80, .words = 15), RAW(.size = 16),
	};
	static const struct layer ipv6[PACKET_LAYERS_MAX] = {
		ETH(),
		VLAN(),
		IP6(),
		HOPOPTS(),
		AH(),
		FRAGMENT6(),
		DSTOPTS(.size = 24),
		UDP(.port = 53),
		RAW(.size = 16),
	};

	(void)state;
	for (int family = 0; family < 2; family++) {
		const struct layer *layers = family ? ipv6 : ipv4;

		packet_build(layers, 0, &frame);
		for (size_t cut = PACKET_ETHERNET_BYTES; cut <= frame.length; cut++) {
			size_t whole = frame.length;
			enum hatago_reason reason = HATAGO_REASON_MALFORMED;

			if (cut < PACKET_ETHERNET_BYTES + 4)
				reason = HATAGO_REASON_OTHER_PROTOCOL; /* the tag is cut */
			if (cut == whole)
				reason = HATAGO_REASON_WITHIN_LIMITS;
			frame.length = cut;
			for (enum hook hook = HOOK_XDP; hook <= HOOK_TC; hook++) {
				harness_reset(&edge);
				protect(ROW_PORTS);
				check_outcome(hook,
					      reason == HATAGO_REASON_MALFORMED
						      ? HATAGO_VERDICT_DROP
						      : HATAGO_VERDICT_PASS,
					      reason);
			}
			frame.length = whole;
		}
	}
}

/* The table's rows as cmocka's tests; what doesn't fit tc is left out there. */
static size_t add_rows(struct CMUnitTest *tests, struct trial *trials)
{
	size_t count = 0;

	for (enum hook hook = HOOK_XDP; hook <= HOOK_TC; hook++) {
		for (size_t i = 0; i < packet_row_count; i++) {
			const struct packet_row *row = &packet_rows[i];
			struct trial *t = &trials[count];

			if (hook == HOOK_TC && (row->rules & ROW_NOT_TC))
				continue;
			t->row = row;
			t->hook = hook;
			snprintf(t->name, sizeof(t->name), "%s: %s",
				 hook == HOOK_XDP ? "xdp" : "tc", row->name);
			tests[count++] = (struct CMUnitTest){
				.name = t->name,
				.test_func = test_row,
				.initial_state = t,
			};
		}
	}
	return count;
}

int main(void)
{
	const size_t room = HOOKS * packet_row_count + 2;
	struct CMUnitTest *tests;
	struct trial *trials;
	size_t count;
	int failed;

	harness_require();
	tests = calloc(room, sizeof(*tests));
	trials = calloc(room, sizeof(*trials));
	if (!tests || !trials)
		abort();
	harness_open(&edge, 8);
	count = add_rows(tests, trials);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_border);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_every_cut);
	failed = _cmocka_run_group_tests("packets", tests, count, NULL, NULL);
	harness_close(&edge);
	free(trials);
	free(tests);
	return failed;
}
