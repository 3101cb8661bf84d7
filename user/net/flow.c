// SPDX-License-Identifier: MIT
/*
 * See flow.h.
 */
#include "net/flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define NS_PER_MS 1000000ULL

/* --- the loop --- */

static void on_tick(uv_timer_t *tick)
{
	struct flow_loop *loop = tick->data;
	unsigned int left = FLOW_LATE_MAX;

	loop->now_ns = clock_mono_ns();
	for (unsigned int i = 0; i < FLOW_TIMERS_MAX; i++) {
		struct list *first;

		while (left && (first = list_first(&loop->timers[i]))) {
			struct flow *flow = LIST_ITEM(first, struct flow, timer_link);

			if (flow->deadline_ns > loop->now_ns)
				break;
			list_remove(&flow->timer_link);
			flow->events->late(flow, i);
			left--;
		}
	}
	if (!left)
		uv_timer_start(tick, on_tick, FLOW_LATE_MS, FLOW_TICK_MS);
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

	if (flow->is_closing)
		return;
	flow->deadline_ns = flow_now_ns(loop) + loop->timer_ns[timer];
	flow->timer = (uint8_t)timer;
	list_append(&loop->timers[timer], &flow->timer_link);
}

/* --- what uv watches for --- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void flow_watch(struct flow *flow)
{
	uint8_t wanted = 0;

	if (flow->is_closing)
		return;
	if (flow->is_reading)
		wanted |= UV_READABLE;
	if (flow->kept || flow->is_connecting)
		wanted |= UV_WRITABLE;
	if (wanted == flow->polled)
		return;
	flow->polled = wanted;
	if (wanted)
		uv_poll_start(&flow->poll, wanted, on_ready);
	else
		uv_poll_stop(&flow->poll);
}

/* --- begin and end --- */

socklen_t flow_address_size(const struct sockaddr_storage *address)
{
	switch (address->ss_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return sizeof(struct sockaddr_un);
	}
}

int flow_open(struct flow *flow, struct flow_loop *loop, int fd, const struct flow_events *events)
{
	const int on = 1, probe_s = FLOW_PROBE_S;
	int r;

	memset(flow, 0, sizeof(*flow));
	flow->fd = fd;
	flow->events = events;
	flow->loop = loop;
	flow->poll.data = flow;
	list_init(&flow->timer_link);
	r = uv_poll_init_socket(loop->uv, &flow->poll, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	/*
	 * Small answers are not to wait for each other, and who vanished without a word is to be
	 * missed. Of no meaning to a Unix socket.
	 */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &probe_s, sizeof(probe_s));
	return 0;
}

int flow_connect(struct flow *flow, struct flow_loop *loop, const struct sockaddr_storage *address,
		 const struct flow_events *events)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, flow_address_size(address)) < 0 &&
	    errno != EINPROGRESS) {
		r = -errno;
		close(fd);
		return r;
	}
	r = flow_open(flow, loop, fd, events);
	if (r < 0)
		return r;
	flow->is_connecting = true;
	flow_watch(flow);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct flow *flow = handle->data;

	free(flow->kept);
	flow->kept = NULL;
	flow->events->closed(flow);
}

void flow_close(struct flow *flow)
{
	if (flow->is_closing)
		return;
	flow->is_closing = flow->has_ended = true;
	flow_stop_timer(flow);
	uv_close((uv_handle_t *)&flow->poll, on_closed);
	close(flow->fd);
}

static void flow_end(struct flow *flow, int error)
{
	if (flow->is_closing || flow->is_broken || (flow->has_ended && error == 0))
		return;
	flow->has_ended = true;
	flow->is_broken = error < 0;
	flow_pause(flow);
	flow->events->ended(flow, error);
}

/* --- reading --- */

void flow_read(struct flow *flow)
{
	flow->is_reading = !flow->has_ended;
	flow_watch(flow);
}

void flow_pause(struct flow *flow)
{
	flow->is_reading = false;
	flow_watch(flow);
}

