/* SPDX-License-Identifier: MIT */
/*
 * One pass over the client table: how full it is, and who is at its top. Pure: the
 * memory and the time are passed in; reads the table, never writes to it. Metrics, the
 * command's lists and `status` all come from here.
 *
 * The table is shared with the packet path and changes during the pass: a slot whose
 * owner changes while it is read is left out, all else is as of some instant in the pass.
 */
#ifndef HATAGO_CORE_SCAN_H
#define HATAGO_CORE_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "core/clients.h"

#define SCAN_TOP_MAX 100000u /* clients that one pass can list */

enum scan_by { SCAN_BY_DROPS, SCAN_BY_PACKETS, SCAN_BY_BYTES };

enum scan_only {
	SCAN_ALL,
	SCAN_DROPPED, /* clients that lost at least one frame */
	SCAN_BANNED   /* clients that are banned now */
};

struct scan_client {
	struct hatago_client_id id;
	struct hatago_slot slot; /* as copied in the pass */
};

struct scan_candidate;

struct scan {
	/* Asked for: the caller may change these before each scan_table(). */
	enum scan_by by;
	enum scan_only only;
	const struct hatago_prefix *within; /* only clients in it, or that hold it; NULL: all */
	uint32_t limit;			    /* clients to list, 0 to the limit of scan_init() */

	/* Found, in the whole table whatever was asked for. */
	uint64_t slots;
	uint64_t occupied; /* bear a key */
	uint64_t live;	   /* of these: in debt or of some standing, so nobody may claim them */
	uint64_t banned;
	uint64_t escalated;
	uint64_t trusted;
	uint64_t full_sets; /* all ways live: newcomers go to a back set, or to its overflow bucket
			     */

	/* Found, of what was asked for. */
	uint64_t matched;
	size_t top_count;
	struct scan_client *top; /* best first; ties by packets; owned by the scan */

	struct scan_candidate *heap; /* private */
	size_t heap_count;
	uint32_t capacity;
};

/* Room for `limit` clients, at most SCAN_TOP_MAX; 0: none are listed. 0 or -ENOMEM. */
int scan_init(struct scan *scan, uint32_t limit);
void scan_done(struct scan *scan);

/*
 * Passes over the table; now_ns is CLOCK_MONOTONIC. May be called again on the same scan.
 */
void scan_table(const struct clients *clients, uint64_t now_ns, struct scan *scan);

#endif
