// SPDX-License-Identifier: MIT
/*
 * Request tokens: what takes, peeks and refunds say and do, that a client in debt keeps its
 * slot and its debt whatever the packet path does, that nobody inherits any, and that
 * threads take exactly what there is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/ban.h"
#include "core/requests.h"
#include "core/standing.h"
#include "edge_fixture.h"

#define MS	1000000ULL
#define TICK_NS (1ULL << HATAGO_TICK_SHIFT)
#define ADDRESS "192.0.2.1"
#define OTHER	"198.51.100.1"

static struct hatago_limit limit_of(uint64_t per_second, uint64_t burst, uint32_t step_ms)
{
	struct hatago_limit limit;

	assert_int_equal(hatago_limit_make(per_second * 1000, burst, step_ms, &limit), 0);
	return limit;
}

static enum requests_answer take(const struct fixture *f, const char *address,
				 const struct hatago_limit *limit, uint64_t tokens, uint64_t now_ns,
				 struct requests_left *ret)
{
	return requests_take(&f->clients, fixture_id(f, address), limit, tokens, false, now_ns,
			     ret);
}

static uint64_t tokens_of(const struct fixture *f, const char *address,
			  const struct hatago_limit *limit, bool handshake, uint64_t now_ns)
{
	struct requests_left left;

	requests_peek(&f->clients, fixture_id(f, address), limit, 1, handshake, now_ns, &left);
	return left.tokens;
}

static struct client_at find(const struct fixture *f, const char *address)
{
	struct client_at at;

	assert_true(clients_find(&f->clients, fixture_id(f, address), &at));
	return at;
}

/* One after the other, from a bucket of 10 that gets 10 a second. */
static void test_takes(void **state)
{
	static const struct {
		uint64_t at_ms, tokens;
		enum requests_answer answer;
		uint64_t left, wait_ms, debt_ms;
	} rows[] = {
		{0, 0, REQUESTS_TAKEN, 10, 0, 0},
		{0, 1, REQUESTS_TAKEN, 9, 0, 100},
		{0, 4, REQUESTS_TAKEN, 5, 0, 500},
		{0, 6, REQUESTS_REFUSED, 5, 100, 500},
		{0, 5, REQUESTS_TAKEN, 0, 500, 1000},
		{0, 1, REQUESTS_REFUSED, 0, 100, 1000},
		{99, 1, REQUESTS_REFUSED, 0, 1, 901},
		{100, 1, REQUESTS_TAKEN, 0, 100, 1000},
		{100, 100, REQUESTS_REFUSED, 0, 1000, 1000}, /* cut to the burst */
		{1100, 100, REQUESTS_TAKEN, 0, 1000, 1000},
		{1100, UINT64_MAX, REQUESTS_REFUSED, 0, 1000, 1000},
		{99000, 1, REQUESTS_TAKEN, 9, 0, 100},
	};
	const struct hatago_limit limit = limit_of(10, 10, 0);
	struct fixture f;

	(void)state;
	fixture_init(&f, 4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct requests_left left;

		assert_int_equal(take(&f, ADDRESS, &limit, rows[i].tokens,
				      FIXTURE_NOW + rows[i].at_ms * MS, &left),
				 rows[i].answer);
		assert_int_equal(left.tokens, rows[i].left);
		assert_int_equal(left.wait_ns, rows[i].wait_ms * MS);
		assert_int_equal(left.debt_ns, rows[i].debt_ms * MS);
		assert_false(left.shared);
	}
	fixture_done(&f);
}

