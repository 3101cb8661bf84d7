/* SPDX-License-Identifier: MIT */
/*
 * What outlives a process: crashes and what the next start makes of them, tables of
 * another size, pins that are not ours, and pins without a process.
 */
#include "edge_world.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/ban.h"
#include "kern/table.h"

#define BANNED_SOURCE 500

struct crash {
	enum config_mode mode;
	uint32_t confirm_ms;
};

static void attach_and_die(void *arg)
{
	const struct crash *crash = arg;
	struct config config = world_config();
	struct edge *edge;
	struct err err = {};
	bool adopted;

	if (edge_open(&config, &edge, &adopted, &err) < 0 || adopted ||
	    edge_attach(edge, "wa", crash->mode, crash->confirm_ms, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(1);
	}
}

/* By user space, as the command does it. */
static void ban_id(struct view *view, struct hatago_client_id id)
{
	const struct clients clients = view_clients(view);
	uint32_t former;

	assert_int_equal(ban_put(&clients, id, clock_mono_ns(), HATAGO_TICK_NEVER, &former), 0);
}

static void ban(struct view *view, uint32_t source)
{
	ban_id(view, client_id_ipv4(htonl(0x0a000000 + source), view_rules(view)));
}

/* Is the id to be read out of the table, and is it banned? */
static bool is_banned_id(const struct view *view, struct hatago_client_id id)
{
	const struct clients clients = view_clients(view);
	struct hatago_client_id read;
	struct client_at at;

	if (!clients_find(&clients, id, &at) || ban_of(at.slot) != HATAGO_TICK_NEVER)
		return false;
	read = table_id(at.key, at.side->id_lo[at.place & TABLE_WAY], view->config->secret);
	return read.hi == id.hi && read.lo == id.lo;
}

/* After a crash the program goes on by itself; the next start takes over all there is. */
static void test_crash_is_survived(void **state)
{
	static const struct crash modes[] = {
		{CONFIG_MODE_NATIVE, 0}, {CONFIG_MODE_GENERIC, 0}, {CONFIG_MODE_TC, 0}};
	struct config config = world_config();

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct crash crash = modes[i];
		struct view *view;
		struct edge *edge;
		struct err err = {};
		uint32_t program;

		world_crash(attach_and_die, &crash);
		world_ok(view_open(world_pins, &view, &err), &err);
		assert_true(world_device(view, "wa")->attached);
		ban(view, BANNED_SOURCE);
		world_send(1, 20);
		world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS,
			     20 - WORLD_BURST);
		program = hook_xdp_running((int)if_nametoindex("wa"));
		view_free(view);

		edge = world_open(&config, true);
		view = edge_view(edge);
		assert_null(edge_notice(edge));
		assert_true(world_device(view, "wa")->attached);
		assert_int_equal(world_device(view, "wa")->device->mode,
				 crash.mode - CONFIG_MODE_NATIVE);
		if (program)
			assert_int_not_equal(hook_xdp_running((int)if_nametoindex("wa")), program);
		world_ok(edge_attach(edge, "wa", crash.mode, 0, &err), &err);
		world_send(1, 5);
		world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS,
			     25 - WORLD_BURST);
		world_send(BANNED_SOURCE, 5);
		world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_BANNED, 5);
		world_close(edge);
	}
}

/* XDP that is not confirmed goes with its process. */
static void test_unconfirmed_dies_with_process(void **state)
{
	struct crash crash = {CONFIG_MODE_NATIVE, 60000};
	uint64_t until = clock_mono_ns() + WORLD_WAIT_NS;
	struct config config = world_config();
	struct edge *edge;

	(void)state;
	world_crash(attach_and_die, &crash);
	while (hook_xdp_running((int)if_nametoindex("wa")) && clock_mono_ns() < until)
		sched_yield();
	assert_int_equal(hook_xdp_running((int)if_nametoindex("wa")), 0);
	edge = world_open(&config, true);
	assert_true(world_noticed(edge, "wa was pinned but is not guarded any more"));
	assert_int_equal(edge_view(edge)->device_count, 0);
	world_close(edge);
}

/* tc can't go with it, so its time runs on, and the next start cleans up. */
static void test_expired_is_cleaned_at_start(void **state)
{
	struct crash crash = {CONFIG_MODE_TC, 1};
	struct config config = world_config();
	struct edge *edge;
	uint64_t by;

	(void)state;
	world_crash(attach_and_die, &crash);
	assert_true(world_prints("hatago_tc", "tc filter show dev wa ingress"));
	by = clock_mono_ns() + 2000000;
	while (clock_mono_ns() < by)
		sched_yield();
	edge = world_open(&config, true);
	assert_true(world_noticed(edge, "wa was not confirmed in time"));
	assert_int_equal(edge_view(edge)->device_count, 0);
	assert_false(world_prints("clsact", "tc qdisc show dev wa"));
	world_close(edge);
}

