// SPDX-License-Identifier: MIT
/*
 * counter list, and the rates of `status`: what the devices' programs counted. The sums
 * are exact; a rate is the difference of two samples of them.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "ops/commands.h"

#define REASON_VERDICT(name, label, verdict, help) \
	[HATAGO_REASON_##name] = HATAGO_VERDICT_##verdict,

static const enum hatago_verdict reason_verdicts[] = {HATAGO_REASONS(REASON_VERDICT)};

/* A rule that lets pass only ever counts passes. */
static bool ops_can_be(uint32_t verdict, uint32_t reason)
{
	return verdict == HATAGO_VERDICT_PASS || reason_verdicts[reason] == HATAGO_VERDICT_DROP;
}

static void ops_write_reasons(const struct hatago_counters *counters, bool all, struct json *out)
{
	struct hatago_counter sum = {0};

	json_array_begin(out, "counters");
	for (uint32_t v = 0; v < HATAGO_VERDICT_COUNT; v++)
		for (uint32_t r = 0; r < HATAGO_REASON_COUNT; r++) {
			const struct hatago_counter *c = &counters->by[v][r];

			sum.packets += c->packets;
			sum.bytes += c->bytes;
			if (!c->packets && !(all && ops_can_be(v, r)))
				continue;
			json_object_begin(out, NULL);
			json_str(out, "verdict", ops_verdict_label(v));
			json_str(out, "reason", ops_reason_label(r));
			json_u64(out, "packets", c->packets);
			json_u64(out, "bytes", c->bytes);
			json_str(out, "help", ops_reason_help(r));
			json_object_end(out);
		}
	json_array_end(out);
	json_object_begin(out, "received");
	json_u64(out, "packets", sum.packets);
	json_u64(out, "bytes", sum.bytes);
	json_object_end(out);
}

int ops_counter_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const char *only = ops_text(args, "device");
	struct clients clients;
	size_t found = 0;
	int r = ops_clients(ops, &clients, err);

	if (r < 0)
		return r;
	json_array_begin(out, "devices");
	for (size_t i = 0; i < ops->view->device_count; i++) {
		const struct view_device *device = &ops->view->devices[i];
		struct hatago_counters counters;

		if (only && strcmp(only, device->name) != 0)
			continue;
		found++;
		view_device_counters(ops->view, device, &counters);
		json_object_begin(out, NULL);
		json_str(out, "device", device->name);
		ops_write_reasons(&counters, ops_flag(args, "all"), out);
		json_object_end(out);
	}
	json_array_end(out);
	if (only && !found)
		return err_set(err, -ENOENT, "the edge is not attached to %s", only);
	return 0;
}

void ops_sum(const struct ops_context *ops, struct hatago_counters *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ops->view->device_count; i++) {
		struct hatago_counters counters;

		view_device_counters(ops->view, &ops->view->devices[i], &counters);
		for (uint32_t v = 0; v < HATAGO_VERDICT_COUNT; v++)
			for (uint32_t r = 0; r < HATAGO_REASONS_MAX; r++) {
				ret->by[v][r].packets += counters.by[v][r].packets;
				ret->by[v][r].bytes += counters.by[v][r].bytes;
			}
	}
}

void ops_sample(struct ops_context *ops)
{
	uint64_t now = ops->mono_ns();

	if (!ops->view ||
	    (ops->samples[0].at_ns && now - ops->samples[0].at_ns < OPS_SAMPLE_MIN_MS * OPS_MS))
		return;
	ops->samples[1] = ops->samples[0];
	ops->samples[0].at_ns = now;
	ops_sum(ops, &ops->samples[0].sum);
}

/* Per second, to one place. A device that was detached takes its counts along: 0. */
static double ops_rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? round((double)(now - before) / seconds * 10) / 10 : 0;
}

static void ops_write_rate(const char *key, const struct hatago_counter *now,
			   const struct hatago_counter *before, double seconds, struct json *out)
{
	json_object_begin(out, key);
	json_double(out, "packets", ops_rate(now->packets, before->packets, seconds));
	json_double(out, "bytes", ops_rate(now->bytes, before->bytes, seconds));
	json_object_end(out);
}

static struct hatago_counter ops_verdict_sum(const struct hatago_counters *counters, uint32_t v)
{
	struct hatago_counter sum = {0};

	for (uint32_t r = 0; r < HATAGO_REASONS_MAX; r++) {
		sum.packets += counters->by[v][r].packets;
		sum.bytes += counters->by[v][r].bytes;
	}
	return sum;
}

static void ops_write_rate_rows(const struct hatago_counters *now,
				const struct hatago_counters *before, double seconds,
				struct json *out)
{
	json_array_begin(out, "by_reason");
	for (uint32_t v = 0; v < HATAGO_VERDICT_COUNT; v++)
		for (uint32_t r = 0; r < HATAGO_REASON_COUNT; r++) {
			if (now->by[v][r].packets <= before->by[v][r].packets)
				continue;
			json_object_begin(out, NULL);
			json_str(out, "verdict", ops_verdict_label(v));
			json_str(out, "reason", ops_reason_label(r));
			ops_write_rate("per_second", &now->by[v][r], &before->by[v][r], seconds,
				       out);
			json_object_end(out);
		}
	json_array_end(out);
}

/* The newest sample that is old enough to compare with, or NULL. */
static const struct ops_sample *ops_before(const struct ops_context *ops, uint64_t now)
{
	for (size_t i = 0; i < sizeof(ops->samples) / sizeof(ops->samples[0]); i++) {
		const struct ops_sample *sample = &ops->samples[i];

		if (sample->at_ns && now - sample->at_ns >= OPS_SAMPLE_MIN_MS * OPS_MS &&
		    now - sample->at_ns <= OPS_SAMPLE_MAX_MS * OPS_MS)
			return sample;
	}
	return NULL;
}

void ops_write_rates(struct ops_context *ops, struct json *out)
{
	uint64_t now_ns = ops->mono_ns();
	const struct ops_sample *before = ops_before(ops, now_ns);
	struct hatago_counters now;
	double seconds;

	ops_sum(ops, &now);
	if (before) {
		seconds = (double)(now_ns - before->at_ns) / 1e9;
		json_object_begin(out, "rates");
		ops_write_ms("over_ms", now_ns - before->at_ns, out);
		for (uint32_t v = 0; v < HATAGO_VERDICT_COUNT; v++) {
			struct hatago_counter a = ops_verdict_sum(&now, v);
			struct hatago_counter b = ops_verdict_sum(&before->sum, v);

			ops_write_rate(ops_verdict_label(v), &a, &b, seconds, out);
		}
		ops_write_rate_rows(&now, &before->sum, seconds, out);
		json_object_end(out);
	} else {
		json_nil(out, "rates");
	}
	ops_sample(ops);
}
