// SPDX-License-Identifier: MIT
/*
 * status and version: all that one asks at three in the morning, in one result. It works
 * as far as it can: without an edge it says so, without hatagod it shows the pins.
 */
#include <errno.h>
#include <unistd.h>

#include "base/version.h"
#include "core/scan.h"
#include "ops/commands.h"

#define OPS_STATUS_TOP 3

static void status_write_daemon(const struct ops_context *ops, struct json *out)
{
	struct ops_daemon_info info = {0};
	uint64_t now = ops->real_ns();

	if (!ops->daemon) {
		json_nil(out, "hatagod");
		return;
	}
	ops->daemon->info(ops->daemon_ctx, &info);
	json_object_begin(out, "hatagod");
	json_str(out, "version", VERSION_TEXT);
	json_i64(out, "pid", getpid());
	ops_write_time("started", info.started_ns, out);
	ops_write_ms("up_ms", now > info.started_ns ? now - info.started_ns : 0, out);
	json_str(out, "config", info.config_path);
	ops_write_time("reloaded", info.reloaded_ns, out);
	json_str(out, "reload_failure", info.reload_failure);
	json_array_begin(out, "complaints");
	for (size_t i = 0; i < info.complaint_count; i++)
		json_str(out, NULL, info.complaints[i]);
	json_array_end(out);
	json_object_end(out);
}

static void status_write_rules(const struct ops_context *ops, const struct hatago_rules *rules,
			       struct json *out)
{
	json_bool(out, "enforce", rules->flags & HATAGO_ENFORCE);
	ops_write_ports(rules, "protect", out);
	json_array_begin(out, "families");
	if (rules->flags & HATAGO_IPV4)
		json_str(out, NULL, "ipv4");
	if (rules->flags & HATAGO_IPV6)
		json_str(out, NULL, "ipv6");
	json_array_end(out);
	json_object_begin(out, "client_prefix");
	json_u64(out, "ipv4", (uint64_t)__builtin_popcount(rules->ipv4_mask));
	json_u64(out, "ipv6",
		 (uint64_t)__builtin_popcountll(rules->ipv6_mask_hi) +
			 (uint64_t)__builtin_popcountll(rules->ipv6_mask_lo));
	json_object_end(out);
	ops_write_limits(ops, rules, out);
	json_bool(out, "allow_list", rules->flags & HATAGO_ALLOW);
	json_bool(out, "deny_list", rules->flags & HATAGO_DENY);
}

static void status_write_table(const struct ops_context *ops, const struct clients *clients,
			       struct scan *scan, struct json *out)
{
	uint64_t now = ops->mono_ns();

	scan->only = SCAN_DROPPED;
	scan_table(clients, now, scan);
	json_object_begin(out, "table");
	json_u64(out, "slots", scan->slots);
	json_u64(out, "occupied", scan->occupied);
	json_u64(out, "live", scan->live);
	json_u64(out, "banned", scan->banned);
	json_u64(out, "escalated", scan->escalated);
	json_u64(out, "trusted", scan->trusted);
	json_u64(out, "full_sets", scan->full_sets);
	json_object_end(out);
	json_array_begin(out, "top");
	for (size_t i = 0; i < scan->top_count; i++) {
		json_object_begin(out, NULL);
		ops_write_client_id(scan->top[i].id, clients->rules, "client", out);
		ops_write_slot(&scan->top[i].slot, clients, now, out);
		json_object_end(out);
	}
	json_array_end(out);
}

static int status_write_edge(struct ops_context *ops, const struct clients *clients,
			     struct json *out, struct err *err)
{
	struct scan scan;
	int r = scan_init(&scan, OPS_STATUS_TOP);

	if (r < 0)
		return err_set(err, r, "out of memory");
	json_object_begin(out, "edge");
	json_str(out, "pins", ops->view->pins);
	json_array_begin(out, "devices");
	for (size_t i = 0; i < ops->view->device_count; i++)
		ops_write_device(ops, &ops->view->devices[i], out);
	json_array_end(out);
	status_write_rules(ops, clients->rules, out);
	ops_write_pressure(ops, clients, out);
	status_write_table(ops, clients, &scan, out);
	ops_write_rates(ops, out);
	json_object_end(out);
	scan_done(&scan);
	return 0;
}

int ops_status(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct clients clients;
	struct err reason;
	int r = ops_clients(ops, &clients, &reason);

	(void)args;
	status_write_daemon(ops, out);
	ops_write_gate(ops, out);
	ops_write_load(ops, out);
	if (r == 0)
		return status_write_edge(ops, &clients, out, err);
	if (!ops->daemon) /* neither: there is nothing to tell */
		return err_set(err, r, "%s", reason.text);
	json_nil(out, "edge");
	json_str(out, "no_edge", reason.text);
	return 0;
}

int ops_version(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	(void)args;
	(void)err;
	json_str(out, "version", VERSION_TEXT);
	json_u64(out, "abi", HATAGO_ABI_VERSION);
	if (ops->view)
		json_u64(out, "pinned_abi", ops->view->config->abi_version);
	else
		json_nil(out, "pinned_abi");
	return 0;
}
