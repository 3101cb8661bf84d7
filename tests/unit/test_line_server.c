// SPDX-License-Identifier: MIT
/*
 * The control socket's server and client over real Unix sockets. The loop runs in the
 * test's thread together with raw clients; the blocking client runs in a thread of its
 * own, and users other than the caller in a child. What needs root says so when it skips.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"
#include "net/line_server.h"

/* The client once more with a document bound that a test can reach. */
#undef LINE_DOCUMENT_BYTES_MAX
#define LINE_DOCUMENT_BYTES_MAX 200000
#define line_client_call	line_client_call_small
#define line_client_follow	line_client_follow_small
#include "../../user/net/line_client.c" /* NOLINT(bugprone-suspicious-include): see above */
#undef line_client_call
#undef line_client_follow
int line_client_call(const char *path, const char *line, size_t length, uint32_t timeout_ms,
		     char **ret, size_t *ret_length, struct err *err);

#define BIG_BYTES ((size_t)40 << 20)
#define OTHER_UID 64240
#define OTHER_GID 64241

struct fixture {
	uv_loop_t loop;
	struct line_server *server;
	char folder[64], path[96];
	struct line_request *later;
	struct line_peer peer; /* of the last request; groups: a copy */
	gid_t groups[64];
	size_t length;
	unsigned int asked;
};

/* Answers "[the line]", or what the line asks for. */
static void serve(void *ctx, struct line_request *request, const struct line_peer *peer,
		  const char *line, size_t length)
{
	struct fixture *f = ctx;
	char *document;

	f->asked++;
	f->peer = *peer;
	assert_true(peer->group_count <= 64);
	memcpy(f->groups, peer->groups ? peer->groups : f->groups,
	       peer->group_count * sizeof(gid_t));
	f->length = length;
	if (!line) {
		line_request_answer(request, strdup("too long"), 8);
	} else if (!strcmp(line, "later")) {
		f->later = request;
	} else if (!strcmp(line, "nothing")) {
		line_request_answer(request, NULL, 0);
	} else if (!strcmp(line, "big")) {
		document = malloc(BIG_BYTES);
		for (size_t i = 0; i < BIG_BYTES; i++)
			document[i] = (char)('a' + i % 23);
		line_request_answer(request, document, BIG_BYTES);
	} else {
		document = malloc(length + 3);
		document[0] = '[';
		memcpy(document + 1, line, length);
		memcpy(document + 1 + length, "]", 2);
		line_request_answer(request, document, length + 2);
	}
}

static void server_start(struct fixture *f, const char *group)
{
	struct err err = {""};

	if (line_server_new(&f->loop, f->path, group, serve, f, &f->server, &err))
		fail_msg("%s", err.text);
}

static int setup_bare(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	uv_loop_init(&f->loop);
	strcpy(f->folder, "/tmp/hatago-line-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	chmod(f->folder, 0755);
	snprintf(f->path, sizeof(f->path), "%s/sock", f->folder);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	setup_bare(state);
	server_start(*state, NULL);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	line_server_free(f->server);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	assert_int_equal(rmdir(f->folder), 0); /* the socket is gone */
	free(f);
	return 0;
}

static int socket_at(const char *path, bool serves)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (serves ? bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4)
		   : connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int client_connect(struct fixture *f)
{
	int fd = socket_at(f->path, false);

	assert_true(fd >= 0);
	return fd;
}

static void client_send(struct fixture *f, int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n;

		loop_wait(&f->loop, fd, POLLOUT);
		n = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		assert_true(n > 0);
		bytes += n;
		length -= (size_t)n;
	}
}

static char *test_grow(char *text, size_t capacity)
{
	char *grown = realloc(text, capacity);

	assert_non_null(grown);
	return grown;
}

/* Reads to the end; the text is the caller's. */
static char *client_read(struct fixture *f, int fd, size_t *ret_length)
{
	size_t capacity = 65536, length = 0;
	char *text = malloc(capacity);
	ssize_t n;

	do {
		if (capacity - length < 65536 / 2)
			text = test_grow(text, capacity *= 2);
		loop_wait(&f->loop, fd, POLLIN);
		n = recv(fd, text + length, capacity - length - 1, MSG_DONTWAIT);
		assert_true(n >= 0);
		length += (size_t)n;
	} while (n);
	text[length] = '\0';
	if (ret_length)
		*ret_length = length;
	return text;
}

