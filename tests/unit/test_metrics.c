// SPDX-License-Identifier: MIT
/*
 * The metrics' texts: Prometheus as promtool reads it (where it is installed), JSON as
 * jansson reads it, against the seed document's own example; and the snapshot's filling.
 * The gate's part is in test_metrics_gate.c.
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

#include "base/version.h"
#include "hatago/bucket.h"
#include "metrics/list.h"
#include "metrics/metrics.h"

static const char seed_example[] =
	"{\"timestamp\":\"2025-01-16T10:30:00Z\","
	"\"concurrency\":{\"current\":5,\"max\":10,\"queue\":{\"size\":2,\"maxSize\":50}},"
	"\"circuitBreaker\":{\"state\":\"closed\",\"failures\":0,\"lastFailure\":null},"
	"\"rateLimiting\":{\"tokens\":8,\"capacity\":20,\"refillRate\":10},"
	"\"performance\":{\"avgResponseTime\":150,\"requestsPerSecond\":8.5,\"errorRate\":0.02}}";

static void count(struct metrics_device *device, enum hatago_verdict verdict,
		  enum hatago_reason reason, uint64_t packets, uint64_t bytes)
{
	device->counters.by[verdict][reason] = (struct hatago_counter){packets, bytes};
}

static int setup(void **state)
{
	static const char *const complaints[] = {"eth9 does not exist"};
	struct metrics_snapshot *s = calloc(1, sizeof(*s));
	struct metrics_device *first = &s->edge.devices[0], *second = &s->edge.devices[1];

	s->now_ns = 1737023400ULL * 1000000000; /* the seed's time */
	s->start_ns = 1737023399500000000ULL;
	s->reloads = 3;
	s->failed_reloads = 1;
	s->complaints = complaints;
	s->complaint_count = 1;
	s->edge.enabled = s->edge.enforcing = true;
	s->edge.device_count = 2;
	strcpy(first->name, "eth0");
	first->attached = true;
	first->mode = HATAGO_MODE_NATIVE;
	count(first, HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS, 5, 1);
	count(first, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, 7, 420);
	strcpy(second->name, "a\"b\\c\xe9\n");
	second->attached = second->unconfirmed = true;
	second->mode = HATAGO_MODE_TC;
	strcpy(second->why, "native: no; generic: no");
	s->edge.dimensions = 1u << HATAGO_DIM_PACKETS;
	assert_int_equal(hatago_limit_make(1500, 40, 250, &s->edge.limit[HATAGO_DIM_PACKETS]), 0);
	s->edge.slots = 1024;
	s->edge.occupied = 100;
	s->edge.live = 90;
	s->edge.banned = 2;
	s->edge.trusted = 5;
	s->edge.escalated = 6;
	s->edge.full_sets = 1;
	s->edge.scan_ns = 1250000;
	s->edge.allow_entries = 11;
	s->edge.deny_entries = 12;
	s->edge.offender_count = 3;
	s->edge.offenders[0] = (struct metrics_offender){"192.0.2.1", 10, 600, 9, 0};
	s->edge.offenders[1] = (struct metrics_offender){"192.0.2.2", 9, 540, 8, 1500000000};
	s->edge.offenders[2] =
		(struct metrics_offender){"2001:db8::/64", 8, 480, 7, METRICS_BAN_FOR_GOOD};
	s->gate = (struct metrics_gate){
		.current = 5,
		.max = 10,
		.queue_size = 2,
		.queue_max = 50,
		.tokens = 8,
		.capacity = 20,
		.refill_rate = 10,
		.avg_response_ms = 150,
		.requests_per_sec = 8.5,
		.error_rate = 0.02,
	};
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static char *prometheus(const struct metrics_snapshot *s)
{
	size_t length;
	char *text;

	assert_int_equal(metrics_prometheus(s, &text, &length), 0);
	assert_int_equal(length, strlen(text));
	return text;
}

