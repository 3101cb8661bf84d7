/* SPDX-License-Identifier: MIT */
/*
 * What hatagod says of a configuration: what is protected, and the limits of each client.
 * An operator decides by these words, so each kind of protection and each limit is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct config *parse(const char *text)
{
	struct config_problems problems = {0};
	struct config *config = NULL;

	if (config_parse(text, strlen(text), "f", &config, &problems) < 0)
		fail_msg("%s\n%s", text, problems.count ? problems.lines[0] : "");
	return config;
}

static void says_what_is_protected(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"edge: {protect: [80/tcp]}", "ports 80/tcp over IPv4 and IPv6"},
		{"edge: {protect: [80/tcp, 53/udp, 6000-7000/udp], families: [ipv4]}",
		 "ports 80/tcp, 53/udp, 6000-7000/udp over IPv4"},
		{"edge: {protect: [80/tcp, icmp], families: [ipv6]}",
		 "ports 80/tcp and ICMP over IPv6"},
		{"edge: {protect: [icmp]}", "ICMP over IPv4 and IPv6"},
		{"edge: {protect: [all]}", "everything over IPv4 and IPv6"},
		{"edge: {}", "nothing over IPv4 and IPv6"},
		{"edge: {protect: [1/tcp, 3/tcp, 5/tcp, 7/tcp, 9/tcp, 11/tcp, 13/tcp, 15/tcp, "
		 "17/tcp, 19/tcp, 21/tcp, 23/tcp, 25/tcp, 27/tcp, 29/tcp, 31/tcp, 33/tcp, 35/tcp]}",
		 "ports 1/tcp, 3/tcp, 5/tcp, 7/tcp, 9/tcp, 11/tcp, 13/tcp, 15/tcp, 17/tcp, 19/tcp, "
		 "21/tcp, 23/tcp, 25/tcp, 27/tcp, 29/tcp, 31/tcp and 2 more over IPv4 and IPv6"},
	};
	char buf[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = parse(rows[i].text);

		tell_protected(&config->edge, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].expected);
		config_free(config);
	}
}

static void says_the_limits(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"edge: {packets: {tokensPerSecond: 100, burstCapacity: 20}}",
		 "packets 100 a second (20 at once)"},
		{"edge: {packets: {tokensPerSecond: 0.5, burstCapacity: 3}, "
		 "connections: {tokensPerSecond: 50, burstCapacity: 100}}",
		 "connections 50 a second (100 at once), packets 0.5 a second (3 at once)"},
		{"edge: {bytes: {tokensPerSecond: 50000000, burstCapacity: 100000000}}",
		 "bytes 50000000 a second (100000000 at once)"},
		{"edge: {packets: {enabled: false, tokensPerSecond: 1, burstCapacity: 1}}",
		 "no limit, only the lists and bans"},
	};
	char buf[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = parse(rows[i].text);

		tell_limits(&config->edge, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].expected);
		config_free(config);
	}
}

static void says_what_the_gate_admits(void **state)
{
	static const struct {
		const char *text, *permits, *requests;
	} rows[] = {
		{"", "10 requests at once, 50 wait up to 30 s; an answer within 30 s",
		 "requests 10 a second (20 at once), and before these handshakes 5 a second (10 at "
		 "once)"},
		{"maxConcurrent: 3\nqueueSize: 0\nrequestTimeout: 1500ms\n"
		 "rateLimiting: {enabled: false}\nmaxConcurrentPerClient: 2\n",
		 "3 requests at once, none waits; an answer within 1.5 s",
		 "requests without a limit of their rate"},
		{"perClientLimits: true\nmaxConcurrentPerClient: 2\nqueueTimeout: 5s\n"
		 "rateLimiting: {tokensPerSecond: 0.5, burstCapacity: 3}\n",
		 "10 requests at once (2 of one client), 50 wait up to 5 s; an answer within 30 s",
		 "requests 0.5 a second (3 at once), and before these handshakes 5 a second (10 at "
		 "once)"},
	};
	char text[512], buf[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config;

		snprintf(text, sizeof(text),
			 "gate: {listen: ['127.0.0.1:1'], upstream: ['http://127.0.0.1:2']}\n%s",
			 rows[i].text);
		config = parse(text);
		tell_permits(config, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].permits);
		tell_requests(config, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].requests);
		config_free(config);
	}
}

static void cuts_what_does_not_fit(void **state)
{
	struct config *config = parse("edge: {protect: [80/tcp, 443/tcp]}");
	char buf[16 + 1];

	(void)state;
	memset(buf, '#', sizeof(buf));
	tell_protected(&config->edge, buf, sizeof(buf) - 1);
	assert_string_equal(buf, "ports 80/tcp, 4");
	assert_int_equal(buf[16], '#');
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_protected),
		cmocka_unit_test(says_the_limits),
		cmocka_unit_test(says_what_the_gate_admits),
		cmocka_unit_test(cuts_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