static void assert_big(const char *text, size_t length)
{
	assert_int_equal(length, BIG_BYTES);
	for (size_t i = 0; i < BIG_BYTES; i++)
		if (text[i] != (char)('a' + i % 23))
			fail_msg("byte %zu is wrong", i);
}

static void test_lines(void **state)
{
	static const struct {
		const char *bytes, *answer;
	} cases[] = {
		{"hello\n", "[hello]\n"},
		{"\n", "[]\n"},
		{"hello\r\n", "[hello\r]\n"},
		{"hello\nsecond\n", "[hello]\n"}, /* what follows is nobody's */
		{"nothing\n", ""},
		{"no newline", ""},
		{"", ""},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = client_connect(f);
		char *text;

		client_send(f, fd, cases[i].bytes, strlen(cases[i].bytes));
		shutdown(fd, SHUT_WR);
		text = client_read(f, fd, NULL);
		assert_string_equal(text, cases[i].answer);
		free(text);
		close(fd);
	}
	assert_int_equal(f->asked, 5);
	loop_until(&f->loop, line_server_clients(f->server) == 0);
}

static void test_pieces_and_nul(void **state)
{
	struct fixture *f = *state;
	static const char line[] = "a line\0of pieces\n";
	int fd = client_connect(f);
	size_t length;
	char *text;

	for (size_t i = 0; i < sizeof(line) - 1; i++) {
		client_send(f, fd, line + i, 1);
		loop_step(&f->loop, -1, 0, 0);
	}
	text = client_read(f, fd, &length);
	assert_int_equal(length, sizeof(line) - 2 + 3);
	assert_memory_equal(text, "[a line\0of pieces]\n", length);
	free(text);
	close(fd);
}

static void test_longest_line(void **state)
{
	struct fixture *f = *state;
	char *line = malloc(LINE_BYTES_MAX + 2), *text;
	size_t length;
	int fd;

	memset(line, 'l', LINE_BYTES_MAX + 2);
	for (size_t over = 0; over < 3; over++) {
		fd = client_connect(f);
		client_send(f, fd, line, LINE_BYTES_MAX + over);
		if (over < 2)
			client_send(f, fd, "\n", 1);
		text = client_read(f, fd, &length);
		if (over == 0)
			assert_int_equal(length, LINE_BYTES_MAX + 3);
		else
			assert_string_equal(text, "too long\n");
		free(text);
		close(fd);
	}
	free(line);
}

static int gid_compare(const void *a, const void *b)
{
	return (*(const gid_t *)a > *(const gid_t *)b) - (*(const gid_t *)a < *(const gid_t *)b);
}

static void test_own_credentials(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f), count;
	gid_t groups[64];

	client_send(f, fd, "x\n", 2);
	free(client_read(f, fd, NULL));
	close(fd);
	assert_int_equal(f->peer.uid, getuid());
	assert_int_equal(f->peer.gid, getgid());
	assert_int_equal(f->peer.pid, getpid());
	count = getgroups(64, groups);
	assert_int_equal(f->peer.group_count, count);
	qsort(groups, (size_t)count, sizeof(gid_t), gid_compare);
	qsort(f->groups, (size_t)count, sizeof(gid_t), gid_compare);
	assert_memory_equal(groups, f->groups, (size_t)count * sizeof(gid_t));
}

static void test_peer_has_group(void **state)
{
	gid_t groups[] = {7, 9};
	struct line_peer peer = {.gid = 5, .groups = groups, .group_count = 2};

	(void)state;
	assert_true(line_peer_has_group(&peer, 5));
	assert_true(line_peer_has_group(&peer, 9));
	assert_false(line_peer_has_group(&peer, 0));
	peer.group_count = 1;
	assert_false(line_peer_has_group(&peer, 9));
}

/* Runs child() as another user, with `extra` as its supplementary groups; its exit status. */
static int run_as_other(struct fixture *f, const gid_t *extra, size_t count,
			int (*child)(struct fixture *))
{
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		if (setgroups(count, extra) || setgid(OTHER_GID) || setuid(OTHER_UID))
			_exit(99);
		_exit(child(f));
	}
	close(ends[1]);
	loop_wait(&f->loop, ends[0], POLLIN); /* closed by its exit */
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int child_call(struct fixture *f)
{
	size_t length;
	char *text;
	int error = line_client_call(f->path, "x", 1, PATIENCE_MS, &text, &length, NULL);

	return error ? -error : 0;
}

