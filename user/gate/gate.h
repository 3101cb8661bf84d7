/* SPDX-License-Identifier: MIT */
/*
 * The gate: an HTTP/1.1 reverse proxy that bounds how many requests run at the upstream,
 * queues the rest fairly, and refuses honestly. It knows nothing of BPF: the client table
 * whose request buckets it takes from is handed to it, the edge's or one of its own.
 *
 *   gate.c      begin, reload, drain, end          worker.c    a loop, its listeners, its inbox
 *   conn.c      a client's connection              up.c        connections to the upstreams
 *   request.c   a request as it comes in           response.c  its answer as it goes out
 *   admit.c     may it run: breaker, never-limited, rate, concurrency, queue
 *   dispatch.c  to which upstream              adapt.c     how many at once
 *   health.c    checks of the upstreams
 *   settle.c    the one exit                       tell.c      events, and the edge
 *   refuse.c    answers of our own                 heads.c     every head, written anew
 *   identify.c  who the client is                  settings.c  the configuration, ready for use
 *
 * The story of a request: conn_bytes -> request_begin -> request_body -> admit -> run ->
 * up_send ... up_bytes -> response_head -> response_body -> settle.
 *
 * The functions here are for the thread of the main loop alone.
 */
#ifndef HATAGO_GATE_GATE_H
#define HATAGO_GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "core/clients.h"
#include "core/tally.h"

struct gate;

enum gate_event {
	GATE_LIMIT_EXCEEDED,
	GATE_QUEUE_CHANGED,
	GATE_ESCALATED,
	GATE_ESCALATION_ENDED,
	GATE_BREAKER_CHANGED, /* one upstream's */
	GATE_LIMIT_CHANGED,   /* how many may run at once, by adaptation */
	GATE_CIRCUIT_OPENED,  /* none of the upstreams may have anything any more */
};

/* What the gate asks of its owner, on the main loop's thread. */
struct gate_owner {
	void *ctx;
	/* json: one object, valid during the call. */
	void (*event)(void *ctx, enum gate_event event, const char *json);
	/* The JSON of the metrics endpoint, from malloc(); NULL: out of memory. */
	char *(*metrics)(void *ctx, size_t *ret_length);
};

/* Opens the listeners, so that whatever can refuse a start does so before anything runs. */
int gate_new(const struct config *config, uv_loop_t *main_loop, const struct gate_owner *owner,
	     struct gate **ret, struct err *err);
/* Starts the workers. To be called once the process has dropped its rights. */
int gate_start(struct gate *gate, struct err *err);
/* The edge's client table from now on; NULL: the gate's own. The memory stays the caller's. */
void gate_set_clients(struct gate *gate, const struct clients *edge);
/* In force for the next request; nothing under way is lost. -ENOMEM: nothing has changed. */
int gate_reload(struct gate *gate, const struct config *config, struct err *err);
/* No new work from now on: requests are refused, idle connections closed. */
void gate_drain(struct gate *gate);
/* Requests in flight and waiting, but for streams; 0: a drain is over. */
uint32_t gate_in_flight(struct gate *gate);
/* As an operator wants it. -ENOENT: there is no upstream of this name; NULL: all of them. */
int gate_hold_breaker(struct gate *gate, const char *upstream, enum breaker_hold hold);
/* No upstream may have anything now. */
bool gate_circuit_is_open(struct gate *gate);
/* Of maxConcurrent, so much may be used: above 0, up to 1. */
void gate_set_scale(struct gate *gate, double scale);
/* To be called about once a second: ends of escalations, and trust that is kept up. */
void gate_tick(struct gate *gate);
void gate_tally(struct gate *gate, struct tally_gate *ret);
/* Closes everything, joins the workers, frees; the main loop must run once more. Accepts NULL. */
void gate_free(struct gate *gate);

#endif
