// SPDX-License-Identifier: MIT
/*
 * See peers.h.
 */
#include "gate/peers.h"

#include <stdlib.h>

#include "core/connections.h"
#include "gate/parts.h"

/* Spread by the table's cipher under a secret: nobody can choose colliding ones. */
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = (unsigned int)*(const uint64_t *)(keyptr))
#define HASH_NONFATAL_OOM		     1
#define uthash_nonfatal_oom(added)	     ((added) = NULL)
#include <uthash.h>

#define REFRESH_AT_ONCE 64 /* while the lock is held */

struct peer {
	uint64_t key;
	struct hatago_client_id id;
	uint32_t connections;
	uint32_t direct;    /* of them, made by the client itself */
	uint64_t told_ns;   /* when the edge was last told; 0: not yet */
	struct list oldest; /* in gate->peers_told, by told_ns; in none without direct ones */
	UT_hash_handle hh;
};

static struct peer *peer_find(const struct gate *gate, uint64_t key)
{
	struct peer *peer;

	HASH_FIND(hh, gate->peers, &key, sizeof(key), peer);
	return peer;
}

static struct peer *peer_new(struct gate *gate, uint64_t key, struct hatago_client_id id)
{
	struct peer *peer = calloc(1, sizeof(*peer)), *added = peer;

	if (!peer)
		return NULL;
	peer->key = key;
	peer->id = id;
	list_init(&peer->oldest);
	HASH_ADD(hh, gate->peers, key, sizeof(key), added);
	if (!added)
		free(peer);
	return added;
}

static void peer_drop(struct gate *gate, struct peer *peer)
{
	list_remove(&peer->oldest);
	HASH_DELETE(hh, gate->peers, peer); /* NOLINT: the macro's own links */
	free(peer);
}

/* The edge's table with the rules in force; false: there is none. */
static bool edge_clients(const struct gate *gate, struct clients *ret)
{
	*ret = gate->edge;
	if (!ret->sets)
		return false;
	ret->rules = &ret->config->rules[ret->config->active & 1];
	return true;
}

/* Without a slot for it in the edge's table the client is a stranger there, and uncounted. */
static void peer_tell(struct gate *gate, struct peer *peer, uint64_t now_ns)
{
	struct clients clients;

	if (!edge_clients(gate, &clients))
		return;
	connections_set(&clients, peer->id, peer->direct, now_ns, gate->settings->trust_ns);
	peer->told_ns = now_ns;
	list_remove(&peer->oldest);
	if (peer->direct)
		list_append(&gate->peers_told, &peer->oldest);
}

void peers_trust(struct gate *gate, struct hatago_client_id proxy, uint64_t now_ns)
{
	struct clients clients;

	uv_mutex_lock(&gate->lock);
	if (edge_clients(gate, &clients))
		connections_trust(&clients, proxy, now_ns, gate->settings->trust_ns);
	uv_mutex_unlock(&gate->lock);
}

bool peers_enter(struct gate *gate, struct hatago_client_id id, uint32_t max, bool is_direct,
		 uint64_t now_ns)
{
	uint64_t key = gate_key(gate, id);
	struct peer *peer;
	bool may;

	uv_mutex_lock(&gate->lock);
	peer = peer_find(gate, key);
	if (!peer)
		peer = peer_new(gate, key, id);
	may = peer && (!max || peer->connections < max);
	if (may) {
		peer->connections++;
		peer->direct += is_direct;
	}
	if (may && is_direct)
		peer_tell(gate, peer, now_ns);
	uv_mutex_unlock(&gate->lock);
	return may;
}

void peers_leave(struct gate *gate, struct hatago_client_id id, bool is_direct, uint64_t now_ns)
{
	struct peer *peer;

	uv_mutex_lock(&gate->lock);
	peer = peer_find(gate, gate_key(gate, id));
	if (peer) {
		peer->connections--;
		peer->direct -= is_direct;
		if (is_direct)
			peer_tell(gate, peer, now_ns);
		if (!peer->connections)
			peer_drop(gate, peer);
	}
	uv_mutex_unlock(&gate->lock);
}

/* false: nobody is due any more. */
static bool refresh_some(struct gate *gate, uint64_t now_ns)
{
	for (int i = 0; i < REFRESH_AT_ONCE; i++) {
		struct list *first = list_first(&gate->peers_told);
		struct peer *peer = first ? LIST_ITEM(first, struct peer, oldest) : NULL;

		if (!peer || !gate->edge.sets ||
		    now_ns - peer->told_ns < gate->settings->trust_ns / 2)
			return false;
		peer_tell(gate, peer, now_ns);
	}
	return true;
}

void peers_refresh(struct gate *gate, uint64_t now_ns)
{
	bool has_more = true;

	while (has_more) {
		uv_mutex_lock(&gate->lock);
		has_more = refresh_some(gate, now_ns);
		uv_mutex_unlock(&gate->lock);
	}
}

void peers_forget_told(struct gate *gate)
{
	for (struct peer *peer = gate->peers; peer; peer = peer->hh.next) {
		peer->told_ns = 0;
		if (peer->direct)
			list_append(&gate->peers_told, &peer->oldest);
	}
}

void peers_done(struct gate *gate)
{
	struct peer *peer, *next;

	HASH_ITER(hh, gate->peers, peer, next)
	{
		HASH_DELETE(hh, gate->peers, peer); /* NOLINT: the macro's own links */
		free(peer);
	}
}
