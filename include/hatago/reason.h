/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Why a frame passed or was dropped: the one list behind the BPF program's
 * counters, the metrics' labels, the command's tables and the README's table.
 *
 * Invariants: a number is never reused and never moves, since counters survive
 * an upgrade under their number; a new reason goes to the end of the list.
 */
#ifndef HATAGO_REASON_H
#define HATAGO_REASON_H

/* X(NAME, label, what the rule asks for, sentence of help) */
#define HATAGO_REASONS(X)                                                                        \
	X(OTHER_PROTOCOL, "other_protocol", PASS, "Neither IPv4, IPv6 nor ARP; never charged.")  \
	X(ARP, "arp", PASS, "ARP; always passes, or the host would vanish from its network.")    \
	X(NEIGHBOR_DISCOVERY, "neighbor_discovery", PASS,                                        \
	  "IPv6 neighbour discovery (ICMPv6 133 to 137 with hop limit 255); always passes.")     \
	X(NOT_PROTECTED, "not_protected", PASS, "Not for a protected port; never charged.")      \
	X(ALLOWED, "allowed", PASS, "The source is on the allow list; never charged.")           \
	X(WITHIN_LIMITS, "within_limits", PASS, "Every bucket of the client had tokens for it.") \
	X(OVERFLOW, "overflow", PASS,                                                            \
	  "The client's set had no free slot; the set's shared bucket had tokens for it.")       \
	X(UNCONFIRMED, "unconfirmed", PASS,                                                      \
	  "The attach was not confirmed in time; the edge stands aside until it is detached.")   \
	X(DEEP_VLAN, "deep_vlan", PASS,                                                          \
	  "More than two VLAN tags; not looked into, never charged.")                            \
	X(MALFORMED, "malformed", DROP,                                                          \
	  "A header is cut short or contradicts itself or the frame.")                           \
	X(DEEP_IPV6, "deep_ipv6", DROP,                                                          \
	  "More IPv6 extension headers than are followed (8); its port can't be known.")         \
	X(DENIED, "denied", DROP, "The source is on the deny list.")                             \
	X(BANNED, "banned", DROP, "The client is banned for now.")                               \
	X(LIMIT_CONNECTIONS, "limit_connections", DROP,                                          \
	  "The client's connection bucket is empty.")                                            \
	X(LIMIT_PACKETS, "limit_packets", DROP, "The client's packet bucket is empty.")          \
	X(LIMIT_BYTES, "limit_bytes", DROP, "The client's byte bucket is empty.")                \
	X(OVERFLOW_LIMIT, "overflow_limit", DROP,                                                \
	  "The client's set had no free slot and the set's shared bucket is empty.")             \
	X(CONTENDED, "contended", DROP,                                                          \
	  "Other CPUs changed the client's buckets at every try to take from them (16).")        \
	X(ESCALATED, "escalated", DROP,                                                          \
	  "The gate refused the client too often; new connections wait until its debt is over.") \
	X(STRANGERS, "strangers", DROP,                                                          \
	  "Under pressure: a SYN of a client that is not trusted, and their budget is used up.") \
	X(LIMIT_OPEN, "limit_open", DROP,                                                        \
	  "The client has as many open connections with the gate as it may.")

enum hatago_reason {
#define HATAGO_REASON_NUMBER(name, label, verdict, help) HATAGO_REASON_##name,
	HATAGO_REASONS(HATAGO_REASON_NUMBER)
#undef HATAGO_REASON_NUMBER
		HATAGO_REASON_COUNT
};

/*
 * What became of the frame. A rule that asks for DROP ends as WOULD_DROP while
 * `enforce: false`, and as PASS where the frame's address family is not protected.
 */
#define HATAGO_VERDICTS(X)                                \
	X(PASS, "pass", "The frame went on to the host.") \
	X(DROP, "drop", "The frame was dropped.")         \
	X(WOULD_DROP, "would_drop", "The frame passed, but only because enforce is false.")

enum hatago_verdict {
#define HATAGO_VERDICT_NUMBER(name, label, help) HATAGO_VERDICT_##name,
	HATAGO_VERDICTS(HATAGO_VERDICT_NUMBER)
#undef HATAGO_VERDICT_NUMBER
		HATAGO_VERDICT_COUNT
};

#endif
