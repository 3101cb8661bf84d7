/* SPDX-License-Identifier: MIT */
/*
 * The JSON half of rpc.h: RFC 8259 to the letter, but for UTF-8, which matters only in
 * the few texts that rpc_message.c keeps. A state machine with one bit of stack a level,
 * so that it can stop between any two bytes. Here what stands between the scalars, which
 * are rpc_scalar.c's:
 *
 *	VALUE --scalar--> AFTER (END at depth 0)	AFTER --,--> KEY or VALUE
 *	VALUE --{--> KEY_OR_END --"key"--> COLON --:--> VALUE
 *	VALUE --[--> VALUE_OR_END			AFTER --} ]--> AFTER (END at depth 0)
 * and within a scalar or a key STRING <-> ESCAPE, HEX; NUMBER; WORD.
 */
#include "core/rpc.h"

#include "core/rpc_parts.h"

void rpc_init(struct rpc *rpc, void (*on_message)(void *ctx, const struct rpc_message *message),
	      void *ctx)
{
	*rpc = (struct rpc){.on_message = on_message, .ctx = ctx};
	rpc->message.kind = RPC_OTHER;
}

void rpc_break(struct rpc *rpc)
{
	rpc->state = RPC_BROKEN;
	rpc->message.is_unclear = true;
	rpc->message.error_code = 0;
}

static bool in_object(const struct rpc *rpc)
{
	unsigned int level = rpc->depth - 1u;

	return rpc->stack[level / 8] >> level % 8 & 1;
}

void rpc_value_end(struct rpc *rpc)
{
	if (rpc->depth == rpc->is_batch)
		rpc_message_end(rpc);
	rpc->step = rpc->depth ? RPC_STEP_AFTER : RPC_STEP_END;
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
	rpc->step = object ? RPC_STEP_KEY_OR_END : RPC_STEP_VALUE_OR_END;
}

static void level_close(struct rpc *rpc)
{
	rpc->depth--;
	rpc_value_end(rpc);
}

static void word_begin(struct rpc *rpc, const char *word)
{
	rpc->word = word;
	rpc->step = RPC_STEP_WORD;
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
	} else if (rpc->depth == rpc->is_batch + 1 || rpc->key == RPC_KEY_CODE) {
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
		rpc->step = RPC_STEP_STRING;
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
		rpc->step = RPC_STEP_NUMBER;
		return at;
	}
}

static void key_begin(struct rpc *rpc)
{
	if (rpc->depth == rpc->is_batch + 1)
		rpc_text_begin(rpc, RPC_SINK_KEY);
	else if (rpc->key == RPC_KEY_ERROR && rpc->depth == rpc->is_batch + 2)
		rpc_text_begin(rpc, RPC_SINK_ERROR_KEY);
	rpc->in_key = true;
	rpc->step = RPC_STEP_STRING;
}

/* What stands behind a value, at a depth of 1 or more. */
static void after_value(struct rpc *rpc, char c)
{
	bool object = in_object(rpc);

	if (c == ',')
		rpc->step = object ? RPC_STEP_KEY : RPC_STEP_VALUE;
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
	if (rpc->step == RPC_STEP_VALUE || (rpc->step == RPC_STEP_VALUE_OR_END && *at != ']'))
		return value_begin(rpc, at);
	if (rpc->step == RPC_STEP_AFTER)
		after_value(rpc, *at);
	else if (rpc->step == RPC_STEP_COLON && *at == ':')
		rpc->step = RPC_STEP_VALUE;
	else if ((rpc->step == RPC_STEP_KEY || rpc->step == RPC_STEP_KEY_OR_END) && *at == '"')
		key_begin(rpc);
	else if (rpc->step == RPC_STEP_VALUE_OR_END ||
		 (rpc->step == RPC_STEP_KEY_OR_END && *at == '}'))
		level_close(rpc);
	else
		rpc_break(rpc);
	return at + 1;
}

void rpc_feed(struct rpc *rpc, const char *bytes, size_t n)
{
	const char *at = bytes, *end = bytes + n;

	while (at < end && rpc->state != RPC_BROKEN)
		if (rpc->step >= RPC_STEP_STRING)
			at = rpc_scalar_read(rpc, at, end);
		else
			at = read_between(rpc, at, end);
}
