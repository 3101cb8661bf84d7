/* SPDX-License-Identifier: MIT */
/*
 * The configuration as a checked value: what the file said, defaults filled in, every
 * range and contradiction checked. Read-only for everybody else.
 */
#ifndef HATAGO_CONFIG_H
#define HATAGO_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/pressure.h"
#include "hatago/abi.h"

enum config_mode { CONFIG_MODE_AUTO, CONFIG_MODE_NATIVE, CONFIG_MODE_GENERIC, CONFIG_MODE_TC };

struct config_port_range {
	enum hatago_port_protocol protocol;
	uint16_t first, last;
};

struct config_prefixes {
	struct hatago_prefix *items;
	size_t count;
};

struct config_dimension {
	bool enabled;
	uint32_t refill_interval_ms;
	struct hatago_limit limit; /* prepared; holds the rate and the burst as well */
};

/* The budget that SYNs of clients who are not trusted share under pressure. */
struct config_strangers {
	bool enabled;
	struct hatago_limit limit; /* prepared */
};

struct config_edge {
	bool enabled; /* the section is there */
	char *devices[HATAGO_DEVICES_MAX];
	size_t device_count;
	enum config_mode mode;
	bool enforce;
	bool protect_all, protect_icmp;
	struct config_port_range *ports;
	size_t port_count;
	bool ipv4, ipv6; /* families that are protected */
	uint32_t max_clients;
	uint8_t ipv4_prefix, ipv6_prefix;
	struct config_dimension dimension[HATAGO_EDGE_DIMENSIONS];
	struct config_strangers strangers;
	uint32_t trust_ms; /* how long a completed handshake is remembered */
	struct config_prefixes allow, deny;
	char *pins; /* folder in a bpffs */
};

struct config_metrics {
	bool enabled;
	char *endpoint; /* path of the JSON */
	char *listen;	/* HOST:PORT */
};

struct config_control {
	char *socket;
	char *group;	    /* may read; "" or NULL: only root */
	char *change_group; /* may change as well; NULL: only root */
};

/* The options of the seed document; the gate obeys them. */
struct config_concurrency {
	uint32_t max_concurrent, queue_size, timeout_ms;
	uint32_t queue_timeout_ms, request_timeout_ms; /* timeout_ms unless given */
	uint32_t max_concurrent_per_client;	       /* 0: no such limit */
	bool per_client_limits;
};

struct config_rate_limiting {
	bool enabled;
	uint32_t refill_interval_ms;
	struct hatago_limit limit;
};

/* What may count as a failure of the upstream: X(name, as it is written). */
#define CONFIG_FAILURES(X)    \
	X(CONNECT, "connect") \
	X(RESET, "reset")     \
	X(TIMEOUT, "timeout") \
	X(5XX, "5xx")         \
	X(RPC, "rpcInternal")

enum config_failure {
#define X(name, word) CONFIG_FAIL_##name,
	CONFIG_FAILURES(X)
#undef X
		CONFIG_FAILURES_COUNT
};

#define CONFIG_FAIL_ALL ((1u << CONFIG_FAILURES_COUNT) - 1)

struct config_window {
	uint32_t ms, calls; /* one of them is 0 */
};

struct config_circuit_breaker {
	bool enabled;
	uint32_t failure_threshold;
	double failure_rate_threshold; /* 0.001 to 1 */
	uint32_t minimum_calls;
	struct config_window window;
	uint32_t slow_call_threshold_ms; /* 0: no call is slow */
	double slow_call_rate_threshold; /* 0.001 to 1 */
	uint32_t recovery_timeout_ms, max_recovery_timeout_ms;
	uint32_t half_open_probes;
	bool hold_when_open;		   /* onOpen: waiting requests go on waiting */
	uint32_t fail_on;		   /* bits of enum config_failure */
	uint32_t health_check_interval_ms; /* 0: there are no checks */
	char *health_check_path;
	uint32_t health_check_status; /* 0: any below 500 */
	uint32_t health_check_timeout_ms, unhealthy_checks;
};

struct config_adaptive {
	bool enabled;
	/* Percent; 0: off. That of PRESSURE_RESPONSE_TIME is response_time_threshold_ms. */
	double threshold[PRESSURE_SIGNALS];
	uint32_t response_time_threshold_ms, check_interval_ms;
	uint32_t min_concurrent; /* 1 to max_concurrent */
	double min_scale;	 /* more than 0, up to 1 */
	char *cgroup;		 /* its folder; NULL: hatagod's own */
};

#define CONFIG_LISTEN_MAX    16
#define CONFIG_UPSTREAMS_MAX 16
#define CONFIG_CLASSES_MAX   64 /* routes, and likewise methods */
#define CONFIG_WEIGHTS_MAX   256
#define CONFIG_ARGV_MAX	     32 /* words of a hook's command */

/* Who a request's client is. */
enum config_client_id {
	CONFIG_ID_PEER,		 /* the TCP peer, or whom a listed proxy names by PROXY protocol */
	CONFIG_ID_FORWARDED_FOR, /* X-Forwarded-For, from trusted proxies only */
	CONFIG_ID_HEADER,	 /* another header, from trusted proxies only */
};

