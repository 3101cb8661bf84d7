// SPDX-License-Identifier: MIT
/*
 * A request as it comes in: what its head says it is, and its body on the way to the
 * upstream, which is read before the decision only where JSON-RPC stands in it, and no
 * further than max_decision_bytes. Everything is gathered in the worker's scratch, head
 * first; up_flush() sends it on or keeps it.
 */
#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#include "gate/parts.h"
#include "gate/path.h"

#define ERA_WITHOUT_SESSIONS \
	"2026-07-28" /* MCP from this version on: no sessions, cancel by leaving */

static bool text_is(struct http_text text, const char *wanted)
{
	return text.length == strlen(wanted) && memcmp(text.at, wanted, text.length) == 0;
}

static bool has_field(const struct http_message *message, const char *lower)
{
	for (uint32_t i = 0; i < message->field_count; i++)
		if (http_text_is(message->field[i].name, lower))
			return true;
	return false;
}

/* --- what it is --- */

static bool method_is_of(const struct rpc_message *message, const char *const *methods)
{
	for (; *methods; methods++)
		if (rpc_method_is(message, *methods))
			return true;
	return false;
}

/* With which a session begins: who gets through initialize must get through these. */
static bool is_handshake(const struct rpc_message *message)
{
	static const char *const methods[] = {
		"initialize",
		"server/discover",
		"tools/list",
		"resources/list",
		"resources/templates/list",
		"prompts/list",
		NULL,
	};

	return method_is_of(message, methods);
}

/* What may never wait: a response to the server's own request would deadlock the call that
 * holds the permit; notifications, cancellations above all, cost nothing. */
static bool is_never_limited(const struct rpc_message *message)
{
	if (message->is_unclear)
		return false;
	return message->kind == RPC_NOTIFICATION || message->kind == RPC_RESPONSE ||
	       (message->kind == RPC_REQUEST && rpc_method_is(message, "ping"));
}

static void take_class(struct exchange *x, const struct setting_class *class)
{
	x->class_cost = class->cost;
	x->ticket.class_id = class->id;
	x->has_class_limit = class->has_limit;
	if (class->has_limit)
		x->class_limit = class->limit;
}

/* What could turn out to be anything costs as much as the dearest. */
static uint32_t dearest(const struct exchange *x)
{
	const struct settings *settings = x->worker->settings;

	return settings->dearest > x->route_cost ? settings->dearest : x->route_cost;
}

/* Of a batch, the dearest message's class holds for all. */
static void count_message(void *ctx, const struct rpc_message *message)
{
	struct exchange *x = ctx;
	const struct settings *settings = x->worker->settings;
	const struct setting_class *class = NULL;

	if (is_never_limited(message)) {
		x->batch_others++;
		return;
	}
	if (!x->batch_requests++)
		x->first = *message;
	if (message->is_unclear || x->rpc.is_batch)
		x->first.id_length = 0; /* whose it is can't be told */
	if (!message->is_unclear)
		class = settings_class(settings->methods, settings->method_count, message->method,
				       message->method_length);
	x->cost += message->is_unclear ? dearest(x) : class ? class->cost : x->route_cost;
	if (class && class->cost >= x->class_cost)
		take_class(x, class);
	x->is_handshake = !message->is_unclear && is_handshake(message);
	if (x->is_new_era && !x->rpc.is_batch && rpc_method_is(message, "subscriptions/listen"))
		x->is_get_stream = true;
}

/* A route's class holds where no method's does. */
static void classify_route(struct exchange *x, const struct http_message *message)
{
	const struct settings *settings = x->worker->settings;
	char normal[PATH_NORMAL_MAX];
	size_t length = path_normal(message->path.at, message->path.length, normal);
	const struct setting_class *class =
		settings_class(settings->routes, settings->route_count, normal, length);

	bool is_plain =
		length == message->path.length && memcmp(normal, message->path.at, length) == 0;

	x->route_cost = 1;
	if (!class)
		return;
	/* Excluded only by its plain name: what it means otherwise is up to the upstream. */
	x->is_exempt = class->exclude && is_plain;
	if (!class->exclude)
		x->route_cost = class->cost;
	take_class(x, class);
	x->class_cost = 0; /* any method's goes before */
}

/* JSON that we can read: in no coding, and in UTF-8. */
static bool is_readable(const struct http_message *message)
{
	struct http_text type = http_value(message, HTTP_FIELD_CONTENT_TYPE);
	const char *charset = memmem(type.at, type.length, "charset", 7);

	if (has_field(message, "content-encoding"))
		return false;
	return !charset || memmem(charset, (size_t)(type.at + type.length - charset), "tf-8", 4) ||
	       memmem(charset, (size_t)(type.at + type.length - charset), "TF-8", 4);
}

