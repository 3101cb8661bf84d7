/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * A received frame, whether XDP or tc brought it: its bytes, and what the parser
 * found in them. The two hooks differ here and nowhere else.
 */
#ifndef HATAGO_BPF_FRAME_H
#define HATAGO_BPF_FRAME_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "hatago/abi.h"

/* Where a frame lies. */
struct frame {
	void *context;		     /* struct xdp_md or struct __sk_buff */
	const void *data, *data_end; /* the linear part */
	bool is_xdp;
};

/* What was found in it: all that the judgement needs. */
struct packet {
	__u64 source_hi, source_lo; /* as struct hatago_client_id; IPv4: lo's first four bytes */
	__u64 syn;	/* of a TCP segment: ports and sequence number, as they lie in it */
	__u32 length;	/* of the whole frame in bytes, Ethernet header included */
	__u32 segments; /* frames on the wire that it stands for: GRO may have merged some */
	__u16 port;	/* destination, host order; only where has_port */
	__u8 protocol;	/* IPPROTO_*, after the extension headers */
	bool is_ipv6;
	bool is_connection; /* TCP SYN without ACK */
	bool is_later_fragment;
	bool has_port;
	__u8 pad;
};

/* Copies `size` bytes at `offset` of the frame by the helper, wherever they lie. */
static __always_inline bool frame_fetch(const struct frame *f, __u32 offset, void *to, __u32 size)
{
	if (f->is_xdp)
		return bpf_xdp_load_bytes(f->context, offset, to, size) == 0;
	return bpf_skb_load_bytes(f->context, offset, to, size) == 0;
}

/*
 * The header of type `type` at `offset` of the frame: where it lies, or a copy in *room
 * where a driver split it off the linear part; NULL where the frame is shorter. A macro,
 * since the header's type says how long it is.
 */
#define FRAME_AT(f, offset, type, room)                                                   \
	({                                                                                \
		const type *at_ = (f)->data + (offset);                                   \
                                                                                          \
		if ((const void *)(at_ + 1) > (f)->data_end)                              \
			at_ = frame_fetch(f, offset, room, sizeof(type)) ? (room) : NULL; \
		at_;                                                                      \
	})

#endif
