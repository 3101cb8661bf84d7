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
	bool per_client_limits;
};

struct config_rate_limiting {
	bool enabled;
	uint32_t refill_interval_ms;
	struct hatago_limit limit;
};

struct config_circuit_breaker {
	bool enabled;
	uint32_t failure_threshold, recovery_timeout_ms, health_check_interval_ms;
	double failure_rate_threshold;
};

struct config_adaptive {
	bool enabled;
	double cpu_threshold, memory_threshold; /* percent */
	uint32_t response_time_threshold_ms, check_interval_ms;
};

struct config {
	struct config_edge edge;
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

/* Fills rules from the configuration, but for the ALLOW and DENY flags, which are the lists'. */
void config_rules(const struct config_edge *edge, const struct config_rate_limiting *rate,
		  struct hatago_rules *ret);

#endif
