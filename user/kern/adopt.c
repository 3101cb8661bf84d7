/* SPDX-License-Identifier: MIT */
/*
 * What another process left pinned (see edge_parts.h). A device is adopted if all of its
 * pins are there and the kernel still runs our program on it; everything else is a
 * leftover. Looks first and changes nothing; cleaning up comes when the start is certain
 * to succeed.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kern/edge_parts.h"
#include "kern/pins.h"

static int adopt_map(const struct edge *edge, const char *device, const char *leaf)
{
	char path[PINS_PATH_MAX];
	struct pins_map map;

	if (pins_device_path(path, edge->pins, device, leaf, NULL) < 0 ||
	    pins_open_map(path, leaf, &map, NULL) < 0)
		return -1;
	return map.fd;
}

static int adopt_object(const struct edge *edge, const char *device, const char *leaf)
{
	char path[PINS_PATH_MAX];

	if (pins_device_path(path, edge->pins, device, leaf, NULL) < 0)
		return -1;
	return bpf_obj_get(path);
}

/* A link that is alive, but on no device of this network namespace. */
static bool adopt_is_elsewhere(const struct edge_device *d)
{
	return d->link_fd >= 0 && hook_link_ifindex(d->link_fd) > 0 &&
	       hook_xdp_running(hook_link_ifindex(d->link_fd)) != hook_program_id(d->program_fd);
}

static int adopt_device(struct edge *edge, const char *name, struct err *err)
{
	struct edge_device *d = &edge->devices[edge->device_count];

	device_init(d, name);
	d->device_fd = adopt_map(edge, name, "device");
	d->counters_fd = adopt_map(edge, name, "counters");
	d->program_fd = adopt_object(edge, name, "program");
	d->link_fd = adopt_object(edge, name, "link");
	if (d->device_fd < 0 || d->counters_fd < 0 || d->program_fd < 0 ||
	    device_map(d, NULL) < 0) {
		device_done(d);
		return 0;
	}
	if (adopt_is_elsewhere(d)) {
		device_done(d);
		return err_set(err, -EBUSY,
			       "the pins in %s guard device %s of another network namespace: set "
			       "edge.pins to a folder of its own",
			       edge->pins, name);
	}
	if (device_is_attached(d))
		edge->device_count++;
	else
		device_done(d);
	return 0;
}

static void adopt_close(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

int adopt_devices(struct edge *edge, struct err *err)
{
	_cleanup_(adopt_close) DIR *folder = opendir(edge->pins);
	struct dirent *entry;
	char name[16];
	int r = 0;

	if (!folder)
		return err_set(err, -errno, "can't read the pins' folder %s: %s", edge->pins,
			       strerror(errno));
	while (r == 0 && edge->device_count < HATAGO_DEVICES_MAX && (entry = readdir(folder)))
		if (pins_device_name(entry->d_name, name))
			r = adopt_device(edge, name, err);
	return r;
}

bool adopt_names(const struct config_edge *config, const char *device)
{
	for (size_t i = 0; i < config->device_count; i++)
		if (strcmp(config->devices[i], device) == 0)
			return true;
	return false;
}

static void adopt_drop(struct edge *edge, struct edge_device *d, const char *why)
{
	char name[16];
	struct err err = {};

	memcpy(name, d->name, sizeof(name));
	if (device_remove(edge, d, &err) < 0)
		edge_notice_add(edge, "%s", err.text);
	else
		edge_notice_add(edge, "device %s %s and is detached", name, why);
}

static void adopt_remove_leftovers(struct edge *edge)
{
	_cleanup_(adopt_close) DIR *folder = opendir(edge->pins);
	char leftover[HATAGO_DEVICES_MAX][16];
	size_t count = 0;
	struct dirent *entry;

	/* Names first: a folder is not to change while it is read. */
	while (folder && count < HATAGO_DEVICES_MAX && (entry = readdir(folder)))
		if (pins_device_name(entry->d_name, leftover[count]) &&
		    !edge_find(edge, leftover[count]))
			count++;
	for (size_t i = 0; i < count; i++) {
		pins_remove_device(edge->pins, leftover[i], NULL);
		edge_notice_add(edge,
				"device %s was pinned but is not guarded any more: its pins "
				"are removed",
				leftover[i]);
	}
}

void adopt_clean(struct edge *edge, const struct config_edge *config)
{
	uint64_t now = clock_mono_ns();

	for (size_t i = edge->device_count; i > 0; i--) {
		struct edge_device *d = &edge->devices[i - 1];

		if (device_is_expired(d, now))
			adopt_drop(edge, d, "was not confirmed in time");
		else if (!adopt_names(config, d->name))
			adopt_drop(edge, d, "was guarded but is not in the configuration");
	}
	adopt_remove_leftovers(edge);
}
