/* SPDX-License-Identifier: MIT */
/*
 * A configuration described: as JSON that reads back as itself, as the difference to
 * another, as the table of keys; and as the rules that the BPF program gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/config.h"
#include "config/describe.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define IN_GATE	 "gate: {listen: [localhost:1], upstream: http://localhost:2"
#define GATE                                                                           \
	"gate:\n"                                                                      \
	"  listen: [127.0.0.1:8080, \"[::1]:8080\", \"unix:/run/gate.sock\"]\n"        \
	"  upstream: http://localhost:8787\n"                                          \
	"  clientId: X-Api-Key\n"                                                      \
	"  trustedProxies: [10.0.0.0/8]\n"                                             \
	"  exclude: [/health, /static/*]\n"                                            \
	"  routes: [{path: /mcp, cost: 0, maxConcurrent: 5},\n"                        \
	"    {tokensPerSecond: 0.5, path: /a*, burstCapacity: 10}]\n"                  \
	"  methods: [{method: tools/call, cost: 5}, {method: \"*\"}]\n"                \
	"  weights: [{prefix: 192.0.2.0/24, weight: 3}]\n"                             \
	"rejectStyle: inband\n"                                                        \
	"errorCode: -2147483648\n"                                                     \
	"templates: {draining: '{\"code\": {{code}}, \"message\": \"$${ \u3042\"}'}\n" \
	"hooks: {onMetrics: {command: [sh, -c, \"cat\\n\\x7f\", \"\"], socket: /run/s}}\n"
#define FULL                                                                           \
	"edge:\n"                                                                      \
	"  devices: [eth0, bond0]\n"                                                   \
	"  mode: native\n"                                                             \
	"  protect: [8080/tcp, 53/udp, 6000-7000/udp, icmp]\n"                         \
	"  families: [ipv4]\n"                                                         \
	"  packets: {tokensPerSecond: 0.125, burstCapacity: 40, refillInterval: 10}\n" \
	"  bytes: {tokensPerSecond: 999999999999.999, burstCapacity: 100000}\n"        \
	"  connections: {enabled: false, tokensPerSecond: 5, burstCapacity: 10}\n"     \
	"  allow: [192.0.2.0/24, \"2001:db8::/48\"]\n"                                 \
	"  deny: [198.51.100.7]\n"                                                     \
	"adaptive: {cpuThreshold: 79.5, minConcurrent: 5, minScale: 0.25,\n"           \
	"  cgroup: /sys/fs/cgroup/a.slice, psi: {memory: {some: 0, full: 1}}}\n" GATE  \
	"control: {group: hatago, changeGroup: wheel}\n"

static struct config *parse(const char *text)
{
	struct config_problems problems = {0};
	struct config *config = NULL;

	if (config_parse(text, strlen(text), "f", &config, &problems) < 0)
		fail_msg("%s\n%s", text, problems.count ? problems.lines[0] : "");
	return config;
}

static char *describe(const struct config *config)
{
	struct json j;

	json_init(&j);
	config_json(config, NULL, &j);
	return json_take(&j);
}

static void reads_back(void **state)
{
	static const char *const rows[] = {
		"{}",
		FULL,
		"edge: {}",
		"edge: {devices: [lo], protect: [all], enforce: false, maxClients: 64}",
		"edge: {packets: {enabled: false}}",
		"rateLimiting: {enabled: false, refillInterval: 0}",
		GATE,
		"gate: {listen: [localhost:0], upstream: [\"unix:/a\", http://127.0.0.1:1], "
		"exclude: [], clientId: X-Forwarded-For, trustedProxies: [127.0.0.1]}",
		"gate: {listen: [localhost:0], upstream: \"unix:/a\", routes: [{path: /health}]}",
		"metrics: {enabled: false, listen: \"[::1]:1\"}",
		"circuitBreaker: {failureRateThreshold: 0.001}",
		"circuitBreaker: {window: 100 calls, onOpen: hold, failOn: [rpcInternal, connect]}",
		"circuitBreaker: {window: 1d, onOpen: refuse, failOn: []}",
		"circuitBreaker: {recoveryTimeout: 1h, healthCheckPath: /up, healthCheckStatus: "
		"204}",
		/* ${ itself, which a reader would take for the environment */
		"control: {socket: \"/tmp/$${HOME}$${$$${$$$\"}",
		"edge: {devices: [\"$${x}\", \"$\", \"$$${\"], protect: [all]}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *before = parse(rows[i]), *after;
		struct config_change changes[CONFIG_CHANGES_MAX];
		char *text = describe(before), *again;

		assert_non_null(text);
		after = parse(text);
		if (config_diff(before, after, changes, COUNT(changes)) != 0)
			fail_msg("%s came back as %s", rows[i], text);
		again = describe(after);
		assert_string_equal(text, again);
		config_free(before);
		config_free(after);
		free(text);
		free(again);
	}
}

