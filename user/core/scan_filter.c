// SPDX-License-Identifier: MIT
/*
 * See scan_filter.h. A prefix is in the lists' form, IPv4 mapped into IPv6; an id has a
 * form of its own (hatago/abi.h), in which the two families can't be confused.
 */
#include "core/scan_filter.h"

#include <string.h>

#define FILTER_MAPPED_BITS 96 /* what IPv4 adds to a length */
#define FILTER_BITS	   128

/* The first n bits of 128, as an id's halves lie in memory. */
static struct hatago_client_id filter_mask(uint32_t n)
{
	uint8_t bytes[16] = {0};
	struct hatago_client_id mask;

	for (uint32_t bit = 0; bit < n && bit < FILTER_BITS; bit++)
		bytes[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	memcpy(&mask, bytes, sizeof(mask));
	return mask;
}

struct scan_filter scan_filter_make(const struct hatago_prefix *prefix,
				    const struct hatago_rules *rules)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t tag[4] = {TABLE_IPV4_TAG};
	struct scan_filter filter = {0};
	uint8_t bytes[16] = {0};

	if (prefix->length >= FILTER_MAPPED_BITS && memcmp(prefix->address, mapped, 12) == 0) {
		uint32_t bits = prefix->length - FILTER_MAPPED_BITS;
		uint32_t client = (uint32_t)__builtin_popcount(rules->ipv4_mask);

		filter.is_ipv4 = true;
		memcpy(bytes, tag, 4);
		memcpy(bytes + 4, prefix->address + 12, 4);
		filter.mask = filter_mask(32 + (bits < client ? bits : client));
		filter.mask.lo = ~0ULL;
	} else {
		memcpy(bytes, prefix->address, 16);
		filter.mask = filter_mask(prefix->length);
		filter.mask.hi &= rules->ipv6_mask_hi;
		filter.mask.lo &= rules->ipv6_mask_lo;
	}
	memcpy(&filter.value, bytes, sizeof(bytes));
	filter.value.hi &= filter.mask.hi;
	filter.value.lo &= filter.mask.lo;
	return filter;
}
