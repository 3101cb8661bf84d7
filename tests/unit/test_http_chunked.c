// SPDX-License-Identifier: MIT
/*
 * The chunked coding as a table: bytes, what comes out, and how it ends. Every case runs
 * whole and cut in two at every place; the outcome must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_chunked.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct outcome {
	enum http_chunked_event event;
	char data[4096], trailers[HTTP_TRAILER_MAX + 1];
	size_t length, taken;
};

/* Feeds until the bytes, or the body, are over. */
static void feed(struct http_chunked *c, const char *bytes, size_t n, struct outcome *outcome)
{
	char *copy = memcpy(malloc(n + 1), bytes, n);
	const char *data;
	size_t taken, length, at = 0;

	do {
		outcome->event = http_chunked_feed(c, copy + at, n - at, &taken, &data, &length);
		at += taken;
		if (outcome->event != HTTP_CHUNKED_DATA)
			continue;
		assert_true(length > 0 && data >= copy && data + length <= copy + n);
		memcpy(outcome->data + outcome->length, data, length);
		outcome->length += length;
	} while (outcome->event == HTTP_CHUNKED_DATA);
	outcome->taken += at;
	free(copy);
}

static void run(const char *bytes, size_t n, size_t cut, struct outcome *outcome)
{
	struct http_chunked c;

	memset(outcome, 0, sizeof(*outcome));
	http_chunked_init(&c);
	feed(&c, bytes, cut, outcome);
	if (outcome->event == HTTP_CHUNKED_MORE)
		feed(&c, bytes + cut, n - cut, outcome);
	if (outcome->event == HTTP_CHUNKED_END) {
		size_t taken;
		const char *data;
		size_t length;

		assert_int_equal(http_chunked_feed(&c, "x", 1, &taken, &data, &length),
				 HTTP_CHUNKED_END);
		assert_int_equal(taken, 0);
		if (c.trailers)
			memcpy(outcome->trailers, c.trailers, c.trailer_length);
	}
	assert_int_equal(c.total, outcome->length);
	http_chunked_done(&c);
	http_chunked_done(&c);
}

#define END HTTP_CHUNKED_END
#define BAD HTTP_CHUNKED_BAD

static const struct {
	const char *name, *bytes;
	enum http_chunked_event event;
	const char *data, *trailers;
	size_t left; /* bytes that are not the body's */
} cases[] = {
	{"empty", "0\r\n\r\n", END, "", "", 0},
	{"one", "3\r\nabc\r\n0\r\n\r\n", END, "abc", "", 0},
	{"two", "3\r\nabc\r\n0B\r\n0123456789\n\r\n000\r\n\r\nGET", END, "abc0123456789\n", "", 3},
	{"digits", "00000000000000aF\r\n", HTTP_CHUNKED_MORE, "", "", 0},
	{"extension", "3;a=\"b c\";d\r\nabc\r\n0;x\r\n\r\n", END, "abc", "", 0},
	{"trailers", "0\r\nX-A: 1\r\nX-B:2 \r\nX-C:\t\r\n\r\n", END, "",
	 "X-A: 1\r\nX-B: 2\r\nX-C: \r\n", 0},
	{"a blank within", "0\r\nX:  a b\t\r\n\r\n", END, "", "X: a b\r\n", 0},
	{"not over", "3\r\nab", HTTP_CHUNKED_MORE, "ab", "", 0},
	{"no last line", "0\r\n", HTTP_CHUNKED_MORE, "", "", 0},
	{"no digit", "\r\nabc", BAD, "", "", 4},
	{"no digit, extension", ";x\r\n", BAD, "", "", 3},
	{"a sign", "+3\r\nabc", BAD, "", "", 6},
	{"minus", "-1\r\n", BAD, "", "", 3},
	{"0x", "0x3\r\nabc", BAD, "", "", 6},
	{"a blank first", " 3\r\nabc", BAD, "", "", 6},
	{"a blank behind", "3 \r\nabc", BAD, "", "", 5},
	{"a tab behind", "3\t\r\nabc", BAD, "", "", 5},
	{"17 digits", "00000000000000003\r\n", BAD, "", "", 2},
	{"over 2^63", "8000000000000000\r\n", BAD, "", "", 2},
	{"2^64", "10000000000000000\r\n", BAD, "", "", 2},
	{"LF", "3\nabc", BAD, "", "", 3},
	{"LF in an extension", "3;a\nabc", BAD, "", "", 3},
	{"CR in an extension", "3;a\rb\nabc", BAD, "", "", 5},
	{"a control byte in an extension", "3;a\x01\r\nabc", BAD, "", "", 5},
	{"CR CR", "3\r\rabc", BAD, "", "", 3},
	{"too much data", "3\r\nabcd\r\n", BAD, "abc", "", 2},
	{"too little data", "3\r\nab\r\n0\r\n\r\n", BAD, "ab\r", "", 5},
	{"LF behind data", "3\r\nabc\n0\r\n\r\n", BAD, "abc", "", 5},
	{"CR x behind data", "3\r\nabc\rx", BAD, "abc", "", 0},
	{"folded", "0\r\nX: a\r\n b\r\n\r\n", BAD, "", "", 2 + 2},
	{"blank before the colon", "0\r\nX : a\r\n\r\n", BAD, "", "", 6},
	{"no colon", "0\r\nX\r\n\r\n", BAD, "", "", 3},
	{"no name", "0\r\n: a\r\n\r\n", BAD, "", "", 6},
	{"LF in a trailer", "0\r\nX: a\nY: b\r\n\r\n", BAD, "", "", 8},
	{"bare CR in a trailer", "0\r\nX: a\rY: b\r\n\r\n", BAD, "", "", 7},
	{"a control byte in a trailer", "0\r\nX: a\x02\r\n\r\n", BAD, "", "", 4},
	{"LF for the end", "0\r\n\n", BAD, "", "", 0},
	{"CR x for the end", "0\r\n\rx", BAD, "", "", 0},
};

