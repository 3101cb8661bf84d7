/* SPDX-License-Identifier: MIT */
/*
 * The pins' folder in a BPF file system: makes it, opens what is in it by path and checks
 * its shape, replaces and removes pins. Knows the layout that hatago/abi.h describes and
 * refuses to touch anything else; loads and attaches nothing.
 */
#ifndef HATAGO_KERN_PINS_H
#define HATAGO_KERN_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "hatago/abi.h"

#define PINS_PATH_MAX	256
#define PINS_DEVICE	"dev-"
#define PINS_FOLDER_MAX (PINS_PATH_MAX - 48) /* of edge.pins; leaves room for what is below it */

/* "PINS/name"; name NULL: "PINS". */
int pins_path(char ret[PINS_PATH_MAX], const char *pins, const char *name, struct err *err);
/* "PINS/dev-NAME/leaf"; leaf NULL: the folder. */
int pins_device_path(char ret[PINS_PATH_MAX], const char *pins, const char *device,
		     const char *leaf, struct err *err);
/* The device's name behind the name of a folder, or false where that is no device's. */
bool pins_device_name(const char *folder, char ret_name[16]);

/*
 * Makes the folder, and mounts a BPF file system on /sys/fs/bpf first where the path needs
 * it and there is none. -EINVAL: the path doesn't lie in a BPF file system.
 */
int pins_prepare(const char *pins, bool *ret_made, bool *ret_mounted, struct err *err);
/* -EPROTO where the folder holds anything that is not by its name and shape ours. */
int pins_check_content(const char *pins, struct err *err);
/* Removes the shared pins of a folder and the folder itself. */
int pins_remove(const char *pins, struct err *err);
int pins_remove_device(const char *pins, const char *device, struct err *err);

struct pins_map {
	int fd;
	uint32_t id;
	uint32_t entries;
	bool writable;
};

/*
 * Opens the map `name` ("config", "device", ...) at the path and checks that it has that
 * map's shape. Opens it read-only if more is not permitted.
 * -ENOENT, -EACCES, -EPERM, -EPROTO (another shape).
 */
int pins_open_map(const char *path, const char *name, struct pins_map *ret, struct err *err);
/* Maps the values of an array; NULL and errno. */
void *pins_map_values(const struct pins_map *map, size_t size);
/* Is the mapped value of a pin `config` Hatago's and of this version? -EPROTO: what to do. */
int pins_check_version(const char *pins, const struct pins_map *map,
		       const struct hatago_config *config, struct err *err);
/* Pins in place of what is pinned there, in one step. */
int pins_replace(int fd, const char *path, struct err *err);

/* The sentence for a refused right. */
int pins_not_permitted(struct err *err, int code, const char *what);

#endif
