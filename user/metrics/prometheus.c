// SPDX-License-Identifier: MIT
/*
 * A snapshot as Prometheus text, format 0.0.4: a small provider for each row of list.h,
 * called in its order; those of the gate are in prometheus_gate.c, those of the load in
 * prometheus_load.c. Series stand there from the start, at 0, wherever they can ever occur,
 * since a rate over a series that comes out of nowhere misses its first step.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "metrics/list.h"
#include "metrics/prometheus.h"

/* A label's value. Bytes beyond ASCII, which a device's name may hold, must not break UTF-8. */
static void label_write(FILE *out, const char *value)
{
	for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
		if (*c == '\\' || *c == '"')
			fprintf(out, "\\%c", *c);
		else if (*c == '\n')
			fputs("\\n", out);
		else if (*c < 0x20 || *c >= 0x7f)
			fprintf(out, "\\\\x%02x", *c);
		else
			fputc(*c, out);
	}
}

/* name{label="value",...} and the blank behind. */
void series_of(const struct text *t, const char *suffix, const struct label *labels)
{
	char before = '{';

	fprintf(t->out, "%s%s", t->name, suffix);
	for (; labels && labels->name; labels++) {
		fprintf(t->out, "%c%s=\"", before, labels->name);
		label_write(t->out, labels->value);
		fputc('"', t->out);
		before = ',';
	}
	fputs(before == ',' ? "} " : " ", t->out);
}

void series(const struct text *t, const struct label *labels)
{
	series_of(t, "", labels);
}

void value_u64(const struct text *t, uint64_t value)
{
	fprintf(t->out, "%" PRIu64 "\n", value);
}

void value_double(const struct text *t, double value)
{
	fprintf(t->out, "%.15g\n", value);
}

#define SCALAR(name, expression) static SCALAR_PROVIDER(name, expression)
SCALAR(config_last_reload_success, !t->s->last_reload_failed)
SCALAR(complaints, t->s->complaint_count)
SCALAR(edge_enabled, t->s->edge.enabled)
SCALAR(edge_enforcing, t->s->edge.enforcing)
SCALAR(edge_clients_slots, t->s->edge.slots)
SCALAR(edge_clients_occupied, t->s->edge.occupied)
SCALAR(edge_clients_live, t->s->edge.live)
SCALAR(edge_clients_banned, t->s->edge.banned)
SCALAR(edge_clients_trusted, t->s->edge.trusted)
SCALAR(edge_clients_escalated, t->s->edge.escalated)
SCALAR(edge_full_sets, t->s->edge.full_sets)
SCALAR(edge_strangers_asked, t->s->edge.pressed.is_asked)
#undef SCALAR

static void write_build_info(const struct text *t)
{
	char abi[16];

	snprintf(abi, sizeof(abi), "%u", HATAGO_ABI_VERSION);
	series(t, LABELS({"version", VERSION_TEXT}, {"abi", abi}));
	value_u64(t, 1);
}

static void write_start_time_seconds(const struct text *t)
{
	series(t, NO_LABELS);
	value_double(t, (double)t->s->start_ns / 1e9);
}

static void write_config_reloads_total(const struct text *t)
{
	series(t, LABELS({"result", "success"}));
	value_u64(t, t->s->reloads);
	series(t, LABELS({"result", "failure"}));
	value_u64(t, t->s->failed_reloads);
}

static void write_edge_attached(const struct text *t)
{
	for (size_t i = 0; i < t->s->edge.device_count; i++) {
		const struct metrics_device *device = &t->s->edge.devices[i];

		for (int mode = HATAGO_MODE_NATIVE; mode <= HATAGO_MODE_TC; mode++) {
			series(t, LABELS({"device", device->name},
					 {"mode", metrics_mode_label(mode)}));
			value_u64(t, device->attached && (int)device->mode == mode);
		}
	}
}

static void write_edge_mode_degraded(const struct text *t)
{
	for (size_t i = 0; i < t->s->edge.device_count; i++) {
		const struct metrics_device *device = &t->s->edge.devices[i];

		series(t, LABELS({"device", device->name}));
		value_u64(t, !device->attached || device->mode != HATAGO_MODE_NATIVE);
	}
}

