/* SPDX-License-Identifier: MIT */
/*
 * See table.h. Carrying over keeps the secret, so a client's key stays what it is and only
 * its set changes. Frames go on meanwhile in the old table: the second call, once the
 * programs use the new one, takes over what they did there.
 */
#include "kern/table.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "core/clients.h"
#include "core/connections.h"
#include "core/requests.h"
#include "core/standing.h"
#include "kern/pins.h"

static void *table_map(int fd, size_t size)
{
	const struct pins_map map = {.fd = fd, .writable = true};

	return pins_map_values(&map, size);
}

static int table_secret(uint64_t ret[2], struct err *err)
{
	if (getrandom(ret, 2 * sizeof(ret[0]), 0) != 2 * sizeof(ret[0]))
		return err_set(err, -EIO, "the kernel gives no random numbers");
	ret[1] |= 1; /* invertible */
	return 0;
}

int table_make(uint32_t max_clients, const uint64_t secret[2], bool with_lists,
	       const struct hatago_rules *rules, struct table *ret, struct err *err)
{
	struct table t = {.maps = PROGRAM_NO_MAPS, .set_count = clients_set_count(max_clients)};
	uint64_t fresh[2];
	int r = secret ? 0 : table_secret(fresh, err);

	if (r == 0)
		r = program_make_maps(t.set_count, with_lists, &t.maps, err);
	if (r < 0)
		return r;
	t.config = table_map(t.maps.config, sizeof(*t.config));
	t.sets = table_map(t.maps.clients, t.set_count * sizeof(*t.sets));
	t.sides = table_map(t.maps.sides, t.set_count * sizeof(*t.sides));
	if (!t.config || !t.sets || !t.sides) {
		r = err_set(err, -errno, "can't map the client table: %s", strerror(errno));
		table_done(&t);
		return r;
	}
	t.config->magic = HATAGO_ABI_MAGIC;
	t.config->abi_version = HATAGO_ABI_VERSION;
	t.config->set_count = t.set_count;
	t.config->front_count = table_front_count(t.set_count);
	memcpy(t.config->secret, secret ? secret : fresh, sizeof(t.config->secret));
	t.config->rules[0] = *rules;
	*ret = t;
	return 0;
}

void table_done(struct table *table)
{
	if (table->config)
		munmap(table->config, sizeof(*table->config));
	if (table->sets)
		munmap(table->sets, table->set_count * sizeof(*table->sets));
	if (table->sides)
		munmap(table->sides, table->set_count * sizeof(*table->sides));
	program_maps_close(&table->maps);
	*table = (struct table){.maps = PROGRAM_NO_MAPS};
}

/* Both may be in use: what was done in either counts. */
static void table_merge(struct hatago_slot *to, const struct hatago_slot *from, uint64_t now_ns)
{
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if ((int64_t)(from->tat[d] - to->tat[d]) > 0)
			to->tat[d] = from->tat[d];
	to->standing = standing_join(to->standing, from->standing, now_ns);
	if (from->packets > to->packets) {
		to->packets = from->packets;
		to->bytes = from->bytes;
		to->drops = from->drops;
	}
}

/* Carries one slot over; false where all of its new set's slots are live. */
static bool table_carry_slot(const struct view *from, uint32_t index, int way,
			     const struct clients *to, uint64_t now_ns)
{
	struct hatago_slot *slot = &from->sets[index].slot[way];
	const struct client_at old = {
		.key = slot->key, .slot = slot, .side = &from->sides[index], .place = way};
	struct client_at at;

	if (!clients_place_key(to, slot->key, from->sides[index].id_lo[way], now_ns, &at))
		return false;
	clients_keep(&at, now_ns, slot_life(slot, to->rules, now_ns));
	table_merge(at.slot, slot, now_ns);
	requests_carry(&old, &at, now_ns);
	connections_carry(&old, &at);
	return true;
}

static void table_carry_some(const struct view *from, bool banned, const struct clients *to,
			     uint64_t now_ns, struct table_carried *carried)
{
	uint32_t tick = tick_of(now_ns);
	const struct hatago_rules *rules = view_rules(from);

	for (uint32_t i = 0; i < from->set_count; i++)
		for (int w = 0; w < (int)HATAGO_WAYS; w++) {
			const struct hatago_slot *slot = &from->sets[i].slot[w];

			if (!slot->key || slot_is_banned(slot, tick) != banned ||
			    slot_is_idle(slot, rules, now_ns))
				continue;
			if (table_carry_slot(from, i, w, to, now_ns)) {
				carried->clients++;
			} else {
				carried->lost++;
				carried->lost_bans += banned;
			}
		}
}

void table_carry(const struct view *from, struct table *to, uint64_t now_ns,
		 struct table_carried *ret)
{
	const struct clients clients = {
		.sets = to->sets,
		.sides = to->sides,
		.front_count = to->config->front_count,
		.set_count = to->set_count,
		.config = to->config,
		.rules = view_rules(from),
	};
	struct table_carried carried = {};

	table_carry_some(from, true, &clients, now_ns, &carried);
	table_carry_some(from, false, &clients, now_ns, &carried);
	*ret = carried;
}

uint32_t table_bans(const struct view *view, uint64_t now_ns)
{
	uint32_t tick = tick_of(now_ns), bans = 0;

	for (uint32_t i = 0; i < view->set_count; i++)
		for (int w = 0; w < (int)HATAGO_WAYS; w++)
			bans += slot_is_banned(&view->sets[i].slot[w], tick);
	return bans;
}
