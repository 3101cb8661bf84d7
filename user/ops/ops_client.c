// SPDX-License-Identifier: MIT
/*
 * client list|show: what the table knows of clients. One pass over all slots, read-only;
 * nobody gets a slot because an operator asked. client forgive: what the gate holds against
 * one.
 */
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "core/ban.h"
#include "core/connections.h"
#include "core/escalate.h"
#include "core/requests.h"
#include "core/scan.h"
#include "core/standing.h"
#include "ops/commands.h"

#define OPS_CLIENTS_DEFAULT 20

static enum scan_by ops_scan_by(const char *text)
{
	if (text && strcmp(text, "packets") == 0)
		return SCAN_BY_PACKETS;
	if (text && strcmp(text, "bytes") == 0)
		return SCAN_BY_BYTES;
	return SCAN_BY_DROPS;
}

static void ops_write_client(const struct ops_context *ops, const struct scan_client *client,
			     const struct clients *clients, struct json *out)
{
	uint64_t now = ops->mono_ns();
	uint64_t banned = ban_remaining_ns(ban_of(&client->slot), now);
	uint64_t escalated = escalate_remaining_ns(&client->slot, now);

	json_object_begin(out, NULL);
	ops_write_client_id(client->id, clients->rules, "client", out);
	ops_write_slot(&client->slot, clients, now, out);
	if (banned)
		ops_write_ms("ban_remaining_ms", banned, out);
	if (escalated)
		ops_write_ms("escalation_remaining_ms", escalated, out);
	json_object_end(out);
}

int ops_client_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const char *sort = ops_text(args, "sort");
	struct hatago_prefix within;
	struct clients clients;
	struct scan scan;
	int r = ops_clients(ops, &clients, err);

	if (r < 0)
		return r;
	r = scan_init(&scan, (uint32_t)ops_count(args, "number", OPS_CLIENTS_DEFAULT));
	if (r < 0)
		return err_set(err, r, "out of memory");
	scan.by = ops_scan_by(sort);
	scan.within = ops_prefix(args, "prefix", &within) ? &within : NULL;
	scan_table(&clients, ops->mono_ns(), &scan);
	json_str(out, "sort", sort ? sort : "drops");
	json_u64(out, "matched", scan.matched);
	json_u64(out, "occupied", scan.occupied);
	json_u64(out, "slots", scan.slots);
	json_array_begin(out, "clients");
	for (size_t i = 0; i < scan.top_count; i++)
		ops_write_client(ops, &scan.top[i], &clients, out);
	json_array_end(out);
	scan_done(&scan);
	return 0;
}

static void ops_write_bucket(const char *label, uint64_t tat, const struct hatago_limit *limit,
			     uint64_t now_ns, struct json *out)
{
	json_object_begin(out, NULL);
	json_str(out, "dimension", label);
	json_u64(out, "tokens", bucket_tokens(tat, limit, bucket_time(now_ns)));
	json_u64(out, "burst", limit->burst);
	json_double(out, "rate", (double)limit->rate_milli / 1000);
	ops_write_ms("full_in_ms",
		     bucket_debt(tat, limit, bucket_time(now_ns)) >> HATAGO_TIME_SHIFT, out);
	json_object_end(out);
}

/* The gate's are the client's own only with perClientLimits. */
static void ops_write_buckets(const struct ops_context *ops, const struct client_at *at,
			      const struct hatago_rules *rules, uint64_t now_ns, struct json *out)
{
	const struct config *gate = ops_gate_config(ops);
	bool is_own = !gate || gate->concurrency.per_client_limits;

	json_array_begin(out, "buckets");
	for (uint32_t d = 0; d < HATAGO_DIM_COUNT; d++) {
		const struct hatago_limit *limit = &rules->limit[d];
		bool is_requests = d == HATAGO_DIM_REQUESTS;

		if (!(rules->dimensions & (1u << d)) || !limit->tau || (is_requests && !is_own))
			continue;
		ops_write_bucket(ops_dimension_label(d),
				 is_requests ? requests_tat(at, false, now_ns) : at->slot->tat[d],
				 limit, now_ns, out);
	}
	if (gate && is_own)
		ops_write_bucket(OPS_HANDSHAKES, requests_tat(at, true, now_ns),
				 &gate->gate.handshake, now_ns, out);
	json_array_end(out);
}

