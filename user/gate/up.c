// SPDX-License-Identifier: MIT
/*
 * Connections to the upstreams: a pool for each worker and upstream, the latest used first,
 * so that the others grow old and go. An upstream that can't be reached is passed over for
 * the next; a pooled connection that turns out closed before it answered anything is
 * replaced by a new one, where the request can be sent twice (GET, HEAD).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gate/parts.h"

static void up_failed(struct up *up, int error);

/* Out of the pool at once: the memory goes later. */
static void up_close(struct up *up)
{
	list_remove(&up->link);
	flow_close(&up->flow);
}

static void up_bytes(struct flow *flow, const char *bytes, size_t n)
{
	struct up *up = LIST_ITEM(flow, struct up, flow);

	if (up->exchange)
		response_bytes(up->exchange, bytes, n);
	else /* nobody asked */
		up_close(up);
}

/* It was closed under the request, before anything of an answer came. */
static bool may_repeat(const struct up *up)
{
	const struct exchange *x = up->exchange;

	return up->was_used && x->is_idempotent && !x->answer_has_begun && !x->has_interim &&
	       !x->scan.seen && !up->held_length;
}

static void up_ended(struct flow *flow, int error)
{
	struct up *up = LIST_ITEM(flow, struct up, flow);

	if (!up->exchange)
		up_close(up);
	else if (may_repeat(up))
		up_failed(up, error);
	else
		response_ended(up->exchange, error);
}

static void up_drained(struct flow *flow)
{
	struct up *up = LIST_ITEM(flow, struct up, flow);

	if (up->exchange && up->exchange->conn)
		conn_resume(up->exchange->conn);
}

static void up_closed(struct flow *flow)
{
	struct up *up = LIST_ITEM(flow, struct up, flow);

	list_remove(&up->link);
	free(up->held);
	free(up);
}

static void up_late(struct flow *flow, unsigned int timer)
{
	struct up *up = LIST_ITEM(flow, struct up, flow);

	if (timer == TIMER_CONNECT)
		up_failed(up, -ETIMEDOUT);
	else if (up->exchange)
		response_ended(up->exchange, -ETIMEDOUT);
	else
		up_close(up);
}

static void up_connected(struct flow *flow, int error)
{
	struct up *up = LIST_ITEM(flow, struct up, flow);

	if (error < 0) {
		up_failed(up, error);
		return;
	}
	flow_read(&up->flow);
	up->is_connected = true;
	tally_count(&up->worker->tally.upstream_connections, 1);
	out_begin(up->worker);
	flow_set_timer(&up->flow, TIMER_REQUEST);
	up_flush(up->exchange);
	up_drained(flow); /* the rest of the body may come */
}

static const struct flow_events up_events = {
	.connected = up_connected,
	.bytes = up_bytes,
	.ended = up_ended,
	.drained = up_drained,
	.closed = up_closed,
	.late = up_late,
};

/* Lets go of its exchange without closing. */
static void up_part(struct up *up)
{
	struct exchange *x = up->exchange;

	if (!x)
		return;
	up->exchange = NULL;
	x->up = NULL;
}

bool up_is_our_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS ||
	       error == -EADDRNOTAVAIL;
}

/* The next one, if it may have it. */
static void up_unreachable(struct exchange *x, int error)
{
	x->last_error = error;
	if (!up_is_our_shortage(error))
		x->failure = 1u << CONFIG_FAIL_CONNECT;
	dispatch_again(x);
}

/* Of the pool for this upstream: one was closed, so the others, which are older, may be too. */
static void up_close_pool(struct worker *w, uint32_t upstream)
{
	struct list *first;

	while ((first = list_first(&w->idle_ups[upstream])))
		up_close(LIST_ITEM(first, struct up, link));
}

/* It could not be reached, or was closed already: the next one, or the end. */
static void up_failed(struct up *up, int error)
{
	struct exchange *x = up->exchange;
	bool was_reached = up->was_used;

	out_begin(up->worker);
	x->early_is_sent = false;
	up_part(up);
	up_close(up);
	if (was_reached)
		up_close_pool(x->worker, x->upstream);
	else
		up_unreachable(x, error);
	if (up_run(x))
		up_flush(x);
}

