// SPDX-License-Identifier: MIT
/*
 * No callback of a worker's loop works for long: whatever can come in heaps (requests
 * that were pipelined, time-outs, whoever comes out of the queue, answers of the main loop,
 * a drain) is done in slices. A worker without a thread, whose loop runs turn by turn and
 * whose clock stands still, shows how much each turn does, and that all is done in the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "gate/parts.h"

#define CONNECTIONS 150
#define PIPELINED   1000
#define TURNS_MAX   1000
#define NS_PER_MS   1000000ULL
#define WOKEN_MAX   (2UL * GATE_WOKEN_MAX)

#define GET	 "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define METRICS	 "GET /metrics/concurrency HTTP/1.1\r\nHost: a\r\n\r\n"
#define STATUS	 "HTTP/1.1 "
#define ALL_WAIT "queueSize: 1000\nrateLimiting: {enabled: false}\n"

/* In place of the system's. */
static uint64_t clock_ns = 3600000 * NS_PER_MS;

uint64_t clock_mono_ns(void)
{
	return clock_ns;
}

uint64_t clock_real_ns(void)
{
	return clock_ns;
}

static struct {
	char folder[64];
	uv_loop_t main_loop;
	struct gate *gate;
	struct worker *worker;
	int upstream;
	int clients[CONNECTIONS];
} t;

static void on_event(void *ctx, enum gate_event event, const char *json)
{
	(void)ctx;
	(void)event;
	(void)json;
}

static char *on_metrics(void *ctx, size_t *ret_length)
{
	(void)ctx;
	*ret_length = 2;
	return strdup("{}");
}

static struct config *config_with(const char *more)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	char text[1024];

	snprintf(text, sizeof(text),
		 "gate: {listen: ['unix:%s/gate'], upstream: ['unix:%s/up'], workers: 1}\n"
		 "circuitBreaker: {enabled: false}\n%s",
		 t.folder, t.folder, more);
	if (config_parse(text, strlen(text), "f", &config, &problems) < 0)
		fail_msg("%s", problems.lines[0]);
	return config;
}

static void begin(const char *more)
{
	static const struct gate_owner owner = {.event = on_event, .metrics = on_metrics};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct config *config;
	struct err err;

	snprintf(t.folder, sizeof(t.folder), "/tmp/hatago-test-turns-XXXXXX");
	assert_non_null(mkdtemp(t.folder));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/up", t.folder);
	t.upstream = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(t.upstream, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(t.upstream, CONNECTIONS), 0);
	config = config_with(more);
	assert_int_equal(uv_loop_init(&t.main_loop), 0);
	if (gate_new(config, &t.main_loop, &owner, &t.gate, &err) < 0)
		fail_msg("%s", err.text);
	config_free(config);
	t.worker = &t.gate->workers[0];
	uv_timer_stop(&t.worker->flows.tick); /* pass() stands in for it */
	for (size_t i = 0; i < CONNECTIONS; i++)
		t.clients[i] = -1;
}

static void end(void)
{
	char path[80];

	gate_free(t.gate);
	while (uv_loop_close(&t.main_loop) == UV_EBUSY)
		uv_run(&t.main_loop, UV_RUN_NOWAIT);
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (t.clients[i] >= 0)
			close(t.clients[i]);
	close(t.upstream);
	snprintf(path, sizeof(path), "%s/up", t.folder);
	unlink(path);
	rmdir(t.folder);
}

static void open_client(size_t i)
{
	const struct sockaddr_storage peer = {.ss_family = AF_UNIX};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	t.clients[i] = pair[0];
	conn_accept(t.worker, pair[1], &peer);
}

static void say(size_t i, const char *text, size_t times)
{
	size_t length = strlen(text);
	char *all = malloc(length * times);

	assert_non_null(all);
	for (size_t at = 0; at < length * times; at++)
		all[at] = text[at % length];
	assert_int_equal(send(t.clients[i], all, length * times, MSG_NOSIGNAL), length * times);
	free(all);
}

