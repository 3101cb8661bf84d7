/* SPDX-License-Identifier: MIT */
/*
 * How rules change (see view.h): one writer at a time by flock(2) on the pins' folder, on a
 * private copy, into the buffer that is not in force, then one store. Judges no value.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "kern/view_parts.h"

#define RULES_LOCK_STEP_MS 2

const struct hatago_rules *view_rules(const struct view *view)
{
	return &view->config->rules[__atomic_load_n(&view->config->active, __ATOMIC_ACQUIRE) & 1];
}

struct clients view_clients(const struct view *view)
{
	return (struct clients){
		.sets = view->sets,
		.sides = view->sides,
		.front_count = view->config->front_count,
		.set_count = view->set_count,
		.config = view->config,
		.rules = view_rules(view),
	};
}

int view_lock(struct view *view, struct err *err)
{
	const struct timespec step = {.tv_nsec = RULES_LOCK_STEP_MS * 1000000L};

	/* Tries with a bound: a writer that was stopped must not stop hatagod's loop too. */
	for (int tries = VIEW_LOCK_WAIT_MS / RULES_LOCK_STEP_MS;; tries--) {
		if (flock(view->lock_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(err, -errno, "can't lock %s: %s", view->pins,
				       strerror(errno));
		if (tries == 0)
			return err_set(err, -EBUSY,
				       "another process has kept the lock of %s for %d ms",
				       view->pins, VIEW_LOCK_WAIT_MS);
		nanosleep(&step, NULL);
	}
}

void view_unlock(struct view *view)
{
	flock(view->lock_fd, LOCK_UN);
}

int view_rules_begin(struct view *view, struct hatago_rules **ret, struct err *err)
{
	int r;

	if (!view->writable) {
		err_set(err, -EPERM, "no right to change what is pinned in %s", view->pins);
		return -EPERM;
	}
	if (!view->draft)
		view->draft = malloc(sizeof(*view->draft));
	if (!view->draft) {
		err_set(err, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	r = view_lock(view, err);
	if (r < 0)
		return r;
	r = view_table_refresh(view, err);
	if (r < 0) {
		view_unlock(view);
		return r;
	}
	memcpy(view->draft, view_rules(view), sizeof(*view->draft));
	*ret = view->draft;
	return 0;
}

void view_rules_commit(struct view *view)
{
	uint32_t next = (view->config->active & 1) ^ 1;

	hatago_rules_seal(view->draft);
	memcpy(&view->config->rules[next], view->draft, sizeof(*view->draft));
	__atomic_store_n(&view->config->active, next, __ATOMIC_RELEASE);
	view_unlock(view);
}

void view_rules_abort(struct view *view)
{
	view_unlock(view);
}

uint32_t view_list_flags(const struct view *view, uint32_t flags)
{
	flags &= ~(HATAGO_ALLOW | HATAGO_DENY);
	if (!view_list_is_empty(view, VIEW_ALLOW))
		flags |= HATAGO_ALLOW;
	if (!view_list_is_empty(view, VIEW_DENY))
		flags |= HATAGO_DENY;
	return flags;
}

int view_lists_flag(struct view *view, struct err *err)
{
	struct hatago_rules *rules;
	uint32_t flags;
	int r = view_rules_begin(view, &rules, err);

	if (r < 0)
		return r;
	flags = view_list_flags(view, rules->flags);
	if (flags == rules->flags) {
		view_rules_abort(view);
		return 0;
	}
	rules->flags = flags;
	view_rules_commit(view);
	return 0;
}
