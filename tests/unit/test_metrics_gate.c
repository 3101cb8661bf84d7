// SPDX-License-Identifier: MIT
/*
 * The gate in the metrics: what a tally and a trend become in a snapshot, in Prometheus text
 * (its histograms as promtool wants them) and in JSON, also with no gate at all; its breakers
 * among it. The load is in test_metrics_load.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/list.h"
#include "metrics/metrics.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL
#define START  (77 * SECOND)
#define REAL   (1737023400 * SECOND) /* 2025-01-16T10:30:00Z, 10 s after START */

static struct metrics_snapshot *s;
static struct tally_gate *gate;
static struct trend trend;
static struct config config;

/* Two upstreams, one of which is open. */
static void fill_breakers(void)
{
	gate->breaker = BREAKER_CLOSED;
	gate->upstream_count = 2;
	gate->upstreams[0] = (struct tally_upstream){
		.name = "http://a",
		.outstanding = 3,
		.breaker = {.window = {.calls = 12, .failures = 4, .slow = 2},
			    .last_failure_ns = START + 4 * SECOND}};
	gate->upstreams[1] =
		(struct tally_upstream){.name = "unix:/b",
					.breaker = {.state = BREAKER_OPEN,
						    .window = {.calls = 7, .failures = 6},
						    .last_failure_ns = START + 8 * SECOND,
						    .retry_ns = SECOND,
						    .opened = 2}};
}

/* 100 answers, of 1 to 100 ms; three waited. Over 10 s, 20 failures among 100 + 20. */
static int setup(void **state)
{
	struct tally *sum;

	(void)state;
	s = calloc(1, sizeof(*s));
	gate = calloc(1, sizeof(*gate));
	sum = &gate->sum;
	gate->current = 3;
	gate->max_concurrent = 6;
	gate->limit = 5;
	gate->queued = 2;
	gate->queue_size = 40;
	gate->streams_max = 1000;
	gate->tokens = 7.5;
	gate->capacity = 20;
	gate->refill_rate = 10;
	for (int outcome = 0; outcome < TALLY_OUTCOME_COUNT; outcome++)
		sum->outcomes[outcome] = 200 + (uint64_t)outcome;
	sum->outcomes[TALLY_SERVED] = 100;
	sum->outcomes[TALLY_UPSTREAM_FAILED] = 5;
	sum->outcomes[TALLY_UPSTREAM_TIMEOUT] = 15;
	sum->errors = 10;
	for (uint64_t ms = 1; ms <= 100; ms++)
		histogram_record(&sum->response, ms * MS);
	sum->response_ns_sum = sum->response.sum;
	histogram_record(&sum->queue_wait, 3 * MS);
	histogram_record(&sum->queue_wait, 700 * MS);
	histogram_record(&sum->queue_wait, 40 * SECOND);
	sum->client_bytes_in = 1111;
	sum->client_bytes_out = 2222;
	sum->connections_accepted = 31;
	sum->connections_refused = 4;
	sum->upstream_connections = 9;
	sum->escalations = 2;
	sum->connections = 27;
	sum->streams = 12;
	fill_breakers();
	config = (struct config){
		.gate = {.enabled = true, .max_streams = 99},
		.concurrency = {.max_concurrent = 10, .queue_size = 50},
	};
	assert_int_equal(hatago_limit_make(2500, 30, 0, &config.rate_limiting.limit), 0);
	trend_init(&trend, START);
	s->now_ns = REAL;
	metrics_snapshot_config(&config, s);
	metrics_snapshot_gate(gate, &trend, START + 10 * SECOND, s);
	s->events = (struct metrics_events){.emitted = 50, .dropped = 6};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(s);
	free(gate);
	return 0;
}

static char *prometheus(void)
{
	size_t length;
	char *text;

	assert_int_equal(metrics_prometheus(s, &text, &length), 0);
	return text;
}

static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[length] == '\n')
			return true;
	return false;
}

