/* SPDX-License-Identifier: MIT */
/*
 * Builds the frames of a flood: TCP SYN or UDP, IPv4 or IPv6, with right checksums, from
 * source number n of many. Pure. Sends nothing; that is flood.c's.
 */
#ifndef HATAGO_TOOLS_FRAME_H
#define HATAGO_TOOLS_FRAME_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	FRAME_BYTES_MIN = 60, /* as on a wire, without its checksum */
	FRAME_BYTES_MAX = 9014,
	FRAME_TCP_HEADER = 20,
	FRAME_UDP_HEADER = 8,
	FRAME_PORTS = 32768, /* source ports, from 32768 on */
};

struct frame_plan {
	bool is_ipv6, is_udp;
	uint32_t sources;  /* first, first + 1, .. */
	uint8_t first[16]; /* IPv4: the first four bytes */
	uint8_t to[16];
	uint16_t port;	 /* host order */
	uint16_t length; /* of the whole frame */
	uint8_t mac_from[ETH_ALEN], mac_to[ETH_ALEN];
};

/* Adds up 16-bit words as RFC 1071 does. */
static inline uint32_t frame_sum(uint32_t sum, const void *data, size_t length)
{
	const uint8_t *p = data;

	for (; length > 1; length -= 2, p += 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	return length ? sum + (uint32_t)(p[0] << 8) : sum;
}

static inline uint16_t frame_checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static inline void frame_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/*
 * Source n: counted up in the last 32 bits of IPv4, and of IPv6 in those before the
 * 64th bit, so that each is a client of its own under /64 too.
 */
static inline void frame_source(const struct frame_plan *plan, uint32_t n, uint8_t *to)
{
	uint32_t word;

	memcpy(to, plan->first, plan->is_ipv6 ? 16 : 4);
	to += plan->is_ipv6 ? 4 : 0;
	memcpy(&word, to, sizeof(word));
	word = htonl(ntohl(word) + n);
	memcpy(to, &word, sizeof(word));
}

static inline void frame_transport(const struct frame_plan *plan, uint64_t number, uint8_t *at,
				   uint16_t length, uint32_t pseudo_sum)
{
	uint16_t from = (uint16_t)(32768 + number / plan->sources % FRAME_PORTS), sum;
	uint32_t sequence = (uint32_t)number * 2654435761u;

	frame_put16(at, from);
	frame_put16(at + 2, plan->port);
	if (plan->is_udp) {
		frame_put16(at + 4, length);
		frame_put16(at + 6, 0);
	} else {
		memcpy(at + 4, &sequence, sizeof(sequence));
		memset(at + 8, 0, 4);
		at[12] = FRAME_TCP_HEADER / 4 << 4;
		at[13] = 0x02;
		frame_put16(at + 14, 64240);
		memset(at + 16, 0, 4);
	}
	sum = frame_checksum(frame_sum(pseudo_sum, at, length));
	if (plan->is_udp && sum == 0)
		sum = 0xffff;
	memcpy(at + (plan->is_udp ? 6 : 16), &sum, sizeof(sum));
}

/* Writes frame `number` of the flood into `frame`, plan->length bytes that were zeroed once. */
static inline void frame_make(const struct frame_plan *plan, uint64_t number, uint8_t *frame)
{
	uint8_t protocol = plan->is_udp ? IPPROTO_UDP : IPPROTO_TCP, *ip = frame + ETH_HLEN;
	uint16_t whole = (uint16_t)(plan->length - ETH_HLEN), length;
	uint32_t source = (uint32_t)(number % plan->sources), pseudo;
	uint16_t sum;

	if (!plan->is_ipv6 && !plan->is_udp && plan->length == FRAME_BYTES_MIN)
		whole = 20 + FRAME_TCP_HEADER; /* the rest pads the frame, as on a wire */
	memcpy(frame, plan->mac_to, ETH_ALEN);
	memcpy(frame + ETH_ALEN, plan->mac_from, ETH_ALEN);
	frame_put16(frame + 12, plan->is_ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	if (plan->is_ipv6) {
		length = (uint16_t)(whole - 40);
		ip[0] = 0x60;
		frame_put16(ip + 4, length);
		ip[6] = protocol;
		ip[7] = 64;
		frame_source(plan, source, ip + 8);
		memcpy(ip + 24, plan->to, 16);
		pseudo = frame_sum(0, ip + 8, 32) + protocol + length;
		frame_transport(plan, number, ip + 40, length, pseudo);
		return;
	}
	length = (uint16_t)(whole - 20);
	ip[0] = 0x45;
	frame_put16(ip + 2, whole);
	ip[8] = 64;
	ip[9] = protocol;
	frame_put16(ip + 10, 0);
	frame_source(plan, source, ip + 12);
	memcpy(ip + 16, plan->to, 4);
	sum = frame_checksum(frame_sum(0, ip, 20));
	memcpy(ip + 10, &sum, sizeof(sum));
	pseudo = frame_sum(0, ip + 12, 8) + protocol + length;
	frame_transport(plan, number, ip + 20, length, pseudo);
}

/* Bytes of the headers; a shorter frame can't be made. */
static inline uint16_t frame_bytes_least(const struct frame_plan *plan)
{
	int least = ETH_HLEN + (plan->is_ipv6 ? 40 : 20) +
		    (plan->is_udp ? FRAME_UDP_HEADER : FRAME_TCP_HEADER);

	return (uint16_t)(least > FRAME_BYTES_MIN ? least : FRAME_BYTES_MIN);
}

#endif
