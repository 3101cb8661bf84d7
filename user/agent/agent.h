/* SPDX-License-Identifier: MIT */
/*
 * hatagod: everything below put together on one event loop. What the parts of it share
 * among themselves stands here; main.c alone uses it from outside. The agent is the only
 * layer that logs, reads signals, and decides who may do what.
 *
 *   agent.c    order of start and stop      control.c   the socket: who may do what
 *   daemon.c   what ops/ asks of hatagod    endpoint.c  HTTP: metrics and health
 *   reload.c   a new configuration          timers.c    what happens by the clock
 *   watch.c    what became of each device   tell.c      all of it in words for the log
 *   complain.c what is not as asked for     service.c   the service manager
 *   lock.c     one hatagod for each pins' folder
 *   gateway.c  the gate, and what it shares with the edge
 *   events.h   what happens, for hooks and followers
 *   adapt.h    the machine's load, made into limits; stall.h tells of stalls in between
 *   rights.c   what hatagod may do from then on
 */
#ifndef HATAGO_AGENT_H
#define HATAGO_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "agent/adapt.h"
#include "agent/events.h"
#include "agent/lock.h"
#include "agent/watch.h"
#include "base/err.h"
#include "config/config.h"
#include "core/scan.h"
#include "core/trend.h"
#include "gate/gate.h"
#include "kern/edge.h"
#include "metrics/metrics.h"
#include "net/http_server.h"
#include "net/line_server.h"
#include "ops/ops.h"

#define AGENT_COMPLAINTS_MAX 64
#define AGENT_PENDING_MAX    32	  /* changed keys that wait for a restart and are named */
#define AGENT_SAMPLE_MS	     1000 /* between two samples of the counters, for rates */
#define AGENT_NOTES_MS	     60000
#define AGENT_WATCH_MS	     2000 /* between two looks at the devices */
#define METRICS_SCAN_MIN_MS  200  /* a scrape sooner than this after another gets its scan */

#define AGENT_OK     0
#define AGENT_FAILED 1
#define AGENT_USAGE  2 /* the command line or the configuration */

struct agent {
	const char *config_path; /* not owned */
	struct config *config;	 /* in force */
	uv_loop_t loop;
	struct edge *edge; /* NULL: the configuration has none */
	bool adopted;
	struct pins_lock lock;
	struct watch watch;

	struct events *events;
	struct gate *gate; /* NULL: the configuration has none */
	struct gateway_table {
		uint32_t id; /* of the map; 0: none yet */
		uint32_t set_count;
		struct hatago_config *config;
		struct hatago_set *sets;
		struct hatago_side *sides;
	} gateway_table;
	struct tally_gate gateway_tally;
	struct adapt *adapt;
	struct trend trend;
	uint64_t drain_until_ns; /* CLOCK_MONOTONIC; 0: not draining */
	struct line_server *control;
	bool has_group, has_change_group;
	gid_t group, change_group;
	struct ops_context ops;

	struct http_server *http;
	struct metrics_snapshot snapshot;
	struct scan scan;
	uint64_t scanned_ns; /* CLOCK_MONOTONIC; 0: what was found doesn't hold any more */
	bool lists_counted;  /* snapshot.edge.*_entries hold */

	uv_signal_t on_term, on_int, on_hup;
	uv_timer_t sample_timer, notes_timer, watch_timer, confirm_timer, watchdog_timer;
	uv_timer_t metrics_timer, drain_timer;

	uint64_t started_ns, reloaded_ns; /* CLOCK_REALTIME; 0: not yet */
	char *reload_failure;		  /* NULL: the last one went well */
	const char *pending[AGENT_PENDING_MAX];
	size_t pending_count;
	char *complaints[AGENT_COMPLAINTS_MAX];
	size_t complaint_count;
	char status[ERR_TEXT_MAX]; /* as last told to the service manager */
	bool is_ready, is_stopping;
	int exit_code;
};

/* Starts, serves until it is told to stop, and stops. Takes the configuration. */
int agent_run(const char *config_path, struct config *config);
/* Ends the loop; agent_run() returns then. */
void agent_stop(struct agent *agent);

/* To be called after whatever may have changed the edge: logs, looks, and sets timers. */
void agent_settle(struct agent *agent);
/* Logs what the edge has to say. */
void agent_tell_notices(struct agent *agent);

/* complain.c: what is not as it was asked for, anew. */
void agent_complain(struct agent *agent);
void agent_forget_complaints(struct agent *agent);

/* control.c. -ESRCH where a group doesn't exist. */
int control_start(struct agent *agent, struct err *err);

/* daemon.c: agent is their ctx. */
extern const struct ops_daemon agent_daemon;

/* gateway.c; without a gate all of it does nothing. */
int gateway_open(struct agent *agent, struct err *err);
int gateway_start(struct agent *agent, struct err *err);
int gateway_reload(struct agent *agent, const struct config *config, struct err *err);
/* After whatever may have made the edge's client table anew. */
void gateway_follow_table(struct agent *agent);
void gateway_set_timer(struct agent *agent);
void gateway_sample(struct agent *agent);
bool gateway_tally(struct agent *agent, struct tally_gate *ret);
/* true: the loop is stopped later, when what is in flight has ended. */
bool gateway_drain(struct agent *agent);
void gateway_close(struct agent *agent);

/* endpoint.c */
/* The metrics as JSON, from malloc(); NULL: out of memory. */
char *endpoint_json(struct agent *agent, size_t *ret_length);
int endpoint_start(struct agent *agent, struct err *err);

/*
 * reload.c. changes: gets a string for each change; NULL: nobody wants them. -EINVAL: the
 * file's problems are in *problems (the caller's to free). If it fails, nothing has changed.
 */
int agent_reload(struct agent *agent, struct json *changes, struct config_problems *problems,
		 struct err *err);

/*
 * rights.c: keeps CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, as far as the process has them,
 * and nothing else, for good. -EPERM.
 */
int rights_drop(struct err *err);

/* timers.c */
int timers_start(struct agent *agent, struct err *err);
/* To when the next unconfirmed device runs out. */
void timers_set_confirm(struct agent *agent);
void timers_close(struct agent *agent);

/* tell.c */
void tell_edge(const struct agent *agent);
void tell_device(const struct agent *agent, const char *name);
/* All that were attached since then (CLOCK_REALTIME). */
void tell_attached_since(const struct agent *agent, uint64_t since_ns);
void tell_without_effect(const struct config *config);
/* "ports 80/tcp, 53/udp of IPv4 and IPv6" */
void tell_protected(const struct config_edge *edge, char *buf, size_t size);
/* "packets 1000 a second (2000 at once), ..." */
void tell_limits(const struct config_edge *edge, char *buf, size_t size);
/* The buckets of requests, and how many requests may run and wait; likewise. */
void tell_requests(const struct config *config, char *buf, size_t size);
void tell_permits(const struct config *config, char *buf, size_t size);

/* service.c: sd_notify(3); without a service manager they do nothing. */
void service_ready(struct agent *agent);
void service_status(struct agent *agent);
void service_reloading(void);
void service_stopping(void);
void service_alive(void);
/* Milliseconds between two signs of life that the manager wants, halved; 0: it wants none. */
uint64_t service_watchdog_ms(void);

#endif
