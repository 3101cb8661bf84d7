/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What time it is, for a fraction of what the kernel's clock costs (20 to 25 ns in a
 * virtual machine, as much as all the rest of a drop). In a flood one reading serves
 * several frames of this CPU: up to CLOCK_FRAMES_MAX while they come faster than one in
 * CLOCK_GAP_NS, after a ramp of 1, 2, 4, and never in another jiffy. Else every frame reads.
 *
 * So a frame is judged by a time that is at most some microseconds old; but for the at
 * most CLOCK_FRAMES_MAX - 1 frames that come next when a flood pauses: theirs may be a
 * jiffy old. A refusal may so come up to that time too late, and these frames may pass
 * again where the bucket was full by then. Times never run backwards on a CPU.
 */
#ifndef HATAGO_BPF_CLOCK_H
#define HATAGO_BPF_CLOCK_H

#include <bpf/bpf_helpers.h>

#include "hatago/abi.h"

#define CLOCK_FRAMES_MAX 8
#define CLOCK_GAP_NS	 1000

/* A CPU's last reading; two cache lines apart from the next one's. */
struct clock {
	__u64 now_ns;
	__u64 jiffy;  /* the jiffy that it was made in */
	__u64 frames; /* that it serves in all */
	__u64 left;   /* of them */
	__u64 pad[12];
};

/* By CPU; belongs to one loaded program, so it is neither pinned nor part of the ABI. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clocks SEC(".maps");

static __always_inline __u64 clock_read_ns(struct clock *clock, __u64 jiffy)
{
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 frames = 1;

	if (now_ns - clock->now_ns < clock->frames * CLOCK_GAP_NS)
		frames = clock->frames < CLOCK_FRAMES_MAX ? clock->frames * 2 : CLOCK_FRAMES_MAX;
	clock->now_ns = now_ns;
	clock->jiffy = jiffy;
	clock->frames = frames;
	clock->left = frames - 1;
	return now_ns;
}

static __always_inline __u64 clock_now_ns(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct clock *clock = bpf_map_lookup_elem(&clocks, &cpu);
	__u64 jiffy = bpf_jiffies64();

	if (!clock) /* one entry a possible CPU, so it always is */
		return bpf_ktime_get_ns();
	if (clock->left && clock->jiffy == jiffy) {
		clock->left--;
		return clock->now_ns;
	}
	return clock_read_ns(clock, jiffy);
}

#endif
