/* SPDX-License-Identifier: MIT */
/*
 * See debug.h. The state is part of the logger: libbpf hands its lines to a function
 * without a context.
 */
#include "kern/debug.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kern/edge.h"

#define DEBUG_WORDS_MAX 200
#define DEBUG_KERNEL	"Kernel error message: "
#define DEBUG_LOG_BEGIN "-- BEGIN PROG LOAD LOG --"
#define DEBUG_LOG_END	"-- END PROG LOAD LOG --"
#define DEBUG_LOG_SUM	"processed " /* the verifier's statistics, after its complaint */

static struct {
	void (*to)(const char *line);
	int in_log;
	char kernel[DEBUG_WORDS_MAX];
	char verifier[DEBUG_WORDS_MAX];
} debug;

static void debug_keep(char words[DEBUG_WORDS_MAX], const char *line)
{
	snprintf(words, DEBUG_WORDS_MAX, "%s", line);
}

static void debug_line(const char *line)
{
	const char *found = strstr(line, DEBUG_KERNEL);

	if (found)
		debug_keep(debug.kernel, found + strlen(DEBUG_KERNEL));
	if (strstr(line, DEBUG_LOG_BEGIN))
		debug.in_log = 1;
	else if (strstr(line, DEBUG_LOG_END))
		debug.in_log = 0;
	else if (debug.in_log && *line && strncmp(line, DEBUG_LOG_SUM, strlen(DEBUG_LOG_SUM)) != 0)
		debug_keep(debug.verifier, line);
	if (debug.to)
		debug.to(line);
}

static int debug_print(enum libbpf_print_level level, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	if (level == LIBBPF_DEBUG && !debug.to)
		return 0;
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return 0;
	}
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			debug_line(line);
	return 0;
}

void debug_begin(void)
{
	libbpf_set_print(debug_print);
	debug.in_log = 0;
	debug.kernel[0] = '\0';
	debug.verifier[0] = '\0';
}

const char *debug_kernel_words(void)
{
	return debug.kernel;
}

const char *debug_verifier_words(void)
{
	return debug.verifier;
}

void edge_set_debug(void (*to)(const char *line))
{
	debug.to = to;
	libbpf_set_print(debug_print);
}
