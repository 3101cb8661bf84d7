/* SPDX-License-Identifier: MIT */
/*
 * A configuration onto a running edge: rules, lists, table size, programs. First
 * everything that can fail is made (table, programs, the lists' differences), then it is
 * put in force, in an order in which no frame meets half of it:
 *
 *   entries are added -> clients carried over -> pins renamed -> programs replaced
 *   -> carried over again (what frames did meanwhile) -> rules -> entries deleted
 *
 * A new table brings its own config, so that a program sees the old table with the old
 * rules or the new one with the new.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "hatago/table.h"
#include "kern/edge_parts.h"
#include "kern/lists.h"
#include "kern/pins.h"
#include "kern/view_parts.h"

#define APPLY_CLIENTS_PER_SYNS 2 /* 32 bytes of the memory of SYNs for each client */

struct apply {
	struct hatago_rules rules;
	struct lists_plan lists[VIEW_DENY + 1];
	bool has_table, is_empty; /* a new table; that starts with no client */
	struct table table;
	int syns; /* a new memory of SYNs, of syn_sets sets; -1: it stays */
	uint32_t syn_sets;
	int programs[HATAGO_DEVICES_MAX]; /* in the order of edge->devices; -1: stays */
};

static void apply_done(struct apply *a)
{
	for (size_t i = 0; i < HATAGO_DEVICES_MAX; i++)
		memory_close_at(&a->programs[i]);
	memory_close_at(&a->syns);
	lists_plan_done(&a->lists[VIEW_ALLOW]);
	lists_plan_done(&a->lists[VIEW_DENY]);
	table_done(&a->table);
}

static bool apply_prefix_changes(const struct hatago_rules *old, const struct hatago_rules *rules)
{
	return old->ipv4_mask != rules->ipv4_mask || old->ipv6_mask_hi != rules->ipv6_mask_hi ||
	       old->ipv6_mask_lo != rules->ipv6_mask_lo;
}

