// SPDX-License-Identifier: MIT
/*
 * What hatagod tells the service manager by sd_notify(3): readiness, reloads, the end, a
 * sentence for `systemctl status`, and signs of life. Without NOTIFY_SOCKET all of it
 * is silent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "agent/agent.h"
#include "base/clock.h"

#define SERVICE_US_PER_MS 1000

static void status_write(const struct agent *agent, char *buf, size_t size)
{
	size_t wanted = agent->watch.count, attached = 0;

	for (size_t i = 0; i < wanted; i++)
		attached += agent->watch.devices[i].fate == WATCH_ATTACHED;
	if (!agent->edge)
		snprintf(buf, size, "No edge is configured");
	else if (!wanted)
		snprintf(buf, size, "No device is attached");
	else
		snprintf(buf, size, "%s%zu of %zu devices protected%s%s",
			 agent->config->edge.enforce ? "" : "Not enforcing; ", attached, wanted,
			 agent->complaint_count ? "; " : "",
			 agent->complaint_count ? agent->complaints[0] : "");
}

void service_status(struct agent *agent)
{
	char text[ERR_TEXT_MAX];

	status_write(agent, text, sizeof(text));
	if (!agent->is_ready || strcmp(text, agent->status) == 0)
		return;
	memcpy(agent->status, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

void service_ready(struct agent *agent)
{
	sd_notify(0, "READY=1");
	service_status(agent);
}

void service_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_mono_ns() / 1000);
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void service_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

uint64_t service_watchdog_ms(void)
{
	uint64_t us = 0;

	if (sd_watchdog_enabled(0, &us) <= 0)
		return 0;
	return us / 2 < SERVICE_US_PER_MS ? 1 : us / 2 / SERVICE_US_PER_MS;
}
