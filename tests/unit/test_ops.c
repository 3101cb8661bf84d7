// SPDX-License-Identifier: MIT
/*
 * The commands, from request to answer, over a table in ordinary memory and a hatagod
 * that only remembers what it was asked. What needs maps of the kernel (the lists, notes
 * on bans) is the system tests'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "config/describe.h"
#include "core/ban.h"
#include "core/connections.h"
#include "core/escalate.h"
#include "core/requests.h"
#include "edge_fixture.h"
#include "ops/ops.h"

#define DEVICES 2

static struct {
	struct fixture fixture;
	struct view view;
	struct hatago_device device[DEVICES];
	struct hatago_counters counters[DEVICES];
	struct ops_context ops;
	struct config *config;
	char folder[64];
	char asked[128]; /* of the daemon */
	int refuse;	 /* what it answers */
} t;

static uint64_t mono_now = FIXTURE_NOW;

static uint64_t fake_mono(void)
{
	return mono_now;
}

static uint64_t fake_real(void)
{
	return 1800000000ULL * FIXTURE_SECOND + mono_now;
}

static int fake_attach(void *ctx, const char *device, enum config_mode mode, uint32_t confirm_ms,
		       struct err *err)
{
	(void)ctx;
	snprintf(t.asked, sizeof(t.asked), "attach %s %d %u", device, (int)mode, confirm_ms);
	return t.refuse ? err_set(err, t.refuse, "refused") : 0;
}

static int fake_detach(void *ctx, const char *device, struct err *err)
{
	(void)ctx;
	snprintf(t.asked, sizeof(t.asked), "detach %s", device);
	return t.refuse ? err_set(err, t.refuse, "refused") : 0;
}

static int fake_confirm(void *ctx, const char *device, struct err *err)
{
	(void)ctx;
	snprintf(t.asked, sizeof(t.asked), "confirm %s", device);
	return t.refuse ? err_set(err, t.refuse, "refused") : 0;
}

static int fake_reload(void *ctx, struct json *changes, struct config_problems *problems,
		       struct err *err)
{
	static const char bad[] = "edge: {nonsense: 1, devices: 7}\n";
	struct config *config;

	(void)ctx;
	json_str(changes, NULL, "edge.enforce");
	if (!t.refuse)
		return 0;
	assert_true(config_parse(bad, sizeof(bad) - 1, "x.yaml", &config, problems) < 0);
	return err_set(err, -EINVAL, "x.yaml is bad; nothing was changed");
}

static const struct config *fake_config(void *ctx)
{
	(void)ctx;
	return t.config;
}

static void fake_info(void *ctx, struct ops_daemon_info *ret)
{
	static const char *const complaints[] = {"no metrics: the port is taken"};

	(void)ctx;
	*ret = (struct ops_daemon_info){
		.started_ns = fake_real() - 90 * FIXTURE_SECOND,
		.config_path = "/etc/hatago/hatago.yaml",
		.complaints = complaints,
		.complaint_count = 1,
	};
}

static const struct ops_daemon fake_daemon = {
	.attach = fake_attach,
	.detach = fake_detach,
	.confirm = fake_confirm,
	.reload = fake_reload,
	.config = fake_config,
	.info = fake_info,
};

