// SPDX-License-Identifier: MIT
/*
 * Requests that are answered by lines without end; line_request.h has their states. The
 * outbox keeps what the client has yet to take. An ended stream leaves as answers do: WRITING
 * with its stall clock while something waits, then LINGERING.
 */
#include <stdlib.h>

#include "net/line_request.h"

void line_stream_over(struct line_request *request)
{
	struct line_stream_handler handler = request->stream;

	outbox_shut(&request->outbox);
	request->stream = (struct line_stream_handler){0};
	if (handler.ended)
		handler.ended(request->stream_ctx);
}

static void on_sent(void *ctx, int status)
{
	struct line_request *request = ctx;

	request->unwritten = SIZE_MAX; /* something was taken */
	if (status < 0)
		line_request_close(request);
	else if (request->state == LINE_WRITING && outbox_is_empty(&request->outbox))
		line_request_enter(request, LINE_LINGERING);
	else if (request->state == LINE_STREAMING)
		request->stream.room(request->stream_ctx);
}

/* The line was read; what little may still come is thrown away. */
static void stream_shrink(struct line_request *request)
{
	char *line;

	if (request->capacity <= LINE_READ_BYTES)
		return;
	line = realloc(request->line, LINE_READ_BYTES);
	if (!line)
		return;
	request->line = line;
	request->capacity = LINE_READ_BYTES;
}

bool line_request_stream(struct line_request *request, size_t buffer_bytes,
			 const struct line_stream_handler *handler, void *ctx)
{
	if (request->state == LINE_CLOSED) {
		line_request_answer(request, NULL, 0);
		return false;
	}
	request->asked = false;
	stream_shrink(request);
	line_request_enter(request, LINE_STREAMING);
	if (request->state == LINE_CLOSED)
		return false;
	request->stream = *handler;
	request->stream_ctx = ctx;
	outbox_init(&request->outbox, buffer_bytes, on_sent, request);
	(void)outbox_open(&request->outbox, (uv_stream_t *)&request->pipe); /* it is empty */
	return true;
}

bool line_request_send(struct line_request *request, const char *line, size_t length)
{
	return length <= LINE_FOLLOWED_BYTES_MAX && outbox_put(&request->outbox, line, length);
}

void line_request_end(struct line_request *request)
{
	if (request->state != LINE_STREAMING)
		return;
	uv_read_stop((uv_stream_t *)&request->pipe);
	request->unwritten = SIZE_MAX;
	line_request_enter(request,
			   outbox_is_empty(&request->outbox) ? LINE_LINGERING : LINE_WRITING);
}
