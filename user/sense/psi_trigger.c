// SPDX-License-Identifier: MIT
/*
 * See psi_trigger.h.
 */
#include "sense/psi_trigger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static int try_open(const char *path, enum psi_kind kind, uint32_t threshold_us, uint32_t window_us,
		    struct psi_trigger *ret)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	char line[64];
	int n;

	if (fd < 0)
		return -errno;
	n = snprintf(line, sizeof(line), "%s %u %u", kind == PSI_FULL ? "full" : "some",
		     threshold_us, window_us);
	/* With its NUL, as the kernel's example has it: 5.x cuts the last byte off. */
	if (write(fd, line, (size_t)n + 1) < 0)
		return -errno;
	*ret = (struct psi_trigger){
		.fd = TAKE_FD(fd), .threshold_us = threshold_us, .window_us = window_us};
	return 0;
}

int psi_trigger_open(const char *path, enum psi_kind kind, uint32_t threshold_us,
		     uint32_t window_us, struct psi_trigger *ret)
{
	uint64_t scaled;
	int r;

	if (threshold_us == 0 || threshold_us > window_us || window_us < PSI_WINDOW_MIN_US ||
	    window_us > PSI_WINDOW_MAX_US)
		return -EINVAL;
	r = try_open(path, kind, threshold_us, window_us, ret);
	if ((r != -EINVAL && r != -EPERM) || window_us == PSI_WINDOW_RIGHTLESS_US)
		return r;
	scaled = (uint64_t)threshold_us * PSI_WINDOW_RIGHTLESS_US / window_us;
	return try_open(path, kind, scaled > 0 ? (uint32_t)scaled : 1, PSI_WINDOW_RIGHTLESS_US,
			ret);
}

int psi_trigger_check(const struct psi_trigger *trigger)
{
	struct pollfd poller = {.fd = trigger->fd, .events = POLLPRI};

	return poll(&poller, 1, 0) > 0 && poller.revents & (POLLERR | POLLNVAL) ? -ENODEV : 0;
}
