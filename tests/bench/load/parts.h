/* SPDX-License-Identifier: MIT */
/*
 * Between load.c, which knows when requests are due, and request.c, which knows what
 * becomes of them. Nobody else's.
 */
#ifndef HATAGO_TESTS_BENCH_LOAD_PARTS_H
#define HATAGO_TESTS_BENCH_LOAD_PARTS_H

#include <stdbool.h>

#include "load.h"

#define LOAD_IN_BYTES 8192 /* longest answer */

struct connection {
	struct client *client;
	struct connection *next; /* in the client's idle or busy list */
	int fd;
	bool is_unsent;	 /* the connection is not there yet */
	uint64_t due_ns; /* of its request; 0: it is idle */
	size_t count;
	char in[LOAD_IN_BYTES];
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

/* A request of the client is due: it goes out, or waits for a connection. */
void request_due(struct load *load, struct client *client, uint64_t due_ns);
/* Gives up what has had no answer in time. */
void requests_expire(struct load *load, struct client *client, uint64_t now_ns);
void connection_event(struct load *load, struct connection *c, uint32_t events);
/* Its memory stays until connections_free_dead(). */
void connection_close(struct load *load, struct connection *c);
void connections_free_dead(struct load *load);

#endif
