/* SPDX-License-Identifier: MIT */
/*
 * Which mode a device gets, and how it moves from one to another (see edge.h).
 *
 *   auto        native, else generic, else tc; another XDP program on the device: tc
 *   insisted    that one, or an error
 *
 *   from \ to   native      generic     tc
 *   native      -           gap         beside
 *   generic     gap         -           beside
 *   tc          beside      beside      -
 *
 * beside: the new one is attached before the old one is taken away. gap: the kernel can't
 * have both at once, so the old one goes first; it comes back if the new one is refused.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kern/edge_parts.h"
#include "kern/pins.h"

#define ATTACH_CONFIRM_NS_PER_MS 1000000ULL

static bool attach_mode_is_wanted(enum config_mode wanted, enum hatago_attach_mode mode)
{
	return wanted == CONFIG_MODE_AUTO || (int)wanted - CONFIG_MODE_NATIVE == (int)mode;
}

static void attach_why(struct edge_device *d, const char *reasons, enum config_mode wanted)
{
	bool is_best = wanted == CONFIG_MODE_AUTO || wanted == CONFIG_MODE_NATIVE;

	edge_cut(d->device->why, sizeof(d->device->why), is_best ? reasons : HATAGO_WHY_ASKED_FOR);
}

static void attach_add_reason(char reasons[ERR_TEXT_MAX], enum hatago_attach_mode mode,
			      const char *reason)
{
	const char *const parts[] = {*reasons ? "; " : "", edge_mode_name(mode), ": ", reason};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t length = strlen(reasons);

		edge_cut(reasons + length, ERR_TEXT_MAX - length, parts[i]);
	}
}

/* Has a program for the mode in d->program_fd; the one it loaded last may do. */
static int attach_load(struct edge *edge, struct edge_device *d, enum hatago_attach_mode mode,
		       int *loaded, struct err *err)
{
	const struct program_maps maps = edge_maps(edge);
	int kind = mode == HATAGO_MODE_TC, program, r;

	if (*loaded == kind)
		return 0;
	r = device_load(d, &maps, mode, &program, err);
	if (r < 0)
		return r;
	memory_close_at(&d->program_fd);
	d->program_fd = program;
	*loaded = kind;
	return device_map(d, err);
}

/* The modes that are wanted, one after the other, until one attaches. */
static int attach_try(struct edge *edge, struct edge_device *d, enum config_mode wanted,
		      const struct hatago_device *state, struct err *err)
{
	char reasons[ERR_TEXT_MAX] = "";
	struct err reason = {};
	int loaded = -1, r = -EOPNOTSUPP;
	bool other_xdp = false;

	for (int m = 0; m < EDGE_MODE_COUNT; m++) {
		enum hatago_attach_mode mode = (enum hatago_attach_mode)m;

		if (!attach_mode_is_wanted(wanted, mode) ||
		    (other_xdp && mode == HATAGO_MODE_GENERIC))
			continue;
		r = attach_load(edge, d, mode, &loaded, err);
		if (r < 0)
			return r;
		*d->device = *state;
		d->device->mode = mode;
		attach_why(d, reasons, wanted);
		r = device_pin(edge, d, err);
		if (r < 0)
			return r;
		r = device_hook(d, mode, &reason);
		if (r == 0)
			return 0;
		other_xdp |= r == -EBUSY;
		attach_add_reason(reasons, mode, reason.text);
	}
	return err_set(err, r == -EBUSY || r == -EPERM ? r : -EOPNOTSUPP,
		       "device %s: can't attach: %s%s", d->name, reasons,
		       other_xdp && wanted != CONFIG_MODE_AUTO
			       ? "; the edge evicts nobody: take it off, or set edge.mode to auto"
			       : "");
}

static int attach_new(struct edge *edge, const char *name, enum config_mode mode,
		      uint64_t confirm_by_ns, struct err *err)
{
	struct hatago_device state = {.confirm_by_ns = confirm_by_ns};
	struct edge_device *d = &edge->devices[edge->device_count];
	int r = netlink_device(name, err);

	if (r < 0)
		return r;
	state.ifindex = (uint32_t)r;
	snprintf(state.name, sizeof(state.name), "%s", name);
	if (edge->device_count == HATAGO_DEVICES_MAX)
		return err_set(err, -ENOSPC, "device %s: %d devices are attached already, the most",
			       name, HATAGO_DEVICES_MAX);
	device_init(d, name);
	pins_remove_device(edge->pins, name, NULL); /* what a device of that name left */
	r = attach_try(edge, d, mode, &state, err);
	if (r == 0 && !confirm_by_ns) {
		r = device_pin_link(edge, d, err);
		if (r < 0)
			device_unhook(d->device, d->link_fd);
	}
	if (r < 0) {
		device_done(d);
		pins_remove_device(edge->pins, name, NULL);
		return r;
	}
	edge->device_count++;
	return 0;
}

