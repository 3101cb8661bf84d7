/* SPDX-License-Identifier: MIT */
/*
 * Who may run at the upstream, who waits, and who is refused: permits, and behind them a
 * fair queue. Decides only; the caller holds the lock, reads the clock, and tells the
 * requests what became of them. All workers share one.
 *
 * A request is a ticket, which its owner keeps in memory while it is not IDLE:
 *
 *     IDLE --enter--> RUNNING ------------leave--> IDLE
 *       |               ^                            ^
 *       +----enter--> WAITING --next--> RUNNING      |
 *                       +---leave, or displaced------+
 *
 * Waiting requests stand in orders, one for each client (and class with a limit of its
 * own), first come first served within it. Orders that may be served stand in a ring and
 * are served in turn, each `weight` requests a turn, so that a client with a thousand
 * waiting requests delays another by at most one (deficit round robin with a request as the
 * unit). An order whose client or class runs as many as it may stands aside until one of
 * these ends. One that lacks both gets the two only if they are free at one time: permits
 * are not kept free for it. Where the queue is full, a newcomer whose order is shorter than the
 * longest, even with it, takes the place of the longest's last (as fq_codel drops from the
 * fattest flow): nobody can fill the queue for the others. Every operation takes constant time
 * (admission_next() in the mean), but for the look for an order among those of its client, of
 * which there are no more than classes.
 */
#ifndef HATAGO_CORE_ADMISSION_H
#define HATAGO_CORE_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define ADMISSION_CLASSES_MAX 130

struct admission;

struct admission_options {
	uint32_t max_concurrent; /* 1 or more */
	uint32_t queue_size;
	uint32_t max_concurrent_per_client; /* 0: no such limit */
	uint32_t max_streams;
	/* By class; class 0 is every request of no other class. 0: no limit of its own. */
	uint32_t class_max[ADMISSION_CLASSES_MAX];
};

enum ticket_state { TICKET_IDLE, TICKET_RUNNING, TICKET_WAITING };

struct ticket {
	/* The owner fills, before it enters: */
	uint64_t client; /* whose order; the key of the client, spread by a secret */
	uint32_t weight; /* 1 or more */
	uint16_t class_id;
	/* Read-only for the owner: */
	enum ticket_state state;
	uint64_t since_ns; /* when it began to wait, or to run */
	/* private */
	struct list link; /* in its order */
	struct order *order;
	struct party *party;
};

enum admission_answer {
	ADMISSION_RUN,
	ADMISSION_WAIT,
	ADMISSION_FULL, /* neither a permit nor a place in the queue */
};

/* -ENOMEM. */
int admission_new(const struct admission_options *options, struct admission **ret);
/* Every ticket has left. Accepts NULL. */
void admission_free(struct admission *a);
/*
 * In force from now on; a limit at max_concurrent stays there. Nobody who runs or waits is put out.
 * Requests that came straight to run while clients had no limit don't count for one that comes now.
 * To be followed by calls of admission_next(). -ENOMEM: nothing has changed.
 */
int admission_set_options(struct admission *a, const struct admission_options *options);

/*
 * *ret_displaced: NULL, or a waiting ticket that lost its place and is IDLE now. Where memory
 * is short the answer is ADMISSION_FULL.
 */
enum admission_answer admission_enter(struct admission *a, struct ticket *ticket, uint64_t now_ns,
				      struct ticket **ret_displaced);
/* It ended, or waits no longer. To be followed by calls of admission_next(). */
void admission_leave(struct admission *a, struct ticket *ticket, uint64_t now_ns);
/* The next waiting ticket that may run, which is RUNNING from now on; NULL: there is none. */
struct ticket *admission_next(struct admission *a, uint64_t now_ns);

/*
 * How many may run from now on, cut to 1 to max_concurrent; whoever runs goes on. To be
 * followed by calls of admission_next().
 */
void admission_set_limit(struct admission *a, uint32_t limit);
uint32_t admission_limit(const struct admission *a);
/* A waiting ticket that loses its place and is IDLE now; NULL: nobody waits. */
struct ticket *admission_shed(struct admission *a, uint64_t now_ns);

/* A stream, which holds no permit any more, comes; false: there are too many. */
bool admission_stream_begin(struct admission *a);
void admission_stream_end(struct admission *a);

uint32_t admission_running(const struct admission *a);
uint32_t admission_queued(const struct admission *a);
uint32_t admission_streams(const struct admission *a);
/* Where a newcomer would stand now if all were one order: 1 is next. */
uint32_t admission_position(const struct admission *a);
/* How long until the one in that position runs, from what requests have taken lately; ns,
 * saturates. */
uint64_t admission_estimate_ns(const struct admission *a, uint32_t position);

static inline void ticket_init(struct ticket *ticket)
{
	*ticket = (struct ticket){.weight = 1};
	list_init(&ticket->link);
}

#endif
