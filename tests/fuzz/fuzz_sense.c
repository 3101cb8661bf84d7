/* SPDX-License-Identifier: MIT */
/*
 * Any text for any of the parsers of machine load: the first byte chooses one. A parser that
 * takes a text gives values within their bounds; one that refuses it leaves its output as it
 * was. Two texts, for the parsers that take two, are parted by a NUL.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sense/cgroup.h"
#include "sense/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the run where something that must be so is not. */
static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void try_stat(const char *text, size_t n)
{
	struct parse_stat stat;

	if (!parse_stat(text, n, &stat))
		return;
	demand(stat.busy <= stat.total && stat.cpus <= PARSE_CPUS_MAX);
}

static void try_meminfo(const char *text, size_t n)
{
	struct parse_meminfo info;

	if (parse_meminfo(text, n, &info))
		demand(info.total > 0 && info.available <= info.total);
}

static void try_psi(const char *text, size_t n)
{
	struct parse_psi psi;

	if (!parse_psi(text, n, &psi))
		return;
	demand(psi.some.is_there);
	for (int i = 0; i < 3; i++)
		demand(psi.some.avg_centi[i] <= 10000 && psi.full.avg_centi[i] <= 10000);
}

static void try_softnet(const char *text, size_t n)
{
	struct parse_softnet softnet;

	if (!parse_softnet(text, n, &softnet))
		return;
	demand(softnet.cpus > 0 && softnet.cpus <= PARSE_CPUS_MAX);
	demand(softnet.processed <= (uint64_t)UINT32_MAX * softnet.cpus);
}

static void try_numbers(const char *text, size_t n, const char *second, size_t m)
{
	struct parse_cpu_stat stat;
	struct parse_loadavg load;
	uint64_t number = 77;
	uint32_t count = 77;

	if (parse_cpu_list(text, n, &count))
		demand(count > 0 && count <= PARSE_CPUS_MAX);
	else
		demand(count == 77);
	if (parse_cpu_max(text, n, &number))
		demand(number > 0);
	else
		demand(number == 77);
	if (parse_cfs_quota(text, n, second, m, &number))
		demand(number > 0);
	if (parse_cpu_stat(text, n, &stat))
		demand(stat.has_usage || stat.has_periods);
	parse_loadavg(text, n, &load);
	parse_number(text, n, &number);
	parse_key(text, n, "inactive_file", &number);
}

/* A path is that of its mount, or below it, and ascending ends there. */
static void demand_places(struct cgroup_places *places)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		struct cgroup_place *place = &places->at[i];
		size_t n = strlen(place->mount);

		demand(n < CGROUP_PATH_MAX && strlen(place->path) < CGROUP_PATH_MAX);
		demand(strncmp(place->path, place->mount, n) == 0);
		demand(n > 0 || !place->path[0]);
		for (int step = 0; cgroup_ascend(place); step++)
			demand(step < CGROUP_PATH_MAX && strlen(place->path) >= n);
		demand(strlen(place->path) == n);
	}
}

static void try_cgroup(const char *text, size_t n, const char *second, size_t m)
{
	struct cgroup_places places;
	char *name = strndup(text, n);

	cgroup_find(text, n, second, m, &places);
	demand_places(&places);
	if (name && cgroup_named(name, second, m, &places) == 0)
		demand_places(&places);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1, *second;
	size_t n, m;

	if (size < 1)
		return 0;
	n = strnlen(text, size - 1);
	second = n < size - 1 ? text + n + 1 : text + n;
	m = (size_t)((const char *)data + size - second);
	switch (data[0]) {
	case 's':
		try_stat(text, size - 1);
		break;
	case 'm':
		try_meminfo(text, size - 1);
		break;
	case 'p':
		try_psi(text, size - 1);
		break;
	case 'n':
		try_softnet(text, size - 1);
		break;
	case 'c':
		try_cgroup(text, n, second, m);
		break;
	default:
		try_numbers(text, n, second, m);
	}
	return 0;
}
