/* SPDX-License-Identifier: MIT */
/*
 * Bytes -> the head of one HTTP/1 GET or HEAD request, or the status that refuses it.
 * Pure: no sockets, no clock, no allocation. What a good head is, http_message.h decides;
 * what a server of a few small pages makes of it is decided here. http_conn.c feeds it; so
 * does the fuzzer.
 */
#ifndef HATAGO_NET_HTTP_HEAD_H
#define HATAGO_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "net/http_message.h"

#define HTTP_HEAD_BYTES_MAX   8192 /* request line, headers and the empty line: else 431 */
#define HTTP_REQUEST_LINE_MAX 1024 /* bytes of the request line: else 414 */
#define HTTP_HEADERS_MAX      64   /* lines after the request line: else 431 */

enum http_head_state {
	HTTP_HEAD_READING, /* wants more bytes */
	HTTP_HEAD_WHOLE,   /* a request to answer: method and path hold */
	HTTP_HEAD_REFUSED, /* status says how; the connection is to be closed after it */
};

struct http_head {
	enum http_head_state state;
	int status; /* of the refusal: 400, 405, 413, 414, 431 or 505 */
	bool is_head;
	bool keep_alive;  /* the client's wish, with the default of its HTTP version */
	const char *path; /* within `bytes`: begins with '/', cut at '?', nothing decoded */
	/* private */
	size_t length;
	struct http_scan scan;
	char bytes[HTTP_HEAD_BYTES_MAX];
};

/* Makes ready for the next request. */
void http_head_init(struct http_head *head);
/* Takes bytes until the head is whole or refused, and returns how many it took. */
size_t http_head_feed(struct http_head *head, const char *bytes, size_t n);
/* Has a request begun? */
bool http_head_is_begun(const struct http_head *head);

#endif
