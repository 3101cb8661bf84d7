// SPDX-License-Identifier: MIT
/*
 * A worker: a thread with a loop of its own, which accepts, and keeps its connections to
 * the end. What other threads have for it comes through the inbox: exchanges that may run,
 * answers of the main loop, new settings, the word to drain or to stop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "gate/parts.h"

#define ACCEPT_AGAIN_MS 100 /* after descriptors had run out */

void worker_poke(struct worker *worker)
{
	uv_async_send(&worker->async);
}

/* --- what is done in slices --- */

/* Not from within whatever woke them. */
static void run_woken(struct worker *w)
{
	struct list *first;

	for (int i = 0; i < GATE_WOKEN_MAX && (first = list_first(&w->woken)); i++) {
		list_remove(first);
		admit_woken(LIST_ITEM(first, struct exchange, link));
	}
}

/* Connections with requests that they could not begin in the last turn, the first first. */
static void run_later(struct worker *w)
{
	struct list *first;

	while (w->pipelined_left && (first = list_first(&w->later))) {
		list_remove(first);
		w->pipelined_left--;
		conn_resume(LIST_ITEM(first, struct conn, waits));
	}
}

static void take_answers(struct worker *w)
{
	struct list *first;

	for (int i = 0; i < GATE_ANSWERS_MAX && (first = list_first(&w->answers)); i++) {
		struct gate_message *message = LIST_ITEM(first, struct gate_message, link);

		list_remove(first);
		conn_metrics(w, message->question, message->text, message->length);
		free(message->text);
		free(message);
	}
}

/* Connections to the upstreams grow old by themselves, and don't come back to the pool. */
static void drain(struct worker *w)
{
	struct list *first;

	for (int i = 0; i < GATE_DRAINED_MAX && (first = list_first(&w->draining)); i++) {
		struct conn *conn = LIST_ITEM(first, struct conn, link);

		list_append(&w->conns, first);
		if (conn->state == CONN_BUSY)
			conn->keep_alive = false;
		else if (conn->state == CONN_HEAD && !conn->held_length)
			conn_finish(conn);
	}
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct worker *w = prepare->data;

	w->pipelined_left = GATE_PIPELINED_MAX;
	run_woken(w);
	run_later(w);
	take_answers(w);
	drain(w);
	if (!list_is_empty(&w->woken) || !list_is_empty(&w->later) || !list_is_empty(&w->answers) ||
	    !list_is_empty(&w->draining))
		worker_poke(w); /* the loop is not to fall asleep */
}

static void on_check(uv_check_t *check)
{
	struct worker *w = check->data;

	run_woken(w);
	if (w->flows.now_ns) /* something has happened in this turn */
		histogram_record(&w->tally.turn, clock_mono_ns() - w->flows.now_ns);
}

/* --- the inbox --- */

static void take_settings(struct worker *w, struct settings *settings)
{
	if (!settings)
		return;
	settings_drop(w->settings);
	w->settings = settings;
	for (unsigned int i = 0; i < FLOW_TIMERS_MAX; i++)
		flow_loop_set_timer(&w->flows, i, settings->timer_ms[i]);
	health_follow(w);
}

/* Nobody is served any more: all at once. */
static void stop(struct worker *w)
{
	struct list *next;

	w->is_draining = w->is_stopping = true;
	for (size_t i = 0; i < w->listener_count; i++) {
		uv_close((uv_handle_t *)&w->listeners[i], NULL);
		close(w->listener_fds[i]);
	}
	uv_close((uv_handle_t *)&w->accept_again, NULL);
	health_stop(w);
	list_append_all(&w->conns, &w->draining);
	for (struct list *l = w->conns.next; l != &w->conns; l = next) {
		struct conn *conn = LIST_ITEM(l, struct conn, link);

		next = l->next;
		if (conn->exchange)
			settle(conn->exchange, TALLY_CLIENT_LEFT);
		conn_close(conn);
	}
	while (!list_is_empty(&w->detached))
		settle(LIST_ITEM(list_first(&w->detached), struct exchange, detached),
		       TALLY_CLIENT_LEFT);
	up_close_idle(w);
	flow_loop_close(&w->flows);
	uv_close((uv_handle_t *)&w->prepare, NULL);
	uv_close((uv_handle_t *)&w->check, NULL);
	uv_close((uv_handle_t *)&w->async, NULL);
}

static void on_async(uv_async_t *async)
{
	struct worker *w = async->data;
	struct settings *settings;
	bool must_stop;

	uv_mutex_lock(&w->inbox_lock);
	list_append_all(&w->woken, &w->inbox_woken);
	list_append_all(&w->answers, &w->inbox_answers);
	settings = w->inbox_settings;
	w->inbox_settings = NULL;
	if (w->inbox_drain && !w->is_draining) {
		w->is_draining = true;
		list_append_all(&w->draining, &w->conns);
	}
	must_stop = w->inbox_stop && !w->is_stopping;
	uv_mutex_unlock(&w->inbox_lock);
	take_settings(w, settings);
	if (must_stop)
		stop(w);
}

