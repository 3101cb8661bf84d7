/* SPDX-License-Identifier: MIT */
/*
 * A token bucket in one word that several threads share: the function of the packet path
 * (hatago/bucket.h) with its compare-and-swap. Time is CLOCK_MONOTONIC, passed in.
 */
#ifndef HATAGO_CORE_RATE_H
#define HATAGO_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "hatago/abi.h"

/*
 * Takes n tokens, or as many as a full bucket holds where n is more, or none. A bucket that
 * others change at each of BUCKET_RETRIES tries counts as empty.
 */
bool rate_take(uint64_t *word, const struct hatago_limit *limit, uint64_t n, uint64_t now_ns);
/* Tokens in it, 0 to the burst. */
uint64_t rate_tokens(const uint64_t *word, const struct hatago_limit *limit, uint64_t now_ns);
/* Until n tokens are there, or as many as a full bucket holds; ns. */
uint64_t rate_wait_ns(const uint64_t *word, const struct hatago_limit *limit, uint64_t n,
		      uint64_t now_ns);

#endif
