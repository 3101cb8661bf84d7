/* SPDX-License-Identifier: MIT */
/*
 * A stream of bytes on a uv loop, TCP or Unix: what the gate's connections to both sides
 * have in common. It reads into one buffer that the whole loop shares, so an idle flow
 * holds no memory but its struct; it writes at once what the kernel takes, and keeps a copy
 * of the rest, for which its owner stops the other side (back-pressure). Time-outs are
 * lists with one duration each, so to set one costs no heap.
 *
 * uv says when a socket is ready; the bytes go by recv(2) and send(2), which cost less than the
 * read(2) and writev(2) of uv's own streams. All of it runs on the loop's thread.
 */
#ifndef HATAGO_NET_FLOW_H
#define HATAGO_NET_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/list.h"

#define FLOW_READ_BYTES (64 << 10) /* of one read */
#define FLOW_TICK_MS	20	   /* how late a time-out may be, */
#define FLOW_LATE_MAX	64	   /* but where more than so many are due at once, */
#define FLOW_LATE_MS	1	   /* so that the next go on after this: others are to have turns */
#define FLOW_TIMERS_MAX 12
#define FLOW_PROBE_S	60 /* of silence, after which TCP asks whether the other side is there */

struct flow;

/* What happens to a flow. `closed` is the last and always comes after flow_close(). */
struct flow_events {
	/* It is connected (0), or can't be (negative errno). */
	void (*connected)(struct flow *flow, int error);
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
	uv_poll_t poll;
	int fd;
	const struct flow_events *events;
	struct flow_loop *loop;
	char *kept; /* what the kernel did not take; NULL: nothing */
	size_t kept_start, kept_end, kept_capacity;
	struct list timer_link;
	uint64_t deadline_ns;
	uint8_t timer;
	uint8_t polled; /* what uv watches for: UV_READABLE, UV_WRITABLE */
	bool is_reading, is_connecting, is_closing, has_ended, is_broken, must_shut;
};

/* 0, or a negative errno. The timers' durations are to be set next. */
int flow_loop_init(struct flow_loop *loop, uv_loop_t *uv);
/* Where it is shorter than before, nobody who waits already waits longer than that from now. */
void flow_loop_set_timer(struct flow_loop *loop, unsigned int timer, uint64_t ms);
/* Closes its own handles. */
void flow_loop_close(struct flow_loop *loop);
/* The clock, read once for each turn of the loop. */
uint64_t flow_now_ns(struct flow_loop *loop);

/*
 * Takes a connected socket, non-blocking, which it closes in any case. 0: the flow must be
 * closed by flow_close(); or a negative errno: there is none.
 */
int flow_open(struct flow *flow, struct flow_loop *loop, int fd, const struct flow_events *events);
/* The same for a connection that is yet to be made; `connected` tells of it, later. */
int flow_connect(struct flow *flow, struct flow_loop *loop, const struct sockaddr_storage *address,
		 const struct flow_events *events);

/* Does nothing where it reads already. */
void flow_read(struct flow *flow);
void flow_pause(struct flow *flow);
/*
 * Sends both parts; either may be empty. What the kernel does not take is copied and sent
 * later: flow_is_full() then. 0, or a negative errno after which the flow is of no use.
 */
int flow_send(struct flow *flow, const char *head, size_t head_length, const char *body,
	      size_t body_length);
bool flow_is_full(const struct flow *flow);
/* Tells the other side that no more comes, once all that was kept is written. */
void flow_shutdown(struct flow *flow);
/* `late` is called once when the timer's duration has passed, unless it is set again. */
void flow_set_timer(struct flow *flow, unsigned int timer);
void flow_stop_timer(struct flow *flow);
/* Closes at once; `closed` is called from the loop. May be called twice. */
void flow_close(struct flow *flow);
/* The size of an address of AF_INET, AF_INET6 or AF_UNIX. */
socklen_t flow_address_size(const struct sockaddr_storage *address);

#endif