static void test_cases(void **state)
{
	static struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].bytes);

		for (size_t cut = 0; cut <= n; cut++) {
			run(cases[i].bytes, n, cut, &outcome);
			if (outcome.event != cases[i].event ||
			    outcome.length != strlen(cases[i].data) ||
			    memcmp(outcome.data, cases[i].data, outcome.length) != 0 ||
			    strcmp(outcome.trailers, cases[i].trailers) != 0)
				fail_msg("%s, cut %zu: event %d, data '%s', trailers '%s'",
					 cases[i].name, cut, (int)outcome.event, outcome.data,
					 outcome.trailers);
			if (outcome.taken != n - cases[i].left && cases[i].event != BAD)
				fail_msg("%s, cut %zu: took %zu", cases[i].name, cut,
					 outcome.taken);
		}
	}
}

static void test_refused_trailers(void **state)
{
	static const char *const names[] = {
		"Content-Length",   "transfer-encoding", "Host",	  "Connection",
		"Trailer",	    "Content-Encoding",	 "Content-Type",  "TE",
		"Upgrade",	    "Keep-Alive",	 "Authorization", "Cookie",
		"X-Forwarded-For",  "Forwarded",	 "Via",		  "Expect",
		"Proxy-Connection", "Mcp-Method",	 "Set-Cookie",
	};
	static struct outcome outcome;
	char bytes[128];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		int n = sprintf(bytes, "0\r\nX: y\r\n%s: 1\r\n\r\n", names[i]);

		run(bytes, (size_t)n, 5, &outcome);
		if (outcome.event != BAD)
			fail_msg("%s passed", names[i]);
	}
}

/* "0" with an extension of so many bytes in all, and trailers of so many bytes in all. */
static int bounded_build(char *bytes, int line, int trailers)
{
	int n = sprintf(bytes, "0;%*s\r\nX:%*s\r\n\r\n", line - 3, "e", trailers - 4, "v");

	assert_true(n == line + 1 + trailers + 2);
	return n;
}

static void test_bounds(void **state)
{
	static const struct {
		int line, trailers;
		enum http_chunked_event event;
	} sizes[] = {
		{HTTP_CHUNK_LINE_MAX, 100, END},
		{HTTP_CHUNK_LINE_MAX + 1, 100, BAD},
		{100, HTTP_TRAILER_MAX, END},
		{100, HTTP_TRAILER_MAX + 1, BAD},
	};
	static struct outcome outcome;
	char bytes[HTTP_CHUNK_LINE_MAX + HTTP_TRAILER_MAX + 64];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		int n = bounded_build(bytes, sizes[i].line, sizes[i].trailers);

		run(bytes, (size_t)n, (size_t)n / 2, &outcome);
		if (outcome.event != sizes[i].event)
			fail_msg("case %zu: %d", i, (int)outcome.event);
	}
}

/* Many short lines grow when their blanks are put in: the bound is on what is kept, too. */
static void test_grown_trailers(void **state)
{
	static struct outcome outcome;
	char bytes[HTTP_TRAILER_MAX + 16] = "0\r\n";
	size_t length = 3;

	(void)state;
	for (int i = 0; i < (HTTP_TRAILER_MAX - 2) / 4; i++)
		length += (size_t)sprintf(bytes + length, "a:\r\n");
	length += (size_t)sprintf(bytes + length, "\r\n");
	run(bytes, length, 100, &outcome);
	assert_int_equal(outcome.event, BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_refused_trailers),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_grown_trailers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
