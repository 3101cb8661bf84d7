/* SPDX-License-Identifier: MIT */
/*
 * Bans: kept in the client's own slot, which a banned client keeps until the ban ends.
 * Pure: the table and the time are passed in. Remembers no reason; that is a note's.
 */
#ifndef HATAGO_CORE_BAN_H
#define HATAGO_CORE_BAN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clients.h"

#define BAN_FOR_GOOD UINT64_MAX /* as a time: until it is lifted */
#define BAN_TRIES    64u	/* races with the packet path that one put may lose */

/* The tick at which a ban of for_ns ends: rounded up, so it is never too short. */
uint32_t ban_end(uint64_t now_ns, uint64_t for_ns);

/* The tick at which a slot's ban ends or ended; 0: it has none. */
uint32_t ban_of(const struct hatago_slot *slot);
/* Nanoseconds that a ban until this tick still lasts: 0 (not banned) to BAN_FOR_GOOD. */
uint64_t ban_remaining_ns(uint32_t until, uint64_t now_ns);

/*
 * Bans a client until a tick (ban_end()); claims a slot where it has none. A ban that it
 * has is replaced. Returns 0 and the tick at which the former ban would have ended (0: it
 * had none) in *ret_former, or -EBUSY: every slot of its set is live.
 *
 * A CPU that judged the slot idle just before may still hand it to a newcomer after this
 * returns. So the caller waits until the packet programs that were running have ended and
 * asks ban_holds().
 */
int ban_put(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
	    uint32_t until, uint32_t *ret_former);

/* The tick at which the client's ban ends or ended; 0: it has none. */
uint32_t ban_until(const struct clients *clients, struct hatago_client_id id);

/* Is the client banned until exactly this tick? */
bool ban_holds(const struct clients *clients, struct hatago_client_id id, uint32_t until);

/* Ends a ban: 0, or -ENOENT where the client is not banned. Its buckets of frames stay as they are.
 */
int ban_lift(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns);

#endif
