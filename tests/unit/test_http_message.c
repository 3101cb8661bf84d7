// SPDX-License-Identifier: MIT
/*
 * Heads of requests and responses as tables: bytes, and the framing or the status that
 * refuses them. Whoever smuggles finds his trick in these tables. Every head is also
 * scanned at every cut, which must change nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_message.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct http_message_bounds bounds = {1024, 8192, 64};
static struct http_message message;

/* Scans at every cut, with exact copies: the head's length or the refusal. */
static int scan_every_cut(const char *bytes, size_t n, bool is_request)
{
	struct http_scan whole = {0};
	int length = http_scan(&whole, bytes, n, is_request, &bounds);

	for (size_t cut = 0; cut <= n; cut++) {
		struct http_scan scan = {0};
		char *first = memcpy(malloc(cut + 1), bytes, cut);
		int result = http_scan(&scan, first, cut, is_request, &bounds);

		free(first);
		if (result == 0)
			result = http_scan(&scan, bytes, n, is_request, &bounds);
		assert_int_equal(result, length);
		assert_int_equal(scan.seen, whole.seen);
	}
	return length;
}

/* 200, or the status that refuses the request. */
static int request_status(const char *bytes, size_t n)
{
	int length = scan_every_cut(bytes, n, true), status;
	char *copy;

	if (length == 0)
		return 0;
	if (length < 0)
		return -length;
	copy = memcpy(malloc((size_t)length), bytes, (size_t)length);
	status = http_parse_request(copy, (size_t)length, &message);
	free(copy);
	if (status)
		return -status;
	assert_int_equal(http_parse_request(bytes, (size_t)length, &message), 0);
	return 200;
}

static int response_status(const char *bytes, bool is_head)
{
	int length = scan_every_cut(bytes, strlen(bytes), false);

	if (length <= 0)
		return -length;
	return http_parse_response(bytes, (size_t)length, is_head, &message) ? 502 : 200;
}

static void assert_text(struct http_text text, const char *expected)
{
	if (text.length != strlen(expected) ||
	    (text.length && memcmp(text.at, expected, text.length) != 0))
		fail_msg("expected '%s', got '%.*s'", expected, (int)text.length, text.at);
}

#define H11   " HTTP/1.1\r\nHost: a\r\n"
#define GET11 "GET /" H11