static void test_prometheus_lines(void **state)
{
	static const char *const lines[] = {
		"hatago_gate_enabled 1",
		"hatago_concurrent_requests 3",
		"hatago_max_concurrent_requests 6",
		"hatago_queue_size 2",
		"hatago_max_queue_size 40",
		"# TYPE hatago_gate_requests_total counter",
		"hatago_gate_requests_total{outcome=\"served\"} 100",
		"hatago_gate_requests_total{outcome=\"rate_limit\"} 201",
		"hatago_gate_requests_total{outcome=\"upstream_timeout\"} 15",
		"hatago_gate_requests_total{outcome=\"local\"} 211",
		"hatago_gate_errors_total 10",
		"# TYPE hatago_gate_response_seconds histogram",
		"hatago_gate_response_seconds_bucket{le=\"0.001\"} 1",
		"hatago_gate_response_seconds_bucket{le=\"0.0025\"} 2",
		"hatago_gate_response_seconds_bucket{le=\"0.25\"} 100",
		"hatago_gate_response_seconds_bucket{le=\"30\"} 100",
		"hatago_gate_response_seconds_bucket{le=\"+Inf\"} 100",
		"hatago_gate_response_seconds_sum 5.05",
		"hatago_gate_response_seconds_count 100",
		"# TYPE hatago_gate_queue_wait_seconds histogram",
		"hatago_gate_queue_wait_seconds_bucket{le=\"0.0025\"} 0",
		"hatago_gate_queue_wait_seconds_bucket{le=\"0.005\"} 1",
		"hatago_gate_queue_wait_seconds_bucket{le=\"0.5\"} 1",
		"hatago_gate_queue_wait_seconds_bucket{le=\"1\"} 2",
		"hatago_gate_queue_wait_seconds_bucket{le=\"30\"} 2",
		"hatago_gate_queue_wait_seconds_bucket{le=\"+Inf\"} 3",
		"hatago_gate_queue_wait_seconds_sum 40.703",
		"hatago_gate_queue_wait_seconds_count 3",
		"hatago_gate_concurrency_limit 5",
		"hatago_gate_upstream_requests{upstream=\"http://a\"} 3",
		"hatago_gate_upstream_requests{upstream=\"unix:/b\"} 0",
		"hatago_gate_breaker_state{upstream=\"http://a\",state=\"closed\"} 1",
		"hatago_gate_breaker_state{upstream=\"http://a\",state=\"open\"} 0",
		"hatago_gate_breaker_state{upstream=\"http://a\",state=\"half-open\"} 0",
		"hatago_gate_breaker_state{upstream=\"unix:/b\",state=\"closed\"} 0",
		"hatago_gate_breaker_state{upstream=\"unix:/b\",state=\"open\"} 1",
		"hatago_gate_breaker_failures{upstream=\"http://a\"} 4",
		"hatago_gate_breaker_failures{upstream=\"unix:/b\"} 6",
		"hatago_gate_breaker_opened_total{upstream=\"http://a\"} 0",
		"hatago_gate_breaker_opened_total{upstream=\"unix:/b\"} 2",
		"hatago_gate_streams 12",
		"hatago_gate_max_streams 1000",
		"hatago_gate_connections 27",
		"hatago_gate_connections_total{result=\"accepted\"} 31",
		"hatago_gate_connections_total{result=\"refused\"} 4",
		"hatago_gate_upstream_connections_total 9",
		"hatago_gate_bytes_total{direction=\"in\"} 1111",
		"hatago_gate_bytes_total{direction=\"out\"} 2222",
		"hatago_gate_escalations_total 2",
		"hatago_gate_events_total 50",
		"hatago_gate_events_dropped_total 6",
	};
	char *text = prometheus();

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!has_line(text, lines[i]))
			fail_msg("missing: %s\n%s", lines[i], text);
	free(text);
}

/* Buckets only grow, and the last is the count: for a scraper they are one set of numbers. */
static void test_cumulative(void **state)
{
	static const char *const names[] = {"hatago_gate_response_seconds",
					    "hatago_gate_queue_wait_seconds"};
	char *text = prometheus();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char start[80], last[120];
		uint64_t before = 0;
		int found = 0;

		snprintf(start, sizeof(start), "\n%s_bucket{le=\"", names[i]);
		for (char *at = text; (at = strstr(at, start)); at++) {
			uint64_t now = strtoull(strstr(at, "} ") + 2, NULL, 10);

			assert_true(now >= before);
			before = now;
			found++;
		}
		assert_int_equal(found, 15);
		snprintf(last, sizeof(last), "%s_count %llu", names[i], (unsigned long long)before);
		assert_true(has_line(text, last));
	}
	free(text);
}

