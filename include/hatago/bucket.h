/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The token bucket: one 64-bit word, taken from by BPF, user space and tests with
 * the same code. Pure: time is passed in, nothing is read but the word.
 *
 * The algorithm is GCRA (ITU-T I.371), the bucket as a "theoretical arrival time":
 * the instant at which it would be full again.
 *
 *      now <= tat             full: the word holds no information
 *      now <  tat <= now+tau  in debt by tat - now; tokens = (tau - debt) / cost
 *
 *   a take of n tokens         tat' = max(tat, now) + cost(n), allowed if tat' <= now + tau
 *
 * so that in any window of length T at most burst + rate * T tokens pass.
 *
 * Steps. With `step`, tokens arrive at the ticks of the bucket's own clock, which starts
 * when a full bucket is first taken from. Its phase, in 1/256 of a step, lives in the low
 * 8 bits of the word, so a time there is in whole ns: costs are rounded up or down as
 * the word itself falls, so that the errors cancel out, and half a token is granted
 * for what remains of them. The take compares with the tick in force instead of now, which
 * is the last one, or the next if that comes within 1/256 of a step: what passes is never
 * more than without steps but for that.
 *
 * Scale. Under pressure a take costs inv / 256 times as much, but at most a full bucket:
 *
 *      cost'(n) = min(cost(n) * inv / 256, tau)
 *
 * so that rate and burst shrink together while tau stays: no debt lasts longer than without
 * a scale, whatever counts on that (a slot's life, a changed limit) holds, and once the scale
 * is gone the bucket is as it would have been. What it means for small buckets: one take
 * passes per tau at least. A bucket of 10 tokens is tightened to a tenth at most, and a bucket
 * of one not at all.
 *
 * Late clocks. A CPU may hold a time that is older than the word that another has just
 * written: then the word may lie beyond now + tau. That is an empty bucket, and the word
 * stays as it is.
 *
 * Wrap. Times are compared by signed difference; the clock wraps after 834 days. A word
 * further ahead than tau and BUCKET_LATE can't have come from this limit: it is debt
 * from a longer one that was in force before, or older than half of the clock's range.
 * It counts as just empty (bucket_settle writes that down), so a lowered limit holds from
 * the next frame and an old word is mended within tau. A newcomer to a slot never
 * inherits such a word (table.h).
 */
#ifndef HATAGO_BUCKET_H
#define HATAGO_BUCKET_H

#include "abi.h"

#define BUCKET_PHASE_BITS 8
#define BUCKET_PHASE_MASK ((1ULL << BUCKET_PHASE_BITS) - 1)
#define BUCKET_RETRIES	  16 /* compare-and-swaps that may fail before a take gives up */
#define BUCKET_LATE	  (1000000000ULL << HATAGO_TIME_SHIFT) /* no clock is later than 1 s */
#define BUCKET_DITHER	  0x9e3779b97f4a7c15ULL

#define BUCKET_INLINE static inline __attribute__((always_inline, unused))
#ifdef __clang__
#define BUCKET_UNROLL _Pragma("unroll")
#else
#define BUCKET_UNROLL _Pragma("GCC unroll 8")
#endif

/*
 * Words that other CPUs change meanwhile: READ goes to memory once and each time, PEEK and
 * WRITE as the compiler likes, which in the packet path costs nothing. In user space they
 * are C11's relaxed atomics, since there it is threads that share them.
 */
#ifdef __bpf__
#define BUCKET_READ(word)	  (*(const volatile __typeof__(word) *)&(word))
#define BUCKET_PEEK(word)	  (word)
#define BUCKET_WRITE(word, value) ((void)((word) = (value)))
#else
#define BUCKET_READ(word)	  __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define BUCKET_PEEK(word)	  BUCKET_READ(word)
#define BUCKET_WRITE(word, value) __atomic_store_n(&(word), value, __ATOMIC_RELAXED)
#endif

/* Nanoseconds of CLOCK_MONOTONIC in the bucket's unit. */
BUCKET_INLINE __u64 bucket_time(__u64 now_ns)
{
	return now_ns << HATAGO_TIME_SHIFT;
}

/* Is the bucket full: the word is no information. */
BUCKET_INLINE int bucket_is_full(__u64 tat, __u64 now)
{
	return (__s64)(tat - now) <= 0;
}

/* A word out of range, which bucket_settle mends. */
BUCKET_INLINE int bucket_is_stale(__u64 tat, const struct hatago_limit *limit, __u64 now)
{
	__s64 debt = (__s64)(tat - now);

	return debt > 0 && (__u64)debt > limit->tau + BUCKET_LATE;
}

/* Writes down that a word which reads as stale is an empty bucket. Losing the race is fine. */
BUCKET_INLINE void bucket_settle(__u64 *word, __u64 tat, const struct hatago_limit *limit,
				 __u64 now)
{
	if (bucket_is_stale(tat, limit, now))
		__sync_val_compare_and_swap(word, tat, now + limit->tau);
}

/* The tick in force at now, of a bucket's clock with this phase. */
BUCKET_INLINE __u64 bucket_tick(const struct hatago_limit *limit, __u64 phase, __u64 now)
{
	__u64 part = limit->step >> BUCKET_PHASE_BITS;

	return now + part - (now + part - phase * part) % limit->step;
}

/* The phase of a clock that starts now. */
BUCKET_INLINE __u64 bucket_phase(const struct hatago_limit *limit, __u64 now)
{
	__u64 part = limit->step >> BUCKET_PHASE_BITS;

	return (now + part) % limit->step / part;
}

/* What n tokens cost, in time. n is at most limit->burst. */
BUCKET_INLINE __u64 bucket_cost(const struct hatago_limit *limit, __u64 n)
{
	return (n * limit->mult) >> limit->shift;
}

/* 0 to 255, as if at random: what decides whether a cost is rounded up. */
BUCKET_INLINE __u64 bucket_dither(__u64 time)
{
	time *= BUCKET_DITHER;
	return ((time ^ (time >> 32)) * BUCKET_DITHER) >> (64 - BUCKET_PHASE_BITS);
}

/* The same under a scale, HATAGO_INV_ONE (or less, the same) to HATAGO_INV_MAX. */
BUCKET_INLINE __u64 bucket_cost_scaled(const struct hatago_limit *limit, __u64 n, __u32 inv)
{
	__u64 cost = bucket_cost(limit, n);

	if (inv <= HATAGO_INV_ONE)
		return cost;
	if ((cost >> 16) * inv >= limit->tau >> 8) /* the product would be tau at least */
		return limit->tau;
	cost = (cost >> 8) * inv + ((cost & 0xff) * inv >> 8);
	return cost < limit->tau ? cost : limit->tau;
}

BUCKET_INLINE int bucket_offer_step(__u64 tat, const struct hatago_limit *limit, __u64 now, __u64 n,
				    const __u32 inv, __u64 *ret_tat)
{
	__u64 phase = tat & BUCKET_PHASE_MASK, time = tat - phase, tick, debt = 0;
	__u64 cost = bucket_cost_scaled(limit, n, inv), half = limit->mult >> limit->shift >> 1;

	if (bucket_is_full(time, now))
		phase = bucket_phase(limit, now);
	tick = bucket_tick(limit, phase, now);
	if (!bucket_is_full(time, now) && !bucket_is_full(time, tick))
		debt = time - tick;
	debt += (cost + bucket_dither(time)) & ~BUCKET_PHASE_MASK;
	if (n > limit->burst || debt > limit->tau + half)
		return 0;
	*ret_tat = ((tick + debt) & ~BUCKET_PHASE_MASK) | phase;
	return 1;
}

/* The same for a bucket without steps. */
BUCKET_INLINE int bucket_offer_smooth(__u64 tat, const struct hatago_limit *limit, __u64 now,
				      __u64 n, const __u32 inv, __u64 *ret_tat)
{
	__u64 debt = (__s64)(tat - now) > 0 ? tat - now : 0;

	debt += bucket_cost_scaled(limit, n, inv);
	if (n > limit->burst || debt > limit->tau)
		return 0;
	*ret_tat = now + debt;
	return 1;
}

/*
 * What taking n tokens from a bucket that reads `tat` would make of it.
 * Returns 1 and sets *ret_tat if the bucket has them, else 0. Changes nothing else.
 */
BUCKET_INLINE int bucket_offer_scaled(__u64 tat, const struct hatago_limit *limit, __u64 now,
				      __u64 n, const __u32 inv, __u64 *ret_tat)
{
	return limit->step ? bucket_offer_step(tat, limit, now, n, inv, ret_tat)
			   : bucket_offer_smooth(tat, limit, now, n, inv, ret_tat);
}

/* The same without a scale. */
BUCKET_INLINE int bucket_offer(__u64 tat, const struct hatago_limit *limit, __u64 now, __u64 n,
			       __u64 *ret_tat)
{
	return bucket_offer_scaled(tat, limit, now, n, HATAGO_INV_ONE, ret_tat);
}

/*
 * What to take off the word again where n tokens are given back that were taken under this
 * scale; never more than was put on.
 */
BUCKET_INLINE __u64 bucket_refund(const struct hatago_limit *limit, __u64 n, const __u32 inv)
{
	return bucket_cost_scaled(limit, n, inv) & (limit->step ? ~BUCKET_PHASE_MASK : ~0ULL);
}

#ifndef __bpf__

/* The finest rate is one token in 1000 s; the longest time to fill a bucket 30 days. */
#define BUCKET_RATE_MILLI_MAX 1000000000000000ULL /* 10^12 tokens a second */
#define BUCKET_BURST_MAX      1000000000000ULL
#define BUCKET_FILL_MAX_NS    (30ULL * 86400 * 1000000000)
#define BUCKET_STEP_MAX_MS    3600000u

/*
 * Prepares a limit. rate_milli: tokens per 1000 s, 1 to BUCKET_RATE_MILLI_MAX;
 * burst: 1 to BUCKET_BURST_MAX; step_ms: 0 to BUCKET_STEP_MAX_MS.
 * Returns 0, or -1 where a value is out of range or filling the bucket would take
 * longer than BUCKET_FILL_MAX_NS; *ret is untouched then.
 */
static inline int hatago_limit_make(__u64 rate_milli, __u64 burst, __u32 step_ms,
				    struct hatago_limit *ret)
{
	struct hatago_limit limit = {.burst = burst, .rate_milli = rate_milli};
	unsigned __int128 per_token, tau;

	if (rate_milli == 0 || rate_milli > BUCKET_RATE_MILLI_MAX || burst == 0 ||
	    burst > BUCKET_BURST_MAX || step_ms > BUCKET_STEP_MAX_MS)
		return -1;
	per_token = (unsigned __int128)1000000000000ULL << HATAGO_TIME_SHIFT; /* * rate_milli */
	tau = per_token * burst / rate_milli;
	if (tau > (unsigned __int128)BUCKET_FILL_MAX_NS << HATAGO_TIME_SHIFT)
		return -1;
	limit.tau = tau ? (__u64)tau : 1;
	/* As many fractional bits as burst * mult leaves room for in 63 bits. */
	while (limit.shift < 40 && (limit.tau << limit.shift) < (1ULL << 62))
		limit.shift++;
	limit.mult = (__u64)((per_token << limit.shift) / rate_milli);
	limit.step = ((__u64)step_ms * 1000000) << HATAGO_TIME_SHIFT;
	*ret = limit;
	return 0;
}

/* Debt as a take sees it: with steps, as of the tick in force. At most tau. */
static inline __u64 bucket_debt(__u64 tat, const struct hatago_limit *limit, __u64 now)
{
	__u64 since = limit->step ? bucket_tick(limit, tat & BUCKET_PHASE_MASK, now) : now;

	if (bucket_is_full(tat, now) || bucket_is_full(tat, since))
		return 0;
	return tat - since > limit->tau ? limit->tau : tat - since;
}

/* Whole tokens in the bucket, 0 to burst, for display. */
static inline __u64 bucket_tokens(__u64 tat, const struct hatago_limit *limit, __u64 now)
{
	__u64 left = limit->tau - bucket_debt(tat, limit, now);

	if (limit->step && left < limit->tau) /* as a take rounds */
		left += limit->mult >> limit->shift >> 1;
	/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): tau is 1 at least, see above */
	return (__u64)(((unsigned __int128)left * limit->burst) / limit->tau);
}

