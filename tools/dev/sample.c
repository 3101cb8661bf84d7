// SPDX-License-Identifier: MIT
/*
 * A service to protect, for `make run`, the demo and the system tests: HTTP/1.1 with
 * GET /, /health and /slow (a second, for a limit on concurrency to bite), and POST /mcp,
 * which answers JSON-RPC (initialize, ping, tools/list, tools/call of `echo`). Real enough
 * for curl and wrk; no example of how to write an MCP server. One loop on libuv, llhttp for
 * the bytes, jansson for the bodies.
 *
 *      hatago-sample [HOST:PORT]
 */
#include <errno.h>
#include <jansson.h>
#include <llhttp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/version.h"
#include "net/listen.h"

enum {
	CONNECTIONS_MAX = 4096,
	BODY_BYTES_MAX = 16384,
	READ_BYTES = 8192,
	PATH_BYTES_MAX = 64,
	IDLE_MS = 30000,
	SLOW_MS = 1000,
	BACKLOG = 1024,
};

struct connection {
	uv_tcp_t tcp;
	uv_timer_t timer; /* how long it is idle, or how long /slow takes */
	int open_handles;
	llhttp_t parser;
	bool is_last; /* the connection ends with the answer to the request at hand */
	bool is_slow; /* /slow is under way */
	char in[READ_BYTES];
	char path[PATH_BYTES_MAX];
	size_t path_length, body_length;
	char body[BODY_BYTES_MAX];
};

struct answer {
	uv_write_t write;
	struct connection *connection;
	bool is_last;
	char *bytes;
};

static unsigned int connection_count;
static llhttp_settings_t settings;

static void connection_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	if (--c->open_handles)
		return;
	connection_count--;
	free(c);
}

static void connection_close(struct connection *c)
{
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	uv_close((uv_handle_t *)&c->tcp, connection_closed);
	uv_close((uv_handle_t *)&c->timer, connection_closed);
}

static void connection_idle(uv_timer_t *timer)
{
	connection_close(timer->data);
}

static void answer_written(uv_write_t *write, int status)
{
	struct answer *a = (struct answer *)write;

	if (status < 0 || a->is_last)
		connection_close(a->connection);
	free(a->bytes);
	free(a);
}

/* Sends an answer; the connection closes after it where the client wants no other. */
static int answer_send(struct connection *c, const char *status, const char *type, const char *body)
{
	struct answer *a = calloc(1, sizeof(*a));
	uv_buf_t buffer;
	int length;

	if (!a)
		return HPE_USER;
	a->connection = c;
	a->is_last = c->is_last;
	length = asprintf(&a->bytes,
			  "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
			  status, type, strlen(body), a->is_last ? "Connection: close\r\n" : "",
			  c->parser.method == HTTP_HEAD ? "" : body);
	if (length < 0) {
		free(a);
		return HPE_USER;
	}
	buffer = uv_buf_init(a->bytes, (unsigned int)length);
	if (uv_write(&a->write, (uv_stream_t *)&c->tcp, &buffer, 1, answer_written)) {
		free(a->bytes);
		free(a);
		return HPE_USER;
	}
	return HPE_OK;
}

static json_t *tools_list(void)
{
	return json_pack("{s:[{s:s, s:s, s:{s:s, s:{s:{s:s}}}}]}", "tools", "name", "echo",
			 "description", "Gives back its text", "inputSchema", "type", "object",
			 "properties", "text", "type", "string");
}

/* The result of a method, or NULL where there is no such method. */
static json_t *rpc_result(const char *method, const json_t *params)
{
	const char *text = "";

	if (strcmp(method, "ping") == 0)
		return json_object();
	if (strcmp(method, "tools/list") == 0)
		return tools_list();
	if (strcmp(method, "initialize") == 0)
		return json_pack("{s:s, s:{s:{}}, s:{s:s, s:s}}", "protocolVersion", "2025-11-25",
				 "capabilities", "tools", "serverInfo", "name", "hatago-sample",
				 "version", VERSION_TEXT);
	if (strcmp(method, "tools/call") == 0) {
		text = json_string_value(
			json_object_get(json_object_get(params, "arguments"), "text"));
		return json_pack("{s:[{s:s, s:s}]}", "content", "type", "text", "text",
				 text ? text : "");
	}
	return NULL;
}

static int answer_rpc(struct connection *c)
{
	json_t *request = json_loadb(c->body, c->body_length, JSON_REJECT_DUPLICATES, NULL);
	const char *method = json_string_value(json_object_get(request, "method"));
	json_t *id = json_object_get(request, "id"), *result, *reply;
	char *text;
	int r;

	if (!method) {
		json_decref(request);
		return answer_send(c, "400 Bad Request", "application/json",
				   "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,"
				   "\"message\":\"no JSON-RPC request\"}}\n");
	}
	if (!id) { /* a notification */
		json_decref(request);
		return answer_send(c, "202 Accepted", "application/json", "");
	}
	result = rpc_result(method, json_object_get(request, "params"));
	reply = result ? json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result", result)
		       : json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error",
				   "code", -32601, "message", "method not found");
	text = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	json_decref(request);
	r = text ? answer_send(c, "200 OK", "application/json", text) : HPE_USER;
	free(text);
	return r;
}

