// SPDX-License-Identifier: MIT
/*
 * See ban.h. A slot found idle may be handed to another client by a CPU in the same
 * instant. So the ban is written first and the owner is looked at after: if it changed,
 * the ban is taken back at once, and all starts again. While the ban stands the slot is
 * live, so nobody else claims it. The newcomer may lose the frames of those nanoseconds.
 */
#include "core/ban.h"

#include <errno.h>

#define TICK_NS (1ULL << HATAGO_TICK_SHIFT)

uint32_t ban_end(uint64_t now_ns, uint64_t for_ns)
{
	uint64_t end, tick;

	if (for_ns == BAN_FOR_GOOD || __builtin_add_overflow(now_ns, for_ns, &end))
		return HATAGO_TICK_NEVER;
	tick = end / TICK_NS + (end % TICK_NS != 0);
	return tick < HATAGO_TICK_NEVER ? (uint32_t)tick : HATAGO_TICK_NEVER;
}

static uint32_t ban_of_standing(uint32_t standing)
{
	return standing >> HATAGO_STANDING_SHIFT == HATAGO_BANNED ? standing & HATAGO_TICK_NEVER
								  : 0;
}

uint32_t ban_of(const struct hatago_slot *slot)
{
	return ban_of_standing(__atomic_load_n(&slot->standing, __ATOMIC_SEQ_CST));
}

uint64_t ban_remaining_ns(uint32_t until, uint64_t now_ns)
{
	uint64_t end = (uint64_t)until << HATAGO_TICK_SHIFT;

	if (until == HATAGO_TICK_NEVER)
		return BAN_FOR_GOOD;
	return end > now_ns ? end - now_ns : 0;
}

int ban_put(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
	    uint32_t until, uint32_t *ret_former)
{
	const uint32_t banned = HATAGO_STANDING(HATAGO_BANNED, until);

	for (uint32_t tries = 0; tries < BAN_TRIES; tries++) {
		struct client_at at;
		uint32_t former;

		if (!clients_place(clients, id, now_ns, &at))
			return -EBUSY;
		clients_keep(&at, now_ns, ban_remaining_ns(until, now_ns));
		former = ban_of_standing(
			__atomic_exchange_n(&at.slot->standing, banned, __ATOMIC_SEQ_CST));
		if (BUCKET_READ(at.slot->key) == at.key) {
			*ret_former = ban_remaining_ns(former, now_ns) ? former : 0;
			return 0;
		}
		__sync_val_compare_and_swap(&at.slot->standing, banned, 0);
	}
	return -EBUSY;
}

uint32_t ban_until(const struct clients *clients, struct hatago_client_id id)
{
	struct client_at at;

	if (!clients_find(clients, id, &at))
		return 0;
	return ban_of(at.slot);
}

bool ban_holds(const struct clients *clients, struct hatago_client_id id, uint32_t until)
{
	return ban_until(clients, id) == until;
}

/* In all ways: two claims of one key at once may have left a second slot (table.h). */
static bool ban_lift_in(struct hatago_set *set, uint64_t key, uint64_t now_ns)
{
	bool lifted = false;

	set->full_until = 0;
	for (uint32_t way = 0; way < HATAGO_WAYS; way++) {
		struct hatago_slot *slot = &set->slot[way];
		uint32_t until = ban_of(slot);

		if (BUCKET_READ(slot->key) != key || !ban_remaining_ns(until, now_ns))
			continue;
		/* Not if it was handed on meanwhile to a client with a ban of its own. */
		__sync_val_compare_and_swap(&slot->standing, HATAGO_STANDING(HATAGO_BANNED, until),
					    0);
		lifted = true;
	}
	return lifted;
}

int ban_lift(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns)
{
	uint64_t key = table_key(id, clients->config->secret);
	struct client_sets sets = clients_sets(clients, key);
	bool lifted = false;

	for (int i = 0; i < TABLE_SETS; i++)
		lifted |= ban_lift_in(sets.set[i], key, now_ns);
	return lifted ? 0 : -ENOENT;
}
