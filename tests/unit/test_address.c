/* SPDX-License-Identifier: MIT */
/* Prefixes as text and back, what they cover, and the client that holds an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "hatago/table.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void parsing(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint32_t length;
		const char *shown;
	} rows[] = {
		{"192.0.2.0/24", 0, 120, "192.0.2.0/24"},
		{"192.0.2.1", 0, 128, "192.0.2.1"},
		{"192.0.2.1/32", 0, 128, "192.0.2.1"},
		{"0.0.0.0/0", 0, 96, "0.0.0.0/0"},
		{"128.0.0.0/1", 0, 97, "128.0.0.0/1"},
		{"2001:db8::/48", 0, 48, "2001:db8::/48"},
		{"2001:DB8:0:0::1", 0, 128, "2001:db8::1"},
		{"2001:db8::1/128", 0, 128, "2001:db8::1"},
		{"8000::/1", 0, 1, "8000::/1"},
		{"::1", 0, 128, "::1"},
		{"::ffff:192.0.2.1", 0, 128, "192.0.2.1"},
		{"::ffff:192.0.2.0/120", 0, 120, "192.0.2.0/24"},
		{"::ffff:0:0/96", 0, 96, "0.0.0.0/0"},
		{"::fffe:0:0/96", 0, 96, "::fffe:0:0/96"},
		/* these would hold all IPv4 */
		{"::/0", -ERANGE, 0, NULL},
		{"::/80", -ERANGE, 0, NULL},
		{"::ffff:0:0/95", -EDOM, 0, NULL},
		{"::fffe:0:0/95", -ERANGE, 0, NULL},
		{"::/96", 0, 96, "::/96"},
		/* bits beyond the length */
		{"192.0.2.1/24", -EDOM, 0, NULL},
		{"192.0.2.1/0", -EDOM, 0, NULL},
		{"2001:db8::1/64", -EDOM, 0, NULL},
		{"::1/127", -EDOM, 0, NULL},
		/* nothing that is one */
		{"", -EINVAL, 0, NULL},
		{"/24", -EINVAL, 0, NULL},
		{"192.0.2/24", -EINVAL, 0, NULL},
		{"192.0.2.0/33", -EINVAL, 0, NULL},
		{"192.0.2.0/", -EINVAL, 0, NULL},
		{"192.0.2.0/024", -EINVAL, 0, NULL},
		{"192.0.2.0/-1", -EINVAL, 0, NULL},
		{"192.0.2.0/24/24", -EINVAL, 0, NULL},
		{"192.0.2.256", -EINVAL, 0, NULL},
		{"192.0.02.1", -EINVAL, 0, NULL},
		{" 192.0.2.1", -EINVAL, 0, NULL},
		{"192.0.2.1 ", -EINVAL, 0, NULL},
		{"2001:db8::/129", -EINVAL, 0, NULL},
		{"2001:db8:::/32", -EINVAL, 0, NULL},
		{"fe80::1%eth0", -EINVAL, 0, NULL},
		{"localhost", -EINVAL, 0, NULL},
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", -EINVAL, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hatago_prefix prefix = {.length = 999}, again;
		char text[PREFIX_TEXT_MAX];
		int r = prefix_parse(rows[i].text, &prefix);

		if (r != rows[i].r || prefix.length != (r == 0 ? rows[i].length : 999))
			fail_msg("'%s': %d, length %u", rows[i].text, r, prefix.length);
		if (r < 0)
			continue;
		prefix_format(&prefix, text);
		assert_string_equal(text, rows[i].shown);
		assert_int_equal(prefix_parse(text, &again), 0);
		assert_true(prefix_equal(&prefix, &again));
	}
}

static void words(void **state)
{
	struct hatago_prefix prefix;
	struct err err;

	(void)state;
	assert_int_equal(prefix_read("192.0.2.77/24", &prefix, &err), -EDOM);
	assert_non_null(strstr(err.text, "that prefix is 192.0.2.0/24"));
	assert_int_equal(prefix_read("2001:db8::1/32", &prefix, &err), -EDOM);
	assert_non_null(strstr(err.text, "that prefix is 2001:db8::/32"));
	assert_int_equal(prefix_read("::/0", &prefix, &err), -ERANGE);
	assert_non_null(strstr(err.text, "2000::/3"));
	assert_int_equal(prefix_read("bogus", &prefix, &err), -EINVAL);
	assert_non_null(strstr(err.text, "'bogus'"));
	assert_int_equal(prefix_read("192.0.2.0/24", &prefix, NULL), 0);
}

