// SPDX-License-Identifier: MIT
/*
 * The exit of every request, whichever way it took: its permit or its place among the streams goes
 * to the next, it is counted, and its memory is kept for another.
 */
#include <stdlib.h>

#include "gate/parts.h"

void wake(struct exchange *x, struct worker *here)
{
	struct worker *w = x->worker;

	if (w == here) {
		list_append(&w->woken, &x->link);
		return;
	}
	uv_mutex_lock(&w->inbox_lock);
	list_append(&w->inbox_woken, &x->link);
	uv_mutex_unlock(&w->inbox_lock);
	worker_poke(w);
}

void admit_others(struct gate *gate, struct worker *here, uint64_t now_ns)
{
	struct ticket *ticket;

	for (int i = 0; i < GATE_ADMITTED_MAX; i++) {
		if (!dispatch_may(gate, now_ns) ||
		    !(ticket = admission_next(gate->admission, now_ns)))
			return;
		dispatch_choose(exchange_of(ticket), now_ns);
		wake(exchange_of(ticket), here);
	}
	uv_async_send(&gate->async); /* the main loop goes on, after others had the lock */
}

static void in_flight_less(struct worker *w)
{
	__atomic_store_n(&w->in_flight, w->in_flight - 1, __ATOMIC_RELAXED);
}

bool become_stream(struct exchange *x)
{
	struct worker *w = x->worker;
	struct gate *gate = w->gate;
	uint64_t now_ns = flow_now_ns(&w->flows);

	if (!x->first_ns)
		x->first_ns = now_ns;
	uv_mutex_lock(&gate->lock);
	x->is_stream = admission_stream_begin(gate->admission);
	if (x->is_stream) {
		dispatch_done(x, now_ns);
		admission_leave(gate->admission, &x->ticket, now_ns);
		admit_others(gate, w, now_ns);
		tell_queue(gate, now_ns);
	}
	uv_mutex_unlock(&gate->lock);
	if (!x->is_stream)
		return false;
	tally_move(&w->tally.streams, 1);
	in_flight_less(w);
	return true;
}

/* --- the exit --- */

static void settle_count(struct exchange *x, enum tally_outcome outcome, uint64_t now_ns)
{
	struct tally *tally = &x->worker->tally;
	uint64_t took_ns = (x->first_ns ? x->first_ns : now_ns) - x->began_ns;

	tally_count(&tally->outcomes[outcome], 1);
	if (outcome != TALLY_SERVED)
		return;
	tally_count(&tally->errors, x->status >= 500);
	tally_count(&tally->response_ns_sum, took_ns);
	histogram_record(&tally->response, took_ns);
}

static void exchange_free(struct exchange *x)
{
	struct worker *w = x->worker;

	if (x->framing == HTTP_CHUNKED)
		http_chunked_done(&x->chunked);
	if (x->answer_framing == HTTP_CHUNKED)
		http_chunked_done(&x->answer_chunked);
	free(x->early);
	list_remove(&x->detached);
	if (x->conn)
		x->conn->exchange = NULL;
	if (!x->is_released)
		in_flight_less(w);
	x->early = NULL;
	x->conn = NULL;
	list_append(&w->spare_exchanges, &x->link);
}

void release_permit(struct exchange *x)
{
	struct worker *w = x->worker;
	struct gate *gate = w->gate;
	uint64_t now_ns = flow_now_ns(&w->flows);

	if (!x->has_entered && !x->is_stream && !x->has_pass)
		return;
	uv_mutex_lock(&gate->lock);
	dispatch_done(x, now_ns);
	if (x->is_stream)
		admission_stream_end(gate->admission);
	admission_leave(gate->admission, &x->ticket, now_ns);
	admit_others(gate, w, now_ns);
	tell_queue(gate, now_ns);
	if (x->has_entered) { /* it may have been woken */
		uv_mutex_lock(&w->inbox_lock);
		list_remove(&x->link);
		uv_mutex_unlock(&w->inbox_lock);
	}
	uv_mutex_unlock(&gate->lock);
	if (x->is_stream)
		tally_move(&w->tally.streams, -1);
	else
		in_flight_less(w);
	x->has_entered = x->is_stream = false;
	x->is_released = true;
}

void settle(struct exchange *x, enum tally_outcome outcome)
{
	struct worker *w = x->worker;

	if (x->up)
		up_release(x->up, false);
	release_permit(x);
	settle_count(x, outcome, flow_now_ns(&w->flows));
	exchange_free(x);
}
