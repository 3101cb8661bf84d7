/* SPDX-License-Identifier: MIT */
/*
 * What the files of the edge share among themselves; not for others.
 *
 *   edge.c     opens, frees, removes the whole      device.c  one device: maps, pins, hook
 *   apply.c    a configuration onto what runs       attach.c  which mode; confirm, detach
 *   adopt.c    what another process left pinned     detach.c  through pins, with no edge
 */
#ifndef HATAGO_KERN_EDGE_PARTS_H
#define HATAGO_KERN_EDGE_PARTS_H

#include <string.h>

#include "kern/edge.h"
#include "kern/hook.h"
#include "kern/program.h"
#include "kern/table.h"

/*
 * One device with our program on it. The states, by the pins in its folder:
 *
 *   loaded       maps and program in memory, nothing pinned
 *   unconfirmed  device, counters, program pinned; XDP: the link is held by this process
 *   confirmed    the link is pinned as well (tc has none: the filter stands by itself)
 */
struct edge_device {
	char name[16];
	int device_fd, counters_fd, program_fd;
	int link_fd;		      /* -1 in tc mode */
	struct hatago_device *device; /* mapped, writable; its mode is the hook that is in use */
};

struct edge {
	char *pins;
	struct view *view;
	int syns_fd; /* the memory of SYNs, of syn_sets sets; -1: none yet */
	uint32_t syn_sets;
	bool has_pressure; /* this process has put some in force */
	struct edge_device devices[HATAGO_DEVICES_MAX];
	size_t device_count;
	char notices[EDGE_NOTICES_MAX][ERR_TEXT_MAX];
	size_t notice_first, notice_count;
};

#define EDGE_MODE_COUNT (HATAGO_MODE_TC + 1)
/* "native", "generic", "tc" */
const char *edge_mode_name(enum hatago_attach_mode mode);

void edge_notice_add(struct edge *edge, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct program_maps edge_maps(const struct edge *edge);
struct edge_device *edge_find(struct edge *edge, const char *name);

/* Copies a text, cut to the room there is. */
static inline void edge_cut(char *to, size_t room, const char *text)
{
	size_t length = strlen(text);

	if (length > room - 1)
		length = room - 1;
	memcpy(to, text, length);
	to[length] = '\0';
}

/* device.c. Errors leave the device as it was. */
void device_init(struct edge_device *d, const char *name);
void device_done(struct edge_device *d);
/* Loads the program for a mode; makes the device's maps the first time. */
int device_load(struct edge_device *d, const struct program_maps *maps,
		enum hatago_attach_mode mode, int *ret_program_fd, struct err *err);
/* Maps what device_load() made or device_adopt() found. */
int device_map(struct edge_device *d, struct err *err);
int device_pin(const struct edge *edge, const struct edge_device *d, struct err *err);
/* Attaches d->program_fd in the mode, which becomes the device's. */
int device_hook(struct edge_device *d, enum hatago_attach_mode mode, struct err *err);
/* Takes the program away; what was there is in `was` and link_fd. */
int device_unhook(const struct hatago_device *was, int link_fd);
int device_pin_link(const struct edge *edge, const struct edge_device *d, struct err *err);
void device_unpin_link(const struct edge *edge, const struct edge_device *d);
/* Puts another program in the place of the one that runs, with no frame between. Takes the fd. */
int device_replace(const struct edge *edge, struct edge_device *d, int program_fd, struct err *err);
/* Does the kernel still run our program there? */
bool device_is_attached(const struct edge_device *d);
bool device_is_expired(const struct edge_device *d, uint64_t now_ns);
/* Detaches, removes its pins and forgets the device (d is another one or none then). */
int device_remove(struct edge *edge, struct edge_device *d, struct err *err);

/* attach.c: moves an attached device to the mode, if that is another than it has. */
int attach_switch(struct edge *edge, struct edge_device *d, enum config_mode wanted,
		  struct err *err);

/* adopt.c: every device that is pinned and still attached becomes the edge's. */
int adopt_devices(struct edge *edge, struct err *err);
/* Detaches those that the configuration doesn't name, and removes what is left of others. */
void adopt_clean(struct edge *edge, const struct config_edge *config);
bool adopt_names(const struct config_edge *config, const char *device);

/* apply.c: rules, lists and table size; every program anew if asked for. */
int apply_config(struct edge *edge, const struct config *config, bool replace_programs,
		 struct err *err);

#endif
