/* SPDX-License-Identifier: MIT */
/*
 * What the gate's benches share: sockets on loopback, an epoll set, and as much of
 * HTTP/1.1 as it takes to tell where a message of a well-behaved peer ends. No parser:
 * it believes what it reads, and is never in front of anything.
 */
#ifndef HATAGO_TESTS_BENCH_NET_H
#define HATAGO_TESTS_BENCH_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_MS 1000000ull /* nanoseconds */
#define NET_S  (1000 * NET_MS)

/* Says "bench: WHAT: WHY" on standard error and ends the program. */
void net_die(const char *what, const char *why) __attribute__((noreturn));
/* "127.0.0.1:8787", IPv4 only; dies. */
struct sockaddr_in net_address(const char *text);
/* "NAME=NUMBER" arguments: a whole number from min to max; dies. */
uint64_t net_number(const char *name, const char *text, uint64_t min, uint64_t max);
/* Both: non-blocking; listen dies, connect returns -1 where no connection can be begun. */
int net_listen(const struct sockaddr_in *address);
int net_accept(int listener);
/* from: the source address in host byte order, or 0. */
int net_connect(const struct sockaddr_in *to, uint32_t from);

int net_epoll_new(void);
/* Both die where it fails. */
void net_epoll_add(int epoll, int fd, uint32_t events, void *data);
void net_epoll_change(int epoll, int fd, uint32_t events, void *data);

/* A message that begins at the buffer's first byte. */
struct net_message {
	size_t length; /* of head and body */
	int status;    /* of an answer */
	bool close;    /* the connection ends after it */
};
/* False: the head is not all there. An answer without Content-Length has no body. */
bool net_message_read(const char *bytes, size_t count, struct net_message *ret);

#endif
