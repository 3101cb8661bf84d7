/* SPDX-License-Identifier: MIT */
/*
 * See hook.h: the XDP hook, by a BPF link. The kernel itself refuses a link where any
 * program stands already, so that nobody is evicted even if two start at once.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "kern/debug.h"
#include "kern/hook.h"

void hook_program_text(uint32_t id, char ret[HOOK_PROGRAM_TEXT_MAX])
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.name[0])
		snprintf(ret, HOOK_PROGRAM_TEXT_MAX, "%u (%s)", id, info.name);
	else
		snprintf(ret, HOOK_PROGRAM_TEXT_MAX, "%u", id);
}

uint32_t hook_program_id(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}

uint32_t hook_xdp_running(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, xdp);

	if (bpf_xdp_query(ifindex, 0, &xdp) < 0)
		return 0;
	return xdp.drv_prog_id ? xdp.drv_prog_id : xdp.skb_prog_id;
}

/*
 * Why a link was refused, in words: the link interface gives a bare number, so the kernel
 * is asked once more through netlink, which explains itself. NOEXIST evicts nobody; should
 * it succeed against all expectation, the program is taken off at once.
 */
static const char *hook_xdp_words(int ifindex, int program_fd, __u32 flags, int code)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, ours, .old_prog_fd = program_fd);

	debug_begin();
	if (bpf_xdp_attach(ifindex, program_fd, flags | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL) == 0)
		bpf_xdp_detach(ifindex, flags | XDP_FLAGS_REPLACE, &ours);
	return debug_kernel_words()[0] ? debug_kernel_words() : strerror(-code);
}

int hook_xdp_attach(int ifindex, int program_fd, enum hatago_attach_mode mode, int *ret_link_fd,
		    struct err *err)
{
	LIBBPF_OPTS(bpf_link_create_opts, link);
	char text[HOOK_PROGRAM_TEXT_MAX];
	uint32_t other = hook_xdp_running(ifindex);
	int fd;

	if (other) {
		hook_program_text(other, text);
		return err_set(err, -EBUSY, "XDP program %s is on the device", text);
	}
	link.flags = mode == HATAGO_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(program_fd, ifindex, BPF_XDP, &link);
	if (fd < 0)
		return err_set(err, fd, "%s", hook_xdp_words(ifindex, program_fd, link.flags, fd));
	*ret_link_fd = fd;
	return 0;
}

int hook_link_ifindex(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(link_fd, &info, &size);

	if (r < 0)
		return r;
	return info.type == BPF_LINK_TYPE_XDP ? (int)info.xdp.ifindex : -EPROTO;
}
