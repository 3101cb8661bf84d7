// SPDX-License-Identifier: MIT
/*
 * The gate and the machine's load in `status`: the whole objects as JSON, null wherever there
 * is no gate or no adaptation, and that they are told without an edge too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "ops/ops.h"

#define MS 1000000ULL

static struct ops_context ops;
static struct tally_gate gate;
static struct trend_view trend;
static struct pressure_view load;
static bool is_there;

static uint64_t fake_clock(void)
{
	return 1800000000ULL * 1000 * MS;
}

static void fake_info(void *ctx, struct ops_daemon_info *ret)
{
	(void)ctx;
	*ret = (struct ops_daemon_info){.config_path = "x.yaml"};
}

static bool fake_gate(void *ctx, struct tally_gate *ret, struct trend_view *ret_trend)
{
	(void)ctx;
	if (!is_there)
		return false;
	*ret = gate;
	*ret_trend = trend;
	return true;
}

static void fake_pressure(void *ctx, struct pressure_view *ret)
{
	(void)ctx;
	*ret = load;
}

static const struct ops_daemon with_gate = {
	.info = fake_info, .gate = fake_gate, .pressure = fake_pressure};
static const struct ops_daemon without_gate = {.info = fake_info};

/* No edge is pinned. */
static int setup(void **state)
{
	(void)state;
	ops_init(&ops);
	ops.mono_ns = ops.real_ns = fake_clock;
	ops.daemon = &with_gate;
	ops.view_code = -2;
	is_there = true;
	memset(&gate, 0, sizeof(gate));
	memset(&trend, 0, sizeof(trend));
	memset(&load, 0, sizeof(load));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ops_done(&ops);
	return 0;
}

/* The caller's, json_decref(). */
static json_t *of_status(const char *key)
{
	json_t *root, *member;
	struct json out;
	struct err err;

	json_init(&out);
	if (ops_run(&ops, "status", NULL, false, &out, &err) < 0)
		fail_msg("%s", err.text);
	root = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	member = json_incref(json_object_get(root, key));
	assert_non_null(member);
	json_decref(root);
	json_done(&out);
	return member;
}

static void is_text(const json_t *member, const char *expected)
{
	json_t *wanted = json_loads(expected, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(wanted);
	if (!json_equal(member, wanted))
		fail_msg("%s", json_dumps(member, JSON_ENCODE_ANY));
	json_decref(wanted);
}

static void test_all_of_it(void **state)
{
	json_t *member;

	(void)state;
	gate.current = 3;
	gate.max_concurrent = 10;
	gate.limit = 7;
	gate.queued = 2;
	gate.queue_size = 50;
	gate.streams_max = 1000;
	gate.sum.streams = 12;
	gate.sum.connections = 27;
	gate.sum.outcomes[TALLY_SERVED] = 8;
	gate.sum.outcomes[TALLY_RATE_LIMITED] = 7;
	gate.sum.outcomes[TALLY_QUEUE_TIMEOUT] = 1;
	gate.sum.outcomes[TALLY_UPSTREAM_TIMEOUT] = 2;
	gate.sum.outcomes[TALLY_LOCAL] = gate.sum.outcomes[TALLY_CLIENT_LEFT] = 99;
	gate.sum.errors = 4;
	trend = (struct trend_view){
		.over_ns = 60000 * MS,
		.avg_response_ms = 5.00049,
		.requests_per_sec = 10.0 / 60,
		.refused_per_sec = 8.0 / 60,
		.error_rate = 0.6,
		.response = {.p50_ms = 5.2428, .p90_ms = 6, .p99_ms = 7, .max_ms = 8}};
	member = of_status("gate");
	is_text(member,
		"{\"concurrency\":{\"current\":3,\"max\":10},\"limit\":7,"
		"\"breaker\":{\"state\":\"closed\",\"upstreams\":[]},\"queue\":{\"current\":2,"
		"\"max\":50},"
		"\"streams\":{\"current\":12,\"max\":1000},\"connections\":27,\"lately\":{"
		"\"over_ms\":60000,\"requests_per_second\":0.167,\"refused_per_second\":0.133,"
		"\"average_ms\":5,\"error_rate\":0.6,"
		"\"response_ms\":{\"p50\":5.243,\"p99\":7},"
		"\"queue_wait_ms\":{\"p50\":0,\"p99\":0}},\"served\":8,\"errors\":4,\"refused\":["
		"{\"reason\":\"rate_limit\",\"requests\":7,"
		"\"help\":\"Refused: no request tokens.\"},"
		"{\"reason\":\"queue_timeout\",\"requests\":1,"
		"\"help\":\"Refused: waited in the queue for too long.\"}],\"failed\":["
		"{\"reason\":\"upstream_timeout\",\"requests\":2,"
		"\"help\":\"The upstream did not answer in time.\"}]}");
	json_decref(member);
}

/* As `breaker show` tells it. */
static void test_breaker(void **state)
{
	json_t *member;

	(void)state;
	gate.breaker = BREAKER_OPEN;
	gate.upstream_count = 1;
	gate.upstreams[0] = (struct tally_upstream){
		.name = "http://a",
		.outstanding = 2,
		.breaker = {.state = BREAKER_OPEN,
			    .window = {.calls = 12, .failures = 6, .slow = 1},
			    .last_failure_ns = fake_clock() - 1500 * MS,
			    .retry_ns = 700 * MS,
			    .opened = 3},
	};
	member = of_status("gate");
	is_text(json_object_get(member, "breaker"),
		"{\"state\":\"open\",\"upstreams\":[{\"upstream\":\"http://a\",\"state\":\"open\","
		"\"held\":null,\"in_flight\":2,\"calls\":12,\"failures\":6,\"slow\":1,"
		"\"consecutive_failures\":0,\"probes_in_flight\":0,\"probes_passed\":0,"
		"\"last_failure\":\"2027-01-15T07:59:58Z\",\"retry_ms\":700,\"opened\":3}]}");
	json_decref(member);
}

static void test_nothing_yet(void **state)
{
	json_t *member;

	(void)state;
	gate.sum.streams = gate.sum.connections = -1; /* seen between two workers */
	member = of_status("gate");
	assert_int_equal(json_array_size(json_object_get(member, "refused")), 0);
	assert_int_equal(json_array_size(json_object_get(member, "failed")), 0);
	assert_int_equal(json_integer_value(json_object_get(member, "connections")), 0);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(member, "streams"), "current")),
		0);
	json_decref(member);
}

