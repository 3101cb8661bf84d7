/* SPDX-License-Identifier: MIT */
/*
 * Frames for the tests, written as a list of layers from Ethernet inwards. Every length,
 * type and protocol field is right unless the layer lies about it, so that a row of a
 * table says only what is special about its frame. Checksums are zero: nothing on the
 * tested path reads them. Sends nothing; harness.h runs the frames.
 */
#ifndef HATAGO_TESTS_PACKETS_H
#define HATAGO_TESTS_PACKETS_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_BYTES_MAX      72000 /* as much as BPF_PROG_TEST_RUN takes */
#define PACKET_LAYERS_MAX     16
#define PACKET_ETHERNET_BYTES 14

enum layer_kind {
	LAYER_END,
	LAYER_ETHERNET,
	LAYER_VLAN,
	LAYER_IPV4,
	LAYER_IPV6,
	LAYER_EXTENSION, /* hop-by-hop, routing, destination options */
	LAYER_FRAGMENT,	 /* IPv6 */
	LAYER_AH,
	LAYER_TCP,
	LAYER_UDP,
	LAYER_ICMP,    /* ICMP behind IPv4, ICMPv6 behind IPv6 */
	LAYER_IGNORED, /* as RAW, for a protocol that the edge doesn't look into: set .type */
	LAYER_RAW,
};

enum { PACKET_FIN = 0x01, PACKET_SYN = 0x02, PACKET_RST = 0x04, PACKET_ACK = 0x10 };
enum { PACKET_MORE = 0x2000 };	/* IPv4: more fragments; the offset is in units of 8 bytes */
enum { PACKET_MORE6 = 0x0001 }; /* IPv6: the same, beside an offset in bytes (a multiple of 8) */

/* 0 or NULL stands for what is right, or usual. */
struct layer { /* NOLINT(clang-analyzer-optin.performance.Padding): in the order of meaning */
	enum layer_kind kind;
	uint16_t type;	    /* Ethernet: the ethertype, where it lies or nothing known follows;
			       VLAN: 0x88a8, else 0x8100; EXTENSION: its number, else 60;
			       ICMP: its type; IGNORED: its IP protocol */
	const char *source; /* an address */
	const char *destination;
	uint16_t port;	     /* destination; the source port is 40000 */
	uint8_t flags;	     /* TCP's */
	uint32_t sequence;   /* likewise */
	uint8_t version;     /* of IP, where it lies */
	uint8_t words;	     /* IPv4 and TCP: the header's length in words, with as many NOPs */
	uint8_t claimed;     /* IPv4 and TCP: the length in words that the field claims, plus 1 */
	int length_error;    /* added to the right value of the length field (AH: in words) */
	uint8_t zero_length; /* the length field is 0 */
	uint16_t fragment;   /* IPv4: flags and offset; FRAGMENT: offset and PACKET_MORE6 */
	uint8_t hop_limit;   /* else 64 */
	uint8_t next;	     /* the next header, where the following layer doesn't tell */
	uint16_t size;	     /* EXTENSION, AH: bytes in all, a multiple of 8 (AH: 4); RAW: bytes */
};

struct packet_frame {
	uint8_t bytes[PACKET_BYTES_MAX];
	size_t length;
};

/*
 * Builds the frame; layers end with LAYER_END or PACKET_LAYERS_MAX. cut: the frame's
 * length in the end, where it is to be cut off (or 0). No padding to 60 bytes.
 */
void packet_build(const struct layer layers[PACKET_LAYERS_MAX], size_t cut,
		  struct packet_frame *ret);

/* Writes another source address into an IPv4 or IPv6 header at `offset` of the frame. */
void packet_source(struct packet_frame *frame, size_t offset, const char *address);

#define ETH(...)                                    \
	{                                           \
		.kind = LAYER_ETHERNET, __VA_ARGS__ \
	}
#define VLAN(...)                               \
	{                                       \
		.kind = LAYER_VLAN, __VA_ARGS__ \
	}
#define IP4(...)                                \
	{                                       \
		.kind = LAYER_IPV4, __VA_ARGS__ \
	}
#define IP6(...)                                \
	{                                       \
		.kind = LAYER_IPV6, __VA_ARGS__ \
	}
#define HOPOPTS(...)                                            \
	{                                                       \
		.kind = LAYER_EXTENSION, .type = 0, __VA_ARGS__ \
	}
#define DSTOPTS(...)                                             \
	{                                                        \
		.kind = LAYER_EXTENSION, .type = 60, __VA_ARGS__ \
	}
#define ROUTING(...)                                             \
	{                                                        \
		.kind = LAYER_EXTENSION, .type = 43, __VA_ARGS__ \
	}
#define FRAGMENT6(...)                              \
	{                                           \
		.kind = LAYER_FRAGMENT, __VA_ARGS__ \
	}
#define AH(...)                               \
	{                                     \
		.kind = LAYER_AH, __VA_ARGS__ \
	}
#define TCP(...)                               \
	{                                      \
		.kind = LAYER_TCP, __VA_ARGS__ \
	}
#define UDP(...)                               \
	{                                      \
		.kind = LAYER_UDP, __VA_ARGS__ \
	}
#define ICMP(...)                               \
	{                                       \
		.kind = LAYER_ICMP, __VA_ARGS__ \
	}
#define RAW(...)                               \
	{                                      \
		.kind = LAYER_RAW, __VA_ARGS__ \
	}
#define OTHER(...)                                 \
	{                                          \
		.kind = LAYER_IGNORED, __VA_ARGS__ \
	}

#endif