/* Is it a whole line of the text? */
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
		"# TYPE hatago_edge_packets_total counter",
		"# HELP hatago_edge_packets_total Frames, by what became of them and why.",
		"# TYPE hatago_edge_enforcing gauge",
		"hatago_start_time_seconds 1737023399.5",
		"hatago_config_reloads_total{result=\"success\"} 3",
		"hatago_config_reloads_total{result=\"failure\"} 1",
		"hatago_config_last_reload_success 1",
		"hatago_complaints 1",
		"hatago_edge_enabled 1",
		"hatago_edge_enforcing 1",
		"hatago_edge_attached{device=\"eth0\",mode=\"native\"} 1",
		"hatago_edge_attached{device=\"eth0\",mode=\"generic\"} 0",
		"hatago_edge_attached{device=\"eth0\",mode=\"tc\"} 0",
		"hatago_edge_attached{device=\"a\\\"b\\\\c\\\\xe9\\n\",mode=\"tc\"} 1",
		"hatago_edge_mode_degraded{device=\"eth0\"} 0",
		"hatago_edge_mode_degraded{device=\"a\\\"b\\\\c\\\\xe9\\n\"} 1",
		"hatago_edge_unconfirmed{device=\"eth0\"} 0",
		"hatago_edge_unconfirmed{device=\"a\\\"b\\\\c\\\\xe9\\n\"} 1",
		"hatago_edge_clients_slots 1024",
		"hatago_edge_clients_occupied 100",
		"hatago_edge_clients_live 90",
		"hatago_edge_clients_banned 2",
		"hatago_edge_clients_trusted 5",
		"hatago_edge_clients_escalated 6",
		"hatago_edge_full_sets 1",
		"hatago_edge_scan_seconds 0.00125",
		"hatago_edge_list_entries{list=\"allow\"} 11",
		"hatago_edge_list_entries{list=\"deny\"} 12",
		"hatago_edge_limit_tokens_per_second{dimension=\"packets\"} 1.5",
		"hatago_edge_limit_burst_tokens{dimension=\"packets\"} 40",
		"hatago_concurrent_requests 5",
		"hatago_max_concurrent_requests 10",
		"hatago_queue_size 2",
		"hatago_max_queue_size 50",
	};
	struct metrics_snapshot *s = *state;
	char *text;

	text = prometheus(s);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!has_line(text, lines[i]))
			fail_msg("missing: %s\n%s", lines[i], text);
	assert_true(has_line(text, "hatago_build_info{version=\"" VERSION_TEXT "\",abi=\"3\"} 1"));
	assert_null(strstr(text, "dimension=\"bytes\"")); /* it is off */
	assert_null(strstr(text, "verdict=\"drop\",reason=\"allowed\""));
	assert_null(strstr(text, "192.0.2.1")); /* no label per client */
	free(text);
	s->last_reload_failed = true;
	s->edge.devices[0].attached = false;
	text = prometheus(s);
	assert_true(has_line(text, "hatago_config_last_reload_success 0"));
	assert_true(has_line(text, "hatago_edge_attached{device=\"eth0\",mode=\"native\"} 0"));
	assert_true(has_line(text, "hatago_edge_mode_degraded{device=\"eth0\"} 1"));
	free(text);
}

static size_t occurrences(const char *text, const char *part)
{
	size_t found = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		found++;
	return found;
}

static void test_prometheus_counters(void **state)
{
	static const struct {
		const char *unit, *verdict, *reason, *value;
	} lines[] = {
		{"packets", "pass", "within_limits", "18446744073709551615"},
		{"bytes", "pass", "within_limits", "1"},
		{"packets", "drop", "limit_packets", "7"},
		{"bytes", "drop", "limit_packets", "420"},
		{"packets", "would_drop", "banned", "0"},
		{"bytes", "pass", "malformed", "0"},
	};
	struct metrics_snapshot *s = *state;
	char line[160], *text;

	count(&s->edge.devices[0], HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS, UINT64_MAX, 1);
	text = prometheus(s);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(line, sizeof(line),
			 "hatago_edge_%s_total{device=\"eth0\",verdict=\"%s\",reason=\"%s\"} %s",
			 lines[i].unit, lines[i].verdict, lines[i].reason, lines[i].value);
		if (!has_line(text, line))
			fail_msg("missing: %s\n%s", line, text);
	}
	free(text);
}

