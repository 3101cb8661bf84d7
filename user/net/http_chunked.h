/* SPDX-License-Identifier: MIT */
/*
 * Takes the chunked coding off a body as it arrives (RFC 9112, section 7.1, strictly: sizes
 * in hexadecimal without signs or blanks, CR LF only, bounded extensions and trailers).
 * Trailers are handed on; those that would change the framing are refused. Pure.
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
	uint64_t left;	/* bytes of this chunk */
	uint64_t total; /* bytes of data so far */
	uint32_t line;	/* bytes of this line */
	uint8_t step;
	uint8_t digits;
	char *trailers;	/* "Name: value\r\n" each, from malloc; NULL: none */
	uint32_t trailer_length;
};

void http_chunked_init(struct http_chunked *c);
/* Frees the trailers. */
void http_chunked_done(struct http_chunked *c);
/*
 * Takes from the bytes; *taken tells how many, of which *data, *length may be data. On END
 * what follows *taken is not the body's.
 */
enum http_chunked_event http_chunked_feed(struct http_chunked *c, const char *bytes, size_t n,
					  size_t *taken, const char **data, size_t *length);

#endif
