/* SPDX-License-Identifier: MIT */
/*
 * Loads the BPF program, pins its maps, attaches and detaches it. Nothing else in the
 * agent touches libbpf. What is pinned outlives the process: that is how the edge goes
 * on when hatagod dies.
 */
#ifndef HATAGO_KERN_EDGE_H
#define HATAGO_KERN_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "core/pressed.h"
#include "kern/view.h"

struct edge;

#define EDGE_NOTICES_MAX  64
#define EDGE_HEARTBEAT_MS 500 /* edge_set_pressure() is to be called so often */

/* What the machine's load makes of the edge (see struct hatago_pressure). */
struct edge_pressure {
	double pressure;      /* 0 to 1; for display */
	double scale;	      /* of rates and bursts: 1, as configured, down to PRESSED_SHARE_MIN */
	double trusted_scale; /* the same for trusted clients; not under `scale` */
	bool strangers_asked; /* SYNs of clients that are not trusted draw on their budget */
	double strangers_scale; /* of that budget, likewise */
};

/*
 * Makes or adopts the pinned maps, with the rules and lists of the configuration in
 * them. *ret_adopted tells which. Where the pins hold a table of another size, a new one
 * is made and every live client carried over; under another client prefix it starts empty.
 * Adopted devices that the configuration names get this program in place of theirs, all
 * others are detached; nothing is attached that was not.
 * Errors: -EPERM (rights), -EOPNOTSUPP (kernel), -EPROTO (foreign or older pins), -EINVAL
 * (the pins' folder), -ENOMEM. What was pinned is untouched then.
 */
int edge_open(const struct config *config, struct edge **ret, bool *ret_adopted, struct err *err);
/* The view of the edge's own maps; lives as long as the edge. */
struct view *edge_view(struct edge *edge);
/*
 * The next thing that happened and that the operator should read (clients that did not
 * fit a smaller table, a device detached because it left the configuration, ...), or NULL.
 * Valid until the next call. To be emptied after every call that may fill it; the oldest
 * EDGE_NOTICES_MAX are kept.
 */
const char *edge_notice(struct edge *edge);
/*
 * Attaches to a device in the given mode. Where our program is there already in a mode
 * that will do it stays (AUTO keeps any), else it moves to the new mode, with no frame
 * unguarded but between native and generic, which can't be there at once.
 * confirm_ms: 0, or the time in which edge_confirm() must come: until then an XDP link is
 * not pinned, so it goes with the process, and the program itself stands aside when the
 * time is over.
 * Errors: -ENODEV, -EBUSY (another program is there), -EOPNOTSUPP, -EPERM, -EINVAL
 * (no Ethernet device). The mode and why it is not a better one stand in the view's device.
 */
int edge_attach(struct edge *edge, const char *device, enum config_mode mode, uint32_t confirm_ms,
		struct err *err);
int edge_confirm(struct edge *edge, const char *device, struct err *err);
/* -ENOENT: not attached; what is left of it is removed all the same. */
int edge_detach(struct edge *edge, const char *device, struct err *err);
/* Detaches what was not confirmed in time: how many devices, or a negative errno. */
int edge_expire(struct edge *edge, struct err *err);
/* The earliest time by which a device must be confirmed, CLOCK_MONOTONIC; 0: none. */
uint64_t edge_confirm_by_ns(const struct edge *edge);
/*
 * A changed configuration: rules, lists, table size, devices, modes. New devices are
 * attached first; if anything fails there, they are let go and nothing has changed. Devices
 * that neither configuration names (attached by the operator) stay. -EINVAL: the pins'
 * folder can't change while the edge runs.
 */
int edge_reload(struct edge *edge, const struct config *old, const struct config *config,
		struct err *err);
/*
 * Puts the pressure in force for the next frame and says that hatagod lives; now_ns is
 * CLOCK_MONOTONIC. To be called every EDGE_HEARTBEAT_MS whether anything changed or not: the
 * counts of open connections hold only while it is. Carried along where a reload makes a new
 * table. edge_free() takes it back.
 */
void edge_set_pressure(struct edge *edge, const struct edge_pressure *pressure, uint64_t now_ns);
/* Detaches everything and removes the pins; the edge is good for edge_free() only then. */
int edge_remove(struct edge *edge, struct err *err);
/* Lets go without detaching: pins and links stay. Accepts NULL. */
void edge_free(struct edge *edge);

/* Gets every line of libbpf and of the verifier; NULL, the default: nobody. */
void edge_set_debug(void (*to)(const char *line));

/*
 * Without an edge object, for the command: detaches a device through its pins. The shared
 * maps, with bans and lists, stay for the next start.
 * Errors: -ENOENT (not pinned), -EBUSY (unconfirmed: the process that attached it holds
 * it), -ENODEV (its tc filter is in another network namespace), -EPERM.
 */
int edge_detach_pinned(const char *pins, const char *device, struct err *err);

#endif