/* The old hook first, since both can't be; back to it if the new one is refused. */
static int attach_swap(struct edge *edge, struct edge_device *d, enum hatago_attach_mode mode,
		       struct err *err)
{
	enum hatago_attach_mode old = (enum hatago_attach_mode)d->device->mode;
	uint64_t begun = clock_mono_ns();
	int r = device_unhook(d->device, d->link_fd);
	struct err reason;

	if (r < 0)
		return err_set(err, r, "device %s: can't detach: %s", d->name, strerror(-r));
	memory_close_at(&d->link_fd);
	d->link_fd = -1;
	r = device_hook(d, mode, &reason);
	if (r < 0) {
		err_set(err, r, "device %s: can't attach: %s: %s", d->name, edge_mode_name(mode),
			reason.text);
		if (device_hook(d, old, &reason) < 0)
			edge_notice_add(edge,
					"device %s is not protected any more: mode %s is refused "
					"now, too: %s",
					d->name, edge_mode_name(old), reason.text);
	} else {
		edge_notice_add(
			edge,
			"device %s moved from %s to %s; it was unguarded for %llu us, since "
			"the kernel can't have both",
			d->name, edge_mode_name(old), edge_mode_name(mode),
			(unsigned long long)(clock_mono_ns() - begun) / 1000);
	}
	return r;
}

/* The new hook beside the old one, which goes then. */
static int attach_beside(struct edge *edge, struct edge_device *d, enum hatago_attach_mode mode,
			 struct err *err)
{
	const struct program_maps maps = edge_maps(edge);
	struct hatago_device was = *d->device;
	int old_link = d->link_fd, old_program = d->program_fd, program, r;
	struct err reason;

	r = device_load(d, &maps, mode, &program, err);
	if (r < 0)
		return r;
	d->program_fd = program;
	r = device_hook(d, mode, &reason);
	if (r < 0) {
		*d->device = was;
		d->program_fd = old_program;
		close(program);
		return err_set(err, r, "device %s: can't attach: %s: %s", d->name,
			       edge_mode_name(mode), reason.text);
	}
	if (device_unhook(&was, old_link) < 0)
		edge_notice_add(edge, "device %s: the program of mode %s can't be taken away",
				d->name, edge_mode_name((enum hatago_attach_mode)was.mode));
	memory_close_at(&old_link);
	close(old_program);
	return 0;
}

int attach_switch(struct edge *edge, struct edge_device *d, enum config_mode wanted,
		  struct err *err)
{
	enum hatago_attach_mode mode;
	int r, pinned;

	if (attach_mode_is_wanted(wanted, (enum hatago_attach_mode)d->device->mode))
		return 0;
	mode = (enum hatago_attach_mode)(wanted - CONFIG_MODE_NATIVE);
	if (mode == HATAGO_MODE_TC || d->device->mode == HATAGO_MODE_TC)
		r = attach_beside(edge, d, mode, err);
	else
		r = attach_swap(edge, d, mode, err);
	if (r == 0)
		attach_why(d, "", wanted);
	/* Whichever stands there now, the pins are to say so. */
	device_unpin_link(edge, d);
	pinned = device_pin(edge, d, r < 0 ? NULL : err);
	if (pinned == 0 && !d->device->confirm_by_ns)
		pinned = device_pin_link(edge, d, r < 0 ? NULL : err);
	return r < 0 ? r : pinned;
}

static int attach_again(struct edge *edge, struct edge_device *d, enum config_mode mode,
			uint64_t confirm_by_ns, struct err *err)
{
	int r = attach_switch(edge, d, mode, err);

	if (r < 0)
		return r;
	if (!confirm_by_ns)
		return edge_confirm(edge, d->name, err);
	d->device->confirm_by_ns = confirm_by_ns;
	device_unpin_link(edge, d);
	return 0;
}

int edge_attach(struct edge *edge, const char *device, enum config_mode mode, uint32_t confirm_ms,
		struct err *err)
{
	uint64_t by = confirm_ms ? clock_mono_ns() + confirm_ms * ATTACH_CONFIRM_NS_PER_MS : 0;
	struct edge_device *d = edge_find(edge, device);
	int r;

	if (d && (!device_is_attached(d) || device_is_expired(d, clock_mono_ns()))) {
		r = device_remove(edge, d, err);
		if (r < 0)
			return r;
		d = NULL;
	}
	r = d ? attach_again(edge, d, mode, by, err) : attach_new(edge, device, mode, by, err);
	return r < 0 ? r : view_refresh(edge->view, err);
}
