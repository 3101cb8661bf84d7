// SPDX-License-Identifier: MIT
/*
 * Results of many rows, as tables that fit 80 columns with addresses of usual length.
 */
#include <string.h>

#include "bpfctl.h"
#include "text.h"

static enum paint paint_of_state(const char *state)
{
	if (strcmp(state, "banned") == 0 || strcmp(state, "escalated") == 0 ||
	    strcmp(state, "limited") == 0 || strcmp(state, "detached") == 0)
		return PAINT_RED;
	if (strcmp(state, "unconfirmed") == 0 || strcmp(state, "standing_aside") == 0)
		return PAINT_YELLOW;
	return strcmp(state, "attached") == 0 ? PAINT_GREEN : PAINT_NONE;
}

static void edge_say_ports(const json_t *result, FILE *out)
{
	const json_t *ports = json_object_get(result, "protect"), *port;
	size_t i;

	if (!ports)
		return;
	fputs("protects", out);
	json_array_foreach(ports, i, port) fprintf(out, " %s", json_string_value(port));
	if (json_array_size(ports) == 0)
		text_paint(out, PAINT_YELLOW, " nothing: edge.protect is empty");
	fputc('\n', out);
	if (!get_bool(result, "enforce"))
		text_paint(out, PAINT_YELLOW, "enforce is false: it counts, and drops nothing\n");
}

static void edge_say_modes(const json_t *devices, FILE *out)
{
	const json_t *device;
	size_t i;

	json_array_foreach(devices, i, device)
	{
		const char *why = get_text(device, "why");

		if (!get_bool(device, "degraded"))
			continue;
		text_paint(out, PAINT_YELLOW,
			   "%s is in mode %s, not native: ", get_text(device, "device"),
			   get_text(device, "mode"));
		text_wrap(out, screen.width / 2, 2, why);
	}
}

void render_edge(const json_t *result, FILE *out)
{
	static const char *const head[] = {"DEVICE",  "MODE",	  "STATE",	 "<SINCE",
					   "<PASSED", "<DROPPED", "<WOULD DROP", NULL};
	const json_t *devices = json_object_get(result, "devices"), *device;
	char buf[TEXT_NUMBER_MAX];
	struct table table;
	size_t i;

	edge_say_ports(result, out);
	if (json_array_size(devices) == 0) {
		fputs("attached to no device\n", out);
		return;
	}
	table_init(&table, head);
	json_array_foreach(devices, i, device)
	{
		const char *state = get_text(device, "state");
		uint64_t dropped = get_u64(json_object_get(device, "dropped"), "packets");

		table_add(&table, PAINT_NONE, get_text(device, "device"));
		table_add(&table, get_bool(device, "degraded") ? PAINT_YELLOW : PAINT_NONE,
			  get_text(device, "mode"));
		table_add(&table, paint_of_state(state), state);
		table_add(&table, PAINT_NONE, text_ms(get_u64(device, "attached_for_ms"), buf));
		table_add_number(&table, PAINT_NONE,
				 get_u64(json_object_get(device, "passed"), "packets"));
		table_add_number(&table, dropped ? PAINT_RED : PAINT_NONE, dropped);
		table_add_number(&table, PAINT_NONE,
				 get_u64(json_object_get(device, "would_drop"), "packets"));
	}
	table_print(&table, out, 0);
	edge_say_modes(devices, out);
}

void render_clients(const json_t *result, FILE *out)
{
	static const char *const head[] = {"CLIENT", "STATE", "<DROPS", "<PACKETS", "<BYTES", NULL};
	const json_t *clients = json_object_get(result, "clients"), *client;
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];
	struct table table;
	size_t i;

	table_init(&table, head);
	json_array_foreach(clients, i, client)
	{
		const char *state = get_text(client, "state");

		table_add(&table, PAINT_NONE, get_text(client, "client"));
		table_add(&table, paint_of_state(state), state);
		table_add_number(&table, PAINT_NONE, get_u64(client, "drops"));
		table_add_number(&table, PAINT_NONE, get_u64(client, "packets"));
		table_add(&table, PAINT_NONE, text_si(get_number(client, "bytes"), a));
	}
	if (json_array_size(clients))
		table_print(&table, out, 0);
	text_paint(out, PAINT_DIM, "%s of %s clients, by %s\n",
		   text_exact(json_array_size(clients), a),
		   text_exact(get_u64(result, "matched"), b), get_text(result, "sort"));
}

