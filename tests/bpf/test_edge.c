/* SPDX-License-Identifier: MIT */
/*
 * The edge on live devices: modes and what stands in their way, confirm and its time,
 * moving from mode to mode, what is refused, what is left behind. What outlives a process
 * is test_edge_adopt.c's.
 */
#include "edge_world.h"

#include <linux/capability.h>
#include <sys/syscall.h>

static uint32_t xdp_on(const char *device)
{
	return hook_xdp_running((int)if_nametoindex(device));
}

static void attach(struct edge *edge, const char *device, enum config_mode mode)
{
	struct err err = {};

	world_ok(edge_attach(edge, device, mode, 0, &err), &err);
}

/* Attaches in each mode; the same frames are judged the same. */
static void test_modes_guard(void **state)
{
	static const struct {
		enum config_mode asked;
		enum hatago_attach_mode got;
		const char *why;
	} rows[] = {
		{CONFIG_MODE_NATIVE, HATAGO_MODE_NATIVE, ""},
		{CONFIG_MODE_GENERIC, HATAGO_MODE_GENERIC, "asked for"},
		{CONFIG_MODE_TC, HATAGO_MODE_TC, "asked for"},
		{CONFIG_MODE_AUTO, HATAGO_MODE_NATIVE, ""},
	};
	struct config config = world_config();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct edge *edge = world_open(&config, false);
		const struct view_device *d;

		attach(edge, "wa", rows[i].asked);
		d = world_device(edge_view(edge), "wa");
		assert_non_null(d);
		assert_true(d->attached);
		assert_int_equal(d->device->mode, rows[i].got);
		assert_string_equal(d->device->why, rows[i].why);
		assert_int_equal(d->device->ifindex, if_nametoindex("wa"));
		world_send(1, 20);
		world_expect(edge_view(edge), HATAGO_VERDICT_PASS, HATAGO_REASON_WITHIN_LIMITS,
			     WORLD_BURST);
		world_expect(edge_view(edge), HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS,
			     20 - WORLD_BURST);
		world_close(edge);
		assert_int_equal(xdp_on("wa"), 0);
		assert_false(world_prints("clsact", "tc qdisc show dev wa"));
	}
}

/* lo has no native XDP: the reason is told, in the kernel's words. */
static void test_auto_falls_back_to_generic(void **state)
{
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	const struct view_device *d;
	struct err err = {};

	(void)state;
	attach(edge, "lo", CONFIG_MODE_AUTO);
	d = world_device(edge_view(edge), "lo");
	assert_int_equal(d->device->mode, HATAGO_MODE_GENERIC);
	assert_non_null(strstr(d->device->why, "native: "));
	assert_null(strstr(d->device->why, "generic"));
	world_ok(edge_detach(edge, "lo", &err), &err);
	assert_int_equal(edge_attach(edge, "lo", CONFIG_MODE_NATIVE, 0, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "device lo: can't attach: native: "));
	world_close(edge);
}

static void test_foreign_xdp_is_never_evicted(void **state)
{
	static const int flags[] = {1U << 2 /* DRV_MODE */, 1U << 1 /* SKB_MODE */};
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	int program = world_foreign(BPF_PROG_TYPE_XDP, 2 /* XDP_PASS */);
	uint32_t id = hook_program_id(program);
	struct err err = {};
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "XDP program %u (foreign) is on the device", id);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int index = (int)if_nametoindex("wa");

		assert_int_equal(bpf_xdp_attach(index, program, (__u32)flags[i], NULL), 0);
		assert_int_equal(edge_attach(edge, "wa", CONFIG_MODE_NATIVE, 0, &err), -EBUSY);
		assert_non_null(strstr(err.text, text));
		assert_int_equal(edge_attach(edge, "wa", CONFIG_MODE_GENERIC, 0, &err), -EBUSY);
		assert_null(world_device(edge_view(edge), "wa"));
		attach(edge, "wa", CONFIG_MODE_AUTO);
		assert_int_equal(world_device(edge_view(edge), "wa")->device->mode, HATAGO_MODE_TC);
		assert_non_null(strstr(world_device(edge_view(edge), "wa")->device->why, text));
		assert_int_equal(xdp_on("wa"), id);
		world_send(1 + (uint32_t)i, 20);
		world_expect(edge_view(edge), HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS,
			     20 - WORLD_BURST);
		world_ok(edge_detach(edge, "wa", &err), &err);
		assert_int_equal(xdp_on("wa"), id);
		assert_int_equal(bpf_xdp_detach(index, (__u32)flags[i], NULL), 0);
	}
	close(program);
	world_close(edge);
}

