/* SPDX-License-Identifier: MIT */
/*
 * The model of an upstream. Those at work progress equally, so work is counted in a time of
 * their own: virtual seconds, which pass as fast as each of them is served.
 */
#ifndef HATAGO_TESTS_SIM_UPSTREAM_H
#define HATAGO_TESTS_SIM_UPSTREAM_H

#include "base/list.h"
#include "sim.h"

#define UPSTREAM_MAX 4096 /* requests inside */

struct upstream_job {
	double work_sec, end_virtual;
	size_t at; /* its place in the heap, from 1; 0: it waits, or isn't here */
	struct list link;
};

struct upstream {
	const struct sim_scene *scene;
	const struct sim_phase *phase;
	double now_sec, now_virtual;
	struct upstream_job *heap[UPSTREAM_MAX + 1]; /* at work; the first to end is [1] */
	size_t at_work;
	struct list waiting;
};

void upstream_init(struct upstream *u, const struct sim_scene *scene);
/* Time goes on; times never go back. */
void upstream_advance(struct upstream *u, double now_sec);
void upstream_enter(struct upstream *u, struct upstream_job *job, double work_sec);
/* It ended, or was given up. */
void upstream_leave(struct upstream *u, struct upstream_job *job);
/* The next to end, and when if nothing changes; NULL: none. */
struct upstream_job *upstream_next(const struct upstream *u, double *ret_sec);

#endif