static int setup(void **state)
{
	static const char yaml[] = "edge: {protect: [8080/tcp], packets: {tokensPerSecond: 10, "
				   "burstCapacity: 20}}\n";
	struct config_problems problems;

	(void)state;
	memset(&t, 0, sizeof(t));
	mono_now = FIXTURE_NOW;
	fixture_init(&t.fixture, 64);
	fixture_limit(t.fixture.rules, HATAGO_DIM_PACKETS, 10, 20);
	t.fixture.rules->flags = HATAGO_ENFORCE | HATAGO_IPV4 | HATAGO_IPV6 | HATAGO_PROTECT_PORT;
	t.fixture.rules->port[HATAGO_TCP][8080 / 64] |= 1ULL << (8080 % 64);
	for (int port = 6000; port <= 6100; port++)
		t.fixture.rules->port[HATAGO_UDP][port / 64] |= 1ULL << (port % 64);
	snprintf(t.folder, sizeof(t.folder), "/tmp/hatago-test-ops-XXXXXX");
	assert_non_null(mkdtemp(t.folder));
	t.view = (struct view){
		.pins = t.folder,
		.writable = true,
		.config = t.fixture.config,
		.sets = t.fixture.clients.sets,
		.sides = t.fixture.clients.sides,
		.set_count = t.fixture.clients.set_count,
		.cpu_count = 1,
		.config_fd = -1,
		.clients_fd = -1,
		.sides_fd = -1,
		.allow_fd = -1,
		.deny_fd = -1,
		.notes_fd = -1,
		.device_count = DEVICES,
		.lock_fd = open(t.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	for (int i = 0; i < DEVICES; i++) {
		snprintf(t.view.devices[i].name, sizeof(t.view.devices[i].name), "dev%d", i);
		t.view.devices[i].device = &t.device[i];
		t.view.devices[i].counters = &t.counters[i];
	}
	ops_init(&t.ops);
	t.ops.view = &t.view;
	t.ops.pins = t.folder;
	t.ops.daemon = &fake_daemon;
	t.ops.mono_ns = fake_mono;
	t.ops.real_ns = fake_real;
	assert_int_equal(config_parse(yaml, sizeof(yaml) - 1, "t", &t.config, &problems), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ops_done(&t.ops);
	free(t.view.draft);
	close(t.view.lock_fd);
	rmdir(t.folder);
	config_free(t.config);
	fixture_done(&t.fixture);
	return 0;
}

/* Sends a request; the answer is the caller's. */
static json_t *answer_to(const char *line, bool may_change)
{
	struct ops_outcome outcome;
	struct json out;
	json_t *root;

	json_init(&out);
	ops_answer(&t.ops, line, strlen(line), may_change, &out, &outcome);
	root = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
	if (!root)
		fail_msg("'%s' is answered by '%s'", line, out.text);
	assert_int_equal(outcome.code < 0, json_object_get(root, "error") != NULL);
	json_decref(outcome.arguments);
	json_done(&out);
	return root;
}

/* A command that works: its result. arguments: JSON with ' for ". */
static json_t *result_of(const char *command, const char *arguments)
{
	char line[512];
	json_t *root, *result;

	snprintf(line, sizeof(line), "{'command':'%s','arguments':%s}", command, arguments);
	for (char *c = line; *c; c++)
		if (*c == '\'')
			*c = '"';
	root = answer_to(line, true);
	result = json_object_get(root, "result");
	if (!result)
		fail_msg("%s: %s", line,
			 json_string_value(
				 json_object_get(json_object_get(root, "error"), "message")));
	json_incref(result);
	json_decref(root);
	return result;
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "(none)";
}

static void test_refused_requests(void **state)
{
	static const struct {
		const char *line, *code, *says;
		bool may_not_change, no_daemon;
	} rows[] = {
		{"", "usage", "no JSON", false, false},
		{"status", "usage", "no JSON", false, false},
		{"[]", "usage", "no JSON object", false, false},
		{"{}", "usage", "names no command", false, false},
		{"{\"command\":7}", "usage", "names no command", false, false},
		{"{\"command\":\"status\",\"command\":\"status\"}", "usage", "no JSON", false,
		 false},
		{"{\"command\":\"status\"} x", "usage", "no JSON", false, false},
		{"{\"command\":\"status\",\"more\":1}", "usage", "no member 'more'", false, false},
		{"{\"command\":\"status\",\"arguments\":[]}", "usage",
		 "arguments are no JSON object", false, false},
		{"{\"command\":\"stats\"}", "usage", "no command 'stats'", false, false},
		{"{\"command\":\"status\",\"arguments\":{\"n\":1}}", "usage", "has no argument 'n'",
		 false, false},
		{"{\"command\":\"why\"}", "usage", "'why' needs ADDR", false, false},
		{"{\"command\":\"why\",\"arguments\":{\"address\":\"localhost\"}}", "usage",
		 "no address or prefix", false, false},
		{"{\"command\":\"why\",\"arguments\":{\"address\":1}}", "usage", "must be a string",
		 false, false},
		{"{\"command\":\"client list\",\"arguments\":{\"number\":0}}", "usage",
		 "whole number from 1 to 100000", false, false},
		{"{\"command\":\"client list\",\"arguments\":{\"number\":100001}}", "usage",
		 "whole number from 1 to 100000", false, false},
		{"{\"command\":\"client list\",\"arguments\":{\"number\":-1}}", "usage",
		 "whole number", false, false},
		{"{\"command\":\"client list\",\"arguments\":{\"number\":\"1e3\"}}", "usage",
		 "whole number", false, false},
		{"{\"command\":\"client list\",\"arguments\":{\"sort\":\"dro\"}}", "usage",
		 "one of drops|packets|bytes", false, false},
		{"{\"command\":\"client list\",\"arguments\":{\"sort\":\"\"}}", "usage",
		 "one of drops|packets|bytes", false, false},
		{"{\"command\":\"counter list\",\"arguments\":{\"all\":\"yes\"}}", "usage",
		 "must be true or false", false, false},
		{"{\"command\":\"edge attach\",\"arguments\":{\"device\":\"../x\"}}", "usage",
		 "can't be the name of a network device", false, false},
		{"{\"command\":\"edge attach\",\"arguments\":{\"device\":\"averylongdevice1\"}}",
		 "usage", "can't be the name of a network device", false, false},
		{"{\"command\":\"edge "
		 "attach\",\"arguments\":{\"device\":\"x\",\"confirm\":\"1y\"}}",
		 "usage", "must be a time from", false, false},
		{"{\"command\":\"edge attach\",\"arguments\":{\"device\":\"x\",\"confirm\":999}}",
		 "usage", "must be a time from", false, false},
		{"{\"command\":\"ban add\",\"arguments\":{\"address\":\"1.2.3.4\",\"for\":\"0\"}}",
		 "usage", "must be a time from", false, false},
		{"{\"command\":\"ban add\",\"arguments\":{\"address\":\"1.2.3.4\",\"reason\":"
		 "\"\\u001b[2J\"}}",
		 "usage", "control characters", false, false},
		{"{\"command\":\"ban add\",\"arguments\":{\"address\":\"1.2.3.0/24\"}}", "usage",
		 "deny add 1.2.3.0/24", false, false},
		{"{\"command\":\"ban del\",\"arguments\":{\"address\":\"1.2.3.4\"}}", "not_found",
		 "1.2.3.4 is not banned", false, false},
		{"{\"command\":\"client show\",\"arguments\":{\"address\":\"1.2.3.4\"}}",
		 "not_found", "not in the table", false, false},
		{"{\"command\":\"counter list\",\"arguments\":{\"device\":\"eth7\"}}", "not_found",
		 "not attached to eth7", false, false},
		{"{\"command\":\"limit set\",\"arguments\":{\"dimension\":\"packets\",\"rate\":1}}",
		 "usage", "BURST is missing", false, false},
		{"{\"command\":\"limit "
		 "set\",\"arguments\":{\"dimension\":\"requests\",\"rate\":1}}",
		 "usage", "one of packets", false, false},
		{"{\"command\":\"limit set\",\"arguments\":{\"dimension\":\"packets\",\"rate\":"
		 "\"0.0001\",\"burst\":1}}",
		 "usage", "must be a number such as", false, false},
		{"{\"command\":\"limit set\",\"arguments\":{\"dimension\":\"packets\",\"rate\":"
		 "\"0.001\",\"burst\":1000000}}",
		 "usage", "30 days", false, false},
		{"{\"command\":\"limit set\",\"arguments\":{\"dimension\":\"bytes\",\"rate\":1000,"
		 "\"burst\":1513}}",
		 "usage", "must be 1514 at least", false, false},
		{"{\"command\":\"limit "
		 "set\",\"arguments\":{\"dimension\":\"bytes\",\"rate\":\"off\","
		 "\"burst\":1514}}",
		 "usage", "off has no burst", false, false},
		{"{\"command\":\"allow add\",\"arguments\":{\"prefixes\":[]}}", "usage",
		 "at least one prefix", false, false},
		{"{\"command\":\"allow add\",\"arguments\":{\"prefixes\":[1]}}", "usage",
		 "item 0 is no string", false, false},
		{"{\"command\":\"ban del\",\"arguments\":{\"address\":\"1.2.3.4\"}}",
		 "not_permitted", "may read but not change", true, false},
		{"{\"command\":\"event follow\",\"arguments\":{\"names\":\"onMetrics\"}}", "usage",
		 "at least one name", false, false},
		{"{\"command\":\"event follow\",\"arguments\":{\"names\":[7]}}", "usage",
		 "item 0 is no string", false, false},
		{"{\"command\":\"event follow\",\"arguments\":{\"names\":[\"onMetric\"]}}", "usage",
		 "did you mean 'onMetrics'", false, false},
		{"{\"command\":\"event follow\",\"arguments\":{\"names\":[\"xyzzy\"]}}", "usage",
		 "lists what there is", false, false},
		{"{\"command\":\"config reload\"}", "not_permitted", "control.changeGroup", true,
		 false},
		{"{\"command\":\"config show\"}", "unreachable", "only hatagod can do", false,
		 true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *root, *error;

		t.ops.daemon = rows[i].no_daemon ? NULL : &fake_daemon;
		root = answer_to(rows[i].line, !rows[i].may_not_change);
		error = json_object_get(root, "error");
		if (strcmp(text_at(error, "code"), rows[i].code) != 0 ||
		    !strstr(text_at(error, "message"), rows[i].says))
			fail_msg("%s: %s: %s", rows[i].line, text_at(error, "code"),
				 text_at(error, "message"));
		json_decref(root);
	}
	(void)state;
}

/* Every line of a bad list is told, and by its place. */
static void test_list_problems(void **state)
{
	json_t *root = answer_to("{\"command\":\"deny add\",\"arguments\":{\"prefixes\":"
				 "[\"192.0.2.0/24\",\"192.0.2.1/24\",\"2001:db8::/32\",\"x\"]}}",
				 true);
	const json_t *error = json_object_get(root, "error");
	const json_t *problems = json_object_get(error, "problems");

	(void)state;
	assert_string_equal(text_at(error, "code"), "usage");
	assert_int_equal(json_array_size(problems), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(problems, 0), "index")),
			 1);
	assert_non_null(strstr(text_at(json_array_get(problems, 0), "message"), "192.0.2.0/24"));
	assert_int_equal(json_integer_value(json_object_get(json_array_get(problems, 1), "index")),
			 3);
	json_decref(root);
	/* The next command starts without them. */
	root = answer_to("{\"command\":\"nonsense\"}", true);
	assert_null(json_object_get(json_object_get(root, "error"), "problems"));
	json_decref(root);
}

static void flood(const char *address, int frames)
{
	for (int i = 0; i < frames; i++)
		fixture_frame(&t.fixture, fixture_id(&t.fixture, address), 100, false, mono_now);
}

static void test_clients(void **state)
{
	static const struct {
		const char *arguments, *clients;
	} rows[] = {
		{"{}", "192.0.2.1 192.0.2.2 2001:db8::/64"},
		{"{'sort':'packets','number':2}", "192.0.2.1 192.0.2.2"},
		{"{'number':'1'}", "192.0.2.1"},
		{"{'prefix':'2001:db8::/32'}", "2001:db8::/64"},
		{"{'prefix':'198.51.100.0/24'}", ""},
	};

	(void)state;
	flood("192.0.2.1", 50);
	flood("192.0.2.2", 30);
	flood("2001:db8::1", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *result = result_of("client list", rows[i].arguments), *client;
		char clients[256] = "";
		size_t n;

		json_array_foreach(json_object_get(result, "clients"), n, client)
			snprintf(clients + strlen(clients), sizeof(clients) - strlen(clients),
				 "%s%s", n ? " " : "", text_at(client, "client"));
		assert_string_equal(clients, rows[i].clients);
		assert_int_equal(json_integer_value(json_object_get(result, "occupied")), 3);
		json_decref(result);
	}
}

static void test_client_show(void **state)
{
	json_t *result, *bucket;

	(void)state;
	flood("192.0.2.1", 50);
	result = result_of("client show", "{'address':'192.0.2.1'}");
	assert_string_equal(text_at(result, "state"), "limited");
	assert_int_equal(json_integer_value(json_object_get(result, "drops")), 30);
	assert_true(json_is_null(json_object_get(result, "ban")));
	bucket = json_array_get(json_object_get(result, "buckets"), 0);
	assert_string_equal(text_at(bucket, "dimension"), "packets");
	assert_int_equal(json_integer_value(json_object_get(bucket, "tokens")), 0);
	assert_int_equal(json_integer_value(json_object_get(bucket, "full_in_ms")), 2000);
	json_decref(result);
	mono_now += FIXTURE_SECOND;
	result = result_of("client show", "{'address':'192.0.2.1'}");
	assert_string_equal(text_at(result, "state"), "active");
	json_decref(result);
	mono_now += FIXTURE_SECOND;
	result = result_of("client show", "{'address':'192.0.2.1'}");
	assert_string_equal(text_at(result, "state"), "idle");
	json_decref(result);
}

static bool says(const json_t *result, const char *words)
{
	const json_t *list = json_object_get(result, "words"), *word;
	size_t i;

	json_array_foreach(list, i, word) if (strstr(json_string_value(word), words)) return true;
	return false;
}

static void test_why(void **state)
{
	json_t *result = result_of("why", "{'address':'192.0.2.1'}");
	const json_t *packet = json_object_get(result, "packet");

	(void)state;
	assert_string_equal(text_at(packet, "reason"), "within_limits");
	assert_true(says(result, "would pass"));
	assert_true(says(result, "not in the table"));
	assert_true(says(result, "attached to no device"));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(result, "protect"), 0)),
		"8080/tcp");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(result, "protect"), 1)),
		"6000-6100/udp");
	json_decref(result);

	flood("192.0.2.1", 21);
	result = result_of("why", "{'address':'192.0.2.1'}");
	packet = json_object_get(result, "packet");
	assert_string_equal(text_at(packet, "verdict"), "drop");
	assert_string_equal(text_at(packet, "reason"), "limit_packets");
	assert_int_equal(json_integer_value(json_object_get(packet, "passes_in_ms")), 100);
	assert_true(says(result, "bucket of packets has 0 of 20 tokens"));
	assert_true(says(result, "free again in 100ms"));
	assert_true(says(result, "1 of its 21 packets were dropped"));
	json_decref(result);

	t.fixture.rules->flags &= ~HATAGO_ENFORCE;
	result = result_of("why", "{'address':'192.0.2.1'}");
	assert_string_equal(text_at(json_object_get(result, "packet"), "verdict"), "would_drop");
	assert_true(says(result, "enforce is false"));
	json_decref(result);
}

