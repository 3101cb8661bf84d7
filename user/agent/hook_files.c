// SPDX-License-Identifier: MIT
/*
 * What a hook's command reads from and complains to: files in memory instead of pipes, so
 * that neither side ever waits for the other and nobody has to watch them. What is written is
 * there before the command starts; what it says is there once it has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/event_parts.h"

int hook_input(const char *line, size_t length)
{
	int fd = memfd_create("hatago-event", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, line, length) != (ssize_t)length || write(fd, "\n", 1) != 1 ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -ENOSPC;
	}
	return fd;
}

int hook_output(void)
{
	int fd = memfd_create("hatago-hook", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && (ftruncate(fd, HOOK_SAID_BYTES) < 0 ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

void hook_said(int fd, char ret[HOOK_SAID_MAX])
{
	ssize_t n = fd < 0 ? 0 : pread(fd, ret, HOOK_SAID_MAX - 1, 0);

	ret[n > 0 ? n : 0] = '\0'; /* what was not written is NUL as well */
	ret[strcspn(ret, "\n")] = '\0';
}
