/* SPDX-License-Identifier: MIT */
/*
 * What all files said at one instant, and from two of these the load between them. Pure.
 * A level is a cgroup: the first is the innermost, each next one its parent.
 */
#ifndef HATAGO_SENSE_SAMPLE_H
#define HATAGO_SENSE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "sense/parse.h"
#include "sense/sense.h"

#define SAMPLE_NO_LIMIT UINT64_MAX

struct sample_cpu {
	bool has_usage, has_periods;
	uint64_t usage_us;	     /* of CPU, by it and all below */
	uint64_t periods, throttled; /* of the quota */
	uint64_t limit_milli;	     /* CPUs times 1000, by quota and cpuset; SAMPLE_NO_LIMIT */
};

struct sample_memory {
	bool has_working;
	uint64_t working_bytes; /* used - inactive_file */
	uint64_t limit_bytes;	/* SAMPLE_NO_LIMIT */
};

struct sample {
	uint64_t at_ns;
	bool is_named; /* the cgroup was named, so it counts without a limit too */
	bool has_stat, has_meminfo, has_load, has_softnet;
	struct parse_stat stat;
	struct parse_meminfo meminfo;
	struct parse_loadavg load;
	struct parse_softnet softnet;
	struct sample_cpu cpu[SENSE_LEVELS_MAX];
	struct sample_memory memory[SENSE_LEVELS_MAX];
	unsigned int cpu_levels, memory_levels;
	bool has_psi[SENSE_RESOURCES], psi_of_cgroup[SENSE_RESOURCES];
	struct parse_psi psi[SENSE_RESOURCES];
};

/* CPUs times 1000 that the level may use, below what is online; SAMPLE_NO_LIMIT: all. */
uint64_t sample_cpu_limit(const struct sample *sample, unsigned int level);
/* Bytes that the level may use, below what the machine has; SAMPLE_NO_LIMIT: all. */
uint64_t sample_memory_limit(const struct sample *sample, unsigned int level);
/* The cgroup, not the machine, is what counts: it was named, or some level has a limit. */
bool sample_is_of_cgroup(const struct sample *sample);

/* before: an earlier one, or NULL: what is counted since then is not valid. */
void sample_load(const struct sample *before, const struct sample *now, struct sense_load *ret);

#endif
