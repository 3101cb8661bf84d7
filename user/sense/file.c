// SPDX-License-Identifier: MIT
/*
 * See file.h. What seq_file makes line by line (softnet_stat) comes a page at a time, so
 * one read is not all of it.
 */
#include "sense/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sense/sense.h"

int file_init(struct sense_file *file, const char *root, const char *folder, const char *name,
	      const char *lost)
{
	char path[SENSE_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	*file = (struct sense_file){.path = strdup(path), .lost = lost, .fd = -1};
	return file->path ? 0 : -ENOMEM;
}

static void file_close(struct sense_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

void file_done(struct sense_file *file)
{
	if (!file->path)
		return;
	file_close(file);
	free(file->path);
	file->path = NULL;
}

static int read_all(int fd, char *buf, size_t size, size_t *ret_length)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = pread(fd, buf + length, size - length, (off_t)length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

static int open_and_read(struct sense_file *file, char *buf, size_t size, size_t *ret_length)
{
	int r;

	if (file->fd < 0)
		file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	r = file->fd < 0 ? -errno : read_all(file->fd, buf, size, ret_length);
	if (r < 0)
		file_close(file);
	return r;
}

int file_read(struct sense_file *file, char *buf, size_t size, size_t *ret_length)
{
	bool was_open = file->path && file->fd >= 0;

	if (!file->path)
		return -ENOENT;
	file->error = open_and_read(file, buf, size, ret_length);
	if (file->error < 0 && was_open) /* its cgroup was removed, and made anew perhaps */
		file->error = open_and_read(file, buf, size, ret_length);
	return file->error;
}

void file_reject(struct sense_file *file)
{
	file_close(file);
	file->error = -EBADMSG;
}

bool file_notice(struct sense_file *file, struct err *ret)
{
	if (!file->path || !file->lost || file->is_told || file->error == 0)
		return false;
	file->is_told = true;
	err_set(ret, file->error, "%s: %s: %s", file->path,
		file->error == -EBADMSG ? "not in the kernel's form" : strerror(-file->error),
		file->lost);
	return true;
}