/* Of a client that the gate refused too often: in each place, until it is over. */
static void test_escalated(void **state)
{
	struct clients *clients = &t.fixture.clients;
	struct hatago_client_id id = fixture_id(&t.fixture, "192.0.2.1");
	struct requests_left left;
	const json_t *row;
	json_t *result;

	(void)state;
	fixture_limit(t.fixture.rules, HATAGO_DIM_REQUESTS, 1, 10);
	requests_take(clients, id, &t.fixture.rules->limit[HATAGO_DIM_REQUESTS], 10, false,
		      mono_now, &left);
	assert_true(escalate_mark(clients, id, 0, mono_now));
	result = result_of("client show", "{'address':'192.0.2.1'}");
	assert_string_equal(text_at(result, "state"), "escalated");
	assert_true(json_is_null(json_object_get(result, "ban")));
	row = json_object_get(result, "escalation");
	assert_in_range(json_integer_value(json_object_get(row, "remaining_ms")), 10000, 10600);
	row = json_array_get(json_object_get(result, "buckets"), 1);
	assert_string_equal(text_at(row, "dimension"), "requests");
	assert_int_equal(json_integer_value(json_object_get(row, "tokens")), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "full_in_ms")), 10000);
	json_decref(result);
	result = result_of("client list", "{}");
	row = json_array_get(json_object_get(result, "clients"), 0);
	assert_string_equal(text_at(row, "state"), "escalated");
	assert_in_range(json_integer_value(json_object_get(row, "escalation_remaining_ms")), 10000,
			10600);
	json_decref(result);
	result = result_of("why", "{'address':'192.0.2.1'}");
	assert_string_equal(text_at(json_object_get(result, "packet"), "verdict"), "pass");
	row = json_object_get(result, "connection");
	assert_string_equal(text_at(row, "reason"), "escalated");
	assert_true(says(result, "A new connection would be dropped: the gate refused"));
	assert_true(says(result, "its bucket of requests has 0 of 10 tokens"));
	json_decref(result);

	mono_now += 11 * FIXTURE_SECOND;
	result = result_of("client show", "{'address':'192.0.2.1'}");
	assert_string_equal(text_at(result, "state"), "idle");
	assert_true(json_is_null(json_object_get(result, "escalation")));
	json_decref(result);
}

