// SPDX-License-Identifier: MIT
/*
 * The configuration as the gate's workers use it, from YAML: which class a name is of, how
 * much a client weighs, whom a list covers, what the breaker and adaptation go by, and that all
 * of it is a copy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/parts.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MS	 1000000ULL
#define GATE	 "gate:\n  listen: [localhost:1]\n  upstream: [http://localhost:2]\n"

/* The configuration is gone when the settings are used. */
static struct settings *settings_from(const char *text)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct settings *settings = NULL;

	if (config_parse(text, strlen(text), "f", &config, &problems) != 0)
		fail_msg("%s\n%s", text, problems.count ? problems.lines[0] : "no words");
	assert_int_equal(settings_new(config, &settings), 0);
	for (size_t i = 0; i < config->gate.routes.count; i++)
		memset(config->gate.routes.items[i].name, '!',
		       strlen(config->gate.routes.items[i].name));
	config_free(config);
	return settings;
}

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	else
		address.ss_family = AF_UNIX;
	return address;
}

static void test_class_of_path(void **state)
{
	static const struct {
		const char *path, *class; /* NULL: none; without the '*' */
	} rows[] = {
		{"/mcp", "/mcp"},
		{"/mcp/", NULL},
		{"/mc", NULL},
		{"/mcpx", NULL},
		{"/MCP", NULL},
		{"", NULL},
		{"/", NULL},
		{"/api", NULL},
		{"/api/", "/api/*"},
		{"/api/x", "/api/*"},
		{"/api/v", "/api/*"},
		{"/api/v1", "/api/v1*"},
		{"/api/v1/x", "/api/v1*"},
		{"/api/v1/fast", "/api/v1/fast"}, /* the very name goes before a beginning */
		{"/api/v1/fast/", "/api/v1*"},
		{"/up", "/up"},
	};
	struct settings *s = settings_from(
		GATE "  exclude: [/up]\n"
		     "  routes: [{path: /api/*}, {path: /api/v1/fast}, {path: /api/v1*}, "
		     "{path: /mcp}]\n");

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct setting_class *class = settings_class(
			s->routes, s->route_count, rows[i].path, strlen(rows[i].path));

		if (!class != !rows[i].class || (class && strcmp(class->name, rows[i].class) != 0))
			fail_msg("%s is of %s", rows[i].path, class ? class->name : "none");
	}
	/* no further than its length */
	assert_string_equal(settings_class(s->routes, s->route_count, "/mcp?x=/api", 4)->name,
			    "/mcp");
	assert_null(settings_class(s->routes, 0, "/mcp", 4));
	assert_null(settings_class(s->methods, s->method_count, "/mcp", 4));
	settings_drop(s);
}

static void test_class_of_method(void **state)
{
	static const struct {
		const char *method, *class;
	} rows[] = {
		{"tools/call", "tools/call"},
		{"tools/list", "tools/*"},
		{"tools/", "tools/*"},
		{"tools", NULL},
		{"ping", "ping"},
		{"pings", NULL},
	};
	struct settings *s = settings_from(
		GATE "  routes: [{path: /a, maxConcurrent: 3}]\n"
		     "  methods:\n"
		     "  - {method: tools/*, cost: 2}\n"
		     "  - {method: tools/call, cost: 7, maxConcurrent: 5, tokensPerSecond: 2, "
		     "burstCapacity: 9}\n"
		     "  - {method: ping, cost: 0}\n");
	const struct setting_class *call;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct setting_class *class = settings_class(
			s->methods, s->method_count, rows[i].method, strlen(rows[i].method));

		if (!class != !rows[i].class || (class && strcmp(class->name, rows[i].class) != 0))
			fail_msg("%s is of %s", rows[i].method, class ? class->name : "none");
	}
	call = settings_class(s->methods, s->method_count, "tools/call", 10);
	assert_true(call->has_limit && !call->exclude && !call->is_beginning);
	assert_int_equal(call->cost, 7);
	assert_int_equal(call->limit.burst, 9);
	assert_int_equal(call->limit.rate_milli, 2000);
	assert_int_equal(s->admission.class_max[call->id], 5);
	assert_int_equal(s->dearest, 7);
	settings_drop(s);
}

