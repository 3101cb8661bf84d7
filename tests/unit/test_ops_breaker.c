// SPDX-License-Identifier: MIT
/*
 * breaker show, open, close, reset as requests to hatagod: what is asked of the gate, the
 * answer's members, who may, and the errors where there is no gate or no such upstream.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "ops/ops.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MS	 1000000ULL
#define NOW_NS	 (5000 * MS)
#define REAL_NS	 (1800000000ULL * 1000 * MS)

static struct ops_context ops;
static struct tally_gate gate;
static bool is_there;
static int orders; /* how many came, and the last one */
static enum breaker_hold last_order;
static char last_upstream[TALLY_UPSTREAM_MAX];

static uint64_t fake_mono(void)
{
	return NOW_NS;
}

static uint64_t fake_real(void)
{
	return REAL_NS;
}

static bool fake_gate(void *ctx, struct tally_gate *ret, struct trend_view *ret_trend)
{
	(void)ctx;
	if (!is_there)
		return false;
	*ret = gate;
	*ret_trend = (struct trend_view){0};
	return true;
}

/* Knows http://a only; what it does is seen in the answer. */
static int fake_breaker(void *ctx, const char *upstream, enum breaker_hold order, struct err *err)
{
	static const struct {
		enum breaker_state state;
		enum breaker_hold hold;
	} becomes[] = {
		[BREAKER_HELD_OPEN] = {BREAKER_OPEN, BREAKER_HELD_OPEN},
		[BREAKER_HELD_CLOSED] = {BREAKER_CLOSED, BREAKER_HELD_CLOSED},
		[BREAKER_AUTOMATIC] = {BREAKER_CLOSED, BREAKER_AUTOMATIC},
	};
	struct breaker_view *b = &gate.upstreams[0].breaker;

	(void)ctx;
	if (upstream && strcmp(upstream, "http://a") != 0)
		return err_set(err, -ENOENT, "no %s", upstream);
	orders++;
	last_order = order;
	snprintf(last_upstream, sizeof(last_upstream), "%s", upstream ? upstream : "all");
	gate.breaker = b->state = becomes[order].state;
	b->hold = becomes[order].hold;
	b->retry_ns = order == BREAKER_HELD_OPEN ? UINT64_MAX : 0;
	return 0;
}

static const struct ops_daemon fake = {.gate = fake_gate, .breaker = fake_breaker};

static int setup(void **state)
{
	(void)state;
	ops_init(&ops);
	ops.mono_ns = fake_mono;
	ops.real_ns = fake_real;
	ops.daemon = &fake;
	ops.view_code = -ENOENT;
	is_there = true;
	orders = 0;
	memset(&gate, 0, sizeof(gate));
	gate.upstream_count = 1;
	strcpy(gate.upstreams[0].name, "http://a");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ops_done(&ops);
	return 0;
}

/* The result, the caller's; NULL: it failed with *ret_code and err. */
static json_t *run(const char *command, const char *upstream, bool may_change, int *ret_code,
		   struct err *err)
{
	json_t *args = upstream ? json_pack("{s:s}", "upstream", upstream) : json_object();
	json_t *root = NULL;
	struct json out;

	json_init(&out);
	*ret_code = ops_run(&ops, command, args, may_change, &out, err);
	if (*ret_code == 0)
		root = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
	json_done(&out);
	json_decref(args);
	return root;
}

