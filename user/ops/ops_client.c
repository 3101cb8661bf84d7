// SPDX-License-Identifier: MIT
/*
 * client list|show: what the table knows of clients. One pass over all slots, read-only;
 * nobody gets a slot because an operator asked.
 */
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "core/ban.h"
#include "core/escalate.h"
#include "core/requests.h"
#include "core/scan.h"
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
			     const struct hatago_rules *rules, struct json *out)
{
	uint64_t now = ops->mono_ns();
	uint64_t banned = ban_remaining_ns(ban_of(&client->slot), now);
	uint64_t escalated = escalate_remaining_ns(&client->slot, now);

	json_object_begin(out, NULL);
	ops_write_client_id(client->id, rules, "client", out);
	ops_write_slot(&client->slot, rules, now, out);
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
		ops_write_client(ops, &scan.top[i], clients.rules, out);
	json_array_end(out);
	scan_done(&scan);
	return 0;
}

static void ops_write_buckets(const struct hatago_slot *slot, uint64_t requests,
			      const struct hatago_rules *rules, uint64_t now_ns, struct json *out)
{
	json_array_begin(out, "buckets");
	for (uint32_t d = 0; d < HATAGO_DIM_COUNT; d++) {
		const struct hatago_limit *limit = &rules->limit[d];
		uint64_t tat = d < HATAGO_EDGE_DIMENSIONS ? slot->tat[d] : requests;

		if (!(rules->dimensions & (1u << d)) || !limit->tau)
			continue;
		json_object_begin(out, NULL);
		json_str(out, "dimension", ops_dimension_label(d));
		json_u64(out, "tokens", bucket_tokens(tat, limit, bucket_time(now_ns)));
		json_u64(out, "burst", limit->burst);
		json_double(out, "rate", (double)limit->rate_milli / 1000);
		ops_write_ms("full_in_ms",
			     bucket_debt(tat, limit, bucket_time(now_ns)) >> HATAGO_TIME_SHIFT,
			     out);
		json_object_end(out);
	}
	json_array_end(out);
}

static void ops_write_standing(const struct ops_context *ops, struct hatago_client_id id,
			       const struct hatago_slot *slot, uint64_t now_ns, struct json *out)
{
	uint64_t escalated = escalate_remaining_ns(slot, now_ns);

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
	ops_write_slot(&slot, clients.rules, now, out);
	ops_write_buckets(&slot, requests_tat(&at, false, now), clients.rules, now, out);
	ops_write_standing(ops, id, &slot, now, out);
	return 0;
}
