/* SPDX-License-Identifier: MIT */
/*
 * From the text of a configuration to its value: every way to write one, the seed's
 * examples, the sample file, and the bounds of lists and files.
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
#include <unistd.h>

#include "base/address.h"
#include "config/config.h"
#include "config/describe.h"
#include "config/keys.h"
#include "config_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SAMPLE	 "packaging/hatago.yaml"

/* The options of the seed document, and what is ours. */
static void defaults(void **state)
{
	static const char *const nothing[] = {"", "\n", "# only a comment\n", "---\n", "{}", "~"};

	(void)state;
	for (size_t i = 0; i < COUNT(nothing); i++) {
		struct config *c = config_fixture(nothing[i]);

		assert_false(c->edge.enabled);
		assert_int_equal(c->edge.device_count, 0);
		assert_int_equal(c->edge.mode, CONFIG_MODE_AUTO);
		assert_true(c->edge.enforce && c->edge.ipv4 && c->edge.ipv6);
		assert_false(c->edge.protect_all || c->edge.protect_icmp || c->edge.port_count);
		assert_int_equal(c->edge.max_clients, 1048576);
		assert_int_equal(c->edge.ipv4_prefix, 32);
		assert_int_equal(c->edge.ipv6_prefix, 64);
		for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
			assert_false(c->edge.dimension[d].enabled);
		assert_string_equal(c->edge.pins, "/sys/fs/bpf/hatago");
		assert_int_equal(c->concurrency.max_concurrent, 10);
		assert_int_equal(c->concurrency.queue_size, 50);
		assert_int_equal(c->concurrency.timeout_ms, 30000);
		assert_false(c->concurrency.per_client_limits);
		assert_true(c->rate_limiting.enabled);
		assert_int_equal(c->rate_limiting.limit.rate_milli, 10000);
		assert_int_equal(c->rate_limiting.limit.burst, 20);
		assert_int_equal(c->rate_limiting.refill_interval_ms, 1000);
		assert_true(c->rate_limiting.limit.mult > 0);
		assert_true(c->circuit_breaker.enabled);
		assert_int_equal(c->circuit_breaker.failure_threshold, 5);
		assert_int_equal(c->circuit_breaker.recovery_timeout_ms, 60000);
		assert_int_equal(c->circuit_breaker.health_check_interval_ms, 10000);
		assert_true(c->circuit_breaker.failure_rate_threshold == 0.5);
		assert_false(c->adaptive.enabled);
		assert_true(c->adaptive.threshold[PRESSURE_CPU] == 80);
		assert_true(c->adaptive.threshold[PRESSURE_MEMORY] == 85);
		assert_int_equal(c->adaptive.response_time_threshold_ms, 5000);
		assert_int_equal(c->adaptive.check_interval_ms, 5000);
		assert_int_equal(c->adaptive.min_concurrent, 1);
		assert_true(c->adaptive.min_scale == 0.1);
		assert_null(c->adaptive.cgroup);
		assert_true(c->adaptive.threshold[PRESSURE_PSI_CPU_SOME] == 60);
		assert_true(c->adaptive.threshold[PRESSURE_PSI_CPU_FULL] == 10);
		assert_true(c->adaptive.threshold[PRESSURE_PSI_MEMORY_SOME] == 10);
		assert_true(c->adaptive.threshold[PRESSURE_PSI_MEMORY_FULL] == 5);
		assert_true(c->adaptive.threshold[PRESSURE_PSI_IO_SOME] == 0);
		assert_true(c->adaptive.threshold[PRESSURE_PSI_IO_FULL] == 20);
		assert_true(c->metrics.enabled);
		assert_string_equal(c->metrics.endpoint, "/metrics/concurrency");
		assert_string_equal(c->metrics.listen, "127.0.0.1:9464");
		assert_string_equal(c->control.socket, "/run/hatago/control.sock");
		assert_null(c->control.group);
		assert_null(c->control.change_group);
		assert_false(c->gate_options_given);
		assert_int_equal(c->concurrency.queue_timeout_ms, 30000);
		assert_int_equal(c->concurrency.request_timeout_ms, 30000);
		assert_int_equal(c->concurrency.max_concurrent_per_client, 0);
		assert_false(c->gate.enabled || c->gate.inband || c->gate.null_id);
		assert_int_equal(c->gate.error_code, -32000);
		assert_int_equal(c->escalate.after, 20);
		assert_int_equal(c->escalate.window_ms, 10000);
		assert_int_equal(c->hooks_metrics_ms, 10000);
		config_free(c);
	}
	config_free(NULL);
}

