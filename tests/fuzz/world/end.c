// SPDX-License-Identifier: MIT
/*
 * The end of a world: everybody closes, time passes, and then nothing may be left of it, and
 * both sides must have got what the gate says that it sent. See world.h.
 */
#include "world.h"

#define PATIENCE_MAX 20 /* times six minutes */

static void close_all(struct world *world, bool servers)
{
	struct end *ends = servers ? world->servers : world->clients;
	size_t count = servers ? world->server_count : WORLD_CLIENTS;

	for (size_t i = 0; i < count; i++) {
		ends[i].is_paused = false;
		if (ends[i].fd >= 0 && !ends[i].must_shut)
			ends[i].must_shut = true;
	}
	world_quiet(world);
	for (size_t i = 0; i < count; i++)
		world_close(&ends[i]);
	world_quiet(world);
}

static void pass_long(struct world *world)
{
	for (unsigned int i = 0; i < 12; i++) /* one time-out may follow another */
		world_pass(world, 30000);
	world_quiet(world);
}

static uint64_t requests_ended(const struct world *world)
{
	uint64_t count = 0;

	for (size_t i = 0; i < TALLY_OUTCOME_COUNT; i++)
		count += world->worker->tally.outcomes[i];
	return count;
}

/*
 * With silent peers: every time-out does its work, and only streams are left. Requests that
 * were pipelined have theirs one after the other.
 */
static void check_patience(struct world *world)
{
	uint64_t ended = requests_ended(world) + 1;

	for (unsigned int i = 0; i < PATIENCE_MAX && ended != requests_ended(world); i++) {
		ended = requests_ended(world);
		pass_long(world);
	}
	if (ended != requests_ended(world))
		return;
	for (struct list *l = world->worker->conns.next; l != &world->worker->conns; l = l->next) {
		const struct conn *conn = LIST_ITEM(l, struct conn, link);

		EXPECT(conn->exchange && conn->exchange->is_stream);
	}
	EXPECT(list_is_empty(&world->worker->detached));
	EXPECT(admission_running(world->gate->admission) == 0);
}

static void check_nothing_left(const struct world *world)
{
	const struct gate *gate = world->gate;
	const struct worker *w = world->worker;

	EXPECT(list_is_empty(&w->conns) && list_is_empty(&w->detached) && list_is_empty(&w->woken));
	EXPECT(list_is_empty(&w->inbox_woken) && list_is_empty(&w->inbox_answers));
	EXPECT(gate->connections == 0 && w->in_flight == 0 && !gate->peers);
	EXPECT(admission_running(gate->admission) == 0 && admission_queued(gate->admission) == 0);
	EXPECT(admission_streams(gate->admission) == 0);
	EXPECT(w->tally.connections == 0 && w->tally.streams == 0);
	for (size_t i = 0; i < gate->upstream_count; i++)
		EXPECT(gate->upstreams[i].outstanding == 0 && list_is_empty(&w->idle_ups[i]));
	for (size_t i = 0; i < FLOW_TIMERS_MAX; i++)
		EXPECT(list_is_empty(&w->flows.timers[i]));
}

static void check_requests(struct world *world)
{
	size_t begun = 0;
	bool is_seen = !world->has_lost; /* all that was sent */

	for (size_t i = 0; i < world->server_count; i++) {
		struct end *server = &world->servers[i];
		struct wire_requests requests;

		wire_read_requests(server->got.at, server->got.length, &requests);
		begun += requests.begun;
		is_seen = is_seen && !server->left_early;
	}
	/* Tries to run a request: none is at the upstream that the gate knows nothing of. */
	EXPECT(begun <= world->gate->next_upstream);
	if (is_seen)
		EXPECT(begun >= world->worker->tally.outcomes[TALLY_SERVED]);
}

static void check_answers(struct world *world)
{
	size_t begun = 0;
	bool is_seen = true;

	for (unsigned int i = 0; i < WORLD_CLIENTS; i++) {
		struct end *client = &world->clients[i];
		struct wire_answers answers;
		const struct wire_asked asked = {
			.heads = client->heads,
			.name = world->canary,
			/* The listener's has no address: "unknown". */
			.client = i == WORLD_CLIENTS - 1 ? WIRE_CLIENT_NONE : i + 1,
		};

		wire_read_answers(client->got.at, client->got.length, &asked, &answers);
		begun += answers.begun;
		is_seen = is_seen && !client->left_early;
		/* What ends with the connection, or in its middle, has its end told by it. */
		if (!answers.is_at_end && client->was_opened && !client->left_early)
			EXPECT(client->saw_end);
	}
	EXPECT(begun <= requests_ended(world));
	if (is_seen)
		EXPECT(begun >= world->worker->tally.outcomes[TALLY_SERVED] &&
		       begun >= world->worker->tally.outcomes[TALLY_LOCAL]);
}

static void end_done(struct end *end)
{
	world_close(end);
	free(end->out.at);
	free(end->got.at);
}

void world_end(struct world *world, bool servers_first, bool time_first)
{
	for (size_t i = 0; i < WORLD_CLIENTS; i++)
		world->clients[i].is_paused = false;
	for (size_t i = 0; i < world->server_count; i++)
		world->servers[i].is_paused = false;
	world_quiet(world);
	if (time_first)
		check_patience(world);
	close_all(world, servers_first);
	close_all(world, !servers_first);
	pass_long(world);
	check_nothing_left(world);
	check_requests(world);
	check_answers(world);
	gate_free(world->gate);
	while (uv_loop_close(&world->main_loop) == UV_EBUSY)
		uv_run(&world->main_loop, UV_RUN_NOWAIT);
	for (size_t i = 0; i < WORLD_CLIENTS; i++)
		end_done(&world->clients[i]);
	for (size_t i = 0; i < world->server_count; i++)
		end_done(&world->servers[i]);
}
