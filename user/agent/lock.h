/* SPDX-License-Identifier: MIT */
/*
 * One hatagod for each pins' folder. The lock is flock(2) on the folder PINS-lock, which lies
 * in the same BPF file system as the pins: so it reaches exactly as far as they do, over
 * network and mount namespaces, and ends with the process that holds it, however it dies.
 * (The pins' folder itself is locked by writers, for the time of a change.)
 */
#ifndef HATAGO_AGENT_LOCK_H
#define HATAGO_AGENT_LOCK_H

#include "base/err.h"

struct pins_lock {
	char *path;
	int fd; /* -1: not held */
};

/* -EADDRINUSE: another process holds it; -EPERM, -EINVAL (no BPF file system), -EOPNOTSUPP. */
int pins_lock_take(const char *pins, struct pins_lock *ret, struct err *err);
/* Removes the folder as well. */
void pins_lock_release(struct pins_lock *lock);

#endif
