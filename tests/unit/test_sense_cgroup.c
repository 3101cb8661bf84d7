// SPDX-License-Identifier: MIT
/*
 * Where a cgroup lies: /proc/self/cgroup and mountinfo of hosts and containers, of v1, v2
 * and both, and the path that follows for each controller.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sense/cgroup.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define V2	 "35 24 0:30 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1(root)                                                                             \
	"30 1 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"                                    \
	"31 30 0:31 " root " /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" \
	"32 30 0:32 " root " /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
#define UNIFIED "33 30 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

/* "" for a place that is not mounted. */
struct paths {
	const char *unified, *cpu, *cpuacct, *memory;
};

static void expect_paths(size_t i, const struct cgroup_places *places, const struct paths *paths)
{
	const char *is[] = {places->at[CGROUP_UNIFIED].path, places->at[CGROUP_CPU].path,
			    places->at[CGROUP_CPUACCT].path, places->at[CGROUP_MEMORY].path};
	const char *should[] = {paths->unified, paths->cpu, paths->cpuacct, paths->memory};

	for (size_t k = 0; k < COUNT(is); k++)
		if (strcmp(is[k], should[k] ? should[k] : "") != 0)
			fail_msg("case %zu.%zu: '%s', not '%s'", i, k, is[k], should[k]);
}

