/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol's header, versions 1 and 2, as a listed proxy puts it before
 * everything else on a connection (the specification is HAProxy's). Pure.
 */
#ifndef HATAGO_NET_PROXY_PROTOCOL_H
#define HATAGO_NET_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define PROXY_HEADER_MAX 536 /* bytes; version 2 may carry TLVs, which are skipped up to that */

/*
 * Returns the header's length, 0 where more bytes are needed, or -EPROTO for what is none.
 * *ret_has_source: it names a source (PROXY TCP4/TCP6, or v2 PROXY over IPv4 or IPv6); else
 * (UNKNOWN, LOCAL, AF_UNIX) the connection's own address holds.
 */
int proxy_protocol_parse(const char *bytes, size_t n, struct sockaddr_storage *ret_source,
			 bool *ret_has_source);

#endif
