// SPDX-License-Identifier: MIT
/*
 * See words.h. The numbers of the kernel may have leading zeros (softnet_stat), unlike
 * those of text.h, which people write.
 */
#include "sense/words.h"

#include <string.h>

bool words_line(struct words *text, struct words *ret)
{
	size_t left = (size_t)(text->end - text->at);
	const char *newline = left > 0 ? memchr(text->at, '\n', left) : NULL;

	if (!newline)
		return false;
	*ret = (struct words){.at = text->at, .end = newline};
	text->at = newline + 1;
	return true;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

bool words_until(struct words *line, const char *stops, struct words *ret)
{
	const char *at = line->at;

	if (at == line->end)
		return false;
	while (at < line->end && !is_one_of(*at, stops))
		at++;
	*ret = (struct words){.at = line->at, .end = at};
	line->at = at < line->end ? at + 1 : at;
	return true;
}

bool words_next(struct words *line, struct words *ret)
{
	while (line->at < line->end && is_one_of(*line->at, " \t"))
		line->at++;
	return words_until(line, " \t", ret);
}

bool words_is(const struct words *word, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(word->end - word->at) == n && memcmp(word->at, text, n) == 0;
}

bool words_skip(struct words *word, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(word->end - word->at) < n || memcmp(word->at, text, n) != 0)
		return false;
	word->at += n;
	return true;
}

/* The value of a digit; 16 or more: it is none. */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 16;
}

bool words_number(const struct words *word, unsigned int base, uint64_t max, uint64_t *ret)
{
	uint64_t number = 0;

	if (word->at == word->end)
		return false;
	for (const char *at = word->at; at < word->end; at++) {
		unsigned int digit = digit_of(*at);

		if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, digit, &number) || number > max)
			return false;
	}
	*ret = number;
	return true;
}

bool words_centi(const struct words *word, uint64_t *ret)
{
	struct words rest = *word, whole;
	uint64_t ones, hundredths;

	if (!words_until(&rest, ".", &whole) || rest.end - rest.at != 2 ||
	    !words_number(&whole, 10, UINT64_MAX / 100 - 1, &ones) ||
	    !words_number(&rest, 10, 99, &hundredths))
		return false;
	*ret = ones * 100 + hundredths;
	return true;
}
