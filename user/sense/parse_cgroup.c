// SPDX-License-Identifier: MIT
/*
 * See parse.h: the files of a cgroup.
 */
#include "sense/parse.h"
#include "sense/words.h"

#define MILLI	  1000u
#define NS_PER_US 1000u

/* The first line: all that most of these files have. */
static bool first_line(const char *text, size_t length, struct words *ret)
{
	struct words rest = {.at = text, .end = text + length};

	return words_line(&rest, ret);
}

/* The line's only number; is_none where it says `none` instead. */
static bool only_number(struct words line, const char *none, uint64_t *ret)
{
	struct words word, more;
	uint64_t number = UINT64_MAX;

	if (!words_next(&line, &word) || words_next(&line, &more))
		return false;
	if (!words_is(&word, none) && !words_number(&word, 10, UINT64_MAX, &number))
		return false;
	*ret = number;
	return true;
}

bool parse_number(const char *text, size_t length, uint64_t *ret)
{
	struct words line;

	return first_line(text, length, &line) && only_number(line, "max", ret);
}

bool parse_cpu_stat(const char *text, size_t length, struct parse_cpu_stat *ret)
{
	struct parse_cpu_stat stat = {0};
	uint64_t ns;

	stat.has_usage = parse_key(text, length, "usage_usec", &stat.usage_us);
	stat.has_periods = parse_key(text, length, "nr_periods", &stat.periods) &&
			   parse_key(text, length, "nr_throttled", &stat.throttled);
	if (!parse_key(text, length, "throttled_usec", &stat.throttled_us) &&
	    parse_key(text, length, "throttled_time", &ns)) /* v1 */
		stat.throttled_us = ns / NS_PER_US;
	if (!stat.has_usage && !stat.has_periods)
		return false;
	*ret = stat;
	return true;
}

/* Thousandths of a CPU, at least one of them; false: no such quota can be. */
static bool quota_milli(uint64_t quota_us, uint64_t period_us, uint64_t *ret)
{
	uint64_t scaled;

	if (quota_us == UINT64_MAX) {
		*ret = UINT64_MAX;
		return true;
	}
	if (period_us == 0 || __builtin_mul_overflow(quota_us, MILLI, &scaled))
		return false;
	scaled /= period_us;
	*ret = scaled > 0 ? scaled : 1;
	return true;
}

bool parse_cpu_max(const char *text, size_t length, uint64_t *ret_milli)
{
	struct words line, word;
	uint64_t quota = UINT64_MAX, period;

	return first_line(text, length, &line) && words_next(&line, &word) &&
	       (words_is(&word, "max") || words_number(&word, 10, UINT64_MAX - 1, &quota)) &&
	       words_next(&line, &word) && words_number(&word, 10, UINT64_MAX, &period) &&
	       quota_milli(quota, period, ret_milli);
}

bool parse_cfs_quota(const char *quota, size_t quota_length, const char *period,
		     size_t period_length, uint64_t *ret_milli)
{
	struct words line;
	uint64_t quota_us, period_us;

	return first_line(quota, quota_length, &line) && only_number(line, "-1", &quota_us) &&
	       parse_number(period, period_length, &period_us) &&
	       quota_milli(quota_us, period_us, ret_milli);
}

/* "3" or "0-3": how many. */
static bool range_count(struct words range, uint32_t *ret)
{
	uint64_t first, last;
	struct words low;

	if (!words_until(&range, "-", &low) || !words_number(&low, 10, PARSE_CPUS_MAX - 1, &first))
		return false;
	last = first;
	if (low.end != range.end && !words_number(&range, 10, PARSE_CPUS_MAX - 1, &last))
		return false;
	if (last < first)
		return false;
	*ret = (uint32_t)(last - first + 1);
	return true;
}

bool parse_cpu_list(const char *text, size_t length, uint32_t *ret)
{
	struct words line, range;
	uint32_t count = 0, more;

	if (!first_line(text, length, &line))
		return false;
	while (words_until(&line, ",", &range)) {
		if (!range_count(range, &more))
			return false;
		count += more;
		if (count > PARSE_CPUS_MAX)
			return false;
	}
	if (count == 0)
		return false;
	*ret = count;
	return true;
}
