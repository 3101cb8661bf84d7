/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a configuration: word for word, with
 * line and column, all of them in one run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void expect_problems(const char *text, const char *const *expected, size_t count)
{
	static struct config before;
	struct config *config = &before;
	struct config_problems problems = {0};

	if (config_parse(text, strlen(text), "f", &config, &problems) != -EINVAL)
		fail_msg("it was taken:\n%s", text);
	assert_ptr_equal(config, &before); /* untouched */
	for (size_t i = 0; i < problems.count && i < count; i++)
		if (strcmp(problems.lines[i], expected[i]) != 0)
			fail_msg("%s\ngave     %s\nnot      %s", text, problems.lines[i],
				 expected[i]);
	if (problems.count != count)
		fail_msg("%s\ngave %zu problems, not %zu: %s", text, problems.count, count,
			 problems.count > count ? problems.lines[count] : "");
	config_problems_done(&problems);
}

#define TOP_KEYS                                                                               \
	"the keys here are edge, gate, maxConcurrent, queueSize, timeout, queueTimeout, "      \
	"requestTimeout, perClientLimits, maxConcurrentPerClient, rateLimiting, rejectStyle, " \
	"errorCode, compat, templates, hooks, circuitBreaker, adaptive, metrics, control"
#define TIME_RANGE "it must be a time from 1 to 1d, in ms or with a unit (ms, s, m, h, d)"
#define RATE_RANGE "it must be a number from 0.001 to 1000000000000, with up to 3 decimal places"
#define PORT_ITEM                                                                                 \
	"an item must be PORT/tcp, PORT/udp, FIRST-LAST/tcp or FIRST-LAST/udp with ports from 1 " \
	"to 65535, icmp or all"

