// SPDX-License-Identifier: MIT
/*
 * Flows over real sockets, TCP and Unix, on a loop in the test's thread; the peer is a bare
 * socket of the same thread. What an owner is told is written down in the order in which it
 * comes: d drained, e ended, E broken, l late (with the timer), x closed, c connected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "loop.h"
#include "net/flow.h"

#define TOLD_MAX  256
#define BIG_BYTES ((size_t)8 << 20) /* more than the kernel keeps for a peer that doesn't read */
#define SOON	  1		    /* timers */
#define LATER	  2
#define SOON_MS	  30
#define LATER_MS  90
#define A_YEAR_MS (365ull * 86400000)

struct owner {
	struct flow flow;
	struct fixture *fixture;
	char told[TOLD_MAX];
	int error;
	size_t got;
	bool pauses, closes; /* what it does with the first bytes, or with whatever it is told */
	unsigned int again;  /* how often it sets the timer again */
	char last[64];	     /* bytes */
	int peer;	     /* of owner_open() */
};

struct fixture {
	uv_loop_t loop;
	struct flow_loop flows;
	struct sockaddr_storage address;
	char folder[64];
	struct owner owner;
	bool is_unix, has_flow;
	int listener;
	int fd; /* the peer */
};

/* --- the owner --- */

static void tell(struct owner *owner, char letter)
{
	size_t n = strlen(owner->told);

	assert_true(n + 1 < TOLD_MAX);
	owner->told[n] = letter;
	if (owner->closes)
		flow_close(&owner->flow);
}

static struct owner *owner_of(struct flow *flow)
{
	return LIST_ITEM(flow, struct owner, flow);
}

static void on_bytes(struct flow *flow, const char *bytes, size_t n)
{
	struct owner *owner = owner_of(flow);

	assert_true(n > 0 && n <= FLOW_READ_BYTES);
	owner->got += n;
	snprintf(owner->last, sizeof(owner->last), "%.*s", (int)n, bytes);
	if (owner->pauses)
		flow_pause(flow);
	if (owner->closes)
		flow_close(flow);
}

static void on_ended(struct flow *flow, int error)
{
	owner_of(flow)->error = error;
	tell(owner_of(flow), error ? 'E' : 'e');
}

static void on_drained(struct flow *flow)
{
	assert_false(flow_is_full(flow));
	tell(owner_of(flow), 'd');
}

static void on_closed(struct flow *flow)
{
	tell(owner_of(flow), 'x');
}

static void on_late(struct flow *flow, unsigned int timer)
{
	struct owner *owner = owner_of(flow);

	tell(owner, 'l');
	tell(owner, (char)('0' + timer));
	if (owner->again && owner->again--)
		flow_set_timer(flow, timer);
}

static void on_connected(struct flow *flow, int error)
{
	owner_of(flow)->error = error;
	tell(owner_of(flow), 'c');
}

static const struct flow_events events = {
	.connected = on_connected,
	.bytes = on_bytes,
	.ended = on_ended,
	.drained = on_drained,
	.closed = on_closed,
	.late = on_late,
};

/* --- the place --- */

static void listen_there(struct fixture *f)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&f->address;
	struct sockaddr_un *un = (struct sockaddr_un *)&f->address;
	socklen_t size = sizeof(f->address);

	if (f->is_unix) {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s/s", f->folder);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	f->listener = socket(f->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(f->listener, (struct sockaddr *)&f->address, flow_address_size(&f->address)),
		0);
	assert_int_equal(listen(f->listener, 8), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&f->address, &size), 0);
}

static void owner_take(struct fixture *f)
{
	int fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	f->owner = (struct owner){.fixture = f};
	assert_true(fd >= 0);
	assert_int_equal(flow_open(&f->owner.flow, &f->flows, fd, &events), 0);
	f->has_flow = true;
}

/* One end of a pair; the other goes with the process. */
static void owner_open(struct fixture *f, struct owner *owner)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	assert_int_equal(flow_open(&owner->flow, &f->flows, pair[0], &events), 0);
	owner->fixture = f;
	owner->peer = pair[1];
}

