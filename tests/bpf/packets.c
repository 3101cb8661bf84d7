// SPDX-License-Identifier: MIT
/*
 * Builds a frame from its layers, from the innermost outwards: each layer is written in
 * front of what it holds, so that it knows its length and what follows it. Formats are
 * RFC 791, 768, 792, 4302, 4443, 8200 and 9293, IEEE 802.1Q.
 */
#include "packets.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEXT_NONE 59 /* IPv6's "no next header" */

/* What is inside of the layer that is being written. */
struct inside {
	uint8_t *at;	    /* its first byte; the layer goes before it */
	size_t length;	    /* of all of it */
	uint16_t ethertype; /* what an Ethernet or VLAN header calls it */
	int protocol;	    /* what an IP header calls it; -1: nothing that IP knows */
};

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* The value of a length field: right, off by the layer's error, or 0. */
static unsigned int claim_length(const struct layer *l, size_t right)
{
	return l->zero_length ? 0 : (unsigned int)((int)right + l->length_error);
}

static uint8_t *grow(struct inside *in, size_t bytes)
{
	in->at -= bytes;
	in->length += bytes;
	memset(in->at, 0, bytes);
	return in->at;
}

static uint8_t next_header(const struct layer *l, const struct inside *in)
{
	if (l->next)
		return l->next;
	return in->protocol < 0 ? NEXT_NONE : (uint8_t)in->protocol;
}

static void put_address(int family, const char *text, const char *usual, uint8_t *at)
{
	if (inet_pton(family, text ? text : usual, at) != 1) {
		fprintf(stderr, "packets: %s is no address\n", text);
		abort();
	}
}

static void write_ethernet(const struct layer *l, struct inside *in)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	uint8_t *at = grow(in, ETH_HLEN);

	memcpy(at, macs, sizeof(macs));
	put16(at + 12, l->type ? l->type : in->ethertype);
}

static void write_vlan(const struct layer *l, struct inside *in)
{
	uint8_t *at = grow(in, 4);

	put16(at, 100);
	put16(at + 2, in->ethertype);
	in->ethertype = l->type ? l->type : ETH_P_8021Q;
}

static void write_ipv4(const struct layer *l, struct inside *in)
{
	size_t words = l->words ? l->words : 5;
	size_t claimed = l->claimed ? l->claimed - 1u : words;
	uint8_t *at = grow(in, words * 4);

	memset(at + 20, 1, words * 4 - 20); /* NOPs */
	at[0] = (uint8_t)((l->version ? l->version : 4) << 4 | claimed);
	put16(at + 2, claim_length(l, in->length));
	put16(at + 6, l->fragment);
	at[8] = l->hop_limit ? l->hop_limit : 64;
	at[9] = next_header(l, in);
	put_address(AF_INET, l->source, "198.51.100.7", at + 12);
	put_address(AF_INET, l->destination, "192.0.2.1", at + 16);
	in->ethertype = ETH_P_IP;
	in->protocol = IPPROTO_IPIP;
}

static void write_ipv6(const struct layer *l, struct inside *in)
{
	size_t payload = in->length;
	uint8_t *at = grow(in, 40);

	at[0] = (uint8_t)((l->version ? l->version : 6) << 4);
	put16(at + 4, claim_length(l, payload));
	at[6] = next_header(l, in);
	at[7] = l->hop_limit ? l->hop_limit : 64;
	put_address(AF_INET6, l->source, "2001:db8:7::7", at + 8);
	put_address(AF_INET6, l->destination, "2001:db8:1::1", at + 24);
	in->ethertype = ETH_P_IPV6;
	in->protocol = IPPROTO_IPV6;
}

static void write_extension(const struct layer *l, struct inside *in)
{
	size_t size = l->size ? l->size : 8;
	uint8_t *at = grow(in, size);

	at[0] = next_header(l, in);
	at[1] = (uint8_t)claim_length(l, size / 8 - 1);
	in->protocol = l->type;
}

