// SPDX-License-Identifier: MIT
/* See upstream.h: a heap by virtual end, and those that wait for a server. */
#include "upstream.h"

#include <stdlib.h>

static void heap_put(struct upstream *u, size_t at, struct upstream_job *job)
{
	u->heap[at] = job;
	job->at = at;
}

static void heap_up(struct upstream *u, size_t at, struct upstream_job *job)
{
	for (; at > 1 && u->heap[at / 2]->end_virtual > job->end_virtual; at /= 2)
		heap_put(u, at, u->heap[at / 2]);
	heap_put(u, at, job);
}

static void heap_down(struct upstream *u, size_t at, struct upstream_job *job)
{
	for (size_t child; (child = at * 2) <= u->at_work; at = child) {
		if (child < u->at_work &&
		    u->heap[child + 1]->end_virtual < u->heap[child]->end_virtual)
			child++;
		if (u->heap[child]->end_virtual >= job->end_virtual)
			break;
		heap_put(u, at, u->heap[child]);
	}
	heap_put(u, at, job);
}

/* Virtual seconds in a second. */
static double upstream_pace(const struct upstream *u)
{
	double n = (double)u->at_work, servers = u->phase->servers, beyond;

	if (n <= servers)
		return u->phase->speed;
	beyond = (n - servers) / servers;
	return u->phase->speed * servers / n / (1 + u->scene->thrash * beyond);
}

void upstream_init(struct upstream *u, const struct sim_scene *scene)
{
	*u = (struct upstream){.scene = scene, .phase = &scene->phases[0]};
	list_init(&u->waiting);
}

void upstream_advance(struct upstream *u, double now_sec)
{
	u->now_virtual += (now_sec - u->now_sec) * upstream_pace(u);
	u->now_sec = now_sec;
}

static void upstream_work(struct upstream *u, struct upstream_job *job)
{
	if (u->at_work == UPSTREAM_MAX)
		abort();
	job->end_virtual = u->now_virtual + job->work_sec;
	u->at_work++;
	heap_up(u, u->at_work, job);
}

/* Whoever waits goes on as soon as there is a server for it. */
static void upstream_pull(struct upstream *u)
{
	while (!list_is_empty(&u->waiting) && (double)u->at_work + 1 <= u->phase->servers) {
		struct upstream_job *job =
			LIST_ITEM(list_first(&u->waiting), struct upstream_job, link);

		list_remove(&job->link);
		upstream_work(u, job);
	}
}

void upstream_enter(struct upstream *u, struct upstream_job *job, double work_sec)
{
	job->work_sec = work_sec;
	job->at = 0;
	if (u->scene->order == SIM_SHARED) {
		upstream_work(u, job);
		return;
	}
	list_append(&u->waiting, &job->link);
	upstream_pull(u);
}

void upstream_leave(struct upstream *u, struct upstream_job *job)
{
	struct upstream_job *last;
	size_t at = job->at;

	job->at = 0;
	if (!at) {
		list_remove(&job->link);
		return;
	}
	last = u->heap[u->at_work--];
	if (last != job) {
		heap_down(u, at, last);
		heap_up(u, last->at, last);
	}
	upstream_pull(u);
}

struct upstream_job *upstream_next(const struct upstream *u, double *ret_sec)
{
	double pace = upstream_pace(u);

	if (!u->at_work || pace <= 0)
		return NULL;
	*ret_sec = u->now_sec + (u->heap[1]->end_virtual - u->now_virtual) / pace;
	if (*ret_sec < u->now_sec)
		*ret_sec = u->now_sec;
	return u->heap[1];
}
