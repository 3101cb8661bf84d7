// SPDX-License-Identifier: MIT
/*
 * A hook's command: one run an event, one run at a time; the event is all of its standard
 * input. Further events wait, the oldest goes when there are too many. Its states:
 *
 *   IDLE --event--> RUNNING --ended, or killed in time, or not started--> REAPED
 *    ^                                                                      |
 *    +------------------ nothing waits -- RESTING <---handle closed---------+
 *                                            +-- an event waits --> RUNNING
 *
 *   The event is put whole into a file in memory (hook_files.c) before the command starts, so
 * nobody ever waits for a command to read. Its standard output goes nowhere; the first page of its
 *   standard error is kept, and logged if it fails. It leads a process group of its own, and
 *   what is left of that when it ends is killed too. When freed, RUNNING is killed and goes
 *   to REAPED, whose end frees the memory; all others close at once.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/event_parts.h"
#include "base/log.h"
#include "base/memory.h"

#define HOOK_PATH    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define HOOK_ENV_MAX 64 /* bytes of one of its variables */

enum command_state { COMMAND_IDLE, COMMAND_RUNNING, COMMAND_REAPED, COMMAND_RESTING };

struct command_line {
	char *text;
	size_t length;
};

struct hook_command {
	uv_loop_t *loop;
	const char *event;
	char *argv[CONFIG_ARGV_MAX + 1];
	struct events_counts *counts; /* NULL: freed, only handles are open still */
	enum command_state state;
	unsigned int open_handles;
	uv_process_t process;
	uv_timer_t timer; /* RUNNING: the end of its time; RESTING: of the pause */
	bool is_killed;	  /* its time was over */
	int said_fd;	  /* its standard error; -1: none */
	struct command_line pending[HOOK_PENDING_MAX];
	size_t first, count;
	uint64_t logged_ms;
};

static void command_release(struct hook_command *hook)
{
	if (hook->open_handles || hook->counts)
		return;
	for (size_t i = 0; hook->argv[i]; i++)
		free(hook->argv[i]);
	free(hook);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct hook_command *hook = handle->data;

	hook->open_handles--;
	command_release(hook);
}

static void command_drop_first(struct hook_command *hook)
{
	free(hook->pending[hook->first].text);
	hook->first = (hook->first + 1) % HOOK_PENDING_MAX;
	hook->count--;
}

static void command_failed(struct hook_command *hook, const char *how, int64_t number)
{
	char said[HOOK_SAID_MAX];

	if (!hook->counts) /* freed: we killed it */
		return;
	hook->counts->failed_runs++;
	if (!hook_may_log(&hook->logged_ms, uv_now(hook->loop)))
		return;
	hook_said(hook->said_fd, said);
	log_line(LEVEL_WARNING, "hook %s: %s %s %" PRIi64 "%s%s", hook->event, hook->argv[0], how,
		 number, *said ? ": " : "", said);
}

static void command_next(struct hook_command *hook);

static void on_rested(uv_timer_t *timer)
{
	struct hook_command *hook = timer->data;

	hook->state = COMMAND_IDLE;
	command_next(hook);
}

static void on_process_closed(uv_handle_t *handle)
{
	struct hook_command *hook = handle->data;
	bool was_started = hook->process.pid > 0;

	hook->open_handles--;
	hook->state = COMMAND_RESTING;
	if (hook->counts)
		uv_timer_start(&hook->timer, on_rested, was_started ? HOOK_PAUSE_MS : HOOK_RETRY_MS,
			       0);
	command_release(hook);
}

/* The run is over, or never was. */
static void command_reap(struct hook_command *hook)
{
	hook->state = COMMAND_REAPED;
	uv_timer_stop(&hook->timer);
	if (hook->said_fd >= 0)
		close(hook->said_fd);
	hook->said_fd = -1;
	uv_close((uv_handle_t *)&hook->process, on_process_closed);
}

/*
 * The command and what it started, unless that left its group. Also right after its end, when
 * its number is free: nobody can have become a group of that number in the same instant.
 */
static void command_kill(const struct hook_command *hook)
{
	kill(-hook->process.pid, SIGKILL);
}

static void on_exit_of_command(uv_process_t *process, int64_t status, int number)
{
	struct hook_command *hook = process->data;

	command_kill(hook);
	if (hook->is_killed)
		command_failed(hook, "was killed after ms", HOOK_RUN_MS);
	else if (number)
		command_failed(hook, "ended with signal", number);
	else if (status)
		command_failed(hook, "ended with exit code", status);
	command_reap(hook);
}

static void on_time_over(uv_timer_t *timer)
{
	struct hook_command *hook = timer->data;

	hook->is_killed = true;
	command_kill(hook);
}

