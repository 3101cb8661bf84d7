// SPDX-License-Identifier: MIT
/*
 * From what happened to a line, and to all who want it; see events.h. The hooks are
 * compared at a reload, so that only those which changed begin anew.
 */
#include "agent/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event_parts.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

struct events *events_new(uv_loop_t *loop)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events)
		events->loop = loop;
	return events;
}

bool hook_may_log(uint64_t *last_ms, uint64_t now_ms)
{
	if (*last_ms && now_ms - *last_ms < HOOK_LOG_MS)
		return false;
	*last_ms = now_ms ? now_ms : 1;
	return true;
}

static void hook_set(struct events *events, enum config_hook_kind kind,
		     const struct config_hook *to)
{
	const char *name = ops_event_name((enum ops_event)kind);
	struct event_hook *hook = &events->hooks[kind];

	if (hook->command && !hook_command_is(hook->command, to->command)) {
		hook_command_free(hook->command);
		hook->command = NULL;
	}
	if (!hook->command && to->command[0])
		hook->command = hook_command_new(events->loop, name, to->command, &events->counts);
	if (hook->socket && (!to->socket || !hook_socket_is(hook->socket, to->socket))) {
		hook_socket_free(hook->socket);
		hook->socket = NULL;
	}
	if (!hook->socket && to->socket)
		hook->socket = hook_socket_new(events->loop, name, to->socket, &events->counts);
}

void events_set_hooks(struct events *events, const struct config_hook *hooks)
{
	for (int kind = 0; kind < CONFIG_HOOKS; kind++)
		hook_set(events, (enum config_hook_kind)kind, &hooks[kind]);
}

/* Its bit and its hook (NULL: it can't have one). */
static uint64_t event_find(struct events *events, const char *name, struct event_hook **ret_hook)
{
	enum ops_event event;

	*ret_hook = NULL;
	if (!ops_event_find(name, &event))
		return 0;
	if ((int)event < CONFIG_HOOKS)
		*ret_hook = &events->hooks[event];
	return 1ULL << event;
}

static bool event_is_wanted(const struct events *events, uint64_t bit,
			    const struct event_hook *hook)
{
	return (hook && (hook->command || hook->socket)) || followers_want(events, bit);
}

bool events_are_wanted(const struct events *events, const char *name)
{
	struct event_hook *hook;
	uint64_t bit = event_find((struct events *)events, name, &hook);

	return event_is_wanted(events, bit, hook);
}

/* The line without its newline; its length, or 0 if it is too long. */
static size_t event_write(const char *name, const char *json, char ret[EVENT_BYTES_MAX])
{
	char now[TEXT_TIME_MAX];
	const char *members = json + 1;
	int length;

	text_time_utc(clock_real_ns(), now, sizeof(now));
	length = snprintf(ret, EVENT_BYTES_MAX, "{\"event\":\"%s\",\"time\":\"%s\"%s%s", name, now,
			  *members == '}' ? "" : ",", members);
	return length > 0 && (size_t)length < EVENT_BYTES_MAX ? (size_t)length : 0;
}

void events_emit(struct events *events, const char *name, const char *json)
{
	struct event_hook *hook;
	uint64_t bit = event_find(events, name, &hook);
	char line[EVENT_BYTES_MAX];
	size_t length;

	events->counts.emitted++;
	if (!event_is_wanted(events, bit, hook))
		return;
	length = event_write(name, json, line);
	if (!length) {
		events->counts.oversized++;
		return;
	}
	if (hook && hook->command)
		hook_command_put(hook->command, line, length);
	if (hook && hook->socket)
		hook_socket_put(hook->socket, line, length);
	followers_put(events, bit, line, length);
}

void events_count(const struct events *events, struct events_counts *ret)
{
	*ret = events->counts;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	for (int kind = 0; kind < CONFIG_HOOKS; kind++) {
		hook_command_free(events->hooks[kind].command);
		hook_socket_free(events->hooks[kind].socket);
	}
	followers_free(events);
	free(events);
}
