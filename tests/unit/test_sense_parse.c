// SPDX-License-Identifier: MIT
/*
 * The parsers of the kernel's load files: text, and what it gives. Whole files of several
 * kernels are in tests/fixtures/sense; here are the edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sense/parse.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX64	 "18446744073709551615"
#define OVER64	 "18446744073709551616"

/* A copy of just that size, so that a sanitizer sees a read past its end. */
static char *exact(const char *text, size_t length)
{
	char *copy = malloc(length > 0 ? length : 1);

	assert_non_null(copy);
	memcpy(copy, text, length);
	return copy;
}

static void stat_file(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint32_t cpus;
		uint64_t busy, total;
	} cases[] = {
		{"cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5\n", true, 1, 27, 36},
		/* Linux 2.4 had four columns */
		{"cpu 10 20 30 40\ncpu0 10 20 30 40\ncpu1 0 0 0 0\nctxt 1\n", true, 2, 60, 100},
		{"cpu  0 0 0 0\n", true, 0, 0, 0},
		/* the CPU between is offline; cpux is none; a line further down is not looked at */
		{"cpu 1 0 0 1\ncpu0 1\ncpu7 1\nintr 1\ncpu8 1\n", true, 2, 1, 2},
		{"cpu 1 0 0 1\ncpux 1\ncpu1 1\n", true, 0, 1, 2},
		{"cpu 1 0 0 1\ncpu8192 1\n", true, 0, 1, 2},
		/* the last line is cut off */
		{"cpu 1 0 0 1\ncpu0 1 0 0 1\ncpu1 1", true, 1, 1, 2},
		{"cpu 1 0 0 123", false, 0, 0, 0},
		{"cpu 1 2 3\n", false, 0, 0, 0},
		{"cpu 1 2 x 4\n", false, 0, 0, 0},
		{"cpu -1 2 3 4\n", false, 0, 0, 0},
		{"cpu 0 0 0 " MAX64 "\n", true, 0, 0, UINT64_MAX},
		{"cpu 0 0 0 " OVER64 "\n", false, 0, 0, 0},
		{"cpu 1 0 0 " MAX64 "\n", false, 0, 0, 0},
		{"cpu0 1 2 3 4\n", false, 0, 0, 0},
		{"intr 1\n", false, 0, 0, 0},
		{"\n", false, 0, 0, 0},
		{"", false, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].text);
		char *text = exact(cases[i].text, n);
		struct parse_stat stat = {.busy = 77};

		if (parse_stat(text, n, &stat) != cases[i].ok ||
		    stat.busy != (cases[i].ok ? cases[i].busy : 77) ||
		    stat.total != cases[i].total || stat.cpus != cases[i].cpus)
			fail_msg("case %zu: busy %lu of %lu, %u CPUs", i, (unsigned long)stat.busy,
				 (unsigned long)stat.total, stat.cpus);
		free(text);
	}
}

/* A host of that many CPUs, and the size of what it says. */
static void many_cpus(void **state)
{
	static const uint32_t counts[] = {1, 256, PARSE_CPUS_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct parse_softnet softnet;
		struct parse_stat stat;
		char *text = NULL;
		size_t length = 0;
		FILE *f = open_memstream(&text, &length);

		fprintf(f, "cpu  100 0 50 850 0 0 0 0 0 0\n");
		for (uint32_t cpu = 0; cpu < counts[i]; cpu++)
			fprintf(f, "cpu%u 1421124 16129 1254148 2783981 4485 0 1119 0 0 0\n", cpu);
		fprintf(f, "intr 20327994 0 0\n");
		fclose(f);
		assert_true(parse_stat(text, length, &stat));
		assert_int_equal(stat.cpus, counts[i]);
		assert_int_equal(stat.busy, 150);
		free(text);

		f = open_memstream(&text, &length);
		for (uint32_t cpu = 0; cpu < counts[i]; cpu++)
			fprintf(f, "ffffffff 00000001 00000002 00000000 00000000 %08x\n", cpu);
		fclose(f);
		assert_true(parse_softnet(text, length, &softnet));
		assert_int_equal(softnet.cpus, counts[i]);
		assert_int_equal(softnet.processed, (uint64_t)UINT32_MAX * counts[i]);
		assert_int_equal(softnet.dropped, counts[i]);
		assert_int_equal(softnet.squeezed, 2 * counts[i]);
		free(text);
	}
}

