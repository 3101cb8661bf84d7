/* SPDX-License-Identifier: MIT */
/*
 * See keys.h: the table and nothing else, so it may be long. A section stands before its
 * keys and they stand together, as does a list before the keys of its items; what describes
 * a configuration (describe.c) walks the table in this order.
 */
#include "config/keys.h"

#include "config/limits.h"
#include "core/refusal.h"
#include "core/rpc.h"
#include "hatago/bucket.h"

#define KEY(path, type, flags, field, min, max, preset, help)                             \
	{                                                                                 \
		path, type, flags, offsetof(struct config, field), min, max, preset, help \
	}
#define SECTION(path, flags, help)                                      \
	{                                                               \
		path, KEY_SECTION, flags, KEY_NOWHERE, 0, 0, NULL, help \
	}
#define ITEM(path, type, flags, item, field, min, max, preset, help)                          \
	{                                                                                     \
		path, type, (flags) | KEY_ITEM, offsetof(item, field), min, max, preset, help \
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

/* The keys in the mappings of a list of routes or methods. */
#define CLASS(list, named, type, longest, what)                                                    \
	ITEM(list "." named, type, 0, struct config_class, name, 0, longest, NULL, what),          \
		ITEM(list ".cost", KEY_U32, 0, struct config_class, cost, 0, CONFIG_COST_MAX, "1", \
		     "Request tokens that it costs its client."),                                  \
		ITEM(list ".maxConcurrent", KEY_U32, 0, struct config_class, max_concurrent, 0,    \
		     1000000, "0", "How many of them run at once; 0: no limit of their own."),     \
		ITEM(list ".tokensPerSecond", KEY_MILLI, KEY_OPTIONAL, struct config_class,        \
		     limit.rate_milli, 1, BUCKET_RATE_MILLI_MAX, NULL,                             \
		     "How many of all clients pass a second, in the long run."),                   \
		ITEM(list ".burstCapacity", KEY_U64, KEY_OPTIONAL, struct config_class,            \
		     limit.burst, 1, BUCKET_BURST_MAX, NULL,                                       \
		     "How many of them at once after a pause; goes with tokensPerSecond.")

/* A hook's section and its keys. */
#define HOOK(name, flags, hook, help)                                                             \
	SECTION("hooks." name, KEY_GATE | (flags), help),                                         \
		KEY("hooks." name ".command", KEY_COMMAND, KEY_GATE | (flags),                    \
		    hooks[hook].command, 0, CONFIG_ARGV_MAX, "[]",                                \
		    "A program and its arguments, run with the event as JSON on its input."),     \
		KEY("hooks." name ".socket", KEY_PATH, KEY_GATE | (flags), hooks[hook].socket, 0, \
		    CONFIG_SOCKET_MAX, "\"\"",                                                    \
		    "A Unix socket that gets each event as a line of JSON.")

/* A resource's thresholds; that of full follows that of some. */
#define PSI(name, some, some_preset, full_preset, what)                                           \
	SECTION("adaptive.psi." name, 0, "Waiting for " what "."),                                \
		KEY("adaptive.psi." name ".some", KEY_DECIMAL, 0, adaptive.threshold[some], 0,    \
		    100000, some_preset, "Percent of time that a task waits for " what "."),      \
		KEY("adaptive.psi." name ".full", KEY_DECIMAL, 0, adaptive.threshold[(some) + 1], \
		    0, 100000, full_preset, "Percent of time that all tasks wait for " what ".")

#define TEMPLATE(name, flags, refusal, when)                                                 \
	KEY("templates." name, KEY_TEMPLATE, KEY_GATE | (flags), gate.templates[refusal], 0, \
	    REFUSAL_TEMPLATE_MAX, "\"\"", "The error object where " when ".")

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
	    "Clients that have buckets of their own at one time. Each takes 149 bytes of memory, "
	    "and "
	    "with a gate 32 more to remember the SYNs of strangers."),
	SECTION("edge.clientPrefix", 0,
		"Who is one client: the addresses that share a prefix of this length."),
	KEY("edge.clientPrefix.ipv4", KEY_U8, 0, edge.ipv4_prefix, 8, 32, "32",
	    "Bits of an IPv4 address."),
	KEY("edge.clientPrefix.ipv6", KEY_U8, 0, edge.ipv6_prefix, 16, 128, "64",
	    "Bits of an IPv6 address."),
	DIMENSION("packets", edge.dimension[HATAGO_DIM_PACKETS], "packets"),
	DIMENSION("bytes", edge.dimension[HATAGO_DIM_BYTES], "bytes of whole frames"),
	DIMENSION("connections", edge.dimension[HATAGO_DIM_CONNECTIONS], "new TCP connections"),
	SECTION("edge.strangers", KEY_GATE,
		"Under pressure: what new TCP connections of all clients that are not trusted "
		"share. Where it is used up, a client's connection comes through at its second "
		"try, from a budget of the same size for those."),
	KEY("edge.strangers.enabled", KEY_BOOL, KEY_GATE, edge.strangers.enabled, 0, 0, "true",
	    "false never asks for it."),
	KEY("edge.strangers.tokensPerSecond", KEY_MILLI, KEY_GATE, edge.strangers.limit.rate_milli,
	    1, BUCKET_RATE_MILLI_MAX, "1000", "How many a second, in the long run."),
	KEY("edge.strangers.burstCapacity", KEY_U64, KEY_GATE, edge.strangers.limit.burst, 1,
	    BUCKET_BURST_MAX, "2000", "How many at once after a pause."),
	KEY("edge.trust", KEY_DURATION, KEY_GATE, edge.trust_ms, 3000, CONFIG_DAY_MS, "10m",
	    "For how long a client is trusted that completed a TCP handshake with the gate."),
	KEY("edge.allow", KEY_PREFIXES, 0, edge.allow, 0, HATAGO_LIST_MAX, "[]",
	    "Addresses and prefixes that are never charged, denied or banned."),
	KEY("edge.deny", KEY_PREFIXES, 0, edge.deny, 0, HATAGO_LIST_MAX, "[]",
	    "Addresses and prefixes whose traffic for protected ports is dropped."),
	KEY("edge.pins", KEY_PATH, KEY_RESTART, edge.pins, 0, CONFIG_PINS_MAX, "/sys/fs/bpf/hatago",
	    "The folder, in a BPF file system, that keeps the edge."),
	SECTION("edge.escalate", KEY_GATE,
		"When a client that the gate refuses by rate has its new connections dropped at "
		"the edge."),
	KEY("edge.escalate.after", KEY_U32, KEY_GATE, escalate.after, 0, 1000000, "20",
	    "Refusals within the window; 0: never."),
	KEY("edge.escalate.window", KEY_DURATION, KEY_GATE, escalate.window_ms, 1, CONFIG_DAY_MS,
	    "10000", "The window."),

	KEY("gate", KEY_SECTION, KEY_RESTART, gate.enabled, 0, 0, NULL,
	    "The HTTP proxy that limits requests. Absent: no gate."),
	KEY("gate.listen", KEY_LISTENERS, KEY_RESTART, gate.listen, 0, CONFIG_LISTEN_MAX, NULL,
	    "Where clients connect to."),
	KEY("gate.upstream", KEY_UPSTREAMS, KEY_RESTART, gate.upstream, 0, CONFIG_UPSTREAMS_MAX,
	    NULL,
	    "The service behind the gate; of several, the one with the least to do is asked."),
	KEY("gate.workers", KEY_U32, KEY_RESTART, gate.workers, 0, 256, "0",
	    "Threads that serve; 0: one for each CPU."),
	KEY("gate.maxRequestLine", KEY_U32, 0, gate.max_request_line, 256, 65536, "8192",
	    "Bytes of a request's first line."),
	KEY("gate.maxHeaders", KEY_U32, 0, gate.max_headers, 8, 128, "100",
	    "Header fields of a request."),
	KEY("gate.maxHeaderBytes", KEY_U32, 0, gate.max_header_bytes, 1024, 65536, "16384",
	    "Bytes of all of them."),
	KEY("gate.maxBodyBytes", KEY_U64, 0, gate.max_body_bytes, 0, CONFIG_BODY_MAX, "16777216",
	    "Bytes of a request's body."),
	KEY("gate.maxDecisionBytes", KEY_U32, 0, gate.max_decision_bytes, 1024, 1048576, "65536",
	    "Bytes of a body that are read, to see what it asks for, before the request is let "
	    "in."),
	KEY("gate.headerTimeout", KEY_DURATION, 0, gate.header_timeout_ms, 1, CONFIG_DAY_MS, "10s",
	    "How long the head of a request may take to arrive."),
	KEY("gate.idleTimeout", KEY_DURATION, 0, gate.idle_timeout_ms, 1, CONFIG_DAY_MS, "75s",
	    "How long a connection may be idle between two requests."),
	KEY("gate.minBodyRate", KEY_U32, 0, gate.min_body_rate, 0, 1000000000, "256",
	    "Bytes a second that a body must arrive with; 0: any."),
	KEY("gate.maxConnections", KEY_U32, 0, gate.max_connections, 1, 1000000, "16384",
	    "Connections of all clients."),
	KEY("gate.maxConnectionsPerClient", KEY_U32, 0, gate.max_connections_per_client, 0, 1000000,
	    "0", "Connections of one client; 0: no limit."),
	KEY("gate.maxStreams", KEY_U32, 0, gate.max_streams, 0, 1000000, "1000",
	    "Answers that stream on with no permit of maxConcurrent held."),
	KEY("gate.maxBatch", KEY_U32, 0, gate.max_batch, 1, 10000, "50",
	    "Requests in one JSON-RPC batch; each costs like a single one."),
	KEY("gate.connectTimeout", KEY_DURATION, 0, gate.connect_timeout_ms, 1, CONFIG_DAY_MS, "5s",
	    "How long connecting to the upstream may take."),
	KEY("gate.upstreamIdle", KEY_DURATION, 0, gate.upstream_idle_ms, 1, CONFIG_DAY_MS, "4s",
	    "How long an idle connection to the upstream is kept; less than the upstream keeps it "
	    "(5 s with Node)."),
	KEY("gate.drainTimeout", KEY_DURATION, 0, gate.drain_ms, 0, CONFIG_DAY_MS, "30s",
	    "How long requests in flight may go on when hatagod stops."),
	KEY("gate.proxyProtocol", KEY_PREFIXES, 0, gate.proxy_protocol, 0, CONFIG_PROXIES_MAX, "[]",
	    "Addresses of proxies whose connections begin with a PROXY protocol header, v1 or v2."),
	KEY("gate.trustedProxies", KEY_PREFIXES, 0, gate.trusted_proxies, 0, CONFIG_PROXIES_MAX,
	    "[]", "Addresses of proxies whose headers are believed."),
	KEY("gate.clientId", KEY_CLIENT_ID, 0, gate.client_id, 0, CONFIG_HEADER_MAX, "peer",
	    "Who a request's client is: the address it comes from, or, from a trusted proxy, what "
	    "the header says."),
	KEY("gate.xForwardedFor", KEY_BOOL, 0, gate.x_forwarded_for, 0, 0, "true",
	    "Tells the upstream who the client is in X-Forwarded-For."),
	KEY("gate.forwarded", KEY_BOOL, 0, gate.forwarded, 0, 0, "false",
	    "The same in Forwarded (RFC 7239)."),
	KEY("gate.via", KEY_BOOL, 0, gate.via, 0, 0, "true", "Adds the gate to Via."),
	KEY("gate.exclude", KEY_EXCLUDED, 0, gate.routes, 0, CONFIG_CLASSES_MAX, "[/health]",
	    "Paths that are never limited."),
	KEY("gate.routes", KEY_CLASSES, 0, gate.routes, 0, CONFIG_CLASSES_MAX, "[]",
	    "What requests for some paths cost, and may do."),
	CLASS("gate.routes", "path", KEY_ROUTE, CONFIG_URL_PATH_MAX, "Which path."),
	KEY("gate.methods", KEY_CLASSES, 0, gate.methods, 0, CONFIG_CLASSES_MAX, "[]",
	    "What some JSON-RPC methods cost, and may do."),
	CLASS("gate.methods", "method", KEY_METHOD, RPC_METHOD_MAX, "Which method."),
	KEY("gate.weights", KEY_WEIGHTS, 0, gate.weights, 0, CONFIG_WEIGHTS_MAX, "[]",
	    "Clients that are served more often than the others in the queue."),
	ITEM("gate.weights.prefix", KEY_PREFIX, 0, struct config_weight, prefix, 0, 0, NULL,
	     "Their address or prefix."),
	ITEM("gate.weights.weight", KEY_U32, 0, struct config_weight, weight, 1, 1000, NULL,
	     "How many requests each of them is served in its turn; the others: 1."),
	SECTION("gate.handshake", 0,
		"Each client's bucket of initialize and the lists that follow it, so that a "
		"session that has begun is not refused halfway."),
	KEY("gate.handshake.tokensPerSecond", KEY_MILLI, 0, gate.handshake.rate_milli, 1,
	    BUCKET_RATE_MILLI_MAX, "5", "How many a second, in the long run."),
	KEY("gate.handshake.burstCapacity", KEY_U64, 0, gate.handshake.burst, CONFIG_HANDSHAKE_MIN,
	    BUCKET_BURST_MAX, "10", "How many at once after a pause."),

	KEY("maxConcurrent", KEY_U32, KEY_GATE, concurrency.max_concurrent, 1, 1000000, "10",
	    "Requests that run at once."),
	KEY("queueSize", KEY_U32, KEY_GATE, concurrency.queue_size, 0, 1000000, "50",
	    "Requests that may wait; more are refused."),
	KEY("timeout", KEY_DURATION, KEY_GATE, concurrency.timeout_ms, 1, CONFIG_DAY_MS, "30000",
	    "How long a request may wait, and how long it may run, unless the next two say "
	    "otherwise."),
	KEY("queueTimeout", KEY_DURATION, KEY_GATE | KEY_FOLLOWS, concurrency.queue_timeout_ms, 1,
	    CONFIG_DAY_MS, "timeout", "How long a request may wait."),
	KEY("requestTimeout", KEY_DURATION, KEY_GATE | KEY_FOLLOWS, concurrency.request_timeout_ms,
	    1, CONFIG_DAY_MS, "timeout", "How long a request may run."),
	KEY("perClientLimits", KEY_BOOL, KEY_GATE, concurrency.per_client_limits, 0, 0, "false",
	    "Limits requests per client instead of all together."),
	KEY("maxConcurrentPerClient", KEY_U32, KEY_GATE, concurrency.max_concurrent_per_client, 0,
	    1000000, "0", "Requests of one client that run at once; 0: no limit of its own."),

	SECTION("rateLimiting", KEY_GATE, "The bucket of requests."),
	KEY("rateLimiting.enabled", KEY_BOOL, KEY_GATE, rate_limiting.enabled, 0, 0, "true",
	    "Limits the rate of requests."),
	KEY("rateLimiting.tokensPerSecond", KEY_MILLI, KEY_GATE, rate_limiting.limit.rate_milli, 1,
	    BUCKET_RATE_MILLI_MAX, "10", "Requests a second, in the long run."),
	KEY("rateLimiting.burstCapacity", KEY_U64, KEY_GATE, rate_limiting.limit.burst, 1,
	    BUCKET_BURST_MAX, "20", "Requests at once after a pause."),
	KEY("rateLimiting.refillInterval", KEY_DURATION, KEY_GATE, rate_limiting.refill_interval_ms,
	    0, BUCKET_STEP_MAX_MS, "1000", "Tokens arrive in steps of this time; 0: continuously."),

	KEY("rejectStyle", KEY_STYLE, KEY_GATE, gate.inband, 0, 0, "status",
	    "How a refusal is told: status answers 429 or 503; inband answers a JSON-RPC caller "
	    "with 200 and the error in the body."),
	KEY("errorCode", KEY_I32, KEY_GATE, gate.error_code, 0, 0, "-32000",
	    "The code of the JSON-RPC error of a refusal."),
	SECTION("compat", KEY_GATE, "Oddities that a client may need."),
	KEY("compat.nullId", KEY_BOOL, KEY_GATE, gate.null_id, 0, 0, "false",
	    "Writes null as the id of every refusal instead of the request's own."),
	SECTION("templates", KEY_GATE,
		"The JSON-RPC error object of each kind of refusal, as text; {{name}} stands for "
		"one "
		"of its values. Empty: the built-in one."),
	TEMPLATE("rateLimit", 0, CONFIG_REFUSED_RATE, "a client's bucket is empty"),
	TEMPLATE("concurrencyLimit", 0, CONFIG_REFUSED_CONCURRENCY, "the queue is full"),
	TEMPLATE("circuitBreaker", 0, CONFIG_REFUSED_BREAKER, "the breaker is open"),
	TEMPLATE("queueTimeout", 0, CONFIG_REFUSED_QUEUE_TIMEOUT,
		 "a request waited longer than queueTimeout"),
	TEMPLATE("draining", 0, CONFIG_REFUSED_DRAINING, "hatagod is about to stop"),

	SECTION("hooks", KEY_GATE,
		"What is told about events, and to whom. A hook delays nothing."),
	HOOK("onLimitExceeded", 0, CONFIG_ON_LIMIT_EXCEEDED, "A request was refused."),
	HOOK("onQueueChange", 0, CONFIG_ON_QUEUE_CHANGE, "The queue grew or shrank."),
	HOOK("onMetrics", 0, CONFIG_ON_METRICS, "The metrics, time and again."),
	HOOK("onCircuitOpen", 0, CONFIG_ON_CIRCUIT_OPEN, "The breaker opened."),
	HOOK("onStateChange", 0, CONFIG_ON_STATE_CHANGE,
	     "The breaker went from one state to another."),
	KEY("hooks.metricsInterval", KEY_DURATION, KEY_GATE, hooks_metrics_ms, 100, CONFIG_DAY_MS,
	    "10s", "Time between two onMetrics."),

	SECTION("circuitBreaker", KEY_GATE, "Keeps requests from a service that fails."),
	KEY("circuitBreaker.enabled", KEY_BOOL, KEY_GATE, circuit_breaker.enabled, 0, 0, "true",
	    "Breaks the circuit when the service fails."),
	KEY("circuitBreaker.failureThreshold", KEY_U32, KEY_GATE, circuit_breaker.failure_threshold,
	    1, 1000000, "5", "Failures in a row that open the breaker."),
	KEY("circuitBreaker.failureRateThreshold", KEY_DECIMAL, KEY_GATE,
	    circuit_breaker.failure_rate_threshold, 1, 1000, "0.5",
	    "Share of failures in the window that opens the breaker."),
	KEY("circuitBreaker.minimumCalls", KEY_U32, KEY_GATE, circuit_breaker.minimum_calls, 1,
	    1000000, "10", "Calls in the window below which no share opens it."),
	KEY("circuitBreaker.window", KEY_WINDOW, KEY_GATE, circuit_breaker.window, 1, CONFIG_DAY_MS,
	    "30s",
	    "How far back a share looks: the calls of the last so many seconds, or the last so "
	    "many calls."),
	KEY("circuitBreaker.slowCallThreshold", KEY_DURATION, KEY_GATE,
	    circuit_breaker.slow_call_threshold_ms, 0, CONFIG_DAY_MS, "0",
	    "A call that takes longer is slow; 0: none is."),
	KEY("circuitBreaker.slowCallRateThreshold", KEY_DECIMAL, KEY_GATE,
	    circuit_breaker.slow_call_rate_threshold, 1, 1000, "0.5",
	    "Share of slow calls in the window that opens the breaker."),
	KEY("circuitBreaker.recoveryTimeout", KEY_DURATION, KEY_GATE,
	    circuit_breaker.recovery_timeout_ms, 1, CONFIG_DAY_MS, "60000",
	    "How long it stays open before requests are tried; up to a tenth more or less. Doubled "
	    "each time that these fail."),
	KEY("circuitBreaker.maxRecoveryTimeout", KEY_DURATION, KEY_GATE,
	    circuit_breaker.max_recovery_timeout_ms, 1, CONFIG_DAY_MS, "10m",
	    "The most that it is doubled to. Not given: recoveryTimeout, where that is longer."),
	KEY("circuitBreaker.halfOpenProbes", KEY_U32, KEY_GATE, circuit_breaker.half_open_probes, 1,
	    1000000, "3", "Requests that are tried then, and must all do well to close it."),
	KEY("circuitBreaker.onOpen", KEY_ON_OPEN, KEY_GATE, circuit_breaker.hold_when_open, 0, 0,
	    "refuse",
	    "What becomes of the requests that wait when it opens: they are refused, or wait on "
	    "for as long as queueTimeout lets them."),
	KEY("circuitBreaker.failOn", KEY_FAILURES, KEY_GATE, circuit_breaker.fail_on, 0,
	    CONFIG_FAILURES_COUNT, "[connect, reset, timeout, 5xx, rpcInternal]",
	    "What is a failure: no connection, one that broke, requestTimeout, a status of 500 or "
	    "more, JSON-RPC error -32603."),
	KEY("circuitBreaker.healthCheckInterval", KEY_DURATION, KEY_GATE,
	    circuit_breaker.health_check_interval_ms, 0, CONFIG_DAY_MS, "10000",
	    "Time between two checks of the service by the gate; 0: none."),
	KEY("circuitBreaker.healthCheckPath", KEY_URL_PATH, KEY_GATE,
	    circuit_breaker.health_check_path, 0, CONFIG_URL_PATH_MAX, "/health",
	    "What such a check asks for, with GET."),
	KEY("circuitBreaker.healthCheckStatus", KEY_U32, KEY_GATE,
	    circuit_breaker.health_check_status, 0, CONFIG_STATUS_MAX, "0",
	    "The status that it must be answered with; 0: any below 500."),
	KEY("circuitBreaker.healthCheckTimeout", KEY_DURATION, KEY_GATE,
	    circuit_breaker.health_check_timeout_ms, 1, CONFIG_DAY_MS, "2s",
	    "How long the answer may take."),
	KEY("circuitBreaker.unhealthyChecks", KEY_U32, KEY_GATE, circuit_breaker.unhealthy_checks,
	    1, 1000000, "3", "Failed checks in a row that open the breaker."),

	SECTION("adaptive", 0, "Tightens the limits while the machine or the service is pressed."),
	KEY("adaptive.enabled", KEY_BOOL, 0, adaptive.enabled, 0, 0, "false", "Adapts the limits."),
	KEY("adaptive.cpuThreshold", KEY_DECIMAL, 0, adaptive.threshold[PRESSURE_CPU], 0, 100000,
	    "80", "Percent of CPU above which they are tightened; 0: off."),
	KEY("adaptive.memoryThreshold", KEY_DECIMAL, 0, adaptive.threshold[PRESSURE_MEMORY], 0,
	    100000, "85", "Percent of memory above which they are tightened; 0: off."),
	KEY("adaptive.responseTimeThreshold", KEY_DURATION, KEY_GATE,
	    adaptive.response_time_threshold_ms, 1, CONFIG_DAY_MS, "5000",
	    "Response time above which they are tightened."),
	KEY("adaptive.checkInterval", KEY_DURATION, 0, adaptive.check_interval_ms, 1, CONFIG_DAY_MS,
	    "5000", "Time between two looks at the machine."),
	KEY("adaptive.minConcurrent", KEY_U32, KEY_GATE, adaptive.min_concurrent, 1, 1000000, "1",
	    "How many requests run at once however hard the pressure; up to maxConcurrent."),
	KEY("adaptive.minScale", KEY_DECIMAL, 0, adaptive.min_scale, 1, 1000, "0.1",
	    "The share of the limits that pressure leaves at least."),
	KEY("adaptive.cgroup", KEY_PATH, 0, adaptive.cgroup, 0, CONFIG_CGROUP_MAX, "\"\"",
	    "Folder of the service's cgroup, whose load counts. Empty: hatagod's own."),
	SECTION("adaptive.psi", 0,
		"Pressure stall: percent of time that some task, or every one (full), waits for a "
		"resource, above which the limits are tightened; 0: off."),
	PSI("cpu", PRESSURE_PSI_CPU_SOME, "60", "10", "a CPU"),
	PSI("memory", PRESSURE_PSI_MEMORY_SOME, "10", "5", "memory"),
	PSI("io", PRESSURE_PSI_IO_SOME, "0", "20", "a disk"),

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
