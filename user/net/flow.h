/* SPDX-License-Identifier: MIT */
/*
 * A stream of bytes on a uv loop, TCP or Unix: what the gate's connections to both sides
 * have in common. It reads into one buffer that the whole loop shares, so an idle flow
 * holds no memory but its struct; it writes at once what the kernel takes, and keeps a copy
 * of the rest, for which its owner stops the other side (back-pressure). Time-outs are
 * lists with one duration each, so to set one costs no heap.
 *
 * All of it runs on the loop's thread. SIGPIPE is ignored by the process.
 */
#ifndef HATAGO_NET_FLOW_H
#define HATAGO_NET_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#include "base/list.h"

#define FLOW_READ_BYTES (64 << 10) /* of one read */
#define FLOW_TICK_MS	20	   /* how late a time-out may be */
#define FLOW_TIMERS_MAX 12

struct flow;

/* What happens to a flow. `closed` is the last and always comes after flow_close(). */
struct flow_events {
	/* Bytes, valid during the call. */
	void (*bytes)(struct flow *flow, const char *bytes, size_t n);
	/* The other side sends no more (0), or the flow broke (negative errno); each at most once.
	 */
	void (*ended)(struct flow *flow, int error);
	/* All that was kept is written. */
	void (*drained)(struct flow *flow);
	void (*closed)(struct flow *flow);
	void (*late)(struct flow *flow, unsigned int timer);
};

/* A loop's flows: the buffer that they read into, and their time-outs. */
struct flow_loop {
	uv_loop_t *uv;
	uint64_t now_ns; /* CLOCK_MONOTONIC, as first asked for in this turn of the loop; 0: not yet
			  */
	uv_timer_t tick;
	uv_prepare_t prepare;
	struct list timers[FLOW_TIMERS_MAX]; /* by deadline */
	uint64_t timer_ns[FLOW_TIMERS_MAX];
	char buffer[FLOW_READ_BYTES];
};

struct flow {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
	const struct flow_events *events;
	struct flow_loop *loop;
	uv_write_t write;
	uv_connect_t connect;
	uv_connect_cb connected;
	char *writing; /* what uv has; NULL: nothing is under way */
	char *kept;    /* what comes after it */
	size_t kept_length, kept_capacity;
	struct list timer_link;
	uint64_t deadline_ns;
	uint8_t timer;
	bool is_reading, is_closing, has_ended, is_broken;
};

/* 0, or a negative errno. The timers' durations are to be set next. */
int flow_loop_init(struct flow_loop *loop, uv_loop_t *uv);
/* Where it is shorter than before, nobody who waits already waits longer than that from now. */
void flow_loop_set_timer(struct flow_loop *loop, unsigned int timer, uint64_t ms);
/* Closes its own handles. */
void flow_loop_close(struct flow_loop *loop);
/* The clock, read once for each turn of the loop. */
uint64_t flow_now_ns(struct flow_loop *loop);

/* is_unix: a pipe. The flow must be closed by flow_close() from then on. */
int flow_init(struct flow *flow, struct flow_loop *loop, bool is_unix,
	      const struct flow_events *events);
int flow_accept(struct flow *flow, uv_stream_t *listener);
/* done: 0 or a negative errno; is not called after flow_close(). 0, or a negative errno. */
int flow_connect(struct flow *flow, const struct sockaddr_storage *address, uv_connect_cb done);

/* Does nothing where it reads already. 0, or a negative errno. */
int flow_read(struct flow *flow);
void flow_pause(struct flow *flow);
/*
 * Sends both parts; either may be empty. What the kernel does not take is copied and sent
 * later: flow_is_full() then. 0, or a negative errno after which the flow is of no use.
 */
int flow_send(struct flow *flow, const char *head, size_t head_length, const char *body,
	      size_t body_length);
bool flow_is_full(const struct flow *flow);
/* Tells the other side that no more comes; only when it is not full. */
void flow_shutdown(struct flow *flow);
/* `late` is called once when the timer's duration has passed, unless it is set again. */
void flow_set_timer(struct flow *flow, unsigned int timer);
void flow_stop_timer(struct flow *flow);
/* Closes at once; `closed` is called from the loop. May be called twice. */
void flow_close(struct flow *flow);
int flow_fd(const struct flow *flow);

#endif
