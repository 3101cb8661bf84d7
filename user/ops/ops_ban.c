// SPDX-License-Identifier: MIT
/*
 * ban add|del|list: bans in the clients' slots, and the notes that say why. A ban is one
 * client's; a whole prefix is for the deny list. hatagod, a command on the pins and the
 * packet path may all be at it at once.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "core/ban.h"
#include "core/scan.h"
#include "ops/commands.h"

#define OPS_BAN_TRIES	  1000u	   /* for a slot, while all of the set are live */
#define OPS_BAN_PAUSE_NS  50000	   /* between two */
#define OPS_BAN_SETTLE_NS 10000000 /* where the kernel can't tell when all programs have ended */
#define OPS_BAN_LOST	  8u	   /* races with a claim that one ban may lose */

static void ops_pause(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/*
 * Waits until every packet program that runs now has ended: what one of them judged before
 * the ban was written can't be acted on after this. The kernel's membarrier waits for an
 * RCU grace period, and packet programs run within one.
 */
static void ops_ban_settle(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		ops_pause(OPS_BAN_SETTLE_NS);
}

/* Puts the ban, waiting a little for a slot. -EBUSY: none came free. */
static int ops_ban_put(const struct ops_context *ops, const struct clients *clients,
		       struct hatago_client_id id, uint32_t until, uint32_t *ret_former)
{
	for (uint32_t i = 0; i < OPS_BAN_TRIES; i++) {
		int r = ban_put(clients, id, ops->mono_ns(), until, ret_former);

		if (r != -EBUSY)
			return r;
		ops_pause(OPS_BAN_PAUSE_NS);
	}
	return -EBUSY;
}

static int ops_ban_hold(const struct ops_context *ops, const struct clients *clients,
			struct hatago_client_id id, uint32_t until, uint32_t *ret_former)
{
	for (uint32_t i = 0; i < OPS_BAN_LOST; i++) {
		int r = ops_ban_put(ops, clients, id, until, ret_former);

		if (r < 0)
			return r;
		ops_ban_settle();
		if (ban_holds(clients, id, until))
			return 0;
	}
	return -EBUSY;
}

/* A client's prefix or an address in it; shorter is not one client. */
static int ops_ban_client(const struct hatago_prefix *prefix, const char *text,
			  const struct hatago_rules *rules, struct hatago_client_id *ret,
			  struct err *err)
{
	struct hatago_prefix whole;

	*ret = prefix_client(prefix, rules);
	client_id_prefix(*ret, rules, &whole);
	if (prefix->length >= whole.length)
		return 0;
	return err_set(
		err, -EINVAL,
		"%s is more than one client (a /%u here), and a ban is one client's; a whole "
		"prefix is for the deny list: deny add %s",
		text, whole.length - (prefix_is_ipv4(prefix) ? PREFIX_IPV4_BITS : 0), text);
}

static void ops_ban_write_notes(const struct ops_context *ops, const struct hatago_prefix *prefix,
				int remembered, struct json *out)
{
	char entry[PREFIX_TEXT_MAX], text[200];
	struct hatago_prefix allowed;

	json_array_begin(out, "notes");
	if (view_list_match(ops->view, VIEW_ALLOW, prefix->address, &allowed) > 0) {
		prefix_format(&allowed, entry);
		snprintf(text, sizeof(text),
			 "the allow list has %s, which wins: it passes all the same until that is "
			 "taken off (allow del %s)",
			 entry, entry);
		json_str(out, NULL, text);
	}
	if (remembered < 0)
		json_str(out, NULL, "its reason could not be kept; the ban holds all the same");
	json_array_end(out);
}

static int ops_ban_note(struct ops_context *ops, struct hatago_client_id id, const char *reason)
{
	struct hatago_note note = {.since_ns = ops->real_ns(), .origin = HATAGO_FROM_OPERATOR};

	snprintf(note.text, sizeof(note.text), "%s", reason ? reason : "");
	if (view_note_set(ops->view, id, &note) == 0)
		return 0;
	return ops_forget_notes(ops) > 0 ? view_note_set(ops->view, id, &note) : -ENOSPC;
}

int ops_ban_add(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const char *reason = ops_text(args, "reason"), *address = ops_text(args, "address");
	uint64_t for_ms = ops_duration_ms(args, "for", 0);
	uint64_t for_ns = for_ms ? for_ms * OPS_MS : BAN_FOR_GOOD;
	uint32_t until = ban_end(ops->mono_ns(), for_ns), former = 0;
	struct hatago_prefix prefix;
	struct hatago_client_id id;
	struct clients clients;
	int r = ops_clients_writable(ops, &clients, err);

	if (r < 0 || !ops_prefix(args, "address", &prefix))
		return r;
	r = ops_ban_client(&prefix, address, clients.rules, &id, err);
	if (r < 0)
		return r;
	r = ops_ban_hold(ops, &clients, id, until, &former);
	if (r < 0)
		return err_set(err, r,
			       "%s can't be banned now: every slot that it may have is taken by a "
			       "client that is being limited; deny add %s needs none",
			       address, address);
	r = ops_ban_note(ops, id, reason);
	ops_write_client_id(id, clients.rules, "banned", out);
	ops_write_ban(ops, id, until, out);
	json_bool(out, "replaced", former != 0);
	ops_ban_write_notes(ops, &prefix, r, out);
	return 0;
}

int ops_ban_del(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct hatago_prefix prefix;
	struct hatago_client_id id;
	struct clients clients;
	int r = ops_clients_writable(ops, &clients, err);

	if (r < 0 || !ops_prefix(args, "address", &prefix))
		return r;
	r = ops_ban_client(&prefix, ops_text(args, "address"), clients.rules, &id, err);
	if (r < 0)
		return r;
	r = ban_lift(&clients, id, ops->mono_ns());
	if (r < 0)
		return err_set(err, r, "%s is not banned", ops_text(args, "address"));
	view_note_del(ops->view, id);
	ops_write_client_id(id, clients.rules, "lifted", out);
	return 0;
}

int ops_ban_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct clients clients;
	struct scan scan;
	int r = ops_clients(ops, &clients, err);

	(void)args;
	if (r < 0)
		return r;
	r = scan_init(&scan, SCAN_TOP_MAX);
	if (r < 0)
		return err_set(err, r, "out of memory");
	scan.only = SCAN_BANNED;
	scan_table(&clients, ops->mono_ns(), &scan);
	json_u64(out, "count", scan.matched);
	json_array_begin(out, "bans");
	for (size_t i = 0; i < scan.top_count; i++) {
		const struct scan_client *client = &scan.top[i];

		json_object_begin(out, NULL);
		ops_write_client_id(client->id, clients.rules, "client", out);
		ops_write_ban(ops, client->id, ban_of(&client->slot), out);
		json_u64(out, "drops", client->slot.drops);
		json_object_end(out);
	}
	json_array_end(out);
	scan_done(&scan);
	return 0;
}

struct ops_forget {
	struct ops_context *ops;
	struct clients clients;
	int count;
};

static int ops_forget_one(void *ctx, struct hatago_client_id id, const struct hatago_note *note)
{
	struct ops_forget *forget = ctx;
	struct ops_context *ops = forget->ops;

	(void)note;
	if (!ban_remaining_ns(ban_until(&forget->clients, id), ops->mono_ns()) &&
	    view_note_del(ops->view, id) == 0)
		forget->count++;
	return 0;
}

int ops_forget_notes(struct ops_context *ops)
{
	struct ops_forget forget = {.ops = ops};
	int r = ops_clients_writable(ops, &forget.clients, NULL);

	if (r == 0)
		r = view_note_each(ops->view, ops_forget_one, &forget);
	return r < 0 ? r : forget.count;
}
