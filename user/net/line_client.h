/* SPDX-License-Identifier: MIT */
/*
 * The control socket's client, for commands: blocks, with a bound on the wait and on the
 * answer's size. No loop, no threads. line.h is the protocol, line_server.h the other end.
 */
#ifndef HATAGO_NET_LINE_CLIENT_H
#define HATAGO_NET_LINE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/line.h"

/*
 * Sends length bytes and a newline to the server at `path` and reads its document, NUL-
 * terminated and without its newline; *ret is the caller's to free(). timeout_ms bounds
 * each wait for the server, not the whole.
 * -ENOENT, -ECONNREFUSED: nobody serves there; -EACCES: the caller may not open the
 * socket; -ETIMEDOUT; -EMSGSIZE: the line or the document is over its bound; -EBADMSG: the
 * line holds a newline; -EPROTO: the document was cut short; -ENAMETOOLONG, -ENOMEM.
 */
int line_client_call(const char *path, const char *line, size_t length, uint32_t timeout_ms,
		     char **ret, size_t *ret_length, struct err *err);

/* A line, NUL-terminated, without its newline. true: enough. */
typedef bool (*line_taker)(void *ctx, const char *line, size_t length);

/*
 * Sends the line and gives what comes back to `take`, a line at a time, until that has
 * enough: 0. timeout_ms bounds the waits up to the first line; for those after it there is no
 * bound. Errors as above; -EPROTO: hatagod has closed.
 */
int line_client_follow(const char *path, const char *line, size_t length, uint32_t timeout_ms,
		       line_taker take, void *ctx, struct err *err);

#endif