static void test_other_user(void **state)
{
	struct fixture *f = *state;
	struct group *group = getgrnam("games");
	struct stat st;
	gid_t extra[2];

	if (geteuid() != 0 || !group) {
		print_message("needs root and the group games\n");
		skip();
		return;
	}
	extra[0] = group->gr_gid;
	extra[1] = 64242;
	server_start(f, "");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(run_as_other(f, extra, 2, child_call), EACCES);
	line_server_free(f->server);
	server_start(f, "games");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, group->gr_gid);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(run_as_other(f, extra + 1, 1, child_call), EACCES);
	assert_int_equal(f->asked, 0);
	assert_int_equal(run_as_other(f, extra, 2, child_call), 0);
	assert_int_equal(f->peer.uid, OTHER_UID);
	assert_int_equal(f->peer.gid, OTHER_GID);
	assert_int_equal(f->peer.group_count, 2);
	f->peer.groups = f->groups;
	assert_true(line_peer_has_group(&f->peer, extra[0]));
	assert_true(line_peer_has_group(&f->peer, extra[1]));
	assert_false(line_peer_has_group(&f->peer, 0));
}

/* Three connections; the bound is two, so the last one is closed without a word. */
static int child_connects_thrice(struct fixture *f)
{
	int fds[3];
	char byte;

	for (int i = 0; i < 3; i++) {
		fds[i] = socket_at(f->path, false);
		if (fds[i] < 0)
			return errno;
	}
	if (recv(fds[2], &byte, 1, 0) != 0)
		return 1;
	return recv(fds[1], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN ? 0 : 2;
}

static void test_bound_of_user(void **state)
{
	struct fixture *f = *state;
	const struct line_bounds bounds = {10, 2, PATIENCE_MS, PATIENCE_MS, PATIENCE_MS};

	if (geteuid() != 0) {
		print_message("needs root\n");
		skip();
	}
	line_server_set_bounds(f->server, &bounds);
	chmod(f->path, 0666);
	assert_int_equal(run_as_other(f, NULL, 0, child_connects_thrice), 0);
}

/* At the bound a newcomer waits, and is served when another has gone. */
static void test_bound(void **state)
{
	struct fixture *f = *state;
	const struct line_bounds bounds = {2, 2, PATIENCE_MS, PATIENCE_MS, PATIENCE_MS};
	int fds[4];
	char *text;

	line_server_set_bounds(f->server, &bounds);
	for (int i = 0; i < 4; i++)
		fds[i] = client_connect(f);
	client_send(f, fds[2], "third\n", 6);
	client_send(f, fds[3], "fourth\n", 7);
	loop_until(&f->loop, line_server_clients(f->server) == 2);
	loop_step(&f->loop, -1, 0, 0);
	assert_int_equal(f->asked, 0);
	close(fds[0]);
	text = client_read(f, fds[2], NULL);
	assert_string_equal(text, "[third]\n");
	free(text);
	close(fds[2]);
	text = client_read(f, fds[3], NULL);
	assert_string_equal(text, "[fourth]\n");
	free(text);
	close(fds[3]);
	close(fds[1]);
}

static void test_slow_writer(void **state)
{
	struct fixture *f = *state;
	const struct line_bounds bounds = {4, 4, 50, PATIENCE_MS, PATIENCE_MS};
	int silent, dripping;
	char byte;

	line_server_set_bounds(f->server, &bounds);
	silent = client_connect(f);
	dripping = client_connect(f);
	loop_until(&f->loop, line_server_clients(f->server) == 2);
	while (send(dripping, "x", 1, MSG_NOSIGNAL) > 0) /* until it is closed */
		loop_pass(&f->loop, -1, 0, 5);
	loop_wait(&f->loop, silent, POLLIN);
	assert_int_equal(recv(silent, &byte, 1, 0), 0);
	assert_int_equal(f->asked, 0);
	close(silent);
	close(dripping);
}

/* Who takes nothing is cut off; who takes a little all the time is not. */
static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	const struct line_bounds bounds = {4, 4, PATIENCE_MS, 300, PATIENCE_MS};
	const size_t bytes_per_ms = BIG_BYTES / 800;
	int fd = client_connect(f);
	char *chunk = malloc(65536);
	int64_t start = now_ms();
	size_t length = 0;
	ssize_t n;

	line_server_set_bounds(f->server, &bounds);
	client_send(f, fd, "big\n", 4);
	do {
		while (length > (size_t)(now_ms() - start) * bytes_per_ms)
			loop_pass(&f->loop, -1, 0, 1);
		loop_wait(&f->loop, fd, POLLIN);
		n = recv(fd, chunk, 65536, MSG_DONTWAIT);
		assert_true(n >= 0);
		length += (size_t)n;
	} while (n);
	assert_int_equal(length, BIG_BYTES + 1);
	assert_true(now_ms() - start > 600);
	close(fd);

	fd = client_connect(f);
	client_send(f, fd, "big\n", 4);
	loop_until(&f->loop, f->asked == 2);
	loop_until(&f->loop, line_server_clients(f->server) == 0);
	close(fd);
	free(chunk);
}

