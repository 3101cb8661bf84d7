// SPDX-License-Identifier: MIT
/*
 * The sentences of why ADDR. Each names what decides and, where an operator can change it,
 * the command that does.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "core/ban.h"
#include "ops/why.h"

#define WHY_SENTENCE_MAX 400

void why_say(struct json *out, const char *format, ...)
{
	char text[WHY_SENTENCE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_str(out, NULL, text);
}

/* Tokens that count for so many at the scale in force. */
static uint64_t why_cost(const struct why *w, uint32_t d, uint64_t cost)
{
	uint64_t burst = w->rules->limit[d].burst;
	double scaled = ceil((double)cost * w->e.inv / HATAGO_INV_ONE);

	return scaled < (double)burst ? (uint64_t)scaled : burst;
}

/* What an empty bucket means for a frame that needs `cost` tokens of it. */
static void why_say_bucket(const struct why *w, uint32_t d, const char *what, uint64_t cost,
			   struct json *out)
{
	const struct hatago_limit *limit = &w->rules->limit[d];
	char wait[TEXT_DURATION_MAX];
	uint64_t ns = bucket_wait_scaled_ns(w->e.slot.tat[d], limit, bucket_time(w->e.now_ns), cost,
					    w->e.inv);

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
			(unsigned long long)limit->burst, (unsigned long long)why_cost(w, d, cost),
			wait);
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

static void why_say_open(const struct why *w, const char *what, struct json *out)
{
	why_say(out,
		"%s would be dropped: it has %u connections open with the gate and may have %u "
		"(gate.maxConnectionsPerClient). That ends when it closes one, or hatagod stops.",
		what, w->e.open, w->rules->max_connections);
}

static void why_say_strangers(const char *what, struct json *out)
{
	why_say(out,
		"%s would be dropped at its first try: the edge is told to be careful with clients "
		"that did not complete a handshake with the gate lately, and the budget that these "
		"share is used up. TCP tries again after 1 s, and the second try draws on another "
		"budget, as long as that has any left.",
		what);
}

/* What the gate would say to a request, which is no frame: so it is beside the verdict. */
void why_say_requests(const struct why *w, struct json *out)
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
void why_say_verdict(const struct ops_context *ops, const struct why *w,
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
	case HATAGO_REASON_LIMIT_OPEN:
		why_say_open(w, what, out);
		break;
	case HATAGO_REASON_STRANGERS:
		why_say_strangers(what, out);
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
