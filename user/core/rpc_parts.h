/* SPDX-License-Identifier: MIT */
/*
 * What rpc.c and rpc_scalar.c, which read JSON, and rpc_message.c and rpc_text.c, which know
 * JSON-RPC, have in common. The former tell the latter of what begins and ends at the level
 * of a message; nothing is called for single bytes but those of escapes in a text that
 * matters.
 */
#ifndef HATAGO_CORE_RPC_PARTS_H
#define HATAGO_CORE_RPC_PARTS_H

#include "core/rpc.h"

/*
 * The private members of struct rpc:
 *	word		what must still come of true, false or null
 *	depth, stack	the levels that are open; a bit for each: it is an object
 *	step, number	where the reader stands: enum rpc_step; within a number
 *	hex_left, unicode, high
 *			digits missing in a \u, its value, a high surrogate that waits
 *	sink, text_length, text_unfit
 *			where the text being read goes, its bytes so far (one more than
 *			fits, if it was too long), and that it is not to be trusted
 *	utf8_left, utf8_low, utf8_high
 *			bytes missing in a character, and the bounds of the next one
 *	in_key		the string being read is a key, at whatever level
 *	key, key_text	the message's member being read, or RPC_KEY_CODE from the end of
 *			that key to its value; the text of a key or of a code
 *	seen		a bit for each enum rpc_key that the message has
 *	is_other	its method or its id is of no type that JSON-RPC knows
 *	has_result	it has a result that is not null
 */

enum rpc_step {
	RPC_STEP_VALUE,
	RPC_STEP_VALUE_OR_END,
	RPC_STEP_KEY_OR_END,
	RPC_STEP_KEY,
	RPC_STEP_COLON,
	RPC_STEP_AFTER,
	RPC_STEP_END,
	/* within a scalar or a key */
	RPC_STEP_STRING,
	RPC_STEP_ESCAPE,
	RPC_STEP_HEX,
	RPC_STEP_NUMBER,
	RPC_STEP_WORD,
};

enum rpc_key {
	RPC_KEY_NONE, /* any other */
	RPC_KEY_METHOD,
	RPC_KEY_ID,
	RPC_KEY_RESULT,
	RPC_KEY_ERROR,
	RPC_KEY_JSONRPC,
	RPC_KEYS,
	RPC_KEY_CODE = RPC_KEYS, /* no member of the message, but of its error */
};

enum rpc_sink {
	RPC_SINK_NONE, /* a text that nobody asks for: skipped */
	RPC_SINK_KEY,
	RPC_SINK_METHOD,
	RPC_SINK_ID, /* the only one that is kept as written, escapes and all */
	/* these two never make a message unclear */
	RPC_SINK_ERROR_KEY, /* a key directly in the error */
	RPC_SINK_CODE,	    /* a number */
};

void rpc_break(struct rpc *rpc);
void rpc_value_end(struct rpc *rpc);
/* Goes on with the scalar or key that is being read; returns where it stopped. */
const char *rpc_scalar_read(struct rpc *rpc, const char *at, const char *end);

void rpc_message_begin(struct rpc *rpc);
/* Judges the message's kind and hands it to on_message. */
void rpc_message_end(struct rpc *rpc);
/* The value of the member rpc->key, which may be RPC_KEY_CODE, begins with this character. */
void rpc_member_begin(struct rpc *rpc, char first);
/* The text for rpc->sink is complete, or unfit. */
void rpc_text_use(struct rpc *rpc);

void rpc_text_begin(struct rpc *rpc, enum rpc_sink sink);
/* Bytes that stand for themselves. */
void rpc_text_take(struct rpc *rpc, const char *bytes, size_t n);
/* What stands behind a backslash, without the digits of a \u. */
void rpc_text_escape(struct rpc *rpc, char c);
void rpc_text_hex(struct rpc *rpc, char c);
/* All four digits were there. */
void rpc_text_unicode(struct rpc *rpc);
void rpc_text_end(struct rpc *rpc);

#endif