/* Two buckets, and those of other clients are others. */
static void test_buckets_are_apart(void **state)
{
	const struct hatago_limit limit = limit_of(1, 5, 0);
	struct hatago_client_id id;
	struct requests_left left;
	struct fixture f;

	(void)state;
	fixture_init(&f, 4);
	id = fixture_id(&f, ADDRESS);
	assert_int_equal(take(&f, ADDRESS, &limit, 2, FIXTURE_NOW, &left), REQUESTS_TAKEN);
	assert_int_equal(requests_take(&f.clients, id, &limit, 4, true, FIXTURE_NOW, &left),
			 REQUESTS_TAKEN);
	assert_int_equal(tokens_of(&f, ADDRESS, &limit, false, FIXTURE_NOW), 3);
	assert_int_equal(tokens_of(&f, ADDRESS, &limit, true, FIXTURE_NOW), 1);
	assert_int_equal(tokens_of(&f, OTHER, &limit, false, FIXTURE_NOW), 5);
	assert_false(clients_find(&f.clients, fixture_id(&f, OTHER), &(struct client_at){0}));
	fixture_done(&f);
}

static void test_refund(void **state)
{
	static const uint32_t steps[] = {0, 1000};

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct hatago_limit limit = limit_of(1, 5, steps[i]);
		struct requests_left left;
		struct hatago_client_id id;
		struct fixture f;

		fixture_init(&f, 4);
		id = fixture_id(&f, ADDRESS);
		requests_refund(&f.clients, id, &limit, 3, false, false, FIXTURE_NOW); /* nobody */
		assert_int_equal(take(&f, ADDRESS, &limit, 4, FIXTURE_NOW, &left), REQUESTS_TAKEN);
		requests_refund(&f.clients, id, &limit, 3, false, false, FIXTURE_NOW);
		assert_int_equal(tokens_of(&f, ADDRESS, &limit, false, FIXTURE_NOW), 4);
		requests_refund(&f.clients, id, &limit, 5, false, false, FIXTURE_NOW);
		requests_refund(&f.clients, id, &limit, 5, false, false, FIXTURE_NOW);
		assert_int_equal(tokens_of(&f, ADDRESS, &limit, false, FIXTURE_NOW), 5);
		assert_int_equal(take(&f, ADDRESS, &limit, 5, FIXTURE_NOW, &left), REQUESTS_TAKEN);
		assert_int_equal(take(&f, ADDRESS, &limit, 1, FIXTURE_NOW, &left),
				 REQUESTS_REFUSED);
		fixture_done(&f);
	}
}

/* The standing that a client has, and what a take of 10 s of debt makes of it. */
static void test_standing(void **state)
{
	enum { NONE = 0, SHORT = 2, LONG = 60, DEBT = 10 }; /* seconds */
	static const struct {
		enum hatago_standing kind;
		uint32_t for_s;
		enum hatago_standing then;
		uint32_t then_s;
	} rows[] = {
		{HATAGO_KEPT, NONE, HATAGO_KEPT, DEBT},
		{HATAGO_KEPT, SHORT, HATAGO_KEPT, DEBT},
		{HATAGO_KEPT, LONG, HATAGO_KEPT, LONG},
		{HATAGO_TRUSTED, SHORT, HATAGO_TRUSTED, DEBT},
		{HATAGO_TRUSTED, LONG, HATAGO_TRUSTED, LONG},
		{HATAGO_ESCALATED, SHORT, HATAGO_ESCALATED, DEBT},
		{HATAGO_ESCALATED, LONG, HATAGO_ESCALATED, LONG},
		{HATAGO_BANNED, SHORT, HATAGO_BANNED, SHORT}, /* it ends when it says */
		{HATAGO_BANNED, LONG, HATAGO_BANNED, LONG},
	};
	const struct hatago_limit limit = limit_of(1, 10, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hatago_slot *slot;
		struct requests_left left;
		struct fixture f;

		fixture_init(&f, 1);
		slot = fixture_slot(&f, ADDRESS, FIXTURE_NOW);
		if (rows[i].for_s)
			slot->standing = standing_for(rows[i].kind, FIXTURE_NOW,
						      rows[i].for_s * FIXTURE_SECOND);
		assert_int_equal(take(&f, ADDRESS, &limit, 10, FIXTURE_NOW, &left), REQUESTS_TAKEN);
		assert_int_equal(slot->standing, standing_for(rows[i].then, FIXTURE_NOW,
							      rows[i].then_s * FIXTURE_SECOND));
		fixture_done(&f);
	}
}

