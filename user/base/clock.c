/* SPDX-License-Identifier: MIT */
/* See clock.h. Neither clock can fail on Linux with a valid pointer. Scales nothing. */
#include "base/clock.h"

#include <time.h>

static uint64_t clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_real_ns(void)
{
	return clock_read(CLOCK_REALTIME);
}
