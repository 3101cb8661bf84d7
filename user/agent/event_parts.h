/* SPDX-License-Identifier: MIT */
/*
 * What the parts of events.h share among themselves; nobody else includes it.
 */
#ifndef HATAGO_AGENT_EVENT_PARTS_H
#define HATAGO_AGENT_EVENT_PARTS_H

#include "agent/events.h"

#define HOOK_PENDING_MAX    64	  /* events that wait for a command; the oldest goes first */
#define HOOK_RUN_MS	    10000 /* of a command; then its process group is killed */
#define HOOK_PAUSE_MS	    10	  /* between two runs: a flood of events is no flood of forks */
#define HOOK_RETRY_MS	    1000  /* after a command that could not be started */
#define HOOK_SAID_BYTES	    4096  /* of a command's standard error that is kept */
#define HOOK_SAID_MAX	    200	  /* bytes of it that the log shows */
#define HOOK_SOCKET_BYTES   (64u << 10) /* that wait for a socket's listener */
#define HOOK_CONNECT_MS	    1000	/* before the socket is tried again; doubled each time */
#define HOOK_CONNECT_MAX_MS 30000	/* up to this */
#define HOOK_LOG_MS	    60000	/* between two lines in the log about the same hook */

struct follower;

struct event_hook {
	struct hook_command *command; /* NULL: none */
	struct hook_socket *socket;   /* NULL: none */
};

struct events {
	uv_loop_t *loop;
	struct event_hook hooks[CONFIG_HOOKS];
	struct follower *first;
	struct events_counts counts;
};

/*
 * hook_command.c, hook_socket.c. event: a static name. counts: gets what is dropped and what
 * fails, until the hook is freed. NULL: the log says why. They free themselves once what they
 * have open is closed; free accepts NULL.
 */
struct hook_command *hook_command_new(uv_loop_t *loop, const char *event, char *const *argv,
				      struct events_counts *counts);
bool hook_command_is(const struct hook_command *hook, char *const *argv);
void hook_command_put(struct hook_command *hook, const char *line, size_t length);
void hook_command_free(struct hook_command *hook);

struct hook_socket *hook_socket_new(uv_loop_t *loop, const char *event, const char *path,
				    struct events_counts *counts);
bool hook_socket_is(const struct hook_socket *hook, const char *path);
void hook_socket_put(struct hook_socket *hook, const char *line, size_t length);
void hook_socket_free(struct hook_socket *hook);

/*
 * hook_files.c: what a command has as its standard input and its standard error: files in
 * memory. hook_input: holds the line and its newline; a descriptor at the beginning of it, or a
 * negative errno. hook_output: never grows beyond HOOK_SAID_BYTES, more can't be written; -1:
 * none. hook_said: what was written there up to a newline, "" if fd is -1.
 */
int hook_input(const char *line, size_t length);
int hook_output(void);
void hook_said(int fd, char ret[HOOK_SAID_MAX]);

/* Is it time to log again? last_ms: 0: never logged; both in the loop's time. */
bool hook_may_log(uint64_t *last_ms, uint64_t now_ms);

/* event_follow.c. bit: as in struct ops_wanted; 0: of an event that is not listed. */
void followers_put(struct events *events, uint64_t bit, const char *line, size_t length);
bool followers_want(const struct events *events, uint64_t bit);
/* All of them end; they don't know events any more. */
void followers_free(struct events *events);

#endif
