// SPDX-License-Identifier: MIT
/*
 * allow|deny add|del|list. Thousands of prefixes in one request are checked all before the
 * first is applied, every problem is told, and if one is bad nothing has changed; nor if
 * the kernel refuses one halfway, since then what was done is undone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/memory.h"
#include "kern/lists.h"
#include "ops/commands.h"

#define OPS_LIST_NOTES_MAX 16 /* prefixes that are looked up for a word on the other list */

static const char *const list_names[] = {[VIEW_ALLOW] = "allow", [VIEW_DENY] = "deny"};

struct list_item {
	struct hatago_prefix prefix;
	size_t index;	 /* in the request */
	bool is_done;	 /* applied */
	uint32_t origin; /* of an entry that is to go */
};

struct list_change {
	struct ops_context *ops;
	enum view_list list;
	bool is_add;
	struct list_item *items;
	size_t count;
};

static void list_problem(struct list_change *change, size_t index, const char *format,
			 const char *text)
{
	char line[ERR_TEXT_MAX];

	snprintf(line, sizeof(line), format, text);
	ops_problem(change->ops, index, line);
}

static int list_fail(const struct list_change *change, struct err *err)
{
	return err_set(err, change->is_add ? -EINVAL : -ENOENT,
		       "%zu of %zu prefixes can't be %s the %s list, so none was",
		       change->ops->problem_count, change->count,
		       change->is_add ? "added to" : "deleted from", list_names[change->list]);
}

/* Reads every prefix of the request; what is none becomes a problem. */
static int list_read(struct list_change *change, const json_t *prefixes, struct err *err)
{
	change->items = calloc(json_array_size(prefixes), sizeof(*change->items));
	if (!change->items)
		return err_set(err, -ENOMEM, "out of memory");
	change->count = json_array_size(prefixes);
	for (size_t i = 0; i < change->count; i++) {
		const char *text = json_string_value(json_array_get(prefixes, i));
		struct err reason;

		change->items[i].index = i;
		if (prefix_read(text, &change->items[i].prefix, &reason) == 0)
			continue;
		if (change->count == 1)
			return err_set(err, -EINVAL, "%s", reason.text);
		list_problem(change, i, "%s", reason.text);
	}
	if (!change->ops->problem_count)
		return 0;
	list_fail(change, err);
	return -EINVAL;
}

static int list_compare_entry(const void *key, const void *entry)
{
	return lists_compare(key, &((const struct lists_entry *)entry)->prefix);
}

/* Every prefix that is to be deleted must be there; remembers where it came from. */
static int list_check_del(struct list_change *change, const struct lists_entry *entries,
			  size_t entry_count, struct err *err)
{
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < change->count; i++) {
		struct list_item *item = &change->items[i];
		const struct lists_entry *entry =
			entry_count ? bsearch(&item->prefix, entries, entry_count, sizeof(*entries),
					      list_compare_entry)
				    : NULL;

		if (entry) {
			item->origin = entry->listed.origin;
			continue;
		}
		prefix_format(&item->prefix, text);
		if (change->count == 1)
			return err_set(err, -ENOENT, "%s is not on the %s list", text,
				       list_names[change->list]);
		list_problem(change, item->index,
			     change->list == VIEW_ALLOW ? "%s is not on the allow list"
							: "%s is not on the deny list",
			     text);
	}
	if (!change->ops->problem_count)
		return 0;
	return list_fail(change, err);
}

/* Against what the list holds now. */
static int list_check(struct list_change *change, uint64_t total, struct err *err)
{
	_cleanup_free_ struct lists_entry *entries = NULL;
	size_t count = 0;
	int r = lists_load(change->ops->view, change->list, &entries, &count);

	if (r < 0)
		return err_set(err, r, "can't read the %s list", list_names[change->list]);
	if (!change->is_add)
		return list_check_del(change, entries, count, err);
	if (total < change->count)
		total = change->count;
	for (size_t i = 0; i < change->count && count + total > HATAGO_LIST_MAX; i++)
		if (count && bsearch(&change->items[i].prefix, entries, count, sizeof(*entries),
				     list_compare_entry))
			total--;
	if (count + total > HATAGO_LIST_MAX)
		return err_set(err, -ENOSPC,
			       "the %s list holds %u entries at most: %zu are in it, %llu more "
			       "don't fit, so none was added",
			       list_names[change->list], HATAGO_LIST_MAX, count,
			       (unsigned long long)total);
	return 0;
}

static int list_apply_one(const struct list_change *change, struct list_item *item, bool is_add,
			  enum hatago_origin origin, struct err *err)
{
	struct view *view = change->ops->view;
	int r = is_add ? view_list_add(view, change->list, &item->prefix, origin, err)
		       : view_list_del(view, change->list, &item->prefix, err);

