// SPDX-License-Identifier: MIT
/*
 * See histogram.h. The unit is 64 ns. The first 16 buckets are one unit wide each; from
 * there on each power of two is cut in 16:
 *
 *   bucket    0 ..  15     16 ..  31     32 ..  47   ...   544 .. 559
 *   units     0 ..  15     16 ..  31     32 ..  63   ...  2^37 .. 2^38 - 1
 */
#include "core/histogram.h"

#define UNIT_SHIFT 6 /* log2 of the unit in ns */
#define STEP_SHIFT 4 /* log2 of HISTOGRAM_STEPS */

_Static_assert(HISTOGRAM_STEPS == 1 << STEP_SHIFT, "a bucket's number is made by shifts");
_Static_assert(HISTOGRAM_BUCKETS % HISTOGRAM_STEPS == 0, "the last power of two is whole");

static uint32_t bucket_of(uint64_t ns)
{
	uint64_t units = ns >> UNIT_SHIFT;
	uint32_t shift, bucket;

	if (units < HISTOGRAM_STEPS)
		return (uint32_t)units;
	shift = 63 - (uint32_t)__builtin_clzll(units) - STEP_SHIFT;
	bucket = (shift << STEP_SHIFT) + (uint32_t)(units >> shift);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The longest time that the bucket counts. */
static uint64_t bucket_end_ns(uint32_t bucket)
{
	uint32_t shift = bucket < HISTOGRAM_STEPS ? 0 : (bucket >> STEP_SHIFT) - 1;
	uint64_t step = bucket - ((uint64_t)shift << STEP_SHIFT);

	return (((step + 1) << shift) << UNIT_SHIFT) - 1;
}

static uint64_t word_read(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* There is but one writer: what it reads is what it wrote, and no atomic add is needed. */
static void word_raise(uint64_t *word, uint64_t by)
{
	__atomic_store_n(word, *word + by, __ATOMIC_RELAXED);
}

void histogram_record(struct histogram *h, uint64_t ns)
{
	word_raise(&h->count[bucket_of(ns)], 1);
	word_raise(&h->total, 1);
	word_raise(&h->sum, ns);
}

void histogram_add(struct histogram *to, const struct histogram *from)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t count = word_read(&from->count[i]);

		to->count[i] += count;
		to->total += count;
	}
	to->sum += word_read(&from->sum);
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

void histogram_since(const struct histogram *now, const struct histogram *before,
		     struct histogram *ret)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		ret->count[i] = grown(now->count[i], before->count[i]);
		total += ret->count[i];
	}
	ret->total = total;
	ret->sum = grown(now->sum, before->sum);
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
	double wanted = share * (double)h->total;
	uint64_t seen = 0;
	uint32_t last = 0;

	if (!h->total)
		return 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->count[i])
			continue;
		last = i;
		seen += h->count[i];
		if ((double)seen >= wanted)
			break;
	}
	return bucket_end_ns(last);
}

uint64_t histogram_within(const struct histogram *h, uint64_t ns)
{
	uint32_t last = bucket_of(ns);
	uint64_t seen = 0;

	for (uint32_t i = 0; i <= last; i++)
		seen += h->count[i];
	return seen;
}
