// SPDX-License-Identifier: MIT
/*
 * Fuzzes the chunked coding. The first byte says how the rest is cut into reads, on which
 * nothing may depend; trailers that were handed on, sent again, must come out the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXPECT(condition)         \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

struct outcome {
	struct http_chunked state;
	enum http_chunked_event event;
	char *data; /* room for all input */
	size_t length, taken;
};

/* Feeds one read to its end. */
static void feed(struct outcome *outcome, const char *bytes, size_t n)
{
	size_t at = 0, taken, length;
	const char *data;

	do {
		outcome->event = http_chunked_feed(&outcome->state, bytes + at, n - at, &taken,
						   &data, &length);
		EXPECT(taken <= n - at);
		at += taken;
		if (outcome->event == HTTP_CHUNKED_DATA) {
			EXPECT(length > 0 && data + length == bytes + at);
			memcpy(outcome->data + outcome->length, data, length);
			outcome->length += length;
		}
	} while (outcome->event == HTTP_CHUNKED_DATA);
	EXPECT(outcome->event != HTTP_CHUNKED_MORE || at == n);
	outcome->taken += at;
}

static void decode(struct outcome *outcome, const char *bytes, size_t size, size_t piece)
{
	*outcome = (struct outcome){.data = malloc(size)};
	http_chunked_init(&outcome->state);
	for (size_t at = 0; at < size && outcome->event == HTTP_CHUNKED_MORE; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		/* a copy of the exact size: reading beyond it would be seen */
		char *copy = memcpy(malloc(n), bytes + at, n);

		feed(outcome, copy, n);
		free(copy);
	}
	EXPECT(outcome->state.total == outcome->length);
	EXPECT(outcome->state.trailer_length <= HTTP_TRAILER_MAX);
}

static void outcome_done(struct outcome *outcome)
{
	http_chunked_done(&outcome->state);
	free(outcome->data);
}

static void check_trailers(const struct http_chunked *state)
{
	char bytes[HTTP_TRAILER_MAX + 5] = "0\r\n";
	size_t length = state->trailer_length;
	struct outcome again;

	if (length)
		memcpy(bytes + 3, state->trailers, length);
	bytes[3 + length] = '\r';
	bytes[4 + length] = '\n';
	decode(&again, bytes, length + 5, length + 5);
	EXPECT(again.event == HTTP_CHUNKED_END && again.state.trailer_length == length);
	EXPECT(!length || !memcmp(again.state.trailers, state->trailers, length));
	outcome_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	struct outcome whole, cut;

	if (size < 2)
		return 0;
	size--;
	decode(&whole, bytes, size, size);
	decode(&cut, bytes, size, 1 + data[0]);
	EXPECT(whole.event == cut.event && whole.taken == cut.taken);
	EXPECT(whole.length == cut.length && !memcmp(whole.data, cut.data, cut.length));
	EXPECT(whole.state.trailer_length == cut.state.trailer_length);
	if (whole.event == HTTP_CHUNKED_END)
		check_trailers(&whole.state);
	outcome_done(&whole);
	outcome_done(&cut);
	return 0;
}
