// SPDX-License-Identifier: MIT
/*
 * What becomes of a request:
 *
 *      due -> on a connection, or waiting for one -> answered | late | broken
 *
 * A client's connections are in its list of idle or of busy ones; see load.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../net/net.h"
#include "base/clock.h"
#include "base/memory.h"
#include "parts.h"

static const char request[] =
	"POST /mcp HTTP/1.1\r\n"
	"Host: 127.0.0.1\r\n"
	"Accept: application/json, text/event-stream\r\n"
	"Content-Type: application/json\r\n"
	"Content-Length: 92\r\n"
	"\r\n"
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
	"\"arguments\":{\"n\":42}}}";

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

void connection_close(struct load *load, struct connection *c)
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

void connections_free_dead(struct load *load)
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

void request_due(struct load *load, struct client *client, uint64_t due_ns)
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

void connection_event(struct load *load, struct connection *c, uint32_t events)
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

void requests_expire(struct load *load, struct client *client, uint64_t now_ns)
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