/* The configuration that hatagod runs, in place of the one of setup(). */
static void run_with(const char *yaml)
{
	struct config_problems problems = {0};

	config_free(t.config);
	t.config = NULL;
	if (config_parse(yaml, strlen(yaml), "t", &t.config, &problems) < 0)
		fail_msg("%s", problems.lines[0]);
}

#define GATE "gate: {listen: ['127.0.0.1:1'], upstream: ['http://127.0.0.1:2']}\n"

/* Escalated, in debt, or neither: what is lifted, and what is said. */
static void test_forgive(void **state)
{
	static const struct {
		bool escalated, in_debt, banned;
		const char *code; /* of the error; NULL: it works */
	} rows[] = {
		{true, true, false, NULL},
		{false, true, false, NULL},
		{false, true, true, NULL},
		{false, false, false, "not_found"},
	};
	static const char line[] =
		"{\"command\":\"client forgive\",\"arguments\":{\"address\":\"192.0.2.1\"}}";
	struct hatago_client_id id = fixture_id(&t.fixture, "192.0.2.1");
	struct clients *clients = &t.fixture.clients;

	(void)state;
	fixture_limit(t.fixture.rules, HATAGO_DIM_REQUESTS, 1, 10);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct hatago_limit *limit = &t.fixture.rules->limit[HATAGO_DIM_REQUESTS];
		struct requests_left left;
		json_t *root, *error, *result;

		mono_now += 60 * FIXTURE_SECOND;
		requests_take(clients, id, limit, rows[i].in_debt ? 10 : 0, false, mono_now, &left);
		if (rows[i].escalated)
			assert_true(escalate_mark(clients, id, 0, mono_now));
		if (rows[i].banned)
			json_decref(result_of("ban add", "{'address':'192.0.2.1','for':'10s'}"));
		root = answer_to(line, false);
		assert_string_equal(text_at(json_object_get(root, "error"), "code"),
				    "not_permitted");
		json_decref(root);
		root = answer_to(line, true);
		error = json_object_get(root, "error");
		assert_string_equal(error ? text_at(error, "code") : "",
				    rows[i].code ? rows[i].code : "");
		result = json_object_get(root, "result");
		if (result) {
			assert_string_equal(text_at(result, "forgiven"), "192.0.2.1");
			assert_int_equal(json_is_true(json_object_get(result, "was_escalated")),
					 rows[i].escalated);
			assert_int_equal(json_array_size(json_object_get(result, "notes")),
					 rows[i].banned);
			assert_non_null(strstr(text_at(result, "lasts"), "edge.escalate.after"));
		}
		json_decref(root);
		result = result_of("client show", "{'address':'192.0.2.1'}");
		assert_true(json_is_null(json_object_get(result, "escalation")));
		assert_int_equal(json_is_null(json_object_get(result, "ban")), !rows[i].banned);
		json_decref(result);
		requests_peek(clients, id, limit, 1, false, mono_now, &left);
		assert_int_equal(left.tokens, 10);
	}
}

