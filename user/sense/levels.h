/* SPDX-License-Identifier: MIT */
/*
 * The files of a cgroup and of those above it, from which quotas, limits and what is used
 * of them are read into a sample. Usage is read only where it will count: memory.stat
 * makes the kernel sum up over all CPUs.
 */
#ifndef HATAGO_SENSE_LEVELS_H
#define HATAGO_SENSE_LEVELS_H

#include "sense/cgroup.h"
#include "sense/file.h"
#include "sense/sample.h"

struct level_cpu {
	struct sense_file quota, period; /* cpu.max; v1: cpu.cfs_quota_us, cpu.cfs_period_us */
	struct sense_file cpuset;
	struct sense_file stat;
	struct sense_file usage; /* v1: cpuacct.usage; v2 has it in stat */
};

struct level_memory {
	struct sense_file limit, current, stat;
};

struct levels {
	bool cpu_is_v1, memory_is_v1;
	unsigned int cpu_count, memory_count;
	struct level_cpu cpu[SENSE_LEVELS_MAX];
	struct level_memory memory[SENSE_LEVELS_MAX];
};

/*
 * Of all levels of these places, root before each path; is_named: the innermost ones' absence
 * is told. `ret` is all 0, and levels_done() is due after a failure too. 0, -ENOMEM or
 * -ENAMETOOLONG.
 */
int levels_init(const char *root, const struct cgroup_places *places, bool is_named,
		struct levels *ret);
void levels_done(struct levels *levels);
/* Into a sample whose is_named, stat and meminfo are filled; buf of SENSE_TEXT_MAX bytes. */
void levels_read(struct levels *levels, char *buf, struct sample *sample);
bool levels_notice(struct levels *levels, struct err *ret);

#endif
