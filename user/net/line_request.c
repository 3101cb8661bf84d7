// SPDX-License-Identifier: MIT
/*
 * One client of the control socket; its states stand in line_request.h, and
 * line_request_enter() is the one place that changes them. All of it runs on the loop's
 * thread, line_request_answer() too.
 */
#include "net/line_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void request_free(struct line_request *request)
{
	if (request->open_handles || request->asked)
		return;
	free(request->peer.groups);
	free(request->line);
	free(request->document);
	outbox_done(&request->outbox);
	free(request);
}

static void on_closed(uv_handle_t *handle)
{
	struct line_request *request = handle->data;
	struct line_server *server = request->server;

	request->open_handles--;
	request_free(request);
	line_server_handle_closed(server);
}

void line_request_close(struct line_request *request)
{
	struct line_server *server = request->server;

	if (request->state == LINE_CLOSED)
		return;
	request->state = LINE_CLOSED;
	line_stream_over(request);
	*(request->prev ? &request->prev->next : &server->first) = request->next;
	if (request->next)
		request->next->prev = request->prev;
	server->count--;
	uv_close((uv_handle_t *)&request->pipe, on_closed);
	uv_close((uv_handle_t *)&request->timer, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct line_request *request = handle->data;
	size_t capacity = request->capacity ? request->capacity * 2 : LINE_READ_BYTES;
	char *line;

	(void)suggested;
	if (request->state != LINE_READING) { /* what comes now is thrown away */
		*ret = uv_buf_init(request->line, (unsigned int)request->capacity);
		return;
	}
	if (request->length == request->capacity) {
		if (capacity > LINE_BYTES_MAX + 1)
			capacity = LINE_BYTES_MAX + 1;
		line = realloc(request->line, capacity);
		*ret = uv_buf_init(NULL, 0); /* uv reads it as no memory */
		if (!line)
			return;
		request->line = line;
		request->capacity = capacity;
	}
	ret->base = request->line + request->length;
	ret->len = request->capacity - request->length;
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
	(void)shutdown; /* uv wants one where the client is closed before it is through */
	(void)status;
}

static void on_timer(uv_timer_t *timer)
{
	struct line_request *request = timer->data;
	size_t unwritten = uv_stream_get_write_queue_size((uv_stream_t *)&request->pipe);

	if (request->state == LINE_WRITING && unwritten < request->unwritten)
		request->unwritten = unwritten;
	else
		line_request_close(request);
}

static void request_ask(struct line_request *request)
{
	struct line_server *server = request->server;

	line_request_enter(request, LINE_ASKED);
	request->asked = true;
	server->handler(server->ctx, request, &request->peer,
			request->too_long ? NULL : request->line, request->length);
}

/* Looks for the newline in what came in; bytes behind it are nobody's. */
static void request_advance(struct line_request *request, size_t n)
{
	char *newline = memchr(request->line + request->length, '\n', n);

	request->length = newline ? (size_t)(newline - request->line) : request->length + n;
	if (newline) {
		*newline = '\0';
		request_ask(request);
	} else if (request->length > LINE_BYTES_MAX) {
		request->too_long = true;
		request->length = 0;
		request_ask(request);
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct line_request *request = stream->data;

	(void)buf;
	if (n < 0 || (n > 0 && request->state == LINE_STREAMING))
		line_request_close(request);
	else if (n > 0 && request->state == LINE_READING)
		request_advance(request, (size_t)n);
}

/* Whatever the state wants: reading (or only to see the end) and a clock. */
void line_request_enter(struct line_request *request, enum line_state state)
{
	const struct line_bounds *bounds = &request->server->bounds;
	uv_stream_t *stream = (uv_stream_t *)&request->pipe;
	int error = 0;

	request->state = state;
	uv_timer_stop(&request->timer);
	if (state == LINE_READING) {
		uv_timer_start(&request->timer, on_timer, bounds->read_ms, 0);
		error = uv_read_start(stream, on_alloc, on_read);
	} else if (state == LINE_ASKED) {
		error = uv_read_stop(stream);
	} else if (state == LINE_STREAMING) {
		error = uv_read_start(stream, on_alloc, on_read);
	} else if (state == LINE_WRITING) {
		uv_timer_start(&request->timer, on_timer, bounds->stall_ms, bounds->stall_ms);
	} else {
		uv_timer_start(&request->timer, on_timer, bounds->linger_ms, 0);
		error = uv_shutdown(&request->shutdown, stream, on_shutdown);
		if (!error)
			error = uv_read_start(stream, on_alloc, on_read);
	}
	if (error)
		line_request_close(request);
}

static void on_written(uv_write_t *write, int status)
{
	struct line_request *request = write->data;

	if (request->state != LINE_WRITING) /* closed meanwhile */
		return;
	free(request->document);
	request->document = NULL;
	if (status)
		line_request_close(request);
	else
		line_request_enter(request, LINE_LINGERING);
}

void line_request_answer(struct line_request *request, char *document, size_t length)
{
	static char newline[] = "\n";
	uv_buf_t bufs[2] = {{.base = document, .len = length}, {.base = newline, .len = 1}};

	request->asked = false;
	request->document = document;
	if (request->state == LINE_CLOSED) {
		request_free(request);
		return;
	}
	if (!document) {
		line_request_close(request);
		return;
	}
	line_request_enter(request, LINE_WRITING);
	request->write.data = request;
	request->unwritten = SIZE_MAX;
	if (uv_write(&request->write, (uv_stream_t *)&request->pipe, bufs, 2, on_written))
		line_request_close(request);
}

/* Who is at the other end, as it was when it connected. 0 or a negative errno. */
static int peer_read(int fd, struct line_peer *ret)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	gid_t *groups = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size))
		return -errno;
	size = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) && errno != ERANGE)
		return -errno;
	if (size > LINE_GROUPS_MAX * sizeof(gid_t))
		return -E2BIG;
	if (size) {
		groups = malloc(size);
		if (!groups)
			return -ENOMEM;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size)) {
			free(groups);
			return -EIO;
		}
	}
	*ret = (struct line_peer){who.uid, who.gid, who.pid, groups, size / sizeof(gid_t)};
	return 0;
}

/* Might this user have one more? Root may always, so that nobody keeps root out. */
static bool user_has_room(const struct line_server *server, uid_t uid)
{
	unsigned int count = 0;

	for (const struct line_request *other = server->first; other; other = other->next)
		count += other->peer.uid == uid;
	return uid == 0 || count <= server->bounds.clients_of_user;
}

int line_request_accept(struct line_server *server)
{
	struct line_request *request = calloc(1, sizeof(*request));
	uv_os_fd_t fd;
	int error;

	if (!request)
		return -ENOMEM;
	request->server = server;
	request->pipe.data = request->timer.data = request;
	uv_pipe_init(server->loop, &request->pipe, 0);
	uv_timer_init(server->loop, &request->timer);
	request->open_handles = 2;
	server->open_handles += 2;
	request->next = server->first;
	if (server->first)
		server->first->prev = request;
	server->first = request;
	server->count++;
	error = uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&request->pipe);
	if (!error)
		error = uv_fileno((uv_handle_t *)&request->pipe, &fd);
	if (!error)
		error = peer_read(fd, &request->peer);
	if (error || !user_has_room(server, request->peer.uid))
		line_request_close(request);
	else
		line_request_enter(request, LINE_READING);
	return 0;
}
