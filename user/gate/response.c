// SPDX-License-Identifier: MIT
/*
 * An answer on its way from the upstream to the client: interim heads, the head, the body,
 * a tunnel. Nothing is kept whole; where the client takes it too slowly, the upstream is read
 * no further. Also what becomes of an exchange that one of its two sides leaves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gate/parts.h"

#define COPY_BYTES_MAX 4096 /* of a body that are copied behind their head */
#define RPC_PIECE      64   /* bytes of JSON that are read at a time */

/*
 * Sends the scratch and, behind it, bytes that lie elsewhere. The client may turn out to be
 * gone, and the exchange with it: up->exchange tells.
 */
static void pass_on(struct exchange *x, const char *body, size_t n)
{
	struct worker *w = x->worker;
	struct conn *conn = x->conn;
	size_t head;

	if (w->out_length && n <= COPY_BYTES_MAX) { /* cheaper than two parts */
		out_bytes(w, body, n);
		n = 0;
	}
	head = w->out_length;
	w->out_length = 0;
	if (!conn || !(head + n))
		return;
	if (conn_send(conn, w->out, head, body, n) < 0) {
		exchange_client_left(x, false);
		return;
	}
	if (flow_is_full(&conn->flow) && x->up) {
		flow_pause(&x->up->flow);
		flow_set_timer(&conn->flow, TIMER_SEND);
	}
}

/* --- its end --- */

static void answer_done(struct exchange *x, bool is_last_byte)
{
	struct conn *conn = x->conn;
	struct up *up = x->up;
	bool is_whole = x->request_is_done;

	x->up_keep_alive = x->up_keep_alive && is_whole && is_last_byte;
	if (up)
		up_release(up, x->up_keep_alive);
	settle(x, TALLY_SERVED);
	if (!conn)
		return;
	if (!is_whole)
		conn->keep_alive = false;
	conn_next(conn);
}

/* Not where a client uploads or reads so slowly, or where events come but may go on no longer. */
static bool is_upstreams_fault(const struct exchange *x)
{
	bool is_held_up = x->conn && flow_is_full(&x->conn->flow);

	return x->request_is_done && !is_held_up && !(x->is_sse && x->sse.events);
}

/* The upstream broke off, or was too late. */
static void answer_broken(struct exchange *x, int error)
{
	struct conn *conn = x->conn;
	bool is_late = error == -ETIMEDOUT;

	if (!is_late)
		x->failure = 1u << CONFIG_FAIL_RESET;
	else if (is_upstreams_fault(x))
		x->failure = 1u << CONFIG_FAIL_TIMEOUT;
	if (conn && !x->answer_has_begun) {
		if (is_late)
			answer_failure(x, 504, "upstream_timeout",
				       "The service did not answer in time");
		else
			answer_failure(x, 502, "upstream_failed",
				       "The service broke off before it answered");
		return;
	}
	settle(x, is_late ? TALLY_UPSTREAM_TIMEOUT : TALLY_UPSTREAM_FAILED);
	if (conn)
		conn_close(conn); /* so that the client sees that something is missing */
}

/* A tunnel's upstream sends no more: its client may. */
static void tunnel_ended(struct exchange *x)
{
	struct conn *conn = x->conn;

	x->up_has_ended = true;
	flow_shutdown(&conn->flow);
	if (!conn->flow.has_ended)
		return;
	settle(x, TALLY_SERVED);
	conn_finish(conn);
}

/* An answer that ends with the connection has ended. */
static void until_close_ended(struct exchange *x)
{
	struct up *up = x->up;

	out_begin(x->worker);
	if (x->answer_is_chunked_out)
		out_text(x->worker, "0\r\n\r\n");
	pass_on(x, NULL, 0);
	if (up->exchange == x)
		answer_done(x, false);
}

void response_ended(struct exchange *x, int error)
{
	bool holds_permit = x->ticket.state == TICKET_RUNNING;

	/* Events may go on for long, but not with a permit. */
	if (error == -ETIMEDOUT && x->is_sse && x->conn && holds_permit && become_stream(x))
		return;
	if (error == 0 && x->answer_has_begun && x->answer_framing == HTTP_UNTIL_CLOSE)
		until_close_ended(x);
	else if (error == 0 && x->is_tunnel && x->conn)
		tunnel_ended(x);
	else
		answer_broken(x, error);
}

void exchange_client_left(struct exchange *x, bool is_half)
{
	struct conn *conn = x->conn;
	bool is_running = x->phase == EXCHANGE_RUNNING && x->request_is_done;

	if (is_running && x->is_tunnel && is_half && x->up && !x->up_has_ended) {
		flow_shutdown(&x->up->flow);
		return;
	}
	/* Half closed, it may wait for its answer yet: a write tells. Not a stream's client. */
	if (is_running && is_half && !x->is_get_stream && !x->is_stream && !x->is_new_era) {
		conn->keep_alive = false;
		return;
	}
	/* Sessions know no cancel by leaving: the call goes on, and so does its permit. */
	if (is_running && x->is_json && !x->is_new_era && x->up &&
	    x->ticket.state == TICKET_RUNNING) {
		x->conn = NULL;
		conn->exchange = NULL;
		list_append(&x->worker->detached, &x->detached);
		flow_read(&x->up->flow);
	} else {
		settle(x, x->is_stream || x->is_tunnel ? TALLY_SERVED : TALLY_CLIENT_LEFT);
	}
	conn_close(conn);
}