static void test_foreign_tc_stays(void **state)
{
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	struct bpf_tc_hook hook = {.sz = sizeof(hook),
				   .ifindex = (int)if_nametoindex("wa"),
				   .attach_point = BPF_TC_INGRESS};
	LIBBPF_OPTS(bpf_tc_opts, beside, .handle = 1, .priority = HOOK_TC_PRIORITY);
	LIBBPF_OPTS(bpf_tc_opts, ours, .handle = HOOK_TC_HANDLE, .priority = HOOK_TC_PRIORITY);
	int program = world_foreign(BPF_PROG_TYPE_SCHED_CLS, -1 /* TC_ACT_UNSPEC */);
	struct err err = {};

	(void)state;
	/* in our very place */
	ours.prog_fd = beside.prog_fd = program;
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &ours), 0);
	assert_int_equal(edge_attach(edge, "wa", CONFIG_MODE_TC, 0, &err), -EBUSY);
	assert_non_null(strstr(err.text, "tc filter del"));
	assert_int_equal(hook_tc_running(hook.ifindex, HOOK_TC_HANDLE, HOOK_TC_PRIORITY),
			 hook_program_id(program));
	ours.prog_fd = 0;
	ours.prog_id = ours.flags = 0;
	assert_int_equal(bpf_tc_detach(&hook, &ours), 0);
	/* beside us: neither it nor the qdisc is touched */
	assert_int_equal(bpf_tc_attach(&hook, &beside), 0);
	attach(edge, "wa", CONFIG_MODE_TC);
	world_send(1, 20);
	world_expect(edge_view(edge), HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS,
		     20 - WORLD_BURST);
	world_ok(edge_detach(edge, "wa", &err), &err);
	assert_int_equal(hook_tc_running(hook.ifindex, 1, HOOK_TC_PRIORITY),
			 hook_program_id(program));
	/* nor is a qdisc that was there before, though nothing hangs there any more */
	attach(edge, "wa", CONFIG_MODE_TC);
	beside.prog_fd = 0;
	beside.prog_id = beside.flags = 0;
	assert_int_equal(bpf_tc_detach(&hook, &beside), 0);
	close(program);
	world_close(edge);
	assert_true(world_prints("clsact", "tc qdisc show dev wa"));
}

/* A filter that came after ours keeps the qdisc, though we made that. */
static void test_qdisc_stays_while_used(void **state)
{
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	struct bpf_tc_hook hook = {.sz = sizeof(hook),
				   .ifindex = (int)if_nametoindex("wa"),
				   .attach_point = BPF_TC_EGRESS};
	LIBBPF_OPTS(bpf_tc_opts, other, .handle = 1, .priority = 1);

	(void)state;
	attach(edge, "wa", CONFIG_MODE_TC);
	other.prog_fd = world_foreign(BPF_PROG_TYPE_SCHED_CLS, -1);
	assert_int_equal(bpf_tc_attach(&hook, &other), 0);
	close(other.prog_fd);
	world_close(edge);
	assert_true(world_prints("clsact", "tc qdisc show dev wa"));
	assert_true(world_prints("foreign", "tc filter show dev wa egress"));
}

static void test_unfit_devices_are_refused(void **state)
{
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	struct err err = {};

	(void)state;
	assert_int_equal(edge_attach(edge, "nosuch", CONFIG_MODE_AUTO, 0, &err), -ENODEV);
	assert_non_null(strstr(err.text, "no device nosuch"));
	assert_int_equal(edge_attach(edge, "a-name-that-is-too-long", CONFIG_MODE_AUTO, 0, &err),
			 -ENODEV);
	if (system("ip tuntap add wt mode tun 2>/dev/null") == 0) {
		assert_int_equal(edge_attach(edge, "wt", CONFIG_MODE_AUTO, 0, &err), -EINVAL);
		assert_non_null(strstr(err.text, "wt is no Ethernet device"));
	} else {
		print_message("no tun device can be made here: that part is left out\n");
	}
	assert_int_equal(edge_view(edge)->device_count, 0);
	world_close(edge);
}

