// SPDX-License-Identifier: MIT
/*
 * Health checks: every healthCheckInterval one GET to each upstream, on a connection of its
 * own, from the first worker's loop. The upstream's breaker hears whether the expected status
 * came in time. One that is still under way when the next is due counts as failed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gate/parts.h"

#define HEALTH_HEAD_MAX 8192 /* bytes of an answer's head */
#define NS_PER_MS	1000000ULL

struct check {
	struct flow flow;
	struct health *health;
	uint32_t upstream;
	bool is_under_way; /* and has not told its result */
	bool is_open;	   /* the flow is, until it is closed */
	bool is_due;	   /* again, once it is closed */
	struct http_scan scan;
	size_t length;
	char head[HEALTH_HEAD_MAX];
};

struct health {
	struct worker *worker;
	uv_timer_t timer;
	struct check checks[CONFIG_UPSTREAMS_MAX];
};

/* Tells the result, once. */
static void check_tell(struct check *check, bool is_good)
{
	struct gate *gate = check->health->worker->gate;
	struct upstream *upstream = &gate->upstreams[check->upstream];
	uint64_t now_ns = clock_mono_ns();

	if (!check->is_under_way)
		return;
	check->is_under_way = false;
	uv_mutex_lock(&gate->lock);
	breaker_checked(&upstream->breaker, is_good, now_ns);
	dispatch_follow(gate, upstream, now_ns);
	uv_mutex_unlock(&gate->lock);
}

static void check_end(struct check *check, bool is_good)
{
	check_tell(check, is_good);
	flow_close(&check->flow);
}

static bool is_expected(const struct check *check, const struct http_message *message)
{
	uint32_t wanted = check->health->worker->settings->health_status;

	return wanted ? message->status == wanted : message->status < 500;
}

static void on_bytes(struct flow *flow, const char *bytes, size_t n)
{
	static const struct http_message_bounds bounds = {
		.line_bytes = HEALTH_HEAD_MAX,
		.head_bytes = HEALTH_HEAD_MAX,
		.fields = HTTP_FIELDS_MAX,
	};
	struct check *check = LIST_ITEM(flow, struct check, flow);
	struct http_message *message = &check->health->worker->message;
	int length;

	if (!check->is_under_way)
		return;
	if (n > sizeof(check->head) - check->length)
		n = sizeof(check->head) - check->length;
	memcpy(check->head + check->length, bytes, n);
	check->length += n;
	length = http_scan(&check->scan, check->head, check->length, false, &bounds);
	if (length == 0 && check->length < sizeof(check->head))
		return;
	check_end(check,
		  length > 0 &&
			  http_parse_response(check->head, (size_t)length, false, message) == 0 &&
			  is_expected(check, message));
}

static void on_connected(struct flow *flow, int error)
{
	struct check *check = LIST_ITEM(flow, struct check, flow);
	struct worker *w = check->health->worker;
	const char *name = w->gate->upstreams[check->upstream].name;

	if (strncmp(name, GATE_HTTP_PREFIX, strlen(GATE_HTTP_PREFIX)) == 0)
		name += strlen(GATE_HTTP_PREFIX);
	else
		name = "localhost";
	out_begin(w);
	out_text(w, "GET ");
	out_bytes(w, w->settings->health_path, strlen(w->settings->health_path));
	out_text(w, " HTTP/1.1\r\nHost: ");
	out_bytes(w, name, strlen(name));
	out_text(w, "\r\nUser-Agent: hatago-edge\r\nConnection: close\r\n\r\n");
	if (error < 0 || flow_send(flow, w->out, w->out_length, NULL, 0) < 0)
		check_end(check, false);
	else
		flow_read(flow);
	out_begin(w);
}

static void on_ended(struct flow *flow, int error)
{
	(void)error;
	check_end(LIST_ITEM(flow, struct check, flow), false);
}

static void on_late(struct flow *flow, unsigned int timer)
{
	(void)timer;
	check_end(LIST_ITEM(flow, struct check, flow), false);
}

static void on_drained(struct flow *flow)
{
	(void)flow;
}

static void check_begin(struct check *check);

static void on_closed(struct flow *flow)
{
	struct check *check = LIST_ITEM(flow, struct check, flow);

	check->is_open = false;
	if (check->is_due)
		check_begin(check);
}

static const struct flow_events events = {
	.connected = on_connected,
	.bytes = on_bytes,
	.ended = on_ended,
	.drained = on_drained,
	.closed = on_closed,
	.late = on_late,
};

static void check_begin(struct check *check)
{
	struct worker *w = check->health->worker;
	int r;

	check->is_due = check->is_open; /* since the last round: it is late, or closes just now */
	if (check->is_due) {
		check_end(check, false);
		return;
	}
	check->is_under_way = true;
	check->scan = (struct http_scan){0};
	check->length = 0;
	r = flow_connect(&check->flow, &w->flows, &w->gate->upstreams[check->upstream].address,
			 &events);
	check->is_open = r == 0;
	if (r == 0)
		flow_set_timer(&check->flow, TIMER_CHECK);
	else if (up_is_our_shortage(r))
		check->is_under_way = false;
	else
		check_tell(check, false);
}

static void set_next(struct worker *w)
{
	uint64_t ms = w->settings->health_interval_ms;
	uint64_t next_ns = ms ? clock_mono_ns() + ms * NS_PER_MS : UINT64_MAX;

	__atomic_store_n(&w->gate->next_check_ns, next_ns, __ATOMIC_RELAXED);
}

static void on_round(uv_timer_t *timer)
{
	struct health *health = timer->data;

	set_next(health->worker);
	for (size_t i = 0; i < health->worker->gate->upstream_count; i++)
		check_begin(&health->checks[i]);
}

void health_follow(struct worker *w)
{
	uint64_t ms = w->settings->health_interval_ms;

	if (!w->health)
		return;
	set_next(w);
	if (ms)
		uv_timer_start(&w->health->timer, on_round, ms, ms);
	else
		uv_timer_stop(&w->health->timer);
}

int health_new(struct worker *w)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return -ENOMEM;
	health->worker = w;
	health->timer.data = health;
	for (uint32_t i = 0; i < CONFIG_UPSTREAMS_MAX; i++) {
		health->checks[i].health = health;
		health->checks[i].upstream = i;
	}
	w->health = health;
	return uv_timer_init(&w->loop, &health->timer);
}

void health_stop(struct worker *w)
{
	if (!w->health)
		return;
	uv_close((uv_handle_t *)&w->health->timer, NULL);
	for (size_t i = 0; i < CONFIG_UPSTREAMS_MAX; i++)
		if (w->health->checks[i].is_open) {
			w->health->checks[i].is_due = false;
			flow_close(&w->health->checks[i].flow);
		}
}
