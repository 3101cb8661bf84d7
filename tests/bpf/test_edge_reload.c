/* SPDX-License-Identifier: MIT */
/*
 * A changed configuration on a running edge: rules, lists of 100,000 entries, table size,
 * devices and modes; and that nothing changes where something fails. Lists and rules
 * through a view of its own, as the command changes them.
 */
#include "edge_world.h"
#include "kern/table.h"

#include "base/address.h"

#define LIST_LARGE	100000
#define TRAFFIC_BATCHES 2000
#define TRAFFIC_BATCH	20
#define TRAFFIC_RELOADS 5
#define OTHER_CLIENTS	(HATAGO_WAYS * 4000)

static struct hatago_prefix prefix_of(const char *text)
{
	struct hatago_prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

/* 20.0.0.0/32 and on, `step` apart. */
static struct config_prefixes prefixes(uint32_t count, uint32_t step)
{
	struct config_prefixes list = {.items = calloc(count, sizeof(*list.items)), .count = count};

	assert_non_null(list.items);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t address = htonl(0x14000000 + i * step);
		struct hatago_prefix *p = &list.items[i];

		p->length = 128;
		p->address[10] = p->address[11] = 0xff;
		memcpy(p->address + 12, &address, sizeof(address));
	}
	return list;
}

static int count_entry(void *count, const struct hatago_prefix *prefix,
		       const struct hatago_listed *listed)
{
	assert_int_equal(listed->length, prefix->length);
	++*(size_t *)count;
	return 0;
}

static size_t list_count(const struct view *view, enum view_list list)
{
	size_t count = 0;

	assert_int_equal(view_list_each(view, list, count_entry, &count), 0);
	return count;
}

static bool has_entry(const struct view *view, enum view_list list, const char *address,
		      const char *entry)
{
	struct hatago_prefix a = prefix_of(address), expected = prefix_of(entry), found;

	return view_list_match(view, list, a.address, &found) == 1 &&
	       prefix_equal(&found, &expected);
}

static struct edge *guard(const struct config *config)
{
	struct edge *edge = world_open(config, false);
	struct err err = {};

	world_ok(edge_attach(edge, "wa", CONFIG_MODE_AUTO, 0, &err), &err);
	return edge;
}

static void test_single_entries(void **state)
{
	struct config config = world_config();
	struct edge *edge = guard(&config);
	struct hatago_prefix wide = prefix_of("10.0.0.0/8"), narrow = prefix_of("10.0.0.0/24");
	struct hatago_prefix six = prefix_of("2001:db8::/32"), found;
	struct view *view;
	struct err err = {};

	(void)state;
	world_ok(view_open(world_pins, &view, &err), &err);
	assert_true(view->writable);
	world_ok(view_list_add(view, VIEW_DENY, &wide, HATAGO_FROM_OPERATOR, &err), &err);
	/* covered is not the same as there */
	world_ok(view_list_add(view, VIEW_DENY, &narrow, HATAGO_FROM_OPERATOR, &err), &err);
	assert_int_equal(view_list_add(view, VIEW_DENY, &narrow, HATAGO_FROM_CONFIG, &err),
			 -EEXIST);
	world_ok(view_list_add(view, VIEW_ALLOW, &six, HATAGO_FROM_OPERATOR, &err), &err);
	assert_int_equal(list_count(view, VIEW_DENY), 2);
	assert_true(has_entry(view, VIEW_DENY, "10.0.0.7", "10.0.0.0/24"));
	assert_true(has_entry(view, VIEW_DENY, "10.0.1.7", "10.0.0.0/8"));
	assert_int_equal(view_list_match(view, VIEW_DENY, six.address, &found), 0);
	assert_true(has_entry(view, VIEW_ALLOW, "2001:db8::1", "2001:db8::/32"));
	/* costs nothing, and does nothing, before the flag is up */
	world_send(1, 1);
	world_expect(view, HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS, 1);
	world_ok(view_lists_flag(view, &err), &err);
	assert_int_equal(view_rules(view)->flags & (HATAGO_ALLOW | HATAGO_DENY),
			 HATAGO_ALLOW | HATAGO_DENY);
	world_send(1, 1);
	world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_DENIED, 1);
	world_ok(view_list_del(view, VIEW_DENY, &narrow, &err), &err);
	assert_int_equal(view_list_del(view, VIEW_DENY, &narrow, &err), -ENOENT);
	world_ok(view_list_del(view, VIEW_DENY, &wide, &err), &err);
	world_ok(view_lists_flag(view, &err), &err);
	assert_int_equal(view_rules(view)->flags & (HATAGO_ALLOW | HATAGO_DENY), HATAGO_ALLOW);
	view_free(view);
	world_close(edge);
}