/* A BPF file system allows no dot in a name; VLAN devices have one. */
static void test_dotted_name(void **state)
{
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	struct err err = {};
	char path[128];

	(void)state;
	world_run("ip link add w.100 type veth peer name wc");
	attach(edge, "w.100", CONFIG_MODE_AUTO);
	snprintf(path, sizeof(path), "%s/dev-w:100/link", world_pins);
	assert_int_equal(access(path, F_OK), 0);
	assert_true(world_device(edge_view(edge), "w.100")->attached);
	world_ok(edge_detach(edge, "w.100", &err), &err);
	assert_int_equal(access(path, F_OK), -1);
	world_close(edge);
}

static void test_confirm(void **state)
{
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	const struct view_device *d;
	struct err err = {};
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/dev-wa/link", world_pins);
	world_ok(edge_attach(edge, "wa", CONFIG_MODE_AUTO, 60000, &err), &err);
	d = world_device(edge_view(edge), "wa");
	assert_true(d->attached);
	assert_true(d->device->confirm_by_ns > clock_mono_ns());
	assert_int_equal(edge_confirm_by_ns(edge), d->device->confirm_by_ns);
	assert_int_equal(access(path, F_OK), -1);
	world_send(1, 20);
	world_expect(edge_view(edge), HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS,
		     20 - WORLD_BURST);
	world_ok(edge_confirm(edge, "wa", &err), &err);
	assert_int_equal(world_device(edge_view(edge), "wa")->device->confirm_by_ns, 0);
	assert_int_equal(edge_confirm_by_ns(edge), 0);
	assert_int_equal(access(path, F_OK), 0);
	/* what is confirmed may be put to the test again */
	world_ok(edge_attach(edge, "wa", CONFIG_MODE_AUTO, 60000, &err), &err);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(edge_expire(edge, &err), 0);
	world_ok(edge_detach(edge, "wa", &err), &err);
	assert_int_equal(edge_confirm(edge, "wa", &err), -ENOENT);
	assert_int_equal(edge_detach(edge, "wa", &err), -ENOENT);
	world_close(edge);
}

static void test_unconfirmed_stands_aside(void **state)
{
	static const enum config_mode modes[] = {CONFIG_MODE_NATIVE, CONFIG_MODE_TC};
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	struct err err = {};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		world_ok(edge_attach(edge, "wa", modes[i], 1, &err), &err);
		while (clock_mono_ns() < edge_confirm_by_ns(edge))
			sched_yield();
		world_send(9, 20);
		world_expect(edge_view(edge), HATAGO_VERDICT_PASS, HATAGO_REASON_UNCONFIRMED, 20);
		assert_int_equal(edge_confirm(edge, "wa", &err), -ETIME);
		assert_int_equal(edge_expire(edge, &err), 1);
		assert_true(world_noticed(edge, "wa was not confirmed in time"));
		assert_null(world_device(edge_view(edge), "wa"));
		assert_int_equal(xdp_on("wa"), 0);
		assert_false(world_prints("clsact", "tc qdisc show dev wa"));
	}
	world_close(edge);
}

static void test_moves_between_modes(void **state)
{
	static const enum config_mode path[] = {
		CONFIG_MODE_TC, CONFIG_MODE_GENERIC, CONFIG_MODE_NATIVE,  CONFIG_MODE_AUTO,
		CONFIG_MODE_TC, CONFIG_MODE_NATIVE,  CONFIG_MODE_GENERIC,
	};
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	int mode = HATAGO_MODE_NATIVE;

	(void)state;
	attach(edge, "wa", CONFIG_MODE_NATIVE);
	world_send(1, 20);
	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		bool gap = mode != HATAGO_MODE_TC && path[i] != CONFIG_MODE_TC &&
			   path[i] != CONFIG_MODE_AUTO;

		attach(edge, "wa", path[i]);
		mode = path[i] == CONFIG_MODE_AUTO ? mode : (int)path[i] - CONFIG_MODE_NATIVE;
		assert_int_equal(world_device(edge_view(edge), "wa")->device->mode, mode);
		assert_true(world_device(edge_view(edge), "wa")->attached);
		assert_int_equal(world_noticed(edge, "unguarded"), gap);
		assert_int_equal(xdp_on("wa") != 0, mode != HATAGO_MODE_TC);
		assert_int_equal(world_prints("clsact", "tc qdisc show dev wa"),
				 mode == HATAGO_MODE_TC);
	}
	/* the counters, and the empty bucket, went along */
	world_expect(edge_view(edge), HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS,
		     20 - WORLD_BURST);
	world_send(1, 3);
	world_expect(edge_view(edge), HATAGO_VERDICT_DROP, HATAGO_REASON_LIMIT_PACKETS,
		     23 - WORLD_BURST);
	world_close(edge);
}

