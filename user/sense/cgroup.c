// SPDX-License-Identifier: MIT
/*
 * See cgroup.h. A mount of a hierarchy shows the part of it below the mount's root; among
 * several of one hierarchy the first that shows our cgroup is taken, else the first.
 */
#include "sense/cgroup.h"

#include <errno.h>
#include <string.h>

#include "sense/words.h"

static const char *const controller_names[CGROUP_CONTROLLERS] = {
	[CGROUP_CPU] = "cpu",
	[CGROUP_CPUACCT] = "cpuacct",
	[CGROUP_CPUSET] = "cpuset",
	[CGROUP_MEMORY] = "memory",
};

/* A line of mountinfo, as far as it matters here. */
struct mount {
	char root[CGROUP_PATH_MAX], at[CGROUP_PATH_MAX];
	bool is_unified;
	struct words options; /* of the superblock: the controllers among them */
};

static bool is_octal(const char *at, const char *end)
{
	if (end - at < 4)
		return false;
	return at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' &&
	       at[3] <= '7';
}

/* Copies a path of mountinfo, in which a blank is \040; false: it is too long. */
static bool copy_escaped(const struct words *word, char ret[CGROUP_PATH_MAX])
{
	size_t n = 0;

	for (const char *at = word->at; at < word->end; at++) {
		char c = *at;

		if (c == '\\' && is_octal(at, word->end)) {
			c = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 3;
		}
		if (c == '\0' || n + 1 >= CGROUP_PATH_MAX)
			return false;
		ret[n++] = c;
	}
	ret[n] = '\0';
	return true;
}

/* 36 35 98:0 /root /at rw,noatime shared:1 - cgroup cgroup rw,cpu,cpuacct */
static bool parse_mount(struct words line, struct mount *ret)
{
	struct words word;

	for (int i = 0; i < 3; i++)
		if (!words_next(&line, &word))
			return false;
	if (!words_next(&line, &word) || !copy_escaped(&word, ret->root) ||
	    !words_next(&line, &word) || !copy_escaped(&word, ret->at))
		return false;
	do {
		if (!words_next(&line, &word))
			return false;
	} while (!words_is(&word, "-"));
	if (!words_next(&line, &word))
		return false;
	ret->is_unified = words_is(&word, "cgroup2");
	return (ret->is_unified || words_is(&word, "cgroup")) && words_next(&line, &word) &&
	       words_next(&line, &ret->options);
}

/* The comma-separated list has this word. */
static bool list_has(struct words list, const char *name)
{
	struct words word;

	while (words_until(&list, ",", &word))
		if (words_is(&word, name))
			return true;
	return false;
}

/* What of `path` lies below `root`: "" or "/..."; NULL: it does not. */
static const char *below(const char *path, const char *root)
{
	size_t n = strlen(root);

	while (n > 0 && root[n - 1] == '/')
		n--;
	if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return NULL;
	return strcmp(path + n, "/") == 0 ? "" : path + n;
}

/* A part of the path is ".": what lies outside a cgroup namespace is shown as "/../x". */
static bool has_dots(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (strcmp(at, ".") == 0 || strcmp(at, "..") == 0 || strncmp(at, "./", 2) == 0 ||
		    strncmp(at, "../", 3) == 0)
			return true;
	}
	return false;
}

static bool place_set(struct cgroup_place *place, const char *mount, const char *rest)
{
	size_t n = strlen(mount), m = strlen(rest);

	if (n + m >= CGROUP_PATH_MAX)
		return false;
	memcpy(place->mount, mount, n + 1);
	memcpy(place->path, mount, n);
	memcpy(place->path + n, rest, m + 1);
	return true;
}

/* Names of the cgroup in each hierarchy, from /proc/self/cgroup; "" where it has none. */
struct names {
	char of[CGROUP_CONTROLLERS][CGROUP_PATH_MAX];
};

