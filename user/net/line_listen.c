// SPDX-License-Identifier: MIT
/*
 * Makes and removes the control socket's file; see line_listen.h. Between two servers
 * that start in the same instant on the same stale file the later wins: hatagod's pins
 * keep two of them apart, this does not.
 */
#include "net/line_listen.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"

#define GROUP_TEXT_MAX (64 << 10) /* bytes of a group's entry, its members among them */

/* Is a server alive behind the address? 0: no; 1: yes; or a negative errno. */
static int server_probe(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN)
		return 1; /* EAGAIN: its backlog is full */
	return errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
}

/* Makes the path free, or says why it is not ours to take. */
static int path_clear(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int alive;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST, "%s is in the way and no socket; remove it", path);
	alive = server_probe(address);
	if (alive > 0)
		return err_set(err, -EADDRINUSE,
			       "a server already answers on %s; stop it or set control.socket",
			       path);
	if (alive < 0)
		return err_set(err, alive, "can't tell whether %s is in use: %s", path,
			       strerror(-alive));
	if (unlink(path) && errno != ENOENT)
		return err_set(err, -errno, "can't remove the stale socket %s: %s", path,
			       strerror(errno));
	return 0;
}

static int folder_make(const struct sockaddr_un *address, struct err *err)
{
	char folder[sizeof(address->sun_path)];
	const char *slash = strrchr(address->sun_path, '/');
	size_t length = slash ? (size_t)(slash - address->sun_path) : 0;

	if (!length)
		return 0;
	memcpy(folder, address->sun_path, length);
	folder[length] = '\0';
	if (mkdir(folder, 0755) && errno != EEXIST)
		return err_set(err, -errno, "can't make the folder %s: %s", folder,
			       strerror(errno));
	return 0;
}

static int group_find(const char *name, gid_t *ret, struct err *err)
{
	struct group entry, *found = NULL;
	char *text = malloc(GROUP_TEXT_MAX);
	int error = text ? getgrnam_r(name, &entry, text, GROUP_TEXT_MAX, &found) : ENOMEM;

	if (found)
		*ret = found->gr_gid;
	free(text);
	if (error)
		return err_set(err, -error, "can't look up the group %s: %s", name,
			       strerror(error));
	if (!found)
		return err_set(err, -ESRCH,
			       "there is no group %s; make it (groupadd --system %s) or set "
			       "control.group",
			       name, name);
	return 0;
}

/* Binds as 0600 and opens it to the group only then. */
static int socket_bind(int fd, const struct sockaddr_un *address, const gid_t *group,
		       struct err *err)
{
	const char *path = address->sun_path;

	if (fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		return err_set(err, -errno, "can't make the socket %s: %s", path, strerror(errno));
	if (group && (lchown(path, (uid_t)-1, *group) || chmod(path, 0660))) {
		int error = errno;

		unlink(path);
		return err_set(err, -error, "can't give %s to the group %u: %s", path, *group,
			       strerror(error));
	}
	return 0;
}

int line_bind(const char *path, const char *group, int *ret_fd, struct line_file *ret_file,
	      struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	bool has_group = group && *group;
	_cleanup_close_ int fd = -1;
	struct stat st;
	gid_t gid = 0;
	int error;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s: a socket's path has 1 to %zu bytes", path,
			       sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "can't make a socket: %s", strerror(errno));
	error = has_group ? group_find(group, &gid, err) : 0;
	if (!error)
		error = folder_make(&address, err);
	if (!error)
		error = path_clear(&address, err);
	if (!error)
		error = socket_bind(fd, &address, has_group ? &gid : NULL, err);
	if (error)
		return error;
	if (lstat(path, &st))
		return err_set(err, -errno, "%s is gone again: %s", path, strerror(errno));
	*ret_file = (struct line_file){st.st_dev, st.st_ino};
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void line_unlink(const char *path, const struct line_file *file)
{
	struct stat st;

	if (!lstat(path, &st) && st.st_dev == file->device && st.st_ino == file->inode)
		unlink(path);
}