/* Who keeps the connection after its answer loses it all the same. */
static void test_linger(void **state)
{
	struct fixture *f = *state;
	const struct line_bounds bounds = {4, 4, PATIENCE_MS, PATIENCE_MS, 30};
	int fd = client_connect(f);

	line_server_set_bounds(f->server, &bounds);
	client_send(f, fd, "x\n", 2);
	free(client_read(f, fd, NULL));
	loop_until(&f->loop, line_server_clients(f->server) == 0);
	close(fd);
}

/* A big answer to one client does not keep another waiting. */
static void test_big_beside_small(void **state)
{
	struct fixture *f = *state;
	int slow = client_connect(f), quick;
	size_t length;
	char *text;

	client_send(f, slow, "big\n", 4);
	loop_until(&f->loop, f->asked == 1);
	quick = client_connect(f);
	client_send(f, quick, "x\n", 2);
	text = client_read(f, quick, NULL);
	assert_string_equal(text, "[x]\n");
	free(text);
	text = client_read(f, slow, &length);
	assert_big(text, length - 1);
	assert_int_equal(text[length - 1], '\n');
	free(text);
	close(slow);
	close(quick);
}

static void test_later(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f);
	char *text;

	client_send(f, fd, "later\n", 6);
	loop_until(&f->loop, f->later);
	line_request_answer(f->later, strdup("at last"), 7);
	text = client_read(f, fd, NULL);
	assert_string_equal(text, "at last\n");
	free(text);
	close(fd);
}

/* The client has gone before the answer: nothing breaks, nothing leaks. */
static void test_later_for_nobody(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f);

	client_send(f, fd, "later\n", 6);
	loop_until(&f->loop, f->later);
	close(fd);
	line_request_answer(f->later, calloc(1, BIG_BYTES), BIG_BYTES);
	loop_until(&f->loop, line_server_clients(f->server) == 0);
}