static void is_upstream(const struct breaker_view *view, const char *members)
{
	char expected[600];
	json_t *root, *wanted;
	struct err err;
	int code;

	gate.upstreams[0].breaker = *view;
	gate.breaker = view->state;
	snprintf(
		expected, sizeof(expected),
		"{\"state\":\"%s\",\"upstreams\":[{\"upstream\":\"http://a\",\"in_flight\":0,%s}]}",
		breaker_state_name(view->state), members);
	wanted = json_loads(expected, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(wanted);
	root = run("breaker show", NULL, false, &code, &err);
	assert_non_null(root);
	if (!json_equal(root, wanted))
		fail_msg("%s\nexpected %s", json_dumps(root, 0), expected);
	json_decref(root);
	json_decref(wanted);
}

#define QUIET "\"consecutive_failures\":0,\"probes_in_flight\":0,\"probes_passed\":0,\"slow\":0,"
#define NEVER "\"calls\":0,\"failures\":0,\"last_failure\":null,\"opened\":0,"

static void test_show(void **state)
{
	static const struct {
		struct breaker_view view;
		const char *members;
	} rows[] = {
		{{.state = BREAKER_CLOSED},
		 QUIET NEVER "\"state\":\"closed\",\"held\":null,\"retry_ms\":null"},
		{{.state = BREAKER_CLOSED,
		  .window = {.calls = 9, .failures = 4, .slow = 3},
		  .consecutive_failures = 2,
		  .last_failure_ns = NOW_NS - 2000 * MS},
		 "\"consecutive_failures\":2,\"probes_in_flight\":0,\"probes_passed\":0,"
		 "\"slow\":3,\"calls\":9,\"failures\":4,\"opened\":0,\"state\":\"closed\","
		 "\"last_failure\":\"2027-01-15T07:59:58Z\",\"held\":null,\"retry_ms\":null"},
		/* rounded up, so that 0 is when it is over */
		{{.state = BREAKER_OPEN, .retry_ns = 1, .opened = 1},
		 QUIET "\"calls\":0,\"failures\":0,\"last_failure\":null,\"opened\":1,"
		       "\"state\":\"open\",\"held\":null,\"retry_ms\":1"},
		{{.state = BREAKER_OPEN, .hold = BREAKER_HELD_OPEN, .retry_ns = UINT64_MAX},
		 QUIET NEVER "\"state\":\"open\",\"held\":\"open\",\"retry_ms\":null"},
		{{.state = BREAKER_CLOSED, .hold = BREAKER_HELD_CLOSED},
		 QUIET NEVER "\"state\":\"closed\",\"held\":\"closed\",\"retry_ms\":null"},
		{{.state = BREAKER_HALF_OPEN, .probes_in_flight = 2, .probes_passed = 1},
		 "\"consecutive_failures\":0,\"probes_in_flight\":2,\"probes_passed\":1,"
		 "\"slow\":0," NEVER "\"state\":\"half-open\",\"held\":null,\"retry_ms\":null"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		is_upstream(&rows[i].view, rows[i].members);
}

/* What was ordered is in the answer already. */
static void test_orders(void **state)
{
	static const struct {
		const char *command, *upstream, *asked, *shown, *held; /* held "": by nobody */
		enum breaker_hold order;
	} rows[] = {
		{"breaker open", NULL, "all", "open", "open", BREAKER_HELD_OPEN},
		{"breaker close", "http://a", "http://a", "closed", "closed", BREAKER_HELD_CLOSED},
		{"breaker open", "http://a", "http://a", "open", "open", BREAKER_HELD_OPEN},
		{"breaker reset", NULL, "all", "closed", "", BREAKER_AUTOMATIC},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *shown, *held;
		struct err err;
		json_t *root, *row;
		int code;

		root = run(rows[i].command, rows[i].upstream, true, &code, &err);
		assert_non_null(root);
		assert_int_equal(orders, i + 1);
		assert_int_equal(last_order, rows[i].order);
		assert_string_equal(last_upstream, rows[i].asked);
		shown = json_string_value(json_object_get(root, "state"));
		row = json_array_get(json_object_get(root, "upstreams"), 0);
		held = json_string_value(json_object_get(row, "held"));
		assert_string_equal(shown, rows[i].shown);
		assert_string_equal(held ? held : "", rows[i].held);
		assert_true(json_is_string(json_object_get(root, "lasts")));
		json_decref(root);
	}
}

static void test_errors(void **state)
{
	static const struct {
		const char *command, *upstream;
		bool is_there, may_change;
		int code;
		const char *words;
	} rows[] = {
		{"breaker show", NULL, false, true, -ENOTSUP, "runs without a gate"},
		{"breaker open", NULL, false, true, -ENOTSUP, "runs without a gate"},
		{"breaker close", NULL, false, true, -ENOTSUP, "runs without a gate"},
		{"breaker reset", NULL, false, true, -ENOTSUP, "add a section gate"},
		{"breaker open", "http://b", true, true, -ENOENT, "http://b"},
		{"breaker reset", "http://b", true, true, -ENOENT, "http://b"},
		{"breaker open", NULL, true, false, -EPERM, ""},
		{"breaker close", NULL, true, false, -EPERM, ""},
		{"breaker reset", NULL, true, false, -EPERM, ""},
		{"breaker show", "http://a", true, true, -EINVAL, "upstream"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err;
		json_t *root;
		int code;

		is_there = rows[i].is_there;
		root = run(rows[i].command, rows[i].upstream, rows[i].may_change, &code, &err);
		if (root || code != rows[i].code || !strstr(err.text, rows[i].words))
			fail_msg("%s %s: %d: %s", rows[i].command,
				 rows[i].upstream ? rows[i].upstream : "", code,
				 root ? "done" : err.text);
	}
	assert_int_equal(orders, 0);
}

/* Without hatagod nobody knows. */
static void test_no_daemon(void **state)
{
	struct err err;
	int code;

	(void)state;
	ops.daemon = NULL;
	assert_null(run("breaker show", NULL, true, &code, &err));
	assert_true(code < 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_show),
		EACH(test_orders),
		EACH(test_errors),
		EACH(test_no_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
