/* SPDX-License-Identifier: MIT */
/*
 * The gate with one worker and no thread, its clients and its upstream, in one process: its
 * loops run a turn when told to, and its clock stands still until it is told to go on. So an
 * input always has the same outcome. Sockets are Unix ones with small buffers.
 */
#ifndef HATAGO_TESTS_FUZZ_WORLD_H
#define HATAGO_TESTS_FUZZ_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "gate/parts.h"
#include "wire.h"

#define WORLD_CLIENTS	4  /* the last comes through the listener, without an address */
#define WORLD_SERVERS	16 /* connections that the upstream accepts; more are closed at once */
#define WORLD_SENT_MAX	(1 << 20) /* bytes that all ends send together; more are dropped */
#define WORLD_CONFIGS	6
#define WORLD_TURNS_MAX 100000 /* until all is quiet */

#define EXPECT(condition)                                                               \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

struct bytes {
	char *at;
	size_t length, capacity;
};

/* Our end of a connection. */
struct end {
	int fd; /* -1: closed, or never open */
	bool is_paused, must_shut, has_shut, was_opened, saw_end;
	bool left_early; /* it was closed while the gate might still have something for it */
	struct bytes out, got;
	size_t out_sent;
	size_t heads;	 /* clients: how often "HEAD" stands in what was sent */
	bool sent_raw;	 /* servers: something else than good answers */
	size_t answered; /* servers: with good answers */
};

struct world {
	struct gate *gate;
	struct worker *worker;
	uv_loop_t main_loop;
	unsigned int config;
	bool has_lost; /* lost: a connection to the upstream was closed at once */
	size_t sent, server_count;
	struct end clients[WORLD_CLIENTS], servers[WORLD_SERVERS];
	char canary[40]; /* the field of a good answer that says whom it is for */
};

/* Aborts, with its reason, where the machine lets it down or an invariant is broken. */
void world_begin(struct world *world, unsigned int number, uint64_t nonce);
void world_open(struct world *world, struct end *client);
void world_send(struct world *world, struct end *end, const char *bytes, size_t n);
/* What a sound upstream would answer to its last request, if that is whole. */
void world_answer(struct world *world, struct end *server);
void world_close(struct end *end);
void world_turn(struct world *world);
void world_pass(struct world *world, uint64_t ms);
void world_reload(struct world *world);
/* Turns until nothing moves any more. */
void world_quiet(struct world *world);
/* Checks everything, and frees it. servers_first: who closes first. */
void world_end(struct world *world, bool servers_first, bool time_first);

#endif
