/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What time it is, for a fraction of what the kernel's clock costs (20 to 25 ns in a
 * virtual machine, as much as all the rest of a drop): in a flood one reading
 * serves CLOCK_FRAMES frames of this CPU. A reading is used again only if so many frames
 * came within CLOCK_SPAN_NS before it, and never in another jiffy. So a frame is
 * judged by a time that is at most some microseconds old, or, for the last
 * CLOCK_FRAMES - 1 frames of a flood that pauses, at most a jiffy: those may take tokens
 * that came less than a jiffy before the bucket was full.
 */
#ifndef HATAGO_BPF_CLOCK_H
#define HATAGO_BPF_CLOCK_H

#include <bpf/bpf_helpers.h>

#include "hatago/abi.h"

#define CLOCK_FRAMES  8
#define CLOCK_SPAN_NS 8000

/* A CPU's last reading; two cache lines apart from the next one's. */
struct clock {
	__u64 now_ns;
	__u64 jiffy;  /* the jiffy that it was made in */
	__u64 frames; /* that it serves yet */
	__u64 pad[13];
};

/* By CPU; belongs to one loaded program, so it is neither pinned nor part of the ABI. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clocks SEC(".maps");

static __always_inline __u64 clock_now_ns(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct clock *clock = bpf_map_lookup_elem(&clocks, &cpu);
	__u64 jiffy = bpf_jiffies64(), now_ns;

	if (!clock) /* one entry a possible CPU, so it always is */
		return bpf_ktime_get_ns();
	if (clock->frames && clock->jiffy == jiffy) {
		clock->frames--;
		return clock->now_ns;
	}
	now_ns = bpf_ktime_get_ns();
	clock->frames = now_ns - clock->now_ns < CLOCK_SPAN_NS ? CLOCK_FRAMES - 1 : 0;
	clock->now_ns = now_ns;
	clock->jiffy = jiffy;
	return now_ns;
}

#endif
