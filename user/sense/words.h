/* SPDX-License-Identifier: MIT */
/*
 * Lines, words and numbers of a text that need not end in a NUL: what the parsers of this
 * folder are made of. Nothing here reads past the end that it was given. Pure.
 */
#ifndef HATAGO_SENSE_WORDS_H
#define HATAGO_SENSE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a text that somebody else owns; taking from it moves `at`. */
struct words {
	const char *at, *end;
};

/*
 * The next line, without its newline. One that has none is not given: the kernel ends every
 * line, so its text was cut there, in the middle of a number perhaps.
 */
bool words_line(struct words *text, struct words *ret);
/* The next word up to one of `stops`, and the stop is taken too; false: nothing is left. */
bool words_until(struct words *line, const char *stops, struct words *ret);
/* The next word between blanks; false: there is none. */
bool words_next(struct words *line, struct words *ret);
/* The whole word is this text. */
bool words_is(const struct words *word, const char *text);
/* Takes this text from the beginning of the word; false: it does not begin so. */
bool words_skip(struct words *word, const char *text);
/* The whole word is a number of base 10 or 16 (small letters), at most `max`. */
bool words_number(const struct words *word, unsigned int base, uint64_t max, uint64_t *ret);
/* "12.34" is 1234: two places after the point, always. */
bool words_centi(const struct words *word, uint64_t *ret);

#endif
