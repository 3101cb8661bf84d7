// SPDX-License-Identifier: MIT
/*
 * The metrics server's view of a request's head; see http_head.h. http_scan finds its end
 * and http_parse_request reads it; here are the bounds, and what this server can't do:
 * other methods, bodies.
 */
#include "net/http_head.h"

#include <llhttp.h>
#include <string.h>

enum { STATUS_BAD_REQUEST = 400, STATUS_METHOD = 405, STATUS_BODY = 413 };

static const struct http_message_bounds bounds = {
	.line_bytes = HTTP_REQUEST_LINE_MAX,
	.head_bytes = HTTP_HEAD_BYTES_MAX,
	.fields = HTTP_HEADERS_MAX,
};

void http_head_init(struct http_head *head)
{
	/* Not memset: most of it is the buffer, and what lies beyond length is never read. */
	head->state = HTTP_HEAD_READING;
	head->status = 0;
	head->is_head = head->keep_alive = false;
	head->path = NULL;
	head->length = 0;
	head->scan = (struct http_scan){0};
}

bool http_head_is_begun(const struct http_head *head)
{
	return head->length > 0;
}

/* Ends the path where it lies. "/" for a target without one lies elsewhere, ended. */
static void head_set_path(struct http_head *head, struct http_text path)
{
	head->path = path.at;
	if (path.at >= head->bytes && path.at < head->bytes + head->length)
		head->bytes[path.at - head->bytes + path.length] = '\0';
}

/* In words of this server, which knows a method or refuses it, and speaks no HTTP/2. */
static int status_of(int error, const char *bytes)
{
	bytes += *bytes == '\r' ? 2 : 0;
	if (error == -501)
		return !strncmp(bytes, "CONNECT ", 8) ? STATUS_METHOD : STATUS_BAD_REQUEST;
	return !strncmp(bytes, "PRI ", 4) ? STATUS_BAD_REQUEST : -error;
}

/* The whole head is there: 0 or the status that refuses it. */
static int head_judge(struct http_head *head)
{
	struct http_message message;
	int error = http_parse_request(head->bytes, head->length, &message);

	if (error)
		return status_of(error, head->bytes);
	if (message.method != HTTP_GET && message.method != HTTP_HEAD)
		return STATUS_METHOD;
	if (message.framing == HTTP_CHUNKED || message.body_length > 0)
		return STATUS_BODY;
	head_set_path(head, message.path);
	head->is_head = message.method == HTTP_HEAD;
	head->keep_alive = message.keep_alive;
	return 0;
}

size_t http_head_feed(struct http_head *head, const char *bytes, size_t n)
{
	size_t before = head->length, room = sizeof(head->bytes) - before;
	int result;

	if (head->state != HTTP_HEAD_READING)
		return 0;
	n = n < room ? n : room;
	memcpy(head->bytes + before, bytes, n);
	head->length += n;
	result = http_scan(&head->scan, head->bytes, head->length, true, &bounds);
	if (result == 0)
		return n;
	head->length = head->scan.seen;
	head->status = result < 0 ? -result : head_judge(head);
	head->state = head->status ? HTTP_HEAD_REFUSED : HTTP_HEAD_WHOLE;
	return head->length - before;
}
