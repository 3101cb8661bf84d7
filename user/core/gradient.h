/* SPDX-License-Identifier: MIT */
/*
 * How many requests an upstream bears at once, learned from how long they take: a limit that
 * falls when requests begin to wait inside the upstream, and grows again when they no longer
 * do. Decides only; the caller holds the lock and reads the clock.
 *
 * In the line of TCP Vegas (Brakmo and Peterson, 1994) and of Netflix's Gradient2
 * (github.com/Netflix/concurrency-limits): a window's latency against a baseline. What is added
 * keeps the baseline honest: a limit that fell for latency is put to the test. If with fewer in
 * flight no fewer requests end, they waited inside, and the fall was right; if fewer end, and
 * no sooner, the service itself is slow now, which becomes the baseline, and the limit goes back.
 */
#ifndef HATAGO_CORE_GRADIENT_H
#define HATAGO_CORE_GRADIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/histogram.h"

struct gradient_options {
	uint32_t min, max; /* 1 <= min <= max */
	/* Requests can wait while a limit that is used up rests (is halved for a moment). */
	bool may_rest;
};

/* What a window saw. */
struct gradient_point {
	double in_flight; /* on average, more than 0 */
	double per_sec;	  /* requests that ended; 0: there is no such point */
	double low_ns;	  /* the time that a quarter of them stayed within */
	uint32_t count;	  /* of them */
};

enum gradient_test {
	GRADIENT_NO_TEST,
	GRADIENT_SUSPECTS, /* the limit fell by much; the next window becomes the anchor */
	GRADIENT_TESTS,	   /* it falls further: do as many end as at the anchor? */
	GRADIENT_RESTS,	   /* halved without suspicion: is the baseline still right? */
	GRADIENT_TRIES,	   /* doubled, though latency is against it: do more end? */
};

/* Private; a plain value of about 5 KB. */
struct gradient {
	struct gradient_options options;
	double limit;
	/* The baseline, where nobody waits inside the upstream: low_ns (0: not known yet) and ...
	 */
	double base_ns;
	double mean_ns;	  /* ... the time of all, on average */
	uint32_t learned; /* windows that it comes from */
	struct {
		uint64_t since_ns, last_ns;
		double area; /* in flight, times ns */
		uint32_t count, drops, peak;
		struct histogram rtt;
	} window;
	bool is_draining;	    /* more run than the limit allows, since it fell */
	uint64_t fresh_ns;	    /* times of requests from before tell of another limit */
	uint32_t skip;		    /* requests that are still to end before the window begins */
	struct gradient_point last; /* the window before, unless the limit fell since */
	uint32_t streak;	    /* windows in a row in which the limit grew */
	uint64_t grow_ns, grow_wait_ns; /* not before; twice as long each time it was too much */
	enum gradient_test test;
	double before;		      /* the limit that a failed test goes back to */
	struct gradient_point anchor; /* what the test compares with ... */
	uint64_t anchor_ns;	      /* ... and its time; 0: none yet */
	uint64_t rest_ns, rest_wait_ns, rest_began_ns;
	uint64_t stuck_ns, stuck_wait_ns; /* it tries then, if the limit doesn't grow until then */
};

/* The limit begins at max. */
void gradient_init(struct gradient *g, const struct gradient_options *options, uint64_t now_ns);
/* The limit is cut to the new bounds; one that was at max is at the new one. */
void gradient_set_options(struct gradient *g, const struct gradient_options *options);
/*
 * A request ended, rtt_ns after it had got its permit, with in_flight running, itself among
 * them. is_drop: it failed or timed out; its time tells nothing then. A few additions, and
 * once in 100 ms or more some microseconds. A now_ns that goes back counts as the last one.
 * true: gradient_limit() has changed.
 */
bool gradient_sample(struct gradient *g, uint64_t rtt_ns, uint32_t in_flight, bool is_drop,
		     uint64_t now_ns);
/* min to max. */
uint32_t gradient_limit(const struct gradient *g);

#endif
