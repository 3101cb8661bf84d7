/* SPDX-License-Identifier: MIT */
/*
 * The gate's part of a configuration: what its texts, lists of mappings and defaults
 * become, and word for word what is wrong with one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "config/config.h"
#include "config_fixture.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define IN_GATE	   "gate: {listen: [localhost:1], upstream: http://localhost:2, "
#define AT_HEAD	   59 /* the column behind IN_GATE */
#define TIME_RANGE "it must be a time from 1 to 1d, in ms or with a unit (ms, s, m, h, d)"
#define ROUTE_ALLOWS \
	"a path such as /mcp, or the beginning of one such as /api/*, of up to 200 bytes"

static void defaults(void **state)
{
	struct config *c = config_fixture(IN_GATE "}");
	const struct config_gate *g = &c->gate;

	(void)state;
	assert_true(g->enabled && g->x_forwarded_for && g->via);
	assert_false(g->forwarded || g->inband || g->null_id);
	assert_int_equal(g->workers, 0);
	assert_int_equal(g->max_request_line, 8192);
	assert_int_equal(g->max_headers, 100);
	assert_int_equal(g->max_header_bytes, 16384);
	assert_int_equal(g->max_body_bytes, 16777216);
	assert_int_equal(g->max_decision_bytes, 65536);
	assert_int_equal(g->header_timeout_ms, 10000);
	assert_int_equal(g->idle_timeout_ms, 75000);
	assert_int_equal(g->min_body_rate, 256);
	assert_int_equal(g->max_connections, 16384);
	assert_int_equal(g->max_connections_per_client, 0);
	assert_int_equal(g->max_streams, 1000);
	assert_int_equal(g->max_batch, 50);
	assert_int_equal(g->connect_timeout_ms, 5000);
	assert_int_equal(g->upstream_idle_ms, 4000);
	assert_int_equal(g->drain_ms, 30000);
	assert_int_equal(g->client_id, CONFIG_ID_PEER);
	assert_int_equal(g->proxy_protocol.count + g->trusted_proxies.count, 0);
	assert_int_equal(g->routes.count, 1);
	assert_string_equal(g->routes.items[0].name, "/health");
	assert_true(g->routes.items[0].exclude);
	assert_int_equal(g->methods.count + g->weight_count, 0);
	assert_int_equal(g->handshake.rate_milli, 5000);
	assert_int_equal(g->handshake.burst, 10);
	assert_true(g->handshake.tau == 2000000000ull << HATAGO_TIME_SHIFT);
	for (int i = 0; i < CONFIG_REFUSALS; i++)
		assert_null(g->templates[i]);
	for (int i = 0; i < CONFIG_HOOKS; i++)
		assert_true(!c->hooks[i].command[0] && !c->hooks[i].socket);
	config_free(c);
}

