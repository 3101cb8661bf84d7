/* SPDX-License-Identifier: MIT */
/*
 * A client table in the process's own memory, for a gate without an edge and for clients
 * that are no addresses. Used through the same struct clients as the edge's, by the same
 * functions; no packet is ever charged to it. Pages are taken from the system as clients
 * come.
 */
#ifndef HATAGO_CORE_CLIENTS_OWN_H
#define HATAGO_CORE_CLIENTS_OWN_H

#include <stddef.h>
#include <stdint.h>

#include "core/clients.h"

struct clients_own;

/*
 * An empty table for so many clients (HATAGO_CLIENTS_MIN to HATAGO_CLIENTS_MAX) with rules
 * that are all zero. secret: 128 random bits. 0, -ERANGE or -ENOMEM; free accepts NULL.
 */
int clients_own_new(uint32_t max_clients, const uint64_t secret[2], struct clients_own **ret);
void clients_own_free(struct clients_own *own);

/* The table under the rules in force now; to be asked anew for each use. */
struct clients clients_own_view(struct clients_own *own);
/*
 * Puts a copy of the rules in force, for other threads too, but for the limits of the
 * packet path. One thread at a time; a view that was made before the last call but one
 * may see a mixture.
 */
void clients_own_set_rules(struct clients_own *own, const struct hatago_rules *rules);

/*
 * The client behind a name, such as a header's value: 96 bits of a keyed hash and a tag
 * that no address has (as IPv4's, a multicast address of IPv6). Such a client is not to be
 * put in the edge's table, whose clients are addresses.
 */
struct hatago_client_id clients_named_id(const char *text, size_t size, const uint64_t secret[2]);

#endif
