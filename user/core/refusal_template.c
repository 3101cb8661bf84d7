/* SPDX-License-Identifier: MIT */
/*
 * The operator's templates: JSON with {{name}} in the place of values. Filling in knows just
 * enough of JSON to tell whether it stands within a string; that the outcome is JSON
 * whatever the values is proved beforehand, by refusal_template_problem.
 */
#include <jansson.h>
#include <string.h>

#include "core/refusal_parts.h"

/* Puts a value where a placeholder stands. */
typedef void put_fn(void *ctx, struct refusal_out *out, enum refusal_value value, bool in_string);

static bool value_find(const char *name, size_t length, enum refusal_value *ret)
{
	static const char *const names[REFUSAL_VALUE_COUNT] = {
#define VALUE_NAME(name, text) [REFUSAL_VALUE_##name] = text,
		REFUSAL_VALUES(VALUE_NAME)
#undef VALUE_NAME
	};

	for (int i = 0; i < REFUSAL_VALUE_COUNT; i++)
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
			*ret = (enum refusal_value)i;
			return true;
		}
	return false;
}

/* The placeholder here, if it is one of ours; its end. */
static const char *placeholder_read(const char *at, enum refusal_value *ret)
{
	const char *end = strstr(at, "}}");

	if (!end || !value_find(at + 2, (size_t)(end - at) - 2, ret))
		return NULL;
	return end + 2;
}

/* The bytes that stand for themselves and for nothing else: an escape is one piece. */
static size_t literal_length(const char *at, bool in_string)
{
	if (*at == '\\' && in_string)
		return strnlen(at, at[1] == 'u' ? 6 : 2);
	return 1;
}

static bool fill(struct refusal_out *out, const char *at, put_fn *put, void *ctx)
{
	bool in_string = false;

	while (*at && !out->is_full) {
		enum refusal_value value;
		size_t n = literal_length(at, in_string);

		if (at[0] == '{' && at[1] == '{') {
			at = placeholder_read(at, &value);
			if (!at)
				return false;
			put(ctx, out, value, in_string);
			continue;
		}
		in_string ^= *at == '"';
		/* The body stays on one line, so that it can be an event's data. */
		refusal_put(out, *at == '\n' || *at == '\r' || *at == '\t' ? " " : at, n);
		at += n;
	}
	return !out->is_full;
}

struct source {
	const struct refusal *refusal;
	int32_t code;
};

static void put_real(void *ctx, struct refusal_out *out, enum refusal_value value, bool in_string)
{
	const struct source *source = ctx;
	const char *quote = refusal_value_is_text(value) && !in_string ? "\"" : "";

	refusal_puts(out, quote);
	refusal_put_value(out, source->refusal, source->code, value);
	refusal_puts(out, quote);
}

bool refusal_put_template(struct refusal_out *out, const struct refusal *refusal, int32_t code,
			  const char *text)
{
	struct source source = {refusal, code};

	return fill(out, text, put_real, &source);
}

/* An empty text for everything: JSON only if each placeholder has a place of its own. */
static void put_empty(void *ctx, struct refusal_out *out, enum refusal_value value, bool in_string)
{
	(void)ctx;
	(void)value;
	if (!in_string)
		refusal_puts(out, "\"\"");
}

/* Is it JSON with all values empty, whatever it means then? */
static bool has_good_places(const char *text)
{
	char to[REFUSAL_BODY_MAX];
	struct refusal_out out = {.to = to, .size = sizeof(to)};
	bool good = false;

	if (fill(&out, text, put_empty, NULL)) {
		json_t *json = json_loadb(to, out.length, JSON_REJECT_DUPLICATES, NULL);

		good = json != NULL;
		json_decref(json);
	}
	return good;
}

static const char *sample_problem(const json_t *json)
{
	if (!json_is_object(json))
		return "is not a JSON object";
	if (!json_is_integer(json_object_get(json, "code")))
		return "has no whole number as code";
	if (!json_is_string(json_object_get(json, "message")))
		return "has no text as message";
	return NULL;
}

const char *refusal_template_problem(const char *text)
{
	static const struct refusal sample = {.limit = 10, .state = "open"};
	char to[REFUSAL_BODY_MAX];
	struct refusal_out out = {.to = to, .size = sizeof(to)};
	const char *problem;
	json_t *json;

	if (strlen(text) > REFUSAL_TEMPLATE_MAX)
		return "is too long";
	if (!refusal_put_template(&out, &sample, -1, text))
		return "has a {{placeholder}} that is none";
	json = json_loadb(to, out.length, JSON_REJECT_DUPLICATES, NULL);
	if (json && !has_good_places(text))
		problem = "has a {{placeholder}} where no value of its own can stand";
	else
		problem = json ? sample_problem(json) : "is not JSON";
	json_decref(json);
	return problem;
}