/* --- its head --- */

/* Are all responses among the events? */
static bool is_answered(const struct exchange *x)
{
	return x->is_sse && x->sse.responses >= (x->batch_requests ? x->batch_requests : 1);
}

/*
 * A stream gives its permit back as soon as it is known for one: a listener's when it begins,
 * a call's with its last response. Before those bytes go on, so that whoever has seen them
 * finds the permit free.
 */
static void let_go(struct exchange *x)
{
	if (x->conn && !x->is_stream && (x->is_get_stream || is_answered(x) || x->is_exempt))
		become_stream(x);
}

static void note_error(void *ctx, const struct rpc_message *message)
{
	struct exchange *x = ctx;

	if (message->error_code == RPC_INTERNAL_ERROR)
		x->failure = 1u << CONFIG_FAIL_RPC;
}

static void answer_begins(struct exchange *x, const struct http_message *message)
{
	struct conn *conn = x->conn;

	x->answer_has_begun = true;
	x->head_ns = flow_now_ns(&x->worker->flows);
	x->status = message->status;
	x->answer_framing = message->framing;
	x->answer_left = message->body_length;
	x->up_keep_alive = message->keep_alive;
	if (message->framing == HTTP_CHUNKED)
		http_chunked_init(&x->answer_chunked);
	x->answer_is_chunked_out =
		message->framing == HTTP_CHUNKED || message->framing == HTTP_UNTIL_CLOSE;
	if (x->answer_is_chunked_out && conn && conn->is_http10) {
		x->answer_is_chunked_out = false; /* its end is the connection's */
		conn->keep_alive = false;
	}
	if (!x->request_is_done && conn)
		conn->keep_alive = false;
	x->is_sse = http_type_is(http_value(message, HTTP_FIELD_CONTENT_TYPE), "text/event-stream");
	x->is_get_stream = x->is_get_stream && x->is_sse;
	x->is_rpc_answer = x->is_json && http_type_is(http_value(message, HTTP_FIELD_CONTENT_TYPE),
						      "application/json");
	if (x->is_rpc_answer) /* the request's is not needed any more */
		rpc_init(&x->rpc, note_error, x);
	if (!x->is_sse)
		return;
	sse_init(&x->sse);
	let_go(x);
}

/* The upstream changes over to another protocol: from here on bytes are bytes. */
static bool tunnel_begins(struct exchange *x, const struct http_message *message)
{
	struct up *up = x->up;
	struct conn *conn = x->conn;

	x->answer_has_begun = true;
	x->status = 101;
	if (!become_stream(x)) {
		x->answer_has_begun = false;
		refuse_stream(x);
		return false;
	}
	x->is_tunnel = true;
	conn->keep_alive = false;
	head_response(x, message);
	pass_on(x, NULL, 0);
	if (up->exchange == x)
		conn_resume(conn);
	return true;
}

/* How many of the bytes; 0: the head is not whole; -1: it is refused. */
static ssize_t answer_head(struct exchange *x, const char *bytes, size_t n)
{
	static const struct http_message_bounds bounds = {
		.line_bytes = 8192,
		.head_bytes = GATE_HEAD_MAX,
		.fields = HTTP_FIELDS_MAX,
	};
	struct worker *w = x->worker;
	struct http_message *message = &w->message;
	int length = http_scan(&x->scan, bytes, n, false, &bounds);

	if (length <= 0)
		return length;
	x->scan = (struct http_scan){0};
	if (http_parse_response(bytes, (size_t)length, x->is_head, message) < 0)
		return -1;
	if (message->status == 101) {
		bool is_wanted = x->conn && x->is_upgrade && message->has_upgrade;

		return is_wanted && tunnel_begins(x, message) ? length : -1;
	}
	if (message->status < 200) {
		x->has_interim = true;
		if (x->conn && !x->conn->is_http10)
			head_response(x, message);
		return length;
	}
	answer_begins(x, message);
	head_response(x, message);
	return length;
}

/* --- its body --- */

/* No further than to the result, which most answers begin with. */
static void look_for_error(struct exchange *x, const char *data, size_t n)
{
	while (n && x->is_rpc_answer) {
		size_t piece = n < RPC_PIECE ? n : RPC_PIECE;

		rpc_feed(&x->rpc, data, piece);
		x->is_rpc_answer = x->rpc.state == RPC_READING && !rpc_has_result(&x->rpc);
		data += piece;
		n -= piece;
	}
}

static void answer_data(struct exchange *x, const char *data, size_t n)
{
	uint64_t now_ns = flow_now_ns(&x->worker->flows);

	if (x->is_rpc_answer)
		look_for_error(x, data, n);
	if (!x->is_sse)
		return;
	sse_feed(&x->sse, data, n);
	if (x->sse.failures)
		x->failure = 1u << CONFIG_FAIL_RPC;
	if (!x->first_ns && x->sse.events)
		x->first_ns = now_ns;
	let_go(x);
}

