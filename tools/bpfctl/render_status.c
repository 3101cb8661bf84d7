// SPDX-License-Identifier: MIT
/*
 * status: the screen that one looks at when something is wrong. What is wrong stands out;
 * what is not there (hatagod, a device, enforcement) is said and not left out.
 */
#include <string.h>

#include "bpfctl.h"
#include "text.h"

void status_label(FILE *out, const char *label)
{
	text_paint(out, PAINT_BOLD, "%-*s", STATUS_COLUMN, label);
}

static void status_daemon(const json_t *hatagod, FILE *out)
{
	const json_t *complaint;
	char buf[TEXT_NUMBER_MAX];
	size_t i;

	status_label(out, "hatagod");
	if (!json_is_object(hatagod)) {
		text_paint(out, PAINT_RED, "DOWN");
		fputs(": the edge goes on by itself, as it was left\n", out);
		return;
	}
	text_paint(out, PAINT_GREEN, "up");
	fprintf(out, " %s, pid %lld, version %s, %s\n", text_ms(get_u64(hatagod, "up_ms"), buf),
		(long long)get_u64(hatagod, "pid"), get_text(hatagod, "version"),
		get_text(hatagod, "config"));
	if (*get_text(hatagod, "reload_failure")) {
		status_label(out, "");
		text_paint(out, PAINT_RED, "RELOAD FAILED: ");
		text_wrap(out, STATUS_COLUMN + 15, STATUS_COLUMN,
			  get_text(hatagod, "reload_failure"));
	}
	json_array_foreach(json_object_get(hatagod, "complaints"), i, complaint)
	{
		status_label(out, "");
		text_paint(out, PAINT_YELLOW, "! ");
		text_wrap(out, STATUS_COLUMN + 2, STATUS_COLUMN + 2, json_string_value(complaint));
	}
}

static void status_device_state(const json_t *device, FILE *out)
{
	const char *state = get_text(device, "state");
	char buf[TEXT_NUMBER_MAX];

	if (strcmp(state, "attached") == 0)
		fprintf(out, ", attached %s ago", text_ms(get_u64(device, "attached_for_ms"), buf));
	else if (strcmp(state, "unconfirmed") == 0)
		text_paint(out, PAINT_YELLOW, ", NOT CONFIRMED: detaches in %s",
			   text_ms(get_u64(device, "confirm_within_ms"), buf));
	else if (strcmp(state, "standing_aside") == 0)
		text_paint(out, PAINT_RED, ", NOT CONFIRMED IN TIME: passes everything");
	else
		text_paint(out, PAINT_RED, ", NOT ATTACHED ANY MORE: passes everything");
}

static void status_devices(const json_t *devices, FILE *out)
{
	static const char *const modes[][2] = {
		{"native", "native XDP"}, {"generic", "generic XDP"}, {"tc", "tc"}};
	const json_t *device;
	size_t i;

	if (json_array_size(devices) == 0) {
		status_label(out, "device");
		text_paint(out, PAINT_RED, "NONE");
		fputs(": the edge is attached nowhere and drops nothing\n", out);
	}
	json_array_foreach(devices, i, device)
	{
		const char *mode = get_text(device, "mode");

		for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
			if (strcmp(modes[m][0], mode) == 0)
				mode = modes[m][1];
		status_label(out, i ? "" : "device");
		text_paint(out, PAINT_BOLD, "%s", get_text(device, "device"));
		text_paint(out, get_bool(device, "degraded") ? PAINT_YELLOW : PAINT_NONE, " %s",
			   mode);
		status_device_state(device, out);
		fputc('\n', out);
		if (get_bool(device, "degraded")) {
			status_label(out, "");
			text_paint(out, PAINT_YELLOW, "DEGRADED, not native: ");
			text_wrap(out, STATUS_COLUMN + 22, STATUS_COLUMN, get_text(device, "why"));
		}
	}
}

static void status_ports(const json_t *edge, FILE *out)
{
	const json_t *ports = json_object_get(edge, "protect"), *item;
	char line[600] = "";
	size_t i;

	status_label(out, "protects");
	json_array_foreach(ports, i, item)
	{
		size_t at = strlen(line);

		snprintf(line + at, sizeof(line) - at, "%s%s", i ? ", " : "",
			 json_string_value(item));
	}
	if (!*line) {
		text_paint(out, PAINT_RED, "NOTHING");
		fputs(": edge.protect is empty\n", out);
		return;
	}
	if (json_array_size(json_object_get(edge, "families")) == 1) {
		size_t at = strlen(line);

		snprintf(line + at, sizeof(line) - at, " (%s only)",
			 json_string_value(json_array_get(json_object_get(edge, "families"), 0)));
	}
	text_wrap(out, STATUS_COLUMN, STATUS_COLUMN, line);
}

static void status_enforce(const json_t *edge, FILE *out)
{
	status_label(out, "enforce");
	if (get_bool(edge, "enforce")) {
		text_paint(out, PAINT_GREEN, "on");
		fputc('\n', out);
	} else {
		text_paint(out, PAINT_RED, "OFF");
		fputs(": it counts what it would drop, and drops nothing\n", out);
	}
}