static void whole_edge(void **state)
{
	struct config *c =
		config_fixture("edge:\n"
			       "  devices: [eth0, eth0.100, \"bond0\"]\n"
			       "  mode: tc\n"
			       "  enforce: false\n"
			       "  protect: [8080/tcp, 53/udp, 6000-7000/udp, icmp, 1-65535/tcp]\n"
			       "  families: [ipv6]\n"
			       "  maxClients: 64\n"
			       "  clientPrefix: {ipv4: 8, ipv6: 128}\n"
			       "  packets: {tokensPerSecond: 0.001, burstCapacity: 1}\n"
			       "  bytes: {tokensPerSecond: 1000000000000, burstCapacity: 1514, "
			       "enabled: false}\n"
			       "  connections:\n"
			       "    tokensPerSecond: 12.5\n"
			       "    burstCapacity: 1000000000000\n"
			       "    enabled: false\n"
			       "  allow: [192.0.2.0/24, \"2001:db8::/48\", 192.0.2.0/24]\n"
			       "  deny:\n"
			       "    # nobody yet\n"
			       "  pins: /sys/fs/bpf/other\n");
	const struct config_edge *e = &c->edge;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	assert_true(e->enabled);
	assert_int_equal(e->device_count, 3);
	assert_string_equal(e->devices[1], "eth0.100");
	assert_int_equal(e->mode, CONFIG_MODE_TC);
	assert_false(e->enforce || e->protect_all || e->ipv4);
	assert_true(e->protect_icmp && e->ipv6);
	assert_int_equal(e->port_count, 4);
	assert_int_equal(e->ports[0].protocol, HATAGO_TCP);
	assert_int_equal(e->ports[0].first, 8080);
	assert_int_equal(e->ports[0].last, 8080);
	assert_int_equal(e->ports[2].protocol, HATAGO_UDP);
	assert_int_equal(e->ports[2].first, 6000);
	assert_int_equal(e->ports[2].last, 7000);
	assert_int_equal(e->ports[3].last, 65535);
	assert_int_equal(e->max_clients, 64);
	assert_int_equal(e->ipv4_prefix, 8);
	assert_int_equal(e->ipv6_prefix, 128);
	assert_true(e->dimension[HATAGO_DIM_PACKETS].enabled);
	assert_int_equal(e->dimension[HATAGO_DIM_PACKETS].limit.rate_milli, 1);
	assert_int_equal(e->dimension[HATAGO_DIM_PACKETS].limit.burst, 1);
	assert_true(e->dimension[HATAGO_DIM_PACKETS].limit.tau == 1000000000000u << 8);
	assert_false(e->dimension[HATAGO_DIM_BYTES].enabled);
	assert_false(e->dimension[HATAGO_DIM_CONNECTIONS].enabled);
	assert_int_equal(e->allow.count, 2); /* the repeated one is kept once */
	prefix_format(&e->allow.items[1], text);
	assert_string_equal(text, "2001:db8::/48");
	assert_int_equal(e->deny.count, 0);
	assert_string_equal(e->pins, "/sys/fs/bpf/other");
	config_free(c);
}

