// SPDX-License-Identifier: MIT
/*
 * What admission.h says, sentence for sentence, as little plays. A play's words are done in
 * turn, each with the answer that is expected:
 *
 *   +a1=r   ticket 1 of client a enters and runs; =w it waits, =f it finds no place
 *   +a1:2=w the same in class 2           +b1=w!a3  and puts out a3, which waited
 *   -a1     it ends, or waits no longer   >a1  is the next to run   >.  nobody may run now
 *   m2      from now on max_concurrent is 2; likewise q queue_size, p max_concurrent_per_client
 *   c2:1    from now on class 2 runs one at a time
 *
 * At the end everybody leaves, whoever may run does, and nobody is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/admission.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CLIENTS	 ((size_t)8) /* a to h */
#define TICKETS	 ((size_t)10)

struct play {
	const char *name, *weights, *words; /* weights: of a, b, ... */
};

struct stage {
	const struct play *play;
	struct admission *admission;
	struct admission_options options;
	struct ticket tickets[CLIENTS * TICKETS];
	uint64_t now_ns;
	const char *at;
};

#define check(stage, condition)                                                             \
	do {                                                                                \
		if (!(condition))                                                           \
			fail_msg("%s: at \"%s\": not %s", (stage)->play->name, (stage)->at, \
				 #condition);                                               \
	} while (0)

static struct ticket *ticket_at(struct stage *stage, const char *name)
{
	check(stage,
	      name[0] >= 'a' && name[0] < 'a' + (int)CLIENTS && name[1] >= '0' && name[1] <= '9');
	return &stage->tickets[(size_t)(name[0] - 'a') * TICKETS + (size_t)(name[1] - '0')];
}

static void play_enter(struct stage *stage, const char *word)
{
	static const char letters[] = {
		[ADMISSION_RUN] = 'r', [ADMISSION_WAIT] = 'w', [ADMISSION_FULL] = 'f'};
	static const enum ticket_state states[] = {[ADMISSION_RUN] = TICKET_RUNNING,
						   [ADMISSION_WAIT] = TICKET_WAITING,
						   [ADMISSION_FULL] = TICKET_IDLE};
	struct ticket *ticket = ticket_at(stage, word + 1), *displaced;
	const char *answer = strchr(word, '='), *out = strchr(word, '!');
	int got;

	check(stage, ticket->state == TICKET_IDLE);
	ticket->client = (uint64_t)word[1];
	ticket->class_id = word[3] == ':' ? (uint16_t)(word[4] - '0') : 0;
	ticket->weight = 1;
	if (stage->play->weights && (size_t)(word[1] - 'a') < strlen(stage->play->weights))
		ticket->weight = (uint32_t)(stage->play->weights[word[1] - 'a'] - '0');
	got = admission_enter(stage->admission, ticket, stage->now_ns, &displaced);
	check(stage, letters[got] == answer[1]);
	check(stage, ticket->state == states[got]);
	check(stage, got == ADMISSION_FULL || ticket->since_ns == stage->now_ns);
	check(stage,
	      displaced == (out && out < strchr(word, ' ') ? ticket_at(stage, out + 1) : NULL));
	check(stage, !displaced || displaced->state == TICKET_IDLE);
}

static void play_next(struct stage *stage, const char *word)
{
	struct ticket *ticket = admission_next(stage->admission, stage->now_ns);

	check(stage, ticket == (word[1] == '.' ? NULL : ticket_at(stage, word + 1)));
	check(stage, !ticket || ticket->state == TICKET_RUNNING);
	check(stage, !ticket || ticket->since_ns == stage->now_ns);
}

/* The option that the word names, or NULL. */
static uint32_t *option_at(struct admission_options *options, const char *word)
{
	switch (word[0]) {
	case 'm':
		return &options->max_concurrent;
	case 'q':
		return &options->queue_size;
	case 'p':
		return &options->max_concurrent_per_client;
	case 'c':
		return &options->class_max[word[1] - '0'];
	default:
		return NULL;
	}
}

static void play_word(struct stage *stage, const char *word)
{
	uint32_t *option = option_at(&stage->options, word);

	stage->at = word;
	stage->now_ns += 1000;
	if (option) {
		check(stage, sscanf(word + (word[0] == 'c' ? 3 : 1), "%u", option) == 1);
		check(stage, admission_set_options(stage->admission, &stage->options) == 0);
	} else if (word[0] == '+') {
		play_enter(stage, word);
	} else if (word[0] == '-') {
		admission_leave(stage->admission, ticket_at(stage, word + 1), stage->now_ns);
		check(stage, ticket_at(stage, word + 1)->state == TICKET_IDLE);
	} else {
		check(stage, word[0] == '>');
		play_next(stage, word);
	}
}

/* What is counted is what the tickets say. */
static void check_counts(struct stage *stage)
{
	uint32_t counts[3] = {0};

	for (size_t i = 0; i < CLIENTS * TICKETS; i++)
		counts[stage->tickets[i].state]++;
	check(stage, admission_running(stage->admission) == counts[TICKET_RUNNING]);
	check(stage, admission_queued(stage->admission) == counts[TICKET_WAITING]);
	check(stage, admission_position(stage->admission) == counts[TICKET_WAITING] + 1);
}

static void play_end(struct stage *stage)
{
	struct ticket *all = stage->tickets;

	stage->at = "the end";
	while (admission_running(stage->admission))
		for (size_t i = 0; i < CLIENTS * TICKETS; i++) {
			if (all[i].state != TICKET_RUNNING)
				continue;
			admission_leave(stage->admission, &all[i], stage->now_ns);
			while (admission_next(stage->admission, stage->now_ns))
				;
		}
	check(stage, admission_queued(stage->admission) == 0);
	check_counts(stage);
	admission_free(stage->admission);
}

static void play(const struct play *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct stage stage = {.play = &rows[i], .options = {.max_concurrent = 1}};

		for (size_t t = 0; t < CLIENTS * TICKETS; t++)
			ticket_init(&stage.tickets[t]);
		assert_int_equal(admission_new(&stage.options, &stage.admission), 0);
		for (const char *word = rows[i].words; *word; word += strcspn(word, " ") + 1) {
			play_word(&stage, word);
			check_counts(&stage);
		}
		play_end(&stage);
	}
}

