// SPDX-License-Identifier: MIT
/*
 * event follow: a line for each event, printed at once, so that it can be piped:
 *
 *   2026-01-01T00:00:00Z onLimitExceeded clientId=192.0.2.1 type=rate
 *
 * or, with -j, the event as hatagod sent it. That hatagod goes away is an error; that the
 * user has seen enough is none.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "bpfctl.h"
#include "text.h"

struct follow {
	bool json;
	bool is_answered;
	uint64_t left; /* events; UINT64_MAX: without end */
	char *error;   /* hatagod's answer, if it is one */
};

/* Every line is flushed before the next one is waited for, so nothing is lost here. */
static void on_interrupt(int number)
{
	(void)number;
	_exit(0);
}

/* A text without blanks and the like as it is; anything else as JSON, which escapes. */
static void follow_value(const json_t *value)
{
	const char *text = json_string_value(value);
	_cleanup_free_ char *quoted = NULL;

	if (text && *text && strpbrk(text, " \"\\=") == NULL) {
		quoted = json_dumps(value, JSON_ENCODE_ANY);
		if (quoted && strlen(quoted) == strlen(text) + 2) { /* nothing was escaped */
			fputs(text, stdout);
			return;
		}
	}
	free(quoted);
	quoted = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
	fputs(quoted ? quoted : "?", stdout);
}

static void follow_print(const json_t *event)
{
	const char *key, *name = get_text(event, "event");
	json_t *value;

	if (*get_text(event, "time"))
		text_paint(stdout, PAINT_DIM, "%s ", get_text(event, "time"));
	text_paint(stdout, strcmp(name, "dropped") == 0 ? PAINT_RED : PAINT_BOLD, "%s", name);
	json_object_foreach((json_t *)event, key, value)
	{
		if (strcmp(key, "event") == 0 || strcmp(key, "time") == 0)
			continue;
		printf(" %s=", key);
		follow_value(value);
	}
	putchar('\n');
}

/* The first line: does hatagod agree? */
static bool follow_answer(struct follow *follow, const char *line)
{
	json_t *root = json_loads(line, 0, NULL);

	follow->is_answered = true;
	if (!json_object_get(root, "result"))
		follow->error = strdup(line);
	json_decref(root);
	return follow->error;
}

static bool on_line(void *ctx, const char *line, size_t length)
{
	struct follow *follow = ctx;
	json_t *event;
	bool is_drop;

	if (!follow->is_answered)
		return follow_answer(follow, line);
	event = json_loadb(line, length, 0, NULL);
	is_drop = strcmp(get_text(event, "event"), "dropped") == 0;
	if (follow->json || !json_is_object(event))
		puts(line);
	else
		follow_print(event);
	json_decref(event);
	if (fflush(stdout) == EOF)
		return true; /* main tells by its exit code */
	return !is_drop && follow->left != UINT64_MAX && --follow->left == 0;
}

char *follow_run(struct transport *transport, const struct parsed *args)
{
	const struct sigaction interrupt = {.sa_handler = on_interrupt};
	struct follow follow = {.json = args->json};
	struct ops_wanted wanted;
	char *answer;

	ops_event_wanted(args->arguments, &wanted);
	follow.left = wanted.count;
	sigaction(SIGINT, &interrupt, NULL);
	answer = transport_follow(transport, args->command, args->arguments, on_line, &follow);
	return answer ? answer : follow.error;
}
