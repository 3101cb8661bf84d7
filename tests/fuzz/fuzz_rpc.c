/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a JSON-RPC body. The first byte says how the rest is cut into pieces; the
 * outcome must not depend on it. Where jansson takes the text, the messages must be those
 * that it sees, or be called unclear: another method must never be found, nor another error.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/rpc.h"

#define MESSAGES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the run where something that must be so is not. */
static void demand(bool holds)
{
	if (!holds)
		abort();
}

struct messages {
	struct rpc_message list[MESSAGES_MAX];
	size_t count; /* those beyond the list too */
};

static void on_message(void *ctx, const struct rpc_message *message)
{
	struct messages *messages = ctx;

	if (messages->count < MESSAGES_MAX)
		messages->list[messages->count] = *message;
	messages->count++;
}

static void feed_in_pieces(struct rpc *rpc, const char *bytes, size_t size, size_t piece)
{
	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		/* a copy of the exact size: reading beyond it would be seen */
		char *copy = memcpy(malloc(n), bytes + at, n);

		rpc_feed(rpc, copy, n);
		free(copy);
	}
}

static void demand_same_message(const struct rpc_message *a, const struct rpc_message *b)
{
	demand(a->kind == b->kind && a->is_unclear == b->is_unclear);
	demand(a->error_code == b->error_code);
	demand(a->method_length == b->method_length && a->method_length <= RPC_METHOD_MAX);
	demand(memcmp(a->method, b->method, a->method_length) == 0);
	demand(a->id_length == b->id_length && a->id_length <= RPC_ID_MAX);
	demand(memcmp(a->id, b->id, a->id_length) == 0);
}

/* An id is echoed as it stands, so it must be JSON by itself and mean what jansson saw. */
static void demand_id(const struct rpc_message *message, json_t *value)
{
	json_t *id =
		json_loadb(message->id, message->id_length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	demand(id && json_equal(id, value));
	json_decref(id);
}

/* is_plain: the body has no escapes, so that a key that jansson finds is found here too. */
static void demand_error(int32_t found, json_t *value, bool is_plain)
{
	json_t *result = json_object_get(value, "result");
	json_t *code = json_object_get(json_object_get(value, "error"), "code");
	json_int_t expected = json_integer_value(code); /* 0 if it is none */

	if (expected < -9999999 || expected > 99999999 || (result && !json_is_null(result)))
		expected = 0;
	demand(found == expected || (found == 0 && !is_plain));
}

static void demand_agrees(const struct rpc_message *message, json_t *value, bool is_plain)
{
	json_t *method = json_object_get(value, "method"), *id = json_object_get(value, "id");
	bool good_id = json_is_string(id) || json_is_number(id) || json_is_null(id);

	if (message->kind != RPC_RESPONSE || message->is_unclear)
		demand(message->error_code == 0);
	if (message->is_unclear)
		return;
	if (!json_is_object(value) || (id && !good_id) || (method && !json_is_string(method))) {
		demand(message->kind == RPC_OTHER);
		return;
	}
	demand((id != NULL) == (message->id_length > 0));
	if (id)
		demand_id(message, id);
	if (!method) {
		bool answers = json_object_get(value, "result") || json_object_get(value, "error");

		demand(message->method_length == 0);
		demand(message->kind == (answers ? RPC_RESPONSE : RPC_OTHER));
		demand_error(message->error_code, value, is_plain);
		return;
	}
	demand(message->kind == (id ? RPC_REQUEST : RPC_NOTIFICATION));
	demand(message->method_length == json_string_length(method));
	demand(memcmp(message->method, json_string_value(method), message->method_length) == 0);
}

static void compare(const struct rpc *rpc, const struct messages *messages, const char *bytes,
		    size_t size)
{
	bool is_plain = !memchr(bytes, '\\', size);
	json_t *value = json_loadb(bytes, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	if (!value)
		return;
	if (rpc->state != RPC_BROKEN) { /* by its depth, or a batch in a batch */
		demand(rpc->state == RPC_WHOLE && rpc->is_batch == json_is_array(value));
		demand(messages->count == (rpc->is_batch ? json_array_size(value) : 1));
		for (size_t i = 0; i < messages->count && i < MESSAGES_MAX; i++)
			demand_agrees(&messages->list[i],
				      rpc->is_batch ? json_array_get(value, i) : value, is_plain);
	}
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct messages of_whole, of_cut;
	const char *bytes = (const char *)data + 1;
	struct rpc whole, cut;

	if (size < 2)
		return 0;
	size--;
	of_whole.count = of_cut.count = 0;
	rpc_init(&whole, on_message, &of_whole);
	rpc_init(&cut, on_message, &of_cut);
	rpc_feed(&whole, bytes, size);
	feed_in_pieces(&cut, bytes, size, 1u + data[0]);
	demand(whole.state == cut.state && whole.messages == cut.messages);
	demand(of_whole.count == whole.messages && of_cut.count == cut.messages);
	demand_same_message(&whole.message, &cut.message);
	demand(rpc_has_result(&whole) == rpc_has_result(&cut));
	demand(!rpc_has_result(&whole) || whole.state != RPC_WHOLE ||
	       whole.message.error_code == 0);
	for (size_t i = 0; i < of_whole.count && i < MESSAGES_MAX; i++)
		demand_same_message(&of_whole.list[i], &of_cut.list[i]);
	compare(&whole, &of_whole, bytes, size);
	return 0;
}
