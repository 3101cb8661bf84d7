/* SPDX-License-Identifier: MIT */
/*
 * The clocks. Only main, timers and the loop read them; all else is handed now_ns.
 */
#ifndef HATAGO_BASE_CLOCK_H
#define HATAGO_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, the clock of the BPF program's buckets. */
uint64_t clock_mono_ns(void);
/* CLOCK_REALTIME, for people. */
uint64_t clock_real_ns(void);

#endif
