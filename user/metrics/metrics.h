/* SPDX-License-Identifier: MIT */
/*
 * What hatagod says of itself: a snapshot, plain data of one instant, and its texts for
 * Prometheus, for programs (JSON in the shape of the seed document) and for the README.
 * Takes no measurements and reads no clock; the agent fills the snapshot from the view,
 * a scan and the configuration.
 */
#ifndef HATAGO_METRICS_METRICS_H
#define HATAGO_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"
#include "base/json.h"
#include "config/config.h"
#include "core/pressed.h"
#include "core/pressure.h"
#include "core/trend.h"
#include "hatago/abi.h"
#include "kern/view.h"

#define METRICS_OFFENDERS_MAX 20 /* clients in the JSON's list */
#define METRICS_BAN_FOR_GOOD  UINT64_MAX
#define METRICS_CONTENT_TYPE  "text/plain; version=0.0.4; charset=utf-8"

struct metrics_device {
	char name[16];
	bool attached;
	bool unconfirmed;
	enum hatago_attach_mode mode; /* holds if attached */
	char why[HATAGO_WHY_MAX];     /* why no better mode; empty: it is the best */
	struct hatago_counters counters;
};

struct metrics_offender {
	char client[PREFIX_TEXT_MAX];
	uint64_t packets, bytes, drops;
	uint64_t ban_ns; /* that is left; 0: not banned; METRICS_BAN_FOR_GOOD */
};

struct metrics_edge {
	bool enabled; /* the configuration has one */
	bool enforcing;
	struct metrics_device devices[HATAGO_DEVICES_MAX];
	size_t device_count;
	uint32_t dimensions; /* bit d: limit[d] holds */
	struct hatago_limit limit[HATAGO_DIM_COUNT];
	struct pressed pressed;
	/* the client table, from a scan */
	uint64_t slots, occupied, live, banned, trusted, escalated, full_sets;
	uint64_t scan_ns;
	/* Counted by whoever changes the lists: to walk them at each scrape would be slow. */
	uint64_t allow_entries, deny_entries;
	struct metrics_offender offenders[METRICS_OFFENDERS_MAX]; /* worst first */
	size_t offender_count;
};

/* The seed document's figures. Without a gate nothing is in flight: zeros, and full buckets. */
struct metrics_gate {
	uint64_t current, max;
	uint64_t queue_size, queue_max;
	enum breaker_state breaker;			      /* of all upstreams together */
	uint64_t breaker_failures;			      /* in the windows of all */
	uint64_t last_failure_ns;			      /* CLOCK_REALTIME; 0: none */
	double tokens, capacity, refill_rate;		      /* the last one per second */
	double avg_response_ms, requests_per_sec, error_rate; /* of the last minute */
	/* What the seed document does not have. */
	bool enabled;		/* the configuration has a gate */
	double refused_per_sec; /* of the last minute, like the next */
	struct trend_times response, queue_wait;
	uint64_t streams, streams_max, connections; /* now */
	struct tally sum;			    /* of all workers */
	uint64_t limit; /* of requests that run: max, or less by adaptation */
	struct tally_upstream upstreams[TALLY_UPSTREAMS_MAX];
	size_t upstream_count;
};

/* Of hooks and followers; whoever fills the snapshot counts them. */
struct metrics_events {
	uint64_t emitted, dropped;
};

/* About 70 KB: keep it on the heap. All zero is a valid one. */
struct metrics_snapshot {
	uint64_t now_ns, start_ns;	  /* CLOCK_REALTIME */
	uint64_t reloads, failed_reloads; /* that succeeded, that failed */
	bool last_reload_failed;
	const char *const *complaints; /* sentences on what is not as it was asked for; not owned */
	size_t complaint_count;
	struct metrics_edge edge;
	struct metrics_gate gate;
	struct pressure_view load; /* whoever fills the snapshot asks for it */
	struct metrics_events events;
};

/*
 * Devices with their counters, enforcing, limits, pressure and slots; now_ns: CLOCK_MONOTONIC.
 * Leaves the rest alone.
 */
void metrics_snapshot_view(const struct view *view, uint64_t now_ns,
			   struct metrics_snapshot *snapshot);
/* edge.enabled and gate.enabled, and the gate's bounds as configured, with full buckets. */
void metrics_snapshot_config(const struct config *config, struct metrics_snapshot *snapshot);
/*
 * What the gate counted and does now, after metrics_snapshot_config(): its bounds are those in
 * force. now_ns: CLOCK_MONOTONIC, as in the trend and the breakers; snapshot->now_ns is set.
 */
void metrics_snapshot_gate(const struct tally_gate *gate, const struct trend *trend,
			   uint64_t now_ns, struct metrics_snapshot *snapshot);

/* Prometheus text: 0 and the caller's to free(), or -ENOMEM. */
int metrics_prometheus(const struct metrics_snapshot *snapshot, char **ret, size_t *ret_length);
/* One object. */
void metrics_json(const struct metrics_snapshot *snapshot, struct json *out);

/* May a frame with this reason end with this verdict? */
bool metrics_can_occur(enum hatago_verdict verdict, enum hatago_reason reason);
const char *metrics_verdict_label(enum hatago_verdict verdict);
const char *metrics_reason_label(enum hatago_reason reason);
const char *metrics_mode_label(enum hatago_attach_mode mode);
const char *metrics_dimension_label(enum hatago_dimension dimension);

/* For the README: the tables of metrics and outcomes, of reasons and verdicts. */
void metrics_markdown(FILE *out);
void metrics_reasons_markdown(FILE *out);

#endif