/*
 * Nanoseconds until n tokens can be taken under a scale if nobody else takes any: 0 if they can be
 * now, UINT64_MAX if never (n over burst). May be up to a step too long.
 */
static inline __u64 bucket_wait_scaled_ns(__u64 tat, const struct hatago_limit *limit, __u64 now,
					  __u64 n, __u32 inv)
{
	__u64 ignored, wait, tick;

	if (n > limit->burst)
		return ~0ULL;
	if (bucket_offer_scaled(tat, limit, now, n, inv, &ignored))
		return 0;
	if (bucket_is_stale(tat, limit, now))
		tat = now + limit->tau;
	wait = (bucket_is_full(tat, now) ? 0 : tat - now) + bucket_cost_scaled(limit, n, inv);
	wait = wait > limit->tau ? wait - limit->tau : 0;
	if (limit->step) { /* to the first tick at or after that */
		tick = bucket_tick(limit, tat & BUCKET_PHASE_MASK, now + wait);
		wait = bucket_is_full(now + wait, tick) ? tick - now : tick + limit->step - now;
	}
	return (wait + (1 << HATAGO_TIME_SHIFT) - 1) >> HATAGO_TIME_SHIFT;
}

/* The same without a scale. */
static inline __u64 bucket_wait_ns(__u64 tat, const struct hatago_limit *limit, __u64 now, __u64 n)
{
	return bucket_wait_scaled_ns(tat, limit, now, n, HATAGO_INV_ONE);
}

#endif /* !__bpf__ */
#endif
