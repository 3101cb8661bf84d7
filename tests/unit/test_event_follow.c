// SPDX-License-Identifier: MIT
/*
 * Followers over a real socket: events as lines without end, by name and count, those who
 * read slowly or not at all, those who leave, and the blocking client that follows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/event_parts.h"
#include "loop.h"
#include "net/line_client.h"

#define TEXT_BYTES (4u << 20)

struct fixture {
	uv_loop_t loop;
	struct line_server *server;
	struct events *events;
	struct events_counts counts;
	char folder[64], path[96];
	bool is_root;
	int refused; /* what the last one who was not let in was told */
	char *text;  /* TEXT_BYTES */
};

/* "follow", or "NUMBER" for so many, or "=NAME" for those. */
static void serve(void *ctx, struct line_request *request, const struct line_peer *peer,
		  const char *line, size_t length)
{
	struct fixture *f = ctx;
	struct ops_wanted wanted = {UINT64_MAX, UINT64_MAX};
	enum ops_event event;

	(void)peer;
	(void)length;
	if (line[0] == '=' && ops_event_find(line + 1, &event))
		wanted.events = 1ULL << event;
	else if (line[0] != 'f')
		wanted.count = (uint64_t)atoi(line);
	f->refused = events_follow(f->events, request, f->is_root, &wanted, "{\"result\":1}", 12);
	if (f->refused < 0)
		line_request_answer(request, strdup("refused"), 7);
}

static int setup(void **state)
{
	static const struct line_bounds bounds = {64, 64, PATIENCE_MS, PATIENCE_MS, PATIENCE_MS};
	struct fixture *f = calloc(1, sizeof(*f));

	uv_loop_init(&f->loop);
	f->text = malloc(TEXT_BYTES);
	strcpy(f->folder, "/tmp/hatago-follow-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->folder);
	f->events = events_new(&f->loop);
	assert_int_equal(line_server_new(&f->loop, f->path, NULL, serve, f, &f->server, NULL), 0);
	line_server_set_bounds(f->server, &bounds);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	events_free(f->events);
	line_server_free(f->server);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	assert_int_equal(rmdir(f->folder), 0);
	free(f->text);
	free(f);
	return 0;
}

static unsigned int followers(struct fixture *f)
{
	events_count(f->events, &f->counts);
	return f->counts.followers;
}

static uint64_t dropped(struct fixture *f)
{
	events_count(f->events, &f->counts);
	return f->counts.dropped[EVENTS_FOLLOW];
}

/* Reads so many lines; the end of the stream too if lines is 0. */
static const char *receive(struct fixture *f, int fd, size_t lines)
{
	size_t length = 0, seen = 0;
	ssize_t n = 1;

	while (n > 0 && (!lines || seen < lines)) {
		loop_wait(&f->loop, fd, POLLIN);
		/* a byte at a time, so that the next line stays */
		n = recv(fd, f->text + length, lines ? 1 : TEXT_BYTES - 1 - length, MSG_DONTWAIT);
		assert_true(n >= 0);
		if (n > 0)
			seen += f->text[length] == '\n';
		length += (size_t)n;
	}
	f->text[length] = '\0';
	return f->text;
}

static int connect_to(struct fixture *f, const char *line)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, f->path, strlen(f->path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, line, strlen(line), 0), (ssize_t)strlen(line));
	return fd;
}

static int follow(struct fixture *f, const char *line)
{
	int fd = connect_to(f, line);

	assert_string_equal(receive(f, fd, 1), "{\"result\":1}\n");
	return fd;
}

static void test_lines(void **state)
{
	struct fixture *f = *state;
	int all = follow(f, "follow\n"), some = follow(f, "=banAdded\n"), two = follow(f, "2\n");

	assert_int_equal(followers(f), 3);
	events_emit(f->events, "onMetrics", "{\"a\":1}");
	assert_non_null(strstr(receive(f, all, 1), "\"event\":\"onMetrics\""));
	assert_true(events_are_wanted(f->events, "banAdded"));
	events_emit(f->events, "banAdded", "{}");
	assert_non_null(strstr(receive(f, all, 1), "\"event\":\"banAdded\""));
	assert_non_null(strstr(receive(f, some, 1), "\"event\":\"banAdded\""));
	events_emit(f->events, "of no list", "{}");
	assert_non_null(strstr(receive(f, all, 1), "\"event\":\"of no list\""));
	assert_int_equal(followers(f), 2);
	receive(f, two, 0); /* to the end */
	assert_non_null(strstr(f->text, "onMetrics"));
	assert_non_null(strstr(f->text, "banAdded"));
	assert_null(strstr(f->text, "of no list"));
	close(two);
	/* one leaves; another speaks, which ends it as well */
	close(some);
	loop_until(&f->loop, followers(f) == 1);
	assert_int_equal(send(all, "x", 1, 0), 1);
	loop_until(&f->loop, followers(f) == 0);
	assert_false(events_are_wanted(f->events, "banAdded"));
	close(all);
	loop_until(&f->loop, line_server_clients(f->server) == 0);
}

