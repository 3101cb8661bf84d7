/* SPDX-License-Identifier: MIT */
/*
 * A flood made in the kernel: hatago-flood --in-kernel and the live bench use it. The caller
 * has seen to it that the device is lo or one end of a veth pair.
 */
#ifndef HATAGO_TOOLS_GENERATOR_H
#define HATAGO_TOOLS_GENERATOR_H

#include "frame.h"

#define GENERATOR_BATCH_MAX 1000000u /* frames of one generator_run() */

struct generator;

/*
 * plan: IPv4 and TCP; its sources, rounded up to a power of two. rate: frames a second, or
 * 0: as fast as it goes. Returns 0 or a negative errno.
 */
int generator_new(const struct frame_plan *plan, unsigned int ifindex, uint64_t rate,
		  struct generator **ret);
/* Sends `frames` of them, at most GENERATOR_BATCH_MAX. */
int generator_run(struct generator *generator, uint32_t frames);
/* What the last run took, without what the kernel needs to begin and end it. */
double generator_seconds(const struct generator *generator);
/* Accepts NULL. */
void generator_free(struct generator *generator);

#endif