static void meminfo(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t total, available;
	} cases[] = {
		{"MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    600 kB\n", true, 1024000,
		 614400},
		{"MemAvailable: 0 kB\nMemTotal: 8 kB\n", true, 8192, 0},
		/* before 3.14: free + buffers + cached + reclaimable - shared */
		{"MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 20 kB\nCached: 300 kB\n"
		 "Shmem: 50 kB\nSReclaimable: 30 kB\n",
		 true, 1024000, 409600},
		{"MemTotal: 1000 kB\nMemFree: 100 kB\nShmem: 500 kB\n", true, 1024000, 0},
		{"MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 2000 kB\n", true, 1024000, 1024000},
		{"MemTotal: 1000 kB\nMemAvailable: 2000 kB\n", true, 1024000, 1024000},
		{"MemTotal: 1000 kB\n", false, 0, 0},
		{"MemTotal: 0 kB\nMemAvailable: 0 kB\n", false, 0, 0},
		{"MemTotal: 18014398509481984 kB\nMemAvailable: 0 kB\n", false, 0, 0},
		{"MemTotal: " OVER64 " kB\nMemAvailable: 0 kB\n", false, 0, 0},
		{"MemTotal: 1000 kB\nMemAvailable: 60", false, 0, 0},
		{"MemTotal:\nMemFree: 1 kB\n", false, 0, 0},
		{"MemFree: 1 kB\n", false, 0, 0},
		{"", false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].text);
		char *text = exact(cases[i].text, n);
		struct parse_meminfo info = {0};

		if (parse_meminfo(text, n, &info) != cases[i].ok || info.total != cases[i].total ||
		    info.available != cases[i].available)
			fail_msg("case %zu: %lu of %lu", i, (unsigned long)info.available,
				 (unsigned long)info.total);
		free(text);
	}
}

static void loadavg(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t centi[3];
	} cases[] = {
		{"0.52 1.58 12.59 1/521 12345\n", true, {52, 158, 1259}},
		{"0.00 0.01 100000.05 1/99 5\n", true, {0, 1, 10000005}},
		{"0.52 0.58 0.59\n", true, {52, 58, 59}},
		{"0.52 0.58\n", false, {0}},
		{"0,52 0,58 0,59 1/521 1\n", false, {0}}, /* no locale has a say */
		{"0.5 0.58 0.59 1/521 1\n", false, {0}},
		{"0.520 0.58 0.59 1/521 1\n", false, {0}},
		{".52 0.58 0.59 1/521 1\n", false, {0}},
		{"0.-2 0.58 0.59 1/521 1\n", false, {0}},
		{"52 58 59 1/521 1\n", false, {0}},
		{MAX64 ".52 0.58 0.59 1/521 1\n", false, {0}},
		{"0.52 0.58 0.59 1/521 1", false, {0}},
		{"", false, {0}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].text);
		char *text = exact(cases[i].text, n);
		struct parse_loadavg load = {0};

		if (parse_loadavg(text, n, &load) != cases[i].ok ||
		    memcmp(load.centi, cases[i].centi, sizeof(load.centi)) != 0)
			fail_msg("case %zu", i);
		free(text);
	}
}

