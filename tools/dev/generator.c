// SPDX-License-Identifier: MIT
/*
 * Loads generator.bpf.c and runs it over live frames. See generator.h.
 */
#include "generator.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "generator.skel.h"

#ifdef __clang_analyzer__
/* The analyzer can't follow how bpftool's code frees itself, and reports it as ours. */
struct generator_bpf *generator_skeleton(void);
#define generator_bpf__open_and_load generator_skeleton
#endif

enum {
	GENERATOR_BATCH = 64, /* frames between two breaths of the kernel */
	GENERATOR_FRAME_MAX = 256,
};

struct generator {
	struct generator_bpf *bpf;
	uint16_t length;
	double seconds; /* of the last run */
	uint8_t frame[GENERATOR_FRAME_MAX];
};

int generator_new(const struct frame_plan *plan, unsigned int ifindex, uint64_t rate,
		  struct generator **ret)
{
	struct generator *g;
	uint32_t first, bits = 0;

	if (plan->is_ipv6 || plan->is_udp || plan->length > GENERATOR_FRAME_MAX)
		return -EINVAL;
	g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->bpf = generator_bpf__open_and_load();
	if (!g->bpf) {
		int r = -errno;

		free(g);
		return r;
	}
	while (1u << bits < plan->sources)
		bits++;
	memcpy(&first, plan->first, sizeof(first));
	g->bpf->bss->first = ntohl(first);
	g->bpf->bss->source_bits = bits;
	g->bpf->bss->ifindex = ifindex;
	g->bpf->bss->interval_ns = rate ? 1000000000 / rate : 0;
	g->length = plan->length;
	frame_make(plan, 0, g->frame);
	*ret = g;
	return 0;
}

int generator_run(struct generator *g, uint32_t frames)
{
	struct bpf_test_run_opts options = {
		.sz = sizeof(options),
		.data_in = g->frame,
		.data_size_in = g->length,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		.batch_size = GENERATOR_BATCH,
		.repeat = (int)(frames < GENERATOR_BATCH_MAX ? frames : GENERATOR_BATCH_MAX),
	};

	int r = bpf_prog_test_run_opts(bpf_program__fd(g->bpf->progs.generate), &options);

	g->seconds = (double)options.duration * options.repeat / 1e9;
	return r;
}

double generator_seconds(const struct generator *g)
{
	return g->seconds;
}

void generator_free(struct generator *g)
{
	if (!g)
		return;
	generator_bpf__destroy(g->bpf);
	free(g);
}
