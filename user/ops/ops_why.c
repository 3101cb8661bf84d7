// SPDX-License-Identifier: MIT
/*
 * why ADDR: the explanation (core/explain.h) in words. Every sentence names what decides
 * and, where an operator can change it, the command that does.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "core/ban.h"
#include "core/explain.h"
#include "ops/commands.h"

#define OPS_SENTENCE_MAX 400

struct why {
	const char *address; /* as it was asked */
	struct hatago_prefix prefix;
	struct hatago_prefix allowed, denied; /* the entries that cover it */
	struct explain_client client;
	struct explain e;
	const struct hatago_rules *rules;
};

static void __attribute__((format(printf, 2, 3))) why_say(struct json *out, const char *format, ...)
{
	char text[OPS_SENTENCE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_str(out, NULL, text);
}

/* What an empty bucket means for a frame that needs `cost` tokens of it. */
static void why_say_bucket(const struct why *w, uint32_t d, const char *what, uint64_t cost,
			   struct json *out)
{
	const struct hatago_limit *limit = &w->rules->limit[d];
	char wait[TEXT_DURATION_MAX];
	uint64_t ns = bucket_wait_ns(w->e.slot.tat[d], limit, bucket_time(w->e.now_ns), cost);

	text_duration(ns, wait, sizeof(wait));
	if (ns == EXPLAIN_NEVER)
		why_say(out,
			"%s would be dropped: its %llu bytes are more than the burst of %llu; "
			"smaller ones pass.",
			what, (unsigned long long)cost, (unsigned long long)limit->burst);
	else
		why_say(out,
			"%s would be dropped: its bucket of %s has %llu of %llu tokens and the "
			"frame takes %llu. If it sends nothing, that is free again in %s.",
			what, ops_dimension_label(d), (unsigned long long)w->e.bucket[d].tokens,
			(unsigned long long)limit->burst, (unsigned long long)cost, wait);
}

static void why_say_overflow(const struct why *w, const char *what, uint64_t wait_ns,
			     struct json *out)
{
	char wait[TEXT_DURATION_MAX];

	text_duration(wait_ns, wait, sizeof(wait));
	why_say(out,
		"%s would be dropped: it has no slot of its own, since its set is full of clients "
		"that are being limited, and the bucket that it shares with others is empty. That "
		"is free again in %s.",
		what, wait);
	(void)w;
}

static void why_say_ban(const struct ops_context *ops, const struct why *w, struct json *out)
{
	char left[TEXT_DURATION_MAX], reason[HATAGO_NOTE_MAX + 8] = "";
	struct hatago_note note;

	if (view_note_get(ops->view, w->client.id, &note) == 0 && note.text[0])
		snprintf(reason, sizeof(reason), " (%.*s)", HATAGO_NOTE_MAX - 1, note.text);
	text_duration(w->e.ban_ns, left, sizeof(left));
	if (w->e.ban_ns == BAN_FOR_GOOD)
		why_say(out,
			"All it sends is dropped: it is banned%s until somebody lifts that: "
			"ban del %s.",
			reason, w->address);
	else
		why_say(out,
			"All it sends is dropped: it is banned%s for another %s; ban del %s "
			"lifts that.",
			reason, left, w->address);
}

static void why_say_escalation(const struct why *w, const char *what, struct json *out)
{
	char left[TEXT_DURATION_MAX];

	text_duration(w->e.escalated_ns, left, sizeof(left));
	why_say(out,
		"%s would be dropped: the gate refused its requests too often. That ends when its "
		"debt is over, in %s if it asks for nothing; connections that it has go on.",
		what, left);
}

/* What the gate would say to a request, which is no frame: so it is beside the verdict. */
static void why_say_requests(const struct why *w, struct json *out)
{
	const struct explain_bucket *b = &w->e.bucket[HATAGO_DIM_REQUESTS];
	char wait[TEXT_DURATION_MAX];

	if (!b->enabled || !b->wait_ns)
		return;
	text_duration(b->wait_ns, wait, sizeof(wait));
	why_say(out,
		"Its next request would be refused by the gate: %s bucket of requests has %llu of "
		"%llu tokens. There is one again in %s.",
		w->e.place == EXPLAIN_OVERFLOW ? "the shared" : "its",
		(unsigned long long)b->tokens, (unsigned long long)b->limit->burst, wait);
}

static void why_say_list(const struct why *w, bool is_allowed, struct json *out)
{
	char entry[PREFIX_TEXT_MAX];

	prefix_format(is_allowed ? &w->allowed : &w->denied, entry);
	if (is_allowed)
		why_say(out,
			"All it sends passes uncharged: the allow list has %s, and that wins "
			"over everything else.",
			entry);
	else
		why_say(out,
			"All it sends is dropped: the deny list has %s. It ends with: deny del "
			"%s.",
			entry, entry);
}

/* The sentence for one of the two frames: an ordinary one, or one that opens a connection. */
static void why_say_verdict(const struct ops_context *ops, const struct why *w,
			    const struct explain_verdict *v, const char *what, uint64_t bytes,
			    struct json *out)
{
	switch (v->reason) {
	case HATAGO_REASON_NOT_PROTECTED:
		why_say(out, "All it sends passes uncharged: no port of %s is protected here.",
			prefix_is_ipv4(&w->prefix) ? "IPv4" : "IPv6");
		break;
	case HATAGO_REASON_ALLOWED:
	case HATAGO_REASON_DENIED:
		why_say_list(w, v->reason == HATAGO_REASON_ALLOWED, out);
		break;
	case HATAGO_REASON_BANNED:
		why_say_ban(ops, w, out);
		break;
	case HATAGO_REASON_ESCALATED:
		why_say_escalation(w, what, out);
		break;
	case HATAGO_REASON_OVERFLOW_LIMIT:
		why_say_overflow(w, what, v->wait_ns, out);
		break;
	case HATAGO_REASON_LIMIT_CONNECTIONS:
	case HATAGO_REASON_LIMIT_PACKETS:
		why_say_bucket(w, v->reason - HATAGO_REASON_LIMIT_CONNECTIONS, what, 1, out);
		break;
	case HATAGO_REASON_LIMIT_BYTES:
		why_say_bucket(w, HATAGO_DIM_BYTES, what, bytes, out);
		break;
	case HATAGO_REASON_OVERFLOW:
		why_say(out,
			"%s would pass: it has no slot of its own, since its set is full of "
			"clients that are being limited, but the bucket that it shares with others "
			"has tokens.",
			what);
		break;
	default:
		why_say(out, "%s would pass: %s.", what,
			w->rules->dimensions ? "every bucket of it has the tokens"
					     : "no limit is set");
	}
}

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
