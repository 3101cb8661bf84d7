// SPDX-License-Identifier: MIT
/*
 * The listener of the control socket and the bound on its clients. The rest of the
 * story is line_request.c's, the socket file line_listen.c's.
 */
#include "net/line_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/line_request.h"

/* At the bound newcomers wait in the kernel until a client has gone. */
static void server_accept(struct line_server *server)
{
	server->stalled = server->count >= server->bounds.clients || line_request_accept(server);
}

static void on_connection(uv_stream_t *listener, int status)
{
	if (!status)
		server_accept(listener->data);
}

void line_server_handle_closed(struct line_server *server)
{
	if (--server->open_handles == 0) {
		free(server->path);
		free(server);
	} else if (server->stalled && !server->closing) {
		server_accept(server);
	}
}

static void on_listener_closed(uv_handle_t *handle)
{
	line_server_handle_closed(handle->data);
}

/* Binds, and listens with the loop. 0 or a negative errno. */
static int server_listen(struct line_server *server, const char *group, struct err *err)
{
	_cleanup_close_ int fd = -1;
	int error = line_bind(server->path, group, &fd, &server->file, err);

	if (error)
		return error;
	error = uv_pipe_open(&server->listener, fd);
	if (!error) {
		(void)TAKE_FD(fd); /* the handle's */
		error = uv_listen((uv_stream_t *)&server->listener, LINE_BACKLOG, on_connection);
	}
	if (error)
		return err_set(err, error, "can't listen on %s: %s", server->path,
			       strerror(-error));
	return 0;
}

int line_server_new(uv_loop_t *loop, const char *path, const char *group, line_handler handler,
		    void *ctx, struct line_server **ret, struct err *err)
{
	struct line_server *server = calloc(1, sizeof(*server));
	int error;

	if (server)
		server->path = strdup(path);
	if (!server || !server->path) {
		free(server);
		return err_set(err, -ENOMEM, "no memory for a server on %s", path);
	}
	server->loop = loop;
	server->handler = handler;
	server->ctx = ctx;
	server->bounds = (struct line_bounds){LINE_CLIENTS_MAX, LINE_CLIENTS_USER_MAX, LINE_READ_MS,
					      LINE_STALL_MS, LINE_LINGER_MS};
	server->listener.data = server;
	uv_pipe_init(loop, &server->listener, 0);
	server->open_handles = 1;
	error = server_listen(server, group, err);
	if (error) {
		line_server_free(server);
		return error;
	}
	*ret = server;
	return 0;
}

void line_server_set_bounds(struct line_server *server, const struct line_bounds *bounds)
{
	server->bounds = *bounds;
}

unsigned int line_server_clients(const struct line_server *server)
{
	return server->count;
}

void line_server_free(struct line_server *server)
{
	if (!server || server->closing)
		return;
	server->closing = true;
	line_unlink(server->path, &server->file); /* all zero, no file's, where none was made */
	while (server->first)
		line_request_close(server->first);
	uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

bool line_peer_has_group(const struct line_peer *peer, gid_t group)
{
	if (peer->gid == group)
		return true;
	for (size_t i = 0; i < peer->group_count; i++)
		if (peer->groups[i] == group)
			return true;
	return false;
}
