/* SPDX-License-Identifier: MIT */
/*
 * A file of the kernel that is read again and again: opened once, read from its beginning
 * each time, opened anew after a failure, since a cgroup may come and go.
 */
#ifndef HATAGO_SENSE_FILE_H
#define HATAGO_SENSE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sense_file {
	char *path;	  /* owned; NULL: there is no such file here */
	const char *lost; /* a static sentence's end: what is not known without it; NULL: nobody
			     is told */
	int fd;		  /* -1: not open */
	int error;	  /* of the failure to tell: negative errno; 0: none */
	bool is_told;
};

/* root and path together are its path; 0, -ENOMEM or -ENAMETOOLONG. */
int file_init(struct sense_file *file, const char *root, const char *folder, const char *name,
	      const char *lost);
void file_done(struct sense_file *file); /* accepts one that is all 0 */

/*
 * Reads at most `size` bytes from the beginning. 0, or a negative errno: -ENOENT and what
 * else the kernel says; it stands in file->error then.
 */
int file_read(struct sense_file *file, char *buf, size_t size, size_t *ret_length);
/* It was read, but there is no sense in it; opened anew next time. */
void file_reject(struct sense_file *file);
/* The sentence on its failure, once; false: nothing to tell. */
bool file_notice(struct sense_file *file, struct err *ret);

#endif
