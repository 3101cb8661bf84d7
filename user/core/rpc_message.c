/* SPDX-License-Identifier: MIT */
/*
 * The JSON-RPC half of rpc.h: which members of a message count and what the message is
 * thereby; rpc_text.c puts their texts together. Doubt never ends the reading: it makes a message
 * unclear.
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
	rpc->message.error_code = 0;
	rpc->seen = 0;
	rpc->is_other = rpc->has_result = false;
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
	if (message->kind != RPC_RESPONSE || message->is_unclear || rpc->has_result)
		message->error_code = 0;
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
	} else if (rpc->key == RPC_KEY_RESULT) {
		/* JSON-RPC 1.0 has a result of null beside each error. */
		rpc->has_result = first != 'n';
	} else if (rpc->key == RPC_KEY_CODE) {
		rpc->key = RPC_KEY_ERROR;
		if (number)
			rpc_text_begin(rpc, RPC_SINK_CODE);
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

/* A key of the error: does it name the code? A second one leaves none that can be told. */
static void error_key_use(struct rpc *rpc)
{
	if (rpc->text_unfit || rpc->text_length != 4 || memcmp(rpc->key_text, "code", 4) != 0)
		return;
	if (message_has(rpc, RPC_KEY_CODE)) {
		rpc->message.error_code = 0;
		return;
	}
	rpc->seen |= 1 << RPC_KEY_CODE;
	rpc->key = RPC_KEY_CODE;
}

/* The text is a number of JSON, so that a sign can only be where it may. */
static void code_use(struct rpc *rpc)
{
	bool is_negative = rpc->key_text[0] == '-';
	int32_t value = 0; /* RPC_KEY_MAX digits fit */

	if (rpc->text_unfit)
		return;
	for (uint16_t i = is_negative; i < rpc->text_length; i++) {
		if (rpc->key_text[i] < '0' || rpc->key_text[i] > '9')
			return;
		value = 10 * value + (rpc->key_text[i] - '0');
	}
	rpc->message.error_code = is_negative ? -value : value;
}

void rpc_text_use(struct rpc *rpc)
{
	struct rpc_message *message = &rpc->message;

	if (rpc->text_unfit && rpc->sink < RPC_SINK_ERROR_KEY)
		message->is_unclear = true;
	if (rpc->sink == RPC_SINK_KEY)
		rpc->key = (uint8_t)(rpc->text_unfit ? RPC_KEY_NONE : key_find(rpc));
	else if (rpc->sink == RPC_SINK_ERROR_KEY)
		error_key_use(rpc);
	else if (rpc->sink == RPC_SINK_CODE)
		code_use(rpc);
	else if (!rpc->text_unfit && rpc->sink == RPC_SINK_METHOD)
		message->method_length = rpc->text_length;
	else if (!rpc->text_unfit)
		message->id_length = rpc->text_length;
}

bool rpc_has_result(const struct rpc *rpc)
{
	return rpc->has_result && !rpc->is_batch;
}

bool rpc_method_is(const struct rpc_message *message, const char *method)
{
	size_t n = strlen(method);

	return message->method_length == n && memcmp(message->method, method, n) == 0;
}
