/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The client table: finds or claims the slot of a client, and takes from its
 * buckets. Pure and lock-free, the same code in BPF, user space and tests.
 *
 * A slot is one of
 *      empty     key 0
 *      idle      buckets full, no standing: the same as never seen, so claimable
 *      live      anything else: nobody evicts it
 * empty, idle -> live by one compare-and-swap of the key. There is no way back but time:
 * eviction loses nothing, and a flood of new clients can't evict a client that is being
 * limited, banned or trusted.
 *
 * Where a client lives. The first front_count sets are the front, small enough for the
 * CPU's caches and page tables; the others are the back. A client has four sets, two in
 * front and two in the back, and in the first one a home. It lives in the first of these
 * slots that was idle when it came:
 *      its home, the rest of its first set, its second set, its two sets in the back
 * If not at home it is away: its home remembers until when any such client may be live
 * (away_until), and if in the back, so does its first set (spilled_until). So most frames
 * touch one cache line of the table, and a flood of clients that come once and never
 * again stays in memory that is warm, however large the table. Where no slot is idle,
 * the newcomer is charged to its first set's overflow slot. A full set remembers for a
 * while that it is full (full_until).
 *
 * Races, and what they cost:
 *  - a claim beside a take: the CPU that found the idle slot just before may charge its
 *    frame to the newcomer. At most one frame a CPU and claim.
 *  - two claims of one key: both try the same slot first, and the loser sees the winner's
 *    key. Only if they judged different slots idle do two slots get one key; the one that
 *    is found first serves from then on, the other becomes idle. At most one frame a CPU.
 *  - two claims of one slot: if the first one's copy of the key is written last, the owner
 *    is not found in a look through the copies and, if away, may claim another slot; as
 *    does one whose frames on two CPUs meet before its home knows that it is away: likewise.
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

#ifdef __bpf__
#define TABLE_FUNCTION __attribute__((noinline))
#else
#define TABLE_FUNCTION static inline __attribute__((unused))
#endif
#define TABLE_MULTIPLIER 0x9fb21c651e98df25ULL
#define TABLE_SPREAD	 0x9e3779b1u
#define TABLE_FULL_NS	 1000000000ULL /* the longest that a set is taken for full without a look */
#define TABLE_FRONT_SETS 24576	       /* the most in front: 12 MiB */
#define TABLE_IPV4_TAG	 0xff, 0xff, 0x00, 0x04

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

enum { TABLE_FIRST, TABLE_SECOND, TABLE_THIRD, TABLE_FOURTH, TABLE_SETS };

/*
 * The index of a key's set. Where the table has no back, all are in front. All come from
 * the key's upper half, and the way from its lower one.
 */
BUCKET_INLINE __u32 table_set(__u64 key, int which, __u32 front_count, __u32 set_count)
{
	__u32 bits = (__u32)(key >> 32), first = 0, count = front_count;

	/* Each time those that the set before has used up go last. No loop, for the verifier. */
	if (which >= TABLE_SECOND)
		bits *= TABLE_SPREAD;
	if (which >= TABLE_THIRD)
		bits *= TABLE_SPREAD;
	if (which >= TABLE_FOURTH)
		bits *= TABLE_SPREAD;
	if (which >= TABLE_THIRD && front_count < set_count) {
		first = front_count;
		count = set_count - front_count;
	}
	return first + (__u32)(((__u64)bits * count) >> 32);
}

/* The way of a key's home in its first set; in the others, where it is claimed first. */
BUCKET_INLINE __u32 table_home(__u64 key)
{
	__u32 way = ((__u32)(key & 0xffff) * HATAGO_WAYS) >> 16;

#ifdef __bpf__ /* else clang folds it into an offset whose bound the verifier doesn't see */
	__asm__ volatile("" : "+r"(way));
#endif
	return way;
}

BUCKET_INLINE int slot_is_banned(const struct hatago_slot *slot, __u32 tick)
{
	return slot->standing > HATAGO_STANDING(HATAGO_BANNED, tick);
}

/* Banned or escalated, as one comparison; or a ban that is over still stands there. */
BUCKET_INLINE int slot_is_suspect(const struct hatago_slot *slot, __u32 tick)
{
	return slot->standing > HATAGO_STANDING(HATAGO_ESCALATED, tick);
}

