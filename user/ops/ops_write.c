// SPDX-License-Identifier: MIT
/*
 * The parts that several results share, each written in one place so that a client, a
 * limit or a time looks the same in every command.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "core/ban.h"
#include "core/explain.h"
#include "hatago/reason.h"
#include "ops/commands.h"

#define OPS_PORT_TEXT_MAX 24

int ops_clients(const struct ops_context *ops, struct clients *ret, struct err *err)
{
	if (!ops->view)
		return err_set(err, ops->view_code, "%s",
			       ops->view_err.text[0] ? ops->view_err.text
						     : "there is no edge: the configuration has no "
						       "section `edge`");
	*ret = view_clients(ops->view);
	return 0;
}

int ops_clients_writable(const struct ops_context *ops, struct clients *ret, struct err *err)
{
	int r = ops_clients(ops, ret, err);

	if (r == 0 && !ops->view->writable)
		return err_set(err, -EPERM, "no right to change what is pinned in %s",
			       ops->view->pins);
	return r;
}

#define OPS_REASON_LABEL(name, label, verdict, help) [HATAGO_REASON_##name] = label,
#define OPS_REASON_HELP(name, label, verdict, help)  [HATAGO_REASON_##name] = help,
#define OPS_VERDICT_LABEL(name, label, help)	     [HATAGO_VERDICT_##name] = label,
#define OPS_DIMENSION_LABEL(name, label, unit)	     [HATAGO_DIM_##name] = label,
#define OPS_DIMENSION_UNIT(name, label, unit)	     [HATAGO_DIM_##name] = unit,

const char *ops_reason_label(uint32_t reason)
{
	static const char *const labels[] = {HATAGO_REASONS(OPS_REASON_LABEL)};

	return labels[reason];
}

const char *ops_reason_help(uint32_t reason)
{
	static const char *const help[] = {HATAGO_REASONS(OPS_REASON_HELP)};

	return help[reason];
}

const char *ops_verdict_label(uint32_t verdict)
{
	static const char *const labels[] = {HATAGO_VERDICTS(OPS_VERDICT_LABEL)};

	return labels[verdict];
}

const char *ops_dimension_label(uint32_t dimension)
{
	static const char *const labels[] = {HATAGO_DIMENSIONS(OPS_DIMENSION_LABEL)};

	return labels[dimension];
}

const char *ops_dimension_unit(uint32_t dimension)
{
	static const char *const units[] = {HATAGO_DIMENSIONS(OPS_DIMENSION_UNIT)};

	return units[dimension];
}

void ops_write_ms(const char *key, uint64_t ns, struct json *out)
{
	if (ns == UINT64_MAX)
		json_nil(out, key);
	else
		json_u64(out, key, ns / OPS_MS + (ns % OPS_MS != 0));
}

void ops_write_time(const char *key, uint64_t real_ns, struct json *out)
{
	char text[TEXT_TIME_MAX];

	text_time_utc(real_ns, text, sizeof(text));
	json_str(out, key, real_ns ? text : NULL);
}

void ops_write_client_id(struct hatago_client_id id, const struct hatago_rules *rules,
			 const char *key, struct json *out)
{
	char text[PREFIX_TEXT_MAX];
	struct hatago_prefix prefix;

	client_id_prefix(id, rules, &prefix);
	prefix_format(&prefix, text);
	json_str(out, key, text);
}

/* Would a frame be refused by a bucket now? */
static bool ops_is_limited(const struct hatago_slot *slot, const struct clients *clients,
			   uint64_t now_ns)
{
	const struct hatago_rules *rules = clients->rules;
	uint32_t inv = pressure_inv(&clients->config->pressure, slot, now_ns);
	static const uint64_t cost[HATAGO_DIM_COUNT] = {
		[HATAGO_DIM_CONNECTIONS] = 1,
		[HATAGO_DIM_PACKETS] = 1,
		[HATAGO_DIM_BYTES] = EXPLAIN_FRAME_BYTES,
	};

	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if ((rules->dimensions & (1u << d)) &&
		    bucket_wait_scaled_ns(slot->tat[d], &rules->limit[d], bucket_time(now_ns),
					  cost[d], inv))
			return true;
	return false;
}

/* banned, limited: a full frame would be dropped; escalated: a new connection would be; active:
 * in debt or trusted; idle: as if never seen */
static const char *ops_slot_state(const struct hatago_slot *slot, const struct clients *clients,
				  uint64_t now_ns)
{
	uint32_t tick = tick_of(now_ns);

	if (slot_is_banned(slot, tick))
		return "banned";
	if (slot_is_escalated(slot, tick))
		return "escalated";
	if (ops_is_limited(slot, clients, now_ns))
		return "limited";
	return slot_is_idle(slot, clients->rules, now_ns) ? "idle" : "active";
}

void ops_write_slot(const struct hatago_slot *slot, const struct clients *clients, uint64_t now_ns,
		    struct json *out)
{
	json_str(out, "state", ops_slot_state(slot, clients, now_ns));
	json_u64(out, "drops", slot->drops);
	json_u64(out, "packets", slot->packets);
	json_u64(out, "bytes", slot->bytes);
	json_bool(out, "trusted", slot_is_trusted(slot, tick_of(now_ns)));
}

void ops_write_ban(const struct ops_context *ops, struct hatago_client_id id, uint32_t until,
		   struct json *out)
{
	uint64_t left = ban_remaining_ns(until, ops->mono_ns());
	struct hatago_note note = {0};

	ops_write_ms("remaining_ms", left, out);
	ops_write_time("until", left == BAN_FOR_GOOD ? 0 : ops->real_ns() + left, out);
	if (view_note_get(ops->view, id, &note) < 0)
		note.since_ns = 0;
	note.text[sizeof(note.text) - 1] = '\0';
	ops_write_time("since", note.since_ns, out);
	json_str(out, "reason", note.text);
}

static bool ops_port_is_protected(const struct hatago_rules *rules, int protocol, uint32_t port)
{
	return port < 65536 && (rules->port[protocol][port / 64] >> (port % 64) & 1);
}

static void ops_write_port_ranges(const struct hatago_rules *rules, int protocol, struct json *out)
{
	static const char *const names[] = {[HATAGO_TCP] = "tcp", [HATAGO_UDP] = "udp"};
	char text[OPS_PORT_TEXT_MAX];

	for (uint32_t first = 0; first < 65536; first++) {
		uint32_t last = first;

		if (!ops_port_is_protected(rules, protocol, first))
			continue;
		while (ops_port_is_protected(rules, protocol, last + 1))
			last++;
		if (first == last)
			snprintf(text, sizeof(text), "%u/%s", first, names[protocol]);
		else
			snprintf(text, sizeof(text), "%u-%u/%s", first, last, names[protocol]);
		json_str(out, NULL, text);
		first = last;
	}
}

void ops_write_ports(const struct hatago_rules *rules, const char *key, struct json *out)
{
	json_array_begin(out, key);
	if (rules->flags & HATAGO_PROTECT_ALL)
		json_str(out, NULL, "all");
	else if (rules->flags & HATAGO_PROTECT_PORT)
		for (int p = 0; p < HATAGO_PORT_PROTOCOLS; p++)
			ops_write_port_ranges(rules, p, out);
	if (rules->flags & HATAGO_PROTECT_ICMP)
		json_str(out, NULL, "icmp");
	json_array_end(out);
}
