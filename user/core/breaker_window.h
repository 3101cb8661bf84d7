/* SPDX-License-Identifier: MIT */
/*
 * What a breaker (breaker.h) looks back on: how the calls of the last so many seconds, or the
 * last so many calls, went. A window of time is counted in slices, the one that runs and those
 * before it; a window of calls is two bits a call, in a ring. Pure, and a plain value.
 */
#ifndef HATAGO_CORE_BREAKER_WINDOW_H
#define HATAGO_CORE_BREAKER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_SLICES	  10u	/* of a window of time: what is older is forgotten in such parts */
#define BREAKER_CALLS_MAX 1024u /* of a window of calls */

struct breaker_calls {
	uint32_t calls, failures, slow;
};

struct breaker_window {
	uint32_t length;   /* in calls; 0: in time */
	uint64_t slice_ns; /* of a window of time; at least 1 */
	uint64_t newest;   /* slice, by its number since the clock's beginning */
	struct breaker_calls slices[BREAKER_SLICES]; /* by number % BREAKER_SLICES */
	uint32_t next;				     /* call's place among the bits */
	struct breaker_calls sum;		     /* of the bits */
	uint64_t failed[BREAKER_CALLS_MAX / 64], slow[BREAKER_CALLS_MAX / 64];
};

/*
 * An empty one, over `calls` calls (cut to BREAKER_CALLS_MAX) or, where that is 0, over span_ns:
 * of nine tenths of it to the whole.
 */
void breaker_window_init(struct breaker_window *window, uint64_t span_ns, uint32_t calls);
/* A time a moment before that of an earlier call counts as that. */
void breaker_window_put(struct breaker_window *window, bool is_failure, bool is_slow,
			uint64_t now_ns);
void breaker_window_sum(const struct breaker_window *window, uint64_t now_ns,
			struct breaker_calls *ret);

#endif
