// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * Makes a flood in the kernel, some millions of frames a second: run over live frames
 * (BPF_F_TEST_XDP_LIVE_FRAMES) it gives each a source of its own and redirects it into a
 * device. IPv4 only; generator.c is its other half and sees to it that the device is lo
 * or one end of a veth pair.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { IP_CHECKSUM = 14 + 10, SOURCE = 14 + 12, PORT = 14 + 20, TCP_CHECKSUM = PORT + 16 };

enum { LOOKS_MAX = 4096 }; /* at the clock, some 100 us of them */

/* Set by generator.c. */
__u32 ifindex;
__u32 first;	   /* address of the first source, host order */
__u32 source_bits; /* there are 2^source_bits sources */
__u64 count;	   /* frames made so far */
__u64 interval_ns; /* between two frames; 0: as fast as it goes */
__u64 due_ns;

/* Holds back the flood to its rate: waits for the next frame's time, but no longer than that. */
static __always_inline void pace(void)
{
	__u64 now = bpf_ktime_get_ns();

	if (due_ns < now) /* late, or the first one: what was missed is not made up for */
		due_ns = now;
	due_ns += interval_ns;
	for (int looks = 0; looks < LOOKS_MAX && now < due_ns; looks++)
		now = bpf_ktime_get_ns();
}

/* Updates a checksum by the difference (RFC 1624); all in network order. */
static __always_inline void checksum_add(__be16 *checksum, __u32 difference)
{
	__u32 sum = (__u16) ~*checksum + difference;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*checksum = (__be16)~sum;
}

SEC("xdp")
int generate(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	__u64 n = count++;
	__u32 source, round, difference;
	__be16 *word = data + SOURCE, *port = data + PORT;

	if (data + TCP_CHECKSUM + 2 > end)
		return XDP_ABORTED;
	if (interval_ns)
		pace();
	/* An odd factor, another one in each round: every source comes once before any comes
	 * again, in no order and in no order of the round before. */
	round = (__u32)(n >> source_bits);
	source = first +
		 (((__u32)n * (0x9e3779b1 + round * 0x3504f334)) & ((1u << source_bits) - 1));
	difference = (__u16)~word[0] + (__u16)~word[1];
	word[0] = bpf_htons(source >> 16);
	word[1] = bpf_htons(source & 0xffff);
	difference += (__u32)word[0] + word[1];
	checksum_add(data + IP_CHECKSUM, difference);
	difference += (__u16) ~*port;
	*port = bpf_htons(round | 0x8000); /* each round is other connections */
	checksum_add(data + TCP_CHECKSUM, difference + *port);
	return (int)bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