static void classify(struct exchange *x, const struct http_message *message)
{
	struct http_text version = http_value(message, HTTP_FIELD_MCP_PROTOCOL_VERSION);

	x->is_head = message->method == HTTP_HEAD;
	x->is_idempotent = message->framing == HTTP_NO_BODY &&
			   (message->method == HTTP_GET || message->method == HTTP_HEAD);
	x->is_new_era = version.length == strlen(ERA_WITHOUT_SESSIONS) &&
			memcmp(version.at, ERA_WITHOUT_SESSIONS, version.length) >= 0;
	/* Another protocol than WebSocket could carry requests past every limit (h2c). */
	x->is_upgrade = message->has_upgrade && message->minor == 1 &&
			http_text_is(http_value(message, HTTP_FIELD_UPGRADE), "websocket");
	classify_route(x, message);
	if (message->method == HTTP_DELETE && has_field(message, "mcp-session-id"))
		x->is_exempt = true;
	x->is_get_stream =
		message->method == HTTP_GET &&
		http_list_has(http_value(message, HTTP_FIELD_ACCEPT), "text/event-stream");
	x->is_json = message->method == HTTP_POST && !x->request_is_done &&
		     http_type_is(http_value(message, HTTP_FIELD_CONTENT_TYPE), "application/json");
	x->cost = x->is_json ? 0 : x->route_cost;
	if (x->is_json && !is_readable(message)) {
		x->is_json = false;
		x->cost = dearest(x);
	}
}

/* --- its beginning --- */

static struct exchange *exchange_new(struct conn *conn)
{
	struct worker *w = conn->worker;
	struct list *spare = list_first(&w->spare_exchanges);
	struct exchange *x = spare ? LIST_ITEM(spare, struct exchange, link) : malloc(sizeof(*x));

	if (!x)
		return NULL;
	if (spare)
		list_remove(spare);
	memset(x, 0, offsetof(struct exchange, rpc));
	x->first.method_length = x->first.id_length = 0;
	ticket_init(&x->ticket);
	list_init(&x->link);
	list_init(&x->detached);
	x->worker = w;
	x->conn = conn;
	x->began_ns = flow_now_ns(&w->flows);
	conn->exchange = x;
	conn->state = CONN_BUSY;
	__atomic_store_n(&w->in_flight, w->in_flight + 1, __ATOMIC_RELAXED);
	return x;
}

static bool is_metrics(const struct worker *w, const struct http_message *message)
{
	return w->settings->endpoint && message->method == HTTP_GET &&
	       text_is(message->path, w->settings->endpoint);
}

/* 0, or the status that refuses the request whatever it asks for. */
static int request_bound(const struct worker *w, const struct http_message *message)
{
	uint32_t types = 0;

	for (uint32_t i = 0; i < message->field_count; i++)
		types += message->field[i].id == HTTP_FIELD_CONTENT_TYPE;
	if (types > 1) /* which of them holds would be a matter of taste */
		return 400;
	if (message->framing == HTTP_LENGTH && message->body_length > w->settings->max_body_bytes)
		return 413;
	return 0;
}

static void request_start(struct conn *conn, const struct http_message *message)
{
	struct worker *w = conn->worker;
	struct exchange *x = exchange_new(conn);

	if (!x) {
		conn_close(conn);
		return;
	}
	x->framing = message->framing;
	x->left = message->body_length;
	x->request_is_done = x->framing == HTTP_NO_BODY ||
			     (x->framing == HTTP_LENGTH && message->body_length == 0);
	if (x->framing == HTTP_CHUNKED)
		http_chunked_init(&x->chunked);
	classify(x, message);
	identify_request(x, message);
	/* Who must decide by the body asks for it; else the upstream does. */
	x->expects_continue = message->expects_continue && !x->is_json;
	out_begin(w);
	head_request(x, message);
	if (!x->is_json || x->request_is_done) {
		admit(x);
		return;
	}
	rpc_init(&x->rpc, count_message, x);
	if (message->expects_continue)
		conn_send(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25, NULL, 0);
	if (conn->state == CONN_BUSY)
		flow_set_timer(&conn->flow, TIMER_BODY);
}

void request_begin(struct conn *conn, const char *head, size_t length)
{
	struct worker *w = conn->worker;
	struct http_message *message = &w->message;
	int status = -http_parse_request(head, length, message);

	conn->keep_alive = status == 0 && message->keep_alive && !w->is_draining;
	conn->is_http10 = status == 0 && message->minor == 0;
	if (status == 0)
		status = request_bound(w, message);
	if (status) {
		tally_count(&w->tally.outcomes[TALLY_BAD_REQUEST], 1);
		answer_error(conn, status, NULL, 0, false);
	} else if (is_metrics(w, message)) {
		tally_count(&w->tally.outcomes[TALLY_LOCAL], 1);
		conn->discard = message->framing == HTTP_LENGTH ? message->body_length : 0;
		conn->keep_alive = conn->keep_alive && message->framing != HTTP_CHUNKED;
		conn_ask_metrics(conn);
	} else {
		request_start(conn, message);
	}
}

