/* SPDX-License-Identifier: MIT */
/*
 * See value.h: is a text what its key takes, letter by letter. Addresses are read as
 * net/listen.h reads them, numbers only but for localhost; nothing is resolved or opened.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "config/value.h"

#define LETTERS	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define ROUTE_BYTES LETTERS "-._~!$&'()+,;=:@%/" /* RFC 3986, section 3.3, without '*' */
#define TOKEN_BYTES LETTERS "!#$%&'*+-.^_`|~"	 /* RFC 9110, section 5.6.2 */
#define PORT_MAX    65535

static bool spell_is_word(const char *text, size_t max, const char *letters)
{
	size_t length = strlen(text);

	return length > 0 && length <= max && strspn(text, letters) == length;
}

static bool spell_has_blank(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return true;
	return false;
}

static bool spell_is_path(const char *text, size_t max)
{
	size_t length = strlen(text);

	return text[0] == '/' && length >= 2 && length <= max && text[length - 1] != '/' &&
	       !spell_has_blank(text);
}

/* Without the '*' at its end, if there is one. */
static bool spell_is_beginning(const char *text, size_t max, const char *letters)
{
	size_t length = strlen(text), plain = strspn(text, letters);

	return length > 0 && length <= max && (plain == length || strcmp(text + plain, "*") == 0);
}

static bool spell_is_method(const char *text, size_t max)
{
	const char *star = strchr(text, '*');

	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f) /* a char may be signed */
			return false;
	return *text && strlen(text) <= max && (!star || !star[1]);
}

/*
 * Would a description (describe.c) that holds it raw be read as the same text? YAML refuses
 * U+0080 to U+009F, U+FEFF, U+FFFE and U+FFFF or, with U+2028 and U+2029, takes them as
 * ends of lines; ASCII is escaped where it must be.
 */
static bool spell_is_shown(const char *text)
{
	static const char *const refused[] = {"\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf",
					      "\xef\xbf\xbe", "\xef\xbf\xbf"};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strstr(text, refused[i]))
			return false;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			return false;
	return true;
}

/* "127.0.0.1:80", "[::1]:80" */
static bool spell_is_address(const char *text, uint64_t port_min, bool may_be_localhost)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	uint8_t address[16];
	uint64_t port;
	size_t length;

	if (!colon || !text_to_u64(colon + 1, port_min, PORT_MAX, &port))
		return false;
	length = (size_t)(colon - text);
	if (length < 2 || length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (may_be_localhost && strcmp(host, "localhost") == 0)
		return true;
	if (host[0] != '[')
		return inet_pton(AF_INET, host, address) == 1;
	if (host[length - 1] != ']')
		return false;
	host[length - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, address) == 1;
}

static bool spell_is_unix(const char *text)
{
	return strncmp(text, "unix:", 5) == 0 && spell_is_path(text + 5, CONFIG_SOCKET_MAX);
}

static bool spell_is_upstream(const char *text)
{
	static const char scheme[] = "http://";

	return spell_is_unix(text) || (strncmp(text, scheme, strlen(scheme)) == 0 &&
				       spell_is_address(text + strlen(scheme), 1, true));
}

bool value_is_spelled(const struct config_key *key, const char *text)
{
	switch (key->type) {
	case KEY_PATH:
		return (!*text && key_is_preset_empty(key)) || spell_is_path(text, key->max);
	case KEY_URL_PATH:
		return text[0] == '/' && spell_is_word(text, key->max, LETTERS "-._~/");
	case KEY_ROUTE:
	case KEY_EXCLUDED:
		return text[0] == '/' && spell_is_beginning(text, CONFIG_URL_PATH_MAX, ROUTE_BYTES);
	case KEY_METHOD:
		return spell_is_method(text, key->max);
	case KEY_LISTEN:
		return spell_is_address(text, 1, false);
	case KEY_LISTENERS: /* port 0 lets the kernel choose one */
		return spell_is_unix(text) || spell_is_address(text, 0, true);
	case KEY_UPSTREAMS:
		return spell_is_upstream(text);
	case KEY_CLIENT_ID:
		return spell_is_word(text, key->max, TOKEN_BYTES);
	case KEY_GROUP:
		return !*text || spell_is_word(text, key->max, LETTERS "-._");
	case KEY_COMMAND:
		return strlen(text) <= CONFIG_WORD_MAX && spell_is_shown(text);
	case KEY_TEMPLATE:
		return spell_is_shown(text);
	default:
		return true;
	}
}
