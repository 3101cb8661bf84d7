/* SPDX-License-Identifier: MIT */
/*
 * Text to numbers and back, strictly: the whole text must be the number. No signs,
 * blanks, exponents, digit separators or leading zeros; "10/s" is not 10. Pure.
 */
#ifndef HATAGO_BASE_TEXT_H
#define HATAGO_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_DURATION_MAX 32 /* bytes that hold every output of text_duration */
#define TEXT_TIME_MAX	  32 /* bytes that hold every output of text_time_utc */
#define TEXT_NEAREST_MAX  63 /* longer words have no nearest one */

/* Decimal, min to max. */
bool text_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
/* Decimal with up to three places after the point, times 1000: "0.5" is 500. */
bool text_to_milli(const char *s, uint64_t *ret);
/* "250", "250ms", "10s", "5m", "2h", "1d"; a bare number is milliseconds. */
bool text_to_duration_ms(const char *s, uint64_t *ret);
/* The two largest units, cut and not rounded: "3m20s", "1.5s", "134ms", "12us"; UINT64_MAX:
 * "never". */
void text_duration(uint64_t ns, char *buf, size_t size);
/* "2025-01-16T10:30:00Z" */
void text_time_utc(uint64_t realtime_ns, char *buf, size_t size);
/* The word that was probably meant, or NULL where none is near. NULL words are skipped. */
const char *text_nearest(const char *word, const char *const *words, size_t n);

#endif
