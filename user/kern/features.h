/* SPDX-License-Identifier: MIT */
/*
 * Can this kernel and this process run the edge at all? Asked before anything is made, so
 * that a refusal is one sentence that names the remedy. Probes; goes by no version number.
 */
#ifndef HATAGO_KERN_FEATURES_H
#define HATAGO_KERN_FEATURES_H

#include "base/err.h"

/* 0, -EPERM (a right is missing) or -EOPNOTSUPP (the kernel is too old). */
int features_check(struct err *err);
/* The kernel's release, for sentences. */
const char *features_kernel(void);

#endif