/* Every class has a number of its own, which admission has room for; 0 is nobody's. */
static void test_class_ids(void **state)
{
	char text[16384] = GATE "  exclude: []\n  routes:\n";
	bool taken[ADMISSION_CLASSES_MAX] = {true};
	struct settings *s;
	size_t n = strlen(text);

	(void)state;
	for (int i = 0; i < CONFIG_CLASSES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "  - {path: /%d, maxConcurrent: %d}\n", i, i + 1);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "  methods:\n");
	for (int i = 0; i < CONFIG_CLASSES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "  - {method: m%d, maxConcurrent: %d}\n", i, i + 101);
	s = settings_from(text);
	assert_int_equal(s->route_count, CONFIG_CLASSES_MAX);
	assert_int_equal(s->method_count, CONFIG_CLASSES_MAX);
	for (size_t i = 0; i < CONFIG_CLASSES_MAX; i++) {
		assert_in_range(s->routes[i].id, 1, ADMISSION_CLASSES_MAX - 1);
		assert_in_range(s->methods[i].id, 1, ADMISSION_CLASSES_MAX - 1);
		assert_false(taken[s->routes[i].id] || taken[s->methods[i].id]);
		taken[s->routes[i].id] = taken[s->methods[i].id] = true;
		assert_int_equal(s->admission.class_max[s->routes[i].id],
				 atoi(s->routes[i].name + 1) + 1);
		assert_int_equal(s->admission.class_max[s->methods[i].id],
				 atoi(s->methods[i].name + 1) + 101);
	}
	assert_int_equal(s->admission.class_max[0], 0);
	settings_drop(s);
}

static void test_weights(void **state)
{
	static const struct {
		const char *address;
		uint32_t weight;
	} rows[] = {
		{"192.0.2.1", 2},	 {"192.0.2.7", 9},   {"192.0.3.1", 1},
		{"::ffff:192.0.2.7", 9}, {"2001:db8::1", 3}, {"2001:db8:1::1", 4},
		{"2001:db9::1", 1},	 {"no address", 1},
	};
	static const struct {
		const char *text;
		uint32_t weight;
	} whole[] = {
		{GATE, 1},
		{GATE "  weights: [{prefix: 0.0.0.0/0, weight: 6}]\n", 6},
		{GATE "  weights: [{prefix: \"2000::/3\", weight: 6}]\n", 1},
	};
	struct settings *s = settings_from(GATE "  weights:\n"
						"  - {prefix: 192.0.2.7, weight: 9}\n"
						"  - {prefix: 192.0.2.0/24, weight: 2}\n"
						"  - {prefix: \"2001:db8::/32\", weight: 3}\n"
						"  - {prefix: \"2001:db8:1::/48\", weight: 4}\n");
	struct sockaddr_storage address;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		address = address_of(rows[i].address);
		if (settings_weight(s, &address) != rows[i].weight)
			fail_msg("%s weighs %u", rows[i].address, settings_weight(s, &address));
	}
	settings_drop(s);
	address = address_of("192.0.2.7");
	for (size_t i = 0; i < COUNT(whole); i++) {
		s = settings_from(whole[i].text);
		if (settings_weight(s, &address) != whole[i].weight)
			fail_msg("%s gave %u", whole[i].text, settings_weight(s, &address));
		settings_drop(s);
	}
}

static void test_lists(void **state)
{
	static const struct {
		const char *address;
		bool proxy, trusted;
	} rows[] = {
		{"192.0.2.1", true, true},	  {"192.0.2.2", false, true},
		{"::ffff:192.0.2.1", true, true}, {"2001:db8::1", false, true},
		{"198.51.100.1", false, false},	  {"a path", false, false},
	};
	struct settings *s =
		settings_from(GATE "  proxyProtocol: [192.0.2.1]\n"
				   "  trustedProxies: [192.0.2.0/24, \"2001:db8::/32\"]\n");

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sockaddr_storage address = address_of(rows[i].address);

		if (settings_covers(s->proxy_protocol, s->proxy_protocol_count, &address) !=
			    rows[i].proxy ||
		    settings_covers(s->trusted, s->trusted_count, &address) != rows[i].trusted)
			fail_msg("%s", rows[i].address);
	}
	settings_drop(s);
}

