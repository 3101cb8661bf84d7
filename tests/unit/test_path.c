// SPDX-License-Identifier: MIT
/*
 * How the paths of requests are read for the routes: two ways to write one path must give the
 * same, and what has no plain reading gives nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gate/path.h"

static void assert_normal(const char *path, const char *expected)
{
	char normal[PATH_NORMAL_MAX];
	size_t length = path_normal(path, strlen(path), normal);

	if (length != strlen(expected) || memcmp(normal, expected, length) != 0)
		fail_msg("'%s' became '%.*s', expected '%s'", path, (int)length, normal, expected);
}

static void test_readings(void **state)
{
	static const char *const rows[][2] = {
		{"/", "/"},
		{"*", "*"},
		{"/mcp", "/mcp"},
		{"/mcp/", "/mcp/"},
		{"/%6dcp", "/mcp"},
		{"/%6Dcp", "/mcp"},
		{"//mcp", "/mcp"},
		{"/./mcp", "/mcp"},
		{"/a/../mcp", "/mcp"},
		{"/a/%2e%2e/mcp", "/mcp"},
		{"/a/b/../../mcp", "/mcp"},
		{"/a/..", "/"},
		{"/a/.", "/a"},
		{"/.a/..b", "/.a/..b"},
		{"/a%20b", "/a b"},
		/* no plain reading */
		{"", ""},
		{"/..", ""},
		{"/../mcp", ""},
		{"/a%2fb", ""},
		{"/a%5Cb", ""},
		{"/a\\b", ""},
		{"/a%00", ""},
		{"/a%2", ""},
		{"/a%zz", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_normal(rows[i][0], rows[i][1]);
}

static void test_bound(void **state)
{
	char path[PATH_NORMAL_MAX + 1], normal[PATH_NORMAL_MAX];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_int_equal(path_normal(path, PATH_NORMAL_MAX, normal), PATH_NORMAL_MAX);
	assert_int_equal(path_normal(path, PATH_NORMAL_MAX + 1, normal), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readings),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
