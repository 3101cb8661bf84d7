// SPDX-License-Identifier: MIT
/*
 * Headers of the PROXY protocol as tables, every one also cut short at every byte: a
 * part of a good header asks for more, and never for nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy_protocol.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SIGNATURE    "\r\n\r\n\0\r\nQUIT\n"
#define V4_BLOCK     "\xc0\x00\x02\x01\xc0\x00\x02\x02\x10\x01\x00\x50"
#define V6_BLOCK                                     \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02" \
	"\x10\x01\x00\x50"
#define TEXT(bytes) bytes, sizeof(bytes) - 1

static const struct {
	const char *name, *bytes;
	size_t n;
	int result;	    /* 0: all of it */
	const char *source; /* NULL: none */
} cases[] = {
	{"v1 TCP4", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 4097 80\r\n"), 0, "192.0.2.1 4097"},
	{"v1 TCP6", TEXT("PROXY TCP6 2001:db8::1 ::2 4097 80\r\n"), 0, "2001:db8::1 4097"},
	{"v1 and more", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 0 65535\r\nGET /"), 40, "192.0.2.1 0"},
	{"v1 unknown", TEXT("PROXY UNKNOWN\r\n"), 0, NULL},
	{"v1 unknown with addresses", TEXT("PROXY UNKNOWN ::1 ::2 1 2\r\n"), 0, NULL},
	{"v1 a name like it", TEXT("PROXY UNKNOWNS\r\n"), -EPROTO, NULL},
	{"v1 another family", TEXT("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), -EPROTO, NULL},
	{"v1 IPv6 for TCP4", TEXT("PROXY TCP4 ::1 ::2 1 2\r\n"), -EPROTO, NULL},
	{"v1 a port too large", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"), -EPROTO, NULL},
	{"v1 a leading zero", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"), -EPROTO, NULL},
	{"v1 a sign", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n"), -EPROTO, NULL},
	{"v1 a bad destination", TEXT("PROXY TCP4 192.0.2.1 192.0.2 1 2\r\n"), -EPROTO, NULL},
	{"v1 a word missing", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), -EPROTO, NULL},
	{"v1 a word more", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), -EPROTO, NULL},
	{"v1 two blanks", TEXT("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), -EPROTO, NULL},
	{"v1 LF", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"), -EPROTO, NULL},
	{"v1 bare CR", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx"), -EPROTO, NULL},
	{"v1 a NUL", TEXT("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"), -EPROTO, NULL},
	{"v1 nothing", TEXT("PROXY \r\n"), -EPROTO, NULL},
	{"v2 IPv4", TEXT(SIGNATURE "\x21\x11\0\x0c" V4_BLOCK), 0, "192.0.2.1 4097"},
	{"v2 IPv6", TEXT(SIGNATURE "\x21\x21\0\x24" V6_BLOCK), 0, "2001:db8::1 4097"},
	{"v2 datagrams", TEXT(SIGNATURE "\x21\x12\0\x0c" V4_BLOCK), 0, "192.0.2.1 4097"},
	{"v2 TLV and more", TEXT(SIGNATURE "\x21\x11\0\x10" V4_BLOCK "\x04\0\x01xGET"), 32,
	 "192.0.2.1 4097"},
	{"v2 local", TEXT(SIGNATURE "\x20\0\0\0"), 0, NULL},
	{"v2 local with IPv4", TEXT(SIGNATURE "\x20\x11\0\x0c" V4_BLOCK), 0, NULL},
	{"v2 unspecified", TEXT(SIGNATURE "\x21\0\0\0"), 0, NULL},
	{"v2 unspecified transport", TEXT(SIGNATURE "\x21\x10\0\x0c" V4_BLOCK), 0, NULL},
	{"v2 too short for IPv4", TEXT(SIGNATURE "\x21\x11\0\x0b" V4_BLOCK), -EPROTO, NULL},
	{"v2 too short for Unix", TEXT(SIGNATURE "\x21\x31\0\x0c" V4_BLOCK), -EPROTO, NULL},
	{"v2 another family", TEXT(SIGNATURE "\x21\x41\0\x0c" V4_BLOCK), -EPROTO, NULL},
	{"v2 another transport", TEXT(SIGNATURE "\x21\x13\0\x0c" V4_BLOCK), -EPROTO, NULL},
	{"v2 another command", TEXT(SIGNATURE "\x22\x11\0\x0c" V4_BLOCK), -EPROTO, NULL},
	{"version 1 in binary", TEXT(SIGNATURE "\x11\x11\0\x0c" V4_BLOCK), -EPROTO, NULL},
	{"v2 too long", TEXT(SIGNATURE "\x21\x11\x02\x09"), -EPROTO, NULL},
	{"v2 a long one begins", TEXT(SIGNATURE "\x21\x11\x02\x08"), 0, NULL},
	{"HTTP", TEXT("GET / HTTP/1.1\r\n"), -EPROTO, NULL},
	{"empty lines", TEXT("\r\n\r\nGET"), -EPROTO, NULL},
	{"small", TEXT("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), -EPROTO, NULL},
};

static void format_source(const struct sockaddr_storage *source, char *ret_text, size_t size)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)source;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)source;
	bool is_v4 = source->ss_family == AF_INET;
	char address[INET6_ADDRSTRLEN];

	inet_ntop(source->ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, address,
		  sizeof(address));
	snprintf(ret_text, size, "%s %u", address, ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

static int parse_copy(const char *bytes, size_t n, struct sockaddr_storage *ret_source,
		      bool *ret_has)
{
	/* a copy that ends where its memory ends: reading beyond it would be seen */
	char *copy = malloc(n + 1);
	int result;

	memcpy(copy + 1, bytes, n);
	result = proxy_protocol_parse(copy + 1, n, ret_source, ret_has);
	free(copy);
	return result;
}

static void test_cases(void **state)
{
	struct sockaddr_storage source;
	char text[INET6_ADDRSTRLEN + 8];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool begins = !strcmp(cases[i].name, "v2 a long one begins"),
		     has = !cases[i].source;
		int whole = cases[i].result || begins ? cases[i].result : (int)cases[i].n;
		int result = parse_copy(cases[i].bytes, cases[i].n, &source, &has);

		if (result != whole)
			fail_msg("%s: %d", cases[i].name, result);
		if (result > 0 && has != !!cases[i].source)
			fail_msg("%s: has_source %d", cases[i].name, has);
		if (cases[i].source) {
			format_source(&source, text, sizeof(text));
			assert_string_equal(text, cases[i].source);
		}
		for (size_t n = 0; n < cases[i].n; n++) {
			result = parse_copy(cases[i].bytes, n, &source, &has);
			if (whole > 0 ? result != ((int)n >= whole ? whole : 0)
				      : result != 0 && result != whole)
				fail_msg("%s, cut %zu: %d", cases[i].name, n, result);
		}
	}
}

/* A line of version 1 has 107 bytes at most, with its end. */
static void test_longest_line(void **state)
{
	char bytes[128];
	struct sockaddr_storage source;
	bool has;

	(void)state;
	for (int length = 100; length <= 110; length++) {
		int n = sprintf(bytes, "PROXY UNKNOWN %*s\r\n", length - 16, "x");

		assert_int_equal(n, length);
		for (int part = 1; part <= n; part++) {
			int result = proxy_protocol_parse(bytes, (size_t)part, &source, &has);

			if (length <= 107)
				assert_int_equal(result, part == n ? n : 0);
			else
				assert_true(result == -EPROTO || (result == 0 && part <= 106));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_longest_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
