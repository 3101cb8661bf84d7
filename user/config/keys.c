/* SPDX-License-Identifier: MIT */
/*
 * See keys.h. A section stands before its keys and they stand together; what describes
 * a configuration (describe.c) walks the table in this order.
 */
#include "config/keys.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/limits.h"
#include "hatago/bucket.h"

#define DAY_MS 86400000u

#define KEY(path, type, flags, field, min, max, preset, help)                             \
	{                                                                                 \
		path, type, flags, offsetof(struct config, field), min, max, preset, help \
	}
#define SECTION(path, flags, help)                                      \
	{                                                               \
		path, KEY_SECTION, flags, KEY_NOWHERE, 0, 0, NULL, help \
	}

/* The keys of an edge's bucket, which is on where its section is there. */
#define DIMENSION(name, field, what)                                                              \
	KEY("edge." name, KEY_SECTION, 0, field.enabled, 0, 0, NULL,                              \
	    "Each client's bucket of " what ". Absent: not limited, and costs nothing."),         \
		KEY("edge." name ".enabled", KEY_BOOL, KEY_INSIDE, field.enabled, 0, 0, "true",   \
		    "false keeps the section in the file without effect."),                       \
		KEY("edge." name ".tokensPerSecond", KEY_MILLI, 0, field.limit.rate_milli, 1,     \
		    BUCKET_RATE_MILLI_MAX, NULL,                                                  \
		    "How many a client may send a second in the long run."),                      \
		KEY("edge." name ".burstCapacity", KEY_U64, 0, field.limit.burst, 1,              \
		    BUCKET_BURST_MAX, NULL, "How many it may send at once after a pause."),       \
		KEY("edge." name ".refillInterval", KEY_DURATION, 0, field.refill_interval_ms, 0, \
		    BUCKET_STEP_MAX_MS, "0",                                                      \
		    "Tokens arrive in steps of this time; 0: continuously.")

