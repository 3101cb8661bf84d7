/* SPDX-License-Identifier: MIT */
/*
 * What became of each device that is or was protected. The kernel doesn't tell when somebody
 * else takes our program away, so it is looked at every few seconds. Nobody is fought: a
 * program that was taken away stays away until an operator says otherwise; only a device
 * that vanished and came back (a link made anew) is attached again.
 *
 *                our program runs   it doesn't, the device is the same   the device is gone
 *   ATTACHED     -                  TAKEN                                GONE
 *   GONE         ATTACHED           (back under a new index) attach      -
 *   TAKEN        ATTACHED           -                                    GONE
 *   DETACHED     ATTACHED           -                                    -
 *
 * DETACHED: the operator did it, or nobody confirmed the attach. Devices that the
 * configuration doesn't name are forgotten when they are DETACHED.
 */
#ifndef HATAGO_AGENT_WATCH_H
#define HATAGO_AGENT_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hatago/abi.h"

struct agent;

enum watch_fate { WATCH_ATTACHED, WATCH_GONE, WATCH_TAKEN, WATCH_DETACHED };

struct watch_device {
	char name[16];
	enum watch_fate fate;
	uint32_t ifindex; /* where it was attached last */
	uint32_t refused; /* the index at which attaching it again failed; 0: none */
};

/* Configured devices and those of the operator. */
#define WATCH_MAX ((size_t)2 * HATAGO_DEVICES_MAX)

struct watch {
	struct watch_device devices[WATCH_MAX];
	size_t count;
	bool is_blind; /* the pins can't be read; said once */
};

/* Takes over what stands in the view, as wanted by whoever just changed it. */
void watch_accept(struct agent *agent);
/* Looks at what happened unasked, logs it, and attaches again what came back. */
void watch_look(struct agent *agent);
/* Does it stand in edge.devices? */
bool watch_is_configured(const struct agent *agent, const char *name);

#endif
