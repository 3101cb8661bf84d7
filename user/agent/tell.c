// SPDX-License-Identifier: MIT
/*
 * What hatagod does, in sentences for the log: what is protected and how, which limits
 * hold, and for each device the mode it got and why it is not a better one.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "base/log.h"

#define TELL_MAX       1024
#define TELL_PORTS_MAX 16 /* port ranges that are named; more are counted */

static void tell_add(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What doesn't fit is cut. */
static void tell_add(char *buf, size_t size, const char *format, ...)
{
	size_t used = strlen(buf);
	va_list args;

	va_start(args, format);
	vsnprintf(buf + used, size - used, format, args);
	va_end(args);
}

static void tell_port(const struct config_port_range *range, char *buf, size_t size)
{
	const char *protocol = range->protocol == HATAGO_TCP ? "tcp" : "udp";

	if (range->first == range->last)
		tell_add(buf, size, "%u/%s", range->first, protocol);
	else
		tell_add(buf, size, "%u-%u/%s", range->first, range->last, protocol);
}

void tell_protected(const struct config_edge *edge, char *buf, size_t size)
{
	const char *separator = "";

	buf[0] = '\0';
	if (edge->protect_all)
		tell_add(buf, size, "everything");
	else if (edge->port_count)
		tell_add(buf, size, "ports ");
	for (size_t i = 0; i < edge->port_count && !edge->protect_all; i++) {
		if (i == TELL_PORTS_MAX) {
			tell_add(buf, size, " and %zu more", edge->port_count - i);
			break;
		}
		tell_add(buf, size, "%s", separator);
		tell_port(&edge->ports[i], buf, size);
		separator = ", ";
	}
	if (edge->protect_icmp && !edge->protect_all)
		tell_add(buf, size, "%sICMP", edge->port_count ? " and " : "");
	if (!buf[0])
		tell_add(buf, size, "nothing");
	tell_add(buf, size, " over %s%s%s", edge->ipv4 ? "IPv4" : "",
		 edge->ipv4 && edge->ipv6 ? " and " : "", edge->ipv6 ? "IPv6" : "");
}

static void tell_limit(const char *label, const struct hatago_limit *limit, char *buf, size_t size)
{
	tell_add(buf, size, "%s %.15g a second (%" PRIu64 " at once)", label,
		 (double)limit->rate_milli / 1000, (uint64_t)limit->burst);
}

void tell_limits(const struct config_edge *edge, char *buf, size_t size)
{
	const char *separator = "";

	buf[0] = '\0';
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++) {
		const struct hatago_limit *limit = &edge->dimension[d].limit;

		if (!edge->dimension[d].enabled)
			continue;
		tell_add(buf, size, "%s", separator);
		tell_limit(metrics_dimension_label(d), limit, buf, size);
		separator = ", ";
	}
	if (!buf[0])
		tell_add(buf, size, "no limit, only the lists and bans");
}

void tell_requests(const struct config *config, char *buf, size_t size)
{
	buf[0] = '\0';
	if (!config->rate_limiting.enabled) {
		tell_add(buf, size, "requests without a limit of their rate");
		return;
	}
	tell_limit("requests", &config->rate_limiting.limit, buf, size);
	tell_limit(", and before these handshakes", &config->gate.handshake, buf, size);
}

void tell_permits(const struct config *config, char *buf, size_t size)
{
	const struct config_concurrency *c = &config->concurrency;

	buf[0] = '\0';
	tell_add(buf, size, "%" PRIu32 " requests at once", c->max_concurrent);
	if (c->per_client_limits && c->max_concurrent_per_client)
		tell_add(buf, size, " (%" PRIu32 " of one client)", c->max_concurrent_per_client);
	if (c->queue_size)
		tell_add(buf, size, ", %" PRIu32 " wait up to %.15g s", c->queue_size,
			 (double)c->queue_timeout_ms / 1000);
	else
		tell_add(buf, size, ", none waits");
	tell_add(buf, size, "; an answer within %.15g s", (double)c->request_timeout_ms / 1000);
}

void tell_edge(const struct agent *agent)
{
	const struct config_edge *edge = &agent->config->edge;
	char protects[TELL_MAX], limits[TELL_MAX];

	tell_protected(edge, protects, sizeof(protects));
	tell_limits(edge, limits, sizeof(limits));
	log_line(LEVEL_INFO, "protected: %s; each client (IPv4 /%u, IPv6 /%u): %s", protects,
		 edge->ipv4_prefix, edge->ipv6_prefix, limits);
	if (!edge->enforce)
		log_line(LEVEL_WARNING, "NOT enforcing: what is over a limit is counted and passes "
					"(edge.enforce is false)");
	if (!edge_view(agent->edge)->device_count)
		log_line(LEVEL_INFO, "no device is attached; to attach one: "
				     "hatago-bpfctl edge attach eth0 --confirm 60s");
}

static const struct view_device *tell_find(const struct view *view, const char *name)
{
	for (size_t i = 0; i < view->device_count; i++)
		if (strcmp(view->devices[i].name, name) == 0)
			return &view->devices[i];
	return NULL;
}

void tell_device(const struct agent *agent, const char *name)
{
	const struct view_device *d = tell_find(edge_view(agent->edge), name);
	const char *enforces = view_rules(edge_view(agent->edge))->flags & HATAGO_ENFORCE
				       ? "enforcing"
				       : "NOT enforcing";
	const char *mode, *why;
	bool is_degraded;

	if (!d || !d->attached)
		return;
	mode = metrics_mode_label(d->device->mode);
	why = d->device->why;
	is_degraded =
		d->device->mode != HATAGO_MODE_NATIVE && strcmp(why, HATAGO_WHY_ASKED_FOR) != 0;
	if (is_degraded)
		log_line(LEVEL_WARNING,
			 "device %s: attached in mode %s, %s; that is slower than native mode, "
			 "which it could not get (%s)",
			 name, mode, enforces, *why ? why : "no reason given");
	else
		log_line(LEVEL_INFO, "device %s: attached in mode %s, %s", name, mode, enforces);
	if (d->device->confirm_by_ns)
		log_line(LEVEL_WARNING,
			 "device %s: waits for its confirmation, else it is detached: "
			 "hatago-bpfctl edge confirm %s",
			 name, name);
}

void tell_attached_since(const struct agent *agent, uint64_t since_ns)
{
	const struct view *view = edge_view(agent->edge);

	for (size_t i = 0; i < view->device_count; i++)
		if (view->devices[i].device->attached_ns >= since_ns)
			tell_device(agent, view->devices[i].name);
}

void tell_without_effect(const struct config *config)
{
	if (config->gate_options_given && !config->gate.enabled)
		log_line(LEVEL_WARNING,
			 "the configuration has options that only the gate obeys, such as "
			 "maxConcurrent or rateLimiting, but no section gate; they are without "
			 "effect");
}