/* A file with one problem. */
static void single_problems(void **state)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		/* keys */
		{"hooks:\n  x: 1",
		 "f:2:3: hooks.x: is an unknown key; the keys here are onLimitExceeded, "
		 "onQueueChange, onMetrics, onCircuitOpen, onStateChange, metricsInterval"},
		{"queue: 5", "f:1:1: queue: is an unknown key; " TOP_KEYS},
		{"queuesize: 5", "f:1:1: queuesize: is an unknown key; did you mean queueSize?"},
		{"\n\n  queueSise: 5",
		 "f:3:3: queueSise: is an unknown key; did you mean queueSize?"},
		{"devices: [eth0]",
		 "f:1:1: devices: is an unknown key; did you mean edge.devices?"},
		{"edge:\n  packet: {}",
		 "f:2:3: edge.packet: is an unknown key; did you mean packets?"},
		{"control: {mode: 0660}",
		 "f:1:11: control.mode: is an unknown key; did you mean edge.mode?"},
		{"edge.mode: auto", "f:1:1: edge.mode: is an unknown key; " TOP_KEYS},
		{"\"timeout\\0\": 1", "f:1:1: timeout: is an unknown key; did you mean timeout?"},
		{"\"\": 1", "f:1:1: : is an unknown key; " TOP_KEYS},
		{"\"a\\e[31m\": 1", "f:1:1: a?[31m: is an unknown key; " TOP_KEYS},
		{"\"a\\x9b31m\\xe9\": 1", "f:1:1: a??31m\xc3\xa9: is an unknown key; " TOP_KEYS},
		{"timeout: 1\nqueueSize: 1\ntimeout: 1",
		 "f:3:1: timeout: is there twice, first in line 1; keep one"},
		{"edge: {}\nqueueSize: 1\nedge: {}",
		 "f:3:1: edge: is there twice, first in line 1; keep one"},
		{"edge: {allow: [192.0.2.1], allow: [192.0.2.2]}",
		 "f:1:28: edge.allow: is there twice, first in line 1; keep one"},
		{"? [timeout, 1]\n: 1", "f:1:3: syntax: a key must be a single word"},
		{"edge:\n  ? {a: b}\n  : 1", "f:2:5: edge: a key must be a single word"},
		{"<<: {timeout: 1}", "f:1:1: <<: is an unknown key; " TOP_KEYS},

		/* types */
		{"timeout: 10/s", "f:1:10: timeout: '10/s' is not allowed; " TIME_RANGE},
		{"timeout: 10 s", "f:1:10: timeout: '10 s' is not allowed; " TIME_RANGE},
		{"timeout: 1_0", "f:1:10: timeout: '1_0' is not allowed; " TIME_RANGE},
		{"timeout: 0x10", "f:1:10: timeout: '0x10' is not allowed; " TIME_RANGE},
		{"timeout: 010", "f:1:10: timeout: '010' is not allowed; " TIME_RANGE},
		{"timeout: 1e3", "f:1:10: timeout: '1e3' is not allowed; " TIME_RANGE},
		{"timeout: 1.5s", "f:1:10: timeout: '1.5s' is not allowed; " TIME_RANGE},
		{"timeout: -1", "f:1:10: timeout: '-1' is not allowed; " TIME_RANGE},
		{"timeout: 99999999999999999999",
		 "f:1:10: timeout: '99999999999999999999' is not allowed; " TIME_RANGE},
		{"timeout: \"10\"",
		 "f:1:10: timeout: '10' is in quotes, which make it text; write it without"},
		{"timeout:", "f:1:9: timeout: has no value; " TIME_RANGE},
		{"timeout: null", "f:1:10: timeout: has no value; " TIME_RANGE},
		{"timeout: ''",
		 "f:1:10: timeout: '' is in quotes, which make it text; write it without"},
		{"timeout: [1]", "f:1:10: timeout: is a list; " TIME_RANGE},
		{"timeout: {a: 1}", "f:1:10: timeout: is a mapping; " TIME_RANGE},
		{"timeout: \"\\0\"", "f:1:10: timeout: has a NUL byte in it; it must be text"},
		{"perClientLimits: yes",
		 "f:1:18: perClientLimits: 'yes' is not allowed; it must be true or false"},
		{"perClientLimits: True",
		 "f:1:18: perClientLimits: 'True' is not allowed; it must be true or false"},
		{"perClientLimits: 1",
		 "f:1:18: perClientLimits: '1' is not allowed; it must be true or false"},
		{"perClientLimits: \"true\"", "f:1:18: perClientLimits: 'true' is in quotes, which "
					      "make it text; write it without"},
		{"edge: 5",
		 "f:1:7: edge: is a single value; it must be a mapping of keys to values"},
		{"edge: [a]", "f:1:7: edge: is a list; it must be a mapping of keys to values"},
		{"edge:\n  devices: eth0",
		 "f:2:12: edge.devices: is a single value; it must be a list of up to 32 names of "
		 "network devices"},
		{"edge: {devices: {a: b}}",
		 "f:1:17: edge.devices: is a mapping; it must be a list of up to 32 names of "
		 "network devices"},
		{"edge: {allow: 192.0.2.1}",
		 "f:1:15: edge.allow: is a single value; it must be a list of up to 262144 "
		 "addresses and prefixes"},
		{"edge: {allow: [{file: /x}]}",
		 "f:1:16: edge.allow: an item is a mapping; it must be a single value"},
		{"edge: {allow: [[192.0.2.1]]}",
		 "f:1:16: edge.allow: an item is a list; it must be a single value"},
		{"edge: {allow: [~]}",
		 "f:1:16: edge.allow: an item has no value; it must be a single value"},

		/* ranges */
		{"timeout: 0", "f:1:10: timeout: '0' is not allowed; " TIME_RANGE},
		{"timeout: 86400001", "f:1:10: timeout: '86400001' is not allowed; " TIME_RANGE},
		{"timeout: 2d", "f:1:10: timeout: '2d' is not allowed; " TIME_RANGE},
		{"maxConcurrent: 0",
		 "f:1:16: maxConcurrent: '0' is not allowed; it must be a whole "
		 "number from 1 to 1000000"},
		{"maxConcurrent: 1.0", "f:1:16: maxConcurrent: '1.0' is not allowed; it must be a "
				       "whole number from 1 to 1000000"},
		{"edge: {maxClients: 63}",
		 "f:1:20: edge.maxClients: '63' is not allowed; it must be "
		 "a whole number from 64 to 16777216"},
		{"edge: {maxClients: 16777217}",
		 "f:1:20: edge.maxClients: '16777217' is not allowed; it must be a whole number "
		 "from 64 to 16777216"},
		{"edge: {maxClients: 4294967360}", /* 64 in 32 bits */
		 "f:1:20: edge.maxClients: '4294967360' is not allowed; it must be a whole number "
		 "from 64 to 16777216"},
		{"edge: {clientPrefix: {ipv4: 7}}",
		 "f:1:29: edge.clientPrefix.ipv4: '7' is not allowed; it must be a whole number "
		 "from 8 to 32"},
		{"edge: {clientPrefix: {ipv4: 33}}",
		 "f:1:29: edge.clientPrefix.ipv4: '33' is not allowed; it must be a whole number "
		 "from 8 to 32"},
		{"edge: {clientPrefix: {ipv6: 15}}",
		 "f:1:29: edge.clientPrefix.ipv6: '15' is not allowed; it must be a whole number "
		 "from 16 to 128"},
		{"edge: {clientPrefix: {ipv6: 320}}", /* 64 in 8 bits */
		 "f:1:29: edge.clientPrefix.ipv6: '320' is not allowed; it must be a whole number "
		 "from 16 to 128"},
		{"edge: {mode: xdp}",
		 "f:1:14: edge.mode: 'xdp' is not allowed; it must be auto, native, generic or tc"},
		{"circuitBreaker: {failureRateThreshold: 1.001}",
		 "f:1:40: circuitBreaker.failureRateThreshold: '1.001' is not allowed; it must be "
		 "a "
		 "number from 0.001 to 1, with up to 3 decimal places"},
		{"circuitBreaker: {failureRateThreshold: 0}",
		 "f:1:40: circuitBreaker.failureRateThreshold: '0' is not allowed; it must be a "
		 "number from 0.001 to 1, with up to 3 decimal places"},
		{"adaptive: {cpuThreshold: 101}",
		 "f:1:26: adaptive.cpuThreshold: '101' is not allowed; it must be a number from 0 "
		 "to 100, with up to 3 decimal places"},
		{"adaptive: {cpuThreshold: 80%}",
		 "f:1:26: adaptive.cpuThreshold: '80%' is not allowed; it must be a number from 0 "
		 "to 100, with up to 3 decimal places"},
		{"adaptive: {psi: {io: {full: 100.001}}}",
		 "f:1:29: adaptive.psi.io.full: '100.001' is not allowed; it must be a number from "
		 "0 to 100, with up to 3 decimal places"},
		{"adaptive: {minScale: 0}",
		 "f:1:22: adaptive.minScale: '0' is not allowed; it must be a number from 0.001 to "
		 "1, with up to 3 decimal places"},
		{"adaptive: {minConcurrent: 0}",
		 "f:1:27: adaptive.minConcurrent: '0' is not allowed; it must be a whole number "
		 "from 1 to 1000000"},
		{"adaptive: {minConcurrent: 11}",
		 "f:1:12: adaptive.minConcurrent: 11 is more than maxConcurrent (10); lower it, or "
		 "raise maxConcurrent"},
		{"{maxConcurrent: 3, adaptive: {minConcurrent: 4}}",
		 "f:1:31: adaptive.minConcurrent: 4 is more than maxConcurrent (3); lower it, or "
		 "raise maxConcurrent"},
		{"adaptive: {cgroup: system.slice}",
		 "f:1:20: adaptive.cgroup: 'system.slice' is not allowed; it must be a path from / "
		 "on, of up to 4000 bytes, without blanks"},
		{"edge: {packets: {tokensPerSecond: 0.0001, burstCapacity: 1}}",
		 "f:1:35: edge.packets.tokensPerSecond: '0.0001' is not allowed; " RATE_RANGE},
		{"edge: {packets: {tokensPerSecond: 0, burstCapacity: 1}}",
		 "f:1:35: edge.packets.tokensPerSecond: '0' is not allowed; " RATE_RANGE},
		{"edge: {packets: {tokensPerSecond: 1000000000000.001, burstCapacity: 1}}",
		 "f:1:35: edge.packets.tokensPerSecond: '1000000000000.001' is not "
		 "allowed; " RATE_RANGE},
		{"edge: {packets: {tokensPerSecond: 1, burstCapacity: 0}}",
		 "f:1:53: edge.packets.burstCapacity: '0' is not allowed; it must be a whole "
		 "number "
		 "from 1 to 1000000000000"},
		{"edge: {packets: {tokensPerSecond: 1, burstCapacity: 1, refillInterval: 61m}}",
		 "f:1:72: edge.packets.refillInterval: '61m' is not allowed; it must be a time "
		 "from "
		 "0 to 1h, in ms or with a unit (ms, s, m, h, d)"},

		/* texts */
		{"edge: {pins: pins}",
		 "f:1:14: edge.pins: 'pins' is not allowed; it must be a path "
		 "from / on, of up to 200 bytes, without blanks"},
		{"edge: {pins: /}", "f:1:14: edge.pins: '/' is not allowed; it must be a path from "
				    "/ on, of up to 200 bytes, without blanks"},
		{"edge: {pins: /sys/fs/bpf/a.b}",
		 "f:1:8: edge.pins: a BPF file system takes no '.' in a name; choose another"},
		{"metrics: {listen: localhost:80}",
		 "f:1:19: metrics.listen: 'localhost:80' is not allowed; it must be ADDRESS:PORT "
		 "such as 127.0.0.1:9464 or [::1]:9464"},
		{"metrics: {listen: 127.0.0.1:0}",
		 "f:1:19: metrics.listen: '127.0.0.1:0' is not allowed; it must be ADDRESS:PORT "
		 "such as 127.0.0.1:9464 or [::1]:9464"},
		{"metrics: {listen: 127.0.0.1}",
		 "f:1:19: metrics.listen: '127.0.0.1' is not allowed; it must be ADDRESS:PORT such "
		 "as 127.0.0.1:9464 or [::1]:9464"},
		{"metrics: {listen: \"::1:80\"}",
		 "f:1:19: metrics.listen: '::1:80' is not allowed; it must be ADDRESS:PORT such as "
		 "127.0.0.1:9464 or [::1]:9464"},
		{"metrics: {listen: \"[127.0.0.1]:80\"}",
		 "f:1:19: metrics.listen: '[127.0.0.1]:80' is not allowed; it must be ADDRESS:PORT "
		 "such as 127.0.0.1:9464 or [::1]:9464"},
		{"metrics: {listen: \"[]:80\"}",
		 "f:1:19: metrics.listen: '[]:80' is not allowed; it must be ADDRESS:PORT such as "
		 "127.0.0.1:9464 or [::1]:9464"},
		{"metrics: {endpoint: x}",
		 "f:1:21: metrics.endpoint: 'x' is not allowed; it must be a path such as "
		 "/metrics/concurrency, of up to 200 letters, digits and -._~/"},
		{"metrics: {endpoint: /a?b}",
		 "f:1:21: metrics.endpoint: '/a?b' is not allowed; it must be a path such as "
		 "/metrics/concurrency, of up to 200 letters, digits and -._~/"},
		{"metrics: {endpoint: /metrics}",
		 "f:1:11: metrics.endpoint: /metrics is taken by something else; choose another "
		 "path"},
		{"metrics: {endpoint: /healthz}",
		 "f:1:11: metrics.endpoint: /healthz is taken by something else; choose another "
		 "path"},
		{"control: {group: \"a b\"}",
		 "f:1:18: control.group: 'a b' is not allowed; it must be the name of a group, of "
		 "up to 32 letters, digits and -._"},
		{"control: {changeGroup: x}",
		 "f:1:11: control.changeGroup: only control.group may open the socket, and it is "
		 "not set; set it too, to the same group or one that holds it"},
		{"control: {socket: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}",
		 "f:1:19: control.socket: '/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is "
		 "not "
		 "allowed; it must be a path from / on, of up to 107 bytes, without blanks"},

		/* items */
		{"edge: {protect: [443]}",
		 "f:1:18: edge.protect: '443' has no protocol; write 443/tcp or 443/udp"},
		{"edge: {protect: [1-9]}",
		 "f:1:18: edge.protect: '1-9' has no protocol; write 1-9/tcp or 1-9/udp"},
		{"edge: {protect: [0/tcp]}",
		 "f:1:18: edge.protect: '0/tcp' is not allowed; " PORT_ITEM},
		{"edge: {protect: [65536/udp]}",
		 "f:1:18: edge.protect: '65536/udp' is not allowed; " PORT_ITEM},
		{"edge: {protect: [9-5/tcp]}",
		 "f:1:18: edge.protect: '9-5/tcp' is not allowed; " PORT_ITEM},
		{"edge: {protect: [80/sctp]}",
		 "f:1:18: edge.protect: '80/sctp' is not allowed; " PORT_ITEM},
		{"edge: {protect: [80/TCP]}",
		 "f:1:18: edge.protect: '80/TCP' is not allowed; " PORT_ITEM},
		{"edge: {protect: [http]}",
		 "f:1:18: edge.protect: 'http' is not allowed; " PORT_ITEM},
		{"edge: {protect: [1-2-3/tcp]}",
		 "f:1:18: edge.protect: '1-2-3/tcp' is not allowed; " PORT_ITEM},
		{"edge: {protect: [\"\"]}", "f:1:18: edge.protect: '' is not allowed; " PORT_ITEM},
		{"edge: {families: [ipv5]}",
		 "f:1:19: edge.families: 'ipv5' is not allowed; an item must be ipv4 or ipv6"},
		{"edge: {families: []}",
		 "f:1:8: edge.families: is empty, so nothing would be protected; it must be a list "
		 "of ipv4, ipv6 or both"},
		{"edge: {families: [ipv4, ipv6, ipv4]}",
		 "f:1:31: edge.families: the list is too long; it may have 2 entries"},
		{"edge: {allow: [192.0.2.1/24]}",
		 "f:1:16: edge.allow: 192.0.2.1/24 has bits set beyond its length; that prefix is "
		 "192.0.2.0/24"},
		{"edge: {deny: [\"::/0\"]}",
		 "f:1:15: edge.deny: ::/0 would hold all of IPv4 too; 2000::/3 is all global IPv6, "
		 "0.0.0.0/0 all IPv4"},
		{"edge: {deny: [example.org]}",
		 "f:1:15: edge.deny: 'example.org' is no address or prefix; such as 192.0.2.1, "
		 "192.0.2.0/24, 2001:db8::/48"},

		/* contradictions */
		{"edge: {devices: [eth0]}",
		 "f:1:8: edge.protect: is missing or empty, so nothing would be protected; list "
		 "ports such as 443/tcp, or all"},
		{"edge: {devices: [eth0], protect: []}",
		 "f:1:8: edge.protect: is missing or empty, so nothing would be protected; list "
		 "ports such as 443/tcp, or all"},
		{"edge: {protect: [all, 80/tcp]}",
		 "f:1:8: edge.protect: 'all' holds every port already; list all, or the others"},
		{"edge: {protect: [icmp, all]}",
		 "f:1:8: edge.protect: 'all' holds every port already; list all, or the others"},
		{"edge: {devices: [a, b, a], protect: [all]}",
		 "f:1:24: edge.devices: a is listed twice; a device can be attached to once"},
		{"edge: {packets: {tokensPerSecond: 1}}",
		 "f:1:8: edge.packets.burstCapacity: is missing; it must be a whole number from 1 "
		 "to 1000000000000"},
		{"edge: {packets: {burstCapacity: 1}}",
		 "f:1:8: edge.packets.tokensPerSecond: is missing; " RATE_RANGE},
		{"edge: {packets: {tokensPerSecond: 1, burstCapacity: 2592001}}",
		 "f:1:38: edge.packets.burstCapacity: filling the bucket would take longer than 30 "
		 "days; at this tokensPerSecond it may hold up to 2592000"},
		{"edge: {packets: {tokensPerSecond: 10, burstCapacity: 20, refillInterval: 2001}}",
		 "f:1:58: edge.packets.refillInterval: 2001 ms is longer than the 2s in which the "
		 "bucket fills; lower it, or raise burstCapacity"},
		{"rateLimiting: {tokensPerSecond: 100}",
		 "f:1:1: rateLimiting.refillInterval: 1000 ms (the default) is longer than the "
		 "200ms in which the bucket fills; lower it, or raise burstCapacity"},
		{"edge: {bytes: {tokensPerSecond: 1, burstCapacity: 1513}}",
		 "f:1:36: edge.bytes.burstCapacity: 1513 is less than a full frame, which could "
		 "never pass; it must be at least 1514"},
		{"edge: {allow: [192.0.2.0/24], deny: [198.51.100.1, 192.0.2.0/24]}",
		 "f:1:52: edge.deny: 192.0.2.0/24 is in edge.allow as well (line 1); keep one of "
		 "them"},

		/* the environment */
		{"timeout: ${TEST_UNSET}",
		 "f:1:10: timeout: the environment has no TEST_UNSET; set it, or write "
		 "${TEST_UNSET:-default}"},
		{"timeout: ${TEST_EMPTY}", "f:1:10: timeout: '' is not allowed; " TIME_RANGE},
		{"timeout: ${TEST_STRUCTURE}",
		 "f:1:10: timeout: '{a:[b,${TEST_SEVEN}]}' is not allowed; " TIME_RANGE},
		{"timeout: $TEST_SEVEN",
		 "f:1:10: timeout: '$TEST_SEVEN' is not allowed; " TIME_RANGE},
		{"timeout: ${TEST_SEVEN",
		 "f:1:10: timeout: '${TEST_SEVEN' has no closing }; write ${NAME} or "
		 "${NAME:-default}"},
		{"timeout: ${}", "f:1:10: timeout: '${}' is no reference to the environment; write "
				 "${NAME}, ${NAME:-default}, or $${ for these letters themselves"},
		{"timeout: ${7}",
		 "f:1:10: timeout: '${7}' is no reference to the environment; write "
		 "${NAME}, ${NAME:-default}, or $${ for these letters themselves"},
		{"timeout: ${A-B}",
		 "f:1:10: timeout: '${A-B}' is no reference to the environment; write ${NAME}, "
		 "${NAME:-default}, or $${ for these letters themselves"},
		{"timeout: ${A:-${TEST_SEVEN}}",
		 "f:1:10: timeout: '${A:-${TEST_SEVEN}' is no reference to the environment; write "
		 "${NAME}, ${NAME:-default}, or $${ for these letters themselves"},
		{"timeout: ${TEST_LONG}",
		 "f:1:10: timeout: the value is too long; it may have 4095 bytes"},
		{"edge: {devices: \"${TEST_STRUCTURE}\"}",
		 "f:1:17: edge.devices: is a single value; it must be a list of up to 32 names of "
		 "network devices"},
		{"${TEST_SEVEN}: 1", "f:1:1: ${TEST_SEVEN}: is an unknown key; " TOP_KEYS},

		/* the file itself */
		{"[]", "f:1:1: syntax: the file is a list; it must be a mapping of keys to values"},
		{"text",
		 "f:1:1: syntax: the file is a single value; it must be a mapping of keys to "
		 "values"},
		{"timeout: 1\n---\ntimeout: 1\n",
		 "f:2:1: syntax: a second document begins here; a file may have one"},
		{"timeout: &a 1",
		 "f:1:10: syntax: anchors (&) and aliases (*) are not taken; write the value "
		 "itself"},
		{"edge: &a {}",
		 "f:1:7: syntax: anchors (&) and aliases (*) are not taken; write the "
		 "value itself"},
		{"edge: {deny: &a []}",
		 "f:1:14: syntax: anchors (&) and aliases (*) are not taken; write the value "
		 "itself"},
		{"timeout: *a", "f:1:10: syntax: anchors (&) and aliases (*) are not taken; write "
				"the value itself"},
		{"timeout: !!int 1",
		 "f:1:10: syntax: tags (!) are not taken; write the value itself"},
		{"edge: {a: [[[[[[[[1]]]]]]]]}",
		 "f:1:8: edge.a: is an unknown key; the keys here are devices, mode, enforce, "
		 "protect, families, maxClients, clientPrefix, packets, bytes, connections, "
		 "strangers, trust, allow, deny, pins, escalate"},
		{"timeout: 1\nqueueSize: \x01",
		 "f:2:12: syntax: this is no YAML: control characters are not allowed; see "
		 "packaging/hatago.yaml for a sample"},
		{"# \xc3\xa9 \xff",
		 "f:1:5: syntax: this is no YAML: invalid leading UTF-8 octet; see "
		 "packaging/hatago.yaml for a sample"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *const expected[] = {rows[i].problem};

		expect_problems(rows[i].text, expected, COUNT(expected));
	}
}

