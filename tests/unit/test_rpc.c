/* SPDX-License-Identifier: MIT */
/*
 * Bodies and what is read from them: each row whole, byte by byte and cut in two at every
 * place, with the same outcome.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rpc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The outcome as a text: the state, then a word for each message. */
struct seen {
	char text[512];
	size_t length;
};

static const char *const states[] = {"reading", "whole", "broken"};
static const char *const kinds[] = {"request", "notification", "response", "other"};

static void __attribute__((format(printf, 2, 3))) say(struct seen *seen, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	seen->length += (size_t)vsnprintf(seen->text + seen->length,
					  sizeof(seen->text) - seen->length, format, args);
	va_end(args);
	assert_true(seen->length < sizeof(seen->text));
}

static void on_message(void *ctx, const struct rpc_message *m)
{
	say(ctx, " %s%s", m->is_unclear ? "unclear-" : "", kinds[m->kind]);
	if (m->method_length)
		say(ctx, " %.*s", (int)m->method_length, m->method);
	if (m->id_length)
		say(ctx, " #%.*s", (int)m->id_length, m->id);
	if (m->error_code)
		say(ctx, " !%d", m->error_code);
}

static void feed(struct rpc *rpc, const char *bytes, size_t n)
{
	char *exact = malloc(n ? n : 1); /* reading beyond it would be seen */

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	rpc_feed(rpc, exact, n);
	free(exact);
}

/* first: how many bytes come at first; then they come in pieces of `piece`. */
static void check(const char *body, size_t n, const char *expected, size_t first, size_t piece)
{
	struct seen seen = {0};
	struct rpc rpc;

	rpc_init(&rpc, on_message, &seen);
	feed(&rpc, body, first);
	for (size_t at = first; at < n; at += piece)
		feed(&rpc, body + at, n - at < piece ? n - at : piece);
	if (rpc.is_batch)
		say(&seen, " batch %u", rpc.messages);
	say(&seen, " %s", states[rpc.state]);
	if (strcmp(seen.text + 1, expected) != 0)
		fail_msg("%s\ncut at %zu by %zu gave '%s',\n                 not '%s'", body, first,
			 piece, seen.text + 1, expected);
	if (rpc.state == RPC_BROKEN)
		assert_true(rpc.message.is_unclear);
}

static void check_all_cuts(const char *body, const char *expected)
{
	size_t n = strlen(body);

	check(body, n, expected, n, 1);
	check(body, n, expected, 0, 1);
	for (size_t cut = 0; cut <= n; cut++)
		check(body, n, expected, cut, n);
}

struct row {
	const char *body, *expected;
};

static void run(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_all_cuts(rows[i].body, rows[i].expected);
}

static void kinds_of_messages(void **state)
{
	static const struct row rows[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
		 "call\",\"params\":{\"a\":[1,{}]}}",
		 "request tools/call #7 whole"},
		{" \t\r\n{ \"method\" : \"ping\" , \"id\" : \"a b\" } \n\n",
		 "request ping #\"a b\" whole"},
		{"{\"method\":\"notifications/cancelled\"}",
		 "notification notifications/cancelled whole"},
		{"{\"id\":1,\"result\":{\"method\":\"x\",\"id\":2}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{}}", "response #1 whole"},
		{"{\"id\":null,\"error\":{}}", "response #null whole"},
		{"{}", "other whole"},
		{"{\"id\":1}", "other #1 whole"},
		{"{\"method\":1,\"id\":1}", "other #1 whole"},
		{"{\"method\":[\"ping\"],\"id\":1}", "other #1 whole"},
		{"{\"method\":\"ping\",\"id\":{\"a\":1}}", "other ping whole"},
		{"{\"method\":\"ping\",\"id\":[1]}", "other ping whole"},
		{"{\"method\":\"ping\",\"id\":true}", "other ping whole"},
		{"{\"method\":\"\",\"id\":1}", "request #1 whole"},
		{"{\"params\":{\"method\":\"ping\",\"id\":2},\"id\":1,\"method\":\"a\"}",
		 "request a #1 whole"},
		{"{\"method\":\"a\",\"id\":-1.50e+3}", "request a #-1.50e+3 whole"},
		{"{\"method\":\"a\",\"id\":0}", "request a #0 whole"},
		{"{\"method\":\"\\u0061\\/\\n\\ud83d\\ude00\\u00e9\\u20ac\",\"id\":0}",
		 "request a/\n\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac #0 whole"},
		{"{\"method\":\"a\",\"id\":\"\\u0041\\n\\ud83D\\ude00\\u0000\"}",
		 "request a #\"\\u0041\\n\\ud83D\\ude00\\u0000\" whole"},
		{"{\"method\":\"a\",\"id\":\"\xe2\x82\xac\xf0\x9f\x98\x80\"}",
		 "request a #\"\xe2\x82\xac\xf0\x9f\x98\x80\" whole"},
	};

	(void)state;
	run(rows, COUNT(rows));
}