/* A word is as long as it is: the last one ends in a blank too. */
#define PLAY(name, weights, words)       \
	{                                \
		name, weights, words " " \
	}

static void test_permits_and_orders(void **state)
{
	static const struct play rows[] = {
		PLAY("as many run as may", NULL, "m2 q9 +a1=r +a2=r +b1=w >. -a1 >b1 >."),
		PLAY("no queue", NULL, "m1 q0 +a1=r +b1=f +a2=f -a1 >. +b1=r"),
		PLAY("a full queue", NULL, "m1 q2 +a1=r +b1=w +c1=w +d1=f -b1 +d1=w +b1=f"),
		PLAY("first come, first served", NULL,
		     "m1 q9 +a1=r +a2=w +a3=w +a4=w +a5=w -a1 >a2 >. -a2 >a3 -a3 >a4 -a4 >a5"),
		PLAY("whoever left may come again, behind the others", NULL,
		     "m1 q9 +b1=r +a1=w +a2=w -a1 +a1=w -b1 >a2 -a2 >a1"),
		PLAY("one waiting request is delayed by one of a crowd's", NULL,
		     "m1 q9 +a1=r +a2=w +a3=w +a4=w +a5=w +b1=w -a1 >a2 -a2 >b1 -b1 >a3 -a3 >a4"),
		PLAY("in turns", NULL,
		     "m1 q9 +d1=r +a1=w +a2=w +a3=w +b1=w +b2=w +c1=w "
		     "-d1 >a1 -a1 >b1 -b1 >c1 -c1 >a2 -a2 >b2 -b2 >a3"),
		PLAY("each weight requests a turn", "2131",
		     "m1 q9 +d1=r +a1=w +a2=w +a3=w +b1=w +b2=w +c1=w +c2=w +c3=w +c4=w "
		     "-d1 >a1 -a1 >a2 -a2 >b1 -b1 >c1 -c1 >c2 -c2 >c3 -c3 >a3 -a3 >b2 -b2 >c4"),
		PLAY("a turn that isn't used up is not kept", "31",
		     "m1 q9 +b1=r +a1=w +b2=w +b3=w -b1 >a1 +a2=w +a3=w -a1 >b2 -b2 >a2 -a2 >a3"),
		PLAY("several permits at once", NULL,
		     "m3 q9 +a1=r +a2=r +a3=r +a4=w +a5=w +b1=w -a1 -a2 -a3 >a4 >b1 >a5 >."),
	};

	(void)state;
	play(rows, COUNT(rows));
}

