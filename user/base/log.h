/* SPDX-License-Identifier: MIT */
/*
 * Lines on standard error, levelled, as text or as JSON. Only agent/ and the tools log;
 * everything below them returns an error in words (err.h). One line is one write(2), so
 * lines of several threads never mix. Text that came from outside can't forge a line:
 * control characters are escaped. The level and format are the one mutable global.
 */
#ifndef HATAGO_BASE_LOG_H
#define HATAGO_BASE_LOG_H

#include <stdbool.h>

#define LOG_LINE_MAX 2048 /* bytes of a message; cut if longer */

enum log_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

/*
 * Lines above `max` are left out. json: {"time":"…Z","level":"info","message":"…"} a line.
 * Text begins with the time and the level, or, where standard error is the journal
 * (JOURNAL_STREAM), with a syslog priority such as <6>. Without a call: INFO, text.
 */
void log_setup(enum log_level max, bool json);
/* errno is left as it was. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "error", "warning", "info", "debug" */
const char *log_level_name(enum log_level level);
bool log_level_parse(const char *name, enum log_level *ret);

#endif
