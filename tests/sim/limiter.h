/* SPDX-License-Identifier: MIT */
/*
 * What sets the limit in a simulation: ours, and what others have, as far as a page tells it.
 */
#ifndef HATAGO_TESTS_SIM_LIMITER_H
#define HATAGO_TESTS_SIM_LIMITER_H

#include "core/gradient.h"

enum limiter_kind {
	LIMITER_FIXED,
	LIMITER_AIMD,  /* Netflix's AIMDLimit: less on a time-out or a slow answer, else one more */
	LIMITER_CODEL, /* fixed; a queue that stays full gets a short time-out, as Facebook has it
			*/
	LIMITER_VEGAS, /* Netflix's VegasLimit */
	LIMITER_GRADIENT2, /* Netflix's Gradient2Limit in its WindowedLimit */
	LIMITER_OURS,
};

struct limiter_options {
	enum limiter_kind kind;
	double limit;	/* of the fixed ones; 0: max */
	double slow_ms; /* of AIMD: an answer that takes longer counts as a time-out */
};

struct limiter {
	struct limiter_options options;
	double limit, max;
	struct gradient gradient;
	/* of Vegas and Gradient2 */
	double least_sec, long_sec;
	uint32_t probe_count, long_count;
	double window_from_sec, window_sum_sec;
	uint32_t window_count, window_in_flight;
	/* of CoDel */
	double empty_sec; /* when nobody waited last */
};

void limiter_init(struct limiter *l, const struct limiter_options *options, uint32_t max);
/* As gradient_sample(). */
void limiter_sample(struct limiter *l, double took_sec, uint32_t in_flight, bool is_drop,
		    double now_sec);
uint32_t limiter_limit(const struct limiter *l);
/* May this one, which waited so long, run now? Else it is refused. */
bool limiter_keeps(struct limiter *l, double waited_sec, uint32_t queued, double now_sec);

#endif
