// SPDX-License-Identifier: MIT
/*
 * The HTTP server over real loopback sockets: tables of raw bytes and the status that
 * they must get, then what needs a conversation. The loop and the client share the test's
 * thread; both wait in poll(2), nothing sleeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "net/http_conn.h"
#include "net/http_head.h"
#include "net/http_server.h"
#include "net/listen.h"

#define BIG_BYTES (6u << 20)

struct fixture {
	uv_loop_t loop;
	struct http_server *server;
	unsigned int asked;
	char last_path[256];
};

static void serve(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct fixture *f = ctx;

	f->asked++;
	snprintf(f->last_path, sizeof(f->last_path), "%s", request->path);
	if (!strcmp(request->path, "/hello")) {
		response->status = 200;
		response->content_type = "text/x-hello";
		response->body = strdup("hello\n");
		response->body_length = 6;
	} else if (!strcmp(request->path, "/big") || !strcmp(request->path, "/huge")) {
		response->status = 200;
		response->body_length =
			request->path[1] == 'b' ? BIG_BYTES : HTTP_ANSWER_BYTES_MAX + 1;
		response->body = malloc(response->body_length);
		memset(response->body, 'x', response->body_length);
	} else if (!strcmp(request->path, "/empty")) {
		response->status = 200;
	} else if (!strcmp(request->path, "/unready")) {
		response->status = 503;
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;

	uv_loop_init(&f->loop);
	assert_int_equal(http_server_new(&f->loop, "127.0.0.1:0", serve, f, &f->server, &err), 0);
	assert_int_not_equal(http_server_port(f->server), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_server_free(f->server);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	free(f);
	return 0;
}

static int client_connect(struct fixture *f)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(http_server_port(f->server)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS);
	loop_wait(&f->loop, fd, POLLOUT);
	return fd;
}

static void client_send(struct fixture *f, int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n;

		loop_wait(&f->loop, fd, POLLOUT);
		n = send(fd, bytes, length, MSG_NOSIGNAL);
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return; /* refused before all was said */
		assert_true(n > 0);
		bytes += n;
		length -= (size_t)n;
	}
}

static char *test_grow(char *text, size_t capacity)
{
	char *grown = realloc(text, capacity);

	assert_non_null(grown);
	return grown;
}

/* Reads to the end of the connection; the text is the caller's. A reset fails the test. */
static char *client_read(struct fixture *f, int fd, size_t *ret_length)
{
	size_t capacity = 65536, length = 0;
	char *text = malloc(capacity);
	ssize_t n;

	for (;;) {
		loop_wait(&f->loop, fd, POLLIN);
		n = recv(fd, text + length, capacity - length - 1, 0);
		assert_true(n >= 0);
		if (n == 0)
			break;
		length += (size_t)n;
		if (capacity - length < 4096)
			text = test_grow(text, capacity *= 2);
	}
	text[length] = '\0';
	if (ret_length)
		*ret_length = length;
	return text;
}

/* Reads until the text ends with `end`, on a connection that stays open. */
static void client_read_until(struct fixture *f, int fd, const char *end, char *to, size_t size)
{
	size_t length = 0;
	ssize_t n;

	to[0] = '\0';
	while (length < strlen(end) || strcmp(to + length - strlen(end), end) != 0) {
		loop_wait(&f->loop, fd, POLLIN);
		n = recv(fd, to + length, size - length - 1, 0);
		assert_true(n > 0);
		length += (size_t)n;
		to[length] = '\0';
	}
}

/* One conversation: sends all, closes its own direction, and reads to the end. */
static char *talk(struct fixture *f, const char *bytes, size_t length, size_t *ret_length)
{
	int fd = client_connect(f);
	char *text;

	client_send(f, fd, bytes, length);
	shutdown(fd, SHUT_WR);
	text = client_read(f, fd, ret_length);
	close(fd);
	return text;
}

static int status_of(const char *text)
{
	int status = 0;

	sscanf(text, "HTTP/1.1 %d ", &status);
	return status;
}

