/* SPDX-License-Identifier: MIT */
/*
 * The text of the kernel's load files to numbers. Pure: no files, no clock, no locale.
 * Whatever the text (cut, empty, hostile), a parser reads no further than `length`, needs
 * no NUL, and says false, with its output untouched, where what it is for is not there or
 * no number of 64 bits. Formats: proc(5), Documentation/accounting/psi.rst and
 * Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ in the kernel's tree.
 */
#ifndef HATAGO_SENSE_PARSE_H
#define HATAGO_SENSE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARSE_CPUS_MAX                                                            \
	8192u /* the most that any kernel is built for; more is no number of CPUs \
	       */

/* /proc/stat. Ticks (USER_HZ) since boot, over all CPUs; they may run backwards a little. */
struct parse_stat {
	/*
	 * busy: all but idle and iowait, for a CPU that waits for a disk can run a request.
	 * Steal is busy: what the hypervisor takes is not to be had, so at 100 % there is no
	 * room left, whoever has it. Guest time is in user's already.
	 */
	uint64_t busy, total;
	uint32_t cpus; /* online; 0: the text has no lines of single CPUs */
};
bool parse_stat(const char *text, size_t length, struct parse_stat *ret);

/* /proc/meminfo, in bytes. */
struct parse_meminfo {
	uint64_t total;
	/*
	 * MemAvailable; before Linux 3.14 free + buffers + cached + reclaimable slab - shared
	 * memory, which promises a little too much. At most `total`.
	 */
	uint64_t available;
};
bool parse_meminfo(const char *text, size_t length, struct parse_meminfo *ret);

/* /proc/loadavg: of 1, 5 and 15 minutes, times 100 as the kernel prints them. */
struct parse_loadavg {
	uint64_t centi[3];
};
bool parse_loadavg(const char *text, size_t length, struct parse_loadavg *ret);

/* /proc/pressure/X, or X.pressure of a cgroup. */
struct parse_psi_line {
	bool is_there;
	uint64_t avg_centi[3]; /* of 10, 60 and 300 seconds: percent times 100, 0 to 10000 */
	uint64_t total_us;     /* stalled, since boot or since the cgroup was made */
};
struct parse_psi {
	struct parse_psi_line some, full; /* no full for CPU before Linux 5.13 */
};
/* True where `some` is there; a malformed `full` counts as none. */
bool parse_psi(const char *text, size_t length, struct parse_psi *ret);

/* /proc/net/softnet_stat: packets since boot, summed over the CPUs; each wraps at 2^32. */
struct parse_softnet {
	uint64_t processed, dropped,
		squeezed; /* squeezed: softirq runs that ended with work left */
	uint32_t cpus;
};
bool parse_softnet(const char *text, size_t length, struct parse_softnet *ret);

/* cpu.stat of cgroup v2, or of v1, which has no usage_usec. Times in us. */
struct parse_cpu_stat {
	bool has_usage, has_periods; /* the root and cgroups without the controller lack periods */
	uint64_t usage_us;
	uint64_t periods, throttled, throttled_us; /* throttled: periods in which it was */
};
bool parse_cpu_stat(const char *text, size_t length, struct parse_cpu_stat *ret);

/* cpu.max of v2: thousandths of a CPU, or UINT64_MAX for "max". */
bool parse_cpu_max(const char *text, size_t length, uint64_t *ret_milli);
/* cpu.cfs_quota_us and cpu.cfs_period_us of v1; -1 is none. As above. */
bool parse_cfs_quota(const char *quota, size_t quota_length, const char *period,
		     size_t period_length, uint64_t *ret_milli);
/* How many CPUs a list has: "0-3,8" is 5. cpuset.cpus.effective, /sys/.../cpu/online. */
bool parse_cpu_list(const char *text, size_t length, uint32_t *ret);

/*
 * One number and nothing else: memory.current, cpuacct.usage. "max" is UINT64_MAX, as in
 * memory.max; of v1's memory.limit_in_bytes, whose "none" is the largest number of pages,
 * the caller compares with what there is.
 */
bool parse_number(const char *text, size_t length, uint64_t *ret);
/* The number of the line "key number": inactive_file or total_inactive_file of memory.stat. */
bool parse_key(const char *text, size_t length, const char *key, uint64_t *ret);

#endif
