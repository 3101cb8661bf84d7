// SPDX-License-Identifier: MIT
/*
 * edge show|attach|detach|confirm: where the edge is, in which mode and why. hatagod does
 * the attaching; a detach also works on the pins alone.
 */
#include <errno.h>
#include <string.h>

#include "kern/edge.h"
#include "ops/commands.h"

static const char *const mode_names[] = {
	[HATAGO_MODE_NATIVE] = "native",
	[HATAGO_MODE_GENERIC] = "generic",
	[HATAGO_MODE_TC] = "tc",
};

static const char *ops_mode_name(uint32_t mode)
{
	return mode < sizeof(mode_names) / sizeof(mode_names[0]) ? mode_names[mode] : "unknown";
}

/* What the device's program does with frames now. */
static const char *ops_device_state(const struct view_device *device, uint64_t now_ns)
{
	if (!device->attached)
		return "detached"; /* pinned, but the kernel runs it no more */
	if (!device->device->confirm_by_ns)
		return "attached";
	return now_ns < device->device->confirm_by_ns ? "unconfirmed" : "standing_aside";
}

static void ops_write_verdict(const struct hatago_counters *counters, uint32_t verdict,
			      const char *key, struct json *out)
{
	struct hatago_counter sum = {0};

	for (uint32_t r = 0; r < HATAGO_REASONS_MAX; r++) {
		sum.packets += counters->by[verdict][r].packets;
		sum.bytes += counters->by[verdict][r].bytes;
	}
	json_object_begin(out, key);
	json_u64(out, "packets", sum.packets);
	json_u64(out, "bytes", sum.bytes);
	json_object_end(out);
}

void ops_write_device(const struct ops_context *ops, const struct view_device *device,
		      struct json *out)
{
	const struct hatago_device *d = device->device;
	uint64_t now = ops->mono_ns(), real = ops->real_ns();
	struct hatago_counters counters;

	view_device_counters(ops->view, device, &counters);
	json_object_begin(out, NULL);
	json_str(out, "device", device->name);
	json_str(out, "state", ops_device_state(device, now));
	json_str(out, "mode", ops_mode_name(d->mode));
	json_bool(out, "degraded",
		  d->mode != HATAGO_MODE_NATIVE && strcmp(d->why, HATAGO_WHY_ASKED_FOR) != 0);
	json_str(out, "why", d->why);
	ops_write_time("attached_at", d->attached_ns, out);
	ops_write_ms("attached_for_ms", real > d->attached_ns ? real - d->attached_ns : 0, out);
	if (d->confirm_by_ns)
		ops_write_ms("confirm_within_ms",
			     d->confirm_by_ns > now ? d->confirm_by_ns - now : 0, out);
	else
		json_nil(out, "confirm_within_ms");
	ops_write_verdict(&counters, HATAGO_VERDICT_PASS, "passed", out);
	ops_write_verdict(&counters, HATAGO_VERDICT_DROP, "dropped", out);
	ops_write_verdict(&counters, HATAGO_VERDICT_WOULD_DROP, "would_drop", out);
	json_object_end(out);
}

static void ops_write_named_device(const struct ops_context *ops, const char *name,
				   struct json *out)
{
	json_array_begin(out, "devices");
	for (size_t i = 0; ops->view && i < ops->view->device_count; i++)
		if (!name || strcmp(ops->view->devices[i].name, name) == 0)
			ops_write_device(ops, &ops->view->devices[i], out);
	json_array_end(out);
}

int ops_edge_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct clients clients;
	int r = ops_clients(ops, &clients, err);

	(void)args;
	if (r < 0)
		return r;
	json_bool(out, "enforce", clients.rules->flags & HATAGO_ENFORCE);
	ops_write_ports(clients.rules, "protect", out);
	ops_write_named_device(ops, NULL, out);
	return 0;
}

/* auto where it is not said: what the configuration says, if it says anything. */
static enum config_mode ops_mode(const struct ops_context *ops, const char *text)
{
	static const char *const names[] = {
		[CONFIG_MODE_AUTO] = "auto",
		[CONFIG_MODE_NATIVE] = "native",
		[CONFIG_MODE_GENERIC] = "generic",
		[CONFIG_MODE_TC] = "tc",
	};
	const struct config *config;

	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], text) == 0)
			return (enum config_mode)i;
	config = ops->daemon->config(ops->daemon_ctx);
	return config ? config->edge.mode : CONFIG_MODE_AUTO;
}

int ops_edge_attach(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const char *device = ops_text(args, "device");
	uint32_t confirm_ms = (uint32_t)ops_duration_ms(args, "confirm", 0);
	struct clients clients;
	int r = ops_clients(ops, &clients, err);

	if (r == 0)
		r = ops->daemon->attach(ops->daemon_ctx, device,
					ops_mode(ops, ops_text(args, "mode")), confirm_ms, err);
	if (r == 0)
		r = view_refresh(ops->view, err);
	if (r < 0)
		return r;
	ops_write_named_device(ops, device, out);
	return 0;
}

int ops_edge_detach(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const char *device = ops_text(args, "device");
	int r = ops->daemon ? ops->daemon->detach(ops->daemon_ctx, device, err)
			    : edge_detach_pinned(ops->pins, device, err);

	if (r < 0)
		return r;
	json_str(out, "detached", device);
	return 0;
}

static bool ops_is_unconfirmed(const struct ops_context *ops, const struct view_device *device)
{
	return strcmp(ops_device_state(device, ops->mono_ns()), "unconfirmed") == 0;
}

int ops_edge_confirm(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const char *device = ops_text(args, "device");
	char names[HATAGO_DEVICES_MAX][sizeof(ops->view->devices[0].name)];
	size_t count = 0;
	struct clients clients;
	int r = ops_clients(ops, &clients, err);

	if (r < 0)
		return r;
	/* The names first: a confirmation may change the view. */
	for (size_t i = 0; i < ops->view->device_count; i++) {
		const struct view_device *d = &ops->view->devices[i];

		if (device ? strcmp(d->name, device) == 0 : ops_is_unconfirmed(ops, d))
			memcpy(names[count++], d->name, sizeof(names[0]));
	}
	if (!count)
		return device ? err_set(err, -ENOENT, "device %s is not attached", device)
			      : err_set(err, -ENOENT, "no device waits to be confirmed");
	for (size_t i = 0; i < count; i++) {
		r = ops->daemon->confirm(ops->daemon_ctx, names[i], err);
		if (r < 0)
			return r;
	}
	json_array_begin(out, "confirmed");
	for (size_t i = 0; i < count; i++)
		json_str(out, NULL, names[i]);
	json_array_end(out);
	return 0;
}
