// SPDX-License-Identifier: MIT
/*
 * See rate.h.
 */
#include "core/rate.h"

#include "hatago/bucket.h"

static uint64_t rate_cut(const struct hatago_limit *limit, uint64_t n)
{
	return n < limit->burst ? n : limit->burst;
}

bool rate_take(uint64_t *word, const struct hatago_limit *limit, uint64_t n, uint64_t now_ns)
{
	__u64 now = bucket_time(now_ns), next;

	n = rate_cut(limit, n);
	for (int i = 0; i < BUCKET_RETRIES; i++) {
		__u64 seen = __atomic_load_n(word, __ATOMIC_RELAXED);

		if (!bucket_offer(seen, limit, now, n, &next)) {
			bucket_settle((__u64 *)word, seen, limit, now);
			return false;
		}
		if (__sync_bool_compare_and_swap(word, seen, next))
			return true;
	}
	return false;
}

uint64_t rate_tokens(const uint64_t *word, const struct hatago_limit *limit, uint64_t now_ns)
{
	return bucket_tokens(__atomic_load_n(word, __ATOMIC_RELAXED), limit, bucket_time(now_ns));
}

uint64_t rate_wait_ns(const uint64_t *word, const struct hatago_limit *limit, uint64_t n,
		      uint64_t now_ns)
{
	return bucket_wait_ns(__atomic_load_n(word, __ATOMIC_RELAXED), limit, bucket_time(now_ns),
			      rate_cut(limit, n));
}
