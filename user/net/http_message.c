// SPDX-License-Identifier: MIT
/*
 * A whole head into a struct http_message; see http_message.h. The first line is taken
 * apart here and by llhttp, and both must have read the same; the fields are llhttp's. What
 * they mean stands in http_target.c and http_framing.c.
 */
#include "net/http_message.h"

#include <llhttp.h>
#include <string.h>

#include "net/http_parts.h"

#define STATUS_LINE_MIN (sizeof("HTTP/1.1 200") - 1)

/* What llhttp's callbacks fill. */
struct reading {
	struct http_message *message;
	struct http_text url;
	uint32_t repeated; /* bit: an http_field_id that came again */
	bool value_next;   /* the last field has no value yet */
	bool too_many, complete;
};

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
	struct reading *reading = parser->data;

	if (reading->url.at)
		return HPE_USER; /* one head, one target, in one piece */
	reading->url = (struct http_text){at, (uint32_t)length};
	return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t length)
{
	struct reading *reading = parser->data;
	struct http_message *message = reading->message;
	struct http_text name = {at, (uint32_t)length};
	enum http_field_id id = http_field_find(name);
	struct http_field *field;

	if (message->field_count == HTTP_FIELDS_MAX) {
		reading->too_many = true;
		return HPE_USER;
	}
	if (reading->value_next || length == 0)
		return HPE_USER;
	field = &message->field[message->field_count];
	field->name = name;
	field->value = (struct http_text){at + length, 0};
	field->id = id;
	field->is_hop = http_field_is_hop(id);
	message->field_count++;
	if (message->known[id])
		reading->repeated |= 1u << id;
	else
		message->known[id] = (uint8_t)message->field_count;
	reading->value_next = true;
	return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length)
{
	struct reading *reading = parser->data;
	struct http_message *message = reading->message;

	if (!reading->value_next)
		return HPE_USER; /* a second piece of one value */
	message->field[message->field_count - 1].value =
		http_text_trim((struct http_text){at, (uint32_t)length});
	reading->value_next = false;
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct reading *reading = parser->data;

	reading->complete = true;
	return HPE_PAUSED; /* whatever follows is not this head's */
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
};

static void message_clear(struct http_message *message)
{
	/* The fields are most of it; what lies beyond field_count is never read. */
	memset(message, 0, offsetof(struct http_message, field));
}

/* The second judge. 0, -400, -431, or -501 for a method that it does not know. */
static int head_parse(llhttp_t *parser, llhttp_type_t type, const char *bytes, size_t n,
		      struct reading *reading)
{
	llhttp_errno_t error;

	llhttp_init(parser, type, &settings);
	parser->data = reading;
	error = llhttp_execute(parser, bytes, n);
	if (reading->too_many)
		return -431;
	/* The latter for RTSP's methods: the rest of the first line was looked at before. */
	if (error == HPE_INVALID_METHOD || error == HPE_INVALID_CONSTANT)
		return -501;
	/* Where it stopped must be where our own look found the end. */
	if (error != HPE_PAUSED || !reading->complete || llhttp_get_error_pos(parser) != bytes + n)
		return -400;
	if (parser->http_major != 1 || parser->http_minor != reading->message->minor)
		return -400;
	if (reading->repeated & (1u << HTTP_FIELD_HOST | 1u << HTTP_FIELD_CONTENT_LENGTH))
		return -400;
	reading->message->known[HTTP_FIELD_OTHER] = 0;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.0" or "HTTP/1.1": sets minor. 0, -400, or -505 for all other versions. */
static int version_read(const char *version, struct http_message *message)
{
	if (memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) || version[6] != '.' ||
	    !is_digit(version[7]))
		return -400;
	if (version[5] != '1' || version[7] > '1')
		return -505;
	message->minor = (uint8_t)(version[7] - '0');
	return 0;
}

static int request_line_read(const char *line, size_t n, struct http_message *message)
{
	const char *end = memchr(line, '\r', n);
	int status;

	if (!end || !http_request_line_split(line, (size_t)(end - line), &message->method_name,
					     &message->target))
		return -400;
	if (!http_text_is_token(message->method_name))
		return -400;
	status = version_read(end - (sizeof("HTTP/1.1") - 1), message);
	if (status)
		return status;
	/* Not for a reverse proxy; and llhttp would read another kind of target. */
	return http_text_is(message->method_name, "connect") ? -501 : 0;
}

int http_parse_request(const char *bytes, size_t n, struct http_message *ret)
{
	struct reading reading = {.message = ret};
	llhttp_t parser;
	int status;

	message_clear(ret);
	if (n >= 2 && bytes[0] == '\r') { /* the empty line that http_scan skipped */
		bytes += 2;
		n -= 2;
	}
	status = request_line_read(bytes, n, ret);
	if (!status)
		status = head_parse(&parser, HTTP_REQUEST, bytes, n, &reading);
	if (status)
		return status;
	if (reading.url.at != ret->target.at || reading.url.length != ret->target.length)
		return -400;
	ret->method = parser.method;
	status = http_target_read(ret);
	if (!status && !http_connection_read(ret))
		status = -400;
	if (!status)
		status = http_framing_read(ret);
	ret->expects_continue =
		ret->minor == 1 && http_text_is(http_value(ret, HTTP_FIELD_EXPECT), "100-continue");
	return status;
}

/* "HTTP/1.1 200 OK"; the reason and the blank before it may be missing. */
static bool status_line_read(const char *line, size_t n, struct http_message *message)
{
	const char *end = memchr(line, '\r', n);
	const char *code = line + sizeof("HTTP/1.1 ") - 1, *reason = line + STATUS_LINE_MIN;

	if (!end || (size_t)(end - line) < STATUS_LINE_MIN || version_read(line, message))
		return false;
	if (code[-1] != ' ' || !is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]))
		return false;
	if (reason < end && *reason != ' ')
		return false;
	message->status =
		(uint16_t)((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
	if (reason < end)
		message->reason = (struct http_text){reason + 1, (uint32_t)(end - reason) - 1};
	return message->status >= 100 && message->status <= 599;
}

/* What the status and the question make of the framing that the fields say. */
static void body_settle(struct http_message *message, bool is_head)
{
	if (is_head || message->status < 200 || message->status == 204 || message->status == 304) {
		message->framing = HTTP_NO_BODY;
		message->body_length = 0;
	} else if (message->framing == HTTP_NO_BODY) {
		message->framing = HTTP_UNTIL_CLOSE;
		message->keep_alive = false;
	}
}

int http_parse_response(const char *bytes, size_t n, bool is_head, struct http_message *ret)
{
	struct reading reading = {.message = ret};
	llhttp_t parser;

	message_clear(ret);
	if (!status_line_read(bytes, n, ret) ||
	    head_parse(&parser, HTTP_RESPONSE, bytes, n, &reading))
		return -502;
	if (parser.status_code != ret->status)
		return -502;
	if (!http_connection_read(ret) || http_framing_read(ret))
		return -502;
	body_settle(ret, is_head);
	return 0;
}

struct http_text http_value(const struct http_message *message, enum http_field_id id)
{
	uint8_t index = message->known[id];

	return index ? message->field[index - 1].value : (struct http_text){0};
}