BUCKET_INLINE int slot_is_escalated(const struct hatago_slot *slot, __u32 tick)
{
	return slot->standing >> HATAGO_STANDING_SHIFT == HATAGO_ESCALATED &&
	       slot->standing > HATAGO_STANDING(HATAGO_ESCALATED, tick);
}

BUCKET_INLINE int slot_is_trusted(const struct hatago_slot *slot, __u32 tick)
{
	return slot->standing >> HATAGO_STANDING_SHIFT == HATAGO_TRUSTED &&
	       slot->standing > HATAGO_STANDING(HATAGO_TRUSTED, tick);
}

/* The open connections that a word says its client has; 0 where it is another client's. */
BUCKET_INLINE __u32 open_count(__u64 word, __u64 key)
{
	return (__u32)(word >> 32) == (__u32)key ? (__u32)word : 0;
}

/* Does what hatagod says hold? Its clock may be ahead of a frame's (bpf/clock.h). */
BUCKET_INLINE int pressure_is_fresh(const struct hatago_pressure *pressure, __u64 now_ns)
{
	return (__s64)(now_ns - BUCKET_PEEK(pressure->heartbeat_ns)) <
	       (__s64)HATAGO_HEARTBEAT_MAX_NS;
}

/* Ticks and beats of CLOCK_MONOTONIC. */
BUCKET_INLINE __u32 tick_of(__u64 now_ns)
{
	return (__u32)(now_ns >> HATAGO_TICK_SHIFT);
}

BUCKET_INLINE __u32 beat_of(__u64 now_ns)
{
	return (__u32)(now_ns >> HATAGO_BEAT_SHIFT);
}

/* The scale of what a frame of the slot's client costs, HATAGO_INV_ONE to HATAGO_INV_MAX. */
BUCKET_INLINE __u32 pressure_inv(const struct hatago_pressure *pressure,
				 const struct hatago_slot *slot, __u64 now_ns)
{
	__u32 inv = BUCKET_PEEK(pressure->scale_inv);

	if (inv <= HATAGO_INV_ONE || !pressure_is_fresh(pressure, now_ns))
		return HATAGO_INV_ONE;
	if (slot_is_trusted(slot, tick_of(now_ns)))
		inv = BUCKET_PEEK(pressure->trusted_inv);
	if (inv < HATAGO_INV_ONE)
		return HATAGO_INV_ONE;
	return inv < HATAGO_INV_MAX ? inv : HATAGO_INV_MAX;
}

/* Is this a time to ask who is a stranger? */
BUCKET_INLINE int strangers_are_asked(const struct hatago_pressure *pressure,
				      const struct hatago_rules *rules, __u64 now_ns)
{
	return BUCKET_PEEK(pressure->strangers_inv) && (rules->flags & HATAGO_STRANGERS) &&
	       pressure_is_fresh(pressure, now_ns);
}

#define SLOT_LIFE_MAX (1ULL << 54) /* 208 days, in ns; of a longer life the end is not foretold */

/* For how many ns a slot stays live if nothing happens to it; 0: it is idle. */
BUCKET_INLINE __u64 slot_life(const struct hatago_slot *slot, const struct hatago_rules *rules,
			      __u64 now_ns)
{
	__u64 end = (__u64)(BUCKET_READ(slot->standing) & HATAGO_TICK_NEVER) << HATAGO_TICK_SHIFT;
	__s64 debt = 0;

	BUCKET_UNROLL
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if ((rules->dimensions & (1u << d)) &&
		    (__s64)(BUCKET_PEEK(slot->tat[d]) - bucket_time(now_ns)) > debt)
			debt = (__s64)(BUCKET_PEEK(slot->tat[d]) - bucket_time(now_ns));
	debt = (debt + (1 << HATAGO_TIME_SHIFT) - 1) >> HATAGO_TIME_SHIFT;
	end = end > now_ns ? end - now_ns : 0;
	return end > (__u64)debt ? end : (__u64)debt;
}

BUCKET_INLINE int slot_is_idle(const struct hatago_slot *slot, const struct hatago_rules *rules,
			       __u64 now_ns)
{
	return slot_life(slot, rules, now_ns) == 0;
}

