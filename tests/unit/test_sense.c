// SPDX-License-Identifier: MIT
/*
 * The readers of machine load over fixtures: what several kernels and situations said,
 * before and after, and the load that follows. Expected figures were worked out apart from
 * the code, from the numbers in the fixtures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "sense/sense.h"
#include "sense_fixture.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define START_NS  1000000000000ULL
#define NS_PER_MS 1000000ULL

enum { HOST, CGROUP };

struct expected_psi {
	unsigned int valid;
	int of;
	double some, full;
};

struct share {
	double percent, of; /* CPUs, bytes */
	int level;
};

struct row {
	const char *name, *cgroup;
	unsigned int notices_before, notices_after, valid;
	struct share cpu;
	double host_cpu;
	struct share memory;
	double host_memory, throttled;
	struct expected_psi psi;
};

#define ALL_HOST                                                                         \
	(SENSE_HAS_CPU | SENSE_HAS_HOST_CPU | SENSE_HAS_MEMORY | SENSE_HAS_HOST_MEMORY | \
	 SENSE_HAS_LOAD | SENSE_HAS_SOFTNET)
#define ALL	    (ALL_HOST | SENSE_HAS_THROTTLED)
#define SOME	    (SENSE_PSI_SOME | SENSE_PSI_SOME_AVG10)
#define FULL	    (SENSE_PSI_FULL | SENSE_PSI_FULL_AVG10)
#define NOTHING_NEW (SENSE_HAS_MEMORY | SENSE_HAS_HOST_MEMORY | SENSE_HAS_LOAD)
#define MIB	    1048576ULL