/* What becomes of options that mean nothing without another. */
static void test_limits(void **state)
{
	static const struct {
		const char *text;
		uint32_t per_client, queue_ms, request_ms;
		bool is_limited, is_per_client;
	} rows[] = {
		{GATE, 0, 30000, 30000, true, false},
		{GATE "maxConcurrentPerClient: 3\n", 0, 30000, 30000, true, false},
		{GATE "maxConcurrentPerClient: 3\nperClientLimits: true\n", 3, 30000, 30000, true,
		 true},
		{GATE "rateLimiting: {enabled: false}\ntimeout: 5s\n", 0, 5000, 5000, false, false},
		{GATE "queueTimeout: 1s\nrequestTimeout: 2s\n", 0, 1000, 2000, true, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct settings *s = settings_from(rows[i].text);

		if (s->admission.max_concurrent_per_client != rows[i].per_client ||
		    s->timer_ms[TIMER_QUEUE] != rows[i].queue_ms ||
		    s->timer_ms[TIMER_REQUEST] != rows[i].request_ms ||
		    s->rate_is_limited != rows[i].is_limited ||
		    s->per_client != rows[i].is_per_client)
			fail_msg("%s", rows[i].text);
		for (size_t timer = 0; timer <= TIMER_UP_IDLE; timer++)
			assert_true(s->timer_ms[timer] > 0);
		settings_drop(s);
	}
}

/* Milliseconds become nanoseconds; one that is off in the file is off for the gate. */
static void test_breaker(void **state)
{
	static const struct {
		const char *keys;
		struct breaker_options options;
		bool hold;
		uint32_t fail_on;
	} rows[] = {
		{"{}",
		 {true, 5, 0.5, 10, 30000 * MS, 0, 3, 0, 0.5, 60000 * MS, 600000 * MS, 3},
		 false,
		 CONFIG_FAIL_ALL},
		{"{failureThreshold: 7, failureRateThreshold: 0.25, minimumCalls: 4, "
		 "window: 100 calls, slowCallThreshold: 2s, slowCallRateThreshold: 0.75, "
		 "recoveryTimeout: 1s, maxRecoveryTimeout: 8s, halfOpenProbes: 2, onOpen: hold, "
		 "failOn: [timeout, connect], unhealthyChecks: 9}",
		 {true, 7, 0.25, 4, 0, 100, 2, 2000 * MS, 0.75, 1000 * MS, 8000 * MS, 9},
		 true,
		 1u << CONFIG_FAIL_TIMEOUT | 1u << CONFIG_FAIL_CONNECT},
		{"{enabled: false}",
		 {false, 5, 0.5, 10, 30000 * MS, 0, 3, 0, 0.5, 60000 * MS, 600000 * MS, 3},
		 false,
		 CONFIG_FAIL_ALL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct breaker_options *is, *should = &rows[i].options;
		char text[1024];
		struct settings *s;

		snprintf(text, sizeof(text), GATE "circuitBreaker: %s\n", rows[i].keys);
		s = settings_from(text);
		is = &s->breaker;
		if (is->enabled != should->enabled ||
		    is->failure_threshold != should->failure_threshold ||
		    is->failure_rate != should->failure_rate ||
		    is->minimum_calls != should->minimum_calls ||
		    is->window_ns != should->window_ns ||
		    is->window_calls != should->window_calls ||
		    is->half_open_probes != should->half_open_probes ||
		    is->slow_call_ns != should->slow_call_ns ||
		    is->slow_call_rate != should->slow_call_rate ||
		    is->recovery_ns != should->recovery_ns ||
		    is->max_recovery_ns != should->max_recovery_ns ||
		    is->unhealthy_checks != should->unhealthy_checks ||
		    s->hold_on_open != rows[i].hold || s->fail_on != rows[i].fail_on)
			fail_msg("%s", rows[i].keys);
		settings_drop(s);
	}
}

/* Who runs without a breaker asks nothing of the upstream. */
static void test_health(void **state)
{
	static const struct {
		const char *keys, *path;
		uint32_t interval_ms, timeout_ms, status;
	} rows[] = {
		{"{}", "/health", 10000, 2000, 0},
		{"{healthCheckInterval: 3s, healthCheckPath: /up, healthCheckStatus: 204, "
		 "healthCheckTimeout: 500}",
		 "/up", 3000, 500, 204},
		{"{healthCheckInterval: 0}", "/health", 0, 2000, 0},
		{"{enabled: false, healthCheckInterval: 3s}", "/health", 0, 2000, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[1024];
		struct settings *s;

		snprintf(text, sizeof(text), GATE "circuitBreaker: %s\n", rows[i].keys);
		s = settings_from(text);
		if (s->health_interval_ms != rows[i].interval_ms ||
		    s->health_status != rows[i].status ||
		    s->timer_ms[TIMER_CHECK] != rows[i].timeout_ms ||
		    strcmp(s->health_path, rows[i].path) != 0)
			fail_msg("%s", rows[i].keys);
		settings_drop(s);
	}
}

static void test_adaptation(void **state)
{
	static const struct {
		const char *keys;
		bool is_on;
		uint32_t min, max;
		uint64_t trust_ns;
	} rows[] = {
		{"maxConcurrent: 10\n", false, 1, 10, 600000 * MS},
		{"maxConcurrent: 70\nadaptive: {enabled: true, minConcurrent: 4}\n", true, 4, 70,
		 600000 * MS},
		{"edge: {devices: [eth0], protect: [80/tcp], trust: 5s}\n"
		 "adaptive: {minConcurrent: 2}\n",
		 false, 2, 10, 5000 * MS},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[1024];
		struct settings *s;

		snprintf(text, sizeof(text), GATE "%s", rows[i].keys);
		s = settings_from(text);
		if (s->is_adaptive != rows[i].is_on || s->gradient.min != rows[i].min ||
		    s->gradient.max != rows[i].max || s->trust_ns != rows[i].trust_ns)
			fail_msg("%s%u to %u, trust %llu", rows[i].keys, s->gradient.min,
				 s->gradient.max, (unsigned long long)s->trust_ns);
		settings_drop(s);
	}
}

/* Texts, and what every text becomes; it lasts as long as somebody uses it. */
static void test_copies(void **state)
{
	struct settings *s = settings_from(
		GATE "  clientId: X-Real-IP\n  trustedProxies: [192.0.2.1]\n"
		     "maxConcurrent: 7\nqueueSize: 8\n"
		     "templates: {draining: '{\"code\": 1, \"message\": \"later\"}'}\n"
		     "metrics: {endpoint: /m}\n");

	(void)state;
	assert_string_equal(s->client_id_header, "x-real-ip");
	assert_int_equal(s->client_id, CONFIG_ID_HEADER);
	assert_non_null(strstr(s->templates[REFUSAL_DRAINING], "later"));
	assert_ptr_equal(s->style.templates[REFUSAL_DRAINING], s->templates[REFUSAL_DRAINING]);
	assert_null(s->style.templates[REFUSAL_RATE]);
	assert_string_equal(s->endpoint, "/m");
	assert_int_equal(s->admission.max_concurrent, 7);
	assert_int_equal(s->admission.queue_size, 8);
	assert_string_equal(s->routes[0].name, "/health");
	assert_true(s->routes[0].exclude);
	assert_ptr_equal(settings_use(s), s);
	settings_drop(s);
	assert_string_equal(s->endpoint, "/m");
	settings_drop(s);
	settings_drop(NULL);
	s = settings_from(GATE "metrics: {enabled: false}\n");
	assert_null(s->endpoint);
	assert_null(s->client_id_header);
	settings_drop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class_of_path), cmocka_unit_test(test_class_of_method),
		cmocka_unit_test(test_class_ids),     cmocka_unit_test(test_weights),
		cmocka_unit_test(test_lists),	      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_breaker),	      cmocka_unit_test(test_health),
		cmocka_unit_test(test_adaptation),    cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
