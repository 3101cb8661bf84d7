// SPDX-License-Identifier: MIT
/*
 * A client's connection. Its states, and what moves it:
 *
 *   accept -> PROXY --header--> HEAD --head--> BUSY --settled--> HEAD ...
 *      +----------------------->  |              |
 *                                 +--metrics--> LOCAL --text--> HEAD ...
 *   any but CLOSED: --last answer sent--> LINGER --eof, bytes, time--> CLOSED
 *                   --broken, late------> CLOSED
 *
 * One request at a time: what a client pipelines is held, up to GATE_HELD_MAX, and then
 * left in the kernel. An idle connection holds its struct and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/parts.h"
#include "gate/peers.h"
#include "net/proxy_protocol.h"

/* --- begin and end --- */

void conn_close(struct conn *conn)
{
	if (conn->state == CONN_CLOSED)
		return;
	conn->state = CONN_CLOSED;
	list_remove(&conn->waits);
	if (conn->counts)
		peers_leave(conn->worker->gate, conn->id, conn->is_direct,
			    flow_now_ns(&conn->worker->flows));
	conn->counts = false;
	__atomic_fetch_sub(&conn->worker->gate->connections, 1, __ATOMIC_RELAXED);
	tally_move(&conn->worker->tally.connections, -1);
	flow_close(&conn->flow);
}

static void conn_closed(struct flow *flow)
{
	struct conn *conn = LIST_ITEM(flow, struct conn, flow);

	list_remove(&conn->link);
	free(conn->held);
	free(conn);
}

void conn_finish(struct conn *conn)
{
	if (conn->state == CONN_CLOSED || conn->state == CONN_LINGER)
		return;
	conn->state = CONN_LINGER;
	conn->held_length = 0;
	if (conn->flow.has_ended && !flow_is_full(&conn->flow)) {
		conn_close(conn);
		return;
	}
	flow_shutdown(&conn->flow);
	flow_set_timer(&conn->flow, flow_is_full(&conn->flow) ? TIMER_SEND : TIMER_LINGER);
	flow_read(&conn->flow);
}

int conn_send(struct conn *conn, const char *head, size_t head_length, const char *body,
	      size_t body_length)
{
	tally_count(&conn->worker->tally.client_bytes_out, head_length + body_length);
	return flow_send(&conn->flow, head, head_length, body, body_length);
}

/* --- what comes in --- */

int conn_hold(struct conn *conn, const char *bytes, size_t n)
{
	size_t wanted = conn->held_length + n;
	char *grown;

	if (wanted > conn->held_capacity) {
		grown = realloc(conn->held, wanted);
		if (!grown)
			return -ENOMEM;
		conn->held = grown;
		conn->held_capacity = wanted;
	}
	memcpy(conn->held + conn->held_length, bytes, n);
	conn->held_length = wanted;
	return 0;
}

static bool conn_admit_peer(struct conn *conn)
{
	const struct settings *settings = conn->worker->settings;

	identify_conn(conn);
	conn->is_direct = conn->has_address && !conn->is_proxied;
	conn->counts =
		peers_enter(conn->worker->gate, conn->id, settings->max_connections_per_client,
			    conn->is_direct, flow_now_ns(&conn->worker->flows));
	return conn->counts;
}

static size_t take_proxy(struct conn *conn, const char *bytes, size_t n)
{
	struct sockaddr_storage source;
	bool has_source;
	int length = proxy_protocol_parse(bytes, n, &source, &has_source);

	if (length == 0)
		return 0;
	if (length > 0 && has_source) {
		identify_conn(conn);
		if (conn->has_address)
			peers_trust(conn->worker->gate, conn->id,
				    flow_now_ns(&conn->worker->flows));
		conn->peer = source;
	}
	if (length < 0 || !conn_admit_peer(conn)) {
		tally_count(&conn->worker->tally.connections_refused, 1);
		conn_close(conn);
		return n;
	}
	conn->state = CONN_HEAD;
	return (size_t)length;
}

