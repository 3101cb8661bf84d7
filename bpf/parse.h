/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * From bytes to fields: Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with
 * extension headers, TCP, UDP, ICMPv6. Checks every length against the frame and
 * against the header around it. Decides nothing: parse() says what the frame is, and
 * what is done about it is judge()'s.
 *
 * Sources: RFC 791, 8200, 9293, 768, 4861; RFC 1858 for the first fragment, which must
 * hold its whole transport header; RFC 4291 for addresses that can't be a source.
 */
#ifndef HATAGO_BPF_PARSE_H
#define HATAGO_BPF_PARSE_H

#include <linux/if_ether.h>
#include <stddef.h>

#include "frame.h"

struct parse_vlan {
	__be16 tci;
	__be16 ethertype;
};

struct parse_ipv4 {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_length;
	__be16 id;
	__be16 fragment; /* flags and offset */
	__u8 ttl;
	__u8 protocol;
	__be16 checksum;
	__be32 source;
	__be32 destination;
};

struct parse_ipv6 {
	__u8 version_class;
	__u8 class_flow;
	__be16 flow;
	__be16 payload_length;
	__u8 next_header;
	__u8 hop_limit;
	__u32 source[4]; /* network order */
	__u32 destination[4];
};

struct parse_extension {
	__u8 next_header;
	__u8 length;
	__be16 fragment; /* of a fragment header: offset << 3 | more */
};

struct parse_tcp {
	__be16 source;
	__be16 destination;
	__be32 sequence;
	__be32 acknowledgement;
	__u8 header_length; /* in the upper four bits, in words */
	__u8 flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
};

struct parse_udp {
	__be16 source;
	__be16 destination;
	__be16 length;
	__be16 checksum;
};

enum { PARSE_TCP_SYN = 0x02, PARSE_TCP_ACK = 0x10 };
enum {
	PARSE_IPV4_MORE = 0x2000,
	PARSE_IPV4_OFFSET = 0x1fff,
	PARSE_IPV6_OFFSET = 0xfff8,
	PARSE_IPV6_MORE = 1
};
enum { PARSE_ICMP_BYTES = 8 };
enum { PARSE_ND_FIRST = 133, PARSE_ND_LAST = 137, PARSE_ND_HOP_LIMIT = 255 };

/* No transport header begins later, with two tags and the longest extension headers. */
enum {
	PARSE_OFFSET_MAX = 14 + 2 * 4 + 40 + HATAGO_IPV6_HEADERS_MAX * 2048,
	PARSE_OFFSET_MASK = 0x7fff,
};
_Static_assert((int)PARSE_OFFSET_MAX <= (int)PARSE_OFFSET_MASK, "the mask cuts nothing off");

/* parse() says NOT_PROTECTED where nothing speaks against judging the frame further. */
#define PARSE_DONE HATAGO_REASON_NOT_PROTECTED

/* The IP packet around a transport header. */
struct bounds {
	__u32 offset;  /* where the transport header begins */
	__u32 end;     /* where the IP packet ends */
	bool has_more; /* fragments, so that a length may lie beyond the end */
};

static __always_inline enum hatago_reason parse_tcp(const struct frame *f, struct packet *p,
						    const struct bounds *b)
{
	const struct parse_tcp *tcp;
	struct parse_tcp room;
	__u32 header;

	if (b->offset + sizeof(*tcp) > b->end)
		return HATAGO_REASON_MALFORMED;
	tcp = FRAME_AT(f, b->offset, struct parse_tcp, &room);
	if (!tcp)
		return HATAGO_REASON_MALFORMED;
	header = (tcp->header_length >> 4) * 4;
	if (header < sizeof(*tcp) || b->offset + header > b->end)
		return HATAGO_REASON_MALFORMED;
	p->port = bpf_ntohs(tcp->destination);
	p->has_port = true;
	__builtin_memcpy(&p->syn, tcp, sizeof(p->syn));
	p->is_connection = (tcp->flags & (PARSE_TCP_SYN | PARSE_TCP_ACK)) == PARSE_TCP_SYN;
	return PARSE_DONE;
}

static __always_inline enum hatago_reason parse_udp(const struct frame *f, struct packet *p,
						    const struct bounds *b)
{
	const struct parse_udp *udp;
	struct parse_udp room;
	__u32 length;

	if (b->offset + sizeof(*udp) > b->end)
		return HATAGO_REASON_MALFORMED;
	udp = FRAME_AT(f, b->offset, struct parse_udp, &room);
	if (!udp)
		return HATAGO_REASON_MALFORMED;
	length = bpf_ntohs(udp->length);
	/* 0: a jumbogram's (RFC 2675), or a merged frame's */
	if (length && length < sizeof(*udp))
		return HATAGO_REASON_MALFORMED;
	if (b->offset + length > b->end && !b->has_more)
		return HATAGO_REASON_MALFORMED;
	p->port = bpf_ntohs(udp->destination);
	p->has_port = true;
	return PARSE_DONE;
}

