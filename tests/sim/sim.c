// SPDX-License-Identifier: MIT
/*
 * See sim.h. The next event is the first of: an arrival, an end at the upstream, a request that
 * has waited or run too long, a phase, a sample. Waiting and running requests stand in lists
 * by age, so that only the first of each can be late.
 */
#include "sim.h"

#include <math.h>
#include <stdlib.h>

#include "core/admission.h"
#include "random.h"
#include "upstream.h"

struct request {
	struct ticket ticket;
	struct upstream_job job;
	double came_sec, start_sec;
	bool fails;
	struct list by_age; /* among those that wait, that run, or that are spare */
};

struct sim {
	const struct sim_scene *scene;
	size_t phase;
	struct limiter *limiter;
	struct admission *admission;
	struct upstream upstream;
	struct list waiting, running, spare;
	double now_sec, arrival_sec, step_sec;
	uint32_t thinking;
	uint64_t random;
	struct sim_step step;
	struct sim_trace *trace;
};

static uint64_t ns(double sec)
{
	return (uint64_t)llround(sec * 1e9);
}

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static struct request *oldest(const struct list *list)
{
	return list_is_empty(list) ? NULL : LIST_ITEM(list->next, struct request, by_age);
}

static const struct sim_phase *phase_now(const struct sim *s)
{
	return &s->scene->phases[s->phase];
}

/* Chance has no memory: it may be asked anew whenever something changes. */
static void arrival_plan(struct sim *s)
{
	double per_sec = phase_now(s)->per_sec;

	if (s->scene->clients)
		per_sec = s->thinking / s->scene->think_ms * 1e3;
	s->arrival_sec =
		per_sec > 0 ? s->now_sec + random_exponential(&s->random, 1 / per_sec) : INFINITY;
}

static void request_end(struct sim *s, struct request *r)
{
	list_append(&s->spare, &r->by_age);
	if (!s->scene->clients)
		return;
	s->thinking++;
	arrival_plan(s);
}

static void request_refuse(struct sim *s, struct request *r)
{
	s->step.refused++;
	request_end(s, r);
}

static void request_start(struct sim *s, struct request *r)
{
	const struct sim_phase *phase = phase_now(s);
	double work_ms = s->scene->work_ms;

	if (!s->scene->is_constant)
		work_ms = random_exponential(&s->random, work_ms);
	if (phase->slow_share > 0 && random_share(&s->random) < phase->slow_share)
		work_ms = s->scene->slow_ms;
	r->fails = phase->fail_share > 0 && random_share(&s->random) < phase->fail_share;
	r->start_sec = s->now_sec;
	list_append(&s->running, &r->by_age);
	upstream_enter(&s->upstream, &r->job, r->fails ? 0 : work_ms / 1e3);
}

static void wake(struct sim *s)
{
	struct ticket *ticket;

	admission_set_limit(s->admission, limiter_limit(s->limiter));
	while ((ticket = admission_next(s->admission, ns(s->now_sec)))) {
		struct request *r = LIST_ITEM(ticket, struct request, ticket);

		if (limiter_keeps(s->limiter, s->now_sec - r->came_sec,
				  admission_queued(s->admission), s->now_sec)) {
			request_start(s, r);
			continue;
		}
		admission_leave(s->admission, ticket, ns(s->now_sec));
		request_refuse(s, r);
	}
}

static void arrive(struct sim *s)
{
	struct request *r = oldest(&s->spare);
	struct ticket *displaced = NULL;

	if (!r) /* there are enough, or admission has let in more than it may */
		abort();
	list_remove(&r->by_age);
	ticket_init(&r->ticket);
	r->came_sec = s->now_sec;
	if (s->scene->clients)
		s->thinking--;
	arrival_plan(s);
	switch (admission_enter(s->admission, &r->ticket, ns(s->now_sec), &displaced)) {
	case ADMISSION_RUN:
		request_start(s, r);
		break;
	case ADMISSION_WAIT:
		list_append(&s->waiting, &r->by_age);
		break;
	case ADMISSION_FULL:
		request_refuse(s, r);
		break;
	}
	if (displaced)
		request_refuse(s, LIST_ITEM(displaced, struct request, ticket));
}

static void done_record(struct sim_trace *trace, const struct request *r, double now_sec)
{
	if (trace->done_count == trace->done_room) {
		trace->done_room = trace->done_room ? trace->done_room * 2 : 4096;
		trace->done = must(realloc(trace->done, trace->done_room * sizeof(*trace->done)));
	}
	trace->done[trace->done_count++] = (struct sim_done){
		.start_sec = (float)r->start_sec,
		.end_sec = (float)now_sec,
		.waited_ms = (float)((r->start_sec - r->came_sec) * 1e3),
	};
}