static void json_of_edge(void **state)
{
	struct config *config = parse(FULL);
	char *text = describe(config);

	(void)state;
	assert_non_null(strstr(text,
			       "{\"edge\":{\"devices\":[\"eth0\",\"bond0\"],\"mode\":\"native\""
			       ",\"enforce\":true,\"protect\":[\"8080/tcp\",\"53/udp\","
			       "\"6000-7000/udp\",\"icmp\"],\"families\":[\"ipv4\"],"));
	assert_non_null(strstr(text, "\"packets\":{\"enabled\":true,\"tokensPerSecond\":0.125,"
				     "\"burstCapacity\":40,\"refillInterval\":10}"));
	assert_non_null(strstr(text, "\"tokensPerSecond\":999999999999.999,"));
	assert_non_null(strstr(text, "\"allow\":[\"192.0.2.0/24\",\"2001:db8::/48\"],"
				     "\"deny\":[\"198.51.100.7\"]"));
	assert_non_null(strstr(text, "\"changeGroup\":\"wheel\"}}"));
	free(text);
	config_free(config);
	config = parse("{}");
	text = describe(config);
	assert_null(strstr(text, "edge"));
	free(text);
	config_free(config);
}

static void json_of_gate(void **state)
{
	struct config *config = parse(GATE);
	char *text = describe(config);

	(void)state;
	assert_non_null(strstr(text, "\"listen\":[\"127.0.0.1:8080\",\"[::1]:8080\","
				     "\"unix:/run/gate.sock\"],"
				     "\"upstream\":[\"http://localhost:8787\"],\"workers\":0,"));
	assert_non_null(strstr(text, "\"clientId\":\"X-Api-Key\","));
	assert_non_null(strstr(text, "\"exclude\":[\"/health\",\"/static/*\"],\"routes\":["
				     "{\"path\":\"/mcp\",\"cost\":0,\"maxConcurrent\":5},"
				     "{\"path\":\"/a*\",\"cost\":1,\"maxConcurrent\":0,"
				     "\"tokensPerSecond\":0.5,\"burstCapacity\":10}],"));
	assert_non_null(strstr(text,
			       "\"weights\":[{\"prefix\":\"192.0.2.0/24\",\"weight\":3}],"
			       "\"handshake\":{\"tokensPerSecond\":5,\"burstCapacity\":10}}"));
	assert_non_null(strstr(text, "\"rejectStyle\":\"inband\",\"errorCode\":-2147483648,"));
	free(text);
	config_free(config);
}