static void psi(void **state)
{
	static const char some[] = "some avg10=0.47 avg60=1.35 avg300=100.00 total=4737821889\n";
	static const struct {
		const char *text;
		bool ok, full;
		uint64_t full_avg10, full_total;
	} cases[] = {
		{"", true, false, 0, 0}, /* CPU before 5.13 */
		{"full avg10=12.34 avg60=0.00 avg300=0.00 total=" MAX64 "\n", true, true, 1234,
		 UINT64_MAX},
		{"full avg10=12.34 avg60=0.00 avg300=0.00 total=" OVER64 "\n", true, false, 0, 0},
		{"full avg10=100.01 avg60=0.00 avg300=0.00 total=1\n", true, false, 0, 0},
		{"full avg10=-1.00 avg60=0.00 avg300=0.00 total=1\n", true, false, 0, 0},
		{"full avg10=1.00 avg300=0.00 avg60=0.00 total=1\n", true, false, 0, 0},
		{"full avg10=1.00 avg60=0.00 avg300=0.00\n", true, false, 0, 0},
		{"full avg10=1.00 avg60=0.00 avg300=0.00 total=12", true, false, 0, 0},
		{"\nfuller avg10=1.00 avg60=0.00 avg300=0.00 total=12\n", true, false, 0, 0},
	};
	static const char *const bad[] = {
		"",
		"\n",
		"some",
		"some\n",
		"full avg10=1.00 avg60=0.00 avg300=0.00 total=1\n",
		"some avg10=0.47 avg60=1.35 avg300=1.00 total=\n",
		"some avg10= avg60=1.35 avg300=1.00 total=1\n",
		"some avg10=0.47 avg60=1.35 avg300=1.00 total=4737821889",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct parse_psi is = {0};
		char text[512];

		snprintf(text, sizeof(text), "%s%s", some, cases[i].text);
		assert_true(parse_psi(text, strlen(text), &is));
		assert_true(is.some.is_there);
		assert_int_equal(is.some.avg_centi[0], 47);
		assert_int_equal(is.some.avg_centi[1], 135);
		assert_int_equal(is.some.avg_centi[2], 10000);
		assert_int_equal(is.some.total_us, 4737821889);
		assert_int_equal(is.full.is_there, cases[i].full);
		assert_int_equal(is.full.avg_centi[0], cases[i].full_avg10);
		assert_int_equal(is.full.total_us, cases[i].full_total);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct parse_psi is;

		assert_false(parse_psi(bad[i], strlen(bad[i]), &is));
	}
}

static void softnet(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint32_t cpus;
		uint64_t processed, dropped, squeezed;
	} cases[] = {
		{"35fe026e 0000003f 0000005b 00000000\n04820bff 00000b86 00000004 00000000\n", true,
		 2, 0x35fe026e + 0x04820bff, 0x3f + 0xb86, 0x5b + 4},
		{"0000000a 00000001 00000002\n000000", true, 1, 10, 1, 2},
		{"00000001 00000002\n", false, 0, 0, 0, 0},
		{"100000000 00000002 00000003\n", false, 0, 0, 0, 0},
		{"0000000A 00000002 00000003\n", false, 0, 0, 0, 0},
		{"0x000001 00000002 00000003\n", false, 0, 0, 0, 0},
		{"00000001 00000002 00000003\n\n", false, 0, 0, 0, 0},
		{"\n", false, 0, 0, 0, 0},
		{"", false, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].text);
		char *text = exact(cases[i].text, n);
		struct parse_softnet is = {0};

		if (parse_softnet(text, n, &is) != cases[i].ok ||
		    is.processed != cases[i].processed || is.dropped != cases[i].dropped ||
		    is.squeezed != cases[i].squeezed || is.cpus != cases[i].cpus)
			fail_msg("case %zu", i);
		free(text);
	}
}

static void cpu_stat(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		struct parse_cpu_stat stat;
	} cases[] = {
		{"usage_usec 10\nuser_usec 7\nsystem_usec 3\n", true, {.has_usage = true, 0, 10}},
		{"usage_usec 10\nnr_periods 4\nnr_throttled 2\nthrottled_usec 9\n",
		 true,
		 {true, true, 10, 4, 2, 9}},
		{"nr_periods 4\nnr_throttled 2\nthrottled_time 9999\n",
		 true,
		 {false, true, 0, 4, 2, 9}},
		{"usage_usec x\nnr_periods 4\n", false, {0}},
		{"usage_usec " OVER64 "\n", false, {0}},
		{"usage_usec 12", false, {0}},
		{"", false, {0}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].text);
		char *text = exact(cases[i].text, n);
		struct parse_cpu_stat is = {0};
		const struct parse_cpu_stat *should = &cases[i].stat;

		if (parse_cpu_stat(text, n, &is) != cases[i].ok ||
		    is.has_usage != should->has_usage || is.has_periods != should->has_periods ||
		    is.usage_us != should->usage_us ||
		    (is.has_periods && is.periods != should->periods) ||
		    is.throttled != should->throttled || is.throttled_us != should->throttled_us)
			fail_msg("case %zu", i);
		free(text);
	}
}

