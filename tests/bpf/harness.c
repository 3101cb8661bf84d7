// SPDX-License-Identifier: MIT
/*
 * See harness.h. The maps are written as hatagod would write them, except that rules are
 * changed in place: no frame is under way meanwhile.
 */
#include "harness.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hatago.skel.h"

#define EXIT_SKIPPED 77
#define PREFIX_ROOM  64
#define LOOPBACK     1 /* the interface that a new network namespace begins with */

__attribute__((noreturn)) static void die(const char *what, int error)
{
	fprintf(stderr, "harness: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

void harness_require(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL);
	int error = errno;

	if (fd >= 0) {
		close(fd);
		return;
	}
	if (error != EPERM && error != ENOSYS)
		die("can't make a BPF map", error);
	printf("SKIP: BPF programs can't be loaded here; they need root\n");
	exit(EXIT_SKIPPED);
}

static int ignore_print(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static void *map_memory(const struct bpf_map *map)
{
	size_t value = (bpf_map__value_size(map) + 7) & ~7UL;
	size_t bytes = value * bpf_map__max_entries(map);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		die(bpf_map__name(map), errno);
	return memory;
}

static void set_entries(struct bpf_map *map, uint32_t entries)
{
	int error = bpf_map__set_max_entries(map, entries);

	if (error)
		die(bpf_map__name(map), error);
}

void harness_open(struct harness *h, uint32_t set_count)
{
	struct hatago_bpf *object;
	int error;

	memset(h, 0, sizeof(*h));
	libbpf_set_print(ignore_print);
	h->cpu_count = (uint32_t)libbpf_num_possible_cpus();
	h->set_count = set_count;
	h->object = object = hatago_bpf__open();
	if (!object)
		die("open the BPF object", errno);
	set_entries(object->maps.clients, set_count);
	set_entries(object->maps.sides, set_count);
	set_entries(object->maps.counters, h->cpu_count);
	set_entries(object->maps.clocks, h->cpu_count);
	set_entries(object->maps.syns, HARNESS_SYN_SETS);
	object->rodata->syn_sets = HARNESS_SYN_SETS;
	error = hatago_bpf__load(object);
	if (error)
		die("load the BPF object", error);
	h->program[HOOK_XDP] = bpf_program__fd(object->progs.hatago_xdp);
	h->program[HOOK_TC] = bpf_program__fd(object->progs.hatago_tc);
	h->allow_fd = bpf_map__fd(object->maps.allow);
	h->deny_fd = bpf_map__fd(object->maps.deny);
	h->syns_fd = bpf_map__fd(object->maps.syns);
	h->config = map_memory(object->maps.config);
	h->sets = map_memory(object->maps.clients);
	h->sides = map_memory(object->maps.sides);
	h->device = map_memory(object->maps.device);
	h->counters = map_memory(object->maps.counters);
	harness_reset(h);
}

void harness_hurry(struct harness *h)
{
	if (unshare(CLONE_NEWNET))
		die("a network namespace", errno);
	if (bpf_xdp_attach(LOOPBACK, h->program[HOOK_XDP], XDP_FLAGS_SKB_MODE, NULL))
		die("attach to the loopback device", errno);
}

static void unmap(const struct bpf_map *map, void *memory)
{
	munmap(memory, ((bpf_map__value_size(map) + 7) & ~7UL) * bpf_map__max_entries(map));
}

void harness_close(struct harness *h)
{
	unmap(h->object->maps.config, h->config);
	unmap(h->object->maps.clients, h->sets);
	unmap(h->object->maps.sides, h->sides);
	unmap(h->object->maps.device, h->device);
	unmap(h->object->maps.counters, h->counters);
	hatago_bpf__destroy(h->object);
	memset(h, 0, sizeof(*h));
}

static void empty_list(int fd)
{
	struct hatago_prefix key;

	while (bpf_map_get_next_key(fd, NULL, &key) == 0)
		bpf_map_delete_elem(fd, &key);
}

static void put_syns(struct harness *h, uint32_t index, const struct hatago_syns *set)
{
	if (bpf_map_update_elem(h->syns_fd, &index, set, BPF_ANY))
		die("write the memory of SYNs", errno);
}

void harness_age_syns(struct harness *h, uint32_t units)
{
	for (uint32_t i = 0; i < HARNESS_SYN_SETS; i++) {
		struct hatago_syns set;

		if (bpf_map_lookup_elem(h->syns_fd, &i, &set))
			die("read the memory of SYNs", errno);
		for (int s = 0; s < SYNS_IN_SET; s++)
			set.seen[s] =
				(set.seen[s] & ~SYNS_TIME) | ((set.seen[s] - units) & SYNS_TIME);
		put_syns(h, i, &set);
	}
}

void harness_reset(struct harness *h)
{
	const struct hatago_syns no_syns = {0};
	struct hatago_rules *r;

	for (uint32_t i = 0; i < HARNESS_SYN_SETS; i++)
		put_syns(h, i, &no_syns);

	empty_list(h->allow_fd);
	empty_list(h->deny_fd);
	memset(h->config, 0, sizeof(*h->config));
	memset(h->sets, 0, h->set_count * sizeof(*h->sets));
	memset(h->sides, 0, h->set_count * sizeof(*h->sides));
	memset(h->device, 0, sizeof(*h->device));
	memset(h->counters, 0, h->cpu_count * sizeof(*h->counters));
	h->config->magic = HATAGO_ABI_MAGIC;
	h->config->abi_version = HATAGO_ABI_VERSION;
	h->config->set_count = h->set_count;
	h->config->front_count = h->set_count;
	h->config->secret[0] = 0x8f1d3c5a77e4b209ULL;
	h->config->secret[1] = 0x1b87c5d94e2af36dULL;
	r = harness_rules(h);
	r->flags = HATAGO_ENFORCE | HATAGO_IPV4 | HATAGO_IPV6;
	r->ipv4_mask = 0xffffffff;
	r->ipv6_mask_hi = ~0ULL;
}

struct hatago_rules *harness_rules(struct harness *h)
{
	return &h->config->rules[h->config->active & 1];
}

void harness_protect(struct harness *h, enum hatago_port_protocol protocol, uint16_t first,
		     uint16_t last)
{
	struct hatago_rules *r = harness_rules(h);

	r->flags |= HATAGO_PROTECT_PORT;
	for (uint32_t port = first; port <= last; port++)
		r->port[protocol][port / 64] |= 1ULL << (port % 64);
}

void harness_limit(struct harness *h, enum hatago_dimension d, uint64_t rate_milli, uint64_t burst,
		   uint32_t step_ms)
{
	struct hatago_rules *r = harness_rules(h);

	if (hatago_limit_make(rate_milli, burst, step_ms, &r->limit[d]))
		die("a limit", EDOM);
	r->dimensions |= 1u << d;
	hatago_rules_seal(r);
}

/* "192.0.2.0/24" or "2001:db8::/32" in the form of the lists. */
static struct hatago_prefix read_prefix(const char *text)
{
	struct hatago_prefix prefix = {.length = 128};
	char address[PREFIX_ROOM];
	const char *slash = strchr(text, '/');
	uint32_t bits = slash ? (uint32_t)strtoul(slash + 1, NULL, 10) : 0;

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(text, "/"), text);
	if (strchr(address, ':')) {
		if (inet_pton(AF_INET6, address, prefix.address) != 1)
			die(text, EINVAL);
		prefix.length = slash ? bits : 128;
	} else {
		prefix.address[10] = prefix.address[11] = 0xff;
		if (inet_pton(AF_INET, address, prefix.address + 12) != 1)
			die(text, EINVAL);
		prefix.length = slash ? bits + 96 : 128;
	}
	return prefix;
}

static void list_add(int fd, const char *text)
{
	struct hatago_prefix prefix = read_prefix(text);
	struct hatago_listed listed = {.length = prefix.length};

	if (bpf_map_update_elem(fd, &prefix, &listed, BPF_ANY))
		die(text, errno);
}

void harness_allow(struct harness *h, const char *prefix)
{
	list_add(h->allow_fd, prefix);
	harness_rules(h)->flags |= HATAGO_ALLOW;
}

void harness_deny(struct harness *h, const char *prefix)
{
	list_add(h->deny_fd, prefix);
	harness_rules(h)->flags |= HATAGO_DENY;
}

uint64_t harness_key(const struct harness *h, const char *address)
{
	const struct hatago_rules *r = &h->config->rules[h->config->active & 1];
	struct hatago_client_id id;
	uint64_t half[2];
	__be32 ipv4;

	if (inet_pton(AF_INET, address, &ipv4) == 1) {
		id = client_id_ipv4(ipv4, r);
	} else if (inet_pton(AF_INET6, address, half) == 1) {
		id = client_id_ipv6(half[0], half[1], r);
	} else {
		die(address, EINVAL);
		return 0;
	}
	return table_key(id, h->config->secret);
}

struct hatago_set *harness_set(const struct harness *h, uint64_t key)
{
	return &h->sets[table_set(key, TABLE_FIRST, h->set_count, h->set_count)];
}

struct hatago_slot *harness_slot(const struct harness *h, const char *address)
{
	uint64_t key = harness_key(h, address);
	struct hatago_set *set = harness_set(h, key);
	int way = set_find(set, key);

	return way < 0 ? NULL : &set->slot[way];
}

static uint32_t run(const struct harness *h, enum hook hook, const struct packet_frame *frame,
		    uint32_t times, const struct __sk_buff *skb)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes,
		    .data_size_in = (uint32_t)frame->length, .repeat = (int)times, .ctx_in = skb,
		    .ctx_size_in = skb ? sizeof(*skb) : 0);
	int error = bpf_prog_test_run_opts(h->program[hook], &opts);

	if (error)
		die(hook == HOOK_XDP ? "run a frame through XDP" : "run a frame through tc", errno);
	return opts.retval;
}

