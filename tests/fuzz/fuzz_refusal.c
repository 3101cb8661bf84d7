/* SPDX-License-Identifier: MIT */
/*
 * Any template, id and values: bytes of the values, then the template, a NUL, and a body
 * whose id is echoed. What passes for a template makes JSON of any values, and so does
 * every id that rpc.h found; any other template at least stays within its bounds.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/refusal.h"
#include "core/rpc.h"

#define VALUES 52 /* bytes of the values */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the run where something that must be so is not. */
static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void refusal_from(struct refusal *refusal, char state[8], const uint8_t data[VALUES])
{
	uint64_t v[5];

	memcpy(v, data + 4, sizeof(v));
	memcpy(state, data + 4 + sizeof(v), 7);
	state[7] = '\0';
	*refusal = (struct refusal){
		.kind = data[0] % REFUSAL_KINDS,
		.retry_after_s = v[0],
		.remaining = v[1],
		.reset_ns = v[2],
		.queue_position = v[0] >> 32,
		.estimated_wait_ms = v[1] >> 32,
		.waited_ms = v[3],
		.max_concurrent = (uint32_t)v[3],
		.current = (uint32_t)v[2],
		.state = data[1] & 1 ? state : NULL,
		.next_check_ns = v[3],
	};
	memcpy(&refusal->limit, &v[4], sizeof(refusal->limit));
}

static json_t *parse(const char *text, size_t length)
{
	return json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

/* jansson itself can't hold every number of JSON: then its word on the body is no proof. */
static bool id_is_for_jansson(const struct rpc_message *message)
{
	json_t *id = parse(message->id, message->id_length);

	json_decref(id);
	return id || !message->id_length;
}

/* good: of a template that passed, or none. parses: and with an id that jansson takes. */
static void demand_body(const char *body, size_t length, bool good, bool parses)
{
	json_t *json = parse(body, length);

	demand(length > 0 && length < REFUSAL_BODY_MAX && strlen(body) == length);
	demand(!good || !strpbrk(body, "\r\n"));
	demand(!good || !parses || json_is_object(json));
	json_decref(json);
}

static void demand_fields(const struct refusal *refusal)
{
	char fields[REFUSAL_FIELDS_MAX];
	size_t length = refusal_fields(refusal, refusal->waited_ms, refusal->reset_ns, fields,
				       sizeof(fields));

	demand(length > 2 && strlen(fields) == length && strcmp(fields + length - 2, "\r\n") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refusal_style style = {0};
	char body[REFUSAL_BODY_MAX], state[8], *template;
	struct refusal refusal;
	struct rpc rpc;
	size_t length;
	bool good;

	if (size < VALUES)
		return 0;
	refusal_from(&refusal, state, data);
	template = strndup((const char *)data + VALUES, size - VALUES);
	rpc_init(&rpc, NULL, NULL);
	length = VALUES + strlen(template) + 1;
	if (length < size)
		rpc_feed(&rpc, (const char *)data + length, size - length);
	style.code = (int32_t)(data[2] << 8 | data[3]) - 32768;
	style.null_id = data[1] & 2;
	if (data[1] & 4)
		style.templates[refusal.kind] = template;
	good = !style.templates[refusal.kind] || !refusal_template_problem(template);
	length = refusal_json_rpc(&refusal, &style, rpc.message.id, rpc.message.id_length, body);
	demand_body(body, length, good, style.null_id || id_is_for_jansson(&rpc.message));
	length = refusal_json(&refusal, &style, body);
	if (good || length > 0) /* an empty text is a bad template, and an empty body */
		demand_body(body, length, good, true);
	demand_fields(&refusal);
	free(template);
	return 0;
}