static __always_inline enum hatago_reason parse_transport(const struct frame *f, struct packet *p,
							  const struct bounds *b)
{
	if (p->is_later_fragment)
		return PARSE_DONE;
	if (p->protocol == IPPROTO_TCP)
		return parse_tcp(f, p, b);
	if (p->protocol == IPPROTO_UDP)
		return parse_udp(f, p, b);
	if ((p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) &&
	    b->offset + PARSE_ICMP_BYTES > b->end)
		return HATAGO_REASON_MALFORMED;
	return PARSE_DONE;
}

static __always_inline enum hatago_reason parse_ipv4(const struct frame *f, struct packet *p,
						     __u32 offset)
{
	struct parse_ipv4 room;
	const struct parse_ipv4 *ip = FRAME_AT(f, offset, struct parse_ipv4, &room);
	__u32 header, total, fragment;
	struct bounds b;

	if (!ip)
		return HATAGO_REASON_MALFORMED;
	header = (ip->version_ihl & 0x0f) * 4;
	total = bpf_ntohs(ip->total_length);
	if (total == 0 && p->length - offset > 0xffff) /* merged beyond what the field can say */
		total = p->length - offset;
	fragment = bpf_ntohs(ip->fragment);
	b.offset = offset + header;
	b.end = offset + total;
	b.has_more = fragment & PARSE_IPV4_MORE;
	if (ip->version_ihl >> 4 != 4 || header < sizeof(*ip) || total < header ||
	    b.end > p->length)
		return HATAGO_REASON_MALFORMED;
	p->is_later_fragment = (fragment & PARSE_IPV4_OFFSET) != 0;
	p->protocol = ip->protocol;
	p->source_lo = ip->source;
	if ((bpf_ntohl(ip->source) >> 28) == 0xe) /* multicast is never a source */
		return HATAGO_REASON_MALFORMED;
	return parse_transport(f, p, &b);
}

static __always_inline bool parse_is_mapped(const __u32 a[4])
{
	return a[0] == 0 && a[1] == 0 && a[2] == bpf_htonl(0xffff);
}

static __always_inline bool parse_is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH;
}

/* A walk along the extension headers: where it stands, and what it met. */
struct walk {
	struct bounds b;
	__u8 protocol;
	bool is_later_fragment;
};

static __always_inline enum hatago_reason parse_walk(const struct frame *f, struct walk *w)
{
	struct parse_extension ext;
	__u32 size;

	for (int i = 0; i < HATAGO_IPV6_HEADERS_MAX; i++) {
		if (!frame_fetch(f, w->b.offset, &ext, sizeof(ext)))
			return HATAGO_REASON_MALFORMED;
		if (w->protocol == IPPROTO_FRAGMENT)
			size = 8;
		else if (w->protocol == IPPROTO_AH)
			size = (ext.length + 2) * 4;
		else
			size = (ext.length + 1) * 8;
		if (w->b.offset + size > w->b.end)
			return HATAGO_REASON_MALFORMED;
		if (w->protocol == IPPROTO_FRAGMENT) {
			w->is_later_fragment = bpf_ntohs(ext.fragment) & PARSE_IPV6_OFFSET;
			w->b.has_more = bpf_ntohs(ext.fragment) & PARSE_IPV6_MORE;
		}
		w->b.offset += size;
		w->protocol = ext.next_header;
		if (w->is_later_fragment || !parse_is_extension(w->protocol))
			return PARSE_DONE;
	}
	return HATAGO_REASON_DEEP_IPV6;
}

/*
 * Functions of their own, one a hook, so that the verifier walks the headers once and
 * not once a combination of their lengths.
 */
__noinline int parse_walk_xdp(struct xdp_md *xdp, struct walk *w)
{
	const struct frame f = {.context = xdp, .is_xdp = true};

	return w ? parse_walk(&f, w) : HATAGO_REASON_MALFORMED;
}

__noinline int parse_walk_tc(struct __sk_buff *skb, struct walk *w)
{
	const struct frame f = {.context = skb};

	return w ? parse_walk(&f, w) : HATAGO_REASON_MALFORMED;
}

/* Follows extension headers to the transport header. */
static __always_inline enum hatago_reason parse_extensions(const struct frame *f, struct packet *p,
							   struct bounds *b)
{
	struct walk w = {.b = *b, .protocol = p->protocol};
	enum hatago_reason reason;