/* One that does not read loses events, is told how many, and goes on. */
static void test_slow(void **state)
{
	struct fixture *f = *state;
	int slow = follow(f, "follow\n"), quick = follow(f, "=banAdded\n");
	char json[1024], expected[64];
	size_t emitted = 0, length = 0;
	ssize_t n;

	snprintf(json, sizeof(json), "{\"a\":\"%0*d\"}", (int)sizeof(json) - 16, 0);
	while (dropped(f) < 5) {
		events_emit(f->events, "onMetrics", json);
		loop_step(&f->loop, -1, 0, 0);
		assert_true(++emitted < 4096);
	}
	assert_true(emitted * sizeof(json) > EVENT_FOLLOW_BUFFER_BYTES);
	events_emit(f->events, "banAdded", json); /* the sixth that the slow one misses */
	assert_non_null(strstr(receive(f, quick, 1), "banAdded"));
	snprintf(expected, sizeof(expected), "{\"event\":\"dropped\",\"count\":%d}\n", 6);
	do {
		loop_wait(&f->loop, slow, POLLIN);
		n = recv(slow, f->text + length, TEXT_BYTES - 1 - length, MSG_DONTWAIT);
		assert_true(n > 0);
		length += (size_t)n;
		f->text[length] = '\0';
	} while (!strstr(f->text, expected));
	assert_non_null(strstr(f->text, "\"a\":\"00"));
	assert_null(strstr(f->text, "banAdded"));
	events_emit(f->events, "banAdded", "{}");
	assert_non_null(strstr(receive(f, slow, 1), "banAdded"));
	close(slow);
	close(quick);
}

static void test_bound(void **state)
{
	struct fixture *f = *state;
	int fds[EVENT_FOLLOWERS_MAX + 1], fd;
	const int others = EVENT_FOLLOWERS_MAX - EVENT_FOLLOWERS_OF_ROOT;

	for (int i = 0; i < others; i++)
		fds[i] = follow(f, "follow\n");
	fd = connect_to(f, "follow\n");
	assert_string_equal(receive(f, fd, 0), "refused\n");
	assert_int_equal(f->refused, -EBUSY);
	close(fd);
	f->is_root = true;
	for (int i = others; i < EVENT_FOLLOWERS_MAX; i++)
		fds[i] = follow(f, "follow\n");
	fd = connect_to(f, "follow\n");
	assert_string_equal(receive(f, fd, 0), "refused\n");
	close(fd);
	for (int i = 0; i < EVENT_FOLLOWERS_MAX; i++)
		close(fds[i]);
}

/* Both orders of going, with lines that wait for a reader. */
static void test_free_while_busy(void **state)
{
	struct fixture *f = *state;
	int first = follow(f, "follow\n"), second = follow(f, "follow\n");
	char json[EVENT_BYTES_MAX - 128];

	snprintf(json, sizeof(json), "{\"a\":\"%0*d\"}", (int)sizeof(json) - 16, 0);
	for (int i = 0; i < 100; i++)
		events_emit(f->events, "onMetrics", json);
	close(first);
	loop_until(&f->loop, followers(f) == 1);
	events_free(f->events);
	f->events = NULL;
	loop_step(&f->loop, -1, 0, 0);
	line_server_free(f->server);
	f->server = NULL;
	receive(f, second, 0);
	close(second);
}

struct client_case {
	struct fixture *f;
	const char *line;
	size_t wanted, taken;
	char last[256];
	int result, done;
	struct err err;
};

static bool take(void *ctx, const char *line, size_t length)
{
	struct client_case *c = ctx;

	assert_int_equal(strlen(line), length);
	snprintf(c->last, sizeof(c->last), "%s", line);
	return ++c->taken == c->wanted;
}

static void *client_thread(void *arg)
{
	struct client_case *c = arg;

	c->result = line_client_follow(c->f->path, c->line, strlen(c->line), PATIENCE_MS, take, c,
				       &c->err);
	close(c->done);
	return NULL;
}

static void client_run(struct client_case *c)
{
	pthread_t thread;
	int ends[2];

	c->taken = 0;
	assert_int_equal(pipe(ends), 0);
	c->done = ends[1];
	assert_int_equal(pthread_create(&thread, NULL, client_thread, c), 0);
	if (c->line[0] != 'n') {
		loop_until(&c->f->loop, followers(c->f) == 1);
		for (int i = 0; i < 3; i++)
			events_emit(c->f->events, "onMetrics", "{}");
	}
	loop_wait(&c->f->loop, ends[0], POLLIN);
	close(ends[0]);
	pthread_join(thread, NULL);
}

static void test_client(void **state)
{
	struct client_case c = {.f = *state, .line = "follow", .wanted = 4};

	client_run(&c);
	assert_int_equal(c.result, 0);
	assert_non_null(strstr(c.last, "onMetrics"));
	loop_until(&c.f->loop, followers(c.f) == 0);
	c.line = "2"; /* hatagod ends it while the client wants more */
	client_run(&c);
	assert_int_equal(c.result, -EPROTO);
	assert_int_equal(c.taken, 3);
	assert_non_null(strstr(c.err.text, "closed the connection"));
}

static void test_client_alone(void **state)
{
	struct client_case c = {.f = *state};

	line_server_free(c.f->server);
	c.f->server = NULL;
	assert_int_equal(line_client_follow(c.f->path, "x", 1, 100, take, &c, &c.err), -ENOENT);
	assert_non_null(strstr(c.err.text, c.f->path));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_lines),	    EACH(test_slow),   EACH(test_bound),
		EACH(test_free_while_busy), EACH(test_client), EACH(test_client_alone),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