const struct config_key config_keys[] = {
	KEY("edge", KEY_SECTION, KEY_RESTART, edge.enabled, 0, 0, NULL,
	    "The limiter on network devices. Absent: no edge."),
	KEY("edge.devices", KEY_DEVICES, 0, edge.devices, 0, HATAGO_DEVICES_MAX, "[]",
	    "The network devices to attach to at the start. They may also be attached later, by "
	    "command."),
	KEY("edge.mode", KEY_MODE, 0, edge.mode, 0, 0, "auto",
	    "How to attach. auto tries native XDP, then generic XDP, then tc, and says which it "
	    "got; the others insist."),
	KEY("edge.enforce", KEY_BOOL, 0, edge.enforce, 0, 0, "true",
	    "false counts what would be dropped, and drops nothing."),
	KEY("edge.protect", KEY_PORTS, 0, edge.ports, 0, CONFIG_PORTS_MAX, "[]",
	    "What is charged to its sender: ports of this host such as 443/tcp, 53/udp, "
	    "6000-7000/udp; icmp; or all. Anything else passes uncharged."),
	KEY("edge.families", KEY_FAMILIES, 0, edge.ipv4, 0, 2, "[ipv4, ipv6]",
	    "The address families that are protected."),
	KEY("edge.maxClients", KEY_U32, 0, edge.max_clients, HATAGO_CLIENTS_MIN, HATAGO_CLIENTS_MAX,
	    "1048576",
	    "Clients that have buckets of their own at one time. Each takes 149 bytes of memory."),
	SECTION("edge.clientPrefix", 0,
		"Who is one client: the addresses that share a prefix of this length."),
	KEY("edge.clientPrefix.ipv4", KEY_U8, 0, edge.ipv4_prefix, 8, 32, "32",
	    "Bits of an IPv4 address."),
	KEY("edge.clientPrefix.ipv6", KEY_U8, 0, edge.ipv6_prefix, 16, 128, "64",
	    "Bits of an IPv6 address."),
	DIMENSION("packets", edge.dimension[HATAGO_DIM_PACKETS], "packets"),
	DIMENSION("bytes", edge.dimension[HATAGO_DIM_BYTES], "bytes of whole frames"),
	DIMENSION("connections", edge.dimension[HATAGO_DIM_CONNECTIONS], "new TCP connections"),
	KEY("edge.allow", KEY_PREFIXES, 0, edge.allow, 0, HATAGO_LIST_MAX, "[]",
	    "Addresses and prefixes that are never charged, denied or banned."),
	KEY("edge.deny", KEY_PREFIXES, 0, edge.deny, 0, HATAGO_LIST_MAX, "[]",
	    "Addresses and prefixes whose traffic for protected ports is dropped."),
	KEY("edge.pins", KEY_PATH, KEY_RESTART, edge.pins, 0, CONFIG_PINS_MAX, "/sys/fs/bpf/hatago",
	    "The folder, in a BPF file system, that keeps the edge."),

	KEY("maxConcurrent", KEY_U32, KEY_GATE, concurrency.max_concurrent, 1, 1000000, "10",
	    "Requests that run at once."),
	KEY("queueSize", KEY_U32, KEY_GATE, concurrency.queue_size, 0, 1000000, "50",
	    "Requests that may wait; more are refused."),
	KEY("timeout", KEY_DURATION, KEY_GATE, concurrency.timeout_ms, 1, DAY_MS, "30000",
	    "How long a request may wait, and how long it may run."),
	KEY("perClientLimits", KEY_BOOL, KEY_GATE, concurrency.per_client_limits, 0, 0, "false",
	    "Limits requests per client instead of all together."),

	SECTION("rateLimiting", KEY_GATE, "The bucket of requests."),
	KEY("rateLimiting.enabled", KEY_BOOL, KEY_GATE, rate_limiting.enabled, 0, 0, "true",
	    "Limits the rate of requests."),
	KEY("rateLimiting.tokensPerSecond", KEY_MILLI, KEY_GATE, rate_limiting.limit.rate_milli, 1,
	    BUCKET_RATE_MILLI_MAX, "10", "Requests a second, in the long run."),
	KEY("rateLimiting.burstCapacity", KEY_U64, KEY_GATE, rate_limiting.limit.burst, 1,
	    BUCKET_BURST_MAX, "20", "Requests at once after a pause."),
	KEY("rateLimiting.refillInterval", KEY_DURATION, KEY_GATE, rate_limiting.refill_interval_ms,
	    0, BUCKET_STEP_MAX_MS, "1000", "Tokens arrive in steps of this time; 0: continuously."),

	SECTION("circuitBreaker", KEY_GATE, "Keeps requests from a service that fails."),
	KEY("circuitBreaker.enabled", KEY_BOOL, KEY_GATE, circuit_breaker.enabled, 0, 0, "true",
	    "Breaks the circuit when the service fails."),
	KEY("circuitBreaker.failureThreshold", KEY_U32, KEY_GATE, circuit_breaker.failure_threshold,
	    1, 1000000, "5", "Failures in a row that open the breaker."),
	KEY("circuitBreaker.recoveryTimeout", KEY_DURATION, KEY_GATE,
	    circuit_breaker.recovery_timeout_ms, 1, DAY_MS, "60000",
	    "How long it stays open before a request is tried."),
	KEY("circuitBreaker.healthCheckInterval", KEY_DURATION, KEY_GATE,
	    circuit_breaker.health_check_interval_ms, 1, DAY_MS, "10000",
	    "Time between two probes of the service."),
	KEY("circuitBreaker.failureRateThreshold", KEY_DECIMAL, KEY_GATE,
	    circuit_breaker.failure_rate_threshold, 1, 1000, "0.5",
	    "Share of failures that opens the breaker."),

	SECTION("adaptive", KEY_GATE, "Tightens the limits while the machine is under pressure."),
	KEY("adaptive.enabled", KEY_BOOL, KEY_GATE, adaptive.enabled, 0, 0, "false",
	    "Adapts the limits."),
	KEY("adaptive.cpuThreshold", KEY_DECIMAL, KEY_GATE, adaptive.cpu_threshold, 0, 100000, "80",
	    "Percent of CPU above which they are tightened."),
	KEY("adaptive.memoryThreshold", KEY_DECIMAL, KEY_GATE, adaptive.memory_threshold, 0, 100000,
	    "85", "Percent of memory above which they are tightened."),
	KEY("adaptive.responseTimeThreshold", KEY_DURATION, KEY_GATE,
	    adaptive.response_time_threshold_ms, 1, DAY_MS, "5000",
	    "Response time above which they are tightened."),
	KEY("adaptive.checkInterval", KEY_DURATION, KEY_GATE, adaptive.check_interval_ms, 1, DAY_MS,
	    "5000", "Time between two looks at the machine."),

	SECTION("metrics", 0, "Metrics over HTTP."),
	KEY("metrics.enabled", KEY_BOOL, KEY_RESTART, metrics.enabled, 0, 0, "true",
	    "Serves metrics."),
	KEY("metrics.endpoint", KEY_URL_PATH, KEY_RESTART, metrics.endpoint, 0, CONFIG_URL_PATH_MAX,
	    "/metrics/concurrency", "Path of the JSON; Prometheus text is at /metrics."),
	KEY("metrics.listen", KEY_LISTEN, KEY_RESTART, metrics.listen, 0, 0, "127.0.0.1:9464",
	    "Address and port of the metrics. Nobody is asked for a password there."),

	SECTION("control", 0, "The socket of hatago-bpfctl."),
	KEY("control.socket", KEY_PATH, KEY_RESTART, control.socket, 0, CONFIG_SOCKET_MAX,
	    "/run/hatago/control.sock", "Where it lies."),
	KEY("control.group", KEY_GROUP, KEY_RESTART, control.group, 0, CONFIG_GROUP_MAX, "\"\"",
	    "The group that may read besides root. Empty: nobody."),
	KEY("control.changeGroup", KEY_GROUP, KEY_RESTART, control.change_group, 0,
	    CONFIG_GROUP_MAX, "\"\"",
	    "The group that may change things besides root; its members must be in control.group "
	    "too. Empty: nobody."),
};

