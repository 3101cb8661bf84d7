/* SPDX-License-Identifier: MIT */
/* Text to numbers and back: what is taken, and that nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{"0", 0, UINT64_MAX, true, 0},
		{"1", 1, 1, true, 1},
		{"65535", 1, 65535, true, 65535},
		{"18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", 0, UINT64_MAX, false, 0},
		{"99999999999999999999999", 0, UINT64_MAX, false, 0},
		{"0", 1, 10, false, 0},
		{"11", 1, 10, false, 0},
		{"", 0, 10, false, 0},
		{" 1", 0, 10, false, 0},
		{"1 ", 0, 10, false, 0},
		{"+1", 0, 10, false, 0},
		{"-1", 0, UINT64_MAX, false, 0},
		{"07", 0, 10, false, 0},
		{"00", 0, 10, false, 0},
		{"0x7", 0, 10, false, 0},
		{"1_0", 0, 10, false, 0},
		{"1e1", 0, 10, false, 0},
		{"1.0", 0, 10, false, 0},
		{"10/s", 0, 10, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t v = 77;

		if (text_to_u64(rows[i].text, rows[i].min, rows[i].max, &v) != rows[i].ok ||
		    v != (rows[i].ok ? rows[i].value : 77))
			fail_msg("'%s' gave %lu", rows[i].text, (unsigned long)v);
	}
}

static void milli(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} rows[] = {
		{"0", true, 0},
		{"10", true, 10000},
		{"0.5", true, 500},
		{"0.05", true, 50},
		{"0.005", true, 5},
		{"12.345", true, 12345},
		{"1.500", true, 1500},
		{"18446744073709551.615", true, UINT64_MAX},
		{"18446744073709551.616", false, 0},
		{"18446744073709552", false, 0},
		{"0.0005", false, 0},
		{"1.5000", false, 0},
		{"1.", false, 0},
		{".5", false, 0},
		{"", false, 0},
		{"-0.5", false, 0},
		{"1,5", false, 0},
		{"1e3", false, 0},
		{"00.5", false, 0},
		{"1.5.5", false, 0},
		{"1.5x", false, 0},
		{"nan", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t v = 77;

		if (text_to_milli(rows[i].text, &v) != rows[i].ok ||
		    v != (rows[i].ok ? rows[i].value : 77))
			fail_msg("'%s' gave %lu", rows[i].text, (unsigned long)v);
	}
}

static void duration_in(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t ms;
	} rows[] = {
		{"0", true, 0},
		{"250", true, 250},
		{"250ms", true, 250},
		{"10s", true, 10000},
		{"5m", true, 300000},
		{"2h", true, 7200000},
		{"1d", true, 86400000},
		{"18446744073709551615", true, UINT64_MAX},
		{"18446744073709551s", true, 18446744073709551000u},
		{"18446744073709552s", false, 0},
		{"300000000000d", false, 0},
		{"", false, 0},
		{"s", false, 0},
		{"10 s", false, 0},
		{"10S", false, 0},
		{"10sec", false, 0},
		{"1h30m", false, 0},
		{"1.5s", false, 0},
		{"-1s", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t v = 77;

		if (text_to_duration_ms(rows[i].text, &v) != rows[i].ok ||
		    v != (rows[i].ok ? rows[i].ms : 77))
			fail_msg("'%s' gave %lu", rows[i].text, (unsigned long)v);
	}
}

static void duration_out(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{0, "0ns"},
		{999, "999ns"},
		{12345, "12us"},
		{134217728, "134ms"},
		{999999999, "999ms"},
		{1000000000, "1s"},
		{1500000000, "1.5s"},
		{9999999999, "9.9s"},
		{10900000000, "10s"},
		{60000000000, "1m0s"},
		{200000000000, "3m20s"},
		{3600000000000, "1h0m"},
		{90000000000000, "1d1h"},
		{UINT64_MAX - 1, "213503d23h"},
		{UINT64_MAX, "never"},
	};
	char buf[TEXT_DURATION_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		text_duration(rows[i].ns, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].text);
	}
	text_duration(200000000000, buf, 4); /* cut, never overrun */
	assert_string_equal(buf, "3m2");
}

static void time_out(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00Z"},
		{1737023400999999999, "2025-01-16T10:30:00Z"},
		{1709210096000000000, "2024-02-29T12:34:56Z"},
		{UINT64_MAX, "2554-07-21T23:34:33Z"},
	};
	char buf[TEXT_TIME_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		text_time_utc(rows[i].ns, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].text);
	}
	text_time_utc(0, buf, 4);
	assert_string_equal(buf, "");
}

static void nearest(void **state)
{
	static const char *const words[] = {"status", "edge",  "client",  NULL,	    "why",  "ban",
					    "allow",  "limit", "devices", "device", "xenon"};
	static const struct {
		const char *word, *expected;
	} rows[] = {
		{"status", "status"},
		{"sttaus", "status"},
		{"stat", "status"},
		{"Edge", "edge"},
		{"egde", "edge"},
		{"clients", "client"},
		{"alow", "allow"},
		{"bam", "ban"},
		{"devicess", "devices"},
		{"device", "device"},
		{"deny", NULL},
		{"x", NULL},
		{"", NULL},
		{"zz", NULL},
		{"limitations", NULL},
		{"completelyelse", NULL},
	};
	char longest[TEXT_NEAREST_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = text_nearest(rows[i].word, words, COUNT(words));

		if (rows[i].expected != got &&
		    (!got || !rows[i].expected || strcmp(got, rows[i].expected) != 0))
			fail_msg("'%s' gave %s", rows[i].word, got ? got : "nothing");
	}
	assert_null(text_nearest("edge", words, 0));
	memset(longest, 'e', sizeof(longest));
	longest[TEXT_NEAREST_MAX + 1] = '\0';
	assert_null(text_nearest(longest, words, COUNT(words)));
	assert_null(text_nearest("e", (const char *const[]){longest}, 1));
	longest[TEXT_NEAREST_MAX] = '\0';
	assert_ptr_equal(text_nearest(longest, (const char *const[]){longest}, 1), longest);
}

static void err_sentence(void **state)
{
	char longest[2 * ERR_TEXT_MAX];
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, -5, "%s: %d\r\nlines", "two", 2), -5);
	assert_string_equal(err.text, "two: 2  lines");
	assert_int_equal(err_set(NULL, -7, "nobody asks"), -7);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	err_set(&err, -1, "%s", longest);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
}

static void growing(void **state)
{
	_cleanup_free_ int *items = NULL;
	size_t capacity = 0, huge = SIZE_MAX / 2 + 1;
	int *none = NULL, *taken;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(memory_grow(&items, &capacity, (size_t)i, sizeof(*items)), 0);
		items[i] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	assert_true(memory_grow(&none, &huge, huge, 1) < 0);
	assert_null(none);
	taken = TAKE_PTR(items);
	assert_null(items);
	items = taken;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u64),		cmocka_unit_test(milli),
		cmocka_unit_test(duration_in),	cmocka_unit_test(duration_out),
		cmocka_unit_test(time_out),	cmocka_unit_test(nearest),
		cmocka_unit_test(err_sentence), cmocka_unit_test(growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
