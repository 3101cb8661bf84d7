// SPDX-License-Identifier: MIT
/*
 * What the fields of a head mean for the connection and for the body (RFC 9110, 7.6.1, and
 * RFC 9112, 6). Whatever two readers could take for two things is refused; nothing is
 * repaired. http_message.c calls this for requests and responses alike.
 */
#include <string.h>

#include "net/http_parts.h"

#define LENGTH_DIGITS_MAX 19 /* of HTTP_LENGTH_MAX */

/*
 * One name that Connection gives. A field that all recipients need (each that the gate
 * knows, beside the hop-by-hop ones and Trailer) must not be taken away like that: the
 * upstream would see another request than the gate judged. So must no coding.
 */
static bool option_read(struct http_message *message, struct http_text option)
{
	enum http_field_id id;

	if (!http_text_is_token(option))
		return true; /* names no field */
	id = http_field_find(option);
	if (id == HTTP_FIELD_TRANSFER_ENCODING)
		return false;
	if (http_field_is_hop(id))
		return true;
	if (id != HTTP_FIELD_OTHER && id != HTTP_FIELD_TRAILER)
		return false;
	for (uint32_t i = 0; i < message->field_count; i++)
		if (message->field[i].id == id && http_text_equal(message->field[i].name, option))
			message->field[i].is_hop = true;
	return true;
}

/* What the Connection fields say of the connection itself. */
struct wishes {
	unsigned int options;
	bool close, keep_alive, upgrade;
};

static bool value_read(struct http_message *message, struct http_text list, struct wishes *wishes)
{
	struct http_text option;

	while (http_list_next(&list, &option)) {
		if (++wishes->options > HTTP_CONNECTION_OPTIONS_MAX)
			return false;
		if (http_text_is(option, "close"))
			wishes->close = true;
		else if (http_text_is(option, "keep-alive"))
			wishes->keep_alive = true;
		else if (http_text_is(option, "upgrade"))
			wishes->upgrade = true;
		else if (!option_read(message, option))
			return false;
	}
	return true;
}

bool http_connection_read(struct http_message *message)
{
	struct wishes wishes = {0};
	uint32_t first = message->known[HTTP_FIELD_CONNECTION];

	for (uint32_t i = first - 1; first && i < message->field_count; i++)
		if (message->field[i].id == HTTP_FIELD_CONNECTION &&
		    !value_read(message, message->field[i].value, &wishes))
			return false;
	message->keep_alive = !wishes.close && (message->minor == 1 || wishes.keep_alive);
	message->has_upgrade =
		wishes.upgrade && message->minor == 1 && message->known[HTTP_FIELD_UPGRADE];
	return true;
}

/* 1*DIGIT and nothing else. */
static bool length_parse(struct http_text text, uint64_t *ret)
{
	uint64_t length = 0;

	if (text.length == 0 || text.length > LENGTH_DIGITS_MAX)
		return false;
	for (uint32_t i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		length = length * 10 + (uint64_t)(text.at[i] - '0'); /* below 10^19 */
	}
	if (length > HTTP_LENGTH_MAX)
		return false;
	*ret = length;
	return true;
}

/*
 * All Transfer-Encoding fields: 0 where they say "chunked" and no more; -501 where they
 * say other codings in an order that could be; else -400.
 */
static int codings_read(const struct http_message *message)
{
	bool is_chunked = false, others = false;
	struct http_text list, coding;

	for (uint32_t i = 0; i < message->field_count; i++) {
		if (message->field[i].id != HTTP_FIELD_TRANSFER_ENCODING)
			continue;
		list = message->field[i].value;
		while (http_list_next(&list, &coding)) {
			if (is_chunked || !http_text_is_token(coding))
				return -400; /* chunked is not the last, or stands twice */
			is_chunked = http_text_is(coding, "chunked");
			others |= !is_chunked;
		}
	}
	return others ? -501 : 0;
}

int http_framing_read(struct http_message *message)
{
	int status;

	message->framing = HTTP_NO_BODY;
	if (message->known[HTTP_FIELD_TRANSFER_ENCODING]) {
		/* HTTP/1.0 does not know it: who sends it disagrees with someone. */
		if (message->known[HTTP_FIELD_CONTENT_LENGTH] || message->minor == 0)
			return -400;
		status = codings_read(message);
		if (status)
			return status;
		message->framing = HTTP_CHUNKED;
	} else if (message->known[HTTP_FIELD_CONTENT_LENGTH]) {
		if (!length_parse(http_value(message, HTTP_FIELD_CONTENT_LENGTH),
				  &message->body_length))
			return -400;
		message->framing = HTTP_LENGTH;
	}
	return 0;
}