/* A standing that is over is none, of whatever kind it was. */
static void test_standing_that_is_over(void **state)
{
	const struct hatago_limit limit = limit_of(1, 10, 0);
	uint32_t tick = tick_of(FIXTURE_NOW);

	(void)state;
	for (uint32_t kind = HATAGO_KEPT; kind <= HATAGO_BANNED; kind++) {
		struct requests_left left;
		struct hatago_slot *slot;
		struct fixture f;

		fixture_init(&f, 1);
		slot = fixture_slot(&f, ADDRESS, FIXTURE_NOW);
		slot->standing = HATAGO_STANDING(kind, tick);
		assert_int_equal(take(&f, ADDRESS, &limit, 1, FIXTURE_NOW, &left), REQUESTS_TAKEN);
		assert_int_equal(slot->standing,
				 standing_for(HATAGO_KEPT, FIXTURE_NOW, FIXTURE_SECOND));
		fixture_done(&f);
	}
}

/* Whatever a slot's earlier owner left in its word, the next one's bucket is full. */
static void test_nobody_inherits(void **state)
{
	const struct hatago_limit limit = limit_of(1, 10, 0);
	const uint64_t now = bucket_time(FIXTURE_NOW);
	const uint64_t words[] = {
		0,    now, now + 1, now + limit.tau, now + (1ULL << 63) - 1, now + (1ULL << 63),
		~0ULL};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct requests_left left;
		struct client_at at;
		struct fixture f;

		fixture_init(&f, 1);
		fixture_frame(&f, fixture_id(&f, ADDRESS), 60, false, FIXTURE_NOW);
		at = find(&f, ADDRESS);
		at.side->gate[at.place & TABLE_WAY].requests = words[i];
		assert_int_equal(tokens_of(&f, ADDRESS, &limit, false, FIXTURE_NOW), 10);
		assert_int_equal(take(&f, ADDRESS, &limit, 4, FIXTURE_NOW, &left), REQUESTS_TAKEN);
		assert_int_equal(left.tokens, 6);
		assert_int_equal(tokens_of(&f, ADDRESS, &limit, false, FIXTURE_NOW), 6);
		/* and it stays so where something else makes it stand for longer */
		assert_true(standing_raise(
			&at, standing_for(HATAGO_TRUSTED, FIXTURE_NOW, 9000 * FIXTURE_SECOND),
			FIXTURE_NOW));
		assert_int_equal(tokens_of(&f, ADDRESS, &limit, false, FIXTURE_NOW), 6);
		fixture_done(&f);
	}
}

/* The packet path hands the slot on once the debt is over, at the first tick and no sooner. */
static void test_kept_until_the_debt_is_over(void **state)
{
	const struct hatago_limit limit = limit_of(1, 10, 0);
	uint64_t end = (uint64_t)ban_end(FIXTURE_NOW, 7 * FIXTURE_SECOND) << HATAGO_TICK_SHIFT;
	struct requests_left left;
	struct client_at at;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	assert_int_equal(take(&f, ADDRESS, &limit, 7, FIXTURE_NOW, &left), REQUESTS_TAKEN);
	at = find(&f, ADDRESS);
	assert_false(slot_is_idle(at.slot, f.rules, end - 1));
	assert_int_equal(tokens_of(&f, ADDRESS, &limit, false, end - 1), 10);
	assert_true(slot_is_idle(at.slot, f.rules, end));
	fixture_done(&f);
}

/* A lowered limit holds at once, for a debt that the longer one left as well. */
static void test_lowered_limit(void **state)
{
	const struct hatago_limit slow = limit_of(1, 1000, 0), fast = limit_of(10, 10, 0);
	struct requests_left left;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	assert_int_equal(take(&f, ADDRESS, &slow, 900, FIXTURE_NOW, &left), REQUESTS_TAKEN);
	assert_int_equal(take(&f, ADDRESS, &fast, 1, FIXTURE_NOW, &left), REQUESTS_REFUSED);
	assert_int_equal(left.debt_ns / MS, 1000);
	assert_int_equal(take(&f, ADDRESS, &fast, 10, FIXTURE_NOW + FIXTURE_SECOND, &left),
			 REQUESTS_TAKEN);
	fixture_done(&f);
}

