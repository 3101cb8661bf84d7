// SPDX-License-Identifier: MIT
/*
 * Millions of frames a second that a host drops, under one and the same flood of live
 * frames over a veth pair, by: the edge (native XDP), nftables (netdev ingress, a dynamic
 * set with a limit per source) and iptables (raw PREROUTING, hashlimit). One run, the
 * contestants in turns; medians of the rounds, and ratios to quote.
 *
 * All three hold one token per source for a thousand seconds or longer, for a million
 * sources, and drop what finds no room: so after the warm-up, in which their tables fill,
 * nearly all is dropped by the limiter. What it lets pass is dropped by a rule behind it
 * (nftables, iptables) or by the host's TCP, which costs more (the edge). Generator and
 * receiver share one CPU. Run by tools/dev/bench-live.sh, which makes the two hosts.
 *
 *      live GENERATOR-NETNS HOST-NETNS MAC-OF-HOST [ROUNDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hatago/bucket.h"
#include "kern/edge.h"

#include "../../tools/dev/generator.h"

enum {
	ROUNDS_DEFAULT = 5,
	ROUNDS_MAX = 51,
	FRAMES = 1000000, /* a measurement */
	WARM_UP = 400000,
	WARM_UP_FULL = 3000000, /* until a million newcomers have filled the tables */
	PORT = 8080,
	TARGET_PERCENT = 250, /* of nftables */
};

enum who { EDGE, NFTABLES, IPTABLES, CONTESTANTS };

static const char *const names[CONTESTANTS] = {"edge", "nftables", "iptables"};

static const struct load {
	const char *name;
	uint32_t sources, warm_up;
} loads[] = {
	{"1", 1, WARM_UP},
	{"256", 256, WARM_UP},
	{"65,536", 65536, WARM_UP},
	{"16,777,216", 1 << 24, WARM_UP},
};
enum { LOADS = sizeof(loads) / sizeof(loads[0]) };

static const char edge_config[] = "edge:\n"
				  "  mode: native\n"
				  "  protect: [8080/tcp]\n"
				  "  maxClients: 1048576\n"
				  "  packets: {tokensPerSecond: 20000, burstCapacity: 40000}\n"
				  "  bytes: {tokensPerSecond: 50000000, burstCapacity: 100000000}\n"
				  "  connections: {tokensPerSecond: 50, burstCapacity: 100}\n"
				  "  pins: /sys/fs/bpf/bench\n"
				  "metrics: {enabled: false}\n";

static const char nft_rules[] =
	"nft -f - <<'END'\n"
	"table netdev bench {\n"
	"  set seen { type ipv4_addr; size 16777216; flags dynamic; }\n"
	"  chain ingress {\n"
	"    type filter hook ingress device \"eth0\" priority -500; policy accept;\n"
	"    tcp dport 8080 add @seen { ip saddr limit rate over 1 bytes/second burst 1 bytes }"
	" drop\n"
	"    tcp dport 8080 drop\n"
	"  }\n"
	"}\n"
	"END\n";

static const char iptables_rules[] =
	"for rule in '-m hashlimit --hashlimit-above 1/day --hashlimit-burst 1"
	" --hashlimit-mode srcip --hashlimit-name bench --hashlimit-htable-size 262144"
	" --hashlimit-htable-max 16777216 --hashlimit-htable-expire 600000' ''; do"
	" iptables -w -t raw -A PREROUTING -i eth0 -p tcp --dport 8080 $rule -j DROP || exit; done";

struct bench {
	int generator_ns, host_ns;
	struct config *config;
	struct edge *edge;
	struct frame_plan plan;
	double mpps[CONTESTANTS][LOADS][ROUNDS_MAX];
	double share[CONTESTANTS][LOADS]; /* least that was dropped of what was received */
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "live: %s: %s\n", what, why);
	exit(1);
}

static void enter(int ns)
{
	if (setns(ns, CLONE_NEWNET))
		die("setns", strerror(errno));
}

static void command(const char *line)
{
	/* NOLINTNEXTLINE(cert-env33-c): the lines above, as one would type them */
	if (system(line))
		die("this failed", line);
}

