/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of gradient.h share: gradient.c makes windows of samples, gradient_decide.c
 * judges them.
 */
#ifndef HATAGO_CORE_GRADIENT_PARTS_H
#define HATAGO_CORE_GRADIENT_PARTS_H

#include "core/gradient.h"

#define GRADIENT_REST_MIN_NS 1000000000ULL
#define GRADIENT_TRY_MIN_NS  3000000000ULL

/* Cut to the bounds. What runs beyond it is waited for before the next window begins. */
void gradient_limit_set(struct gradient *g, double limit);
/* The rest takes too long to begin, with requests that take long: not now. */
void gradient_rest_give_up(struct gradient *g, uint64_t now_ns);
/* A window without many drops has ended. */
void gradient_decide(struct gradient *g, const struct gradient_point *now, uint64_t now_ns);

#endif