static void promtool_accepts(const char *text)
{
	FILE *pipe = popen("promtool check metrics 2>&1", "w");

	assert_non_null(pipe);
	fputs(text, pipe);
	assert_int_equal(pclose(pipe), 0);
}

static void test_promtool(void **state)
{
	char *text;

	(void)state;
	if (system("command -v promtool >/dev/null")) {
		print_message("promtool (Debian package prometheus) is not installed\n");
		skip();
		return;
	}
	text = prometheus();
	promtool_accepts(text);
	free(text);
}

static json_t *json_of(void)
{
	struct json out;
	json_t *root;

	json_init(&out);
	metrics_json(s, &out);
	root = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	json_done(&out);
	return root;
}

/* A leaf: "gate.bytes.in". */
static const json_t *leaf(const json_t *root, const char *path)
{
	char part[40];
	size_t length;

	for (; root && *path; path += length + (path[length] == '.')) {
		length = strcspn(path, ".");
		snprintf(part, sizeof(part), "%.*s", (int)length, path);
		root = json_object_get(root, part);
	}
	if (!root)
		fail_msg("there is no such member");
	return root;
}

static void test_json(void **state)
{
	static const struct {
		const char *path;
		double least, most;
	} rows[] = {
		{"concurrency.current", 3, 3},
		{"concurrency.max", 6, 6},
		{"concurrency.queue.size", 2, 2},
		{"concurrency.queue.maxSize", 40, 40},
		{"queue.size", 2, 2},
		{"rateLimiting.tokens", 7.5, 7.5},
		{"rateLimiting.capacity", 20, 20},
		{"rateLimiting.refillRate", 10, 10},
		{"performance.avgResponseTime", 50.5, 50.5},
		{"performance.requestsPerSecond", 12, 12},
		{"performance.errorRate", 0.25, 0.25},
		{"circuitBreaker.failures", 10, 10},
		{"gate.limit", 5, 5},
		{"gate.outcomes.served", 100, 100},
		{"gate.outcomes.concurrency_limit", 202, 202},
		{"gate.outcomes.client_left", 210, 210},
		{"gate.errors", 10, 10},
		{"gate.refusedPerSecond", 142.8, 142.8},
		{"gate.responseTime.p50", 50, 54},
		{"gate.responseTime.p90", 90, 96},
		{"gate.responseTime.p99", 99, 106},
		{"gate.responseTime.max", 100, 107},
		{"gate.queueWait.p50", 700, 744},
		{"gate.queueWait.max", 40000, 42500},
		{"gate.streams.current", 12, 12},
		{"gate.streams.max", 1000, 1000},
		{"gate.connections.current", 27, 27},
		{"gate.connections.accepted", 31, 31},
		{"gate.connections.refused", 4, 4},
		{"gate.upstreamConnections", 9, 9},
		{"gate.bytes.in", 1111, 1111},
		{"gate.bytes.out", 2222, 2222},
		{"gate.escalations", 2, 2},
		{"gate.events.emitted", 50, 50},
		{"gate.events.dropped", 6, 6},
	};
	json_t *root = json_of();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double value = json_number_value(leaf(root, rows[i].path));

		if (value < rows[i].least || value > rows[i].most)
			fail_msg("%s is %g", rows[i].path, value);
	}
	assert_true(json_is_true(leaf(root, "gate.enabled")));
	json_decref(root);
}

static void test_json_breakers(void **state)
{
	static const char expected[] =
		"[{\"name\":\"http://a\",\"current\":3,\"breaker\":\"closed\",\"calls\":12,"
		"\"failures\":4,\"slow\":2,\"opened\":0},"
		"{\"name\":\"unix:/b\",\"current\":0,\"breaker\":\"open\",\"calls\":7,"
		"\"failures\":6,\"slow\":0,\"opened\":2}]";
	json_t *root = json_of(), *wanted = json_loads(expected, JSON_REJECT_DUPLICATES, NULL);

	(void)state;
	assert_non_null(wanted);
	if (!json_equal(leaf(root, "gate.upstreams"), wanted))
		fail_msg("%s", json_dumps(leaf(root, "gate.upstreams"), 0));
	assert_string_equal(json_string_value(leaf(root, "circuitBreaker.state")), "closed");
	assert_string_equal(json_string_value(leaf(root, "circuitBreaker.lastFailure")),
			    "2025-01-16T10:29:58Z");
	json_decref(wanted);
	json_decref(root);
}

