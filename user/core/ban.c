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

uint64_t ban_remaining_ns(uint32_t banned_until, uint64_t now_ns)
{
	uint64_t end = (uint64_t)banned_until << HATAGO_TICK_SHIFT;

	if (banned_until == HATAGO_TICK_NEVER)
		return BAN_FOR_GOOD;
	return end > now_ns ? end - now_ns : 0;
}

/* The client's way, its own or a claimed one, or -1. */
static int ban_way(const struct clients *clients, uint32_t index, uint64_t key,
		   struct hatago_client_id id, uint64_t now_ns)
{
	struct hatago_set *set = &clients->sets[index];
	int way = set_find(set, key);

	if (way >= 0)
		return way;
	way = set_claim(set, key, clients->rules, bucket_time(now_ns),
			(uint32_t)(now_ns >> HATAGO_TICK_SHIFT));
	if (way >= 0 && clients->rules->ipv6_mask_lo)
		clients->sides[index].id_lo[way] = id.lo;
	return way;
}

int ban_put(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
	    uint32_t until, uint32_t *ret_former)
{
	uint64_t key = table_key(id, clients->config->secret);
	uint32_t index = clients_index(clients, key);
	struct hatago_set *set = &clients->sets[index];

	for (uint32_t tries = 0; tries < BAN_TRIES; tries++) {
		int way = ban_way(clients, index, key, id, now_ns);
		__u32 *banned_until;
		uint32_t former;

		if (way < 0)
			return -EBUSY;
		banned_until = &set->slot[way].banned_until;
		former = __atomic_exchange_n(banned_until, until, __ATOMIC_SEQ_CST);
		if (BUCKET_READ(set->key[way]) == key) {
			*ret_former = ban_remaining_ns(former, now_ns) ? former : 0;
			return 0;
		}
		__sync_val_compare_and_swap(banned_until, until, 0);
	}
	return -EBUSY;
}

uint32_t ban_until(const struct clients *clients, struct hatago_client_id id)
{
	uint64_t key = table_key(id, clients->config->secret);
	const struct hatago_set *set = &clients->sets[clients_index(clients, key)];
	int way = set_find(set, key);

	return way < 0 ? 0 : __atomic_load_n(&set->slot[way].banned_until, __ATOMIC_SEQ_CST);
}

bool ban_holds(const struct clients *clients, struct hatago_client_id id, uint32_t until)
{
	return ban_until(clients, id) == until;
}

int ban_lift(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns)
{
	uint64_t key = table_key(id, clients->config->secret);
	struct hatago_set *set = &clients->sets[clients_index(clients, key)];
	int r = -ENOENT;

	/* All ways: two claims of one key at once may have left a second slot (table.h). */
	for (uint32_t way = 0; way < HATAGO_WAYS; way++) {
		__u32 *banned_until = &set->slot[way].banned_until;
		uint32_t until = __atomic_load_n(banned_until, __ATOMIC_SEQ_CST);

		if (BUCKET_READ(set->key[way]) != key || !ban_remaining_ns(until, now_ns))
			continue;
		/* Not if it was handed on meanwhile to a client with a ban of its own. */
		__sync_val_compare_and_swap(banned_until, until, 0);
		r = 0;
	}
	return r;
}
