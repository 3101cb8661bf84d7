/* SPDX-License-Identifier: MIT */
/*
 * One connection of the HTTP server: reads heads, asks the handler, writes answers.
 * Only http_server.c knows it. Its states:
 *
 *   accept -> READING --head whole or refused--> ANSWERING --all written--> IDLE
 *               ^  ^                              |    |                     |
 *               |  +------ pipelined bytes -------+    | must close          |
 *               +------------- next bytes -------------|---------------------+
 *                                                      v
 *                                                  LINGERING --eof, bytes, time--> CLOSED
 *
 *   Any state: an error or the end of its time -> CLOSED, but READING with a head begun is
 *   answered 408 first. A newcomer over the bound closes the longest in any but ANSWERING.
 *   While ANSWERING nothing is read, so a client that pipelines waits in the kernel.
 */
#ifndef HATAGO_NET_HTTP_CONN_H
#define HATAGO_NET_HTTP_CONN_H

#include "net/http_head.h"
#include "net/http_server.h"

#define HTTP_READ_BYTES		2048 /* of one read; what is left of it waits for the next request */
#define HTTP_ANSWER_HEAD_MAX	384  /* bytes of a status line and our headers */
#define HTTP_ANSWER_REFUSAL_MAX 64   /* bytes of the sentence that goes with an error */

enum http_conn_state { CONN_READING, CONN_ANSWERING, CONN_IDLE, CONN_LINGERING, CONN_CLOSED };

struct http_conn {
	struct http_server *server;
	struct http_conn *prev, *next; /* of the server's, by the last change of state */
	enum http_conn_state state;
	unsigned int open_handles;
	bool keep_alive; /* after the answer that is under way */
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_write_t write;
	uv_shutdown_t shutdown;
	struct http_head head;
	char in[HTTP_READ_BYTES];
	size_t in_taken, in_length;
	size_t lingered_bytes;
	char answer_head[HTTP_ANSWER_HEAD_MAX];
	char refusal[HTTP_ANSWER_REFUSAL_MAX];
	char *body; /* of the answer that is under way */
};

struct http_server {
	uv_loop_t *loop;
	uv_tcp_t listener;
	http_handler handler;
	void *ctx;
	struct http_bounds bounds;
	struct http_conn *first, *last; /* open connections; first: longest in its state */
	unsigned int count;		/* of them */
	unsigned int open_handles;	/* the listener's and the connections' */
	bool closing;
	bool stalled; /* a newcomer waits for memory; uv hands out no other till it is accepted */
	uint16_t port;
};

/* Accepts the connection that waits on the listener. Returns 0 or a negative errno. */
int http_conn_accept(struct http_server *server);
/* Closes at once; the connection frees itself once the loop has run. */
void http_conn_close(struct http_conn *conn);
/* A handle of the server's is closed: frees the server with the last one. */
void http_server_handle_closed(struct http_server *server);
/*
 * Writes the head of an answer into `to`, HTTP_ANSWER_HEAD_MAX bytes, and returns its
 * length. now_s: of CLOCK_REALTIME.
 */
size_t http_answer_head(char *to, const struct http_response *response, bool keep_alive,
			uint64_t now_s);
/* "Not Found" for 404; never NULL. */
const char *http_status_text(int status);

#endif
