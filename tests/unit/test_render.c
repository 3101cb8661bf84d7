// SPDX-License-Identifier: MIT
/*
 * What hatago-bpfctl prints of the gate, its breakers and the machine's load: from a result as
 * hatagod sends it to lines for people. Compared as a whole, without colours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/bpfctl/bpfctl.h"

/* The result in ' for ", as text. The caller's to free(). */
static char *rendered(const char *result, void (*show)(const json_t *result, FILE *out))
{
	char *json = strdup(result), *text = NULL;
	size_t size = 0;
	json_t *root;
	FILE *out;

	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	root = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	assert_non_null(root);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	show(root, out);
	fclose(out);
	json_decref(root);
	free(json);
	return text;
}

#define CLOSED                                                               \
	"{'upstream':'http://a','state':'closed','held':null,'in_flight':0," \
	"'calls':7,'failures':0,'slow':0,'consecutive_failures':0,"          \
	"'probes_in_flight':0,'probes_passed':0,'last_failure':null,"        \
	"'retry_ms':null,'opened':0}"

static void test_gate(void **state)
{
	static const struct {
		const char *gate, *lines;
	} rows[] = {
		{"null", ""},
		{"{'concurrency':{'current':3,'max':10},'queue':{'current':2,'max':50},"
		 "'streams':{'current':12,'max':1000},'connections':2700,"
		 "'lately':{'over_ms':59950,'requests_per_second':1234.5,'refused_per_second':0.25,"
		 "'average_ms':53.2,'error_rate':0.0213,"
		 "'response_ms':{'p50':0.512,'p99':99.4},'queue_wait_ms':{'p50':7,'p99':61000}},"
		 "'refused':[{'reason':'rate_limit','requests':1201},"
		 "{'reason':'queue_timeout','requests':7}],"
		 "'failed':[{'reason':'upstream_failed','requests':5}]}",
		 "gate      3 of 10 in flight, 2 of 50 in the queue, 12 of 1,000 streams\n"
		 "          2,700 connections of clients\n"
		 "          1.23k requests/s of 53 ms on average, 2.1 % errors, 0.2/s refused "
		 "(last 59s)\n"
		 "answers   half within 0.5 ms, 99 % within 99 ms\n"
		 "waits     half within 7 ms, 99 % within 1m1s\n"
		 "refused   1,201 rate_limit, 7 queue_timeout\n"
		 "failed    5 upstream_failed\n"},
		{"{'concurrency':{'current':0,'max':10},'queue':{'current':0,'max':0},"
		 "'streams':{'current':0,'max':9},'connections':0,'lately':{'over_ms':0},"
		 "'refused':[],'failed':[]}",
		 "gate      0 of 10 in flight, 0 of 0 in the queue, 0 of 9 streams\n"
		 "          0 connections of clients\n"},
		/* what may run is less than maxConcurrent: by adaptation */
		{"{'concurrency':{'current':3,'max':10},'limit':7,'queue':{'current':2,'max':50},"
		 "'streams':{'current':0,'max':9},'connections':1}",
		 "gate      3 of 7 in flight (maxConcurrent 10), 2 of 50 in the queue, "
		 "0 of 9 streams\n"
		 "          1 connections of clients\n"},
		{"{'concurrency':{'current':3,'max':10},'limit':10,"
		 "'queue':{'current':2,'max':50},'streams':{'current':0,'max':9},"
		 "'connections':1,'breaker':{'state':'closed','upstreams':[" CLOSED "]}}",
		 "gate      3 of 10 in flight, 2 of 50 in the queue, 0 of 9 streams\n"
		 "          1 connections of clients\n"
		 "breaker   http://a: closed\n"
		 "          0 of 7 calls failed\n"},
		/* a hatagod of another version */
		{"{}", "gate      0 of 0 in flight, 0 of 0 in the queue, 0 of 0 streams\n"
		       "          0 connections of clients\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char result[2048], expected[2048], *text;

		snprintf(result, sizeof(result),
			 "{'hatagod':null,'gate':%s,'edge':null,'no_edge':'no edge is pinned'}",
			 rows[i].gate);
		snprintf(expected, sizeof(expected),
			 "hatagod   DOWN: the edge goes on by itself, as it was left\n"
			 "%sedge      NONE: no edge is pinned\n",
			 rows[i].lines);
		text = rendered(result, render_status);
		assert_string_equal(text, expected);
		free(text);
	}
}

static void test_breakers(void **state)
{
	static const struct {
		const char *upstreams, *lines;
	} rows[] = {
		{"", ""},
		{CLOSED, "breaker   http://a: closed\n"
			 "          0 of 7 calls failed\n"},
		{"{'upstream':'http://a','state':'open','held':null,'calls':1200,'failures':600,"
		 "'slow':0,'last_failure':'2026-01-01T00:00:00Z','retry_ms':59000,'opened':1}",
		 "breaker   http://a: open, tries again in 59s\n"
		 "          600 of 1,200 calls failed; opened once; last failure "
		 "2026-01-01T00:00:00Z\n"},
		{"{'upstream':'http://a','state':'open','held':'open','calls':0,'failures':0,"
		 "'slow':0,'last_failure':null,'retry_ms':null,'opened':2}",
		 "breaker   http://a: open, held open by hand until 'breaker reset'\n"
		 "          0 of 0 calls failed; opened 2 times\n"},
		{"{'upstream':'http://a','state':'closed','held':'closed','calls':9,'failures':9,"
		 "'slow':3,'last_failure':null,'retry_ms':null,'opened':0}",
		 "breaker   http://a: closed, held closed by hand until 'breaker reset'\n"
		 "          9 of 9 calls failed, 3 were slow\n"},
		{"{'upstream':'http://a','state':'half-open','held':null,'calls':0,'failures':0,"
		 "'slow':0,'probes_in_flight':2,'probes_passed':1,'last_failure':null,"
		 "'retry_ms':null,'opened':1234}",
		 "breaker   http://a: half-open, 2 probes on their way, 1 passed\n"
		 "          0 of 0 calls failed; opened 1,234 times\n"},
		{CLOSED ",{'upstream':'unix:/b','state':'open','calls':1,'failures':1,"
			"'retry_ms':0,'opened':1}",
		 "breaker   http://a: closed\n"
		 "          0 of 7 calls failed\n"
		 "          unix:/b: open, tries again in 0s\n"
		 "          1 of 1 calls failed; opened once\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char result[1024], expected[1024], *text;

		snprintf(result, sizeof(result),
			 "{'state':'closed','upstreams':[%s],'lasts':'until then'}",
			 rows[i].upstreams);
		snprintf(expected, sizeof(expected), "%slasts until then\n", rows[i].lines);
		text = rendered(result, render_breakers);
		assert_string_equal(text, expected);
		free(text);
	}
}

#define CPU(value, over) \
	"{'signal':'cpu','value':" value ",'threshold':80,'unit':'%','over':" over "}"
#define OTHERS                                                                             \
	",{'signal':'memory','value':41.3,'threshold':85,'unit':'%','over':false},"        \
	"{'signal':'psi.memory.full','value':null,'threshold':5,'unit':'%','over':false}," \
	"{'signal':'responseTime','value':53.2,'threshold':5000,'unit':'ms','over':false}"

static void test_load(void **state)
{
	static const struct {
		const char *load, *lines;
	} rows[] = {
		{"null", ""},
		{"{'pressure':0,'scale':1,'reason':null,'signals':[" CPU("12.34", "false") "]}",
		 "load      cpu 12 % (80 %)\n"},
		{"{'pressure':0.65,'scale':0.704,'reason':'cpu','signals':[" CPU("93", "true")
			 OTHERS "]}",
		 "load      cpu 93 % (80 %), memory 41 % (85 %), psi.memory.full ? (5 %),\n"
		 "          responseTime 53 ms (5s)\n"
		 "          limits at 70 % since cpu is over its threshold\n"},
		{"{'pressure':0.2,'scale':0.1,'reason':'cpu','signals':[" CPU("78", "false") "]}",
		 "load      cpu 78 % (80 %)\n"
		 "          limits at 10 % while cpu is still near its threshold\n"},
		{"{'pressure':0,'scale':0.95,'reason':null,'signals':[" CPU("5", "false") "]}",
		 "load      cpu 5 % (80 %)\n"
		 "          limits at 95 %, growing back\n"},
		{"{'pressure':0,'scale':1,'reason':null,'signals':[]}",
		 "load      no signal has a threshold\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char result[1024], expected[1024], *text;

		snprintf(result, sizeof(result),
			 "{'hatagod':null,'gate':null,'load':%s,'edge':null,'no_edge':'none'}",
			 rows[i].load);
		snprintf(expected, sizeof(expected),
			 "hatagod   DOWN: the edge goes on by itself, as it was left\n"
			 "%sedge      NONE: none\n",
			 rows[i].lines);
		text = rendered(result, render_status);
		assert_string_equal(text, expected);
		free(text);
	}
}

static void show_forgiven(const json_t *result, FILE *out)
{
	render(ops_find("client forgive"), result, out);
}

/* The other commands that tell of the gate's buckets, and the pressure's lines of some. */
static void test_commands(void **state)
{
	static const struct {
		void (*show)(const json_t *result, FILE *out);
		const char *result, *lines;
	} rows[] = {
		{render_limits,
		 "{'limits':[{'dimension':'packets','enabled':false,'shared':false},"
		 "{'dimension':'requests','enabled':true,'rate':0.5,'burst':20,'refill_ms':1000,"
		 "'shared':true,'as_configured':true},{'dimension':'handshakes','enabled':true,"
		 "'rate':2,'burst':20,'refill_ms':0,'shared':false,'as_configured':false}]}",
		 "DIMENSION   RATE/s  BURST  REFILL  OF           FROM\n"
		 "packets        off                 each client\n"
		 "requests       0.5     20      1s  all clients  configuration\n"
		 "handshakes       2     20  steady  each client  limit set\n"},
		{show_forgiven, "{'forgiven':'192.0.2.1','was_escalated':true,'lasts':'a while'}",
		 "192.0.2.1 is forgiven: its buckets of requests are full, and its new connections "
		 "are not dropped any more\nlasts a while\n"},
		{render_pressure, "null", ""}, /* a hatagod of another version */
		{render_pressure,
		 "{'fresh':false,'scale':1,'trusted_scale':1,'strangers':{'enabled':false}}",
		 "pressure  nobody tells it: rates as they are set\n"},
		{render_pressure,
		 "{'fresh':true,'pressure':0,'scale':1,'trusted_scale':1,"
		 "'strangers':{'enabled':true,'asked':false,'rate':1000,'burst':2000,'scale':1}}",
		 "pressure  0: rates as they are set\n"
		 "strangers not asked; else 1k/s (burst 2k)\n"},
		{render_pressure,
		 "{'fresh':true,'pressure':0.75,'scale':0.25,'trusted_scale':1,"
		 "'strangers':{'enabled':true,'asked':true,'rate':1000,'burst':2000,'scale':0.5,"
		 "'tokens':12,'tokens_again':1000}}",
		 "pressure  0.75: rates cut to 0.25 of that, but not of trusted clients\n"
		 "strangers 500/s (burst 1k) for all that are not trusted: 12 left, 1,000 for\n"
		 "          second tries\n"},
		{render_pressure, "{'fresh':true,'pressure':1,'scale':0.1,'trusted_scale':0.5}",
		 "pressure  1: rates cut to 0.1 of that, of trusted clients to 0.5\n"},
		{show_forgiven, "{'forgiven':'192.0.2.1','was_escalated':false,'notes':['banned']}",
		 "192.0.2.1 is forgiven: its buckets of requests are full\nnote: banned\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = rendered(rows[i].result, rows[i].show);

		assert_string_equal(text, rows[i].lines);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_breakers),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