/* A limit that another process sets holds from the next frame; an abort changes nothing. */
static void test_rules_through_a_view(void **state)
{
	struct config config = world_config();
	struct edge *edge = guard(&config);
	struct hatago_rules *rules;
	struct view *view;
	struct err err = {};

	(void)state;
	world_ok(view_open(world_pins, &view, &err), &err);
	world_ok(view_rules_begin(view, &rules, &err), &err);
	hatago_limit_make(1, 1, 0, &rules->limit[HATAGO_DIM_PACKETS]);
	view_rules_abort(view);
	world_send(1, 2);
	world_expect(view, HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS, 2);
	world_ok(view_rules_begin(view, &rules, &err), &err);
	/* one writer at a time */
	assert_int_equal(view_rules_begin(edge_view(edge), &(struct hatago_rules *){NULL}, &err),
			 -EBUSY);
	hatago_limit_make(1, 1, 0, &rules->limit[HATAGO_DIM_PACKETS]);
	view_rules_commit(view);
	world_send(2, 2);
	world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, 1);
	view_free(view);
	world_close(edge);
}

static void test_reload_of_large_lists(void **state)
{
	struct config old = world_config(), new = world_config();
	struct edge *edge = guard(&old);
	struct view *view = edge_view(edge);
	struct config_prefixes all = prefixes(LIST_LARGE, 1), others = prefixes(LIST_LARGE, 2);
	struct hatago_prefix mine = prefix_of("30.0.0.0/8"), both = prefix_of("20.0.0.2");
	struct err err = {};
	uint64_t begun;

	(void)state;
	world_ok(view_list_add(view, VIEW_DENY, &mine, HATAGO_FROM_OPERATOR, &err), &err);
	world_ok(view_list_add(view, VIEW_DENY, &both, HATAGO_FROM_OPERATOR, &err), &err);
	new.edge.deny = all;
	new.edge.allow = all;
	begun = clock_mono_ns();
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	print_message("2 lists of %d entries in: %llu ms\n", LIST_LARGE,
		      (unsigned long long)(clock_mono_ns() - begun) / 1000000);

	assert_int_equal(list_count(view, VIEW_DENY), LIST_LARGE + 1);
	assert_int_equal(list_count(view, VIEW_ALLOW), LIST_LARGE);
	assert_true(view_rules(view)->flags & HATAGO_DENY);
	old = new;
	/* every other entry goes, others come */
	new.edge.deny = others;
	new.edge.allow = (struct config_prefixes){};
	begun = clock_mono_ns();
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	print_message("other entries in, as many out: %llu ms\n",
		      (unsigned long long)(clock_mono_ns() - begun) / 1000000);

	assert_int_equal(list_count(view, VIEW_DENY), LIST_LARGE + 1);
	assert_int_equal(list_count(view, VIEW_ALLOW), 0);
	assert_false(view_rules(view)->flags & HATAGO_ALLOW);
	old = new;
	new.edge.deny = (struct config_prefixes){};
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	/* the operator's stay */
	assert_int_equal(list_count(view, VIEW_DENY), 2);
	assert_true(has_entry(view, VIEW_DENY, "30.1.2.3", "30.0.0.0/8"));
	assert_true(view_rules(view)->flags & HATAGO_DENY);
	free(all.items);
	free(others.items);
	world_close(edge);
}

