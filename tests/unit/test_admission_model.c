// SPDX-License-Identifier: MIT
/*
 * Admission against a model that is slow and obviously right: one list of everybody, looked
 * through again for each question. Both go through many thousand random steps, of a fixed
 * seed; the model doesn't foretell who of several orders is next, but says who may be:
 * the first of an order that no limit stops. The turns have tests of their own here, and so
 * has the time that it takes with ten thousand clients.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/admission.h"

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define PEOPLE	    160
#define CLIENTS	    12
#define CLASSES	    5
#define STEPS	    30000
#define NO_CLASS    UINT32_MAX
#define SLOWER_MOST 8 /* times, with a hundred times as many clients */

struct person {
	struct ticket ticket;
	uint64_t place;	    /* when it began to wait: lower is earlier */
	uint32_t order;	    /* of its client: by class, or NO_CLASS */
	bool counts;	    /* for its client's limit */
	uint32_t overtaken; /* served since it waits */
};

struct world {
	uint64_t random, clock;
	struct admission *admission;
	struct admission_options options;
	uint32_t limit;
	struct person people[PEOPLE];
};

static uint32_t any(struct world *w, uint32_t below) /* xorshift64* */
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (uint32_t)((w->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* Anybody, but every third time one of those who run. */
static struct person *any_person(struct world *w)
{
	uint32_t at = any(w, PEOPLE), tries = any(w, 3) ? 0 : PEOPLE;

	while (tries-- && w->people[at].ticket.state != TICKET_RUNNING)
		at = (at + 1) % PEOPLE;
	return &w->people[at];
}

/* --- the model --- */

static uint32_t count_running(const struct world *w, const struct person *like, bool same_client,
			      bool same_class)
{
	uint32_t n = 0;

	for (const struct person *p = w->people; p < w->people + PEOPLE; p++)
		n += p->ticket.state == TICKET_RUNNING &&
		     (!like || !same_client ||
		      (p->counts && p->ticket.client == like->ticket.client)) &&
		     (!like || !same_class || p->ticket.class_id == like->ticket.class_id);
	return n;
}

static bool is_below(uint32_t n, uint32_t max)
{
	return max == 0 || n < max;
}

static bool model_may_run(const struct world *w, const struct person *p)
{
	return count_running(w, p, false, false) < w->limit &&
	       is_below(count_running(w, p, false, true),
			w->options.class_max[p->ticket.class_id]) &&
	       is_below(count_running(w, p, true, false), w->options.max_concurrent_per_client);
}

static bool is_same_order(const struct person *a, const struct person *b)
{
	return a->ticket.state == TICKET_WAITING && b->ticket.state == TICKET_WAITING &&
	       a->ticket.client == b->ticket.client && a->order == b->order;
}

static bool model_is_first(const struct world *w, const struct person *p)
{
	for (const struct person *q = w->people; q < w->people + PEOPLE; q++)
		if (is_same_order(p, q) && q->place < p->place)
			return false;
	return true;
}

static bool model_is_last(const struct world *w, const struct person *p)
{
	for (const struct person *q = w->people; q < w->people + PEOPLE; q++)
		if (is_same_order(p, q) && q->place > p->place)
			return false;
	return true;
}

static uint32_t model_length(const struct world *w, const struct person *p)
{
	uint32_t n = 0;

	for (const struct person *q = w->people; q < w->people + PEOPLE; q++)
		n += is_same_order(p, q);
	return n;
}

static uint32_t model_longest(const struct world *w)
{
	uint32_t longest = 0;

	for (const struct person *q = w->people; q < w->people + PEOPLE; q++)
		if (model_length(w, q) > longest)
			longest = model_length(w, q);
	return longest;
}

static uint32_t model_queued(const struct world *w)
{
	uint32_t n = 0;

	for (const struct person *q = w->people; q < w->people + PEOPLE; q++)
		n += q->ticket.state == TICKET_WAITING;
	return n;
}

static bool model_anybody_may_run(const struct world *w)
{
	for (const struct person *q = w->people; q < w->people + PEOPLE; q++)
		if (q->ticket.state == TICKET_WAITING && model_may_run(w, q) &&
		    model_is_first(w, q))
			return true;
	return false;
}

/* --- steps, each beside the model --- */

/* Where the newcomer's order would be, as if it waited: its length with it. */
static uint32_t length_with(struct world *w, struct person *p)
{
	uint32_t length;

	p->ticket.state = TICKET_WAITING;
	length = model_length(w, p);
	p->ticket.state = TICKET_IDLE;
	return length;
}

/* A waiting one lost its place: it was the last of an order of this length, the longest. */
static void check_lost(const struct world *w, struct ticket *lost, uint32_t longest)
{
	assert_int_equal(lost->state, TICKET_IDLE);
	lost->state = TICKET_WAITING; /* once more, to ask the model */
	assert_true(model_is_last(w, (struct person *)lost));
	assert_int_equal(model_length(w, (struct person *)lost), longest);
	lost->state = TICKET_IDLE;
}

static void step_enter(struct world *w, struct person *p)
{
	bool was_full, may_run;
	uint32_t length, longest;
	struct ticket *displaced;
	enum admission_answer answer;

	p->ticket.client = any(w, 3) ? any(w, CLIENTS) : 0;
	p->ticket.class_id = (uint16_t)any(w, CLASSES);
	p->ticket.weight = 1 + (uint32_t)p->ticket.client % 4;
	p->order = w->options.class_max[p->ticket.class_id] ? p->ticket.class_id : NO_CLASS;
	p->place = ++w->clock;
	p->counts = w->options.max_concurrent_per_client != 0;
	was_full = model_queued(w) >= w->options.queue_size;
	may_run = model_may_run(w, p);
	longest = was_full ? model_longest(w) : 0;
	length = length_with(w, p);
	answer = admission_enter(w->admission, &p->ticket, w->clock, &displaced);
	if (may_run)
		assert_int_equal(answer, ADMISSION_RUN);
	else if (was_full && (longest <= length || w->options.queue_size == 0))
		assert_int_equal(answer, ADMISSION_FULL);
	else
		assert_int_equal(answer, ADMISSION_WAIT);
	assert_int_equal(displaced != NULL, answer == ADMISSION_WAIT && was_full);
	p->counts |= answer == ADMISSION_WAIT;
	if (displaced)
		check_lost(w, displaced, longest);
}

static void step_shed(struct world *w)
{
	uint32_t longest = model_longest(w);
	struct ticket *lost = admission_shed(w->admission, ++w->clock);

	assert_int_equal(lost != NULL, longest > 0);
	if (lost)
		check_lost(w, lost, longest);
}

static void step_limit(struct world *w)
{
	uint32_t limit = any(w, 20);

	admission_set_limit(w->admission, limit);
	w->limit = limit < 1 ? 1 : limit;
	if (w->limit > w->options.max_concurrent)
		w->limit = w->options.max_concurrent;
	assert_int_equal(admission_limit(w->admission), w->limit);
}

/* All who may run now do. */
static void step_nexts(struct world *w)
{
	for (;;) {
		bool expected = model_anybody_may_run(w);
		struct ticket *ticket = admission_next(w->admission, ++w->clock);
		struct person *p = (struct person *)ticket;

		assert_int_equal(ticket != NULL, expected);
		if (!ticket)
			return;
		assert_int_equal(ticket->state, TICKET_RUNNING);
		ticket->state = TICKET_WAITING; /* as it was */
		assert_true(model_is_first(w, p));
		assert_true(model_may_run(w, p));
		ticket->state = TICKET_RUNNING;
	}
}

static void step_options(struct world *w)
{
	uint32_t class_id = any(w, CLASSES), max = w->options.max_concurrent;

	switch (any(w, 5)) {
	case 0:
		w->options.max_concurrent = 1 + any(w, 16);
		break;
	case 1:
		w->options.queue_size = any(w, 60);
		break;
	case 2:
		w->options.max_concurrent_per_client = any(w, 4);
		break;
	default:
		w->options.class_max[class_id] = any(w, 4);
	}
	assert_int_equal(admission_set_options(w->admission, &w->options), 0);
	if (w->limit == max || w->limit > w->options.max_concurrent)
		w->limit = w->options.max_concurrent;
	assert_int_equal(admission_limit(w->admission), w->limit);
}

static void check_counts(const struct world *w)
{
	assert_int_equal(admission_running(w->admission), count_running(w, NULL, false, false));
	assert_int_equal(admission_queued(w->admission), model_queued(w));
}

/* Everybody who runs ends, in any order, until nobody waits: who is lost would still. */
static void play_end(struct world *w)
{
	for (uint32_t left = PEOPLE; admission_running(w->admission); left--) {
		uint32_t at = any(w, PEOPLE);

		assert_true(left > 0);
		while (w->people[at].ticket.state != TICKET_RUNNING)
			at = (at + 1) % PEOPLE;
		admission_leave(w->admission, &w->people[at].ticket, ++w->clock);
		step_nexts(w);
	}
	assert_int_equal(model_queued(w), 0);
	check_counts(w);
}

static struct world *world_new(uint64_t seed, const struct admission_options *options)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->random = seed;
	w->options = *options;
	w->limit = options->max_concurrent;
	for (size_t i = 0; i < PEOPLE; i++)
		ticket_init(&w->people[i].ticket);
	assert_int_equal(admission_new(options, &w->admission), 0);
	return w;
}

static void world_free(struct world *w)
{
	play_end(w);
	admission_free(w->admission);
	free(w);
}

static void test_random(void **state)
{
	static const struct {
		uint64_t seed;
		uint32_t changes; /* one step in so many changes an option; 0: none does */
		struct admission_options options;
	} rows[] = {
		{1, 0, {4, 40, 0, 0, {0}}},
		{2, 0, {6, 40, 2, 0, {0}}},
		{3, 0, {6, 40, 0, 0, {0, 1, 2}}},
		{4, 0, {8, 50, 2, 0, {0, 1, 2, 1}}},
		{5, 0, {8, 50, 1, 0, {1, 1, 1, 1, 1}}},
		{6, 0, {3, 5, 1, 0, {0, 1}}},
		{7, 500, {8, 50, 1, 0, {0, 1, 1, 2}}},
		{8, 50, {8, 50, 2, 0, {0, 1, 2}}},
		{9, 5, {8, 50, 2, 0, {0, 1, 2}}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world *w = world_new(rows[i].seed, &rows[i].options);

		for (uint32_t step = 0; step < STEPS; step++) {
			struct person *p = any_person(w);

			if (rows[i].changes && any(w, rows[i].changes) == 0)
				step_options(w);
			else if (any(w, 40) == 0)
				step_limit(w);
			else if (any(w, 60) == 0)
				step_shed(w);
			else if (p->ticket.state == TICKET_IDLE)
				step_enter(w, p);
			else if (p->ticket.state == TICKET_RUNNING || any(w, 8) == 0)
				admission_leave(w->admission, &p->ticket, ++w->clock);
			step_nexts(w);
			check_counts(w);
		}
		world_free(w);
	}
}

/* --- turns --- */

#define CROWD 9 /* clients that send as much as they can; the others one request at a time */
#define ALONE (CLIENTS - CROWD)

/*
 * Runs whoever may, and counts who was served while others wait; `most` is the most of the
 * clients alone.
 */
static void turns_next(struct world *w, uint32_t weights, uint32_t *most)
{
	struct person *p;

	while ((p = (struct person *)admission_next(w->admission, ++w->clock))) {
		if (p->ticket.client >= CROWD) {
			assert_in_range(p->overtaken, 0, weights - p->ticket.weight);
			*most = p->overtaken > *most ? p->overtaken : *most;
		}
		for (struct person *q = w->people; q < w->people + PEOPLE; q++)
			q->overtaken += q->ticket.client != p->ticket.client;
	}
}

/* Somebody ends or comes. The last few people are the clients alone. */
static void turns_step(struct world *w, uint16_t class_id)
{
	struct person *p = any_person(w);
	uint32_t at = (uint32_t)(p - w->people), alone = PEOPLE - 1 - at;
	struct ticket *out;

	if (p->ticket.state == TICKET_RUNNING)
		admission_leave(w->admission, &p->ticket, ++w->clock);
	if (p->ticket.state != TICKET_IDLE)
		return;
	p->ticket.client = alone < ALONE ? CROWD + alone : at % CROWD;
	p->ticket.weight = 1 + (uint32_t)p->ticket.client % 4;
	p->ticket.class_id = class_id;
	p->overtaken = 0;
	admission_enter(w->admission, &p->ticket, ++w->clock, &out);
}

/* Who waits alone is served after no more requests of others than their weights together. */
static void test_turns(void **state)
{
	static const struct {
		struct admission_options options;
		uint16_t class_id;
	} rows[] = {
		{{1, PEOPLE, 0, 0, {0}}, 0},
		{{3, PEOPLE, 0, 0, {0}}, 0},
		{{10, PEOPLE, 0, 0, {0, 1}}, 1},
		{{10, PEOPLE, 0, 0, {0, 3}}, 1},
	};
	uint32_t weights = 0;

	(void)state;
	for (uint32_t client = 0; client < CLIENTS; client++)
		weights += 1 + client % 4;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world *w = world_new(i + 77, &rows[i].options);
		uint32_t most = 0;

		for (uint32_t step = 0; step < STEPS; step++) {
			turns_step(w, rows[i].class_id);
			turns_next(w, weights, &most);
		}
		assert_in_range(most, weights / 2, weights); /* it came near to that */
		world_free(w);
	}
}

/* --- the time it takes --- */

/* CPU time of a fixed number of rounds: one ends, the next runs, one comes. */
static uint64_t time_rounds(uint32_t clients)
{
	const struct admission_options options = {8, clients, 2, 0, {0, 4}};
	struct ticket *tickets = calloc(clients + 8, sizeof(*tickets)), *next, *out;
	uint64_t begun_ns, took_ns = UINT64_MAX;
	struct admission *a;
	struct timespec t;

	assert_int_equal(admission_new(&options, &a), 0);
	for (uint32_t i = 0; i < clients + 8; i++) {
		ticket_init(&tickets[i]);
		tickets[i].client = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
		tickets[i].class_id = i % 2;
		admission_enter(a, &tickets[i], 0, &out);
	}
	for (int repeat = 0; repeat < 5; repeat++) { /* the least: nobody else was in the way */
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		begun_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
		for (uint32_t round = 0; round < 20000; round++) {
			struct ticket *one = &tickets[round * 7919 % (clients + 8)];

			admission_leave(a, one, round);
			do
				next = admission_next(a, round);
			while (next);
			admission_enter(a, one, round, &out);
		}
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		begun_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec - begun_ns;
		took_ns = begun_ns < took_ns ? begun_ns : took_ns;
	}
	for (uint32_t i = 0; i < clients + 8; i++)
		admission_leave(a, &tickets[i], 0);
	assert_int_equal(admission_running(a) + admission_queued(a), 0);
	admission_free(a);
	free(tickets);
	return took_ns;
}

static void test_ten_thousand_wait(void **state)
{
	uint64_t few_ns = time_rounds(100), many_ns = time_rounds(10000);

	(void)state;
	if (many_ns > SLOWER_MOST * few_ns)
		fail_msg("%llu ns with 100 clients, %llu with 10,000", (unsigned long long)few_ns,
			 (unsigned long long)many_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_ten_thousand_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
