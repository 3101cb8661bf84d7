/* SPDX-License-Identifier: MIT */
/*
 * Which clients lie in a prefix: the prefix turned once into bits of a client's id, so
 * that each client costs a comparison. Pure; of scan.c's.
 */
#ifndef HATAGO_CORE_SCAN_FILTER_H
#define HATAGO_CORE_SCAN_FILTER_H

#include <stdbool.h>

#include "core/clients.h"

/* The bits that a client's id must have. */
struct scan_filter {
	struct hatago_client_id mask, value;
	bool is_ipv4;
};

/* Clients that lie in the prefix, and the one client that holds it where it is longer. */
struct scan_filter scan_filter_make(const struct hatago_prefix *prefix,
				    const struct hatago_rules *rules);

static inline bool scan_is_within(struct hatago_client_id id, const struct scan_filter *filter)
{
	return client_id_is_ipv4(id) == filter->is_ipv4 &&
	       (id.hi & filter->mask.hi) == filter->value.hi &&
	       (id.lo & filter->mask.lo) == filter->value.lo;
}

#endif
