/* SPDX-License-Identifier: MIT */
/*
 * The allow and deny lists (see view.h): single entries, and the whole list as a sorted
 * copy, read by batches of the kernel (Linux 5.13) or, where it has none for this map,
 * key by key. Planned changes of the whole are lists_plan.c's.
 *
 * Whether an entry stands there can't be left to BPF_NOEXIST, which tries ignored before
 * Linux 6.13: a lookup of the very prefix finds the longest entry up to its length, and
 * that one's own length tells whether it is the same.
 */
#include "kern/lists.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kern/view_parts.h"

int lists_fail(struct err *err, enum view_list list, const char *what, int code)
{
	if (code == -EPERM || code == -EACCES)
		return err_set(err, code, "no right to change the %s list", view_list_name(list));
	if (code == -ENOSPC)
		return err_set(err, code, "the %s list is full: it holds %u entries at most",
			       view_list_name(list), HATAGO_LIST_MAX);
	return err_set(err, code, "can't %s the %s list: %s", what, view_list_name(list),
		       strerror(-code));
}

bool view_list_is_empty(const struct view *view, enum view_list list)
{
	struct hatago_prefix first;

	return bpf_map_get_next_key(view_list_fd(view, list), NULL, &first) == -ENOENT;
}

static int lists_find(const struct view *view, enum view_list list,
		      const struct hatago_prefix *prefix, struct hatago_listed *ret)
{
	struct hatago_listed listed;
	int r = bpf_map_lookup_elem(view_list_fd(view, list), prefix, &listed);

	if (r == 0 && listed.length != prefix->length)
		r = -ENOENT;
	if (r == 0)
		*ret = listed;
	return r;
}

int view_list_add(struct view *view, enum view_list list, const struct hatago_prefix *prefix,
		  enum hatago_origin origin, struct err *err)
{
	const struct hatago_listed listed = {.origin = origin, .length = prefix->length};
	struct hatago_listed found;
	int r;

	if (lists_find(view, list, prefix, &found) == 0)
		return err_set(err, -EEXIST, "it stands in the %s list already",
			       view_list_name(list));
	r = bpf_map_update_elem(view_list_fd(view, list), prefix, &listed, BPF_ANY);
	return r < 0 ? lists_fail(err, list, "add to", r) : 0;
}

int view_list_del(struct view *view, enum view_list list, const struct hatago_prefix *prefix,
		  struct err *err)
{
	int r = bpf_map_delete_elem(view_list_fd(view, list), prefix);

	if (r == -ENOENT)
		return err_set(err, r, "it does not stand in the %s list", view_list_name(list));
	return r < 0 ? lists_fail(err, list, "delete from", r) : 0;
}

int view_list_match(const struct view *view, enum view_list list, const uint8_t address[16],
		    struct hatago_prefix *ret)
{
	struct hatago_prefix key = {.length = 128};
	struct hatago_listed found;

	memcpy(key.address, address, sizeof(key.address));
	if (bpf_map_lookup_elem(view_list_fd(view, list), &key, &found) < 0)
		return 0;
	key.length = found.length <= 128 ? found.length : 128;
	for (uint32_t bit = key.length; bit < 128; bit++)
		key.address[bit / 8] &= (uint8_t) ~(0x80 >> (bit % 8));
	*ret = key;
	return 1;
}

int lists_compare(const struct hatago_prefix *a, const struct hatago_prefix *b)
{
	int order = memcmp(a->address, b->address, sizeof(a->address));

	return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int lists_order(const void *a, const void *b)
{
	return lists_compare(&((const struct lists_entry *)a)->prefix,
			     &((const struct lists_entry *)b)->prefix);
}

/* One key after the other; stops at HATAGO_LIST_MAX, should writers send it in circles. */
static int lists_walk(int fd, struct lists_entry *entries, size_t *count)
{
	const struct hatago_prefix *from = NULL;

	*count = 0;
	while (*count < HATAGO_LIST_MAX) {
		struct lists_entry *e = &entries[*count];
		int r = bpf_map_get_next_key(fd, from, &e->prefix);

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		from = &e->prefix;
		if (bpf_map_lookup_elem(fd, &e->prefix, &e->listed) == 0)
			(*count)++;
	}
	return 0;
}

static int lists_batches(int fd, struct lists_entry *entries, size_t *count)
{
	struct hatago_prefix *keys = calloc(LISTS_BATCH, sizeof(*keys));
	struct hatago_listed *values = calloc(LISTS_BATCH, sizeof(*values));
	struct hatago_prefix at;
	int r = keys && values ? 0 : -ENOMEM;

	*count = 0;
	while (r == 0 && *count + LISTS_BATCH <= HATAGO_LIST_MAX) {
		__u32 n = LISTS_BATCH;

		r = bpf_map_lookup_batch(fd, *count ? &at : NULL, &at, keys, values, &n, NULL);
		if (r < 0 && r != -ENOENT)
			break;
		for (__u32 i = 0; i < n; i++)
			entries[(*count)++] = (struct lists_entry){keys[i], values[i]};
	}
	free(keys);
	free(values);
	return r == -ENOENT ? 0 : r;
}

int lists_load(const struct view *view, enum view_list list, struct lists_entry **ret,
	       size_t *ret_count)
{
	_cleanup_free_ struct lists_entry *entries = calloc(HATAGO_LIST_MAX, sizeof(*entries));
	size_t count = 0, kept = 0;
	int fd = view_list_fd(view, list), r;

	if (!entries)
		return -ENOMEM;
	r = lists_batches(fd, entries, &count);
	if (r < 0)
		r = lists_walk(fd, entries, &count);
	if (r < 0)
		return r;
	qsort(entries, count, sizeof(*entries), lists_order);
	/* A writer meanwhile may have made the kernel show an entry twice. */
	for (size_t i = 0; i < count; i++)
		if (!kept || lists_order(&entries[kept - 1], &entries[i]) != 0)
			entries[kept++] = entries[i];
	*ret = TAKE_PTR(entries);
	*ret_count = kept;
	return 0;
}

int view_list_each(const struct view *view, enum view_list list,
		   int (*each)(void *ctx, const struct hatago_prefix *prefix,
			       const struct hatago_listed *listed),
		   void *ctx)
{
	_cleanup_free_ struct lists_entry *entries = NULL;
	size_t count = 0;
	int r = lists_load(view, list, &entries, &count);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = each(ctx, &entries[i].prefix, &entries[i].listed);
	return r;
}
