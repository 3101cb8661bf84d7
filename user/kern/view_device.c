/* SPDX-License-Identifier: MIT */
/*
 * The devices of a view (see view.h): what is pinned in each dev-NAME folder, and whether
 * the kernel still runs it. A folder that is only half there (it is being made or removed)
 * is none.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "kern/hook.h"
#include "kern/pins.h"
#include "kern/view_parts.h"

static size_t view_counters_size(uint32_t cpus)
{
	return (size_t)cpus * sizeof(struct hatago_counters);
}

void view_device_close(const struct view *view, struct view_device *device)
{
	if (device->device)
		munmap((void *)device->device, sizeof(*device->device));
	if (device->counters)
		munmap((void *)device->counters, view_counters_size(view->cpu_count));
	*device = (struct view_device){};
}

static const void *view_map_leaf(const char *pins, const char *name, const char *leaf, size_t size,
				 struct pins_map *ret)
{
	char path[PINS_PATH_MAX];
	const void *at = NULL;

	if (pins_device_path(path, pins, name, leaf, NULL) < 0 ||
	    pins_open_map(path, leaf, ret, NULL) < 0)
		return NULL;
	if (!size)
		size = view_counters_size(ret->entries);
	ret->writable = false;
	at = pins_map_values(ret, size);
	memory_close_at(&ret->fd);
	return at;
}

static bool view_device_open(struct view *view, const char *name, struct view_device *ret)
{
	struct view_device d = {};
	struct pins_map map, counters;

	d.device = view_map_leaf(view->pins, name, "device", sizeof(*d.device), &map);
	d.counters = view_map_leaf(view->pins, name, "counters", 0, &counters);
	if (!d.device || !d.counters || counters.entries != view->cpu_count) {
		if (d.device)
			munmap((void *)d.device, sizeof(*d.device));
		if (d.counters)
			munmap((void *)d.counters, view_counters_size(counters.entries));
		return false;
	}
	d.map_id = map.id;
	memcpy(d.name, name, sizeof(d.name));
	*ret = d;
	return true;
}

static uint32_t view_map_id(const struct view *view, const char *name)
{
	char path[PINS_PATH_MAX];
	struct pins_map map;

	if (pins_device_path(path, view->pins, name, "device", NULL) < 0 ||
	    pins_open_map(path, "device", &map, NULL) < 0)
		return 0;
	memory_close_at(&map.fd);
	return map.id;
}

static int view_open_leaf(const struct view *view, const char *name, const char *leaf)
{
	char path[PINS_PATH_MAX];

	if (pins_device_path(path, view->pins, name, leaf, NULL) < 0)
		return -ENAMETOOLONG;
	return bpf_obj_get(path);
}

static bool view_device_is_attached(const struct view *view, const struct view_device *d)
{
	const struct hatago_device *device = d->device;
	_cleanup_close_ int link = view_open_leaf(view, d->name, "link");
	_cleanup_close_ int program = view_open_leaf(view, d->name, "program");
	uint32_t id;

	if (link >= 0)
		return hook_link_ifindex(link) > 0;
	id = program < 0 ? 0 : hook_program_id(program);
	if (!id)
		return false;
	if (device->mode == HATAGO_MODE_TC)
		return hook_tc_running((int)device->ifindex, device->tc_handle,
				       device->tc_priority) == id;
	return hook_xdp_running((int)device->ifindex) == id;
}

static void view_devices_forget(struct view *view)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->device_count; i++) {
		struct view_device *d = &view->devices[i];

		if (view_map_id(view, d->name) == d->map_id)
			view->devices[kept++] = *d;
		else
			view_device_close(view, d);
	}
	view->device_count = kept;
}

static bool view_has_device(const struct view *view, const char *name)
{
	for (size_t i = 0; i < view->device_count; i++)
		if (strcmp(view->devices[i].name, name) == 0)
			return true;
	return false;
}

static void view_folder_close(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static int view_device_order(const void *a, const void *b)
{
	return strcmp(((const struct view_device *)a)->name, ((const struct view_device *)b)->name);
}

int view_devices_refresh(struct view *view, struct err *err)
{
	_cleanup_(view_folder_close) DIR *folder = opendir(view->pins);
	struct dirent *entry;
	char name[16] = "";

	if (!folder)
		return err_set(err, -errno, "can't read the pins' folder %s: %s", view->pins,
			       strerror(errno));
	view_devices_forget(view);
	while ((entry = readdir(folder)) && view->device_count < HATAGO_DEVICES_MAX)
		if (pins_device_name(entry->d_name, name) && !view_has_device(view, name) &&
		    view_device_open(view, name, &view->devices[view->device_count]))
			view->device_count++;
	qsort(view->devices, view->device_count, sizeof(view->devices[0]), view_device_order);
	for (size_t i = 0; i < view->device_count; i++)
		view->devices[i].attached = view_device_is_attached(view, &view->devices[i]);
	return 0;
}

void view_device_counters(const struct view *view, const struct view_device *device,
			  struct hatago_counters *ret)
{
	struct hatago_counters sum = {};

	for (uint32_t cpu = 0; cpu < view->cpu_count; cpu++)
		for (int v = 0; v < HATAGO_VERDICT_COUNT; v++)
			for (unsigned int r = 0; r < HATAGO_REASONS_MAX; r++) {
				const struct hatago_counter *c = &device->counters[cpu].by[v][r];

				sum.by[v][r].packets +=
					__atomic_load_n(&c->packets, __ATOMIC_RELAXED);
				sum.by[v][r].bytes += __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
			}
	*ret = sum;
}
