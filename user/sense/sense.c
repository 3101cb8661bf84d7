// SPDX-License-Identifier: MIT
/*
 * See sense.h: opens the files, fills a sample from them, and has sample.c compare it with
 * the last one that is old enough.
 */
#include "sense/sense.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sense/levels.h"

struct sense {
	char root[SENSE_PATH_MAX];
	bool is_named;
	struct sense_file stat, meminfo, loadavg, softnet;
	struct sense_file psi[SENSE_RESOURCES], cgroup_psi[SENSE_RESOURCES];
	struct levels levels;
	struct err unmounted;  /* the notice that no cgroup is to be had; "": none, or told */
	char *buf;	       /* SENSE_TEXT_MAX bytes */
	struct sample last[2]; /* the latest first, at least SENSE_INTERVAL_NS apart */
	unsigned int count;
};

static const char *const psi_names[SENSE_RESOURCES] = {
	[SENSE_CPU] = "cpu",
	[SENSE_MEMORY] = "memory",
	[SENSE_IO] = "io",
};
static const char *const psi_lost[SENSE_RESOURCES] = {
	[SENSE_CPU] = "no pressure stall of CPU (it takes CONFIG_PSI, and psi=1 at boot)",
	[SENSE_MEMORY] = "no pressure stall of memory (it takes CONFIG_PSI, and psi=1 at boot)",
	[SENSE_IO] = "no pressure stall of disks (it takes CONFIG_PSI, and psi=1 at boot)",
};
static const char *const cgroup_psi_names[SENSE_RESOURCES] = {
	[SENSE_CPU] = "cpu.pressure",
	[SENSE_MEMORY] = "memory.pressure",
	[SENSE_IO] = "io.pressure",
};
static const char cgroup_psi_lost[] = "the machine's pressure stall is read instead";

static int open_host(struct sense *sense)
{
	const char *root = sense->root;
	int r = file_init(&sense->stat, root, "/proc", "stat", "the CPU load is not known");

	if (r == 0)
		r = file_init(&sense->meminfo, root, "/proc", "meminfo",
			      "how much memory is free is not known");
	if (r == 0)
		r = file_init(&sense->loadavg, root, "/proc", "loadavg",
			      "the load averages are not known");
	if (r == 0)
		r = file_init(&sense->softnet, root, "/proc/net", "softnet_stat",
			      "packets that the kernel dropped unread are not counted");
	for (int i = 0; r == 0 && i < SENSE_RESOURCES; i++)
		r = file_init(&sense->psi[i], root, "/proc/pressure", psi_names[i], psi_lost[i]);
	return r;
}

/* Reads one of the two files that tell where the cgroup is; owned by the caller. "" on failure. */
static int read_self(struct sense *sense, const char *name, char **ret, size_t *ret_length)
{
	struct sense_file file = {0};
	size_t length = 0;
	int r = file_init(&file, sense->root, "/proc/self", name, NULL);

	if (r < 0)
		return r;
	if (file_read(&file, sense->buf, SENSE_TEXT_MAX, &length) < 0)
		length = 0;
	file_done(&file);
	*ret = malloc(length + 1);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, sense->buf, length);
	*ret_length = length;
	return 0;
}

static int find_places(struct sense *sense, const char *name, struct cgroup_places *ret,
		       struct err *err)
{
	char *cgroup = NULL, *mounts = NULL;
	size_t cgroup_length, mounts_length;
	int r = read_self(sense, "mountinfo", &mounts, &mounts_length);

	if (r == 0 && name) {
		r = cgroup_named(name, mounts, mounts_length, ret);
		if (r < 0)
			err_set(err, r,
				"'%s' is no cgroup's name: give its path below /sys/fs/cgroup, "
				"without '.' and '..'",
				name);
	} else if (r == 0) {
		r = read_self(sense, "cgroup", &cgroup, &cgroup_length);
		if (r == 0)
			cgroup_find(cgroup, cgroup_length, mounts, mounts_length, ret);
	}
	free(cgroup);
	free(mounts);
	return r;
}

static int open_cgroup(struct sense *sense, const char *name, struct err *err)
{
	struct cgroup_places places; /* 10 KB */
	const struct cgroup_place *unified = &places.at[CGROUP_UNIFIED];
	int r = find_places(sense, name, &places, err);

	if (r == 0)
		r = levels_init(sense->root, &places, name, &sense->levels);
	for (int i = 0; r == 0 && unified->mount[0] && i < SENSE_RESOURCES; i++)
		r = file_init(&sense->cgroup_psi[i], sense->root, unified->path,
			      cgroup_psi_names[i], name ? cgroup_psi_lost : NULL);
	if (r == 0 && name && sense->levels.cpu_count == 0 && sense->levels.memory_count == 0)
		err_set(&sense->unmounted, -ENOENT,
			"no cgroup file system is mounted: the load of cgroup '%s' is not known",
			name);
	return r;
}

