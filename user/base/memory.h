/* SPDX-License-Identifier: MIT */
/*
 * Scope-bound ownership: a variable marked with one of these lets go of what it holds
 * when it leaves its scope; TAKE_PTR and TAKE_FD hand it on first.
 */
#ifndef HATAGO_BASE_MEMORY_H
#define HATAGO_BASE_MEMORY_H

#include <stddef.h>

#define _cleanup_(f)	__attribute__((cleanup(f)))
#define _cleanup_free_	_cleanup_(memory_free_at)
#define _cleanup_close_ _cleanup_(memory_close_at)

/* The pointer, which its variable forgets. */
#define TAKE_PTR(p)                                      \
	({                                               \
		__typeof__(p) *take_ptr_at_ = &(p);      \
		__typeof__(p) take_ptr_ = *take_ptr_at_; \
		*take_ptr_at_ = NULL;                    \
		take_ptr_;                               \
	})
/* The descriptor, which its variable forgets. */
#define TAKE_FD(fd)                          \
	({                                   \
		int *take_fd_at_ = &(fd);    \
		int take_fd_ = *take_fd_at_; \
		*take_fd_at_ = -1;           \
		take_fd_;                    \
	})

/* For the macros: p is the variable's address. errno is left as it was. */
void memory_free_at(void *p);
void memory_close_at(int *fd);
/*
 * Makes room for one more item in a growing array: *items of *capacity items of `size`
 * bytes hold `count`. 0, or -ENOMEM (nothing changed).
 */
int memory_grow(void *items, size_t *capacity, size_t count, size_t size);

#endif
