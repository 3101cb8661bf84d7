// SPDX-License-Identifier: MIT
/*
 * Metrics and health over HTTP: fills the snapshot of metrics/ from the edge, a scan and the
 * configuration. Whoever scrapes without end costs a scan every METRICS_SCAN_MIN_MS and
 * no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/address.h"
#include "base/clock.h"
#include "core/ban.h"

#define ENDPOINT_NS_PER_MS 1000000ULL

static int count_one(void *ctx, const struct hatago_prefix *prefix,
		     const struct hatago_listed *listed)
{
	(void)prefix;
	(void)listed;
	++*(uint64_t *)ctx;
	return 0;
}

static void count_lists(struct agent *agent)
{
	struct metrics_edge *edge = &agent->snapshot.edge;

	if (agent->lists_counted)
		return;
	edge->allow_entries = edge->deny_entries = 0;
	view_list_each(agent->ops.view, VIEW_ALLOW, count_one, &edge->allow_entries);
	view_list_each(agent->ops.view, VIEW_DENY, count_one, &edge->deny_entries);
	agent->lists_counted = true;
}

static void fill_offender(const struct scan_client *from, const struct hatago_rules *rules,
			  uint64_t now_ns, struct metrics_offender *to)
{
	struct hatago_prefix prefix;

	client_id_prefix(from->id, rules, &prefix);
	prefix_format(&prefix, to->client);
	to->packets = from->slot.packets;
	to->bytes = from->slot.bytes;
	to->drops = from->slot.drops;
	to->ban_ns = ban_remaining_ns(ban_of(&from->slot), now_ns);
}

_Static_assert(METRICS_BAN_FOR_GOOD == BAN_FOR_GOOD, "a ban's time is taken over as it is");

static void fill_scan(struct agent *agent)
{
	const struct view *view = agent->ops.view;
	const struct clients clients = view_clients(view);
	struct metrics_edge *edge = &agent->snapshot.edge;
	uint64_t now = clock_mono_ns();

	if (agent->scanned_ns && now - agent->scanned_ns < METRICS_SCAN_MIN_MS * ENDPOINT_NS_PER_MS)
		return;
	scan_table(&clients, now, &agent->scan);
	agent->scanned_ns = now;
	edge->scan_ns = clock_mono_ns() - now;
	edge->occupied = agent->scan.occupied;
	edge->live = agent->scan.live;
	edge->banned = agent->scan.banned;
	edge->trusted = agent->scan.trusted;
	edge->escalated = agent->scan.escalated;
	edge->full_sets = agent->scan.full_sets;
	edge->offender_count = agent->scan.top_count;
	for (size_t i = 0; i < agent->scan.top_count; i++)
		fill_offender(&agent->scan.top[i], clients.rules, now, &edge->offenders[i]);
}

static void fill_gate(struct agent *agent)
{
	struct metrics_snapshot *s = &agent->snapshot;
	struct events_counts counts;

	events_count(agent->events, &counts);
	s->events.emitted = counts.emitted;
	s->events.dropped = counts.oversized;
	for (size_t i = 0; i < EVENTS_SINKS; i++)
		s->events.dropped += counts.dropped[i];
	if (gateway_tally(agent, &agent->gateway_tally))
		metrics_snapshot_gate(&agent->gateway_tally, &agent->trend, clock_mono_ns(), s);
}

static void fill_snapshot(struct agent *agent)
{
	struct metrics_snapshot *s = &agent->snapshot;

	s->now_ns = clock_real_ns();
	s->start_ns = agent->started_ns;
	s->last_reload_failed = agent->reload_failure;
	s->complaints = (const char *const *)agent->complaints;
	s->complaint_count = agent->complaint_count;
	metrics_snapshot_config(agent->config, s);
	fill_gate(agent);
	adapt_view(agent, &s->load);
	if (!agent->ops.view)
		return;
	view_refresh(agent->ops.view, NULL); /* if it fails: as it was, and watch.c says so */
	metrics_snapshot_view(agent->ops.view, clock_mono_ns(), s);
	fill_scan(agent);
	count_lists(agent);
}

static void answer_text(struct http_response *response, int status, const char *text)
{
	response->body = strdup(text);
	response->body_length = response->body ? strlen(text) : 0;
	response->status = response->body ? status : 500;
}

static void answer_prometheus(struct agent *agent, struct http_response *response)
{
	fill_snapshot(agent);
	response->status = 500;
	if (metrics_prometheus(&agent->snapshot, &response->body, &response->body_length) < 0)
		return;
	response->content_type = METRICS_CONTENT_TYPE;
	response->status = 200;
}

char *endpoint_json(struct agent *agent, size_t *ret_length)
{
	struct json j;

	fill_snapshot(agent);
	json_init(&j);
	metrics_json(&agent->snapshot, &j);
	*ret_length = j.length;
	return json_take(&j);
}

static void answer_json(struct agent *agent, struct http_response *response)
{
	response->body = endpoint_json(agent, &response->body_length);
	response->content_type = "application/json";
	response->status = response->body ? 200 : 500;
}

/* Ready: every device that the configuration names is protected. */
static void answer_ready(const struct agent *agent, struct http_response *response)
{
	if (!agent->is_ready || agent->is_stopping) {
		answer_text(response, 503, agent->is_stopping ? "stopping\n" : "starting\n");
		return;
	}
	for (size_t i = 0; i < agent->watch.count; i++)
		if (agent->watch.devices[i].fate != WATCH_ATTACHED &&
		    watch_is_configured(agent, agent->watch.devices[i].name)) {
			answer_text(response, 503, "a device is not protected\n");
			return;
		}
	answer_text(response, 200, "ready\n");
}

static void on_request(void *ctx, const struct http_request *request,
		       struct http_response *response)
{
	struct agent *agent = ctx;

	if (strcmp(request->path, "/metrics") == 0)
		answer_prometheus(agent, response);
	else if (strcmp(request->path, agent->config->metrics.endpoint) == 0)
		answer_json(agent, response);
	else if (strcmp(request->path, "/healthz") == 0)
		answer_text(response, 200, "ok\n");
	else if (strcmp(request->path, "/readyz") == 0)
		answer_ready(agent, response);
}

int endpoint_start(struct agent *agent, struct err *err)
{
	struct err reason;
	int r = scan_init(&agent->scan, METRICS_OFFENDERS_MAX);

	if (r < 0)
		return err_set(err, r, "out of memory");
	agent->scan.only = SCAN_DROPPED;
	if (!agent->config->metrics.enabled)
		return 0;
	r = http_server_new(&agent->loop, agent->config->metrics.listen, on_request, agent,
			    &agent->http, &reason);
	if (r < 0)
		return err_set(err, r, "metrics: %s; set metrics.listen to another address",
			       reason.text);
	return 0;
}