uint32_t harness_repeat(const struct harness *h, enum hook hook, const struct packet_frame *frame,
			uint32_t times)
{
	return run(h, hook, frame, times, NULL);
}

struct hatago_counter harness_count(const struct harness *h, enum hatago_verdict verdict,
				    enum hatago_reason reason)
{
	struct hatago_counter sum = {0};

	for (uint32_t cpu = 0; cpu < h->cpu_count; cpu++) {
		const struct hatago_counter *c = &h->counters[cpu].by[verdict][reason];

		sum.packets += BUCKET_READ(c->packets);
		sum.bytes += BUCKET_READ(c->bytes);
	}
	return sum;
}

struct hatago_counter harness_passed(const struct harness *h)
{
	return harness_count(h, HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS);
}

/* What the counters say, which were zeroed before the one frame. */
static struct outcome read_outcome(const struct harness *h)
{
	struct outcome outcome = {.verdict = HATAGO_VERDICT_COUNT, .reason = HATAGO_REASON_COUNT};

	for (unsigned int v = 0; v < HATAGO_VERDICT_COUNT; v++) {
		for (unsigned int r = 0; r < HATAGO_REASONS_MAX; r++) {
			struct hatago_counter c = harness_count(h, v, r);

			if (!c.packets && !c.bytes)
				continue;
			outcome.verdict = v;
			outcome.reason = r;
			outcome.frames += c.packets; /* a frame counted twice shows here */
			outcome.bytes += c.bytes;
		}
	}
	return outcome;
}