/* A byte bucket that holds less than a frame, which no configuration may ask for. */
static void edge_refuse_all(struct edge *edge)
{
	struct hatago_rules *rules;
	struct err err = {0};

	if (view_rules_begin(edge_view(edge), &rules, &err) < 0)
		die("edge", err.text);
	(void)hatago_limit_make(1000, 1, 0, &rules->limit[HATAGO_DIM_BYTES]);
	view_rules_commit(edge_view(edge));
}

static void install(struct bench *b, enum who who)
{
	struct err err = {0};
	bool adopted;

	enter(b->host_ns);
	if (who == NFTABLES)
		command(nft_rules);
	if (who == IPTABLES)
		command(iptables_rules);
	if (who == EDGE && (edge_open(b->config, &b->edge, &adopted, &err) < 0 ||
			    edge_attach(b->edge, "eth0", CONFIG_MODE_NATIVE, 0, &err) < 0))
		die("edge", err.text);
	if (who == EDGE)
		edge_refuse_all(b->edge);
}

static void uninstall(struct bench *b, enum who who)
{
	struct err err = {0};

	enter(b->host_ns);
	if (who == NFTABLES)
		command("nft delete table netdev bench");
	if (who == IPTABLES)
		command("iptables -w -t raw -F");
	if (who == EDGE) {
		if (edge_remove(b->edge, &err) < 0)
			die("edge", err.text);
		edge_free(b->edge);
		b->edge = NULL;
	}
}

/* The number after `skip` others in the line of a /proc file that begins with `key`. */
static uint64_t proc_number(const char *path, const char *key, int skip)
{
	FILE *file = fopen(path, "re");
	char line[1024], *at = NULL;
	uint64_t value = 0;

	if (!file)
		die(path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		char *begin = line + strspn(line, " ");

		if (strncmp(begin, key, strlen(key)) == 0)
			at = begin +
			     strlen(key); /* the last one: snmp has a line of titles first */
	}
	for (int i = 0; at && i <= skip; i++)
		value = strtoull(at, &at, 10);
	(void)fclose(file);
	return value;
}

struct seen {
	uint64_t received, delivered;
};

static struct seen look(const struct bench *b)
{
	struct seen seen;

	enter(b->host_ns);
	seen.received = proc_number("/proc/net/dev", "eth0:", 1);
	seen.delivered = proc_number("/proc/net/snmp", "Ip:", 8); /* InDelivers */
	return seen;
}

/* Sends `frames` and returns the seconds that it took. */
static double flood(struct bench *b, struct generator *generator, uint32_t frames)
{
	double seconds = 0;
	uint32_t part;
	int r;

	enter(b->generator_ns);
	for (; frames; frames -= part) {
		part = frames < GENERATOR_BATCH_MAX ? frames : GENERATOR_BATCH_MAX;
		r = generator_run(generator, part);
		if (r < 0)
			die("generator", strerror(-r));
		seconds += generator_seconds(generator);
	}
	return seconds;
}

/* Frames that our own counters say were dropped. */
static uint64_t edge_drops(struct bench *b)
{
	struct view *view = edge_view(b->edge);
	struct hatago_counters counters;
	struct err err = {0};
	uint64_t sum = 0;

	if (view_refresh(view, &err) < 0 || view->device_count != 1)
		die("edge", err.text);
	view_device_counters(view, &view->devices[0], &counters);
	for (int reason = 0; reason < HATAGO_REASON_COUNT; reason++)
		sum += counters.by[HATAGO_VERDICT_DROP][reason].packets;
	return sum;
}

static void measure(struct bench *b, enum who who, int load, int round)
{
	struct generator *generator = NULL;
	struct seen before, after;
	uint64_t dropped, counted = 0;
	double seconds, share;

	enter(b->generator_ns);
	b->plan.sources = loads[load].sources;
	if (generator_new(&b->plan, if_nametoindex("eth0"), 0, &generator) < 0)
		die("generator", "can't be loaded");
	install(b, who);
	(void)flood(b, generator, loads[load].warm_up);
	before = look(b);
	if (who == EDGE)
		counted = edge_drops(b);
	seconds = flood(b, generator, FRAMES);
	after = look(b);
	dropped = after.received - before.received - (after.delivered - before.delivered);
	if (who == EDGE && edge_drops(b) - counted + FRAMES / 1000 < dropped)
		die("edge", "its counters disagree with the device's");
	share = (double)dropped / (double)(after.received - before.received);
	b->mpps[who][load][round] = (double)dropped / seconds / 1e6;
	if (round == 0 || share < b->share[who][load])
		b->share[who][load] = share;
	uninstall(b, who);
	generator_free(generator);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, int n)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, values, sizeof(*values) * (size_t)n);
	qsort(sorted, (size_t)n, sizeof(*sorted), by_value);
	return sorted[n / 2];
}

