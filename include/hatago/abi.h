/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What the BPF program and user space share: the pinned maps, their values, and
 * what every field means. This header is the manual of the pins: a program that
 * includes it can read a running edge.
 *
 * Any change to a struct here raises HATAGO_ABI_VERSION; hatagod adopts pins of
 * its own version only. Times are CLOCK_MONOTONIC. Integers are in host order
 * unless their type says otherwise.
 *
 *   pin (below /sys/fs/bpf/hatago)   map
 *   config                           ARRAY[1] of struct hatago_config, mmapable
 *   clients, sides                   ARRAYs of struct hatago_set and hatago_side, mmapable
 *   allow, deny                      LPM_TRIE of struct hatago_prefix -> struct hatago_listed
 *   notes                            HASH of struct hatago_client_id -> struct hatago_note
 *   dev-NAME/device                  ARRAY[1] of struct hatago_device, mmapable
 *   dev-NAME/counters                ARRAY[possible CPUs] of struct hatago_counters, mmapable
 *   dev-NAME/program                 the program that runs there, to tell it from others
 *   dev-NAME/link                    the XDP link (absent in tc mode, where the filter stands by
 *                                    itself, and until the attach is confirmed)
 *
 * In the name of a device's folder ':' stands for '.', which a BPF file system refuses and
 * no device's name holds: eth0.100 is dev-eth0:100.
 */
#ifndef HATAGO_ABI_H
#define HATAGO_ABI_H

#include <linux/types.h>

#include "reason.h"

#define HATAGO_ABI_MAGIC   0x6f6761746148ULL /* "Hatago" */
#define HATAGO_ABI_VERSION 3u

#define HATAGO_WAYS		7u  /* slots in a set: with their keys, eight cache lines */
#define HATAGO_REASONS_MAX	32u /* room for reasons in the counters */
#define HATAGO_IPV6_HEADERS_MAX 8   /* IPv6 extension headers that are followed */
#define HATAGO_VLAN_TAGS_MAX	2
#define HATAGO_NOTE_MAX		96u	/* bytes of a ban's reason, with its NUL */
#define HATAGO_WHY_MAX		160u	/* bytes of the reason for an attach mode, with its NUL */
#define HATAGO_LIST_MAX		262144u /* entries of the allow list, and of the deny list */
#define HATAGO_CLIENTS_MIN	64u
#define HATAGO_CLIENTS_MAX	16777216u
#define HATAGO_DEVICES_MAX	32

/* What hatagod says of the pressure holds for so long after its last word of it. */
#define HATAGO_HEARTBEAT_MAX_NS 2000000000ULL
/* A cost is multiplied by so many 256ths: as configured, and the most. */
#define HATAGO_INV_ONE 256u
#define HATAGO_INV_MAX 65536u

/*
 * Time in a bucket: a u64 of 1/256 ns, so that the time of a 60-byte frame at
 * 100 Gbit/s is exact to 0.01 %. It wraps after 834 days and is compared by
 * signed difference, so that a wrap changes nothing (see bucket.h).
 */
#define HATAGO_TIME_SHIFT 8

/* What lasts for as long as a bucket's debt ends at a beat: ns >> 24, which is 17 ms. Beats
 * wrap after 834 days and are compared by signed difference. */
#define HATAGO_BEAT_SHIFT 24
#define HATAGO_BEAT_NEVER 0xffffffffu /* it doesn't end, or not within 208 days */

/* What lasts for seconds ends at a tick: ns >> 29, which is 537 ms; 30 bits of them last 18 years.
 */
#define HATAGO_TICK_SHIFT 29
#define HATAGO_TICK_NEVER 0x3fffffffu /* for good */

/*
 * How a client stands, and until when: a kind in the upper two bits and a tick in the
 * others, so that one comparison tells whether a kind, or a higher one, lasts yet. 0: no
 * standing. A client that has one keeps its slot.
 */
