// SPDX-License-Identifier: MIT
/*
 * Admission where memory runs out: at each of its allocations in turn, the answer is
 * ADMISSION_FULL or -ENOMEM, nothing has changed, and it goes on afterwards. The production
 * file is compiled in once more, with allocations that can be made to fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>

static int allocations_left; /* negative: as many as there are */

static bool may_allocate(void)
{
	return allocations_left < 0 || allocations_left-- > 0;
}

static void *scarce_malloc(size_t size)
{
	return may_allocate() ? malloc(size) : NULL;
}

static void *scarce_calloc(size_t count, size_t size)
{
	return may_allocate() ? calloc(count, size) : NULL;
}

#define malloc scarce_malloc
#define calloc scarce_calloc
#include "../../user/core/admission.c" /* NOLINT(bugprone-suspicious-include): see above */
#undef malloc
#undef calloc

#define PEOPLE		40
#define CLIENTS		(PEOPLE / 4)
#define ALLOCATIONS_MAX 200

static struct admission *admission_made(const struct admission_options *options)
{
	struct admission *a;

	allocations_left = -1;
	if (admission_new(options, &a) != 0)
		abort();
	return a;
}

/* Everybody comes, from ten clients and two classes; returns how many found no place. */
static uint32_t crowd_comes(struct admission *a, struct ticket people[PEOPLE])
{
	uint32_t turned_away = 0;

	for (uint32_t i = 0; i < PEOPLE; i++) {
		struct ticket *out;
		enum admission_answer answer;

		if (people[i].state != TICKET_IDLE)
			continue;
		people[i].client = i / 4;
		people[i].class_id = i % 2;
		answer = admission_enter(a, &people[i], i, &out);
		assert_int_equal(answer == ADMISSION_FULL, people[i].state == TICKET_IDLE);
		assert_null(people[i].state == TICKET_IDLE ? people[i].party : NULL);
		assert_null(out);
		turned_away += answer == ADMISSION_FULL;
	}
	return turned_away;
}

/* No client runs more than one, even if there was no memory to count it. */
static void check_clients(const struct ticket people[PEOPLE])
{
	uint32_t running[CLIENTS] = {0};

	for (size_t i = 0; i < PEOPLE; i++)
		if (people[i].state == TICKET_RUNNING)
			assert_int_equal(running[people[i].client]++, 0);
}

static void crowd_goes(struct admission *a, struct ticket people[PEOPLE])
{
	for (uint32_t i = 0; i < PEOPLE; i++) {
		admission_leave(a, &people[i], i);
		while (admission_next(a, i))
			;
	}
	assert_int_equal(admission_running(a) + admission_queued(a), 0);
}

static void test_enter(void **state)
{
	static const struct admission_options options = {
		.max_concurrent = 4,
		.queue_size = 2 * PEOPLE,
		.max_concurrent_per_client = 1,
		.class_max = {[1] = 2},
	};
	uint32_t turned_away = 1;

	(void)state;
	for (int n = 0; turned_away; n++) {
		struct ticket people[PEOPLE];
		struct admission *a;

		assert_true(n < ALLOCATIONS_MAX);
		for (size_t i = 0; i < PEOPLE; i++)
			ticket_init(&people[i]);
		a = admission_made(&options);
		allocations_left = n;
		turned_away = crowd_comes(a, people);
		check_clients(people);
		allocations_left = -1;
		assert_int_equal(crowd_comes(a, people), 0);
		crowd_goes(a, people);
		admission_free(a);
	}
}

/* Nobody loses a place that the newcomer then does not get. */
static void test_displacing(void **state)
{
	static const struct admission_options options = {.max_concurrent = 1, .queue_size = 3};
	struct ticket people[PEOPLE], *out;
	struct admission *a;

	(void)state;
	for (int n = 0; n < 4; n++) {
		a = admission_made(&options);
		for (size_t i = 0; i < PEOPLE; i++)
			ticket_init(&people[i]);
		for (size_t i = 0; i < 4; i++)
			admission_enter(a, &people[i], 0, &out);
		people[4].client = 1;
		allocations_left = n;
		admission_enter(a, &people[4], 0, &out);
		allocations_left = -1;
		assert_int_equal(admission_queued(a), 3);
		assert_int_equal(people[3].state == TICKET_IDLE, out == &people[3]);
		assert_int_equal(people[4].state == TICKET_WAITING, out == &people[3]);
		crowd_goes(a, people);
		admission_free(a);
	}
}

static void test_options(void **state)
{
	struct admission_options options = {.max_concurrent = 1, .queue_size = 1};
	struct ticket tickets[3], *out;
	struct admission *a, *none = NULL;

	(void)state;
	for (int n = 0; n < 2; n++) {
		allocations_left = n;
		assert_int_equal(admission_new(&options, &none), -ENOMEM);
		assert_null(none);
	}
	a = admission_made(&options);
	for (size_t i = 0; i < 3; i++)
		ticket_init(&tickets[i]);
	assert_int_equal(admission_enter(a, &tickets[0], 0, &out), ADMISSION_RUN);
	options = (struct admission_options){.max_concurrent = 3, .queue_size = 2};
	allocations_left = 0;
	assert_int_equal(admission_set_options(a, &options), -ENOMEM);
	allocations_left = -1;
	assert_int_equal(admission_enter(a, &tickets[1], 0, &out), ADMISSION_WAIT);
	assert_int_equal(admission_enter(a, &tickets[2], 0, &out), ADMISSION_FULL);
	assert_int_equal(admission_set_options(a, &options), 0);
	assert_ptr_equal(admission_next(a, 0), &tickets[1]);
	for (size_t i = 0; i < 3; i++)
		admission_leave(a, &tickets[i], 0);
	admission_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enter),
		cmocka_unit_test(test_displacing),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
