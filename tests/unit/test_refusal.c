/* SPDX-License-Identifier: MIT */
/* Refusals byte for byte, templates good and bad, header fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "core/refusal.h"
#include "core/rpc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TIME_NS	 1737023700000000000ULL /* 2025-01-16T10:35:00Z */

/* The values of the seed document, and ours for the kinds that it lacks. */
static const struct refusal seed = {
	.retry_after_s = 30,
	.limit = 10,
	.reset_ns = TIME_NS,
	.queue_position = 15,
	.estimated_wait_ms = 5000,
	.waited_ms = 30000,
	.max_concurrent = 10,
	.current = 9,
	.state = "open",
	.next_check_ns = TIME_NS,
};

#define SEED_RATE                                                                                 \
	"{\"code\":-32000,\"message\":\"Rate limit exceeded\",\"data\":{\"type\":\"rate_limit\"," \
	"\"retryAfter\":30,\"limit\":10,\"remaining\":0,\"resetTime\":\"2025-01-16T10:35:00Z\"}}"

static void built_in(void **state)
{
	static const char *const errors[REFUSAL_KINDS] = {
		SEED_RATE,
		"{\"code\":-32000,\"message\":\"Server overloaded\",\"data\":{\"type\":"
		"\"concurrency_limit\",\"queuePosition\":15,\"estimatedWait\":5000,"
		"\"maxConcurrent\":10,\"current\":9}}",
		"{\"code\":-32000,\"message\":\"Service temporarily "
		"unavailable\",\"data\":{\"type\":"
		"\"circuit_breaker\",\"state\":\"open\",\"retryAfter\":30,"
		"\"nextCheck\":\"2025-01-16T10:35:00Z\"}}",
		"{\"code\":-32000,\"message\":\"Waited too long for a free "
		"slot\",\"data\":{\"type\":"
		"\"queue_timeout\",\"retryAfter\":30,\"waited\":30000,\"queuePosition\":15,"
		"\"maxConcurrent\":10,\"current\":9}}",
		"{\"code\":-32000,\"message\":\"Server is shutting down\",\"data\":{\"type\":"
		"\"draining\",\"retryAfter\":30}}",
	};
	const struct refusal_style style = {.code = -32000};
	char body[REFUSAL_BODY_MAX], expected[REFUSAL_BODY_MAX];

	(void)state;
	for (int kind = 0; kind < REFUSAL_KINDS; kind++) {
		struct refusal refusal = seed;

		refusal.kind = (enum refusal_kind)kind;
		assert_int_equal(refusal_json(&refusal, &style, body), strlen(errors[kind]));
		assert_string_equal(body, errors[kind]);
		snprintf(expected, sizeof(expected),
			 "{\"jsonrpc\":\"2.0\",\"error\":%s,\"id\":\"a\"}", errors[kind]);
		assert_int_equal(refusal_json_rpc(&refusal, &style, "\"a\"", 3, body),
				 strlen(expected));
		assert_string_equal(body, expected);
		assert_non_null(strstr(errors[kind], refusal_label(refusal.kind)));
	}
}

static void ids(void **state)
{
	static const struct {
		bool null_id;
		const char *id;
		const char *tail;
	} rows[] = {
		{false, "7", ",\"id\":7}"},   {false, "\"\\u0041\"", ",\"id\":\"\\u0041\"}"},
		{false, NULL, "}}}"},	      {false, "", "}}}"},
		{true, "7", ",\"id\":null}"}, {true, NULL, ",\"id\":null}"},
	};
	char body[REFUSAL_BODY_MAX], id[RPC_ID_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct refusal_style style = {.null_id = rows[i].null_id};
		size_t length = refusal_json_rpc(&seed, &style, rows[i].id,
						 rows[i].id ? strlen(rows[i].id) : 0, body);

		assert_string_equal(body + length - strlen(rows[i].tail), rows[i].tail);
	}
	memset(id, '7', sizeof(id));
	for (size_t length = RPC_ID_MAX; length <= RPC_ID_MAX + 1; length++) {
		refusal_json_rpc(&seed, &(struct refusal_style){0}, id, length, body);
		assert_true(!!strstr(body, "\"id\":7777") == (length == RPC_ID_MAX));
	}
}

static void limits_as_numbers(void **state)
{
	static const struct {
		double limit;
		const char *text;
	} rows[] = {
		{0, "0"},
		{0.5, "0.5"},
		{0.1, "0.1"},
		{8.25, "8.25"},
		{10, "10"},
		{1000000, "1000000"},
		{123456789012345, "123456789012345"},
		{1e15, "1e+15"},
		{1e300, "1e+300"},
		{-2, "-2"},
		{1.0 / 3, "0.3333333333333333"},
		{NAN, "0"},
		{INFINITY, "0"},
	};
	char body[REFUSAL_BODY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct refusal_style style = {.templates = {"{{limit}}"}};
		struct refusal refusal = {.limit = rows[i].limit};

		refusal_json(&refusal, &style, body);
		assert_string_equal(body, rows[i].text);
	}
}