void render_bans(const json_t *result, FILE *out)
{
	static const char *const head[] = {"CLIENT", "<LEFT", "<DROPS", "SINCE", "REASON", NULL};
	const json_t *bans = json_object_get(result, "bans"), *ban;
	char buf[TEXT_NUMBER_MAX];
	struct table table;
	size_t i;

	table_init(&table, head);
	json_array_foreach(bans, i, ban)
	{
		table_add(&table, PAINT_NONE, get_text(ban, "client"));
		table_add(&table, PAINT_NONE,
			  json_is_null(json_object_get(ban, "remaining_ms"))
				  ? "for good"
				  : text_ms(get_u64(ban, "remaining_ms"), buf));
		table_add_number(&table, PAINT_NONE, get_u64(ban, "drops"));
		table_add(&table, PAINT_DIM, get_text(ban, "since"));
		table_add(&table, PAINT_NONE, get_text(ban, "reason"));
	}
	if (json_array_size(bans))
		table_print(&table, out, 0);
	else
		fputs("nobody is banned\n", out);
	if (get_u64(result, "count") > json_array_size(bans))
		text_paint(out, PAINT_DIM, "%zu of %llu bans\n", json_array_size(bans),
			   (unsigned long long)get_u64(result, "count"));
}

void render_entries(const json_t *result, FILE *out)
{
	static const char *const head[] = {"PREFIX", "FROM", NULL};
	const json_t *entries = json_object_get(result, "entries"), *entry;
	struct table table;
	size_t i;

	table_init(&table, head);
	json_array_foreach(entries, i, entry)
	{
		table_add(&table, PAINT_NONE, get_text(entry, "prefix"));
		table_add(&table, PAINT_NONE, get_text(entry, "origin"));
	}
	if (json_array_size(entries))
		table_print(&table, out, 0);
	else
		fprintf(out, "the %s list is empty\n", get_text(result, "list"));
}

void render_limits(const json_t *result, FILE *out)
{
	static const char *const head[] = {"DIMENSION", "<RATE/s", "<BURST", "<REFILL",
					   "OF",	"FROM",	   NULL};
	const json_t *limit, *configured;
	char buf[TEXT_NUMBER_MAX];
	struct table table;
	size_t i;

	table_init(&table, head);
	json_array_foreach(json_object_get(result, "limits"), i, limit)
	{
		bool enabled = get_bool(limit, "enabled");

		configured = json_object_get(limit, "as_configured");
		table_add(&table, PAINT_NONE, get_text(limit, "dimension"));
		table_add(&table, PAINT_NONE,
			  enabled ? text_decimal(get_number(limit, "rate"), buf) : "off");
		table_add(&table, PAINT_NONE,
			  enabled ? text_exact(get_u64(limit, "burst"), buf) : "");
		table_add(&table, PAINT_NONE,
			  !enabled			? ""
			  : get_u64(limit, "refill_ms") ? text_ms(get_u64(limit, "refill_ms"), buf)
							: "steady");
		table_add(&table, PAINT_NONE,
			  get_bool(limit, "shared") ? "all clients" : "each client");
		table_add(&table, json_is_false(configured) ? PAINT_YELLOW : PAINT_NONE,
			  json_is_true(configured)    ? "configuration"
			  : json_is_false(configured) ? "limit set"
						      : "");
	}
	table_print(&table, out, 0);
	render_pressure(json_object_get(result, "pressure"), out);
}

static enum paint paint_of_verdict(const char *verdict)
{
	if (strcmp(verdict, "drop") == 0)
		return PAINT_RED;
	return strcmp(verdict, "pass") == 0 ? PAINT_GREEN : PAINT_YELLOW;
}

void render_counters(const json_t *result, FILE *out)
{
	static const char *const head[] = {"DEVICE",   "VERDICT", "REASON",
					   "<PACKETS", "<BYTES",  NULL};
	const json_t *device, *counter;
	char buf[TEXT_NUMBER_MAX];
	struct table table;
	size_t i, k;

	table_init(&table, head);
	json_array_foreach(json_object_get(result, "devices"), i, device)
	{
		const json_t *received = json_object_get(device, "received");
		const char *name = get_text(device, "device");

		json_array_foreach(json_object_get(device, "counters"), k, counter)
		{
			const char *verdict = get_text(counter, "verdict");

			table_add(&table, PAINT_NONE, name);
			table_add(&table, paint_of_verdict(verdict), verdict);
			table_add(&table, PAINT_NONE, get_text(counter, "reason"));
			table_add(&table, PAINT_NONE, text_exact(get_u64(counter, "packets"), buf));
			table_add(&table, PAINT_NONE, text_exact(get_u64(counter, "bytes"), buf));
		}
		table_add(&table, PAINT_BOLD, name);
		table_add(&table, PAINT_BOLD, "received");
		table_add(&table, PAINT_NONE, "");
		table_add(&table, PAINT_BOLD, text_exact(get_u64(received, "packets"), buf));
		table_add(&table, PAINT_BOLD, text_exact(get_u64(received, "bytes"), buf));
	}
	if (table.count)
		table_print(&table, out, 0);
	else
		fputs("attached to no device\n", out);
}
