// SPDX-License-Identifier: MIT
/*
 * The chunked coding, byte by byte but for the data; see http_chunked.h. The steps:
 *
 *      SIZE -> EXTENSION -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
 *                              | size 0
 *                              v
 *      TRAILER -> NAME -> BLANK -> VALUE -> VALUE_LF -> TRAILER ... -> END_LF -> END
 *
 * EXTENSION is left out where there is none, BLANK takes what lies before a value; a byte
 * that no arrow knows leads to BAD.
 */
#include "net/http_chunked.h"

#include <stdlib.h>
#include <string.h>

#include "net/http_parts.h"

#define CHUNK_DIGITS_MAX 16

enum step {
	STEP_SIZE,
	STEP_EXTENSION,
	STEP_SIZE_LF,
	STEP_DATA,
	STEP_DATA_CR,
	STEP_DATA_LF,
	STEP_TRAILER, /* at the beginning of a line */
	STEP_NAME,
	STEP_BLANK,
	STEP_VALUE,
	STEP_VALUE_LF,
	STEP_END_LF,
	STEP_END,
	STEP_BAD
};

void http_chunked_init(struct http_chunked *c)
{
	*c = (struct http_chunked){.step = STEP_SIZE};
}

void http_chunked_done(struct http_chunked *c)
{
	free(c->trailers);
	c->trailers = NULL;
	c->trailer_length = 0;
}

static bool is_text(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* -1: no hexadecimal digit. */
static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum step size_take(struct http_chunked *c, unsigned char byte)
{
	int digit = hex_value(byte);

	if (++c->line > HTTP_CHUNK_LINE_MAX)
		return STEP_BAD;
	if (digit >= 0) {
		if (++c->digits > CHUNK_DIGITS_MAX)
			return STEP_BAD;
		c->left = c->left << 4 | (unsigned int)digit;
		return c->left > HTTP_LENGTH_MAX ? STEP_BAD : STEP_SIZE;
	}
	if (c->digits == 0)
		return STEP_BAD;
	if (byte == '\r')
		return STEP_SIZE_LF;
	return byte == ';' ? STEP_EXTENSION : STEP_BAD;
}

static enum step extension_take(struct http_chunked *c, unsigned char byte)
{
	if (++c->line > HTTP_CHUNK_LINE_MAX)
		return STEP_BAD;
	if (byte == '\r')
		return STEP_SIZE_LF;
	return is_text(byte) ? STEP_EXTENSION : STEP_BAD;
}

static bool trailer_put(struct http_chunked *c, char byte)
{
	if (c->trailer_length == HTTP_TRAILER_MAX)
		return false;
	c->trailers[c->trailer_length++] = byte;
	return true;
}

/*
 * RFC 9110, 6.5.1: nothing that says where a message ends, whom it is for or from, how it is
 * to be treated or what its content is; a recipient may merge trailers into the head.
 */
static bool trailer_is_good(struct http_text name)
{
	static const char *const refused[] = {
		"age",		 "authorization", "cache-control",    "content-encoding",
		"content-range", "cookie",	  "location",	      "max-forwards",
		"range",	 "set-cookie",	  "www-authenticate", "x-real-ip",
	};

	if (!http_text_is_token(name) || http_field_find(name) != HTTP_FIELD_OTHER)
		return false;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (http_text_is(name, refused[i]))
			return false;
	return true;
}

static enum step name_take(struct http_chunked *c, unsigned char byte)
{
	struct http_text name = {c->trailers + c->name, c->trailer_length - c->name};

	if (byte != ':') /* what is no token is seen at the colon */
		return is_text(byte) && trailer_put(c, (char)byte) ? STEP_NAME : STEP_BAD;
	if (!trailer_is_good(name) || !trailer_put(c, ':') || !trailer_put(c, ' '))
		return STEP_BAD;
	c->value = c->trailer_length;
	return STEP_BLANK;
}

static enum step value_take(struct http_chunked *c, unsigned char byte)
{
	if (byte != '\r')
		return is_text(byte) && trailer_put(c, (char)byte) ? STEP_VALUE : STEP_BAD;
	while (c->trailer_length > c->value && (c->trailers[c->trailer_length - 1] == ' ' ||
						c->trailers[c->trailer_length - 1] == '\t'))
		c->trailer_length--;
	return trailer_put(c, '\r') && trailer_put(c, '\n') ? STEP_VALUE_LF : STEP_BAD;
}

static enum step trailer_take(struct http_chunked *c, unsigned char byte)
{
	if (c->step == STEP_TRAILER && byte == '\r')
		return STEP_END_LF;
	if (++c->line > HTTP_TRAILER_MAX)
		return STEP_BAD;
	switch (c->step) {
	case STEP_TRAILER:
		if (!c->trailers)
			c->trailers = malloc(HTTP_TRAILER_MAX);
		c->name = c->trailer_length;
		return c->trailers ? name_take(c, byte) : STEP_BAD;
	case STEP_NAME:
		return name_take(c, byte);
	case STEP_BLANK:
		return byte == ' ' || byte == '\t' ? STEP_BLANK : value_take(c, byte);
	default:
		return value_take(c, byte);
	}
}

static enum step step_take(struct http_chunked *c, unsigned char byte)
{
	switch (c->step) {
	case STEP_SIZE:
		return size_take(c, byte);
	case STEP_EXTENSION:
		return extension_take(c, byte);
	case STEP_SIZE_LF:
		if (byte != '\n')
			return STEP_BAD;
		c->line = c->digits = 0;
		return c->left ? STEP_DATA : STEP_TRAILER;
	case STEP_DATA_CR:
		return byte == '\r' ? STEP_DATA_LF : STEP_BAD;
	case STEP_DATA_LF:
		return byte == '\n' ? STEP_SIZE : STEP_BAD;
	case STEP_VALUE_LF:
		return byte == '\n' && ++c->line <= HTTP_TRAILER_MAX ? STEP_TRAILER : STEP_BAD;
	case STEP_END_LF:
		return byte == '\n' ? STEP_END : STEP_BAD;
	default:
		return trailer_take(c, byte);
	}
}

enum http_chunked_event http_chunked_feed(struct http_chunked *c, const char *bytes, size_t n,
					  size_t *taken, const char **data, size_t *length)
{
	size_t at = 0;

	while (at < n && c->step < STEP_END) {
		if (c->step == STEP_DATA) {
			*data = bytes + at;
			*length = c->left < n - at ? (size_t)c->left : n - at;
			*taken = at + *length;
			c->total += *length;
			c->left -= *length;
			if (c->left == 0)
				c->step = STEP_DATA_CR;
			return HTTP_CHUNKED_DATA;
		}
		c->step = step_take(c, (unsigned char)bytes[at++]);
	}
	*taken = at;
	if (c->step == STEP_BAD)
		return HTTP_CHUNKED_BAD;
	return c->step == STEP_END ? HTTP_CHUNKED_END : HTTP_CHUNKED_MORE;
}