/* Only signals with a threshold; one that can't be read is null, and over nothing. */
static void test_load(void **state)
{
	json_t *member;

	(void)state;
	load.is_on = true;
	load.triggers = 4;
	load.now = (struct pressure){.pressure = 0.65001, .scale = 0.7, .reason = PRESSURE_CPU};
	load.now.options.threshold[PRESSURE_CPU] = 80;
	load.now.options.threshold[PRESSURE_MEMORY] = 85;
	load.now.options.threshold[PRESSURE_PSI_IO_FULL] = 20;
	load.now.options.threshold[PRESSURE_RESPONSE_TIME] = 5000;
	pressure_load_set(&load.load, PRESSURE_CPU, 93.12345);
	pressure_load_set(&load.load, PRESSURE_MEMORY, 85);
	pressure_load_set(&load.load, PRESSURE_PSI_CPU_SOME, 99);
	pressure_load_set(&load.load, PRESSURE_RESPONSE_TIME, 52.5);
	load.load.value[PRESSURE_PSI_IO_FULL] = 90;
	member = of_status("load");
	is_text(member,
		"{\"pressure\":0.65,\"scale\":0.7,\"reason\":\"cpu\",\"signals\":["
		"{\"signal\":\"cpu\",\"value\":93.123,\"threshold\":80,\"unit\":\"%\","
		"\"over\":true},"
		"{\"signal\":\"memory\",\"value\":85,\"threshold\":85,\"unit\":\"%\","
		"\"over\":false},"
		"{\"signal\":\"psi.io.full\",\"value\":null,\"threshold\":20,\"unit\":\"%\","
		"\"over\":false},"
		"{\"signal\":\"responseTime\",\"value\":52.5,\"threshold\":5000,\"unit\":\"ms\","
		"\"over\":false}],\"triggers\":4}");
	json_decref(member);
	load.now.pressure = 0; /* then the last reason is none any more */
	member = of_status("load");
	assert_true(json_is_null(json_object_get(member, "reason")));
	json_decref(member);
}

static void test_no_adaptation(void **state)
{
	static const struct ops_daemon *const daemons[] = {&without_gate, &with_gate};

	(void)state;
	load.now.pressure = 1;
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		json_t *member;

		ops.daemon = daemons[i];
		member = of_status("load");
		assert_true(json_is_null(member));
		json_decref(member);
	}
}

static void test_no_gate(void **state)
{
	static const struct ops_daemon *const daemons[] = {&without_gate, &with_gate};

	(void)state;
	is_there = false;
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		json_t *member;

		ops.daemon = daemons[i];
		member = of_status("gate");
		assert_true(json_is_null(member));
		json_decref(member);
	}
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_all_of_it), EACH(test_breaker), EACH(test_nothing_yet),
		EACH(test_no_gate),   EACH(test_load),	  EACH(test_no_adaptation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
