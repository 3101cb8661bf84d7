/* SPDX-License-Identifier: MIT */
/*
 * Tells at once when pressure stall has been over its threshold for half a second: by the
 * kernel's PSI triggers, or, where we may have none so short (they take CAP_SYS_RESOURCE), by
 * a look of its own, twelve a second. On the main loop's thread.
 */
#ifndef HATAGO_AGENT_STALL_H
#define HATAGO_AGENT_STALL_H

#include <uv.h>

#include "base/err.h"
#include "core/pressure.h"
#include "sense/psi_trigger.h"
#include "sense/sense.h"

struct stall;

struct stall_options {
	struct sense_options sense;
	double threshold[PRESSURE_SIGNALS]; /* percent; 0: nobody wants to know */
	/* Again and again while it lasts. */
	void (*over)(void *ctx, enum pressure_signal signal);
	void *ctx;
};

/* Which of pressure.h's signals this is. */
enum pressure_signal stall_signal(enum sense_resource resource, enum psi_kind kind);

/* What the kernel lacks is not watched. -ENOMEM, or what sense_open() says. */
int stall_new(uv_loop_t *loop, const struct stall_options *options, struct stall **ret,
	      struct err *err);
/* Triggers that are open; 0: it looks by itself, or there is nothing to watch. */
uint32_t stall_triggers(const struct stall *stall);
/* Calls nobody any more; it is freed from the loop. Accepts NULL; returns NULL. */
struct stall *stall_free(struct stall *stall);

#endif