	if (r == (is_add ? -EEXIST : -ENOENT)) /* twice in the request, or somebody was faster */
		return 0;
	return r < 0 ? r : 1;
}

/* All of them, or none: the number of those that made a difference. */
static int list_apply(struct list_change *change, struct err *err)
{
	int changed = 0, r = 0;
	size_t i;

	for (i = 0; i < change->count; i++) {
		struct list_item *item = &change->items[i];

		r = list_apply_one(change, item, change->is_add, HATAGO_FROM_OPERATOR, err);
		if (r < 0)
			break;
		item->is_done = r;
		changed += r;
	}
	if (r >= 0)
		return changed;
	while (i-- > 0)
		if (change->items[i].is_done)
			list_apply_one(change, &change->items[i], !change->is_add,
				       (enum hatago_origin)change->items[i].origin, NULL);
	return r;
}

/* The allow list wins: that is worth a word to who denies, and no more. */
static void list_write_notes(const struct list_change *change, struct json *out)
{
	char text[PREFIX_TEXT_MAX], entry[PREFIX_TEXT_MAX], line[200];
	struct hatago_prefix allowed;

	json_array_begin(out, "notes");
	for (size_t i = 0; change->is_add && change->list == VIEW_DENY && i < change->count &&
			   i < OPS_LIST_NOTES_MAX;
	     i++) {
		const struct hatago_prefix *prefix = &change->items[i].prefix;

		if (view_list_match(change->ops->view, VIEW_ALLOW, prefix->address, &allowed) <= 0)
			continue;
		prefix_format(prefix, text);
		prefix_format(&allowed, entry);
		snprintf(line, sizeof(line), "%s: the allow list has %s, which wins", text, entry);
		json_str(out, NULL, line);
	}
	json_array_end(out);
}

static int list_commit(struct list_change *change, struct json *out, struct err *err)
{
	int changed = list_apply(change, err), r;

	if (changed < 0)
		return changed;
	/* The flags say whether the program looks at the lists at all. */
	r = view_lists_flag(change->ops->view, err);
	if (r < 0)
		return r;
	json_str(out, "list", list_names[change->list]);
	json_u64(out, change->is_add ? "added" : "deleted", (uint64_t)changed);
	if (change->is_add)
		json_u64(out, "present", change->count - (size_t)changed);
	list_write_notes(change, out);
	return 0;
}

static int list_change(struct ops_context *ops, enum view_list list, bool is_add,
		       const json_t *args, struct json *out, struct err *err)
{
	struct list_change change = {.ops = ops, .list = list, .is_add = is_add};
	struct clients clients;
	int r = ops_clients_writable(ops, &clients, err);

	if (r == 0)
		r = list_read(&change, json_object_get(args, "prefixes"), err);
	/* An addition that does not fit fails in the kernel, and is undone then. */
	if (r == 0 && (!is_add || ops_flag(args, "check")))
		r = list_check(&change, ops_count(args, "total", 0), err);
	if (r == 0 && ops_flag(args, "check"))
		json_u64(out, "checked", change.count);
	else if (r == 0)
		r = list_commit(&change, out, err);
	free(change.items);
	return r;
}

static int list_write_one(void *ctx, const struct hatago_prefix *prefix,
			  const struct hatago_listed *listed)
{
	char text[PREFIX_TEXT_MAX];
	struct json *out = ctx;

	prefix_format(prefix, text);
	json_object_begin(out, NULL);
	json_str(out, "prefix", text);
	json_str(out, "origin",
		 listed->origin == HATAGO_FROM_CONFIG ? "configuration" : "operator");
	json_object_end(out);
	return 0;
}

static int list_list(struct ops_context *ops, enum view_list list, struct json *out,
		     struct err *err)
{
	struct clients clients;
	int r = ops_clients(ops, &clients, err);

	if (r < 0)
		return r;
	json_str(out, "list", list_names[list]);
	json_array_begin(out, "entries");
	r = view_list_each(ops->view, list, list_write_one, out);
	json_array_end(out);
	return r < 0 ? err_set(err, r, "can't read the %s list", list_names[list]) : 0;
}

int ops_allow_add(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	return list_change(ops, VIEW_ALLOW, true, args, out, err);
}

int ops_allow_del(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	return list_change(ops, VIEW_ALLOW, false, args, out, err);
}

int ops_allow_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	(void)args;
	return list_list(ops, VIEW_ALLOW, out, err);
}

int ops_deny_add(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	return list_change(ops, VIEW_DENY, true, args, out, err);
}

int ops_deny_del(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	return list_change(ops, VIEW_DENY, false, args, out, err);
}

int ops_deny_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	(void)args;
	return list_list(ops, VIEW_DENY, out, err);
}