static void whole_gate(void **state)
{
	struct config *c = config_fixture(
		"gate:\n"
		"  listen: [0.0.0.0:8080, \"[::]:8080\", \"unix:/run/gate.sock\", localhost:0]\n"
		"  upstream: [http://127.0.0.1:8787, \"http://[::1]:1\", \"unix:/run/mcp.sock\"]\n"
		"  maxBodyBytes: 1099511627776\n"
		"  drainTimeout: 0\n"
		"  proxyProtocol: [192.0.2.2, 192.0.2.1, 192.0.2.2]\n"
		"  trustedProxies: [10.0.0.0/8]\n"
		"  clientId: X-Real-IP\n"
		"  routes:\n"
		"    - path: /mcp\n"
		"      maxConcurrent: 3\n"
		"    - {path: /a%20b/*, cost: 7, burstCapacity: 20, tokensPerSecond: 0.5}\n"
		"  exclude: [/up]\n"
		"  methods: [{method: tools/*}, {cost: 0, method: ping}]\n"
		"  weights: [{weight: 1000, prefix: \"2001:db8::/32\"}]\n"
		"hooks:\n"
		"  onQueueChange: {command: [/bin/sh, -c, \"cat >&2; exit 1\"], socket: /run/x}\n"
		"templates: {draining: '{\"code\": 1, \"message\": \"later\"}'}\n");
	const struct config_gate *g = &c->gate;
	const struct config_hook *hook = &c->hooks[CONFIG_ON_QUEUE_CHANGE];

	(void)state;
	assert_int_equal(g->listen_count, 4);
	assert_string_equal(g->listen[2], "unix:/run/gate.sock");
	assert_int_equal(g->upstream_count, 3);
	assert_string_equal(g->upstream[1], "http://[::1]:1");
	assert_true(g->max_body_bytes == 1ull << 40);
	assert_int_equal(g->drain_ms, 0);
	assert_int_equal(g->proxy_protocol.count, 2);
	assert_int_equal(g->trusted_proxies.count, 1);
	assert_int_equal(g->client_id, CONFIG_ID_HEADER);
	assert_string_equal(g->client_id_header, "X-Real-IP");
	assert_int_equal(g->routes.count, 3);
	assert_int_equal(g->routes.items[0].max_concurrent, 3);
	assert_int_equal(g->routes.items[0].cost, 1);
	assert_false(g->routes.items[0].has_limit || g->routes.items[0].exclude);
	assert_string_equal(g->routes.items[1].name, "/a%20b/*");
	assert_true(g->routes.items[1].has_limit);
	assert_int_equal(g->routes.items[1].cost, 7);
	assert_int_equal(g->routes.items[1].max_concurrent, 0);
	assert_true(g->routes.items[1].limit.tau == 40000000000ull << HATAGO_TIME_SHIFT);
	assert_string_equal(g->routes.items[2].name, "/up");
	assert_true(g->routes.items[2].exclude);
	assert_int_equal(g->methods.count, 2);
	assert_int_equal(g->methods.items[1].cost, 0);
	assert_int_equal(g->weights[0].weight, 1000);
	assert_int_equal(g->weights[0].prefix.length, 32);
	assert_string_equal(hook->command[2], "cat >&2; exit 1");
	assert_null(hook->command[3]);
	assert_string_equal(hook->socket, "/run/x");
	assert_non_null(g->templates[CONFIG_REFUSED_DRAINING]);
	config_free(c);
}

/* What other keys decide, and what a text means. */
static void good_values(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		int64_t value;
	} rows[] = {
#define AT(field) offsetof(struct config, field)
		{"timeout: 7s", AT(concurrency.queue_timeout_ms), 7000},
		{"{requestTimeout: 1s, timeout: 7s}", AT(concurrency.queue_timeout_ms), 7000},
		{"{requestTimeout: 1s, timeout: 7s}", AT(concurrency.request_timeout_ms), 1000},
		{"{requestTimeout: 1s, timeout: 7s}", AT(concurrency.timeout_ms), 7000},
		{"errorCode: 2147483647", AT(gate.error_code), INT32_MAX},
		{"errorCode: -2147483648", AT(gate.error_code), INT32_MIN},
		{"errorCode: 0", AT(gate.error_code), 0},
		{IN_GATE "clientId: X-FORWARDED-FOR, trustedProxies: [127.0.0.1]}",
		 AT(gate.client_id), CONFIG_ID_FORWARDED_FOR},
		{IN_GATE "clientId: peer}", AT(gate.client_id), CONFIG_ID_PEER},
		{"hooks: {metricsInterval: 100}", AT(hooks_metrics_ms), 100},
		{"edge: {escalate: {after: 0}}", AT(escalate.after), 0},
		{"edge: {escalate: {window: 1m}}", AT(escalate.window_ms), 60000},
		{"hooks: {}", AT(hooks_metrics_ms), 10000},
#undef AT
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c = config_fixture(rows[i].text);
		int32_t value;

		memcpy(&value, (char *)c + rows[i].offset, sizeof(value));
		if (value != rows[i].value)
			fail_msg("%s gave %d", rows[i].text, value);
		config_free(c);
	}
}