static void test_caps(void **state)
{
	static const struct play rows[] = {
		PLAY("a client's limit lets the others by", NULL,
		     "m3 q9 p1 +a1=r +a2=w >. +b1=r +a3=w +b2=w +c1=r -b1 >b2 >. -a1 >a2 >."),
		PLAY("it frees one of that client only", NULL,
		     "m9 q9 p2 +a1=r +a2=r +b1=r +b2=r +a3=w +b3=w >. -b2 >b3 >. -a1 >a3 >."),
		PLAY("a class's limit lets other classes by", NULL,
		     "m3 q9 c1:1 +a1:1=r +a2:1=w +b1:1=w +a3=r +b2=r +c1=w -a1 >c1 >. -c1 >a2"),
		PLAY("clients in turn for a class", NULL,
		     "m9 q9 c1:1 +a1:1=r +a2:1=w +a3:1=w +b1:1=w -a1 >a2 >. -a2 >b1 >. -b1 >a3"),
		PLAY("weights in a class", "21",
		     "m9 q9 c1:1 +c1:1=r +a1:1=w +a2:1=w +a3:1=w +b1:1=w +b2:1=w "
		     "-c1 >a1 >. -a1 >a2 >. -a2 >b1 >. -b1 >a3 >. -a3 >b2 >."),
		PLAY("class 0 may have a limit, which is not that of classes without one", NULL,
		     "m9 q9 c0:1 +a1=r +a2=w +a3:1=r +a4:2=r >. -a1 >a2"),
		PLAY("one who waits for a class hinders nobody who comes", NULL,
		     "m9 q9 c1:1 +a1:1=r +a2:1=w +b1=r +a3=r +b2:1=w +b3:2=r"),
		PLAY("one who waits for its client hinders nobody who comes", NULL,
		     "m9 q9 p1 +a1=r +a2=w +b1=r +c1=r +b2=w +d1=r"),
		PLAY("the free client in a class goes past the full one", NULL,
		     "m9 q9 p1 c1:1 +a1=r +b1:1=r +a2:1=w +c1:1=w >. -b1 >c1 >. -a1 >. -c1 >a2"),
		PLAY("the free class of a client goes past the full one", NULL,
		     "m9 q9 p1 c1:1 +a1=r +b1:1=r +a2:1=w +a3=w >. -a1 >a3 >. -b1 >. -a3 >a2"),
		PLAY("both limits at once, and both ends at once", NULL,
		     "m9 q9 p1 c1:1 +a1=r +b1:1=r +a2:1=w +a3=w +c1:1=w -a1 -b1 >a3 >c1 "
		     ">. -a3 >. -c1 >a2"),
	};

	(void)state;
	play(rows, COUNT(rows));
}

/* Who is woken for a permit and can't use it leaves it to the next in line. */
static void test_nobody_is_forgotten(void **state)
{
	static const struct play rows[] = {
		PLAY("the woken leaves before there is a permit", NULL,
		     "m2 q9 c1:1 +a1:1=r +b1=r +c1:1=w +d1:1=w >. "
		     "m1 -a1 >. -c1 >. -b1 >d1"),
		PLAY("the same of a client", NULL,
		     "m2 q9 p1 c1:1 c2:1 +a1=r +b1=r +a2:1=w +a3:2=w >. m1 -a1 >. -a2 >. -b1 >a3"),
		PLAY("two are woken, one permit is free, one leaves", NULL,
		     "m2 q9 p1 c1:1 +a1:1=r +b1=r +a2=w +c1:1=w +d1:1=w >. "
		     "m1 -a1 -b1 >c1 m1 -c1 >a2 -d1 -a2 >."),
		PLAY("several ends before the next is asked for", NULL,
		     "m9 q9 c1:2 +a1:1=r +a2:1=r +b1:1=w +c1:1=w +d1:1=w -a1 -a2 >b1 >c1 >. -b1 "
		     ">d1"),
		PLAY("a class is woken through the client", NULL,
		     "m9 q9 p1 c1:1 +a1=r +b1:1=r +a2:1=w +c1:1=w +d1:1=w "
		     "-b1 >c1 >. -a1 >. -c1 >d1 >. -d1 >a2"),
	};

	(void)state;
	play(rows, COUNT(rows));
}

