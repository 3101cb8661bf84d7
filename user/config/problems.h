/* SPDX-License-Identifier: MIT */
/*
 * Collects what is wrong with a file, in whatever order it is found, and puts it into
 * the order of the file. Known to user/config/ only.
 */
#ifndef HATAGO_CONFIG_PROBLEMS_H
#define HATAGO_CONFIG_PROBLEMS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/* A place in the file, from 1 on; line 0: nowhere. */
struct mark {
	uint32_t line, column;
};

struct problem;

struct problems {
	const char *file; /* as it stands in the lines */
	struct problem *items;
	size_t count, capacity;
	size_t more; /* beyond CONFIG_PROBLEMS_MAX */
	bool out_of_memory;
};

void problems_add(struct problems *p, struct mark at, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Hands the sorted lines to *ret and frees the rest. 0 if there was none, else -errno. */
int problems_finish(struct problems *p, struct config_problems *ret);

#endif
