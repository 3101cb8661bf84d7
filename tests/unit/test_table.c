// SPDX-License-Identifier: MIT
/*
 * The client table of table.h, by the code of the packet path: where a client lives, that
 * it is found again wherever it lives, and that eviction loses nothing: a random sequence
 * of frames, pauses and bans gets the very verdicts of a model that keeps every client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bucket_reference.h"
#include "core/ban.h"
#include "edge_fixture.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL
#define DAY    (86400 * SECOND)
#define WRAP   (1ULL << (64 - HATAGO_TIME_SHIFT)) /* ns until buckets' time and beats wrap */

/* A table of `front` sets in front and `back` behind them. */
static void init(struct fixture *f, uint32_t front, uint32_t back)
{
	fixture_init(f, front + back);
	f->config->front_count = f->clients.front_count = front;
}

static struct hatago_client_id nth(const struct fixture *f, uint32_t i)
{
	return client_id_ipv4(i, f->rules);
}

static bool frame(const struct fixture *f, uint32_t client, uint64_t now_ns)
{
	return fixture_frame(f, nth(f, client), 100, false, now_ns);
}

/* Where the client is: TABLE_FIRST to TABLE_FOURTH, or -1. */
static int lives_in(const struct fixture *f, uint32_t client)
{
	struct client_at at;

	if (!clients_find(&f->clients, nth(f, client), &at))
		return -1;
	return TABLE_PLACE_SET(at.place);
}

static bool is_home(const struct fixture *f, uint32_t client)
{
	struct client_at at;

	return clients_find(&f->clients, nth(f, client), &at) &&
	       at.slot == &at.first->slot[table_home(at.key)];
}

static void test_sets(void **state)
{
	static const struct {
		uint32_t front, back;
	} rows[] = {{1, 0}, {1, 1}, {7, 0}, {7, 93}, {16384, 133412}};
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint32_t front = rows[i].front, all = front + rows[i].back;

		for (int n = 0; n < 100000; n++) {
			uint64_t key = random_next(&seed);

			for (int which = 0; which < TABLE_SETS; which++) {
				bool is_back = which >= TABLE_THIRD && rows[i].back;

				assert_in_range(table_set(key, which, front, all),
						is_back ? front : 0, (is_back ? all : front) - 1);
			}
			assert_in_range(table_home(key), 0, HATAGO_WAYS - 1);
		}
	}
}

/* No set is favoured: chi square over the sets of each kind, and over the ways. */
static void test_spread(void **state)
{
	enum { FRONT = 64, BACK = 448, KEYS = 1 << 20 };
	static uint32_t count[TABLE_SETS][FRONT + BACK], ways[HATAGO_WAYS];
	const __u64 secret[2] = {0x8f1d3c5a77e4b209ULL, 0x1b87c5d94e2af36dULL};
	const struct hatago_rules rules = {.ipv4_mask = 0xffffffff};
	double chi = 0, expected;

	(void)state;
	for (uint32_t i = 0; i < KEYS; i++) {
		uint64_t key = table_key(client_id_ipv4(__builtin_bswap32(i), &rules), secret);

		for (int which = 0; which < TABLE_SETS; which++)
			count[which][table_set(key, which, FRONT, FRONT + BACK)]++;
		ways[table_home(key)]++;
	}
	for (int which = 0; which < TABLE_SETS; which++) {
		uint32_t from = which >= TABLE_THIRD ? FRONT : 0;
		uint32_t to = which >= TABLE_THIRD ? FRONT + BACK : FRONT;

		chi = 0, expected = (double)KEYS / (to - from);
		for (uint32_t s = from; s < to; s++)
			chi += (count[which][s] - expected) * (count[which][s] - expected) /
			       expected;
		assert_true(chi < (to - from) + 8 * 21.2); /* 8 sigma of the larger one */
	}
	chi = 0, expected = (double)KEYS / HATAGO_WAYS;
	for (int way = 0; way < (int)HATAGO_WAYS; way++)
		chi += (ways[way] - expected) * (ways[way] - expected) / expected;
	assert_true(chi < 40);
}

/* One set of each kind: newcomers go home, then beside it, then to the back, then nowhere. */
static void test_order_of_places(void **state)
{
	const uint64_t now = FIXTURE_NOW;
	struct fixture f;
	uint32_t i;

	(void)state;
	init(&f, 1, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1, 10);
	for (i = 1; i <= HATAGO_WAYS; i++) {
		assert_true(frame(&f, i, now));
		assert_int_equal(lives_in(&f, i), TABLE_FIRST);
	}
	assert_true(is_home(&f, 1));
	for (; i <= 2 * HATAGO_WAYS; i++) {
		assert_true(frame(&f, i, now));
		assert_int_equal(lives_in(&f, i), TABLE_THIRD);
	}
	for (; i <= 3 * HATAGO_WAYS; i++) {
		frame(&f, i, now);
		assert_int_equal(lives_in(&f, i), -1);
	}
	/* 7 newcomers shared the overflow slot's ten tokens, and all are where they were. */
	assert_int_equal(f.clients.sides[0].overflow.packets, HATAGO_WAYS);
	for (i = 1; i <= 2 * HATAGO_WAYS; i++)
		assert_int_equal(lives_in(&f, i), i <= HATAGO_WAYS ? TABLE_FIRST : TABLE_THIRD);
	fixture_done(&f);
}

