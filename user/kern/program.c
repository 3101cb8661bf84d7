/* SPDX-License-Identifier: MIT */
/*
 * See program.h. The only file that sees the skeleton; what it loads is handed on as
 * descriptors, and the skeleton is thrown away.
 */
#include "kern/program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/memory.h"
#include "hatago.skel.h"
#include "kern/debug.h"
#include "kern/features.h"
#include "kern/pins.h"

#ifdef __clang_analyzer__
/* The analyzer can't follow how bpftool's code frees itself, and reports it as ours. */
struct hatago_bpf *program_skeleton(void);
#define hatago_bpf__open program_skeleton
#endif

static void program_done(struct hatago_bpf **skeleton)
{
	hatago_bpf__destroy(*skeleton);
}

static int program_refused(struct err *err, int code)
{
	const char *words = debug_verifier_words();

	if (code == -EPERM || code == -EACCES) {
		if (!words[0])
			return pins_not_permitted(err, -EPERM, "loading a BPF program");
	} else if (code == -ENOMEM || code == -E2BIG) {
		return err_set(err, -ENOMEM,
			       "the kernel has not the memory for the client table: lower "
			       "edge.maxClients");
	}
	return err_set(err, -EOPNOTSUPP, "this kernel (%s) refuses the BPF program: %s%s%s",
		       features_kernel(), strerror(-code), words[0] ? ": " : "", words);
}

static int program_open(struct hatago_bpf **ret, struct err *err)
{
	debug_begin();
	*ret = hatago_bpf__open();
	if (!*ret)
		return err_set(err, -errno, "can't read the BPF object: %s", strerror(errno));
	return 0;
}

static int program_dup(const struct bpf_map *map, int *ret, struct err *err)
{
	int fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_set(err, -errno, "can't keep a map open: %s", strerror(errno));
	*ret = fd;
	return 0;
}

void program_maps_close(struct program_maps *maps)
{
	int *const fds[] = {&maps->config, &maps->clients, &maps->sides, &maps->allow,
			    &maps->deny,   &maps->notes,   &maps->syns};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		memory_close_at(fds[i]);
		*fds[i] = -1;
	}
}

int program_make_maps(uint32_t sets, bool with_lists, struct program_maps *ret, struct err *err)
{
	_cleanup_(program_done) struct hatago_bpf *s = NULL;
	struct program_maps maps = PROGRAM_NO_MAPS;
	int r = program_open(&s, err);

	if (r < 0)
		return r;
	bpf_program__set_autoload(s->progs.hatago_xdp, false);
	bpf_program__set_autoload(s->progs.hatago_tc, false);
	bpf_map__set_autocreate(s->maps.device, false);
	bpf_map__set_autocreate(s->maps.counters, false);
	bpf_map__set_autocreate(s->maps.clocks, false);
	bpf_map__set_autocreate(s->maps.syns, false);
	bpf_map__set_autocreate(s->maps.allow, with_lists);
	bpf_map__set_autocreate(s->maps.deny, with_lists);
	bpf_map__set_autocreate(s->maps.notes, with_lists);
	bpf_map__set_max_entries(s->maps.clients, sets);
	bpf_map__set_max_entries(s->maps.sides, sets);
	r = hatago_bpf__load(s);
	if (r < 0)
		return program_refused(err, r);
	r = program_dup(s->maps.config, &maps.config, err);
	r = r < 0 ? r : program_dup(s->maps.clients, &maps.clients, err);
	r = r < 0 ? r : program_dup(s->maps.sides, &maps.sides, err);
	if (with_lists) {
		r = r < 0 ? r : program_dup(s->maps.allow, &maps.allow, err);
		r = r < 0 ? r : program_dup(s->maps.deny, &maps.deny, err);
		r = r < 0 ? r : program_dup(s->maps.notes, &maps.notes, err);
	}
	if (r < 0)
		program_maps_close(&maps);
	else
		*ret = maps;
	return r;
}

int program_make_syns(uint32_t sets, int *ret_fd, struct err *err)
{
	_cleanup_(program_done) struct hatago_bpf *s = NULL;
	int r = program_open(&s, err), fd;

	if (r < 0)
		return r;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, bpf_map__name(s->maps.syns),
			    bpf_map__key_size(s->maps.syns), bpf_map__value_size(s->maps.syns),
			    sets, NULL);
	if (fd < 0)
		return program_refused(err, fd);
	*ret_fd = fd;
	return 0;
}

static int program_size_by_cpu(struct hatago_bpf *s)
{
	__u32 cpus = (__u32)libbpf_num_possible_cpus();
	int r = bpf_map__set_max_entries(s->maps.counters, cpus);

	return r < 0 ? r : bpf_map__set_max_entries(s->maps.clocks, cpus);
}

static int program_reuse(struct hatago_bpf *s, const struct program_maps *maps, int device_fd,
			 int counters_fd)
{
	const struct {
		struct bpf_map *map;
		int fd;
	} shared[] = {
		{s->maps.config, maps->config}, {s->maps.clients, maps->clients},
		{s->maps.sides, maps->sides},	{s->maps.allow, maps->allow},
		{s->maps.deny, maps->deny},	{s->maps.notes, maps->notes},
		{s->maps.device, device_fd},	{s->maps.counters, counters_fd},
		{s->maps.syns, maps->syns},
	};

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		int r = shared[i].fd < 0 ? 0 : bpf_map__reuse_fd(shared[i].map, shared[i].fd);

		if (r < 0)
			return r;
	}
	s->rodata->syn_sets = bpf_map__max_entries(s->maps.syns);
	return program_size_by_cpu(s);
}

int program_load(const struct program_maps *maps, enum hatago_attach_mode mode, int *device_fd,
		 int *counters_fd, int *ret_program_fd, struct err *err)
{
	_cleanup_(program_done) struct hatago_bpf *s = NULL;
	_cleanup_close_ int device = -1, counters = -1, program = -1;
	const struct bpf_program *chosen;
	int r = program_open(&s, err);

	if (r < 0)
		return r;
	chosen = mode == HATAGO_MODE_TC ? s->progs.hatago_tc : s->progs.hatago_xdp;
	bpf_program__set_autoload(s->progs.hatago_xdp, mode != HATAGO_MODE_TC);
	bpf_program__set_autoload(s->progs.hatago_tc, mode == HATAGO_MODE_TC);
	r = program_reuse(s, maps, *device_fd, *counters_fd);
	if (r == 0)
		r = hatago_bpf__load(s);
	if (r < 0)
		return program_refused(err, r);
	program = fcntl(bpf_program__fd(chosen), F_DUPFD_CLOEXEC, 3);
	if (program < 0)
		return err_set(err, -errno, "can't keep a program open: %s", strerror(errno));
	r = *device_fd >= 0 ? 0 : program_dup(s->maps.device, &device, err);
	if (r == 0 && *counters_fd < 0)
		r = program_dup(s->maps.counters, &counters, err);
	if (r < 0)
		return r;
	if (device >= 0)
		*device_fd = TAKE_FD(device);
	if (counters >= 0)
		*counters_fd = TAKE_FD(counters);
	*ret_program_fd = TAKE_FD(program);
	return 0;
}
