/* SPDX-License-Identifier: MIT */
/*
 * The table of frames: each with the rules that it meets and the verdict and reason that
 * it must get, from XDP and from tc alike. test_packets.c runs it.
 */
#ifndef HATAGO_TESTS_PACKET_ROWS_H
#define HATAGO_TESTS_PACKET_ROWS_H

#include "hatago/reason.h"
#include "packets.h"

/* What is protected and how; several may be set. */
enum row_rules {
	ROW_PORTS = 1 << 0,   /* 80/tcp, 0/udp, 53/udp, 6000-6063/udp, 65535/udp */
	ROW_ALL = 1 << 1,     /* everything */
	ROW_ICMP = 1 << 2,    /* ICMP and ICMPv6 */
	ROW_NO_IPV4 = 1 << 3, /* but not in this family */
	ROW_NO_IPV6 = 1 << 4,
	ROW_WATCH = 1 << 5,	  /* enforce: false */
	ROW_DENY_ALL = 1 << 6,	  /* every source is on the deny list */
	ROW_NOT_TC = 1 << 7,	  /* no test run of tc takes it: longer than a page, or no whole
				     IP header; test_live.c has tc see it */
	ROW_UNCONFIRMED = 1 << 8, /* the time to confirm the attach is over */
};

struct packet_row {
	const char *name;
	struct layer layers[PACKET_LAYERS_MAX];
	size_t cut; /* the frame ends here */
	unsigned int rules;
	enum hatago_verdict verdict;
	enum hatago_reason reason;
};

extern const struct packet_row packet_rows[];
extern const size_t packet_row_count;

#endif