enum hatago_standing {
	HATAGO_KEPT,	  /* user space wants the slot kept */
	HATAGO_TRUSTED,	  /* completed a handshake with the gate lately */
	HATAGO_ESCALATED, /* the gate refused its requests too often: its SYNs are dropped */
	HATAGO_BANNED,
};
#define HATAGO_STANDING_SHIFT	    30
#define HATAGO_STANDING(kind, tick) ((__u32)(kind) << HATAGO_STANDING_SHIFT | (tick))

/* What a bucket counts, in the order in which they are asked. REQUESTS are taken by the gate, in
 * user space, from the same slot. */
#define HATAGO_DIMENSIONS(X)                                                   \
	X(CONNECTIONS, "connections", "TCP segments with SYN and without ACK") \
	X(PACKETS, "packets", "frames")                                        \
	X(BYTES, "bytes", "bytes of whole frames, Ethernet header included")   \
	X(REQUESTS, "requests", "requests that the gate admits")

enum hatago_dimension {
#define HATAGO_DIMENSION_NUMBER(name, label, unit) HATAGO_DIM_##name,
	HATAGO_DIMENSIONS(HATAGO_DIMENSION_NUMBER)
#undef HATAGO_DIMENSION_NUMBER
		HATAGO_DIM_COUNT
};
#define HATAGO_EDGE_DIMENSIONS 3 /* the first three are taken from in the packet path */

/*
 * A token bucket's parameters, prepared so that the packet path never divides.
 * Written by hatago_limit_make() (bucket.h), which states the ranges.
 */
struct hatago_limit {
	__u64 mult;	  /* cost of n tokens: n * mult >> shift, in 1/256 ns */
	__u64 burst;	  /* tokens in a full bucket; more at once never pass */
	__u64 tau;	  /* time to fill an empty bucket, in 1/256 ns */
	__u64 step;	  /* tokens arrive in steps of this time, in 1/256 ns; 0: continuously */
	__u64 rate_milli; /* for display: tokens per 1000 s */
	__u32 shift;
	__u32 pad;
};

/*
 * A client is a source address cut to the configured prefix, kept as 128 bits in
 * network order. IPv4 is told apart by its first 32 bits, ff ff 00 04: a multicast
 * address of IPv6, which no frame may bear as its source; the address follows,
 * and lo is 0.
 */
struct hatago_client_id {
	__u64 hi; /* bytes 0 to 7 of the address, loaded as they lie in memory */
	__u64 lo; /* bytes 8 to 15; 0 where the prefix is /64 or shorter */
};

/*
 * One client's line, exactly one cache line: all that the packet path needs of a client
 * in its home slot. packets, bytes and drops count what was offered, for ranking: plain
 * adds, so that two CPUs which count one client in the same instant may lose one count.
 */
struct hatago_slot {
	__u64 key; /* the client's id, enciphered under the table's secret (table.h); 0: nobody */
	__u64 tat[HATAGO_EDGE_DIMENSIONS]; /* buckets: see bucket.h */
	__u32 standing;			   /* HATAGO_STANDING() */
	__u32 away_until; /* beat until which clients whose home this is may live elsewhere */
	__u64 packets;
	__u64 bytes;
	__u64 drops;
};

/*
 * A set: the slots that a client may live in, 512 bytes, so that it never straddles a
 * page. key[w] is a copy of slot[w].key, so that a look for a key needs one line; a claim
 * writes it a moment later.
 */
struct hatago_set {
	__u64 key[HATAGO_WAYS];
	__u32 full_until;    /* beat until which no slot can be claimed; a hint */
	__u32 spilled_until; /* beat until which clients of this front set may live in the back */
	struct hatago_slot slot[HATAGO_WAYS];
};

/*
 * What the gate keeps of a client; the packet path neither reads nor writes it, so a claim
 * leaves it as it is. A word holds only up to the end of its slot's standing and is a full
 * bucket beyond that: who takes from it raises the standing first (user/core/requests.h).
 * Those of the overflow slot have no owner and hold always.
 */
struct hatago_requests {
	__u64 requests;	  /* bucket of HATAGO_DIM_REQUESTS: see bucket.h */
	__u64 handshakes; /* bucket of initialize and what follows it */
	__u64 open;	  /* connections with the gate: HATAGO_OPEN() */
};

