/* SPDX-License-Identifier: MIT */
/*
 * What happens, told to whoever wants to know: hooks (a command, a Unix socket) and those
 * who follow over the control socket. All of it on the main loop's thread, and all of it
 * bounded: whoever is slow or hangs loses events, which are counted, and holds up nobody.
 *
 *   events_emit -> one line -> events.c -+-> hook_command.c   one run of a command an event
 *                                        +-> hook_socket.c    a line to whoever listens there
 *                                        +-> event_follow.c   a line to each follower
 */
#ifndef HATAGO_AGENT_EVENTS_H
#define HATAGO_AGENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "config/config.h"
#include "net/line_server.h"
#include "ops/ops.h"

#define EVENT_BYTES_MAX		  ((size_t)16 << 10) /* of an event's line; a longer one is dropped */
#define EVENT_FOLLOWERS_MAX	  16		     /* at once */
#define EVENT_FOLLOWERS_OF_ROOT	  4		     /* of these: the last ones, for root alone */
#define EVENT_FOLLOW_BUFFER_BYTES ((size_t)256 << 10) /* of a follower */

/* Who may miss an event. */
enum events_sink { EVENTS_FOLLOW, EVENTS_COMMAND, EVENTS_SOCKET, EVENTS_SINKS };

struct events_counts {
	uint64_t emitted;		/* also those that nobody wanted */
	uint64_t dropped[EVENTS_SINKS]; /* for each one who missed it */
	uint64_t oversized;		/* longer than EVENT_BYTES_MAX: told to nobody */
	uint64_t failed_runs;		/* of commands: not started, killed, or exit code not 0 */
	unsigned int followers;		/* now */
};

struct events;

/* NULL: no memory. Without hooks. */
struct events *events_new(uv_loop_t *loop);
/*
 * hooks: CONFIG_HOOKS of them; it copies what it needs. To be called at the start and after each
 * reload: a hook that is as it was goes on with what it has pending; another's pending events are
 * dropped and its command is killed.
 */
void events_set_hooks(struct events *events, const struct config_hook *hooks);
/*
 * Tells it to all who want it: {"event":NAME,"time":"...Z",members}. json: one object of the
 * event's own members, on one line. Never blocks. name: of OPS_EVENTS_LIST, so that one can ask
 * for it (others reach only those who follow everything).
 */
void events_emit(struct events *events, const char *name, const char *json);
/* Would anybody be told? To save the making of an event that comes often. */
bool events_are_wanted(const struct events *events, const char *name);
void events_count(const struct events *events, struct events_counts *ret);
/*
 * Makes the request a follower: sends the answer as the first line, then the events. -EBUSY:
 * there are too many (is_root: see above); -ENOMEM. The request waits for its answer then.
 */
int events_follow(struct events *events, struct line_request *request, bool is_root,
		  const struct ops_wanted *wanted, const char *answer, size_t length);
/*
 * Ends all; running commands are killed. Whoever emits must have ended before. The memory of hooks
 * goes when the loop has run until nothing is open. Accepts NULL.
 */
void events_free(struct events *events);

#endif
