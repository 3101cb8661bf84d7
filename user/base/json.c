/* SPDX-License-Identifier: MIT */
/*
 * See json.h. One flag suffices for the commas: after a value the next one needs a
 * comma, after an opening bracket it doesn't.
 */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_BYTES_FIRST  256
#define JSON_NUMBER_BYTES 32

void json_init(struct json *j)
{
	*j = (struct json){0};
}

void json_done(struct json *j)
{
	free(j->text);
	json_init(j);
}

char *json_take(struct json *j)
{
	char *text = j->text;

	if (j->failed) {
		free(text);
		text = NULL;
	}
	json_init(j);
	return text;
}

/* Room for `more` bytes and a NUL. */
static bool json_room(struct json *j, size_t more)
{
	size_t capacity = j->capacity ? j->capacity : JSON_BYTES_FIRST;
	char *text;

	if (j->failed)
		return false;
	if (more >= JSON_BYTES_MAX - j->length) {
		j->failed = true;
		return false;
	}
	if (j->length + more < j->capacity)
		return true;
	while (capacity <= j->length + more)
		capacity *= 2;
	text = realloc(j->text, capacity);
	if (!text) {
		j->failed = true;
		return false;
	}
	j->text = text;
	j->capacity = capacity;
	return true;
}

static void json_put(struct json *j, const char *s, size_t n)
{
	if (!json_room(j, n))
		return;
	memcpy(j->text + j->length, s, n);
	j->length += n;
	j->text[j->length] = '\0';
}

/*
 * The bytes of the UTF-8 character at s, 1 to 4; 0 where it is none: cut short, longer
 * than need be, a surrogate, or beyond U+10FFFF (RFC 3629).
 */
static size_t json_utf8(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return n;
}

static void json_escape(struct json *j, unsigned char c)
{
	static const char plain[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: byte, letter */
	char text[8];

	for (size_t i = 0; plain[i]; i += 2)
		if ((unsigned char)plain[i] == c) {
			json_put(j, (char[]){'\\', plain[i + 1]}, 2);
			return;
		}
	snprintf(text, sizeof(text), "\\u%04x", c);
	json_put(j, text, strlen(text));
}

static void json_quote(struct json *j, const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *run = s;

	json_put(j, "\"", 1);
	while (*s) {
		size_t n = json_utf8(s);

		if (n && *s >= 0x20 && *s != '"' && *s != '\\' && *s != 0x7f) {
			s += n;
			continue;
		}
		json_put(j, (const char *)run, (size_t)(s - run));
		if (n)
			json_escape(j, *s);
		else
			json_put(j, "\\ufffd", 6);
		run = ++s;
	}
	json_put(j, (const char *)run, (size_t)(s - run));
	json_put(j, "\"", 1);
}

/* What stands before a value. */
static void json_lead(struct json *j, const char *key)
{
	if (j->comma)
		json_put(j, ",", 1);
	if (key) {
		json_quote(j, key);
		json_put(j, ":", 1);
	}
	j->comma = true;
}

static void json_open(struct json *j, const char *key, const char *bracket)
{
	json_lead(j, key);
	json_put(j, bracket, 1);
	j->comma = false;
}

static void json_close(struct json *j, const char *bracket)
{
	json_put(j, bracket, 1);
	j->comma = true;
}

void json_object_begin(struct json *j, const char *key)
{
	json_open(j, key, "{");
}

void json_object_end(struct json *j)
{
	json_close(j, "}");
}

void json_array_begin(struct json *j, const char *key)
{
	json_open(j, key, "[");
}

void json_array_end(struct json *j)
{
	json_close(j, "]");
}

void json_str(struct json *j, const char *key, const char *s)
{
	if (!s) {
		json_nil(j, key);
		return;
	}
	json_lead(j, key);
	json_quote(j, s);
}

static void __attribute__((format(printf, 3, 4)))
json_word(struct json *j, const char *key, const char *format, ...)
{
	char text[JSON_NUMBER_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_lead(j, key);
	json_put(j, text, strlen(text));
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
	json_word(j, key, "%" PRIu64, v);
}

void json_i64(struct json *j, const char *key, int64_t v)
{
	json_word(j, key, "%" PRId64, v);
}

void json_double(struct json *j, const char *key, double v)
{
	char text[JSON_NUMBER_BYTES];
	int digits = 15;

	if (!isfinite(v)) {
		json_nil(j, key);
		return;
	}
	do
		snprintf(text, sizeof(text), "%.*g", digits, v);
	while (strtod(text, NULL) != v && ++digits <= 17);
	json_word(j, key, "%s", text);
}

void json_rounded(struct json *j, const char *key, double v)
{
	json_double(j, key, round(v * 1000) / 1000);
}

void json_bool(struct json *j, const char *key, bool v)
{
	json_word(j, key, "%s", v ? "true" : "false");
}

void json_nil(struct json *j, const char *key)
{
	json_word(j, key, "null");
}
