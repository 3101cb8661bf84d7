/* SPDX-License-Identifier: MIT */
/*
 * Detaches a device through its pins, with no edge in this process (see edge.h). Touches
 * nothing that it can't tell to be ours: a tc filter goes only if it runs the very
 * program that is pinned.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "kern/debug.h"
#include "kern/edge.h"
#include "kern/hook.h"
#include "kern/pins.h"

static int detach_state(const char *pins, const char *device, struct hatago_device *ret,
			struct err *err)
{
	char path[PINS_PATH_MAX];
	struct hatago_device *state;
	struct pins_map map;
	int r = pins_device_path(path, pins, device, "device", err);

	if (r == 0)
		r = pins_open_map(path, "device", &map, err);
	if (r == -ENOENT)
		return err_set(err, r, "device %s is not attached: nothing is pinned for it in %s",
			       device, pins);
	if (r < 0)
		return r;
	state = pins_map_values(&map, sizeof(*state));
	memory_close_at(&map.fd);
	if (!state)
		return err_set(err, -errno, "can't map %s: %s", path, strerror(errno));
	*ret = *state;
	munmap(state, sizeof(*state));
	return map.writable ? 0 : pins_not_permitted(err, -EPERM, "detaching");
}

static int detach_open(const char *pins, const char *device, const char *leaf)
{
	char path[PINS_PATH_MAX];
	int r = pins_device_path(path, pins, device, leaf, NULL);

	return r < 0 ? r : bpf_obj_get(path);
}

static int detach_xdp(const char *pins, const struct hatago_device *state, uint32_t program,
		      struct err *err)
{
	_cleanup_close_ int link = detach_open(pins, state->name, "link");
	int r;

	if (link == -ENOENT) {
		if (program && hook_xdp_running((int)state->ifindex) == program)
			return err_set(
				err, -EBUSY,
				"device %s: the attach is not confirmed, and the hatagod that "
				"made it holds it: stop that one",
				state->name);
		return 0;
	}
	r = link < 0 ? link : bpf_link_detach(link);
	if (r == -EPERM || r == -EACCES)
		return pins_not_permitted(err, r, "detaching");
	/* -ENOLINK and the like: it is gone from the device already */
	if (r < 0 && (link < 0 || hook_link_ifindex(link) > 0))
		return err_set(err, r, "device %s: can't detach: %s", state->name, strerror(-r));
	return 0;
}

static int detach_tc(const struct hatago_device *state, uint32_t program, struct err *err)
{
	char name[IF_NAMESIZE];
	int r;

	if (!if_indextoname(state->ifindex, name) || strcmp(name, state->name) != 0)
		return err_set(
			err, -ENODEV,
			"device %s (index %u) is not in this network namespace: run this in "
			"the device's own; if it is gone for good, the next start of hatagod "
			"removes its pins",
			state->name, state->ifindex);
	if (!program ||
	    hook_tc_running((int)state->ifindex, state->tc_handle, state->tc_priority) != program)
		return 0;
	r = hook_tc_detach(state);
	if (r == -EPERM || r == -EACCES)
		return pins_not_permitted(err, r, "detaching");
	return r < 0 ? err_set(err, r, "device %s: can't detach: %s", state->name, strerror(-r))
		     : 0;
}

int edge_detach_pinned(const char *pins, const char *device, struct err *err)
{
	_cleanup_close_ int program = detach_open(pins, device, "program");
	struct hatago_device state = {};
	uint32_t id = program < 0 ? 0 : hook_program_id(program);
	int r;

	debug_begin();
	r = detach_state(pins, device, &state, err);
	if (r < 0)
		return r;
	r = state.mode == HATAGO_MODE_TC ? detach_tc(&state, id, err)
					 : detach_xdp(pins, &state, id, err);
	return r < 0 ? r : pins_remove_device(pins, device, err);
}