static size_t take_head(struct conn *conn, const char *bytes, size_t n)
{
	struct worker *w = conn->worker;
	int length;

	if (conn->discard) { /* of a request that was refused */
		size_t gone = n < conn->discard ? n : (size_t)conn->discard;

		conn->discard -= gone;
		return gone;
	}
	length = http_scan(&conn->scan, bytes, n, true, &w->settings->bounds);
	if (length == 0) {
		if (conn->flow.timer != TIMER_HEAD || list_is_empty(&conn->flow.timer_link))
			flow_set_timer(&conn->flow, TIMER_HEAD);
		return 0;
	}
	conn->scan = (struct http_scan){0};
	flow_stop_timer(&conn->flow);
	w->pipelined_left -= conn->has_begun;
	conn->has_begun = true;
	if (length < 0) {
		tally_count(&w->tally.outcomes[TALLY_BAD_REQUEST], 1);
		conn->keep_alive = false;
		answer_error(conn, -length, NULL, 0, false);
		return n;
	}
	request_begin(conn, bytes, (size_t)length);
	return (size_t)length;
}

static size_t take_tunnel(struct exchange *x, const char *bytes, size_t n)
{
	if (!x->up || flow_is_full(&x->up->flow))
		return 0;
	if (flow_send(&x->up->flow, bytes, n, NULL, 0) < 0)
		exchange_client_left(x, false);
	return n;
}

/* Does the request wait for something before more of it can be taken? */
static bool is_held_up(const struct exchange *x)
{
	if (x->request_is_done)
		return !x->is_tunnel;
	if (x->phase == EXCHANGE_DECIDING)
		return false;
	return x->early_length >= FLOW_READ_BYTES || !x->up || !x->up->is_connected ||
	       flow_is_full(&x->up->flow);
}

static size_t take_body(struct conn *conn, const char *bytes, size_t n)
{
	struct exchange *x = conn->exchange;

	if (is_held_up(x))
		return 0;
	return x->is_tunnel ? take_tunnel(x, bytes, n) : request_body(x, bytes, n);
}

/* Not while an answer is kept; and behind another one, not too many in a turn of the loop. */
static bool may_begin(struct conn *conn)
{
	struct worker *w = conn->worker;

	if (flow_is_full(&conn->flow))
		return false;
	if (!conn->has_begun || w->pipelined_left)
		return true;
	list_append(&w->later, &conn->waits);
	return false;
}

/* Takes what it can of the bytes. The connection may be closed behind it. */
static size_t conn_take(struct conn *conn, const char *bytes, size_t n)
{
	struct worker *w = conn->worker;
	size_t used = 0, taken = 1;

	conn->is_taking = true;
	out_begin(w);
	while (used < n && taken) {
		switch (conn->state) {
		case CONN_PROXY:
			taken = take_proxy(conn, bytes + used, n - used);
			break;
		case CONN_HEAD:
			taken = may_begin(conn) ? take_head(conn, bytes + used, n - used) : 0;
			break;
		case CONN_BUSY:
			taken = take_body(conn, bytes + used, n - used);
			break;
		case CONN_LINGER:
			conn->lingered += n - used;
			taken = n - used;
			break;
		default:
			taken = 0;
		}
		used += taken;
		/* Whole, or as much of it as there is: off it goes, before anything else. */
		if (conn->state == CONN_BUSY &&
		    (conn->exchange->request_is_done || used == n || !taken))
			up_flush(conn->exchange);
	}
	conn->is_taking = false;
	return used;
}

/* Will it go on by itself: what is kept is sent, or its requests have their turn? */
static bool is_under_way(const struct conn *conn)
{
	return flow_is_full(&conn->flow) || !list_is_empty(&conn->waits);
}