/* Every way to write a value of which only the outcome counts. */
static void good_values(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		uint32_t value;
	} rows[] = {
#define TIMEOUT offsetof(struct config, concurrency.timeout_ms)
		{"timeout: 250", TIMEOUT, 250},
		{"timeout: 250ms", TIMEOUT, 250},
		{"timeout: 10s", TIMEOUT, 10000},
		{"timeout: 5m", TIMEOUT, 300000},
		{"timeout: 2h", TIMEOUT, 7200000},
		{"timeout: 1d", TIMEOUT, 86400000},
		{"{\"timeout\": 7}", TIMEOUT, 7},
		{"{timeout: 7}", TIMEOUT, 7},
		{"timeout: 7 # comment", TIMEOUT, 7},
		{"timeout:\n  7\n", TIMEOUT, 7},
		{"%YAML 1.1\n---\ntimeout: 7\n...\n", TIMEOUT, 7},
		{"'timeout': 7", TIMEOUT, 7},
		{"\xef\xbb\xbftimeout: 7\n", TIMEOUT, 7}, /* a byte order mark */
		{"timeout: 7\r\nqueueSize: 1\r\n", TIMEOUT, 7},
		{"timeout: ${TEST_SEVEN}", TIMEOUT, 7},
		{"timeout: ${TEST_SEVEN}s", TIMEOUT, 7000},
		{"timeout: \"${TEST_SEVEN}\"", TIMEOUT, 7},
		{"timeout: ${TEST_UNSET:-8}", TIMEOUT, 8},
		{"timeout: ${TEST_EMPTY:-8}", TIMEOUT, 8},
		{"timeout: ${TEST_SEVEN:-8}", TIMEOUT, 7},
		{"timeout: ${TEST_SEVEN}${TEST_SEVEN}", TIMEOUT, 77},
		{"{timeout: \"${TEST_UNSET:-8}\"}", TIMEOUT, 8},
#undef TIMEOUT
		{"edge: {mode: \"native\"}", offsetof(struct config, edge.mode),
		 CONFIG_MODE_NATIVE},
		{"edge: {mode: '${TEST_MODE}'}", offsetof(struct config, edge.mode),
		 CONFIG_MODE_GENERIC},
		{"maxConcurrent: 1000000", offsetof(struct config, concurrency.max_concurrent),
		 1000000},
		{"queueSize: 0", offsetof(struct config, concurrency.queue_size), 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c = config_fixture(rows[i].text);
		uint32_t value;

		memcpy(&value, (char *)c + rows[i].offset, sizeof(value));
		if (value != rows[i].value)
			fail_msg("%s gave %u", rows[i].text, value);
		config_free(c);
	}
}

static void good_texts(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *value;
	} rows[] = {
		{"metrics: {listen: \"[::1]:1\"}", offsetof(struct config, metrics.listen),
		 "[::1]:1"},
		{"metrics: {listen: 0.0.0.0:65535}", offsetof(struct config, metrics.listen),
		 "0.0.0.0:65535"},
		{"metrics: {endpoint: /a-b_c.d~e/f}", offsetof(struct config, metrics.endpoint),
		 "/a-b_c.d~e/f"},
		{"control:\n  socket: /tmp/${TEST_SEVEN}.sock",
		 offsetof(struct config, control.socket), "/tmp/7.sock"},
		{"control:\n  socket: /tmp/$${TEST_SEVEN}$HOME$.sock",
		 offsetof(struct config, control.socket), "/tmp/${TEST_SEVEN}$HOME$.sock"},
		{"control: {group: 1000}", offsetof(struct config, control.group), "1000"},
		{"control: {group: \"\"}", offsetof(struct config, control.group), NULL},
		{"control: {group: a, changeGroup: a}",
		 offsetof(struct config, control.change_group), "a"},
		/* what comes from the environment is text and nothing more */
		{"control:\n  socket: /tmp/${TEST_STRUCTURE}",
		 offsetof(struct config, control.socket), "/tmp/{a:[b,${TEST_SEVEN}]}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c = config_fixture(rows[i].text);
		char *value;

		memcpy(&value, (char *)c + rows[i].offset, sizeof(value));
		if (!rows[i].value)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].value);
		config_free(c);
	}
}