/* Where all slots are live, clients share a bucket; nobody is thrown out. */
static void test_overflow(void **state)
{
	const struct hatago_limit limit = limit_of(1, 3, 0);
	struct requests_left left;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	for (uint32_t way = 0; way < HATAGO_WAYS; way++) {
		f.clients.sets->key[way] = f.clients.sets->slot[way].key = way + 1;
		f.clients.sets->slot[way].standing =
			HATAGO_STANDING(HATAGO_BANNED, HATAGO_TICK_NEVER);
	}
	assert_int_equal(take(&f, ADDRESS, &limit, 2, FIXTURE_NOW, &left), REQUESTS_TAKEN);
	assert_true(left.shared);
	assert_int_equal(left.tokens, 1);
	assert_int_equal(take(&f, OTHER, &limit, 2, FIXTURE_NOW, &left), REQUESTS_REFUSED);
	assert_true(left.shared);
	assert_int_equal(tokens_of(&f, OTHER, &limit, false, FIXTURE_NOW), 1);
	requests_refund(&f.clients, fixture_id(&f, ADDRESS), &limit, 1, false, true, FIXTURE_NOW);
	assert_int_equal(tokens_of(&f, OTHER, &limit, false, FIXTURE_NOW), 2);
	assert_int_equal(f.clients.sides->overflow.standing, 0); /* all of them would be barred */
	for (uint32_t way = 0; way < HATAGO_WAYS; way++)
		assert_int_equal(f.clients.sets->slot[way].key, way + 1);
	fixture_done(&f);
}

/*
 * Clients in request debt, at home and away, in front and in the back, and a flood of new
 * ones that each take what the packet path gives them: all debts stay what they are.
 */
static void test_flood_evicts_nobody(void **state)
{
	enum { DEBTORS = 60, FLOOD = 200000 };
	const struct hatago_limit limit = limit_of(1, 1000, 0);
	uint32_t away = 0;
	struct fixture f;
	uint64_t now = FIXTURE_NOW;

	(void)state;
	fixture_init(&f, 20);
	f.config->front_count = f.clients.front_count = 8;
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 100, 10);
	for (uint32_t i = 0; i < DEBTORS; i++) {
		struct hatago_client_id id = client_id_ipv4(i * 2654435761u + 7, f.rules);
		struct requests_left left;
		struct client_at at;

		assert_int_equal(requests_take(&f.clients, id, &limit, 500 + i, false, now, &left),
				 REQUESTS_TAKEN);
		assert_false(left.shared);
		assert_true(clients_find(&f.clients, id, &at));
		away += at.slot != &at.first->slot[table_home(at.key)];
	}
	assert_in_range(away, 5, DEBTORS - 5);
	for (uint32_t i = 0; i < FLOOD; i++) {
		fixture_frame(&f, client_id_ipv4(i * 2246822519u + 3, f.rules), 60, true, now);
		now += FIXTURE_SECOND / 1000;
		if (i % 100 == 0) /* the debtors' own frames find their slots too */
			fixture_frame(&f,
				      client_id_ipv4(i / 100 % DEBTORS * 2654435761u + 7, f.rules),
				      60, false, now);
	}
	for (uint32_t i = 0; i < DEBTORS; i++) {
		struct hatago_client_id id = client_id_ipv4(i * 2654435761u + 7, f.rules);
		struct requests_left left;

		requests_peek(&f.clients, id, &limit, 1, false, now, &left);
		assert_int_equal(left.tokens, 1000 - (500 + i) + FLOOD / 1000);
		assert_false(left.shared);
	}
	fixture_done(&f);
}

#define RACES 2000
/* Later than the flood ever gets, so that its slots are idle. */
#define RACE_NOW (1000000 * FIXTURE_SECOND)

struct race {
	struct hatago_set set;
	struct hatago_side side;
	uint64_t rounds; /* of the flood */
};

