/* SPDX-License-Identifier: MIT */
/*
 * Pressure on a running edge: what edge_set_pressure() puts in force at once, what a reload,
 * a death and the next start make of it, and that nothing stays tightened.
 */
#include "edge_world.h"

#include "core/connections.h"

#define OTHER_CLIENTS (HATAGO_WAYS * 4000)
#define TRUST_NS      600000000000ULL

static const struct edge_pressure pressed = {.pressure = 0.75,
					     .scale = 0.25,
					     .trusted_scale = 1,
					     .strangers_asked = true,
					     .strangers_scale = 0.5};

/* A gate as well, since without one nobody is trusted; eight packets at once from each client. */
static struct config gated_config(void)
{
	struct config c = world_config();

	c.gate.enabled = true;
	c.gate.max_connections_per_client = 3;
	c.edge.strangers.enabled = true;
	hatago_limit_make(1000, 10, 0, &c.edge.strangers.limit);
	hatago_limit_make(1, 8, 0, &c.edge.dimension[HATAGO_DIM_PACKETS].limit);
	return c;
}

static struct edge *guard(const struct config *config, bool adopted)
{
	struct edge *edge = world_open(config, adopted);
	struct err err = {};

	if (!adopted)
		world_ok(edge_attach(edge, "wa", CONFIG_MODE_AUTO, 0, &err), &err);
	return edge;
}

static struct hatago_pressure word_of(struct edge *edge)
{
	return edge_view(edge)->config->pressure;
}

static void expect_word(struct edge *edge, uint64_t heartbeat_ns)
{
	struct hatago_pressure p = word_of(edge);

	assert_int_equal(p.heartbeat_ns, heartbeat_ns);
	assert_int_equal(p.per_mille, 750);
	assert_int_equal(p.scale_inv, 1024);
	assert_int_equal(p.trusted_inv, 256);
	assert_int_equal(p.strangers_inv, 512);
}

/* So many of the client's ten frames pass in all, and the others are dropped. */
static void expect_passes(struct edge *edge, uint32_t source, uint64_t passes)
{
	struct view *view = edge_view(edge);
	uint64_t before = world_count(view, "wa", HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS);
	uint64_t dropped =
		world_count(view, "wa", HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS);

	world_send(source, 10);
	world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, dropped + 10 - passes);
	world_expect(view, HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS, before + passes);
}

static void test_in_force_at_once(void **state)
{
	const struct edge_pressure none = {.scale = 1, .trusted_scale = 1};
	const struct edge_pressure odd = {
		.pressure = -1, .trusted_scale = 2, .strangers_asked = true};
	struct config config = gated_config();
	struct edge *edge = guard(&config, false);
	uint64_t now = clock_mono_ns();

	(void)state;
	expect_passes(edge, 1, 8);
	edge_set_pressure(edge, &pressed, now + 10 * WORLD_WAIT_NS); /* fresh throughout */
	expect_word(edge, now + 10 * WORLD_WAIT_NS);
	expect_passes(edge, 2, 2);
	edge_set_pressure(edge, &none, now + 10 * WORLD_WAIT_NS);
	expect_passes(edge, 3, 8);
	edge_set_pressure(edge, &pressed, now - HATAGO_HEARTBEAT_MAX_NS);
	expect_passes(edge, 4, 8);
	edge_set_pressure(edge, &odd, now); /* out of range: the nearest */
	assert_int_equal(word_of(edge).per_mille, 0);
	assert_int_equal(word_of(edge).scale_inv, HATAGO_INV_MAX);
	assert_int_equal(word_of(edge).trusted_inv, HATAGO_INV_ONE);
	assert_int_equal(word_of(edge).strangers_inv, HATAGO_INV_MAX);
	world_close(edge);
}