/* A row a machine. */
/* clang-format off */
static const struct row rows[] = {
	/* recorded */
	{"debian11-5.10-v1", NULL, 0, 0, ALL,
	 {98.35, .5, CGROUP}, 23.42, {11.621, 64 * MIB, CGROUP}, 7.111, 100,
	 {SOME, CGROUP, 56.23, 0}},
	{"debian11-5.10-v2", NULL, 0, 0, ALL,
	 {100, .5, CGROUP}, 22.79, {10.754, 64 * MIB, CGROUP}, 6.946, 100,
	 {SOME, CGROUP, 66.78, 0}},
	{"debian12-6.1-v1", NULL, 0, 0, ALL,
	 {97.53, .5, CGROUP}, 30.37, {9.137, 64 * MIB, CGROUP}, 8.002, 97.73,
	 {SOME | FULL, CGROUP, 46.43, 37.98}},
	{"debian12-6.1-v2", NULL, 0, 0, ALL,
	 {98.27, .5, CGROUP}, 33.66, {6.873, 64 * MIB, CGROUP}, 7.521, 97.67,
	 {SOME | FULL, CGROUP, 60.22, 50.63}},
	{"debian13-6.12-v2", NULL, 0, 0, ALL,
	 {96.99, .5, CGROUP}, 25.28, {10.852, 64 * MIB, CGROUP}, 8.150, 93.02,
	 {SOME | FULL, CGROUP, 59, 48.17}},
	{"vm-6.18-v1", NULL, 0, 0, ALL_HOST,
	 {99.75, 2, HOST}, 99.75, {2.630, 25276026880, HOST}, 2.630, 0,
	 {SOME | FULL, HOST, 54.31, 0}},
	/* a cgroup by its name: without limits it counts against the machine */
	{"debian12-6.1-v2", "/sys/fs/cgroup/system.slice", 0, 0, ALL_HOST,
	 {23.43, 2, CGROUP}, 33.66, {.893, 492597248, CGROUP}, 7.521, 0,
	 {SOME | FULL, CGROUP, 61.88, 50.67}},
	{"debian12-6.1-v2", "system.slice/hatagod.service/", 0, 0, ALL,
	 {98.27, .5, CGROUP}, 33.66, {6.873, 64 * MIB, CGROUP}, 7.521, 97.67,
	 {SOME | FULL, CGROUP, 60.22, 50.63}},
	{"debian11-5.10-v1", "/sys/fs/cgroup/memory/system.slice/hatagod.service", 0, 0, ALL,
	 {98.35, .5, CGROUP}, 23.42, {11.621, 64 * MIB, CGROUP}, 7.111, 100,
	 {SOME, CGROUP, 56.23, 0}},
	{"debian12-6.1-v2", "nowhere.slice", 5, 0, ALL_HOST,
	 {33.66, 2, HOST}, 33.66, {7.521, 492597248, HOST}, 7.521, 0,
	 {SOME | FULL, HOST, 55.74, 0}},
	{"empty", "x.slice", 8, 0, 0, {0, 0, HOST}, 0, {0, 0, HOST}, 0, 0, {0}},
	/* by hand */
	{"debian10-4.19-vm", NULL, 3, 0, ALL_HOST,
	 {60, 1, HOST}, 60, {75, 2048000000, HOST}, 75, 0, {0}},
	{"docker-v2", NULL, 0, 0, ALL,
	 {25, 2, CGROUP}, 95, {50, 512 * MIB, CGROUP}, 53.125, 10,
	 {SOME | FULL, CGROUP, 10, 5}},
	{"kubernetes-v2", NULL, 0, 0, ALL,
	 {96, 1.5, CGROUP}, 9, {40.625, 256 * MIB, CGROUP}, 25, 80,
	 {SOME | FULL, CGROUP, 60, 40}},
	{"docker-cpuset-v2", NULL, 0, 0, ALL_HOST,
	 {75, 4, CGROUP}, 2.5, {6.25, 524288000000, HOST}, 6.25, 0,
	 {SOME | FULL, CGROUP, 10, 0}},
	{"docker-4.19-v1", NULL, 3, 0, ALL,
	 {90, .5, CGROUP}, 12.5, {75, 128 * MIB, CGROUP}, 50, 75, {0}},
	{"kubernetes-4.19-v1", NULL, 3, 0, ALL_HOST,
	 {10, 64, HOST}, 10, {50, 16384000000, HOST}, 50, 0, {0}},
	{"systemd-slice-v2", NULL, 0, 0, ALL,
	 {90, 2, CGROUP}, 25, {90, 1024 * MIB, CGROUP}, 50, 50,
	 {SOME | FULL, CGROUP, 75, 50}},
	{"cgroupns-outside", NULL, 0, 0, ALL_HOST,
	 {50, .5, CGROUP}, 100, {75, 4096000000, HOST}, 75, 0,
	 {SOME | FULL, HOST, 0, 0}},
	/* broken */
	{"cpu-offline", NULL, 0, 0, NOTHING_NEW,
	 {0, 0, HOST}, 0, {75, 4096000000, HOST}, 75, 0,
	 {SENSE_PSI_SOME_AVG10 | FULL, HOST, 0, 0}},
	{"cgroup-anew", NULL, 0, 0, NOTHING_NEW | SENSE_HAS_HOST_CPU | SENSE_HAS_SOFTNET,
	 {0, 0, HOST}, 50, {50, 8192, CGROUP}, 75, 0,
	 {SENSE_PSI_SOME_AVG10 | SENSE_PSI_FULL_AVG10, CGROUP, 0, 0}},
	{"empty", NULL, 7, 0, 0, {0, 0, HOST}, 0, {0, 0, HOST}, 0, 0, {0}},
	{"cut", NULL, 7, 0, 0, {0, 0, HOST}, 0, {0, 0, HOST}, 0, 0, {0}},
	{"huge", NULL, 7, 0, 0, {0, 0, HOST}, 0, {0, 0, HOST}, 0, 0, {0}},
	{"gone", NULL, 0, 7, 0, {0, 0, HOST}, 0, {0, 0, HOST}, 0, 0, {0}},
};
/* clang-format on */

static void expect(const char *name, const char *what, double is, double should)
{
	if (fabs(is - should) > .01 + should / 5000)
		fail_msg("%s: %s is %g, not %g", name, what, is, should);
}

static unsigned int notices(struct sense *sense)
{
	unsigned int count = 0;
	struct err err;

	for (; sense_notice(sense, &err); count++)
		assert_true(strlen(err.text) > 0);
	return count;
}

