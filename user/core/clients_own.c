// SPDX-License-Identifier: MIT
/*
 * See clients_own.h. Two sets of rules take turns, as in the edge's configuration.
 */
#include "core/clients_own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

#define OWN_LINE      64 /* bytes of a cache line, which a slot is to be one of */
#define OWN_NAMED_TAG 0xff, 0xff, 0x00, 0x05

struct clients_own {
	struct hatago_config config;
	void *memory; /* as calloc() gave it */
	struct hatago_set *sets;
	struct hatago_side *sides;
};

int clients_own_new(uint32_t max_clients, const uint64_t secret[2], struct clients_own **ret)
{
	uint32_t sets = clients_set_count(max_clients);
	size_t size = sets * (sizeof(struct hatago_set) + sizeof(struct hatago_side)) + OWN_LINE;
	struct clients_own *own;

	if (max_clients < HATAGO_CLIENTS_MIN || max_clients > HATAGO_CLIENTS_MAX)
		return -ERANGE;
	own = calloc(1, sizeof(*own));
	if (own)
		own->memory = calloc(1, size); /* not touched until it is used */
	if (!own || !own->memory) {
		free(own);
		return -ENOMEM;
	}
	own->sets = (void *)((char *)own->memory + OWN_LINE - (uintptr_t)own->memory % OWN_LINE);
	own->sides = (struct hatago_side *)(own->sets + sets);
	own->config.magic = HATAGO_ABI_MAGIC;
	own->config.abi_version = HATAGO_ABI_VERSION;
	own->config.set_count = sets;
	own->config.front_count = table_front_count(sets);
	own->config.secret[0] = secret[0];
	own->config.secret[1] = secret[1] | 1; /* invertible */
	*ret = own;
	return 0;
}

void clients_own_free(struct clients_own *own)
{
	if (!own)
		return;
	free(own->memory);
	free(own);
}

struct clients clients_own_view(struct clients_own *own)
{
	uint32_t active = __atomic_load_n(&own->config.active, __ATOMIC_ACQUIRE);

	return (struct clients){
		.sets = own->sets,
		.sides = own->sides,
		.front_count = own->config.front_count,
		.set_count = own->config.set_count,
		.config = &own->config,
		.rules = &own->config.rules[active & 1],
	};
}

void clients_own_set_rules(struct clients_own *own, const struct hatago_rules *rules)
{
	uint32_t next = (own->config.active + 1) & 1;
	struct hatago_rules *copy = &own->config.rules[next];

	*copy = *rules;
	/* Nobody moves on the words that no packet is charged to: they would age. */
	copy->dimensions &= ~((1u << HATAGO_EDGE_DIMENSIONS) - 1);
	__atomic_store_n(&own->config.active, next, __ATOMIC_RELEASE);
}

struct hatago_client_id clients_named_id(const char *text, size_t size, const uint64_t secret[2])
{
	static const uint8_t tag[] = {OWN_NAMED_TAG};
	struct hatago_client_id id;
	uint64_t hash[2];

	siphash_128(text, size, secret, hash);
	id = (struct hatago_client_id){.hi = hash[0], .lo = hash[1]};
	memcpy(&id.hi, tag, sizeof(tag));
	return id;
}
