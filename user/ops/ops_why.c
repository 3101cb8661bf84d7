// SPDX-License-Identifier: MIT
/*
 * why ADDR: the explanation (core/explain.h), as data and in words (why_words.c).
 */
#include "ops/why.h"

/* What is true beside the verdict. */
static void why_say_rest(const struct ops_context *ops, const struct why *w, struct json *out)
{
	bool attached = false;

	for (size_t i = 0; i < ops->view->device_count; i++)
		attached |= ops->view->devices[i].attached;
	if (w->e.frame.verdict == HATAGO_VERDICT_WOULD_DROP ||
	    w->e.connection.verdict == HATAGO_VERDICT_WOULD_DROP)
		why_say(out, "But enforce is false: it is only counted as dropped, and passes.");
	if (!attached)
		why_say(out, "But the edge is attached to no device: nothing is dropped at all.");
	if (w->e.place == EXPLAIN_KNOWN && w->e.slot.drops)
		why_say(out, "So far %llu of its %llu packets were dropped.",
			(unsigned long long)w->e.slot.drops, (unsigned long long)w->e.slot.packets);
	if (w->e.inv > HATAGO_INV_ONE)
		why_say(out,
			"The machine is under pressure: what it sends counts %.4g times in its "
			"buckets.",
			(double)w->e.inv / HATAGO_INV_ONE);
	if (w->client.is_allowed && w->client.is_denied)
		why_say(out, "It is on the deny list as well.");
	if (w->client.is_allowed && w->e.ban_ns)
		why_say(out, "It is banned as well.");
	if (w->client.is_allowed && w->e.escalated_ns)
		why_say(out, "It is escalated as well.");
	if (w->e.place == EXPLAIN_NEW && w->e.frame.reason == HATAGO_REASON_WITHIN_LIMITS)
		why_say(out, "It is not in the table: not seen lately, or full again since.");
}

static void why_write_verdict(const char *key, const struct explain_verdict *v, struct json *out)
{
	json_object_begin(out, key);
	json_str(out, "verdict", ops_verdict_label(v->verdict));
	json_str(out, "reason", ops_reason_label(v->reason));
	json_str(out, "help", ops_reason_help(v->reason));
	ops_write_ms("passes_in_ms", v->wait_ns, out);
	json_object_end(out);
}

static void why_write_buckets(const struct explain *e, struct json *out)
{
	json_array_begin(out, "buckets");
	for (uint32_t d = 0; d < HATAGO_DIM_COUNT; d++) {
		const struct explain_bucket *b = &e->bucket[d];

		if (!b->enabled)
			continue;
		json_object_begin(out, NULL);
		json_str(out, "dimension", ops_dimension_label(d));
		json_u64(out, "tokens", b->tokens);
		json_u64(out, "burst", b->limit->burst);
		json_double(out, "rate", (double)b->limit->rate_milli / 1000);
		json_u64(out, "needs", b->cost);
		ops_write_ms("has_them_in_ms", b->wait_ns, out);
		json_object_end(out);
	}
	json_array_end(out);
}

static void why_write(const struct ops_context *ops, const struct why *w, struct json *out)
{
	static const char *const places[] = {
		[EXPLAIN_KNOWN] = "known",
		[EXPLAIN_NEW] = "new",
		[EXPLAIN_OVERFLOW] = "overflow",
	};

	json_str(out, "address", w->address);
	ops_write_client_id(w->client.id, w->rules, "client", out);
	json_str(out, "place", places[w->e.place]);
	why_write_verdict("packet", &w->e.frame, out);
	why_write_verdict("connection", &w->e.connection, out);
	json_array_begin(out, "words");
	why_say_verdict(ops, w, &w->e.frame, "Its next full packet", EXPLAIN_FRAME_BYTES, out);
	if (w->e.connection.reason != w->e.frame.reason)
		why_say_verdict(ops, w, &w->e.connection, "A new connection", EXPLAIN_SYN_BYTES,
				out);
	why_say_requests(w, out);
	why_say_rest(ops, w, out);
	json_array_end(out);
	ops_write_ms("escalated_ms", w->e.escalated_ns, out);
	why_write_buckets(&w->e, out);
	ops_write_ports(w->rules, "protect", out);
}

int ops_why(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct why w = {.address = ops_text(args, "address")};
	struct clients clients;
	int r = ops_clients(ops, &clients, err);

	if (r < 0 || !ops_prefix(args, "address", &w.prefix))
		return r;
	w.rules = clients.rules;
	w.client.id = prefix_client(&w.prefix, clients.rules);
	w.client.is_allowed =
		view_list_match(ops->view, VIEW_ALLOW, w.prefix.address, &w.allowed) > 0;
	w.client.is_denied = view_list_match(ops->view, VIEW_DENY, w.prefix.address, &w.denied) > 0;
	explain_client(&w.client, &clients, ops->mono_ns(), &w.e);
	why_write(ops, &w, out);
	return 0;
}
