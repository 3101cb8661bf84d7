// SPDX-License-Identifier: MIT
/*
 * core/pressure.h: each signal by itself, hysteresis, the pace of steps whatever the pace of
 * looks, and a machine whose CPU follows the scale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "core/pressure.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND	 1000000000ULL
#define START	 (77 * SECOND)

static const struct pressure_options options = {
	.threshold = {[PRESSURE_CPU] = 80,
		      [PRESSURE_MEMORY] = 85,
		      [PRESSURE_PSI_CPU_SOME] = 60,
		      [PRESSURE_PSI_CPU_FULL] = 10,
		      [PRESSURE_PSI_MEMORY_SOME] = 10,
		      [PRESSURE_PSI_MEMORY_FULL] = 5,
		      [PRESSURE_PSI_IO_FULL] = 20,
		      [PRESSURE_RESPONSE_TIME] = 5000},
	.min_scale = 0.1,
};

static struct pressure p;

static int setup(void **state)
{
	(void)state;
	pressure_init(&p, &options, START);
	return 0;
}

static struct pressure_load load_of(enum pressure_signal signal, double value)
{
	struct pressure_load load = {0};

	pressure_load_set(&load, signal, value);
	return load;
}

static enum pressure_step update(enum pressure_signal signal, double value, uint64_t now_ns)
{
	struct pressure_load load = load_of(signal, value);

	return pressure_update(&p, &load, now_ns);
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

static void test_signals(void **state)
{
	static const struct {
		enum pressure_signal signal;
		double value, pressure, scale;
	} rows[] = {
		{PRESSURE_CPU, 0, 0, 1},
		{PRESSURE_CPU, 68, 0, 1},      /* 15 % below */
		{PRESSURE_CPU, 76, 0.25, 1},   /* holds */
		{PRESSURE_CPU, 80, 0.375, 1},  /* not over it yet */
		{PRESSURE_CPU, 84, 0.5, 0.85}, /* 68 to 100 */
		{PRESSURE_CPU, 100, 1, 0.7},
		{PRESSURE_CPU, 400, 1, 0.7}, /* of 4 CPUs, if someone counts so */
		{PRESSURE_MEMORY, 86, 0.4954954954954955, 0.8513513513513513}, /* 72.25 to 100 */
		{PRESSURE_PSI_CPU_SOME, 100, 1, 0.7},
		{PRESSURE_PSI_CPU_FULL, 8, 0, 1},
		{PRESSURE_PSI_MEMORY_SOME, 20, 1, 0.7}, /* twice the threshold */
		{PRESSURE_PSI_MEMORY_FULL, 10, 1, 0.7},
		{PRESSURE_PSI_IO_SOME, 100, 0, 1}, /* off */
		{PRESSURE_PSI_IO_FULL, 40, 1, 0.7},
		{PRESSURE_RESPONSE_TIME, 4250, 0, 1},
		{PRESSURE_RESPONSE_TIME, 10000, 1, 0.7},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		enum pressure_step step;

		setup(state);
		step = update(rows[i].signal, rows[i].value, START + SECOND);
		if (!near(p.pressure, rows[i].pressure) || !near(p.scale, rows[i].scale) ||
		    (step == PRESSURE_TIGHTENS) != (rows[i].scale < 1))
			fail_msg("row %zu: pressure %.9f, scale %.9f", i, p.pressure, p.scale);
		if (step == PRESSURE_TIGHTENS) {
			assert_int_equal(p.reason, rows[i].signal);
			assert_true(near(p.value, rows[i].value));
		}
	}
}