static void differences(void **state)
{
	static const struct {
		const char *a, *b;
		const char *changes; /* "key key!": a ! where it needs a restart */
	} rows[] = {
		{"{}", "{}", ""},
		{"{}", "edge: {}", "edge! "},
		{"edge: {mode: tc}", "edge: {mode: auto}", "edge.mode "},
		{"edge: {devices: [a], protect: [all]}", "edge: {devices: [a, b], protect: [all]}",
		 "edge.devices "},
		{"edge: {devices: [a], protect: [all]}", "edge: {devices: [b], protect: [icmp]}",
		 "edge.devices edge.protect "},
		{"edge: {protect: [1/tcp]}", "edge: {protect: [1/udp]}", "edge.protect "},
		{"edge: {protect: [1-2/tcp]}", "edge: {protect: [1-3/tcp]}", "edge.protect "},
		{"edge: {maxClients: 64}", "edge: {maxClients: 65}", "edge.maxClients "},
		{"edge: {}", "edge: {clientPrefix: {ipv4: 24, ipv6: 48}}",
		 "edge.clientPrefix.ipv4 edge.clientPrefix.ipv6 "},
		{"edge: {}", "edge: {packets: {tokensPerSecond: 1, burstCapacity: 2}}",
		 "edge.packets.enabled edge.packets.tokensPerSecond edge.packets.burstCapacity "},
		{"edge: {packets: {tokensPerSecond: 1, burstCapacity: 2}}",
		 "edge: {packets: {tokensPerSecond: 1, burstCapacity: 2, refillInterval: 5}}",
		 "edge.packets.refillInterval "},
		{"edge: {packets: {tokensPerSecond: 1, burstCapacity: 2}}",
		 "edge: {packets: {tokensPerSecond: 1, burstCapacity: 2, enabled: false}}",
		 "edge.packets.enabled "},
		{"edge: {allow: [10.0.0.0/8]}", "edge: {deny: [10.0.0.0/8]}",
		 "edge.allow edge.deny "},
		{"edge: {allow: [10.0.0.0/8, 192.0.2.1]}", "edge: {allow: [192.0.2.1, 10.0.0.0/8]}",
		 ""},
		{"edge: {families: [ipv4]}", "edge: {families: [ipv6]}", "edge.families "},
		{"edge: {pins: /a/b}", "edge: {}", "edge.pins! "},
		{"timeout: 1s", "timeout: 1000", ""},
		{"timeout: 1s", "timeout: 1001", "timeout queueTimeout requestTimeout "},
		{"timeout: 1s", "{timeout: 1001, queueTimeout: 1s, requestTimeout: 1s}",
		 "timeout "},
		{"rateLimiting: {tokensPerSecond: 9}", "rateLimiting: {burstCapacity: 21}",
		 "rateLimiting.tokensPerSecond rateLimiting.burstCapacity "},
		{"circuitBreaker: {failureRateThreshold: 0.3}", "{}",
		 "circuitBreaker.failureRateThreshold "},
		{"circuitBreaker: {window: 30 calls}", "circuitBreaker: {window: 30s}",
		 "circuitBreaker.window "},
		{"circuitBreaker: {window: 30 calls}", "circuitBreaker: {window: 31 calls}",
		 "circuitBreaker.window "},
		{"circuitBreaker: {window: 30s}", "circuitBreaker: {window: 30000}", ""},
		{"circuitBreaker: {onOpen: hold, failOn: [5xx, reset]}",
		 "circuitBreaker: {failOn: [reset, 5xx]}", "circuitBreaker.onOpen "},
		{"circuitBreaker: {failOn: [timeout]}", "{}", "circuitBreaker.failOn "},
		{"circuitBreaker: {recoveryTimeout: 600001}", "{}",
		 "circuitBreaker.recoveryTimeout circuitBreaker.maxRecoveryTimeout "},
		{"circuitBreaker: {healthCheckPath: /a, healthCheckTimeout: 2000}", "{}",
		 "circuitBreaker.healthCheckPath "},
		{"{}", IN_GATE "}", "gate! gate.listen! gate.upstream! "},
		{IN_GATE "}", IN_GATE ", workers: 2, via: false}", "gate.workers! gate.via "},
		{IN_GATE "}", "gate: {listen: [localhost:3], upstream: http://localhost:2}",
		 "gate.listen! "},
		{IN_GATE "}", "gate: {listen: [localhost:1], upstream: [http://localhost:2]}", ""},
		{IN_GATE "}",
		 "gate: {listen: [localhost:1], upstream: [http://localhost:2, "
		 "http://localhost:3]}",
		 "gate.upstream! "},
		{IN_GATE "}", IN_GATE ", exclude: [/health]}", ""},
		{IN_GATE "}", IN_GATE ", exclude: []}", "gate.exclude "},
		{IN_GATE "}", IN_GATE ", routes: [{path: /health}]}", "gate.exclude gate.routes "},
		{IN_GATE ", routes: [{path: /a}], exclude: [/b]}",
		 IN_GATE ", exclude: [/b], routes: [{path: /a, cost: 1}]}", ""},
		{IN_GATE ", routes: [{path: /a}]}", IN_GATE ", routes: [{path: /a, cost: 2}]}",
		 "gate.routes "},
		{IN_GATE ", methods: [{method: a, tokensPerSecond: 1, burstCapacity: 1}]}",
		 IN_GATE ", methods: [{method: a, tokensPerSecond: 1, burstCapacity: 2}]}",
		 "gate.methods "},
		{IN_GATE ", weights: [{prefix: 192.0.2.1, weight: 2}]}",
		 IN_GATE ", weights: [{prefix: 192.0.2.2, weight: 2}]}", "gate.weights "},
		{IN_GATE ", trustedProxies: [192.0.2.1], clientId: x-a}",
		 IN_GATE ", trustedProxies: [192.0.2.1], clientId: x-b}", "gate.clientId "},
		{IN_GATE ", handshake: {burstCapacity: 5}}", IN_GATE "}",
		 "gate.handshake.burstCapacity "},
		{"errorCode: -1", "errorCode: -2", "errorCode "},
		{"hooks: {onMetrics: {command: [a]}}",
		 "hooks: {onMetrics: {command: [a, b], socket: /s}}",
		 "hooks.onMetrics.command hooks.onMetrics.socket "},
		{"edge: {escalate: {after: 1, window: 1}}", "edge: {}",
		 "edge.escalate.after edge.escalate.window "},
		{"metrics: {enabled: false, endpoint: /x, listen: \"127.0.0.1:1\"}", "{}",
		 "metrics.enabled! metrics.endpoint! metrics.listen! "},
		{"control: {socket: /x, group: a, changeGroup: b}", "{}",
		 "control.socket! control.group! control.changeGroup! "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *a = parse(rows[i].a), *b = parse(rows[i].b);
		struct config_change changes[CONFIG_CHANGES_MAX], first = {"untouched", false};
		size_t count = config_diff(a, b, changes, COUNT(changes));
		char text[512] = "";

		for (size_t n = 0; n < count; n++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s ",
				 changes[n].key, changes[n].restart ? "!" : "");
		assert_string_equal(text, rows[i].changes);
		assert_int_equal(config_diff(b, a, &first, 0), count); /* the same backwards */
		assert_string_equal(first.key, "untouched");
		config_free(a);
		config_free(b);
	}
}

static bool port_is_set(const struct hatago_rules *rules, int protocol, unsigned int port)
{
	return rules->port[protocol][port / 64] >> (port % 64) & 1;
}

static void rules_of_edge(void **state)
{
	static const uint8_t mask6[16] = {255, 255, 255, 255, 255, 255, 254};
	struct config *config = parse("edge:\n"
				      "  protect: [1/tcp, 63-64/tcp, 65535/tcp, 6000-7000/udp]\n"
				      "  clientPrefix: {ipv4: 20, ipv6: 55}\n"
				      "  packets: {tokensPerSecond: 10, burstCapacity: 20}\n"
				      "  bytes: {tokensPerSecond: 10, burstCapacity: 2000, "
				      "enabled: false}\n");
	static struct hatago_rules rules;
	unsigned int set[2] = {0};

	(void)state;
	memset(&rules, 0xff, sizeof(rules));
	config->gate.enabled = true;
	config->gate.max_connections_per_client = 7;
	config_rules(config, &rules);
	assert_int_equal(rules.flags, HATAGO_ENFORCE | HATAGO_IPV4 | HATAGO_IPV6 |
					      HATAGO_PROTECT_PORT | HATAGO_STRANGERS);
	assert_int_equal(rules.dimensions, 1u << HATAGO_DIM_PACKETS | 1u << HATAGO_DIM_REQUESTS);
	assert_int_equal(rules.strangers.burst, 2000);
	assert_int_equal(rules.strangers.rate_milli, 1000000);
	assert_true(rules.strangers.tau == 2000000000ull << HATAGO_TIME_SHIFT);
	assert_int_equal(rules.max_connections, 7);
	assert_int_equal(config->edge.trust_ms, 600000);
	assert_int_equal(rules.limit[HATAGO_DIM_PACKETS].burst, 20);
	assert_true(rules.limit[HATAGO_DIM_PACKETS].tau == 2000000000ull << HATAGO_TIME_SHIFT);
	assert_int_equal(rules.limit[HATAGO_DIM_BYTES].burst, 0);
	assert_int_equal(rules.limit[HATAGO_DIM_REQUESTS].burst, 20);
	assert_int_equal(ntohl(rules.ipv4_mask), 0xfffff000);
	assert_memory_equal(&rules.ipv6_mask_hi, mask6, 8);
	assert_memory_equal(&rules.ipv6_mask_lo, mask6 + 8, 8);
	for (unsigned int port = 0; port < 65536; port++)
		for (int protocol = 0; protocol < 2; protocol++)
			set[protocol] += port_is_set(&rules, protocol, port);
	assert_int_equal(set[HATAGO_TCP], 4);
	assert_int_equal(set[HATAGO_UDP], 1001);
	assert_true(port_is_set(&rules, HATAGO_TCP, 1) && port_is_set(&rules, HATAGO_TCP, 63) &&
		    port_is_set(&rules, HATAGO_TCP, 64) && port_is_set(&rules, HATAGO_TCP, 65535));
	assert_true(port_is_set(&rules, HATAGO_UDP, 6000) && port_is_set(&rules, HATAGO_UDP, 7000));
	assert_int_equal(rules.flags & HATAGO_GATE_PORTS,
			 0); /* none of its listeners is protected */
	config->gate.listen[0] = strdup("[::]:64");
	config->gate.listen[1] = strdup("unix:/run/x:63");
	config->gate.listen[2] = strdup("127.0.0.1:8080");
	config->gate.listen_count = 3;
	config_rules(config, &rules);
	assert_true(rules.flags & HATAGO_GATE_PORTS);
	for (unsigned int word = 0; word < 1024; word++)
		assert_true(rules.gate_port[word] == (word == 1));
	config->edge.strangers.enabled = false;
	config_rules(config, &rules);
	assert_int_equal(rules.flags & HATAGO_STRANGERS, 0);
	assert_int_equal(rules.strangers.burst, 0);
	config->edge.strangers.enabled = true; /* nobody is trusted without a gate */
	config->gate.enabled = false;
	config_rules(config, &rules);
	assert_int_equal(rules.flags & HATAGO_STRANGERS, 0);
	assert_int_equal(rules.max_connections, 0);
	assert_int_equal(rules.dimensions, 1u << HATAGO_DIM_PACKETS);
	config_free(config);
}

static void flags_and_masks(void **state)
{
	static const struct {
		const char *text;
		uint32_t flags, ipv4_mask;
		uint8_t ipv6_bits;
	} rows[] = {
		{"{}", HATAGO_ENFORCE, 0xffffffff, 64},
		{"edge: {enforce: false}", 0, 0xffffffff, 64},
		{"edge: {protect: [all]}",
		 HATAGO_ENFORCE | HATAGO_IPV4 | HATAGO_IPV6 | HATAGO_PROTECT_ALL, 0xffffffff, 64},
		{"edge: {protect: [icmp], families: [ipv4]}",
		 HATAGO_ENFORCE | HATAGO_IPV4 | HATAGO_PROTECT_ICMP, 0xffffffff, 64},
		{"edge: {protect: [icmp, 1/udp], families: [ipv6], enforce: false}",
		 HATAGO_IPV6 | HATAGO_PROTECT_ICMP | HATAGO_PROTECT_PORT, 0xffffffff, 64},
		{"edge: {clientPrefix: {ipv4: 8, ipv6: 16}}", HATAGO_ENFORCE, 0xff000000, 16},
		{"edge: {clientPrefix: {ipv4: 31, ipv6: 128}}", HATAGO_ENFORCE, 0xfffffffe, 128},
		{"edge: {clientPrefix: {ipv6: 127}}", HATAGO_ENFORCE, 0xffffffff, 127},
	};
	static struct hatago_rules rules;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = parse(rows[i].text);

		config_rules(config, &rules);
		assert_int_equal(rules.flags, rows[i].flags);
		assert_int_equal(ntohl(rules.ipv4_mask), rows[i].ipv4_mask);
		assert_int_equal(__builtin_popcountll(rules.ipv6_mask_hi) +
					 __builtin_popcountll(rules.ipv6_mask_lo),
				 rows[i].ipv6_bits);
		config_free(config);
	}
}

/* The table of keys: a row each, none of which is broken by a bar in its text. */
static void manual(void **state)
{
	size_t length, rows = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_non_null(out);
	config_keys_markdown(out);
	fclose(out);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), rows++) {
		unsigned int bars = 0;

		for (const char *c = line; *c; c++)
			bars += *c == '|';
		assert_int_equal(bars, 5);
	}
	assert_in_range(rows, 50, CONFIG_CHANGES_MAX);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back),	   cmocka_unit_test(json_of_edge),
		cmocka_unit_test(differences),	   cmocka_unit_test(rules_of_edge),
		cmocka_unit_test(flags_and_masks), cmocka_unit_test(manual),
		cmocka_unit_test(json_of_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