/* --- its body --- */

/*
 * The body is read as far as it is going to be. What is no JSON-RPC, or can't be read to
 * its end, costs as much as the dearest; a batch must be read whole, since it is counted.
 */
static void decide(struct exchange *x)
{
	struct rpc *rpc = &x->rpc;
	bool is_whole = rpc->state == RPC_WHOLE;
	bool is_long = !is_whole && rpc->is_batch && rpc->state == RPC_READING;

	if (is_long || x->batch_requests + x->batch_others > x->worker->settings->max_batch) {
		answer_failure(x, 413, "batch_limit", "The batch has too many messages");
		return;
	}
	if (!is_whole && rpc->state == RPC_READING) {
		rpc->message.is_unclear = rpc->message.is_unclear || !rpc->message.method_length;
		count_message(x, &rpc->message);
		if (x->cost < dearest(x)) /* another method may come yet */
			x->cost = dearest(x);
	}
	if (rpc->state == RPC_BROKEN)
		x->cost = dearest(x);
	x->is_exempt = x->is_exempt || (is_whole && x->batch_others && !x->batch_requests);
	if (x->batch_requests != 1)
		x->is_handshake = false;
	if (is_whole && !x->batch_requests && !x->batch_others)
		x->cost = x->route_cost;
	admit(x);
}

static void body_data(struct exchange *x, const char *data, size_t n)
{
	x->body_bytes += n;
	x->rate_bytes += n;
	if (x->phase == EXCHANGE_DECIDING && x->rpc.state != RPC_BROKEN)
		rpc_feed(&x->rpc, data, n);
	if (x->framing == HTTP_CHUNKED)
		out_chunk(x->worker, data, n);
	else
		out_bytes(x->worker, data, n);
}

static size_t body_length(struct exchange *x, const char *bytes, size_t n)
{
	size_t taken = n < x->left ? n : (size_t)x->left;

	body_data(x, bytes, taken);
	x->left -= taken;
	x->request_is_done = x->left == 0;
	return taken;
}

/* How many it took; -1: bad chunks. */
static ssize_t body_chunks(struct exchange *x, const char *bytes, size_t n)
{
	size_t used = 0;

	while (used < n) {
		const char *data;
		size_t length, taken;
		enum http_chunked_event event = http_chunked_feed(&x->chunked, bytes + used,
								  n - used, &taken, &data, &length);

		used += taken;
		if (event == HTTP_CHUNKED_BAD)
			return -1;
		if (event == HTTP_CHUNKED_DATA && length)
			body_data(x, data, length);
		if (event != HTTP_CHUNKED_END)
			continue;
		out_bytes(x->worker, "0\r\n", 3);
		if (x->chunked.trailer_length)
			out_bytes(x->worker, x->chunked.trailers, x->chunked.trailer_length);
		out_bytes(x->worker, "\r\n", 2);
		x->request_is_done = true;
		break;
	}
	return (ssize_t)used;
}

/* A body that breaks the rules: what may have reached the upstream is broken off there. */
static void body_refuse(struct exchange *x, int status)
{
	struct conn *conn = x->conn;
	bool may_answer = !x->answer_has_begun;

	settle(x, TALLY_BAD_REQUEST);
	if (may_answer)
		answer_error(conn, status, NULL, 0, false);
	else
		conn_close(conn);
}

size_t request_body(struct exchange *x, const char *bytes, size_t n)
{
	struct conn *conn = x->conn;
	ssize_t taken = x->framing == HTTP_CHUNKED ? body_chunks(x, bytes, n)
						   : (ssize_t)body_length(x, bytes, n);

	if (taken < 0 || x->worker->out_is_short) {
		body_refuse(x, 400);
		return n;
	}
	if (x->body_bytes > x->worker->settings->max_body_bytes) {
		body_refuse(x, 413);
		return n;
	}
	if (x->request_is_done && x->phase == EXCHANGE_RUNNING) {
		x->ran_ns = flow_now_ns(&x->worker->flows);
		flow_stop_timer(&conn->flow);
	}
	if (x->phase == EXCHANGE_DECIDING &&
	    (x->request_is_done || x->rpc.state == RPC_BROKEN ||
	     x->body_bytes >= x->worker->settings->max_decision_bytes))
		decide(x);
	return (size_t)taken;
}
