// SPDX-License-Identifier: MIT
/*
 * What hatago-bpfctl prints of the gate: from a result as hatagod sends it to lines for
 * people. Compared as a whole, without colours.
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