/* Another process, as another CPU: ever new clients in the one set, until it is ended. */
static void flood_for_ever(const struct fixture *f, struct race *race)
{
	for (uint32_t i = 1;; i++) {
		struct hatago_client_id fake = client_id_ipv4(i * 2654435761u, f->rules);

		fixture_frame(f, fake, 60, false, FIXTURE_NOW + i * 200000ULL);
		__atomic_add_fetch(&race->rounds, 1, __ATOMIC_SEQ_CST);
	}
}

/* What the flood had judged before is done then. */
static void wait_for_rounds(const struct race *race)
{
	uint64_t then = __atomic_load_n(&race->rounds, __ATOMIC_SEQ_CST) + 2;

	while (__atomic_load_n(&race->rounds, __ATOMIC_SEQ_CST) < then)
		sched_yield();
}

/* Takes from a full bucket; does the client have its slot and its debt from then on? */
static bool holds(const struct fixture *f, const struct race *race, uint64_t now_ns)
{
	const struct hatago_limit limit = limit_of(1, 10, 0);
	struct requests_left left;
	bool held;

	assert_int_equal(take(f, ADDRESS, &limit, 6, now_ns, &left), REQUESTS_TAKEN);
	assert_int_equal(left.tokens, 4);
	wait_for_rounds(race);
	held = tokens_of(f, ADDRESS, &limit, false, now_ns) == 4;
	for (int i = 0; held && i < 3; i++) {
		wait_for_rounds(race);
		assert_int_equal(tokens_of(f, ADDRESS, &limit, false, now_ns), 4);
		assert_int_equal(find(f, ADDRESS).slot->key,
				 fixture_key(f, fixture_id(f, ADDRESS)));
	}
	return held;
}

/* Beside claims on another CPU: a take may be lost in the same instant, and never later. */
static void test_beside_claims(void **state)
{
	struct race *race;
	struct fixture f;
	pid_t flood;
	int held = 0;

	(void)state;
	fixture_init(&f, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 10000, 10000);
	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(race, MAP_FAILED);
	free(f.clients.sets);
	free(f.clients.sides);
	f.clients.sets = &race->set;
	f.clients.sides = &race->side;
	flood = fork();
	if (flood == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where an assertion ends the test */
		flood_for_ever(&f, race);
		_exit(0);
	}
	assert_true(flood > 0);
	for (uint64_t i = 0; i < RACES; i++)
		held += holds(&f, race, RACE_NOW + i * 20 * FIXTURE_SECOND);
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	assert_in_range(held, RACES / 2, RACES);
	munmap(race, sizeof(*race));
	free(f.config);
}

struct taker {
	const struct fixture *f;
	const struct hatago_limit *limit;
	pthread_barrier_t *start;
	uint64_t taken;
};

static void *take_all(void *ctx)
{
	struct taker *t = ctx;
	struct requests_left left;
	enum requests_answer answer;

	pthread_barrier_wait(t->start);
	do {
		answer = take(t->f, ADDRESS, t->limit, 1, FIXTURE_NOW, &left);
		t->taken += answer == REQUESTS_TAKEN;
	} while (answer != REQUESTS_REFUSED);
	return NULL;
}

static void *take_for_many(void *ctx)
{
	struct taker *t = ctx;
	struct requests_left left;

	pthread_barrier_wait(t->start);
	for (uint32_t i = 0; i < 40000; i++) {
		uint64_t now_ns = FIXTURE_NOW + i * MS; /* one after the other is idle again */
		struct hatago_client_id id = client_id_ipv4(i / 2 * 2654435761u, t->f->rules);

		t->taken += requests_take(&t->f->clients, id, t->limit, 1, i & 1, now_ns, &left) ==
			    REQUESTS_TAKEN;
	}
	return NULL;
}