static void slow_over(uv_timer_t *timer)
{
	struct connection *c = timer->data;

	c->is_slow = false;
	if (answer_send(c, "200 OK", "text/plain", "This took a second.\n") != HPE_OK ||
	    uv_timer_start(timer, connection_idle, IDLE_MS, IDLE_MS))
		connection_close(c);
}

static int answer_later(struct connection *c)
{
	c->is_slow = true;
	return uv_timer_start(&c->timer, slow_over, SLOW_MS, 0) ? HPE_USER : HPE_OK;
}

static int on_begin(llhttp_t *parser)
{
	struct connection *c = parser->data;

	if (c->is_slow) /* its answer would overtake the other */
		return HPE_USER;
	c->path_length = c->body_length = 0;
	return HPE_OK;
}

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
	struct connection *c = parser->data;

	if (length >= sizeof(c->path) - c->path_length) /* no path of ours is that long */
		length = sizeof(c->path) - 1 - c->path_length;
	memcpy(c->path + c->path_length, at, length);
	c->path_length += length;
	return HPE_OK;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
	struct connection *c = parser->data;

	if (length > sizeof(c->body) - c->body_length)
		return HPE_USER;
	memcpy(c->body + c->body_length, at, length);
	c->body_length += length;
	return HPE_OK;
}

static int on_complete(llhttp_t *parser)
{
	struct connection *c = parser->data;
	bool is_get = parser->method == HTTP_GET || parser->method == HTTP_HEAD;

	c->is_last = !llhttp_should_keep_alive(parser);
	c->path[c->path_length] = '\0';
	c->path[strcspn(c->path, "?")] = '\0';
	if (is_get && strcmp(c->path, "/") == 0)
		return answer_send(c, "200 OK", "text/plain", "This is the sample service.\n");
	if (is_get && strcmp(c->path, "/health") == 0)
		return answer_send(c, "200 OK", "application/json", "{\"status\":\"ok\"}\n");
	if (is_get && strcmp(c->path, "/slow") == 0)
		return answer_later(c);
	if (parser->method == HTTP_POST && strcmp(c->path, "/mcp") == 0)
		return answer_rpc(c);
	if (strcmp(c->path, "/mcp") == 0)
		return answer_send(c, "405 Method Not Allowed", "text/plain", "POST only\n");
	return answer_send(c, "404 Not Found", "text/plain", "GET /, /health, /slow; POST /mcp\n");
}

static void make_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct connection *c = handle->data;

	(void)wanted;
	*ret = uv_buf_init(c->in, sizeof(c->in));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct connection *c = stream->data;

	if (n == 0)
		return;
	if (n < 0 || llhttp_execute(&c->parser, buffer->base, (size_t)n) != HPE_OK) {
		connection_close(c);
		return;
	}
	uv_timer_again(&c->timer);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct connection *c;

	if (status < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	connection_count++;
	c->open_handles = 2;
	c->tcp.data = c->timer.data = c;
	uv_tcp_init(listener->loop, &c->tcp);
	uv_timer_init(listener->loop, &c->timer);
	llhttp_init(&c->parser, HTTP_REQUEST, &settings);
	c->parser.data = c;
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) || connection_count > CONNECTIONS_MAX ||
	    uv_timer_start(&c->timer, connection_idle, IDLE_MS, IDLE_MS) ||
	    uv_read_start((uv_stream_t *)&c->tcp, make_room, on_read))
		connection_close(c);
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "hatago-sample: %s: %s\n", what, uv_strerror(error));
	return 1;
}

int main(int argc, char **argv)
{
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:8787";
	struct sockaddr_storage where;
	struct err err;
	uv_tcp_t listener;
	int r;

	if (argc > 2 || listen_address_parse(address, &where, &err) < 0) {
		fprintf(stderr, "usage: hatago-sample [HOST:PORT]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	llhttp_settings_init(&settings);
	settings.on_message_begin = on_begin;
	settings.on_url = on_url;
	settings.on_body = on_body;
	settings.on_message_complete = on_complete;
	uv_tcp_init(uv_default_loop(), &listener);
	r = uv_tcp_bind(&listener, (const struct sockaddr *)&where, 0);
	if (!r)
		r = uv_listen((uv_stream_t *)&listener, BACKLOG, on_connection);
	if (r)
		return fail(address, r);
	printf("hatago-sample: http://%s/ /health /slow and POST /mcp\n", address);
	fflush(stdout);
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
