// SPDX-License-Identifier: MIT
/*
 * See watch.h; its table is watch_step() here. Every change of fate is one line in the log.
 */
#include "agent/watch.h"

#include <net/if.h>
#include <string.h>

#include "agent/agent.h"
#include "base/log.h"

bool watch_is_configured(const struct agent *agent, const char *name)
{
	const struct config_edge *edge = &agent->config->edge;

	for (size_t i = 0; i < edge->device_count; i++)
		if (strcmp(edge->devices[i], name) == 0)
			return true;
	return false;
}

static struct watch_device *watch_find(struct watch *watch, const char *name)
{
	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->devices[i].name, name) == 0)
			return &watch->devices[i];
	return NULL;
}

static const struct view_device *watch_view(const struct agent *agent, const char *name)
{
	const struct view *view = edge_view(agent->edge);

	for (size_t i = 0; i < view->device_count; i++)
		if (strcmp(view->devices[i].name, name) == 0)
			return &view->devices[i];
	return NULL;
}

static bool watch_is_attached(const struct agent *agent, const char *name)
{
	const struct view_device *d = watch_view(agent, name);

	return d && d->attached;
}

static struct watch_device *watch_add(struct watch *watch, const char *name)
{
	struct watch_device *d = watch_find(watch, name);

	if (!d && watch->count < WATCH_MAX) {
		d = &watch->devices[watch->count++];
		*d = (struct watch_device){.fate = WATCH_DETACHED};
		memcpy(d->name, name, strnlen(name, sizeof(d->name) - 1));
	}
	return d;
}

static void watch_set_attached(struct agent *agent, struct watch_device *d)
{
	const struct view_device *there = watch_view(agent, d->name);

	d->fate = WATCH_ATTACHED;
	d->ifindex = there ? there->device->ifindex : if_nametoindex(d->name);
	d->refused = 0;
}

static void watch_accept_one(struct agent *agent, struct watch_device *d)
{
	if (watch_is_attached(agent, d->name))
		watch_set_attached(agent, d);
	else if (d->fate == WATCH_ATTACHED || (!watch_view(agent, d->name) && !d->refused))
		d->fate = WATCH_DETACHED; /* what was lost unasked leaves its pins behind */
}

void watch_accept(struct agent *agent)
{
	struct watch *watch = &agent->watch;
	size_t kept = 0;

	if (!agent->edge)
		return;
	for (size_t i = 0; i < agent->config->edge.device_count; i++)
		watch_add(watch, agent->config->edge.devices[i]);
	for (size_t i = 0; i < edge_view(agent->edge)->device_count; i++)
		if (edge_view(agent->edge)->devices[i].attached)
			watch_add(watch, edge_view(agent->edge)->devices[i].name);
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_device *d = &watch->devices[i];

		watch_accept_one(agent, d);
		if (d->fate != WATCH_DETACHED || watch_is_configured(agent, d->name))
			watch->devices[kept++] = *d;
	}
	watch->count = kept;
}

/* The device is there again, as another one than before. */
static void watch_attach(struct agent *agent, struct watch_device *d, uint32_t ifindex)
{
	struct err err;

	if (d->refused == ifindex || !watch_is_configured(agent, d->name))
		return;
	if (edge_attach(agent->edge, d->name, agent->config->edge.mode, 0, &err) < 0) {
		log_line(LEVEL_ERROR, "device %s came back but is NOT protected: %s", d->name,
			 err.text);
		d->refused = ifindex;
		return;
	}
	agent_tell_notices(agent);
	watch_set_attached(agent, d);
	log_line(LEVEL_WARNING, "device %s came back and is protected again", d->name);
	tell_device(agent, d->name);
}

static void watch_lost(const struct agent *agent, struct watch_device *d, uint32_t ifindex)
{
	bool is_back = ifindex != 0 && ifindex != d->ifindex;

	if (ifindex == d->ifindex) {
		d->fate = WATCH_TAKEN;
		log_line(LEVEL_ERROR,
			 "device %s is NOT protected any more: somebody took the program away; it "
			 "is not put back unasked, but by: hatago-bpfctl edge attach %s",
			 d->name, d->name);
		return;
	}
	d->fate = WATCH_GONE;
	if (!is_back)
		log_line(LEVEL_ERROR, "device %s has vanished%s", d->name,
			 watch_is_configured(agent, d->name)
				 ? "; it is protected again when it comes back"
				 : "");
}

static void watch_step(struct agent *agent, struct watch_device *d)
{
	uint32_t ifindex = if_nametoindex(d->name);

	if (watch_is_attached(agent, d->name)) {
		if (d->fate != WATCH_ATTACHED)
			log_line(LEVEL_INFO, "device %s is protected again", d->name);
		watch_set_attached(agent, d);
		return;
	}
	if (d->fate == WATCH_ATTACHED)
		watch_lost(agent, d, ifindex);
	else if (d->fate == WATCH_TAKEN && ifindex != d->ifindex)
		d->fate = WATCH_GONE;
	if (d->fate == WATCH_GONE && ifindex)
		watch_attach(agent, d, ifindex);
}

void watch_look(struct agent *agent)
{
	struct watch *watch = &agent->watch;
	struct err err;

	if (!agent->edge)
		return;
	if (view_refresh(edge_view(agent->edge), &err) < 0) {
		if (!watch->is_blind)
			log_line(LEVEL_ERROR, "can't look after the devices: %s", err.text);
		watch->is_blind = true;
		return;
	}
	watch->is_blind = false;
	for (size_t i = 0; i < watch->count; i++)
		watch_step(agent, &watch->devices[i]);
}