/* All that is wrong is told in one run, in the order of the file. */
static void many_problems(void **state)
{
	static const char text[] =
		"edge:\n"
		"  devices: [eth0, a/b, \"a b\", abcdefghijklmnop, \"\", .., eth0]\n"
		"  mode: fast\n"
		"  protect: [443, all, 80/tcp]\n"
		"  bytes: {tokensPerSecond: x, burstCapacity: 10}\n"
		"  connections:\n"
		"  deny: [10.0.0.0/8]\n"
		"  allow: [10.0.0.0/8]\n"
		"timeout: 10/s\n"
		"colour: red\n"
		"metrics: {listen: nowhere, listen: \"127.0.0.1:1\"}\n";
	static const char *const expected[] = {
		"f:2:19: edge.devices: 'a/b' is no name of a device; it must have 1 to 15 bytes "
		"without blanks, '/' and ':'",
		"f:2:24: edge.devices: 'a b' is no name of a device; it must have 1 to 15 bytes "
		"without blanks, '/' and ':'",
		"f:2:31: edge.devices: 'abcdefghijklmnop' is no name of a device; it must have 1 "
		"to "
		"15 bytes without blanks, '/' and ':'",
		"f:2:49: edge.devices: '' is no name of a device; it must have 1 to 15 bytes "
		"without blanks, '/' and ':'",
		"f:2:53: edge.devices: '..' is no name of a device; it must have 1 to 15 bytes "
		"without blanks, '/' and ':'",
		"f:2:57: edge.devices: eth0 is listed twice; a device can be attached to once",
		"f:3:9: edge.mode: 'fast' is not allowed; it must be auto, native, generic or tc",
		"f:4:3: edge.protect: 'all' holds every port already; list all, or the others",
		"f:4:13: edge.protect: '443' has no protocol; write 443/tcp or 443/udp",
		"f:5:28: edge.bytes.tokensPerSecond: 'x' is not allowed; " RATE_RANGE,
		"f:5:31: edge.bytes.burstCapacity: 10 is less than a full frame, which could never "
		"pass; it must be at least 1514",
		"f:6:3: edge.connections.tokensPerSecond: is missing; " RATE_RANGE,
		"f:6:3: edge.connections.burstCapacity: is missing; it must be a whole number from "
		"1 to 1000000000000",
		"f:7:10: edge.deny: 10.0.0.0/8 is in edge.allow as well (line 8); keep one of them",
		"f:9:10: timeout: '10/s' is not allowed; " TIME_RANGE,
		"f:10:1: colour: is an unknown key; " TOP_KEYS,
		"f:11:19: metrics.listen: 'nowhere' is not allowed; it must be ADDRESS:PORT such "
		"as "
		"127.0.0.1:9464 or [::1]:9464",
		"f:11:28: metrics.listen: is there twice, first in line 11; keep one",
	};

	(void)state;
	expect_problems(text, expected, COUNT(expected));
}

