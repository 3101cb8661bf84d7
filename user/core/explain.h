/* SPDX-License-Identifier: MIT */
/*
 * Why: what the packet program would do with a client's next frame, and when that
 * changes. Pure, and in the program's own order: list, ban, escalation, open connections,
 * buckets, the budget of strangers. Changes nothing: a client without a slot is told what it
 * would find, and is not given one.
 */
#ifndef HATAGO_CORE_EXPLAIN_H
#define HATAGO_CORE_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clients.h"
#include "hatago/reason.h"

#define EXPLAIN_FRAME_BYTES 1514u      /* the frame that is asked about: a full one of Ethernet */
#define EXPLAIN_SYN_BYTES   74u	       /* the one that opens a connection: IPv4 TCP with options */
#define EXPLAIN_NEVER	    UINT64_MAX /* as a wait: not by waiting */

enum explain_place {
	EXPLAIN_KNOWN,	 /* the client has a slot */
	EXPLAIN_NEW,	 /* it has none and would get one: full buckets */
	EXPLAIN_OVERFLOW /* its sets are full of live clients: it would share an overflow */
};

/* What is known about a client; the caller asks the lists. */
struct explain_client {
	struct hatago_client_id id;
	bool is_allowed, is_denied;
};

struct explain_bucket {
	bool enabled;
	const struct hatago_limit *limit; /* of the rules passed in */
	uint64_t tokens;		  /* whole ones in it now */
	uint64_t cost;			  /* tokens that the frame takes, at the scale in force */
	uint64_t wait_ns;		  /* until it has them; EXPLAIN_NEVER: cost is over burst */
};

struct explain_verdict {
	enum hatago_reason reason;
	enum hatago_verdict verdict;
	uint64_t wait_ns; /* until it passes; 0: it does; EXPLAIN_NEVER: not by waiting */
};

struct explain {
	enum explain_place place;
	struct hatago_slot slot; /* a copy: its own, a fresh one, or the overflow slot */
	uint64_t requests_tat;	 /* the word of its bucket of requests, as it counts */
	uint64_t now_ns;	 /* when that was */
	uint64_t ban_ns;	 /* what is left of a ban; BAN_FOR_GOOD */
	uint64_t escalated_ns;	 /* what is left of an escalation */
	uint64_t trusted_ns;	 /* what is left of its trust */
	uint32_t open;		 /* connections that the edge believes it has open */
	uint32_t inv;		 /* the scale of what its frames cost, in 256ths */
	bool is_asked;		 /* its SYNs draw on the budget of strangers */
	struct explain_bucket bucket[HATAGO_DIM_COUNT];
	struct explain_verdict frame;	   /* a full frame within a connection */
	struct explain_verdict connection; /* the frame that opens a connection */
};

/* Does the rule set charge anything of this address family? */
bool explain_is_protected(const struct hatago_rules *rules, bool is_ipv6);

/*
 * Explains a frame to a protected port; now_ns is CLOCK_MONOTONIC. ret->bucket points
 * into the rules.
 */
void explain_client(const struct explain_client *client, const struct clients *clients,
		    uint64_t now_ns, struct explain *ret);

#endif
