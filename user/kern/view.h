/* SPDX-License-Identifier: MIT */
/*
 * A running edge through its pins: maps opened by path (never by id) and mapped. The
 * agent and the command share it, so what works through hatagod works without it too.
 * Loads and attaches nothing; that is edge.h's.
 */
#ifndef HATAGO_KERN_VIEW_H
#define HATAGO_KERN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/clients.h"
#include "hatago/abi.h"

#define VIEW_DEFAULT_PINS "/sys/fs/bpf/hatago"
#define VIEW_LOCK_WAIT_MS 2000

struct view_device {
	char name[16];
	const struct hatago_device *device;	/* mapped */
	const struct hatago_counters *counters; /* mapped, cpu_count of them */
	bool attached;	 /* the kernel still runs our program there; asked at view_refresh() */
	uint32_t map_id; /* of `device`: another one means that it was attached anew */
};

struct view {
	char *pins;
	bool writable; /* the caller may change what is pinned; else all is mapped read-only */
	struct hatago_config *config; /* mapped; change rules only by view_rules_* */
	struct hatago_set *sets;      /* mapped */
	struct hatago_side *sides;    /* mapped; sides[i] belongs to sets[i] */
	uint32_t set_count;
	uint32_t clients_id; /* of the map behind `sets` */
	uint32_t cpu_count;  /* possible CPUs */
	int config_fd, clients_fd, sides_fd, allow_fd, deny_fd, notes_fd;
	struct view_device devices[HATAGO_DEVICES_MAX]; /* by name */
	size_t device_count;
	int lock_fd;		    /* the pins' folder */
	struct hatago_rules *draft; /* between view_rules_begin() and its end */
};

enum view_list { VIEW_ALLOW, VIEW_DENY };

/*
 * -ENOENT: no edge is pinned there; -EPROTO: the pins are of another program or ABI
 * version (the sentence says what to do); -EACCES/-EPERM: the caller lacks the right.
 */
int view_open(const char *pins, struct view **ret, struct err *err);
void view_free(struct view *view);
/*
 * Looks for devices that came or went, whether they are still attached, and for another
 * table under the pins: config, sets and the pointers of devices may change.
 */
int view_refresh(struct view *view, struct err *err);

const struct hatago_rules *view_rules(const struct view *view);
/* The client table under the rules in force now; the memory stays the view's. */
struct clients view_clients(const struct view *view);
/*
 * To change rules: begin locks out other writers and gives a copy of those in force, which
 * stays the view's; commit puts it in force for the next frame; abort forgets it. Both
 * unlock. begin may take over another table, as view_refresh() does. It returns -EPERM where
 * the view is not writable, -EBUSY where another writer keeps the lock for longer than
 * VIEW_LOCK_WAIT_MS.
 */
int view_rules_begin(struct view *view, struct hatago_rules **ret, struct err *err);
void view_rules_commit(struct view *view);
void view_rules_abort(struct view *view);

/* Lists. add: 0, or -EEXIST where it stands already (the origin is kept); del: 0 or -ENOENT. */
int view_list_add(struct view *view, enum view_list list, const struct hatago_prefix *prefix,
		  enum hatago_origin origin, struct err *err);
int view_list_del(struct view *view, enum view_list list, const struct hatago_prefix *prefix,
		  struct err *err);
/*
 * Calls each() for every entry, by address, until it returns non-zero, which is returned.
 * Works on a copy, so each() may change the list. Else 0, or a negative errno.
 */
int view_list_each(const struct view *view, enum view_list list,
		   int (*each)(void *ctx, const struct hatago_prefix *prefix,
			       const struct hatago_listed *listed),
		   void *ctx);
/* The longest entry that covers the address: 1 and *ret, or 0. */
int view_list_match(const struct view *view, enum view_list list, const uint8_t address[16],
		    struct hatago_prefix *ret);
/* Sets the ALLOW and DENY flags of the rules to whether the lists have entries. */
int view_lists_flag(struct view *view, struct err *err);

/* Notes on bans. get, del: 0 or -ENOENT. set: replaces; -ENOSPC where there are too many. */
int view_note_set(struct view *view, struct hatago_client_id id, const struct hatago_note *note);
int view_note_get(const struct view *view, struct hatago_client_id id, struct hatago_note *ret);
int view_note_del(struct view *view, struct hatago_client_id id);
/*
 * Calls each() for every note until it returns non-zero, which is returned; each() may
 * delete it. Else 0, or a negative errno.
 */
int view_note_each(const struct view *view,
		   int (*each)(void *ctx, struct hatago_client_id id,
			       const struct hatago_note *note),
		   void *ctx);

/* The sum over all CPUs. */
void view_device_counters(const struct view *view, const struct view_device *device,
			  struct hatago_counters *ret);

#endif