static const struct {
	const char *name, *bytes;
	int status;
} requests[] = {
	{"plain", GET11 "\r\n", 200},
	{"an empty line first", "\r\n" GET11 "\r\n", 200},
	{"two empty lines first", "\r\n\r\n" GET11 "\r\n", 400},
	{"not whole", GET11, 0},
	{"a CR at the end", GET11 "\r", 0},
	{"1.0", "GET / HTTP/1.0\r\n\r\n", 200},
	{"Latin-1 in a value", GET11 "X: \xe9\r\n\r\n", 200},
	{"a tab in a value", GET11 "X: a\tb\r\n\r\n", 200},
	{"an empty value", GET11 "X:\r\n\r\n", 200},
	/* bodies */
	{"length and chunked", GET11 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	 400},
	{"chunked and length", GET11 "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
	 400},
	{"two lengths", GET11 "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
	{"equal lengths", GET11 "Content-Length: 3\r\nContent-length: 3\r\n\r\n", 400},
	{"a list of lengths", GET11 "Content-Length: 5,5\r\n\r\n", 400},
	{"a list with a blank", GET11 "Content-Length: 5, 5\r\n\r\n", 400},
	{"a signed length", GET11 "Content-Length: +5\r\n\r\n", 400},
	{"a negative length", GET11 "Content-Length: -5\r\n\r\n", 400},
	{"no length in it", GET11 "Content-Length:\r\n\r\n", 400},
	{"blanks for a length", GET11 "Content-Length:  \r\n\r\n", 400},
	{"a hexadecimal length", GET11 "Content-Length: 0x5\r\n\r\n", 400},
	{"a length in two words", GET11 "Content-Length: 5 5\r\n\r\n", 400},
	{"a fraction", GET11 "Content-Length: 5.0\r\n\r\n", 400},
	{"over 2^64", GET11 "Content-Length: 18446744073709551621\r\n\r\n", 400},
	{"over 2^63", GET11 "Content-Length: 9223372036854775808\r\n\r\n", 400},
	{"many zeros", GET11 "Content-Length: 00000000000000000005\r\n\r\n", 400},
	{"the largest", GET11 "Content-Length: 9223372036854775807\r\n\r\n", 200},
	{"gzip", GET11 "Transfer-Encoding: gzip\r\n\r\n", 501},
	{"gzip, chunked", GET11 "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
	{"identity", GET11 "Transfer-Encoding: identity\r\n\r\n", 501},
	{"xchunked", GET11 "Transfer-Encoding: xchunked\r\n\r\n", 501},
	{"chunked, gzip", GET11 "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
	{"chunked, identity", GET11 "Transfer-Encoding: chunked, identity\r\n\r\n", 400},
	{"chunked twice", GET11 "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
	{"two chunked", GET11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	 400},
	{"chunked, then identity",
	 GET11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400},
	{"no coding", GET11 "Transfer-Encoding:\r\n\r\n", 400},
	{"an empty coding", GET11 "Transfer-Encoding: chunked,\r\n\r\n", 400},
	{"an empty coding first", GET11 "Transfer-Encoding: ,chunked\r\n\r\n", 400},
	{"a parameter", GET11 "Transfer-Encoding: chunked;q=1\r\n\r\n", 400},
	{"quoted", GET11 "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
	{"chunked with more", GET11 "Transfer-Encoding: chunked x\r\n\r\n", 400},
	{"vertical tab", GET11 "Transfer-Encoding: \vchunked\r\n\r\n", 400},
	{"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"gzip in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
	/* lines */
	{"bare CR", GET11 "X: a\rContent-Length: 3\r\n\r\n", 400},
	{"CR CR LF", GET11 "X: a\r\r\n\r\n", 400},
	{"bare LF", GET11 "X: a\nContent-Length: 3\r\n\r\n", 400},
	{"LF for the end", GET11 "\n", 400},
	{"LF only", "GET / HTTP/1.1\nHost: a\n\n", 400},
	{"control byte", GET11 "X: a\x01\r\n\r\n", 400},
	{"DEL", GET11 "X: a\x7f\r\n\r\n", 400},
	{"folded", GET11 "X: a\r\n b\r\n\r\n", 400},
	{"folded with a tab", GET11 "X: a\r\n\tb\r\n\r\n", 400},
	{"the first folded", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
	{"blank before the colon", GET11 "Content-Length : 3\r\n\r\n", 400},
	{"tab before the colon", GET11 "Content-Length\t: 3\r\n\r\n", 400},
	{"no name", GET11 ": x\r\n\r\n", 400},
	{"no colon", GET11 "x\r\n\r\n", 400},
	{"a blank in a name", GET11 "X y: x\r\n\r\n", 400},
	{"a parenthesis in a name", GET11 "X(y): x\r\n\r\n", 400},
	{"a high byte in a name", GET11 "X\xe9: x\r\n\r\n", 400},
	{"TLS", "\x16\x03\x01\x02\x01\x01", 400},
	/* Host */
	{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
	{"two hosts", GET11 "Host: a\r\n\r\n", 400},
	{"two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	{"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
	{"a blank in the host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	{"a path in the host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	{"userinfo in the host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
	{"a bad port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
	{"a long port", "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n", 400},
	{"two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400},
	{"only a port", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
	{"IPv6", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200},
	{"IPv6 without an end", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
	{"nothing in brackets", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
	{"IPv6 with more", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", 400},
	/* targets */
	{"absolute", "GET http://a/" H11 "\r\n", 200},
	{"absolute, the default port", "GET HTTP://A:80/" H11 "\r\n", 200},
	{"absolute without a path", "GET http://a" H11 "\r\n", 200},
	{"absolute, a query only", "GET http://a?x" H11 "\r\n", 400},
	{"absolute in 1.0", "GET http://a/ HTTP/1.0\r\n\r\n", 200},
	{"absolute, another host", "GET http://b/" H11 "\r\n", 400},
	{"absolute, another port", "GET http://a:81/" H11 "\r\n", 400},
	{"absolute without Host", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
	{"absolute, userinfo", "GET http://u:p@a/" H11 "\r\n", 400},
	{"absolute, no authority", "GET http:///x" H11 "\r\n", 400},
	{"another scheme", "GET https://a/" H11 "\r\n", 400},
	{"a fragment", "GET /#x" H11 "\r\n", 400},
	{"no slash", "GET x" H11 "\r\n", 400},
	{"a star", "GET *" H11 "\r\n", 400},
	{"a star for OPTIONS", "OPTIONS *" H11 "\r\n", 200},
	{"UTF-8", "GET /\xc3\xa9" H11 "\r\n", 400},
	{"DEL in the target", "GET /\x7f" H11 "\r\n", 400},
	{"a blank in the target", "GET /a b" H11 "\r\n", 400},
	{"two blanks", "GET  /" H11 "\r\n", 400},
	{"a tab", "GET\t/" H11 "\r\n", 400},
	{"a blank first", " GET /" H11 "\r\n", 400},
	{"a blank last", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
	/* versions */
	{"small http", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
	{"RTSP", "GET / RTSP/1.0\r\n\r\n", 400},
	{"ICE", "SOURCE / ICE/1.0\r\n\r\n", 400},
	{"0.9", "GET /\r\n\r\n", 400},
	{"HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", 505},
	{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
	{"HTTP/1.x", "GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400},
	{"HTTP/11", "GET / HTTP/1.11\r\nHost: a\r\n\r\n", 400},
	{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	/* methods */
	{"PRI", "PRI /" H11 "\r\n", 400},
	{"unknown", "FROB /" H11 "\r\n", 501},
	{"small", "get /" H11 "\r\n", 501},
	{"a longer one", "GETS /" H11 "\r\n", 501},
	{"of RTSP", "DESCRIBE /" H11 "\r\n", 501},
	{"no token", "G(T /" H11 "\r\n", 400},
	{"CONNECT", "CONNECT a:80" H11 "\r\n", 501},
	/* Connection */
	{"names Host", GET11 "Connection: host\r\n\r\n", 400},
	{"names Content-Length", GET11 "Connection: close, Content-Length\r\n\r\n", 400},
	{"names Transfer-Encoding",
	 GET11 "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"names X-Forwarded-For", GET11 "Connection: x-forwarded-for\r\n\r\n", 400},
	{"names Mcp-Method", GET11 "Connection: mcp-method\r\n\r\n", 400},
	{"names TE and others", GET11 "Connection: TE, X-A, keep-alive,,\r\n\r\n", 200},
	{"16 options", GET11 "Connection: 1,2,3,4,5,6,7,8\r\nConnection: 1,2,3,4,5,6,7,8\r\n\r\n",
	 200},
	{"17 options", GET11 "Connection: 1,2,3,4,5,6,7,8,9\r\nConnection: 1,2,3,4,5,6,7,8\r\n\r\n",
	 400},
};

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		int status = request_status(requests[i].bytes, strlen(requests[i].bytes));

		if (status != requests[i].status)
			fail_msg("%s: expected %d, got %d", requests[i].name, requests[i].status,
				 status);
	}
}

/* A NUL, which C strings do not hold, and every other byte in every part of a head. */
static void test_every_byte(void **state)
{
	static const struct {
		const char *before, *after;
		bool is_target;
	} places[] = {
		{"GET /a", "b" H11 "\r\n", true},
		{GET11 "X: a", "b\r\n\r\n", false},
	};
	char bytes[128];

	(void)state;
	for (int c = 0; c < 256; c++) {
		for (size_t i = 0; i < COUNT(places); i++) {
			size_t before = strlen(places[i].before), n;
			bool bad = c < 0x20 || c == 0x7f;

			if (places[i].is_target)
				bad |= c >= 0x80 || c == ' ' || c == '#';
			else if (c == '\t')
				bad = false;
			n = (size_t)sprintf(bytes, "%s_%s", places[i].before, places[i].after);
			bytes[before] = (char)c;
			if (request_status(bytes, n) != (bad ? 400 : 200))
				fail_msg("byte %d, place %zu", c, i);
		}
	}
}

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of reading */
static const struct {
	const char *bytes, *method, *target, *path, *host;
	enum http_framing framing;
	uint64_t length;
	bool keep_alive, upgrade, expects;
} found[] = {
	{GET11 "\r\n", "GET", "/", "/", "a", HTTP_NO_BODY, 0, true, false, false},
	{"\r\nPOST /x?y?z HTTP/1.1\r\nhOST:  b:80 \r\nContent-Length:5 \r\n\r\n", "POST", "/x?y?z",
	 "/x", "b:80", HTTP_LENGTH, 5, true, false, false},
	{GET11 "Content-Length: 0\r\n\r\n", "GET", "/", "/", "a", HTTP_LENGTH, 0, true, false,
	 false},
	{"PUT /" H11 "Transfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n", "PUT", "/", "/",
	 "a", HTTP_CHUNKED, 0, true, false, true},
	{"M-SEARCH http://A:80/p?q" H11 "\r\n", "M-SEARCH", "/p?q", "/p", "A:80", HTTP_NO_BODY, 0,
	 true, false, false},
	{"GET http://a" H11 "\r\n", "GET", "/", "/", "a", HTTP_NO_BODY, 0, true, false, false},
	{"OPTIONS http://a" H11 "\r\n", "OPTIONS", "*", "*", "a", HTTP_NO_BODY, 0, true, false,
	 false},
	{"GET / HTTP/1.0\r\n\r\n", "GET", "/", "/", "", HTTP_NO_BODY, 0, false, false, false},
	{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nExpect: 100-continue\r\n\r\n", "GET", "/",
	 "/", "", HTTP_NO_BODY, 0, true, false, false},
	{GET11 "Connection: keep-alive\r\nConnection: x, Close\r\n\r\n", "GET", "/", "/", "a",
	 HTTP_NO_BODY, 0, false, false, false},
	{GET11 "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n", "GET", "/", "/",
	 "a", HTTP_NO_BODY, 0, true, true, false},
	{GET11 "Connection: upgrade\r\n\r\n", "GET", "/", "/", "a", HTTP_NO_BODY, 0, true, false,
	 false},
	{GET11 "Upgrade: websocket\r\n\r\n", "GET", "/", "/", "a", HTTP_NO_BODY, 0, true, false,
	 false},
};

static void test_what_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(found); i++) {
		assert_int_equal(request_status(found[i].bytes, strlen(found[i].bytes)), 200);
		assert_text(message.method_name, found[i].method);
		assert_string_equal(llhttp_method_name(message.method), found[i].method);
		assert_text(message.target, found[i].target);
		assert_text(message.path, found[i].path);
		assert_text(message.host, found[i].host);
		assert_int_equal(message.framing, found[i].framing);
		assert_int_equal(message.body_length, found[i].length);
		assert_int_equal(message.keep_alive, found[i].keep_alive);
		assert_int_equal(message.has_upgrade, found[i].upgrade);
		assert_int_equal(message.expects_continue, found[i].expects);
	}
}

/* Every known name is found, in any case; its neighbours are not. */
static void test_names(void **state)
{
	static const char *const names[] = {"",
#define NAME(name, text) text,
					    HTTP_FIELDS(NAME)
#undef NAME
	};
	char bytes[256];

	(void)state;
	for (int id = 1; id < HTTP_FIELD_IDS; id++) {
		if (id == HTTP_FIELD_HOST || id == HTTP_FIELD_CONTENT_LENGTH ||
		    id == HTTP_FIELD_TRANSFER_ENCODING) {
			sprintf(bytes, "HTTP/1.1 200 OK\r\n%s: %s\r\n\r\n", names[id],
				id == HTTP_FIELD_TRANSFER_ENCODING ? "chunked" : "1");
			assert_int_equal(response_status(bytes, false), 200);
			assert_int_equal(message.field[0].id, id);
			continue;
		}
		sprintf(bytes, GET11 "%s: 1\r\nA%s: 1\r\n%sa: 1\r\n%s: \r\n\r\n", names[id],
			names[id], names[id], names[id]);
		for (size_t at = strlen(GET11); bytes[at] != ':'; at += 2)
			if (bytes[at] >= 'a')
				bytes[at] ^= 0x20;
		assert_int_equal(request_status(bytes, strlen(bytes)), 200);
		assert_int_equal(message.field_count, 5);
		assert_int_equal(message.field[1].id, id);
		assert_int_equal(message.field[2].id, HTTP_FIELD_OTHER);
		assert_int_equal(message.field[3].id, HTTP_FIELD_OTHER);
		assert_int_equal(message.field[4].id, id);
		assert_int_equal(message.known[id], 2);
		assert_text(http_value(&message, (enum http_field_id)id), "1");
		assert_int_equal(message.field[4].value.length, 0);
	}
	assert_int_equal(http_value(&message, HTTP_FIELD_OTHER).length, 0);
}

static void test_hop_by_hop(void **state)
{
	static const char bytes[] =
		GET11 "Connection: x-a, te, trailer\r\nX-A: 1\r\nX-B: 2\r\nTE: trailers\r\n"
		      "x-a: 3\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n"
		      "Transfer-Encoding: chunked\r\nTrailer: X-C\r\nProxy-Authorization: x\r\n"
		      "Proxy-Authenticate: x\r\nAccept: */*\r\n\r\n";
	static const bool is_hop[] = {false, true, true, false, true, true, true,
				      true,  true, true, true,	true, true, false};

	(void)state;
	assert_int_equal(request_status(bytes, sizeof(bytes) - 1), 200);
	assert_int_equal(message.field_count, COUNT(is_hop));
	for (size_t i = 0; i < COUNT(is_hop); i++)
		if (message.field[i].is_hop != is_hop[i])
			fail_msg("field %zu", i);
	assert_int_equal(request_status(GET11 "Trailer: X\r\n\r\n", strlen(GET11) + 14), 200);
	assert_false(message.field[1].is_hop);
}

#define OK11 "HTTP/1.1 200 OK\r\n"

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of reading */
static const struct {
	const char *name, *bytes;
	bool is_head;
	int status;
	enum http_framing framing;
	uint64_t length;
	bool keep_alive;
} responses[] = {
	{"length", OK11 "Content-Length: 5\r\n\r\n", false, 200, HTTP_LENGTH, 5, true},
	{"chunked", OK11 "Transfer-Encoding: chunked\r\n\r\n", false, 200, HTTP_CHUNKED, 0, true},
	{"until close", OK11 "\r\n", false, 200, HTTP_UNTIL_CLOSE, 0, false},
	{"to a HEAD", OK11 "Content-Length: 5\r\n\r\n", true, 200, HTTP_NO_BODY, 0, true},
	{"to a HEAD, chunked", OK11 "Transfer-Encoding: chunked\r\n\r\n", true, 200, HTTP_NO_BODY,
	 0, true},
	{"204", "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", false, 200, HTTP_NO_BODY, 0, true},
	{"304", "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", false, 200, HTTP_NO_BODY, 0, true},
	{"100", "HTTP/1.1 100 Continue\r\n\r\n", false, 200, HTTP_NO_BODY, 0, true},
	{"101", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", false, 200,
	 HTTP_NO_BODY, 0, true},
	{"close", OK11 "Connection: close\r\nContent-Length: 0\r\n\r\n", false, 200, HTTP_LENGTH, 0,
	 false},
	{"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false, 200, HTTP_LENGTH, 1, false},
	{"1.0, keep-alive",
	 "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", false, 200,
	 HTTP_LENGTH, 1, true},
	{"no reason", "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", false, 200, HTTP_LENGTH, 1,
	 true},
	{"no blank", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", false, 200, HTTP_LENGTH, 1, true},
	{"599", "HTTP/1.1 599 \xe9\r\nContent-Length: 1\r\n\r\n", false, 200, HTTP_LENGTH, 1, true},
	{"600", "HTTP/1.1 600 X\r\n\r\n", false, 502, 0, 0, false},
	{"099", "HTTP/1.1 099 X\r\n\r\n", false, 502, 0, 0, false},
	{"four digits", "HTTP/1.1 2000 X\r\n\r\n", false, 502, 0, 0, false},
	{"two digits", "HTTP/1.1 20 X\r\n\r\n", false, 502, 0, 0, false},
	{"two blanks", "HTTP/1.1  200 X\r\n\r\n", false, 502, 0, 0, false},
	{"1.2", "HTTP/1.2 200 X\r\n\r\n", false, 502, 0, 0, false},
	{"2.0", "HTTP/2.0 200 X\r\n\r\n", false, 502, 0, 0, false},
	{"small", "http/1.1 200 X\r\n\r\n", false, 502, 0, 0, false},
	{"not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", false, 502, 0, 0, false},
	{"an empty line first", "\r\n" OK11 "\r\n", false, 400, 0, 0, false},
	{"folded", OK11 "X: a\r\n b\r\n\r\n", false, 400, 0, 0, false},
	{"LF", "HTTP/1.1 200 OK\n\n", false, 400, 0, 0, false},
	{"blank before the colon", OK11 "Content-Length : 1\r\n\r\n", false, 502, 0, 0, false},
	{"length and chunked", OK11 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	 false, 502, 0, 0, false},
	{"length and chunked to a HEAD",
	 OK11 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", true, 502, 0, 0, false},
	{"two lengths", OK11 "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", false, 502, 0, 0,
	 false},
	{"a list of lengths", OK11 "Content-Length: 5, 5\r\n\r\n", false, 502, 0, 0, false},
	{"gzip, chunked", OK11 "Transfer-Encoding: gzip, chunked\r\n\r\n", false, 502, 0, 0, false},
	{"1.0, chunked", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 502, 0, 0,
	 false},
};

static void test_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(responses); i++) {
		int status = response_status(responses[i].bytes, responses[i].is_head);

		if (status != responses[i].status)
			fail_msg("%s: got %d", responses[i].name, status);
		if (status != 200)
			continue;
		if (message.framing != responses[i].framing ||
		    message.body_length != responses[i].length ||
		    message.keep_alive != responses[i].keep_alive)
			fail_msg("%s: framing %d, length %llu, keep-alive %d", responses[i].name,
				 (int)message.framing, (unsigned long long)message.body_length,
				 message.keep_alive);
	}
	assert_int_equal(response_status("HTTP/1.0 404 Not there\r\n\r\n", false), 200);
	assert_int_equal(message.status, 404);
	assert_int_equal(message.minor, 0);
	assert_text(message.reason, "Not there");
}

/* "GET /aaa… HTTP/1.1" of line bytes, fields of "X: y", and one of pad bytes with its end. */
static char *head_build(size_t line, unsigned int fields, size_t pad)
{
	char *text = malloc(line + (size_t)fields * 6 + pad + 64);
	char *at = text + sprintf(text, "GET /");

	memset(at, 'a', line - 14);
	at += line - 14;
	at += sprintf(at, " HTTP/1.1\r\nHost: a\r\n");
	for (unsigned int i = 1; i < fields; i++)
		at += sprintf(at, "X: y\r\n");
	if (pad) {
		at += sprintf(at, "P: ");
		memset(at, 'p', pad - 5);
		at += pad - 5;
		at += sprintf(at, "\r\n");
	}
	sprintf(at, "\r\n");
	return text;
}

static void test_bounds(void **state)
{
	const size_t room = 8192 - (20 + 2 + 9 + 2); /* beside line, Host and end */
	const struct {
		size_t line, pad;
		unsigned int fields;
		int status;
	} cases[] = {
		{1024, 0, 1, 200},  {1025, 0, 1, 414},	    {9000, 0, 1, 414},
		{20, 0, 64, 200},   {20, 0, 65, 431},	    {20, 0, 200, 431},
		{20, room, 1, 200}, {20, room + 1, 1, 431}, {20, 20000, 1, 431},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *bytes = head_build(cases[i].line, cases[i].fields, cases[i].pad);
		struct http_scan scan = {0};
		int length = http_scan(&scan, bytes, strlen(bytes), true, &bounds);

		if (length != (cases[i].status == 200 ? (int)strlen(bytes) : -cases[i].status))
			fail_msg("case %zu: %d", i, length);
		/* byte by byte the same */
		scan = (struct http_scan){0};
		for (size_t n = 1, result = 0; !result; n++)
			if ((result = (size_t)http_scan(&scan, bytes, n, true, &bounds)))
				assert_int_equal((int)result, length);
		free(bytes);
	}
}

/* The parser's own bound, should the scan's be wider. */
static void test_too_many_fields(void **state)
{
	for (unsigned int more = 0; more < 2; more++) {
		char *bytes = head_build(20, HTTP_FIELDS_MAX + more, 0);

		assert_int_equal(http_parse_request(bytes, strlen(bytes), &message),
				 more ? -431 : 0);
		free(bytes);
	}
	(void)state;
}

static struct http_text text_of(const char *s)
{
	return (struct http_text){s, (uint32_t)strlen(s)};
}

static void test_texts(void **state)
{
	static const struct {
		const char *list, *word;
		bool has;
	} lists[] = {
		{"text/event-stream", "text/event-stream", true},
		{"application/json, Text/Event-Stream;q=0.5", "text/event-stream", true},
		{" a ,, b ", "b", true},
		{"ab", "a", false},
		{"", "a", false},
		{"x;p=\"1, text/html\"", "text/html", false},
		{"x;p=\"\\\", b\", c", "b", false},
		{"x;p=\"\\\", b\", c", "c", true},
		{"x;p=\"open, c", "c", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++)
		if (http_list_has(text_of(lists[i].list), lists[i].word) != lists[i].has)
			fail_msg("%s in %s", lists[i].word, lists[i].list);
	assert_false(http_list_has((struct http_text){0}, "a"));
	assert_true(http_type_is(text_of("Application/JSON ; charset=utf-8"), "application/json"));
	assert_true(http_type_is(text_of("application/json"), "application/json"));
	assert_false(http_type_is(text_of("application/jsonp"), "application/json"));
	assert_false(http_type_is((struct http_text){0}, "application/json"));
	assert_true(http_text_is(text_of("A-b"), "a-b"));
	assert_false(http_text_is(text_of("A\rb"), "a-b"));
	assert_false(http_text_is(text_of("A-bc"), "a-b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),      cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_what_is_found), cmocka_unit_test(test_names),
		cmocka_unit_test(test_hop_by_hop),    cmocka_unit_test(test_responses),
		cmocka_unit_test(test_bounds),	      cmocka_unit_test(test_too_many_fields),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
