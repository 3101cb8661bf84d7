// SPDX-License-Identifier: MIT
/*
 * The small grammars of HTTP: words, lists, media types and the names of fields. Decides
 * nothing; see http_message.h and http_parts.h.
 */
#include <string.h>

#include "net/http_parts.h"

#define FIELD_NAME_MAX	 20 /* bytes of the longest name that is known */
#define FIELD_RIVALS_MAX 3  /* known names of one length */

enum byte_kind { BYTE_TOKEN = 1, BYTE_NAME = 2 };

static const uint8_t byte_kinds[256] = {
	['0' ... '9'] = BYTE_TOKEN | BYTE_NAME,
	['A' ... 'Z'] = BYTE_TOKEN | BYTE_NAME,
	['a' ... 'z'] = BYTE_TOKEN | BYTE_NAME,
	['!'] = BYTE_TOKEN | BYTE_NAME,
	['#'] = BYTE_TOKEN,
	['$'] = BYTE_TOKEN | BYTE_NAME,
	['%'] = BYTE_TOKEN | BYTE_NAME,
	['&'] = BYTE_TOKEN | BYTE_NAME,
	['\''] = BYTE_TOKEN | BYTE_NAME,
	['('] = BYTE_NAME,
	[')'] = BYTE_NAME,
	['*'] = BYTE_TOKEN | BYTE_NAME,
	['+'] = BYTE_TOKEN | BYTE_NAME,
	[','] = BYTE_NAME,
	['-'] = BYTE_TOKEN | BYTE_NAME,
	['.'] = BYTE_TOKEN | BYTE_NAME,
	[';'] = BYTE_NAME,
	['='] = BYTE_NAME,
	['^'] = BYTE_TOKEN,
	['_'] = BYTE_TOKEN | BYTE_NAME,
	['`'] = BYTE_TOKEN,
	['|'] = BYTE_TOKEN,
	['~'] = BYTE_TOKEN | BYTE_NAME,
};

static const char field_names[][FIELD_NAME_MAX + 1] = {
#define FIELD_NAME(name, text) [HTTP_FIELD_##name] = text,
	HTTP_FIELDS(FIELD_NAME)
#undef FIELD_NAME
};

/* The known names of each length; the unit test sees that none is missing. */
static const uint8_t fields_by_length[FIELD_NAME_MAX + 1][FIELD_RIVALS_MAX] = {
	[2] = {HTTP_FIELD_TE},
	[3] = {HTTP_FIELD_VIA},
	[4] = {HTTP_FIELD_HOST},
	[6] = {HTTP_FIELD_ACCEPT, HTTP_FIELD_EXPECT},
	[7] = {HTTP_FIELD_UPGRADE, HTTP_FIELD_TRAILER},
	[8] = {HTTP_FIELD_MCP_NAME},
	[9] = {HTTP_FIELD_FORWARDED},
	[10] = {HTTP_FIELD_CONNECTION, HTTP_FIELD_MCP_METHOD, HTTP_FIELD_KEEP_ALIVE},
	[12] = {HTTP_FIELD_CONTENT_TYPE},
	[14] = {HTTP_FIELD_CONTENT_LENGTH},
	[15] = {HTTP_FIELD_X_FORWARDED_FOR},
	[16] = {HTTP_FIELD_PROXY_CONNECTION},
	[17] = {HTTP_FIELD_TRANSFER_ENCODING},
	[18] = {HTTP_FIELD_PROXY_AUTHENTICATE},
	[19] = {HTTP_FIELD_PROXY_AUTHORIZATION},
	[20] = {HTTP_FIELD_MCP_PROTOCOL_VERSION},
};

static unsigned char lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? u | 0x20 : u;
}

static bool bytes_equal(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool text_is_of(struct http_text text, enum byte_kind kind)
{
	for (uint32_t i = 0; i < text.length; i++)
		if (!(byte_kinds[(unsigned char)text.at[i]] & kind))
			return false;
	return text.length > 0;
}

bool http_text_is_token(struct http_text text)
{
	return text_is_of(text, BYTE_TOKEN);
}

bool http_text_is_name(struct http_text text)
{
	return text_is_of(text, BYTE_NAME);
}

struct http_text http_text_trim(struct http_text text)
{
	while (text.length && is_blank(text.at[0])) {
		text.at++;
		text.length--;
	}
	while (text.length && is_blank(text.at[text.length - 1]))
		text.length--;
	return text;
}

bool http_text_equal(struct http_text a, struct http_text b)
{
	return a.length == b.length && bytes_equal(a.at, b.at, a.length);
}

bool http_text_is(struct http_text text, const char *lower_case)
{
	return text.length == strlen(lower_case) && bytes_equal(text.at, lower_case, text.length);
}

bool http_list_next(struct http_text *list, struct http_text *ret_item)
{
	struct http_text item = {list->at, 0};
	bool quoted = false;
	uint32_t i;

	if (!list->at)
		return false;
	for (i = 0; i < list->length && (quoted || list->at[i] != ','); i++) {
		if (quoted && list->at[i] == '\\' && i + 1 < list->length)
			i++; /* whatever follows is text */
		else if (list->at[i] == '"')
			quoted = !quoted;
	}
	item.length = i;
	*ret_item = http_text_trim(item);
	if (i == list->length)
		*list = (struct http_text){0};
	else
		*list = (struct http_text){list->at + i + 1, list->length - i - 1};
	return true;
}

static struct http_text without_parameters(struct http_text text)
{
	const char *end = text.length ? memchr(text.at, ';', text.length) : NULL;

	if (end)
		text.length = (uint32_t)(end - text.at);
	return http_text_trim(text);
}

bool http_list_has(struct http_text list, const char *word)
{
	struct http_text item;

	while (http_list_next(&list, &item))
		if (http_text_is(without_parameters(item), word))
			return true;
	return false;
}

bool http_type_is(struct http_text content_type, const char *lower_case)
{
	return http_text_is(without_parameters(content_type), lower_case);
}

/*
 * Of a token with a known name of the same length, eight bytes at a time: no byte of a
 * token but the letter itself, or the hyphen, gives one with 0x20.
 */
static bool name_equal(const char *name, const char *known, size_t n)
{
	uint64_t a, b;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		memcpy(&a, name + i, 8);
		memcpy(&b, known + i, 8);
		if ((a | 0x2020202020202020) != b)
			return false;
	}
	for (; i < n; i++)
		if ((name[i] | 0x20) != known[i])
			return false;
	return true;
}

enum http_field_id http_field_find(struct http_text name)
{
	const uint8_t *ids;

	if (name.length > FIELD_NAME_MAX)
		return HTTP_FIELD_OTHER;
	ids = fields_by_length[name.length];
	for (int i = 0; i < FIELD_RIVALS_MAX && ids[i]; i++) {
		if (name_equal(name.at, field_names[ids[i]], name.length))
			return ids[i];
	}
	return HTTP_FIELD_OTHER;
}

bool http_field_is_hop(enum http_field_id id)
{
	const uint32_t hop = 1u << HTTP_FIELD_CONNECTION | 1u << HTTP_FIELD_KEEP_ALIVE |
			     1u << HTTP_FIELD_PROXY_CONNECTION | 1u << HTTP_FIELD_TE |
			     1u << HTTP_FIELD_TRANSFER_ENCODING | 1u << HTTP_FIELD_UPGRADE |
			     1u << HTTP_FIELD_PROXY_AUTHENTICATE |
			     1u << HTTP_FIELD_PROXY_AUTHORIZATION;

	return hop >> id & 1;
}