/* The same series for each device, whatever it has counted, and all in the list's order. */
static void test_prometheus_series(void **state)
{
	size_t pass_reasons = 0, drop_reasons = 0, combinations;
	struct metrics_snapshot *s = *state;
	char *text = prometheus(s), *at = text;

#define COUNT_PASS			  pass_reasons++;
#define COUNT_DROP			  drop_reasons++;
#define COUNT(name, label, verdict, help) COUNT_##verdict
	HATAGO_REASONS(COUNT)
	combinations = pass_reasons + 3 * drop_reasons;
	assert_int_equal(occurrences(text, "\nhatago_edge_packets_total{"), 2 * combinations);
	assert_int_equal(occurrences(text, "\nhatago_edge_bytes_total{"), 2 * combinations);
#define IN_ORDER(name, type, labels, help)           \
	at = strstr(at, "# TYPE hatago_" #name " "); \
	assert_non_null(at);                         \
	assert_int_equal(occurrences(text, "# TYPE hatago_" #name " "), 1);
	METRICS_LIST(IN_ORDER)
	/* what can't be is shown if it is there all the same: the sum must stay right */
	free(text);
	count(&s->edge.devices[0], HATAGO_VERDICT_DROP, HATAGO_REASON_ARP, 1, 60);
	text = prometheus(s);
	assert_int_equal(occurrences(text, "\nhatago_edge_packets_total{"), 2 * combinations + 1);
	free(text);
}

/* promtool's exit status over the text, its complaints on our standard output. */
static int promtool(const char *text)
{
	FILE *pipe = popen("promtool check metrics 2>&1", "w");

	assert_non_null(pipe);
	fputs(text, pipe);
	return pclose(pipe);
}

static void test_promtool(void **state)
{
	struct metrics_snapshot *s = *state, *empty;
	char *text;

	if (system("command -v promtool >/dev/null")) {
		print_message("promtool (Debian package prometheus) is not installed\n");
		skip();
		return;
	}
	empty = calloc(1, sizeof(*empty));
	text = prometheus(s);
	assert_int_equal(promtool(text), 0);
	free(text);
	text = prometheus(empty);
	assert_int_equal(promtool(text), 0);
	free(text);
	free(empty);
	assert_int_not_equal(promtool("# TYPE a counter\na 1\na 2\n"), 0); /* it does look */
}

static json_t *json_of(const struct metrics_snapshot *s)
{
	struct json out;
	json_error_t error;
	json_t *root;
	char *text;

	json_init(&out);
	metrics_json(s, &out);
	text = json_take(&out);
	assert_non_null(text);
	assert_null(strchr(text, '\n'));
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s in %s", error.text, text);
	free(text);
	return root;
}

/* All that the seed's example holds is in ours, with the same value. */
static void test_json_of_the_seed(void **state)
{
	json_t *ours = json_of(*state), *seed = json_loads(seed_example, 0, NULL);
	const char *key;
	json_t *value;

	assert_non_null(seed);
	json_object_foreach(seed, key, value)
	{
		char *a = json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS);
		char *b = json_dumps(json_object_get(ours, key), JSON_ENCODE_ANY | JSON_SORT_KEYS);

		assert_non_null(b);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(ours, "queue"), "size")), 2);
	json_decref(ours);
	json_decref(seed);
}

static void test_json_breaker(void **state)
{
	struct metrics_snapshot *s = *state;
	const char *word, *time;
	json_t *root;

	s->gate.breaker = BREAKER_OPEN;
	s->gate.last_failure_ns = s->now_ns;
	root = json_of(s);
	assert_int_equal(json_unpack(root, "{s:{s:s,s:s}}", "circuitBreaker", "state", &word,
				     "lastFailure", &time),
			 0);
	assert_string_equal(word, "open");
	assert_string_equal(time, "2025-01-16T10:30:00Z");
	json_decref(root);
}

