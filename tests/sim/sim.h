/* SPDX-License-Identifier: MIT */
/*
 * A simulator of the gate under load: clients, admission with its queue (the real one of
 * core/), a limiter that moves the limit, and a model of an upstream. Discrete events, one
 * seed, no clock: the same run each time. What came of it is a trace, read by figures.h.
 */
#ifndef HATAGO_TESTS_SIM_H
#define HATAGO_TESTS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limiter.h"

#define SIM_PHASES   8
#define SIM_STEP_SEC 0.1 /* between two samples of a trace */

enum sim_order {
	SIM_IN_TURN, /* as many as there are servers; the others wait inside the upstream */
	SIM_SHARED,  /* all at once, each the slower the more they are beyond the servers */
};

/* From a time on, until the next. */
struct sim_phase {
	double at_sec;
	double per_sec; /* requests that are offered; 0: clients in a closed loop */
	double servers;
	double speed;	   /* 1: work takes what it says; 0: nothing moves */
	double slow_share; /* of requests that take slow_ms instead */
	double fail_share; /* of requests that end at once, failed */
};

struct sim_scene {
	const char *name;
	enum sim_order order;
	bool is_constant; /* work_ms is; else it is exponential */
	double work_ms, slow_ms;
	double thrash;	  /* share of its capacity that it loses with twice as many as servers */
	uint32_t clients; /* of a closed loop: each thinks, asks, and waits for the answer */
	double think_ms;
	uint32_t max, queue;
	double queue_timeout_ms, timeout_ms;
	double end_sec;
	struct sim_phase phases[SIM_PHASES]; /* the first at 0 */
	size_t phase_count;
};

/* A request that was answered. */
struct sim_done {
	float start_sec, end_sec; /* got its permit; was answered */
	float waited_ms;	  /* before it got the permit */
};

struct sim_step {
	uint32_t limit, running, queued, done, refused, failed;
};

struct sim_trace {
	struct sim_done *done;
	size_t done_count, done_room;
	struct sim_step *steps; /* one each SIM_STEP_SEC */
	size_t step_count;
};

/* Plays the scene. The trace is the caller's, sim_trace_done(). Aborts where memory is short. */
void sim_run(const struct sim_scene *scene, struct limiter *limiter, uint64_t seed,
	     struct sim_trace *ret);
void sim_trace_done(struct sim_trace *trace);

#endif
