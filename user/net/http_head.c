// SPDX-License-Identifier: MIT
/*
 * The two judges of a request's head; see http_head.h. The first is the line discipline
 * of RFC 9112 without its leniencies, byte by byte, so that rubbish is refused at once
 * and not after a time-out. The second is llhttp, for the grammar within the lines.
 */
#include "net/http_head.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

enum {
	STATUS_BAD_REQUEST = 400,
	STATUS_METHOD = 405,
	STATUS_BODY = 413,
	STATUS_LINE = 414,
	STATUS_HEAD = 431,
	STATUS_VERSION = 505
};

/* What llhttp's callbacks find. Spans lie within head->bytes. */
struct findings {
	size_t url_start, url_length; /* offsets into head->bytes */
	const struct http_head *head;
	unsigned int hosts;
	bool host_next; /* the value that follows is Host's */
	bool host_good;
	bool complete;
};

void http_head_init(struct http_head *head)
{
	/* Not memset: most of it is the buffer, and what lies beyond length is never read. */
	head->state = HTTP_HEAD_READING;
	head->status = 0;
	head->is_head = head->keep_alive = head->cr = false;
	head->path = NULL;
	head->length = head->line_start = 0;
	head->lines = head->blank_lines = 0;
}

bool http_head_is_begun(const struct http_head *head)
{
	return head->length > 0 || head->blank_lines > 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
	struct findings *found = parser->data;

	if (found->url_length)
		return HPE_USER; /* one head, one target, in one piece */
	found->url_start = (size_t)(at - found->head->bytes);
	found->url_length = length;
	return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t length)
{
	struct findings *found = parser->data;

	found->host_next = length == 4 && !strncasecmp(at, "host", 4);
	found->hosts += found->host_next;
	return 0;
}

/* The characters of RFC 3986's authority; what they mean is of no matter here. */
static bool host_is_good(const char *at, size_t length)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~%!$&'()*+,;=:[]";

	for (size_t i = 0; i < length; i++)
		if (!at[i] || !strchr(allowed, at[i]))
			return false;
	return length > 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length)
{
	struct findings *found = parser->data;

	if (found->host_next)
		found->host_good = host_is_good(at, length);
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct findings *found = parser->data;

	found->complete = true;
	return HPE_PAUSED; /* whatever follows is not this head's */
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
};

/* llhttp's opinion: 0 or the status that refuses the head. */
static int head_parse(struct http_head *head, llhttp_t *parser, struct findings *found)
{
	llhttp_errno_t error;

	llhttp_init(parser, HTTP_REQUEST, &settings);
	parser->data = found;
	error = llhttp_execute(parser, head->bytes, head->length);
	if (error == HPE_INVALID_VERSION)
		return STATUS_VERSION;
	if (error != HPE_PAUSED || !found->complete)
		return STATUS_BAD_REQUEST;
	/* Where it stopped must be where our own look found the end. */
	if (llhttp_get_error_pos(parser) != head->bytes + head->length)
		return STATUS_BAD_REQUEST;
	if (parser->http_major != 1 || parser->http_minor > 1)
		return STATUS_VERSION;
	return 0;
}

/* Finds the path in the target, in origin form or, as RFC 9112 demands, in absolute form. */
static bool head_set_path(struct http_head *head, const struct findings *found)
{
	static const char scheme[] = "http://";
	char *start = head->bytes + found->url_start, *end = start + found->url_length;
	char *query;

	if (memchr(start, '#', found->url_length))
		return false;
	query = memchr(start, '?', found->url_length);
	if (query)
		end = query;
	if ((size_t)(end - start) >= sizeof(scheme) &&
	    !strncasecmp(start, scheme, sizeof(scheme) - 1)) {
		start = memchr(start + sizeof(scheme) - 1, '/',
			       (size_t)(end - start) - sizeof(scheme) + 1);
		if (!start) {
			head->path = "/";
			return true;
		}
	}
	if (start == end || *start != '/')
		return false;
	*end = '\0'; /* at the latest the blank before "HTTP/1.1" */
	head->path = start;
	return true;
}