static void test_too_many_entries_change_nothing(void **state)
{
	struct config old = world_config(), new = world_config();
	struct edge *edge = guard(&old);
	struct view *view = edge_view(edge);
	struct err err = {};

	(void)state;
	new.edge.enforce = false;
	new.edge.allow = prefixes(10, 1);
	new.edge.deny = prefixes(HATAGO_LIST_MAX + 1, 1);
	assert_int_equal(edge_reload(edge, &old, &new, &err), -E2BIG);
	assert_non_null(strstr(err.text, "edge.deny"));
	assert_int_equal(list_count(view, VIEW_ALLOW), 0);
	assert_int_equal(list_count(view, VIEW_DENY), 0);
	assert_true(view_rules(view)->flags & HATAGO_ENFORCE);
	new.edge.deny.count--;
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	assert_int_equal(list_count(view, VIEW_DENY), HATAGO_LIST_MAX);
	assert_false(view_rules(view)->flags & HATAGO_ENFORCE);
	free(new.edge.allow.items);
	free(new.edge.deny.items);
	world_close(edge);
}

static void test_reload_of_limits(void **state)
{
	struct config old = world_config(), new = world_config();
	struct edge *edge = guard(&old);
	struct view *view = edge_view(edge);
	struct err err = {};

	(void)state;
	world_send(1, WORLD_BURST);
	hatago_limit_make(1, WORLD_BURST + 5, 0, &new.edge.dimension[HATAGO_DIM_PACKETS].limit);
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	/* what was taken stays taken: five more tokens, not ten */
	world_send(1, 10);
	world_expect(view, HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS, WORLD_BURST + 5);
	world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, 5);
	old = new;
	new.edge.enforce = false;
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	world_send(1, 10);
	world_expect(view, HATAGO_VERDICT_WOULD_DROP, HATAGO_REASON_LIMIT_PACKETS, 10);
	assert_null(edge_notice(edge));
	world_close(edge);
}

static void test_reload_of_table_size(void **state)
{
	struct config old = world_config(), new = world_config();
	struct edge *edge = guard(&old);
	struct view *view = edge_view(edge), *other;
	struct err err = {};

	(void)state;
	world_ok(view_open(world_pins, &other, &err), &err);
	world_send(1, 20);
	new.edge.max_clients = OTHER_CLIENTS;
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	assert_true(world_noticed(edge, "1 live ones were carried over"));
	assert_int_equal(view->set_count, clients_set_count(OTHER_CLIENTS));
	world_send(1, 20);
	world_expect(view, HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS, 40 - WORLD_BURST);
	/* who looked on meanwhile finds the new table, too */
	world_ok(view_refresh(other, &err), &err);
	assert_int_equal(other->set_count, clients_set_count(OTHER_CLIENTS));
	assert_int_equal(world_slot(other, 1)->packets, world_slot(view, 1)->packets);
	view_free(other);
	world_close(edge);
}

static void test_reload_of_devices(void **state)
{
	struct config old = world_config(), new = world_config();
	struct edge *edge = guard(&old);
	struct view *view = edge_view(edge);
	struct err err = {};

	(void)state;
	/* one of the operator's own, in neither configuration */
	world_run("ip link add wx type veth peer name wy");
	world_ok(edge_attach(edge, "wx", CONFIG_MODE_AUTO, 0, &err), &err);
	new.edge.devices[1] = (char *)"lo";
	new.edge.device_count = 2;
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	assert_true(world_device(view, "lo")->attached);
	assert_int_equal(view->device_count, 3);
	/* wa goes, lo changes its mode */
	old = new;
	new.edge.devices[0] = (char *)"lo";
	new.edge.device_count = 1;
	new.edge.mode = CONFIG_MODE_TC;
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	assert_null(world_device(view, "wa"));
	assert_int_equal(world_device(view, "lo")->device->mode, HATAGO_MODE_TC);
	assert_true(world_device(view, "wx")->attached);
	assert_int_equal(hook_xdp_running((int)if_nametoindex("wa")), 0);
	world_close(edge);
}

