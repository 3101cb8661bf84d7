/* SPDX-License-Identifier: MIT */
/*
 * Where a process's cgroup lies in the file system: /proc/self/cgroup says its name in each
 * hierarchy, /proc/self/mountinfo where the hierarchies are mounted and which part of them
 * (in a container the mount's root is seldom "/"). Pure: the texts are passed in. Knows v1,
 * v2 and systemd's hybrid, in which v2 is mounted but has no controllers.
 */
#ifndef HATAGO_SENSE_CGROUP_H
#define HATAGO_SENSE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#define CGROUP_PATH_MAX 1024 /* bytes of a path, with its NUL; a longer one counts as none */

enum cgroup_controller {
	CGROUP_UNIFIED, /* v2, whatever controllers it has */
	CGROUP_CPU,	/* v1, as the rest */
	CGROUP_CPUACCT,
	CGROUP_CPUSET,
	CGROUP_MEMORY,
	CGROUP_CONTROLLERS
};

struct cgroup_place {
	char mount[CGROUP_PATH_MAX]; /* where its hierarchy is mounted; "": it is not */
	char path[CGROUP_PATH_MAX];  /* of the cgroup, under mount or the same */
};

struct cgroup_places {
	struct cgroup_place at[CGROUP_CONTROLLERS];
};

/*
 * The cgroup of the process whose texts these are. What can't be seen through a mount (the
 * cgroup lies outside its root, as after a move) is taken to be the mount itself: the
 * nearest that is known. All places are "" where nothing is found.
 */
void cgroup_find(const char *cgroup, size_t cgroup_length, const char *mountinfo,
		 size_t mountinfo_length, struct cgroup_places *ret);

/*
 * The cgroup of that name: a name relative to the mounts ("system.slice/x.service"), a path
 * at or below one ("/sys/fs/cgroup/memory/x": the part after the mount serves all
 * controllers). 0, or -EINVAL: it is empty, too long, or has a part "." or "..".
 */
int cgroup_named(const char *name, const char *mountinfo, size_t mountinfo_length,
		 struct cgroup_places *ret);

/* Cuts the path to its parent within the mount; false: it was the mount already. */
bool cgroup_ascend(struct cgroup_place *place);

#endif