/* After the bytes: read on, or not; and for how long to wait. */
static void conn_wait(struct conn *conn)
{
	if (conn->state == CONN_CLOSED)
		return;
	if (conn->state == CONN_LINGER && conn->lingered > GATE_LINGER_BYTES) {
		conn_close(conn);
		return;
	}
	if (!conn->held_length && conn->held && conn->state == CONN_HEAD) {
		free(conn->held);
		conn->held = NULL;
		conn->held_capacity = 0;
	}
	if (conn->state == CONN_HEAD && !conn->held_length && !flow_is_full(&conn->flow))
		flow_set_timer(&conn->flow, TIMER_IDLE);
	if (conn->held_length >= GATE_HELD_MAX && (conn->state != CONN_HEAD || is_under_way(conn)))
		flow_pause(&conn->flow);
	else
		flow_read(&conn->flow);
}

/* What is held, as far as it can be taken now. */
static void conn_take_held(struct conn *conn)
{
	while (conn->held_length && conn->state != CONN_CLOSED) {
		char *held = conn->held;
		size_t length = conn->held_length, used;

		used = conn_take(conn, held, length);
		if (conn->state == CONN_CLOSED || conn->state == CONN_LINGER)
			return;
		conn->held_length -= used;
		memmove(conn->held, conn->held + used, conn->held_length);
		if (!used)
			return;
	}
}

static void conn_bytes(struct flow *flow, const char *bytes, size_t n)
{
	struct conn *conn = LIST_ITEM(flow, struct conn, flow);
	size_t used = 0;

	conn->has_begun = false;
	tally_count(&conn->worker->tally.client_bytes_in, n);
	if (!conn->held_length)
		used = conn_take(conn, bytes, n);
	if (conn->state == CONN_CLOSED)
		return;
	if (used < n && conn_hold(conn, bytes + used, n - used) < 0) {
		conn_close(conn);
		return;
	}
	conn_take_held(conn);
	conn_wait(conn);
}

void conn_resume(struct conn *conn)
{
	if (conn->is_taking || conn->state == CONN_CLOSED)
		return;
	conn->has_begun = false;
	conn_take_held(conn);
	if (conn->state == CONN_HEAD && conn->flow.has_ended && !is_under_way(conn)) {
		conn_finish(conn);
		return;
	}
	conn_wait(conn);
}

void conn_next(struct conn *conn)
{
	if (conn->state == CONN_CLOSED)
		return;
	if (!conn->keep_alive) {
		conn_finish(conn);
		return;
	}
	conn->state = CONN_HEAD;
	flow_stop_timer(&conn->flow);
	if (flow_is_full(&conn->flow))
		flow_set_timer(&conn->flow, TIMER_SEND);
	conn_resume(conn);
}

/* --- what else happens --- */

static void conn_ended(struct flow *flow, int error)
{
	struct conn *conn = LIST_ITEM(flow, struct conn, flow);

	if (conn->state == CONN_BUSY)
		exchange_client_left(conn->exchange, error == 0);
	else if (conn->state == CONN_LOCAL && error == 0)
		conn->keep_alive = false;
	else if (error < 0 || !is_under_way(conn)) /* else it has answers yet to get */
		conn_close(conn);
}

static void conn_drained(struct flow *flow)
{
	struct conn *conn = LIST_ITEM(flow, struct conn, flow);

	if (conn->state == CONN_LINGER) {
		flow_set_timer(flow, TIMER_LINGER);
		if (flow->has_ended)
			conn_close(conn);
		return;
	}
	flow_stop_timer(flow);
	if (conn->state == CONN_BUSY && conn->exchange->up) {
		struct exchange *x = conn->exchange;

		flow_read(&x->up->flow);
	}
	conn_resume(conn);
}

/* A body that comes more slowly than it may: an attack with patience. */
static void conn_look_at_rate(struct conn *conn)
{
	struct exchange *x = conn->exchange;
	uint32_t rate = conn->worker->settings->min_body_rate;
	bool is_asked = !x->expects_continue || x->has_interim || x->body_bytes;
	bool is_slow = !is_held_up(x) && rate && is_asked &&
		       x->rate_bytes < (uint64_t)rate * (GATE_RATE_MS / 1000);

	x->rate_bytes = 0;
	if (!is_slow) {
		flow_set_timer(&conn->flow, TIMER_BODY);
		return;
	}
	if (x->answer_has_begun) {
		settle(x, TALLY_BAD_REQUEST);
		conn_close(conn);
		return;
	}
	settle(x, TALLY_BAD_REQUEST);
	answer_error(conn, 408, NULL, 0, false);
}

