/* SPDX-License-Identifier: MIT */
/*
 * Notes on bans (see view.h): plain accesses to the map `notes`. That a note goes with
 * its ban is the caller's business.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "kern/view_parts.h"

int view_note_set(struct view *view, struct hatago_client_id id, const struct hatago_note *note)
{
	int r = bpf_map_update_elem(view->notes_fd, &id, note, BPF_ANY);

	return r == -E2BIG ? -ENOSPC : r;
}

int view_note_get(const struct view *view, struct hatago_client_id id, struct hatago_note *ret)
{
	struct hatago_note note;
	int r = bpf_map_lookup_elem(view->notes_fd, &id, &note);

	if (r == 0)
		*ret = note;
	return r;
}

int view_note_del(struct view *view, struct hatago_client_id id)
{
	return bpf_map_delete_elem(view->notes_fd, &id);
}

/* The ids first: the kernel starts again from the front where a key it stood at is gone. */
static int notes_ids(const struct view *view, struct hatago_client_id **ret, size_t *ret_count)
{
	_cleanup_free_ struct hatago_client_id *ids = NULL;
	struct hatago_client_id *last = NULL;
	size_t count = 0, capacity = 0;

	while (count < HATAGO_LIST_MAX) {
		if (memory_grow(&ids, &capacity, count, sizeof(*ids)) < 0)
			return -ENOMEM;
		last = count ? &ids[count - 1] : NULL;
		if (bpf_map_get_next_key(view->notes_fd, last, &ids[count]) < 0)
			break;
		count++;
	}
	*ret = TAKE_PTR(ids);
	*ret_count = count;
	return 0;
}

int view_note_each(const struct view *view,
		   int (*each)(void *ctx, struct hatago_client_id id,
			       const struct hatago_note *note),
		   void *ctx)
{
	_cleanup_free_ struct hatago_client_id *ids = NULL;
	struct hatago_note note;
	size_t count = 0;
	int r = notes_ids(view, &ids, &count);

	for (size_t i = 0; i < count && r == 0; i++)
		if (view_note_get(view, ids[i], &note) == 0)
			r = each(ctx, ids[i], &note);
	return r;
}

int view_note_first(const struct view *view, struct hatago_client_id *ret)
{
	return bpf_map_get_next_key(view->notes_fd, NULL, ret);
}
