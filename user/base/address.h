/* SPDX-License-Identifier: MIT */
/*
 * Addresses and prefixes as text and as the lists hold them: 128 bits in network
 * order, IPv4 as ::ffff:a.b.c.d with 96 added to the length. Also from an address to
 * the client that holds it and back. Resolves no names. Pure.
 */
#ifndef HATAGO_BASE_ADDRESS_H
#define HATAGO_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "hatago/abi.h"

#define PREFIX_TEXT_MAX	 52 /* "ffff:…:255.255.255.255/128" and its NUL */
#define PREFIX_IPV4_BITS 96 /* what IPv4 adds to a length */

/*
 * "192.0.2.0/24", "2001:db8::/48"; without a length: one address. ::ffff:192.0.2.1 is IPv4.
 * -EINVAL: no prefix; -EDOM: bits beyond the length are set; -ERANGE: an IPv6 prefix so
 * short that it would hold all IPv4 as well in the lists' form (::/0).
 */
int prefix_parse(const char *text, struct hatago_prefix *ret);
/* The same, and says in words what is wrong and what would be right. */
int prefix_read(const char *text, struct hatago_prefix *ret, struct err *err);
/* "192.0.2.0/24"; the length is left out where it is a single address. */
void prefix_format(const struct hatago_prefix *prefix, char buf[PREFIX_TEXT_MAX]);
bool prefix_is_ipv4(const struct hatago_prefix *prefix);
bool prefix_equal(const struct hatago_prefix *a, const struct hatago_prefix *b);
/* Clears the bits beyond the length. */
void prefix_cut(struct hatago_prefix *prefix);
bool prefix_covers(const struct hatago_prefix *prefix, const uint8_t address[16]);

/* The client that holds this address under the rules' client prefixes. */
struct hatago_client_id prefix_client(const struct hatago_prefix *address,
				      const struct hatago_rules *rules);
/* For display: the client as a prefix of the rules' length. */
void client_id_prefix(struct hatago_client_id id, const struct hatago_rules *rules,
		      struct hatago_prefix *ret);

#endif
