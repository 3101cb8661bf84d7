/* SPDX-License-Identifier: MIT */
/*
 * For tests of the edge as a whole: a network namespace of the test's own with a veth pair
 * (wa <-> wb, the edge guards wa), a pins' folder of its own, a configuration, frames sent
 * on wb, and a foreign program. All of it goes with the process, but for the pins, which
 * world_done() removes.
 */
#ifndef HATAGO_TESTS_EDGE_WORLD_H
#define HATAGO_TESTS_EDGE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "hatago/table.h"
#include "kern/edge.h"
#include "kern/hook.h"

#define WORLD_SKIP    77
#define WORLD_PORT    4711
#define WORLD_WAIT_NS 3000000000ULL
#define WORLD_BURST   5
#define WORLD_CLIENTS (HATAGO_WAYS * 1000) /* so many that a hundred never meet in a full set */

static char world_pins[64];

#define world_ok(call, err)                                     \
	do {                                                    \
		int world_r_ = (call);                          \
		if (world_r_ < 0)                               \
			fail_msg("%s: %s", #call, (err)->text); \
	} while (0)

static inline void world_run(const char *format, ...)
{
	char command[256];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

/* Does the text that a command prints hold `what`? */
static inline bool world_prints(const char *what, const char *command)
{
	char text[4096];
	FILE *f = popen(command, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	assert_non_null(f);
	pclose(f);
	text[n] = '\0';
	return strstr(text, what) != NULL;
}

/* Prints why and ends with WORLD_SKIP where this machine can't run these tests. */
static inline void world_require(void)
{
	const char *why = NULL;
	int fd = -1;

	if (geteuid() != 0)
		why = "root is needed";
	else if ((fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL)) < 0)
		why = "BPF is not permitted here";
	else if (unshare(CLONE_NEWNET) < 0)
		why = "no network namespace can be made";
	if (fd >= 0)
		close(fd);
	if (!why)
		return;
	printf("SKIP: %s\n", why);
	exit(WORLD_SKIP);
}

static inline int world_init(void **state)
{
	(void)state;
	snprintf(world_pins, sizeof(world_pins), "/sys/fs/bpf/hatago-test-edge-%d", getpid());
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	world_run("ip link set lo up");
	world_run("ip link add wa type veth peer name wb");
	/* Without addresses of their own, so that no frame goes but those of the test. */
	/* Not a frame is to go that the test did not send. */
	world_run("echo 1 | tee /proc/sys/net/ipv6/conf/wa/disable_ipv6 "
		  "/proc/sys/net/ipv6/conf/wb/disable_ipv6 >/dev/null");
	world_run("ip link set wa addrgenmode none up");
	world_run("ip link set wb addrgenmode none up");
	return 0;
}

/* The namespace, and with it every device and filter, goes when the next one is made. */
static inline int world_done(void **state)
{
	(void)state;
	world_run("rm -rf %s", world_pins);
	return 0;
}

/* Guards wa: five packets at once from each client to UDP port 4711, one more in 1000 s. */
static inline struct config world_config(void)
{
	static struct config_port_range port = {HATAGO_UDP, WORLD_PORT, WORLD_PORT};
	struct config c = {
		.edge =
			{
				.enabled = true,
				.devices = {(char *)"wa"},
				.device_count = 1,
				.enforce = true,
				.ports = &port,
				.port_count = 1,
				.ipv4 = true,
				.ipv6 = true,
				.max_clients = WORLD_CLIENTS,
				.ipv4_prefix = 32,
				.ipv6_prefix = 64,
				.pins = world_pins,
			},
	};

	c.edge.dimension[HATAGO_DIM_PACKETS].enabled = true;
	hatago_limit_make(1, WORLD_BURST, 0, &c.edge.dimension[HATAGO_DIM_PACKETS].limit);
	return c;
}

static inline struct edge *world_open(const struct config *config, bool adopted)
{
	struct edge *edge = NULL;
	struct err err = {};
	bool was_adopted = !adopted;

	world_ok(edge_open(config, &edge, &was_adopted, &err), &err);
	assert_int_equal(was_adopted, adopted);
	return edge;
}

static inline void world_close(struct edge *edge)
{
	struct err err = {};

	world_ok(edge_remove(edge, &err), &err);
	edge_free(edge);
	assert_int_equal(access(world_pins, F_OK), -1);
}

static inline const struct view_device *world_device(struct view *view, const char *name)
{
	struct err err = {};

	world_ok(view_refresh(view, &err), &err);
	for (size_t i = 0; i < view->device_count; i++)
		if (strcmp(view->devices[i].name, name) == 0)
			return &view->devices[i];
	return NULL;
}

/* Is there a notice that holds `what`? Empties the list up to it. */
static inline bool world_noticed(struct edge *edge, const char *what)
{
	const char *notice;

	while ((notice = edge_notice(edge)))
		if (strstr(notice, what))
			return true;
	return false;
}

/* `count` UDP frames from 10.0.0.0 + source to the protected port, out of wb and into wa. */
static inline void world_send(uint32_t source, int count)
{
	struct {
		struct ethhdr eth;
		struct iphdr ip;
		struct udphdr udp;
		char payload[16];
	} __attribute__((packed)) frame = {
		.eth = {.h_dest = {2, 0, 0, 0, 0, 1}, .h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4,
		       .ihl = 5,
		       .tot_len = htons(sizeof(frame) - sizeof(frame.eth)),
		       .ttl = 64,
		       .protocol = IPPROTO_UDP,
		       .saddr = htonl(0x0a000000 + source),
		       .daddr = htonl(0x0b000001)},
		.udp = {.dest = htons(WORLD_PORT), .len = htons(24)},
	};
	const struct sockaddr_ll to = {.sll_family = AF_PACKET,
				       .sll_ifindex = (int)if_nametoindex("wb"),
				       .sll_halen = ETH_ALEN};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));

	assert_true(fd >= 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(
			sendto(fd, &frame, sizeof(frame), 0, (const void *)&to, sizeof(to)),
			sizeof(frame));
	close(fd);
}

static inline uint64_t world_count(struct view *view, const char *device,
				   enum hatago_verdict verdict, enum hatago_reason reason)
{
	const struct view_device *d = world_device(view, device);
	struct hatago_counters sum;

	assert_non_null(d);
	view_device_counters(view, d, &sum);
	return sum.by[verdict][reason].packets;
}

/* Waits until so many frames are counted, and not one more. */
static inline void world_expect(struct view *view, enum hatago_verdict verdict,
				enum hatago_reason reason, uint64_t packets)
{
	uint64_t until = clock_mono_ns() + WORLD_WAIT_NS;

	while (world_count(view, "wa", verdict, reason) < packets && clock_mono_ns() < until)
		sched_yield();
	assert_int_equal(world_count(view, "wa", verdict, reason), packets);
}

/* The slot of 10.0.0.0 + source, or NULL. */
static inline struct hatago_slot *world_slot(struct view *view, uint32_t source)
{
	struct hatago_client_id id = client_id_ipv4(htonl(0x0a000000 + source), view_rules(view));
	const struct clients clients = view_clients(view);
	struct client_at at;

	return clients_find(&clients, id, &at) ? at.slot : NULL;
}

/* A program of somebody else's, which passes everything. */
static inline int world_foreign(enum bpf_prog_type type, int verdict)
{
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(type, "foreign", "GPL", program, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

/* Runs it in a process that then dies without a goodbye, as by kill -9. */
static inline void world_crash(void (*run)(void *arg), void *arg)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		run(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
