/* SPDX-License-Identifier: MIT */
/*
 * The end of an attach (see edge.h): confirmed, detached, or run out of its time. Until it
 * is confirmed, nothing that outlives this process guards the device for longer than the
 * time given: the link is not pinned, and the program looks at the clock itself.
 */
#include <errno.h>

#include "base/clock.h"
#include "kern/edge_parts.h"

int edge_confirm(struct edge *edge, const char *device, struct err *err)
{
	struct edge_device *d = edge_find(edge, device);
	int r;

	if (!d || !device_is_attached(d))
		return err_set(err, -ENOENT, "device %s is not attached", device);
	if (device_is_expired(d, clock_mono_ns()))
		return err_set(err, -ETIME,
			       "device %s: the time to confirm is over, attach it again", device);
	r = d->device->confirm_by_ns ? device_pin_link(edge, d, err) : 0;
	if (r == 0)
		d->device->confirm_by_ns = 0;
	return r;
}

int edge_detach(struct edge *edge, const char *device, struct err *err)
{
	struct edge_device *d = edge_find(edge, device);
	bool was_attached = d && device_is_attached(d);
	int r = d ? device_remove(edge, d, err) : 0;

	if (r < 0)
		return r;
	r = view_refresh(edge->view, err);
	if (r == 0 && !was_attached)
		r = err_set(err, -ENOENT, "device %s is not attached", device);
	return r;
}

uint64_t edge_confirm_by_ns(const struct edge *edge)
{
	uint64_t first = 0;

	for (size_t i = 0; i < edge->device_count; i++) {
		uint64_t by = edge->devices[i].device->confirm_by_ns;

		if (by && (!first || by < first))
			first = by;
	}
	return first;
}

int edge_expire(struct edge *edge, struct err *err)
{
	uint64_t now = clock_mono_ns();
	int expired = 0, r = 0;

	for (size_t i = edge->device_count; r == 0 && i > 0; i--) {
		struct edge_device *d = &edge->devices[i - 1];

		if (!device_is_expired(d, now))
			continue;
		edge_notice_add(edge, "device %s was not confirmed in time and is detached",
				d->name);
		r = device_remove(edge, d, err);
		expired++;
	}
	if (r == 0 && expired)
		r = view_refresh(edge->view, err);
	return r < 0 ? r : expired;
}
