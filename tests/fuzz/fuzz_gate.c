// SPDX-License-Identifier: MIT
/*
 * Fuzzes the way of requests through the gate, from accept to settle, between clients and an
 * upstream that do whatever the input says. The first byte chooses the configuration and how
 * it ends. Then come bytes that the chosen end sends, and between them, each behind a byte
 * 0xff, what else happens:
 *
 *   0 1 2 3   what follows comes from this client    .      a turn of the loops
 *   a to p    ... from this connection of the        , ; :  0.1 s, 5 s, 100 s pass
 *             upstream, in the order of accept       +      the upstream answers as it should
 *   H X       the chosen end sends no more, closes   *      the last bytes again, 64 times
 *   P R       it reads no more, reads again          D L T  drain, reload, tick
 *
 * At the end nothing may be left of all that, and both sides must have got whole messages in
 * the one form that cannot be misread; see world/end.c.
 */
#include <stdlib.h>
#include <string.h>

#include "world/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MARK	    0xff
#define REPEAT	    64
#define ACTIONS_MAX 2000

enum { ENDS_SERVERS_FIRST = 0x40, ENDS_WITH_TIME = 0x80 };

static struct world world;

struct script {
	struct end *chosen;
	const uint8_t *run; /* the bytes that were sent last */
	size_t run_length;
};

static void choose_client(struct script *script, size_t number)
{
	script->chosen = &world.clients[number];
	world_open(&world, script->chosen);
}

static void choose_server(struct script *script, size_t number)
{
	script->chosen = number < world.server_count ? &world.servers[number] : NULL;
}

/* The chosen connection, or else whichever has something to answer. */
static void answer(struct script *script)
{
	if (script->chosen >= world.servers && script->chosen < world.servers + WORLD_SERVERS) {
		world_answer(&world, script->chosen);
		return;
	}
	for (size_t i = 0; i < world.server_count; i++)
		world_answer(&world, &world.servers[i]);
}

static void act_on_chosen(struct end *end, uint8_t action)
{
	if (!end)
		return;
	switch (action) {
	case 'H':
		end->must_shut = true;
		break;
	case 'X':
		world_close(end);
		break;
	case 'P':
	case 'R':
		end->is_paused = action == 'P';
		break;
	default:
		break;
	}
}

static void act(struct script *script, uint8_t action)
{
	if (action >= '0' && action < '0' + WORLD_CLIENTS) {
		choose_client(script, action - '0');
		return;
	}
	if (action >= 'a' && action < 'a' + WORLD_SERVERS) {
		choose_server(script, action - 'a');
		return;
	}
	switch (action) {
	case '.':
		world_turn(&world);
		break;
	case ',':
		world_pass(&world, 100);
		break;
	case ';':
		world_pass(&world, 5000);
		break;
	case ':':
		world_pass(&world, 100000);
		break;
	case '+':
		answer(script);
		break;
	case '*':
		for (unsigned int i = 0; i < REPEAT && script->chosen; i++)
			world_send(&world, script->chosen, (const char *)script->run,
				   script->run_length);
		break;
	case 'D':
		gate_drain(world.gate);
		break;
	case 'L':
		world_reload(&world);
		break;
	case 'T':
		gate_tick(world.gate);
		break;
	default:
		act_on_chosen(script->chosen, action);
	}
}

static void play(const uint8_t *data, size_t size)
{
	struct script script = {0};
	unsigned int actions = 0;

	choose_client(&script, 0);
	for (size_t i = 0; i < size && actions < ACTIONS_MAX; actions++) {
		const uint8_t *mark = memchr(data + i, MARK, size - i);
		size_t n = mark ? (size_t)(mark - data) - i : size - i;

		if (n && script.chosen) {
			script.run = data + i;
			script.run_length = n;
			world_send(&world, script.chosen, (const char *)script.run, n);
		}
		i += n + 1;
		if (i < size)
			act(&script, data[i++]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t nonce = 0xcbf29ce484222325;

	if (size < 2)
		return 0;
	for (size_t i = 0; i < size; i++) /* FNV-1a: no input can hold its own */
		nonce = (nonce ^ data[i]) * 0x100000001b3;
	world_begin(&world, data[0] & 0x3f, nonce);
	play(data + 1, size - 1);
	world_end(&world, data[0] & ENDS_SERVERS_FIRST, data[0] & ENDS_WITH_TIME);
	return 0;
}