static void test_leftover_devices_go_at_start(void **state)
{
	static const struct crash modes[] = {{CONFIG_MODE_NATIVE, 0}, {CONFIG_MODE_TC, 0}};
	struct config config = world_config();

	(void)state;
	config.edge.device_count = 0;
	for (size_t i = 0; i < 2; i++) {
		struct crash crash = modes[i];
		struct edge *edge;

		world_crash(attach_and_die, &crash);
		edge = world_open(&config, true);
		assert_true(world_noticed(edge, "wa was guarded but is not in the configuration"));
		assert_int_equal(edge_view(edge)->device_count, 0);
		assert_int_equal(hook_xdp_running((int)if_nametoindex("wa")), 0);
		assert_false(world_prints("clsact", "tc qdisc show dev wa"));
		world_close(edge);
	}
	/* and a device that is gone altogether */
	world_crash(attach_and_die, (void *)&modes[0]);
	world_run("ip link del wa");
	config.edge.device_count = 1;
	struct edge *edge = world_open(&config, true);

	assert_true(world_noticed(edge, "wa was pinned but is not guarded any more"));
	world_close(edge);
}

/* Larger and smaller: every live client goes along, banned ones first of all. */
static void test_table_changes_size(void **state)
{
	static const struct {
		uint32_t clients;
		bool fits;
	} rows[] = {{HATAGO_WAYS * 4000, true}, {WORLD_CLIENTS, true}, {HATAGO_WAYS * 10, false}};
	const struct hatago_client_id long_id = {.hi = 0x1122334455667788,
						 .lo = 0x99aabbccddeeff00};
	struct crash crash = {CONFIG_MODE_NATIVE, 0};
	struct config config = world_config();
	struct hatago_slot before[100];
	struct view *view;
	struct err err = {};

	(void)state;
	world_crash(attach_and_die, &crash);
	world_ok(view_open(world_pins, &view, &err), &err);
	for (uint32_t i = 0; i < 100; i++)
		world_send(i, 6);
	world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, 100);
	ban(view, BANNED_SOURCE);
	ban_id(view, long_id);
	for (uint32_t i = 0; i < 100; i++)
		before[i] = *world_slot(view, i);
	view_free(view);
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct edge *edge;
		uint32_t kept = 0;

		config.edge.max_clients = rows[row].clients;
		edge = world_open(&config, true);
		view = edge_view(edge);
		assert_int_equal(view->set_count, clients_set_count(rows[row].clients));
		assert_int_equal(view->config->set_count, view->set_count);
		assert_int_equal(ban_of(world_slot(view, BANNED_SOURCE)), HATAGO_TICK_NEVER);
		assert_true(is_banned_id(view, long_id));
		for (uint32_t i = 0; i < 100; i++) {
			struct hatago_slot *slot = world_slot(view, i);

			if (slot) /* a place's, not its inhabitant's */
				before[i].away_until = slot->away_until;
			kept += slot && memcmp(slot, &before[i], sizeof(*slot)) == 0;
		}
		assert_true(kept <= 100 && (kept == 100) == rows[row].fits);
		assert_true(world_noticed(edge, rows[row].fits ? "102 live ones were carried over, "
								 "0 found no place"
							       : "(0 of them banned)"));
		/* The program in force uses the new table. */
		world_send(BANNED_SOURCE, 1);
		world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_BANNED, row + 1);
		edge_free(edge);
	}
	edge_free(NULL);
	config.edge.max_clients = WORLD_CLIENTS;
	world_close(world_open(&config, true));
}

static void test_client_prefix_changes(void **state)
{
	struct crash crash = {CONFIG_MODE_NATIVE, 0};
	struct config config = world_config();
	const struct hatago_note note = {.text = "noisy"};
	struct hatago_client_id id;
	struct hatago_note found;
	struct view *view;
	struct edge *edge;
	struct err err = {};

	(void)state;
	world_crash(attach_and_die, &crash);
	world_ok(view_open(world_pins, &view, &err), &err);
	ban(view, BANNED_SOURCE);
	ban(view, BANNED_SOURCE + 1);
	id = client_id_ipv4(htonl(0x0a000000 + BANNED_SOURCE), view_rules(view));
	assert_int_equal(view_note_get(view, id, &found), -ENOENT);
	assert_int_equal(view_note_set(view, id, &note), 0);
	assert_int_equal(view_note_get(view, id, &found), 0);
	assert_string_equal(found.text, "noisy");
	view_free(view);
	config.edge.ipv4_prefix = 24;
	edge = world_open(&config, true);
	view = edge_view(edge);
	assert_true(world_noticed(edge, "2 bans are lost"));
	assert_int_equal(view_note_get(view, id, &found), -ENOENT);
	/* one bucket for the whole of 10.0.0.0/24 */
	world_send(1, WORLD_BURST);
	world_send(2, 1);
	world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, 1);
	world_close(edge);
}

