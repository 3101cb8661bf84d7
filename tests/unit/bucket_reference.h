/* SPDX-License-Identifier: MIT */
/*
 * A naive token bucket to hold bucket.h against: a level that is filled by exact
 * arithmetic, in units of which a token has 10^12, so that a ns brings rate_milli of them.
 * With steps, tokens come at the ticks of a clock that starts when a full bucket is first
 * taken from. And a seeded generator of random numbers.
 */
#ifndef HATAGO_TESTS_BUCKET_REFERENCE_H
#define HATAGO_TESTS_BUCKET_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#define REFERENCE_TOKEN 1000000000000ULL

struct reference {
	uint64_t rate_milli, burst, step_ns;
	unsigned __int128 level;
	uint64_t filled_ns; /* the level is right as of this instant; with steps: the last tick */
	uint64_t begun_ns;
	uint64_t taken; /* tokens, in all */
};

static inline void reference_start(struct reference *r, uint64_t now_ns)
{
	r->level = (unsigned __int128)r->burst * REFERENCE_TOKEN;
	r->filled_ns = r->begun_ns = now_ns;
	r->taken = 0;
}

static inline void reference_take(struct reference *r, uint64_t now_ns, uint64_t n)
{
	const unsigned __int128 full = (unsigned __int128)r->burst * REFERENCE_TOKEN;
	uint64_t passed_ns = now_ns - r->filled_ns;

	if (r->step_ns)
		passed_ns -= passed_ns % r->step_ns;
	r->level += (unsigned __int128)passed_ns * r->rate_milli;
	r->filled_ns += passed_ns;
	if (r->level >= full) {
		r->level = full;
		r->filled_ns = now_ns;
	}
	if (r->level < (unsigned __int128)n * REFERENCE_TOKEN)
		return;
	r->level -= (unsigned __int128)n * REFERENCE_TOKEN;
	r->taken += n;
}

/* The most that may have passed since the start: burst + rate * time, and 0.1 % of it. */
static inline uint64_t reference_bound(const struct reference *r, uint64_t now_ns)
{
	unsigned __int128 units = (unsigned __int128)(now_ns - r->begun_ns) * r->rate_milli;
	uint64_t sum = r->burst + (uint64_t)(units / REFERENCE_TOKEN);

	return sum + sum / 1000;
}

/* splitmix64, by Sebastiano Vigna (public domain). */
static inline uint64_t random_next(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline uint64_t random_below(uint64_t *seed, uint64_t bound)
{
	return random_next(seed) % bound;
}

#endif
