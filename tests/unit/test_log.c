/* SPDX-License-Identifier: MIT */
/* Log lines as they arrive on standard error: levels, forms, escapes, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Standard error is a file in memory while a test runs. */
struct capture {
	int file, saved;
	char text[8 * LOG_LINE_MAX];
};

static void capture_begin(struct capture *c)
{
	fflush(stderr);
	c->file = memfd_create("stderr", 0);
	c->saved = dup(STDERR_FILENO);
	assert_true(c->file >= 0 && c->saved >= 0);
	assert_int_equal(dup2(c->file, STDERR_FILENO), STDERR_FILENO);
}

static const char *capture_end(struct capture *c)
{
	ssize_t n;

	dup2(c->saved, STDERR_FILENO);
	n = pread(c->file, c->text, sizeof(c->text) - 1, 0);
	assert_true(n >= 0);
	c->text[n] = '\0';
	close(c->file);
	close(c->saved);
	return c->text;
}

/* Is it a time such as 2025-01-16T10:30:00Z? */
static bool is_time(const char *s)
{
	static const char pattern[] = "0000-00-00T00:00:00Z";

	for (size_t i = 0; pattern[i]; i++)
		if (pattern[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != pattern[i])
			return false;
	return true;
}

static void text_form(void **state)
{
	struct capture c;
	const char *text;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	capture_begin(&c);
	log_setup(LEVEL_INFO, false);
	errno = EBADF;
	log_line(LEVEL_WARNING, "eth%d: mode %s", 0,
		 "generic\x1b[31m\nforged: \xc2\x9bline \xc3\xa9");
	assert_int_equal(errno, EBADF);
	log_line(LEVEL_DEBUG, "not shown");
	text = capture_end(&c);
	assert_true(is_time(text));
	assert_string_equal(text + 20, " warning: eth0: mode generic\\x1b[31m\\x0aforged: \\xc2\x9b"
				       "line \xc3\xa9\n");
}

static void levels(void **state)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};

	(void)state;
	for (enum log_level max = LEVEL_ERROR; max <= LEVEL_DEBUG; max++) {
		enum log_level read;
		struct capture c;
		const char *text;

		assert_string_equal(log_level_name(max), names[max]);
		assert_true(log_level_parse(names[max], &read));
		assert_int_equal(read, max);
		capture_begin(&c);
		log_setup(max, false);
		for (enum log_level level = LEVEL_ERROR; level <= LEVEL_DEBUG; level++)
			log_line(level, "line");
		text = capture_end(&c);
		for (enum log_level level = LEVEL_ERROR; level <= LEVEL_DEBUG; level++)
			assert_int_equal(strstr(text, names[level]) != NULL, level <= max);
	}
	assert_false(log_level_parse("loud", &(enum log_level){LEVEL_INFO}));
	assert_false(log_level_parse("", &(enum log_level){LEVEL_INFO}));
}

static void json_form(void **state)
{
	struct capture c;
	const char *text;
	json_t *line;

	(void)state;
	capture_begin(&c);
	log_setup(LEVEL_INFO, true);
	log_line(LEVEL_ERROR, "a \"quoted\"\nname \xff");
	text = capture_end(&c);
	assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
	line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(line);
	assert_int_equal(json_object_size(line), 3);
	assert_true(is_time(json_string_value(json_object_get(line, "time"))));
	assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(line, "message")),
			    "a \"quoted\"\nname \xef\xbf\xbd");
	json_decref(line);
}

static void journal_form(void **state)
{
	static const struct {
		enum log_level level;
		const char *line;
	} rows[] = {
		{LEVEL_ERROR, "<3>x\n"},
		{LEVEL_WARNING, "<4>x\n"},
		{LEVEL_INFO, "<6>x\n"},
		{LEVEL_DEBUG, "<7>x\n"},
	};
	char name[64];
	struct stat st;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct capture c;

		capture_begin(&c);
		assert_int_equal(fstat(STDERR_FILENO, &st), 0);
		snprintf(name, sizeof(name), "%lu:%lu", (unsigned long)st.st_dev,
			 (unsigned long)st.st_ino);
		setenv("JOURNAL_STREAM", name, 1);
		log_setup(LEVEL_DEBUG, false);
		log_line(rows[i].level, "x");
		assert_string_equal(capture_end(&c), rows[i].line);
	}
	/* standard error was sent elsewhere since */
	struct capture c;

	setenv("JOURNAL_STREAM", "1:1", 1);
	capture_begin(&c);
	log_setup(LEVEL_DEBUG, false);
	log_line(LEVEL_INFO, "x");
	assert_true(is_time(capture_end(&c)));
	unsetenv("JOURNAL_STREAM");
}

/* The longest message, every byte of which is escaped, still makes one line. */
static void longest_line(void **state)
{
	static char message[2 * LOG_LINE_MAX];
	struct capture c;
	const char *text;

	(void)state;
	memset(message, '\x01', sizeof(message) - 1);
	capture_begin(&c);
	log_setup(LEVEL_INFO, false);
	log_line(LEVEL_WARNING, "%s", message);
	text = capture_end(&c);
	assert_int_equal(strlen(text),
			 20 + strlen(" warning: ") + (size_t)(LOG_LINE_MAX - 1) * 4 + 1);
	assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_form),	cmocka_unit_test(levels),
		cmocka_unit_test(json_form),	cmocka_unit_test(journal_form),
		cmocka_unit_test(longest_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