/* An away client is charged where it lives, although its home is idle by now. */
static void test_away_is_found(void **state)
{
	uint64_t now = FIXTURE_NOW;
	struct fixture f;
	uint32_t away = 0;

	(void)state;
	init(&f, 1, 1);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1, 10);
	for (uint32_t i = 1; i <= HATAGO_WAYS + 1; i++)
		frame(&f, i, now); /* a second of debt each */
	away = HATAGO_WAYS + 1;
	assert_int_equal(lives_in(&f, away), TABLE_THIRD);
	for (int i = 0; i < 9; i++)
		assert_true(frame(&f, away, now));
	assert_false(frame(&f, away, now));
	now += 2 * SECOND; /* all others are idle: two tokens came, no fresh bucket */
	assert_true(frame(&f, away, now));
	assert_true(frame(&f, away, now));
	assert_false(frame(&f, away, now));
	assert_int_equal(lives_in(&f, away), TABLE_THIRD);
	now += 11 * SECOND; /* idle itself: it goes home */
	assert_true(frame(&f, away, now));
	assert_true(is_home(&f, away));
	fixture_done(&f);
}

/* A full set is not looked through again until a slot may be free, nor for longer than 1 s. */
static void test_full_hint(void **state)
{
	uint64_t now = FIXTURE_NOW;
	struct hatago_set *set;
	struct fixture f;

	(void)state;
	init(&f, 1, 0);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1, 100);
	set = &f.clients.sets[0];
	for (uint32_t i = 1; i <= HATAGO_WAYS + 1; i++)
		frame(&f, i, now);
	assert_true(set_is_full(set, now));
	for (uint32_t way = 0; way < HATAGO_WAYS; way++)
		set->slot[way].tat[HATAGO_DIM_PACKETS] = 0; /* nobody said so */
	assert_true(set_is_full(set, now + 900 * MS));
	assert_false(set_is_full(set, now + TABLE_FULL_NS));
	frame(&f, 100, now + TABLE_FULL_NS);
	assert_int_equal(lives_in(&f, 100), TABLE_FIRST);
	/* What is left of it after a long time doesn't speak of the future. */
	assert_false(set_is_full(set, now + 300 * DAY));
	assert_false(set_is_full(set, now + 500 * DAY));
	assert_false(set_is_full(set, now + WRAP - 2 * SECOND));
	fixture_done(&f);
}

static void test_beats(void **state)
{
	const uint64_t beat = 1ULL << HATAGO_BEAT_SHIFT;
	static const uint64_t nows[] = {0,    SECOND,	 FIXTURE_NOW, WRAP - 3 * 16777216ULL,
					WRAP, 3650 * DAY};
	(void)state;
	for (size_t i = 0; i < sizeof(nows) / sizeof(nows[0]); i++) {
		const uint64_t now = nows[i];
		uint32_t word = beat_of(now);

		assert_false(beat_is_ahead(word, now));
		beat_extend(&word, now, 0);
		assert_true(beat_is_ahead(word, now));
		assert_false(beat_is_ahead(word, now + beat));
		beat_extend(&word, now, 10 * SECOND);
		assert_true(beat_is_ahead(word, now + 10 * SECOND));
		assert_false(beat_is_ahead(word, now + 10 * SECOND + beat));
		beat_extend(&word, now, SECOND); /* never back */
		assert_true(beat_is_ahead(word, now + 10 * SECOND));
		beat_extend(&word, now + 20 * SECOND, SECOND);
		assert_true(beat_is_ahead(word, now + 21 * SECOND));
		beat_extend(&word, now, SLOT_LIFE_MAX);
		assert_int_equal(word, HATAGO_BEAT_NEVER);
		assert_true(beat_is_ahead(word, now + 2000 * DAY));
		beat_extend(&word, now, SECOND);
		assert_int_equal(word, HATAGO_BEAT_NEVER);
	}
}

/* A stale word keeps a slot live until somebody wants the slot, and for tau then. */
static void test_stale_is_mended_by_a_claim(void **state)
{
	uint64_t now = FIXTURE_NOW;
	struct fixture f;

	(void)state;
	init(&f, 1, 0);
	fixture_limit(f.rules, HATAGO_DIM_PACKETS, 1, 100);
	for (uint32_t i = 1; i <= HATAGO_WAYS; i++)
		assert_true(frame(&f, i, now));
	for (uint32_t way = 0; way < HATAGO_WAYS; way++)
		f.clients.sets[0].slot[way].tat[HATAGO_DIM_PACKETS] = bucket_time(now + 400 * DAY);
	frame(&f, 50, now);
	assert_int_equal(lives_in(&f, 50), -1);
	frame(&f, 50, now + 99 * SECOND);
	assert_int_equal(lives_in(&f, 50), -1);
	frame(&f, 50, now + 101 * SECOND);
	assert_int_equal(lives_in(&f, 50), TABLE_FIRST);
	fixture_done(&f);
}

