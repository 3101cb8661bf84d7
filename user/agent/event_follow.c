// SPDX-License-Identifier: MIT
/*
 * Those who follow events over the control socket. One who does not read fast enough loses
 * events and is told how many, as {"event":"dropped","count":N}, once there is room again.
 * The buffer itself is the line server's (net/line_stream.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event_parts.h"

#define FOLLOW_DROPPED_MAX 64 /* bytes of the line that tells of drops */

struct follower {
	struct events *events; /* NULL: they are no more */
	struct follower *prev, *next;
	struct line_request *request;
	struct ops_wanted wanted; /* count: those that are left */
	uint64_t dropped;	  /* and not told yet */
};

static void follower_unlink(struct follower *f)
{
	if (!f->events)
		return;
	*(f->prev ? &f->prev->next : &f->events->first) = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->events->counts.followers--;
	f->events = NULL;
}

static void on_ended(void *ctx)
{
	follower_unlink(ctx);
	free(ctx);
}

/* The line that tells of drops, if there were any; its length. */
static size_t follower_write_dropped(const struct follower *f, char ret[FOLLOW_DROPPED_MAX])
{
	int length = 0;

	if (f->dropped)
		length = snprintf(ret, FOLLOW_DROPPED_MAX,
				  "{\"event\":\"dropped\",\"count\":%" PRIu64 "}", f->dropped);
	return (size_t)length;
}

static void on_room(void *ctx)
{
	struct follower *f = ctx;
	char line[FOLLOW_DROPPED_MAX];
	size_t length = follower_write_dropped(f, line);

	if (length && line_request_send(f->request, line, length))
		f->dropped = 0;
}

/* What was dropped before it and the event, both or neither. */
static bool follower_send(struct follower *f, const char *line, size_t length)
{
	char both[FOLLOW_DROPPED_MAX + EVENT_BYTES_MAX];
	size_t before = follower_write_dropped(f, both);

	if (!before)
		return line_request_send(f->request, line, length);
	both[before++] = '\n';
	memcpy(both + before, line, length);
	if (!line_request_send(f->request, both, before + length))
		return false;
	f->dropped = 0;
	return true;
}

static void follower_put(struct follower *f, const char *line, size_t length)
{
	if (!follower_send(f, line, length)) {
		f->dropped++;
		f->events->counts.dropped[EVENTS_FOLLOW]++;
		return;
	}
	if (f->wanted.count != UINT64_MAX && --f->wanted.count == 0) {
		follower_unlink(f);
		line_request_end(f->request);
	}
}

static bool follower_wants(const struct follower *f, uint64_t bit)
{
	return f->wanted.events == UINT64_MAX || (f->wanted.events & bit);
}

void followers_put(struct events *events, uint64_t bit, const char *line, size_t length)
{
	struct follower *next;

	for (struct follower *f = events->first; f; f = next) {
		next = f->next;
		if (follower_wants(f, bit))
			follower_put(f, line, length);
	}
}

bool followers_want(const struct events *events, uint64_t bit)
{
	for (const struct follower *f = events->first; f; f = f->next)
		if (follower_wants(f, bit))
			return true;
	return false;
}

void followers_free(struct events *events)
{
	while (events->first) {
		struct follower *f = events->first;

		follower_unlink(f);
		line_request_end(f->request);
	}
}

int events_follow(struct events *events, struct line_request *request, bool is_root,
		  const struct ops_wanted *wanted, const char *answer, size_t length)
{
	static const struct line_stream_handler handler = {on_room, on_ended};
	unsigned int max = EVENT_FOLLOWERS_MAX - (is_root ? 0 : EVENT_FOLLOWERS_OF_ROOT);
	struct follower *f;

	if (events->counts.followers >= max)
		return -EBUSY;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->request = request;
	f->wanted = *wanted;
	if (!line_request_stream(request, EVENT_FOLLOW_BUFFER_BYTES, &handler, f)) {
		free(f); /* the client has gone */
		return 0;
	}
	f->events = events;
	f->next = events->first;
	if (f->next)
		f->next->prev = f;
	events->first = f;
	events->counts.followers++;
	line_request_send(request, answer, length);
	return 0;
}