/* The edge's object, compared as a whole. */
static void test_json_edge(void **state)
{
	static const char expected[] =
		"{\"enabled\":true,\"enforcing\":true,\"devices\":["
		"{\"name\":\"eth0\",\"attached\":true,\"mode\":\"native\",\"why\":null,"
		"\"unconfirmed\":false,\"counters\":["
		"{\"verdict\":\"pass\",\"reason\":\"within_limits\",\"packets\":5,\"bytes\":1},"
		"{\"verdict\":\"drop\",\"reason\":\"limit_packets\",\"packets\":7,\"bytes\":420}]},"
		"{\"name\":\"lo\",\"attached\":false,\"mode\":null,"
		"\"why\":\"native: no; generic: no\",\"unconfirmed\":false,\"counters\":[]}],"
		"\"table\":{\"slots\":1024,\"occupied\":100,\"live\":90,\"banned\":2,"
		"\"trusted\":5,\"escalated\":6,\"fullSets\":1,\"scanMs\":1.25},"
		"\"limits\":{\"packets\":{\"tokensPerSecond\":1.5,\"burstCapacity\":40,"
		"\"refillInterval\":250},\"bytes\":null,\"connections\":null},"
		"\"lists\":{\"allow\":11,\"deny\":12},\"topOffenders\":["
		"{\"client\":\"192.0.2.1\",\"packets\":10,\"bytes\":600,\"drops\":9,"
		"\"banned\":false,\"banSecondsLeft\":null},"
		"{\"client\":\"192.0.2.2\",\"packets\":9,\"bytes\":540,\"drops\":8,"
		"\"banned\":true,\"banSecondsLeft\":1.5},"
		"{\"client\":\"2001:db8::/64\",\"packets\":8,\"bytes\":480,\"drops\":7,"
		"\"banned\":true,\"banSecondsLeft\":null}]}";
	struct metrics_snapshot *s = *state;
	struct metrics_device *second = &s->edge.devices[1];
	json_t *root, *wanted = json_loads(expected, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(wanted);
	strcpy(second->name, "lo");
	second->attached = second->unconfirmed = false;
	root = json_of(s);
	if (!json_equal(json_object_get(root, "edge"), wanted))
		fail_msg("%s", json_dumps(json_object_get(root, "edge"), 0));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(root, "complaints"), 0)),
		"eth9 does not exist");
	json_decref(wanted);
	json_decref(root);
}

static void test_json_strange_name(void **state)
{
	struct metrics_snapshot *s = *state;
	const char *name;
	json_t *root;

	root = json_of(s);
	name = json_string_value(json_object_get(
		json_array_get(json_object_get(json_object_get(root, "edge"), "devices"), 1),
		"name"));
	assert_string_equal(name, "a\"b\\c\xef\xbf\xbd\n");
	json_decref(root);
}

static void test_json_empty(void **state)
{
	struct metrics_snapshot *empty = calloc(1, sizeof(*empty));
	json_t *root = json_of(empty);

	(void)state;
	assert_true(json_is_false(json_object_get(json_object_get(root, "edge"), "enabled")));
	json_decref(root);
	free(empty);
}

static void test_can_occur(void **state)
{
	(void)state;
	assert_true(metrics_can_occur(HATAGO_VERDICT_PASS, HATAGO_REASON_ALLOWED));
	assert_false(metrics_can_occur(HATAGO_VERDICT_DROP, HATAGO_REASON_ALLOWED));
	assert_false(metrics_can_occur(HATAGO_VERDICT_WOULD_DROP, HATAGO_REASON_OVERFLOW));
	assert_true(metrics_can_occur(HATAGO_VERDICT_PASS, HATAGO_REASON_MALFORMED));
	assert_true(metrics_can_occur(HATAGO_VERDICT_DROP, HATAGO_REASON_BANNED));
	assert_true(metrics_can_occur(HATAGO_VERDICT_WOULD_DROP, HATAGO_REASON_CONTENDED));
	assert_string_equal(metrics_mode_label(HATAGO_MODE_GENERIC), "generic");
	assert_string_equal(metrics_mode_label(99), "unknown");
}