static void quotas(void **state)
{
	static const struct {
		const char *max; /* of v2, or */
		const char *quota, *period;
		bool ok;
		uint64_t milli;
	} cases[] = {
		{"max 100000\n", NULL, NULL, true, UINT64_MAX},
		{"150000 100000\n", NULL, NULL, true, 1500},
		{"1000 1000000\n", NULL, NULL, true, 1},
		{"1 1000000\n", NULL, NULL, true, 1}, /* never 0 */
		{"100000 0\n", NULL, NULL, false, 0},
		{"max\n", NULL, NULL, false, 0},
		{"-1 100000\n", NULL, NULL, false, 0},
		{MAX64 " 100000\n", NULL, NULL, false, 0},
		{"18446744073709552 1\n", NULL, NULL, false, 0},
		{"150000 100000", NULL, NULL, false, 0},
		{"", NULL, NULL, false, 0},
		{NULL, "-1\n", "100000\n", true, UINT64_MAX},
		{NULL, "25000\n", "50000\n", true, 500},
		{NULL, "25000\n", "0\n", false, 0},
		{NULL, "-2\n", "100000\n", false, 0},
		{NULL, "25000\n", "", false, 0},
		{NULL, "", "100000\n", false, 0},
		{NULL, "25000 1\n", "100000\n", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t milli = 77;
		const char *max = cases[i].max, *quota = cases[i].quota, *period = cases[i].period;
		bool ok =
			max ? parse_cpu_max(max, strlen(max), &milli)
			    : parse_cfs_quota(quota, strlen(quota), period, strlen(period), &milli);

		if (ok != cases[i].ok || milli != (ok ? cases[i].milli : 77))
			fail_msg("case %zu: %lu", i, (unsigned long)milli);
	}
}

static void numbers(void **state)
{
	enum { NUMBER, LIST, KEY };
	static const struct {
		int kind;
		bool ok;
		const char *text;
		uint64_t value;
	} cases[] = {
		{NUMBER, true, "4096\n", 4096},
		{NUMBER, true, "max\n", UINT64_MAX},
		{NUMBER, true, "9223372036854771712\n", 9223372036854771712u},
		{NUMBER, true, MAX64 "\n", UINT64_MAX},
		{NUMBER, false, OVER64 "\n", 0},
		{NUMBER, false, "4096", 0},
		{NUMBER, false, "4096 1\n", 0},
		{NUMBER, false, "-1\n", 0},
		{NUMBER, false, "\n", 0},
		{NUMBER, false, "", 0},
		{LIST, true, "0\n", 1},
		{LIST, true, "0-3,8\n", 5},
		{LIST, true, "0-8191\n", 8192},
		{LIST, false, "0-8192\n", 0},
		{LIST, false, "0-8191,0-8191\n", 0},
		{LIST, false, "3-0\n", 0},
		{LIST, false, "3-\n", 0},
		{LIST, false, "-3\n", 0},
		{LIST, true, "0-3,\n", 4},
		{LIST, false, ",0-3\n", 0},
		{LIST, false, "0-3-5\n", 0},
		{LIST, false, "\n", 0}, /* cpuset of v1 that nobody has set */
		{LIST, false, "0-3", 0},
		{LIST, false, "", 0},
		{KEY, true, "anon 1\ninactive_file 7\n", 7},
		{KEY, true, "total_inactive_file 1\ninactive_file 7\n", 7},
		{KEY, false, "inactive_file_x 1\n", 0},
		{KEY, false, "inactive_file\n", 0},
		{KEY, false, "inactive_file 7", 0},
		{KEY, false, "inactive_file -7\n", 0},
		{KEY, false, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].text);
		char *text = exact(cases[i].text, n);
		uint64_t value = 77;
		uint32_t count = 77;
		bool ok;

		if (cases[i].kind == NUMBER)
			ok = parse_number(text, n, &value);
		else if (cases[i].kind == KEY)
			ok = parse_key(text, n, "inactive_file", &value);
		else
			ok = parse_cpu_list(text, n, &count);
		if (cases[i].kind == LIST)
			value = count;
		if (ok != cases[i].ok || value != (ok ? cases[i].value : 77))
			fail_msg("case %zu '%s': %lu", i, cases[i].text, (unsigned long)value);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_file), cmocka_unit_test(many_cpus), cmocka_unit_test(meminfo),
		cmocka_unit_test(loadavg),   cmocka_unit_test(psi),	  cmocka_unit_test(softnet),
		cmocka_unit_test(cpu_stat),  cmocka_unit_test(quotas),	  cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