static void templates(void **state)
{
	static const struct {
		const char *template, *expected;
	} rows[] = {
		{"{\"code\":{{code}},\"message\":\"full\"}",
		 "{\"code\":-32000,\"message\":\"full\"}"},
		{"[{{retryAfter}},{{limit}},{{remaining}},{{resetTime}},{{queuePosition}},"
		 "{{estimatedWait}},{{waited}},{{maxConcurrent}},{{current}},{{state}},{{nextCheck}"
		 "}]",
		 "[30,10,0,\"2025-01-16T10:35:00Z\",15,5000,30000,10,9,\"open\","
		 "\"2025-01-16T10:35:00Z\"]"},
		{"\"try in {{retryAfter}} s, at {{resetTime}}: {{state}}\"",
		 "\"try in 30 s, at 2025-01-16T10:35:00Z: open\""},
		{"\"\\\"{{state}}\\\\\"{{state}}", "\"\\\"open\\\\\"\"open\""},
		{"{\n\t\"a\":\r\n1}", "{  \"a\":  1}"},
		/* not to be filled in: the built-in */
		{"{\"a\":{{nothing}}}", SEED_RATE},
		{"{\"a\":{{limit}", SEED_RATE},
		{"{{limit", SEED_RATE},
		{"{{}}", SEED_RATE},
		{"{{ limit }}", SEED_RATE},
	};
	char body[REFUSAL_BODY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct refusal_style style = {.code = -32000, .templates = {rows[i].template}};

		assert_int_equal(refusal_json(&seed, &style, body), strlen(rows[i].expected));
		assert_string_equal(body, rows[i].expected);
	}
}

static void greatest_values(void **state)
{
	const struct refusal_style style = {
		.code = INT32_MIN,
		.templates = {"[{{code}},{{retryAfter}},{{current}},{{resetTime}}]"},
	};
	const struct refusal refusal = {
		.retry_after_s = UINT64_MAX,
		.current = UINT32_MAX,
		.reset_ns = UINT64_MAX,
	};
	char body[REFUSAL_BODY_MAX];

	(void)state;
	refusal_json(&refusal, &style, body);
	assert_string_equal(body,
			    "[-2147483648,9007199254740991,4294967295,\"2554-07-21T23:34:33Z\"]");
}

/* A template that fits, but whose outcome may not. */
static void outcome_too_long(void **state)
{
	char template[REFUSAL_TEMPLATE_MAX + 1] = "{\"code\":1,\"message\":\"",
					     body[REFUSAL_BODY_MAX];
	struct refusal_style style = {.code = -32000, .templates = {template}};
	struct refusal refusal = seed;

	(void)state;
	for (size_t n = strlen(template); n < REFUSAL_TEMPLATE_MAX - 12; n = strlen(template))
		snprintf(template + n, sizeof(template) - n, "{{state}}");
	snprintf(template + strlen(template), 3, "\"}");
	assert_null(refusal_template_problem(template));
	refusal_json(&refusal, &style, body);
	assert_non_null(strstr(body, "openopenopen"));
	refusal.state = "half-open\"\\\n\xff and much, much longer than anything";
	refusal_json(&refusal, &style, body);
	assert_string_equal(body, SEED_RATE);
}

static void strange_state(void **state)
{
	static const struct {
		const char *state, *text;
	} rows[] = {
		{NULL, "\"\""},
		{"half-open", "\"half-open\""},
		{"a\"\\\n\xff", "\"a????\""},
		{"0123456789012345678901234567890123456789",
		 "\"01234567890123456789012345678901\""},
	};
	char body[REFUSAL_BODY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct refusal_style style = {.templates = {"{{state}}"}};

		refusal_json(&(struct refusal){.state = rows[i].state}, &style, body);
		assert_string_equal(body, rows[i].text);
	}
}