/* A view put together by hand: two devices, two CPUs. */
static void test_snapshot_view(void **state)
{
	struct hatago_config *config = calloc(1, sizeof(*config));
	struct hatago_counters *counters = calloc(4, sizeof(*counters));
	struct hatago_device devices[2] = {
		{.mode = HATAGO_MODE_GENERIC,
		 .confirm_by_ns = 5,
		 .name = "eth0",
		 .why = "no driver"},
		{.mode = HATAGO_MODE_TC, .confirm_by_ns = 5, .name = "eth1"},
	};
	struct view *view = calloc(1, sizeof(*view));
	struct metrics_snapshot *s = *state;

	config->active = 3; /* odd: the second of the rules */
	config->rules[1].flags = HATAGO_IPV4;
	config->rules[1].dimensions = 6;
	config->rules[1].limit[1].burst = 99;
	for (int cpu = 0; cpu < 2; cpu++) {
		counters[cpu].by[HATAGO_VERDICT_DROP][HATAGO_REASON_DENIED].packets = 20 + cpu;
		counters[2 + cpu].by[HATAGO_VERDICT_PASS][HATAGO_REASON_ARP].bytes = 42;
	}
	view->config = config;
	config->front_count = view->set_count = 10;
	view->cpu_count = 2;
	view->device_count = 2;
	for (int i = 0; i < 2; i++) {
		memcpy(view->devices[i].name, devices[i].name, sizeof(devices[i].name));
		view->devices[i].device = &devices[i];
		view->devices[i].counters = counters + (ptrdiff_t)2 * i;
	}
	view->devices[0].attached = true;
	metrics_snapshot_view(view, s);
	assert_false(s->edge.enforcing);
	assert_int_equal(s->edge.dimensions, 6);
	assert_int_equal(s->edge.limit[1].burst, 99);
	assert_int_equal(s->edge.slots, 10 * HATAGO_WAYS);
	assert_int_equal(s->edge.device_count, 2);
	assert_string_equal(s->edge.devices[0].name, "eth0");
	assert_string_equal(s->edge.devices[0].why, "no driver");
	assert_int_equal(s->edge.devices[0].mode, HATAGO_MODE_GENERIC);
	assert_true(s->edge.devices[0].attached && s->edge.devices[0].unconfirmed);
	assert_false(s->edge.devices[1].attached || s->edge.devices[1].unconfirmed);
	assert_int_equal(
		s->edge.devices[0].counters.by[HATAGO_VERDICT_DROP][HATAGO_REASON_DENIED].packets,
		41);
	assert_int_equal(
		s->edge.devices[1].counters.by[HATAGO_VERDICT_PASS][HATAGO_REASON_ARP].bytes, 84);
	config->rules[1].flags = HATAGO_ENFORCE;
	metrics_snapshot_view(view, s);
	assert_true(s->edge.enforcing);
	free(view);
	free(counters);
	free(config);
}

static void test_snapshot_config(void **state)
{
	struct config config = {
		.edge = {.enabled = false},
		.concurrency = {.max_concurrent = 7, .queue_size = 8},
	};
	struct metrics_snapshot *s = *state;

	assert_int_equal(hatago_limit_make(2500, 20, 1000, &config.rate_limiting.limit), 0);
	metrics_snapshot_config(&config, s);
	assert_false(s->edge.enabled);
	assert_int_equal(s->gate.max, 7);
	assert_int_equal(s->gate.queue_max, 8);
	assert_true(s->gate.tokens == 20 && s->gate.capacity == 20 && s->gate.refill_rate == 2.5);
}

/* Every row of a table has the columns of its head, and a row stands for each item. */
static void test_markdown(void **state)
{
	size_t size = 0, columns = 5;
	char *text = NULL, *save = NULL;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	metrics_markdown(out);
	fclose(out);
#define ROW(name, type, labels, help) assert_non_null(strstr(text, "| `hatago_" #name "` | "));
	METRICS_LIST(ROW)
#define OUTCOME_ROW(name, label, help) \
	assert_non_null(strstr(text, "\n| `" label "` | " help " |\n"));
	TALLY_OUTCOMES(OUTCOME_ROW)
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "| outcome |", 11) == 0)
			columns = 3;
		assert_int_equal(occurrences(line, "|"), columns);
	}
	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	metrics_reasons_markdown(out);
	fclose(out);
#define REASON_ROW(name, label, verdict, help)             \
	assert_non_null(strstr(text, "| `" label "` | ")); \
	assert_non_null(strstr(text, " | " help " |\n"));
	HATAGO_REASONS(REASON_ROW)
	assert_non_null(strstr(text, "| `would_drop` | "));
	free(text);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_prometheus_lines),  EACH(test_prometheus_counters),
		EACH(test_prometheus_series), EACH(test_promtool),
		EACH(test_json_of_the_seed),  EACH(test_json_breaker),
		EACH(test_json_edge),	      EACH(test_json_strange_name),
		EACH(test_json_empty),	      EACH(test_can_occur),
		EACH(test_snapshot_view),     EACH(test_snapshot_config),
		EACH(test_markdown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