/* The reason is the one that is furthest over its own threshold. */
static void test_reason(void **state)
{
	struct pressure_load load = load_of(PRESSURE_CPU, 99);

	(void)state;
	pressure_load_set(&load, PRESSURE_PSI_MEMORY_SOME, 15);
	pressure_load_set(&load, PRESSURE_MEMORY, 90);
	assert_int_equal(pressure_update(&p, &load, START), PRESSURE_TIGHTENS);
	assert_int_equal(p.reason, PRESSURE_PSI_MEMORY_SOME);
	assert_string_equal(pressure_signal_name(p.reason), "psi.memory.some");
	load.known &= ~(1u << PRESSURE_PSI_MEMORY_SOME); /* it can't be read any more */
	assert_int_equal(pressure_update(&p, &load, START + SECOND), PRESSURE_TIGHTENS);
	assert_int_equal(p.reason, PRESSURE_CPU);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < PRESSURE_SIGNALS; i++) {
		assert_non_null(pressure_signal_name(i));
		for (int n = 0; n < i; n++)
			assert_string_not_equal(pressure_signal_name(i), pressure_signal_name(n));
	}
}

/* Looks in between, as triggers cause them, neither tighten nor loosen any further. */
static void test_pace(void **state)
{
	static const uint64_t gaps_ns[] = {SECOND / 1000, SECOND / 20, SECOND};

	for (size_t i = 0; i < COUNT(gaps_ns); i++) {
		uint64_t now = START;

		setup(state);
		for (; now < START + 3 * SECOND; now += gaps_ns[i])
			update(PRESSURE_CPU, 84, now);
		assert_true(near(p.scale, 0.85 * 0.85 * 0.85));
		for (; now <= START + 13 * SECOND; now += gaps_ns[i])
			update(PRESSURE_CPU, 10, now);
		if (fabs(p.scale - 0.85 * 0.85 * 0.85 - 0.2) > 0.021)
			fail_msg("a look each %g s: %.4f", (double)gaps_ns[i] / 1e9, p.scale);
	}
}

static void test_bounds(void **state)
{
	struct pressure_options other = options;
	const struct pressure_load nothing = {0};
	uint64_t now = START;

	(void)state;
	for (int i = 0; i < 20; i++)
		update(PRESSURE_CPU, 100, now += SECOND);
	assert_true(near(p.scale, 0.1));
	assert_int_equal(update(PRESSURE_CPU, 100, now += SECOND), PRESSURE_HOLDS);
	/* A day without a look counts as 10 s, and without a signal it grows as well. */
	assert_int_equal(pressure_update(&p, &nothing, now += 86400 * SECOND), PRESSURE_LOOSENS);
	assert_true(near(p.scale, 0.3) && near(p.pressure, 0));
	assert_int_equal(pressure_update(&p, &nothing, now), PRESSURE_HOLDS);
	other.min_scale = 0.5;
	pressure_set_options(&p, &other);
	assert_true(near(p.scale, 0.5));
	for (int i = 0; i < 10; i++)
		pressure_update(&p, &nothing, now += 10 * SECOND);
	assert_true(near(p.scale, 1));
	assert_int_equal(pressure_update(&p, &nothing, now + SECOND), PRESSURE_HOLDS);
}

/*
 * The CPU follows the scale, and is asked for more than it has. It comes below the threshold
 * in a few looks, and from then on is over it seldom, though a third of it is not wasted.
 */
static void test_machine(void **state)
{
	static const struct {
		double demand;
		uint64_t look_sec, within; /* looks until it is below */
	} rows[] = {{1, 1, 2}, {1.6, 1, 3}, {4, 1, 6}, {1, 5, 2}, {1.6, 5, 3}, {4, 5, 6}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned int over = 0;

		setup(state);
		for (uint64_t look = 1; look <= 200; look++) {
			double noise = (double)(look * 7919 % 13) / 13 * 0.06 - 0.03;
			double cpu = fmin(100, 100 * rows[i].demand * p.scale * (1 + noise));

			update(PRESSURE_CPU, cpu, START + look * rows[i].look_sec * SECOND);
			over += look > rows[i].within && cpu > 80;
			if (look > 20 && cpu < 60)
				fail_msg("row %zu: %.0f %% in look %d", i, cpu, (int)look);
		}
		if (over > 10)
			fail_msg("row %zu: over the threshold %u times", i, over);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals),
		cmocka_unit_test_setup(test_reason, setup),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_pace),
		cmocka_unit_test_setup(test_bounds, setup),
		cmocka_unit_test(test_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
