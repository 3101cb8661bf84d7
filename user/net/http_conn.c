// SPDX-License-Identifier: MIT
/*
 * One connection of the HTTP server; its states stand in http_conn.h, and conn_enter()
 * is the one place that changes them. All of it runs on the loop's thread. A connection
 * is freed when uv has closed both of its handles.
 */
#include "net/http_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static void conn_advance(struct http_conn *conn);
static void conn_enter(struct http_conn *conn, enum http_conn_state state);

static void list_remove(struct http_conn *conn)
{
	struct http_server *server = conn->server;

	*(conn->prev ? &conn->prev->next : &server->first) = conn->next;
	*(conn->next ? &conn->next->prev : &server->last) = conn->prev;
	conn->prev = conn->next = NULL;
	server->count--;
}

static void list_append(struct http_conn *conn)
{
	struct http_server *server = conn->server;

	conn->prev = server->last;
	conn->next = NULL;
	*(server->last ? &server->last->next : &server->first) = conn;
	server->last = conn;
	server->count++;
}

static void on_closed(uv_handle_t *handle)
{
	struct http_conn *conn = handle->data;
	struct http_server *server = conn->server;

	if (--conn->open_handles == 0) {
		free(conn->body);
		free(conn);
	}
	http_server_handle_closed(server);
}

void http_conn_close(struct http_conn *conn)
{
	if (conn->state == CONN_CLOSED)
		return;
	conn->state = CONN_CLOSED;
	list_remove(conn);
	uv_close((uv_handle_t *)&conn->tcp, on_closed);
	uv_close((uv_handle_t *)&conn->timer, on_closed);
}

/* What a read brings while nothing is to be made of it: wait for the client to close. */
static void conn_discard(struct http_conn *conn, size_t n)
{
	conn->lingered_bytes += n;
	if (conn->lingered_bytes > HTTP_LINGER_BYTES_MAX)
		http_conn_close(conn);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct http_conn *conn = handle->data;

	(void)suggested;
	*ret = uv_buf_init(conn->in, sizeof(conn->in));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct http_conn *conn = stream->data;

	(void)buf;
	if (n == 0)
		return;
	if (n < 0) {
		http_conn_close(conn);
		return;
	}
	if (conn->state == CONN_LINGERING) {
		conn_discard(conn, (size_t)n);
		return;
	}
	if (conn->state == CONN_IDLE)
		conn_enter(conn, CONN_READING);
	conn->in_taken = 0;
	conn->in_length = (size_t)n;
	conn_advance(conn);
}

static void on_written(uv_write_t *write, int status)
{
	struct http_conn *conn = write->data;

	if (conn->state != CONN_ANSWERING) /* closed meanwhile */
		return;
	free(conn->body);
	conn->body = NULL;
	if (status) {
		http_conn_close(conn);
	} else if (!conn->keep_alive || conn->server->closing) {
		conn_enter(conn, CONN_LINGERING);
	} else {
		http_head_init(&conn->head);
		conn_enter(conn, conn->in_taken < conn->in_length ? CONN_READING : CONN_IDLE);
		conn_advance(conn);
	}
}

static void conn_refuse(struct http_conn *conn, struct http_response *response, int status)
{
	free(response->body);
	*response = (struct http_response){.status = status};
	conn->keep_alive = false;
}