/* The whole head is there: 0 or the status that refuses it. */
static int head_judge(struct http_head *head)
{
	struct findings found = {.head = head};
	llhttp_t parser;
	int status = head_parse(head, &parser, &found);

	if (status)
		return status;
	if (found.hosts > 1 || (found.hosts == 1 && !found.host_good))
		return STATUS_BAD_REQUEST;
	if (found.hosts == 0 && parser.http_minor == 1)
		return STATUS_BAD_REQUEST;
	if ((parser.flags & F_TRANSFER_ENCODING) && parser.http_minor == 0)
		return STATUS_BAD_REQUEST; /* unknown to 1.0: who sends it disagrees with someone */
	if (parser.method != HTTP_GET && parser.method != HTTP_HEAD)
		return STATUS_METHOD;
	if ((parser.flags & F_TRANSFER_ENCODING) || parser.content_length > 0)
		return STATUS_BODY;
	if (!head_set_path(head, &found))
		return STATUS_BAD_REQUEST;
	head->is_head = parser.method == HTTP_HEAD;
	head->keep_alive = llhttp_should_keep_alive(&parser);
	return 0;
}

/* "METHOD target HTTP/x.y": llhttp lets more blanks and other protocols' names through. */
static bool request_line_is_good(const char *line, size_t length)
{
	const char *first = memchr(line, ' ', length), *last = memrchr(line, ' ', length);

	if (!first || last < first + 2 || memchr(line, '\t', length))
		return false;
	if (memchr(first + 1, ' ', (size_t)(last - first - 1)))
		return false;
	return line + length - last > 6 && !memcmp(last, " HTTP/", 6);
}

static int head_end_line(struct http_head *head)
{
	size_t length = head->length - head->line_start - 2;
	int status;

	if (length == 0 && head->lines == 0) {
		head->length = 0;
		return ++head->blank_lines > HTTP_BLANK_LINES_MAX ? STATUS_BAD_REQUEST : 0;
	}
	if (length == 0) {
		status = head_judge(head);
		if (!status)
			head->state = HTTP_HEAD_WHOLE;
		return status;
	}
	if (head->lines == 0 && !request_line_is_good(head->bytes, length))
		return STATUS_BAD_REQUEST;
	head->line_start = head->length;
	return ++head->lines > 1 + HTTP_HEADERS_MAX ? STATUS_HEAD : 0;
}

/* Takes one byte: 0 or the status that refuses the head. */
static int head_take(struct http_head *head, unsigned char c)
{
	bool starts_line = head->length == head->line_start;

	if (head->length == HTTP_HEAD_BYTES_MAX)
		return STATUS_HEAD;
	head->bytes[head->length++] = (char)c;
	if (head->cr) {
		head->cr = false;
		return c == '\n' ? head_end_line(head) : STATUS_BAD_REQUEST;
	}
	if (c == '\r') {
		head->cr = true;
		return 0;
	}
	if ((c < 0x20 && c != '\t') || c == 0x7f) /* LF without CR is one of them */
		return STATUS_BAD_REQUEST;
	if (starts_line && (c == ' ' || c == '\t' || c == ':'))
		return STATUS_BAD_REQUEST; /* a folded header, or one without a name */
	if (head->lines > 0)
		return 0;
	if (c >= 0x80)
		return STATUS_BAD_REQUEST;
	return head->length > HTTP_REQUEST_LINE_MAX ? STATUS_LINE : 0;
}

size_t http_head_feed(struct http_head *head, const char *bytes, size_t n)
{
	size_t taken = 0;
	int status;

	while (taken < n && head->state == HTTP_HEAD_READING) {
		status = head_take(head, (unsigned char)bytes[taken++]);
		if (status) {
			head->state = HTTP_HEAD_REFUSED;
			head->status = status;
		}
	}
	return taken;
}