static void write_fragment(const struct layer *l, struct inside *in)
{
	uint8_t *at = grow(in, 8);

	at[0] = next_header(l, in);
	put16(at + 2, l->fragment);
	in->protocol = IPPROTO_FRAGMENT;
}

static void write_ah(const struct layer *l, struct inside *in)
{
	size_t size = l->size ? l->size : 24;
	uint8_t *at = grow(in, size);

	at[0] = next_header(l, in);
	at[1] = (uint8_t)claim_length(l, size / 4 - 2);
	in->protocol = IPPROTO_AH;
}

static void write_tcp(const struct layer *l, struct inside *in)
{
	size_t words = l->words ? l->words : 5;
	size_t claimed = l->claimed ? l->claimed - 1u : words;
	uint8_t *at = grow(in, words * 4);

	memset(at + 20, 1, words * 4 - 20); /* NOPs */
	put16(at, 40000);
	put16(at + 2, l->port);
	put16(at + 4, l->sequence >> 16);
	put16(at + 6, l->sequence & 0xffff);
	at[12] = (uint8_t)(claimed << 4);
	at[13] = l->flags;
	in->protocol = IPPROTO_TCP;
}

static void write_udp(const struct layer *l, struct inside *in)
{
	uint8_t *at = grow(in, 8);

	put16(at, 40000);
	put16(at + 2, l->port);
	put16(at + 4, claim_length(l, in->length));
	in->protocol = IPPROTO_UDP;
}

/* ICMP and ICMPv6 begin alike; ip_kind tells which it is. */
static void write_icmp(const struct layer *l, struct inside *in, enum layer_kind ip_kind)
{
	uint8_t *at = grow(in, 8);

	at[0] = (uint8_t)l->type;
	in->protocol = ip_kind == LAYER_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

static void write_raw(const struct layer *l, struct inside *in)
{
	memset(grow(in, l->size), 0xda, l->size);
	in->protocol = l->kind == LAYER_IGNORED ? l->type : -1;
}

static void write_layer(const struct layer *l, enum layer_kind ip_kind, struct inside *in)
{
	switch (l->kind) {
	case LAYER_ETHERNET:
		return write_ethernet(l, in);
	case LAYER_VLAN:
		return write_vlan(l, in);
	case LAYER_IPV4:
		return write_ipv4(l, in);
	case LAYER_IPV6:
		return write_ipv6(l, in);
	case LAYER_EXTENSION:
		return write_extension(l, in);
	case LAYER_FRAGMENT:
		return write_fragment(l, in);
	case LAYER_AH:
		return write_ah(l, in);
	case LAYER_TCP:
		return write_tcp(l, in);
	case LAYER_UDP:
		return write_udp(l, in);
	case LAYER_ICMP:
		return write_icmp(l, in, ip_kind);
	case LAYER_IGNORED:
	case LAYER_RAW:
		return write_raw(l, in);
	case LAYER_END:
		break;
	}
}

void packet_build(const struct layer layers[PACKET_LAYERS_MAX], size_t cut,
		  struct packet_frame *ret)
{
	struct inside in = {.at = ret->bytes + sizeof(ret->bytes), .protocol = -1};
	enum layer_kind ip_kind = LAYER_IPV4;
	size_t count = 0;

	for (; count < PACKET_LAYERS_MAX && layers[count].kind != LAYER_END; count++)
		if (layers[count].kind == LAYER_IPV6)
			ip_kind = LAYER_IPV6;
	while (count--)
		write_layer(&layers[count], ip_kind, &in);
	memmove(ret->bytes, in.at, in.length);
	ret->length = cut && cut < in.length ? cut : in.length;
}

void packet_source(struct packet_frame *frame, size_t offset, const char *address)
{
	if (frame->bytes[offset] >> 4 == 4)
		put_address(AF_INET, address, NULL, frame->bytes + offset + 12);
	else
		put_address(AF_INET6, address, NULL, frame->bytes + offset + 8);
}