static void expect_load(const struct row *row, const struct sense_load *load)
{
	const struct sense_psi *psi = &load->psi[SENSE_CPU];
	const char *name = row->name;

	expect(name, "valid", load->valid, row->valid);
	expect(name, "cpu", load->cpu_percent, row->cpu.percent);
	expect(name, "cpus", load->cpus, row->cpu.of);
	expect(name, "cpu's level", load->cpu_of_cgroup, row->cpu.level);
	expect(name, "host's cpu", load->host_cpu_percent, row->host_cpu);
	expect(name, "memory", load->memory_percent, row->memory.percent);
	expect(name, "memory's bytes", (double)load->memory_bytes, row->memory.of);
	expect(name, "memory's level", load->memory_of_cgroup, row->memory.level);
	expect(name, "host's memory", load->host_memory_percent, row->host_memory);
	expect(name, "throttled", load->throttled_percent, row->throttled);
	expect(name, "valid PSI", psi->valid, row->psi.valid);
	expect(name, "PSI's level", psi->of_cgroup, row->psi.of);
	expect(name, "some", psi->some_percent, row->psi.some);
	expect(name, "full", psi->full_percent, row->psi.full);
}

static struct sense *open_at(const struct sense_fixture *f, const char *cgroup)
{
	struct sense_options options = {.root = f->root, .cgroup = cgroup};
	struct sense *sense = NULL;

	assert_int_equal(sense_open(&options, &sense, NULL), 0);
	return sense;
}

static void fixtures(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct sense_fixture f;
		struct sense_load load;
		struct sense *sense;

		fixture_begin(&f, row->name);
		sense = open_at(&f, row->cgroup);
		sense_read(sense, START_NS, &load);
		expect(row->name, "a first read's CPU", load.valid & SENSE_HAS_CPU, 0);
		expect(row->name, "notices before", notices(sense), row->notices_before);
		fixture_next(&f);
		sense_read(sense, START_NS + f.after_ms * NS_PER_MS, &load);
		expect_load(row, &load);
		expect(row->name, "notices after", notices(sense), row->notices_after);
		sense_close(sense);
		fixture_done(&f);
	}
}

/* What the table leaves out. */
static void rest(void **state)
{
	struct sense_fixture f;
	struct sense_load load;
	struct sense *sense;

	(void)state;
	fixture_begin(&f, "debian10-4.19-vm");
	sense = open_at(&f, NULL);
	sense_read(sense, START_NS, &load);
	fixture_next(&f);
	sense_read(sense, START_NS + f.after_ms * NS_PER_MS, &load);
	assert_int_equal(load.softnet_dropped, 3);
	assert_int_equal(load.softnet_squeezed, 3);
	expect("load", "1", load.load[0], .52);
	expect("load", "5", load.load[1], .58);
	expect("load", "15", load.load[2], .59);
	sense_close(sense);
	fixture_done(&f);

	fixture_begin(&f, "docker-v2");
	sense = open_at(&f, NULL);
	sense_read(sense, START_NS, &load);
	expect("psi", "avg10", load.psi[SENSE_CPU].some_avg10, 7.5);
	expect("psi", "full's avg10", load.psi[SENSE_CPU].full_avg10, 2.5);
	fixture_next(&f);
	sense_read(sense, START_NS + f.after_ms * NS_PER_MS, &load);
	expect("psi", "memory", load.psi[SENSE_MEMORY].some_percent, 1);
	expect("psi", "io", load.psi[SENSE_IO].valid, SOME | FULL);
	sense_close(sense);
	fixture_done(&f);
}

/* A read that comes too soon looks back to the one before the last, and is not kept. */
static void soon(void **state)
{
	struct sense_fixture f;
	struct sense_load load;
	struct sense *sense;
	uint64_t now_ns;

	(void)state;
	fixture_begin(&f, "debian10-4.19-vm");
	sense = open_at(&f, NULL);
	sense_read(sense, START_NS, &load);
	sense_read(sense, START_NS + SENSE_INTERVAL_NS - 1, &load);
	assert_int_equal(load.valid & SENSE_HAS_SOFTNET, 0);
	fixture_next(&f);
	now_ns = START_NS + f.after_ms * NS_PER_MS;
	sense_read(sense, now_ns, &load);
	expect("soon", "cpu", load.cpu_percent, 60);
	for (int i = 0; i < 3; i++) {
		sense_read(sense, now_ns + SENSE_INTERVAL_NS / 2, &load);
		expect("soon", "cpu again", load.cpu_percent, 60);
		assert_int_equal(load.softnet_dropped, 3);
	}
	sense_read(sense, now_ns + SENSE_INTERVAL_NS, &load); /* nothing has changed since */
	assert_int_equal(load.valid & (SENSE_HAS_CPU | SENSE_HAS_SOFTNET), SENSE_HAS_SOFTNET);
	assert_int_equal(load.softnet_dropped, 0);
	sense_close(sense);
	fixture_done(&f);
}

