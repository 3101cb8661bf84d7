/* SPDX-License-Identifier: MIT */
/*
 * Loads the real BPF object, both programs of it, with small maps, attached to nothing;
 * sets rules, lists and bans by writing the maps that include/hatago/abi.h describes; runs
 * single frames by BPF_PROG_TEST_RUN and says from the counters what became of them.
 * Knows nothing of user/: what it finds out is about the program alone.
 *
 * Helpers here abort the test program with a sentence where the kernel refuses them:
 * that is no finding about the packet path.
 */
#ifndef HATAGO_TESTS_HARNESS_H
#define HATAGO_TESTS_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "hatago/syns.h"
#include "hatago/table.h"
#include "packets.h"

enum hook { HOOK_XDP, HOOK_TC };

#define HARNESS_SYN_SETS   64
#define HARNESS_RATE_LEAST 1 /* a token in 1000 s: none comes while a test runs */

struct hatago_bpf;

struct harness {
	struct hatago_bpf *object;
	int program[2]; /* by enum hook */
	int allow_fd, deny_fd, syns_fd;
	struct hatago_config *config; /* this and the following are mapped */
	struct hatago_set *sets;
	struct hatago_side *sides;
	struct hatago_device *device;
	struct hatago_counters *counters; /* cpu_count of them */
	uint32_t set_count, cpu_count;
};

/* What became of one frame. */
struct outcome {
	enum hatago_verdict verdict;
	enum hatago_reason reason;
	uint64_t frames, bytes; /* as they were counted */
	bool dropped;		/* by the program's return value */
};

/* To be called first: prints why and exits with 77 where this machine can't load BPF programs. */
void harness_require(void);

/* Both families and nothing else protected, no limit, no list; enforcing. */
void harness_open(struct harness *h, uint32_t set_count);
void harness_close(struct harness *h);
/*
 * Makes repeated runs of the XDP program start at once: a program that is attached nowhere
 * is made known to the kernel anew for every call, which takes tens of ms. Moves the
 * calling thread, and those that it starts later, to a network namespace of their own.
 */
void harness_hurry(struct harness *h);

/* Back to the state after harness_open(): rules, lists, table, device and counters. */
void harness_reset(struct harness *h);
/* The rules in force; may be changed while nobody else runs frames. */
struct hatago_rules *harness_rules(struct harness *h);
void harness_protect(struct harness *h, enum hatago_port_protocol protocol, uint16_t first,
		     uint16_t last);
/* rate_milli: tokens per 1000 s. */
void harness_limit(struct harness *h, enum hatago_dimension d, uint64_t rate_milli, uint64_t burst,
		   uint32_t step_ms);
/* Adds a prefix ("192.0.2.0/24") to the allow or the deny list, and raises the rules' flag. */
void harness_allow(struct harness *h, const char *prefix);
void harness_deny(struct harness *h, const char *prefix);

/* Has all SYNs that are remembered be so many units of SYNS_UNIT_SHIFT older. */
void harness_age_syns(struct harness *h, uint32_t units);

/* The slot that the address's client lives in, or NULL. */
struct hatago_slot *harness_slot(const struct harness *h, const char *address);
/* Its key, and the set that it belongs to. */
uint64_t harness_key(const struct harness *h, const char *address);
struct hatago_set *harness_set(const struct harness *h, uint64_t key);

/* Runs one frame and tells its outcome, which must be counted exactly once. */
struct outcome harness_run(struct harness *h, enum hook hook, const struct packet_frame *frame);
/* The same through tc, as if the kernel had merged it from `segments` frames. */
struct outcome harness_run_merged(struct harness *h, const struct packet_frame *frame,
				  uint32_t segments);
/* Runs it `times` times at full speed on this CPU; the program's return value of the last. */
uint32_t harness_repeat(const struct harness *h, enum hook hook, const struct packet_frame *frame,
			uint32_t times);
/* The counters of one verdict and reason, summed over the CPUs. */
struct hatago_counter harness_count(const struct harness *h, enum hatago_verdict verdict,
				    enum hatago_reason reason);
/* All that passed: the frames that were charged and found within the limits. */
struct hatago_counter harness_passed(const struct harness *h);

const char *verdict_name(enum hatago_verdict verdict);
const char *reason_name(enum hatago_reason reason);

/* CLOCK_MONOTONIC. */
uint64_t harness_now_ns(void);

/* Two tests, for each program one: `setup` takes the hook from whether *state is NULL. */
#define ON_BOTH(f)                                                                             \
	{.name = "xdp: " #f, .test_func = f, .setup_func = setup},                             \
	{                                                                                      \
		.name = "tc: " #f, .test_func = f, .setup_func = setup, .initial_state = &edge \
	}

#endif
