// SPDX-License-Identifier: MIT
/*
 * See flow.h.
 */
#include "net/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NS_PER_MS 1000000ULL

/* --- the loop --- */

static void on_tick(uv_timer_t *tick)
{
	struct flow_loop *loop = tick->data;

	loop->now_ns = clock_mono_ns();
	for (unsigned int i = 0; i < FLOW_TIMERS_MAX; i++) {
		struct list *first;

		while ((first = list_first(&loop->timers[i]))) {
			struct flow *flow = LIST_ITEM(first, struct flow, timer_link);

			if (flow->deadline_ns > loop->now_ns)
				break;
			list_remove(&flow->timer_link);
			flow->events->late(flow, i);
		}
	}
}

/* Once a turn: the clock costs as much as a good part of a request. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct flow_loop *loop = prepare->data;

	loop->now_ns = 0;
}

int flow_loop_init(struct flow_loop *loop, uv_loop_t *uv)
{
	int r;

	loop->uv = uv;
	loop->now_ns = 0;
	for (unsigned int i = 0; i < FLOW_TIMERS_MAX; i++) {
		list_init(&loop->timers[i]);
		loop->timer_ns[i] = 0;
	}
	loop->tick.data = loop->prepare.data = loop;
	r = uv_timer_init(uv, &loop->tick);
	r = r < 0 ? r : uv_prepare_init(uv, &loop->prepare);
	r = r < 0 ? r : uv_timer_start(&loop->tick, on_tick, FLOW_TICK_MS, FLOW_TICK_MS);
	return r < 0 ? r : uv_prepare_start(&loop->prepare, on_prepare);
}

void flow_loop_set_timer(struct flow_loop *loop, unsigned int timer, uint64_t ms)
{
	uint64_t latest_ns = flow_now_ns(loop) + ms * NS_PER_MS;
	struct list *timers = &loop->timers[timer];

	loop->timer_ns[timer] = ms * NS_PER_MS;
	/* The list stays sorted only if nobody in it is later than whoever comes next. */
	for (struct list *l = timers->prev; l != timers; l = l->prev) {
		struct flow *flow = LIST_ITEM(l, struct flow, timer_link);

		if (flow->deadline_ns <= latest_ns)
			break;
		flow->deadline_ns = latest_ns;
	}
}

void flow_loop_close(struct flow_loop *loop)
{
	uv_close((uv_handle_t *)&loop->tick, NULL);
	uv_close((uv_handle_t *)&loop->prepare, NULL);
}

uint64_t flow_now_ns(struct flow_loop *loop)
{
	if (!loop->now_ns)
		loop->now_ns = clock_mono_ns();
	return loop->now_ns;
}

/* --- time-outs --- */

void flow_stop_timer(struct flow *flow)
{
	list_remove(&flow->timer_link);
}

void flow_set_timer(struct flow *flow, unsigned int timer)
{
	struct flow_loop *loop = flow->loop;

	flow->deadline_ns = flow_now_ns(loop) + loop->timer_ns[timer];
	flow->timer = (uint8_t)timer;
	list_append(&loop->timers[timer], &flow->timer_link);
}

/* --- begin and end --- */

int flow_init(struct flow *flow, struct flow_loop *loop, bool is_unix,
	      const struct flow_events *events)
{
	flow->events = events;
	flow->loop = loop;
	flow->writing = flow->kept = NULL;
	flow->kept_length = flow->kept_capacity = 0;
	flow->is_reading = flow->is_closing = flow->has_ended = flow->is_broken = false;
	list_init(&flow->timer_link);
	flow->uv.handle.data = flow;
	return is_unix ? uv_pipe_init(loop->uv, &flow->uv.pipe, 0)
		       : uv_tcp_init(loop->uv, &flow->uv.tcp);
}

static void on_closed(uv_handle_t *handle)
{
	struct flow *flow = handle->data;

	free(flow->writing);
	free(flow->kept);
	flow->writing = flow->kept = NULL;
	flow->events->closed(flow);
}

void flow_close(struct flow *flow)
{
	if (flow->is_closing)
		return;
	flow->is_closing = flow->has_ended = true;
	flow_stop_timer(flow);
	uv_close(&flow->uv.handle, on_closed);
}

int flow_accept(struct flow *flow, uv_stream_t *listener)
{
	int r = uv_accept(listener, &flow->uv.stream);

	if (r == 0 && flow->uv.handle.type == UV_TCP)
		r = uv_tcp_nodelay(&flow->uv.tcp, 1);
	return r;
}

/* uv tells of a connection that is under way as cancelled when it is closed. */
static void on_connected(uv_connect_t *connect, int status)
{
	struct flow *flow = connect->data;

	if (!flow->is_closing)
		flow->connected(connect, status);
}

