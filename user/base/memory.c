/* SPDX-License-Identifier: MIT */
/*
 * See memory.h. The cleanups run on every way out of a scope, error paths included, so
 * they keep errno for the caller.
 */
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_GROW_FIRST 8

void memory_free_at(void *p)
{
	void *held;
	int saved = errno;

	memcpy(&held, p, sizeof(held));
	free(held);
	errno = saved;
}

void memory_close_at(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

int memory_grow(void *items, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : MEMORY_GROW_FIRST;
	void *old, *grown;

	if (count < *capacity)
		return 0;
	if (wanted <= count)
		return -ENOMEM;
	memcpy(&old, items, sizeof(old));
	grown = reallocarray(old, wanted, size);
	if (!grown)
		return -ENOMEM;
	memcpy(items, &grown, sizeof(grown));
	*capacity = wanted;
	return 0;
}
