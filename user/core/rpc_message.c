/* SPDX-License-Identifier: MIT */
/*
 * The JSON-RPC half of rpc.h: which members of a message count, what their texts are and
 * what the message is thereby. Doubt never ends the reading: it makes a message unclear.
 */
#include <string.h>
#include <strings.h>

#include "core/rpc.h"
#include "core/rpc_parts.h"

void rpc_message_begin(struct rpc *rpc)
{
	rpc->message.kind = RPC_OTHER;
	rpc->message.is_unclear = false;
	rpc->message.method_length = rpc->message.id_length = 0;
	rpc->seen = 0;
	rpc->is_other = false;
}

static bool message_has(const struct rpc *rpc, enum rpc_key key)
{
	return rpc->seen >> key & 1;
}

void rpc_message_end(struct rpc *rpc)
{
	struct rpc_message *message = &rpc->message;
	bool answers = message_has(rpc, RPC_KEY_RESULT) || message_has(rpc, RPC_KEY_ERROR);

	if (rpc->is_other) {
		message->kind = RPC_OTHER;
	} else if (message_has(rpc, RPC_KEY_METHOD)) {
		message->kind = message_has(rpc, RPC_KEY_ID) ? RPC_REQUEST : RPC_NOTIFICATION;
		if (answers || (message->id_length && message->id[0] == 'n'))
			message->is_unclear = true;
	} else if (answers) {
		message->kind = RPC_RESPONSE;
	}
	rpc->messages++;
	if (rpc->on_message)
		rpc->on_message(rpc->ctx, message);
}

void rpc_member_begin(struct rpc *rpc, char first)
{
	bool number = first == '-' || (first >= '0' && first <= '9');

	if (rpc->key == RPC_KEY_METHOD) {
		if (first == '"')
			rpc_text_begin(rpc, RPC_SINK_METHOD);
		else
			rpc->is_other = true;
	} else if (rpc->key == RPC_KEY_ID) {
		if (first == '"' || number) {
			rpc_text_begin(rpc, RPC_SINK_ID);
		} else if (first == 'n') { /* or the reader finds that it is no null */
			memcpy(rpc->message.id, "null", 4);
			rpc->message.id_length = 4;
		} else {
			rpc->is_other = true;
		}
		if (first == '"')
			rpc_text_take(rpc, &first, 1);
	}
}

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

	if (rpc->sink == RPC_SINK_KEY || rpc->utf8_left || (rpc->high && c != 'u'))
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

/* The member that the key names, unless it was there before. */
static enum rpc_key key_find(struct rpc *rpc)
{
	static const char *const names[RPC_KEYS] = {
		[RPC_KEY_METHOD] = "method",   [RPC_KEY_ID] = "id",
		[RPC_KEY_RESULT] = "result",   [RPC_KEY_ERROR] = "error",
		[RPC_KEY_JSONRPC] = "jsonrpc",
	};
	size_t n = rpc->text_length;

	for (enum rpc_key key = RPC_KEY_METHOD; key < RPC_KEYS; key++) {
		if (n != strlen(names[key]) || strncasecmp(rpc->key_text, names[key], n) != 0)
			continue;
		if (!message_has(rpc, key) && memcmp(rpc->key_text, names[key], n) == 0) {
			rpc->seen |= (uint8_t)(1 << key);
			return key;
		}
		rpc->message.is_unclear = true;
		break;
	}
	return RPC_KEY_NONE;
}

void rpc_text_end(struct rpc *rpc)
{
	struct rpc_message *message = &rpc->message;

	if (rpc->utf8_left || rpc->high)
		rpc->text_unfit = true;
	if (rpc->sink == RPC_SINK_ID && message->id[0] == '"')
		text_put(rpc, "\"", 1);
	if (rpc->sink != RPC_SINK_KEY && text_is_too_long(rpc))
		rpc->text_unfit = true;
	if (rpc->text_unfit)
		message->is_unclear = true;
	if (rpc->sink == RPC_SINK_KEY)
		rpc->key = (uint8_t)(rpc->text_unfit ? RPC_KEY_NONE : key_find(rpc));
	else if (!rpc->text_unfit && rpc->sink == RPC_SINK_METHOD)
		message->method_length = rpc->text_length;
	else if (!rpc->text_unfit)
		message->id_length = rpc->text_length;
	rpc->sink = RPC_SINK_NONE;
}

bool rpc_method_is(const struct rpc_message *message, const char *method)
{
	size_t n = strlen(method);

	return message->method_length == n && memcmp(message->method, method, n) == 0;
}
