/* SPDX-License-Identifier: MIT */
/*
 * The parts of a snapshot's JSON. Known to user/metrics/json*.c only.
 */
#ifndef HATAGO_METRICS_JSON_H
#define HATAGO_METRICS_JSON_H

#include "metrics/metrics.h"

/* json_gate.c: the member `gate` of the object that is open. */
void metrics_json_gate(const struct metrics_snapshot *snapshot, struct json *out);
/* json_load.c: the member `adaptive`. */
void metrics_json_load(const struct pressure_view *load, struct json *out);

#endif
