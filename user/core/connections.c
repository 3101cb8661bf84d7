// SPDX-License-Identifier: MIT
/*
 * See connections.h. The standing is raised first and the count written after: while it
 * lasts nobody else claims the slot, and a word that half of another key stands in counts
 * for nobody.
 */
#include "core/connections.h"

#include "core/standing.h"

static __u64 *connections_word(const struct client_at *at)
{
	return &at->side->gate[at->place & TABLE_WAY].open;
}

static bool trust(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
		  uint64_t trust_for_ns, struct client_at *ret)
{
	uint32_t trusted = standing_for(HATAGO_TRUSTED, now_ns, trust_for_ns);

	for (uint32_t tries = 0; tries < CONNECTIONS_TRIES; tries++) {
		if (!clients_place(clients, id, now_ns, ret))
			return false;
		if (standing_raise(ret, trusted, now_ns))
			return true;
	}
	return false;
}

bool connections_trust(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
		       uint64_t trust_for_ns)
{
	struct client_at at;

	return trust(clients, id, now_ns, trust_for_ns, &at);
}

bool connections_set(const struct clients *clients, struct hatago_client_id id, uint32_t count,
		     uint64_t now_ns, uint64_t trust_for_ns)
{
	struct client_at at;

	if (!trust(clients, id, now_ns, trust_for_ns, &at))
		return false;
	BUCKET_WRITE(*connections_word(&at), HATAGO_OPEN(at.key, count));
	return true;
}

uint32_t connections_get(const struct client_at *at, uint64_t now_ns)
{
	if (at->place < 0 || !slot_is_trusted(at->slot, tick_of(now_ns)))
		return 0;
	return open_count(BUCKET_READ(*connections_word(at)), at->key);
}

void connections_clear(const struct clients *clients)
{
	for (uint32_t i = 0; i < clients->set_count; i++)
		for (uint32_t way = 0; way < HATAGO_WAYS; way++) {
			__u64 *word = &clients->sides[i].gate[way].open;

			if (BUCKET_READ(*word)) /* a page that nobody wrote stays clean */
				BUCKET_WRITE(*word, 0);
		}
}

void connections_carry(const struct client_at *from, const struct client_at *to)
{
	uint64_t word = BUCKET_READ(*connections_word(from));

	if (word >> 32 == (uint32_t)from->key) /* 0 too: it may have closed them since */
		BUCKET_WRITE(*connections_word(to), word);
}