/* Mends words that another limit or another half of the clock left behind. */
BUCKET_INLINE void slot_settle(struct hatago_slot *slot, const struct hatago_rules *rules,
			       __u64 now_ns)
{
	BUCKET_UNROLL
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if (rules->dimensions & (1u << d))
			bucket_settle(&slot->tat[d], BUCKET_PEEK(slot->tat[d]), &rules->limit[d],
				      bucket_time(now_ns));
}

/* Hands a claimed slot to its new owner: full buckets, no history. */
BUCKET_INLINE void slot_reset(struct hatago_slot *slot, __u64 now_ns)
{
	BUCKET_UNROLL
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if (!bucket_is_full(BUCKET_PEEK(slot->tat[d]),
				    bucket_time(now_ns))) /* a dimension that is off */
			BUCKET_WRITE(slot->tat[d], bucket_time(now_ns));
	BUCKET_WRITE(slot->standing, 0);
	BUCKET_WRITE(slot->packets, 0);
	BUCKET_WRITE(slot->bytes, 0);
	BUCKET_WRITE(slot->drops, 0);
}

BUCKET_INLINE int beat_is_ahead(__u32 until, __u64 now_ns)
{
	return until == HATAGO_BEAT_NEVER || (__s32)(until - beat_of(now_ns)) > 0;
}

/* Moves a beat ahead, never back, to the first one that lies behind a life that begins now. */
BUCKET_INLINE void beat_extend(__u32 *word, __u64 now_ns, __u64 life)
{
	__u32 old = BUCKET_READ(*word), until = beat_of(now_ns + life) + 1;

	if (life >= SLOT_LIFE_MAX)
		until = HATAGO_BEAT_NEVER;
	if (old == HATAGO_BEAT_NEVER ||
	    (until != HATAGO_BEAT_NEVER && beat_is_ahead(old, now_ns) && (__s32)(until - old) <= 0))
		return;
	/* A race is lost to somebody who extends it as well; then the next frame does it. */
	__sync_val_compare_and_swap(word, old, until);
}

/* A place: a way, the set, and a bit. */
#define TABLE_WAY	       7
#define TABLE_NEW	       32		  /* it has just been claimed */
#define TABLE_PLACE_SET(place) ((place) >> 3 & 3) /* TABLE_FIRST, ... */

enum { SLOT_CLAIMED = -1, SLOT_FOUND = -2, SLOT_LOST = -3 }; /* else the life of a live slot */

/*
 * Claims the way if it is idle, or finds that the key has it meanwhile. As all that is a
 * TABLE_FUNCTION, in BPF a function of its own, so that the verifier walks it once and not
 * once a path to it.
 */
TABLE_FUNCTION __s64 set_claim_way(struct hatago_set *set, const struct hatago_rules *rules,
				   __u32 way, __u64 key, __u64 now_ns)
{
	struct hatago_slot *slot;
	__u64 old, seen, life;

	if (!set || !rules || way >= HATAGO_WAYS)
		return SLOT_LOST;
	slot = &set->slot[way];
	old = BUCKET_READ(slot->key);
	life = old ? slot_life(slot, rules, now_ns) : 0;
	if (life) {
		if (BUCKET_READ(set->key[way]) != old) /* two claims left another one's copy */
			BUCKET_WRITE(set->key[way], old);
		if (old == key)
			return SLOT_FOUND;
		slot_settle(slot, rules, now_ns);
		return (__s64)life;
	}
	seen = __sync_val_compare_and_swap(&slot->key, old, key);
	if (seen != old)
		return seen == key ? SLOT_FOUND : SLOT_LOST;
	slot_reset(slot, now_ns);
	BUCKET_WRITE(set->key[way], key);
	return SLOT_CLAIMED;
}

/* The way that the key lives in, or -1. */
BUCKET_INLINE int set_find(const struct hatago_set *set, __u64 key)
{
	BUCKET_UNROLL
	for (__u32 way = 0; way < HATAGO_WAYS; way++)
		if (BUCKET_READ(set->key[way]) == key && BUCKET_READ(set->slot[way].key) == key)
			return (int)way;
	return -1;
}

/*
 * Asks for all lines of a set at once, where several will be looked at: one wait for memory
 * instead of one after the other.
 */
BUCKET_INLINE void set_touch(const struct hatago_set *set)
{
	BUCKET_UNROLL
	for (__u32 way = 0; way < HATAGO_WAYS; way++)
		(void)BUCKET_READ(set->slot[way].key);
	(void)BUCKET_READ(set->full_until);
}