/* The option objects of the seed document's examples, as JSON and as YAML's flow. */
static void seed_examples(void **state)
{
	static const char *const rows[] = {
		"{\"maxConcurrent\": 10, \"queueSize\": 50}",
		"{ maxConcurrent: 10, queueSize: 50, }",
		"{\n"
		"  # Basic limits\n"
		"  maxConcurrent: 20,\n"
		"  queueSize: 100,\n"
		"  timeout: 30000,\n"
		"\n"
		"  # Circuit breaker\n"
		"  circuitBreaker: {\n"
		"    failureThreshold: 5,\n"
		"    recoveryTimeout: 60000,\n"
		"    healthCheckInterval: 10000,\n"
		"  },\n"
		"  rateLimiting: {\n"
		"    tokensPerSecond: 10,\n"
		"    burstCapacity: 50,\n"
		"    refillInterval: 1000,\n"
		"  },\n"
		"  adaptive: {\n"
		"    enabled: true,\n"
		"    cpuThreshold: 80,\n"
		"    memoryThreshold: 85,\n"
		"    responseTimeThreshold: 5000,\n"
		"  },\n"
		"}\n",
		"{\"maxConcurrent\":20,\"queueSize\":100,\"timeout\":30000,\"circuitBreaker\":"
		"{\"failureThreshold\":5,\"recoveryTimeout\":60000,\"healthCheckInterval\":10000},"
		"\"rateLimiting\":{\"tokensPerSecond\":10,\"burstCapacity\":50,\"refillInterval\":"
		"1000},\"adaptive\":{\"enabled\":true,\"cpuThreshold\":80,\"memoryThreshold\":85,"
		"\"responseTimeThreshold\":5000}}",
		"{ maxConcurrent: 5, queueSize: 20, timeout: 10000, }",
		"{\n"
		"  maxConcurrent: 100, # Global limit\n"
		"  perClientLimits: true, # Enable per-client tracking\n"
		"  rateLimiting: {\n"
		"    tokensPerSecond: 5, # 5 requests/second per client\n"
		"    burstCapacity: 10, # Allow bursts of 10\n"
		"  },\n"
		"}\n",
		"{\n"
		"  maxConcurrent: 50,\n"
		"  queueSize: 200,\n"
		"  circuitBreaker: {\n"
		"    enabled: true,\n"
		"    failureThreshold: 10,\n"
		"    recoveryTimeout: 120000,\n"
		"  },\n"
		"  adaptive: {\n"
		"    enabled: true,\n"
		"    cpuThreshold: 75,\n"
		"    memoryThreshold: 80,\n"
		"  },\n"
		"  metrics: {\n"
		"    enabled: true,\n"
		"    endpoint: '/metrics/concurrency',\n"
		"  },\n"
		"}\n",
		"{\n"
		"  maxConcurrent: 20,\n"
		"  queueSize: 100,\n"
		"  circuitBreaker: {\n"
		"    enabled: true,\n"
		"    failureThreshold: 5,\n"
		"    recoveryTimeout: 60000,\n"
		"    failureRateThreshold: 0.3,\n"
		"  },\n"
		"  rateLimiting: {\n"
		"    tokensPerSecond: 5,\n"
		"    burstCapacity: 15,\n"
		"  },\n"
		"  adaptive: {\n"
		"    enabled: true,\n"
		"    cpuThreshold: 70,\n"
		"    memoryThreshold: 75,\n"
		"  },\n"
		"}\n",
		"{\n"
		"  maxConcurrent: 100,\n"
		"  queueSize: 500,\n"
		"  circuitBreaker: {\n"
		"    enabled: false, # Disable in development\n"
		"  },\n"
		"  rateLimiting: {\n"
		"    tokensPerSecond: 100,\n"
		"    burstCapacity: 200,\n"
		"  },\n"
		"}\n",
		"{ maxConcurrent: 20, circuitBreaker: { enabled: true }, "
		"adaptive: { enabled: true, cpuThreshold: 70 } }",
		"{ maxConcurrent: 100, circuitBreaker: { enabled: false }, "
		"adaptive: { enabled: false, cpuThreshold: 90 } }",
		/* the defaults of the tables of options */
		"{ circuitBreaker: { enabled: true, failureThreshold: 5, recoveryTimeout: 60000,\n"
		"  healthCheckInterval: 10000, failureRateThreshold: 0.5 },\n"
		"  rateLimiting: { enabled: true, tokensPerSecond: 10, burstCapacity: 20,\n"
		"  refillInterval: 1000 }, adaptive: { enabled: false, cpuThreshold: 80,\n"
		"  memoryThreshold: 85, responseTimeThreshold: 5000, checkInterval: 5000 },\n"
		"  maxConcurrent: 10, queueSize: 50, timeout: 30000, perClientLimits: false }",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c = config_fixture(rows[i]);

		assert_true(c->gate_options_given);
		assert_false(c->edge.enabled);
		config_free(c);
	}
}

/* A buffer that text is put into; the tests' files are built in it. */
struct builder {
	char *text;
	size_t length;
	FILE *file;
};