static void longest_text(void **state)
{
	struct hatago_prefix prefix = {.length = 127};
	char text[PREFIX_TEXT_MAX];

	(void)state;
	memset(prefix.address, 0xff, sizeof(prefix.address));
	prefix_format(&prefix, text);
	assert_string_equal(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127");
}

static void covering(void **state)
{
	static const struct {
		const char *prefix, *address;
		bool covers;
	} rows[] = {
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.4/30", "192.0.2.7", true},
		{"192.0.2.4/30", "192.0.2.8", false},
		{"0.0.0.0/0", "255.255.255.255", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"2000::/3", "3fff::1", true},
		{"2000::/3", "4000::1", false},
		{"2001:db8::/33", "2001:db8:7fff::", true},
		{"2001:db8::/33", "2001:db8:8000::", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hatago_prefix prefix, address;

		assert_int_equal(prefix_parse(rows[i].prefix, &prefix), 0);
		assert_int_equal(prefix_parse(rows[i].address, &address), 0);
		if (prefix_covers(&prefix, address.address) != rows[i].covers)
			fail_msg("%s, %s", rows[i].prefix, rows[i].address);
	}
}

/* The masks of a prefix length, made here bit by bit. */
static struct hatago_rules rules_of(unsigned int ipv4, unsigned int ipv6)
{
	uint8_t mask4[4] = {0}, mask6[16] = {0};
	struct hatago_rules rules = {0};

	for (unsigned int bit = 0; bit < ipv4; bit++)
		mask4[bit / 8] |= 0x80 >> (bit % 8);
	for (unsigned int bit = 0; bit < ipv6; bit++)
		mask6[bit / 8] |= 0x80 >> (bit % 8);
	memcpy(&rules.ipv4_mask, mask4, 4);
	memcpy(&rules.ipv6_mask_hi, mask6, 8);
	memcpy(&rules.ipv6_mask_lo, mask6 + 8, 8);
	return rules;
}

static void clients(void **state)
{
	static const struct {
		unsigned int ipv4, ipv6;
		const char *address, *client;
	} rows[] = {
		{32, 64, "192.0.2.77", "192.0.2.77"},
		{24, 64, "192.0.2.77", "192.0.2.0/24"},
		{8, 64, "192.0.2.77", "192.0.0.0/8"},
		{13, 64, "192.15.2.77", "192.8.0.0/13"},
		{32, 64, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{32, 48, "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"},
		{32, 16, "2001:db8:1:2:3:4:5:6", "2001::/16"},
		{32, 65, "2001:db8:1:2:8003:4:5:6", "2001:db8:1:2:8000::/65"},
		{32, 128, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"},
		{32, 64, "::1", "::/64"},
		{32, 64, "fe80::1", "fe80::/64"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hatago_rules rules = rules_of(rows[i].ipv4, rows[i].ipv6);
		struct hatago_prefix address, client;
		struct hatago_client_id id;
		char text[PREFIX_TEXT_MAX];

		assert_int_equal(prefix_parse(rows[i].address, &address), 0);
		id = prefix_client(&address, &rules);
		assert_int_equal(client_id_is_ipv4(id), strchr(rows[i].address, ':') == NULL);
		client_id_prefix(id, &rules, &client);
		prefix_format(&client, text);
		assert_string_equal(text, rows[i].client);
		assert_true(prefix_covers(&client, address.address));
	}
}

/* The same id as the BPF program makes of a frame's bytes. */
static void client_bytes(void **state)
{
	static const uint8_t ipv4[8] = {0xff, 0xff, 0, 4, 192, 0, 2, 77};
	static const uint8_t ipv6[8] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2};
	struct hatago_rules rules = rules_of(32, 64);
	struct hatago_prefix address;
	struct hatago_client_id id;

	(void)state;
	prefix_parse("192.0.2.77", &address);
	id = prefix_client(&address, &rules);
	assert_memory_equal(&id.hi, ipv4, 8);
	assert_int_equal(id.lo, 0);
	prefix_parse("2001:db8:1:2::9", &address);
	id = prefix_client(&address, &rules);
	assert_memory_equal(&id.hi, ipv6, 8);
	assert_int_equal(id.lo, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),	cmocka_unit_test(words),
		cmocka_unit_test(longest_text), cmocka_unit_test(covering),
		cmocka_unit_test(clients),	cmocka_unit_test(client_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