/*
 * How many connections a client has open, in one word with half of its key, so that nobody
 * inherits a count with a slot. It counts while its client is trusted and the heartbeat of
 * struct hatago_pressure is fresh: who counts keeps both up.
 */
#define HATAGO_OPEN(key, count) ((key) << 32 | (__u32)(count))

/* What a set needs rarely; sides[i] belongs to clients[i]. */
struct hatago_side {
	struct hatago_slot overflow; /* shared by the clients that found no slot */
	/* The lower half of the ids, for prefixes over /64; the last is nobody's. */
	__u64 id_lo[HATAGO_WAYS + 1];
	struct hatago_requests gate[HATAGO_WAYS + 1]; /* per way; the last is the overflow's */
};

/* rules.flags */
#define HATAGO_ENFORCE	    (1u << 0)  /* off: count what would be dropped, drop nothing */
#define HATAGO_IPV4	    (1u << 1)  /* IPv4 is protected */
#define HATAGO_IPV6	    (1u << 2)  /* IPv6 is protected */
#define HATAGO_PROTECT_ALL  (1u << 3)  /* everything, not just listed ports */
#define HATAGO_PROTECT_PORT (1u << 4)  /* at least one port is listed */
#define HATAGO_PROTECT_ICMP (1u << 5)  /* ICMP and ICMPv6 */
#define HATAGO_ALLOW	    (1u << 6)  /* the allow list has entries */
#define HATAGO_DENY	    (1u << 7)  /* the deny list has entries */
#define HATAGO_STEPS	    (1u << 8)  /* a limit has a step */
#define HATAGO_STRANGERS    (1u << 9)  /* `strangers` holds */
#define HATAGO_GATE_PORTS   (1u << 10) /* `gate_port` holds */

enum hatago_port_protocol { HATAGO_TCP, HATAGO_UDP, HATAGO_PORT_PROTOCOLS };

/* Everything that may change while the edge runs. */
struct hatago_rules {
	__u32 flags;
	__u32 dimensions;   /* bit d: limit[d] holds */
	__be32 ipv4_mask;   /* the client prefix */
	__u32 keep_ticks;   /* no bucket's debt lasts longer: the longest tau, rounded up */
	__u64 ipv6_mask_hi; /* as struct hatago_client_id */
	__u64 ipv6_mask_lo;
	struct hatago_limit limit[HATAGO_DIM_COUNT];
	struct hatago_limit strangers; /* of the SYNs of all that are not trusted; no steps */
	__u32 max_connections; /* SYNs of a client with so many open ones are dropped; 0: none */
	__u32 pad;
	__u64 port[HATAGO_PORT_PROTOCOLS][65536 / 64]; /* bit p % 64 of word p / 64: protected */
	/* TCP ports that the gate itself listens on: what it knows holds for SYNs to these alone.
	 */
	__u64 gate_port[65536 / 64];
};

/*
 * How hard the machine is pushed, as hatagod sees it: its only writer, several times a
 * second. All of it is void once heartbeat_ns is older than HATAGO_HEARTBEAT_MAX_NS, so what
 * a dead hatagod had tightened is as configured again by itself. A frame reads each field
 * alone, and any mixture of old and new ones is safe.
 *
 * A scale multiplies what a frame costs in the buckets of the edge, but never beyond a full
 * bucket (bucket.h): rate and burst shrink together, no debt gets longer than without it, and
 * a full bucket lets one frame pass whatever the scale.
 */
struct hatago_pressure {
	__u64 heartbeat_ns;
	__u32 per_mille;   /* the pressure, for display: 0 to 1000 */
	__u32 scale_inv;   /* in 256ths, up to HATAGO_INV_MAX; HATAGO_INV_ONE or less: none */
	__u32 trusted_inv; /* the same for trusted clients; not looked at while scale_inv is none */
	/* 0: the budget of strangers is not asked; else what a SYN costs there, in 256ths */
	__u32 strangers_inv;
};

/* Buckets that all CPUs share, under rules.strangers: a cache line that only SYNs touch. */
struct hatago_strangers {
	__u64 first; /* of SYNs that were not seen before */
	__u64 again; /* of those that came before, were refused, and came again in time */
	__u64 pad[6];
};