static void builder_begin(struct builder *b)
{
	*b = (struct builder){0};
	b->file = open_memstream(&b->text, &b->length);
	assert_non_null(b->file);
}

static void bounds_of_lists(void **state)
{
	static const struct {
		unsigned int entries;
		bool good;
	} rows[] = {{HATAGO_LIST_MAX, true},
		    {HATAGO_LIST_MAX + 1, false},
		    {HATAGO_LIST_MAX + 9, false}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_problems problems = {0};
		struct config *config = NULL;
		struct builder b;
		int r;

		builder_begin(&b);
		fprintf(b.file, "edge:\n  deny:\n");
		for (unsigned int n = 0; n < rows[i].entries; n++)
			fprintf(b.file, "  - 10.%u.%u.%u\n", n >> 16, (n >> 8) & 255, n & 255);
		fclose(b.file);
		r = config_parse(b.text, b.length, "f", &config, &problems);
		assert_int_equal(r, rows[i].good ? 0 : -EINVAL);
		if (rows[i].good) {
			assert_int_equal(config->edge.deny.count, rows[i].entries);
		} else {
			assert_int_equal(problems.count, 1);
			assert_string_equal(problems.lines[0],
					    "f:262147:5: edge.deny: the list is too long; it may "
					    "have 262144 entries");
		}
		config_free(config);
		config_problems_done(&problems);
		free(b.text);
	}
}

static void bounds_of_devices_and_ports(void **state)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct builder b;

	(void)state;
	builder_begin(&b);
	fprintf(b.file, "edge:\n  devices:\n  - a b\n");
	for (int i = 0; i < HATAGO_DEVICES_MAX + 1; i++)
		fprintf(b.file, "  - eth%d\n", i);
	fprintf(b.file, "  protect:\n");
	for (int i = 1; i <= 1025; i++)
		fprintf(b.file, "  - %d/tcp\n", i);
	fclose(b.file);
	assert_int_equal(config_parse(b.text, b.length, "f", &config, &problems), -EINVAL);
	assert_int_equal(problems.count, 3);
	assert_non_null(strstr(problems.lines[0], "f:3:5: edge.devices: 'a b'"));
	assert_non_null(strstr(problems.lines[1], "f:35:5: edge.devices: the list is too long"));
	assert_non_null(strstr(problems.lines[2], "f:1062:5: edge.protect: the list is too long"));
	config_problems_done(&problems);
	free(b.text);
}

/* A thousand problems are told, the others counted. */
static void bounds_of_problems(void **state)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct builder b;

	(void)state;
	builder_begin(&b);
	for (int i = 0; i < 1234; i++)
		fprintf(b.file, "key%d: 1\n", i);
	fclose(b.file);
	assert_int_equal(config_parse(b.text, b.length, "f", &config, &problems), -EINVAL);
	assert_int_equal(problems.count, 1001);
	assert_non_null(strstr(problems.lines[999], "f:1000:1: key999: is an unknown key"));
	assert_string_equal(problems.lines[1000], "f: and 234 more problems");
	config_problems_done(&problems);
	free(b.text);
}

static void bounds_of_file(void **state)
{
	size_t length = (64u << 20) + 1;
	char *text = calloc(1, length);
	struct config_problems problems = {0};
	struct config *config = NULL;

	(void)state;
	assert_non_null(text);
	assert_int_equal(config_parse(text, length, "f", &config, &problems), -EINVAL);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.lines[0],
			    "f: size: the file is too long; it may have 67108864 bytes");
	config_problems_done(&problems);
	free(text);
}

/* The line as it is with the gate switched on: its section stands behind a # a line. */
static const char *sample_line(const char *line)
{
	bool is_of_gate = strncmp(line, "#gate:", 6) == 0 || strncmp(line, "#  ", 3) == 0;

	return line + is_of_gate;
}

/* The sample's lines that are set, of a key with this name. */
static size_t sample_lines(const char *leaf)
{
	FILE *file = fopen(SAMPLE, "re");
	char line[256], name[64];
	size_t count = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		const char *text = sample_line(line);

		text += strspn(text, " -");
		count += sscanf(text, "%63[a-zA-Z0-9]:", name) == 1 && strcmp(name, leaf) == 0;
	}
	fclose(file);
	return count;
}