static void unclear(void **state)
{
	static const struct row rows[] = {
		{"{\"method\":\"ping\",\"method\":\"tools/call\",\"id\":1}",
		 "unclear-request ping #1 whole"},
		{"{\"method\":\"ping\",\"method\":1,\"id\":1}", "unclear-request ping #1 whole"},
		{"{\"id\":1,\"id\":2,\"method\":\"a\"}", "unclear-request a #1 whole"},
		{"{\"id\":1,\"result\":1,\"result\":2}", "unclear-response #1 whole"},
		{"{\"id\":1,\"error\":1,\"error\":2}", "unclear-response #1 whole"},
		{"{\"jsonrpc\":1,\"jsonrpc\":2,\"method\":\"a\"}", "unclear-notification a whole"},
		{"{\"\\u006dethod\":\"tools/call\",\"method\":\"ping\"}",
		 "unclear-notification ping whole"},
		{"{\"method\":\"ping\",\"\\u0069d\":1}", "unclear-notification ping whole"},
		{"{\"Method\":\"tools/call\",\"method\":\"ping\"}",
		 "unclear-notification ping whole"},
		{"{\"re\xc5\xbfult\":1,\"method\":\"ping\"}", "unclear-notification ping whole"},
		{"{\"\xc1\xad"
		 "ethod\":\"a\",\"method\":\"ping\"}",
		 "unclear-notification ping whole"},
		{"{\"longer-than-any-key-that-matters\xff\":1,\"method\":\"ping\"}",
		 "unclear-notification ping whole"},
		{"{\"longer-than-any-key-that-matters\\n\":1,\"method\":\"ping\"}",
		 "unclear-notification ping whole"},
		{"{\"method\":\"a\",\"id\":null}", "unclear-request a #null whole"},
		{"{\"method\":\"a\",\"id\":1,\"result\":1}", "unclear-request a #1 whole"},
		{"{\"method\":\"ping\\u0000x\",\"id\":1}", "unclear-request #1 whole"},
		{"{\"method\":\"\\ud800\",\"id\":1}", "unclear-request #1 whole"},
		{"{\"method\":\"\\udc00\",\"id\":1}", "unclear-request #1 whole"},
		{"{\"method\":\"\\ud800x\",\"id\":1}", "unclear-request #1 whole"},
		{"{\"method\":\"\\ud800\\u0041\",\"id\":1}", "unclear-request #1 whole"},
		{"{\"method\":\"\\ud800\\n\",\"id\":1}", "unclear-request #1 whole"},
		{"{\"method\":\"a\",\"id\":\"\\ud800\"}", "unclear-request a whole"},
		{"{\"method\":\"a\",\"id\":\"\\udc00\\ud800\"}", "unclear-request a whole"},
		{"{\"method\":\"a\",\"id\":\"\xff\"}", "unclear-request a whole"},
		{"{\"method\":\"a\",\"id\":\"\xc0\xa2\"}", "unclear-request a whole"},
		{"{\"method\":\"a\",\"id\":\"\xed\xa0\x80\"}", "unclear-request a whole"},
		{"{\"method\":\"a\",\"id\":\"\xf4\x90\x80\x80\"}", "unclear-request a whole"},
		{"{\"method\":\"a\",\"id\":\"\xe2\x82\"}", "unclear-request a whole"},
		{"{\"method\":\"a\",\"id\":\"\xe2\\n\"}", "unclear-request a whole"},
		{"{\"method\":\"a\xff\",\"id\":1}", "unclear-request #1 whole"},
	};

	(void)state;
	run(rows, COUNT(rows));
}