/* The failures of all upstreams, the latest of their times; forgotten where they are. */
static void test_failures(void **state)
{
	static const struct {
		uint64_t failures[2], last_ns[2]; /* after START */
		size_t count;
		uint64_t sum, last_before_ns; /* the end of the snapshot; 0: none */
	} rows[] = {
		{{0, 0}, {0, 0}, 2, 0, 0},
		{{1, 2}, {1 * SECOND, 3 * SECOND}, 2, 3, 7 * SECOND},
		{{1, 2}, {3 * SECOND, 1 * SECOND}, 2, 3, 7 * SECOND},
		{{1, 2}, {3 * SECOND, 1 * SECOND}, 1, 1, 7 * SECOND},
		{{1, 2}, {3 * SECOND, 1 * SECOND}, 0, 0, 0},
		{{0, 5}, {0, 10 * SECOND - 1}, 2, 5, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gate->upstream_count = rows[i].count;
		for (size_t u = 0; u < 2; u++) {
			struct breaker_view *b = &gate->upstreams[u].breaker;

			b->window.failures = (uint32_t)rows[i].failures[u];
			b->last_failure_ns = rows[i].last_ns[u] ? START + rows[i].last_ns[u] : 0;
		}
		metrics_snapshot_gate(gate, &trend, START + 10 * SECOND, s);
		assert_int_equal(s->gate.breaker_failures, rows[i].sum);
		assert_int_equal(s->gate.upstream_count, rows[i].count);
		assert_int_equal(s->gate.last_failure_ns,
				 rows[i].last_before_ns ? REAL - rows[i].last_before_ns : 0);
	}
}

/* What the configuration says holds until a bucket was asked, or while there is no gate. */
static void test_from_config(void **state)
{
	(void)state;
	memset(s, 0, sizeof(*s));
	config.gate.enabled = false;
	metrics_snapshot_config(&config, s);
	assert_false(s->gate.enabled);
	assert_int_equal(s->gate.streams_max, 99);
	assert_int_equal(s->gate.max, 10);
	assert_int_equal(s->gate.limit, 10);
	gate->capacity = 0;
	metrics_snapshot_gate(gate, &trend, START + 10 * SECOND, s);
	assert_true(s->gate.tokens == 30 && s->gate.capacity == 30 && s->gate.refill_rate == 2.5);
	assert_int_equal(s->gate.max, 6);
}

/* Workers are read one by one, so more may have left than had come: that is none. */
static void test_levels(void **state)
{
	static const struct {
		int64_t sum;
		uint64_t shown;
	} rows[] = {{0, 0}, {-1, 0}, {INT64_MIN, 0}, {7, 7}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gate->sum.streams = gate->sum.connections = rows[i].sum;
		metrics_snapshot_gate(gate, &trend, START + 10 * SECOND, s);
		assert_int_equal(s->gate.streams, rows[i].shown);
		assert_int_equal(s->gate.connections, rows[i].shown);
	}
}

/* Every series is there at 0, so that its first step is seen. */
static void test_no_gate(void **state)
{
	static const char *const lines[] = {
		"hatago_gate_enabled 0",
		"hatago_gate_requests_total{outcome=\"served\"} 0",
		"hatago_gate_response_seconds_bucket{le=\"+Inf\"} 0",
		"hatago_gate_response_seconds_sum 0",
		"hatago_gate_events_total 0",
	};
	json_t *root;
	char *text;

	(void)state;
	memset(s, 0, sizeof(*s));
	text = prometheus();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_true(has_line(text, lines[i]));
	free(text);
	root = json_of();
	assert_true(json_is_false(leaf(root, "gate.enabled")));
	assert_true(json_number_value(leaf(root, "gate.responseTime.p99")) == 0);
	json_decref(root);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_prometheus_lines), EACH(test_cumulative),
		EACH(test_promtool),	     EACH(test_json),
		EACH(test_json_breakers),    EACH(test_failures),
		EACH(test_from_config),	     EACH(test_levels),
		EACH(test_no_gate),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
