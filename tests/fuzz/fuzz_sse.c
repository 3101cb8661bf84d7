/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a stream of server-sent events. The first byte says how the rest is cut
 * into pieces; the counts must not depend on it, nor on which bytes end the lines.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the run where something that must be so is not. */
static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void feed_in_pieces(struct sse *sse, const char *bytes, size_t size, size_t piece)
{
	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		/* a copy of the exact size: reading beyond it would be seen */
		char *copy = memcpy(malloc(n), bytes + at, n);

		sse_feed(sse, copy, n);
		free(copy);
	}
}

/* The stream with every end of line as a CRLF. */
static void feed_with_crlf(struct sse *sse, const char *bytes, size_t size)
{
	for (size_t at = 0; at < size; at++) {
		if (bytes[at] == '\n' && at > 0 && bytes[at - 1] == '\r')
			continue;
		if (bytes[at] == '\r' || bytes[at] == '\n')
			sse_feed(sse, "\r\n", 2);
		else
			sse_feed(sse, bytes + at, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	struct sse whole, cut, crlf;

	if (size < 2)
		return 0;
	size--;
	sse_init(&whole);
	sse_init(&cut);
	sse_init(&crlf);
	sse_feed(&whole, bytes, size);
	feed_in_pieces(&cut, bytes, size, 1u + data[0]);
	feed_with_crlf(&crlf, bytes, size);
	demand(whole.events == cut.events && whole.responses == cut.responses);
	demand(whole.events == crlf.events && whole.responses == crlf.responses);
	demand(whole.failures == cut.failures && whole.failures == crlf.failures);
	demand(whole.events <= size && whole.responses <= size);
	demand(whole.failures <= whole.responses);
	return 0;
}