static int setup(void **state, bool is_unix)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->is_unix = is_unix;
	f->fd = -1;
	snprintf(f->folder, sizeof(f->folder), "/tmp/hatago-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(flow_loop_init(&f->flows, &f->loop), 0);
	flow_loop_set_timer(&f->flows, SOON, SOON_MS);
	flow_loop_set_timer(&f->flows, LATER, LATER_MS);
	listen_there(f);
	*state = f;
	return 0;
}

static int setup_tcp(void **state)
{
	return setup(state, false);
}

static int setup_unix(void **state)
{
	return setup(state, true);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->owner.closes = false;
	if (f->has_flow)
		flow_close(&f->owner.flow);
	close(f->listener);
	flow_loop_close(&f->flows);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	if (f->has_flow)
		assert_int_equal(f->owner.told[strlen(f->owner.told) - 1], 'x');
	if (f->fd >= 0)
		close(f->fd);
	unlink(((struct sockaddr_un *)&f->address)->sun_path);
	rmdir(f->folder);
	free(f);
	return 0;
}

/* The peer comes, and the owner has accepted it. */
static struct owner *accept_peer(struct fixture *f)
{
	f->fd = socket(f->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		connect(f->fd, (struct sockaddr *)&f->address, flow_address_size(&f->address)), 0);
	owner_take(f);
	return &f->owner;
}

static void run_for(struct fixture *f, int ms)
{
	loop_pass(&f->loop, -1, 0, ms);
}

/* The peer reads n bytes of the pattern, from `at` on, while the loop runs. */
static char pattern(size_t i)
{
	return (char)('a' + i % 23);
}

static char *pattern_new(size_t n)
{
	char *bytes = malloc(n);

	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = pattern(i);
	return bytes;
}

static void peer_reads(struct fixture *f, size_t at, size_t n)
{
	static char bytes[1 << 16];

	for (size_t end = at + n; at < end;) {
		ssize_t got;

		loop_wait(&f->loop, f->fd, POLLIN);
		got = recv(f->fd, bytes, end - at < sizeof(bytes) ? end - at : sizeof(bytes), 0);
		assert_true(got > 0);
		for (ssize_t i = 0; i < got; i++)
			if (bytes[i] != pattern(at + (size_t)i))
				fail_msg("byte %zu is another", at + (size_t)i);
		at += (size_t)got;
	}
}

/* The peer reads the end: 0, or the errno. */
static int peer_reads_end(struct fixture *f)
{
	char byte;

	loop_wait(&f->loop, f->fd, POLLIN);
	return recv(f->fd, &byte, 1, 0) == 0 ? 0 : errno;
}

/* --- reading --- */

static void test_reading(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);

	assert_true(owner->flow.fd > f->fd);
	assert_int_equal(send(f->fd, "hello", 5, 0), 5);
	run_for(f, 20);
	assert_int_equal(owner->got, 0); /* nobody has asked */
	flow_read(&owner->flow);
	flow_read(&owner->flow);
	loop_until(&f->loop, owner->got == 5);
	assert_string_equal(owner->last, "hello");

	owner->pauses = true;
	send(f->fd, "a", 1, 0);
	loop_until(&f->loop, owner->got == 6);
	send(f->fd, "b", 1, 0);
	run_for(f, 20);
	assert_int_equal(owner->got, 6);
	flow_pause(&owner->flow);
	flow_read(&owner->flow);
	loop_until(&f->loop, owner->got == 7);
	assert_string_equal(owner->told, "");
}

static void test_peer_ends(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);

	flow_read(&owner->flow);
	send(f->fd, "last", 4, 0);
	shutdown(f->fd, SHUT_WR);
	loop_until(&f->loop, owner->told[0]);
	assert_int_equal(owner->got, 4);
	assert_string_equal(owner->told, "e");
	assert_int_equal(owner->error, 0);
	flow_read(&owner->flow); /* does nothing */
	run_for(f, 20);
	/* the other direction goes on */
	assert_int_equal(flow_send(&owner->flow, "abc", 3, "defg", 4), 0);
	peer_reads(f, 0, 7);
	flow_shutdown(&owner->flow);
	assert_int_equal(peer_reads_end(f), 0);
	assert_string_equal(owner->told, "e");
}

/* The peer resets: a TCP one that leaves bytes unread, or by SO_LINGER. */
static void peer_resets(struct fixture *f)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(f->fd);
	f->fd = -1;
}

