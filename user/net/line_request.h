/* SPDX-License-Identifier: MIT */
/*
 * One client of the control socket's server; only line_server.c knows it. Its states:
 *
 *   accept -> READING --newline or too long--> ASKED --answer--> WRITING --> LINGERING
 *                |                               |                  ^            |
 *                |                               +--stream--> STREAMING          |
 *                +-- eof, error, time              eof, error, time, stall       v
 *                +----------------------------------------------------------> CLOSED
 *
 *   In ASKED nothing is read and no clock runs: the handler owns the request. If the
 *   server is freed meanwhile the handles close, and the answer frees the rest.
 *   In STREAMING (line_stream.c) no clock runs either, but the client's end is seen; when
 *   the handler ends the stream, what waits is written out as any answer is.
 */
#ifndef HATAGO_NET_LINE_REQUEST_H
#define HATAGO_NET_LINE_REQUEST_H

#include "net/line_listen.h"
#include "net/line_server.h"
#include "net/outbox.h"

#define LINE_READ_BYTES 4096 /* first room for the line; it doubles up to LINE_BYTES_MAX + 1 */

enum line_state {
	LINE_READING,
	LINE_ASKED,
	LINE_STREAMING,
	LINE_WRITING,
	LINE_LINGERING,
	LINE_CLOSED
};

struct line_request {
	struct line_server *server;
	struct line_request *prev, *next; /* of the server's */
	enum line_state state;
	unsigned int open_handles;
	bool asked; /* and not yet answered: the memory is the handler's too */
	struct line_peer peer;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	uv_shutdown_t shutdown;
	char *line;
	size_t length, capacity;
	bool too_long;
	char *document;
	size_t unwritten; /* when the stall clock last looked */
	struct outbox outbox;
	struct line_stream_handler stream; /* ended is NULL: no stream */
	void *stream_ctx;
};

struct line_server {
	uv_loop_t *loop;
	uv_pipe_t listener;
	line_handler handler;
	void *ctx;
	struct line_bounds bounds;
	struct line_request *first;
	unsigned int count;
	unsigned int open_handles; /* the listener's and the clients' */
	bool closing;
	bool stalled; /* a newcomer waits for room; uv hands out no other till it is accepted */
	char *path;
	struct line_file file;
};

/* Accepts the client that waits on the listener. Returns 0 or a negative errno. */
int line_request_accept(struct line_server *server);
/* Closes at once; the request frees itself once the loop has run and it is answered. */
void line_request_close(struct line_request *request);
/* The one place that changes states (but for CLOSED). */
void line_request_enter(struct line_request *request, enum line_state state);
/* The request closes: tells the handler of its stream, if it has one. */
void line_stream_over(struct line_request *request);
/* A handle of the server's is closed: frees the server with the last one. */
void line_server_handle_closed(struct line_server *server);

#endif