struct outcome harness_run(struct harness *h, enum hook hook, const struct packet_frame *frame)
{
	struct outcome outcome;
	uint32_t returned;

	memset(h->counters, 0, h->cpu_count * sizeof(*h->counters));
	returned = run(h, hook, frame, 1, NULL);
	outcome = read_outcome(h);
	outcome.dropped = returned == (hook == HOOK_XDP ? XDP_DROP : TC_ACT_SHOT);
	return outcome;
}

struct outcome harness_run_merged(struct harness *h, const struct packet_frame *frame,
				  uint32_t segments)
{
	const struct __sk_buff skb = {.gso_segs = segments, .gso_size = 100};
	struct outcome outcome;
	uint32_t returned;

	memset(h->counters, 0, h->cpu_count * sizeof(*h->counters));
	returned = run(h, HOOK_TC, frame, 1, &skb);
	outcome = read_outcome(h);
	outcome.dropped = returned == TC_ACT_SHOT;
	return outcome;
}

const char *verdict_name(enum hatago_verdict verdict)
{
#define VERDICT_LABEL(name, label, help) label,
	static const char *const labels[] = {HATAGO_VERDICTS(VERDICT_LABEL)};
#undef VERDICT_LABEL

	return verdict < HATAGO_VERDICT_COUNT ? labels[verdict] : "not counted";
}

const char *reason_name(enum hatago_reason reason)
{
#define REASON_LABEL(name, label, verdict, help) label,
	static const char *const labels[] = {HATAGO_REASONS(REASON_LABEL)};
#undef REASON_LABEL

	return reason < HATAGO_REASON_COUNT ? labels[reason] : "no reason";
}

uint64_t harness_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}