int sense_open(const struct sense_options *options, struct sense **ret, struct err *err)
{
	const char *root = options->root ? options->root : "";
	size_t n = strlen(root);
	struct sense *sense;
	int r;

	while (n > 0 && root[n - 1] == '/')
		n--;
	if (n >= sizeof(sense->root))
		return err_set(err, -EINVAL, "the root folder's name is too long");
	sense = calloc(1, sizeof(*sense));
	if (!sense)
		return -ENOMEM;
	memcpy(sense->root, root, n);
	sense->is_named = options->cgroup;
	sense->buf = malloc(SENSE_TEXT_MAX);
	r = sense->buf ? open_host(sense) : -ENOMEM;
	if (r == 0)
		r = open_cgroup(sense, options->cgroup, err);
	if (r == -ENAMETOOLONG)
		r = err_set(err, -EINVAL, "the root folder's and the cgroup's name are too long");
	if (r < 0) {
		sense_close(sense);
		return r;
	}
	*ret = sense;
	return 0;
}

struct sense *sense_close(struct sense *sense)
{
	if (!sense)
		return NULL;
	file_done(&sense->stat);
	file_done(&sense->meminfo);
	file_done(&sense->loadavg);
	file_done(&sense->softnet);
	for (int i = 0; i < SENSE_RESOURCES; i++) {
		file_done(&sense->psi[i]);
		file_done(&sense->cgroup_psi[i]);
	}
	levels_done(&sense->levels);
	free(sense->buf);
	free(sense);
	return NULL;
}

/* Reads the file and has it parsed into `value`; false: nothing came of it. */
#define READ(sense, file, parse, value)                                                       \
	({                                                                                    \
		size_t length_;                                                               \
		bool is_read_ = file_read(file, (sense)->buf, SENSE_TEXT_MAX, &length_) == 0, \
		     is_good_ = is_read_ && parse((sense)->buf, length_, value);              \
		if (is_read_ && !is_good_)                                                    \
			file_reject(file);                                                    \
		is_good_;                                                                     \
	})

static void read_psi(struct sense *sense, int i, bool of_cgroup, struct sample *ret)
{
	ret->psi_of_cgroup[i] =
		of_cgroup && READ(sense, &sense->cgroup_psi[i], parse_psi, &ret->psi[i]);
	ret->has_psi[i] =
		ret->psi_of_cgroup[i] || READ(sense, &sense->psi[i], parse_psi, &ret->psi[i]);
}

static void read_sample(struct sense *sense, uint64_t now_ns, struct sample *ret)
{
	bool of_cgroup;

	memset(ret, 0, sizeof(*ret));
	ret->at_ns = now_ns;
	ret->is_named = sense->is_named;
	ret->has_stat = READ(sense, &sense->stat, parse_stat, &ret->stat);
	ret->has_meminfo = READ(sense, &sense->meminfo, parse_meminfo, &ret->meminfo);
	ret->has_load = READ(sense, &sense->loadavg, parse_loadavg, &ret->load);
	ret->has_softnet = READ(sense, &sense->softnet, parse_softnet, &ret->softnet);
	levels_read(&sense->levels, sense->buf, ret);
	of_cgroup = sample_is_of_cgroup(ret);
	for (int i = 0; i < SENSE_RESOURCES; i++)
		read_psi(sense, i, of_cgroup, ret);
}

void sense_read(struct sense *sense, uint64_t now_ns, struct sense_load *ret)
{
	const struct sample *before = NULL;
	struct sample now;
	bool is_soon = sense->count > 0 && now_ns - sense->last[0].at_ns < SENSE_INTERVAL_NS;

	read_sample(sense, now_ns, &now);
	if (sense->count > (is_soon ? 1 : 0))
		before = &sense->last[is_soon ? 1 : 0];
	sample_load(before, &now, ret);
	if (is_soon)
		return;
	sense->last[1] = sense->last[0];
	sense->last[0] = now;
	if (sense->count < 2)
		sense->count++;
}

bool sense_notice(struct sense *sense, struct err *ret)
{
	if (sense->unmounted.text[0]) {
		*ret = sense->unmounted;
		sense->unmounted.text[0] = '\0';
		return true;
	}
	if (file_notice(&sense->stat, ret) || file_notice(&sense->meminfo, ret) ||
	    file_notice(&sense->loadavg, ret) || file_notice(&sense->softnet, ret) ||
	    levels_notice(&sense->levels, ret))
		return true;
	for (int i = 0; i < SENSE_RESOURCES; i++)
		if (file_notice(&sense->cgroup_psi[i], ret) || file_notice(&sense->psi[i], ret))
			return true;
	return false;
}

bool sense_psi_path(const struct sense *sense, enum sense_resource resource, char *ret)
{
	const struct sample *last = &sense->last[0];
	const char *path;

	if (sense->count == 0 || !last->has_psi[resource])
		return false;
	path = last->psi_of_cgroup[resource] ? sense->cgroup_psi[resource].path
					     : sense->psi[resource].path;
	memcpy(ret, path, strlen(path) + 1); /* file_init() took no longer one */
	return true;
}
