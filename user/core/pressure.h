/* SPDX-License-Identifier: MIT */
/*
 * How hard the machine is being pushed, and how far that tightens the limits. Signals are
 * compared with thresholds; while one is over its own, the scale falls by a share at a time,
 * and when all are well below it grows back steadily (the AIMD of Chiu and Jain, 1989). Decides
 * only: load and time are passed in, and every change has a signal for its reason.
 */
#ifndef HATAGO_CORE_PRESSURE_H
#define HATAGO_CORE_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

enum pressure_signal {
	PRESSURE_CPU,
	PRESSURE_MEMORY,
	PRESSURE_PSI_CPU_SOME,
	PRESSURE_PSI_CPU_FULL,
	PRESSURE_PSI_MEMORY_SOME,
	PRESSURE_PSI_MEMORY_FULL,
	PRESSURE_PSI_IO_SOME,
	PRESSURE_PSI_IO_FULL,
	PRESSURE_RESPONSE_TIME, /* ms; all others are percent */
	PRESSURE_SIGNALS
};

/*
 * What is known of the load, of the time since the last look: averages over longer (avg10 of
 * /proc/pressure) would tell of what the last step has already mended.
 */
struct pressure_load {
	uint32_t known; /* a bit for each signal: 1u << PRESSURE_CPU ... */
	double value[PRESSURE_SIGNALS];
};

struct pressure_options {
	double threshold[PRESSURE_SIGNALS]; /* 0: the signal counts for nothing */
	double min_scale;		    /* more than 0, up to 1 */
};

/* Read-only for others. */
struct pressure {
	struct pressure_options options;
	/* 0: all signals are well below their thresholds; 1: one is at twice its own, or 100 %. */
	double pressure;
	double scale; /* min_scale to 1: what the limits are multiplied with */
	/* The signal that counts most now, which the last change is due to; its value. */
	enum pressure_signal reason;
	double value;
	/* private */
	uint64_t updated_ns, tightened_ns;
	bool has_tightened;
};

enum pressure_step { PRESSURE_HOLDS, PRESSURE_TIGHTENS, PRESSURE_LOOSENS };

void pressure_init(struct pressure *p, const struct pressure_options *options, uint64_t now_ns);
/* From the next update on; the scale is cut to the new floor. */
void pressure_set_options(struct pressure *p, const struct pressure_options *options);
/*
 * The load was read just now. May be called as often as one likes: the scale falls at most
 * once in PRESSURE_TIGHTEN_NS and grows by the time that has passed. Signals that aren't known
 * count for nothing; without any, the scale grows.
 */
enum pressure_step pressure_update(struct pressure *p, const struct pressure_load *load,
				   uint64_t now_ns);
#define PRESSURE_TIGHTEN_NS 1000000000ULL

/* What there is to show of it. */
struct pressure_view {
	bool is_on;
	struct pressure now;
	struct pressure_load load; /* as last read */
	uint32_t triggers;	   /* PSI triggers that wake between two looks */
	/* Besides, for people: averages of 1, 5 and 15 minutes; since the look before. */
	double load_average[3];
	uint64_t softnet_dropped, softnet_squeezed; /* packets; runs of the network's softirq */
};

static inline void pressure_load_set(struct pressure_load *load, enum pressure_signal signal,
				     double value)
{
	load->known |= 1u << signal;
	load->value[signal] = value;
}

static inline bool pressure_load_has(const struct pressure_load *load, enum pressure_signal signal)
{
	return load->known & 1u << signal;
}

/* As the configuration has it: "cpu", "psi.memory.some", "responseTime". */
const char *pressure_signal_name(enum pressure_signal signal);
/* The name of the signal that keeps the scale from growing now; NULL: none does. */
const char *pressure_reason(const struct pressure *p);

#endif
