/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The client table: finds or claims the slot of a client, and takes from its
 * buckets. Pure and lock-free, the same code in BPF, user space and tests.
 *
 * A slot is one of
 *      empty     key 0
 *      idle      buckets full, no ban, no trust: the same as never seen, so claimable
 *      live      anything else: nobody evicts it
 * empty, idle -> live by one compare-and-swap of the key. There is no way back but time:
 * eviction loses nothing, and a flood of new clients can't evict a client that is being
 * limited, banned or trusted. Where all slots of a set are live, the newcomer is charged
 * to the set's overflow slot.
 *
 * Races, and what they cost:
 *  - a claim beside a take: the CPU that found the idle slot just before may charge its
 *    frame to the newcomer. At most one frame a CPU and claim.
 *  - two claims of one key: both try the same way first, and the loser sees the winner's
 *    key. Only if they judged different ways idle do two slots get one key; the one that
 *    is found first serves from then on, the other becomes idle. At most one frame a CPU.
 *  - a frame judged while the rules change may mix a limit's old and new values once.
 *
 * The key is the client's id enciphered by a bijection under the table's secret: nobody
 * can aim at a set without the secret, two ids of up to 64 bits never share a key, and
 * user space deciphers the key back into the address, so the packet path stores no
 * address. For longer prefixes the lower half is folded in (and kept in id_lo to
 * undo it); two such ids share a key with probability 2^-64.
 */
#ifndef HATAGO_TABLE_H
#define HATAGO_TABLE_H

#include "bucket.h"

#define TABLE_MULTIPLIER 0x9fb21c651e98df25ULL
#define TABLE_IPV4_TAG 0xff, 0xff, 0x00, 0x04

BUCKET_INLINE struct hatago_client_id client_id_ipv4(__be32 address, const struct hatago_rules *r)
{
	union {
		__u8 tag[4];
		__u32 word[2];
		__u64 all;
	} id = {.tag = {TABLE_IPV4_TAG}};

	id.word[1] = address & r->ipv4_mask;
	return (struct hatago_client_id){.hi = id.all};
}

/* The two halves of the address, loaded as they lie in memory. */
BUCKET_INLINE struct hatago_client_id client_id_ipv6(__u64 hi, __u64 lo,
						     const struct hatago_rules *r)
{
	return (struct hatago_client_id){.hi = hi & r->ipv6_mask_hi, .lo = lo & r->ipv6_mask_lo};
}

BUCKET_INLINE __u64 table_fold(__u64 lo, const __u64 secret[2])
{
	if (!lo)
		return 0;
	lo = (lo ^ secret[1]) * TABLE_MULTIPLIER;
	return (lo ^ (lo >> 32)) * secret[1];
}

BUCKET_INLINE __u64 table_key(struct hatago_client_id id, const __u64 secret[2])
{
	__u64 x = id.hi ^ table_fold(id.lo, secret) ^ secret[0];

	x = (x ^ (x >> 32)) * TABLE_MULTIPLIER;
	x = (x ^ (x >> 29)) * secret[1];
	x ^= x >> 32;
	return x ? x : 1;
}

/* The set of a key, and the way in it that is looked at first: different bits of the key. */
BUCKET_INLINE __u32 table_set_index(__u64 key, __u32 set_count)
{
	return (__u32)(((key >> 32) * set_count) >> 32);
}

BUCKET_INLINE __u32 table_home_way(__u64 key)
{
	return ((__u32)(key & 0xffff) * HATAGO_WAYS) >> 16;
}

/* Is the slot claimable? tick = now_ns >> HATAGO_TICK_SHIFT. */
BUCKET_INLINE int slot_is_idle(const struct hatago_slot *slot, const struct hatago_rules *rules,
			       __u64 now, __u32 tick)
{
	if (slot->banned_until > tick || slot->trusted_until > tick)
		return 0;
	BUCKET_UNROLL
	for (int d = 0; d < HATAGO_DIM_COUNT; d++)
		if ((rules->dimensions & (1u << d)) &&
		    !bucket_is_idle(slot->tat[d], &rules->limit[d], now))
			return 0;
	return 1;
}

/* Hands a claimed slot to its new owner: full buckets, no history. */
BUCKET_INLINE void slot_reset(struct hatago_slot *slot, const struct hatago_rules *rules, __u64 now)
{
	BUCKET_UNROLL
	for (int d = 0; d < HATAGO_DIM_COUNT; d++)
		if (bucket_is_stale(slot->tat[d], &rules->limit[d], now))
			slot->tat[d] = now;
	slot->banned_until = 0;
	slot->trusted_until = 0;
	slot->packets = 0;
	slot->bytes = 0;
	slot->drops = 0;
}

