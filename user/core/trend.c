// SPDX-License-Identifier: MIT
/*
 * See trend.h. Where the timer was late for longer than a window, or the machine slept, the
 * newest sample is what now is compared with: over a longer time, which over_ns tells.
 */
#include "core/trend.h"

#include <string.h>

static uint64_t outcomes_sum(const struct tally *tally, bool (*is_among)(enum tally_outcome))
{
	uint64_t sum = 0;

	for (int outcome = 0; outcome < TALLY_OUTCOME_COUNT; outcome++)
		if (is_among(outcome))
			sum += tally->outcomes[outcome];
	return sum;
}

static struct trend_sample sample_of(const struct tally *sum, uint64_t now_ns)
{
	return (struct trend_sample){
		.at_ns = now_ns,
		.served = sum->outcomes[TALLY_SERVED],
		.errors = sum->errors,
		.failed = outcomes_sum(sum, tally_is_failure),
		.refused = outcomes_sum(sum, tally_is_refusal),
		.response_ns_sum = sum->response_ns_sum,
	};
}

/* The sample that was taken `back` before the newest (0: the newest). back < count */
static const struct trend_sample *sample_at(const struct trend *trend, size_t back)
{
	return &trend->ring[(trend->next + TREND_SAMPLES - 1 - back) % TREND_SAMPLES];
}

static void sample_put(struct trend *trend, struct trend_sample sample)
{
	trend->ring[trend->next] = sample;
	trend->next = (trend->next + 1) % TREND_SAMPLES;
	if (trend->count < TREND_SAMPLES)
		trend->count++;
}

static void mark_put(struct trend *trend, const struct histogram *response,
		     const struct histogram *queue_wait, uint64_t now_ns)
{
	struct trend_mark *mark = &trend->marks[trend->mark_next];

	mark->at_ns = now_ns;
	mark->response = *response;
	mark->queue_wait = *queue_wait;
	trend->mark_next = (trend->mark_next + 1) % TREND_MARKS;
	if (trend->mark_count < TREND_MARKS)
		trend->mark_count++;
}

/* There is one from trend_init() on. */
static const struct trend_mark *mark_newest(const struct trend *trend)
{
	return &trend->marks[(trend->mark_next + TREND_MARKS - 1) % TREND_MARKS];
}

static const struct trend_mark *mark_oldest(const struct trend *trend)
{
	return &trend->marks[trend->mark_count < TREND_MARKS ? 0 : trend->mark_next];
}

void trend_init(struct trend *trend, uint64_t now_ns)
{
	memset(trend, 0, sizeof(*trend));
	sample_put(trend, (struct trend_sample){.at_ns = now_ns});
	trend->marks[0].at_ns = now_ns;
	trend->mark_count = trend->mark_next = 1;
}

void trend_sample(struct trend *trend, const struct tally *sum, uint64_t now_ns)
{
	if (trend->count && now_ns - sample_at(trend, 0)->at_ns < TREND_SAMPLE_MIN_NS)
		return;
	sample_put(trend, sample_of(sum, now_ns));
	if (now_ns - mark_newest(trend)->at_ns >= TREND_MARK_NS)
		mark_put(trend, &sum->response, &sum->queue_wait, now_ns);
}

/* The oldest sample within the window, else the newest of all; NULL: there is none. */
static const struct trend_sample *sample_before(const struct trend *trend, uint64_t now_ns)
{
	const struct trend_sample *before = trend->count ? sample_at(trend, 0) : NULL;

	for (size_t back = 1; back < trend->count; back++) {
		const struct trend_sample *older = sample_at(trend, back);

		if (now_ns - older->at_ns > TREND_WINDOW_NS)
			break;
		before = older;
	}
	return before;
}

/* Words are read one by one while they grow: a difference may be a little below 0, then 0. */
static double grown(uint64_t now, uint64_t before)
{
	return now > before ? (double)(now - before) : 0;
}

static struct trend_times times_since(const struct histogram *now, const struct histogram *before)
{
	struct histogram lately;

	histogram_since(now, before, &lately);
	return (struct trend_times){
		.p50_ms = (double)histogram_quantile(&lately, 0.5) / 1e6,
		.p90_ms = (double)histogram_quantile(&lately, 0.9) / 1e6,
		.p99_ms = (double)histogram_quantile(&lately, 0.99) / 1e6,
		.max_ms = (double)histogram_quantile(&lately, 1) / 1e6,
	};
}

void trend_look(const struct trend *trend, const struct tally *sum, uint64_t now_ns,
		struct trend_view *ret)
{
	const struct trend_sample *before = sample_before(trend, now_ns);
	const struct trend_sample now = sample_of(sum, now_ns);
	double served, errors, ended, seconds;

	memset(ret, 0, sizeof(*ret));
	if (!before || now_ns <= before->at_ns)
		return;
	ret->over_ns = now_ns - before->at_ns;
	seconds = (double)ret->over_ns / 1e9;
	served = grown(now.served, before->served);
	ended = served + grown(now.failed, before->failed);
	errors = grown(now.errors, before->errors) + grown(now.failed, before->failed);
	if (served > 0)
		ret->avg_response_ms =
			grown(now.response_ns_sum, before->response_ns_sum) / served / 1e6;
	ret->requests_per_sec = ended / seconds;
	ret->refused_per_sec = grown(now.refused, before->refused) / seconds;
	ret->response = times_since(&sum->response, &mark_oldest(trend)->response);
	ret->queue_wait = times_since(&sum->queue_wait, &mark_oldest(trend)->queue_wait);
	if (ended > 0)
		ret->error_rate = errors < ended ? errors / ended : 1;
}
