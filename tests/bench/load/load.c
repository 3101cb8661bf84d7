// SPDX-License-Identifier: MIT
/*
 * The load: clients with clocks of their own, and what becomes of a request.
 *
 *      due -> on a connection, or waiting for one -> answered | late | broken
 *
 * See load.h.
 */
#include "load.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../net/net.h"
#include "base/clock.h"
#include "base/memory.h"

enum { IN_BYTES = 8192, EVENTS = 256 };
#define PATIENCE_LOOK_NS (5 * NET_MS) /* how often late requests are looked for */
#define NEVER		 UINT64_MAX

static const char request[] =
	"POST /mcp HTTP/1.1\r\n"
	"Host: 127.0.0.1\r\n"
	"Accept: application/json, text/event-stream\r\n"
	"Content-Type: application/json\r\n"
	"Content-Length: 92\r\n"
	"\r\n"
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
	"\"arguments\":{\"n\":42}}}";

struct connection {
	struct client *client;
	struct connection *next; /* in the client's idle or busy list */
	int fd;
	bool is_unsent;	 /* the connection is not there yet */
	uint64_t due_ns; /* of its request; 0: it is idle */
	size_t count;
	char in[IN_BYTES];
};

struct client {
	struct load_group *group;
	uint32_t address; /* host order */
	uint32_t connections;
	struct connection *idle, *busy;
	uint64_t due_ns;		    /* of its next request */
	unsigned short chance[3];	    /* its own, so that others change nothing in it */
	uint64_t waiting[LOAD_WAITING_MAX]; /* when they were due */
	uint32_t first, next;		    /* of waiting, modulo LOAD_WAITING_MAX */
};

struct load {
	struct load_plan *plan;
	int epoll;
	uint64_t begin_ns, end_ns; /* of the measured time */
	struct client *clients;
	size_t client_count;
	struct connection *dead; /* freed when no event of this round can name them */
};

static bool is_measured(const struct load *load, uint64_t due_ns)
{
	return due_ns >= load->begin_ns && due_ns < load->end_ns;
}

static void count_good(struct load_result *result, uint64_t latency_ns)
{
	result->good++;
	if (result->latency_count == LOAD_SAMPLES_MAX)
		return;
	if (memory_grow(&result->latency_us, &result->latency_capacity, result->latency_count,
			sizeof(*result->latency_us)) < 0)
		net_die("memory", "none left");
	result->latency_us[result->latency_count++] = (uint32_t)(latency_ns / 1000);
}

static void list_remove(struct connection **list, struct connection *c)
{
	while (*list != c)
		list = &(*list)->next;
	*list = c->next;
}

static void connection_close(struct load *load, struct connection *c)
{
	struct client *client = c->client;

	list_remove(c->due_ns ? &client->busy : &client->idle, c);
	close(c->fd);
	c->fd = -1;
	c->due_ns = 0;
	client->connections--;
	c->next = load->dead;
	load->dead = c;
}

static void dead_free(struct load *load)
{
	while (load->dead) {
		struct connection *c = load->dead;

		load->dead = c->next;
		free(c);
	}
}

static struct connection *connection_new(struct load *load, struct client *client)
{
	int fd = net_connect(&load->plan->to, client->address);
	struct connection *c = fd < 0 ? NULL : malloc(sizeof(*c));

	if (!c) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*c = (struct connection){.client = client, .fd = fd, .next = client->idle};
	client->idle = c;
	client->connections++;
	net_epoll_add(load->epoll, fd, EPOLLIN, c);
	return c;
}

/* The request is short: it is sent whole or not at all. */
static bool connection_send(struct load *load, struct connection *c)
{
	bool was_unsent = c->is_unsent;

	c->is_unsent = false;
	if (send(c->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != ENOTCONN)
			return false;
		c->is_unsent = true;
	}
	if (was_unsent != c->is_unsent)
		net_epoll_change(load->epoll, c->fd, c->is_unsent ? EPOLLIN | EPOLLOUT : EPOLLIN,
				 c);
	return true;
}

static void request_broken(struct load *load, struct client *client, uint64_t due_ns)
{
	if (is_measured(load, due_ns))
		client->group->result.broken++;
}

static void request_late(struct load *load, struct client *client, uint64_t due_ns)
{
	if (is_measured(load, due_ns))
		client->group->result.late++;
}

