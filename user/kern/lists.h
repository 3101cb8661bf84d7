/* SPDX-License-Identifier: MIT */
/*
 * Whole lists: a copy of one in the kernel, and the difference between it and one of the
 * configuration, which is planned first, so that nothing changes if the list can't take
 * it. Entries of the operator stay.
 */
#ifndef HATAGO_KERN_LISTS_H
#define HATAGO_KERN_LISTS_H

#include "config/config.h"
#include "kern/view.h"

#define LISTS_BATCH 4096u

struct lists_entry {
	struct hatago_prefix prefix;
	struct hatago_listed listed;
};

/* All entries, by address, then by length; the caller's to free(). */
int lists_load(const struct view *view, enum view_list list, struct lists_entry **ret,
	       size_t *ret_count);
int lists_compare(const struct hatago_prefix *a, const struct hatago_prefix *b);
/* The sentence for a failed change. */
int lists_fail(struct err *err, enum view_list list, const char *what, int code);

struct lists_plan {
	struct hatago_prefix *add, *del;
	size_t add_count, del_count;
};

/* -E2BIG: more than HATAGO_LIST_MAX entries in all; -ENOMEM. lists_plan_done() frees. */
int lists_plan(const struct view *view, enum view_list list, const struct config_prefixes *wanted,
	       struct lists_plan *ret, struct err *err);
/* If it fails, what it added is gone again. */
int lists_plan_add(const struct view *view, enum view_list list, const struct lists_plan *plan,
		   struct err *err);
void lists_plan_undo(const struct view *view, enum view_list list, const struct lists_plan *plan);
int lists_plan_del(const struct view *view, enum view_list list, const struct lists_plan *plan,
		   struct err *err);
void lists_plan_done(struct lists_plan *plan);

#endif
