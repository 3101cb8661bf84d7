// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * The packet story, one screen: parse -> judge -> account. Compiled into an XDP
 * program and a tc ingress program, which share every line but the return codes.
 * Never writes to the frame, never looks at the payload.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "account.h"
#include "limit.h"
#include "parse.h"

/* A function of its own, so that the verifier walks it once and not once a path of the parser. */
static __always_inline int judge(const struct packet *p)
{
	const struct hatago_config *c = maps_config();

	return p && c ? limit_judge(p, c, maps_rules(c)) : HATAGO_REASON_NOT_PROTECTED;
}

/* Counts the frame; true: drop it. */
static __always_inline bool handle(const struct frame *f, struct packet *p)
{
	const struct hatago_config *c = maps_config();
	const struct hatago_device *d = maps_device();
	enum hatago_reason reason;

	if (!c || !d)
		return false;
	if (d->confirm_by_ns && bpf_ktime_get_ns() >= d->confirm_by_ns)
		reason = HATAGO_REASON_UNCONFIRMED;
	else
		reason = parse(f, p);
	if (reason == PARSE_DONE)
		reason = judge(p);
	return account(p, reason, maps_rules(c)->flags);
}

SEC("xdp.frags")
int hatago_xdp(struct xdp_md *xdp)
{
	const struct frame f = {
		.context = xdp,
		.data = (void *)(long)xdp->data,
		.data_end = (void *)(long)xdp->data_end,
		.is_xdp = true,
	};
	struct packet p = {.length = (__u32)bpf_xdp_get_buff_len(xdp), .segments = 1};

	return handle(&f, &p) ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int hatago_tc(struct __sk_buff *skb)
{
	const struct frame f = {
		.context = skb,
		.data = (void *)(long)skb->data,
		.data_end = (void *)(long)skb->data_end,
	};
	struct packet p = {.length = skb->len, .segments = skb->gso_segs ? skb->gso_segs : 1};

	return handle(&f, &p) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