static void status_limits(const json_t *edge, FILE *out)
{
	char line[600] = "", a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];
	const json_t *limit;
	size_t i;

	json_array_foreach(json_object_get(edge, "limits"), i, limit)
	{
		const json_t *configured = json_object_get(limit, "as_configured");
		size_t at = strlen(line);

		if (get_bool(limit, "enabled"))
			snprintf(line + at, sizeof(line) - at,
				 "%s%s" TEXT_GLUE "%s/s" TEXT_GLUE "(burst" TEXT_GLUE "%s)%s%s",
				 at ? ", " : "", get_text(limit, "dimension"),
				 text_si(get_number(limit, "rate"), a),
				 text_si(get_number(limit, "burst"), b),
				 get_bool(limit, "shared") ? TEXT_GLUE "of" TEXT_GLUE "all" : "",
				 json_is_false(configured) ? TEXT_GLUE "by" TEXT_GLUE
								       "limit" TEXT_GLUE "set"
							   : "");
	}
	status_label(out, "limits");
	text_wrap(out, STATUS_COLUMN, STATUS_COLUMN, *line ? line : "none");
}

static void status_table(const json_t *edge, FILE *out)
{
	const json_t *table = json_object_get(edge, "table");
	uint64_t slots = get_u64(table, "slots"), full = get_u64(table, "full_sets");
	uint64_t occupied = get_u64(table, "occupied");
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX], c[TEXT_NUMBER_MAX], d[TEXT_NUMBER_MAX];

	status_label(out, "clients");
	fprintf(out, "%s seen in %s slots (%llu %%), %s active, ", text_exact(occupied, a),
		text_exact(slots, b), (unsigned long long)(slots ? occupied * 100 / slots : 0),
		text_exact(get_u64(table, "live"), c));
	text_paint(out, get_u64(table, "banned") ? PAINT_RED : PAINT_NONE, "%s banned\n",
		   text_exact(get_u64(table, "banned"), d));
	if (full) {
		status_label(out, "");
		text_paint(out, PAINT_YELLOW,
			   "%s sets are full: newcomers there share one bucket\n",
			   text_exact(full, a));
	}
	status_label(out, "lists");
	fprintf(out, "allow %s, deny %s\n", get_bool(edge, "allow_list") ? "has entries" : "empty",
		get_bool(edge, "deny_list") ? "has entries" : "empty");
}

static void status_rate_row(struct table *table, enum paint paint, const char *what,
			    const char *reason, const json_t *rate)
{
	char buf[TEXT_NUMBER_MAX];

	table_add(table, paint, what);
	table_add(table, PAINT_NONE, reason);
	table_add(table, PAINT_NONE, text_si(get_number(rate, "packets"), buf));
	table_add(table, PAINT_NONE, text_si(get_number(rate, "bytes") * 8, buf));
}

static void status_rates(const json_t *rates, FILE *out)
{
	static const char *const head[] = {"NOW", "REASON", "<PACKETS/s", "<BIT/s", NULL};
	static const char *const names[][2] = {
		{"pass", "passed"}, {"drop", "DROPPED"}, {"would_drop", "would drop"}};
	const json_t *row;
	struct table table;
	size_t i;

	if (!json_is_object(rates))
		return;
	fputc('\n', out);
	table_init(&table, head);
	for (size_t v = 0; v < sizeof(names) / sizeof(names[0]); v++) {
		const json_t *rate = json_object_get(rates, names[v][0]);
		enum paint paint = v == 1 ? PAINT_RED : v ? PAINT_YELLOW : PAINT_GREEN;

		if (v && get_number(rate, "packets") <= 0)
			continue;
		status_rate_row(&table, paint, names[v][1], "", rate);
		json_array_foreach(json_object_get(rates, "by_reason"), i,
				   row) if (strcmp(get_text(row, "verdict"), names[v][0]) == 0)
			status_rate_row(&table, PAINT_NONE, "", get_text(row, "reason"),
					json_object_get(row, "per_second"));
	}
	table_print(&table, out, 0);
}

static void status_top(const json_t *top, FILE *out)
{
	static const char *const head[] = {"MOST DROPS", "STATE", "<DROPS", "<PACKETS", NULL};
	const json_t *client;
	struct table table;
	size_t i;

	if (json_array_size(top) == 0) {
		fputs("\nno client was over its limits or banned\n", out);
		return;
	}
	fputc('\n', out);
	table_init(&table, head);
	json_array_foreach(top, i, client)
	{
		table_add(&table, PAINT_NONE, get_text(client, "client"));
		table_add(&table, PAINT_NONE, get_text(client, "state"));
		table_add_number(&table, PAINT_NONE, get_u64(client, "drops"));
		table_add_number(&table, PAINT_NONE, get_u64(client, "packets"));
	}
	table_print(&table, out, 0);
	text_paint(out, PAINT_DIM, "more: client list; the reason for one of them: why ADDR\n");
}

void render_status(const json_t *result, FILE *out)
{
	const json_t *edge = json_object_get(result, "edge");

	status_daemon(json_object_get(result, "hatagod"), out);
	render_gate(json_object_get(result, "gate"), out);
	render_load(json_object_get(result, "load"), out);
	if (!json_is_object(edge)) {
		status_label(out, "edge");
		text_paint(out, PAINT_RED, "NONE: ");
		text_wrap(out, STATUS_COLUMN + 6, STATUS_COLUMN, get_text(result, "no_edge"));
		return;
	}
	status_devices(json_object_get(edge, "devices"), out);
	status_enforce(edge, out);
	status_ports(edge, out);
	status_limits(edge, out);
	render_pressure(json_object_get(edge, "pressure"), out);
	status_table(edge, out);
	status_rates(json_object_get(edge, "rates"), out);
	status_top(json_object_get(edge, "top"), out);
}
