// SPDX-License-Identifier: MIT
/*
 * A hook's Unix socket, on which somebody else listens: a line for each event. What the
 * listener has not taken waits, also while there is none; what finds no room is dropped and
 * counted. It is tried again and again, ever more seldom:
 *
 *   CONNECTING --ok--> OPEN --end, error--> CLOSING --> WAITING --time--> CONNECTING
 *       +---------error-----------------------^
 *
 *   Lines that were under way when the listener left may have been lost: they count as
 *   dropped. When freed, it closes from any state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "agent/event_parts.h"
#include "base/log.h"
#include "net/outbox.h"

#define HOOK_READ_BYTES 512 /* of what the listener says, which is thrown away */

enum socket_state { SOCKET_CONNECTING, SOCKET_OPEN, SOCKET_CLOSING, SOCKET_WAITING };

struct hook_socket {
	uv_loop_t *loop;
	const char *event;
	char *path;
	struct events_counts *counts; /* NULL: freed, only handles are open still */
	enum socket_state state;
	unsigned int open_handles;
	uv_pipe_t pipe;
	uv_connect_t connect;
	uv_timer_t timer; /* WAITING: until it is tried again */
	uint64_t pause_ms;
	struct outbox outbox;
	uint64_t logged_ms;
	char thrown_away[HOOK_READ_BYTES];
};

static void socket_release(struct hook_socket *hook)
{
	if (hook->open_handles || hook->counts)
		return;
	outbox_done(&hook->outbox);
	free(hook->path);
	free(hook);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct hook_socket *hook = handle->data;

	hook->open_handles--;
	socket_release(hook);
}

static void on_time(uv_timer_t *timer);

static void on_pipe_closed(uv_handle_t *handle)
{
	struct hook_socket *hook = handle->data;

	hook->open_handles--;
	hook->state = SOCKET_WAITING;
	if (hook->counts)
		uv_timer_start(&hook->timer, on_time, hook->pause_ms, 0);
	hook->pause_ms *= 2;
	if (hook->pause_ms > HOOK_CONNECT_MAX_MS)
		hook->pause_ms = HOOK_CONNECT_MAX_MS;
	socket_release(hook);
}

static void socket_close(struct hook_socket *hook, const char *what, int error)
{
	size_t lost = outbox_shut(&hook->outbox);

	if (hook->state == SOCKET_CLOSING)
		return;
	hook->state = SOCKET_CLOSING;
	uv_close((uv_handle_t *)&hook->pipe, on_pipe_closed);
	if (!hook->counts)
		return;
	hook->counts->dropped[EVENTS_SOCKET] += lost;
	if (hook_may_log(&hook->logged_ms, uv_now(hook->loop)))
		log_line(LEVEL_WARNING, "hook %s: %s %s: %s; it is tried again, events wait",
			 hook->event, what, hook->path, uv_strerror(error));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct hook_socket *hook = handle->data;

	(void)suggested;
	*ret = uv_buf_init(hook->thrown_away, sizeof(hook->thrown_away));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	if (n < 0)
		socket_close(stream->data, "lost the listener at", (int)n);
}

static void on_written(void *ctx, int status)
{
	if (status < 0)
		socket_close(ctx, "can't write to", status);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct hook_socket *hook = connect->data;

	if (hook->state == SOCKET_CLOSING)
		return;
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&hook->pipe, on_alloc, on_read);
	if (status == 0)
		status = outbox_open(&hook->outbox, (uv_stream_t *)&hook->pipe);
	if (status < 0) {
		socket_close(hook, "can't connect to", status);
		return;
	}
	hook->state = SOCKET_OPEN;
	hook->pause_ms = HOOK_CONNECT_MS;
}

static void socket_connect(struct hook_socket *hook)
{
	hook->state = SOCKET_CONNECTING;
	uv_pipe_init(hook->loop, &hook->pipe, 0);
	hook->pipe.data = hook->connect.data = hook;
	hook->open_handles++;
	uv_pipe_connect(&hook->connect, &hook->pipe, hook->path, on_connected);
}

static void on_time(uv_timer_t *timer)
{
	socket_connect(timer->data);
}

void hook_socket_put(struct hook_socket *hook, const char *line, size_t length)
{
	if (!outbox_put(&hook->outbox, line, length))
		hook->counts->dropped[EVENTS_SOCKET]++;
}

bool hook_socket_is(const struct hook_socket *hook, const char *path)
{
	return strcmp(hook->path, path) == 0;
}

struct hook_socket *hook_socket_new(uv_loop_t *loop, const char *event, const char *path,
				    struct events_counts *counts)
{
	struct hook_socket *hook;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		log_line(LEVEL_ERROR, "hook %s: %s is too long for a socket's path", event, path);
		return NULL;
	}
	hook = calloc(1, sizeof(*hook));
	if (hook)
		hook->path = strdup(path);
	if (!hook || !hook->path) {
		log_line(LEVEL_ERROR, "hook %s: no memory", event);
		free(hook);
		return NULL;
	}
	hook->loop = loop;
	hook->event = event;
	hook->counts = counts;
	hook->pause_ms = HOOK_CONNECT_MS;
	outbox_init(&hook->outbox, HOOK_SOCKET_BYTES, on_written, hook);
	uv_timer_init(loop, &hook->timer);
	hook->timer.data = hook;
	hook->open_handles = 1;
	socket_connect(hook);
	return hook;
}

void hook_socket_free(struct hook_socket *hook)
{
	if (!hook)
		return;
	hook->counts->dropped[EVENTS_SOCKET] += outbox_lines(&hook->outbox);
	hook->counts = NULL;
	uv_close((uv_handle_t *)&hook->timer, on_timer_closed);
	if (hook->state == SOCKET_CONNECTING || hook->state == SOCKET_OPEN)
		socket_close(hook, "", 0);
}