/* A named cgroup that comes, goes and comes again. */
static void comes_and_goes(void **state)
{
	static const char folder[] = "sys/fs/cgroup/late.slice/";
	static const char *const usage[] = {NULL, "1000", "501000", NULL, "7", "300007"};
	static const struct {
		bool of_cgroup;
		double cpu;
	} expected[] = {{false, 0}, {false, 0}, {true, 50}, {false, 0}, {false, 0}, {true, 30}};
	struct sense_fixture f;
	struct sense_load load;
	struct sense *sense;
	char path[256];

	(void)state;
	fixture_begin(&f, "debian12-6.1-v2");
	sense = open_at(&f, "/sys/fs/cgroup/late.slice");
	for (size_t i = 0; i < COUNT(usage); i++) {
		snprintf(path, sizeof(path), "%scpu.max", folder);
		fixture_open_file(&f, path);
		fputs("100000 100000\n", f.file);
		snprintf(path, sizeof(path), "%scpu.stat", folder);
		if (!usage[i])
			fixture_remove(&f, path);
		else
			fixture_open_file(&f, path);
		if (usage[i])
			fprintf(f.file, "usage_usec %s\n", usage[i]);
		fixture_close_file(&f);
		sense_read(sense, START_NS + i * 1000 * NS_PER_MS, &load);
		expect("late.slice", "of the cgroup", load.cpu_of_cgroup, expected[i].of_cgroup);
		expect("late.slice", "cpu", load.cpu_percent, expected[i].cpu);
	}
	sense_close(sense);
	fixture_done(&f);
}

static void psi_paths(void **state)
{
	static const struct {
		const char *name, *cgroup, *path;
	} cases[] = {
		{"docker-v2", NULL, "/sys/fs/cgroup/cpu.pressure"},
		{"debian12-6.1-v2", "system.slice", "/sys/fs/cgroup/system.slice/cpu.pressure"},
		{"debian12-6.1-v2", "no.slice", "/proc/pressure/cpu"},
		{"vm-6.18-v1", NULL, "/proc/pressure/cpu"},
		{"debian10-4.19-vm", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[SENSE_PATH_MAX] = "";
		struct sense_fixture f;
		struct sense_load load;
		struct sense *sense;

		fixture_begin(&f, cases[i].name);
		sense = open_at(&f, cases[i].cgroup);
		assert_false(sense_psi_path(sense, SENSE_CPU, path));
		sense_read(sense, START_NS, &load);
		assert_int_equal(sense_psi_path(sense, SENSE_CPU, path), cases[i].path != NULL);
		if (cases[i].path)
			assert_string_equal(path + strlen(f.root), cases[i].path);
		sense_close(sense);
		fixture_done(&f);
	}
}

static void bad_options(void **state)
{
	char long_name[SENSE_PATH_MAX + 1];
	const struct sense_options cases[] = {
		{.cgroup = ""},	       {.cgroup = "../x"},  {.cgroup = "a/./b"},
		{.cgroup = long_name}, {.root = long_name},
	};

	(void)state;
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sense *sense = NULL;
		struct err err = {""};

		assert_int_equal(sense_open(&cases[i], &sense, &err), -EINVAL);
		assert_null(sense);
		assert_true(strlen(err.text) > 0);
	}
	assert_null(sense_close(NULL));
}

/* The files of the machine that this runs on. */
static void this_machine(void **state)
{
	struct sense_options options = {0};
	struct sense_load load;
	struct sense *sense;

	(void)state;
	assert_int_equal(sense_open(&options, &sense, NULL), 0);
	sense_read(sense, START_NS, &load);
	assert_int_equal(load.valid & (SENSE_HAS_MEMORY | SENSE_HAS_LOAD),
			 SENSE_HAS_MEMORY | SENSE_HAS_LOAD);
	assert_true(load.memory_percent > 0 && load.memory_percent < 100);
	sense_close(sense);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixtures),	cmocka_unit_test(rest),
		cmocka_unit_test(soon),		cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(psi_paths),	cmocka_unit_test(bad_options),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
