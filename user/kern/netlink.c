/* SPDX-License-Identifier: MIT */
/*
 * What libbpf does not tell of a device: whether filters hang on its clsact qdisc (rtnetlink
 * dump), and whether its frames are Ethernet's. By netlink and ioctl only: /sys/class/net
 * may show another network namespace than the caller's.
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/memory.h"
#include "kern/hook.h"

#define NETLINK_ANSWER_MAX 32768
#define NETLINK_WAIT_MS	   2000

/* One part of a dump's answer: 1 if a filter is in it, 0 at the end, -EAGAIN for more. */
static int netlink_filter_in(const void *answer, ssize_t length)
{
	unsigned int rest = (unsigned int)length;

	for (const struct nlmsghdr *h = answer; NLMSG_OK(h, rest); h = NLMSG_NEXT(h, rest)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return -EIO;
		if (h->nlmsg_type == RTM_NEWTFILTER)
			return 1;
	}
	return -EAGAIN;
}

/* Is there a filter below this parent? 1, 0, or a negative errno. */
static int netlink_has_filter(int ifindex, uint32_t parent)
{
	const struct timeval wait = {.tv_sec = NETLINK_WAIT_MS / 1000};
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct {
		struct nlmsghdr header;
		struct tcmsg tc;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETTFILTER,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
		.tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent},
	};
	char answer[NETLINK_ANSWER_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int r = -EAGAIN;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (sendto(fd, &request, sizeof(request), 0, (const void *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	while (r == -EAGAIN) {
		ssize_t length = recv(fd, answer, sizeof(answer), 0);

		if (length < 0)
			return -EIO;
		r = netlink_filter_in(answer, length);
	}
	return r;
}

bool netlink_clsact_is_empty(int ifindex)
{
	return netlink_has_filter(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) == 0 &&
	       netlink_has_filter(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)) == 0;
}

int netlink_device(const char *name, struct err *err)
{
	struct ifreq request = {};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t length = strlen(name);
	unsigned int index = length < IFNAMSIZ ? if_nametoindex(name) : 0;

	if (!index)
		return err_set(err, -ENODEV,
			       "there is no device %.32s here: `ip link` lists those there are",
			       name);
	memcpy(request.ifr_name, name, length + 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return err_set(err, -errno, "can't ask for the type of device %s: %s", name,
			       strerror(errno));
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
	    request.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
		return err_set(err, -EINVAL,
			       "device %s is no Ethernet device (its type is %u): the edge reads "
			       "Ethernet frames only",
			       name, request.ifr_hwaddr.sa_family);
	return (int)index;
}