static void test_peer_resets(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);

	flow_read(&owner->flow);
	peer_resets(f);
	loop_until(&f->loop, owner->told[0]);
	assert_string_equal(owner->told, "E");
	assert_int_equal(owner->error, -ECONNRESET);
	run_for(f, 20);
	assert_true(flow_send(&owner->flow, "x", 1, NULL, 0) < 0);
	assert_string_equal(owner->told, "E");
}

/* Ended first, then broken: each is told once. */
static void test_ends_then_resets(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);
	char *bytes = pattern_new(BIG_BYTES);

	flow_read(&owner->flow);
	shutdown(f->fd, SHUT_WR);
	loop_until(&f->loop, owner->told[0]);
	assert_int_equal(flow_send(&owner->flow, bytes, BIG_BYTES, NULL, 0), 0);
	free(bytes);
	assert_true(flow_is_full(&owner->flow));
	peer_resets(f);
	loop_until(&f->loop, owner->told[1]);
	run_for(f, 20);
	assert_string_equal(owner->told, "eE");
	assert_true(owner->error < 0);
}

static void test_close_while_reading(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);

	owner->closes = true;
	flow_read(&owner->flow);
	send(f->fd, "x", 1, 0);
	loop_until(&f->loop, owner->told[0]);
	run_for(f, 20);
	assert_string_equal(owner->told, "x");
	assert_int_equal(peer_reads_end(f), 0);
}

/* --- writing --- */

/* Which parts there are, and of what size. */
static void test_sending(void **state)
{
	static const struct {
		size_t head, body;
	} rows[] = {{0, 0},	 {5, 0},      {0, 5},	   {5, 5}, {1, 100000},
		    {100000, 1}, {0, 200000}, {200000, 0}, {0, 0}};
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);
	char *bytes = pattern_new(200001);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(flow_send(&owner->flow, rows[i].head ? bytes : NULL, rows[i].head,
					   rows[i].body ? bytes + rows[i].head : NULL,
					   rows[i].body),
				 0);
		peer_reads(f, 0, rows[i].head + rows[i].body);
		loop_until(&f->loop, !flow_is_full(&owner->flow));
	}
	free(bytes);
}

/* A peer that doesn't read: what it doesn't take is kept, in its order, and told when gone. */
static void test_back_pressure(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);
	char *bytes = pattern_new(2 * BIG_BYTES);

	/* head and body apart; then more while it is full, which the caller may overwrite */
	assert_int_equal(flow_send(&owner->flow, bytes, 10, bytes + 10, BIG_BYTES - 10), 0);
	assert_true(flow_is_full(&owner->flow));
	for (size_t at = BIG_BYTES; at < 2 * BIG_BYTES; at += BIG_BYTES / 4)
		assert_int_equal(flow_send(&owner->flow, bytes + at, BIG_BYTES / 8,
					   bytes + at + BIG_BYTES / 8, BIG_BYTES / 8),
				 0);
	assert_int_equal(flow_send(&owner->flow, NULL, 0, NULL, 0), 0);
	memset(bytes, 0, 2 * BIG_BYTES);
	free(bytes);
	run_for(f, 40);
	assert_true(flow_is_full(&owner->flow));
	assert_string_equal(owner->told, "");

	peer_reads(f, 0, 2 * BIG_BYTES);
	loop_until(&f->loop, owner->told[0]);
	assert_string_equal(owner->told, "d");
	assert_false(flow_is_full(&owner->flow));
	assert_null(owner->flow.kept);
	assert_int_equal(flow_send(&owner->flow, "a", 1, "b", 1), 0);
	peer_reads(f, 0, 2);
	flow_shutdown(&owner->flow);
	assert_int_equal(peer_reads_end(f), 0);
	assert_string_equal(owner->told, "d");
}

/* Reading goes on beside it. */
static void test_reading_while_full(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);
	char *bytes = pattern_new(BIG_BYTES);

	assert_int_equal(flow_send(&owner->flow, NULL, 0, bytes, BIG_BYTES), 0);
	flow_read(&owner->flow);
	send(f->fd, "more", 4, 0);
	loop_until(&f->loop, owner->got == 4);
	assert_true(flow_is_full(&owner->flow));
	free(bytes);
}

