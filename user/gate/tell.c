// SPDX-License-Identifier: MIT
/*
 * What the gate tells of its decisions: events for the hooks, and the edge, which drops the new
 * connections of whoever goes on after its refusals. Events are bounded; what is one too
 * many is counted.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "gate/parts.h"

#define NS_PER_S     1000000000ULL
#define NS_PER_MS    1000000ULL
#define EVENTS_PER_S 64 /* refusals that a worker tells the hooks of */

static const char *client_text(const struct exchange *x, char text[GATE_CLIENT_TEXT_MAX])
{
	struct hatago_prefix prefix;

	if (x->name_length)
		snprintf(text, GATE_CLIENT_TEXT_MAX, "%.*s", x->name_length, x->name);
	else if (!x->id_is_address)
		snprintf(text, GATE_CLIENT_TEXT_MAX, "unix");
	else {
		client_id_prefix(x->id, x->worker->settings->rules, &prefix);
		prefix_format(&prefix, text);
	}
	return text;
}

/* An event no more than so often; the others count as dropped. */
static bool may_tell(struct worker *w, uint64_t now_ns)
{
	if (now_ns - w->told_since_ns > NS_PER_S) {
		w->told_since_ns = now_ns;
		w->told = 0;
	}
	if (w->told++ < EVENTS_PER_S)
		return true;
	__atomic_fetch_add(&w->gate->events_dropped, 1, __ATOMIC_RELAXED);
	return false;
}

void tell_refusal(struct exchange *x, const struct refusal *refusal)
{
	char client[GATE_CLIENT_TEXT_MAX], method[RPC_METHOD_MAX + 1];
	struct json out;

	if (!may_tell(x->worker, x->began_ns))
		return;
	json_init(&out);
	json_object_begin(&out, NULL);
	json_str(&out, "clientId", client_text(x, client));
	json_str(&out, "type", refusal_label(refusal->kind));
	snprintf(method, sizeof(method), "%.*s", (int)x->first.method_length, x->first.method);
	json_str(&out, "method", method[0] ? method : NULL);
	json_u64(&out, "retryAfter", refusal->retry_after_s);
	if (refusal->max_concurrent) { /* not of a rate */
		json_u64(&out, "queuePosition", refusal->queue_position);
		json_u64(&out, "current", refusal->current);
		json_u64(&out, "maxConcurrent", refusal->max_concurrent);
	}
	json_object_end(&out);
	gate_tell(x->worker->gate, GATE_LIMIT_EXCEEDED, json_take(&out));
}

void tell_queue(struct gate *gate, uint64_t now_ns)
{
	uint32_t queued = admission_queued(gate->admission);
	struct json out;

	if (queued == gate->queue_told ||
	    ((queued && gate->queue_told) &&
	     now_ns - gate->queue_told_ns < GATE_QUEUE_EVENT_MS * NS_PER_MS))
		return;
	if (now_ns - gate->queue_told_ns < GATE_QUEUE_EVENT_MS * NS_PER_MS / 10)
		return;
	gate->queue_told = queued;
	gate->queue_told_ns = now_ns;
	json_init(&out);
	json_object_begin(&out, NULL);
	json_u64(&out, "queueSize", queued);
	json_u64(&out, "waitTime", admission_estimate_ns(gate->admission, queued) / NS_PER_MS);
	json_object_end(&out);
	gate_tell(gate, GATE_QUEUE_CHANGED, json_take(&out));
}

void tell_breaker(struct gate *gate, const struct upstream *upstream,
		  const struct breaker_change *change, bool has_opened)
{
	struct json out;

	json_init(&out);
	json_object_begin(&out, NULL);
	json_str(&out, "upstream", upstream->name);
	json_str(&out, "oldState", breaker_state_name(change->from));
	json_str(&out, "newState", breaker_state_name(change->to));
	json_str(&out, "reason", breaker_reason_name(change->reason));
	json_str(&out, "allUpstreams", breaker_state_name(gate->breaker_state));
	json_object_end(&out);
	gate_tell(gate, GATE_BREAKER_CHANGED, json_take(&out));
	if (!has_opened)
		return;
	json_init(&out);
	json_object_begin(&out, NULL);
	json_str(&out, "reason", breaker_reason_name(change->reason));
	json_object_end(&out);
	gate_tell(gate, GATE_CIRCUIT_OPENED, json_take(&out));
}

void tell_limit(struct gate *gate, uint32_t old, uint32_t limit, const char *reason)
{
	struct json out;

	json_init(&out);
	json_object_begin(&out, NULL);
	json_u64(&out, "oldLimit", old);
	json_u64(&out, "limit", limit);
	json_str(&out, "reason", reason);
	json_u64(&out, "current", admission_running(gate->admission));
	json_u64(&out, "queueSize", admission_queued(gate->admission));
	json_object_end(&out);
	gate_tell(gate, GATE_LIMIT_CHANGED, json_take(&out));
}

/* Does the peer speak for others, whose names it gives in a header? */
static bool is_proxy(const struct exchange *x)
{
	return x->conn->is_trusted && x->worker->settings->client_id != CONFIG_ID_PEER;
}

void escalate(struct exchange *x, const struct clients *clients, uint64_t debt_ns, uint64_t now_ns)
{
	struct gate *gate = x->worker->gate;
	const struct escalate_options *options = &x->worker->settings->escalate;
	struct escalation *told;
	char client[GATE_CLIENT_TEXT_MAX];
	struct json out;

	/* Never by a header, nor a proxy for what those behind it do. */
	if (!options->after || !gate->edge.sets || !x->id_is_address || is_proxy(x) ||
	    !x->worker->settings->per_client)
		return;
	if (!escalate_refused(gate->escalate, gate_key(gate, x->id), options, now_ns))
		return;
	if (!escalate_mark(clients, x->id, debt_ns, now_ns))
		return;
	tally_count(&x->worker->tally.escalations, 1);
	client_text(x, client);
	if (gate->escalation_count < GATE_ESCALATED_MAX) {
		told = &gate->escalations[gate->escalation_count++];
		memcpy(told->client, client, sizeof(told->client));
		told->until_ns = now_ns + debt_ns;
	}
	json_init(&out);
	json_object_begin(&out, NULL);
	json_str(&out, "clientId", client);
	json_str(&out, "reason", "went on after its requests were refused");
	json_double(&out, "seconds", (double)debt_ns / (double)NS_PER_S);
	json_object_end(&out);
	gate_tell(gate, GATE_ESCALATED, json_take(&out));
}
