// SPDX-License-Identifier: MIT
/*
 * Many keep-alive connections that do nothing, each after one request that was answered:
 * bench-gate.sh looks what they cost a proxy in memory. Prints "ready" when all are open,
 * keeps them until its standard input ends, then prints how many are still open.
 *
 *      idle HOST:PORT COUNT
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"

enum {
	COUNT_MAX = 20000,
	EACH = 10, /* connections of a client, so that no limit for each is in the way */
	ANSWER_MS = 5000,
	ANSWER_BYTES = 4096,
};

static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

static void wait_for(int fd, short events)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	if (poll(&poll_fd, 1, ANSWER_MS) != 1)
		net_die("server", "does not answer");
}

static int connection_open(const struct sockaddr_in *to, uint32_t number)
{
	uint32_t client = number / EACH;
	int fd = net_connect(to, 127u << 24 | 9u << 16 | client / 250 << 8 | (client % 250 + 1));
	struct net_message answer = {0};
	char bytes[ANSWER_BYTES];
	size_t count = 0;
	ssize_t part;

	if (fd < 0)
		net_die("connection", "can't be made; ulimit -n?");
	wait_for(fd, POLLOUT);
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		net_die("request", "can't be sent");
	do {
		wait_for(fd, POLLIN);
		part = recv(fd, bytes + count, sizeof(bytes) - count, 0);
		if (part <= 0)
			net_die("server", "closed a connection");
		count += (size_t)part;
	} while (!net_message_read(bytes, count, &answer) || answer.length > count);
	if (answer.status != 200)
		net_die("server", "did not answer 200");
	return fd;
}

int main(int argc, char **argv)
{
	static int fds[COUNT_MAX];
	uint64_t count, open = 0;
	struct sockaddr_in to;
	char byte;

	if (argc != 3)
		net_die("usage", "idle HOST:PORT COUNT");
	to = net_address(argv[1]);
	count = net_number("COUNT", argv[2], 1, COUNT_MAX);
	for (uint32_t i = 0; i < count; i++)
		fds[i] = connection_open(&to, i);
	printf("ready\n");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (uint64_t i = 0; i < count; i++)
		open += recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0;
	printf("open %llu\n", (unsigned long long)open);
	return 0;
}
