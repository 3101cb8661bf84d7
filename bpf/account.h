/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The single exit: turns a reason into a verdict and counts the frame, once, on this
 * CPU. Only this CPU writes its counters, so plain adds are exact.
 */
#ifndef HATAGO_BPF_ACCOUNT_H
#define HATAGO_BPF_ACCOUNT_H

#include "frame.h"
#include "maps.h"

#define ACCOUNT_DROP_BIT(name, label, verdict, help) \
	((__u32)(HATAGO_VERDICT_##verdict == HATAGO_VERDICT_DROP) << HATAGO_REASON_##name) |

/* Bit r: the rule behind reason r asks for a drop. */
#define ACCOUNT_DROPS (HATAGO_REASONS(ACCOUNT_DROP_BIT) 0)

static __always_inline enum hatago_verdict account_verdict(const struct packet *p,
							   enum hatago_reason reason, __u32 flags)
{
	if (!((ACCOUNT_DROPS >> reason) & 1))
		return HATAGO_VERDICT_PASS;
	/* A broken header is nobody's business where its family is not protected. */
	if (!(flags & (p->is_ipv6 ? HATAGO_IPV6 : HATAGO_IPV4)))
		return HATAGO_VERDICT_PASS;
	return flags & HATAGO_ENFORCE ? HATAGO_VERDICT_DROP : HATAGO_VERDICT_WOULD_DROP;
}

/* Counts the frame and says whether it is to be dropped. */
static __always_inline bool account(const struct packet *p, enum hatago_reason reason, __u32 flags)
{
	enum hatago_verdict verdict = account_verdict(p, reason, flags);
	__u32 cpu = bpf_get_smp_processor_id();
	struct hatago_counters *c = bpf_map_lookup_elem(&counters, &cpu);

	if (c) { /* one entry a possible CPU, so it always is */
		struct hatago_counter *counter = &c->by[verdict][reason & (HATAGO_REASONS_MAX - 1)];

		counter->packets += p->segments;
		counter->bytes += p->length;
	}
	return verdict == HATAGO_VERDICT_DROP;
}

#endif
