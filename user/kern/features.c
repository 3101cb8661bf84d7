/* SPDX-License-Identifier: MIT */
/*
 * See features.h. Each row is something that the BPF program uses and that a kernel may
 * lack; the oldest first, since the first that fails is the one named.
 */
#include "kern/features.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/memory.h"
#include "kern/debug.h"
#include "kern/pins.h"

#define FEATURES_KERNEL_NEEDED "5.18"
#define FEATURES_KERNEL_TESTED "6.1"

#define FEATURES_INSN(op, dst, src, offset, value)                                                \
	{                                                                                         \
		.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (value) \
	}

/* 1: there, 0: not, or a negative errno. */
static int features_cmpxchg(int helper)
{
	const struct bpf_insn program[] = {
		FEATURES_INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		FEATURES_INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
		FEATURES_INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_0, -8, 0),
		FEATURES_INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_10, BPF_REG_1, -8,
			      BPF_CMPXCHG),
		FEATURES_INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		FEATURES_INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, NULL, "MIT", program,
					       sizeof(program) / sizeof(program[0]), NULL);

	(void)helper;
	return fd >= 0 ? 1 : fd == -EPERM || fd == -ENOSYS ? fd : 0;
}

static int features_helper(int helper)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, (enum bpf_func_id)helper, NULL);
}

/*
 * Without CAP_PERFMON the verifier forbids the arithmetic on pointers that reading a frame
 * takes, and says so in terms of registers. Root in a user namespace has it in vain, but
 * fails at the first probe already.
 */
static bool features_has_perfmon(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return true; /* let the load tell */
	return (data[CAP_TO_INDEX(CAP_PERFMON)].effective & CAP_TO_MASK(CAP_PERFMON)) ||
	       (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN));
}

static const struct feature {
	int (*probe)(int helper);
	int helper;
	const char *what, *since;
} features[] = {
	{features_cmpxchg, 0, "64-bit compare-and-swap, which keeps buckets exact across CPUs",
	 "5.12"},
	{features_helper, BPF_FUNC_xdp_get_buff_len, "bpf_xdp_get_buff_len, for jumbo frames",
	 "5.18"},
	{features_helper, BPF_FUNC_xdp_load_bytes, "bpf_xdp_load_bytes, for jumbo frames", "5.18"},
};

const char *features_kernel(void)
{
	static struct utsname name; /* constant once filled */

	return uname(&name) == 0 ? name.release : "unknown";
}

int features_check(struct err *err)
{
	debug_begin();
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *f = &features[i];
		int r = f->probe(f->helper);

		if (r == -EPERM)
			return pins_not_permitted(err, r, "loading a BPF program");
		if (r == -ENOSYS)
			return err_set(err, -EOPNOTSUPP, "this kernel (%s) has no BPF at all",
				       features_kernel());
		if (r == 0)
			return err_set(err, -EOPNOTSUPP,
				       "this kernel (%s) is too old for the edge, which needs "
				       "Linux " FEATURES_KERNEL_NEEDED
				       " or newer (tested from " FEATURES_KERNEL_TESTED
				       " on): it lacks %s (Linux %s)",
				       features_kernel(), f->what, f->since);
		/* Any other failure of a probe: let the load tell. */
	}
	if (!features_has_perfmon())
		return pins_not_permitted(err, -EPERM, "loading a BPF program");
	return 0;
}