/* On its way to be connected. */
static int up_new(struct worker *worker, uint32_t index, struct up **ret)
{
	struct up *up = calloc(1, sizeof(*up));
	int r;

	if (!up)
		return -ENOMEM;
	up->worker = worker;
	up->index = index;
	list_init(&up->link);
	r = flow_connect(&up->flow, &worker->flows, &worker->gate->upstreams[index].address,
			 &up_events);
	if (r < 0) {
		free(up);
		return r;
	}
	*ret = up;
	return 0;
}

/* No upstream can be reached. */
static void give_up(struct exchange *x, int error)
{
	if (!x->conn)
		settle(x, TALLY_UPSTREAM_FAILED);
	else if (error == -ETIMEDOUT)
		answer_failure(x, 504, "upstream_timeout", "The service can't be reached in time");
	else
		answer_failure(x, 502, "upstream_failed", "The service can't be reached");
}

static void up_take(struct exchange *x, struct up *up, bool was_used)
{
	up->exchange = x;
	up->was_used = was_used;
	x->up = up;
	flow_set_timer(&up->flow, was_used ? TIMER_REQUEST : TIMER_CONNECT);
}

bool up_run(struct exchange *x)
{
	struct worker *w = x->worker;
	struct up *up = NULL;

	x->phase = EXCHANGE_RUNNING;
	while (x->has_pass) {
		struct list *idle = list_first(&w->idle_ups[x->upstream]);
		int error;

		if (idle) {
			list_remove(idle);
			up_take(x, LIST_ITEM(idle, struct up, link), true);
			return true;
		}
		error = up_new(w, x->upstream, &up);
		if (error == 0) {
			up_take(x, up, false);
			return true;
		}
		up_unreachable(x, error);
	}
	give_up(x, x->last_error);
	return false;
}

/* Keeps what is in the scratch for later. */
static int early_keep(struct exchange *x)
{
	struct worker *w = x->worker;
	size_t wanted = x->early_length + w->out_length;
	char *grown;

	if (!w->out_length)
		return 0;
	if (wanted > x->early_capacity) {
		grown = realloc(x->early, wanted);
		if (!grown)
			return -ENOMEM;
		x->early = grown;
		x->early_capacity = wanted;
	}
	memcpy(x->early + x->early_length, w->out, w->out_length);
	x->early_length = wanted;
	w->out_length = 0;
	return 0;
}

/* has_broken: the upstream's connection has; else it is our own shortage. */
static void flush_failed(struct exchange *x, bool has_broken)
{
	struct conn *conn = x->conn;

	if (has_broken)
		x->failure = 1u << CONFIG_FAIL_RESET;
	settle(x, TALLY_UPSTREAM_FAILED);
	if (conn)
		answer_error(conn, 502, NULL, 0, false);
}

void up_flush(struct exchange *x)
{
	struct worker *w = x->worker;
	struct up *up = x->up;
	bool is_ready = up && up->is_connected && !up->flow.is_broken;
	bool is_kept = is_ready && may_repeat(up);
	size_t early;
	int r = 0;

	if (w->out_is_short || ((!is_ready || is_kept) && early_keep(x) < 0)) {
		w->out_length = 0;
		flush_failed(x, false);
		return;
	}
	early = x->early_is_sent ? 0 : x->early_length;
	if (!is_ready || !(early + w->out_length))
		return;
	r = flow_send(&up->flow, x->early, early, w->out, w->out_length);
	w->out_length = 0;
	x->early_is_sent = is_kept;
	if (!is_kept)
		x->early_length = 0;
	if (r < 0 && is_kept)
		up_failed(up, r);
	else if (r < 0)
		flush_failed(x, !up_is_our_shortage(r));
}

void up_release(struct up *up, bool is_clean)
{
	struct worker *w = up->worker;

	up_part(up);
	if (!is_clean || up->flow.has_ended || !up->is_connected || flow_is_full(&up->flow) ||
	    up->held_length || w->is_draining) {
		up_close(up);
		return;
	}
	list_prepend(&w->idle_ups[up->index], &up->link);
	flow_set_timer(&up->flow, TIMER_UP_IDLE);
	flow_read(&up->flow); /* so that its end is seen */
}

void up_close_idle(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->gate->upstream_count; i++)
		up_close_pool(worker, i);
}
