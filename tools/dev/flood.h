/* SPDX-License-Identifier: MIT */
/*
 * The parts of hatago-flood: flood.c reads the options, flood_device.c asks about the
 * device, flood_send.c sends. frame.h builds the frames.
 */
#ifndef HATAGO_TOOLS_FLOOD_H
#define HATAGO_TOOLS_FLOOD_H

#include <sys/socket.h>

#include "frame.h"

enum flood_kind { FLOOD_TCP_SYN, FLOOD_UDP, FLOOD_TCP_CONNECT, FLOOD_KINDS };

struct flood {
	enum flood_kind kind;
	const char *device;
	struct sockaddr_storage to;
	socklen_t to_length;
	struct frame_plan plan;
	bool has_mac, is_loopback;
	bool in_kernel;		       /* frames are made by generator.bpf.c */
	uint64_t rate, count, seconds; /* rate 0: as fast as it goes */
	uint64_t begun_ns;
	uint64_t sent;
	uint64_t connected, refused, timed_out; /* of connections */
};

/* Is it lo or one end of a veth pair? */
bool flood_device_is_harmless(int fd, const char *device, bool *ret_loopback);
int flood_device_mac(int fd, const char *device, uint8_t ret[ETH_ALEN]);
/* The MAC address of whoever answers for `to` on the device; makes the kernel resolve it. */
int flood_device_neighbor(const char *device, const struct sockaddr_storage *to, socklen_t length,
			  uint8_t ret[ETH_ALEN]);

/* All send until the count or the time is over. 0, or 1 where nothing could be sent. */
int flood_frames(struct flood *flood);
int flood_in_kernel(struct flood *flood);
int flood_connections(struct flood *flood);

#endif
