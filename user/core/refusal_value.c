/* SPDX-License-Identifier: MIT */
/*
 * The values of a refusal as text; see refusal_parts.h. Numbers are written by hand where
 * they can be: a refusal has up to six of them and is made at the rate of a flood.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/refusal_parts.h"

#define NUMBER_MAX     32		  /* bytes that hold any number */
#define JSON_WHOLE_MAX ((1ULL << 53) - 1) /* what every reader takes exactly (RFC 7493) */
#define WHOLE_DOUBLES  1e15		  /* below, every digit of a whole double means something */

void refusal_put(struct refusal_out *out, const char *bytes, size_t n)
{
	if (out->is_full || n >= out->size - out->length) {
		out->is_full = true;
		return;
	}
	memcpy(out->to + out->length, bytes, n);
	out->length += n;
}

void refusal_puts(struct refusal_out *out, const char *text)
{
	refusal_put(out, text, strlen(text));
}

void refusal_put_u64(struct refusal_out *out, uint64_t v)
{
	char digits[NUMBER_MAX], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	refusal_put(out, at, (size_t)(digits + sizeof(digits) - at));
}

static void put_whole(struct refusal_out *out, uint64_t v)
{
	refusal_put_u64(out, v < JSON_WHOLE_MAX ? v : JSON_WHOLE_MAX);
}

/* The shortest text that reads back as the same number; 0 for what JSON can't have. */
static void put_double(struct refusal_out *out, double v)
{
	char text[NUMBER_MAX];
	int digits = 15;

	if (!isfinite(v))
		v = 0;
	if (v >= 0 && v < WHOLE_DOUBLES && v == floor(v)) {
		refusal_put_u64(out, (uint64_t)v);
		return;
	}
	do
		snprintf(text, sizeof(text), "%.*g", digits, v);
	while (strtod(text, NULL) != v && ++digits <= 17);
	refusal_puts(out, text);
}

static void put_i32(struct refusal_out *out, int32_t v)
{
	if (v < 0)
		refusal_put(out, "-", 1);
	refusal_put_u64(out, v < 0 ? (uint64_t) - (int64_t)v : (uint64_t)v);
}

static void put_time(struct refusal_out *out, uint64_t realtime_ns)
{
	char text[TEXT_TIME_MAX];

	text_time_utc(realtime_ns, text, sizeof(text));
	refusal_puts(out, text);
}

/* A word of our own: what is not plain ASCII in it is a mistake, and still no broken JSON. */
static void put_word(struct refusal_out *out, const char *s)
{
	for (size_t i = 0; s && s[i] && i < REFUSAL_STATE_MAX; i++)
		refusal_put(out,
			    s[i] >= ' ' && s[i] < 0x7f && s[i] != '"' && s[i] != '\\' ? &s[i] : "?",
			    1);
}

bool refusal_value_is_text(enum refusal_value value)
{
	return value == REFUSAL_VALUE_RESET_TIME || value == REFUSAL_VALUE_STATE ||
	       value == REFUSAL_VALUE_NEXT_CHECK;
}

void refusal_put_value(struct refusal_out *out, const struct refusal *refusal, int32_t code,
		       enum refusal_value value)
{
	switch (value) {
	case REFUSAL_VALUE_RETRY_AFTER:
		put_whole(out, refusal->retry_after_s);
		break;
	case REFUSAL_VALUE_LIMIT:
		put_double(out, refusal->limit);
		break;
	case REFUSAL_VALUE_REMAINING:
		put_whole(out, refusal->remaining);
		break;
	case REFUSAL_VALUE_RESET_TIME:
		put_time(out, refusal->reset_ns);
		break;
	case REFUSAL_VALUE_QUEUE_POSITION:
		put_whole(out, refusal->queue_position);
		break;
	case REFUSAL_VALUE_ESTIMATED_WAIT:
		put_whole(out, refusal->estimated_wait_ms);
		break;
	case REFUSAL_VALUE_WAITED:
		put_whole(out, refusal->waited_ms);
		break;
	case REFUSAL_VALUE_MAX_CONCURRENT:
		put_whole(out, refusal->max_concurrent);
		break;
	case REFUSAL_VALUE_CURRENT:
		put_whole(out, refusal->current);
		break;
	case REFUSAL_VALUE_STATE:
		put_word(out, refusal->state);
		break;
	case REFUSAL_VALUE_NEXT_CHECK:
		put_time(out, refusal->next_check_ns);
		break;
	case REFUSAL_VALUE_CODE:
		put_i32(out, code);
		break;
	case REFUSAL_VALUE_COUNT:
		break;
	}
}
