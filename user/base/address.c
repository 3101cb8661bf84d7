/* SPDX-License-Identifier: MIT */
/*
 * See address.h. One form for both families: the mapped form of abi.h, in which the
 * two can't be confused and one trie holds them both.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "hatago/table.h"

#define IPV6_BITS 128

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* The mask of byte i of a prefix of this length. */
static uint8_t prefix_mask(uint32_t length, unsigned int i)
{
	if (length >= (i + 1) * 8)
		return 0xff;
	return length <= i * 8 ? 0 : (uint8_t)(0xff00 >> (length - i * 8));
}

static bool address_is_mapped(const uint8_t address[16])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

bool prefix_covers(const struct hatago_prefix *prefix, const uint8_t address[16])
{
	for (unsigned int i = 0; i < 16; i++)
		if ((prefix->address[i] ^ address[i]) & prefix_mask(prefix->length, i))
			return false;
	return true;
}

void prefix_cut(struct hatago_prefix *prefix)
{
	for (unsigned int i = 0; i < 16; i++)
		prefix->address[i] &= prefix_mask(prefix->length, i);
}

bool prefix_is_ipv4(const struct hatago_prefix *prefix)
{
	return prefix->length >= PREFIX_IPV4_BITS && address_is_mapped(prefix->address);
}

bool prefix_equal(const struct hatago_prefix *a, const struct hatago_prefix *b)
{
	return a->length == b->length && memcmp(a->address, b->address, 16) == 0;
}

/* The address part and its family's bits before the length: 96 for IPv4, 0 for IPv6. */
static int address_parse(const char *text, uint8_t address[16], uint32_t *ret_before)
{
	*ret_before = 0;
	if (strchr(text, ':'))
		return inet_pton(AF_INET6, text, address) == 1 ? 0 : -EINVAL;
	*ret_before = PREFIX_IPV4_BITS;
	memcpy(address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, address + sizeof(mapped)) == 1 ? 0 : -EINVAL;
}

/* Parses without a look at the bits beyond the length. */
static int prefix_parse_loose(const char *text, struct hatago_prefix *ret)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct hatago_prefix prefix;
	char address[INET6_ADDRSTRLEN];
	uint64_t bits = IPV6_BITS;
	uint32_t before;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (address_parse(address, prefix.address, &before) < 0)
		return -EINVAL;
	if (slash) {
		if (!text_to_u64(slash + 1, 0, IPV6_BITS - before, &bits))
			return -EINVAL;
		bits += before;
	}
	prefix.length = (uint32_t)bits;
	*ret = prefix;
	return 0;
}

int prefix_parse(const char *text, struct hatago_prefix *ret)
{
	struct hatago_prefix prefix, cut;
	int r = prefix_parse_loose(text, &prefix);

	if (r < 0)
		return r;
	cut = prefix;
	prefix_cut(&cut);
	if (!prefix_equal(&cut, &prefix))
		return -EDOM;
	if (prefix.length < PREFIX_IPV4_BITS) {
		uint8_t ipv4[16] = {0};

		memcpy(ipv4, mapped, sizeof(mapped));
		if (prefix_covers(&prefix, ipv4))
			return -ERANGE;
	}
	*ret = prefix;
	return 0;
}

int prefix_read(const char *text, struct hatago_prefix *ret, struct err *err)
{
	char right[PREFIX_TEXT_MAX];
	struct hatago_prefix cut;
	int r = prefix_parse(text, ret);

	switch (r) {
	case -EDOM:
		prefix_parse_loose(text, &cut);
		prefix_cut(&cut);
		prefix_format(&cut, right);
		return err_set(err, r, "%s has bits set beyond its length; that prefix is %s", text,
			       right);
	case -ERANGE:
		return err_set(err, r,
			       "%s would hold all of IPv4 too; 2000::/3 is all global IPv6, "
			       "0.0.0.0/0 all IPv4",
			       text);
	case -EINVAL:
		return err_set(err, r,
			       "'%.64s' is no address or prefix; such as 192.0.2.1, 192.0.2.0/24, "
			       "2001:db8::/48",
			       text);
	default:
		return r;
	}
}

void prefix_format(const struct hatago_prefix *prefix, char buf[PREFIX_TEXT_MAX])
{
	bool ipv4 = prefix_is_ipv4(prefix);
	const uint8_t *address = prefix->address + (ipv4 ? sizeof(mapped) : 0);
	size_t used;

	inet_ntop(ipv4 ? AF_INET : AF_INET6, address, buf, PREFIX_TEXT_MAX);
	used = strlen(buf);
	if (prefix->length < IPV6_BITS)
		snprintf(buf + used, PREFIX_TEXT_MAX - used, "/%u",
			 prefix->length - (ipv4 ? PREFIX_IPV4_BITS : 0));
}

struct hatago_client_id prefix_client(const struct hatago_prefix *address,
				      const struct hatago_rules *rules)
{
	__be32 ipv4;
	uint64_t half[2];

	if (address_is_mapped(address->address)) {
		memcpy(&ipv4, address->address + sizeof(mapped), sizeof(ipv4));
		return client_id_ipv4(ipv4, rules);
	}
	memcpy(half, address->address, sizeof(half));
	return client_id_ipv6(half[0], half[1], rules);
}

void client_id_prefix(struct hatago_client_id id, const struct hatago_rules *rules,
		      struct hatago_prefix *ret)
{
	struct hatago_prefix prefix = {0};

	if (client_id_is_ipv4(id)) {
		memcpy(prefix.address, mapped, sizeof(mapped));
		memcpy(prefix.address + sizeof(mapped), (const uint8_t *)&id.hi + 4, 4);
		prefix.length = PREFIX_IPV4_BITS + (uint32_t)__builtin_popcount(rules->ipv4_mask);
	} else {
		memcpy(prefix.address, &id.hi, sizeof(id.hi));
		memcpy(prefix.address + 8, &id.lo, sizeof(id.lo));
		prefix.length = (uint32_t)(__builtin_popcountll(rules->ipv6_mask_hi) +
					   __builtin_popcountll(rules->ipv6_mask_lo));
	}
	*ret = prefix;
}
