// SPDX-License-Identifier: MIT
/*
 * Nanoseconds a packet, by BPF_PROG_TEST_RUN: no limiter, a limiter with one bucket in
 * an LRU hash, and the edge with packets, bytes and connections, for 1, 256, 65,536 and
 * random sources. The contestants take turns, round by round, so that a change of the
 * machine's speed hits all; medians are printed, and ratios to quote.
 *
 *      bench_packet [ROUNDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "hatago/table.h"

#include "bench.skel.h"
#include "hatago.skel.h"

enum {
	ROUNDS_DEFAULT = 9,
	ROUNDS_MAX = 99,
	CLIENTS = 1048576,
	SETS = (CLIENTS + HATAGO_WAYS - 1) / HATAGO_WAYS,
	FRAMES = 500000,   /* of a round and load */
	WARM_UP = 1000000, /* before them */
	FILL = 3000000,	   /* once: every table is full of clients that came and went */
	PORT = 8080,
	FRAME_BYTES = 64,
};

struct load {
	const char *name;
	__u64 mask;
};

static const struct load loads[] = {
	{"1", 0},
	{"256", 255},
	{"65,536", 65535},
	{"random 2^32", ~0ULL},
};

enum { LOADS = sizeof(loads) / sizeof(loads[0]) };
enum contestant { NONE, LRU, EDGE, CONTESTANTS };

struct bench {
	struct bench_bpf *reference;
	struct hatago_bpf *edge;
	struct hatago_rules *rules;
	unsigned char frame[FRAME_BYTES];
	double ns[CONTESTANTS][LOADS][ROUNDS_MAX];
};

static void die(const char *what)
{
	fprintf(stderr, "bench_packet: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A TCP SYN to the protected port: it draws on all three buckets. */
static void make_frame(unsigned char *frame)
{
	static const unsigned char head[] = {
		2,    0,    0,	       0,	   0, 1, 2, 0, 0,  0, 0, 2, 8,	  0, /* Ethernet */
		0x45, 0,    0,	       40,	   0, 1, 0, 0, 64, 6, 0, 0, 10,	  0, 0,	   1,
		10,   0,    0,	       2, /* IPv4 */
		0x30, 0x39, PORT >> 8, PORT & 255, 0, 0, 0, 1, 0,  0, 0, 0, 0x50, 2, 0xff, 0xff,
	};

	memset(frame, 0, FRAME_BYTES);
	memcpy(frame, head, sizeof(head));
}

static void make_limit(__u64 rate, __u64 burst, struct hatago_limit *ret)
{
	if (hatago_limit_make(rate * 1000, burst, 0, ret))
		die("limit");
}

static struct hatago_bpf *load_edge(struct hatago_rules **ret_rules)
{
	struct hatago_bpf *edge = hatago_bpf__open();
	struct hatago_config *config;
	struct hatago_rules *rules;

	if (!edge || bpf_map__set_max_entries(edge->maps.clients, SETS) ||
	    bpf_map__set_max_entries(edge->maps.sides, SETS) ||
	    bpf_map__set_max_entries(edge->maps.counters, (__u32)libbpf_num_possible_cpus()) ||
	    bpf_map__set_max_entries(edge->maps.clocks, (__u32)libbpf_num_possible_cpus()) ||
	    bpf_map__set_max_entries(edge->maps.syns, CLIENTS / 2))
		die("sizing the edge");
	edge->rodata->syn_sets = CLIENTS / 2;
	if (hatago_bpf__load(edge))
		die("loading the edge");
	config = mmap(NULL, sizeof(*config), PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(edge->maps.config), 0);
	if (config == MAP_FAILED || getrandom(config->secret, sizeof(config->secret), 0) < 0)
		die("mapping the configuration");
	config->secret[1] |= 1;
	config->set_count = SETS;
	config->front_count = table_front_count(SETS);
	rules = &config->rules[0];
	rules->flags = HATAGO_ENFORCE | HATAGO_IPV4 | HATAGO_IPV6 | HATAGO_PROTECT_PORT;
	rules->ipv4_mask = 0xffffffff;
	rules->ipv6_mask_hi = ~0ULL;
	rules->dimensions = (1u << HATAGO_EDGE_DIMENSIONS) - 1;
	rules->port[HATAGO_TCP][PORT / 64] |= 1ULL << (PORT % 64);
	*ret_rules = rules;
	return edge;
}

/* flood: the sample configuration's limits; else limits that nobody reaches. */
static void set_limits(struct bench *b, int flood)
{
	make_limit(flood ? 20000 : 1000000000, flood ? 40000 : 1000000000,
		   &b->rules->limit[HATAGO_DIM_PACKETS]);
	make_limit(flood ? 50000000 : 1000000000000, flood ? 100000000 : 1000000000000,
		   &b->rules->limit[HATAGO_DIM_BYTES]);
	make_limit(flood ? 50 : 1000000000, flood ? 100 : 1000000000,
		   &b->rules->limit[HATAGO_DIM_CONNECTIONS]);
	hatago_rules_seal(b->rules);
	b->reference->bss->rules = *b->rules;
}

static double run(struct bench *b, enum contestant who, __u64 mask, int frames)
{
	const __u32 only = 0;
	int programs[CONTESTANTS] = {
		[NONE] = bpf_program__fd(b->reference->progs.none),
		[LRU] = bpf_program__fd(b->reference->progs.lru),
		[EDGE] = bpf_program__fd(b->edge->progs.hatago_xdp),
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b->frame, .data_size_in = FRAME_BYTES,
		    .repeat = frames);

	b->reference->bss->source_mask = mask;
	if (bpf_map_update_elem(bpf_map__fd(b->reference->maps.contestant), &only, &programs[who],
				0))
		die("choosing the contestant");
	if (bpf_prog_test_run_opts(bpf_program__fd(b->reference->progs.vary), &opts) ||
	    opts.retval == 0)
		die("test run");
	return opts.duration;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), by_value);
	return values[n / 2];
}

