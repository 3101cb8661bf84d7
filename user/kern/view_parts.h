/* SPDX-License-Identifier: MIT */
/*
 * What the files of the view share among themselves and with the edge; not for others.
 */
#ifndef HATAGO_KERN_VIEW_PARTS_H
#define HATAGO_KERN_VIEW_PARTS_H

#include "kern/view.h"

/* view.c: takes over another table, where one is pinned now. */
int view_table_refresh(struct view *view, struct err *err);

/* view_device.c: opens, closes and asks about what is pinned in dev-NAME folders. */
int view_devices_refresh(struct view *view, struct err *err);
void view_device_close(const struct view *view, struct view_device *device);

/* notes.c: any note that there is: 0 or -ENOENT. */
int view_note_first(const struct view *view, struct hatago_client_id *ret);

/* rules.c */
int view_lock(struct view *view, struct err *err);
void view_unlock(struct view *view);
bool view_list_is_empty(const struct view *view, enum view_list list);
/* `flags` with ALLOW and DENY as the lists have entries. */
uint32_t view_list_flags(const struct view *view, uint32_t flags);

static inline int view_list_fd(const struct view *view, enum view_list list)
{
	return list == VIEW_ALLOW ? view->allow_fd : view->deny_fd;
}

static inline const char *view_list_name(enum view_list list)
{
	return list == VIEW_ALLOW ? "allow" : "deny";
}

#endif
