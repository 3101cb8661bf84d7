// SPDX-License-Identifier: MIT
/*
 * The listener of the HTTP server and the bound on its connections. The rest of the
 * story is http_conn.c's.
 */
#include "net/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_conn.h"
#include "net/listen.h"

static void on_listener_closed(uv_handle_t *handle)
{
	http_server_handle_closed(handle->data);
}

/*
 * At the bound the connection that has waited longest makes room, so that nobody can
 * keep others out by holding connections open. Those that take an answer stay.
 */
static void server_make_room(struct http_server *server)
{
	struct http_conn *conn = server->first;

	while (conn && conn->state == CONN_ANSWERING)
		conn = conn->next;
	if (conn)
		http_conn_close(conn);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct http_server *server = listener->data;

	if (status)
		return; /* out of descriptors: uv has closed the newcomer */
	server->stalled = http_conn_accept(server) == -ENOMEM;
	if (server->count > server->bounds.connections)
		server_make_room(server);
}

void http_server_handle_closed(struct http_server *server)
{
	if (--server->open_handles == 0)
		free(server);
	else if (server->stalled && !server->closing)
		on_connection((uv_stream_t *)&server->listener, 0);
}

static int server_listen(struct http_server *server, const struct sockaddr_storage *address)
{
	struct sockaddr_storage bound;
	int size = sizeof(bound);
	int error = uv_tcp_bind(&server->listener, (const struct sockaddr *)address, 0);

	if (!error)
		error = uv_listen((uv_stream_t *)&server->listener, HTTP_BACKLOG, on_connection);
	if (!error)
		error = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&bound, &size);
	if (error)
		return error;
	if (bound.ss_family == AF_INET6)
		server->port = ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
	else
		server->port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
	return 0;
}

int http_server_new(uv_loop_t *loop, const char *address, http_handler handler, void *ctx,
		    struct http_server **ret, struct err *err)
{
	struct sockaddr_storage parsed;
	struct http_server *server;
	int error = listen_address_parse(address, &parsed, err);

	if (error)
		return error;
	server = calloc(1, sizeof(*server));
	if (!server)
		return err_set(err, -ENOMEM, "no memory for a server on %s", address);
	server->loop = loop;
	server->handler = handler;
	server->ctx = ctx;
	server->bounds = (struct http_bounds){HTTP_CONNECTIONS_MAX, HTTP_HEAD_MS, HTTP_IDLE_MS,
					      HTTP_ANSWER_MS, HTTP_LINGER_MS};
	server->listener.data = server;
	uv_tcp_init(loop, &server->listener);
	server->open_handles = 1;
	error = server_listen(server, &parsed);
	if (error) {
		http_server_free(server);
		return err_set(err, error, "can't listen on %s: %s", address, strerror(-error));
	}
	*ret = server;
	return 0;
}

void http_server_set_bounds(struct http_server *server, const struct http_bounds *bounds)
{
	server->bounds = *bounds;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

unsigned int http_server_connections(const struct http_server *server)
{
	return server->count;
}

void http_server_free(struct http_server *server)
{
	if (!server || server->closing)
		return;
	server->closing = true;
	while (server->first)
		http_conn_close(server->first);
	uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}