/* Every key stands in it, as often as there are keys of this name. */
static void sample_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_key_count; i++) {
		const char *leaf = key_leaf(&config_keys[i]);
		size_t keys = 0;

		for (size_t n = 0; n < config_key_count; n++)
			keys += strcmp(key_leaf(&config_keys[n]), leaf) == 0;
		if (sample_lines(leaf) != keys)
			fail_msg("%s: %zu of %zu", leaf, sample_lines(leaf), keys);
	}
}

/* The sample attaches to nothing until somebody asks for it. */
static void sample(void **state)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	int r = config_load(SAMPLE, &config, &problems);

	(void)state;
	if (r < 0)
		fail_msg("%d: %s", r, problems.count ? problems.lines[0] : "");
	assert_true(config->edge.enabled && config->edge.enforce);
	assert_int_equal(config->edge.device_count, 0);
	assert_false(config->gate.enabled);
	assert_true(config->edge.port_count > 0);
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		assert_true(config->edge.dimension[d].enabled);
	config_free(config);
	config_problems_done(&problems);
}

/* What the sample says of the gate, and all that it obeys, are the defaults. */
static void sample_of_gate(void **state)
{
	struct config *plain = config_fixture("gate: {listen: [127.0.0.1:8080], "
					      "upstream: http://127.0.0.1:8787}");
	struct config_change changes[CONFIG_CHANGES_MAX];
	FILE *file = fopen(SAMPLE, "re");
	struct config *config;
	struct builder b;
	char line[256];
	size_t count;

	(void)state;
	assert_non_null(file);
	builder_begin(&b);
	while (fgets(line, sizeof(line), file))
		fputs(sample_line(line), b.file);
	fclose(file);
	fclose(b.file);
	config = config_fixture(b.text);
	count = config_diff(plain, config, changes, COUNT(changes));
	for (size_t i = 0; i < count; i++)
		if (strncmp(changes[i].key, "edge", 4) != 0 &&
		    strcmp(changes[i].key, "gate.routes") != 0 &&
		    strcmp(changes[i].key, "gate.methods") != 0 &&
		    strcmp(changes[i].key, "gate.weights") != 0)
			fail_msg("%s", changes[i].key);
	config_free(config);
	config_free(plain);
	free(b.text);
}

static void files(void **state)
{
	char path[] = "/tmp/hatago-test-config-XXXXXX";
	struct config_problems problems = {0};
	struct config *config = NULL;
	char expected[256];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "timeout: x\n", 11), 11);
	close(fd);
	assert_int_equal(config_load(path, &config, &problems), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s:1:10: timeout: 'x' is not allowed; it must be a time "
		 "from 1 to 1d, in ms or with a unit (ms, s, m, h, d)",
		 path);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.lines[0], expected);
	config_problems_done(&problems);
	unlink(path);

	assert_int_equal(config_load(path, &config, &problems), -ENOENT);
	snprintf(expected, sizeof(expected),
		 "%s: file: can't be read: No such file or directory; name another file with -c",
		 path);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.lines[0], expected);
	config_problems_done(&problems);
	config_problems_done(&problems);

	assert_int_equal(config_load("/tmp", &config, &problems), -EISDIR);
	assert_int_equal(problems.count, 1);
	config_problems_done(&problems);
}

static int environment(void **state)
{
	(void)state;
	unsetenv("TEST_UNSET");
	setenv("TEST_SEVEN", "7", 1);
	setenv("TEST_EMPTY", "", 1);
	setenv("TEST_MODE", "generic", 1);
	setenv("TEST_STRUCTURE", "{a:[b,${TEST_SEVEN}]}", 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(whole_edge),
		cmocka_unit_test(good_values),
		cmocka_unit_test(good_texts),
		cmocka_unit_test(seed_examples),
		cmocka_unit_test(bounds_of_lists),
		cmocka_unit_test(bounds_of_devices_and_ports),
		cmocka_unit_test(bounds_of_problems),
		cmocka_unit_test(bounds_of_file),
		cmocka_unit_test(sample),
		cmocka_unit_test(files),
		cmocka_unit_test(sample_is_whole),
		cmocka_unit_test(sample_of_gate),
	};

	return cmocka_run_group_tests(tests, environment, NULL);
}
