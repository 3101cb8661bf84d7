/* SPDX-License-Identifier: MIT */
/*
 * See text.h. Written out instead of strtoull(3), which takes blanks, signs and a
 * locale's digits, and leaves the end of the number to the caller.
 */
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NS_PER_S 1000000000ULL

/* Digits from *s on, which moves behind them; false where there are none or too many. */
static bool text_digits(const char **s, uint64_t *ret)
{
	const char *c = *s;
	uint64_t v = 0;

	if (*c < '0' || *c > '9' || (c[0] == '0' && c[1] >= '0' && c[1] <= '9'))
		return false;
	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v))
			return false;
	*s = c;
	*ret = v;
	return true;
}

bool text_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	if (!text_digits(&s, &v) || *s || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

bool text_to_milli(const char *s, uint64_t *ret)
{
	uint64_t v, part = 0;

	if (!text_digits(&s, &v) || __builtin_mul_overflow(v, 1000, &v))
		return false;
	if (*s == '.') {
		uint64_t unit = 100;

		for (s++; *s >= '0' && *s <= '9' && unit; s++, unit /= 10)
			part += (uint64_t)(*s - '0') * unit;
		if (unit == 100) /* not one digit */
			return false;
	}
	if (*s || __builtin_add_overflow(v, part, &v))
		return false;
	*ret = v;
	return true;
}

bool text_to_duration_ms(const char *s, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"", 1},	   {"ms", 1},	   {"s", 1000},
		     {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	uint64_t v;

	if (!text_digits(&s, &v))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(s, units[i].unit) == 0)
			return !__builtin_mul_overflow(v, units[i].ms, &v) && (*ret = v, true);
	return false;
}

void text_duration(uint64_t ns, char *buf, size_t size)
{
	uint64_t s = ns / NS_PER_S;
	unsigned int tenth = (unsigned int)(ns % NS_PER_S / 100000000);

	if (ns == UINT64_MAX)
		snprintf(buf, size, "never");
	else if (s >= 86400)
		snprintf(buf, size, "%llud%lluh", s / 86400ULL, s % 86400ULL / 3600);
	else if (s >= 3600)
		snprintf(buf, size, "%lluh%llum", s / 3600ULL, s % 3600ULL / 60);
	else if (s >= 60)
		snprintf(buf, size, "%llum%llus", s / 60ULL, s % 60ULL);
	else if (s >= 10 || (s >= 1 && tenth == 0))
		snprintf(buf, size, "%llus", 0ULL + s);
	else if (s >= 1)
		snprintf(buf, size, "%llu.%us", 0ULL + s, tenth);
	else if (ns >= 1000000)
		snprintf(buf, size, "%llums", ns / 1000000ULL);
	else if (ns >= 1000)
		snprintf(buf, size, "%lluus", ns / 1000ULL);
	else
		snprintf(buf, size, "%lluns", 0ULL + ns);
}

void text_time_utc(uint64_t realtime_ns, char *buf, size_t size)
{
	time_t s = (time_t)(realtime_ns / NS_PER_S);
	struct tm tm;

	gmtime_r(&s, &tm); /* a u64 of ns ends in 2554, so neither call can fail */
	if (size && strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf[0] = '\0';
}

static unsigned int text_min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * How many letters to insert, delete, change or swap with a neighbour (the restricted
 * Damerau-Levenshtein distance); case doesn't count. Both at most TEXT_NEAREST_MAX long.
 */
static unsigned int text_distance(const char *a, const char *b)
{
	unsigned int rows[3][TEXT_NEAREST_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i + 2) % 3];
		int x = tolower((unsigned char)a[i - 1]);

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			int y = tolower((unsigned char)b[j - 1]);

			row[j] = text_min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) &&
			    rows[(i + 1) % 3][j - 2] + 1 < row[j])
				row[j] = rows[(i + 1) % 3][j - 2] + 1;
		}
	}
	return rows[la % 3][lb];
}

const char *text_nearest(const char *word, const char *const *words, size_t n)
{
	size_t length = strlen(word);
	unsigned int least = (unsigned int)length / 3 + 2; /* one more than is still near */
	const char *best = NULL;

	if (length == 0 || length > TEXT_NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned int distance;

		if (!words[i] || strlen(words[i]) > TEXT_NEAREST_MAX)
			continue;
		distance = text_distance(word, words[i]);
		/* As many changes as the word has letters: nothing of it is left. */
		if (distance < least && distance < length) {
			least = distance;
			best = words[i];
		}
	}
	return best;
}
