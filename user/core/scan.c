// SPDX-License-Identifier: MIT
/*
 * See scan.h. The pass reads memory in order: the line of keys of each set, then the slots
 * of the ways that are taken and no others. An address is deciphered only where a filter
 * needs it, or where the client made it to the top; the top is a bounded heap whose root
 * is its least, so most clients cost one comparison.
 */
#include "core/scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/scan_filter.h"

#define SCAN_AHEAD 8 /* sets */

/* Who may be at the top, and where: small, so that the heap moves little. */
struct scan_candidate {
	uint64_t rank, packets; /* what decides first, what decides a tie */
	uint64_t key;
	uint32_t set, way;
};

int scan_init(struct scan *scan, uint32_t limit)
{
	*scan = (struct scan){
		.limit = limit > SCAN_TOP_MAX ? SCAN_TOP_MAX : limit,
	};
	scan->capacity = scan->limit;
	if (!scan->capacity)
		return 0;
	scan->heap = calloc(scan->capacity, sizeof(*scan->heap));
	scan->top = calloc(scan->capacity, sizeof(*scan->top));
	if (!scan->heap || !scan->top) {
		scan_done(scan);
		return -ENOMEM;
	}
	return 0;
}

void scan_done(struct scan *scan)
{
	free(scan->heap);
	free(scan->top);
	*scan = (struct scan){0};
}

static bool candidate_is_less(const struct scan_candidate *a, const struct scan_candidate *b)
{
	return a->rank < b->rank || (a->rank == b->rank && a->packets < b->packets);
}

/* The least of what is listed rises to the root, from where it is thrown out first. */
static void heap_sink(struct scan_candidate *heap, size_t count, struct scan_candidate item)
{
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= count)
			break;
		if (child + 1 < count && candidate_is_less(&heap[child + 1], &heap[child]))
			child++;
		if (!candidate_is_less(&heap[child], &item))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = item;
}

