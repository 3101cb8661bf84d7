/* SPDX-License-Identifier: MIT */
/*
 * See pins.h: paths, shapes, opening, replacing. The folder itself is folder.c's.
 */
#include "kern/pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

struct pins_shape {
	const char *name;
	uint32_t type, key_size, value_size, flags;
};

static const struct pins_shape pins_shapes[] = {
	{"config", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct hatago_config), BPF_F_MMAPABLE},
	{"clients", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct hatago_set), BPF_F_MMAPABLE},
	{"sides", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct hatago_side), BPF_F_MMAPABLE},
	{"allow", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct hatago_prefix), sizeof(struct hatago_listed),
	 BPF_F_NO_PREALLOC},
	{"deny", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct hatago_prefix), sizeof(struct hatago_listed),
	 BPF_F_NO_PREALLOC},
	{"notes", BPF_MAP_TYPE_HASH, sizeof(struct hatago_client_id), sizeof(struct hatago_note),
	 BPF_F_NO_PREALLOC},
	{"device", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct hatago_device), BPF_F_MMAPABLE},
	{"counters", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct hatago_counters), BPF_F_MMAPABLE},
};

static const struct pins_shape *pins_shape_of(const char *name)
{
	for (size_t i = 0; i < sizeof(pins_shapes) / sizeof(pins_shapes[0]); i++)
		if (strcmp(pins_shapes[i].name, name) == 0)
			return &pins_shapes[i];
	return NULL;
}

int pins_path(char ret[PINS_PATH_MAX], const char *pins, const char *name, struct err *err)
{
	int length =
		snprintf(ret, PINS_PATH_MAX, "%s%s%s", pins, name ? "/" : "", name ? name : "");

	if (length < 0 || length >= PINS_PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "edge.pins is longer than %d bytes",
			       PINS_FOLDER_MAX);
	return 0;
}

int pins_device_path(char ret[PINS_PATH_MAX], const char *pins, const char *device,
		     const char *leaf, struct err *err)
{
	char name[64];

	if (snprintf(name, sizeof(name), PINS_DEVICE "%s%s%s", device, leaf ? "/" : "",
		     leaf ? leaf : "") >= (int)sizeof(name))
		return err_set(err, -ENODEV, "there is no device %.32s: the name is too long",
			       device);
	for (char *c = name; *c; c++)
		if (*c == '.')
			*c = ':';
	return pins_path(ret, pins, name, err);
}

bool pins_device_name(const char *folder, char ret_name[16])
{
	size_t length = strlen(folder), prefix = strlen(PINS_DEVICE);

	if (strncmp(folder, PINS_DEVICE, prefix) != 0 || length == prefix || length - prefix >= 16)
		return false;
	memcpy(ret_name, folder + prefix, length - prefix + 1);
	for (char *c = ret_name; *c; c++)
		if (*c == ':')
			*c = '.';
	return true;
}

int pins_not_permitted(struct err *err, int code, const char *what)
{
	return err_set(err, code,
		       "%s is not permitted: it needs the capabilities CAP_BPF, CAP_PERFMON and "
		       "CAP_NET_ADMIN, in the host's own user namespace; run it as root",
		       what);
}

static int pins_open(const char *path, bool *ret_writable)
{
	LIBBPF_OPTS(bpf_obj_get_opts, read_only, .file_flags = BPF_F_RDONLY);
	int fd = bpf_obj_get(path);

	*ret_writable = fd >= 0;
	if (fd == -EACCES || fd == -EPERM)
		fd = bpf_obj_get_opts(path, &read_only);
	return fd;
}

int pins_open_map(const char *path, const char *name, struct pins_map *ret, struct err *err)
{
	const struct pins_shape *shape = pins_shape_of(name);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	bool writable;
	_cleanup_close_ int fd = pins_open(path, &writable);

	if (fd == -EACCES || fd == -EPERM)
		return pins_not_permitted(err, fd, path);
	if (fd < 0)
		return err_set(err, fd, "can't open the pin %s: %s", path, strerror(-fd));
	if (!shape || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.type != shape->type ||
	    info.key_size != shape->key_size || info.value_size != shape->value_size ||
	    (info.map_flags & shape->flags) != shape->flags)
		return err_set(err, -EPROTO,
			       "%s is the pin of another program or of another version of Hatago "
			       "edge: stop that one with SIGTERM, which removes its pins, or set "
			       "edge.pins to another folder; if it died, `rm -r` of the folder "
			       "removes the pins and ends what they protect",
			       path);
	*ret = (struct pins_map){.id = info.id, .entries = info.max_entries, .writable = writable};
	ret->fd = TAKE_FD(fd);
	return 0;
}

void *pins_map_values(const struct pins_map *map, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | (map->writable ? PROT_WRITE : 0), MAP_SHARED,
			map->fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

int pins_check_version(const char *pins, const struct pins_map *map,
		       const struct hatago_config *config, struct err *err)
{
	if (config->magic != HATAGO_ABI_MAGIC || map->entries != 1)
		return err_set(
			err, -EPROTO,
			"%s/config is not a pin of Hatago edge: set edge.pins to a folder of "
			"its own",
			pins);
	if (config->abi_version != HATAGO_ABI_VERSION)
		return err_set(
			err, -EPROTO,
			"%s is pinned by another version of Hatago edge (its maps have "
			"version %u, this program knows %u): stop that hatagod first (SIGTERM "
			"removes its pins)",
			pins, config->abi_version, HATAGO_ABI_VERSION);
	return 0;
}

int pins_replace(int fd, const char *path, struct err *err)
{
	char temporary[PINS_PATH_MAX + 8];
	int r;

	snprintf(temporary, sizeof(temporary), "%s-new", path);
	unlink(temporary); /* of a start that was cut short */
	r = bpf_obj_pin(fd, temporary);
	if (r == 0 && rename(temporary, path) < 0) {
		r = -errno;
		unlink(temporary);
	}
	if (r == -EPERM || r == -EACCES)
		return pins_not_permitted(err, r, path);
	return r < 0 ? err_set(err, r, "can't pin %s: %s", path, strerror(-r)) : 0;
}
