// SPDX-License-Identifier: MIT
/*
 * See peers.h.
 */
#include "gate/peers.h"

#include <stdlib.h>

#include "gate/parts.h"

/* Spread by the table's cipher under a secret: nobody can choose colliding ones. */
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = (unsigned int)*(const uint64_t *)(keyptr))
#define HASH_NONFATAL_OOM		     1
#define uthash_nonfatal_oom(added)	     ((added) = NULL)
#include <uthash.h>

struct peer {
	uint64_t key;
	uint32_t connections;
	UT_hash_handle hh;
};

static struct peer *peer_new(struct gate *gate, uint64_t key)
{
	struct peer *peer = calloc(1, sizeof(*peer)), *added = peer;

	if (!peer)
		return NULL;
	peer->key = key;
	HASH_ADD(hh, gate->peers, key, sizeof(key), added);
	if (!added)
		free(peer);
	return added;
}

bool peers_enter(struct gate *gate, struct hatago_client_id id, uint32_t max)
{
	uint64_t key = gate_key(gate, id);
	struct peer *peer;
	bool may;

	uv_mutex_lock(&gate->lock);
	HASH_FIND(hh, gate->peers, &key, sizeof(key), peer);
	if (!peer)
		peer = peer_new(gate, key);
	may = peer && peer->connections < max;
	if (may)
		peer->connections++;
	uv_mutex_unlock(&gate->lock);
	return may;
}

void peers_leave(struct gate *gate, struct hatago_client_id id)
{
	uint64_t key = gate_key(gate, id);
	struct peer *peer;

	uv_mutex_lock(&gate->lock);
	HASH_FIND(hh, gate->peers, &key, sizeof(key), peer);
	if (peer && --peer->connections == 0) {
		HASH_DELETE(hh, gate->peers, peer);
		free(peer);
	}
	uv_mutex_unlock(&gate->lock);
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
