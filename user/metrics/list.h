/* SPDX-License-Identifier: MIT */
/*
 * Every metric there is, once: the Prometheus text, the README's table and the tests
 * come from this list. A row without a provider in prometheus*.c does not build.
 * No metric has a label per client: top offenders are a list in the JSON.
 */
#ifndef HATAGO_METRICS_LIST_H
#define HATAGO_METRICS_LIST_H

/* X(name without "hatago_", type, labels, help). The first list: the edge, and hatagod itself. */
#define METRICS_OF_EDGE(X)                                                                      \
	X(build_info, GAUGE, "version, abi",                                                    \
	  "1; its labels tell the version of the program and of its pinned maps.")              \
	X(start_time_seconds, GAUGE, "", "When hatagod started, in seconds since 1970.")        \
	X(config_reloads_total, COUNTER, "result",                                              \
	  "Reloads of the configuration: success or failure.")                                  \
	X(config_last_reload_success, GAUGE, "", "1 unless the last reload failed.")            \
	X(complaints, GAUGE, "",                                                                \
	  "Things that are not as configured; `hatago-bpfctl status` says which.")              \
	X(edge_enabled, GAUGE, "", "1 if the configuration has an edge.")                       \
	X(edge_enforcing, GAUGE, "",                                                            \
	  "1 if the edge drops; 0 if it only counts what it would drop.")                       \
	X(edge_attached, GAUGE, "device, mode",                                                 \
	  "1 for the mode in which the device is protected now, else 0.")                       \
	X(edge_mode_degraded, GAUGE, "device",                                                  \
	  "1 if the device is not protected, or not in native mode.")                           \
	X(edge_unconfirmed, GAUGE, "device",                                                    \
	  "1 while an attach lacks its `edge confirm`, also when it is too late.")              \
	X(edge_packets_total, COUNTER, "device, verdict, reason",                               \
	  "Frames, by what became of them and why.")                                            \
	X(edge_bytes_total, COUNTER, "device, verdict, reason",                                 \
	  "Bytes of these frames, Ethernet header included.")                                   \
	X(edge_clients_slots, GAUGE, "", "Clients that the table has room for.")                \
	X(edge_clients_occupied, GAUGE, "", "Slots that bear a client, idle ones included.")    \
	X(edge_clients_live, GAUGE, "",                                                         \
	  "Clients whose slots nobody may take: in debt, banned, escalated or trusted.")        \
	X(edge_clients_banned, GAUGE, "", "Clients that are banned now.")                       \
	X(edge_clients_trusted, GAUGE, "", "Clients that are trusted now.")                     \
	X(edge_clients_escalated, GAUGE, "",                                                    \
	  "Clients whose new connections are dropped, since the gate refused them too often.")  \
	X(edge_full_sets, GAUGE, "",                                                            \
	  "Sets without a free slot; newcomers there share an overflow bucket.")                \
	X(edge_scan_seconds, GAUGE, "", "What the last pass over the client table took.")       \
	X(edge_list_entries, GAUGE, "list", "Prefixes on the allow list and on the deny list.") \
	X(edge_limit_tokens_per_second, GAUGE, "dimension",                                     \
	  "The rate in force; no line for a dimension that is off.")                            \
	X(edge_limit_burst_tokens, GAUGE, "dimension",                                          \
	  "The burst in force; no line for a dimension that is off.")                           \
	X(edge_pressure, GAUGE, "", "What hatagod tells the edge of the pressure, 0 to 1.")     \
	X(edge_scale, GAUGE, "clients",                                                         \
	  "The share of their rates that trusted clients and others have now.")                 \
	X(edge_strangers_asked, GAUGE, "",                                                      \
	  "1 while SYNs of clients that are not trusted draw on their budget.")                 \
	X(edge_strangers_tokens, GAUGE, "try",                                                  \
	  "SYNs that their budget has left, for first and second tries; no line without one.")

#define METRICS_OF_GATE(X)                                                                        \
	X(gate_enabled, GAUGE, "", "1 if the configuration has a gate.")                          \
	X(concurrent_requests, GAUGE, "", "Requests in flight at the service; 0 without a gate.") \
	X(max_concurrent_requests, GAUGE, "", "Requests that may be in flight: maxConcurrent.")   \
	X(queue_size, GAUGE, "", "Requests that wait for a permit; 0 without a gate.")            \
	X(max_queue_size, GAUGE, "", "Requests that may wait: queueSize.")                        \
	X(gate_requests_total, COUNTER, "outcome", "Requests, by how they ended.")                \
	X(gate_errors_total, COUNTER, "",                                                         \
	  "Served ones whose answer was a failure of the upstream (5xx).")                        \
	X(gate_response_seconds, HISTOGRAM, "le",                                                 \
	  "Served requests, by the time to the first event of their answer.")                     \
	X(gate_queue_wait_seconds, HISTOGRAM, "le",                                               \
	  "Requests that waited for a permit, by how long.")                                      \
	X(gate_turn_seconds, HISTOGRAM, "le",                                                     \
	  "Turns of the workers' loops, by how long they were busy.")                             \
	X(gate_concurrency_limit, GAUGE, "",                                                      \
	  "Requests that may be in flight now: maxConcurrent, or less by adaptation.")            \
	X(gate_upstream_requests, GAUGE, "upstream", "Requests in flight, by upstream.")          \
	X(gate_breaker_state, GAUGE, "upstream, state",                                           \
	  "1 for the state of the upstream's circuit breaker, else 0.")                           \
	X(gate_breaker_failures, GAUGE, "upstream", "Failures in the breaker's window.")          \
	X(gate_breaker_opened_total, COUNTER, "upstream", "How often the breaker has opened.")    \
	X(gate_streams, GAUGE, "", "Streams of server-sent events that are open.")                \
	X(gate_max_streams, GAUGE, "", "Streams that may be open.")                               \
	X(gate_connections, GAUGE, "", "Connections of clients that are open.")                   \
	X(gate_connections_total, COUNTER, "result",                                              \
	  "Connections of clients: accepted or refused.")                                         \
	X(gate_upstream_connections_total, COUNTER, "",                                           \
	  "Connections that were opened to the upstream.")                                        \
	X(gate_bytes_total, COUNTER, "direction",                                                 \
	  "Bytes from clients (in) and to them (out), heads included.")                           \
	X(gate_escalations_total, COUNTER, "",                                                    \
	  "Clients that were handed to the edge, since they ignored refusals.")                   \
	X(gate_events_total, COUNTER, "", "Events for hooks and for `event follow`.")             \
	X(gate_events_dropped_total, COUNTER, "",                                                 \
	  "Events that a hook or a follower was too slow for.")

#define METRICS_OF_LOAD(X)                                                                         \
	X(pressure, GAUGE, "", "How hard the machine is pushed, 0 to 1; 0 without adaptation.")    \
	X(limit_scale, GAUGE, "", "What pressure leaves of the limits: 1 is all of them.")         \
	X(load, GAUGE, "signal",                                                                   \
	  "The load as last read, in percent, responseTime in ms; no line for what is not known.") \
	X(load_threshold, GAUGE, "signal",                                                         \
	  "The load above which limits are tightened; no line for a signal that is off.")          \
	X(psi_triggers, GAUGE, "", "PSI triggers that wake hatagod between two looks at the load.")

#define METRICS_LIST(X) METRICS_OF_EDGE(X) METRICS_OF_GATE(X) METRICS_OF_LOAD(X)

#endif
