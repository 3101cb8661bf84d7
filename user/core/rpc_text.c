/* SPDX-License-Identifier: MIT */
/*
 * The texts of a message that matter, put together from the pieces that rpc_scalar.c finds:
 * escapes resolved (but in an id), UTF-8 checked, the length bounded. What comes of a text
 * is rpc_message.c's.
 */
#include <string.h>

#include "core/rpc_parts.h"

void rpc_text_begin(struct rpc *rpc, enum rpc_sink sink)
{
	rpc->sink = (uint8_t)sink;
	rpc->text_length = 0;
	rpc->text_unfit = false;
	rpc->utf8_left = 0;
	rpc->high = 0;
}

/* Where the text goes, and how much of it fits there. */
static char *text_room(struct rpc *rpc, uint16_t *ret_max)
{
	switch (rpc->sink) {
	case RPC_SINK_KEY:
	case RPC_SINK_ERROR_KEY:
	case RPC_SINK_CODE:
		*ret_max = RPC_KEY_MAX;
		return rpc->key_text;
	case RPC_SINK_METHOD:
		*ret_max = RPC_METHOD_MAX;
		return rpc->message.method;
	default:
		*ret_max = RPC_ID_MAX;
		return rpc->message.id;
	}
}

static bool text_is_too_long(struct rpc *rpc)
{
	uint16_t max;

	text_room(rpc, &max);
	return rpc->text_length > max;
}

static void text_put(struct rpc *rpc, const char *bytes, size_t n)
{
	uint16_t max;
	char *to = text_room(rpc, &max);

	if (rpc->text_length > max || n > (size_t)(max - rpc->text_length)) {
		rpc->text_length = max + 1;
		return;
	}
	memcpy(to + rpc->text_length, bytes, n);
	rpc->text_length = (uint16_t)(rpc->text_length + n);
}

/* The next byte of UTF-8 as RFC 3629 has it: no surrogates, nothing longer than need be. */
static bool utf8_next(struct rpc *rpc, unsigned char c)
{
	if (rpc->utf8_left) {
		bool good = c >= rpc->utf8_low && c <= rpc->utf8_high;

		rpc->utf8_left--;
		rpc->utf8_low = 0x80;
		rpc->utf8_high = 0xbf;
		return good;
	}
	if (c < 0x80)
		return true;
	if (c < 0xc2 || c > 0xf4)
		return false;
	rpc->utf8_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	rpc->utf8_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	rpc->utf8_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	return true;
}

void rpc_text_take(struct rpc *rpc, const char *bytes, size_t n)
{
	if (rpc->high)
		rpc->text_unfit = true;
	/* A key's doubts count however long it is; other texts' length is a doubt itself. */
	if (rpc->text_unfit || (rpc->sink != RPC_SINK_KEY && text_is_too_long(rpc)))
		return;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (!utf8_next(rpc, c) || (c >= 0x80 && rpc->sink == RPC_SINK_KEY)) {
			rpc->text_unfit = true;
			return;
		}
	}
	text_put(rpc, bytes, n);
}

void rpc_text_escape(struct rpc *rpc, char c)
{
	static const char meaning[] = "\"\"\\\\//b\bf\fn\nr\rt\t"; /* pairs: letter, byte */
	bool is_key = rpc->sink == RPC_SINK_KEY || rpc->sink == RPC_SINK_ERROR_KEY;

	if (is_key || rpc->utf8_left || (rpc->high && c != 'u'))
		rpc->text_unfit = true;
	if (rpc->sink == RPC_SINK_ID)
		text_put(rpc, (char[]){'\\', c}, 2);
	else if (c != 'u')
		for (size_t i = 0; meaning[i]; i += 2)
			if (meaning[i] == c)
				text_put(rpc, &meaning[i + 1], 1);
}

void rpc_text_hex(struct rpc *rpc, char c)
{
	if (rpc->sink == RPC_SINK_ID)
		text_put(rpc, &c, 1);
}

static void text_put_character(struct rpc *rpc, uint32_t c)
{
	char bytes[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	if (rpc->sink != RPC_SINK_METHOD)
		return;
	for (size_t i = n; --i > 0; c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(lead[n] | c);
	text_put(rpc, bytes, n);
}

void rpc_text_unicode(struct rpc *rpc)
{
	uint16_t c = rpc->unicode, high = rpc->high;
	bool is_high = c >= 0xd800 && c < 0xdc00, is_low = c >= 0xdc00 && c < 0xe000;

	rpc->high = is_high ? c : 0;
	if (is_low != (high != 0)) { /* half a pair */
		rpc->text_unfit = true;
	} else if (is_low) {
		text_put_character(rpc, 0x10000u + ((high - 0xd800u) << 10) + (c - 0xdc00u));
	} else if (!is_high) {
		/* Where texts end at a NUL, a method with one is another. */
		if (c == 0 && rpc->sink == RPC_SINK_METHOD)
			rpc->text_unfit = true;
		text_put_character(rpc, c);
	}
}

void rpc_text_end(struct rpc *rpc)
{
	if (rpc->utf8_left || rpc->high)
		rpc->text_unfit = true;
	if (rpc->sink == RPC_SINK_ID && rpc->message.id[0] == '"')
		text_put(rpc, "\"", 1);
	if (rpc->sink != RPC_SINK_KEY && text_is_too_long(rpc))
		rpc->text_unfit = true;
	rpc_text_use(rpc);
	rpc->sink = RPC_SINK_NONE;
}