/* The way that the key lives in, or -1. */
BUCKET_INLINE int set_find(const struct hatago_set *set, __u64 key)
{
	__u32 home = table_home_way(key);

	if (BUCKET_READ(set->key[home]) == key)
		return (int)home;
	BUCKET_UNROLL
	for (__u32 way = 0; way < HATAGO_WAYS; way++)
		if (BUCKET_READ(set->key[way]) == key)
			return (int)way;
	return -1;
}

/* Claims a way for a key that was not found: the way, or -1 where all are live. */
BUCKET_INLINE int set_claim(struct hatago_set *set, __u64 key, const struct hatago_rules *rules,
			    __u64 now, __u32 tick)
{
	const __u32 home = table_home_way(key);

	for (__u32 i = 0; i < HATAGO_WAYS; i++) {
		__u32 way = home + i < HATAGO_WAYS ? home + i : home + i - HATAGO_WAYS;
		struct hatago_slot *slot = &set->slot[way];
		__u64 old = BUCKET_READ(set->key[way]);
		__u64 seen;

		if (old && !slot_is_idle(slot, rules, now, tick))
			continue;
		seen = __sync_val_compare_and_swap(&set->key[way], old, key);
		if (seen == key)
			return (int)way;
		if (seen != old)
			continue;
		slot_reset(slot, rules, now);
		return (int)way;
	}
	return -1;
}

enum slot_take { SLOT_TAKEN = -1, SLOT_CONTENDED = HATAGO_DIM_COUNT };

/*
 * Takes n[d] tokens from every bucket d of `dimensions`, or from none.
 * Returns SLOT_TAKEN, the first dimension that lacks tokens, or SLOT_CONTENDED where
 * another CPU changed a bucket meanwhile: then it is to be called again, at most
 * BUCKET_RETRIES times. A refusal writes nothing, so that a flood that is being dropped
 * costs no locked access.
 * count: dimensions from there on are not looked at; steps: 0 promises that no limit has
 * any. Both are constants, which spare the packet path what it does not need.
 */
BUCKET_INLINE int slot_take_once(struct hatago_slot *slot, const struct hatago_rules *rules,
				 __u32 dimensions, const __u64 n[HATAGO_DIM_COUNT], __u64 now,
				 const int count, const int steps)
{
	__u64 seen[HATAGO_DIM_COUNT] = {0}, next[HATAGO_DIM_COUNT] = {0};
	int d, has;

	BUCKET_UNROLL
	for (d = 0; d < count; d++) {
		if (!(dimensions & (1u << d)))
			continue;
		seen[d] = BUCKET_READ(slot->tat[d]);
		has = steps ? bucket_offer(seen[d], &rules->limit[d], now, n[d], &next[d])
			    : bucket_offer_smooth(seen[d], &rules->limit[d], now, n[d], &next[d]);
		if (!has) {
			bucket_settle(&slot->tat[d], seen[d], &rules->limit[d], now);
			return d;
		}
	}
	BUCKET_UNROLL
	for (d = 0; d < count; d++)
		if ((dimensions & (1u << d)) &&
		    __sync_val_compare_and_swap(&slot->tat[d], seen[d], next[d]) != seen[d])
			break;
	if (d == count)
		return SLOT_TAKEN;
	BUCKET_UNROLL
	for (int back = 0; back < count; back++) /* give back what was taken before d */
		if (back < d && (dimensions & (1u << back)))
			__sync_fetch_and_sub(&slot->tat[back],
					     bucket_cost(&rules->limit[back], n[back]));
	return SLOT_CONTENDED;
}

#ifndef __bpf__

static inline __u64 table_unmultiply(__u64 odd)
{
	__u64 inverse = odd; /* Newton's iteration, from 3 right bits to 96 */

	BUCKET_UNROLL /* so that a scan does it once and not once a client */
	for (int i = 0; i < 5; i++)
		inverse *= 2 - odd * inverse;
	return inverse;
}

/* The id behind a key; id_lo as the set keeps it. Undoes table_key(). */
static inline struct hatago_client_id table_id(__u64 key, __u64 id_lo, const __u64 secret[2])
{
	__u64 x = key;

	x ^= x >> 32;
	x *= table_unmultiply(secret[1]);
	x ^= (x >> 29) ^ (x >> 58);
	x *= table_unmultiply(TABLE_MULTIPLIER);
	x ^= x >> 32;
	return (struct hatago_client_id){
		.hi = x ^ secret[0] ^ table_fold(id_lo, secret),
		.lo = id_lo,
	};
}

static inline int client_id_is_ipv4(struct hatago_client_id id)
{
	static const __u8 tag[4] = {TABLE_IPV4_TAG};

	return __builtin_memcmp(&id.hi, tag, sizeof(tag)) == 0;
}

#endif /* !__bpf__ */
#endif