/*
 * rules[active & 1] is in force. A writer holds flock(2) on the pins' folder, fills
 * the other one and stores `active`: a frame sees the old rules or the new, whole.
 */
struct hatago_config {
	__u64 magic;
	__u32 abi_version;
	__u32 set_count; /* entries of clients, and of sides */
	__u64 secret[2]; /* of the table's cipher; random per table, secret[1] is odd */
	__u32 active;
	__u32 front_count; /* of the sets, those in front; all of them: there is no back */
	struct hatago_pressure pressure; /* in the cache line that every frame reads anyway */
	struct hatago_strangers strangers;
	struct hatago_rules rules[2];
};

enum hatago_attach_mode { HATAGO_MODE_NATIVE, HATAGO_MODE_GENERIC, HATAGO_MODE_TC };

/* A device's `why` where the operator insisted on the mode. */
#define HATAGO_WHY_ASKED_FOR "asked for"

struct hatago_device {
	__u64 confirm_by_ns; /* from then on the edge stands aside; 0: confirmed */
	__u64 attached_ns;   /* CLOCK_REALTIME, when it was attached */
	__u32 ifindex;
	__u32 mode;	 /* enum hatago_attach_mode */
	__u32 tc_handle; /* the filter's handle and priority, in tc mode */
	__u16 tc_priority;
	__u16 tc_own_qdisc; /* 1: the clsact qdisc came with the filter and goes with it */
	char name[16];
	char why[HATAGO_WHY_MAX]; /* why this mode and not a better one; empty: it is the best */
};

struct hatago_counter {
	__u64 packets;
	__u64 bytes;
};

/* One CPU's; only that CPU writes it, so the sum over CPUs is exact. */
struct hatago_counters {
	struct hatago_counter by[HATAGO_VERDICT_COUNT][HATAGO_REASONS_MAX];
};

/* Allow and deny: IPv4 as ::ffff:a.b.c.d, with 96 added to the length of its prefix. */
struct hatago_prefix {
	__u32 length; /* 0 to 128 */
	__u8 address[16];
};

enum hatago_origin { HATAGO_FROM_CONFIG, HATAGO_FROM_OPERATOR };

struct hatago_listed {
	__u32 origin; /* enum hatago_origin */
	__u32 length; /* of the entry's prefix: a lookup tells by it which entry it found */
};

/* What user space remembers of a ban; the BPF program never reads it. */
struct hatago_note {
	__u64 since_ns; /* CLOCK_REALTIME */
	__u32 origin;	/* enum hatago_origin */
	__u32 pad;
	char text[HATAGO_NOTE_MAX];
};

_Static_assert(sizeof(struct hatago_limit) == 48, "ABI");
_Static_assert(sizeof(struct hatago_client_id) == 16, "ABI");
_Static_assert(sizeof(struct hatago_slot) == 64, "ABI: a slot is a cache line");
_Static_assert(sizeof(struct hatago_set) == 512, "ABI");
_Static_assert(sizeof(struct hatago_requests) == 24, "ABI");
_Static_assert(sizeof(struct hatago_side) == 320, "ABI: cache lines");
_Static_assert(sizeof(struct hatago_pressure) == 24, "ABI");
_Static_assert(sizeof(struct hatago_strangers) == 64, "ABI: a cache line");
_Static_assert(sizeof(struct hatago_rules) == 88 + 48 * HATAGO_DIM_COUNT + 3 * 8192, "ABI");
_Static_assert(sizeof(struct hatago_config) == 128 + 2 * sizeof(struct hatago_rules), "ABI");
_Static_assert(sizeof(struct hatago_device) == 48 + HATAGO_WHY_MAX, "ABI");
_Static_assert(sizeof(struct hatago_counters) == 16 * 3 * HATAGO_REASONS_MAX, "ABI");
_Static_assert(sizeof(struct hatago_prefix) == 20, "ABI");
_Static_assert(sizeof(struct hatago_note) == 16 + HATAGO_NOTE_MAX, "ABI");
_Static_assert(HATAGO_REASON_COUNT <= HATAGO_REASONS_MAX, "counters have no room for the reasons");

#endif
