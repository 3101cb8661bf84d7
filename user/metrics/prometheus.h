/* SPDX-License-Identifier: MIT */
/*
 * What the providers of Prometheus text share: where they write, how a series begins and how
 * its value ends. Known to user/metrics/prometheus*.c only.
 */
#ifndef HATAGO_METRICS_PROMETHEUS_H
#define HATAGO_METRICS_PROMETHEUS_H

#include <stdio.h>

#include "metrics/list.h"
#include "metrics/metrics.h"

struct text {
	FILE *out;
	const char *name; /* of the metric that is being written */
	const struct metrics_snapshot *s;
};

struct label {
	const char *name, *value;
};

#define LABELS(...) ((const struct label[]){__VA_ARGS__, {NULL, NULL}})
#define NO_LABELS   ((const struct label *)NULL)

/* name{label="value",...} and the blank behind; with a suffix to the name: "_sum". */
void series(const struct text *t, const struct label *labels);
void series_of(const struct text *t, const char *suffix, const struct label *labels);
void value_u64(const struct text *t, uint64_t value);
void value_double(const struct text *t, double value);

/* The provider of a metric with one series and a whole number. */
#define SCALAR_PROVIDER(name, expression)       \
	void write_##name(const struct text *t) \
	{                                       \
		series(t, NO_LABELS);           \
		value_u64(t, expression);       \
	}

/* prometheus_gate.c and prometheus_load.c */
#define PROVIDER(name, type, labels, help) void write_##name(const struct text *t);
METRICS_OF_GATE(PROVIDER)
METRICS_OF_LOAD(PROVIDER)
#undef PROVIDER

#endif
