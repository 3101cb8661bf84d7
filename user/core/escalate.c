// SPDX-License-Identifier: MIT
/*
 * See escalate.h. A window is counted in slices, eight of them in a ring: the one that
 * runs and the seven before it.
 */
#include "core/escalate.h"

#include <errno.h>
#include <stdlib.h>

#include "core/requests.h"
#include "core/standing.h"

#define ESCALATE_SETS	    (ESCALATE_ENTRIES / ESCALATE_WAYS)
#define ESCALATE_MULTIPLIER 0x9e3779b97f4a7c15ULL

/* A client's last refusals; key 0: nobody's. */
struct escalate_entry {
	uint64_t key;
	uint64_t slice;			 /* the newest that it was counted in */
	uint64_t last_ns;		 /* its last refusal */
	uint32_t count[ESCALATE_SLICES]; /* by slice % ESCALATE_SLICES */
};

struct escalate {
	uint64_t seed;
	struct escalate_entry entry[ESCALATE_SETS][ESCALATE_WAYS];
};

int escalate_new(uint64_t seed, struct escalate **ret)
{
	struct escalate *escalate = calloc(1, sizeof(*escalate));

	if (!escalate)
		return -ENOMEM;
	escalate->seed = seed;
	*ret = escalate;
	return 0;
}

void escalate_free(struct escalate *escalate)
{
	free(escalate);
}

/* The client's entry, taken from another client if need be. */
static struct escalate_entry *escalate_entry(struct escalate *escalate, uint64_t key,
					     uint64_t slice)
{
	uint64_t mixed = (key ^ escalate->seed) * ESCALATE_MULTIPLIER;
	struct escalate_entry *set, *oldest;

	mixed = (mixed ^ mixed >> 32) * ESCALATE_MULTIPLIER;
	set = escalate->entry[mixed >> 32 & (ESCALATE_SETS - 1)];
	oldest = &set[0];
	for (uint32_t way = 0; way < ESCALATE_WAYS; way++) {
		if (set[way].key == key)
			return &set[way];
		if (set[way].last_ns < oldest->last_ns)
			oldest = &set[way];
	}
	*oldest = (struct escalate_entry){.key = key, .slice = slice};
	return oldest;
}

/* Forgets what the slices that began meanwhile held before; all, if the clock's unit changed. */
static void escalate_move(struct escalate_entry *entry, uint64_t slice)
{
	uint64_t gone = slice - entry->slice;

	if (gone > ESCALATE_SLICES)
		gone = ESCALATE_SLICES;
	for (uint64_t i = 0; i < gone; i++)
		entry->count[(slice - i) % ESCALATE_SLICES] = 0;
	entry->slice = slice;
}

bool escalate_refused(struct escalate *escalate, uint64_t key,
		      const struct escalate_options *options, uint64_t now_ns)
{
	uint64_t length = options->window_ns / ESCALATE_SLICES, slice, sum = 0;
	struct escalate_entry *entry;

	if (!options->after || !length)
		return false;
	slice = now_ns / length;
	entry = escalate_entry(escalate, key, slice);
	if (slice + 1 != entry->slice) /* else a thread that asked for the time a moment before */
		escalate_move(entry, slice);
	entry->last_ns = now_ns;
	if (entry->count[slice % ESCALATE_SLICES] < UINT32_MAX)
		entry->count[slice % ESCALATE_SLICES]++;
	for (uint32_t i = 0; i < ESCALATE_SLICES; i++)
		sum += entry->count[i];
	return sum > options->after;
}

bool escalate_mark(const struct clients *clients, struct hatago_client_id id, uint64_t debt_ns,
		   uint64_t now_ns)
{
	uint64_t tick_ns = 1ULL << HATAGO_TICK_SHIFT, owed;
	struct client_at at;
	bool was;

	if (!clients_find(clients, id, &at))
		return false;
	owed = requests_debt_ns(&at, now_ns);
	if (owed > debt_ns)
		debt_ns = owed;
	if (tick_ns > debt_ns)
		debt_ns = tick_ns;
	was = escalate_remaining_ns(at.slot, now_ns) > 0;
	if (!standing_raise(&at, standing_for(HATAGO_ESCALATED, now_ns, debt_ns), now_ns))
		return false;
	return !was && escalate_remaining_ns(at.slot, now_ns) > 0;
}

bool escalate_clear(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns)
{
	struct client_at at;
	uint32_t old;

	if (!clients_find(clients, id, &at))
		return false;
	for (uint32_t tries = 0; tries < STANDING_TRIES; tries++) {
		old = __atomic_load_n(&at.slot->standing, __ATOMIC_SEQ_CST);
		if (!standing_left_of_ns(old, HATAGO_ESCALATED, now_ns))
			return false;
		if (__sync_bool_compare_and_swap(
			    &at.slot->standing, old,
			    HATAGO_STANDING(HATAGO_KEPT, old & HATAGO_TICK_NEVER)))
			return true;
	}
	return false;
}

uint64_t escalate_remaining_ns(const struct hatago_slot *slot, uint64_t now_ns)
{
	return standing_left_of_ns(__atomic_load_n(&slot->standing, __ATOMIC_SEQ_CST),
				   HATAGO_ESCALATED, now_ns);
}