/* The gate's buckets in `client show`: the client's own only with perClientLimits. */
static void test_buckets_of_the_gate(void **state)
{
	static const struct {
		const char *yaml, *buckets;
	} rows[] = {
		{"edge: {}\n" GATE "perClientLimits: true\n",
		 "packets 20, requests 7, handshakes 8"},
		{"edge: {}\n" GATE, "packets 20"},
		{"edge: {}\n" GATE "rateLimiting: {enabled: false}\n", "packets 20, requests 7"},
		{"edge: {}\n", "packets 20, requests 7"},
	};
	struct hatago_client_id id = fixture_id(&t.fixture, "192.0.2.1");
	struct requests_left left;

	(void)state;
	fixture_limit(t.fixture.rules, HATAGO_DIM_REQUESTS, 1, 10);
	run_with(rows[0].yaml);
	requests_take(&t.fixture.clients, id, &t.fixture.rules->limit[HATAGO_DIM_REQUESTS], 3,
		      false, mono_now, &left);
	requests_take(&t.fixture.clients, id, &t.config->gate.handshake, 2, true, mono_now, &left);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *result;
		const json_t *bucket;
		char buckets[256] = "";
		size_t n;

		run_with(rows[i].yaml);
		result = result_of("client show", "{'address':'192.0.2.1'}");
		json_array_foreach(json_object_get(result, "buckets"), n, bucket)
			snprintf(buckets + strlen(buckets), sizeof(buckets) - strlen(buckets),
				 "%s%s %d", n ? ", " : "", text_at(bucket, "dimension"),
				 (int)json_integer_value(json_object_get(bucket, "tokens")));
		assert_string_equal(buckets, rows[i].buckets);
		json_decref(result);
	}
}

static void test_ban(void **state)
{
	json_t *result = result_of("ban add", "{'address':'192.0.2.1','for':'10s'}");
	uint64_t left = (uint64_t)json_integer_value(json_object_get(result, "remaining_ms"));
	const json_t *bans;

	(void)state;
	assert_string_equal(text_at(result, "banned"), "192.0.2.1");
	assert_in_range(left, 10000, 10000 + (1u << HATAGO_TICK_SHIFT) / 1000000);
	assert_true(json_is_false(json_object_get(result, "replaced")));
	assert_non_null(strstr(text_at(result, "lasts"), "until it ends or is lifted"));
	json_decref(result);
	assert_false(fixture_frame(&t.fixture, fixture_id(&t.fixture, "192.0.2.1"), 60, false,
				   mono_now + 9 * FIXTURE_SECOND));

	result = result_of("ban add", "{'address':'192.0.2.1'}");
	assert_true(json_is_null(json_object_get(result, "remaining_ms")));
	assert_true(json_is_true(json_object_get(result, "replaced")));
	json_decref(result);
	json_decref(result_of("ban add", "{'address':'2001:db8::5','for':1000}"));
	result = result_of("ban list", "{}");
	bans = json_object_get(result, "bans");
	assert_int_equal(json_array_size(bans), 2);
	assert_string_equal(text_at(json_array_get(bans, 0), "client"), "192.0.2.1");
	assert_string_equal(text_at(json_array_get(bans, 1), "client"), "2001:db8::/64");
	json_decref(result);
	result = result_of("why", "{'address':'192.0.2.1'}");
	assert_true(says(result, "banned until somebody lifts that"));
	json_decref(result);

	/* A client as it is listed is the same client. */
	json_decref(result_of("ban del", "{'address':'2001:db8::/64'}"));
	json_decref(result_of("ban del", "{'address':'192.0.2.1'}"));
	result = result_of("ban list", "{}");
	assert_int_equal(json_array_size(json_object_get(result, "bans")), 0);
	json_decref(result);
	assert_true(fixture_frame(&t.fixture, fixture_id(&t.fixture, "192.0.2.1"), 60, false,
				  mono_now));
}

/* Where all slots that it may have are taken: it says so and what to do instead. */
static void test_ban_without_room(void **state)
{
	struct hatago_client_id id = fixture_id(&t.fixture, "192.0.2.1");
	uint64_t key = fixture_key(&t.fixture, id);
	struct client_sets sets = clients_sets(&t.fixture.clients, key);
	json_t *root, *error;

	(void)state;
	for (int i = 0; i < TABLE_SETS; i++)
		for (uint32_t way = 0; way < HATAGO_WAYS; way++) {
			sets.set[i]->key[way] = sets.set[i]->slot[way].key = way + 1;
			sets.set[i]->slot[way].standing =
				HATAGO_STANDING(HATAGO_BANNED, HATAGO_TICK_NEVER);
		}
	root = answer_to("{\"command\":\"ban add\",\"arguments\":{\"address\":\"192.0.2.1\"}}",
			 true);
	error = json_object_get(root, "error");
	assert_string_equal(text_at(error, "code"), "failed");
	assert_non_null(strstr(text_at(error, "message"), "deny add 192.0.2.1"));
	for (int i = 0; i < TABLE_SETS; i++)
		for (uint32_t way = 0; way < HATAGO_WAYS; way++)
			assert_int_equal(sets.set[i]->slot[way].key, way + 1);
	json_decref(root);
}

