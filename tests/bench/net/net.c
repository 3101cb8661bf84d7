// SPDX-License-Identifier: MIT
/*
 * Sockets and the ends of messages, for the gate's benches. See net.h.
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/text.h"
#include "net/listen.h"

enum { BACKLOG = 4096 };

void net_die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

struct sockaddr_in net_address(const char *text)
{
	struct sockaddr_storage storage;
	struct sockaddr_in address;
	struct err err = {0};

	if (listen_address_parse(text, &storage, &err) < 0)
		net_die(text, err.text);
	if (storage.ss_family != AF_INET)
		net_die(text, "no IPv4 address");
	memcpy(&address, &storage, sizeof(address));
	return address;
}

uint64_t net_number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!text || !text_to_u64(text, min, max, &value))
		net_die(name, "not a number in its range");
	return value;
}

static void set_option(int fd, int level, int option)
{
	int on = 1;

	if (setsockopt(fd, level, option, &on, sizeof(on)))
		net_die("setsockopt", strerror(errno));
}

int net_listen(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		net_die("socket", strerror(errno));
	set_option(fd, SOL_SOCKET, SO_REUSEADDR);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) || listen(fd, BACKLOG))
		net_die("listen", strerror(errno));
	return fd;
}

int net_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	return fd;
}

int net_connect(const struct sockaddr_in *to, uint32_t from)
{
	struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	if ((from && bind(fd, (struct sockaddr *)&source, sizeof(source))) ||
	    (connect(fd, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS)) {
		close(fd);
		return -1;
	}
	return fd;
}

int net_epoll_new(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		net_die("epoll", strerror(errno));
	return epoll;
}

static void epoll_do(int epoll, int operation, int fd, uint32_t events, void *data)
{
	struct epoll_event event = {.events = events, .data.ptr = data};

	if (epoll_ctl(epoll, operation, fd, &event))
		net_die("epoll", strerror(errno));
}

void net_epoll_add(int epoll, int fd, uint32_t events, void *data)
{
	epoll_do(epoll, EPOLL_CTL_ADD, fd, events, data);
}

void net_epoll_change(int epoll, int fd, uint32_t events, void *data)
{
	epoll_do(epoll, EPOLL_CTL_MOD, fd, events, data);
}

/* The value of a field whose line begins here, or NULL. name: with its colon. */
static const char *field_value(const char *line, const char *name)
{
	size_t length = strlen(name);

	if (strncasecmp(line, name, length) != 0)
		return NULL;
	return line + length + strspn(line + length, " \t");
}

bool net_message_read(const char *bytes, size_t count, struct net_message *ret)
{
	const char *end = memmem(bytes, count, "\r\n\r\n", 4), *line = bytes, *value;
	unsigned long long body = 0;

	if (!end)
		return false;
	*ret = (struct net_message){0};
	if (count > 12 && memcmp(bytes, "HTTP/1.", 7) == 0)
		ret->status = (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + bytes[11] - '0';
	while (line < end) {
		line = (const char *)memchr(line, '\n', (size_t)(end + 4 - line)) + 1;
		/* Two letters tell these from nearly all others. */
		if ((*line | 0x20) != 'c' || (line[1] | 0x20) != 'o')
			continue;
		value = field_value(line, "content-length:");
		if (value)
			body = strtoull(value, NULL, 10);
		value = field_value(line, "connection:");
		if (value && strncasecmp(value, "close", 5) == 0)
			ret->close = true;
	}
	ret->length = (size_t)(end + 4 - bytes) + (size_t)body;
	return true;
}
