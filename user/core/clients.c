// SPDX-License-Identifier: MIT
/*
 * See clients.h.
 */
#include "core/clients.h"

struct client_sets clients_sets(const struct clients *clients, uint64_t key)
{
	struct client_sets sets;

	for (int i = 0; i < TABLE_SETS; i++)
		sets.set[i] =
			&clients->sets[table_set(key, i, clients->front_count, clients->set_count)];
	return sets;
}

static struct client_at client_at_place(const struct clients *clients, uint64_t key,
					const struct client_sets *sets, int place)
{
	struct hatago_set *set = sets->set[place < 0 ? TABLE_FIRST : TABLE_PLACE_SET(place)];
	struct client_at at = {
		.key = key,
		.first = sets->set[TABLE_FIRST],
		.side = &clients->sides[set - clients->sets],
		.place = place,
	};

	at.slot = place < 0 ? &at.side->overflow : &set->slot[place & TABLE_WAY];
	return at;
}

bool clients_find(const struct clients *clients, struct hatago_client_id id, struct client_at *ret)
{
	uint64_t key = table_key(id, clients->config->secret);
	struct client_sets sets = clients_sets(clients, key);
	int place = (int)table_home(key);

	if (BUCKET_READ(sets.set[TABLE_FIRST]->slot[place].key) != key)
		place = -1;
	for (int i = 0; place < 0 && i < TABLE_SETS; i++)
		place = table_look(sets.set, i, key);
	if (place < 0)
		return false;
	*ret = client_at_place(clients, key, &sets, place);
	return true;
}

bool clients_place_key(const struct clients *clients, uint64_t key, uint64_t id_lo, uint64_t now_ns,
		       struct client_at *ret)
{
	struct client_sets sets = clients_sets(clients, key);
	int place = table_place(sets.set, key, clients->rules, now_ns);

	*ret = client_at_place(clients, key, &sets, place);
	if (place >= 0)
		BUCKET_WRITE(ret->side->id_lo[place & TABLE_WAY], id_lo);
	return place >= 0;
}

bool clients_place(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns,
		   struct client_at *ret)
{
	return clients_place_key(clients, table_key(id, clients->config->secret), id.lo, now_ns,
				 ret);
}

struct client_at clients_overflow(const struct clients *clients, struct hatago_client_id id)
{
	uint64_t key = table_key(id, clients->config->secret);
	struct client_sets sets = clients_sets(clients, key);

	return client_at_place(clients, key, &sets, -1);
}

static bool clients_set_has_room(const struct hatago_set *set, const struct hatago_rules *rules,
				 uint64_t now_ns)
{
	for (uint32_t way = 0; way < HATAGO_WAYS; way++)
		if (!BUCKET_READ(set->slot[way].key) ||
		    slot_is_idle(&set->slot[way], rules, now_ns))
			return true;
	return false;
}

bool clients_has_room(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns)
{
	uint64_t key = table_key(id, clients->config->secret);
	struct client_sets sets = clients_sets(clients, key);

	for (int i = 0; i < TABLE_SETS; i++)
		if (clients_set_has_room(sets.set[i], clients->rules, now_ns))
			return true;
	return false;
}

uint32_t clients_set_count(uint32_t max_clients)
{
	uint64_t slots = (uint64_t)max_clients + max_clients / 4;

	return (uint32_t)((slots + HATAGO_WAYS - 1) / HATAGO_WAYS);
}

void clients_keep(const struct client_at *at, uint64_t now_ns, uint64_t life_ns)
{
	if (at->place >= 0 && at->slot != &at->first->slot[table_home(at->key)])
		table_keep(at->first, at->key, at->place, now_ns, life_ns);
}
