/* SPDX-License-Identifier: MIT */
/*
 * The pins' folder (see pins.h): where it may lie, how it is made and emptied. Removes
 * only names that hatago/abi.h lists; whatever else lies there stays, and so does the
 * folder then.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/memory.h"
#include "kern/pins.h"

#define FOLDER_BPFFS "/sys/fs/bpf"

static const char *const folder_shared[] = {"config", "clients", "sides", "allow", "deny", "notes"};
/* The link first: what is left without it is just maps. */
static const char *const folder_of_device[] = {"link", "program", "counters", "device"};

static bool folder_is_bpffs(const char *path)
{
	struct statfs s;

	return statfs(path, &s) == 0 && (__u32)s.f_type == BPF_FS_MAGIC;
}

static void folder_close(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static int folder_mount(const char *pins, bool *ret_mounted, struct err *err)
{
	size_t length = strlen(FOLDER_BPFFS);

	*ret_mounted = false;
	if (strncmp(pins, FOLDER_BPFFS "/", length + 1) != 0 || folder_is_bpffs(FOLDER_BPFFS))
		return 0;
	if (mount("bpf", FOLDER_BPFFS, "bpf", 0, "mode=0700") < 0)
		return err_set(err, -errno,
			       "no BPF file system is mounted on " FOLDER_BPFFS
			       ", and mounting one fails: %s; try: mount -t bpf bpf " FOLDER_BPFFS,
			       strerror(errno));
	*ret_mounted = true;
	return 0;
}

static int folder_outside(const char *pins, struct err *err)
{
	return err_set(err, -EINVAL,
		       "edge.pins %s doesn't lie in a BPF file system: set it to a folder "
		       "below " FOLDER_BPFFS,
		       pins);
}

/* Makes one folder of the path; its parent is there. */
static int folder_make(const char *pins, const char *path, const char *parent, bool *ret_made,
		       struct err *err)
{
	struct stat s;

	*ret_made = false;
	if (stat(path, &s) == 0)
		return S_ISDIR(s.st_mode)
			       ? 0
			       : err_set(err, -EINVAL, "edge.pins %s: %s is no folder", pins, path);
	if (errno == EACCES)
		return pins_not_permitted(err, -EACCES, path);
	if (!folder_is_bpffs(parent))
		return folder_outside(pins, err);
	if (mkdir(path, 0700) < 0)
		return errno == EPERM && strchr(path + strlen(parent), '.')
			       ? err_set(err, -EINVAL,
					 "edge.pins %s: a BPF file system allows no dot in a name",
					 pins)
			       : err_set(err, -errno, "can't make the pins' folder %s: %s", path,
					 strerror(errno));
	*ret_made = true;
	return 0;
}

int pins_prepare(const char *pins, bool *ret_made, bool *ret_mounted, struct err *err)
{
	char path[PINS_PATH_MAX], parent[PINS_PATH_MAX] = "/";
	struct stat inside, outside;
	size_t length = strlen(pins);
	int r;

	if (pins[0] != '/' || length < 2 || pins[length - 1] == '/')
		return err_set(err, -EINVAL, "edge.pins %s is not an absolute path", pins);
	if (length > PINS_FOLDER_MAX)
		return err_set(err, -EINVAL, "edge.pins is longer than %d bytes", PINS_FOLDER_MAX);
	r = folder_mount(pins, ret_mounted, err);
	for (size_t i = 1; r == 0 && i <= length; i++) {
		if (pins[i] != '/' && pins[i] != '\0')
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)i, pins);
		r = folder_make(pins, path, parent, ret_made, err);
		if (i < length)
			memcpy(parent, path, i + 1);
	}
	if (r < 0)
		return r;
	if (!folder_is_bpffs(pins))
		return folder_outside(pins, err);
	if (stat(pins, &inside) == 0 && stat(parent, &outside) == 0 &&
	    inside.st_dev != outside.st_dev)
		return err_set(err, -EINVAL,
			       "edge.pins %s is the root of a BPF file system: set it to a folder "
			       "of its own below that",
			       pins);
	return 0;
}

static bool folder_is_shared(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(folder_shared) / sizeof(folder_shared[0]); i++)
		if (strlen(folder_shared[i]) == length &&
		    strncmp(folder_shared[i], name, length) == 0)
			return true;
	return false;
}

static int folder_check(const char *pins, const char *name, struct err *err)
{
	size_t length = strlen(name), suffix = strlen("-new");
	char path[PINS_PATH_MAX], device[16];
	struct pins_map map;
	int r;

	if (pins_device_name(name, device))
		return 0;
	if (length > suffix && strcmp(name + length - suffix, "-new") == 0 &&
	    folder_is_shared(name, length - suffix))
		return 0;
	if (!folder_is_shared(name, length))
		return err_set(err, -EPROTO,
			       "%s holds %s, which is not Hatago's: set edge.pins to a folder of "
			       "its own",
			       pins, name);
	r = pins_path(path, pins, name, err);
	r = r < 0 ? r : pins_open_map(path, name, &map, err);
	if (r == 0)
		memory_close_at(&map.fd);
	return r;
}

/* Before the shapes, which follow from it: so that it is the version that is named. */
static int folder_check_version(const char *pins, struct err *err)
{
	const struct hatago_config *config;
	char path[PINS_PATH_MAX];
	struct pins_map map;
	int r = pins_path(path, pins, "config", err);

	if (r < 0)
		return r;
	if (pins_open_map(path, "config", &map, NULL) < 0)
		return 0; /* not there, or its shape tells enough */
	config = pins_map_values(&map, sizeof(*config));
	if (config) {
		r = pins_check_version(pins, &map, config, err);
		munmap((void *)config, sizeof(*config));
	}
	memory_close_at(&map.fd);
	return r;
}

int pins_check_content(const char *pins, struct err *err)
{
	_cleanup_(folder_close) DIR *folder = opendir(pins);
	struct dirent *entry;
	int r = folder_check_version(pins, err);

	if (!folder)
		return err_set(err, -errno, "can't read the pins' folder %s: %s", pins,
			       strerror(errno));
	while (r == 0 && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			r = folder_check(pins, entry->d_name, err);
	return r;
}

static int folder_unlink(const char *path)
{
	char temporary[PINS_PATH_MAX + 8];

	snprintf(temporary, sizeof(temporary), "%s-new", path);
	unlink(temporary);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int folder_rmdir(const char *path, struct err *err)
{
	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	return err_set(err, -errno, "can't remove the pins' folder %s: %s", path, strerror(errno));
}

int pins_remove_device(const char *pins, const char *device, struct err *err)
{
	char path[PINS_PATH_MAX];

	for (size_t i = 0; i < sizeof(folder_of_device) / sizeof(folder_of_device[0]); i++) {
		int r = pins_device_path(path, pins, device, folder_of_device[i], err);

		if (r == 0)
			r = folder_unlink(path);
		if (r < 0)
			return err_set(err, r, "can't remove the pin %s: %s", path, strerror(-r));
	}
	pins_device_path(path, pins, device, NULL, NULL);
	return folder_rmdir(path, err);
}

int pins_remove(const char *pins, struct err *err)
{
	char path[PINS_PATH_MAX];

	for (size_t i = 0; i < sizeof(folder_shared) / sizeof(folder_shared[0]); i++) {
		int r = pins_path(path, pins, folder_shared[i], err);

		if (r == 0)
			r = folder_unlink(path);
		if (r < 0)
			return err_set(err, r, "can't remove the pin %s: %s", path, strerror(-r));
	}
	return folder_rmdir(pins, err);
}
