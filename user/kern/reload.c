/* SPDX-License-Identifier: MIT */
/*
 * A changed configuration onto a running edge (see edge.h): which devices come, go or
 * change their mode. What comes is attached first, and let go again if anything fails; what
 * goes is detached last.
 */
#include <errno.h>
#include <string.h>

#include "kern/edge_parts.h"

/* What was done before the point of no return, to be undone. */
struct reload {
	const char *attached[HATAGO_DEVICES_MAX], *moved[HATAGO_DEVICES_MAX];
	enum config_mode moved_from[HATAGO_DEVICES_MAX];
	size_t attached_count, moved_count;
};

static void reload_undo(struct edge *edge, const struct reload *done)
{
	struct err err = {};

	for (size_t i = done->attached_count; i > 0; i--)
		if (edge_detach(edge, done->attached[i - 1], &err) < 0)
			edge_notice_add(edge, "%s", err.text);
	for (size_t i = done->moved_count; i > 0; i--) {
		struct edge_device *d = edge_find(edge, done->moved[i - 1]);

		if (d && attach_switch(edge, d, done->moved_from[i - 1], &err) < 0)
			edge_notice_add(edge, "%s", err.text);
	}
}

/* A device that is guarded already: into the mode that is wanted now. */
static int reload_move(struct edge *edge, struct edge_device *d, const char *name,
		       enum config_mode mode, struct reload *done, struct err *err)
{
	enum config_mode was = (enum config_mode)(CONFIG_MODE_NATIVE + (int)d->device->mode);
	int r = attach_switch(edge, d, mode, err);

	if (r == 0 && d->device->mode + CONFIG_MODE_NATIVE != was) {
		done->moved[done->moved_count] = name;
		done->moved_from[done->moved_count++] = was;
	}
	return r;
}

static int reload_device(struct edge *edge, const struct config *old, const struct config *config,
			 const char *name, struct reload *done, struct err *err)
{
	struct edge_device *d = edge_find(edge, name);
	int r;

	if (d && device_is_attached(d))
		return reload_move(edge, d, name, config->edge.mode, done, err);
	r = edge_attach(edge, name, config->edge.mode, 0, err);
	if (r == 0) {
		done->attached[done->attached_count++] = name;
	} else if (adopt_names(&old->edge, name)) {
		/* It was to be guarded before and was not: no reason to refuse the rest. */
		edge_notice_add(edge, "%s", err->text);
		r = 0;
	}
	return r;
}

int edge_reload(struct edge *edge, const struct config *old, const struct config *config,
		struct err *err)
{
	struct reload done = {};
	struct err reason = {};
	int r = 0;

	if (strcmp(edge->pins, config->edge.pins) != 0)
		return err_set(err, -EINVAL,
			       "edge.pins can't change while the edge runs: restart hatagod");
	for (size_t i = 0; r == 0 && i < config->edge.device_count; i++)
		r = reload_device(edge, old, config, config->edge.devices[i], &done, &reason);
	if (r == 0)
		r = apply_config(edge, config, false, &reason);
	if (r < 0) {
		reload_undo(edge, &done);
		return err_set(err, r, "%s", reason.text);
	}
	for (size_t i = 0; i < old->edge.device_count; i++) {
		const char *name = old->edge.devices[i];

		if (!adopt_names(&config->edge, name) && edge_find(edge, name) &&
		    edge_detach(edge, name, &reason) < 0)
			edge_notice_add(edge, "%s", reason.text);
	}
	return view_refresh(edge->view, err);
}