/* On an idle connection or a new one. False: the client has no more of them. */
static bool request_begin(struct load *load, struct client *client, uint64_t due_ns)
{
	struct connection *c = client->idle;

	if (!c && client->connections == client->group->connections)
		return false;
	if (!c)
		c = connection_new(load, client);
	if (!c) {
		request_broken(load, client, due_ns);
		return true;
	}
	list_remove(&client->idle, c);
	c->due_ns = due_ns;
	c->next = client->busy;
	client->busy = c;
	if (!connection_send(load, c)) {
		connection_close(load, c);
		request_broken(load, client, due_ns);
	}
	return true;
}

static void request_due(struct load *load, struct client *client, uint64_t due_ns)
{
	if (request_begin(load, client, due_ns))
		return;
	if (client->next - client->first == LOAD_WAITING_MAX)
		request_broken(load, client, due_ns);
	else
		client->waiting[client->next++ % LOAD_WAITING_MAX] = due_ns;
}

/* A connection has become free, or some requests have waited too long. */
static void waiting_serve(struct load *load, struct client *client, uint64_t now_ns)
{
	for (; client->first != client->next; client->first++) {
		uint64_t due_ns = client->waiting[client->first % LOAD_WAITING_MAX];

		if (now_ns - due_ns >= load->plan->patience_ns)
			request_late(load, client, due_ns);
		else if (!request_begin(load, client, due_ns))
			return;
	}
	if (client->group->rate == 0 && now_ns < load->end_ns)
		(void)request_begin(load, client, now_ns);
}

static void answer_count(struct load *load, const struct connection *c, int status, uint64_t now_ns)
{
	struct load_result *result = &c->client->group->result;

	if (!is_measured(load, c->due_ns))
		return;
	if (status == 200)
		count_good(result, now_ns - c->due_ns);
	else if (status == 429 || status == 503)
		result->refused++;
	else
		result->wrong++;
}

static void connection_answered(struct load *load, struct connection *c,
				const struct net_message *answer)
{
	struct client *client = c->client;
	uint64_t now_ns = clock_mono_ns();

	answer_count(load, c, answer->status, now_ns);
	if (answer->close) {
		connection_close(load, c);
	} else {
		list_remove(&client->busy, c);
		c->due_ns = 0;
		c->count = 0;
		c->next = client->idle;
		client->idle = c;
	}
	waiting_serve(load, client, now_ns);
}

static void connection_read(struct load *load, struct connection *c)
{
	ssize_t count = recv(c->fd, c->in + c->count, sizeof(c->in) - c->count, 0);
	struct client *client = c->client;
	uint64_t due_ns = c->due_ns;
	struct net_message answer;

	if (count < 0 && errno == EAGAIN)
		return;
	if (count > 0 && due_ns) {
		c->count += (size_t)count;
		if (!net_message_read(c->in, c->count, &answer) || answer.length > c->count) {
			if (c->count < sizeof(c->in))
				return;
		} else if (answer.length == c->count) {
			connection_answered(load, c, &answer);
			return;
		}
	}
	connection_close(load, c);
	if (due_ns)
		request_broken(load, client, due_ns);
	waiting_serve(load, client, clock_mono_ns());
}

static void connection_event(struct load *load, struct connection *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->is_unsent && (events & EPOLLOUT) && !connection_send(load, c)) {
		request_broken(load, c->client, c->due_ns);
		connection_close(load, c);
		return;
	}
	if (events & ~(uint32_t)EPOLLOUT)
		connection_read(load, c);
}

/* Gives up what has had no answer in time. */
static void late_look(struct load *load, struct client *client, uint64_t now_ns)
{
	struct connection *c = client->busy, *next;

	for (; c; c = next) {
		next = c->next;
		if (now_ns - c->due_ns < load->plan->patience_ns)
			continue;
		request_late(load, client, c->due_ns);
		connection_close(load, c);
	}
	waiting_serve(load, client, now_ns);
}

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
					(void)request_begin(load, client, now_ns);
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
	dead_free(load);
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
	dead_free(load);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void load_run(struct load_plan *plan)
{
	uint64_t now_ns = clock_mono_ns(), look_ns = now_ns, next_ns;
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
				late_look(&load, &load.clients[i], now_ns);
			look_ns = now_ns + PATIENCE_LOOK_NS;
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