static void ops_write_standing(const struct ops_context *ops, struct hatago_client_id id,
			       const struct hatago_slot *slot, uint64_t now_ns, struct json *out)
{
	uint64_t escalated = escalate_remaining_ns(slot, now_ns);
	uint64_t trusted = standing_left_of_ns(slot->standing, HATAGO_TRUSTED, now_ns);

	if (ban_remaining_ns(ban_of(slot), now_ns)) {
		json_object_begin(out, "ban");
		ops_write_ban(ops, id, ban_of(slot), out);
		json_object_end(out);
	} else {
		json_nil(out, "ban");
	}
	if (escalated) {
		json_object_begin(out, "escalation");
		ops_write_ms("remaining_ms", escalated, out);
		ops_write_time("until", ops->real_ns() + escalated, out);
		json_object_end(out);
	} else {
		json_nil(out, "escalation");
	}
	ops_write_time("trusted_until",
		       trusted && trusted != STANDING_FOR_GOOD ? ops->real_ns() + trusted : 0, out);
}

int ops_client_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct hatago_prefix address;
	struct hatago_client_id id;
	struct hatago_slot slot;
	struct clients clients;
	struct client_at at;
	uint64_t now = ops->mono_ns();
	int r = ops_clients(ops, &clients, err);

	if (r < 0 || !ops_prefix(args, "address", &address))
		return r;
	id = prefix_client(&address, clients.rules);
	if (!clients_find(&clients, id, &at))
		return err_set(err, -ENOENT,
			       "%s is not in the table: not seen at a protected port lately, or "
			       "its place went to another after its buckets were full again; "
			       "'why' tells what would become of it",
			       ops_text(args, "address"));
	slot = *at.slot;
	ops_write_client_id(id, clients.rules, "client", out);
	ops_write_slot(&slot, &clients, now, out);
	ops_write_buckets(ops, &at, clients.rules, now, out);
	ops_write_standing(ops, id, &slot, now, out);
	if (pressure_is_fresh(&clients.config->pressure, now))
		json_u64(out, "open_connections", connections_get(&at, now));
	else
		json_nil(out, "open_connections");
	return 0;
}

static void ops_forgive_notes(const struct hatago_slot *slot, uint64_t now_ns, struct json *out)
{
	json_array_begin(out, "notes");
	if (ban_remaining_ns(ban_of(slot), now_ns))
		json_str(out, NULL, "it is banned all the same; to lift that: ban del");
	json_array_end(out);
}

int ops_client_forgive(struct ops_context *ops, const json_t *args, struct json *out,
		       struct err *err)
{
	struct hatago_prefix address;
	struct hatago_client_id id;
	struct clients clients;
	struct client_at at;
	uint64_t now = ops->mono_ns();
	bool was_escalated = false, was_in_debt = false;
	int r = ops_clients_writable(ops, &clients, err);

	if (r < 0 || !ops_prefix(args, "address", &address))
		return r;
	id = prefix_client(&address, clients.rules);
	if (clients_find(&clients, id, &at)) {
		was_escalated = escalate_clear(&clients, id, now);
		was_in_debt = requests_forgive(&at, now);
	}
	if (!was_escalated && !was_in_debt)
		return err_set(err, -ENOENT,
			       "%s is not escalated, and its buckets of requests are full: there "
			       "is nothing to forgive",
			       ops_text(args, "address"));
	ops_write_client_id(id, clients.rules, "forgiven", out);
	json_bool(out, "was_escalated", was_escalated);
	ops_forgive_notes(at.slot, now, out);
	return 0;
}