/* Chunks are taken apart, and put together anew where the client understands them. */
static ssize_t answer_chunks(struct exchange *x, const char *bytes, size_t n, bool *ret_end)
{
	struct worker *w = x->worker;
	size_t used = 0;

	while (used < n && !*ret_end) {
		const char *data;
		size_t length, taken;
		enum http_chunked_event event = http_chunked_feed(&x->answer_chunked, bytes + used,
								  n - used, &taken, &data, &length);

		used += taken;
		if (event == HTTP_CHUNKED_BAD)
			return -1;
		if (event == HTTP_CHUNKED_DATA && length) {
			answer_data(x, data, length);
			if (x->answer_is_chunked_out)
				out_chunk(w, data, length);
			else
				out_bytes(w, data, length);
		}
		*ret_end = event == HTTP_CHUNKED_END;
	}
	if (*ret_end && x->answer_is_chunked_out) {
		out_text(w, "0\r\n");
		out_bytes(w, x->answer_chunked.trailers, x->answer_chunked.trailer_length);
		out_text(w, "\r\n");
	}
	if (*ret_end)
		release_permit(x);
	pass_on(x, NULL, 0);
	return (ssize_t)used;
}

/* How many of the bytes were the body's; -1: it breaks the rules. */
static ssize_t answer_body(struct exchange *x, const char *bytes, size_t n, bool *ret_end)
{
	struct worker *w = x->worker;
	size_t taken = n;

	switch (x->answer_framing) {
	case HTTP_CHUNKED:
		return answer_chunks(x, bytes, n, ret_end);
	case HTTP_LENGTH:
		taken = n < x->answer_left ? n : (size_t)x->answer_left;
		x->answer_left -= taken;
		*ret_end = x->answer_left == 0;
		answer_data(x, bytes, taken);
		if (*ret_end)
			release_permit(x);
		pass_on(x, bytes, taken);
		return (ssize_t)taken;
	case HTTP_UNTIL_CLOSE:
		answer_data(x, bytes, n);
		if (x->answer_is_chunked_out && n)
			out_chunk(w, bytes, n);
		pass_on(x, x->answer_is_chunked_out ? NULL : bytes,
			x->answer_is_chunked_out ? 0 : n);
		return (ssize_t)n;
	default:
		*ret_end = true;
		release_permit(x);
		pass_on(x, NULL, 0);
		return 0;
	}
}

/* Takes bytes of an answer. How many; -1: it is over or broken, and so is the exchange. */
static ssize_t answer_take(struct exchange *x, const char *bytes, size_t n)
{
	struct up *up = x->up;
	size_t used = 0;
	unsigned int interim = 0;
	bool is_end = false;

	out_begin(x->worker);
	while (used < n || (x->answer_has_begun && !is_end)) {
		bool was_begun = x->answer_has_begun;
		ssize_t r = was_begun ? answer_body(x, bytes + used, n - used, &is_end)
				      : answer_head(x, bytes + used, n - used);

		if (up->exchange != x) /* the client left meanwhile */
			return -1;
		interim += !x->answer_has_begun;
		if (r < 0 || interim > GATE_INTERIM_MAX) {
			answer_broken(x, -EPROTO);
			return -1;
		}
		used += (size_t)r;
		if (is_end) {
			answer_done(x, used == n);
			return -1;
		}
		if (x->is_tunnel || (!was_begun && r == 0) || (was_begun && used == n))
			break;
	}
	pass_on(x, NULL, 0); /* interim heads */
	return up->exchange == x ? (ssize_t)used : -1;
}

void response_bytes(struct exchange *x, const char *bytes, size_t n)
{
	struct up *up = x->up;
	char *held = up->held;
	size_t length = up->held_length;
	ssize_t used;

	if (x->is_tunnel) {
		out_begin(x->worker);
		pass_on(x, bytes, n);
		return;
	}
	if (length) { /* a head that came in pieces */
		char *grown = realloc(held, length + n);

		if (!grown) {
			answer_broken(x, -ENOMEM);
			return;
		}
		memcpy(grown + length, bytes, n);
		held = grown;
		bytes = grown;
		n += length;
	}
	up->held = NULL;
	up->held_length = 0;
	used = answer_take(x, bytes, n);
	if (used >= 0 && x->is_tunnel && (size_t)used < n) {
		pass_on(x, bytes + used, n - (size_t)used);
	} else if (used >= 0 && (size_t)used < n) {
		up->held = malloc(n - (size_t)used);
		if (up->held) {
			memcpy(up->held, bytes + used, n - (size_t)used);
			up->held_length = n - (size_t)used;
		}
	}
	free(held);
	if (used < 0 || up->exchange != x)
		return;
	if (!x->conn && is_answered(x)) /* nobody listens to what may follow */
		settle(x, TALLY_CLIENT_LEFT);
	else if (x->is_stream && !up->flow.has_ended)
		flow_stop_timer(&up->flow);
}
