// SPDX-License-Identifier: MIT
/*
 * See levels.h.
 */
#include "sense/levels.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MILLI	  1000u
#define NS_PER_US 1000u

static const char no_cpu[] = "the cgroup's CPU time is not known";
static const char no_memory[] = "the cgroup's memory is not known";

/* A file of another v1 hierarchy, of the cgroup that has this one's name; none: no file. */
static int init_beside(struct sense_file *file, const char *root, const struct cgroup_place *other,
		       const struct cgroup_place *place, const char *name, const char *lost)
{
	char folder[CGROUP_PATH_MAX];
	int n;

	if (!other->mount[0])
		return 0;
	n = snprintf(folder, sizeof(folder), "%s%s", other->mount,
		     place->path + strlen(place->mount));
	if (n < 0 || (size_t)n >= sizeof(folder))
		return -ENAMETOOLONG;
	return file_init(file, root, folder, name, lost);
}

static int init_cpu(struct level_cpu *level, bool is_v1, const char *root,
		    const struct cgroup_places *places, const struct cgroup_place *place,
		    const char *lost)
{
	const char *at = place->path;
	int r = file_init(&level->stat, root, at, "cpu.stat", is_v1 ? NULL : lost);

	if (r == 0 && !is_v1)
		r = file_init(&level->quota, root, at, "cpu.max", NULL);
	if (r == 0 && !is_v1)
		r = file_init(&level->cpuset, root, at, "cpuset.cpus.effective", NULL);
	if (r < 0 || !is_v1)
		return r;
	r = file_init(&level->quota, root, at, "cpu.cfs_quota_us", NULL);
	if (r == 0)
		r = file_init(&level->period, root, at, "cpu.cfs_period_us", NULL);
	if (r == 0)
		r = init_beside(&level->usage, root, &places->at[CGROUP_CPUACCT], place,
				"cpuacct.usage", lost);
	if (r == 0)
		r = init_beside(&level->cpuset, root, &places->at[CGROUP_CPUSET], place,
				"cpuset.effective_cpus", NULL);
	return r;
}

static int init_memory(struct level_memory *level, bool is_v1, const char *root,
		       const struct cgroup_place *place, const char *lost)
{
	const char *at = place->path;
	int r = file_init(&level->limit, root, at, is_v1 ? "memory.limit_in_bytes" : "memory.max",
			  NULL);

	if (r == 0)
		r = file_init(&level->current, root, at,
			      is_v1 ? "memory.usage_in_bytes" : "memory.current", lost);
	if (r == 0)
		r = file_init(&level->stat, root, at, "memory.stat", NULL);
	return r;
}

int levels_init(const char *root, const struct cgroup_places *places, bool is_named,
		struct levels *ret)
{
	struct cgroup_place cpu = places->at[CGROUP_CPU], memory = places->at[CGROUP_MEMORY];
	int r = 0;

	ret->cpu_is_v1 = cpu.mount[0];
	ret->memory_is_v1 = memory.mount[0];
	if (!ret->cpu_is_v1)
		cpu = places->at[CGROUP_UNIFIED];
	if (!ret->memory_is_v1)
		memory = places->at[CGROUP_UNIFIED];
	for (bool more = cpu.mount[0]; more && r == 0 && ret->cpu_count < SENSE_LEVELS_MAX;
	     more = cgroup_ascend(&cpu)) {
		r = init_cpu(&ret->cpu[ret->cpu_count], ret->cpu_is_v1, root, places, &cpu,
			     is_named && ret->cpu_count == 0 ? no_cpu : NULL);
		ret->cpu_count++;
	}
	for (bool more = memory.mount[0]; more && r == 0 && ret->memory_count < SENSE_LEVELS_MAX;
	     more = cgroup_ascend(&memory)) {
		r = init_memory(&ret->memory[ret->memory_count], ret->memory_is_v1, root, &memory,
				is_named && ret->memory_count == 0 ? no_memory : NULL);
		ret->memory_count++;
	}
	return r;
}

void levels_done(struct levels *levels)
{
	for (unsigned int i = 0; i < levels->cpu_count; i++) {
		file_done(&levels->cpu[i].quota);
		file_done(&levels->cpu[i].period);
		file_done(&levels->cpu[i].cpuset);
		file_done(&levels->cpu[i].stat);
		file_done(&levels->cpu[i].usage);
	}
	for (unsigned int i = 0; i < levels->memory_count; i++) {
		file_done(&levels->memory[i].limit);
		file_done(&levels->memory[i].current);
		file_done(&levels->memory[i].stat);
	}
}

