/* SPDX-License-Identifier: MIT */
/*
 * The machine's load, made into limits: see adapt.c. All of it on the main loop's thread.
 */
#ifndef HATAGO_AGENT_ADAPT_H
#define HATAGO_AGENT_ADAPT_H

#include "base/err.h"
#include "core/pressure.h"

struct agent;

/* To be called while there are rights yet: without them PSI triggers are slower, or none. */
int adapt_open(struct agent *agent, struct err *err);
/* The gate and the edge are there. */
void adapt_start(struct agent *agent);
/* agent->config is another one. */
void adapt_reload(struct agent *agent);
/* A breaker has changed. */
void adapt_follow_circuit(struct agent *agent);
/* Where it is off the scale is 1 and no load is known. */
void adapt_view(const struct agent *agent, struct pressure_view *ret);
/* It is freed from the loop. */
void adapt_close(struct agent *agent);

#endif
