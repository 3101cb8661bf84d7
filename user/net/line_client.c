// SPDX-License-Identifier: MIT
/*
 * One call over the control socket; see line_client.h. The socket does not block, poll(2)
 * waits, so that a server that neither reads nor answers costs one time-out. Only lines that
 * are followed are waited for without end.
 */
#include "net/line_client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define READ_BYTES ((size_t)64 << 10) /* first room for the document; it doubles */

#define CALL_FOREVER UINT32_MAX

struct call {
	const char *path;
	int fd;
	uint32_t timeout_ms; /* CALL_FOREVER: waits without a bound */
	struct err *err;
	char *text; /* the document so far */
	size_t length, capacity;
};

static int call_fail(const struct call *call, int error, const char *what)
{
	return err_set(call->err, error, "%s: %s: %s", call->path, what, strerror(-error));
}

/* 0 when the socket is ready for it (or has failed, which the next call tells). */
static int call_wait(const struct call *call, short events)
{
	uint64_t end_ns = clock_mono_ns() + call->timeout_ms * 1000000ULL;
	struct pollfd fds = {call->fd, events, 0};

	for (;;) {
		uint64_t now_ns = clock_mono_ns();
		int left_ms = now_ns < end_ns ? (int)((end_ns - now_ns) / 1000000) + 1 : 0;
		int ready = poll(&fds, 1, call->timeout_ms == CALL_FOREVER ? -1 : left_ms);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return call_fail(call, -errno, "can't wait");
		if (ready == 0)
			return err_set(call->err, -ETIMEDOUT, "%s: no answer within %u ms",
				       call->path, call->timeout_ms);
	}
}

static int call_connect(struct call *call)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error;

	if (strlen(call->path) >= sizeof(address.sun_path))
		return call_fail(call, -ENAMETOOLONG, "not a socket's path");
	memcpy(address.sun_path, call->path, strlen(call->path) + 1);
	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (call->fd < 0)
		return call_fail(call, -errno, "can't make a socket");
	/* Only a full backlog makes this wait, and for this long at most. */
	setsockopt(call->fd, SOL_SOCKET, SO_SNDTIMEO,
		   &(struct timeval){call->timeout_ms / 1000, call->timeout_ms % 1000 * 1000 + 1},
		   sizeof(struct timeval));
	while (connect(call->fd, (struct sockaddr *)&address, sizeof(address))) {
		error = errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (error != -EINTR)
			return call_fail(call, error, "can't reach hatagod");
	}
	return 0;
}

/* Sends all. A server that refuses what it has seen so far may stop reading: not our error. */
static int call_send(const struct call *call, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = send(call->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		int error;

		if (n >= 0) {
			bytes += n;
			length -= (size_t)n;
		} else if (errno == EAGAIN) {
			error = call_wait(call, POLLOUT);
			if (error)
				return error;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 0;
		} else if (errno != EINTR) {
			return call_fail(call, -errno, "can't send");
		}
	}
	return 0;
}

/* Makes room for at least one more byte and a NUL. */
static int call_grow(struct call *call)
{
	size_t wanted = call->capacity ? call->capacity * 2 : READ_BYTES;
	char *grown;

	if (call->length + 1 < call->capacity)
		return 0;
	if (call->length > LINE_DOCUMENT_BYTES_MAX + 1) { /* with its newline */
		call_fail(call, -EMSGSIZE, "the answer is too long");
		return -EMSGSIZE;
	}
	if (wanted > LINE_DOCUMENT_BYTES_MAX + 3)
		wanted = LINE_DOCUMENT_BYTES_MAX + 3;
	grown = realloc(call->text, wanted);
	if (!grown) {
		call_fail(call, -ENOMEM, "no room for the answer");
		return -ENOMEM;
	}
	call->text = grown;
	call->capacity = wanted;
	return 0;
}

/* Reads to the end; a reset counts as one, since what came before it is judged anyway. */
static int call_receive(struct call *call)
{
	ssize_t n = -1;
	int error;

	while (n != 0) {
		error = call_grow(call);
		if (!error)
			error = call_wait(call, POLLIN);
		if (error)
			return error;
		n = recv(call->fd, call->text + call->length, call->capacity - call->length - 1,
			 MSG_DONTWAIT);
		if (n > 0)
			call->length += (size_t)n;
		else if (n < 0 && errno == ECONNRESET)
			n = 0;
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			return call_fail(call, -errno, "can't read");
	}
	if (!call->length || call->text[call->length - 1] != '\n')
		return err_set(call->err, -EPROTO, "%s: hatagod closed the connection %s",
			       call->path,
			       call->length ? "in the midst of its answer" : "without an answer");
	call->text[--call->length] = '\0';
	return 0;
}

static int call_begin(struct call *call, const char *line, size_t length)
{
	int error;

	if (length > LINE_BYTES_MAX)
		return call_fail(call, -EMSGSIZE, "the request is too long");
	if (memchr(line, '\n', length))
		return call_fail(call, -EBADMSG, "the request holds a newline");
	error = call_connect(call);
	if (!error)
		error = call_send(call, line, length);
	if (!error)
		error = call_send(call, "\n", 1);
	return error;
}

int line_client_call(const char *path, const char *line, size_t length, uint32_t timeout_ms,
		     char **ret, size_t *ret_length, struct err *err)
{
	struct call call = {.path = path, .fd = -1, .timeout_ms = timeout_ms, .err = err};
	int error = call_begin(&call, line, length);

	if (!error)
		error = call_receive(&call);
	if (call.fd >= 0)
		close(call.fd);
	if (error) {
		free(call.text);
		return error;
	}
	*ret = call.text;
	*ret_length = call.length;
	return 0;
}

/* Gives away the whole lines that have come in; is it enough? */
static bool follow_give(struct call *call, line_taker take, void *ctx)
{
	char *at = call->text, *end = call->text + call->length, *newline;
	bool is_enough = false;

	while (!is_enough && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		*newline = '\0';
		is_enough = take(ctx, at, (size_t)(newline - at));
		call->timeout_ms = CALL_FOREVER;
		at = newline + 1;
	}
	call->length = (size_t)(end - at);
	memmove(call->text, at, call->length);
	return is_enough;
}

static int follow_receive(struct call *call, line_taker take, void *ctx)
{
	ssize_t n;
	int error;

	while (!follow_give(call, take, ctx)) {
		if (call->length == call->capacity)
			return call_fail(call, -EMSGSIZE, "a line is too long");
		error = call_wait(call, POLLIN);
		if (error)
			return error;
		n = recv(call->fd, call->text + call->length, call->capacity - call->length,
			 MSG_DONTWAIT);
		if (n > 0)
			call->length += (size_t)n;
		else if (n == 0 || errno == ECONNRESET)
			return err_set(call->err, -EPROTO, "%s: hatagod closed the connection",
				       call->path);
		else if (errno != EINTR && errno != EAGAIN)
			return call_fail(call, -errno, "can't read");
	}
	return 0;
}

int line_client_follow(const char *path, const char *line, size_t length, uint32_t timeout_ms,
		       line_taker take, void *ctx, struct err *err)
{
	struct call call = {.path = path, .fd = -1, .timeout_ms = timeout_ms, .err = err};
	int error = call_begin(&call, line, length);

	call.capacity = LINE_FOLLOWED_BYTES_MAX + 1;
	call.text = error ? NULL : malloc(call.capacity);
	if (!error)
		error = call.text ? follow_receive(&call, take, ctx)
				  : call_fail(&call, -ENOMEM, "no room for a line");
	if (call.fd >= 0)
		close(call.fd);
	free(call.text);
	return error;
}
