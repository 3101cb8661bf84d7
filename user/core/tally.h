/* SPDX-License-Identifier: MIT */
/*
 * What the gate counts, as plain data: each worker counts into one of these, and a reader
 * adds them up. metrics/ shows the sum. Only the worker that owns one writes it, so its
 * counters are exact; a reader on another thread takes each word in one piece.
 */
#ifndef HATAGO_CORE_TALLY_H
#define HATAGO_CORE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/breaker.h"
#include "core/histogram.h"

#define TALLY_UPSTREAMS_MAX 16
#define TALLY_UPSTREAM_MAX  128 /* bytes of an upstream's name */

/* How a request ended. X(name, label, help) */
#define TALLY_OUTCOMES(X)                                                                          \
	X(SERVED, "served", "The upstream answered, whatever it answered.")                        \
	X(RATE_LIMITED, "rate_limit", "Refused: no request tokens.")                               \
	X(OVERLOADED, "concurrency_limit", "Refused: no permit and no place in the queue.")        \
	X(QUEUE_TIMEOUT, "queue_timeout", "Refused: waited in the queue for too long.")            \
	X(BREAKER_OPEN, "circuit_breaker", "Refused: the circuit breaker is open.")                \
	X(DRAINING, "draining", "Refused: the gate takes no new work.")                            \
	X(STREAMS, "stream_limit", "Refused: too many streams are open.")                          \
	X(BAD_REQUEST, "bad_request", "Refused: the request breaks the rules of HTTP or a bound.") \
	X(UPSTREAM_FAILED, "upstream_failed", "The upstream could not be reached, or broke off.")  \
	X(UPSTREAM_TIMEOUT, "upstream_timeout", "The upstream did not answer in time.")            \
	X(CLIENT_LEFT, "client_left", "The client went away before its answer.")                   \
	X(LOCAL, "local", "Answered by the gate itself: its own metrics.")

enum tally_outcome {
#define TALLY_OUTCOME_NUMBER(name, label, help) TALLY_##name,
	TALLY_OUTCOMES(TALLY_OUTCOME_NUMBER)
#undef TALLY_OUTCOME_NUMBER
		TALLY_OUTCOME_COUNT
};

struct tally {
	uint64_t outcomes[TALLY_OUTCOME_COUNT];
	uint64_t errors;	  /* served ones whose answer is a failure of the upstream (5xx) */
	uint64_t response_ns_sum; /* of served ones, to the first event of their answer */
	/* How long the upstream took for answers that are no failures, without the client's share.
	 */
	uint64_t upstream_ns_sum, upstream_answers;
	struct histogram response, queue_wait; /* ns */
	struct histogram turn; /* ns that a turn of the loop was busy: how long others wait */
	uint64_t client_bytes_in, client_bytes_out;
	uint64_t connections_accepted, connections_refused;
	uint64_t upstream_connections; /* opened */
	uint64_t escalations;
	/* now, not ever */
	int64_t connections, streams;
};

struct tally_upstream {
	char name[TALLY_UPSTREAM_MAX]; /* as configured */
	uint32_t outstanding;	       /* requests that run there */
	struct breaker_view breaker;
};

/* What the gate says of itself, at one instant. */
struct tally_gate {
	uint32_t current, max_concurrent;
	uint32_t limit; /* of those that run: max_concurrent, or less by adaptation */
	uint32_t queued, queue_size;
	uint32_t streams_max;
	double tokens, capacity, refill_rate; /* of the bucket that was asked last */
	enum breaker_state breaker;	      /* of all upstreams together */
	struct tally_upstream upstreams[TALLY_UPSTREAMS_MAX];
	size_t upstream_count;
	struct tally sum; /* of all workers */
};

/* A sum of what goes up and down. Workers are read one after the other: it may be below 0; then 0.
 */
static inline uint64_t tally_level(int64_t sum)
{
	return sum > 0 ? (uint64_t)sum : 0;
}

/* Did the gate turn it away by itself? */
bool tally_is_refusal(enum tally_outcome outcome);
/* Did the upstream let it down? A 5xx is an answer, and counted by `errors`. */
bool tally_is_failure(enum tally_outcome outcome);
const char *tally_outcome_label(enum tally_outcome outcome);
const char *tally_outcome_help(enum tally_outcome outcome);

/* For the worker that owns the tally: a reader sees the old word or the new. */
static inline void tally_count(uint64_t *word, uint64_t n)
{
	__atomic_store_n(word, *word + n, __ATOMIC_RELAXED);
}

static inline void tally_move(int64_t *word, int64_t by)
{
	__atomic_store_n(word, *word + by, __ATOMIC_RELAXED);
}

/* Adds `from`, which its worker may be writing, to `to`, which is the caller's alone. */
void tally_add(struct tally *to, const struct tally *from);

#endif
