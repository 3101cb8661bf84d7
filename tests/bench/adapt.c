// SPDX-License-Identifier: MIT
/*
 * Limits compared on simulated upstreams (tests/sim), as tables in Markdown, each figure the mean
 * of some seeds; or, with --csv, one run as a line each 100 ms for a plot.
 *
 *      build/bench/adapt [--csv SCENE [LIMITER]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/figures.h"
#include "../sim/scenes.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define SEEDS	   5
#define SETTLE_SEC 2 /* after a change, before it is measured */

static const struct {
	const char *name;
	struct limiter_options options;
} peers[] = {
	{"fixed 48", {.kind = LIMITER_FIXED, .limit = 48}}, {"fixed 100", {.kind = LIMITER_FIXED}},
	{"fixed 20", {.kind = LIMITER_FIXED, .limit = 20}}, {"CoDel, 100", {.kind = LIMITER_CODEL}},
	{"AIMD", {.kind = LIMITER_AIMD, .slow_ms = 250}},   {"Vegas", {.kind = LIMITER_VEGAS}},
	{"Gradient2", {.kind = LIMITER_GRADIENT2}},	    {"hatagod", {.kind = LIMITER_OURS}},
};

#define OURS (COUNT(peers) - 1)

static struct figures results[SCENES][SIM_PHASES][COUNT(peers)];

static double phase_end(const struct sim_scene *scene, size_t phase)
{
	return phase + 1 < scene->phase_count ? scene->phases[phase + 1].at_sec : scene->end_sec;
}

static void measure(const struct sim_scene *scene, size_t peer, uint64_t seed,
		    struct figures (*ret_sums)[COUNT(peers)])
{
	struct limiter limiter;
	struct sim_trace trace;
	struct figures f;

	limiter_init(&limiter, &peers[peer].options, scene->max);
	sim_run(scene, &limiter, seed, &trace);
	for (size_t phase = 0; phase < scene->phase_count; phase++) {
		struct figures *sum = &ret_sums[phase][peer];

		figures_between(&trace, scene, scene->phases[phase].at_sec + SETTLE_SEC,
				phase_end(scene, phase), &f);
		sum->ideal += f.ideal / SEEDS;
		sum->service_p99_ms += f.service_p99_ms / SEEDS;
		sum->total_p99_ms += f.total_p99_ms / SEEDS;
		sum->limit_mean += f.limit_mean / SEEDS;
		sum->limit_deviation += f.limit_deviation / SEEDS;
	}
	sim_trace_done(&trace);
}

static void cell_goodput(const struct figures *f)
{
	printf(" %.0f |", f->ideal * 100);
}

static void cell_service(const struct figures *f)
{
	printf(" %.0f |", f->service_p99_ms);
}

static void cell_total(const struct figures *f)
{
	printf(" %.0f |", f->total_p99_ms);
}

static void cell_limit(const struct figures *f)
{
	printf(" %.0f ± %.0f |", f->limit_mean, f->limit_deviation);
}

static void table(const char *what, void (*cell)(const struct figures *))
{
	printf("\n%s\n\n| upstream |", what);
	for (size_t peer = 0; peer < COUNT(peers); peer++)
		printf(peer == OURS ? " **%s** |" : " %s |", peers[peer].name);
	printf("\n|---|");
	for (size_t peer = 0; peer < COUNT(peers); peer++)
		printf("--:|");
	printf("\n");
	for (size_t i = 0; i < SCENES; i++) {
		for (size_t phase = 0; phase < scenes[i].phase_count; phase++) {
			if (scenes[i].phases[phase].speed <= 0)
				continue;
			printf("| %s", scenes[i].name);
			if (phase)
				printf(", from %.0f s", scenes[i].phases[phase].at_sec);
			printf(" |");
			for (size_t peer = 0; peer < COUNT(peers); peer++)
				cell(&results[i][phase][peer]);
			printf("\n");
		}
	}
}

static void compare(void)
{
	for (size_t i = 0; i < SCENES; i++)
		for (size_t peer = 0; peer < COUNT(peers); peer++)
			for (uint64_t seed = 1; seed <= SEEDS; seed++)
				measure(&scenes[i], peer, seed, results[i]);
	table("Goodput, percent of what the upstream could answer of what was asked", cell_goodput);
	table("99th percentile from the permit to the answer, ms", cell_service);
	table("99th percentile from the arrival to the answer, ms", cell_total);
	table("The limit: mean ± standard deviation", cell_limit);
}

static void csv_print(const struct sim_scene *scene, const struct sim_trace *trace)
{
	struct figures f;

	printf("time,limit,in_flight,queue,goodput,latency_p50_ms,latency_p99_ms,refused\n");
	for (size_t i = 0; i < trace->step_count; i++) {
		const struct sim_step *step = &trace->steps[i];
		double at = (double)i * SIM_STEP_SEC;

		figures_between(trace, scene, at, at + SIM_STEP_SEC, &f);
		printf("%.1f,%u,%u,%u,%.0f,%.0f,%.0f,%u\n", at + SIM_STEP_SEC, step->limit,
		       step->running, step->queued, f.per_sec, f.service_p50_ms, f.service_p99_ms,
		       step->refused);
	}
}

static int csv(const char *scene_name, const char *peer_name)
{
	struct limiter limiter;
	struct sim_trace trace;

	for (size_t i = 0; i < SCENES; i++) {
		for (size_t peer = 0; peer < COUNT(peers); peer++) {
			if (strcmp(scenes[i].name, scene_name) != 0 ||
			    strcmp(peers[peer].name, peer_name) != 0)
				continue;
			limiter_init(&limiter, &peers[peer].options, scenes[i].max);
			sim_run(&scenes[i], &limiter, 1, &trace);
			csv_print(&scenes[i], &trace);
			sim_trace_done(&trace);
			return 0;
		}
	}
	fprintf(stderr, "no scene '%s' with a limiter '%s'; they are named in the tables\n",
		scene_name, peer_name);
	return 2;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && argc <= 4 && strcmp(argv[1], "--csv") == 0)
		return csv(argv[2], argc > 3 ? argv[3] : peers[OURS].name);
	if (argc > 1) {
		fprintf(stderr, "usage: %s [--csv SCENE [LIMITER]]\n", argv[0]);
		return 2;
	}
	compare();
	return 0;
}
