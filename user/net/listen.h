/* SPDX-License-Identifier: MIT */
/*
 * "HOST:PORT" -> a socket address to listen on. Numbers only: a name would need a
 * resolver, which blocks and may give several answers; "localhost" is the exception.
 */
#ifndef HATAGO_NET_LISTEN_H
#define HATAGO_NET_LISTEN_H

#include <sys/socket.h>

#include "base/err.h"

#define LISTEN_TEXT_MAX 64 /* bytes of the text, with its NUL */

/*
 * "127.0.0.1:9464", "[::1]:9464", "localhost:9464" (127.0.0.1), port 0 to 65535.
 * 0, or -EINVAL with a sentence.
 */
int listen_address_parse(const char *text, struct sockaddr_storage *ret, struct err *err);

#endif
