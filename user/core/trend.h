/* SPDX-License-Identifier: MIT */
/*
 * How the gate did in the last minute: a ring of samples of what it had counted, one a
 * second, and the difference between now and the oldest of them. The counters of tally.h
 * only ever grow; this is where "per second" and "on average" come from. Pure.
 */
#ifndef HATAGO_CORE_TREND_H
#define HATAGO_CORE_TREND_H

#include <stddef.h>
#include <stdint.h>

#include "core/tally.h"

#define TREND_WINDOW_NS	    60000000000ULL
#define TREND_SAMPLES	    64 /* those of a window, and a few for calls that come early */
#define TREND_SAMPLE_MIN_NS 950000000ULL /* ns; a call sooner after the last one does nothing */

struct trend_sample {
	uint64_t at_ns;
	uint64_t served, errors; /* as in struct tally */
	uint64_t failed;	 /* upstream_failed and upstream_timeout */
	uint64_t refused;	 /* all that the gate turned away by itself */
	uint64_t response_ns_sum;
};

/* Histograms are large, so fewer of them are kept. */
#define TREND_MARK_NS 15000000000ULL /* from one to the next */
#define TREND_MARKS   5		     /* the oldest is 60 to 75 s old */

struct trend_mark {
	uint64_t at_ns;
	struct histogram response, queue_wait;
};

/* One writer and reader; the caller's lock, if there are more. About 50 KB. */
struct trend {
	struct trend_sample ring[TREND_SAMPLES];
	size_t count, next; /* samples in the ring; where the next one goes */
	struct trend_mark marks[TREND_MARKS];
	size_t mark_count, mark_next;
};

struct trend_times {
	double p50_ms, p90_ms, p99_ms, max_ms; /* 0: there were none */
};

/* Of the time that over_ns tells: the last minute, or since the start where that is less. */
struct trend_view {
	uint64_t over_ns;	 /* 0: nothing is known yet, and all of this is 0 */
	double avg_response_ms;	 /* of served ones */
	double requests_per_sec; /* served or failed; what was refused is not among them */
	double refused_per_sec;
	struct trend_times response, queue_wait; /* since the oldest mark */
	double error_rate; /* share of the served or failed that failed, a 5xx included; 0 to 1 */
};

/* Times are ns of CLOCK_MONOTONIC. The gate has counted nothing yet at now_ns. */
void trend_init(struct trend *trend, uint64_t now_ns);
/* Once a second, with the sum of all workers. */
void trend_sample(struct trend *trend, const struct tally *sum, uint64_t now_ns);
/* From the oldest sample of the window until now, when the sum of all workers is `sum`. */
void trend_look(const struct trend *trend, const struct tally *sum, uint64_t now_ns,
		struct trend_view *ret);

#endif
