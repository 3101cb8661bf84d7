/* SPDX-License-Identifier: MIT */
/*
 * One device of the edge (see edge_parts.h): its own maps, its pins, and the program in
 * its hook. Which mode, and what to do if it fails, is attach.c's.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kern/edge_parts.h"
#include "kern/pins.h"

void device_init(struct edge_device *d, const char *name)
{
	*d = (struct edge_device){
		.device_fd = -1, .counters_fd = -1, .program_fd = -1, .link_fd = -1};
	snprintf(d->name, sizeof(d->name), "%s", name);
}

void device_done(struct edge_device *d)
{
	if (d->device)
		munmap(d->device, sizeof(*d->device));
	memory_close_at(&d->device_fd);
	memory_close_at(&d->counters_fd);
	memory_close_at(&d->program_fd);
	memory_close_at(&d->link_fd);
	device_init(d, "");
}

int device_load(struct edge_device *d, const struct program_maps *maps,
		enum hatago_attach_mode mode, int *ret_program_fd, struct err *err)
{
	return program_load(maps, mode, &d->device_fd, &d->counters_fd, ret_program_fd, err);
}

int device_map(struct edge_device *d, struct err *err)
{
	const struct pins_map map = {.fd = d->device_fd, .writable = true};

	if (!d->device)
		d->device = pins_map_values(&map, sizeof(*d->device));
	if (!d->device)
		return err_set(err, -errno, "can't map the state of device %s: %s", d->name,
			       strerror(errno));
	return 0;
}

static int device_pin_leaf(const struct edge *edge, const struct edge_device *d, const char *leaf,
			   int fd, struct err *err)
{
	char path[PINS_PATH_MAX];
	int r = pins_device_path(path, edge->pins, d->name, leaf, err);

	return r < 0 ? r : pins_replace(fd, path, err);
}

int device_pin(const struct edge *edge, const struct edge_device *d, struct err *err)
{
	char path[PINS_PATH_MAX];
	int r = pins_device_path(path, edge->pins, d->name, NULL, err);

	if (r < 0)
		return r;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "can't make the folder %s: %s", path, strerror(errno));
	r = device_pin_leaf(edge, d, "program", d->program_fd, err);
	r = r < 0 ? r : device_pin_leaf(edge, d, "counters", d->counters_fd, err);
	return r < 0 ? r : device_pin_leaf(edge, d, "device", d->device_fd, err);
}

int device_pin_link(const struct edge *edge, const struct edge_device *d, struct err *err)
{
	return d->link_fd < 0 ? 0 : device_pin_leaf(edge, d, "link", d->link_fd, err);
}

void device_unpin_link(const struct edge *edge, const struct edge_device *d)
{
	char path[PINS_PATH_MAX];

	if (pins_device_path(path, edge->pins, d->name, "link", NULL) == 0)
		unlink(path);
}

int device_hook(struct edge_device *d, enum hatago_attach_mode mode, struct err *err)
{
	int ifindex = (int)d->device->ifindex, link = -1, r;
	bool own_qdisc = false;

	if (mode == HATAGO_MODE_TC) {
		/* Before the filter stands: whoever finds it must find its handle, too. */
		d->device->tc_handle = HOOK_TC_HANDLE;
		d->device->tc_priority = HOOK_TC_PRIORITY;
		r = hook_tc_attach(ifindex, d->program_fd, &own_qdisc, err);
	} else {
		r = hook_xdp_attach(ifindex, d->program_fd, mode, &link, err);
	}
	if (r < 0)
		return r;
	d->device->tc_own_qdisc = own_qdisc;
	d->device->mode = mode;
	d->device->attached_ns = clock_real_ns();
	d->link_fd = link;
	return 0;
}

int device_unhook(const struct hatago_device *was, int link_fd)
{
	if (was->mode == HATAGO_MODE_TC)
		return hook_tc_detach(was);
	return link_fd < 0 ? 0 : bpf_link_detach(link_fd);
}

int device_replace(const struct edge *edge, struct edge_device *d, int program_fd, struct err *err)
{
	int r = d->device->mode == HATAGO_MODE_TC ? hook_tc_replace(d->device, program_fd)
						  : bpf_link_update(d->link_fd, program_fd, NULL);

	if (r < 0) {
		close(program_fd);
		return err_set(err, r, "device %s: its program can't be replaced in place: %s",
			       d->name, strerror(-r));
	}
	close(d->program_fd);
	d->program_fd = program_fd;
	return device_pin_leaf(edge, d, "program", program_fd, err);
}

bool device_is_attached(const struct edge_device *d)
{
	uint32_t id;

	if (!d->device)
		return false;
	if (d->link_fd >= 0)
		return hook_link_ifindex(d->link_fd) > 0;
	if (d->device->mode != HATAGO_MODE_TC)
		return false;
	id = hook_program_id(d->program_fd);
	return id && id == hook_tc_running((int)d->device->ifindex, d->device->tc_handle,
					   d->device->tc_priority);
}

bool device_is_expired(const struct edge_device *d, uint64_t now_ns)
{
	return d->device->confirm_by_ns && now_ns >= d->device->confirm_by_ns;
}

int device_remove(struct edge *edge, struct edge_device *d, struct err *err)
{
	char name[16];
	int r = 0;

	memcpy(name, d->name, sizeof(name));
	if (device_is_attached(d))
		r = device_unhook(d->device, d->link_fd);
	if (r < 0)
		return err_set(err, r, "device %s: can't detach: %s", name, strerror(-r));
	device_done(d);
	*d = edge->devices[--edge->device_count];
	return pins_remove_device(edge->pins, name, err);
}
