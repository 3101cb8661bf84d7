// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * What bench_packet measures the edge against. `vary` gives every frame a source of
 * its own and hands it to the program under test by a tail call: all contestants pay
 * the same for it. `none` only parses and counts. `lru` is the usual way to limit by
 * client: one token bucket in an LRU hash, keyed by the same client (an IPv4 address or
 * IPv6 prefix in 128 bits), with the same parser, the same bucket and per-CPU counters.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "hatago/table.h"
#include "parse.h"

enum { BENCH_LRU_ENTRIES = 1048576, BENCH_IPV4_SOURCE = 14 + 12 };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} contestant SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BENCH_LRU_ENTRIES);
	__type(key, struct hatago_client_id);
	__type(value, __u64);
} lru_buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HATAGO_REASONS_MAX);
	__type(key, __u32);
	__type(value, struct hatago_counter);
} verdicts SEC(".maps");

/* Set by the bench. */
__u64 source_mask;	   /* sources - 1; a power of two less one */
__u64 source_count;	   /* frames so far */
struct hatago_rules rules; /* the edge's; lru takes the prefixes and the packets' limit */
__u16 protected_port;

SEC("xdp.frags")
int vary(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *data_end = (void *)(long)xdp->data_end;
	__u64 x = source_count++ & source_mask;

	if (data + BENCH_IPV4_SOURCE + 4 > data_end)
		return XDP_ABORTED;
	x = (x + 1) * 0x9e3779b97f4a7c15ULL; /* spread, and the same for the same x */
	x ^= x >> 32;
	*(__u32 *)(data + BENCH_IPV4_SOURCE) = ((__u32)x & 0xffffff7f) | 1; /* not multicast */
	bpf_tail_call(xdp, &contestant, 0);
	return XDP_ABORTED;
}

static __always_inline int count(const struct packet *p, __u32 reason, int verdict)
{
	struct hatago_counter *counter = bpf_map_lookup_elem(&verdicts, &reason);

	if (counter) {
		counter->packets += p->segments;
		counter->bytes += p->length;
	}
	return verdict;
}

static __always_inline int parsed(struct xdp_md *xdp, struct packet *p)
{
	const struct frame f = {
		.context = xdp,
		.data = (void *)(long)xdp->data,
		.data_end = (void *)(long)xdp->data_end,
		.is_xdp = true,
	};

	p->length = (__u32)bpf_xdp_get_buff_len(xdp);
	p->segments = 1;
	return parse(&f, p);
}

SEC("xdp.frags")
int none(struct xdp_md *xdp)
{
	struct packet p = {};

	return count(&p, parsed(xdp, &p), XDP_PASS);
}

SEC("xdp.frags")
int lru(struct xdp_md *xdp)
{
	const struct hatago_limit *limit = &rules.limit[HATAGO_DIM_PACKETS];
	struct packet p = {};
	int reason = parsed(xdp, &p);
	struct hatago_client_id id;
	__u64 now, next, fresh;
	__u64 *tat;

	if (reason != PARSE_DONE || p.port != protected_port)
		return count(&p, reason, XDP_PASS);
	id = p.is_ipv6 ? client_id_ipv6(p.source_hi, p.source_lo, &rules)
		       : client_id_ipv4((__be32)p.source_lo, &rules);
	now = bucket_time(bpf_ktime_get_ns());
	tat = bpf_map_lookup_elem(&lru_buckets, &id);
	if (!tat) {
		fresh = now + bucket_cost(limit, 1);
		bpf_map_update_elem(&lru_buckets, &id, &fresh, BPF_ANY);
		return count(&p, HATAGO_REASON_WITHIN_LIMITS, XDP_PASS);
	}
	for (int tries = 0; tries < BUCKET_RETRIES; tries++) {
		__u64 seen = BUCKET_READ(*tat);

		if (!bucket_offer_smooth(seen, limit, now, 1, HATAGO_INV_ONE, &next))
			return count(&p, HATAGO_REASON_LIMIT_PACKETS, XDP_DROP);
		if (__sync_val_compare_and_swap(tat, seen, next) == seen)
			return count(&p, HATAGO_REASON_WITHIN_LIMITS, XDP_PASS);
	}
	return count(&p, HATAGO_REASON_CONTENDED, XDP_DROP);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