/* Whichever of the two owes; what is full already, or nobody's, is left as it is. */
static void test_forgive(void **state)
{
	static const struct {
		uint64_t requests, handshakes;
		bool expected;
	} rows[] = {{0, 0, false}, {10, 0, true}, {0, 3, true}, {10, 10, true}};
	const struct hatago_limit limit = limit_of(1, 10, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct requests_left left;
		struct hatago_client_id id;
		struct client_at at;
		struct fixture f;

		fixture_init(&f, 4);
		id = fixture_id(&f, ADDRESS);
		take(&f, OTHER, &limit, 5, FIXTURE_NOW, &left);
		/* A take of nothing claims its slot. */
		requests_take(&f.clients, id, &limit, rows[i].requests, false, FIXTURE_NOW, &left);
		requests_take(&f.clients, id, &limit, rows[i].handshakes, true, FIXTURE_NOW, &left);
		at = find(&f, ADDRESS);
		assert_int_equal(requests_forgive(&at, FIXTURE_NOW), rows[i].expected);
		assert_int_equal(tokens_of(&f, ADDRESS, &limit, false, FIXTURE_NOW), 10);
		assert_int_equal(tokens_of(&f, ADDRESS, &limit, true, FIXTURE_NOW), 10);
		assert_false(requests_forgive(&at, FIXTURE_NOW));
		assert_int_equal(tokens_of(&f, OTHER, &limit, false, FIXTURE_NOW), 5);
		/* It is a bucket as before. */
		assert_int_equal(take(&f, ADDRESS, &limit, 10, FIXTURE_NOW, &left), REQUESTS_TAKEN);
		assert_int_equal(take(&f, ADDRESS, &limit, 1, FIXTURE_NOW, &left),
				 REQUESTS_REFUSED);
		fixture_done(&f);
	}
}

/* Threads that claim and hand on slots: what they find stays whole. Above all for TSan. */
static void test_threads_claim(void **state)
{
	const struct hatago_limit limit = limit_of(1, 4, 0);
	struct taker takers[2];
	pthread_t threads[2];
	pthread_barrier_t start;
	struct fixture f;

	(void)state;
	fixture_init(&f, 400);
	f.config->front_count = f.clients.front_count = 200;
	pthread_barrier_init(&start, NULL, 2);
	for (int i = 0; i < 2; i++) {
		takers[i] = (struct taker){&f, &limit, &start, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, take_for_many, &takers[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_in_range(takers[0].taken + takers[1].taken, 40000, 80000);
	pthread_barrier_destroy(&start);
	fixture_done(&f);
}

/* Threads that take from one bucket at one instant get what is in it, to the token. */
static void test_threads_take_exactly(void **state)
{
	enum { THREADS = 2, ROUNDS = 5, BURST = 20000 };
	static const uint32_t steps[] = {0, 1000};
	struct fixture f;

	(void)state;
	for (int round = 0; round < ROUNDS * 2; round++) {
		const struct hatago_limit limit = limit_of(1000, BURST, steps[round % 2]);
		struct taker takers[THREADS];
		pthread_t threads[THREADS];
		pthread_barrier_t start;
		uint64_t sum = 0;

		fixture_init(&f, 1);
		pthread_barrier_init(&start, NULL, THREADS);
		for (int i = 0; i < THREADS; i++) {
			takers[i] = (struct taker){&f, &limit, &start, 0};
			assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers[i]),
					 0);
		}
		for (int i = 0; i < THREADS; i++) {
			pthread_join(threads[i], NULL);
			sum += takers[i].taken;
		}
		assert_int_equal(sum, BURST);
		pthread_barrier_destroy(&start);
		fixture_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_buckets_are_apart),
		cmocka_unit_test(test_refund),
		cmocka_unit_test(test_forgive),
		cmocka_unit_test(test_standing),
		cmocka_unit_test(test_standing_that_is_over),
		cmocka_unit_test(test_nobody_inherits),
		cmocka_unit_test(test_kept_until_the_debt_is_over),
		cmocka_unit_test(test_lowered_limit),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_flood_evicts_nobody),
		cmocka_unit_test(test_beside_claims),
		cmocka_unit_test(test_threads_take_exactly),
		cmocka_unit_test(test_threads_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
