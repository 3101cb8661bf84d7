/* SPDX-License-Identifier: MIT */
/*
 * See log.h. The settings are read and written without a lock: they are set once, before
 * the first thread.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#define LOG_ESCAPED_MAX (LOG_LINE_MAX * 4 + 64) /* "\xNN" a byte, and what stands before */

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JOURNAL, LOG_FORMAT_JSON };

static struct {
	enum log_level max;
	enum log_format format;
} logger = {LEVEL_INFO, LOG_FORMAT_TEXT};

static const struct {
	const char *name;
	int priority; /* syslog's */
} log_levels[] = {
	[LEVEL_ERROR] = {"error", 3},
	[LEVEL_WARNING] = {"warning", 4},
	[LEVEL_INFO] = {"info", 6},
	[LEVEL_DEBUG] = {"debug", 7},
};

/* systemd names the stream's device and inode: a redirected stderr is no journal. */
static bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_setup(enum log_level max, bool json)
{
	logger.max = max;
	logger.format =
		json ? LOG_FORMAT_JSON : (log_is_journal() ? LOG_FORMAT_JOURNAL : LOG_FORMAT_TEXT);
}

const char *log_level_name(enum log_level level)
{
	return log_levels[level].name;
}

bool log_level_parse(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < sizeof(log_levels) / sizeof(log_levels[0]); i++)
		if (strcmp(name, log_levels[i].name) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	return false;
}

static void log_write(const char *text, size_t length)
{
	ssize_t n;

	do
		n = write(STDERR_FILENO, text, length);
	while (n < 0 && errno == EINTR); /* any other failure: there is nowhere to say so */
}

static void log_json(enum log_level level, const char *time, const char *message)
{
	struct json j;

	json_init(&j);
	json_object_begin(&j, NULL);
	json_str(&j, "time", time);
	json_str(&j, "level", log_level_name(level));
	json_str(&j, "message", message);
	json_object_end(&j);
	if (!j.failed) {
		j.text[j.length] = '\n'; /* in the NUL's place: one write */
		log_write(j.text, j.length + 1);
	}
	json_done(&j);
}

/* A control character, or the first byte of one of U+0080 to U+009F, which terminals obey too. */
static bool log_is_control(const unsigned char *c)
{
	return c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f);
}

static void log_text(enum log_level level, const char *time, const char *message)
{
	char line[LOG_ESCAPED_MAX];
	size_t used;

	if (logger.format == LOG_FORMAT_JOURNAL)
		used = (size_t)sprintf(line, "<%d>", log_levels[level].priority);
	else
		used = (size_t)sprintf(line, "%s %s: ", time, log_level_name(level));
	for (const unsigned char *c = (const unsigned char *)message; *c; c++) {
		if (log_is_control(c))
			used += (size_t)sprintf(line + used, "\\x%02x", *c);
		else
			line[used++] = (char)*c;
	}
	line[used++] = '\n';
	log_write(line, used);
}

void log_line(enum log_level level, const char *format, ...)
{
	char message[LOG_LINE_MAX], time[TEXT_TIME_MAX];
	int saved = errno;
	va_list args;

	if (level > logger.max)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	text_time_utc(clock_real_ns(), time, sizeof(time));
	if (logger.format == LOG_FORMAT_JSON)
		log_json(level, time, message);
	else
		log_text(level, time, message);
	errno = saved;
}