/* Somebody takes it off behind our back: the view tells, and it can be attached again. */
static void test_attached_is_the_truth(void **state)
{
	struct config config = world_config();
	struct edge *edge = world_open(&config, false);
	char path[128];
	int link;

	(void)state;
	attach(edge, "wa", CONFIG_MODE_NATIVE);
	snprintf(path, sizeof(path), "%s/dev-wa/link", world_pins);
	link = bpf_obj_get(path);
	assert_int_equal(bpf_link_detach(link), 0);
	close(link);
	assert_false(world_device(edge_view(edge), "wa")->attached);
	attach(edge, "wa", CONFIG_MODE_TC);
	assert_true(world_device(edge_view(edge), "wa")->attached);
	world_run("tc qdisc del dev wa clsact");
	assert_false(world_device(edge_view(edge), "wa")->attached);
	attach(edge, "wa", CONFIG_MODE_TC);
	assert_true(world_device(edge_view(edge), "wa")->attached);
	world_run("ip link del wa");
	assert_false(world_device(edge_view(edge), "wa")->attached);
	world_close(edge);
}

static void drop_rights(void *keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	for (const int *cap = keep; *cap >= 0; cap++)
		data[*cap / 32].effective |= 1U << (*cap % 32);
	data[0].permitted = data[0].effective;
	data[1].permitted = data[1].effective;
	if (syscall(SYS_capset, &header, data) < 0)
		_exit(2);
}

static void open_without_rights(void *keep)
{
	struct config config = world_config();
	struct edge *edge;
	struct err err = {};
	bool adopted;

	drop_rights(keep);
	if (edge_open(&config, &edge, &adopted, &err) != -EPERM ||
	    !strstr(err.text, "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN")) {
		fprintf(stderr, "%s\n", err.text);
		_exit(3);
	}
}

static void open_with_rights(void *keep)
{
	struct config config = world_config();
	struct edge *edge;
	struct err err = {};
	bool adopted;

	drop_rights(keep);
	if (edge_open(&config, &edge, &adopted, &err) < 0 ||
	    edge_attach(edge, "wa", CONFIG_MODE_NATIVE, 0, &err) < 0 ||
	    edge_attach(edge, "wa", CONFIG_MODE_TC, 0, &err) < 0 || edge_remove(edge, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(4);
	}
}

static void test_rights(void **state)
{
	static int none[] = {-1}, no_bpf[] = {CAP_NET_ADMIN, CAP_PERFMON, -1};
	static int no_perfmon[] = {CAP_NET_ADMIN, CAP_BPF, -1};
	static int no_net_admin[] = {CAP_BPF, CAP_PERFMON, -1};
	static int all_three[] = {CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON, -1};
	int *const lacking[] = {none, no_bpf, no_perfmon, no_net_admin};

	(void)state;
	for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
		world_crash(open_without_rights, lacking[i]);
		assert_int_equal(access(world_pins, F_OK), -1);
	}
	world_crash(open_with_rights, all_three);
	assert_int_equal(access(world_pins, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_modes_guard, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_auto_falls_back_to_generic, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_foreign_xdp_is_never_evicted, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_foreign_tc_stays, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_qdisc_stays_while_used, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_unfit_devices_are_refused, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_dotted_name, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_confirm, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_unconfirmed_stands_aside, world_init,
						world_done),
		cmocka_unit_test_setup_teardown(test_moves_between_modes, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_attached_is_the_truth, world_init, world_done),
		cmocka_unit_test_setup_teardown(test_rights, world_init, world_done),
	};

	world_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