static void test_close_while_writing(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);
	char *bytes = pattern_new(BIG_BYTES);

	assert_int_equal(flow_send(&owner->flow, bytes, BIG_BYTES, NULL, 0), 0);
	assert_int_equal(flow_send(&owner->flow, bytes, BIG_BYTES, NULL, 0), 0);
	free(bytes);
	flow_set_timer(&owner->flow, SOON);
	flow_close(&owner->flow);
	flow_close(&owner->flow);
	assert_string_equal(owner->told, ""); /* from the loop */
	flow_shutdown(&owner->flow);
	flow_read(&owner->flow);
	run_for(f, 2 * SOON_MS);
	assert_string_equal(owner->told, "x");
}

/* A write that is under way fails: the owner hears of it once, and may close there. */
static void test_write_fails(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);
	char *bytes = pattern_new(BIG_BYTES);

	assert_int_equal(flow_send(&owner->flow, bytes, BIG_BYTES, NULL, 0), 0);
	assert_int_equal(flow_send(&owner->flow, bytes, BIG_BYTES, NULL, 0), 0);
	free(bytes);
	owner->closes = true;
	peer_resets(f);
	loop_until(&f->loop, owner->told[0] && owner->told[1]);
	run_for(f, 20);
	assert_string_equal(owner->told, "Ex");
	assert_true(owner->error < 0);
}

/* --- time --- */

static void test_timers(void **state)
{
	struct fixture *f = *state;
	struct owner *owner = accept_peer(f);
	int64_t begun = now_ms();

	flow_set_timer(&owner->flow, SOON);
	loop_until(&f->loop, owner->told[0]);
	assert_in_range(now_ms() - begun, SOON_MS, PATIENCE_MS);
	run_for(f, 2 * SOON_MS + 2 * FLOW_TICK_MS);
	assert_string_equal(owner->told, "l1"); /* once */

	/* one at a time: the last that was set */
	flow_set_timer(&owner->flow, SOON);
	flow_set_timer(&owner->flow, LATER);
	begun = now_ms();
	loop_until(&f->loop, owner->told[2]);
	assert_in_range(now_ms() - begun, LATER_MS - 1, PATIENCE_MS);
	assert_string_equal(owner->told, "l1l2");

	flow_set_timer(&owner->flow, SOON);
	flow_stop_timer(&owner->flow);
	flow_stop_timer(&owner->flow);
	run_for(f, 2 * SOON_MS);
	assert_string_equal(owner->told, "l1l2");

	owner->again = 2; /* from within */
	flow_set_timer(&owner->flow, SOON);
	run_for(f, 3 * (SOON_MS + 2 * FLOW_TICK_MS));
	loop_until(&f->loop, strlen(owner->told) >= 10);
	run_for(f, 2 * SOON_MS);
	assert_string_equal(owner->told, "l1l2l1l1l1");

	owner->closes = true;
	flow_set_timer(&owner->flow, SOON);
	loop_until(&f->loop, strchr(owner->told, 'x'));
	assert_string_equal(owner->told + 10, "l1x");
}

/* Flows that nobody has opened have time-outs as well: several of them, in their order. */
static void test_timers_of_many(void **state)
{
	struct fixture *f = *state;
	struct owner owners[3] = {0};

	for (size_t i = 0; i < 3; i++) {
		owner_open(f, &owners[i]);
		flow_set_timer(&owners[i].flow, i == 1 ? LATER : SOON);
	}
	owners[0].closes = true;
	loop_until(&f->loop, owners[2].told[0]);
	loop_until(&f->loop, owners[1].told[0]);
	for (size_t i = 0; i < 3; i++)
		flow_close(&owners[i].flow);
	for (size_t i = 0; i < 3; i++) {
		loop_until(&f->loop, strchr(owners[i].told, 'x'));
		close(owners[i].peer);
	}
	assert_string_equal(owners[0].told, "l1x");
	assert_string_equal(owners[1].told, "l2x");
	assert_string_equal(owners[2].told, "l1x");
}

