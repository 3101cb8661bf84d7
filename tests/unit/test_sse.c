/* SPDX-License-Identifier: MIT */
/* Event streams and how many events, responses and failures are in them, cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/sse.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define R	 "{\"id\":1,\"result\":{}}"
#define F	 "{\"id\":1,\"error\":{\"code\":-32603}}"

static const struct row {
	const char *stream;
	uint64_t events, responses, failures;
} rows[] = {
	{"", 0, 0, 0},
	{"data: " R "\n\n", 1, 1, 0},
	{"data: " R "\r\n\r\n", 1, 1, 0},
	{"data: " R "\r\r", 1, 1, 0},
	{"data: " R "\n\r", 1, 1, 0},
	{"data: " R "\r\n\n", 1, 1, 0},
	{"data:" R "\n\n", 1, 1, 0},
	{"data:  " R "\n\n", 1, 1, 0},
	{"data:\t" R "\n\n", 1, 1, 0},
	{"data: " R "\n\ndata: " R "\r\n\r\ndata: " R "\r\r", 3, 3, 0},
	{"data: " R "\n", 0, 0, 0}, /* cut short: no event */
	{"data: " R, 0, 0, 0},
	{"event: message\nid: 7\nretry: 5\ndata: " R "\n\n", 1, 1, 0},
	{"data: " R "\nid: 7\n\n", 1, 1, 0},
	{": data: " R "\n\n", 0, 0, 0},
	{":\n\n:\n\n", 0, 0, 0},
	{"\n\n\r\n\r\r", 0, 0, 0},
	{"id: 7\n\n", 0, 0, 0},
	{"datum: " R "\n\n", 0, 0, 0},
	{"dat: " R "\n\n", 0, 0, 0},
	{"datax: " R "\n\n", 0, 0, 0},
	{" data: " R "\n\n", 0, 0, 0},
	{"Data: " R "\n\n", 0, 0, 0},
	{"data : " R "\n\n", 0, 0, 0},
	/* several lines of one event */
	{"data: {\"id\":1,\ndata: \"result\":{}}\n\n", 1, 1, 0},
	{"data: {\"id\":1,\r\n: comment\r\ndata:\"result\":{}}\r\n\r\n", 1, 1, 0},
	{"data\ndata: " R "\ndata:\ndata\n\n", 1, 1, 0},
	{"data: {\"id\":\"a\ndata: b\",\"result\":{}}\n\n", 1, 0, 0}, /* an LF within a string */
	{"data: " R "\ndata: " R "\n\n", 1, 0, 0},		      /* two values: no JSON */
	{"data\n\n", 1, 0, 0},
	{"data:\n\n", 1, 0, 0},
	{"data: \n\n", 1, 0, 0},
	{"id: 1\ndata:\n\ndata: " R "\n\n", 2, 1, 0},
	/* what the data is */
	{"data: {\"id\":1,\"error\":{}}\n\n", 1, 1, 0},
	{"data: {\"id\":1,\"method\":\"sampling/createMessage\"}\n\n", 1, 0, 0},
	{"data: {\"method\":\"notifications/progress\"}\n\n", 1, 0, 0},
	{"data: [" R ",{\"method\":\"a\"}," R "]\n\n", 1, 2, 0},
	{"data: [" R ",{\"method\":\"a\"}," R "\n\n", 1, 0, 0},
	{"data: " R "x\n\ndata: " R "\n\n", 2, 1, 0},
	{"data: hello\n\n", 1, 0, 0},
	/* failures */
	{"data: " F "\n\n", 1, 1, 1},
	{"data: " F "\n\ndata: " R "\n\ndata: " F "\n\n", 3, 3, 2},
	{"data: {\"id\":1,\ndata:\"error\":{\"code\":\ndata:-32603}}\n\n", 1, 1, 1},
	{"data: {\"id\":1,\"error\":{\"code\":-32601}}\n\n", 1, 1, 0},
	{"data: {\"id\":1,\"error\":{\"code\":-32602}}\n\n", 1, 1, 0},
	{"data: {\"id\":1,\"error\":{\"data\":{\"code\":-32603}}}\n\n", 1, 1, 0},
	{"data: {\"id\":1,\"result\":{\"isError\":true,\"code\":-32603}}\n\n", 1, 1, 0},
	{"data: {\"id\":1,\"method\":\"a\",\"error\":{\"code\":-32603}}\n\n", 1, 0, 0},
	{"data: [" R "," F ",{\"method\":\"a\"}," F "]\n\n", 1, 3, 2},
	{"data: [" F "," F "\n\n", 1, 0, 0}, /* no JSON */
	{"data: [" F "," F "\n\ndata: [" F "]\n\n", 2, 1, 1},
	{"data: " F "x\n\ndata: " R "\n\n", 2, 1, 0},
	{"data: " F "\n", 0, 0, 0}, /* cut short: no event */
	{": " F "\n\n", 0, 0, 0},
	/* byte order marks */
	{"\xef\xbb\xbf"
	 "data: " R "\n\n",
	 1, 1, 0},
	{"\xef\xbb\xbf\ndata: " R "\n\n", 1, 1, 0},
	{"\xef\xbb"
	 "data: " R "\n\n",
	 0, 0, 0},
	{"\xef\xbb\n"
	 "data: " R "\n\n",
	 1, 1, 0},
	{"\xef\xbb\xbf\xef\xbb\xbf"
	 "data: " R "\n\n",
	 0, 0, 0},
	{"\n\xef\xbb\xbf"
	 "data: " R "\n\n",
	 0, 0, 0},
	{"data: \xef\xbb\xbf" R "\n\n", 1, 0, 0},
};

/* The first `first` bytes at once, then pieces; between two pieces the state is moved. */
static void check(const struct row *row, size_t first, size_t piece)
{
	size_t n = strlen(row->stream), at = 0, take = first;
	struct sse sse[2];
	int which = 0;

	sse_init(&sse[0]);
	while (at < n) {
		char *exact = malloc(take + 1);

		assert_non_null(exact);
		memcpy(exact, row->stream + at, take);
		sse_feed(&sse[which], exact, take);
		free(exact);
		sse[!which] = sse[which];
		memset(&sse[which], 0x55, sizeof(sse[which]));
		which = !which;
		at += take;
		take = n - at < piece ? n - at : piece;
	}
	if (sse[which].events != row->events || sse[which].responses != row->responses ||
	    sse[which].failures != row->failures)
		fail_msg("%s\ncut at %zu by %zu: %lu events, %lu responses, %lu failures",
			 row->stream, first, piece, (unsigned long)sse[which].events,
			 (unsigned long)sse[which].responses, (unsigned long)sse[which].failures);
}

static void streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = strlen(rows[i].stream);

		check(&rows[i], 0, 1);
		for (size_t cut = 0; cut <= n; cut++)
			check(&rows[i], cut, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
