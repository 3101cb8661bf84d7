// SPDX-License-Identifier: MIT
/*
 * How long a pass over a table of 1,048,576 clients takes when every slot is taken:
 * the counts alone, with the top 20, the top 1000, and with a prefix to filter by.
 * Prints the median and the best of the passes in ms, beside a plain read of the same
 * memory, which no scan can beat. Exit code 1 where the best is over the bound: the median
 * also tells how busy the machine is.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "base/address.h"
#include "core/scan.h"

#define BENCH_CLIENTS  1048576u
#define BENCH_SETS     ((BENCH_CLIENTS + HATAGO_WAYS - 1) / HATAGO_WAYS)
#define BENCH_PASSES   21
#define BENCH_BOUND_MS 20.0

static double bench_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Every way of every set: half of the clients in debt, drops all over the range. */
static void bench_fill(struct hatago_set *sets, struct hatago_config *config, uint64_t now_ns)
{
	struct hatago_rules *rules = &config->rules[0];
	uint64_t seed = 88172645463325252ULL;

	for (uint32_t i = 0; i < BENCH_SETS; i++)
		for (uint32_t way = 0; way < HATAGO_WAYS; way++) {
			struct hatago_slot *slot = &sets[i].slot[way];

			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			slot->key = table_key(client_id_ipv4((__be32)seed, rules), config->secret);
			sets[i].key[way] = slot->key;
			slot->tat[0] = bucket_time(now_ns) + (seed & 1 ? seed % 1000000 : 0);
			slot->packets = seed >> 32;
			slot->bytes = (seed >> 32) * 100;
			slot->drops = seed >> 44;
		}
}

struct bench_time {
	double median, best;
};

static struct bench_time bench_time_of(double ms[BENCH_PASSES])
{
	qsort(ms, BENCH_PASSES, sizeof(ms[0]), bench_compare);
	return (struct bench_time){ms[BENCH_PASSES / 2], ms[0]};
}

static struct bench_time bench_pass(const struct clients *clients, uint32_t limit,
				    const struct hatago_prefix *within, uint64_t now_ns)
{
	double ms[BENCH_PASSES];
	struct scan scan;

	if (scan_init(&scan, limit) < 0)
		exit(1);
	scan.within = within;
	for (int i = 0; i < BENCH_PASSES; i++) {
		ms[i] = bench_ms();
		scan_table(clients, now_ns, &scan);
		ms[i] = bench_ms() - ms[i];
	}
	if (scan.occupied < BENCH_CLIENTS)
		exit(1);
	scan_done(&scan);
	return bench_time_of(ms);
}

/* Every cache line once. */
static struct bench_time bench_read(const struct clients *clients)
{
	const volatile uint64_t *words = (const volatile uint64_t *)clients->sets;
	size_t count = clients->set_count * sizeof(*clients->sets) / sizeof(*words);
	double ms[BENCH_PASSES];

	for (int i = 0; i < BENCH_PASSES; i++) {
		ms[i] = bench_ms();
		for (size_t w = 0; w < count; w += 64 / sizeof(*words))
			(void)words[w];
		ms[i] = bench_ms() - ms[i];
	}
	return bench_time_of(ms);
}

static bool bench_print(const char *name, struct bench_time time)
{
	bool slow = time.best > BENCH_BOUND_MS;

	printf("  %-26s %6.2f ms, best %6.2f ms%s\n", name, time.median, time.best,
	       slow ? "  TOO SLOW" : "");
	return slow;
}

int main(void)
{
	static struct hatago_config config = {
		.front_count = BENCH_SETS,
		.set_count = BENCH_SETS,
		.secret = {0x0123456789abcdefULL, 0xfedcba987654321ULL}};
	struct hatago_rules *rules = &config.rules[0];
	struct clients clients = {.front_count = BENCH_SETS,
				  .set_count = BENCH_SETS,
				  .config = &config,
				  .rules = rules};
	struct hatago_prefix within;
	const uint64_t now_ns = 1000000000000ULL;
	struct hatago_set *sets;
	bool bad = false;

	rules->ipv4_mask = 0xffffffff;
	rules->ipv6_mask_hi = ~0ULL;
	rules->dimensions = 7;
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		hatago_limit_make(20000000, 40000, 0, &rules->limit[d]);
	sets = mmap(NULL, BENCH_SETS * sizeof(*sets), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sets == MAP_FAILED || prefix_parse("10.0.0.0/8", &within) < 0) {
		perror("bench_scan");
		return 1;
	}
	bench_fill(sets, &config, now_ns);
	clients.sets = sets;
	const struct {
		const char *name;
		uint32_t limit;
		const struct hatago_prefix *within;
	} rows[] = {
		{"counts alone", 0, NULL},
		{"top 20", 20, NULL},
		{"top 1000", 1000, NULL},
		{"top 20 within 10.0.0.0/8", 20, &within},
	};
	printf("scan of %u clients, every slot taken, median of %d passes (bound %.0f ms)\n",
	       BENCH_CLIENTS, BENCH_PASSES, BENCH_BOUND_MS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bad |= bench_print(rows[i].name,
				   bench_pass(&clients, rows[i].limit, rows[i].within, now_ns));
	bench_print("a plain read of the memory", bench_read(&clients));
	munmap(sets, BENCH_SETS * sizeof(*sets));
	return bad;
}