#define MODEL_CLIENTS 600
#define MODEL_FRAMES  400000

/* A client as it would be if nothing were ever forgotten. */
struct model {
	uint64_t tat[HATAGO_EDGE_DIMENSIONS];
	uint64_t banned_until_ns;
};

static bool model_frame(struct model *m, const struct fixture *f, uint64_t bytes,
			bool is_connection, uint64_t now_ns)
{
	const uint64_t n[HATAGO_EDGE_DIMENSIONS] = {1, 1, bytes};
	__u64 next[HATAGO_EDGE_DIMENSIONS];

	if (now_ns < m->banned_until_ns)
		return false;
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if ((f->rules->dimensions & (1u << d)) && (d || is_connection) &&
		    !bucket_offer_smooth(m->tat[d], &f->rules->limit[d], bucket_time(now_ns), n[d],
					 HATAGO_INV_ONE, &next[d]))
			return false;
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if ((f->rules->dimensions & (1u << d)) && (d || is_connection))
			m->tat[d] = next[d];
	return true;
}

/* Frames of many more clients than there are slots; rare ones and frequent ones. */
static void play(struct fixture *f, struct model *models, uint64_t *seed, uint64_t now_ns,
		 uint32_t *ret_overflowed)
{
	for (int i = 0; i < MODEL_FRAMES; i++) {
		uint32_t client =
			(uint32_t)random_below(seed, 1 + random_below(seed, MODEL_CLIENTS));
		bool is_connection = random_below(seed, 3) == 0, expected;
		uint64_t bytes = 60 + random_below(seed, 1440);
		struct client_at at;
		uint32_t former;

		now_ns += random_below(seed, 1ULL << random_below(seed, 28));
		if (random_below(seed, 2000) == 0) {
			uint32_t until = ban_end(now_ns, random_below(seed, 20 * SECOND));

			if (ban_put(&f->clients, nth(f, client), now_ns, until, &former) == 0)
				models[client].banned_until_ns = (uint64_t)until
								 << HATAGO_TICK_SHIFT;
		}
		if (random_below(seed, 5000) == 0 &&
		    ban_lift(&f->clients, nth(f, client), now_ns) == 0)
			models[client].banned_until_ns = 0;
		if (!clients_place(&f->clients, nth(f, client), now_ns, &at)) {
			/* Only who has no debt and no ban may be without a slot. */
			for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
				assert_true(
					bucket_is_full(models[client].tat[d], bucket_time(now_ns)));
			assert_true(models[client].banned_until_ns <= now_ns);
			++*ret_overflowed;
			continue;
		}
		expected = model_frame(&models[client], f, bytes, is_connection, now_ns);
		assert_int_equal(fixture_frame(f, nth(f, client), bytes, is_connection, now_ns),
				 expected);
	}
}

static void test_loses_nothing(void **state)
{
	static const struct {
		uint32_t front, back;
		uint64_t rate;
	} rows[] = {{1, 0, 20}, {2, 0, 200}, {3, 5, 20}, {8, 8, 50}, {4, 60, 5}, {100, 20, 2}};
	uint64_t seed = 2026;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct model models[MODEL_CLIENTS];
		/* One through the wrap of the bucket's time and of the beats. */
		uint64_t now_ns = i % 2 ? FIXTURE_NOW : WRAP - 300 * SECOND;
		uint32_t overflowed = 0;
		struct fixture f;

		init(&f, rows[i].front, rows[i].back);
		fixture_limit(f.rules, HATAGO_DIM_PACKETS, rows[i].rate, 20);
		fixture_limit(f.rules, HATAGO_DIM_BYTES, rows[i].rate * 800, 30000);
		fixture_limit(f.rules, HATAGO_DIM_CONNECTIONS, rows[i].rate / 2, 5);
		memset(models, 0, sizeof(models));
		for (uint32_t c = 0; c < MODEL_CLIENTS; c++)
			for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
				models[c].tat[d] = bucket_time(now_ns);
		play(&f, models, &seed, now_ns, &overflowed);
		assert_in_range(overflowed, rows[i].back ? 0 : 1, MODEL_FRAMES * 9 / 10);
		fixture_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_order_of_places),
		cmocka_unit_test(test_away_is_found),
		cmocka_unit_test(test_full_hint),
		cmocka_unit_test(test_beats),
		cmocka_unit_test(test_stale_is_mended_by_a_claim),
		cmocka_unit_test(test_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