/* What is told of pressure, and what why and client show make of it. */
static void test_pressure(void **state)
{
	const char *show = "{'address':'192.0.2.1'}";
	struct hatago_config *config = t.fixture.config;
	json_t *result, *pressure;

	(void)state;
	hatago_limit_make(1000, 10, 0, &t.fixture.rules->strangers);
	t.fixture.rules->flags |= HATAGO_STRANGERS;
	t.fixture.rules->max_connections = 2;
	config->strangers.first = bucket_time(mono_now) + t.fixture.rules->strangers.tau;
	config->pressure = (struct hatago_pressure){
		.heartbeat_ns = mono_now, .per_mille = 250, .scale_inv = 512, .strangers_inv = 256};
	result = result_of("limit show", "{}");
	pressure = json_object_get(result, "pressure");
	assert_true(json_is_true(json_object_get(pressure, "fresh")));
	assert_true(json_number_value(json_object_get(pressure, "pressure")) * 4 == 1);
	assert_true(json_number_value(json_object_get(pressure, "scale")) * 2 == 1);
	pressure = json_object_get(pressure, "strangers");
	assert_true(json_is_true(json_object_get(pressure, "asked")));
	assert_int_equal(json_integer_value(json_object_get(pressure, "tokens")), 0);
	assert_int_equal(json_integer_value(json_object_get(pressure, "tokens_again")), 10);
	json_decref(result);

	result = result_of("why", show);
	assert_string_equal(text_at(json_object_get(result, "connection"), "reason"), "strangers");
	assert_true(says(result, "A new connection would be dropped at its first try"));
	assert_true(says(result, "counts 2 times in its buckets"));
	json_decref(result);

	assert_true(connections_set(&t.fixture.clients, fixture_id(&t.fixture, "192.0.2.1"), 2,
				    mono_now, 60 * FIXTURE_SECOND));
	result = result_of("why", show);
	assert_string_equal(text_at(json_object_get(result, "connection"), "reason"), "limit_open");
	assert_true(says(result, "it has 2 connections open with the gate and may have 2"));
	json_decref(result);
	result = result_of("client show", show);
	assert_int_equal(json_integer_value(json_object_get(result, "open_connections")), 2);
	assert_true(json_is_string(json_object_get(result, "trusted_until")));
	json_decref(result);

	mono_now += HATAGO_HEARTBEAT_MAX_NS; /* nobody says so any more */
	result = result_of("client show", show);
	assert_true(json_is_null(json_object_get(result, "open_connections")));
	json_decref(result);
	result = result_of("why", show);
	assert_string_equal(text_at(json_object_get(result, "connection"), "reason"),
			    "within_limits");
	assert_false(says(result, "times in its buckets"));
	json_decref(result);
	result = result_of("status", "{}");
	pressure = json_object_get(json_object_get(result, "edge"), "pressure");
	assert_true(json_is_false(json_object_get(pressure, "fresh")));
	assert_true(json_number_value(json_object_get(pressure, "scale")) >= 1);
	json_decref(result);
}

static const json_t *limit_of(const json_t *result, const char *dimension)
{
	const json_t *limit;
	size_t i;

	json_array_foreach(json_object_get(result, "limits"), i,
			   limit) if (strcmp(text_at(limit, "dimension"), dimension) ==
				      0) return limit;
	fail_msg("no limit %s", dimension);
	return NULL;
}

static void test_limits(void **state)
{
	json_t *result = result_of("limit show", "{}");
	const struct hatago_rules *rules;

	(void)state;
	assert_true(json_is_true(json_object_get(limit_of(result, "packets"), "as_configured")));
	assert_true(json_is_false(json_object_get(limit_of(result, "bytes"), "enabled")));
	json_decref(result);

	result = result_of("limit set",
			   "{'dimension':'packets','rate':'0.5','burst':3,'refill':'2s'}");
	assert_true(json_real_value(json_object_get(limit_of(result, "packets"), "rate")) == 0.5);
	assert_int_equal(
		json_integer_value(json_object_get(limit_of(result, "packets"), "refill_ms")),
		2000);
	assert_true(json_is_false(json_object_get(limit_of(result, "packets"), "as_configured")));
	assert_non_null(strstr(text_at(result, "lasts"), "until the configuration is reloaded"));
	json_decref(result);
	rules = view_rules(&t.view);
	assert_ptr_not_equal(rules, t.fixture.rules); /* the other buffer is in force now */
	assert_int_equal(rules->limit[HATAGO_DIM_PACKETS].burst, 3);
	assert_int_equal(rules->limit[HATAGO_DIM_PACKETS].rate_milli, 500);
	assert_true(rules->flags & HATAGO_STEPS);

	json_decref(result_of("limit set", "{'dimension':'bytes','rate':1000000,'burst':1514}"));
	assert_true(view_rules(&t.view)->dimensions & (1u << HATAGO_DIM_BYTES));
	assert_true(view_rules(&t.view)->flags & HATAGO_STEPS);
	json_decref(result_of("limit set", "{'dimension':'packets','rate':0}"));
	rules = view_rules(&t.view);
	assert_int_equal(rules->dimensions, 1u << HATAGO_DIM_BYTES);
	assert_false(rules->flags & HATAGO_STEPS); /* no limit in force has steps */
}