static void write_edge_unconfirmed(const struct text *t)
{
	for (size_t i = 0; i < t->s->edge.device_count; i++) {
		series(t, LABELS({"device", t->s->edge.devices[i].name}));
		value_u64(t, t->s->edge.devices[i].unconfirmed);
	}
}

static void write_counters(const struct text *t, const struct metrics_device *device, bool bytes)
{
	for (int reason = 0; reason < HATAGO_REASON_COUNT; reason++) {
		for (int verdict = 0; verdict < HATAGO_VERDICT_COUNT; verdict++) {
			const struct hatago_counter *counter =
				&device->counters.by[verdict][reason];

			if (!metrics_can_occur(verdict, reason) && !counter->packets)
				continue;
			series(t, LABELS({"device", device->name},
					 {"verdict", metrics_verdict_label(verdict)},
					 {"reason", metrics_reason_label(reason)}));
			value_u64(t, bytes ? counter->bytes : counter->packets);
		}
	}
}

static void write_edge_packets_total(const struct text *t)
{
	for (size_t i = 0; i < t->s->edge.device_count; i++)
		write_counters(t, &t->s->edge.devices[i], false);
}

static void write_edge_bytes_total(const struct text *t)
{
	for (size_t i = 0; i < t->s->edge.device_count; i++)
		write_counters(t, &t->s->edge.devices[i], true);
}

static void write_edge_scan_seconds(const struct text *t)
{
	series(t, NO_LABELS);
	value_double(t, (double)t->s->edge.scan_ns / 1e9);
}

static void write_edge_list_entries(const struct text *t)
{
	series(t, LABELS({"list", "allow"}));
	value_u64(t, t->s->edge.allow_entries);
	series(t, LABELS({"list", "deny"}));
	value_u64(t, t->s->edge.deny_entries);
}

static void write_edge_limit_tokens_per_second(const struct text *t)
{
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++) {
		if (!(t->s->edge.dimensions & 1u << d))
			continue;
		series(t, LABELS({"dimension", metrics_dimension_label(d)}));
		value_double(t, (double)t->s->edge.limit[d].rate_milli / 1000);
	}
}

static void write_edge_limit_burst_tokens(const struct text *t)
{
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++) {
		if (!(t->s->edge.dimensions & 1u << d))
			continue;
		series(t, LABELS({"dimension", metrics_dimension_label(d)}));
		value_u64(t, t->s->edge.limit[d].burst);
	}
}

static void write_edge_pressure(const struct text *t)
{
	series(t, NO_LABELS);
	value_double(t, t->s->edge.pressed.pressure);
}

static void write_edge_scale(const struct text *t)
{
	series(t, LABELS({"clients", "trusted"}));
	value_double(t, t->s->edge.pressed.trusted);
	series(t, LABELS({"clients", "others"}));
	value_double(t, t->s->edge.pressed.scale);
}

static void write_edge_strangers_tokens(const struct text *t)
{
	if (!t->s->edge.pressed.has_budget)
		return;
	series(t, LABELS({"try", "first"}));
	value_u64(t, t->s->edge.pressed.first);
	series(t, LABELS({"try", "second"}));
	value_u64(t, t->s->edge.pressed.again);
}

static const struct {
	const char *name;
	const char *head; /* HELP and TYPE */
	void (*write)(const struct text *t);
} metrics[] = {
#define GAUGE	  "gauge"
#define COUNTER	  "counter"
#define HISTOGRAM "histogram"
#define METRIC_PROVIDER(name, type, labels, help)                                                 \
	{"hatago_" #name, "# HELP hatago_" #name " " help "\n# TYPE hatago_" #name " " type "\n", \
	 write_##name},
	METRICS_LIST(METRIC_PROVIDER)
#undef METRIC_PROVIDER
#undef HISTOGRAM
#undef COUNTER
#undef GAUGE
};

int metrics_prometheus(const struct metrics_snapshot *snapshot, char **ret, size_t *ret_length)
{
	struct text t = {.s = snapshot};
	size_t length = 0;
	char *text = NULL;
	bool failed;

	t.out = open_memstream(&text, &length);
	if (!t.out)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		t.name = metrics[i].name;
		fputs(metrics[i].head, t.out);
		metrics[i].write(&t);
	}
	failed = ferror(t.out);
	if (fclose(t.out) || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_length = length;
	return 0;
}
