// SPDX-License-Identifier: MIT
/*
 * A bare relay, the least that a proxy in user space can cost: one thread, epoll, for each
 * client connection one of its own to the upstream, bytes copied both ways as they come.
 * It parses nothing, pools nothing and limits nothing; bench-gate.sh measures it beside
 * proxies that do.
 *
 *      relay LISTEN-HOST:PORT UPSTREAM-HOST:PORT
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"

enum { READ_BYTES = 16384, EVENTS = 256, PAIRS_MAX = 20000 };

struct pair;

/* One of the two sockets; `waiting` bytes were read from the other one and wait to be sent. */
struct end {
	int fd;
	struct pair *pair;
	struct end *other;
	char *buffer;
	size_t waiting;
	uint32_t events; /* asked of epoll */
};

struct pair {
	struct end client, upstream;
	struct pair *next_dead;
};

struct relay {
	int epoll, listener;
	struct sockaddr_in upstream;
	unsigned int pairs;
	struct pair *dead; /* freed when no event of this round can name them */
};

static void pair_kill(struct relay *relay, struct pair *pair)
{
	if (pair->client.fd < 0)
		return;
	close(pair->client.fd);
	close(pair->upstream.fd);
	pair->client.fd = pair->upstream.fd = -1;
	pair->next_dead = relay->dead;
	relay->dead = pair;
	relay->pairs--;
}

static void dead_free(struct relay *relay)
{
	while (relay->dead) {
		struct pair *pair = relay->dead;

		relay->dead = pair->next_dead;
		free(pair->client.buffer);
		free(pair->upstream.buffer);
		free(pair);
	}
}

/* An end is read only while all that was read from it is sent. */
static void end_ask(struct relay *relay, struct end *end)
{
	uint32_t events = (end->waiting ? EPOLLOUT : 0) | (end->other->waiting ? 0 : EPOLLIN);

	if (end->events == events)
		return;
	end->events = events;
	net_epoll_change(relay->epoll, end->fd, events, end);
}

/* Sends what it can and keeps the rest. */
static bool end_send(struct relay *relay, struct end *end, const char *bytes, size_t count)
{
	ssize_t sent = send(end->fd, bytes, count, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN && errno != ENOTCONN)
		return false;
	if (sent < 0)
		sent = 0;
	end->waiting = count - (size_t)sent;
	if (end->waiting) {
		if (!end->buffer)
			end->buffer = malloc(READ_BYTES);
		if (!end->buffer)
			return false;
		memmove(end->buffer, bytes + sent, end->waiting);
	}
	end_ask(relay, end);
	end_ask(relay, end->other);
	return true;
}

static void end_event(struct relay *relay, struct end *end, uint32_t events)
{
	static char bytes[READ_BYTES];
	bool good = true;
	ssize_t count;

	if (end->fd < 0)
		return;
	if ((events & EPOLLOUT) && end->buffer)
		good = end_send(relay, end, end->buffer, end->waiting);
	if (good && (events & (EPOLLIN | EPOLLERR | EPOLLHUP))) {
		count = recv(end->fd, bytes, sizeof(bytes), 0);
		if (count > 0)
			good = end_send(relay, end->other, bytes, (size_t)count);
		else
			good = count < 0 && errno == EAGAIN;
	}
	if (!good)
		pair_kill(relay, end->pair);
}

static void client_accept(struct relay *relay)
{
	int client = net_accept(relay->listener);
	struct pair *pair;
	int upstream;

	if (client < 0)
		return;
	pair = relay->pairs < PAIRS_MAX ? calloc(1, sizeof(*pair)) : NULL;
	upstream = pair ? net_connect(&relay->upstream, 0) : -1;
	if (upstream < 0) {
		close(client);
		free(pair);
		return;
	}
	relay->pairs++;
	pair->client = (struct end){
		.fd = client, .pair = pair, .other = &pair->upstream, .events = EPOLLIN};
	pair->upstream = (struct end){
		.fd = upstream, .pair = pair, .other = &pair->client, .events = EPOLLIN};
	net_epoll_add(relay->epoll, client, EPOLLIN, &pair->client);
	net_epoll_add(relay->epoll, upstream, EPOLLIN, &pair->upstream);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct relay relay = {0};
	struct sockaddr_in listen;

	if (argc != 3)
		net_die("usage", "relay LISTEN-HOST:PORT UPSTREAM-HOST:PORT");
	listen = net_address(argv[1]);
	relay.upstream = net_address(argv[2]);
	relay.listener = net_listen(&listen);
	relay.epoll = net_epoll_new();
	net_epoll_add(relay.epoll, relay.listener, EPOLLIN, NULL);
	for (;;) {
		int count = epoll_wait(relay.epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				end_event(&relay, events[i].data.ptr, events[i].events);
			else
				client_accept(&relay);
		}
		dead_free(&relay);
	}
}
