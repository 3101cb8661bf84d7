/* SPDX-License-Identifier: MIT */
/*
 * The client table as core/ is handed it: where its parts lie in memory and which rules
 * are in force. A plain value that owns nothing; whoever mapped the table fills it, anew
 * for each use, since the rules in force change.
 */
#ifndef HATAGO_CORE_CLIENTS_H
#define HATAGO_CORE_CLIENTS_H

#include <stdint.h>

#include "hatago/abi.h"
#include "hatago/table.h"

struct clients {
	struct hatago_set *sets;
	struct hatago_side *sides; /* as many as there are sets */
	uint32_t set_count;	   /* config->set_count, or fewer: what is mapped */
	const struct hatago_config *config;
	const struct hatago_rules *rules; /* those in force */
};

/* The set that a key leads to; its side has the same index. */
static inline uint32_t clients_index(const struct clients *clients, uint64_t key)
{
	return table_set_index(key, clients->set_count);
}

#endif
