// SPDX-License-Identifier: MIT
/*
 * The load: when requests are due, and the loop. See load.h; request.c has the rest.
 */
#include "load.h"

#include <math.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../net/net.h"
#include "base/clock.h"
#include "parts.h"

enum { EVENTS = 256 };
#define PATIENCE_LOOK_NS (5 * NET_MS) /* how often late requests are looked for */
#define NEVER		 UINT64_MAX

static uint64_t interval_ns(struct client *client)
{
	return 1 + (uint64_t)(-log(1 - erand48(client->chance)) * 1e9 / client->group->rate);
}

static bool is_over(const struct load *load, uint64_t now_ns)
{
	if (now_ns < load->end_ns)
		return false;
	for (size_t i = 0; i < load->client_count; i++)
		if (load->clients[i].busy || load->clients[i].first != load->clients[i].next)
			return false;
	return true;
}

/* Lets all requests begin that are due; returns when the next one is. */
static uint64_t clients_advance(struct load *load, uint64_t now_ns)
{
	uint64_t next_ns = NEVER;

	for (size_t i = 0; i < load->client_count; i++) {
		struct client *client = &load->clients[i];

		while (client->due_ns <= now_ns && client->due_ns < load->end_ns) {
			request_due(load, client, client->due_ns);
			client->due_ns += interval_ns(client);
		}
		if (client->due_ns < next_ns)
			next_ns = client->due_ns;
	}
	return next_ns;
}

static void clients_make(struct load *load, uint64_t now_ns)
{
	for (size_t g = 0; g < load->plan->group_count; g++)
		load->client_count += load->plan->groups[g].clients;
	load->clients = calloc(load->client_count + 1, sizeof(*load->clients)); /* 0 is no size */
	if (!load->clients)
		net_die("memory", "none left");
	for (size_t g = 0, at = 0; g < load->plan->group_count; g++)
		for (uint32_t n = 0; n < load->plan->groups[g].clients; n++, at++) {
			struct client *client = &load->clients[at];

			client->group = &load->plan->groups[g];
			client->address =
				127u << 24 | (uint32_t)(g + 1) << 16 | n / 250 << 8 | (n % 250 + 1);
			client->due_ns = NEVER;
			client->chance[0] = (unsigned short)load->plan->seed;
			client->chance[1] = (unsigned short)g;
			client->chance[2] = (unsigned short)n;
			if (client->group->rate > 0)
				client->due_ns = now_ns + interval_ns(client);
			else
				for (uint32_t i = 0; i < client->group->connections; i++)
					request_due(load, client, now_ns);
		}
}

static void clients_free(struct load *load)
{
	for (size_t i = 0; i < load->client_count; i++) {
		while (load->clients[i].busy)
			connection_close(load, load->clients[i].busy);
		while (load->clients[i].idle)
			connection_close(load, load->clients[i].idle);
	}
	connections_free_dead(load);
	free(load->clients);
	close(load->epoll);
}

static void events_wait(struct load *load, uint64_t until_ns)
{
	struct epoll_event events[EVENTS];
	uint64_t now_ns = clock_mono_ns(), wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec wait = {(time_t)(wait_ns / NET_S), (long)(wait_ns % NET_S)};
	int count = epoll_pwait2(load->epoll, events, EVENTS, &wait, NULL);

	for (int i = 0; i < count; i++)
		connection_event(load, events[i].data.ptr, events[i].events);
	connections_free_dead(load);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void load_run(struct load_plan *plan)
{
	uint64_t now_ns = clock_mono_ns(), look_ns = now_ns, next_ns;
	uint64_t tell_ns = now_ns + plan->interval_ns;
	struct load load = {.plan = plan, .epoll = net_epoll_new()};

	(void)prctl(PR_SET_TIMERSLACK, 1ul); /* requests begin when they are due */
	load.begin_ns = now_ns + plan->warm_up_ns;
	load.end_ns = load.begin_ns + plan->measured_ns;
	clients_make(&load, now_ns);
	/* No request is waited for longer than it may take. */
	for (; !is_over(&load, now_ns); now_ns = clock_mono_ns()) {
		next_ns = clients_advance(&load, now_ns);
		if (now_ns >= look_ns) {
			for (size_t i = 0; i < load.client_count; i++)
				requests_expire(&load, &load.clients[i], now_ns);
			look_ns = now_ns + PATIENCE_LOOK_NS;
			if (plan->on_interval && now_ns >= tell_ns) {
				plan->on_interval(plan, now_ns);
				tell_ns += plan->interval_ns;
			}
		}
		events_wait(&load, next_ns < look_ns ? next_ns : look_ns);
	}
	clients_free(&load);
	for (size_t g = 0; g < plan->group_count; g++)
		if (plan->groups[g].result.latency_count)
			qsort(plan->groups[g].result.latency_us,
			      plan->groups[g].result.latency_count, sizeof(uint32_t), by_value);
}

uint64_t load_total(const struct load_result *result)
{
	return result->good + result->refused + result->wrong + result->broken + result->late;
}

uint32_t load_percentile_us(const struct load_result *result, double share)
{
	if (!result->latency_count)
		return 0;
	return result->latency_us[(size_t)(share * (double)(result->latency_count - 1))];
}

void load_plan_done(struct load_plan *plan)
{
	for (size_t g = 0; g < plan->group_count; g++)
		free(plan->groups[g].result.latency_us);
}
