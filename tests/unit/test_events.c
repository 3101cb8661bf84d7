// SPDX-License-Identifier: MIT
/*
 * Hooks on a real loop: commands that work, hang, fail and are missing, sockets whose
 * listener works, hangs, leaves and comes back. Times are shortened; nothing sleeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/event_parts.h"
#include "base/log.h"
#include "loop.h"

/* The hooks once more with times that a test can wait for. */
#undef HOOK_RUN_MS
static uint64_t run_ms = PATIENCE_MS;
#define HOOK_RUN_MS run_ms
#undef HOOK_RETRY_MS
#define HOOK_RETRY_MS 20
#undef HOOK_CONNECT_MS
#define HOOK_CONNECT_MS 10
#undef HOOK_CONNECT_MAX_MS
#define HOOK_CONNECT_MAX_MS 20
/* NOLINTBEGIN(bugprone-suspicious-include): see above */
#include "../../user/agent/hook_command.c"
#undef on_timer_closed
#define on_timer_closed on_socket_timer_closed
#include "../../user/agent/hook_socket.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define TEXT_BYTES 65536
#define EMIT	   "{\"clientId\":\"192.0.2.1\",\"n\":1}"

struct fixture {
	uv_loop_t loop;
	struct events *events;
	struct config_hook hooks[CONFIG_HOOKS];
	struct events_counts counts;
	char folder[64], file[96], path[96];
	char text[TEXT_BYTES];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	uv_loop_init(&f->loop);
	strcpy(f->folder, "/tmp/hatago-events-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->file, sizeof(f->file), "%s/file", f->folder);
	snprintf(f->path, sizeof(f->path), "%s/sock", f->folder);
	f->events = events_new(&f->loop);
	assert_non_null(f->events);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	events_free(f->events);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	unlink(f->file);
	unlink(f->path);
	assert_int_equal(rmdir(f->folder), 0);
	free(f);
	return 0;
}

/* onLimitExceeded runs a shell with these words in which $1 is the file. */
static void set_shell(struct fixture *f, char *script)
{
	char *const argv[] = {"sh", "-c", script, "sh", f->file, NULL};

	for (size_t i = 0; i < sizeof(argv) / sizeof(argv[0]); i++)
		f->hooks[CONFIG_ON_LIMIT_EXCEEDED].command[i] = argv[i];
	events_set_hooks(f->events, f->hooks);
}

static const struct events_counts *counts(struct fixture *f)
{
	events_count(f->events, &f->counts);
	return &f->counts;
}

/* What the commands have written so far. */
static const char *written(struct fixture *f)
{
	FILE *file = fopen(f->file, "r");
	size_t n = file ? fread(f->text, 1, sizeof(f->text) - 1, file) : 0;

	f->text[n] = '\0';
	if (file)
		fclose(file);
	return f->text;
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void emit(struct fixture *f, unsigned int times)
{
	while (times--)
		events_emit(f->events, "onLimitExceeded", EMIT);
}

static void test_command_gets_the_event(void **state)
{
	struct fixture *f = *state;

	set_shell(f, "cat >>\"$1\"; echo \"$HATAGO_EVENT $(env | grep -vc ^PWD=) $(pwd) "
		     "$(ls -l /proc/self/fd | grep -c 'memfd\\|anon_inode\\|socket')\" >>\"$1\"");
	assert_true(events_are_wanted(f->events, "onLimitExceeded"));
	assert_false(events_are_wanted(f->events, "onMetrics"));
	emit(f, 1);
	loop_until(&f->loop, lines_of(written(f)) == 2);
	assert_int_equal(strncmp(f->text, "{\"event\":\"onLimitExceeded\",\"time\":\"20", 36), 0);
	assert_non_null(strstr(f->text, "Z\",\"clientId\":\"192.0.2.1\",\"n\":1}\n"));
	/* two variables besides the shell's own; no descriptor of ours but its 0 and 2 */
	assert_non_null(strstr(f->text, "\nonLimitExceeded 2 / 2\n"));
	assert_int_equal(counts(f)->emitted, 1);
	assert_int_equal(counts(f)->failed_runs, 0);
}

/* One run an event, in order, one at a time. */
static void test_events_wait_their_turn(void **state)
{
	struct fixture *f = *state;

	set_shell(f, "[ ! -e \"$1.lock\" ] && : >\"$1.lock\" && cat >>\"$1\" && rm \"$1.lock\"");
	events_emit(f->events, "onLimitExceeded", "{}");
	for (int i = 0; i < 5; i++)
		emit(f, 1);
	loop_until(&f->loop, lines_of(written(f)) == 6);
	assert_non_null(strstr(f->text, "Z\"}\n{\"event\""));
	loop_until(&f->loop, f->events->hooks[0].command->state == COMMAND_IDLE);
	assert_int_equal(counts(f)->failed_runs, 0);
	assert_int_equal(counts(f)->dropped[EVENTS_COMMAND], 0);
}

/* The oldest go, but for the one whose run has begun. */
static void test_too_many_events(void **state)
{
	struct fixture *f = *state;
	char json[32];

	set_shell(f, "cat >>\"$1\"");
	for (int i = 0; i < HOOK_PENDING_MAX + 11; i++) {
		snprintf(json, sizeof(json), "{\"i\":%d}", i);
		events_emit(f->events, "onLimitExceeded", json);
	}
	assert_int_equal(counts(f)->dropped[EVENTS_COMMAND], 10);
	for (size_t i = 1; i <= HOOK_PENDING_MAX + 1; i++) /* each has its time */
		loop_until(&f->loop, lines_of(written(f)) >= i);
	assert_int_equal(lines_of(f->text), HOOK_PENDING_MAX + 1);
	assert_non_null(strstr(f->text, "\"i\":0}\n"));
	assert_null(strstr(f->text, "\"i\":10}\n"));
	assert_non_null(strstr(f->text, "\"i\":11}\n"));
}

static void test_commands_that_fail(void **state)
{
	struct fixture *f = *state;

	set_shell(f, "echo why >&2; exit 3");
	emit(f, 1);
	loop_until(&f->loop, counts(f)->failed_runs == 1);
	set_shell(f, "kill -9 $$");
	emit(f, 1);
	loop_until(&f->loop, counts(f)->failed_runs == 2);
	/* says more than is kept, and goes on all the same */
	set_shell(f, "head -c 100000 /dev/zero >&2 2>/dev/null; cat >>\"$1\"; exit 1");
	emit(f, 1);
	loop_until(&f->loop, counts(f)->failed_runs == 3);
	assert_int_equal(lines_of(written(f)), 1);
	assert_int_equal(counts(f)->dropped[EVENTS_COMMAND], 0);

	f->hooks[CONFIG_ON_LIMIT_EXCEEDED].command[0] = "/nonexistent/command";
	events_set_hooks(f->events, f->hooks);
	emit(f, 2);
	loop_until(&f->loop, counts(f)->failed_runs == 5);
	assert_int_equal(counts(f)->dropped[EVENTS_COMMAND], 2);
}

/* It and what it started are killed when the time is over; it never read a byte. */
static void test_command_that_hangs(void **state)
{
	struct fixture *f = *state;
	int64_t begun = now_ms();
	int fd;

	assert_int_equal(mkfifo(f->file, 0600), 0);
	fd = open(f->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	set_shell(f, "exec 3>\"$1\"; echo >&3; sleep 1000 & sleep 1000");
	emit(f, 2);
	assert_true(now_ms() - begun < PATIENCE_MS / 2);
	loop_wait(&f->loop, fd, POLLIN);
	run_ms = 1; /* and the next one has its turn */
	on_time_over(&f->events->hooks[0].command->timer);
	loop_until(&f->loop, counts(f)->failed_runs == 2);
	run_ms = PATIENCE_MS;
	while (read(fd, f->text, 8) > 0)
		;
	loop_wait(&f->loop, fd, POLLHUP); /* nobody has it open any more */
	close(fd);
}

/* Freed while it runs: teardown waits for its end only. */
static void test_freed_while_busy(void **state)
{
	struct fixture *f = *state;

	set_shell(f, "sleep 1000");
	emit(f, 3);
	f->hooks[CONFIG_ON_METRICS].socket = f->path;
	events_set_hooks(f->events, f->hooks);
	events_emit(f->events, "onMetrics", "{}");
}

static void test_reload(void **state)
{
	struct fixture *f = *state;
	struct hook_command *before;

	set_shell(f, "cat >>\"$1\"");
	before = f->events->hooks[0].command;
	events_set_hooks(f->events, f->hooks);
	assert_ptr_equal(f->events->hooks[0].command, before);
	set_shell(f, "sleep 1000");
	emit(f, 3);
	set_shell(f, "cat >>\"$1\"");
	assert_int_equal(counts(f)->dropped[EVENTS_COMMAND], 2);
	emit(f, 1);
	loop_until(&f->loop, lines_of(written(f)) == 1);
	f->hooks[CONFIG_ON_LIMIT_EXCEEDED].command[0] = NULL;
	events_set_hooks(f->events, f->hooks);
	assert_false(events_are_wanted(f->events, "onLimitExceeded"));
	assert_int_equal(counts(f)->failed_runs, 0);
}

static int listen_at(const char *path, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static void set_socket(struct fixture *f)
{
	f->hooks[CONFIG_ON_LIMIT_EXCEEDED].socket = f->path;
	events_set_hooks(f->events, f->hooks);
}

static int accept_one(struct fixture *f, int listener)
{
	loop_wait(&f->loop, listener, POLLIN);
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

/* Reads until there are so many lines. */
static const char *receive(struct fixture *f, int fd, size_t lines)
{
	size_t length = 0;
	ssize_t n;

	f->text[0] = '\0';
	while (lines_of(f->text) < lines) {
		loop_wait(&f->loop, fd, POLLIN);
		n = recv(fd, f->text + length, sizeof(f->text) - 1 - length, MSG_DONTWAIT);
		assert_true(n > 0);
		length += (size_t)n;
		f->text[length] = '\0';
	}
	return f->text;
}

/* Events from before it listened come too; it may leave and come back. */
static void test_socket(void **state)
{
	struct fixture *f = *state;
	int listener, fd;

	set_socket(f);
	emit(f, 2);
	loop_pass(&f->loop, -1, 0, 30); /* in vain */
	listener = listen_at(f->path, 4);
	fd = accept_one(f, listener);
	receive(f, fd, 2);
	assert_int_equal(strncmp(f->text, "{\"event\":\"onLimitExceeded\"", 26), 0);
	assert_int_equal(send(fd, "ok\n", 3, 0), 3); /* nobody minds */
	emit(f, 1);
	receive(f, fd, 1);
	close(fd);
	fd = accept_one(f, listener);
	emit(f, 1);
	receive(f, fd, 1);
	close(fd);
	close(listener);
	assert_int_equal(counts(f)->dropped[EVENTS_SOCKET], 0);
}

/* A listener that takes nothing costs the bound and no more; a full backlog likewise. */
static void test_socket_that_hangs(void **state)
{
	struct fixture *f = *state;
	int listener = listen_at(f->path, 1), fd;
	size_t total = 0;

	set_socket(f);
	fd = accept_one(f, listener);
	loop_until(&f->loop, f->events->hooks[0].socket->state == SOCKET_OPEN);
	while (counts(f)->dropped[EVENTS_SOCKET] < 10) {
		emit(f, 1);
		loop_step(&f->loop, -1, 0, 0);
		assert_true(++total < 100000);
	}
	assert_true(f->events->hooks[0].socket->outbox.waiting.length <= HOOK_SOCKET_BYTES);
	close(fd); /* what was under way is lost, what waits is not */
	fd = accept_one(f, listener);
	assert_true(counts(f)->dropped[EVENTS_SOCKET] >= 10);
	receive(f, fd, 1);
	close(fd);
	close(listener);
}

static void test_bad_events(void **state)
{
	struct fixture *f = *state;
	char *json = NULL;

	set_shell(f, "cat >>\"$1\"");
	assert_true(asprintf(&json, "{\"a\":\"%0*d\"}", (int)EVENT_BYTES_MAX, 0) > 0);
	events_emit(f->events, "onLimitExceeded", json);
	assert_int_equal(counts(f)->oversized, 1);
	free(json);
	events_emit(f->events, "of no list", "{}");
	assert_int_equal(counts(f)->emitted, 2);
	events_free(NULL);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_command_gets_the_event),
		EACH(test_events_wait_their_turn),
		EACH(test_too_many_events),
		EACH(test_commands_that_fail),
		EACH(test_command_that_hangs),
		EACH(test_freed_while_busy),
		EACH(test_reload),
		EACH(test_socket),
		EACH(test_socket_that_hangs),
		EACH(test_bad_events),
	};

	signal(SIGPIPE, SIG_IGN);
	log_setup(LEVEL_DEBUG, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
