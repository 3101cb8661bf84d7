// SPDX-License-Identifier: MIT
/*
 * event follow: which events there are, and which are asked for. The events themselves come
 * from hatagod, as lines behind this answer (agent/follow.c).
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "ops/commands.h"

static const char *const event_names[] = {
#define EVENT_TEXT(name) #name,
	OPS_EVENTS_LIST(EVENT_TEXT)
#undef EVENT_TEXT
};

_Static_assert((int)OPS_EVENT_onLimitExceeded == CONFIG_ON_LIMIT_EXCEEDED &&
		       (int)OPS_EVENT_onQueueChange == CONFIG_ON_QUEUE_CHANGE &&
		       (int)OPS_EVENT_onMetrics == CONFIG_ON_METRICS &&
		       (int)OPS_EVENT_onCircuitOpen == CONFIG_ON_CIRCUIT_OPEN &&
		       (int)OPS_EVENT_onStateChange == CONFIG_ON_STATE_CHANGE,
	       "an event with a hook has the hook's number");

const char *ops_event_name(enum ops_event event)
{
	return event_names[event];
}

bool ops_event_find(const char *name, enum ops_event *ret)
{
	for (int i = 0; i < OPS_EVENT_COUNT; i++)
		if (strcmp(event_names[i], name) == 0) {
			*ret = (enum ops_event)i;
			return true;
		}
	return false;
}

static int event_unknown(const char *name, struct err *err)
{
	const char *nearest = text_nearest(name, event_names, OPS_EVENT_COUNT);

	if (nearest)
		return err_set(err, -EINVAL, "there is no event '%.40s'; did you mean '%s'?", name,
			       nearest);
	return err_set(err, -EINVAL,
		       "there is no event '%.40s'; 'event follow --help' lists what there is",
		       name);
}

int ops_check_events(const char *argument, const json_t *names, struct err *err)
{
	enum ops_event event;
	json_t *item;
	size_t i;

	if (!json_is_array(names) || json_array_size(names) == 0)
		return err_set(err, -EINVAL, "%s: at least one name is needed", argument);
	if (json_array_size(names) > OPS_EVENT_COUNT)
		return err_set(err, -E2BIG, "%s: there are no more than %d events", argument,
			       OPS_EVENT_COUNT);
	json_array_foreach(names, i, item)
	{
		if (!json_is_string(item))
			return err_set(err, -EINVAL, "%s: item %zu is no string", argument, i);
		if (!ops_event_find(json_string_value(item), &event))
			return event_unknown(json_string_value(item), err);
	}
	return 0;
}

_Static_assert(OPS_EVENT_COUNT <= 64, "a bit for each event");

void ops_event_wanted(const json_t *arguments, struct ops_wanted *ret)
{
	const json_t *names = json_object_get(arguments, "names"), *item;
	enum ops_event event;
	size_t i;

	ret->count = ops_count(arguments, "number", UINT64_MAX);
	ret->events = names ? 0 : UINT64_MAX;
	json_array_foreach(names, i, item) if (ops_event_find(json_string_value(item), &event))
		ret->events |= 1ULL << event;
}

int ops_event_follow(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const json_t *names = json_object_get(args, "names"), *item;
	size_t i;

	(void)ops;
	(void)err;
	json_array_begin(out, "following");
	if (!names)
		for (i = 0; i < OPS_EVENT_COUNT; i++)
			json_str(out, NULL, event_names[i]);
	json_array_foreach(names, i, item) json_str(out, NULL, json_string_value(item));
	json_array_end(out);
	return 0;
}