/* What the gate takes from, in `limit show`: with an edge and without. */
static void test_limits_of_the_gate(void **state)
{
	static const struct {
		const char *yaml;
		bool edge_has, no_edge, no_daemon;
		const char *limits; /* but for the edge's own */
	} rows[] = {
		{"edge: {}\n", false, false, false, ""},
		{"edge: {}\n" GATE, true, false, false,
		 "requests 10/20 all yes, handshakes 5/10 all yes"},
		{"edge: {}\n" GATE "perClientLimits: true\n"
		 "rateLimiting: {tokensPerSecond: 1, burstCapacity: 20}\n",
		 true, false, false, "requests 10/20 each no, handshakes 5/10 each yes"},
		{"edge: {}\n" GATE "rateLimiting: {enabled: false}\n", true, false, false,
		 "requests 10/20 each no"},
		{GATE, false, true, false, "requests 10/20 all yes, handshakes 5/10 all yes"},
		{"edge: {}\n" GATE, true, false, true, "requests 10/20 each -"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char limits[256] = "";
		const json_t *limit;
		json_t *result;
		size_t n;

		run_with(rows[i].yaml);
		t.fixture.rules->dimensions = 1u << HATAGO_DIM_PACKETS;
		if (rows[i].edge_has)
			fixture_limit(t.fixture.rules, HATAGO_DIM_REQUESTS, 10, 20);
		t.fixture.rules->limit[HATAGO_DIM_REQUESTS].step =
			t.config->rate_limiting.limit.step;
		t.ops.view = rows[i].no_edge ? NULL : &t.view;
		t.ops.view_code = -ENOENT;
		t.ops.daemon = rows[i].no_daemon ? NULL : &fake_daemon;
		result = result_of("limit show", "{}");
		json_array_foreach(json_object_get(result, "limits"), n, limit)
		{
			const json_t *configured = json_object_get(limit, "as_configured");

			if (n < HATAGO_EDGE_DIMENSIONS && !rows[i].no_edge)
				continue;
			snprintf(limits + strlen(limits), sizeof(limits) - strlen(limits),
				 "%s%s %g/%d %s %s", *limits ? ", " : "",
				 text_at(limit, "dimension"),
				 json_number_value(json_object_get(limit, "rate")),
				 (int)json_integer_value(json_object_get(limit, "burst")),
				 json_is_true(json_object_get(limit, "shared")) ? "all" : "each",
				 !configured		    ? "-"
				 : json_is_true(configured) ? "yes"
							    : "no");
		}
		assert_string_equal(limits, rows[i].limits);
		json_decref(result);
	}
	t.ops.view = &t.view;
}

static void count(int device, enum hatago_verdict verdict, enum hatago_reason reason,
		  uint64_t packets)
{
	t.counters[device].by[verdict][reason].packets += packets;
	t.counters[device].by[verdict][reason].bytes += packets * 100;
}

static void test_counters(void **state)
{
	json_t *result;
	const json_t *device, *row;

	(void)state;
	count(0, HATAGO_VERDICT_PASS, HATAGO_REASON_ARP, 3);
	count(0, HATAGO_VERDICT_DROP, HATAGO_REASON_DENIED, 40);
	count(1, HATAGO_VERDICT_WOULD_DROP, HATAGO_REASON_BANNED, 5);
	result = result_of("counter list", "{}");
	assert_int_equal(json_array_size(json_object_get(result, "devices")), 2);
	device = json_array_get(json_object_get(result, "devices"), 0);
	assert_int_equal(json_array_size(json_object_get(device, "counters")), 2);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(device, "received"), "packets")),
		43);
	row = json_array_get(json_object_get(device, "counters"), 1);
	assert_string_equal(text_at(row, "verdict"), "drop");
	assert_string_equal(text_at(row, "reason"), "denied");
	assert_int_equal(json_integer_value(json_object_get(row, "bytes")), 4000);
	json_decref(result);
	result = result_of("counter list", "{'device':'dev1','all':true}");
	device = json_array_get(json_object_get(result, "devices"), 0);
	assert_string_equal(text_at(device, "device"), "dev1");
	/* Every reason may pass; those of drops may also drop and would. */
	assert_true(json_array_size(json_object_get(device, "counters")) > HATAGO_REASON_COUNT);
	json_decref(result);
}

static double rate_of(const json_t *status, const char *verdict)
{
	const json_t *rates = json_object_get(json_object_get(status, "edge"), "rates");

	return json_number_value(json_object_get(json_object_get(rates, verdict), "packets"));
}

static void test_status(void **state)
{
	json_t *result = result_of("status", "{}");
	const json_t *edge = json_object_get(result, "edge"), *row;

	(void)state;
	/* The first has nothing to compare with. */
	assert_true(json_is_null(json_object_get(edge, "rates")));
	assert_true(json_is_true(json_object_get(edge, "enforce")));
	assert_int_equal(json_array_size(json_object_get(edge, "devices")), DEVICES);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(result, "hatagod"), "up_ms")),
		90000);
	json_decref(result);

	mono_now += 2 * FIXTURE_SECOND;
	count(0, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, 300);
	count(1, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, 100);
	count(1, HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS, 7);
	result = result_of("status", "{}");
	assert_true(rate_of(result, "drop") == 200);
	assert_true(rate_of(result, "pass") == 3.5);
	row = json_array_get(
		json_object_get(json_object_get(json_object_get(result, "edge"), "rates"),
				"by_reason"),
		1);
	assert_string_equal(text_at(row, "reason"), "limit_packets");
	json_decref(result);

	/* Soon after: still against a sample that is old enough to say something. */
	mono_now += FIXTURE_SECOND / 100;
	result = result_of("status", "{}");
	assert_true(rate_of(result, "drop") > 190);
	json_decref(result);

	/* A detached device takes its counts along; that is no negative rate. */
	mono_now += FIXTURE_SECOND;
	memset(t.counters, 0, sizeof(t.counters));
	result = result_of("status", "{}");
	assert_true(rate_of(result, "drop") == 0);
	json_decref(result);

	/* Long after the last sample there is no "now" to tell. */
	mono_now += 60 * FIXTURE_SECOND;
	result = result_of("status", "{}");
	assert_true(json_is_null(json_object_get(json_object_get(result, "edge"), "rates")));
	json_decref(result);
}

static void test_status_without(void **state)
{
	json_t *result, *root;

	(void)state;
	t.ops.daemon = NULL;
	result = result_of("status", "{}");
	assert_true(json_is_null(json_object_get(result, "hatagod")));
	assert_true(json_is_object(json_object_get(result, "edge")));
	json_decref(result);
	t.ops.view = NULL;
	snprintf(t.ops.view_err.text, sizeof(t.ops.view_err.text), "no edge is pinned");
	root = answer_to("{\"command\":\"status\"}", true);
	assert_string_equal(text_at(json_object_get(root, "error"), "code"), "not_found");
	json_decref(root);
	t.ops.daemon = &fake_daemon;
	result = result_of("status", "{}");
	assert_true(json_is_null(json_object_get(result, "edge")));
	assert_string_equal(text_at(result, "no_edge"), "no edge is pinned");
	json_decref(result);
}