/* CPUs times 1000 by the quota; SAMPLE_NO_LIMIT where there is none. */
static uint64_t read_quota(struct level_cpu *level, bool is_v1, char *buf)
{
	uint64_t milli = SAMPLE_NO_LIMIT;
	size_t length, quota_length;
	char quota[64];

	if (!is_v1) {
		if (file_read(&level->quota, buf, SENSE_TEXT_MAX, &length) == 0)
			parse_cpu_max(buf, length, &milli);
		return milli;
	}
	if (file_read(&level->quota, quota, sizeof(quota), &quota_length) == 0 &&
	    file_read(&level->period, buf, SENSE_TEXT_MAX, &length) == 0)
		parse_cfs_quota(quota, quota_length, buf, length, &milli);
	return milli;
}

static uint64_t read_cpu_limit(struct level_cpu *level, bool is_v1, char *buf)
{
	uint64_t milli = read_quota(level, is_v1, buf);
	uint32_t cpus;
	size_t length;

	if (file_read(&level->cpuset, buf, SENSE_TEXT_MAX, &length) == 0 &&
	    parse_cpu_list(buf, length, &cpus) && (uint64_t)cpus * MILLI < milli)
		milli = (uint64_t)cpus * MILLI;
	return milli;
}

static void read_cpu_usage(struct level_cpu *level, bool is_v1, char *buf, struct sample_cpu *ret)
{
	struct parse_cpu_stat stat = {0};
	uint64_t ns;
	size_t length;

	if (file_read(&level->stat, buf, SENSE_TEXT_MAX, &length) == 0 &&
	    !parse_cpu_stat(buf, length, &stat))
		file_reject(&level->stat);
	ret->has_periods = stat.has_periods;
	ret->periods = stat.periods;
	ret->throttled = stat.throttled;
	ret->has_usage = stat.has_usage;
	ret->usage_us = stat.usage_us;
	if (!is_v1 || file_read(&level->usage, buf, SENSE_TEXT_MAX, &length) < 0)
		return;
	ret->has_usage = parse_number(buf, length, &ns);
	if (ret->has_usage)
		ret->usage_us = ns / NS_PER_US;
	else
		file_reject(&level->usage);
}

static void read_working(struct level_memory *level, bool is_v1, char *buf,
			 struct sample_memory *ret)
{
	uint64_t current, inactive = 0;
	size_t length;

	if (file_read(&level->current, buf, SENSE_TEXT_MAX, &length) < 0)
		return;
	if (!parse_number(buf, length, &current)) {
		file_reject(&level->current);
		return;
	}
	if (file_read(&level->stat, buf, SENSE_TEXT_MAX, &length) == 0)
		parse_key(buf, length, is_v1 ? "total_inactive_file" : "inactive_file", &inactive);
	ret->has_working = true;
	ret->working_bytes = current > inactive ? current - inactive : 0;
}

void levels_read(struct levels *levels, char *buf, struct sample *sample)
{
	sample->cpu_levels = levels->cpu_count;
	for (unsigned int i = 0; i < levels->cpu_count; i++) {
		struct sample_cpu *cpu = &sample->cpu[i];

		cpu->limit_milli = read_cpu_limit(&levels->cpu[i], levels->cpu_is_v1, buf);
		if (sample_cpu_limit(sample, i) != SAMPLE_NO_LIMIT || (sample->is_named && i == 0))
			read_cpu_usage(&levels->cpu[i], levels->cpu_is_v1, buf, cpu);
	}
	sample->memory_levels = levels->memory_count;
	for (unsigned int i = 0; i < levels->memory_count; i++) {
		struct level_memory *level = &levels->memory[i];
		struct sample_memory *memory = &sample->memory[i];
		size_t length;

		memory->limit_bytes = SAMPLE_NO_LIMIT;
		if (file_read(&level->limit, buf, SENSE_TEXT_MAX, &length) == 0)
			parse_number(buf, length, &memory->limit_bytes);
		if (sample_memory_limit(sample, i) != SAMPLE_NO_LIMIT ||
		    (sample->is_named && i == 0))
			read_working(level, levels->memory_is_v1, buf, memory);
	}
}

bool levels_notice(struct levels *levels, struct err *ret)
{
	if (levels->cpu_count > 0 &&
	    (file_notice(&levels->cpu[0].stat, ret) || file_notice(&levels->cpu[0].usage, ret)))
		return true;
	return levels->memory_count > 0 && file_notice(&levels->memory[0].current, ret);
}
