/* SPDX-License-Identifier: MIT */
/*
 * Takes the chunked coding off a body as it arrives (RFC 9112, section 7.1, strictly: sizes
 * in hexadecimal without signs or blanks, CR LF only, bounded extensions and trailers).
 * Trailers are handed on, written anew; those that would change the framing, the routing or
 * whom the request is from, and all other fields that the gate itself reads, are refused.
 * Pure, but for the memory of the trailers.
 */
#ifndef HATAGO_NET_HTTP_CHUNKED_H
#define HATAGO_NET_HTTP_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_CHUNK_LINE_MAX 256	 /* bytes of a size with its extensions, which are dropped */
#define HTTP_TRAILER_MAX    2048 /* bytes of all trailers, with their ends of line */

enum http_chunked_event {
	HTTP_CHUNKED_MORE, /* all bytes are taken, the body goes on */
	HTTP_CHUNKED_DATA, /* *data of *length; call again with the rest */
	HTTP_CHUNKED_END,  /* the body is over; trailers stand in the state */
	HTTP_CHUNKED_BAD,
};

struct http_chunked {
	uint64_t left;	/* bytes of this chunk that are to come */
	uint64_t total; /* bytes of data so far */
	char *trailers; /* "Name: value\r\n" each, from malloc; NULL: none */
	uint32_t trailer_length;
	/* private */
	uint32_t line;	      /* bytes of this line, or of all trailers as they came */
	uint32_t name, value; /* where those of the last trailer begin */
	uint8_t step;
	uint8_t digits;
};

void http_chunked_init(struct http_chunked *c);
/* Frees the trailers. */
void http_chunked_done(struct http_chunked *c);
/*
 * Takes from the bytes; *taken tells how many, up to and with what the event is about. On
 * DATA, *data of *length (at least 1) lies within them; else they are not set. On END what
 * follows *taken is not the body's. After END or BAD it takes no more and says the same.
 */
enum http_chunked_event http_chunked_feed(struct http_chunked *c, const char *bytes, size_t n,
					  size_t *taken, const char **data, size_t *length);

#endif
