/* SPDX-License-Identifier: MIT */
/*
 * The two places of a device where a program can stand: XDP, by a BPF link, and tc
 * ingress, by a filter on a clsact qdisc. Attaches, replaces in place, detaches, and
 * tells what stands there. Never evicts a program that it did not put there. Devices are
 * those of the caller's network namespace.
 */
#ifndef HATAGO_KERN_HOOK_H
#define HATAGO_KERN_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "hatago/abi.h"

/* The first in its place, under a handle of our own ("ha"), so that others can stand beside. */
#define HOOK_TC_PRIORITY 1
#define HOOK_TC_HANDLE	 0x6861

/* Also says what the program is called where that is readable: "12 (name)". */
#define HOOK_PROGRAM_TEXT_MAX 40
void hook_program_text(uint32_t id, char ret[HOOK_PROGRAM_TEXT_MAX]);
/* The id of a program by its descriptor; 0 if it is none. */
uint32_t hook_program_id(int fd);

/*
 * The sentences of the attach functions are short reasons, to stand behind a mode's name.
 * -EBUSY: another program stands there.
 */
int hook_xdp_attach(int ifindex, int program_fd, enum hatago_attach_mode mode, int *ret_link_fd,
		    struct err *err);
/* The program that XDP runs on the device, in whichever mode; 0: none. */
uint32_t hook_xdp_running(int ifindex);
/* The device that a link stands on: its ifindex, 0 if it is gone, or a negative errno. */
int hook_link_ifindex(int link_fd);

int hook_tc_attach(int ifindex, int program_fd, bool *ret_own_qdisc, struct err *err);
int hook_tc_replace(const struct hatago_device *device, int program_fd);
/* Takes away the filter, and the qdisc if it is ours and nothing else hangs there. */
int hook_tc_detach(const struct hatago_device *device);
/* The program behind our filter's handle; 0: none. */
uint32_t hook_tc_running(int ifindex, uint32_t handle, uint32_t priority);

/* netlink.c: is there no filter on the clsact qdisc, neither ingress nor egress? */
bool netlink_clsact_is_empty(int ifindex);
/*
 * The device's index, if the edge can work there: -ENODEV, or -EINVAL where its frames are
 * not Ethernet's.
 */
int netlink_device(const char *name, struct err *err);

#endif