/* A duration that a reload shortens holds for who waits already, and holds up nobody. */
static void test_shorter_timer(void **state)
{
	struct fixture *f = *state;
	struct owner owners[2] = {0};

	flow_loop_set_timer(&f->flows, SOON, A_YEAR_MS);
	for (size_t i = 0; i < 2; i++) {
		owner_open(f, &owners[i]);
		flow_set_timer(&owners[i].flow, SOON);
		flow_loop_set_timer(&f->flows, SOON, SOON_MS);
	}
	run_for(f, SOON_MS / 2);
	assert_string_equal(owners[0].told, "");
	for (size_t i = 0; i < 2; i++) {
		loop_until(&f->loop, owners[i].told[0]);
		flow_close(&owners[i].flow);
		loop_until(&f->loop, strchr(owners[i].told, 'x'));
		assert_string_equal(owners[i].told, "l1x");
		close(owners[i].peer);
	}
}

static void test_clock(void **state)
{
	struct fixture *f = *state;
	uint64_t first_ns;

	run_for(f, 2);
	first_ns = flow_now_ns(&f->flows);
	usleep(2000);
	assert_int_equal(flow_now_ns(&f->flows), first_ns); /* the same turn */
	run_for(f, 2 * FLOW_TICK_MS);
	assert_true(flow_now_ns(&f->flows) >= first_ns + 2000000);
}

/* --- connecting --- */

static void test_connect(void **state)
{
	struct fixture *f = *state;
	struct owner out = {.fixture = f};

	assert_int_equal(flow_connect(&out.flow, &f->flows, &f->address, &events), 0);
	/* before it is connected: all is kept */
	assert_int_equal(flow_send(&out.flow, NULL, 0, NULL, 0), 0);
	assert_int_equal(flow_send(&out.flow, "he", 2, "llo", 3), 0);
	loop_until(&f->loop, strchr(out.told, 'c'));
	owner_take(f);
	assert_int_equal(out.error, 0);
	flow_read(&f->owner.flow);
	flow_read(&out.flow);
	loop_until(&f->loop, f->owner.got == 5);
	assert_int_equal(flow_send(&f->owner.flow, "hi", 2, NULL, 0), 0);
	loop_until(&f->loop, out.got == 2);
	flow_close(&out.flow);
	loop_until(&f->loop, strchr(out.told, 'x') && f->owner.told[0]);
	assert_string_equal(f->owner.told, "e");
}

static void test_nobody_listens(void **state)
{
	struct fixture *f = *state;
	struct owner out = {.fixture = f};
	int r;

	close(f->listener);
	r = flow_connect(&out.flow, &f->flows, &f->address, &events);
	if (r == 0) {
		loop_until(&f->loop, out.told[0]);
		r = out.error;
		assert_string_equal(out.told, "c");
		flow_close(&out.flow);
		loop_until(&f->loop, strchr(out.told, 'x'));
	}
	assert_int_equal(r, -ECONNREFUSED);
	unlink(((struct sockaddr_un *)&f->address)->sun_path);
	listen_there(f);
}

static void test_close_while_connecting(void **state)
{
	struct fixture *f = *state;
	struct owner out = {.fixture = f};

	assert_int_equal(flow_connect(&out.flow, &f->flows, &f->address, &events), 0);
	flow_set_timer(&out.flow, SOON);
	flow_close(&out.flow);
	run_for(f, 2 * SOON_MS);
	assert_string_equal(out.told, "x");
}

#define TCP(test)  cmocka_unit_test_setup_teardown(test, setup_tcp, teardown)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, setup_unix, teardown)
#define BOTH(test)                                                   \
	{#test " over TCP", test, setup_tcp, teardown, NULL},        \
	{                                                            \
#test " over Unix", test, setup_unix, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_reading),
		BOTH(test_peer_ends),
		TCP(test_peer_resets),
		BOTH(test_ends_then_resets),
		BOTH(test_close_while_reading),
		BOTH(test_sending),
		BOTH(test_back_pressure),
		BOTH(test_reading_while_full),
		BOTH(test_close_while_writing),
		BOTH(test_write_fails),
		TCP(test_timers),
		TCP(test_timers_of_many),
		TCP(test_shorter_timer),
		TCP(test_clock),
		BOTH(test_connect),
		BOTH(test_nobody_listens),
		BOTH(test_close_while_connecting),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