#define H11 " HTTP/1.1\r\nHost: a\r\n"

static const struct {
	const char *name, *bytes;
	int status;
} conversations[] = {
	{"plain", "GET /hello" H11 "\r\n", 200},
	{"1.0", "GET /hello HTTP/1.0\r\n\r\n", 200},
	{"1.0 with host", "GET /hello HTTP/1.0\r\nHost: a:80\r\n\r\n", 200},
	{"query", "GET /hello?name[]=x" H11 "\r\n", 200},
	{"absolute form", "GET http://a:80/hello" H11 "\r\n", 200},
	{"absolute form, other case", "GET HTTP://a/hello?x" H11 "\r\n", 200},
	{"absolute form without a path", "GET http://a" H11 "\r\n", 404},
	{"empty line first", "\r\nGET /hello" H11 "\r\n", 200},
	{"two empty lines first", "\r\n\r\nGET /hello" H11 "\r\n", 400},
	{"no body", "GET /hello" H11 "Content-Length: 0\r\n\r\n", 200},
	{"upgrade is not taken", "GET /hello" H11 "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
	 200},
	{"value of Latin-1", "GET /hello" H11 "X: \xe9\r\n\r\n", 200},
	{"IPv6 host", "GET /hello HTTP/1.1\r\nHost: [::1]:9464\r\n\r\n", 200},
	{"unknown path", "GET /nothing" H11 "\r\n", 404},
	{"prefix of a path", "GET /hell" H11 "\r\n", 404},
	{"encoded path is another", "GET /hell%6f" H11 "\r\n", 404},
	{"dots are not resolved", "GET /x/../hello" H11 "\r\n", 404},
	{"unready", "GET /unready" H11 "\r\n", 503},
	{"answer too large", "GET /huge" H11 "\r\n", 500},
	{"POST", "POST /hello" H11 "\r\n", 405},
	{"POST with a body", "POST /hello" H11 "Content-Length: 3\r\n\r\nabc", 405},
	{"DELETE", "DELETE /hello" H11 "\r\n", 405},
	{"OPTIONS of all", "OPTIONS *" H11 "\r\n", 405},
	{"CONNECT", "CONNECT a:80" H11 "\r\n", 405},
	{"body", "GET /hello" H11 "Content-Length: 3\r\n\r\nabc", 413},
	{"chunked body", "GET /hello" H11 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413},
	{"chunked in 1.0", "GET /hello HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"two lengths", "GET /hello" H11 "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
	{"length and chunked",
	 "GET /hello" H11 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"negative length", "GET /hello" H11 "Content-Length: -1\r\n\r\n", 400},
	{"signed length", "GET /hello" H11 "Content-Length: +0\r\n\r\n", 400},
	{"length over 2^64", "GET /hello" H11 "Content-Length: 18446744073709551616\r\n\r\n", 400},
	{"length behind a bare CR", "GET /hello" H11 "X: a\rContent-Length: 3\r\n\r\n", 400},
	{"no host", "GET /hello HTTP/1.1\r\n\r\n", 400},
	{"two hosts", "GET /hello" H11 "Host: a\r\n\r\n", 400},
	{"two hosts in 1.0", "GET /hello HTTP/1.0\r\nHost: a\r\nHOST: b\r\n\r\n", 400},
	{"empty host", "GET /hello HTTP/1.1\r\nHost:\r\n\r\n", 400},
	{"host with a blank", "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	{"host with a path", "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	{"blank before the colon", "GET /hello HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	{"folded line", "GET /hello" H11 "X: a\r\n b\r\n\r\n", 400},
	{"folded line with a tab", "GET /hello" H11 "X: a\r\n\tb\r\n\r\n", 400},
	{"first header folded", "GET /hello HTTP/1.1\r\n Host: a\r\n\r\n", 400},
	{"header without a name", "GET /hello" H11 ": x\r\n\r\n", 400},
	{"header without a colon", "GET /hello" H11 "x\r\n\r\n", 400},
	{"LF only", "GET /hello HTTP/1.1\nHost: a\n\n", 400},
	{"CR only", "GET /hello HTTP/1.1\rHost: a\r\r", 400},
	{"LF at the end only", "GET /hello" H11 "\n", 400},
	{"control byte in a value", "GET /hello" H11 "X: a\x01\r\n\r\n", 400},
	{"DEL in a value", "GET /hello" H11 "X: a\x7f\r\n\r\n", 400},
	{"two blanks", "GET  /hello" H11 "\r\n", 400},
	{"blank at the end", "GET /hello HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
	{"tab for a blank", "GET\t/hello" H11 "\r\n", 400},
	{"blank in the target", "GET /hel lo" H11 "\r\n", 400},
	{"fragment", "GET /hello#x" H11 "\r\n", 400},
	{"target without a slash", "GET hello" H11 "\r\n", 400},
	{"asterisk", "GET *" H11 "\r\n", 400},
	{"another scheme", "GET ftp://a/hello" H11 "\r\n", 400},
	{"UTF-8 in the target", "GET /h\xc3\xa9" H11 "\r\n", 400},
	{"method in small letters", "get /hello" H11 "\r\n", 400},
	{"unknown method", "FROB /hello" H11 "\r\n", 400},
	{"blank first", " GET /hello" H11 "\r\n", 400},
	{"0.9", "GET /hello\r\n\r\n", 400},
	{"HTTP/0.9", "GET /hello HTTP/0.9\r\n\r\n", 505},
	{"HTTP/1.2", "GET /hello HTTP/1.2\r\nHost: a\r\n\r\n", 505},
	{"HTTP/2.0", "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 505},
	{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
	{"RTSP", "GET /hello RTSP/1.0\r\n\r\n", 400},
	{"TLS", "\x16\x03\x01\x02\x01\x01", 400},
};

static void test_conversations(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		const char *bytes = conversations[i].bytes;
		char *text = talk(f, bytes, strlen(bytes), NULL);

		if (status_of(text) != conversations[i].status)
			fail_msg("%s: expected %d, got: %.60s", conversations[i].name,
				 conversations[i].status, text);
		if (status_of(text) != 200 && status_of(text) != 404 && status_of(text) != 503 &&
		    status_of(text) != 500)
			assert_non_null(strstr(text, "Connection: close\r\n"));
		if (status_of(text) == 405)
			assert_non_null(strstr(text, "Allow: GET, HEAD\r\n"));
		free(text);
	}
	assert_int_equal(http_server_connections(f->server), 0);
}

/* However the bytes are cut, the outcome is the same. Through the pure part, for speed. */
static void test_every_cut(void **state)
{
	struct http_head head;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		const char *bytes = conversations[i].bytes;
		size_t length = strlen(bytes), whole;
		int status;

		http_head_init(&head);
		whole = http_head_feed(&head, bytes, length);
		status = head.status;
		for (size_t cut = 0; cut <= length; cut++) {
			size_t taken;

			http_head_init(&head);
			taken = http_head_feed(&head, bytes, cut);
			taken += http_head_feed(&head, bytes + taken, length - taken);
			assert_int_equal(taken, whole);
			assert_int_equal(head.status, status);
		}
	}
}

/* Bytes that C strings do not hold, and sizes at their bounds. */
static void test_nul(void **state)
{
	static const char bytes[] = "GET /hello\0x" H11 "\r\n";
	char *text = talk(*state, bytes, sizeof(bytes) - 1, NULL);

	assert_int_equal(status_of(text), 400);
	free(text);
}

/* "GET /aaa… HTTP/1.1" of line_bytes, then headers lines of "X: y", then one header of pad bytes */
static char *head_build(size_t line_bytes, unsigned int headers, size_t pad)
{
	char *text = malloc(line_bytes + (size_t)headers * 6 + pad + 64);
	char *at = text;

	at += sprintf(at, "GET /");
	memset(at, 'a', line_bytes - 14);
	at += line_bytes - 14;
	at += sprintf(at, " HTTP/1.1\r\nHost: a\r\n");
	for (unsigned int i = 1; i < headers; i++)
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

static void test_sizes(void **state)
{
	const size_t room = HTTP_HEAD_BYTES_MAX - (20 + 2 + 9 + 2); /* beside line, host, end */
	const struct {
		size_t line, pad;
		unsigned int headers;
		int status;
	} cases[] = {
		{HTTP_REQUEST_LINE_MAX, 0, 1, 404},
		{HTTP_REQUEST_LINE_MAX + 1, 0, 1, 414},
		{100000, 0, 1, 414},
		{20, 0, HTTP_HEADERS_MAX, 404},
		{20, 0, HTTP_HEADERS_MAX + 1, 431},
		{20, 0, 1000, 431},
		{20, room, 1, 404},
		{20, room + 1, 1, 431},
		{20, 40000, 1, 431},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *bytes = head_build(cases[i].line, cases[i].headers, cases[i].pad);
		char *text = talk(*state, bytes, strlen(bytes), NULL);

		if (status_of(text) != cases[i].status)
			fail_msg("case %zu: expected %d, got %.40s", i, cases[i].status, text);
		free(text);
		free(bytes);
	}
}

static void test_answer_text(void **state)
{
	struct fixture *f = *state;
	static const char get[] = "GET /hello?a=b" H11 "Connection: close\r\n\r\n";
	char *text = talk(f, get, sizeof(get) - 1, NULL);

	assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\nDate: "));
	assert_non_null(strstr(text, " GMT\r\n"));
	assert_non_null(strstr(text, "Content-Type: text/x-hello\r\n"));
	assert_non_null(strstr(text, "Content-Length: 6\r\n"));
	assert_non_null(strstr(text, "Connection: close\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\nhello\n");
	assert_string_equal(f->last_path, "/hello");
	free(text);
}

static void test_head_of_answer(void **state)
{
	char text[HTTP_ANSWER_HEAD_MAX];
	struct http_response response = {431, "text/x", NULL, SIZE_MAX};

	(void)state;
	text[http_answer_head(text, &response, true, 784111777)] = '\0';
	assert_string_equal(text, "HTTP/1.1 431 Request Header Fields Too Large\r\n"
				  "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
				  "Content-Type: text/x\r\n"
				  "Content-Length: 18446744073709551615\r\n"
				  "Cache-Control: no-store\r\n"
				  "X-Content-Type-Options: nosniff\r\n"
				  "Connection: keep-alive\r\n\r\n");
	response.content_type =
		"a content type that is longer than any that there is; charset=utf-8; "
		"and a parameter; and another one";
	response.status = 405;
	assert_true(http_answer_head(text, &response, false, 784111777) < HTTP_ANSWER_HEAD_MAX - 1);
	assert_non_null(strstr(text, "Connection: close\r\n\r\n"));
}

static void test_head_method(void **state)
{
	static const char head[] = "HEAD /hello" H11 "\r\nHEAD /nothing" H11 "\r\n"
				   "HEAD /big" H11 "\r\n";
	char *text = talk(*state, head, sizeof(head) - 1, NULL);
	char *second = strstr(text + 1, "HTTP/1.1 ");

	assert_non_null(second);
	assert_int_equal(status_of(text), 200);
	assert_int_equal(status_of(second), 404);
	assert_non_null(strstr(text, "Content-Length: 6\r\n"));
	assert_null(strstr(text, "hello\n"));
	assert_null(strstr(text, "Not Found\n"));
	assert_non_null(strstr(second, "Content-Length: 6291456\r\n"));
	assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
	free(text);
}

static void test_keep_alive(void **state)
{
	static const struct {
		const char *bytes;
		bool stays;
	} cases[] = {
		{"GET /hello" H11 "\r\n", true},
		{"GET /hello" H11 "Connection: keep-alive\r\n\r\n", true},
		{"GET /hello" H11 "connection: x, CLOSE\r\n\r\n", false},
		{"GET /hello HTTP/1.0\r\n\r\n", false},
		{"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
	};
	struct fixture *f = *state;
	char text[2048];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = client_connect(f);

		client_send(f, fd, cases[i].bytes, strlen(cases[i].bytes));
		client_read_until(f, fd, "hello\n", text, sizeof(text));
		if (cases[i].stays) {
			assert_non_null(strstr(text, "Connection: keep-alive\r\n"));
			client_send(f, fd, cases[i].bytes, strlen(cases[i].bytes));
			client_read_until(f, fd, "hello\n", text, sizeof(text));
		} else {
			assert_non_null(strstr(text, "Connection: close\r\n"));
			loop_wait(&f->loop, fd, POLLIN);
			assert_int_equal(recv(fd, text, 1, 0), 0);
		}
		close(fd);
	}
}

/* Many requests in one write are answered in turn, more of them than one read holds. */
static void test_pipeline(void **state)
{
	struct fixture *f = *state;
	static const char request[] = "GET /hello" H11 "\r\n";
	enum { REQUESTS = 300 };
	char *bytes = malloc(REQUESTS * sizeof(request)), *text;
	unsigned int answers = 0;

	for (size_t i = 0; i < REQUESTS; i++)
		memcpy(bytes + i * (sizeof(request) - 1), request, sizeof(request));
	text = talk(f, bytes, strlen(bytes), NULL);
	for (char *at = text; (at = strstr(at, "\r\n\r\nhello\n")); at++)
		answers++;
	assert_int_equal(answers, REQUESTS);
	assert_int_equal(f->asked, REQUESTS);
	free(text);
	free(bytes);
}

/* After a refusal nothing that was smuggled behind it is looked at. */
static void test_nothing_after_refusal(void **state)
{
	struct fixture *f = *state;
	static const char bytes[] = "GET /hello" H11 "Content-Length: 30\r\n\r\n"
				    "GET /hello" H11 "\r\n";
	char *text = talk(f, bytes, sizeof(bytes) - 1, NULL);

	assert_int_equal(status_of(text), 413);
	assert_null(strstr(text + 1, "HTTP/1.1"));
	assert_int_equal(f->asked, 0);
	free(text);
}

/* A refused client that still sends must see the answer, not a reset. */
static void test_linger(void **state)
{
	struct fixture *f = *state;
	char *rubbish = malloc(32768), *text;
	int fd = client_connect(f);

	memset(rubbish, 0, 32768);
	client_send(f, fd, rubbish, 32768);
	text = client_read(f, fd, NULL);
	assert_int_equal(status_of(text), 400);
	close(fd);
	free(text);
	free(rubbish);
}

static void wait_for_connections(struct fixture *f, unsigned int count)
{
	loop_until(&f->loop, http_server_connections(f->server) == count);
}

/* Who goes on sending after the answer is cut off after so many bytes, */
static void test_linger_bytes(void **state)
{
	struct fixture *f = *state;
	const struct http_bounds patient = {4, 10000, 10000, 10000, 10 * PATIENCE_MS};
	int64_t deadline = now_ms() + PATIENCE_MS;
	char *rubbish = calloc(1, 65536);
	int fd;

	http_server_set_bounds(f->server, &patient);
	fd = client_connect(f);
	do {
		assert_true(now_ms() < deadline);
		loop_wait(&f->loop, fd, POLLOUT);
	} while (send(fd, rubbish, 65536, MSG_NOSIGNAL) > 0 || errno == EAGAIN);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	wait_for_connections(f, 0);
	close(fd);
	free(rubbish);
}

/* and who does nothing at all after so much time. */
static void test_linger_time(void **state)
{
	struct fixture *f = *state;
	const struct http_bounds quick = {4, 10000, 10000, 10000, 30};
	int fd;

	http_server_set_bounds(f->server, &quick);
	fd = client_connect(f);
	client_send(f, fd, "\n", 1);
	free(client_read(f, fd, NULL));
	wait_for_connections(f, 0);
	close(fd);
}

static void test_slow(void **state)
{
	struct fixture *f = *state;
	const struct http_bounds quick = {4, 30, 60, 10000, 30};
	static const struct {
		const char *bytes;
		int status; /* 0: closed without a word */
	} cases[] = {
		{"", 0},
		{"G", 408},
		{"\r\n", 408},
		{"GET /hello" H11 "X: ", 408},
		{"GET /hello" H11 "\r\n", 200},	      /* and then idle */
		{"GET /hello" H11 "\r\nGET /h", 200}, /* and then 408 */
	};

	http_server_set_bounds(f->server, &quick);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t start = now_ms();
		int fd = client_connect(f);
		char *text;

		client_send(f, fd, cases[i].bytes, strlen(cases[i].bytes));
		text = client_read(f, fd, NULL);
		assert_int_equal(status_of(text), cases[i].status);
		assert_true(now_ms() - start >= 29);
		if (i == 5)
			assert_int_equal(status_of(strstr(text, "hello\n") + 6), 408);
		close(fd);
		free(text);
	}
}

/* A head that comes byte by byte, for ever, gets no more time than one that stalls. */
static void test_slow_drip(void **state)
{
	struct fixture *f = *state;
	const struct http_bounds quick = {4, 50, 10000, 10000, 10000};
	int64_t deadline = now_ms() + PATIENCE_MS;
	char text[512] = "";
	int fd;

	http_server_set_bounds(f->server, &quick);
	fd = client_connect(f);
	client_send(f, fd, "GET /", 5);
	while (!loop_pass(&f->loop, fd, POLLIN, 5)) {
		assert_true(now_ms() < deadline);
		send(fd, "a", 1, MSG_NOSIGNAL);
	}
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(status_of(text), 408);
	close(fd);
}

/* Who asks for much and takes nothing is cut off; the answer's memory goes with it. */
static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	const struct http_bounds quick = {4, 10000, 10000, 50, 10000};
	static const char request[] = "GET /big" H11 "\r\n";
	int fd, small = 4096;

	http_server_set_bounds(f->server, &quick);
	fd = client_connect(f);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(f, fd, request, sizeof(request) - 1);
	wait_for_connections(f, 1);
	wait_for_connections(f, 0);
	close(fd);
}

static void test_big(void **state)
{
	static const char request[] = "GET /big" H11 "\r\n";
	size_t length;
	char *text = talk(*state, request, sizeof(request) - 1, &length);
	char *body = strstr(text, "\r\n\r\n") + 4;

	assert_int_equal(length - (size_t)(body - text), BIG_BYTES);
	assert_true(body[0] == 'x' && !memcmp(body, body + 1, BIG_BYTES - 1));
	free(text);
}

/* Idle connections up to the bound; the next one is served and displaces the oldest. */
static void test_connections_bound(void **state)
{
	struct fixture *f = *state;
	const struct http_bounds few = {3, 10000, 10000, 10000, 10000};
	static const char request[] = "GET /hello" H11 "\r\n";
	char text[2048];
	int fds[4];

	http_server_set_bounds(f->server, &few);
	for (int i = 0; i < 3; i++) {
		fds[i] = client_connect(f);
		wait_for_connections(f, (unsigned int)i + 1);
	}
	/* the first one speaks, so the second is now the longest idle */
	client_send(f, fds[0], request, sizeof(request) - 1);
	client_read_until(f, fds[0], "hello\n", text, sizeof(text));
	fds[3] = client_connect(f);
	client_send(f, fds[3], request, sizeof(request) - 1);
	client_read_until(f, fds[3], "hello\n", text, sizeof(text));
	assert_int_equal(http_server_connections(f->server), 3);
	loop_wait(&f->loop, fds[1], POLLIN);
	assert_int_equal(recv(fds[1], text, 1, 0), 0);
	client_send(f, fds[0], request, sizeof(request) - 1);
	client_read_until(f, fds[0], "hello\n", text, sizeof(text));
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

/* Freed in the midst of everything: teardown proves that no handle is left. */
static void test_free_while_busy(void **state)
{
	struct fixture *f = *state;
	static const char request[] = "GET /big" H11 "\r\n";
	int small = 4096, fds[3];

	for (int i = 0; i < 3; i++) {
		fds[i] = client_connect(f);
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	}
	client_send(f, fds[0], request, sizeof(request) - 1);
	client_send(f, fds[1], request, 7);
	wait_for_connections(f, 3);
	loop_wait(&f->loop, fds[0], POLLIN);
	http_server_free(f->server);
	f->server = NULL;
	http_server_free(NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: refused */
		uint16_t port;
	} cases[] = {
		{"127.0.0.1:9464", AF_INET, 9464},
		{"0.0.0.0:0", AF_INET, 0},
		{"localhost:80", AF_INET, 80},
		{"[::1]:9464", AF_INET6, 9464},
		{"[::]:65535", AF_INET6, 65535},
		{"", 0, 0},
		{":", 0, 0},
		{"[", 0, 0},
		{"[]:80", 0, 0},
		{"[:80", 0, 0},
		{"]:80", 0, 0},
		{"127.0.0.1", 0, 0},
		{"127.0.0.1:", 0, 0},
		{":80", 0, 0},
		{"127.0.0.1:65536", 0, 0},
		{"127.0.0.1:-1", 0, 0},
		{"127.0.0.1:80x", 0, 0},
		{"127.0.0.1: 80", 0, 0},
		{"127.0.0:80", 0, 0},
		{"::1:80", 0, 0},
		{"[127.0.0.1]:80", 0, 0},
		{"[localhost]:80", 0, 0},
		{"example.org:80", 0, 0},
		{"[::1]80", 0, 0},
		{"[::1]x:80", 0, 0},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80",
		 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage address = {0};
		struct err err = {""};
		int result = listen_address_parse(cases[i].text, &address, &err);

		if (result != (cases[i].family ? 0 : -EINVAL) ||
		    address.ss_family != cases[i].family || (result && !err.text[0]))
			fail_msg("\"%s\": %d, family %d", cases[i].text, result, address.ss_family);
		/* the port lies at the same place in both families */
		if (!result)
			assert_int_equal(ntohs(((struct sockaddr_in *)&address)->sin_port),
					 cases[i].port);
	}
}

static void test_listen_errors(void **state)
{
	struct fixture *f = *state;
	struct http_server *second;
	char address[32];
	struct err err;

	snprintf(address, sizeof(address), "127.0.0.1:%u", http_server_port(f->server));
	assert_int_equal(http_server_new(&f->loop, address, serve, f, &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, address));
	assert_int_equal(http_server_new(&f->loop, "192.0.2.1:0", serve, f, &second, &err),
			 -EADDRNOTAVAIL);
	assert_int_equal(http_server_new(&f->loop, "nonsense", serve, f, &second, &err), -EINVAL);
}

static void test_ipv6(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	static const char request[] = "GET /hello" H11 "Connection: close\r\n\r\n";
	struct http_server *server;
	char *text;
	int fd;

	if (http_server_new(&f->loop, "[::1]:0", serve, f, &server, NULL) == -EADDRNOTAVAIL)
		skip(); /* this host has no IPv6 */
	to.sin6_port = htons(http_server_port(server));
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	client_send(f, fd, request, sizeof(request) - 1);
	text = client_read(f, fd, NULL);
	assert_int_equal(status_of(text), 200);
	free(text);
	close(fd);
	http_server_free(server);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_conversations),
		cmocka_unit_test(test_every_cut),
		EACH(test_nul),
		EACH(test_sizes),
		EACH(test_answer_text),
		cmocka_unit_test(test_head_of_answer),
		EACH(test_head_method),
		EACH(test_keep_alive),
		EACH(test_pipeline),
		EACH(test_nothing_after_refusal),
		EACH(test_linger),
		EACH(test_linger_bytes),
		EACH(test_linger_time),
		EACH(test_slow),
		EACH(test_slow_drip),
		EACH(test_slow_reader),
		EACH(test_big),
		EACH(test_connections_bound),
		EACH(test_free_while_busy),
		cmocka_unit_test(test_addresses),
		EACH(test_listen_errors),
		EACH(test_ipv6),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