static void flow_take(struct flow *flow)
{
	char *buffer = flow->loop->buffer;
	ssize_t n = recv(flow->fd, buffer, sizeof(flow->loop->buffer), 0);

	if (n > 0)
		flow->events->bytes(flow, buffer, (size_t)n);
	else if (n == 0)
		flow_end(flow, 0);
	else if (errno != EAGAIN && errno != EINTR)
		flow_end(flow, -errno);
}

/* --- writing --- */

bool flow_is_full(const struct flow *flow)
{
	return flow->kept != NULL;
}

static int flow_keep(struct flow *flow, const char *bytes, size_t n)
{
	size_t wanted = flow->kept_end + n;
	char *grown;

	if (!n)
		return 0;
	if (wanted > flow->kept_capacity) {
		grown = realloc(flow->kept, wanted);
		if (!grown)
			return -ENOMEM;
		flow->kept = grown;
		flow->kept_capacity = wanted;
	}
	if (flow->kept) /* it is, since n is more than 0 */
		memcpy(flow->kept + flow->kept_end, bytes, n);
	flow->kept_end = wanted;
	return 0;
}

static void flow_give(struct flow *flow)
{
	ssize_t n = send(flow->fd, flow->kept + flow->kept_start, flow->kept_end - flow->kept_start,
			 MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		flow_end(flow, -errno);
		return;
	}
	flow->kept_start += n > 0 ? (size_t)n : 0;
	if (flow->kept_start < flow->kept_end)
		return;
	free(flow->kept);
	flow->kept = NULL;
	flow->kept_start = flow->kept_end = flow->kept_capacity = 0;
	if (flow->must_shut)
		shutdown(flow->fd, SHUT_WR);
	flow_watch(flow);
	flow->events->drained(flow);
}

static ssize_t send_both(int fd, const char *head, size_t head_length, const char *body,
			 size_t body_length)
{
	struct iovec parts[2] = {{(char *)head, head_length}, {(char *)body, body_length}};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (!body_length)
		return send(fd, head, head_length, MSG_NOSIGNAL);
	if (!head_length)
		return send(fd, body, body_length, MSG_NOSIGNAL);
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int flow_send(struct flow *flow, const char *head, size_t head_length, const char *body,
	      size_t body_length)
{
	size_t sent = 0;
	int r;

	if (flow->is_closing || flow->is_broken)
		return -EPIPE;
	if (!(head_length + body_length))
		return 0;
	if (!flow->kept) {
		ssize_t n = send_both(flow->fd, head, head_length, body, body_length);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		sent = n < 0 ? 0 : (size_t)n;
		if (sent == head_length + body_length)
			return 0;
	}
	r = sent < head_length ? flow_keep(flow, head + sent, head_length - sent) : 0;
	sent = sent > head_length ? sent - head_length : 0;
	if (r == 0 && sent < body_length) /* of nothing there may be no address */
		r = flow_keep(flow, body + sent, body_length - sent);
	flow_watch(flow);
	return r;
}

void flow_shutdown(struct flow *flow)
{
	flow->must_shut = true;
	if (!flow->is_closing && !flow->kept)
		shutdown(flow->fd, SHUT_WR);
}

/* --- readiness --- */

static void flow_connected(struct flow *flow)
{
	int error = 0;
	socklen_t size = sizeof(error);

	flow->is_connecting = false;
	if (getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	flow_watch(flow);
	flow->events->connected(flow, -error);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct flow *flow = poll->data;

	if (status < 0) { /* uv watches it no more; the socket itself says why */
		flow->polled = 0;
		events = UV_READABLE | UV_WRITABLE;
	}
	if (flow->is_connecting) {
		flow_connected(flow);
		return;
	}
	if (events & UV_READABLE && (flow->is_reading || status < 0))
		flow_take(flow);
	if (!flow->is_closing && events & UV_WRITABLE && flow->kept)
		flow_give(flow);
	if (!flow->is_closing)
		flow_watch(flow);
}