/* What requests of one kind cost, and may do. */
struct config_class {
	char *name; /* a path, or a JSON-RPC method; one that ends in '*' stands for a beginning */
	bool exclude;		   /* never limited */
	uint32_t cost;		   /* request tokens */
	uint32_t max_concurrent;   /* 0: no limit of its own */
	bool has_limit;		   /* a bucket of its own, shared by all clients, besides theirs */
	struct hatago_limit limit; /* prepared */
};

struct config_classes {
	struct config_class items[CONFIG_CLASSES_MAX];
	size_t count;
};

/* How many requests a client is served in its turn in the queue. */
struct config_weight {
	struct hatago_prefix prefix;
	uint32_t weight;
};

/* A refusal's kinds, in the order of the bodies in the seed document. */
enum config_refusal {
	CONFIG_REFUSED_RATE,
	CONFIG_REFUSED_CONCURRENCY,
	CONFIG_REFUSED_BREAKER,
	CONFIG_REFUSED_QUEUE_TIMEOUT,
	CONFIG_REFUSED_DRAINING,
	CONFIG_REFUSALS
};

struct config_gate {
	bool enabled;			 /* the section is there */
	char *listen[CONFIG_LISTEN_MAX]; /* HOST:PORT or unix:/PATH */
	size_t listen_count;
	char *upstream[CONFIG_UPSTREAMS_MAX]; /* http://HOST:PORT or unix:/PATH */
	size_t upstream_count;
	uint32_t workers; /* 0: one per CPU */
	/* bounds on what a client may send or hold */
	uint32_t max_request_line, max_headers, max_header_bytes;
	uint64_t max_body_bytes;
	uint32_t max_decision_bytes; /* of a body that are read before the decision */
	uint32_t header_timeout_ms, idle_timeout_ms;
	uint32_t min_body_rate; /* bytes a second; 0: none */
	uint32_t max_connections, max_connections_per_client;
	uint32_t max_streams, max_batch;
	/* the upstream's side */
	uint32_t connect_timeout_ms, upstream_idle_ms;
	struct config_prefixes proxy_protocol;	/* sources that begin with a PROXY header */
	struct config_prefixes trusted_proxies; /* sources whose headers are believed */
	enum config_client_id client_id;
	char *client_id_header; /* with CONFIG_ID_HEADER */
	bool x_forwarded_for, forwarded, via;
	struct config_classes routes, methods;
	struct config_weight weights[CONFIG_WEIGHTS_MAX];
	size_t weight_count;
	struct hatago_limit handshake; /* of initialize and the lists that follow it */
	bool inband;		       /* rejectStyle: 200 with the JSON-RPC error */
	int32_t error_code;
	bool null_id;			  /* compat.nullId */
	char *templates[CONFIG_REFUSALS]; /* a JSON-RPC error object; NULL: the seed's */
	uint32_t drain_ms;		  /* for requests in flight at a stop */
};

enum config_hook_kind {
	CONFIG_ON_LIMIT_EXCEEDED,
	CONFIG_ON_QUEUE_CHANGE,
	CONFIG_ON_METRICS,
	CONFIG_ON_CIRCUIT_OPEN,
	CONFIG_ON_STATE_CHANGE,
	CONFIG_HOOKS
};

struct config_hook {
	char *command[CONFIG_ARGV_MAX + 1]; /* NULL-terminated; none: command[0] is NULL */
	char *socket;			    /* NULL: none */
};

/* When requests that are refused by rate reach the edge. */
struct config_escalate {
	uint32_t after; /* refusals within the window; 0: never */
	uint32_t window_ms;
};

struct config {
	struct config_edge edge;
	struct config_escalate escalate;
	struct config_gate gate;
	struct config_hook hooks[CONFIG_HOOKS];
	uint32_t hooks_metrics_ms; /* between two onMetrics */
	struct config_concurrency concurrency;
	struct config_rate_limiting rate_limiting;
	struct config_circuit_breaker circuit_breaker;
	struct config_adaptive adaptive;
	struct config_metrics metrics;
	struct config_control control;
	bool gate_options_given; /* a key that only the gate obeys stands in the file */
};

#define CONFIG_DEFAULT_PATH "/etc/hatago/hatago.yaml"

/* All that is wrong with a file, a line each: "FILE:LINE:COLUMN: KEY: what is wrong; remedy". */
struct config_problems {
	char **lines;
	size_t count;
};

/*
 * Reads and checks a file. Returns 0 and *ret (the caller's, config_free()), or a
 * negative errno with every problem of the file in *problems (config_problems_done()).
 */
int config_load(const char *path, struct config **ret, struct config_problems *problems);
/* The same for text in memory; `name` stands for the file in problems. */
int config_parse(const char *text, size_t length, const char *name, struct config **ret,
		 struct config_problems *problems);
void config_free(struct config *config);
void config_problems_done(struct config_problems *problems);

/* "connect"; NULL beyond the last one. */
const char *config_failure_name(enum config_failure failure);

/* Fills rules from the configuration, but for the ALLOW and DENY flags, which are the lists'. */
void config_rules(const struct config *config, struct hatago_rules *ret);

#endif