static int apply_load(struct edge *edge, struct apply *a, struct err *err)
{
	struct program_maps maps = edge_maps(edge);

	if (a->has_table) {
		maps.config = a->table.maps.config;
		maps.clients = a->table.maps.clients;
		maps.sides = a->table.maps.sides;
	}
	if (a->syns >= 0)
		maps.syns = a->syns;
	for (size_t i = 0; i < edge->device_count; i++) {
		struct edge_device *d = &edge->devices[i];
		int r = device_load(d, &maps, (enum hatago_attach_mode)d->device->mode,
				    &a->programs[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The memory of SYNs, where it is to have another size. */
static int apply_make_syns(const struct edge *edge, uint32_t max_clients, struct apply *a,
			   struct err *err)
{
	a->syn_sets = a->rules.flags & HATAGO_STRANGERS ? max_clients / APPLY_CLIENTS_PER_SYNS : 1;
	return a->syn_sets == edge->syn_sets ? 0 : program_make_syns(a->syn_sets, &a->syns, err);
}

static int apply_prepare(struct edge *edge, const struct config *config, bool replace_programs,
			 struct apply *a, struct err *err)
{
	struct view *view = edge->view;
	uint32_t wanted = config->edge.max_clients;
	uint64_t secret[2];
	int r;

	config_rules(config, &a->rules);
	a->rules.flags |= view_rules(view)->flags & (HATAGO_ALLOW | HATAGO_DENY);
	r = lists_plan(view, VIEW_ALLOW, &config->edge.allow, &a->lists[VIEW_ALLOW], err);
	r = r < 0 ? r : lists_plan(view, VIEW_DENY, &config->edge.deny, &a->lists[VIEW_DENY], err);
	if (r < 0)
		return r;
	a->is_empty = apply_prefix_changes(view_rules(view), &a->rules);
	a->has_table = a->is_empty || clients_set_count(wanted) != view->set_count;
	memcpy(secret, view->config->secret, sizeof(secret));
	if (a->has_table)
		r = table_make(wanted, a->is_empty ? NULL : secret, false, &a->rules, &a->table,
			       err);
	if (r == 0)
		r = apply_make_syns(edge, wanted, a, err);
	if (r == 0 && (a->has_table || a->syns >= 0 || replace_programs))
		r = apply_load(edge, a, err);
	return r;
}

static int apply_add(struct edge *edge, struct apply *a, struct err *err)
{
	int r = lists_plan_add(edge->view, VIEW_ALLOW, &a->lists[VIEW_ALLOW], err);

	if (r < 0)
		return r;
	r = lists_plan_add(edge->view, VIEW_DENY, &a->lists[VIEW_DENY], err);
	if (r < 0)
		lists_plan_undo(edge->view, VIEW_ALLOW, &a->lists[VIEW_ALLOW]);
	return r;
}

static int apply_pin_table(const char *pins, int clients, int sides, int config, struct err *err)
{
	const struct {
		const char *name;
		int fd;
	} maps[] = {{"clients", clients}, {"sides", sides}, {"config", config}};
	char path[PINS_PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(maps) / sizeof(maps[0]); i++) {
		r = pins_path(path, pins, maps[i].name, err);
		r = r < 0 ? r : pins_replace(maps[i].fd, path, err);
	}
	return r;
}

/* Names the new table by the pins; the programs, and the view, still use the old one. */
static int apply_pin(struct edge *edge, struct apply *a, struct err *err)
{
	struct view *view = edge->view;
	struct table_carried carried;
	int r = view_lock(view, err);

	if (r < 0)
		return r;
	a->table.config->rules[0].flags = view_list_flags(view, a->rules.flags);
	a->table.config->pressure = view->config->pressure;
	a->table.config->strangers = view->config->strangers;
	if (!a->is_empty)
		table_carry(view, &a->table, clock_mono_ns(), &carried);
	r = apply_pin_table(edge->pins, a->table.maps.clients, a->table.maps.sides,
			    a->table.maps.config, err);
	if (r < 0)
		apply_pin_table(edge->pins, view->clients_fd, view->sides_fd, view->config_fd,
				NULL);
	view_unlock(view);
	return r;
}

static void apply_replace(struct edge *edge, struct apply *a)
{
	struct err err = {};

	for (size_t i = 0; i < edge->device_count; i++)
		if (a->programs[i] >= 0 &&
		    device_replace(edge, &edge->devices[i], TAKE_FD(a->programs[i]), &err) < 0)
			edge_notice_add(edge, "%s", err.text);
	if (a->syns < 0)
		return;
	memory_close_at(&edge->syns_fd);
	edge->syns_fd = TAKE_FD(a->syns);
	edge->syn_sets = a->syn_sets;
}

static void apply_forget_notes(struct view *view)
{
	struct hatago_client_id id;

	for (uint32_t i = 0; i < HATAGO_LIST_MAX && view_note_first(view, &id) == 0; i++)
		view_note_del(view, id);
}

/* The new table is in use: what became of the old one's clients. */
static int apply_settle_table(struct edge *edge, struct apply *a, struct err *err)
{
	struct table_carried carried = {};
	uint64_t now = clock_mono_ns();

	if (a->is_empty) {
		edge_notice_add(edge,
				"clientPrefix changed, so the client table starts empty; %u bans "
				"are lost",
				table_bans(edge->view, now));
		apply_forget_notes(edge->view);
	} else {
		table_carry(edge->view, &a->table, now, &carried);
		edge_notice_add(edge,
				"the client table now has room for %u clients; %u live ones were "
				"carried over, %u found no place (%u of them banned)",
				a->table.set_count * HATAGO_WAYS, carried.clients, carried.lost,
				carried.lost_bans);
	}
	return view_table_refresh(edge->view, err);
}

static int apply_rules(struct edge *edge, struct apply *a, struct err *err)
{
	struct hatago_rules *draft;
	int r = view_rules_begin(edge->view, &draft, err);

	if (r < 0)
		return r;
	*draft = a->rules;
	draft->flags = view_list_flags(edge->view, a->rules.flags);
	view_rules_commit(edge->view);
	return 0;
}

static int apply_put(struct edge *edge, struct apply *a, struct err *err)
{
	int r = apply_add(edge, a, err);

	if (r < 0)
		return r;
	r = a->has_table ? apply_pin(edge, a, err) : apply_rules(edge, a, err);
	if (r < 0) {
		lists_plan_undo(edge->view, VIEW_ALLOW, &a->lists[VIEW_ALLOW]);
		lists_plan_undo(edge->view, VIEW_DENY, &a->lists[VIEW_DENY]);
		return r;
	}
	apply_replace(edge, a);
	if (a->has_table)
		r = apply_settle_table(edge, a, err);
	if (r == 0)
		r = lists_plan_del(edge->view, VIEW_ALLOW, &a->lists[VIEW_ALLOW], err);
	if (r == 0)
		r = lists_plan_del(edge->view, VIEW_DENY, &a->lists[VIEW_DENY], err);
	return r < 0 ? r : view_lists_flag(edge->view, err);
}

int apply_config(struct edge *edge, const struct config *config, bool replace_programs,
		 struct err *err)
{
	_cleanup_(apply_done) struct apply a = {.table.maps = PROGRAM_NO_MAPS, .syns = -1};
	int r;

	for (size_t i = 0; i < HATAGO_DEVICES_MAX; i++)
		a.programs[i] = -1;
	r = apply_prepare(edge, config, replace_programs, &a, err);
	return r < 0 ? r : apply_put(edge, &a, err);
}
