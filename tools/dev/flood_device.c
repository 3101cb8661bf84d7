// SPDX-License-Identifier: MIT
/*
 * What hatago-flood must know of its device: whether it may send there (lo and veth pairs
 * only, never a real network), its MAC address, and a neighbour's, as the kernel
 * resolved it. Sends nothing but one datagram to the discard port, to have it resolve.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "flood.h"

enum {
	NEIGHBOR_TRIES = 40,
	NEIGHBOR_PAUSE_US = 50000,
	NEIGHBOR_PORT_DISCARD = 9,
};

bool flood_device_is_harmless(int fd, const char *device, bool *ret_loopback)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {0};

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return false;
	*ret_loopback = (request.ifr_flags & IFF_LOOPBACK) != 0;
	if (*ret_loopback)
		return true;
	request.ifr_data = (void *)&info;
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && strcmp(info.driver, "veth") == 0;
}

int flood_device_mac(int fd, const char *device, uint8_t ret[ETH_ALEN])
{
	struct ifreq request = {0};

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(ret, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return 0;
}

/* Asks the kernel's neighbour table once: 0, -ENOENT (not known yet) or another error. */
static int neighbor_ask(int netlink, int ifindex, const struct sockaddr_storage *to,
			uint8_t ret[ETH_ALEN])
{
	bool is_ipv6 = to->ss_family == AF_INET6;
	const void *address = is_ipv6 ? (const void *)&((const struct sockaddr_in6 *)to)->sin6_addr
				      : (const void *)&((const struct sockaddr_in *)to)->sin_addr;
	uint16_t bytes = is_ipv6 ? 16 : 4;
	struct {
		struct nlmsghdr head;
		struct ndmsg message;
		struct rtattr attribute;
		uint8_t address[16];
	} request = {
		.head = {.nlmsg_type = RTM_GETNEIGH, .nlmsg_flags = NLM_F_REQUEST},
		.message = {.ndm_family = (uint8_t)to->ss_family, .ndm_ifindex = ifindex},
		.attribute = {.rta_type = NDA_DST, .rta_len = (uint16_t)RTA_LENGTH(bytes)},
	};
	union {
		struct nlmsghdr head;
		char bytes[4096];
	} answer;
	const struct rtattr *a;
	ssize_t n;

	memcpy(request.address, address, bytes);
	request.head.nlmsg_len =
		(uint32_t)(NLMSG_LENGTH(sizeof(request.message)) + RTA_ALIGN(RTA_LENGTH(bytes)));
	if (send(netlink, &request, request.head.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(netlink, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(&answer.head, (size_t)n) || answer.head.nlmsg_type != RTM_NEWNEIGH)
		return -ENOENT;
	n = (ssize_t)RTM_PAYLOAD(&answer.head);
	a = (const struct rtattr *)((const char *)NLMSG_DATA(&answer.head) +
				    NLMSG_ALIGN(sizeof(struct ndmsg)));
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n))
		if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD(a) == ETH_ALEN) {
			memcpy(ret, RTA_DATA(a), ETH_ALEN);
			return 0;
		}
	return -ENOENT;
}

int flood_device_neighbor(const char *device, const struct sockaddr_storage *to, socklen_t length,
			  uint8_t ret[ETH_ALEN])
{
	int ifindex = (int)if_nametoindex(device), r = -ENOENT;
	int prod = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_storage discard = *to;

	if (to->ss_family == AF_INET6)
		((struct sockaddr_in6 *)&discard)->sin6_port = htons(NEIGHBOR_PORT_DISCARD);
	else
		((struct sockaddr_in *)&discard)->sin_port = htons(NEIGHBOR_PORT_DISCARD);
	if (prod < 0 || netlink < 0 ||
	    setsockopt(prod, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) <
		    0)
		r = -errno;
	for (int tries = 0; r == -ENOENT && tries < NEIGHBOR_TRIES; tries++) {
		if (tries % 10 == 0)
			(void)sendto(prod, "", 1, 0, (struct sockaddr *)&discard, length);
		else
			usleep(NEIGHBOR_PAUSE_US);
		r = neighbor_ask(netlink, ifindex, to, ret);
	}
	if (prod >= 0)
		close(prod);
	if (netlink >= 0)
		close(netlink);
	return r;
}