/* What was found before the YAML broke off is told as well; what would follow from it is not. */
static void broken_off(void **state)
{
	static const char *const expected[] = {
		"f:1:10: timeout: 'x' is not allowed; " TIME_RANGE,
		"f:3:1: syntax: this is no YAML: did not find expected ',' or '}' while parsing a "
		"flow mapping; see packaging/hatago.yaml for a sample",
	};
	static const char *const indented[] = {
		"f:1:10: timeout: '1 queueSize' is not allowed; " TIME_RANGE,
		"f:2:12: syntax: this is no YAML: mapping values are not allowed in this context; "
		"see packaging/hatago.yaml for a sample",
	};
	static const char *const deep[] = {
		"f:1:1: a: is an unknown key; " TOP_KEYS,
		"f:1:12: syntax: nested too deeply; up to 8 levels are taken",
	};

	(void)state;
	expect_problems("timeout: x\nedge: {devices: [eth0]\n", expected, COUNT(expected));
	expect_problems("timeout: 1\n  queueSize: 1", indented, COUNT(indented));
	expect_problems("a: [[[[[[[[[1]]]]]]]]]", deep, COUNT(deep));
}

static int environment(void **state)
{
	static char longest[5000];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	unsetenv("TEST_UNSET");
	setenv("TEST_SEVEN", "7", 1);
	setenv("TEST_EMPTY", "", 1);
	setenv("TEST_STRUCTURE", "{a:[b,${TEST_SEVEN}]}", 1);
	setenv("TEST_LONG", longest, 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_problems),
		cmocka_unit_test(many_problems),
		cmocka_unit_test(broken_off),
	};

	return cmocka_run_group_tests(tests, environment, NULL);
}