/* Each of all the clients. */
static void all_say(const char *text)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		open_client(i);
		say(i, text, 1);
	}
}

/* How many answers have come since; -1: and the connection's end. */
static int heard(size_t i)
{
	char bytes[65536];
	int count = 0;
	ssize_t n;

	while ((n = recv(t.clients[i], bytes, sizeof(bytes) - 1, 0)) > 0) {
		bytes[n] = '\0';
		for (char *at = bytes; (at = strstr(at, STATUS)); at++)
			count++;
	}
	return n == 0 && !count ? -1 : count;
}

static void turn(void)
{
	uv_run(&t.worker->loop, UV_RUN_NOWAIT);
	uv_run(&t.main_loop, UV_RUN_NOWAIT);
}

/* Time goes on, and the tick comes. */
static void pass(uint64_t ms)
{
	clock_ns += ms * NS_PER_MS;
	t.worker->flows.tick.timer_cb(&t.worker->flows.tick);
	uv_timer_stop(&t.worker->flows.tick);
}

static uint64_t outcome(enum tally_outcome which)
{
	return t.worker->tally.outcomes[which];
}

/* A thousand in one read, all but one refused: another client is answered meanwhile. */
static void pipelined(int turns_asleep)
{
	uint64_t before;
	int answers = 0, turns = 0;

	begin("rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 1}\nmaxConcurrent: 1\n");
	open_client(0);
	open_client(1);
	open_client(2);
	say(2, GET, 1); /* gets the token, and stays at the upstream */
	turn();
	say(0, GET, PIPELINED);
	shutdown(t.clients[0], SHUT_WR); /* it waits for its answers */
	say(1, GET, 1);
	before = outcome(TALLY_RATE_LIMITED);
	turn();
	assert_in_range(outcome(TALLY_RATE_LIMITED) - before, 2, 2 + GATE_PIPELINED_MAX);
	assert_int_equal(heard(1), 1);
	for (int i = 0; i < turns_asleep; i++) /* its answers are kept, and its end comes */
		turn();
	for (int n = 0; n >= 0 && turns < TURNS_MAX; turns++) {
		before = outcome(TALLY_RATE_LIMITED);
		turn();
		assert_in_range(outcome(TALLY_RATE_LIMITED) - before, 0, 2 + GATE_PIPELINED_MAX);
		n = heard(0);
		answers += n > 0 ? n : 0;
	}
	assert_in_range(turns, 1, TURNS_MAX - 1);
	assert_int_equal(answers, PIPELINED);
	end();
}

static void test_pipelined(void **state)
{
	(void)state;
	pipelined(0);
}

static void test_pipelined_and_read_late(void **state)
{
	(void)state;
	pipelined(100);
}

/* Two who pipeline have turns, one after the other. */
static void test_pipelined_by_two(void **state)
{
	int heard_of[2] = {0};

	(void)state;
	begin("rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 1}\n");
	open_client(2);
	say(2, GET, 1);
	turn();
	for (size_t i = 0; i < 2; i++) {
		open_client(i);
		say(i, GET, PIPELINED);
	}
	for (int n = 0; n < 8; n++) {
		turn();
		heard_of[0] += heard(0);
		heard_of[1] += heard(1);
	}
	assert_in_range(heard_of[0], GATE_PIPELINED_MAX, PIPELINED - 1);
	assert_in_range(heard_of[1], GATE_PIPELINED_MAX, PIPELINED - 1);
	end();
}

/* Time-outs of one instant. */
static void test_late(void **state)
{
	uint64_t before, ticks = 0;

	(void)state;
	begin("maxConcurrent: 1\nqueueTimeout: 1s\nrequestTimeout: 1h\n" ALL_WAIT);
	all_say(GET);
	for (int i = 0; i < 5; i++)
		turn();
	assert_int_equal(admission_queued(t.gate->admission), CONNECTIONS - 1);
	for (pass(2000); admission_queued(t.gate->admission); pass(1), ticks++) {
		before = outcome(TALLY_QUEUE_TIMEOUT);
		turn();
		assert_int_equal(outcome(TALLY_QUEUE_TIMEOUT), before);
	}
	assert_int_equal(ticks, (CONNECTIONS - 1) / FLOW_LATE_MAX);
	assert_int_equal(outcome(TALLY_QUEUE_TIMEOUT), CONNECTIONS - 1);
	assert_int_equal(heard(CONNECTIONS - 1), 1);
	end();
}