static void conn_late(struct flow *flow, unsigned int timer)
{
	struct conn *conn = LIST_ITEM(flow, struct conn, flow);

	switch (timer) {
	case TIMER_HEAD:
		tally_count(&conn->worker->tally.outcomes[TALLY_BAD_REQUEST], 1);
		conn->keep_alive = false;
		conn->held_length = 0;
		answer_error(conn, 408, NULL, 0, false);
		break;
	case TIMER_BODY:
		if (conn->state == CONN_BUSY && !conn->exchange->request_is_done)
			conn_look_at_rate(conn);
		break;
	case TIMER_QUEUE:
		if (conn->state == CONN_BUSY)
			admit_too_late(conn->exchange);
		break;
	case TIMER_SEND: /* it takes nothing */
		if (conn->state == CONN_BUSY)
			exchange_client_left(conn->exchange, false);
		else
			conn_close(conn);
		break;
	default:
		conn_close(conn);
	}
}

static const struct flow_events conn_events = {
	.bytes = conn_bytes,
	.ended = conn_ended,
	.drained = conn_drained,
	.closed = conn_closed,
	.late = conn_late,
};

/* --- accept --- */

static bool conn_start(struct conn *conn)
{
	const struct settings *settings = conn->worker->settings;
	bool has_header = settings_covers(settings->proxy_protocol, settings->proxy_protocol_count,
					  &conn->peer);

	conn->is_proxied = has_header;
	conn->state = has_header ? CONN_PROXY : CONN_HEAD;
	flow_set_timer(&conn->flow, TIMER_HEAD);
	if (!has_header && !conn_admit_peer(conn))
		return false;
	flow_read(&conn->flow);
	return true;
}

void conn_accept(struct worker *worker, int fd, const struct sockaddr_storage *peer)
{
	struct gate *gate = worker->gate;
	struct conn *conn = calloc(1, sizeof(*conn));
	uint32_t open = __atomic_add_fetch(&gate->connections, 1, __ATOMIC_RELAXED);

	if (!conn)
		close(fd);
	if (!conn || flow_open(&conn->flow, &worker->flows, fd, &conn_events) < 0) {
		__atomic_fetch_sub(&gate->connections, 1, __ATOMIC_RELAXED);
		free(conn);
		return;
	}
	conn->worker = worker;
	conn->peer = *peer;
	list_init(&conn->link);
	list_init(&conn->waits);
	list_append(&worker->conns, &conn->link);
	tally_move(&worker->tally.connections, 1);
	tally_count(&worker->tally.connections_accepted, 1);
	if (open > worker->settings->max_connections || !conn_start(conn)) {
		tally_count(&worker->tally.connections_refused, 1);
		conn_close(conn);
	}
}

/* --- the metrics --- */

void conn_ask_metrics(struct conn *conn)
{
	struct worker *w = conn->worker;

	conn->state = CONN_LOCAL;
	conn->question = ++w->next_question;
	list_append(&w->asked, &conn->waits);
	if (gate_ask_metrics(w->gate, w, conn->question) == 0)
		return;
	list_remove(&conn->waits);
	answer_error(conn, 503, NULL, 0, false);
}

void conn_metrics(struct worker *worker, uint64_t question, char *text, size_t length)
{
	struct list *first = list_first(&worker->asked);
	struct conn *conn = first ? LIST_ITEM(first, struct conn, waits) : NULL;

	if (!conn || conn->question != question) /* who asked has left */
		return;
	list_remove(first);
	if (text)
		answer_text(conn, "application/json", text, length);
	else
		answer_error(conn, 503, NULL, 0, false);
}
