/* SPDX-License-Identifier: MIT */
/*
 * A histogram of times with logarithmic buckets: 16 for each power of two, so a percentile is
 * true to 1/16, from 1 us to 4.8 hours. Mergeable by adding. A plain value of about
 * 4.5 KB; one writer, readers may look at any time. The idea is HdrHistogram's.
 */
#ifndef HATAGO_CORE_HISTOGRAM_H
#define HATAGO_CORE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS	  16 /* buckets for each power of two */
#define HISTOGRAM_BUCKETS 560

/* All zero is an empty one. */
struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t sum; /* ns, exact */
};

/* A time beyond 4.8 hours counts into the last bucket, and in full into the sum. */
void histogram_record(struct histogram *h, uint64_t ns);
/*
 * `from` may be written meanwhile: what is added has the total of its buckets, always; only its
 * sum may be a few records off. `to` is the caller's alone.
 */
void histogram_add(struct histogram *to, const struct histogram *from);
/* What was recorded between the two: `before` is an earlier state of `now`. */
void histogram_since(const struct histogram *now, const struct histogram *before,
		     struct histogram *ret);
/*
 * The time that `share` (0 to 1) of all stayed within, in ns, rounded up to the end of its
 * bucket; 0 where nothing was recorded. A share of 1 gives the longest time.
 */
uint64_t histogram_quantile(const struct histogram *h, double share);
/*
 * How many were at most so long, to the histogram's precision: for cumulative buckets. All of
 * the bucket that `ns` is in are, so it is never too few, and grows with `ns` up to the total.
 */
uint64_t histogram_within(const struct histogram *h, uint64_t ns);

#endif