static void find_names(struct words text, struct names *ret)
{
	struct words line, number, controllers;

	memset(ret, 0, sizeof(*ret));
	while (words_line(&text, &line)) {
		size_t n;

		if (!words_until(&line, ":", &number) || !words_until(&line, ":", &controllers))
			continue;
		n = (size_t)(line.end - line.at);
		if (n == 0 || n >= CGROUP_PATH_MAX || *line.at != '/' || memchr(line.at, '\0', n))
			continue;
		for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
			bool is_it = i == CGROUP_UNIFIED
					     ? words_is(&number, "0") &&
						       controllers.at == controllers.end
					     : list_has(controllers, controller_names[i]);

			if (!is_it)
				continue;
			memcpy(ret->of[i], line.at, n);
			ret->of[i][n] = '\0';
		}
	}
}

static bool mount_is_of(const struct mount *mount, enum cgroup_controller controller)
{
	if (controller == CGROUP_UNIFIED)
		return mount->is_unified;
	return !mount->is_unified && list_has(mount->options, controller_names[controller]);
}

/* Takes the mount for the controller, if none was found before or only one that hides us. */
static void consider(const struct mount *mount, const char *name, bool *seen,
		     struct cgroup_place *place)
{
	const char *rest = has_dots(name) ? NULL : below(name, mount->root);

	if (*seen || (!rest && place->mount[0]))
		return;
	if (place_set(place, mount->at, rest ? rest : ""))
		*seen = rest;
}

void cgroup_find(const char *cgroup, size_t cgroup_length, const char *mountinfo,
		 size_t mountinfo_length, struct cgroup_places *ret)
{
	struct words text = {mountinfo, mountinfo + mountinfo_length}, line;
	bool seen[CGROUP_CONTROLLERS] = {false};
	struct names names;
	struct mount mount;

	memset(ret, 0, sizeof(*ret));
	find_names((struct words){cgroup, cgroup + cgroup_length}, &names);
	while (words_line(&text, &line)) {
		if (!parse_mount(line, &mount))
			continue;
		for (int i = 0; i < CGROUP_CONTROLLERS; i++)
			if (names.of[i][0] && mount_is_of(&mount, i))
				consider(&mount, names.of[i], &seen[i], &ret->at[i]);
	}
}

/* The name below the longest mount that it begins with; all of it where there is none. */
static const char *name_below_mounts(const char *name, const struct cgroup_places *places)
{
	const char *found = name;

	for (int i = 0; *name == '/' && i < CGROUP_CONTROLLERS; i++) {
		const char *rest = places->at[i].mount[0] ? below(name, places->at[i].mount) : NULL;

		if (rest && strlen(rest) < strlen(found))
			found = rest;
	}
	return found;
}

int cgroup_named(const char *name, const char *mountinfo, size_t mountinfo_length,
		 struct cgroup_places *ret)
{
	static const char everywhere[] = "0::/\n1:cpu:/\n2:cpuacct:/\n3:cpuset:/\n4:memory:/\n";
	struct cgroup_places places;
	char rest[CGROUP_PATH_MAX];
	size_t n;

	if (!*name || strlen(name) + 1 >= sizeof(rest) || has_dots(name))
		return -EINVAL;
	cgroup_find(everywhere, sizeof(everywhere) - 1, mountinfo, mountinfo_length, &places);
	name = name_below_mounts(name, &places);
	name += strspn(name, "/");
	n = strlen(name);
	while (n > 0 && name[n - 1] == '/')
		n--;
	rest[0] = '/';
	memcpy(rest + 1, name, n);
	rest[n > 0 ? n + 1 : 0] = '\0';
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		struct cgroup_place *place = &places.at[i];

		if (place->mount[0] && !place_set(place, place->mount, rest))
			return -EINVAL;
	}
	*ret = places;
	return 0;
}

bool cgroup_ascend(struct cgroup_place *place)
{
	size_t least = strlen(place->mount), n = strlen(place->path);

	if (n <= least)
		return false;
	while (n > least && place->path[n - 1] != '/')
		n--;
	while (n > least && place->path[n - 1] == '/')
		n--;
	place->path[n] = '\0';
	return true;
}