/* A host that has been up for a while: the LRU hash evicts, the edge claims idle slots. */
static void fill(struct bench *b)
{
	set_limits(b, 0);
	for (int who = 0; who < CONTESTANTS; who++)
		run(b, who, ~0ULL, FILL);
}

static void table(struct bench *b, int rounds, int flood)
{
	double result[CONTESTANTS][LOADS];

	set_limits(b, flood);
	for (int round = 0; round < rounds; round++)
		for (int load = 0; load < LOADS; load++)
			for (int who = 0; who < CONTESTANTS; who++) {
				run(b, who, loads[load].mask, WARM_UP);
				b->ns[who][load][round] = run(b, who, loads[load].mask, FRAMES);
			}
	printf("\n%s\n| sources | no limiter | LRU hash, one bucket | edge, three buckets | edge / "
	       "LRU |\n"
	       "|---|---|---|---|---|\n",
	       flood ? "Flood: the sample's limits (20,000 packets/s, 50 MB/s, 50 connections/s a "
		       "client)"
		     : "Nobody over a limit: every frame takes from every bucket");
	for (int load = 0; load < LOADS; load++) {
		double ratio[ROUNDS_MAX] = {0};

		for (int round = 0; round < rounds; round++)
			ratio[round] = b->ns[EDGE][load][round] / b->ns[LRU][load][round];
		for (int who = 0; who < CONTESTANTS; who++)
			result[who][load] = median(b->ns[who][load], rounds);
		printf("| %s | %.0f ns | %.0f ns | %.0f ns | %.2f |\n", loads[load].name,
		       result[NONE][load], result[LRU][load], result[EDGE][load],
		       median(ratio, rounds));
	}
}

int main(int argc, char **argv)
{
	static struct bench b;
	int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS_DEFAULT;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_packet [ROUNDS: 1 to %d]\n", ROUNDS_MAX);
		return 2;
	}
	make_frame(b.frame);
	b.reference = bench_bpf__open_and_load();
	if (!b.reference)
		die("loading the reference");
	b.reference->bss->protected_port = PORT;
	b.edge = load_edge(&b.rules);
	printf("Median of %d rounds of %d frames; each frame pays for a new source and a tail "
	       "call.\n",
	       rounds, FRAMES);
	fill(&b);
	table(&b, rounds, 1);
	table(&b, rounds, 0);
	hatago_bpf__destroy(b.edge);
	bench_bpf__destroy(b.reference);
	return 0;
}
