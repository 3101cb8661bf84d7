/* SPDX-License-Identifier: MIT */
/*
 * See refusal.h. The built-in bodies are a list of values for each kind, in the order of
 * the seed document; a template is asked first and the built-in is what never fails.
 */
#include "core/refusal.h"

#include <string.h>

#include "core/refusal_parts.h"
#include "core/rpc.h"

/* Integers of structured fields have at most 15 digits (RFC 9651). */
#define FIELD_INTEGER_MAX 999999999999999ULL

#define DATA_MAX     6	      /* values of a body */
#define FAILURE_CODE "-32603" /* JSON-RPC's internal error */

static const struct {
	const char *label, *message;
} kinds[REFUSAL_KINDS] = {
#define REFUSAL_ROW(name, label, message) [REFUSAL_##name] = {label, message},
	REFUSALS(REFUSAL_ROW)
#undef REFUSAL_ROW
};

static const char *const value_names[REFUSAL_VALUE_COUNT] = {
#define VALUE_NAME(name, text) [REFUSAL_VALUE_##name] = text,
	REFUSAL_VALUES(VALUE_NAME)
#undef VALUE_NAME
};

#define V(name) REFUSAL_VALUE_##name
/* What `data` says behind its type; REFUSAL_VALUE_COUNT ends a list. */
static const enum refusal_value data_values[REFUSAL_KINDS][DATA_MAX] = {
	[REFUSAL_RATE] = {V(RETRY_AFTER), V(LIMIT), V(REMAINING), V(RESET_TIME), V(COUNT)},
	[REFUSAL_CONCURRENCY] = {V(QUEUE_POSITION), V(ESTIMATED_WAIT), V(MAX_CONCURRENT),
				 V(CURRENT), V(COUNT)},
	[REFUSAL_BREAKER] = {V(STATE), V(RETRY_AFTER), V(NEXT_CHECK), V(COUNT)},
	[REFUSAL_QUEUE_TIMEOUT] = {V(RETRY_AFTER), V(WAITED), V(QUEUE_POSITION), V(MAX_CONCURRENT),
				   V(CURRENT), V(COUNT)},
	[REFUSAL_DRAINING] = {V(RETRY_AFTER), V(COUNT)},
};
#undef V

const char *refusal_label(enum refusal_kind kind)
{
	return kinds[kind].label;
}

static void put_builtin(struct refusal_out *out, const struct refusal *refusal, int32_t code)
{
	const enum refusal_value *value = data_values[refusal->kind];

	refusal_puts(out, "{\"code\":");
	refusal_put_value(out, refusal, code, REFUSAL_VALUE_CODE);
	refusal_puts(out, ",\"message\":\"");
	refusal_puts(out, kinds[refusal->kind].message);
	refusal_puts(out, "\",\"data\":{\"type\":\"");
	refusal_puts(out, kinds[refusal->kind].label);
	refusal_puts(out, "\"");
	for (; *value != REFUSAL_VALUE_COUNT; value++) {
		const char *quote = refusal_value_is_text(*value) ? "\"" : "";

		refusal_puts(out, ",\"");
		refusal_puts(out, value_names[*value]);
		refusal_puts(out, "\":");
		refusal_puts(out, quote);
		refusal_put_value(out, refusal, code, *value);
		refusal_puts(out, quote);
	}
	refusal_puts(out, "}}");
}

/* What stands around the error's object, before and behind it. */
struct envelope {
	const char *before;
	const char *id_name, *id;
	size_t id_length;
	const char *behind;
};

static size_t body_write(const struct refusal *refusal, const struct refusal_style *style,
			 const struct envelope *envelope, char to[REFUSAL_BODY_MAX])
{
	const char *template = style->templates[refusal->kind];

	for (;;) {
		struct refusal_out out = {.to = to, .size = REFUSAL_BODY_MAX};
		bool good = true;

		refusal_puts(&out, envelope->before);
		if (template)
			good = refusal_put_template(&out, refusal, style->code, template);
		else
			put_builtin(&out, refusal, style->code);
		refusal_puts(&out, envelope->id_name);
		refusal_put(&out, envelope->id, envelope->id_length);
		refusal_puts(&out, envelope->behind);
		if ((good && !out.is_full) || !template) {
			to[out.length] = '\0';
			return out.length;
		}
		template = NULL; /* the built-in always fits */
	}
}

static struct envelope envelope_json_rpc(const struct refusal_style *style, const char *id,
					 size_t id_length)
{
	struct envelope envelope = {
		.before = "{\"jsonrpc\":\"2.0\",\"error\":",
		.id_name = "",
		.id = "",
		.behind = "}",
	};

	if (style->null_id) {
		envelope.id_name = ",\"id\":null";
	} else if (id && id_length > 0 && id_length <= RPC_ID_MAX) {
		envelope.id_name = ",\"id\":";
		envelope.id = id;
		envelope.id_length = id_length;
	}
	return envelope;
}

size_t refusal_json_rpc(const struct refusal *refusal, const struct refusal_style *style,
			const char *id, size_t id_length, char to[REFUSAL_BODY_MAX])
{
	struct envelope envelope = envelope_json_rpc(style, id, id_length);

	return body_write(refusal, style, &envelope, to);
}

size_t refusal_failure(const char *type, const char *message, const struct refusal_style *style,
		       const char *id, size_t id_length, char to[REFUSAL_BODY_MAX])
{
	struct envelope envelope = envelope_json_rpc(style, id, id_length);
	struct refusal_out out = {.to = to, .size = REFUSAL_BODY_MAX};

	refusal_puts(&out, envelope.before);
	refusal_puts(&out, "{\"code\":" FAILURE_CODE ",\"message\":\"");
	refusal_puts(&out, message);
	refusal_puts(&out, "\",\"data\":{\"type\":\"");
	refusal_puts(&out, type);
	refusal_puts(&out, "\"}}");
	refusal_puts(&out, envelope.id_name);
	refusal_put(&out, envelope.id, envelope.id_length);
	refusal_puts(&out, envelope.behind);
	to[out.length] = '\0';
	return out.length;
}

size_t refusal_json(const struct refusal *refusal, const struct refusal_style *style,
		    char to[REFUSAL_BODY_MAX])
{
	struct envelope envelope = {.before = "", .id_name = "", .id = "", .behind = ""};

	return body_write(refusal, style, &envelope, to);
}

static void put_parameter(struct refusal_out *out, const char *name, uint64_t v)
{
	refusal_puts(out, name);
	refusal_put_u64(out, v < FIELD_INTEGER_MAX ? v : FIELD_INTEGER_MAX);
}

size_t refusal_fields(const struct refusal *refusal, uint64_t burst, uint64_t window_s, char *to,
		      size_t size)
{
	struct refusal_out out = {.to = to, .size = size};

	put_parameter(&out, "Retry-After: ", refusal->retry_after_s);
	if (refusal->limit > 0) {
		put_parameter(&out, "\r\nRateLimit: \"requests\";r=", refusal->remaining);
		/* the same moment as Retry-After, as the draft's section on it wishes */
		put_parameter(&out, ";t=", refusal->retry_after_s);
		put_parameter(&out, "\r\nRateLimit-Policy: \"requests\";q=", burst);
		if (window_s)
			put_parameter(&out, ";w=", window_s);
	}
	refusal_puts(&out, "\r\n");
	if (out.is_full)
		out.length = 0;
	if (size)
		to[out.length] = '\0';
	return out.length;
}