static void errors(void **state)
{
	static const struct row rows[] = {
		{"{\"id\":1,\"error\":{\"code\":-32603,\"message\":\"m\"}}",
		 "response #1 !-32603 whole"},
		{"{\"id\":1,\"error\":{\"message\":\"m\",\"code\" : -32601 , "
		 "\"data\":[{\"code\":1}]}}",
		 "response #1 !-32601 whole"},
		{"{\"error\":{\"code\":-32603}}", "response !-32603 whole"},
		{"{\"error\":{\"code\":-32603},\"id\":null}", "response #null !-32603 whole"},
		{"{\"error\":{\"code\":-32603},\"id\":1,\"code\":7}", "response #1 !-32603 whole"},
		{"{\"id\":1,\"error\":{\"code\":1}}", "response #1 !1 whole"},
		{"{\"id\":1,\"error\":{\"code\":99999999}}", "response #1 !99999999 whole"},
		{"{\"id\":1,\"error\":{\"code\":-9999999}}", "response #1 !-9999999 whole"},
		{"{\"id\":1,\"error\":{\"data\":{},\"code\":5,\"data\":{}}}",
		 "response #1 !5 whole"},
		{"{\"id\":1,\"error\":{\"\\uffff\":1,\"longer-than-any-key\":2,\"codes\":3,\"cod\":"
		 "4,\"code\":5}}",
		 "response #1 !5 whole"},
		{"{\"id\":1,\"error\":{\"\xff"
		 "\":1,\"code\":5}}",
		 "response #1 !5 whole"},
		{"{\"id\":1,\"error\":{\"code\":0}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-0}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":\"-32603\"}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":null}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":true}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":[-32603]}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":{\"code\":-32603}}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603.0}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603e0}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-3.2E4}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":1E1}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":100000000}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-10000000}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603000000000000000000}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603,\"code\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603,\"code\":1,\"code\":2}}",
		 "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":\"x\",\"code\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603,\"code\":{}}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"Code\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"c\\u006fde\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"co\\u0000de\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"data\":{\"code\":-32603}}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"data\":[{\"code\":-32603}]}}", "response #1 whole"},
		{"{\"id\":1,\"error\":[{\"code\":-32603}]}", "response #1 whole"},
		{"{\"id\":1,\"error\":[\"code\",-32603]}", "response #1 whole"},
		{"{\"id\":1,\"error\":-32603}", "response #1 whole"},
		{"{\"id\":1,\"code\":-32603,\"error\":{}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{},\"code\":-32603}", "response #1 whole"},
		{"{\"id\":1,\"error\":{},\"data\":{\"code\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"data\":1},\"a\":{\"code\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"result\":{\"code\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"result\":{\"error\":{\"code\":-32603}}}", "response #1 whole"},
		{"{\"id\":1,\"result\":{\"isError\":true,\"content\":[]}}", "response #1 whole"},
		{"{\"id\":1,\"result\":{},\"error\":{\"code\":-32603}}", "response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603},\"result\":{}}", "response #1 whole"},
		{"{\"id\":1,\"result\":null,\"error\":{\"code\":-32603}}",
		 "response #1 !-32603 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603},\"result\":null}",
		 "response #1 !-32603 whole"},
		{"{\"id\":1,\"method\":\"a\",\"error\":{\"code\":-32603}}",
		 "unclear-request a #1 whole"},
		{"{\"method\":\"a\",\"params\":{\"error\":{\"code\":-32603}}}",
		 "notification a whole"},
		{"{\"id\":[],\"error\":{\"code\":-32603}}", "other whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603},\"error\":{\"code\":1}}",
		 "unclear-response #1 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603},\"error\":{}}",
		 "unclear-response #1 whole"},
		{"{\"id\":1,\"Error\":{},\"error\":{\"code\":-32603}}",
		 "unclear-response #1 whole"},
		{"[{\"error\":{\"code\":-32603}},{\"id\":2,\"error\":{}},{\"id\":3,\"result\":{"
		 "\"code\":4}},{\"error\":{\"code\":5}}]",
		 "response !-32603 response #2 response #3 response !5 batch 4 whole"},
		{"[{\"error\":{\"code\":1,\"code\":2}},{\"error\":{\"code\":3}}]",
		 "response response !3 batch 2 whole"},
		{"{\"id\":1,\"error\":{\"code\":-32603}", "reading"},
		{"{\"id\":1,\"error\":{\"code\":-32603-}", "broken"},
	};

	(void)state;
	run(rows, COUNT(rows));
}

