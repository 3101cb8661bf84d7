/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the HTTP/1 parser ask of each other; http_message.h is for the rest of
 * the program. http_scan.c finds the end of a head, http_message.c parses it with llhttp,
 * http_target.c reads target and Host, http_framing.c decides what the fields mean for
 * the connection and the body, http_text.c knows the small grammars. All of it is pure.
 */
#ifndef HATAGO_NET_HTTP_PARTS_H
#define HATAGO_NET_HTTP_PARTS_H

#include "net/http_message.h"

#define HTTP_LENGTH_MAX		    INT64_MAX /* of Content-Length and of one chunk, in bytes */
#define HTTP_CONNECTION_OPTIONS_MAX 16	      /* in all Connection fields of a head */

/* Without the blanks and tabs around it. */
struct http_text http_text_trim(struct http_text text);
/* Equal without regard to case. */
bool http_text_equal(struct http_text a, struct http_text b);
/* At least one byte, all of them of RFC 9110's token. */
bool http_text_is_token(struct http_text text);
/* The same for the characters of RFC 3986's reg-name. */
bool http_text_is_name(struct http_text text);
/*
 * Takes the next item off a comma-separated list, without the blanks around it; it may be
 * empty. Commas within quotes do not count. False: there is none left.
 */
bool http_list_next(struct http_text *list, struct http_text *ret_item);

/* HTTP_FIELD_OTHER where the gate does not know it. The name must be a token. */
enum http_field_id http_field_find(struct http_text name);
/* Of one connection only, whatever Connection says. */
bool http_field_is_hop(enum http_field_id id);

/*
 * "METHOD target HTTP/x.y" of n bytes, without its end, with single blanks and nothing
 * else. Sets method_name and target; the version's digits are the caller's to look at.
 */
bool http_request_line_split(const char *line, size_t n, struct http_text *ret_method,
			     struct http_text *ret_target);

/* Reads message->target and Host into target, path and host. 0 or -400. */
int http_target_read(struct http_message *message);
/* Reads all Connection fields: marks what they name, sets keep_alive and has_upgrade. */
bool http_connection_read(struct http_message *message);
/* Content-Length and Transfer-Encoding: sets framing and body_length. 0, -400 or -501. */
int http_framing_read(struct http_message *message);

#endif
