/* SPDX-License-Identifier: MIT */
/* The JSON writer: commas, escapes, numbers, bounds; read back by another implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void shapes(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_object_begin(&j, NULL);
	json_object_begin(&j, "empty");
	json_object_end(&j);
	json_array_begin(&j, "list");
	json_array_begin(&j, NULL);
	json_array_end(&j);
	json_u64(&j, NULL, UINT64_MAX);
	json_i64(&j, NULL, INT64_MIN);
	json_object_begin(&j, NULL);
	json_bool(&j, "yes", true);
	json_bool(&j, "no", false);
	json_object_end(&j);
	json_array_end(&j);
	json_nil(&j, "nothing");
	json_str(&j, "absent", NULL);
	json_str(&j, "text", "");
	json_object_end(&j);
	assert_false(j.failed);
	assert_string_equal(j.text, "{\"empty\":{},\"list\":[[],18446744073709551615,"
				    "-9223372036854775808,{\"yes\":true,\"no\":false}],"
				    "\"nothing\":null,\"absent\":null,\"text\":\"\"}");
	assert_int_equal(j.length, strlen(j.text));
	json_done(&j);
	assert_null(j.text);
	json_done(&j);
}

static void strings(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"plain", "\"plain\""},
		{"\"\\/", "\"\\\"\\\\/\""},
		{"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
		{"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
		{"é€𝄞", "\"é€𝄞\""},
		{"\xc3", "\"\\ufffd\""},
		{"\xc3(", "\"\\ufffd(\""},
		{"\x80", "\"\\ufffd\""},
		{"\xc0\xaf", "\"\\ufffd\\ufffd\""},			  /* longer than need be */
		{"\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\""},		  /* likewise */
		{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},		  /* a surrogate */
		{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* beyond U+10FFFF */
		{"\xf0\x9d\x84", "\"\\ufffd\\ufffd\\ufffd\""},		  /* cut short */
		{"\xff\xfe", "\"\\ufffd\\ufffd\""},
		{"a\xffz", "\"a\\ufffdz\""},
		{"\xef\xbf\xbf", "\"\xef\xbf\xbf\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json j;
		json_t *read;

		json_init(&j);
		json_str(&j, NULL, rows[i].in);
		assert_string_equal(j.text, rows[i].out);
		read = json_loads(j.text, JSON_DECODE_ANY, NULL);
		assert_non_null(read);
		json_decref(read);
		json_done(&j);
	}
}

static void keys_are_escaped(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_object_begin(&j, NULL);
	json_u64(&j, "a\"b", 1);
	json_object_end(&j);
	assert_string_equal(j.text, "{\"a\\\"b\":1}");
	json_done(&j);
}

static void doubles(void **state)
{
	static const struct {
		double in;
		const char *out;
	} rows[] = {
		{0, "0"},
		{-0.5, "-0.5"},
		{8.5, "8.5"},
		{0.1, "0.1"},
		{0.02, "0.02"},
		{1e12, "1000000000000"},
		{1e300, "1e+300"},
		{1.0 / 3, NULL},
		{12345678.901, "12345678.901"},
		{5e-324, NULL},
		{1.7976931348623157e308, NULL},
		{0.30000000000000004, NULL},
		{INFINITY, "null"},
		{-INFINITY, "null"},
		{NAN, "null"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json j;

		json_init(&j);
		json_double(&j, NULL, rows[i].in);
		if (rows[i].out)
			assert_string_equal(j.text, rows[i].out);
		else
			assert_true(strtod(j.text, NULL) == rows[i].in);
		json_done(&j);
	}
}

static void rounded(void **state)
{
	static const struct {
		double in;
		const char *out;
	} rows[] = {
		{0, "0"},   {0.0004, "0"},	 {0.0005, "0.001"},	  {-1.2345678, "-1.235"},
		{93, "93"}, {80.1239, "80.124"}, {1e12, "1000000000000"}, {NAN, "null"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json j;

		json_init(&j);
		json_rounded(&j, NULL, rows[i].in);
		assert_string_equal(j.text, rows[i].out);
		json_done(&j);
	}
}

static void grows(void **state)
{
	enum { ITEMS = 100000 };
	json_t *read, *first;
	struct json j;
	char *text;

	(void)state;
	json_init(&j);
	json_array_begin(&j, NULL);
	for (unsigned int i = 0; i < ITEMS; i++) {
		json_object_begin(&j, NULL);
		json_u64(&j, "number", i);
		json_object_end(&j);
	}
	json_array_end(&j);
	text = json_take(&j);
	assert_non_null(text);
	assert_null(j.text);
	assert_null(strchr(text, '\n'));
	read = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(read), ITEMS);
	first = json_array_get(read, ITEMS - 1);
	assert_int_equal(json_integer_value(json_object_get(first, "number")), ITEMS - 1);
	json_decref(read);
	free(text);
}

static void failure_sticks(void **state)
{
	char byte = 'x';
	struct json j;

	(void)state;
	json_init(&j);
	json_str(&j, NULL, "before");
	j.length = JSON_BYTES_MAX - 2; /* as if all that had been written */
	json_str(&j, NULL, &(char[]){byte, byte, byte, '\0'}[0]);
	assert_true(j.failed);
	json_u64(&j, NULL, 1);
	assert_null(json_take(&j));
	assert_false(j.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),	    cmocka_unit_test(strings),
		cmocka_unit_test(doubles),	    cmocka_unit_test(rounded),
		cmocka_unit_test(keys_are_escaped), cmocka_unit_test(grows),
		cmocka_unit_test(failure_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
