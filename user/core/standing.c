// SPDX-License-Identifier: MIT
/*
 * See standing.h. A slot found idle may be handed to another client by a CPU in the same
 * instant; so, as with a ban, the standing is written first and the owner looked at after.
 */
#include "core/standing.h"

#include "core/ban.h"

uint32_t standing_for(enum hatago_standing kind, uint64_t now_ns, uint64_t for_ns)
{
	return HATAGO_STANDING(kind, ban_end(now_ns, for_ns));
}

uint64_t standing_left_ns(uint32_t standing, uint64_t now_ns)
{
	return ban_remaining_ns(standing & HATAGO_TICK_NEVER, now_ns);
}

uint64_t standing_left_of_ns(uint32_t standing, enum hatago_standing kind, uint64_t now_ns)
{
	return standing >> HATAGO_STANDING_SHIFT == kind ? standing_left_ns(standing, now_ns) : 0;
}

uint32_t standing_join(uint32_t a, uint32_t b, uint64_t now_ns)
{
	uint32_t high = a > b ? a : b, low = a > b ? b : a;
	uint32_t kind = high >> HATAGO_STANDING_SHIFT;
	uint32_t end = high & HATAGO_TICK_NEVER, low_end = low & HATAGO_TICK_NEVER;

	if (!standing_left_ns(low, now_ns))
		return high;
	if (!standing_left_ns(high, now_ns))
		return low;
	if (kind == HATAGO_BANNED || low_end <= end)
		return high;
	if (kind == HATAGO_ESCALATED && low >> HATAGO_STANDING_SHIFT == HATAGO_TRUSTED)
		return high;
	return HATAGO_STANDING(kind, low_end);
}

bool standing_raise(const struct client_at *at, uint32_t standing, uint64_t now_ns)
{
	uint32_t old, joined;

	if (at->place < 0)
		return true;
	clients_keep(at, now_ns, standing_left_ns(standing, now_ns));
	for (uint32_t tries = 0; tries < STANDING_TRIES; tries++) {
		old = __atomic_load_n(&at->slot->standing, __ATOMIC_SEQ_CST);
		joined = standing_join(old, standing, now_ns);
		if (old != joined &&
		    !__sync_bool_compare_and_swap(&at->slot->standing, old, joined))
			continue;
		if (__atomic_load_n(&at->slot->key, __ATOMIC_SEQ_CST) == at->key)
			return true;
		if (old != joined)
			__sync_val_compare_and_swap(&at->slot->standing, joined, old);
		return false;
	}
	return false;
}