int flow_connect(struct flow *flow, const struct sockaddr_storage *address, uv_connect_cb done)
{
	flow->connect.data = flow;
	flow->connected = done;
	if (address->ss_family == AF_UNIX) {
		const char *path = ((const struct sockaddr_un *)(const void *)address)->sun_path;

		uv_pipe_connect(&flow->connect, &flow->uv.pipe, path, on_connected);
		return 0;
	}
	uv_tcp_nodelay(&flow->uv.tcp, 1);
	return uv_tcp_connect(&flow->connect, &flow->uv.tcp, (const struct sockaddr *)address,
			      on_connected);
}

int flow_fd(const struct flow *flow)
{
	uv_os_fd_t fd = -1;

	return uv_fileno(&flow->uv.handle, &fd) < 0 ? -1 : fd;
}

/* --- reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct flow *flow = handle->data;

	(void)suggested;
	*ret = uv_buf_init(flow->loop->buffer, sizeof(flow->loop->buffer));
}

static void flow_end(struct flow *flow, int error)
{
	if (flow->is_closing || flow->is_broken || (flow->has_ended && error == 0))
		return;
	flow->has_ended = true;
	flow->is_broken = error < 0;
	flow->events->ended(flow, error);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct flow *flow = stream->data;

	if (n > 0) {
		flow->events->bytes(flow, buf->base, (size_t)n);
	} else if (n < 0) {
		flow_pause(flow);
		flow_end(flow, n == UV_EOF ? 0 : (int)n);
	}
}

int flow_read(struct flow *flow)
{
	int r;

	if (flow->is_reading || flow->has_ended)
		return 0;
	r = uv_read_start(&flow->uv.stream, on_alloc, on_read);
	flow->is_reading = r == 0;
	return r;
}

void flow_pause(struct flow *flow)
{
	if (!flow->is_reading)
		return;
	flow->is_reading = false;
	uv_read_stop(&flow->uv.stream);
}

/* --- writing --- */

bool flow_is_full(const struct flow *flow)
{
	return flow->writing != NULL;
}

static int flow_keep(struct flow *flow, const char *bytes, size_t n)
{
	size_t wanted = flow->kept_length + n;
	char *grown;

	if (wanted > flow->kept_capacity) {
		grown = realloc(flow->kept, wanted);
		if (!grown)
			return -ENOMEM;
		flow->kept = grown;
		flow->kept_capacity = wanted;
	}
	memcpy(flow->kept + flow->kept_length, bytes, n);
	flow->kept_length = wanted;
	return 0;
}

static int flow_write_kept(struct flow *flow);

static void on_written(uv_write_t *write, int status)
{
	struct flow *flow = write->data;

	if (flow->is_closing)
		return;
	free(flow->writing);
	flow->writing = NULL;
	if (status == 0 && flow->kept_length)
		status = flow_write_kept(flow);
	if (status < 0)
		flow_end(flow, status);
	else if (!flow->writing)
		flow->events->drained(flow);
}

static int flow_write_kept(struct flow *flow)
{
	uv_buf_t buf = uv_buf_init(flow->kept, (unsigned int)flow->kept_length);
	int r;

	flow->write.data = flow;
	r = uv_write(&flow->write, &flow->uv.stream, &buf, 1, on_written);
	if (r < 0)
		return r;
	flow->writing = flow->kept;
	flow->kept = NULL;
	flow->kept_length = flow->kept_capacity = 0;
	return 0;
}

int flow_send(struct flow *flow, const char *head, size_t head_length, const char *body,
	      size_t body_length)
{
	uv_buf_t bufs[2] = {uv_buf_init((char *)head, (unsigned int)head_length),
			    uv_buf_init((char *)body, (unsigned int)body_length)};
	size_t sent = 0;
	int r;

	if (head_length + body_length == 0)
		return 0;
	if (!flow->writing) {
		r = head_length ? uv_try_write(&flow->uv.stream, bufs, body_length ? 2 : 1)
				: uv_try_write(&flow->uv.stream, bufs + 1, 1);
		if (r < 0 && r != UV_EAGAIN)
			return r;
		sent = r < 0 ? 0 : (size_t)r;
		if (sent == head_length + body_length)
			return 0;
	}
	r = 0;
	if (sent < head_length)
		r = flow_keep(flow, head + sent, head_length - sent);
	sent = sent > head_length ? sent - head_length : 0;
	if (r == 0 && sent < body_length)
		r = flow_keep(flow, body + sent, body_length - sent);
	return r == 0 && !flow->writing ? flow_write_kept(flow) : r;
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
	(void)status;
	free(request);
}

void flow_shutdown(struct flow *flow)
{
	uv_shutdown_t *request = flow->is_closing ? NULL : malloc(sizeof(*request));

	if (request && uv_shutdown(request, &flow->uv.stream, on_shutdown) < 0)
		free(request);
}