/* Which options are without effect, and why. */
static void without_effect(void **state)
{
	static const struct {
		const char *text;
		bool gate;
	} rows[] = {
		{IN_GATE "}", false},
		{"edge: {}", false},
		{"queueTimeout: 1s", true},
		{"edge: {escalate: {}}", true},
		{"hooks: {}", true},
		{"hooks: {onMetrics: {}}", true},
		{"hooks: {onCircuitOpen: {}}", true},
		{"hooks: {onStateChange: {}}", true},
		{"circuitBreaker: {}", true},
		{"circuitBreaker: {enabled: false}", true},
		{"adaptive: {enabled: true, psi: {cpu: {some: 0}}}", false},
		{"adaptive: {responseTimeThreshold: 1s}", true},
		{"adaptive: {minConcurrent: 2}", true},
		{"templates: {circuitBreaker: \"\"}", true},
		{"templates: {rateLimit: \"\"}", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c = config_fixture(rows[i].text);

		if (c->gate_options_given != rows[i].gate)
			fail_msg("%s", rows[i].text);
		config_free(c);
	}
}

/* One problem each, of a key in the gate; the column is counted from behind IN_GATE. */
static void problems_in_gate(void **state)
{
	static const struct {
		const char *text;
		int column;
		const char *problem;
	} rows[] = {
		{"maxHeaders: 7", 12,
		 "gate.maxHeaders: '7' is not allowed; it must be a whole number from 8 to 128"},
		{"maxBodyBytes: 1099511627777", 14,
		 "gate.maxBodyBytes: '1099511627777' is not allowed; it must be a whole number "
		 "from 0 to 1099511627776"},
		{"workers: 257", 9,
		 "gate.workers: '257' is not allowed; it must be a whole number from 0 to 256"},
		{"idleTimeout: 0", 13, "gate.idleTimeout: '0' is not allowed; " TIME_RANGE},
		{"handshake: {burstCapacity: 4}", 27,
		 "gate.handshake.burstCapacity: '4' is not allowed; it must be a whole number from "
		 "5 to 1000000000000"},
		{"handshake: {burstCapacity: 12960001}", 12,
		 "gate.handshake.burstCapacity: filling the bucket would take longer than 30 days; "
		 "at this tokensPerSecond it may hold up to 12960000"},
		{"clientId: x-forwarded-for", 0,
		 "gate.clientId: a header is believed only from gate.trustedProxies, which is "
		 "empty; list the proxies there, or write peer"},
		{"clientId: \"a b\"", 10,
		 "gate.clientId: 'a b' is not allowed; it must be peer, x-forwarded-for or the "
		 "name of a header"},
		{"exclude: [health]", 10,
		 "gate.exclude: 'health' is not allowed; an item must be a path such as /health, "
		 "or the beginning of one such as /static/*"},
		{"exclude: [/a*b]", 10,
		 "gate.exclude: '/a*b' is not allowed; an item must be a path such as /health, "
		 "or the beginning of one such as /static/*"},
		{"exclude: [/a, /a]", 14, "gate.exclude: /a is listed twice; keep one"},
		{"exclude: [/a], routes: [{path: /a}]", 24,
		 "gate.routes: /a is in gate.exclude as well; keep one of them"},
		{"routes: [{path: /a}], exclude: [/a]", 32,
		 "gate.exclude: /a is in gate.routes as well; keep one of them"},
		{"routes: {path: /a}", 8,
		 "gate.routes: is a mapping; it must be a list of up to 64 mappings of path, cost, "
		 "maxConcurrent, tokensPerSecond and burstCapacity"},
		{"routes: [/a]", 9,
		 "gate.routes: an item is a single value; it must be a mapping of keys to values"},
		{"routes: [~]", 9,
		 "gate.routes: an item has no value; it must be a mapping of keys to values"},
		{"routes: [{cost: 1}]", 9,
		 "gate.routes.path: is missing; it must be " ROUTE_ALLOWS},
		{"routes: [{path: a}]", 16,
		 "gate.routes.path: 'a' is not allowed; it must be " ROUTE_ALLOWS},
		{"routes: [{path: /a?b}]", 16,
		 "gate.routes.path: '/a?b' is not allowed; it must be " ROUTE_ALLOWS},
		{"routes: [{path: /a, path: /b}]", 20,
		 "gate.routes.path: is there twice, first in line 1; keep one"},
		{"routes: [{path: /a}, {path: /a, cost: 2}]", 21,
		 "gate.routes: /a is listed twice; keep one"},
		{"routes: [{path: /a, costs: 1}]", 20,
		 "gate.routes.costs: is an unknown key; did you mean cost?"},
		{"routes: [{path: /a, cost: 1000001}]", 26,
		 "gate.routes.cost: '1000001' is not allowed; it must be a whole number from 0 to "
		 "1000000"},
		{"routes: [{path: /a, cost: 21}]", 0,
		 "gate.routes: /a costs 21, which the bucket of requests never holds; lower cost, "
		 "or raise rateLimiting.burstCapacity (20)"},
		{"routes: [{path: /a, tokensPerSecond: 1}]", 20,
		 "gate.routes.burstCapacity: is missing; a bucket has tokensPerSecond and "
		 "burstCapacity"},
		{"routes: [{path: /a, burstCapacity: 1}]", 20,
		 "gate.routes.tokensPerSecond: is missing; a bucket has tokensPerSecond and "
		 "burstCapacity"},
		{"routes: [{path: /a, tokensPerSecond: 1, burstCapacity: 2592001}]", 40,
		 "gate.routes.burstCapacity: filling the bucket would take longer than 30 days; at "
		 "this tokensPerSecond it may hold up to 2592000"},
		{"methods: [{method: \"a b\"}]", 19,
		 "gate.methods.method: 'a b' is not allowed; it must be a method such as "
		 "tools/call, or the beginning of one such as resources/*, of up to 128 bytes"},
		{"methods: [{path: /a, method: x}]", 11,
		 "gate.methods.path: is an unknown key; did you mean gate.routes.path?"},
		{"weights: [{prefix: 192.0.2.1}]", 10,
		 "gate.weights.weight: is missing; it must be a whole number from 1 to 1000"},
		{"weights: [{weight: 1}]", 10,
		 "gate.weights.prefix: is missing; it must be an address or a prefix such as "
		 "192.0.2.0/24"},
		{"weights: [{prefix: 192.0.2.1/24, weight: 1}]", 19,
		 "gate.weights.prefix: 192.0.2.1/24 has bits set beyond its length; that prefix is "
		 "192.0.2.0/24"},
		{"weights: [{prefix: 192.0.2.1, weight: 1}, {weight: 2, prefix: 192.0.2.1}]", 42,
		 "gate.weights: 192.0.2.1 is listed twice; keep one"},
		{"weights: [{prefix: a, weight: 1}, {weight: 2, prefix: 192.0.2.1}]", 19,
		 "gate.weights.prefix: 'a' is no address or prefix; such as 192.0.2.1, "
		 "192.0.2.0/24, 2001:db8::/48"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_problems problems = {0};
		struct config *config = NULL;
		char text[512], expected[512];
		int column = rows[i].column + (int)sizeof(IN_GATE);

		snprintf(text, sizeof(text), IN_GATE "%s}", rows[i].text);
		snprintf(expected, sizeof(expected), "f:1:%d: %s", column, rows[i].problem);
		if (config_parse(text, strlen(text), "f", &config, &problems) != -EINVAL)
			fail_msg("%s was taken", text);
		if (problems.count != 1 || strcmp(problems.lines[0], expected) != 0)
			fail_msg("%s\ngave %zu, %s\nnot     %s", text, problems.count,
				 problems.lines[0], expected);
		config_problems_done(&problems);
	}
}

#define LISTENS "a list of up to 16 of ADDRESS:PORT such as 127.0.0.1:8080, or unix:/PATH"
#define LISTENS_AT \
	"ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, localhost:PORT, or unix:/PATH"
#define ASKS                                                                                 \
	"http://ADDRESS:PORT such as http://127.0.0.1:8787, or unix:/PATH, or a list of up " \
	"to 16 of them"
#define ASKS_AT                                                                    \
	"http://ADDRESS:PORT such as http://127.0.0.1:8787 or http://[::1]:8787, " \
	"http://localhost:PORT, or unix:/PATH"

static void problems_of_texts(void **state)
{
	static const struct {
		const char *text, *first; /* the first problem */
		size_t count;
	} rows[] = {
		{"gate: {}", "f:1:1: gate.listen: is missing; it must be " LISTENS, 2},
		{"gate: {listen: [], upstream: []}",
		 "f:1:8: gate.listen: is empty; it must be " LISTENS, 2},
		{"gate: {listen: [localhost:1]}",
		 "f:1:1: gate.upstream: is missing; it must be " ASKS, 1},
		{"gate: {listen: localhost:1, upstream: \"unix:/a\"}",
		 "f:1:16: gate.listen: is a single value; it must be " LISTENS, 1},
		{"gate: {listen: [example.org:1], upstream: \"unix:/a\"}",
		 "f:1:17: gate.listen: 'example.org:1' is not allowed; an item must be " LISTENS_AT,
		 1},
		{"gate: {listen: [\"::1:1\"], upstream: \"unix:/a\"}",
		 "f:1:17: gate.listen: '::1:1' is not allowed; an item must be " LISTENS_AT, 1},
		{"gate: {listen: [127.0.0.1:65536], upstream: \"unix:/a\"}",
		 "f:1:17: gate.listen: '127.0.0.1:65536' is not allowed; an item must "
		 "be " LISTENS_AT,
		 1},
		{"gate: {listen: [\"unix:a\"], upstream: \"unix:/a\"}",
		 "f:1:17: gate.listen: 'unix:a' is not allowed; an item must be " LISTENS_AT, 1},
		{"gate: {listen: [localhost:1, localhost:1], upstream: \"unix:/a\"}",
		 "f:1:30: gate.listen: localhost:1 is listed twice; keep one", 1},
		{"gate: {listen: [127.0.0.1:9464], upstream: \"unix:/a\"}",
		 "f:1:8: gate.listen: 127.0.0.1:9464 is taken by metrics.listen; choose another",
		 1},
		{"gate: {listen: [\"unix:/run/hatago/control.sock\"], upstream: \"unix:/a\"}",
		 "f:1:8: gate.listen: unix:/run/hatago/control.sock is taken by control.socket; "
		 "choose another",
		 1},
		{"gate: {listen: [localhost:1], upstream: localhost:2}",
		 "f:1:41: gate.upstream: 'localhost:2' is not allowed; an item must be " ASKS_AT,
		 1},
		{"gate: {listen: [localhost:1], upstream: http://localhost:0}",
		 "f:1:41: gate.upstream: 'http://localhost:0' is not allowed; an item must "
		 "be " ASKS_AT,
		 1},
		{"gate: {listen: [localhost:1], upstream: http://localhost:2/mcp}",
		 "f:1:41: gate.upstream: 'http://localhost:2/mcp' is not allowed; an item must "
		 "be " ASKS_AT,
		 1},
		{"gate: {listen: [localhost:1], upstream: https://localhost:2}",
		 "f:1:41: gate.upstream: 'https://localhost:2' is not allowed; an item must "
		 "be " ASKS_AT,
		 1},
		{"gate: {listen: [localhost:1], upstream: {a: b}}",
		 "f:1:41: gate.upstream: is a mapping; it must be " ASKS, 1},
		{"rejectStyle: 200",
		 "f:1:14: rejectStyle: '200' is not allowed; it must be status or inband", 1},
		{"errorCode: 2147483648",
		 "f:1:12: errorCode: '2147483648' is not allowed; it must be a whole number from "
		 "-2147483648 to 2147483647",
		 1},
		{"errorCode: -2147483649", "f:1:12: errorCode: '-2147483649' is not allowed", 1},
		{"errorCode: -0", "f:1:12: errorCode: '-0' is not allowed", 1},
		{"errorCode: \"1\"", "f:1:12: errorCode: '1' is in quotes", 1},
		{"templates: {rateLimit: {code: 1}}",
		 "f:1:24: templates.rateLimit: is a mapping; it must be text in quotes, of up to "
		 "2048 bytes: a JSON object with code and message",
		 1},
		{"templates: {rateLimit: '[]'}",
		 "f:1:24: templates.rateLimit: the template is refused: ", 1},
		{"hooks: {onMetrics: {socket: x}}",
		 "f:1:29: hooks.onMetrics.socket: 'x' is not allowed; it must be a path from / on, "
		 "of up to 107 bytes, without blanks",
		 1},
		{"hooks: {onMetrics: {command: sh}}",
		 "f:1:30: hooks.onMetrics.command: is a single value; it must be a list of up to "
		 "32 words, a program and its arguments",
		 1},
		{"hooks: {onMetrics: {command: [\"\"]}}",
		 "f:1:31: hooks.onMetrics.command: '' is not allowed; an item must be a word of up "
		 "to 2048 bytes",
		 1},
		{"hooks: {onMetrics: {command: [a, \"\\L\"]}}",
		 "f:1:34: hooks.onMetrics.command: '\xe2\x80\xa8' is not allowed", 1},
		{"hooks: {metricsInterval: 99}",
		 "f:1:26: hooks.metricsInterval: '99' is not allowed; it must be a time from 100 "
		 "to 1d",
		 1},
		{"edge: {escalate: {window: 0}}",
		 "f:1:27: edge.escalate.window: '0' is not allowed; " TIME_RANGE, 1},
		/* broken off within an item */
		{"gate: {routes: [{path: /a, cost: x", "f:1:34: gate.routes.cost: 'x' is", 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_problems problems = {0};
		struct config *config = NULL;

		if (config_parse(rows[i].text, strlen(rows[i].text), "f", &config, &problems) !=
		    -EINVAL)
			fail_msg("%s was taken", rows[i].text);
		if (problems.count != rows[i].count ||
		    strncmp(problems.lines[0], rows[i].first, strlen(rows[i].first)) != 0)
			fail_msg("%s\ngave %zu, %s\nnot     %s", rows[i].text, problems.count,
				 problems.lines[0], rows[i].first);
		config_problems_done(&problems);
	}
}

/* Items of one list, from `begin`, each written by `format` with its number, then `end`. */
static void bounds_of_items(void **state)
{
	static const struct {
		const char *begin, *format, *end;
		unsigned int count;
		const char *problem; /* NULL: none */
	} rows[] = {
		{"gate: {exclude: [/b], routes: [", "{path: /a%u},", "]", 63, NULL},
		{"gate: {exclude: [], routes: [", "{path: /a%u},", "]", 64, NULL},
		{"gate: {routes: [", "{path: /a%u},", "]", 63, NULL},
		{"gate: {routes: [", "{path: /a%u},", "]", 64,
		 "gate.exclude: is too long; gate.exclude and gate.routes may have 64 entries "
		 "together"},
		{"gate: {exclude: [/b], routes: [", "{path: /a%u},", "]", 64,
		 "gate.routes: is too long; gate.exclude and gate.routes may have 64 entries "
		 "together"},
		{"gate: {exclude: [], routes: [", "{path: /a%u},", "]", 66,
		 "gate.routes: the list is too long; it may have 64 entries"},
		{"gate: {methods: [", "{method: a%u},", "]", 64, NULL},
		{"gate: {methods: [", "{method: a%u},", "]", 65,
		 "gate.methods: the list is too long; it may have 64 entries"},
		{"gate: {weights: [", "{weight: 1, prefix: 10.0.0.%u},", "]", 256, NULL},
		{"gate: {weights: [{weight: 2, prefix: 10.0.1.1},",
		 "{weight: 1, prefix: 10.0.0.%u},", "]", 256,
		 "gate.weights: the list is too long; it may have 256 entries"},
		{"hooks: {onMetrics: {command: [", "a%u,", "]}}\n", 32, NULL},
		{"hooks: {onMetrics: {command: [", "a%u,", "]}}\n", 33,
		 "hooks.onMetrics.command: the list is too long; it may have 32 entries"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_problems problems = {0};
		struct config *config = NULL;
		char *text = NULL;
		size_t length;
		FILE *file = open_memstream(&text, &length);
		int r;

		assert_non_null(file);
		fputs(rows[i].begin, file);
		for (unsigned int n = 0; n < rows[i].count; n++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* it stands above */
			fprintf(file, rows[i].format, n);
#pragma GCC diagnostic pop
		}
		fputs(rows[i].end, file);
		if (rows[i].begin[0] == 'g')
			fputs(", listen: [localhost:1], upstream: http://localhost:2}\n", file);
		fclose(file);
		r = config_parse(text, length, "f", &config, &problems);
		if (r != (rows[i].problem ? -EINVAL : 0))
			fail_msg("%zu: %s", i, problems.count ? problems.lines[0] : "taken");
		if (rows[i].problem &&
		    (problems.count != 1 || !strstr(problems.lines[0], rows[i].problem)))
			fail_msg("%zu: %s", i, problems.lines[0]);
		config_free(config);
		config_problems_done(&problems);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),	    cmocka_unit_test(whole_gate),
		cmocka_unit_test(good_values),	    cmocka_unit_test(without_effect),
		cmocka_unit_test(problems_in_gate), cmocka_unit_test(problems_of_texts),
		cmocka_unit_test(bounds_of_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
