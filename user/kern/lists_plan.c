/* SPDX-License-Identifier: MIT */
/*
 * See lists.h. Both sides are sorted and walked together, so 100,000 entries cost a few
 * milliseconds here; the kernel is told by batches only what differs.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/lists.h"
#include "kern/view_parts.h"

static int lists_prefix_order(const void *a, const void *b)
{
	return lists_compare(a, b);
}

/* What is in force against what is wanted, both sorted. */
static void lists_diff(const struct lists_entry *have, size_t have_count,
		       const struct hatago_prefix *want, size_t want_count, struct lists_plan *plan)
{
	size_t h = 0, w = 0;

	while (h < have_count || w < want_count) {
		int order = h == have_count   ? 1
			    : w == want_count ? -1
					      : lists_compare(&have[h].prefix, &want[w]);

		if (order > 0)
			plan->add[plan->add_count++] = want[w];
		else if (order < 0 && have[h].listed.origin == HATAGO_FROM_CONFIG)
			plan->del[plan->del_count++] = have[h].prefix;
		h += order <= 0;
		if (order >= 0) /* past the same entry's repetitions, too */
			for (w++; w < want_count && lists_compare(&want[w - 1], &want[w]) == 0;)
				w++;
	}
}

static int lists_compare_with(const struct lists_entry *have, size_t have_count,
			      const struct config_prefixes *wanted, struct lists_plan *plan)
{
	struct hatago_prefix *want = calloc(wanted->count + 1, sizeof(*want));
	int r = -ENOMEM;

	plan->add = calloc(wanted->count + 1, sizeof(*plan->add));
	plan->del = calloc(have_count + 1, sizeof(*plan->del));
	if (want && plan->add && plan->del) {
		if (wanted->count)
			memcpy(want, wanted->items, wanted->count * sizeof(*want));
		qsort(want, wanted->count, sizeof(*want), lists_prefix_order);
		lists_diff(have, have_count, want, wanted->count, plan);
		r = 0;
	}
	free(want);
	return r;
}

int lists_plan(const struct view *view, enum view_list list, const struct config_prefixes *wanted,
	       struct lists_plan *ret, struct err *err)
{
	struct lists_entry *have = NULL;
	struct lists_plan plan = {};
	size_t count = 0;
	int r = lists_load(view, list, &have, &count);

	if (r == 0)
		r = lists_compare_with(have, count, wanted, &plan);
	free(have);
	if (r < 0)
		lists_fail(err, list, "read", r);
	/* New entries go in before old ones go out, so that the list has no gap. */
	if (r == 0 && count + plan.add_count > HATAGO_LIST_MAX)
		r = err_set(err, -E2BIG,
			    "edge.%s: %zu new entries beside the %zu in force (the operator's "
			    "among them) are more than the %u that the list holds",
			    view_list_name(list), plan.add_count, count, HATAGO_LIST_MAX);
	if (r < 0)
		lists_plan_done(&plan);
	else
		*ret = plan;
	return r;
}

/* The first `count` keys, in or out; how many were done in *ret_done. */
static int lists_change(int fd, const struct hatago_prefix *keys, size_t count, bool add,
			size_t *ret_done)
{
	struct hatago_listed *values = calloc(LISTS_BATCH, sizeof(*values));
	size_t done = 0;
	int r = values ? 0 : -ENOMEM;

	while (r == 0 && done < count) {
		__u32 n = (__u32)(count - done < LISTS_BATCH ? count - done : LISTS_BATCH);

		for (__u32 i = 0; i < n; i++)
			values[i] = (struct hatago_listed){.origin = HATAGO_FROM_CONFIG,
							   .length = keys[done + i].length};
		r = add ? bpf_map_update_batch(fd, keys + done, values, &n, NULL)
			: bpf_map_delete_batch(fd, keys + done, &n, NULL);
		if (r < 0) { /* no batches for this map, or the key in its way: one by one */
			n = 1;
			r = add ? bpf_map_update_elem(fd, keys + done, values, BPF_ANY)
				: bpf_map_delete_elem(fd, keys + done);
			if (!add && r == -ENOENT) /* an operator was faster */
				r = 0;
		}
		if (r == 0)
			done += n;
	}
	free(values);
	*ret_done = done;
	return r;
}

int lists_plan_add(const struct view *view, enum view_list list, const struct lists_plan *plan,
		   struct err *err)
{
	int fd = view_list_fd(view, list);
	size_t done, undone;
	int r = lists_change(fd, plan->add, plan->add_count, true, &done);

	if (r == 0)
		return 0;
	lists_change(fd, plan->add, done, false, &undone);
	return lists_fail(err, list, "add to", r);
}

void lists_plan_undo(const struct view *view, enum view_list list, const struct lists_plan *plan)
{
	size_t undone;

	lists_change(view_list_fd(view, list), plan->add, plan->add_count, false, &undone);
}

int lists_plan_del(const struct view *view, enum view_list list, const struct lists_plan *plan,
		   struct err *err)
{
	size_t done;
	int r = lists_change(view_list_fd(view, list), plan->del, plan->del_count, false, &done);

	return r < 0 ? lists_fail(err, list, "delete from", r) : 0;
}

void lists_plan_done(struct lists_plan *plan)
{
	free(plan->add);
	free(plan->del);
	*plan = (struct lists_plan){};
}
