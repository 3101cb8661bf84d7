// SPDX-License-Identifier: MIT
/*
 * See sample.h. Counters may run backwards: a CPU went offline, a cgroup was made anew, the
 * kernel took back some iowait. Then the value is not valid this once; a share is never
 * below 0 or above 100.
 */
#include "sense/sample.h"

#include <string.h>

#define NS_PER_US 1000u
#define MILLI	  1000u

/* a of b, in percent; b is not 0. */
static double percent(double a, double b)
{
	double share = a / b * 100;

	return share < 100 ? share : 100;
}

static void set_valid(unsigned int *valid, unsigned int bit, double value, double *ret)
{
	*valid |= bit;
	*ret = value;
}

uint64_t sample_cpu_limit(const struct sample *sample, unsigned int level)
{
	uint64_t limit = sample->cpu[level].limit_milli;

	if (sample->has_stat && sample->stat.cpus && limit >= (uint64_t)sample->stat.cpus * MILLI)
		return SAMPLE_NO_LIMIT;
	return limit;
}

uint64_t sample_memory_limit(const struct sample *sample, unsigned int level)
{
	uint64_t limit = sample->memory[level].limit_bytes;

	return sample->has_meminfo && limit >= sample->meminfo.total ? SAMPLE_NO_LIMIT : limit;
}

bool sample_is_of_cgroup(const struct sample *sample)
{
	if (sample->is_named)
		return true;
	for (unsigned int i = 0; i < sample->cpu_levels; i++)
		if (sample_cpu_limit(sample, i) != SAMPLE_NO_LIMIT)
			return true;
	for (unsigned int i = 0; i < sample->memory_levels; i++)
		if (sample_memory_limit(sample, i) != SAMPLE_NO_LIMIT)
			return true;
	return false;
}

static void load_host_cpu(const struct sample *before, const struct sample *now,
			  struct sense_load *ret)
{
	const struct parse_stat *old = &before->stat, *new = &now->stat;
	uint64_t busy, total;

	if (!before->has_stat || !now->has_stat || new->busy < old->busy ||
	    new->total <= old->total)
		return;
	busy = new->busy - old->busy;
	total = new->total - old->total;
	set_valid(&ret->valid, SENSE_HAS_HOST_CPU, percent((double)busy, (double)total),
		  &ret->host_cpu_percent);
}

/* The share that the level took of these CPUs since then; false: not known. */
static bool level_cpu(const struct sample *before, const struct sample *now, unsigned int level,
		      uint64_t milli, double *ret)
{
	const struct sample_cpu *old = &before->cpu[level], *new = &now->cpu[level];
	double had_us = (double)(now->at_ns - before->at_ns) / NS_PER_US * (double)milli / MILLI;

	if (level >= before->cpu_levels || !old->has_usage || !new->has_usage ||
	    new->usage_us < old->usage_us || had_us <= 0)
		return false;
	*ret = percent((double)(new->usage_us - old->usage_us), had_us);
	return true;
}

static void take_cpu(struct sense_load *load, double share, uint64_t milli)
{
	if (load->cpu_of_cgroup && load->cpu_percent >= share)
		return;
	load->cpu_of_cgroup = true;
	load->cpus = (double)milli / MILLI;
	set_valid(&load->valid, SENSE_HAS_CPU, share, &load->cpu_percent);
}

static void load_cpu(const struct sample *before, const struct sample *now, struct sense_load *ret)
{
	uint64_t online = now->has_stat ? (uint64_t)now->stat.cpus * MILLI : 0;
	bool is_limited = false;
	double share;

	for (unsigned int i = 0; i < now->cpu_levels; i++) {
		uint64_t limit = sample_cpu_limit(now, i);

		if (limit == SAMPLE_NO_LIMIT)
			continue;
		is_limited = true;
		if (level_cpu(before, now, i, limit, &share))
			take_cpu(ret, share, limit);
	}
	if (is_limited) /* the host's would be the wrong share, known or not */
		return;
	if (now->is_named && now->cpu_levels > 0 && online > 0 &&
	    level_cpu(before, now, 0, online, &share))
		take_cpu(ret, share, online);
	if (ret->cpu_of_cgroup || !(ret->valid & SENSE_HAS_HOST_CPU))
		return;
	set_valid(&ret->valid, SENSE_HAS_CPU, ret->host_cpu_percent, &ret->cpu_percent);
	ret->cpus = (double)online / MILLI;
}

