/* SPDX-License-Identifier: MIT */
/*
 * Bytes -> the head of one HTTP/1 GET or HEAD request, or the status that refuses it.
 * Pure: no sockets, no clock, no allocation. Two judges must agree: our own look at the
 * lines (CR LF only, nothing folded, no control bytes) finds where the head ends, and
 * llhttp in strict mode then parses exactly that. http_conn.c feeds it; so does the fuzzer.
 */
#ifndef HATAGO_NET_HTTP_HEAD_H
#define HATAGO_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_BYTES_MAX   8192 /* request line, headers and the empty line: else 431 */
#define HTTP_REQUEST_LINE_MAX 1024 /* bytes of the request line: else 414 */
#define HTTP_HEADERS_MAX      64   /* lines after the request line: else 431 */
#define HTTP_BLANK_LINES_MAX  1	   /* empty lines before a request that are skipped */

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
	size_t length, line_start;
	unsigned int lines, blank_lines;
	bool cr;
	char bytes[HTTP_HEAD_BYTES_MAX];
};

/* Makes ready for the next request. */
void http_head_init(struct http_head *head);
/* Takes bytes until the head is whole or refused, and returns how many it took. */
size_t http_head_feed(struct http_head *head, const char *bytes, size_t n);
/* Has a request begun? */
bool http_head_is_begun(const struct http_head *head);

#endif
