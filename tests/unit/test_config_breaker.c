/* SPDX-License-Identifier: MIT */
/*
 * The circuit breaker's part of a configuration: what its keys become, and word for word
 * what is wrong with one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config_fixture.h"

#define COUNT(a)	 (sizeof(a) / sizeof((a)[0]))
#define IN_BREAKER	 "circuitBreaker: {"
#define TIME_RANGE(from) "a time from " from " to 1d, in ms or with a unit (ms, s, m, h, d)"
#define WINDOW_RANGE	 TIME_RANGE("1") "; or a number of calls from 1 to 1024, such as 100 calls"
#define FAILURES	 "connect, reset, timeout, 5xx"

/* The text stands in the breaker's section. */
static struct config *parse_good(const char *text)
{
	char whole[512];

	snprintf(whole, sizeof(whole), IN_BREAKER "%s}", text);
	return config_fixture(whole);
}

static void defaults(void **state)
{
	struct config *config = parse_good("");
	const struct config_circuit_breaker *b = &config->circuit_breaker;

	(void)state;
	assert_true(b->enabled);
	assert_int_equal(b->failure_threshold, 5);
	assert_true(b->failure_rate_threshold == 0.5);
	assert_int_equal(b->minimum_calls, 10);
	assert_int_equal(b->window.ms, 30000);
	assert_int_equal(b->window.calls, 0);
	assert_int_equal(b->slow_call_threshold_ms, 0);
	assert_true(b->slow_call_rate_threshold == 0.5);
	assert_int_equal(b->recovery_timeout_ms, 60000);
	assert_int_equal(b->max_recovery_timeout_ms, 600000);
	assert_int_equal(b->half_open_probes, 3);
	assert_false(b->hold_when_open);
	assert_int_equal(b->fail_on, CONFIG_FAIL_ALL);
	assert_int_equal(b->health_check_interval_ms, 10000);
	assert_string_equal(b->health_check_path, "/health");
	assert_int_equal(b->health_check_status, 0);
	assert_int_equal(b->health_check_timeout_ms, 2000);
	assert_int_equal(b->unhealthy_checks, 3);
	config_free(config);
}

static void good_values(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		uint32_t value;
	} rows[] = {
#define AT(field) offsetof(struct config_circuit_breaker, field)
		{"window: 30000", AT(window.ms), 30000},
		{"window: 1", AT(window.ms), 1},
		{"window: 1d", AT(window.ms), 86400000},
		{"window: \"2m\"", AT(window.ms), 120000},
		{"window: 2m", AT(window.calls), 0},
		{"window: 10 calls", AT(window.calls), 10},
		{"window: 10 calls", AT(window.ms), 0},
		{"window: 1024 calls", AT(window.calls), 1024},
		{"window: \"100 calls\"", AT(window.calls), 100},
		{"window: 1 calls, minimumCalls: 1", AT(window.calls), 1},
		{"failOn: [connect]", AT(fail_on), 1u << CONFIG_FAIL_CONNECT},
		{"failOn: [5xx, \"reset\"]", AT(fail_on),
		 1u << CONFIG_FAIL_5XX | 1u << CONFIG_FAIL_RESET},
		{"failOn: [rpcInternal, timeout]", AT(fail_on),
		 1u << CONFIG_FAIL_RPC | 1u << CONFIG_FAIL_TIMEOUT},
		{"failOn: [connect, reset, timeout, 5xx, rpcInternal]", AT(fail_on),
		 CONFIG_FAIL_ALL},
		{"failOn: []", AT(fail_on), 0},
		{"recoveryTimeout: 10m", AT(max_recovery_timeout_ms), 600000},
		{"recoveryTimeout: 11m", AT(max_recovery_timeout_ms), 660000},
		{"recoveryTimeout: 1s, maxRecoveryTimeout: 1s", AT(max_recovery_timeout_ms), 1000},
		{"healthCheckInterval: 0", AT(health_check_interval_ms), 0},
		{"healthCheckStatus: 100", AT(health_check_status), 100},
		{"healthCheckStatus: 599", AT(health_check_status), 599},
		{"slowCallThreshold: 2s", AT(slow_call_threshold_ms), 2000},
		{"halfOpenProbes: 1", AT(half_open_probes), 1},
		{"unhealthyChecks: 1", AT(unhealthy_checks), 1},
#undef AT
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = parse_good(rows[i].text);
		uint32_t value;

		memcpy(&value, (char *)&config->circuit_breaker + rows[i].offset, sizeof(value));
		if (value != rows[i].value)
			fail_msg("%s gave %u", rows[i].text, value);
		config_free(config);
	}
}

static void on_open(void **state)
{
	static const struct {
		const char *text;
		bool hold;
	} rows[] = {{"onOpen: hold", true}, {"onOpen: refuse", false}, {"onOpen: \"hold\"", true}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = parse_good(rows[i].text);

		assert_int_equal(config->circuit_breaker.hold_when_open, rows[i].hold);
		config_free(config);
	}
}

