// SPDX-License-Identifier: MIT
/*
 * See pressure.h. A step down takes a share that grows with pressure, so that little too much
 * costs little; a step up is of the time that passed.
 */
#include "core/pressure.h"

#include <string.h>

/*
 * Chosen by simulation of a machine whose CPU follows the scale, looked at each second and each
 * 5 s, asked for 1 to 4 times what it bears, readings off by 3 %. Among 0.1 and 0.15, 0.3 to
 * 0.7, 0.01 to 0.05 these are over the threshold for at most 1 % of the time with looks each
 * second (18 % with looks each 5 s, where 0.1, 0.5 and 0.05 are for 62 %), change the scale
 * seldom, and give all of it back in 45 s.
 */
#define HYSTERESIS	0.15 /* of the threshold: that far below it the scale holds */
#define TIGHTEN_MOST	0.3  /* the share that a step takes at pressure 1; less below */
#define LOOSEN_PER_SEC	0.02 /* of the whole */
#define LOOSEN_MOST_SEC 10   /* of time that counts for one update */

static const char *const names[PRESSURE_SIGNALS] = {
	[PRESSURE_CPU] = "cpu",
	[PRESSURE_MEMORY] = "memory",
	[PRESSURE_PSI_CPU_SOME] = "psi.cpu.some",
	[PRESSURE_PSI_CPU_FULL] = "psi.cpu.full",
	[PRESSURE_PSI_MEMORY_SOME] = "psi.memory.some",
	[PRESSURE_PSI_MEMORY_FULL] = "psi.memory.full",
	[PRESSURE_PSI_IO_SOME] = "psi.io.some",
	[PRESSURE_PSI_IO_FULL] = "psi.io.full",
	[PRESSURE_RESPONSE_TIME] = "responseTime",
};

const char *pressure_signal_name(enum pressure_signal signal)
{
	return names[signal];
}

const char *pressure_reason(const struct pressure *p)
{
	return p->pressure > 0 ? names[p->reason] : NULL;
}

void pressure_init(struct pressure *p, const struct pressure_options *options, uint64_t now_ns)
{
	*p = (struct pressure){.options = *options, .scale = 1, .updated_ns = now_ns};
}

void pressure_set_options(struct pressure *p, const struct pressure_options *options)
{
	p->options = *options;
	if (p->scale < options->min_scale)
		p->scale = options->min_scale;
}

/* 0 where the scale may grow, to 1 at twice the threshold or 100 percent. */
static double push(enum pressure_signal signal, double value, double threshold)
{
	double low = threshold * (1 - HYSTERESIS), top = threshold * 2;

	if (signal != PRESSURE_RESPONSE_TIME && top > 100)
		top = 100;
	if (value <= low)
		return 0;
	return value >= top ? 1 : (value - low) / (top - low);
}

/* The signal that counts most, and whether it is over its threshold. */
static bool look(struct pressure *p, const struct pressure_load *load)
{
	double most = -1;

	p->pressure = 0;
	for (unsigned int i = 0; i < PRESSURE_SIGNALS; i++) {
		double threshold = p->options.threshold[i];

		if (!pressure_load_has(load, i) || threshold <= 0 ||
		    load->value[i] / threshold <= most)
			continue;
		most = load->value[i] / threshold;
		p->reason = i;
		p->value = load->value[i];
		p->pressure = push(i, p->value, threshold);
	}
	return most > 1;
}

static enum pressure_step tighten(struct pressure *p, uint64_t now_ns)
{
	double scale = p->scale * (1 - TIGHTEN_MOST * p->pressure);

	if (p->scale <= p->options.min_scale ||
	    (p->has_tightened && now_ns - p->tightened_ns < PRESSURE_TIGHTEN_NS))
		return PRESSURE_HOLDS;
	p->scale = scale > p->options.min_scale ? scale : p->options.min_scale;
	p->has_tightened = true;
	p->tightened_ns = now_ns;
	return PRESSURE_TIGHTENS;
}

enum pressure_step pressure_update(struct pressure *p, const struct pressure_load *load,
				   uint64_t now_ns)
{
	double passed_sec = (double)(now_ns - p->updated_ns) / 1e9;
	bool is_over = look(p, load);

	p->updated_ns = now_ns;
	if (is_over)
		return tighten(p, now_ns);
	if (p->pressure > 0 || p->scale >= 1 || passed_sec <= 0)
		return PRESSURE_HOLDS;
	p->scale += LOOSEN_PER_SEC * (passed_sec < LOOSEN_MOST_SEC ? passed_sec : LOOSEN_MOST_SEC);
	if (p->scale > 1)
		p->scale = 1;
	return PRESSURE_LOOSENS;
}