static size_t length_of(const struct list *list)
{
	size_t n = 0;

	for (const struct list *l = list->next; l != list; l = l->next)
		n++;
	return n;
}

/* All may run at once. */
static void test_woken(void **state)
{
	struct config *config;
	struct err err;
	int turns = 0;

	(void)state;
	begin("maxConcurrent: 1\n" ALL_WAIT);
	all_say(GET);
	for (int i = 0; i < 5; i++)
		turn();
	config = config_with("maxConcurrent: 1000\n" ALL_WAIT);
	assert_int_equal(gate_reload(t.gate, config, &err), 0);
	config_free(config);
	assert_int_equal(admission_running(t.gate->admission), 1 + GATE_ADMITTED_MAX);
	for (; turns < TURNS_MAX && (admission_queued(t.gate->admission) || turns < 2 ||
				     !list_is_empty(&t.worker->woken));
	     turns++) {
		size_t queued = admission_queued(t.gate->admission);
		size_t woken = length_of(&t.worker->woken);

		turn();
		if (woken > WOKEN_MAX)
			assert_in_range(length_of(&t.worker->woken), woken - WOKEN_MAX,
					CONNECTIONS);
		assert_in_range(admission_queued(t.gate->admission),
				queued < GATE_ADMITTED_MAX ? 0 : queued - GATE_ADMITTED_MAX,
				queued);
	}
	assert_in_range(turns, 2, 20);
	assert_int_equal(admission_running(t.gate->admission), CONNECTIONS);
	end();
}

/* Idle connections hear of a drain. */
static void test_drain(void **state)
{
	int turns = 0;

	(void)state;
	begin("");
	for (size_t i = 0; i < CONNECTIONS; i++)
		open_client(i);
	turn();
	gate_drain(t.gate);
	for (; turns < TURNS_MAX && (!turns || !list_is_empty(&t.worker->draining)); turns++) {
		size_t left = length_of(&t.worker->draining);

		turn();
		if (turns)
			assert_int_equal(left - length_of(&t.worker->draining),
					 left < GATE_DRAINED_MAX ? left : GATE_DRAINED_MAX);
	}
	assert_in_range(turns, CONNECTIONS / GATE_DRAINED_MAX, CONNECTIONS / GATE_DRAINED_MAX + 3);
	for (size_t i = 0; i < CONNECTIONS; i++)
		assert_int_equal(heard(i), -1);
	end();
}

/* Who has left meanwhile is passed over. */
static void test_answers(void **state)
{
	int answered = 0;

	(void)state;
	begin("metrics: {listen: '127.0.0.1:1'}\n");
	all_say(METRICS);
	uv_run(&t.worker->loop, UV_RUN_NOWAIT); /* they have asked */
	assert_int_equal(length_of(&t.worker->asked), CONNECTIONS);
	for (size_t i = 0; i < CONNECTIONS; i += 3) {
		close(t.clients[i]);
		t.clients[i] = -1;
	}
	for (int turns = 0; turns < 20; turns++) {
		size_t left = length_of(&t.worker->answers);

		turn();
		if (left)
			assert_int_equal(left - length_of(&t.worker->answers),
					 left < GATE_ANSWERS_MAX ? left : GATE_ANSWERS_MAX);
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		answered += t.clients[i] >= 0 && heard(i) == 1;
	assert_int_equal(answered, CONNECTIONS - (CONNECTIONS + 2) / 3);
	assert_true(list_is_empty(&t.worker->asked));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_pipelined_and_read_late),
		cmocka_unit_test(test_pipelined_by_two),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_woken),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