/* Sends the answer; the body is the connection's from here on. */
static void conn_send(struct http_conn *conn, struct http_response *response)
{
	uv_buf_t bufs[2];
	unsigned int count = 1;
	size_t length;

	if (response->body_length > HTTP_ANSWER_BYTES_MAX)
		conn_refuse(conn, response, 500);
	if (!response->content_type)
		response->content_type = "text/plain; charset=utf-8";
	conn->body = response->body;
	bufs[1].base = response->body;
	if (!response->body && response->status >= 400) {
		snprintf(conn->refusal, sizeof(conn->refusal), "%d %s\n", response->status,
			 http_status_text(response->status));
		bufs[1].base = conn->refusal;
		response->body_length = strlen(conn->refusal);
	}
	length = http_answer_head(conn->answer_head, response, conn->keep_alive,
				  clock_real_ns() / 1000000000);
	bufs[0] = uv_buf_init(conn->answer_head, (unsigned int)length);
	bufs[1].len = response->body_length;
	if (response->body_length && !conn->head.is_head)
		count = 2;
	conn->write.data = conn;
	conn_enter(conn, CONN_ANSWERING);
	if (uv_write(&conn->write, (uv_stream_t *)&conn->tcp, bufs, count, on_written))
		http_conn_close(conn);
}

static void conn_answer(struct http_conn *conn)
{
	struct http_request request = {
		.method = conn->head.is_head ? "HEAD" : "GET",
		.path = conn->head.path,
	};
	struct http_response response = {.status = 404};

	conn->keep_alive = conn->head.keep_alive && !conn->server->closing;
	conn->server->handler(conn->server->ctx, &request, &response);
	conn_send(conn, &response);
}

/* Feeds what was read to the head that is under way, and answers it when it is whole. */
static void conn_advance(struct http_conn *conn)
{
	struct http_response refusal = {0};

	if (conn->state != CONN_READING)
		return;
	conn->in_taken += http_head_feed(&conn->head, conn->in + conn->in_taken,
					 conn->in_length - conn->in_taken);
	if (conn->head.state == HTTP_HEAD_WHOLE) {
		conn_answer(conn);
	} else if (conn->head.state == HTTP_HEAD_REFUSED) {
		conn_refuse(conn, &refusal, conn->head.status);
		conn_send(conn, &refusal);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct http_conn *conn = timer->data;
	struct http_response refusal = {0};

	if (conn->state == CONN_READING && http_head_is_begun(&conn->head)) {
		conn_refuse(conn, &refusal, 408);
		conn_send(conn, &refusal);
	} else {
		http_conn_close(conn);
	}
}

/* 0 or a negative errno. */
static int conn_set_reading(struct http_conn *conn, bool wanted)
{
	uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
	int error = wanted ? uv_read_start(stream, on_alloc, on_read) : uv_read_stop(stream);

	return error == UV_EALREADY ? 0 : error;
}

/* uv wants one where a connection is closed before its shutdown is through. */
static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
	(void)shutdown;
	(void)status;
}

static void conn_enter(struct http_conn *conn, enum http_conn_state state)
{
	const struct http_bounds *bounds = &conn->server->bounds;
	const uint32_t ms[] = {
		[CONN_READING] = bounds->head_ms,
		[CONN_ANSWERING] = bounds->answer_ms,
		[CONN_IDLE] = bounds->idle_ms,
		[CONN_LINGERING] = bounds->linger_ms,
	};
	int error = 0;

	conn->state = state;
	list_remove(conn);
	list_append(conn);
	uv_timer_start(&conn->timer, on_timer, ms[state], 0);
	if (state == CONN_LINGERING)
		error = uv_shutdown(&conn->shutdown, (uv_stream_t *)&conn->tcp, on_shutdown);
	if (!error)
		error = conn_set_reading(conn, state != CONN_ANSWERING);
	if (error)
		http_conn_close(conn);
}

int http_conn_accept(struct http_server *server)
{
	struct http_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return -ENOMEM;
	conn->server = server;
	conn->tcp.data = conn->timer.data = conn;
	uv_tcp_init(server->loop, &conn->tcp);
	uv_timer_init(server->loop, &conn->timer);
	conn->open_handles = 2;
	server->open_handles += 2;
	http_head_init(&conn->head);
	list_append(conn);
	if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&conn->tcp)) {
		http_conn_close(conn);
		return -EIO;
	}
	uv_tcp_nodelay(&conn->tcp, 1);
	conn_enter(conn, CONN_READING);
	return 0;
}
