/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP/1.1 server for metrics and health, on somebody else's uv loop: GET and
 * HEAD, no bodies, one answer at a time per connection. Everything that a stranger can
 * make it hold has a bound below. It never blocks, logs nothing, and knows nothing of
 * what it serves. http_head.h judges the bytes, http_conn.h is one connection.
 *
 * The process must ignore SIGPIPE: libuv writes without MSG_NOSIGNAL.
 */
#ifndef HATAGO_NET_HTTP_SERVER_H
#define HATAGO_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#define HTTP_CONNECTIONS_MAX  64	 /* open at once; a newcomer displaces the longest idle */
#define HTTP_BACKLOG	      64	 /* connections that wait in the kernel */
#define HTTP_HEAD_MS	      10000	 /* from the first byte (or the accept) to a whole head */
#define HTTP_IDLE_MS	      75000	 /* between two requests */
#define HTTP_ANSWER_MS	      30000	 /* for the client to take a whole answer */
#define HTTP_LINGER_MS	      1000	 /* after the last answer, for the client to close */
#define HTTP_LINGER_BYTES_MAX (64 << 10) /* that are read and thrown away meanwhile */
#define HTTP_ANSWER_BYTES_MAX (8 << 20)	 /* of a body; a larger one is answered with 500 */
#define HTTP_CONTENT_TYPE_MAX 96	 /* bytes of a content type, with its NUL */

struct http_request {
	const char *method; /* "GET" or "HEAD"; an answer to HEAD is sent without its body */
	const char *path;   /* begins with '/'; without the query, nothing decoded */
};

/*
 * Filled by the handler. It comes as a 404 without a body. A status of 400 or more
 * without a body gets a line of text.
 */
struct http_response {
	int status;
	const char *content_type; /* static; NULL: text/plain */
	char *body;		  /* from malloc(); the server frees it */
	size_t body_length;
};

typedef void (*http_handler)(void *ctx, const struct http_request *request,
			     struct http_response *response);

/* For those who need other bounds than those above; none may be 0. */
struct http_bounds {
	unsigned int connections;
	uint32_t head_ms, idle_ms, answer_ms, linger_ms;
};

struct http_server;

/*
 * Listens on "HOST:PORT" as listen.h reads it; on [::] IPv4 is served as well.
 * -EINVAL (address), -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -ENOMEM.
 */
int http_server_new(uv_loop_t *loop, const char *address, http_handler handler, void *ctx,
		    struct http_server **ret, struct err *err);
void http_server_set_bounds(struct http_server *server, const struct http_bounds *bounds);
/* The port in use, where 0 was asked for. */
uint16_t http_server_port(const struct http_server *server);
unsigned int http_server_connections(const struct http_server *server);
/* Closes everything at once; the memory goes when the loop has run once more. Accepts NULL. */
void http_server_free(struct http_server *server);

#endif
