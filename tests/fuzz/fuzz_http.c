// SPDX-License-Identifier: MIT
/*
 * Fuzzes the bytes that a stranger sends to the HTTP server, through its pure part. The
 * first byte says how the rest is cut into reads; the outcome must not depend on it.
 * Requests follow each other as on a connection that is kept alive.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXPECT(condition)         \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_head(const struct http_head *head)
{
	switch (head->state) {
	case HTTP_HEAD_READING:
		EXPECT(head->status == 0);
		break;
	case HTTP_HEAD_WHOLE:
		EXPECT(head->path[0] == '/' && strlen(head->path) <= HTTP_REQUEST_LINE_MAX);
		EXPECT(!strpbrk(head->path, " \t\r\n?#"));
		break;
	case HTTP_HEAD_REFUSED:
		EXPECT(head->status >= 400 && head->status <= 505);
		break;
	}
}

/* Feeds one request in pieces; where it ends. */
static size_t feed_in_pieces(struct http_head *head, const char *bytes, size_t size, size_t piece)
{
	size_t taken = 0;

	while (taken < size && head->state == HTTP_HEAD_READING) {
		size_t n = size - taken < piece ? size - taken : piece;

		/* a copy of the exact size: reading beyond it would be seen */
		char *copy = memcpy(malloc(n), bytes + taken, n);
		size_t took = http_head_feed(head, copy, n);

		EXPECT(took <= n && (took == n || head->state != HTTP_HEAD_READING));
		taken += took;
		free(copy);
	}
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_head whole, cut;
	const char *bytes = (const char *)data + 1;
	size_t piece, taken;

	if (size < 2)
		return 0;
	piece = 1 + data[0];
	size--;
	do {
		http_head_init(&whole);
		http_head_init(&cut);
		taken = http_head_feed(&whole, bytes, size);
		EXPECT(feed_in_pieces(&cut, bytes, size, piece) == taken);
		EXPECT(whole.state == cut.state && whole.status == cut.status);
		check_head(&whole);
		if (whole.state == HTTP_HEAD_WHOLE) {
			EXPECT(!strcmp(whole.path, cut.path));
			EXPECT(whole.is_head == cut.is_head && whole.keep_alive == cut.keep_alive);
		}
		bytes += taken;
		size -= taken;
	} while (size && whole.state == HTTP_HEAD_WHOLE);
	return 0;
}
