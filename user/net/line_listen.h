/* SPDX-License-Identifier: MIT */
/*
 * The file of a listening Unix socket: made with the right owner and mode from its
 * first instant, a stale one replaced, a live one or a foreign file left alone.
 * line_server.c serves what is listened on.
 */
#ifndef HATAGO_NET_LINE_LISTEN_H
#define HATAGO_NET_LINE_LISTEN_H

#include <sys/types.h>

#include "base/err.h"

/* Which file is ours: so that no other is removed. */
struct line_file {
	dev_t device;
	ino_t inode;
};

/* A bound socket, not yet listening; see line_server_new() for the rest and the errors. */
int line_bind(const char *path, const char *group, int *ret_fd, struct line_file *ret_file,
	      struct err *err);
/* Removes the file if it is still ours. */
void line_unlink(const char *path, const struct line_file *file);

#endif
