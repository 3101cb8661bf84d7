/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1 request or response, parsed where it lies: no copy, no memory, no
 * sockets. Two judges must agree: our own look at the lines (CR LF only, nothing folded, no
 * control bytes, no blank before a colon) finds where the head ends, and llhttp in strict
 * mode then parses exactly that. What follows from the fields for the framing of the
 * body (RFC 9112, section 6, without its leniencies) is decided here, so that nobody else
 * can decide it differently.
 */
#ifndef HATAGO_NET_HTTP_MESSAGE_H
#define HATAGO_NET_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_FIELDS_MAX 128 /* the most that any bound may allow */

struct http_text {
	const char *at; /* into the bytes that were parsed */
	uint32_t length;
};

/* Fields that the gate knows. X(NAME, "name in lower case") */
#define HTTP_FIELDS(X)                                \
	X(HOST, "host")                               \
	X(CONNECTION, "connection")                   \
	X(KEEP_ALIVE, "keep-alive")                   \
	X(PROXY_CONNECTION, "proxy-connection")       \
	X(TE, "te")                                   \
	X(TRAILER, "trailer")                         \
	X(TRANSFER_ENCODING, "transfer-encoding")     \
	X(UPGRADE, "upgrade")                         \
	X(CONTENT_LENGTH, "content-length")           \
	X(CONTENT_TYPE, "content-type")               \
	X(EXPECT, "expect")                           \
	X(ACCEPT, "accept")                           \
	X(VIA, "via")                                 \
	X(FORWARDED, "forwarded")                     \
	X(X_FORWARDED_FOR, "x-forwarded-for")         \
	X(PROXY_AUTHENTICATE, "proxy-authenticate")   \
	X(PROXY_AUTHORIZATION, "proxy-authorization") \
	X(MCP_METHOD, "mcp-method")                   \
	X(MCP_NAME, "mcp-name")                       \
	X(MCP_PROTOCOL_VERSION, "mcp-protocol-version")

enum http_field_id {
	HTTP_FIELD_OTHER,
#define HTTP_FIELD_NUMBER(name, text) HTTP_FIELD_##name,
	HTTP_FIELDS(HTTP_FIELD_NUMBER)
#undef HTTP_FIELD_NUMBER
		HTTP_FIELD_IDS
};

struct http_field {
	struct http_text name, value; /* the value without blanks around it; may be empty */
	enum http_field_id id;
	bool is_hop; /* hop-by-hop: of this connection only (also when Connection names it) */
};

enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH, /* body_length bytes, which may be 0 */
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE, /* responses only */
};

struct http_message {
	uint8_t minor;	 /* HTTP/1.0 or HTTP/1.1 */
	uint8_t method;	 /* llhttp_method_t; of a request */
	uint16_t status; /* of a response */
	struct http_text method_name;
	struct http_text
		target; /* origin form, or "*" for OPTIONS; absolute form is turned into it */
	struct http_text path; /* of the target, without the query */
	struct http_text reason;
	struct http_text host; /* Host, or the authority of a target in absolute form */
	uint64_t body_length;
	enum http_framing framing;
	bool keep_alive;  /* the sender's wish, with the default of its version */
	bool has_upgrade; /* Connection names upgrade, and there is an Upgrade field */
	bool expects_continue;
	uint32_t field_count;
	/* The first of each known field, as index + 1 into field[]; 0: there is none. */
	uint8_t known[HTTP_FIELD_IDS];
	struct http_field field[HTTP_FIELDS_MAX];
};

struct http_message_bounds {
	uint32_t line_bytes; /* of the first line: 414 */
	uint32_t head_bytes; /* of all: 431 */
	uint32_t fields;     /* 431; at most HTTP_FIELDS_MAX */
};

/* A look for the end of a head that arrives in pieces. Zeroed: at its beginning. */
struct http_scan {
	uint32_t seen; /* bytes that were looked at */
	uint32_t line_start, lines;
	uint8_t blank; /* an empty line before the first was skipped (requests; one at most),
			  which lies at the beginning of the bytes */
};

/*
 * Looks at the bytes behind scan->seen; `bytes` always begins where the head began. Returns
 * the length of the whole head (with its empty line, and a skipped blank line), 0 where more
 * is to come, or the negative status that refuses it: -400, -414, -431 (also where
 * head_bytes are there and the end is not). After a refusal, `seen` counts the bytes up to
 * the one that caused it, and the scan is over. The outcome does not depend on the pieces.
 */
int http_scan(struct http_scan *scan, const char *bytes, size_t n, bool is_request,
	      const struct http_message_bounds *bounds);
/*
 * Parses a whole head, as http_scan found it. 0, or the negative status that refuses it
 * (*ret then holds nothing of use): -400, -431 (too many fields), -501 (a method that llhttp
 * does not know, CONNECT, a transfer coding other than chunked), -505. A request needs
 * exactly one good Host (HTTP/1.0: at most one). Content-Length may stand once and be at
 * most INT64_MAX. Connection must not name Transfer-Encoding or a field of HTTP_FIELDS that
 * is end-to-end (but Trailer), nor more than 16 options: that would hide from the upstream
 * what the gate has judged.
 */
int http_parse_request(const char *bytes, size_t n, struct http_message *ret);
/*
 * The same of a response: 0, or -502 for whatever is not to be believed. is_head: it answers
 * a HEAD. What answers a HEAD, 1xx, 204 and 304 have no body, whatever the fields say; they
 * must make sense all the same.
 */
int http_parse_response(const char *bytes, size_t n, bool is_head, struct http_message *ret);

/* The value of a known field, or one of length 0. */
struct http_text http_value(const struct http_message *message, enum http_field_id id);
/* Equal without regard to case. */
bool http_text_is(struct http_text text, const char *lower);
/* Is the word in a comma-separated list, without regard to case and parameters? */
bool http_list_has(struct http_text list, const char *word);
/* The media type, without parameters, without regard to case. */
bool http_type_is(struct http_text content_type, const char *lower);

#endif