static void test_free_while_busy(void **state)
{
	struct fixture *f = *state;
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = client_connect(f);
	client_send(f, fds[0], "later\n", 6);
	client_send(f, fds[1], "big\n", 4);
	client_send(f, fds[2], "hal", 3);
	loop_until(&f->loop, f->asked == 2 && line_server_clients(f->server) == 3);
	line_server_free(f->server);
	f->server = NULL;
	line_server_free(NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	line_request_answer(f->later, strdup("too late"), 8);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void test_stale_socket(void **state)
{
	struct fixture *f = *state;
	int fd = socket_at(f->path, true), client;
	struct line_server *second;
	struct err err = {""};
	char *text;

	assert_int_equal(line_server_new(&f->loop, f->path, NULL, serve, f, &second, &err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.text, f->path));
	close(fd); /* its file stays, as after a crash */
	server_start(f, NULL);
	client = client_connect(f);
	client_send(f, client, "x\n", 2);
	text = client_read(f, client, NULL);
	assert_string_equal(text, "[x]\n");
	free(text);
	close(client);
	assert_int_equal(line_server_new(&f->loop, f->path, NULL, serve, f, &second, &err),
			 -EADDRINUSE);
}

/* A live server whose backlog is full is alive all the same. */
static void test_full_backlog_is_alive(void **state)
{
	struct fixture *f = *state;
	struct line_server *second;
	int fd = socket_at(f->path, true), clients[16], count = 0;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, f->path, strlen(f->path) + 1);
	do {
		assert_true(count < 16);
		clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	} while (!connect(clients[count++], (struct sockaddr *)&address, sizeof(address)));
	assert_int_equal(line_server_new(&f->loop, f->path, NULL, serve, f, &second, NULL),
			 -EADDRINUSE);
	while (count)
		close(clients[--count]);
	close(fd);
	unlink(f->path);
}

static void test_file_in_the_way(void **state)
{
	struct fixture *f = *state;
	struct line_server *server;
	struct err err = {""};
	FILE *file = fopen(f->path, "w");
	char other[128];

	fclose(file);
	assert_int_equal(line_server_new(&f->loop, f->path, NULL, serve, f, &server, &err),
			 -EEXIST);
	assert_int_equal(access(f->path, F_OK), 0);
	unlink(f->path);
	snprintf(other, sizeof(other), "%s/elsewhere", f->folder);
	assert_int_equal(symlink(other, f->path), 0);
	assert_int_equal(line_server_new(&f->loop, f->path, NULL, serve, f, &server, &err),
			 -EEXIST);
	unlink(f->path);
}

static void test_paths(void **state)
{
	struct fixture *f = *state;
	struct line_server *server;
	char path[256];
	struct err err = {""};

	memset(path, 'p', sizeof(path));
	path[108] = '\0';
	assert_int_equal(line_server_new(&f->loop, path, NULL, serve, f, &server, &err),
			 -ENAMETOOLONG);
	assert_int_equal(line_server_new(&f->loop, "", NULL, serve, f, &server, &err),
			 -ENAMETOOLONG);
	snprintf(path, sizeof(path), "%s/a/b/sock", f->folder);
	assert_int_equal(line_server_new(&f->loop, path, NULL, serve, f, &server, &err), -ENOENT);
	assert_int_equal(
		line_server_new(&f->loop, f->path, "no such group", serve, f, &server, &err),
		-ESRCH);
	assert_non_null(strstr(err.text, "no such group"));
	assert_int_not_equal(access(f->path, F_OK), 0);
	/* one folder is made */
	snprintf(f->path, sizeof(f->path), "%s/a/sock", f->folder);
	server_start(f, NULL);
	line_server_free(f->server);
	f->server = NULL;
	assert_int_not_equal(access(f->path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/a", f->folder);
	assert_int_equal(rmdir(path), 0);
}

/* Another's socket that took the path is not removed. */
static void test_leaves_others_file(void **state)
{
	struct fixture *f = *state;
	int fd;

	unlink(f->path);
	fd = socket_at(f->path, true);
	assert_true(fd >= 0);
	line_server_free(f->server);
	f->server = NULL;
	assert_int_equal(access(f->path, F_OK), 0);
	unlink(f->path);
	close(fd);
}

/* The blocking client, in a thread. */
struct call_case {
	struct fixture *f;
	const char *line;
	size_t length;
	uint32_t timeout_ms;
	bool small;
	int result, done;
	char *text;
	size_t text_length;
	struct err err;
};

static void *call_thread(void *arg)
{
	struct call_case *c = arg;

	c->result = (c->small ? line_client_call_small : line_client_call)(
		c->f->path, c->line, c->length, c->timeout_ms, &c->text, &c->text_length, &c->err);
	close(c->done);
	return NULL;
}

static int client_run(struct call_case *c)
{
	pthread_t thread;
	int ends[2];

	c->text = NULL;
	assert_int_equal(pipe(ends), 0);
	c->done = ends[1];
	assert_int_equal(pthread_create(&thread, NULL, call_thread, c), 0);
	loop_wait(&c->f->loop, ends[0], POLLIN);
	close(ends[0]);
	pthread_join(thread, NULL);
	return c->result;
}

static void test_client(void **state)
{
	struct call_case c = {.f = *state, .line = "hello", .length = 5, .timeout_ms = PATIENCE_MS};
	char *line;

	assert_int_equal(client_run(&c), 0);
	assert_string_equal(c.text, "[hello]");
	assert_int_equal(c.text_length, 7);
	free(c.text);

	c.line = "big";
	c.length = 3;
	assert_int_equal(client_run(&c), 0);
	assert_big(c.text, c.text_length);
	free(c.text);
	c.small = true;
	assert_int_equal(client_run(&c), -EMSGSIZE);
	c.small = false;

	line = malloc(LINE_BYTES_MAX + 1);
	memset(line, 'l', LINE_BYTES_MAX + 1);
	c.line = line;
	c.length = LINE_BYTES_MAX;
	assert_int_equal(client_run(&c), 0);
	assert_int_equal(c.text_length, LINE_BYTES_MAX + 2);
	free(c.text);
	c.length++;
	assert_int_equal(client_run(&c), -EMSGSIZE);
	free(line);

	c.line = "two\nlines";
	c.length = 9;
	assert_int_equal(client_run(&c), -EBADMSG);
	c.line = "nothing";
	c.length = 7;
	assert_int_equal(client_run(&c), -EPROTO);
	assert_non_null(strstr(c.err.text, "without an answer"));
	c.line = "later";
	c.length = 5;
	c.timeout_ms = 30;
	assert_int_equal(client_run(&c), -ETIMEDOUT);
	line_request_answer(c.f->later, NULL, 0);
}

/* A document of the bound's very size is taken, one byte more is not. */
static void test_client_bound(void **state)
{
	struct call_case c = {.f = *state, .timeout_ms = PATIENCE_MS, .small = true};
	char *line = malloc(LINE_DOCUMENT_BYTES_MAX);

	memset(line, 'l', LINE_DOCUMENT_BYTES_MAX);
	c.line = line;
	c.length = LINE_DOCUMENT_BYTES_MAX - 2;
	assert_int_equal(client_run(&c), 0);
	assert_int_equal(c.text_length, LINE_DOCUMENT_BYTES_MAX);
	free(c.text);
	c.length++;
	assert_int_equal(client_run(&c), -EMSGSIZE);
	free(line);
}

static void test_client_alone(void **state)
{
	struct fixture *f = *state;
	char long_path[200], *text;
	struct err err = {""};
	size_t length;
	int fd;

	assert_int_equal(line_client_call(f->path, "x", 1, 100, &text, &length, &err), -ENOENT);
	assert_non_null(strstr(err.text, f->path));
	fd = socket_at(f->path, true);
	/* a server that neither accepts nor answers */
	assert_int_equal(line_client_call(f->path, "x", 1, 30, &text, &length, &err), -ETIMEDOUT);
	close(fd);
	assert_int_equal(line_client_call(f->path, "x", 1, 100, &text, &length, &err),
			 -ECONNREFUSED);
	unlink(f->path);
	memset(long_path, 'p', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(line_client_call(long_path, "x", 1, 100, &text, &length, &err),
			 -ENAMETOOLONG);
}

static void *cut_short_server(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char line[16];

	if (recv(fd, line, sizeof(line), 0) > 0)
		send(fd, "{\"result\":", 10, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void test_client_cut_short(void **state)
{
	struct fixture *f = *state;
	int fd = socket_at(f->path, true);
	struct err err = {""};
	pthread_t thread;
	size_t length;
	char *text;

	pthread_create(&thread, NULL, cut_short_server, &fd);
	assert_int_equal(line_client_call(f->path, "x", 1, PATIENCE_MS, &text, &length, &err),
			 -EPROTO);
	assert_non_null(strstr(err.text, "in the midst"));
	pthread_join(thread, NULL);
	close(fd);
	unlink(f->path);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define BARE(test) cmocka_unit_test_setup_teardown(test, setup_bare, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_lines),
		EACH(test_pieces_and_nul),
		EACH(test_longest_line),
		EACH(test_own_credentials),
		cmocka_unit_test(test_peer_has_group),
		BARE(test_other_user),
		EACH(test_bound_of_user),
		EACH(test_bound),
		EACH(test_slow_writer),
		EACH(test_slow_reader),
		EACH(test_linger),
		EACH(test_big_beside_small),
		EACH(test_later),
		EACH(test_later_for_nobody),
		EACH(test_free_while_busy),
		BARE(test_stale_socket),
		BARE(test_full_backlog_is_alive),
		BARE(test_file_in_the_way),
		BARE(test_paths),
		EACH(test_leaves_others_file),
		EACH(test_client),
		EACH(test_client_bound),
		BARE(test_client_alone),
		BARE(test_client_cut_short),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