/* Was it full a moment ago, and can't have changed? False for words left from long ago. */
BUCKET_INLINE int set_is_full(const struct hatago_set *set, __u64 now_ns)
{
	return BUCKET_PEEK(set->full_until) - beat_of(now_ns) - 1 <= TABLE_FULL_NS >>
	       HATAGO_BEAT_SHIFT;
}

/* Claims a way for a key that was not found: its place, or -1 where all are live. */
TABLE_FUNCTION int set_claim(struct hatago_set *set, const struct hatago_rules *rules, __u64 key,
			     __u64 now_ns)
{
	const __u32 home = table_home(key);
	__u64 least = TABLE_FULL_NS; /* no longer: bans are lifted, limits change */

	if (!set || !rules || set_is_full(set, now_ns))
		return -1;
	for (__u32 i = 0; i < HATAGO_WAYS; i++) {
		__u32 way = home + i < HATAGO_WAYS ? home + i : home + i - HATAGO_WAYS;
		__s64 life = set_claim_way(set, rules, way, key, now_ns);

		if (life == SLOT_CLAIMED)
			return (int)way | TABLE_NEW;
		if (life == SLOT_FOUND)
			return (int)way;
		if (life == SLOT_LOST)
			life = 0;
		if ((__u64)life < least)
			least = (__u64)life;
	}
	BUCKET_WRITE(set->full_until, beat_of(now_ns + least));
	return -1;
}

/* Has a client's home, and its first set, remember that it is away for as long as it lives. */
BUCKET_INLINE void table_keep(struct hatago_set *first, __u64 key, int place, __u64 now_ns,
			      __u64 life)
{
	beat_extend(&first->slot[table_home(key)].away_until, now_ns, life);
	if (TABLE_PLACE_SET(place) >= TABLE_THIRD)
		beat_extend(&first->spilled_until, now_ns, life);
}

/* Where a key lives in a set, or what it can claim there, as a place; -1: neither. */
BUCKET_INLINE int table_look(struct hatago_set *const set[TABLE_SETS], int which, __u64 key)
{
	int way = set_find(set[which], key);

	return way < 0 ? -1 : way | which << 3;
}

BUCKET_INLINE int table_claim(struct hatago_set *const set[TABLE_SETS], int which, __u64 key,
			      const struct hatago_rules *rules, __u64 now_ns)
{
	int way = set_claim(set[which], rules, key, now_ns);

	return way < 0 ? -1 : way | which << 3;
}

/*
 * Finds or claims a key's slot. Returns its place, or -1 where all slots are live. If that
 * is not its home: table_keep() is to be called, once it is known how long it lives.
 */
BUCKET_INLINE int table_place(struct hatago_set *const set[TABLE_SETS], __u64 key,
			      const struct hatago_rules *rules, __u64 now_ns)
{
	struct hatago_set *first = set[TABLE_FIRST];
	const __u32 home = table_home(key);
	int last = TABLE_FIRST, place = -1; /* the last set that the client may be live in */

	if (BUCKET_READ(first->slot[home].key) == key)
		return (int)home;
	if (beat_is_ahead(BUCKET_PEEK(first->slot[home].away_until), now_ns))
		last = beat_is_ahead(BUCKET_PEEK(first->spilled_until), now_ns) ? TABLE_FOURTH
										: TABLE_SECOND;
	else if (set_claim_way(first, rules, home, key, now_ns) == SLOT_CLAIMED)
		return (int)home | TABLE_NEW;
	set_touch(first);
	BUCKET_UNROLL
	for (int which = 0; which < TABLE_SETS; which++)
		if (place < 0 && which <= last)
			place = table_look(set, which, key);
	BUCKET_UNROLL
	for (int which = 0; which < TABLE_SETS; which++) {
		if (place < 0 && which > last) /* idle it may be there */
			place = table_look(set, which, key);
		if (place < 0)
			place = table_claim(set, which, key, rules, now_ns);
	}
	return place;
}

/*
 * Does the key have a slot that it may be live in? False for one that is idle away from
 * home, which is no information. Claims and changes nothing.
 */
