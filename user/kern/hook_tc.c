/* SPDX-License-Identifier: MIT */
/*
 * See hook.h: the tc ingress hook, a direct-action filter on a clsact qdisc. The program
 * answers TC_ACT_UNSPEC for what may pass, so filters behind it still see every frame.
 * Not TCX, which is first in Linux 6.6: one way for all kernels.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "kern/debug.h"
#include "kern/hook.h"

static struct bpf_tc_hook hook_tc_at(int ifindex, enum bpf_tc_attach_point where)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = ifindex,
		.attach_point = where,
	};
}

uint32_t hook_tc_running(int ifindex, uint32_t handle, uint32_t priority)
{
	struct bpf_tc_hook hook = hook_tc_at(ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);

	return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

static void hook_tc_remove_qdisc(int ifindex)
{
	/* Both points at once stand for the qdisc itself; one alone would flush its filters. */
	struct bpf_tc_hook qdisc = hook_tc_at(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (netlink_clsact_is_empty(ifindex))
		bpf_tc_hook_destroy(&qdisc);
}

static const char *hook_tc_words(int code)
{
	return debug_kernel_words()[0] ? debug_kernel_words() : strerror(-code);
}

static int hook_tc_refused(int ifindex, int code, struct err *err)
{
	uint32_t other = hook_tc_running(ifindex, HOOK_TC_HANDLE, HOOK_TC_PRIORITY);
	char text[HOOK_PROGRAM_TEXT_MAX];

	if (!other)
		return err_set(err, code, "%s", hook_tc_words(code));
	hook_program_text(other, text);
	return err_set(
		err, -EBUSY,
		"program %s has our place (protocol all, prio %d, handle 0x%x), maybe left "
		"by another edge: see `tc filter show dev DEVICE ingress`, remove it with `tc "
		"filter del dev DEVICE ingress prio %d handle 0x%x bpf`",
		text, HOOK_TC_PRIORITY, HOOK_TC_HANDLE, HOOK_TC_PRIORITY, HOOK_TC_HANDLE);
}

int hook_tc_attach(int ifindex, int program_fd, bool *ret_own_qdisc, struct err *err)
{
	struct bpf_tc_hook hook = hook_tc_at(ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HOOK_TC_HANDLE, .priority = HOOK_TC_PRIORITY,
		    .prog_fd = program_fd);
	bool own;
	int r;

	debug_begin();
	r = bpf_tc_hook_create(&hook);
	own = r == 0;
	if (r < 0 && r != -EEXIST)
		return err_set(err, r, "no clsact qdisc can be made: %s", hook_tc_words(r));
	debug_begin();
	r = bpf_tc_attach(&hook, &opts);
	if (r < 0) {
		r = hook_tc_refused(ifindex, r, err);
		if (own)
			hook_tc_remove_qdisc(ifindex);
		return r;
	}
	*ret_own_qdisc = own;
	return 0;
}

int hook_tc_replace(const struct hatago_device *device, int program_fd)
{
	struct bpf_tc_hook hook = hook_tc_at((int)device->ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = device->tc_handle, .priority = device->tc_priority,
		    .prog_fd = program_fd, .flags = BPF_TC_F_REPLACE);

	debug_begin();
	return bpf_tc_attach(&hook, &opts);
}

int hook_tc_detach(const struct hatago_device *device)
{
	struct bpf_tc_hook hook = hook_tc_at((int)device->ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = device->tc_handle,
		    .priority = device->tc_priority);
	int r;

	debug_begin();
	r = bpf_tc_detach(&hook, &opts);
	if (r == 0 && device->tc_own_qdisc)
		hook_tc_remove_qdisc((int)device->ifindex);
	return r;
}
