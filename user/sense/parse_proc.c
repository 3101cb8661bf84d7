// SPDX-License-Identifier: MIT
/*
 * See parse.h: the files of /proc.
 */
#include "sense/parse.h"
#include "sense/words.h"

#define KIB 1024u

static struct words words_of(const char *text, size_t length)
{
	return (struct words){.at = text, .end = text + length};
}

/* The columns of a line of CPU time: user nice system idle iowait irq softirq steal. */
static bool cpu_times(struct words line, struct parse_stat *stat)
{
	enum { IDLE = 3, IOWAIT = 4, COLUMNS = 8, COLUMNS_MIN = 4 };
	uint64_t busy = 0, total = 0, ticks;
	struct words word;
	int column = 0;

	for (; column < COLUMNS && words_next(&line, &word); column++) {
		if (!words_number(&word, 10, UINT64_MAX, &ticks) ||
		    __builtin_add_overflow(total, ticks, &total))
			return false;
		if (column != IDLE && column != IOWAIT)
			busy += ticks; /* a part of total */
	}
	if (column < COLUMNS_MIN)
		return false;
	stat->busy = busy;
	stat->total = total;
	return true;
}

bool parse_stat(const char *text, size_t length, struct parse_stat *ret)
{
	struct words rest = words_of(text, length), line, word;
	struct parse_stat stat = {0};
	uint64_t number;

	if (!words_line(&rest, &line) || !words_next(&line, &word) || !words_is(&word, "cpu") ||
	    !cpu_times(line, &stat))
		return false;
	while (words_line(&rest, &line) && words_next(&line, &word) && words_skip(&word, "cpu") &&
	       words_number(&word, 10, PARSE_CPUS_MAX - 1, &number) && stat.cpus < PARSE_CPUS_MAX)
		stat.cpus++;
	*ret = stat;
	return true;
}

bool parse_key(const char *text, size_t length, const char *key, uint64_t *ret)
{
	struct words rest = words_of(text, length), line, word;

	while (words_line(&rest, &line))
		if (words_next(&line, &word) && words_is(&word, key))
			return words_next(&line, &word) && words_number(&word, 10, UINT64_MAX, ret);
	return false;
}

/* In bytes, of a line in kB; 0 where it is missing. */
static uint64_t meminfo_bytes(const char *text, size_t length, const char *key)
{
	uint64_t kib = 0;

	return parse_key(text, length, key, &kib) && kib <= UINT64_MAX / KIB ? kib * KIB : 0;
}

/* What the kernel's own estimate began from, before there was one. */
static uint64_t available_guess(const char *text, size_t length)
{
	static const char *const keys[] = {"MemFree:", "Buffers:", "Cached:", "SReclaimable:"};
	uint64_t sum = 0, shared = meminfo_bytes(text, length, "Shmem:");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (__builtin_add_overflow(sum, meminfo_bytes(text, length, keys[i]), &sum))
			return UINT64_MAX;
	return sum > shared ? sum - shared : 0;
}

bool parse_meminfo(const char *text, size_t length, struct parse_meminfo *ret)
{
	uint64_t total = meminfo_bytes(text, length, "MemTotal:"), available, any;

	if (total == 0)
		return false;
	if (parse_key(text, length, "MemAvailable:", &any))
		available = meminfo_bytes(text, length, "MemAvailable:");
	else if (parse_key(text, length, "MemFree:", &any))
		available = available_guess(text, length);
	else
		return false;
	*ret = (struct parse_meminfo){
		.total = total,
		.available = available < total ? available : total,
	};
	return true;
}

bool parse_loadavg(const char *text, size_t length, struct parse_loadavg *ret)
{
	struct words rest = words_of(text, length), line, word;
	struct parse_loadavg load;

	if (!words_line(&rest, &line))
		return false;
	for (int i = 0; i < 3; i++)
		if (!words_next(&line, &word) || !words_centi(&word, &load.centi[i]))
			return false;
	*ret = load;
	return true;
}

/* avg10=0.12 avg60=0.34 avg300=0.56 total=789 */
static bool psi_line(struct words line, struct parse_psi_line *ret)
{
	static const char *const names[] = {"avg10=", "avg60=", "avg300="};
	struct parse_psi_line psi = {.is_there = true};
	struct words word;

	for (int i = 0; i < 3; i++)
		if (!words_next(&line, &word) || !words_skip(&word, names[i]) ||
		    !words_centi(&word, &psi.avg_centi[i]) || psi.avg_centi[i] > 10000)
			return false;
	if (!words_next(&line, &word) || !words_skip(&word, "total=") ||
	    !words_number(&word, 10, UINT64_MAX, &psi.total_us))
		return false;
	*ret = psi;
	return true;
}

bool parse_psi(const char *text, size_t length, struct parse_psi *ret)
{
	struct words rest = words_of(text, length), line, word;
	struct parse_psi psi = {0};

	while (words_line(&rest, &line)) {
		if (!words_next(&line, &word))
			continue;
		if (words_is(&word, "some"))
			psi_line(line, &psi.some);
		else if (words_is(&word, "full"))
			psi_line(line, &psi.full);
	}
	if (!psi.some.is_there)
		return false;
	*ret = psi;
	return true;
}

bool parse_softnet(const char *text, size_t length, struct parse_softnet *ret)
{
	struct words rest = words_of(text, length), line, word;
	struct parse_softnet softnet = {0};

	while (softnet.cpus < PARSE_CPUS_MAX && words_line(&rest, &line)) {
		uint64_t columns[3];

		for (int i = 0; i < 3; i++)
			if (!words_next(&line, &word) ||
			    !words_number(&word, 16, UINT32_MAX, &columns[i]))
				return false;
		softnet.processed += columns[0];
		softnet.dropped += columns[1];
		softnet.squeezed += columns[2];
		softnet.cpus++;
	}
	if (softnet.cpus == 0)
		return false;
	*ret = softnet;
	return true;
}