static void heap_rise(struct scan_candidate *heap, size_t at, struct scan_candidate item)
{
	while (at > 0 && candidate_is_less(&item, &heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = item;
}

/* A lower rank than this has no chance. */
static uint64_t scan_least(const struct scan *scan)
{
	if (!scan->limit)
		return UINT64_MAX;
	return scan->heap_count < scan->limit ? 0 : scan->heap[0].rank;
}

static void scan_offer(struct scan *scan, const struct scan_candidate *item)
{
	if (scan->heap_count < scan->limit)
		heap_rise(scan->heap, scan->heap_count++, *item);
	else if (scan->limit && candidate_is_less(&scan->heap[0], item))
		heap_sink(scan->heap, scan->heap_count, *item);
}

/* Where in a slot the rank stands. */
static size_t scan_rank_offset(enum scan_by by)
{
	switch (by) {
	case SCAN_BY_PACKETS:
		return offsetof(struct hatago_slot, packets);
	case SCAN_BY_BYTES:
		return offsetof(struct hatago_slot, bytes);
	default:
		return offsetof(struct hatago_slot, drops);
	}
}

/* Copies a slot; false where it is empty, or changed hands meanwhile. */
static bool scan_copy(const struct hatago_slot *slot, struct hatago_slot *ret)
{
	uint64_t key = BUCKET_READ(slot->key);

	*ret = *slot;
	__asm__ volatile("" ::: "memory"); /* the key is read again after the copy */
	return key && BUCKET_READ(slot->key) == key;
}

struct scan_pass {
	const struct hatago_set *sets;
	const struct hatago_side *sides;
	const struct hatago_rules *rules;
	__u64 secret[2];
	uint64_t now; /* as bucket_time() gives it */
	uint32_t enabled[HATAGO_EDGE_DIMENSIONS];
	uint32_t tick;
	uint32_t front_count;
	size_t rank_offset;
	bool everybody; /* no filter of any kind */
	bool within;
	struct scan_filter filter;
};

static struct hatago_client_id scan_id(const struct scan_pass *pass, uint32_t index, uint32_t way,
				       uint64_t key)
{
	return table_id(key, pass->rules->ipv6_mask_lo ? pass->sides[index].id_lo[way] : 0,
			pass->secret);
}

/* What slot_is_idle() denies, without a branch, since no branch here can be foretold. */
static bool scan_is_live(const struct scan_pass *pass, const struct hatago_slot *slot)
{
	uint32_t live = (slot->standing & HATAGO_TICK_NEVER) > pass->tick;

	BUCKET_UNROLL
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		live |= ((int64_t)(slot->tat[d] - pass->now) > 0) & pass->enabled[d];
	return live;
}

static bool scan_is_asked_for(const struct scan_pass *pass, const struct scan *scan,
			      const struct hatago_slot *slot, uint32_t index, uint32_t way)
{
	if (scan->only == SCAN_DROPPED && !slot->drops)
		return false;
	if (scan->only == SCAN_BANNED && !slot_is_banned(slot, pass->tick))
		return false;
	return !pass->within || scan_is_within(scan_id(pass, index, way, slot->key), &pass->filter);
}

static void scan_set(const struct scan_pass *pass, uint32_t index, struct scan *scan)
{
	const struct hatago_set *set = &pass->sets[index];
	uint32_t occupied = 0, live = 0, banned = 0, escalated = 0, trusted = 0;
	uint32_t matched = 0;
	uint64_t rank, least = scan_least(scan);
	struct hatago_slot slot;
	bool is_live;

	for (uint32_t way = 0; way < HATAGO_WAYS; way++) {
		if (!BUCKET_READ(set->key[way]))
			continue;
		occupied++;
		if (!scan_copy(&set->slot[way], &slot))
			continue;
		is_live = scan_is_live(pass, &slot);
		live += is_live;
		banned += slot_is_banned(&slot, pass->tick);
		escalated += slot_is_escalated(&slot, pass->tick);
		trusted += slot_is_trusted(&slot, pass->tick);
		/* Idle and away: the client may be at home by now. */
		if (!is_live && (index >= pass->front_count || way != table_home(slot.key)))
			continue;
		if (!pass->everybody && !scan_is_asked_for(pass, scan, &slot, index, way))
			continue;
		matched++;
		memcpy(&rank, (const char *)&slot + pass->rank_offset, sizeof(rank));
		if (rank < least)
			continue;
		scan_offer(scan, &(struct scan_candidate){
					 .rank = rank,
					 .packets = slot.packets,
					 .key = slot.key,
					 .set = index,
					 .way = way,
				 });
		least = scan_least(scan);
	}
	scan->occupied += occupied;
	scan->live += live;
	scan->banned += banned;
	scan->escalated += escalated;
	scan->trusted += trusted;
	scan->full_sets += live == HATAGO_WAYS;
	scan->matched += matched;
}

/*
 * The hardware's own prefetcher stops at every page, which is every eighth set. So the
 * keys are asked for well ahead, and the slots of the ways that they show to be taken.
 */
static void scan_prefetch(const struct scan_pass *pass, uint32_t index, uint32_t count)
{
	const struct hatago_set *set = &pass->sets[index + SCAN_AHEAD];

	if (index + 2 * SCAN_AHEAD < count)
		__builtin_prefetch(set + SCAN_AHEAD);
	if (index + SCAN_AHEAD >= count)
		return;
	for (uint32_t way = 0; way < HATAGO_WAYS; way++)
		if (set->key[way])
			__builtin_prefetch(&set->slot[way]);
}

static int scan_compare(const void *a, const void *b)
{
	const struct scan_candidate *x = a, *y = b;

	if (candidate_is_less(x, y))
		return 1;
	return candidate_is_less(y, x) ? -1 : 0;
}

/* The heap's clients in order, with what their slots say now; left out if they moved on. */
static void scan_finish(const struct scan_pass *pass, struct scan *scan)
{
	if (scan->heap_count)
		qsort(scan->heap, scan->heap_count, sizeof(*scan->heap), scan_compare);
	for (size_t i = 0; i < scan->heap_count; i++) {
		const struct scan_candidate *from = &scan->heap[i];
		const struct hatago_set *set = &pass->sets[from->set];
		struct scan_client *to = &scan->top[scan->top_count];

		to->id = scan_id(pass, from->set, from->way, from->key);
		if (scan_copy(&set->slot[from->way], &to->slot) && to->slot.key == from->key)
			scan->top_count++;
	}
}

void scan_table(const struct clients *clients, uint64_t now_ns, struct scan *scan)
{
	struct scan_pass pass = {
		.sets = clients->sets,
		.sides = clients->sides,
		.rules = clients->rules,
		.secret = {clients->config->secret[0], clients->config->secret[1]},
		.now = bucket_time(now_ns),
		.tick = tick_of(now_ns),
		.front_count = clients->front_count,
		.rank_offset = scan_rank_offset(scan->by),
		.everybody = scan->only == SCAN_ALL && !scan->within,
		.within = scan->within,
	};

	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		pass.enabled[d] = clients->rules->dimensions >> d & 1;
	if (scan->within)
		pass.filter = scan_filter_make(scan->within, clients->rules);
	if (scan->limit > scan->capacity)
		scan->limit = scan->capacity;
	scan->slots = (uint64_t)clients->set_count * HATAGO_WAYS;
	scan->occupied = scan->live = scan->banned = scan->escalated = scan->trusted = 0;
	scan->full_sets = scan->matched = 0;
	scan->top_count = scan->heap_count = 0;
	for (uint32_t i = 0; i < clients->set_count; i++) {
		scan_prefetch(&pass, i, clients->set_count);
		scan_set(&pass, i, scan);
	}
	scan_finish(&pass, scan);
}