/* Other rules, and another table: the word, the budget and the counts go along. */
static void test_reload(void **state)
{
	struct config config = gated_config(), other = config;
	struct edge *edge = guard(&config, false);
	struct hatago_client_id id = client_id_ipv4(htonl(0x0a000001), view_rules(edge_view(edge)));
	struct clients clients = view_clients(edge_view(edge));
	uint64_t now = clock_mono_ns();
	struct client_at at;
	struct err err = {};

	(void)state;
	edge_set_pressure(edge, &pressed, now + 10 * WORLD_WAIT_NS);
	edge_view(edge)->config->strangers.again = 7;
	assert_true(connections_set(&clients, id, 2, now, TRUST_NS));
	other.gate.max_connections_per_client = 4;
	world_ok(edge_reload(edge, &config, &other, &err), &err);
	expect_word(edge, now + 10 * WORLD_WAIT_NS);
	assert_int_equal(view_rules(edge_view(edge))->max_connections, 4);
	config = other;
	config.edge.max_clients = OTHER_CLIENTS;
	world_ok(edge_reload(edge, &other, &config, &err), &err);
	expect_word(edge, now + 10 * WORLD_WAIT_NS);
	assert_int_equal(edge_view(edge)->config->strangers.again, 7);
	clients = view_clients(edge_view(edge));
	assert_true(clients_find(&clients, id, &at));
	assert_int_equal(connections_get(&at, now), 2);
	expect_passes(edge, 2, 2);
	/* Without strangers their memory shrinks, so programs are replaced; nothing else changes.
	 */
	other = config;
	other.edge.strangers.enabled = false;
	world_ok(edge_reload(edge, &config, &other, &err), &err);
	expect_word(edge, now + 10 * WORLD_WAIT_NS);
	expect_passes(edge, 3, 2);
	world_close(edge);
}

static void press_and_die(void *arg)
{
	struct config config = gated_config();
	struct edge *edge = guard(&config, false);
	struct clients clients = view_clients(edge_view(edge));
	uint64_t now = clock_mono_ns();

	(void)arg;
	connections_set(&clients, client_id_ipv4(htonl(0x0a000001), clients.rules), 2, now,
			TRUST_NS);
	edge_set_pressure(edge, &pressed, now);
}

/* What a dead process tightened holds for the heartbeat's time, and not longer. */
static void test_death(void **state)
{
	struct config config = gated_config();
	struct edge *edge;
	struct clients clients;
	struct client_at at;
	uint64_t heartbeat_ns;

	(void)state;
	world_crash(press_and_die, NULL);
	edge = guard(&config, true);
	heartbeat_ns = word_of(edge).heartbeat_ns;
	expect_word(edge, heartbeat_ns);
	clients = view_clients(edge_view(edge));
	assert_true(clients_find(&clients, client_id_ipv4(htonl(0x0a000001), clients.rules), &at));
	assert_int_equal(connections_get(&at, heartbeat_ns), 2);
	connections_clear(&clients); /* as hatagod does at its start */
	assert_int_equal(connections_get(&at, heartbeat_ns), 0);
	assert_true(slot_is_trusted(at.slot, tick_of(heartbeat_ns)));
	while (clock_mono_ns() <= heartbeat_ns + HATAGO_HEARTBEAT_MAX_NS)
		usleep(10000);
	expect_passes(edge, 2, 8);
	world_close(edge);
}

/* A process that lets go of a pinned edge leaves nothing tightened, not even for a moment. */
static void test_let_go(void **state)
{
	struct config config = gated_config();
	struct edge *edge = guard(&config, false);

	(void)state;
	edge_set_pressure(edge, &pressed, clock_mono_ns() + 10 * WORLD_WAIT_NS);
	expect_passes(edge, 1, 2);
	edge_free(edge);
	edge = guard(&config, true);
	assert_int_equal(word_of(edge).heartbeat_ns, 0);
	expect_passes(edge, 2, 8);
	world_close(edge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_force_at_once, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_reload, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_death, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_let_go, world_init, world_done),
	};

	world_require();
	return cmocka_run_group_tests_name("edge pressure", tests, NULL, NULL);
}