static void test_displacing(void **state)
{
	static const struct play rows[] = {
		PLAY("the longest's last", NULL,
		     "m1 q4 +a1=r +a2=w +a3=w +a4=w +a5=w +b1=w!a5 +c1=w!a4 +d1=w!a3 +e1=f -a1 >a2 "
		     "-a2 >b1"),
		PLAY("one's own order would grow as long", NULL,
		     "m1 q3 +a1=r +a2=w +a3=w +b1=w +b2=f +c1=w!a3 +c2=f"),
		PLAY("nobody displaces their own", NULL,
		     "m1 q3 +a1=r +a2=w +a3=w +a4=w +a5=f +a6=f"),
		PLAY("of the same length: the first that grew so", NULL,
		     "m1 q4 +c1=r +a1=w +b1=w +a2=w +b2=w +c2=w!a2 +d1=w!b2 +e1=f"),
		PLAY("the longest is the longest that is left", NULL,
		     "m1 q5 +c1=r +a1=w +a2=w +a3=w +b1=w +b2=w -a3 +b3=w -b1 +a3=w +c2=w!a3"),
		PLAY("a displaced one may come again", NULL,
		     "m1 q2 +c1=r +a1=w +a2=w +b1=w!a2 +a2=f -b1 +a2=w"),
		PLAY("classes without a limit make no orders of their own", NULL,
		     "m1 q3 +b1=r +a1:1=w +a2:2=w +a3:3=w +c1=w!a3 -b1 >a1 -a1 >c1 -c1 >a2"),
		PLAY("classes with one do", NULL,
		     "m1 q3 c1:1 c2:1 +b1=r +a1:1=w +a2:2=w +a3=w +c1=f -b1 >a1 -a1 >a2 -a2 >a3"),
		PLAY("from one's own order of another class", NULL,
		     "m1 q3 p5 c1:1 +b1=r +a1:1=w +a2:1=w +a3:1=w +a4=w!a3"),
	};

	(void)state;
	play(rows, COUNT(rows));
}

static void test_changes(void **state)
{
	static const struct play rows[] = {
		PLAY("more permits", NULL, "m1 q9 +a1=r +a2=w +b1=w m3 >a2 >b1 >."),
		PLAY("fewer permits", NULL,
		     "m3 q9 +a1=r +a2=r +a3=r +b1=w m1 >. -a1 >. -a2 >. -a3 >b1 >."),
		PLAY("a longer queue", NULL,
		     "m1 q1 +a1=r +a2=w +a3=f q3 +a3=w +a4=w +a5=f +b1=w!a4"),
		PLAY("a shorter queue", NULL,
		     "m1 q4 +a1=r +a2=w +a3=w +a4=w q1 +b1=w!a4 +c1=w!a3 -b1 +b1=f -c1 -a1 >a2"),
		PLAY("no queue any more", NULL, "m1 q4 +a1=r +a2=w q0 +b1=f -a1 >a2"),
		PLAY("a longer queue keeps the lengths", NULL,
		     "m1 q3 +a1=r +a2=w +a3=w +b1=w q4 +b2=w +b3=f +c1=w!a3 q5 +b3=w +d1=w!b3"),
		PLAY("a client's limit comes", NULL,
		     "m2 q9 +c1=r +c2=r +a1=w +a2=w +b1=w p1 -c1 -c2 >a1 >b1 >. -a1 >a2"),
		PLAY("it grows", NULL, "m9 q9 p1 +a1=r +a2=w +a3=w +a4=w p3 >a2 >a3 >. -a1 >a4"),
		PLAY("it shrinks", NULL,
		     "m9 q9 p3 +a1=r +a2=r +a3=r +a4=w p1 >. -a1 >. -a2 >. -a3 >a4"),
		PLAY("it goes", NULL, "m9 q9 p1 +a1=r +a2=w +a3=w p0 >a2 >a3 +a4=r"),
		PLAY("a class's limit comes and goes", NULL,
		     "m2 q9 +a1:1=r +a2:1=r c1:1 +b1:1=w >. -a1 >. +c1=r -a2 >b1 +c2:1=w c1:0 -c1 "
		     ">c2"),
		PLAY("it comes while they wait", NULL,
		     "m2 q9 +b1=r +b2=r +a1:1=w +a2:1=w +a3=w c1:1 -b1 -b2 >a1 >. -a1 >a2 >a3"),
		PLAY("and the first of them leaves", NULL,
		     "m2 q9 +b1:1=r +b2=r +a1:1=w +a2=w c1:1 -b2 >. -a1 >a2 >."),
		PLAY("it grows", NULL,
		     "m9 q9 c1:1 +a1:1=r +a2:1=w +b1:1=w +c1:1=w c1:3 >a2 >b1 >. -a1 >c1"),
	};

	(void)state;
	play(rows, COUNT(rows));
}