	if (f->is_xdp)
		reason = parse_walk_xdp(f->context, &w);
	else
		reason = parse_walk_tc(f->context, &w);
	p->protocol = w.protocol;
	p->is_later_fragment = w.is_later_fragment;
	*b = w.b;
	if (b->offset > PARSE_OFFSET_MAX)
		return HATAGO_REASON_MALFORMED;
	b->offset &= PARSE_OFFSET_MASK; /* which the verifier understands even if spilled */
	barrier_var(b->offset);
	return reason;
}

static __always_inline bool parse_is_discovery(const struct frame *f, __u32 offset)
{
	__u8 room;
	const __u8 *type = FRAME_AT(f, offset, __u8, &room);

	return type && *type >= PARSE_ND_FIRST && *type <= PARSE_ND_LAST;
}

static __always_inline enum hatago_reason parse_ipv6(const struct frame *f, struct packet *p,
						     __u32 offset)
{
	struct parse_ipv6 room;
	const struct parse_ipv6 *ip = FRAME_AT(f, offset, struct parse_ipv6, &room);
	struct bounds b = {.offset = offset + sizeof(*ip)};
	enum hatago_reason reason;
	__u8 hop_limit;

	if (!ip)
		return HATAGO_REASON_MALFORMED;
	b.end = b.offset + bpf_ntohs(ip->payload_length);
	if (ip->payload_length == 0 && ip->next_header == IPPROTO_HOPOPTS) /* jumbogram */
		b.end = p->length;					   /* the frame tells */
	if (ip->version_class >> 4 != 6 || b.end > p->length)
		return HATAGO_REASON_MALFORMED;
	if ((bpf_ntohl(ip->source[0]) >> 24) == 0xff || parse_is_mapped(ip->source))
		return HATAGO_REASON_MALFORMED;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the halves of an IPv6 address are put together for little-endian machines"
#endif
	p->source_hi = ip->source[0] | (__u64)ip->source[1] << 32;
	p->source_lo = ip->source[2] | (__u64)ip->source[3] << 32;
	p->protocol = ip->next_header;
	hop_limit = ip->hop_limit;
	if (parse_is_extension(p->protocol)) {
		reason = parse_extensions(f, p, &b);
		if (reason != PARSE_DONE)
			return reason;
	}
	reason = parse_transport(f, p, &b);
	if (reason == PARSE_DONE && p->protocol == IPPROTO_ICMPV6 && !p->is_later_fragment &&
	    hop_limit == PARSE_ND_HOP_LIMIT && parse_is_discovery(f, b.offset))
		return HATAGO_REASON_NEIGHBOR_DISCOVERY;
	return reason;
}

/*
 * Returns PARSE_DONE with the fields of *p set, or the reason that decides already:
 * OTHER_PROTOCOL, ARP, NEIGHBOR_DISCOVERY, DEEP_VLAN, MALFORMED, DEEP_IPV6.
 * p->is_ipv6 is right in the last two as well.
 */
static __always_inline enum hatago_reason parse(const struct frame *f, struct packet *p)
{
	__u32 offset = sizeof(struct ethhdr);
	const struct parse_vlan *vlan;
	struct parse_vlan room;
	struct ethhdr ether_room;
	const struct ethhdr *ether = FRAME_AT(f, 0, struct ethhdr, &ether_room);
	__be16 ethertype;

	if (!ether)
		return HATAGO_REASON_OTHER_PROTOCOL;
	ethertype = ether->h_proto;
	for (int i = 0; i <= HATAGO_VLAN_TAGS_MAX; i++) {
		if (ethertype != bpf_htons(ETH_P_8021Q) && ethertype != bpf_htons(ETH_P_8021AD))
			break;
		if (i == HATAGO_VLAN_TAGS_MAX)
			return HATAGO_REASON_DEEP_VLAN;
		vlan = FRAME_AT(f, offset, struct parse_vlan, &room);
		if (!vlan)
			return HATAGO_REASON_OTHER_PROTOCOL;
		ethertype = vlan->ethertype;
		offset += sizeof(*vlan);
	}
	if (ethertype == bpf_htons(ETH_P_IP))
		return parse_ipv4(f, p, offset);
	if (ethertype == bpf_htons(ETH_P_IPV6)) {
		p->is_ipv6 = true;
		return parse_ipv6(f, p, offset);
	}
	return ethertype == bpf_htons(ETH_P_ARP) ? HATAGO_REASON_ARP : HATAGO_REASON_OTHER_PROTOCOL;
}

#endif
