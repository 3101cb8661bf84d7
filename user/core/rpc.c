/* SPDX-License-Identifier: MIT */
/*
 * The JSON half of rpc.h: RFC 8259 to the letter, but for UTF-8, which matters only in
 * the few texts that rpc_message.c keeps. A state machine with one bit of stack a level,
 * so that it can stop between any two bytes; long strings, where the bulk of a body is,
 * are passed eight bytes at a time.
 */
#include "core/rpc.h"

#include <string.h>

#include "core/rpc_parts.h"

/*
 *	VALUE --scalar--> AFTER (END at depth 0)	AFTER --,--> KEY or VALUE
 *	VALUE --{--> KEY_OR_END --"key"--> COLON --:--> VALUE
 *	VALUE --[--> VALUE_OR_END			AFTER --} ]--> AFTER (END at depth 0)
 * and within a scalar or a key STRING <-> ESCAPE, HEX; NUMBER; WORD.
 */
enum step {
	STEP_VALUE,
	STEP_VALUE_OR_END,
	STEP_KEY_OR_END,
	STEP_KEY,
	STEP_COLON,
	STEP_AFTER,
	STEP_END,
	STEP_STRING,
	STEP_ESCAPE,
	STEP_HEX,
	STEP_NUMBER,
	STEP_WORD,
};

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

void rpc_init(struct rpc *rpc, void (*on_message)(void *ctx, const struct rpc_message *message),
	      void *ctx)
{
	*rpc = (struct rpc){.on_message = on_message, .ctx = ctx};
	rpc->message.kind = RPC_OTHER;
}

static void rpc_break(struct rpc *rpc)
{
	rpc->state = RPC_BROKEN;
	rpc->message.is_unclear = true;
}

static bool in_object(const struct rpc *rpc)
{
	unsigned int level = rpc->depth - 1u;

	return rpc->stack[level / 8] >> level % 8 & 1;
}

static void value_end(struct rpc *rpc)
{
	if (rpc->depth == rpc->is_batch)
		rpc_message_end(rpc);
	rpc->step = rpc->depth ? STEP_AFTER : STEP_END;
	if (!rpc->depth)
		rpc->state = RPC_WHOLE;
}

static void level_open(struct rpc *rpc, bool object)
{
	uint8_t bit = (uint8_t)(1 << rpc->depth % 8);

	if (rpc->depth == RPC_DEPTH_MAX) {
		rpc_break(rpc);
		return;
	}
	if (object)
		rpc->stack[rpc->depth / 8] |= bit;
	else
		rpc->stack[rpc->depth / 8] &= (uint8_t)~bit;
	rpc->depth++;
	rpc->step = object ? STEP_KEY_OR_END : STEP_VALUE_OR_END;
}

static void level_close(struct rpc *rpc)
{
	rpc->depth--;
	value_end(rpc);
}

static void word_begin(struct rpc *rpc, const char *word)
{
	rpc->word = word;
	rpc->step = STEP_WORD;
}

/* Tells JSON-RPC's half of a value that it must know of; false: none may stand here. */
static bool value_announce(struct rpc *rpc, char c)
{
	if (rpc->depth == 0 && c == '[') {
		rpc->is_batch = true;
	} else if (rpc->depth == rpc->is_batch) {
		if (c == '[' || (rpc->depth == 0 && c != '{'))
			return false;
		rpc_message_begin(rpc);
	} else if (rpc->depth == rpc->is_batch + 1) {
		rpc_member_begin(rpc, c);
	}
	return true;
}

/* Returns where to go on: a number and a word are read from their first byte on. */
static const char *value_begin(struct rpc *rpc, const char *at)
{
	if (!value_announce(rpc, *at)) {
		rpc_break(rpc);
		return at;
	}
	switch (*at) {
	case '{':
	case '[':
		level_open(rpc, *at == '{');
		return at + 1;
	case '"':
		rpc->step = STEP_STRING;
		return at + 1;
	case 't':
		word_begin(rpc, "true");
		return at;
	case 'f':
		word_begin(rpc, "false");
		return at;
	case 'n':
		word_begin(rpc, "null");
		return at;
	default:
		rpc->number = NUMBER_NOTHING;
		rpc->step = STEP_NUMBER;
		return at;
	}
}

static void key_begin(struct rpc *rpc)
{
	if (rpc->depth == rpc->is_batch + 1)
		rpc_text_begin(rpc, RPC_SINK_KEY);
	rpc->in_key = true;
	rpc->step = STEP_STRING;
}

/* What stands behind a value, at a depth of 1 or more. */
static void after_value(struct rpc *rpc, char c)
{
	bool object = in_object(rpc);

	if (c == ',')
		rpc->step = object ? STEP_KEY : STEP_VALUE;
	else if (c == (object ? '}' : ']'))
		level_close(rpc);
	else
		rpc_break(rpc);
}

static const char *read_between(struct rpc *rpc, const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	if (at == end)
		return at;
	if (rpc->step == STEP_VALUE || (rpc->step == STEP_VALUE_OR_END && *at != ']'))
		return value_begin(rpc, at);
	if (rpc->step == STEP_AFTER)
		after_value(rpc, *at);
	else if (rpc->step == STEP_COLON && *at == ':')
		rpc->step = STEP_VALUE;
	else if ((rpc->step == STEP_KEY || rpc->step == STEP_KEY_OR_END) && *at == '"')
		key_begin(rpc);
	else if (rpc->step == STEP_VALUE_OR_END || (rpc->step == STEP_KEY_OR_END && *at == '}'))
		level_close(rpc);
	else
		rpc_break(rpc);
	return at + 1;
}

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
		rpc->step = STEP_ESCAPE;
	} else if (*stop != '"') {
		rpc_break(rpc);
	} else {
		if (rpc->sink)
			rpc_text_end(rpc);
		if (rpc->in_key)
			rpc->step = STEP_COLON;
		else
			value_end(rpc);
		rpc->in_key = false;
	}
	return stop + 1;
}

static const char *read_escape(struct rpc *rpc, const char *at)
{
	if (!memchr("\"\\/bfnrtu", *at, 9)) {
		rpc_break(rpc);
		return at;
	}
	if (rpc->sink)
		rpc_text_escape(rpc, *at);
	rpc->step = *at == 'u' ? STEP_HEX : STEP_STRING;
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
		rpc->step = STEP_STRING;
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
		if (rpc->sink)
			rpc_text_end(rpc);
		value_end(rpc);
	}
	return at;
}

static const char *read_word(struct rpc *rpc, const char *at)
{
	if (*at != *rpc->word)
		rpc_break(rpc);
	else if (!*++rpc->word)
		value_end(rpc);
	return at + 1;
}

void rpc_feed(struct rpc *rpc, const char *bytes, size_t n)
{
	const char *at = bytes, *end = bytes + n;

	while (at < end && rpc->state != RPC_BROKEN)
		switch (rpc->step) {
		case STEP_STRING:
			at = read_string(rpc, at, end);
			break;
		case STEP_ESCAPE:
			at = read_escape(rpc, at);
			break;
		case STEP_HEX:
			at = read_hex(rpc, at);
			break;
		case STEP_NUMBER:
			at = read_number(rpc, at, end);
			break;
		case STEP_WORD:
			at = read_word(rpc, at);
			break;
		default:
			at = read_between(rpc, at, end);
		}
}