/* One problem each; the column is counted from behind IN_BREAKER. */
static void problems_in_breaker(void **state)
{
	static const struct {
		const char *text;
		int column;
		const char *problem;
	} rows[] = {
		{"onStateChange: {command: [logger]}", 0,
		 "onStateChange: is an unknown key; did you mean hooks.onStateChange?"},
		{"onCircuitOpen: {socket: /run/s}", 0,
		 "onCircuitOpen: is an unknown key; did you mean hooks.onCircuitOpen?"},
		{"window: 0", 8, "window: '0' is not allowed; it must be " WINDOW_RANGE},
		{"window: 25h", 8, "window: '25h' is not allowed; it must be " WINDOW_RANGE},
		{"window: 0 calls", 8,
		 "window: '0 calls' is not allowed; it must be " WINDOW_RANGE},
		{"window: 1025 calls", 8,
		 "window: '1025 calls' is not allowed; it must be " WINDOW_RANGE},
		{"window: 4294967306 calls", 8, /* 10 in 32 bits */
		 "window: '4294967306 calls' is not allowed; it must be " WINDOW_RANGE},
		{"window: 10  calls", 8,
		 "window: '10  calls' is not allowed; it must be " WINDOW_RANGE},
		{"window: 10calls", 8,
		 "window: '10calls' is not allowed; it must be " WINDOW_RANGE},
		{"window: \" calls\"", 8,
		 "window: ' calls' is not allowed; it must be " WINDOW_RANGE},
		{"window: -1 calls", 8,
		 "window: '-1 calls' is not allowed; it must be " WINDOW_RANGE},
		{"window: 10 call", 8,
		 "window: '10 call' is not allowed; it must be " WINDOW_RANGE},
		{"window: [10]", 8, "window: is a list; it must be " WINDOW_RANGE},
		{"window: 9 calls", 0,
		 "window: 9 calls are never as many as circuitBreaker.minimumCalls (10); raise it, "
		 "or lower that"},
		{"minimumCalls: 101, window: 100 calls", 19,
		 "window: 100 calls are never as many as circuitBreaker.minimumCalls (101); raise "
		 "it, or lower that"},
		{"minimumCalls: 0", 14,
		 "minimumCalls: '0' is not allowed; it must be a whole number from 1 to 1000000"},
		{"maxRecoveryTimeout: 59999", 0,
		 "maxRecoveryTimeout: 59999 ms is less than circuitBreaker.recoveryTimeout (60000 "
		 "ms); raise it, or lower that"},
		{"recoveryTimeout: 2s, maxRecoveryTimeout: 1s", 21,
		 "maxRecoveryTimeout: 1000 ms is less than circuitBreaker.recoveryTimeout (2000 "
		 "ms); raise it, or lower that"},
		{"enabled: false, recoveryTimeout: 2s, maxRecoveryTimeout: 1s", 37,
		 "maxRecoveryTimeout: 1000 ms is less than circuitBreaker.recoveryTimeout (2000 "
		 "ms); raise it, or lower that"},
		{"recoveryTimeout: 0", 17,
		 "recoveryTimeout: '0' is not allowed; it must be " TIME_RANGE("1")},
		{"halfOpenProbes: 0", 16,
		 "halfOpenProbes: '0' is not allowed; it must be a whole number from 1 to 1000000"},
		{"slowCallThreshold: 25h", 19,
		 "slowCallThreshold: '25h' is not allowed; it must be " TIME_RANGE("0")},
		{"slowCallRateThreshold: 0", 23,
		 "slowCallRateThreshold: '0' is not allowed; it must be a number from 0.001 to 1, "
		 "with up to 3 decimal places"},
		{"onOpen: wait", 8, "onOpen: 'wait' is not allowed; it must be refuse or hold"},
		{"failOn: connect", 8,
		 "failOn: is a single value; it must be a list of " FAILURES ", rpcInternal"},
		{"failOn: [4xx]", 9,
		 "failOn: '4xx' is not allowed; an item must be " FAILURES " or rpcInternal"},
		{"failOn: [5XX]", 9,
		 "failOn: '5XX' is not allowed; an item must be " FAILURES " or rpcInternal"},
		{"failOn: [reset, reset]", 16, "failOn: reset is listed twice; keep one"},
		{"healthCheckInterval: 25h", 21,
		 "healthCheckInterval: '25h' is not allowed; it must be " TIME_RANGE("0")},
		{"healthCheckStatus: 600", 19,
		 "healthCheckStatus: '600' is not allowed; it must be a whole number from 0 to "
		 "599"},
		{"healthCheckStatus: 99", 0,
		 "healthCheckStatus: 99 is no status; it must be 0, or from 100 to 599"},
		{"healthCheckTimeout: 0", 20,
		 "healthCheckTimeout: '0' is not allowed; it must be " TIME_RANGE("1")},
		{"healthCheckPath: up", 17,
		 "healthCheckPath: 'up' is not allowed; it must be a path such as "
		 "/metrics/concurrency, of up to 200 letters, digits and -._~/"},
		{"unhealthyChecks: 0", 17,
		 "unhealthyChecks: '0' is not allowed; it must be a whole number from 1 to "
		 "1000000"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_problems problems = {0};
		struct config *config = NULL;
		int column = rows[i].column + (int)sizeof(IN_BREAKER);
		char text[512], expected[512];

		snprintf(text, sizeof(text), IN_BREAKER "%s}", rows[i].text);
		snprintf(expected, sizeof(expected), "f:1:%d: circuitBreaker.%s", column,
			 rows[i].problem);
		if (config_parse(text, strlen(text), "f", &config, &problems) != -EINVAL)
			fail_msg("%s was taken", text);
		if (problems.count != 1 || strcmp(problems.lines[0], expected) != 0)
			fail_msg("%s\ngave %zu, %s\nnot     %s", text, problems.count,
				 problems.lines[0], expected);
		config_problems_done(&problems);
	}
}

static void failure_names(void **state)
{
	(void)state;
	assert_string_equal(config_failure_name(CONFIG_FAIL_5XX), "5xx");
	assert_string_equal(config_failure_name(CONFIG_FAIL_RPC), "rpcInternal");
	assert_null(config_failure_name(CONFIG_FAILURES_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),	 cmocka_unit_test(good_values),
		cmocka_unit_test(on_open),	 cmocka_unit_test(problems_in_breaker),
		cmocka_unit_test(failure_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