static void test_other_pins_are_refused(void **state)
{
	struct config config = world_config();
	struct edge *edge;
	struct view *view;
	struct err err = {};
	char path[128];
	bool adopted;
	int fd;

	(void)state;
	assert_int_equal(view_open(world_pins, &view, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no edge is pinned in"));
	/* a name that is not ours */
	mkdir(world_pins, 0700);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 8, 1, NULL);
	snprintf(path, sizeof(path), "%s/other", world_pins);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	assert_int_equal(edge_open(&config, &edge, &adopted, &err), -EPROTO);
	assert_non_null(strstr(err.text, "holds other, which is not Hatago's"));
	unlink(path);
	/* our name, another shape */
	snprintf(path, sizeof(path), "%s/clients", world_pins);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	assert_int_equal(edge_open(&config, &edge, &adopted, &err), -EPROTO);
	assert_non_null(strstr(err.text, "another program or of another version"));
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	close(fd);
	/* another version */
	world_crash(attach_and_die, &(struct crash){CONFIG_MODE_NATIVE, 0});
	world_ok(view_open(world_pins, &view, &err), &err);
	view->config->abi_version++;
	assert_int_equal(edge_open(&config, &edge, &adopted, &err), -EPROTO);
	assert_non_null(strstr(err.text, "another version of Hatago edge"));
	assert_true(world_device(view, "wa")->attached);
	/* version 1, whose sides were of another size: it is the version that is named */
	view->config->abi_version = 1;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sides", 4, 128, view->set_count,
			    &(struct bpf_map_create_opts){.sz = sizeof(struct bpf_map_create_opts),
							  .map_flags = BPF_F_MMAPABLE});
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/sides", world_pins);
	unlink(path);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	assert_int_equal(edge_open(&config, &edge, &adopted, &err), -EPROTO);
	assert_non_null(strstr(err.text, "its maps have version 1, this program knows 3"));
	unlink(path);
	assert_int_equal(bpf_obj_pin(view->sides_fd, path), 0);
	close(fd);
	view->config->abi_version = HATAGO_ABI_VERSION;
	view_free(view);
	world_close(world_open(&config, true));
}

static void test_pins_must_lie_in_bpffs(void **state)
{
	static const struct {
		const char *pins, *words;
	} rows[] = {
		{"/tmp/hatago-pins", "doesn't lie in a BPF file system"},
		{"hatago", "is not an absolute path"},
		{"/sys/fs/bpf", "the root of a BPF file system"},
		{"/sys/fs/bpf/hatago.pins", "allows no dot"},
		{"/sys/fs/bpf/", "is not an absolute path"},
	};
	struct config config = world_config();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct edge *edge;
		struct err err = {};
		bool adopted;

		config.edge.pins = (char *)rows[i].pins;
		assert_int_equal(edge_open(&config, &edge, &adopted, &err), -EINVAL);
		assert_non_null(strstr(err.text, rows[i].words));
	}
	assert_int_equal(access("/tmp/hatago-pins", F_OK), -1);
}

static void test_detach_through_pins(void **state)
{
	static const struct crash modes[] = {{CONFIG_MODE_NATIVE, 0}, {CONFIG_MODE_TC, 0}};
	struct config config = world_config();
	struct edge *edge;
	struct err err = {};
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/dev-wa", world_pins);
	for (size_t i = 0; i < 2; i++) {
		struct crash crash = modes[i];

		world_crash(attach_and_die, &crash);
		assert_int_equal(edge_detach_pinned(world_pins, "wb", &err), -ENOENT);
		world_ok(edge_detach_pinned(world_pins, "wa", &err), &err);
		assert_int_equal(hook_xdp_running((int)if_nametoindex("wa")), 0);
		assert_false(world_prints("clsact", "tc qdisc show dev wa"));
		assert_int_equal(access(path, F_OK), -1);
		assert_int_equal(edge_detach_pinned(world_pins, "wa", &err), -ENOENT);
		world_close(world_open(&config, true));
	}
	/* A link that a process holds can't be taken off by another. */
	edge = world_open(&config, false);
	world_ok(edge_attach(edge, "wa", CONFIG_MODE_NATIVE, 60000, &err), &err);
	assert_int_equal(edge_detach_pinned(world_pins, "wa", &err), -EBUSY);
	world_close(edge);
}

/* The same pins from another network namespace: refused, and nothing is touched. */
static void test_other_namespace_is_refused(void **state)
{
	struct crash crash = {CONFIG_MODE_NATIVE, 0};
	struct config config = world_config();
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct edge *edge;
	struct err err = {};
	bool adopted;

	(void)state;
	world_crash(attach_and_die, &crash);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(edge_open(&config, &edge, &adopted, &err), -EBUSY);
	assert_non_null(strstr(err.text, "another network namespace"));
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	close(here);
	world_close(world_open(&config, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crash_is_survived, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_unconfirmed_dies_with_process, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_expired_is_cleaned_at_start, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_leftover_devices_go_at_start, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_table_changes_size, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_client_prefix_changes, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_other_pins_are_refused, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_pins_must_lie_in_bpffs, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_detach_through_pins, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_other_namespace_is_refused, world_init,
						world_done),
	};

	world_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