static double median_ratio(const double *a, const double *b, int n)
{
	double ratios[ROUNDS_MAX] = {0};

	for (int i = 0; i < n; i++)
		ratios[i] = a[i] / b[i];
	return median(ratios, n);
}

static void print(const struct bench *b, int rounds)
{
	double least_share = 1, least_ratio = 1e9, ratio;

	printf("\nFlood of TCP SYNs dropped, Mpps on one CPU that also makes them; median of %d "
	       "rounds\n"
	       "| sources | edge | nftables | iptables | edge / nftables | edge / iptables |\n"
	       "|---|---|---|---|---|---|\n",
	       rounds);
	for (int load = 0; load < LOADS; load++) {
		printf("| %s |", loads[load].name);
		for (int who = 0; who < CONTESTANTS; who++) {
			printf(" %.2f |", median(b->mpps[who][load], rounds));
			if (b->share[who][load] < least_share)
				least_share = b->share[who][load];
		}
		ratio = median_ratio(b->mpps[EDGE][load], b->mpps[NFTABLES][load], rounds);
		if (ratio < least_ratio)
			least_ratio = ratio;
		printf(" %.1f | %.1f |\n", ratio,
		       median_ratio(b->mpps[EDGE][load], b->mpps[IPTABLES][load], rounds));
	}
	printf("Of what arrived at least %.1f %% was dropped. At least %d.%d times nftables: %s.\n",
	       100 * least_share, TARGET_PERCENT / 100, TARGET_PERCENT / 10 % 10,
	       least_ratio * 100 >= TARGET_PERCENT ? "yes" : "NO");
}

static void parse_arguments(int argc, char **argv, struct bench *b, int *rounds)
{
	unsigned int mac[ETH_ALEN];

	*rounds =
		argc > 4 ? atoi(argv[4]) : ROUNDS_DEFAULT; /* NOLINT(cert-err34-c): 0 is refused */
	if (argc < 4 || argc > 5 || *rounds < 1 || *rounds > ROUNDS_MAX ||
	    sscanf(argv[3], "%2x:%2x:%2x:%2x:%2x:%2x", /* NOLINT(cert-err34-c): can't overflow */
		   &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != ETH_ALEN) {
		fprintf(stderr, "usage: tools/dev/bench-live.sh [ROUNDS: 1 to %d]\n", ROUNDS_MAX);
		exit(2);
	}
	for (int i = 0; i < ETH_ALEN; i++)
		b->plan.mac_to[i] = (uint8_t)mac[i];
	b->generator_ns = open(argv[1], O_RDONLY | O_CLOEXEC);
	b->host_ns = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (b->generator_ns < 0 || b->host_ns < 0)
		die("namespace", strerror(errno));
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.plan = {.length = FRAME_BYTES_MIN,
			 .port = PORT,
			 .first = {240},
			 .to = {10, 0, 0, 1}},
	};
	struct config_problems problems = {0};
	int rounds;

	parse_arguments(argc, argv, &b, &rounds);
	if (config_parse(edge_config, sizeof(edge_config) - 1, "edge", &b.config, &problems) < 0)
		die("configuration", problems.count ? problems.lines[0] : "?");
	for (int round = 0; round < rounds; round++)
		for (int load = 0; load < LOADS; load++)
			for (int who = 0; who < CONTESTANTS; who++) {
				measure(&b, who, load, round);
				fprintf(stderr, "round %d of %d, %s sources: %-9s %.2f Mpps\n",
					round + 1, rounds, loads[load].name, names[who],
					b.mpps[who][load][round]);
			}
	print(&b, rounds);
	config_free(b.config);
	return 0;
}
