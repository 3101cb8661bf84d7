/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * A memory of SYNs that were refused, to tell who comes back. TCP sends the very same SYN
 * again after 1, 3 and 7 s (RFC 6298); a flood of invented sources has gone on to others
 * by then. As greylisting does with mail. Pure: time is passed in. Not in the ABI: it
 * belongs to the programs that run, and is forgotten with them.
 *
 * Races: CPUs that meet in one set may lose a SYN of theirs, which is then as new when it
 * comes again.
 */
#ifndef HATAGO_SYNS_H
#define HATAGO_SYNS_H

#include "table.h"

#define SYNS_IN_SET	15
#define SYNS_UNIT_SHIFT 28  /* times are kept in units of 2^28 ns, 268 ms */
#define SYNS_UNITS_MIN	3   /* in time is after 0.54 to 0.81 s */
#define SYNS_UNITS_MAX	223 /* to 60 s */
#define SYNS_TIME	0xffu
/* Times wrap after 68.7 s: what is not forgotten by then is in time once more. */
_Static_assert(SYNS_UNITS_MAX < SYNS_TIME, "a time doesn't wrap while it counts");

/*
 * A ring in a cache line, so the oldest is forgotten. Of n sets under a flood of r SYNs a
 * second, one is overwritten after 15 n / r s in the mean: 524,288 hold 4 million a second
 * for 1.9 s. What tells SYNs apart is 24 bits of a hash under the table's secret: with all
 * sets full one in a million is taken for another.
 */
struct hatago_syns {
	__u32 next;
	__u32 seen[SYNS_IN_SET]; /* hash in the upper 24 bits, time in the others */
};
_Static_assert(sizeof(struct hatago_syns) == 64, "a cache line");

/* The same for the same segment: its source, and `syn`, its ports and sequence number. */
BUCKET_INLINE __u64 syns_hash(__u64 source_hi, __u64 source_lo, __u64 syn, const __u64 secret[2])
{
	__u64 x = source_hi ^ secret[0];

	x = ((x ^ (x >> 32)) * TABLE_MULTIPLIER) ^ source_lo;
	x = ((x ^ (x >> 29)) * secret[1]) ^ syn;
	x = (x ^ (x >> 32)) * TABLE_MULTIPLIER;
	x = (x ^ (x >> 29)) * secret[1];
	return x ^ (x >> 32);
}

/* The set of a hash, of so many. */
BUCKET_INLINE __u32 syns_set(__u64 hash, __u32 set_count)
{
	return (__u32)(((hash >> 32) * set_count) >> 32);
}

/* Did the SYN come before, and does it come again in time? If it is new it is remembered. */
BUCKET_INLINE int syns_came_before(struct hatago_syns *set, __u64 hash, __u64 now_ns)
{
	__u32 seen = ((__u32)hash & ~SYNS_TIME) | ((__u32)(now_ns >> SYNS_UNIT_SHIFT) & SYNS_TIME);
	__u32 next, units, *same = 0;

	BUCKET_UNROLL
	for (int i = 0; i < SYNS_IN_SET; i++)
		if (((BUCKET_PEEK(set->seen[i]) ^ seen) & ~SYNS_TIME) == 0)
			same = &set->seen[i];
	if (same) {
		units = (seen - BUCKET_PEEK(*same)) & SYNS_TIME;
		if (units < SYNS_UNITS_MIN) /* from when it came first */
			return 0;
		BUCKET_WRITE(*same, seen);
		return units <= SYNS_UNITS_MAX;
	}
	next = BUCKET_READ(set->next);
	if (next >= SYNS_IN_SET)
		next = 0;
#ifdef __bpf__ /* else clang checks a copy that the verifier doesn't follow */
	__asm__ volatile("" : "+r"(next));
	if (next >= SYNS_IN_SET)
		return 0;
#endif
	BUCKET_WRITE(set->seen[next], seen);
	BUCKET_WRITE(set->next, next + 1);
	return 0;
}

#endif
