/* SPDX-License-Identifier: MIT */
/*
 * For tests that run a uv loop and its clients in one thread: both wait in one poll(2),
 * so that nothing sleeps and nothing spins.
 */
#ifndef HATAGO_TESTS_LOOP_H
#define HATAGO_TESTS_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <uv.h>

#define PATIENCE_MS 10000 /* after which a test that waits has failed */

static inline int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Runs the loop once, waiting at most max_ms for it or for fd (-1: none); is fd ready? */
static inline bool loop_step(uv_loop_t *loop, int fd, short events, int max_ms)
{
	struct pollfd fds[] = {{uv_backend_fd(loop), POLLIN, 0}, {fd, events, 0}};
	int timeout = uv_backend_timeout(loop); /* 0 while it has something to do first */

	if (timeout < 0 || timeout > max_ms)
		timeout = max_ms;
	poll(fds, 2, timeout);
	uv_run(loop, UV_RUN_NOWAIT);
	return fds[1].revents;
}

/* Runs the loop until fd is ready. */
static inline void loop_wait(uv_loop_t *loop, int fd, short events)
{
	int64_t deadline = now_ms() + PATIENCE_MS;

	while (!loop_step(loop, fd, events, PATIENCE_MS))
		assert_true(now_ms() < deadline);
}

/* Runs the loop for that long, or until fd is ready: is it? */
static inline bool loop_pass(uv_loop_t *loop, int fd, short events, int ms)
{
	int64_t end = now_ms() + ms;

	while (now_ms() < end)
		if (loop_step(loop, fd, events, (int)(end - now_ms())))
			return true;
	return false;
}

/* Runs the loop until the condition holds. */
#define loop_until(loop, condition)                          \
	do {                                                 \
		int64_t until_ = now_ms() + PATIENCE_MS;     \
		while (!(condition)) {                       \
			assert_true(now_ms() < until_);      \
			loop_step(loop, -1, 0, PATIENCE_MS); \
		}                                            \
	} while (0)

#endif
