// SPDX-License-Identifier: MIT
/*
 * core/gradient.h and core/admission.h with model upstreams (tests/sim): how fast the limit
 * finds its place, that it stays there, and what it costs. Each scene with several seeds.
 * Bounds are wider than what was measured: another libm plays another game.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "../sim/figures.h"
#include "../sim/scenes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEEDS	 4

static void play(const struct sim_scene *scene, uint64_t seed, struct sim_trace *ret)
{
	const struct limiter_options ours = {.kind = LIMITER_OURS};
	struct limiter limiter;

	limiter_init(&limiter, &ours, scene->max);
	sim_run(scene, &limiter, seed, ret);
}

/* Of a part of a scene: goodput, where the limit is, and how it swings. */
static void test_scenes(void **state)
{
	static const struct {
		enum scene_name scene;
		double from_sec, to_sec;
		double ideal; /* share of it that goodput is, at least; with each seed */
		double limit_from, limit_to; /* bounds of its mean */
		double swing;		     /* its standard deviation over its mean, at most */
	} rows[] = {
		{SCENE_STEADY, 2, 60, 0.95, 96, 100, 0.15},
		{SCENE_FIXED, 5, 60, 0.94, 42, 90, 0.4},
		{SCENE_CONSTANT, 5, 60, 0.97, 40, 95, 0.25},
		{SCENE_LOOP, 5, 60, 0.94, 42, 98, 0.4},
		{SCENE_DEGRADING, 5, 60, 0.6, 30, 85, 0.4},
		{SCENE_BIMODAL, 22, 40, 0.5, 45, 100, 0.9},
		{SCENE_BIMODAL_OVER, 5, 60, 0.75, 25, 100, 0.9},
		{SCENE_ALL_SLOW, 40, 60, 0.75, 75, 100, 0.5},
		{SCENE_STALLING, 24, 60, 0.95, 75, 100, 0.4},
		{SCENE_RECOVERING, 22, 40, 0.9, 10, 45, 0.8},
		{SCENE_RECOVERING, 45, 60, 0.95, 75, 100, 0.4},
		{SCENE_SLOWER, 5, 20, 0.95, 90, 100, 0.3},
		{SCENE_SLOWER, 28, 40, 0.75, 70, 100, 0.5},
		{SCENE_SLOWER, 42, 60, 0.94, 90, 100, 0.3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			const struct sim_scene *scene = &scenes[rows[i].scene];
			struct sim_trace trace;
			struct figures f;

			play(scene, seed, &trace);
			figures_between(&trace, scene, rows[i].from_sec, rows[i].to_sec, &f);
			sim_trace_done(&trace);
			if (f.ideal < rows[i].ideal || f.limit_mean < rows[i].limit_from ||
			    f.limit_mean > rows[i].limit_to ||
			    f.limit_deviation > rows[i].swing * f.limit_mean)
				fail_msg("%s from %g s, seed %d: %.3f of the ideal, limit %.1f ± "
					 "%.1f",
					 scene->name, rows[i].from_sec, (int)seed, f.ideal,
					 f.limit_mean, f.limit_deviation);
		}
	}
}

/*
 * The figures asked for: capacity cut to a quarter, 95 % of what is left within 2 s and the
 * 99th percentile within three times that of before; restored, 95 % within 5 s.
 */
static void test_recovery(void **state)
{
	const struct sim_scene *scene = &scenes[SCENE_RECOVERING];
	double cut = 0, restored = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_trace trace;
		struct figures before, after, again;

		play(scene, seed, &trace);
		figures_between(&trace, scene, 2, 20, &before);
		figures_between(&trace, scene, 22, 40, &after);
		figures_between(&trace, scene, 45, 60, &again);
		cut += after.ideal / SEEDS;
		restored += again.ideal / SEEDS;
		assert_true(after.service_p99_ms < 3 * before.service_p99_ms);
		assert_true(figures_recovery_sec(&trace, 20, figures_capacity(scene, 20)) <= 2);
		assert_true(figures_recovery_sec(&trace, 40, scene->phases[2].per_sec) <= 5);
		sim_trace_done(&trace);
	}
	assert_true(cut >= 0.95 && restored >= 0.95);
}

/* An hour at one load, half of what the upstream bears, most of it, and more: the limit is at the
 * end where it was at the beginning. */
static void test_drift(void **state)
{
	static const struct {
		double per_sec;
		double limit_from, limit_to;
	} rows[] = {{50, 34, 40}, {80, 18, 40}, {150, 9, 24}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct sim_scene scene = {
			.name = "hours",
			.work_ms = 100,
			.max = 40,
			.queue = 100,
			.queue_timeout_ms = 1000,
			.timeout_ms = 10000,
			.end_sec = 3600,
			.phases = {{.per_sec = rows[i].per_sec, .servers = 10, .speed = 1}},
			.phase_count = 1};
		struct sim_trace trace;
		struct figures first, last;

		play(&scene, i + 1, &trace);
		figures_between(&trace, &scene, 60, 900, &first);
		figures_between(&trace, &scene, 2760, 3600, &last);
		sim_trace_done(&trace);
		if (last.ideal < 0.95 || first.limit_mean < rows[i].limit_from ||
		    last.limit_mean < rows[i].limit_from || last.limit_mean > rows[i].limit_to ||
		    fabs(last.limit_mean / first.limit_mean - 1) > 0.15)
			fail_msg("%g/s: from %.1f to %.1f, %.3f of the ideal", rows[i].per_sec,
				 first.limit_mean, last.limit_mean, last.ideal);
	}
}

/* The model itself: a fixed limit gives what queueing theory says. */
static void test_model(void **state)
{
	static const struct {
		enum sim_order order;
		double limit, per_sec, p50_ms; /* of constant work of 100 ms on 40 servers */
	} rows[] = {
		{SIM_IN_TURN, 20, 200, 100},
		{SIM_IN_TURN, 80, 400, 200},
		{SIM_SHARED, 80, 400, 200},
		{SIM_SHARED, 40, 400, 100},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct limiter_options fixed = {LIMITER_FIXED, rows[i].limit, 0};
		struct sim_scene scene = scenes[SCENE_CONSTANT];
		struct limiter limiter;
		struct sim_trace trace;
		struct figures f;

		scene.order = rows[i].order;
		limiter_init(&limiter, &fixed, scene.max);
		sim_run(&scene, &limiter, 1, &trace);
		figures_between(&trace, &scene, 10, 60, &f);
		sim_trace_done(&trace);
		if (fabs(f.per_sec / rows[i].per_sec - 1) > 0.02 ||
		    fabs(f.service_p50_ms / rows[i].p50_ms - 1) > 0.1)
			fail_msg("row %zu: %.1f/s, %.1f ms", i, f.per_sec, f.service_p50_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_drift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
