// SPDX-License-Identifier: MIT
/*
 * Heads, written anew into the worker's scratch: what goes on is what was understood,
 * field by field, never the bytes that came in. Fields of the connection stay behind; the
 * framing is ours.
 */
#include <stdio.h>
#include <string.h>

#include "gate/parts.h"

void out_bytes(struct worker *worker, const char *bytes, size_t n)
{
	if (!n) /* of nothing there may be no address */
		return;
	if (n > sizeof(worker->out) - worker->out_length) {
		worker->out_is_short = true;
		return;
	}
	memcpy(worker->out + worker->out_length, bytes, n);
	worker->out_length += n;
}

void out_number(struct worker *worker, uint64_t number)
{
	char text[20], *at = text + sizeof(text);

	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	out_bytes(worker, at, (size_t)(text + sizeof(text) - at));
}

void out_chunk(struct worker *worker, const char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char line[18], *at = line + sizeof(line);
	size_t left = n;

	*--at = '\n';
	*--at = '\r';
	do
		*--at = digits[left & 15];
	while (left >>= 4);
	out_bytes(worker, at, (size_t)(line + sizeof(line) - at));
	out_bytes(worker, bytes, n);
	out_bytes(worker, "\r\n", 2);
}

static void out_span(struct worker *worker, struct http_text text)
{
	out_bytes(worker, text.at, text.length);
}

static void out_field(struct worker *worker, const struct http_field *field)
{
	out_span(worker, field->name);
	out_bytes(worker, ": ", 2);
	out_span(worker, field->value);
	out_bytes(worker, "\r\n", 2);
}

static void out_framing(struct worker *worker, enum http_framing framing, uint64_t length)
{
	if (framing == HTTP_CHUNKED) {
		out_text(worker, "Transfer-Encoding: chunked\r\n");
	} else if (framing == HTTP_LENGTH) {
		out_text(worker, "Content-Length: ");
		out_number(worker, length);
		out_bytes(worker, "\r\n", 2);
	}
}

/* A list field that we add to: what is there already, if its sender is believed, comes first. */
static void out_list(struct exchange *x, const struct http_message *message, const char *name,
		     enum http_field_id id, bool is_kept, const char *ours)
{
	struct worker *w = x->worker;

	out_text(w, name);
	out_bytes(w, ": ", 2);
	for (uint32_t i = 0; is_kept && i < message->field_count; i++) {
		if (message->field[i].id != id || !message->field[i].value.length)
			continue;
		out_span(w, message->field[i].value);
		out_bytes(w, ", ", 2);
	}
	out_text(w, ours);
	out_bytes(w, "\r\n", 2);
}

/* "for=192.0.2.1", "for=\"[2001:db8::1]\"" (RFC 7239) */
static void forwarded_text(const char *address, char *to, size_t size)
{
	if (strchr(address, ':'))
		snprintf(to, size, "for=\"[%s]\"", address);
	else
		snprintf(to, size, "for=%s", address);
}

static void out_forwarding(struct exchange *x, const struct http_message *message)
{
	const struct settings *settings = x->worker->settings;
	const char *address = x->conn->peer_text[0] ? x->conn->peer_text : "unknown";
	char text[sizeof(x->conn->peer_text) + 16];

	if (settings->via)
		out_list(x, message, "Via", HTTP_FIELD_VIA, true,
			 message->minor ? "1.1 hatago" : "1.0 hatago");
	if (!settings->x_forwarded_for && !settings->forwarded)
		return;
	if (settings->x_forwarded_for)
		out_list(x, message, "X-Forwarded-For", HTTP_FIELD_X_FORWARDED_FOR,
			 x->conn->is_trusted, address);
	if (settings->forwarded) {
		forwarded_text(address, text, sizeof(text));
		out_list(x, message, "Forwarded", HTTP_FIELD_FORWARDED, x->conn->is_trusted, text);
	}
}

/* Is the field ours to write, or nobody's business behind the gate? */
static bool is_left_behind(const struct exchange *x, const struct http_field *field)
{
	const struct settings *settings = x->worker->settings;

	switch (field->id) {
	case HTTP_FIELD_HOST:
	case HTTP_FIELD_CONTENT_LENGTH:
		return true;
	case HTTP_FIELD_EXPECT:
		return !x->expects_continue;
	case HTTP_FIELD_VIA:
		return settings->via;
	case HTTP_FIELD_X_FORWARDED_FOR:
		return settings->x_forwarded_for || !x->conn->is_trusted;
	case HTTP_FIELD_FORWARDED:
		return settings->forwarded || !x->conn->is_trusted;
	default:
		return field->is_hop;
	}
}

void head_request(struct exchange *x, const struct http_message *message)
{
	struct worker *w = x->worker;
	struct http_text te = http_value(message, HTTP_FIELD_TE);

	out_span(w, message->method_name);
	out_bytes(w, " ", 1);
	out_span(w, message->target);
	out_text(w, " HTTP/1.1\r\nHost: ");
	out_span(w, message->host);
	out_bytes(w, "\r\n", 2);
	for (uint32_t i = 0; i < message->field_count; i++)
		if (!is_left_behind(x, &message->field[i]))
			out_field(w, &message->field[i]);
	out_forwarding(x, message);
	out_framing(w, x->framing, message->body_length);
	if (x->is_upgrade) {
		out_text(w, "Connection: upgrade\r\nUpgrade: ");
		out_span(w, http_value(message, HTTP_FIELD_UPGRADE));
		out_bytes(w, "\r\n", 2);
	} else if (http_list_has(te, "trailers")) {
		out_text(w, "Connection: TE\r\nTE: trailers\r\n");
	}
	out_bytes(w, "\r\n", 2);
}

static void out_status_line(struct worker *worker, const struct http_message *message)
{
	out_text(worker, "HTTP/1.1 ");
	out_number(worker, message->status);
	out_bytes(worker, " ", 1);
	out_span(worker, message->reason);
	out_bytes(worker, "\r\n", 2);
}

void head_response(struct exchange *x, const struct http_message *message)
{
	struct worker *w = x->worker;
	struct conn *conn = x->conn;
	bool is_interim = message->status < 200;
	bool bodyless = x->is_head || message->status == 304;

	out_status_line(w, message);
	for (uint32_t i = 0; i < message->field_count; i++) {
		const struct http_field *field = &message->field[i];

		/* The length of a body that does not come (HEAD, 304) is a fact about it. */
		if (field->id == HTTP_FIELD_CONTENT_LENGTH ? bodyless : !field->is_hop)
			out_field(w, field);
	}
	if (message->status == 101) {
		out_text(w, "Connection: upgrade\r\nUpgrade: ");
		out_span(w, http_value(message, HTTP_FIELD_UPGRADE));
		out_bytes(w, "\r\n", 2);
	} else if (!is_interim) {
		if (x->answer_is_chunked_out)
			out_framing(w, HTTP_CHUNKED, 0);
		else if (message->framing == HTTP_LENGTH)
			out_framing(w, HTTP_LENGTH, message->body_length);
		if (conn && !conn->keep_alive)
			out_text(w, "Connection: close\r\n");
		else if (conn && conn->is_http10)
			out_text(w, "Connection: keep-alive\r\n");
	}
	out_bytes(w, "\r\n", 2);
}

const char *head_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{400, "Bad Request"},
		{408, "Request Timeout"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}