BUCKET_INLINE int table_is_known(struct hatago_set *const set[TABLE_SETS], __u64 key, __u64 now_ns)
{
	const struct hatago_slot *home = &set[TABLE_FIRST]->slot[table_home(key)];
	int last, place = -1;

	if (BUCKET_READ(home->key) == key)
		return 1;
	if (!beat_is_ahead(BUCKET_PEEK(home->away_until), now_ns))
		return 0;
	last = beat_is_ahead(BUCKET_PEEK(set[TABLE_FIRST]->spilled_until), now_ns) ? TABLE_FOURTH
										   : TABLE_SECOND;
	BUCKET_UNROLL
	for (int which = 0; which < TABLE_SETS; which++)
		if (place < 0 && which <= last)
			place = table_look(set, which, key);
	return place >= 0;
}

enum slot_take { SLOT_TAKEN = -1, SLOT_CONTENDED = HATAGO_DIM_COUNT };

/*
 * Takes n[d] tokens from every bucket d of `dimensions`, or from none.
 * Returns SLOT_TAKEN, the first dimension that lacks tokens, or SLOT_CONTENDED where
 * another CPU changed a bucket meanwhile: then it is to be called again, at most
 * BUCKET_RETRIES times. A refusal writes nothing, so that a flood that is being dropped
 * costs no locked access.
 * is_new: the caller has just claimed the slot, so that nobody else takes from it (but for
 * the races above): plain stores do, and the claim's own store to another cache line need
 * not be waited for.
 * inv: the scale of what it costs (bucket.h).
 * steps: 0 promises that no limit has any; a constant, which spares the packet path what
 * it does not need.
 */
BUCKET_INLINE int slot_take_once(struct hatago_slot *slot, const struct hatago_rules *rules,
				 __u32 dimensions, const __u64 n[HATAGO_EDGE_DIMENSIONS], __u64 now,
				 const __u32 inv, const int is_new, const int steps)
{
	__u64 seen[HATAGO_EDGE_DIMENSIONS] = {0}, next[HATAGO_EDGE_DIMENSIONS] = {0};
	int d, has;

	BUCKET_UNROLL
	for (d = 0; d < HATAGO_EDGE_DIMENSIONS; d++) {
		if (!(dimensions & (1u << d)))
			continue;
		seen[d] = BUCKET_READ(slot->tat[d]);
		has = steps ? bucket_offer_scaled(seen[d], &rules->limit[d], now, n[d], inv,
						  &next[d])
			    : bucket_offer_smooth(seen[d], &rules->limit[d], now, n[d], inv,
						  &next[d]);
		if (!has) {
			bucket_settle(&slot->tat[d], seen[d], &rules->limit[d], now);
			return d;
		}
	}
	if (is_new) {
		BUCKET_UNROLL
		for (d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
			if (dimensions & (1u << d))
				slot->tat[d] = next[d];
		return SLOT_TAKEN;
	}
	BUCKET_UNROLL
	for (d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if ((dimensions & (1u << d)) &&
		    __sync_val_compare_and_swap(&slot->tat[d], seen[d], next[d]) != seen[d])
			break;
	if (d == HATAGO_EDGE_DIMENSIONS)
		return SLOT_TAKEN;
	BUCKET_UNROLL
	for (int back = 0; back < HATAGO_EDGE_DIMENSIONS; back++) /* what was taken before d */
		if (back < d && (dimensions & (1u << back)))
			__sync_fetch_and_sub(&slot->tat[back],
					     bucket_refund(&rules->limit[back], n[back], inv));
	return SLOT_CONTENDED;
}

#ifndef __bpf__

/* Sets what follows from the limits, HATAGO_STEPS. Before rules come into force. */
static inline void hatago_rules_seal(struct hatago_rules *rules)
{
	rules->flags &= ~HATAGO_STEPS;
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if ((rules->dimensions & (1u << d)) && rules->limit[d].step)
			rules->flags |= HATAGO_STEPS;
}

/* The sets that a table of so many has in front. */
static inline __u32 table_front_count(__u32 set_count)
{
	return set_count < TABLE_FRONT_SETS ? set_count : TABLE_FRONT_SETS;
}

static inline __u64 table_unmultiply(__u64 odd)
{
	__u64 inverse = odd; /* Newton's iteration, from 3 right bits to 96 */

	BUCKET_UNROLL /* so that a scan does it once and not once a client */
		for (int i = 0; i < 5; i++) inverse *= 2 - odd * inverse;
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