/* --- listeners --- */

static void listeners_watch(struct worker *w);

static void on_accept_again(uv_timer_t *timer)
{
	listeners_watch(timer->data);
}

/* Several at once, but not so many that those who are here wait. */
static void on_connection(uv_poll_t *listener, int status, int events)
{
	struct worker *w = listener->data;
	uv_os_fd_t fd = -1;

	(void)events;
	if (status < 0 || uv_fileno((uv_handle_t *)listener, &fd) < 0)
		return;
	for (int i = 0; i < GATE_ACCEPTS_MAX; i++) {
		struct sockaddr_storage peer = {.ss_family = AF_UNIX};
		socklen_t size = sizeof(peer);
		int accepted =
			accept4(fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (accepted >= 0) {
			conn_accept(w, accepted, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			for (size_t l = 0; l < w->listener_count; l++)
				uv_poll_stop(&w->listeners[l]);
			uv_timer_start(&w->accept_again, on_accept_again, ACCEPT_AGAIN_MS, 0);
		}
		return; /* nobody is left, or another worker was quicker */
	}
}

static void listeners_watch(struct worker *w)
{
	for (size_t i = 0; i < w->listener_count; i++)
		uv_poll_start(&w->listeners[i], UV_READABLE, on_connection);
}

/* A descriptor of its own, since uv watches one only once in a loop. */
static int listener_init(struct worker *w, size_t i)
{
	int fd = dup(w->gate->listen_fds[i]);
	int r = fd < 0 ? -errno : uv_poll_init(&w->loop, &w->listeners[i], fd);

	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	w->listeners[i].data = w;
	w->listener_fds[i] = fd;
	w->listener_count = i + 1;
	return 0;
}

/* --- begin and end --- */

int worker_init(struct worker *w, struct gate *gate, struct err *err)
{
	int r = uv_loop_init(&w->loop);

	w->gate = gate;
	list_init(&w->conns);
	list_init(&w->later);
	list_init(&w->draining);
	list_init(&w->asked);
	list_init(&w->answers);
	list_init(&w->woken);
	list_init(&w->detached);
	list_init(&w->spare_exchanges);
	list_init(&w->inbox_woken);
	list_init(&w->inbox_answers);
	for (size_t i = 0; i < CONFIG_UPSTREAMS_MAX; i++)
		list_init(&w->idle_ups[i]);
	if (r < 0)
		return err_set(err, r, "can't make a worker's loop: %s", uv_strerror(r));
	w->has_loop = true;
	uv_mutex_init(&w->inbox_lock);
	w->async.data = w->prepare.data = w->check.data = w->accept_again.data = w;
	r = flow_loop_init(&w->flows, &w->loop);
	r = r < 0 ? r : uv_async_init(&w->loop, &w->async, on_async);
	r = r < 0 ? r : uv_timer_init(&w->loop, &w->accept_again);
	r = r < 0 ? r : uv_prepare_init(&w->loop, &w->prepare);
	r = r < 0 ? r : uv_check_init(&w->loop, &w->check);
	r = r < 0 ? r : uv_prepare_start(&w->prepare, on_prepare);
	r = r < 0 ? r : uv_check_start(&w->check, on_check);
	for (size_t i = 0; r == 0 && i < gate->listen_count; i++)
		r = listener_init(w, i);
	if (r == 0 && w == gate->workers)
		r = health_new(w);
	if (r < 0)
		return err_set(err, r, "can't set up a worker: %s", uv_strerror(r));
	take_settings(w, settings_use(gate->settings));
	listeners_watch(w);
	return 0;
}

static void worker_main(void *arg)
{
	struct worker *w = arg;

	uv_run(&w->loop, UV_RUN_DEFAULT);
}

int worker_start(struct worker *w, struct err *err)
{
	int r = uv_thread_create(&w->thread, worker_main, w);

	if (r < 0)
		return err_set(err, r, "can't start a worker: %s", uv_strerror(r));
	w->is_started = true;
	return 0;
}

void worker_done(struct worker *w)
{
	struct list *first;

	if (!w->has_loop)
		return;
	uv_mutex_lock(&w->inbox_lock);
	w->inbox_stop = true;
	uv_mutex_unlock(&w->inbox_lock);
	worker_poke(w);
	if (w->is_started)
		uv_thread_join(&w->thread);
	else
		uv_run(&w->loop, UV_RUN_DEFAULT);
	uv_loop_close(&w->loop);
	settings_drop(w->settings);
	settings_drop(w->inbox_settings);
	free(w->health);
	while ((first = list_first(&w->spare_exchanges))) {
		list_remove(first);
		free(LIST_ITEM(first, struct exchange, link));
	}
	list_append_all(&w->answers, &w->inbox_answers);
	while ((first = list_first(&w->answers))) {
		struct gate_message *message = LIST_ITEM(first, struct gate_message, link);

		list_remove(first);
		free(message->text);
		free(message);
	}
	uv_mutex_destroy(&w->inbox_lock);
}