static void find(void **state)
{
	static const struct {
		const char *cgroup, *mounts;
		struct paths paths;
	} cases[] = {
		/* v2: a service, a container with a namespace, one without */
		{"0::/system.slice/a.service\n",
		 V2,
		 {.unified = "/sys/fs/cgroup/system.slice/a.service"}},
		{"0::/\n", V2, {.unified = "/sys/fs/cgroup"}},
		{"0::/docker/1/x\n",
		 "1 2 0:29 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
		 {.unified = "/sys/fs/cgroup/x"}},
		/* v1, hybrid: the v2 tree is there, with its own name */
		{"3:cpu,cpuacct:/a\n2:memory:/b\n1:name=systemd:/c\n0::/d\n",
		 V1("/") UNIFIED,
		 {"/sys/fs/cgroup/unified/d", "/sys/fs/cgroup/cpu,cpuacct/a",
		  "/sys/fs/cgroup/cpu,cpuacct/a", "/sys/fs/cgroup/memory/b"}},
		{"3:cpuacct,cpu:/docker/1\n2:memory:/docker/1\n",
		 V1("/docker/1"),
		 {NULL, "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct",
		  "/sys/fs/cgroup/memory"}},
		/* a name with a colon, and a root that only begins alike */
		{"3:cpu,cpuacct:/a:b\n2:memory:/docker/12\n",
		 V1("/docker/1"),
		 {NULL, "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct",
		  "/sys/fs/cgroup/memory"}},
		/* outside the namespace: the mount itself */
		{"0::/../../b\n",
		 "1 2 0:29 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
		 {.unified = "/sys/fs/cgroup"}},
		{"0::/b\n",
		 "1 2 0:29 /../.. /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
		 {.unified = "/sys/fs/cgroup"}},
		/* of two mounts the one that shows it, else the first */
		{"0::/docker/1\n",
		 "1 2 0:29 /docker/2 /other rw - cgroup2 cgroup rw\n"
		 "1 2 0:29 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n" V2,
		 {.unified = "/sys/fs/cgroup"}},
		{"0::/x\n",
		 "1 2 0:29 /docker/2 /other rw - cgroup2 cgroup rw\n"
		 "1 2 0:29 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
		 {.unified = "/other"}},
		/* a blank in a path, and optional fields */
		{"0::/a\n",
		 "1 2 0:29 / /my\\040groups rw shared:1 master:2 - cgroup2 c rw\n",
		 {.unified = "/my groups/a"}},
		/* cut, foreign or broken lines */
		{"0::/a", V2, {NULL}},
		{"0::/a\n", "1 2 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup rw", {NULL}},
		{"0::/a\n",
		 "1 2 0:29 / /sys/fs/cgroup rw cgroup2 cgroup rw\n" V2,
		 {.unified = "/sys/fs/cgroup/a"}},
		{"0::a\n0\n::\n\n0:\n0:cpu:/a\n",
		 V2 V1("/"),
		 {.cpu = "/sys/fs/cgroup/cpu,cpuacct/a"}},
		{"", V2, {NULL}},
		{"0::/a\n", "", {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cgroup_places places;

		cgroup_find(cases[i].cgroup, strlen(cases[i].cgroup), cases[i].mounts,
			    strlen(cases[i].mounts), &places);
		expect_paths(i, &places, &cases[i].paths);
	}
}

static void named(void **state)
{
	static const struct {
		const char *name, *mounts;
		int result;
		struct paths paths;
	} cases[] = {
		{"/sys/fs/cgroup/a.slice/b", V2, 0, {.unified = "/sys/fs/cgroup/a.slice/b"}},
		{"a.slice/b/", V2, 0, {.unified = "/sys/fs/cgroup/a.slice/b"}},
		{"/a.slice", V2, 0, {.unified = "/sys/fs/cgroup/a.slice"}},
		{"/sys/fs/cgroup", V2, 0, {.unified = "/sys/fs/cgroup"}},
		{"/", V2, 0, {.unified = "/sys/fs/cgroup"}},
		{"/sys/fs/cgroup/memory/a/b",
		 V1("/") UNIFIED,
		 0,
		 {"/sys/fs/cgroup/unified/a/b", "/sys/fs/cgroup/cpu,cpuacct/a/b",
		  "/sys/fs/cgroup/cpu,cpuacct/a/b", "/sys/fs/cgroup/memory/a/b"}},
		/* only begins like the mount */
		{"/sys/fs/cgroups/a", V2, 0, {.unified = "/sys/fs/cgroup/sys/fs/cgroups/a"}},
		{"a..b/...", V2, 0, {.unified = "/sys/fs/cgroup/a..b/..."}},
		{"a", "", 0, {NULL}},
		{"", V2, -EINVAL, {NULL}},
		{"..", V2, -EINVAL, {NULL}},
		{"a/..", V2, -EINVAL, {NULL}},
		{"/sys/fs/cgroup/../a", V2, -EINVAL, {NULL}},
		{"./a", V2, -EINVAL, {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cgroup_places places = {0};

		assert_int_equal(cgroup_named(cases[i].name, cases[i].mounts,
					      strlen(cases[i].mounts), &places),
				 cases[i].result);
		expect_paths(i, &places, &cases[i].paths);
	}
}

/* Paths about as long as may be: whole, or not at all. */
static void lengths(void **state)
{
	static const struct {
		size_t length; /* of the name */
		bool found;
	} cases[] = {
		{CGROUP_PATH_MAX - 1 - sizeof("/sys/fs/cgroup") + 1, true},
		{CGROUP_PATH_MAX - sizeof("/sys/fs/cgroup") + 1, false},
		{CGROUP_PATH_MAX, false},
		{2ul * CGROUP_PATH_MAX, false},
	};
	struct cgroup_places places;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[CGROUP_PATH_MAX * 3], name[CGROUP_PATH_MAX * 2 + 1];
		size_t length = cases[i].length;

		memset(name, 'x', length);
		name[0] = '/';
		name[length] = '\0';
		snprintf(text, sizeof(text), "0::%s\n", name);
		cgroup_find(text, strlen(text), V2, strlen(V2), &places);
		assert_int_equal(places.at[CGROUP_UNIFIED].path[0] != '\0', cases[i].found);
		assert_int_equal(cgroup_named(name, V2, strlen(V2), &places),
				 cases[i].found ? 0 : -EINVAL);
		snprintf(text, sizeof(text), "1 2 0:29 / %s rw - cgroup2 cgroup rw\n", name);
		cgroup_find("0::/\n", 5, text, strlen(text), &places);
		assert_int_equal(places.at[CGROUP_UNIFIED].path[0] != '\0',
				 length < CGROUP_PATH_MAX);
	}
}

static void ascend(void **state)
{
	static const char *const steps[] = {"/sys/fs/cgroup/a.slice/b", "/sys/fs/cgroup/a.slice",
					    "/sys/fs/cgroup"};
	struct cgroup_places places;
	struct cgroup_place *place = &places.at[CGROUP_UNIFIED];

	(void)state;
	assert_int_equal(cgroup_named("a.slice/b/c", V2, strlen(V2), &places), 0);
	for (size_t i = 0; i < COUNT(steps); i++) {
		assert_true(cgroup_ascend(place));
		assert_string_equal(place->path, steps[i]);
	}
	assert_false(cgroup_ascend(place));
	assert_string_equal(place->path, "/sys/fs/cgroup");
	assert_false(cgroup_ascend(&places.at[CGROUP_MEMORY])); /* that is not mounted */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find),
		cmocka_unit_test(named),
		cmocka_unit_test(lengths),
		cmocka_unit_test(ascend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
