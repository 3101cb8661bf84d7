/* SPDX-License-Identifier: MIT */
/*
 * How many requests an upstream bears at once, from how long it takes: a limit that falls when
 * requests begin to wait inside the upstream, and grows again when they no longer do. Decides
 * only; the caller holds the lock and reads the clock.
 *
 * In the line of TCP Vegas (Brakmo and Peterson, 1994) and Netflix's Gradient2
 * (github.com/Netflix/concurrency-limits): a short window's latency against a baseline.
 */
#ifndef HATAGO_CORE_GRADIENT_H
#define HATAGO_CORE_GRADIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/histogram.h"

struct gradient_options {
	uint32_t min, max; /* 1 <= min <= max */
};

/* What a window saw. */
struct gradient_point {
	double in_flight; /* on average */
	double per_sec;	  /* requests that ended */
	double low_ns;	  /* the latency that a quarter stayed within */
};

/* Private but for gradient_limit(); a plain value of about 5 KB. */
struct gradient {
	struct gradient_options options;
	double limit;
	double base_ns; /* low_ns where nobody waits; 0: not known yet */
	struct {
		uint64_t since_ns, last_ns;
		double area; /* in flight, times ns */
		uint32_t count, drops, peak;
		struct histogram rtt; /* of those that began after fresh_ns */
	} window;
	uint64_t fresh_ns;	      /* requests from before tell of another limit */
	bool is_draining;	      /* more run than the limit allows since it fell */
	double before;		      /* the limit before it fell for latency; 0: it didn't */
	struct gradient_point anchor; /* the last window since then; per_sec 0: none */
	uint32_t streak;	      /* windows in a row that it grew */
};

/* The limit begins at max. */
void gradient_init(struct gradient *g, const struct gradient_options *options, uint64_t now_ns);
/* The limit is cut to the new bounds; a limit that was at max stays there. */
void gradient_set_options(struct gradient *g, const struct gradient_options *options);
/*
 * A request ended: rtt_ns after it got its permit, with in_flight running, itself among them.
 * is_drop: it failed or timed out, so its time tells nothing. Cheap, but for one in a window.
 * true: the limit has changed.
 */
bool gradient_sample(struct gradient *g, uint64_t rtt_ns, uint32_t in_flight, bool is_drop,
		     uint64_t now_ns);
/* min to max. */
uint32_t gradient_limit(const struct gradient *g);

#endif