static void load_throttled(const struct sample *before, const struct sample *now,
			   struct sense_load *ret)
{
	for (unsigned int i = 0; i < now->cpu_levels && i < before->cpu_levels; i++) {
		const struct sample_cpu *old = &before->cpu[i], *new = &now->cpu[i];
		double share;

		if (!old->has_periods || !new->has_periods || new->periods <= old->periods ||
		    new->throttled < old->throttled)
			continue;
		share = percent((double)(new->throttled - old->throttled),
				(double)(new->periods - old->periods));
		if (share >= ret->throttled_percent)
			set_valid(&ret->valid, SENSE_HAS_THROTTLED, share, &ret->throttled_percent);
	}
}

static void take_memory(struct sense_load *load, const struct sample_memory *memory, uint64_t limit)
{
	double share = limit > 0 ? percent((double)memory->working_bytes, (double)limit) : 100;

	if (load->memory_of_cgroup && load->memory_percent >= share)
		return;
	load->memory_of_cgroup = true;
	load->memory_bytes = limit;
	set_valid(&load->valid, SENSE_HAS_MEMORY, share, &load->memory_percent);
}

static void load_memory(const struct sample *now, struct sense_load *ret)
{
	uint64_t total = now->has_meminfo ? now->meminfo.total : 0;

	if (now->has_meminfo)
		set_valid(&ret->valid, SENSE_HAS_HOST_MEMORY,
			  percent((double)(total - now->meminfo.available), (double)total),
			  &ret->host_memory_percent);
	for (unsigned int i = 0; i < now->memory_levels; i++) {
		uint64_t limit = sample_memory_limit(now, i);

		if (limit != SAMPLE_NO_LIMIT && now->memory[i].has_working)
			take_memory(ret, &now->memory[i], limit);
	}
	if (now->is_named && !ret->memory_of_cgroup && now->memory_levels > 0 && total > 0 &&
	    now->memory[0].has_working)
		take_memory(ret, &now->memory[0], total);
	if (ret->memory_of_cgroup || !now->has_meminfo)
		return;
	set_valid(&ret->valid, SENSE_HAS_MEMORY, ret->host_memory_percent, &ret->memory_percent);
	ret->memory_bytes = total;
}

/* The share of the time from then on; false: not known. */
static bool psi_share(const struct parse_psi_line *old, const struct parse_psi_line *new,
		      uint64_t ns, double *ret)
{
	if (!old->is_there || !new->is_there || new->total_us < old->total_us || ns == 0)
		return false;
	*ret = percent((double)(new->total_us - old->total_us), (double)ns / NS_PER_US);
	return true;
}

static void load_psi(const struct sample *before, const struct sample *now, int resource,
		     struct sense_psi *ret)
{
	const struct parse_psi *new = &now->psi[resource];

	if (!now->has_psi[resource])
		return;
	ret->of_cgroup = now->psi_of_cgroup[resource];
	set_valid(&ret->valid, SENSE_PSI_SOME_AVG10, (double)new->some.avg_centi[0] / 100,
		  &ret->some_avg10);
	if (new->full.is_there)
		set_valid(&ret->valid, SENSE_PSI_FULL_AVG10, (double)new->full.avg_centi[0] / 100,
			  &ret->full_avg10);
	if (!before || !before->has_psi[resource] ||
	    before->psi_of_cgroup[resource] != ret->of_cgroup)
		return;
	if (psi_share(&before->psi[resource].some, &new->some, now->at_ns - before->at_ns,
		      &ret->some_percent))
		ret->valid |= SENSE_PSI_SOME;
	if (psi_share(&before->psi[resource].full, &new->full, now->at_ns - before->at_ns,
		      &ret->full_percent))
		ret->valid |= SENSE_PSI_FULL;
}

static void load_softnet(const struct sample *before, const struct sample *now,
			 struct sense_load *ret)
{
	if (!before->has_softnet || !now->has_softnet || before->softnet.cpus != now->softnet.cpus)
		return;
	/* Each CPU's counter wraps at 2^32, so the difference of the sums is right modulo it. */
	ret->valid |= SENSE_HAS_SOFTNET;
	ret->softnet_dropped = (uint32_t)(now->softnet.dropped - before->softnet.dropped);
	ret->softnet_squeezed = (uint32_t)(now->softnet.squeezed - before->softnet.squeezed);
}

void sample_load(const struct sample *before, const struct sample *now, struct sense_load *ret)
{
	struct sense_load load = {0};

	if (before) {
		load_host_cpu(before, now, &load);
		load_cpu(before, now, &load);
		load_throttled(before, now, &load);
		load_softnet(before, now, &load);
	}
	load_memory(now, &load);
	for (int i = 0; i < SENSE_RESOURCES; i++)
		load_psi(before, now, i, &load.psi[i]);
	if (now->has_load) {
		load.valid |= SENSE_HAS_LOAD;
		for (int i = 0; i < 3; i++)
			load.load[i] = (double)now->load.centi[i] / 100;
	}
	*ret = load;
}
