// SPDX-License-Identifier: MIT
/*
 * Whom a request is for: its target in one of the forms that a reverse proxy takes, and
 * Host. A target in absolute form is turned into origin form, and its authority must be
 * the Host's; two names for one request are how caches are poisoned.
 */
#include <string.h>
#include <strings.h>

#include <llhttp.h>

#include "net/http_parts.h"

#define PORT_DIGITS_MAX 5

/* ":port" or nothing; the port may be empty. */
static bool port_is_good(const char *at, size_t n)
{
	if (n == 0)
		return true;
	if (*at != ':' || n > 1 + PORT_DIGITS_MAX)
		return false;
	for (size_t i = 1; i < n; i++)
		if (at[i] < '0' || at[i] > '9')
			return false;
	return true;
}

static bool is_of_ipv6(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') || c == ':' ||
	       c == '.';
}

/* "[address]", of which only the characters are looked at: its length, or 0. */
static size_t bracketed_length(struct http_text host)
{
	uint32_t i = 1;

	while (i < host.length && is_of_ipv6(host.at[i]))
		i++;
	return i > 2 && i < host.length && host.at[i] == ']' ? i + 1 : 0;
}

/* uri-host [":" port] without userinfo; what the name means is of no matter here. */
static bool host_is_good(struct http_text host)
{
	const char *colon;
	size_t length;

	if (host.length == 0)
		return false;
	if (host.at[0] == '[') {
		length = bracketed_length(host);
	} else {
		colon = memchr(host.at, ':', host.length);
		length = colon ? (size_t)(colon - host.at) : host.length;
		if (!http_text_is_name((struct http_text){host.at, (uint32_t)length}))
			return false;
	}
	return length && port_is_good(host.at + length, host.length - length);
}

/* Without the port that http has anyway. */
static struct http_text without_default_port(struct http_text host)
{
	if (host.length > 3 && !memcmp(host.at + host.length - 3, ":80", 3))
		host.length -= 3;
	else if (host.length > 1 && host.at[host.length - 1] == ':')
		host.length--;
	return host;
}

/* "http://authority/path?query" into authority and target. */
static bool absolute_split(struct http_message *message, struct http_text *ret_authority)
{
	static const char scheme[] = "http://";
	struct http_text rest = message->target;
	uint32_t length = 0;

	if (rest.length < sizeof(scheme) || strncasecmp(rest.at, scheme, sizeof(scheme) - 1) != 0)
		return false;
	rest.at += sizeof(scheme) - 1;
	rest.length -= sizeof(scheme) - 1;
	while (length < rest.length && rest.at[length] != '/' && rest.at[length] != '?')
		length++;
	*ret_authority = (struct http_text){rest.at, length};
	rest.at += length;
	rest.length -= length;
	if (rest.length == 0) /* RFC 9112, 3.2.4 for OPTIONS */
		rest = (struct http_text){message->method == HTTP_OPTIONS ? "*" : "/", 1};
	/* A query without a path would have to be copied to get its slash; nobody sends it. */
	if (rest.at[0] == '?')
		return false;
	message->target = rest;
	return true;
}

static void path_set(struct http_message *message)
{
	const char *query = memchr(message->target.at, '?', message->target.length);

	message->path = message->target;
	if (query)
		message->path.length = (uint32_t)(query - message->target.at);
}

int http_target_read(struct http_message *message)
{
	struct http_text authority = {0};
	bool is_star = message->target.length == 1 && message->target.at[0] == '*';

	if (memchr(message->target.at, '#', message->target.length))
		return -400;
	if (is_star && message->method != HTTP_OPTIONS)
		return -400;
	if (!is_star && message->target.at[0] != '/' && !absolute_split(message, &authority))
		return -400;
	path_set(message);
	message->host = http_value(message, HTTP_FIELD_HOST);
	if (message->known[HTTP_FIELD_HOST] ? !host_is_good(message->host) : message->minor == 1)
		return -400;
	if (!authority.at)
		return 0;
	if (!host_is_good(authority))
		return -400;
	if (message->known[HTTP_FIELD_HOST] &&
	    !http_text_equal(without_default_port(authority), without_default_port(message->host)))
		return -400;
	message->host = authority;
	return 0;
}
