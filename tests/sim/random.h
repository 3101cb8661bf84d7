/* SPDX-License-Identifier: MIT */
/* Chance with a seed: xorshift64* (Vigna, 2016). */
#ifndef HATAGO_TESTS_SIM_RANDOM_H
#define HATAGO_TESTS_SIM_RANDOM_H

#include <math.h>
#include <stdint.h>

/* More than 0, less than 1. */
static inline double random_share(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return ((double)((*state * 0x2545f4914f6cdd1dULL) >> 12) + 0.5) / 4503599627370496.0;
}

static inline double random_exponential(uint64_t *state, double mean)
{
	return -mean * log(random_share(state));
}

#endif
