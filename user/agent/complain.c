// SPDX-License-Identifier: MIT
/*
 * What is not as it was asked for, in sentences: for `status`, the JSON metrics, and the
 * count of them in Prometheus. Made anew at each look, so nothing that was mended stays.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

static void complain(struct agent *agent, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(struct agent *agent, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return;
	if (agent->complaint_count == AGENT_COMPLAINTS_MAX)
		free(text);
	else
		agent->complaints[agent->complaint_count++] = text;
}

void agent_forget_complaints(struct agent *agent)
{
	while (agent->complaint_count)
		free(agent->complaints[--agent->complaint_count]);
}

static void complain_of_fate(struct agent *agent, const struct watch_device *d)
{
	switch (d->fate) {
	case WATCH_ATTACHED:
		break;
	case WATCH_GONE:
		complain(agent,
			 d->refused ? "device %s came back but could not be attached again: "
				      "hatago-bpfctl edge attach %s tells why"
				    : "device %s has vanished; it is attached again when it comes "
				      "back, if edge.devices lists %s",
			 d->name, d->name);
		break;
	case WATCH_TAKEN:
		complain(agent,
			 "device %s is not protected: somebody took the program away; to put it "
			 "back: hatago-bpfctl edge attach %s",
			 d->name, d->name);
		break;
	case WATCH_DETACHED:
		complain(agent, "device %s stands in edge.devices but is detached", d->name);
		break;
	}
}

static void complain_of_modes(struct agent *agent)
{
	const struct view *view = edge_view(agent->edge);

	for (size_t i = 0; i < view->device_count; i++) {
		const struct view_device *d = &view->devices[i];

		if (d->attached && d->device->mode != HATAGO_MODE_NATIVE &&
		    strcmp(d->device->why, HATAGO_WHY_ASKED_FOR) != 0)
			complain(agent, "device %s is attached in mode %s, slower than native (%s)",
				 d->name, metrics_mode_label(d->device->mode), d->device->why);
	}
}

void agent_complain(struct agent *agent)
{
	agent_forget_complaints(agent);
	for (size_t i = 0; i < agent->watch.count; i++)
		complain_of_fate(agent, &agent->watch.devices[i]);
	if (agent->watch.is_blind)
		complain(agent, "the pins in %s can't be read: somebody changed or removed them",
			 agent->ops.pins);
	if (agent->edge)
		complain_of_modes(agent);
	for (size_t i = 0; i < agent->pending_count; i++)
		complain(agent, "%s differs in the file and waits for a restart",
			 agent->pending[i]);
	service_status(agent);
}
