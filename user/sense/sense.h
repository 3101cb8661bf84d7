/* SPDX-License-Identifier: MIT */
/*
 * How hard the machine, or the part of it that may be used, is being pushed: reads /proc
 * and the cgroup's files and gives percentages since the last read. What a file lacks makes
 * its value invalid, never an error; a sentence says so once. Decides nothing: thresholds
 * are the adaptation's. Parsing is parse.h's, finding the cgroup cgroup.h's.
 *
 * "What may be used" is as kubelet and Borg's successors see it: a CPU quota or cpuset of a
 * cgroup, or of any above it, not the host's CPUs; memory against a cgroup's limit, its
 * working set being current - inactive_file, as kubelet counts it for eviction.
 */
#ifndef HATAGO_SENSE_SENSE_H
#define HATAGO_SENSE_SENSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define SENSE_LEVELS_MAX  16	      /* of nested cgroups that are looked at, the innermost ones */
#define SENSE_TEXT_MAX	  (1u << 20)  /* bytes of a file that are read; the rest is cut off */
#define SENSE_INTERVAL_NS 80000000ULL /* the shortest time that a share is computed over */
#define SENSE_PATH_MAX	  1280

enum sense_resource { SENSE_CPU, SENSE_MEMORY, SENSE_IO, SENSE_RESOURCES };

struct sense_options {
	const char *root;   /* before every path, for tests; NULL or "/": the machine's own */
	const char *cgroup; /* whose load counts: a path below /sys/fs/cgroup, or a name relative
			       to the mount; it may come and go. NULL: our own, where it or one
			       above it has a quota, a cpuset or a limit */
};

/* Bits of sense_load.valid; a value without its bit is 0. */
enum sense_valid {
	SENSE_HAS_CPU = 1 << 0,
	SENSE_HAS_HOST_CPU = 1 << 1,
	SENSE_HAS_MEMORY = 1 << 2,
	SENSE_HAS_HOST_MEMORY = 1 << 3,
	SENSE_HAS_THROTTLED = 1 << 4,
	SENSE_HAS_LOAD = 1 << 5,
	SENSE_HAS_SOFTNET = 1 << 6,
};

enum sense_psi_valid {
	SENSE_PSI_SOME = 1 << 0, /* some_percent; and so on */
	SENSE_PSI_FULL = 1 << 1,
	SENSE_PSI_SOME_AVG10 = 1 << 2,
	SENSE_PSI_FULL_AVG10 = 1 << 3,
};

/* Pressure stall: the share of time in which some or all that wanted to run waited for it. */
struct sense_psi {
	unsigned int valid;		   /* enum sense_psi_valid */
	bool of_cgroup;			   /* the cgroup's; else the machine's */
	double some_percent, full_percent; /* of the time since the last read, from `total` */
	double some_avg10, full_avg10;	   /* the kernel's own, %, some 10 s late */
};

/*
 * Percentages are 0 to 100. "Since the last read" is at least SENSE_INTERVAL_NS: a read that
 * comes sooner after the last one looks back to the one before it. The first read has none of
 * these.
 */
struct sense_load {
	unsigned int valid;		      /* enum sense_valid */
	bool cpu_of_cgroup, memory_of_cgroup; /* what the two that follow are of */
	double cpu_percent;	    /* of what may be used: the tightest level's; else the host's */
	double memory_percent;	    /* so too */
	double host_cpu_percent;    /* of the online CPUs; steal counts, iowait does not */
	double host_memory_percent; /* of MemTotal, less MemAvailable */
	double throttled_percent;   /* of the periods of the CPU quota; the tightest level's */
	double cpus;		    /* that cpu_percent is a share of; 0: not known */
	uint64_t memory_bytes;	    /* that memory_percent is a share of; 0: not known */
	double load[3];		    /* averages of 1, 5 and 15 minutes */
	uint64_t softnet_dropped, softnet_squeezed; /* packets, runs; in that time */
	struct sense_psi psi[SENSE_RESOURCES];
};

struct sense;

/*
 * Opens what there is. Needs no rights beyond reading /proc and /sys/fs/cgroup, now or later.
 * 0, -ENOMEM, or -EINVAL: options->cgroup or root is not a name that can be; err says why.
 */
int sense_open(const struct sense_options *options, struct sense **ret, struct err *err);
struct sense *sense_close(struct sense *sense); /* accepts NULL; returns NULL */

/*
 * Reads it all. now_ns is CLOCK_MONOTONIC and never goes back. Blocks for what the kernel
 * takes to write the files: some 100 us, more with hundreds of CPUs. One thread at a time.
 */
void sense_read(struct sense *sense, uint64_t now_ns, struct sense_load *ret);

/*
 * The next thing that is missing and was not yet told, once for each file in the life of
 * `sense`; false: there is none. Ask after each read, until false.
 */
bool sense_notice(struct sense *sense, struct err *ret);

/*
 * The file for psi_trigger_open() that sense_load.psi[resource] comes from; SENSE_PATH_MAX
 * bytes. False: the kernel has none, or nothing was read yet. May change when a named cgroup
 * comes or goes, or ours gets a limit.
 */
bool sense_psi_path(const struct sense *sense, enum sense_resource resource, char *ret);

#endif