const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= KEY_COUNT_MAX,
	       "arrays of KEY_COUNT_MAX hold every key");

static const char *const mode_names[] = {
	[CONFIG_MODE_AUTO] = "auto",
	[CONFIG_MODE_NATIVE] = "native",
	[CONFIG_MODE_GENERIC] = "generic",
	[CONFIG_MODE_TC] = "tc",
};

const char *config_mode_name(enum config_mode mode)
{
	return (size_t)mode < sizeof(mode_names) / sizeof(mode_names[0]) ? mode_names[mode] : NULL;
}

const struct config_key *key_find(const char *path)
{
	for (size_t i = 0; i < config_key_count; i++)
		if (strcmp(config_keys[i].path, path) == 0)
			return &config_keys[i];
	return NULL;
}

void *key_field(struct config *config, const struct config_key *key)
{
	return (char *)config + key->offset;
}

const void *key_field_const(const struct config *config, const struct config_key *key)
{
	return (const char *)config + key->offset;
}

const char *key_leaf(const struct config_key *key)
{
	const char *dot = strrchr(key->path, '.');

	return dot ? dot + 1 : key->path;
}

bool key_is_in(const struct config_key *key, const char *section)
{
	const char *leaf = key_leaf(key);
	size_t length = strlen(section);

	if (leaf == key->path)
		return length == 0;
	return (size_t)(leaf - 1 - key->path) == length && strncmp(key->path, section, length) == 0;
}

/* Thousandths as a decimal number. */
static void key_milli(uint64_t milli, char *buf, size_t size)
{
	if (milli % 1000)
		snprintf(buf, size, "%" PRIu64 ".%03" PRIu64, milli / 1000, milli % 1000);
	else
		snprintf(buf, size, "%" PRIu64, milli / 1000);
}

static void key_allowed_decimal(const struct config_key *key, char buf[KEY_ALLOWED_MAX])
{
	char min[32], max[32];

	key_milli(key->min, min, sizeof(min));
	key_milli(key->max, max, sizeof(max));
	snprintf(buf, KEY_ALLOWED_MAX, "a number from %s to %s, with up to 3 decimal places", min,
		 max);
}

static void key_allowed_duration(const struct config_key *key, char buf[KEY_ALLOWED_MAX])
{
	const char *largest = key->max == DAY_MS ? "1d" : "1h";

	snprintf(buf, KEY_ALLOWED_MAX,
		 "a time from %" PRIu64 " to %s, in ms or with a unit (ms, s, m, h, d)", key->min,
		 largest);
}

void key_allowed(const struct config_key *key, char buf[KEY_ALLOWED_MAX])
{
	static const char *const words[] = {
		[KEY_SECTION] = "a mapping of keys to values",
		[KEY_BOOL] = "true or false",
		[KEY_MODE] = "auto, native, generic or tc",
		[KEY_LISTEN] = "ADDRESS:PORT such as 127.0.0.1:9464 or [::1]:9464",
		[KEY_FAMILIES] = "a list of ipv4, ipv6 or both",
	};

	switch (key->type) {
	case KEY_U8:
	case KEY_U32:
	case KEY_U64:
		snprintf(buf, KEY_ALLOWED_MAX, "a whole number from %" PRIu64 " to %" PRIu64,
			 key->min, key->max);
		break;
	case KEY_DURATION:
		key_allowed_duration(key, buf);
		break;
	case KEY_DECIMAL:
	case KEY_MILLI:
		key_allowed_decimal(key, buf);
		break;
	case KEY_PATH:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a path from / on, of up to %" PRIu64 " bytes, without blanks", key->max);
		break;
	case KEY_URL_PATH:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a path such as /metrics/concurrency, of up to %" PRIu64
			 " letters, digits and -._~/",
			 key->max);
		break;
	case KEY_GROUP:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "the name of a group, of up to %" PRIu64 " letters, digits and -._",
			 key->max);
		break;
	case KEY_DEVICES:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a list of up to %" PRIu64 " names of network devices", key->max);
		break;
	case KEY_PORTS:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a list of up to %" PRIu64
			 " of PORT/tcp, PORT/udp, FIRST-LAST/tcp, FIRST-LAST/udp, icmp; or all",
			 key->max);
		break;
	case KEY_PREFIXES:
		snprintf(buf, KEY_ALLOWED_MAX, "a list of up to %" PRIu64 " addresses and prefixes",
			 key->max);
		break;
	default:
		snprintf(buf, KEY_ALLOWED_MAX, "%s", words[key->type]);
	}
}