static void test_edge(void **state)
{
	json_t *result, *root;
	const json_t *device;

	(void)state;
	t.device[1].mode = HATAGO_MODE_GENERIC;
	snprintf(t.device[1].why, sizeof(t.device[1].why), "native: the driver has no XDP");
	t.device[1].confirm_by_ns = mono_now + 5 * FIXTURE_SECOND;
	result = result_of("edge show", "{}");
	device = json_array_get(json_object_get(result, "devices"), 1);
	assert_string_equal(text_at(device, "mode"), "generic");
	assert_true(json_is_true(json_object_get(device, "degraded")));
	assert_int_equal(json_integer_value(json_object_get(device, "confirm_within_ms")), 5000);
	json_decref(result);
	/* The mode that was insisted on is nothing to complain about. */
	snprintf(t.device[1].why, sizeof(t.device[1].why), "asked for");
	result = result_of("edge show", "{}");
	device = json_array_get(json_object_get(result, "devices"), 1);
	assert_true(json_is_false(json_object_get(device, "degraded")));
	json_decref(result);

	result = result_of("edge attach", "{'device':'dev1','mode':'tc','confirm':'60s'}");
	assert_string_equal(t.asked, "attach dev1 3 60000");
	assert_int_equal(json_array_size(json_object_get(result, "devices")), 1);
	json_decref(result);
	/* Without a mode: that of the configuration. */
	t.config->edge.mode = CONFIG_MODE_GENERIC;
	json_decref(result_of("edge attach", "{'device':'dev0'}"));
	assert_string_equal(t.asked, "attach dev0 2 0");
	json_decref(result_of("edge confirm", "{'device':'dev1'}"));
	assert_string_equal(t.asked, "confirm dev1");
	json_decref(result_of("edge detach", "{'device':'dev1'}"));
	assert_string_equal(t.asked, "detach dev1");
	t.refuse = -EBUSY;
	root = answer_to("{\"command\":\"edge detach\",\"arguments\":{\"device\":\"dev1\"}}", true);
	assert_string_equal(text_at(json_object_get(root, "error"), "code"), "failed");
	assert_string_equal(text_at(json_object_get(root, "error"), "message"), "refused");
	json_decref(root);
	root = answer_to("{\"command\":\"edge confirm\",\"arguments\":{\"device\":\"dev9\"}}",
			 true);
	assert_string_equal(text_at(json_object_get(root, "error"), "code"), "not_found");
	json_decref(root);
}

static void test_config(void **state)
{
	json_t *result = result_of("config show", "{}"), *root;
	const json_t *problems;

	(void)state;
	assert_string_equal(text_at(result, "file"), "/etc/hatago/hatago.yaml");
	assert_int_equal(
		json_integer_value(json_object_get(
			json_object_get(json_object_get(json_object_get(result, "config"), "edge"),
					"packets"),
			"burstCapacity")),
		20);
	json_decref(result);
	result = result_of("config reload", "{}");
	assert_int_equal(json_array_size(json_object_get(result, "changes")), 1);
	json_decref(result);
	t.refuse = 1;
	root = answer_to("{\"command\":\"config reload\"}", true);
	problems = json_object_get(json_object_get(root, "error"), "problems");
	assert_int_equal(json_array_size(problems), 2);
	assert_non_null(strstr(text_at(json_array_get(problems, 0), "message"), "x.yaml:1:8:"));
	json_decref(root);
}

static void test_event_follow(void **state)
{
	json_t *result = result_of("event follow", "{'names':['banAdded'],'number':'7'}");
	json_t *arguments =
		json_pack("{s:[s,s], s:i}", "names", "onLimitExceeded", "banAdded", "number", 7);
	struct ops_wanted wanted;

	(void)state;
	assert_int_equal(json_array_size(json_object_get(result, "following")), 1);
	json_decref(result);
	ops_event_wanted(arguments, &wanted);
	assert_int_equal(wanted.events, 1 | 1 << OPS_EVENT_banAdded);
	assert_int_equal(wanted.count, 7);
	json_decref(arguments);
	ops_event_wanted(NULL, &wanted);
	assert_true(wanted.events == UINT64_MAX && wanted.count == UINT64_MAX);
}

static void test_read_only(void **state)
{
	static const char *const lines[] = {
		"{\"command\":\"ban add\",\"arguments\":{\"address\":\"1.2.3.4\"}}",
		"{\"command\":\"ban del\",\"arguments\":{\"address\":\"1.2.3.4\"}}",
		"{\"command\":\"deny add\",\"arguments\":{\"prefixes\":[\"1.2.3.4\"]}}",
		"{\"command\":\"limit set\",\"arguments\":{\"dimension\":\"packets\",\"rate\":0}}",
	};

	(void)state;
	t.view.writable = false; /* mapped read-only then: a write would end the program */
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		json_t *root = answer_to(lines[i], true);

		assert_string_equal(text_at(json_object_get(root, "error"), "code"),
				    "not_permitted");
		json_decref(root);
	}
	json_decref(result_of("client list", "{}"));
}

static void test_codes(void **state)
{
	static const struct {
		const char *name;
		int code, exit;
	} rows[] = {
		{"failed", -EIO, 1},
		{"failed", -EBUSY, 1},
		{"usage", -EINVAL, 2},
		{"usage", -ERANGE, 2},
		{"unreachable", -ECONNREFUSED, 3},
		{"unreachable", -ENOTCONN, 3},
		{"not_found", -ENOENT, 4},
		{"not_found", -ENODEV, 4},
		{"not_permitted", -EPERM, 5},
		{"not_permitted", -EACCES, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(ops_error_code(rows[i].code), rows[i].name);
		assert_int_equal(ops_exit_code(rows[i].name), rows[i].exit);
	}
	assert_int_equal(ops_exit_code("of a later version"), 1);
	assert_int_equal(ops_exit_code(NULL), 1);
}

#define OPS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPS_TEST(test_refused_requests),
		OPS_TEST(test_list_problems),
		OPS_TEST(test_clients),
		OPS_TEST(test_client_show),
		OPS_TEST(test_why),
		OPS_TEST(test_escalated),
		OPS_TEST(test_ban),
		OPS_TEST(test_ban_without_room),
		OPS_TEST(test_pressure),
		OPS_TEST(test_limits),
		OPS_TEST(test_limits_of_the_gate),
		OPS_TEST(test_buckets_of_the_gate),
		OPS_TEST(test_forgive),
		OPS_TEST(test_counters),
		OPS_TEST(test_status),
		OPS_TEST(test_status_without),
		OPS_TEST(test_edge),
		OPS_TEST(test_config),
		OPS_TEST(test_event_follow),
		OPS_TEST(test_read_only),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
