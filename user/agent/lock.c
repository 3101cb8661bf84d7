// SPDX-License-Identifier: MIT
/*
 * See lock.h. The folder goes at a clean end; since another process may have opened it just
 * before, whoever gets the lock makes sure that the folder is still the one at the path.
 */
#include "agent/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "kern/features.h"
#include "kern/pins.h"

#define LOCK_TRIES 16 /* races with processes that end which one start may lose */

static bool lock_is_at(int fd, const char *path)
{
	struct stat held, there;

	return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino &&
	       held.st_dev == there.st_dev;
}

/* The descriptor, or a negative errno: -EADDRINUSE, -EAGAIN (lost a race). */
static int lock_try(const char *path)
{
	_cleanup_close_ int fd = -1;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	return lock_is_at(fd, path) ? TAKE_FD(fd) : -EAGAIN;
}

int pins_lock_take(const char *pins, struct pins_lock *ret, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	bool made = false, mounted = false;
	int fd = -EAGAIN, r = features_check(err);

	r = r < 0 ? r : pins_prepare(pins, &made, &mounted, err);
	if (made) /* it was to show that the path is good; edge_open() makes it again */
		rmdir(pins);
	if (r < 0)
		return r;
	if (mounted) /* edge_open() finds it mounted, so it would not say so */
		log_line(LEVEL_WARNING, "a BPF file system was mounted on /sys/fs/bpf");
	if (asprintf(&path, "%s-lock", pins) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	for (int i = 0; i < LOCK_TRIES && fd == -EAGAIN; i++)
		fd = lock_try(path);
	if (fd == -EADDRINUSE)
		return err_set(err, fd,
			       "another hatagod runs the edge in %s already: stop that one first, "
			       "or set edge.pins, control.socket and metrics.listen to others",
			       pins);
	if (fd < 0)
		return err_set(err, fd, "can't lock %s: %s", path, strerror(-fd));
	*ret = (struct pins_lock){.path = TAKE_PTR(path), .fd = fd};
	return 0;
}

void pins_lock_release(struct pins_lock *lock)
{
	if (lock->path)
		rmdir(lock->path);
	memory_close_at(&lock->fd);
	free(lock->path);
	*lock = (struct pins_lock){.fd = -1};
}