/* The second new device does not exist: the first is let go again, modes go back. */
static void test_failed_reload_changes_nothing(void **state)
{
	struct config old = world_config(), new = world_config();
	struct edge *edge = guard(&old);
	struct view *view = edge_view(edge);
	struct err err = {};

	(void)state;
	new.edge.devices[1] = (char *)"wb";
	new.edge.devices[2] = (char *)"nosuch";
	new.edge.device_count = 3;
	new.edge.mode = CONFIG_MODE_TC;
	new.edge.enforce = false;
	assert_int_equal(edge_reload(edge, &old, &new, &err), -ENODEV);
	assert_non_null(strstr(err.text, "nosuch"));
	assert_int_equal(world_device(view, "wa")->device->mode, HATAGO_MODE_NATIVE);
	assert_null(world_device(view, "wb"));
	assert_true(view_rules(view)->flags & HATAGO_ENFORCE);
	assert_false(world_prints("clsact", "tc qdisc show"));
	new.edge.device_count = 1;
	new.edge.pins = (char *)"/sys/fs/bpf/hatago-test-other";
	assert_int_equal(edge_reload(edge, &old, &new, &err), -EINVAL);
	/* one that was to be guarded before is no reason to refuse the rest */
	old.edge.devices[1] = new.edge.devices[1] = (char *)"nosuch";
	old.edge.device_count = new.edge.device_count = 2;
	new.edge.pins = world_pins;
	world_ok(edge_reload(edge, &old, &new, &err), &err);
	assert_true(world_noticed(edge, "nosuch"));
	assert_false(view_rules(view)->flags & HATAGO_ENFORCE);
	world_close(edge);
}

static uint64_t counted(struct view *view)
{
	const struct view_device *d = world_device(view, "wa");
	struct hatago_counters sum;
	uint64_t frames = 0;

	view_device_counters(view, d, &sum);
	for (int v = 0; v < HATAGO_VERDICT_COUNT; v++)
		for (int r = 0; r < HATAGO_REASON_COUNT; r++)
			frames += sum.by[v][r].packets;
	return frames;
}

/*
 * While frames come in, tables and limits change and go back. Every frame is judged, once,
 * and the one client gets its burst, once: nothing is forgotten on the way.
 */
static void test_reload_under_traffic(void **state)
{
	struct config small = world_config(), large = world_config();
	struct edge *edge = world_open(&small, false);
	struct view *view = edge_view(edge);
	struct err err = {};
	uint64_t until = clock_mono_ns() + 10 * WORLD_WAIT_NS;
	pid_t sender;
	int status;

	(void)state;
	large.edge.max_clients = OTHER_CLIENTS;
	world_ok(edge_attach(edge, "wa", CONFIG_MODE_GENERIC, 0, &err), &err);
	world_send(1, WORLD_BURST);
	sender = fork();
	assert_true(sender >= 0);
	if (sender == 0) {
		for (int i = 0; i < TRAFFIC_BATCHES; i++)
			world_send(1, TRAFFIC_BATCH);
		_exit(0);
	}
	for (int i = 0; i < TRAFFIC_RELOADS; i++) {
		world_ok(edge_reload(edge, &small, &large, &err), &err);
		world_ok(edge_reload(edge, &large, &small, &err), &err);
	}
	assert_int_equal(waitpid(sender, &status, 0), sender);
	assert_int_equal(status, 0);
	while (counted(view) < WORLD_BURST + TRAFFIC_BATCHES * TRAFFIC_BATCH &&
	       clock_mono_ns() < until)
		sched_yield();
	assert_int_equal(counted(view), WORLD_BURST + TRAFFIC_BATCHES * TRAFFIC_BATCH);
	world_expect(view, HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS, WORLD_BURST);
	world_close(edge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_single_entries, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_rules_through_a_view, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_reload_of_large_lists, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_too_many_entries_change_nothing, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_reload_of_limits, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_reload_of_table_size, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_reload_under_traffic, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_reload_of_devices, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_failed_reload_changes_nothing, world_init,
						world_done),
	};

	world_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