static void template_problems(void **state)
{
	static const struct {
		const char *template, *problem; /* a part of it */
	} rows[] = {
		{"{\"code\":-32000,\"message\":\"a\"}", NULL},
		{" {\"code\": {{code}}, \"message\": \"{{state}} {{limit}}\", \"data\": "
		 "[{{limit}}]}\n",
		 NULL},
		{"{\"code\":1,\"message\":\"a\",\"{{state}}\":1}", NULL},
		{"{\"code\":1,\"message\":{{state}}}", NULL},
		{"{\"code\":1,\"message\":\"\\u0041{{code}}\\\\\"}", NULL},
		{"", "not JSON"},
		{"code", "not JSON"},
		{"{\"code\":1,\"message\":\"a\"", "not JSON"},
		{"{\"code\":1,\"message\":\"a\"}x", "not JSON"},
		{"{\"code\":1,\"code\":2,\"message\":\"a\"}", "not JSON"},
		{
			"[1]",
			"no",
		},
		{"{\"message\":\"a\"}", "code"},
		{"{\"code\":\"1\",\"message\":\"a\"}", "code"},
		{"{\"code\":\"{{code}}\",\"message\":\"a\"}", "code"},
		{"{\"code\":1.5,\"message\":\"a\"}", "code"},
		{"{\"code\":1}", "message"},
		{"{\"code\":1,\"message\":{{limit}}}", "message"},
		{"{\"code\":1,\"message\":\"{{nothing}}\"}", "placeholder"},
		{"{\"code\":1,\"message\":\"{{limit\"}", "placeholder"},
		{"{{\"code\":1,\"message\":\"a\"}}", "placeholder"},
		/* right with some values only */
		{"{\"code\":1{{limit}},\"message\":\"a\"}", "placeholder"},
		{"{\"code\":-{{limit}},\"message\":\"a\"}", "placeholder"},
		{"{\"code\":{{limit}}{{remaining}},\"message\":\"a\"}", "placeholder"},
		{"{\"code\":{{limit}}0,\"message\":\"a\"}", "placeholder"},
		{"{\"code\":1,\"message\":\"\\u00{{limit}}\"}", "not JSON"},
		{"{\"code\":1,\"message\":\"\\u{{limit}}0000\"}", "not JSON"},
		{"{\"code\":1,\"message\":\"\\{{state}}\"}", "not JSON"},
	};
	char longer[REFUSAL_TEMPLATE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *problem = refusal_template_problem(rows[i].template);

		if (!problem != !rows[i].problem || (problem && !strstr(problem, rows[i].problem)))
			fail_msg("%s: %s", rows[i].template, problem);
	}
	memset(longer, ' ', sizeof(longer));
	memcpy(longer, "{\"code\":1,\"message\":\"a\"}", 24);
	longer[REFUSAL_TEMPLATE_MAX] = '\0';
	assert_null(refusal_template_problem(longer));
	longer[REFUSAL_TEMPLATE_MAX] = ' ';
	longer[REFUSAL_TEMPLATE_MAX + 1] = '\0';
	assert_string_equal(refusal_template_problem(longer), "is too long");
}

static void fields(void **state)
{
	static const struct {
		struct refusal refusal;
		uint64_t burst, window_s;
		const char *expected;
	} rows[] = {
		{{.kind = REFUSAL_RATE, .retry_after_s = 2, .limit = 10},
		 20,
		 2,
		 "Retry-After: 2\r\nRateLimit: \"requests\";r=0;t=2\r\n"
		 "RateLimit-Policy: \"requests\";q=20;w=2\r\n"},
		{{.kind = REFUSAL_CONCURRENCY, .retry_after_s = 5, .limit = 0.5, .remaining = 7},
		 20,
		 0,
		 "Retry-After: 5\r\nRateLimit: \"requests\";r=7;t=5\r\n"
		 "RateLimit-Policy: \"requests\";q=20\r\n"},
		{{.kind = REFUSAL_BREAKER, .retry_after_s = 60}, 20, 2, "Retry-After: 60\r\n"},
		{{.kind = REFUSAL_DRAINING}, 0, 0, "Retry-After: 0\r\n"},
		{{.retry_after_s = UINT64_MAX, .limit = 1e300, .remaining = UINT64_MAX},
		 UINT64_MAX,
		 UINT64_MAX,
		 "Retry-After: 999999999999999\r\nRateLimit: \"requests\";r=999999999999999;"
		 "t=999999999999999\r\nRateLimit-Policy: \"requests\";q=999999999999999;"
		 "w=999999999999999\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t size = 0; size <= REFUSAL_FIELDS_MAX; size++) {
			size_t full = strlen(rows[i].expected);
			char to[REFUSAL_FIELDS_MAX + 1];
			size_t length;

			memset(to, 0x55, sizeof(to));
			length = refusal_fields(&rows[i].refusal, rows[i].burst, rows[i].window_s,
						to, size);
			assert_int_equal(length, size > full ? full : 0);
			assert_int_equal(to[size], 0x55);
			if (size)
				assert_string_equal(to, length ? rows[i].expected : "");
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in),
		cmocka_unit_test(ids),
		cmocka_unit_test(limits_as_numbers),
		cmocka_unit_test(templates),
		cmocka_unit_test(greatest_values),
		cmocka_unit_test(outcome_too_long),
		cmocka_unit_test(strange_state),
		cmocka_unit_test(template_problems),
		cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