/* Once broken, what was read before no longer counts. */
static void error_of_what_breaks(void **state)
{
	static const char body[] = "{\"error\":{\"code\":-32603}}";
	struct rpc rpc;

	(void)state;
	rpc_init(&rpc, NULL, NULL);
	feed(&rpc, body, strlen(body));
	assert_int_equal(rpc.state, RPC_WHOLE);
	assert_int_equal(rpc.message.error_code, RPC_INTERNAL_ERROR);
	feed(&rpc, "x", 1);
	assert_int_equal(rpc.message.error_code, 0);
}

/* The bytes that must have been read before a result is told. */
static void has_result(void **state)
{
	static const struct {
		const char *before, *after; /* it is told with the last byte of the former */
	} rows[] = {
		{"{\"jsonrpc\":\"2.0\",\"result\":{", "\"content\":[]},\"id\":1}"},
		{"{\"id\":1,\"result\" : \"", "\"} "},
		{"{\"id\":1,\"result\":[", "],\"error\":{\"code\":-32603}}"},
		{"{\"id\":1,\"error\":{\"code\":-32603},\"result\":7", "}"},
		{"{\"result\":f", "alse,\"result\":null}"},
		{NULL, "{\"id\":1,\"result\":null,\"error\":{\"code\":1}}"},
		{NULL, "{\"id\":1,\"error\":{\"code\":1,\"result\":2}}"},
		{NULL, "{\"id\":1,\"params\":{\"result\":2}}"},
		{NULL, "{\"id\":1,\"Result\":{}}"},
		{NULL, "{\"id\":1,\"r\\u0065sult\":{}}"},
		{NULL, "[{\"id\":1,\"result\":{}},{\"id\":2,\"result\":{}}]"},
		{NULL, "result"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t told = rows[i].before ? strlen(rows[i].before) : SIZE_MAX, n;
		char body[128];
		struct rpc rpc;

		n = (size_t)snprintf(body, sizeof(body), "%s%s",
				     rows[i].before ? rows[i].before : "", rows[i].after);
		rpc_init(&rpc, NULL, NULL);
		assert_false(rpc_has_result(&rpc));
		for (size_t at = 0; at < n; at++) {
			rpc_feed(&rpc, body + at, 1);
			if (rpc_has_result(&rpc) != (at + 1 >= told))
				fail_msg("%s: wrong after %zu bytes", body, at + 1);
		}
	}
}

static void batches(void **state)
{
	static const struct row rows[] = {
		{"[]", "batch 0 whole"},
		{"[{\"method\":\"a\",\"id\":1},{\"method\":\"b\"},{\"id\":2,\"result\":0}]",
		 "request a #1 notification b response #2 batch 3 whole"},
		{"[{\"method\":\"a\",\"method\":\"b\",\"id\":1},{\"method\":\"c\",\"id\":2}]",
		 "unclear-request a #1 request c #2 batch 2 whole"},
		{"[{\"method\":{},\"id\":1},{\"method\":\"c\",\"id\":2}]",
		 "other #1 request c #2 batch 2 whole"},
		{"[1,\"x\",null,true,{}]", "other other other other other batch 5 whole"},
		{"[[]]", "batch 0 broken"},
		{"[{},[{}]]", "other batch 1 broken"},
		{"[{\"method\":\"a\",\"id\":1}", "request a #1 batch 1 reading"},
		{"[{},]", "other batch 1 broken"},
		{"[] []", "batch 0 broken"},
	};

	(void)state;
	run(rows, COUNT(rows));
}

/* What no JSON parser takes, or only some do. */
static void broken(void **state)
{
	static const char *const bodies[] = {
		"\xef\xbb\xbf{}",
		"1",
		"\"a\"",
		"null",
		"tru",
		"nul ",
		"{}{}",
		"{}x",
		"{} ,",
		"}",
		"]",
		"{]",
		"[}",
		"{,}",
		"{\"a\"}",
		"{\"a\" 1}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\":1 \"b\":2}",
		"{\"a\"::1}",
		"{a:1}",
		"{'a':1}",
		"{1:1}",
		"{\"a\":/**/1}",
		"{\"a\":NaN}",
		"{\"a\":Infinity}",
		"{\"a\":-Infinity}",
		"{\"a\":+1}",
		"{\"a\":01}",
		"{\"a\":-}",
		"{\"a\":.5}",
		"{\"a\":1.}",
		"{\"a\":1.e1}",
		"{\"a\":1e}",
		"{\"a\":1e+}",
		"{\"a\":0x1}",
		"{\"a\":1e5.5}",
		"{\"a\":truE}",
		"{\"a\":nulll}",
		"{\"a\":\"\n\"}",
		"{\"a\":\"\t\"}",
		"{\"a\":\"\x1f\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\u-123\"}",
		"{\"a\":\"\\'\"}",
		"{\"a\":\"long enough for the fast loop\n\"}",
		"{\"a\n\":1}",
		"{\"a\":1]",
		"{\"a\":\v1}",
		"{\"id\":1_0}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++)
		for (size_t piece = 1; piece <= 64; piece *= 64) {
			struct rpc rpc;
			size_t n = strlen(bodies[i]);

			rpc_init(&rpc, NULL, NULL);
			for (size_t at = 0; at < n; at += piece)
				feed(&rpc, bodies[i] + at, n - at < piece ? n - at : piece);
			if (rpc.state != RPC_BROKEN || !rpc.message.is_unclear)
				fail_msg("%s is %s", bodies[i], states[rpc.state]);
			feed(&rpc, "{}", 2);
			assert_int_equal(rpc.state, RPC_BROKEN);
		}
}

static void nul_bytes(void **state)
{
	(void)state;
	check("{\0}", 3, "broken", 3, 1);
	check("{\"a\0\":1}", 8, "broken", 8, 1);
	check("{\"a\\\0\":1}", 9, "broken", 9, 1);
	check("{}\0", 3, "other broken", 3, 1);
}

/* The text `times` times, in the middle of the body. */
static char *body_with(const char *before, const char *text, size_t times, const char *after)
{
	size_t size = strlen(before) + strlen(text) * times + strlen(after) + 1, at;
	char *body = malloc(size);

	assert_non_null(body);
	at = (size_t)snprintf(body, size, "%s", before);
	for (size_t i = 0; i < times; i++)
		at += (size_t)snprintf(body + at, size - at, "%s", text);
	snprintf(body + at, size - at, "%s", after);
	return body;
}

static void bounds(void **state)
{
	static const struct {
		const char *before, *text;
		size_t times;
		const char *after;
		enum rpc_state state;
		bool is_unclear;
		uint32_t method_length, id_length;
	} rows[] = {
		{"{\"id\":1,\"method\":\"", "m", 128, "\"}", RPC_WHOLE, false, 128, 1},
		{"{\"id\":1,\"method\":\"", "m", 129, "\"}", RPC_WHOLE, true, 0, 1},
		{"{\"id\":1,\"method\":\"", "\\n", 128, "\"}", RPC_WHOLE, false, 128, 1},
		{"{\"id\":1,\"method\":\"", "\\u20ac", 43, "\"}", RPC_WHOLE, true, 0, 1},
		{"{\"id\":1,\"method\":\"", "m", 100000, "\"}", RPC_WHOLE, true, 0, 1},
		{"{\"method\":\"m\",\"id\":\"", "i", 254, "\"}", RPC_WHOLE, false, 1, 256},
		{"{\"method\":\"m\",\"id\":\"", "i", 255, "\"}", RPC_WHOLE, true, 1, 0},
		{"{\"method\":\"m\",\"id\":\"", "i", 256, "\"}", RPC_WHOLE, true, 1, 0},
		{"{\"method\":\"m\",\"id\":\"", "i", 100000, "\"}", RPC_WHOLE, true, 1, 0},
		{"{\"method\":\"m\",\"id\":", "7", 256, "}", RPC_WHOLE, false, 1, 256},
		{"{\"method\":\"m\",\"id\":", "7", 257, "}", RPC_WHOLE, true, 1, 0},
		{"{\"method\":\"m\",\"id\":1,\"p\":", "[", 256, "", RPC_BROKEN, true, 1, 1},
		{"{\"method\":\"m\",\"id\":1,\"p\":", "[", 255, "", RPC_READING, false, 1, 1},
		{"{\"method\":\"m\",\"id\":1,\"", "k", 100000, "\":1}", RPC_WHOLE, false, 1, 1},
		{"{\"method\":\"m\",\"id\":1,\"p\":\"", "0123456\\u00ff", 9000, "\"}", RPC_WHOLE,
		 false, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *body = body_with(rows[i].before, rows[i].text, rows[i].times, rows[i].after);

		for (size_t piece = 1; piece < 2000000; piece *= 131) {
			struct rpc rpc;
			size_t n = strlen(body);

			rpc_init(&rpc, NULL, NULL);
			for (size_t at = 0; at < n; at += piece)
				rpc_feed(&rpc, body + at, n - at < piece ? n - at : piece);
			if (rpc.state != rows[i].state ||
			    rpc.message.is_unclear != rows[i].is_unclear ||
			    rpc.message.method_length != rows[i].method_length ||
			    rpc.message.id_length != rows[i].id_length)
				fail_msg("row %zu by %zu: %s %d %u %u", i, piece, states[rpc.state],
					 rpc.message.is_unclear, rpc.message.method_length,
					 rpc.message.id_length);
		}
		free(body);
	}
}

static enum rpc_state state_of(const char *body, size_t n)
{
	struct rpc rpc;

	rpc_init(&rpc, NULL, NULL);
	rpc_feed(&rpc, body, n);
	return rpc.state;
}

/* The fast loop over strings must stop at each special byte, wherever it lies. */
static void specials_at_every_place(void **state)
{
	static const char specials[] = {'"', '\\', '\x1f', '\0', '\n'};
	static const char harmless[] = " !#[]\x7f\x80\xa2\xdc\xff";
	char body[64] = "{\"a\":\"";
	const size_t begin = strlen(body);

	(void)state;
	for (size_t place = begin; place < 40; place++) {
		for (size_t i = 0; i < sizeof(specials); i++) {
			memset(body + begin, '\xa2', sizeof(body) - begin);
			body[place] = specials[i];
			body[place + 1] = '/'; /* an escape, or broken */
			assert_int_equal(state_of(body, sizeof(body)),
					 specials[i] == '\\' ? RPC_READING : RPC_BROKEN);
		}
		for (size_t i = 0; harmless[i]; i++) {
			memset(body + begin, 'x', sizeof(body) - begin);
			body[place] = harmless[i];
			body[sizeof(body) - 2] = '"';
			body[sizeof(body) - 1] = '}';
			assert_int_equal(state_of(body, sizeof(body)), RPC_WHOLE);
		}
	}
}

static void method_is(void **state)
{
	struct rpc rpc;

	(void)state;
	rpc_init(&rpc, NULL, NULL);
	assert_false(rpc_method_is(&rpc.message, "ping"));
	rpc_feed(&rpc, "{\"method\":\"pin", 14);
	assert_int_equal(rpc.message.method_length, 0); /* not before it is whole */
	rpc_feed(&rpc, "g\"", 2);
	assert_true(rpc_method_is(&rpc.message, "ping"));
	assert_false(rpc_method_is(&rpc.message, "pin"));
	assert_false(rpc_method_is(&rpc.message, "pings"));
	assert_int_equal(rpc.message.kind, RPC_OTHER); /* an id may still come */
	rpc_feed(&rpc, "}", 1);
	assert_int_equal(rpc.message.kind, RPC_NOTIFICATION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_messages),
		cmocka_unit_test(unclear),
		cmocka_unit_test(errors),
		cmocka_unit_test(error_of_what_breaks),
		cmocka_unit_test(has_result),
		cmocka_unit_test(batches),
		cmocka_unit_test(broken),
		cmocka_unit_test(nul_bytes),
		cmocka_unit_test(bounds),
		cmocka_unit_test(specials_at_every_place),
		cmocka_unit_test(method_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