static void test_leaving(void **state)
{
	static const struct play rows[] = {
		PLAY("from the middle of an order", NULL,
		     "m1 q9 +b1=r +a1=w +a2=w +a3=w -a2 -b1 >a1 -a1 >a3"),
		PLAY("an order's last", NULL, "m1 q9 +b1=r +a1=w +c1=w -a1 -b1 >c1 >."),
		PLAY("while it stands aside", NULL,
		     "m9 q9 p1 +a1=r +a2=w +a3=w -a2 >. -a1 >a3 -a3 >. +a1=r"),
		PLAY("who never came", NULL, "m1 q1 -a1 +a1=r -b1 +b1=w -b1 -b1 -a1 -a1 >."),
		PLAY("who found no place", NULL, "m1 q0 p1 +a1=r +b1=f -b1 -a1 +b1=r"),
		PLAY("who was put out", NULL, "m1 q2 +c1=r +a1=w +a2=w +b1=w!a2 -a2 -c1 >a1"),
	};

	(void)state;
	play(rows, COUNT(rows));
}

/* Requests that took `held_ms` each: 8 rows' worth of them, then the estimate for a position. */
static void test_estimates(void **state)
{
	static const struct {
		uint32_t max, requests, position;
		int64_t held_ms;
		uint64_t least_ms, most_ms;
	} rows[] = {
		{1, 0, 1, 0, 0, 0},
		{1, 200, 1, 80, 79, 80},
		{1, 200, 5, 80, 395, 400},
		{8, 200, 1, 80, 9, 10},
		{8, 200, 16, 80, 158, 160},
		{1, 1, 1, 160, 10, 10},
		{1, 3, 1, 0, 0, 0},
		{1, 3, 1, -5, 0, 0}, /* the clock of who let it in was ahead */
		{1, 300, UINT32_MAX, INT64_C(86400000) * 365, UINT64_MAX / 1000000, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct admission_options options = {.max_concurrent = rows[i].max};
		uint64_t now_ns = UINT64_C(1) << 62, ms;
		struct admission *a;
		struct ticket ticket, *none;

		ticket_init(&ticket);
		assert_int_equal(admission_new(&options, &a), 0);
		for (uint32_t n = 0; n < rows[i].requests; n++) {
			admission_enter(a, &ticket, now_ns, &none);
			admission_leave(a, &ticket, now_ns + (uint64_t)rows[i].held_ms * 1000000);
		}
		ms = admission_estimate_ns(a, rows[i].position) / 1000000;
		if (ms < rows[i].least_ms || ms > rows[i].most_ms)
			fail_msg("row %zu: %llu ms", i, (unsigned long long)ms);
		admission_free(a);
	}
}

static void test_streams(void **state)
{
	struct admission_options options = {.max_concurrent = 1, .max_streams = 2};
	struct admission *a;
	struct ticket ticket, *none;

	(void)state;
	ticket_init(&ticket);
	assert_int_equal(admission_new(&options, &a), 0);
	assert_true(admission_stream_begin(a) && admission_stream_begin(a));
	assert_false(admission_stream_begin(a));
	assert_int_equal(admission_streams(a), 2);
	assert_int_equal(admission_enter(a, &ticket, 0, &none),
			 ADMISSION_RUN); /* no permit of it */
	options.max_streams = 1;
	assert_int_equal(admission_set_options(a, &options), 0);
	admission_stream_end(a);
	assert_false(admission_stream_begin(a));
	admission_stream_end(a);
	assert_true(admission_stream_begin(a));
	admission_stream_end(a);
	assert_int_equal(admission_streams(a), 0);
	admission_leave(a, &ticket, 0);
	admission_free(a);
	admission_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permits_and_orders),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_nobody_is_forgotten),
		cmocka_unit_test(test_displacing),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_estimates),
		cmocka_unit_test(test_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
