// SPDX-License-Identifier: MIT
/*
 * One client: client show, and why, whose words come from ops/ops_why.c.
 */
#include <string.h>

#include "bpfctl.h"
#include "text.h"

static void client_buckets(const json_t *buckets, const char *wait_key, const char *wait_head,
			   FILE *out)
{
	const char *const head[] = {"BUCKET", "<TOKENS", "<BURST", "<RATE/s", wait_head, NULL};
	const json_t *bucket;
	char buf[TEXT_NUMBER_MAX];
	struct table table;
	size_t i;

	table_init(&table, head);
	json_array_foreach(buckets, i, bucket)
	{
		const json_t *wait = json_object_get(bucket, wait_key);
		bool lacks = json_is_null(wait) || json_integer_value(wait) > 0;

		table_add(&table, PAINT_NONE, get_text(bucket, "dimension"));
		table_add(&table, PAINT_NONE, text_exact(get_u64(bucket, "tokens"), buf));
		table_add(&table, PAINT_NONE, text_exact(get_u64(bucket, "burst"), buf));
		table_add(&table, PAINT_NONE, text_decimal(get_number(bucket, "rate"), buf));
		table_add(&table, lacks ? PAINT_YELLOW : PAINT_GREEN,
			  json_is_null(wait) ? "never"
			  : lacks	     ? text_ms(get_u64(bucket, wait_key), buf)
					     : "now");
	}
	if (json_array_size(buckets))
		table_print(&table, out, 0);
	else
		fputs("no limit is set\n", out);
}

static void client_ban(const json_t *ban, FILE *out)
{
	const char *reason = get_text(ban, "reason");
	char buf[TEXT_NUMBER_MAX];

	text_paint(out, PAINT_RED, "banned");
	if (json_is_null(json_object_get(ban, "remaining_ms")))
		fputs(" until it is lifted", out);
	else
		fprintf(out, " for another %s, until %s",
			text_ms(get_u64(ban, "remaining_ms"), buf), get_text(ban, "until"));
	fprintf(out, "%s%s\n", *reason ? ": " : "", reason);
}

static void client_trust(const json_t *result, FILE *out)
{
	const json_t *open = json_object_get(result, "open_connections");

	if (json_is_string(json_object_get(result, "trusted_until")))
		fprintf(out, "trusted until %s", get_text(result, "trusted_until"));
	else
		fputs("trusted for good", out);
	if (json_is_integer(open))
		fprintf(out, "; %llu connections open",
			(unsigned long long)json_integer_value(open));
	fputc('\n', out);
}

static void client_escalation(const json_t *escalation, FILE *out)
{
	char buf[TEXT_NUMBER_MAX];

	text_paint(out, PAINT_RED, "escalated");
	fprintf(out, " for another %s, until %s: its new connections are dropped\n",
		text_ms(get_u64(escalation, "remaining_ms"), buf), get_text(escalation, "until"));
}

void render_client(const json_t *result, FILE *out)
{
	const json_t *ban = json_object_get(result, "ban");
	const json_t *escalation = json_object_get(result, "escalation");
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX], c[TEXT_NUMBER_MAX];

	text_paint(out, PAINT_BOLD, "%s", get_text(result, "client"));
	fprintf(out, "  %s%s\n", get_text(result, "state"),
		get_bool(result, "trusted") ? ", trusted" : "");
	fprintf(out, "sent %s packets, %s bytes; %s packets were dropped\n",
		text_exact(get_u64(result, "packets"), a), text_exact(get_u64(result, "bytes"), b),
		text_exact(get_u64(result, "drops"), c));
	if (json_is_object(ban))
		client_ban(ban, out);
	if (json_is_object(escalation))
		client_escalation(escalation, out);
	if (get_bool(result, "trusted"))
		client_trust(result, out);
	client_buckets(json_object_get(result, "buckets"), "full_in_ms", "<FULL IN", out);
}

static void why_ports(const json_t *result, FILE *out)
{
	const json_t *ports = json_object_get(result, "protect"), *port;
	char line[512] = "";
	size_t i;

	json_array_foreach(ports, i, port)
	{
		size_t at = strlen(line);

		snprintf(line + at, sizeof(line) - at, "%s%s", i ? ", " : "",
			 json_string_value(port));
	}
	fputs("This is about ", out);
	if (strcmp(line, "all") == 0)
		fputs("everything it sends here: all is protected.\n", out);
	else if (!*line)
		fputs("protected ports, of which there are none: nothing is dropped.\n", out);
	else {
		size_t at = strlen(line);

		snprintf(line + at, sizeof(line) - at,
			 "; whatever else it sends passes uncharged.");
		text_wrap(out, 14, 2, line);
	}
}

void render_why(const json_t *result, FILE *out)
{
	const json_t *packet = json_object_get(result, "packet"), *word;
	const char *verdict = get_text(packet, "verdict"), *client = get_text(result, "client");
	bool passes = strcmp(verdict, "pass") == 0;
	size_t i;

	text_paint(out, PAINT_BOLD, "%s", get_text(result, "address"));
	if (strcmp(client, get_text(result, "address")) != 0)
		fprintf(out, " (client %s)", client);
	fputs("  ", out);
	text_paint(out, passes ? PAINT_GREEN : PAINT_RED, "%s", verdict);
	fprintf(out, ", %s\n", get_text(packet, "reason"));
	json_array_foreach(json_object_get(result, "words"), i, word)
		text_wrap(out, 0, 2, json_string_value(word));
	why_ports(result, out);
	client_buckets(json_object_get(result, "buckets"), "has_them_in_ms", "<FREE", out);
}
