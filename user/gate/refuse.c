// SPDX-License-Identifier: MIT
/*
 * Answers of our own: refusals by a limit, with the seed document's bodies; errors of
 * HTTP and of the upstream; the metrics. They are small and sent at once.
 */
#include <stdio.h>
#include <string.h>

#include "gate/parts.h"

#define ANSWER_HEAD_MAX 1024

/* Writes the whole answer, and decides by conn->keep_alive what comes then. */
static void answer(struct conn *conn, int status, const char *type, const char *fields,
		   const char *body, size_t length, bool is_head)
{
	char bytes[ANSWER_HEAD_MAX + REFUSAL_BODY_MAX];
	const char *connection = !conn->keep_alive ? "Connection: close\r\n"
				 : conn->is_http10 ? "Connection: keep-alive\r\n"
						   : "";
	int n = snprintf(bytes, ANSWER_HEAD_MAX,
			 "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n",
			 status, head_reason(status), type, length, fields, connection);
	size_t head = (size_t)n;

	if (n < 0 || n >= ANSWER_HEAD_MAX) {
		conn_close(conn);
		return;
	}
	if (is_head)
		length = 0;
	if (length && length <= REFUSAL_BODY_MAX) { /* cheaper than two parts */
		memcpy(bytes + head, body, length);
		head += length;
		length = 0;
	}
	if (conn_send(conn, bytes, head, body, length) < 0) {
		conn_close(conn);
		return;
	}
	conn_next(conn);
}

/* What is left of the request's body: thrown away if it is short, else the connection ends. */
static void leave_body(struct exchange *x)
{
	struct conn *conn = x->conn;

	if (x->request_is_done)
		return;
	if (x->framing == HTTP_LENGTH && x->left <= GATE_LINGER_BYTES && !x->expects_continue)
		conn->discard = x->left;
	else
		conn->keep_alive = false;
}

static enum tally_outcome outcome_of(const struct exchange *x, enum refusal_kind kind)
{
	static const enum tally_outcome outcomes[REFUSAL_KINDS] = {
		[REFUSAL_RATE] = TALLY_RATE_LIMITED,
		[REFUSAL_CONCURRENCY] = TALLY_OVERLOADED,
		[REFUSAL_BREAKER] = TALLY_BREAKER_OPEN,
		[REFUSAL_QUEUE_TIMEOUT] = TALLY_QUEUE_TIMEOUT,
		[REFUSAL_DRAINING] = TALLY_DRAINING,
	};

	return x->is_one_stream_too_many ? TALLY_STREAMS : outcomes[kind];
}

void refuse(struct exchange *x, const struct refusal *refusal, uint64_t burst, uint64_t window_s)
{
	const struct settings *settings = x->worker->settings;
	struct conn *conn = x->conn;
	char body[REFUSAL_BODY_MAX], fields[256];
	bool is_head = x->is_head;
	bool is_rpc = x->is_json && (x->batch_requests || x->rpc.state != RPC_BROKEN);
	int status = refusal->kind == REFUSAL_RATE ? 429 : 503;
	size_t length;

	if (is_rpc)
		length = refusal_json_rpc(refusal, &settings->style, x->first.id,
					  x->first.id_length, body);
	else
		length = refusal_json(refusal, &settings->style, body);
	fields[refusal_fields(refusal, burst, window_s, fields, sizeof(fields))] = '\0';
	leave_body(x);
	if (is_rpc && settings->inband)
		status = 200;
	settle(x, outcome_of(x, refusal->kind));
	answer(conn, status, "application/json", fields, body, length, is_head);
}

void answer_error(struct conn *conn, int status, const char *json, size_t json_length, bool keep)
{
	char text[64];

	if (!json) {
		json_length = (size_t)snprintf(text, sizeof(text), "{\"error\":\"%s\"}\n",
					       head_reason(status));
		json = text;
	}
	conn->keep_alive = conn->keep_alive && keep;
	answer(conn, status, "application/json", "", json, json_length, false);
}

void answer_failure(struct exchange *x, int status, const char *type, const char *message)
{
	struct conn *conn = x->conn;
	char body[REFUSAL_BODY_MAX];
	bool is_head = x->is_head;
	size_t length;

	if (x->is_json)
		length = refusal_failure(type, message, &x->worker->settings->style, x->first.id,
					 x->first.id_length, body);
	else
		length = (size_t)snprintf(body, sizeof(body), "{\"error\":\"%s\"}\n", message);
	leave_body(x);
	settle(x, status == 504	  ? TALLY_UPSTREAM_TIMEOUT
		  : status == 413 ? TALLY_BAD_REQUEST
				  : TALLY_UPSTREAM_FAILED);
	answer(conn, status, "application/json", "", body, length, is_head);
}

void answer_text(struct conn *conn, const char *type, const char *text, size_t length)
{
	answer(conn, 200, type, "", text, length, false);
}
