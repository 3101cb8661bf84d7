/* SPDX-License-Identifier: MIT */
/*
 * SipHash-2-4 with 128 bits of result: a keyed hash for text that strangers choose. Who
 * doesn't know the key can't find two texts of one hash. Pure.
 *
 * Source: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012; the
 * long result as in their reference code (github.com/veorq/SipHash).
 */
#ifndef HATAGO_BASE_SIPHASH_H
#define HATAGO_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* The result's bytes in order, each word with its least byte first. */
void siphash_128(const void *data, size_t size, const uint64_t key[2], uint64_t ret[2]);

#endif