/* It ended at the upstream, or ran for too long. */
static void finish(struct sim *s, struct request *r, bool is_late)
{
	upstream_leave(&s->upstream, &r->job);
	limiter_sample(s->limiter, s->now_sec - r->start_sec, admission_running(s->admission),
		       is_late || r->fails, s->now_sec);
	admission_leave(s->admission, &r->ticket, ns(s->now_sec));
	if (is_late || r->fails) {
		s->step.failed++;
	} else {
		s->step.done++;
		done_record(s->trace, r, s->now_sec);
	}
	request_end(s, r);
	wake(s);
}

static void sample(struct sim *s)
{
	struct sim_step *step = &s->trace->steps[s->trace->step_count++];

	s->step.limit = admission_limit(s->admission);
	s->step.running = admission_running(s->admission);
	s->step.queued = admission_queued(s->admission);
	*step = s->step;
	s->step = (struct sim_step){0};
	s->step_sec += SIM_STEP_SEC;
}

/* The next event. false: the scene is over. */
static bool play(struct sim *s)
{
	const struct sim_scene *scene = s->scene;
	struct request *waits = oldest(&s->waiting), *runs = oldest(&s->running);
	double end_sec = INFINITY, next_sec = fmin(s->step_sec, s->arrival_sec);
	double late_sec = waits ? waits->came_sec + scene->queue_timeout_ms / 1e3 : INFINITY;
	double long_sec = runs ? runs->start_sec + scene->timeout_ms / 1e3 : INFINITY;
	double phase_sec =
		s->phase + 1 < scene->phase_count ? scene->phases[s->phase + 1].at_sec : INFINITY;
	struct upstream_job *job = upstream_next(&s->upstream, &end_sec);

	next_sec = fmin(fmin(next_sec, end_sec), fmin(fmin(late_sec, long_sec), phase_sec));
	if (next_sec > scene->end_sec)
		return false;
	s->now_sec = next_sec;
	upstream_advance(&s->upstream, next_sec);
	if (job && next_sec >= end_sec) {
		finish(s, LIST_ITEM(job, struct request, job), false);
	} else if (next_sec >= phase_sec) {
		s->upstream.phase = &scene->phases[++s->phase];
		arrival_plan(s);
	} else if (next_sec >= s->step_sec) {
		sample(s);
	} else if (waits && next_sec >= late_sec) {
		admission_leave(s->admission, &waits->ticket, ns(next_sec));
		request_refuse(s, waits);
	} else if (runs && next_sec >= long_sec) {
		finish(s, runs, true);
	} else {
		arrive(s);
	}
	return true;
}

void sim_run(const struct sim_scene *scene, struct limiter *limiter, uint64_t seed,
	     struct sim_trace *ret)
{
	const struct admission_options options = {.max_concurrent = scene->max,
						  .queue_size = scene->queue};
	struct sim *s = must(calloc(1, sizeof(*s)));
	size_t count = (size_t)scene->max + scene->queue + 1; /* the last one is refused */
	struct request *requests = must(calloc(count, sizeof(*requests)));

	*ret = (struct sim_trace){0};
	ret->steps = must(calloc((size_t)(scene->end_sec / SIM_STEP_SEC) + 2, sizeof(*ret->steps)));
	s->scene = scene;
	s->limiter = limiter;
	s->random = seed * 0x9e3779b97f4a7c15ULL + 1;
	s->thinking = scene->clients;
	s->trace = ret;
	s->step_sec = SIM_STEP_SEC;
	list_init(&s->waiting);
	list_init(&s->running);
	list_init(&s->spare);
	for (size_t i = 0; i < count; i++) {
		list_init(&requests[i].by_age);
		list_init(&requests[i].job.link);
		ticket_init(&requests[i].ticket);
		list_append(&s->spare, &requests[i].by_age);
	}
	upstream_init(&s->upstream, scene);
	if (admission_new(&options, &s->admission) < 0)
		abort();
	arrival_plan(s);
	while (play(s))
		;
	for (size_t i = 0; i < count; i++)
		admission_leave(s->admission, &requests[i].ticket, ns(s->now_sec));
	admission_free(s->admission);
	free(requests);
	free(s);
}

void sim_trace_done(struct sim_trace *trace)
{
	free(trace->done);
	free(trace->steps);
	*trace = (struct sim_trace){0};
}