static int command_spawn(struct hook_command *hook, int input)
{
	char event[HOOK_ENV_MAX], path[] = HOOK_PATH, *env[] = {path, event, NULL};
	uv_stdio_container_t stdio[] = {
		{.flags = UV_INHERIT_FD, .data.fd = input},
		{.flags = UV_IGNORE}, /* that is /dev/null */
		{.flags = UV_IGNORE},
	};
	const uv_process_options_t options = {
		.exit_cb = on_exit_of_command,
		.file = hook->argv[0],
		.args = hook->argv,
		.env = env,
		.cwd = "/",
		.flags = UV_PROCESS_DETACHED, /* a session, so a process group, of its own */
		.stdio_count = 3,
		.stdio = stdio,
	};

	if (hook->said_fd >= 0)
		stdio[2] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = hook->said_fd};
	snprintf(event, sizeof(event), "HATAGO_EVENT=%s", hook->event);
	hook->process.pid = 0;
	hook->process.data = hook;
	hook->open_handles++; /* also if it fails: uv has made the handle then */
	return uv_spawn(hook->loop, &hook->process, &options);
}

static void command_not_started(struct hook_command *hook, int error)
{
	hook->counts->dropped[EVENTS_COMMAND]++;
	hook->counts->failed_runs++;
	if (hook_may_log(&hook->logged_ms, uv_now(hook->loop)))
		log_line(LEVEL_WARNING, "hook %s: can't start %s: %s", hook->event, hook->argv[0],
			 uv_strerror(error));
}

/* Begins a run for the first event that waits. */
static void command_run(struct hook_command *hook)
{
	_cleanup_close_ int input =
		hook_input(hook->pending[hook->first].text, hook->pending[hook->first].length);
	int r;

	command_drop_first(hook);
	if (input < 0) {
		command_not_started(hook, input);
		hook->state = COMMAND_RESTING;
		uv_timer_start(&hook->timer, on_rested, HOOK_RETRY_MS, 0);
		return;
	}
	hook->said_fd = hook_output();
	hook->is_killed = false;
	hook->state = COMMAND_RUNNING;
	uv_timer_start(&hook->timer, on_time_over, HOOK_RUN_MS, 0);
	r = command_spawn(hook, input);
	if (r == 0)
		return;
	command_not_started(hook, r);
	hook->process.pid = 0;
	command_reap(hook);
}

static void command_next(struct hook_command *hook)
{
	if (hook->state == COMMAND_IDLE && hook->count)
		command_run(hook);
}

void hook_command_put(struct hook_command *hook, const char *line, size_t length)
{
	char *text = strndup(line, length);

	if (!text || hook->count == HOOK_PENDING_MAX)
		hook->counts->dropped[EVENTS_COMMAND]++;
	if (!text)
		return;
	if (hook->count == HOOK_PENDING_MAX)
		command_drop_first(hook);
	hook->pending[(hook->first + hook->count++) % HOOK_PENDING_MAX] =
		(struct command_line){text, length};
	command_next(hook);
}

bool hook_command_is(const struct hook_command *hook, char *const *argv)
{
	size_t i = 0;

	while (hook->argv[i] && argv[i] && strcmp(hook->argv[i], argv[i]) == 0)
		i++;
	return !hook->argv[i] && !argv[i];
}

struct hook_command *hook_command_new(uv_loop_t *loop, const char *event, char *const *argv,
				      struct events_counts *counts)
{
	struct hook_command *hook = calloc(1, sizeof(*hook));
	bool is_whole = hook;

	for (size_t i = 0; is_whole && argv[i] && i < CONFIG_ARGV_MAX; i++) {
		hook->argv[i] = strdup(argv[i]);
		is_whole = hook->argv[i];
	}
	if (!is_whole) {
		log_line(LEVEL_ERROR, "hook %s: no memory", event);
		if (hook)
			command_release(hook);
		return NULL;
	}
	hook->loop = loop;
	hook->event = event;
	hook->counts = counts;
	hook->said_fd = -1;
	uv_timer_init(loop, &hook->timer);
	hook->timer.data = hook;
	hook->open_handles = 1;
	return hook;
}

void hook_command_free(struct hook_command *hook)
{
	if (!hook)
		return;
	hook->counts->dropped[EVENTS_COMMAND] += hook->count;
	while (hook->count)
		command_drop_first(hook);
	hook->counts = NULL;
	if (hook->state == COMMAND_RUNNING)
		command_kill(hook); /* its exit is told then */
	uv_close((uv_handle_t *)&hook->timer, on_timer_closed);
}
