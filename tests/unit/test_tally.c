// SPDX-License-Identifier: MIT
/*
 * Adding tallies up: no word of them is forgotten, what goes down adds as well, and a sum
 * that is taken while a worker records is one that makes sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/tally.h"

#define WORDS	(sizeof(struct tally) / sizeof(uint64_t))
#define RECORDS 200000
#define LOOKS	200

static struct tally *tally_new(void)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	assert_non_null(tally);
	return tally;
}

/* The totals are made of the buckets; all else is added word by word. */
static void test_every_word(void **state)
{
	struct tally *from = tally_new(), *to = tally_new();
	uint64_t *from_words = (uint64_t *)from, *to_words = (uint64_t *)to;

	(void)state;
	for (size_t i = 0; i < WORDS; i++)
		from_words[i] = i + 1;
	from->response.total = from->queue_wait.total = from->turn.total = 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		from->response.total += from->response.count[i];
		from->queue_wait.total += from->queue_wait.count[i];
		from->turn.total += from->turn.count[i];
	}
	tally_add(to, from);
	assert_memory_equal(to, from, sizeof(*to));
	tally_add(to, from);
	for (size_t i = 0; i < WORDS; i++)
		assert_int_equal(to_words[i], 2 * from_words[i]);
	free(from);
	free(to);
}

/* A connection may be accepted by one worker and counted down by another. */
static void test_below_zero(void **state)
{
	static const struct {
		int64_t a, b, sum;
	} rows[] = {{5, -2, 3}, {-1, 1, 0}, {-3, -4, -7}, {0, 0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tally *a = tally_new(), *b = tally_new();

		a->connections = rows[i].a;
		b->connections = rows[i].b;
		a->streams = rows[i].b;
		b->streams = rows[i].a;
		tally_add(a, b);
		assert_int_equal(a->connections, rows[i].sum);
		assert_int_equal(a->streams, rows[i].sum);
		free(a);
		free(b);
	}
}

static void *record(void *ctx)
{
	struct tally *tally = ctx;

	for (uint64_t i = 0; i < RECORDS; i++)
		histogram_record(&tally->response, i * 1000);
	return NULL;
}

static void test_while_it_is_written(void **state)
{
	struct tally *worker = tally_new(), *sum = tally_new();
	uint64_t before = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, record, worker), 0);
	for (int i = 0; i < LOOKS; i++) {
		memset(sum, 0, sizeof(*sum));
		tally_add(sum, worker);
		assert_int_equal(histogram_within(&sum->response, UINT64_MAX), sum->response.total);
		assert_true(sum->response.total >= before);
		before = sum->response.total;
	}
	pthread_join(thread, NULL);
	memset(sum, 0, sizeof(*sum));
	tally_add(sum, worker);
	assert_int_equal(sum->response.total, RECORDS);
	free(worker);
	free(sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_word),
		cmocka_unit_test(test_below_zero),
		cmocka_unit_test(test_while_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
