/* SPDX-License-Identifier: MIT */
/*
 * The strings, numbers and words of a JSON-RPC body; see rpc_parts.h. Each can stop between
 * any two bytes. Long strings, where the bulk of a body is, are passed eight bytes at a
 * time, and handed on in runs where rpc_message.c wants them.
 */
#include <string.h>

#include "core/rpc_parts.h"

/* Named for what was read last. */
enum number {
	NUMBER_NOTHING,
	NUMBER_MINUS,
	NUMBER_ZERO, /* which no digit may follow */
	NUMBER_DIGIT,
	NUMBER_POINT,
	NUMBER_FRACTION,
	NUMBER_E,
	NUMBER_SIGN,
	NUMBER_EXPONENT,
	NUMBER_ENDED, /* at the byte before this one */
	NUMBER_BAD,
};

/*
 * The first quote, backslash or control character, or the end. The three terms are the
 * well-known "has this word a zero byte" and "a byte less than n" (Mycroft, 1987).
 */
static const char *string_skip(const char *at, const char *end)
{
	const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;

	for (; end - at >= 8; at += 8) {
		uint64_t word, quote, slash;

		memcpy(&word, at, 8);
		quote = word ^ (ones * '"');
		slash = word ^ (ones * '\\');
		if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
		     ((word - ones * ' ') & ~word)) &
		    tops)
			break;
	}
	while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= ' ')
		at++;
	return at;
}

static const char *read_string(struct rpc *rpc, const char *at, const char *end)
{
	const char *stop = string_skip(at, end);

	if (rpc->sink && stop > at)
		rpc_text_take(rpc, at, (size_t)(stop - at));
	if (stop == end)
		return end;
	if (*stop == '\\') {
		rpc->step = RPC_STEP_ESCAPE;
	} else if (*stop != '"') {
		rpc_break(rpc);
	} else {
		if (rpc->sink)
			rpc_text_end(rpc);
		if (rpc->in_key)
			rpc->step = RPC_STEP_COLON;
		else
			rpc_value_end(rpc);
		rpc->in_key = false;
	}
	return stop + 1;
}

static const char *read_escape(struct rpc *rpc, const char *at)
{
	if (!*at || !strchr("\"\\/bfnrtu", *at)) {
		rpc_break(rpc);
		return at;
	}
	if (rpc->sink)
		rpc_text_escape(rpc, *at);
	rpc->step = *at == 'u' ? RPC_STEP_HEX : RPC_STEP_STRING;
	rpc->hex_left = 4;
	rpc->unicode = 0;
	return at + 1;
}

static const char *read_hex(struct rpc *rpc, const char *at)
{
	char c = *at, lower = (char)(c | 0x20);
	int digit = c >= '0' && c <= '9'	   ? c - '0'
		    : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
						   : -1;

	if (digit < 0) {
		rpc_break(rpc);
		return at;
	}
	rpc->unicode = (uint16_t)(rpc->unicode << 4 | digit);
	rpc->hex_left--;
	if (rpc->sink)
		rpc_text_hex(rpc, c);
	if (rpc->hex_left == 0) {
		if (rpc->sink)
			rpc_text_unicode(rpc);
		rpc->step = RPC_STEP_STRING;
	}
	return at + 1;
}

static enum number number_next(enum number number, char c)
{
	bool digit = c >= '0' && c <= '9', e = c == 'e' || c == 'E';

	switch (number) {
	case NUMBER_NOTHING:
		if (c == '-')
			return NUMBER_MINUS;
		/* fallthrough */
	case NUMBER_MINUS:
		return c == '0' ? NUMBER_ZERO : digit ? NUMBER_DIGIT : NUMBER_BAD;
	case NUMBER_DIGIT:
		if (digit)
			return NUMBER_DIGIT;
		/* fallthrough */
	case NUMBER_ZERO:
		return c == '.' ? NUMBER_POINT : e ? NUMBER_E : NUMBER_ENDED;
	case NUMBER_POINT:
		return digit ? NUMBER_FRACTION : NUMBER_BAD;
	case NUMBER_FRACTION:
		return digit ? NUMBER_FRACTION : e ? NUMBER_E : NUMBER_ENDED;
	case NUMBER_E:
		if (c == '+' || c == '-')
			return NUMBER_SIGN;
		/* fallthrough */
	case NUMBER_SIGN:
		return digit ? NUMBER_EXPONENT : NUMBER_BAD;
	case NUMBER_EXPONENT:
		return digit ? NUMBER_EXPONENT : NUMBER_ENDED;
	default:
		return NUMBER_BAD;
	}
}

static const char *read_number(struct rpc *rpc, const char *at, const char *end)
{
	const char *begin = at;
	enum number next = rpc->number;

	while (at < end) {
		next = number_next(rpc->number, *at);
		if (next >= NUMBER_ENDED)
			break;
		rpc->number = (uint8_t)next;
		at++;
	}
	if (rpc->sink && at > begin)
		rpc_text_take(rpc, begin, (size_t)(at - begin));
	if (next == NUMBER_BAD) {
		rpc_break(rpc);
	} else if (next == NUMBER_ENDED) {
		rpc->number = NUMBER_NOTHING;
		if (rpc->sink)
			rpc_text_end(rpc);
		rpc_value_end(rpc);
	}
	return at;
}

static const char *read_word(struct rpc *rpc, const char *at)
{
	if (*at != *rpc->word)
		rpc_break(rpc);
	else if (!*++rpc->word)
		rpc_value_end(rpc);
	return at + 1;
}

const char *rpc_scalar_read(struct rpc *rpc, const char *at, const char *end)
{
	switch (rpc->step) {
	case RPC_STEP_STRING:
		return read_string(rpc, at, end);
	case RPC_STEP_ESCAPE:
		return read_escape(rpc, at);
	case RPC_STEP_HEX:
		return read_hex(rpc, at);
	case RPC_STEP_NUMBER:
		return read_number(rpc, at, end);
	default:
		return read_word(rpc, at);
	}
}
