// SPDX-License-Identifier: MIT
/*
 * A good client, for the demo and the tests: asks for one page at a steady rate, each time
 * over a new connection, and prints once a second what it got: answers a second, how many
 * of its requests were answered, and how long that took. Gives up on a request after a
 * second, as people do. It counts a request in the second in which it ended.
 *
 *      hatago-visit HOST:PORT [RATE [SECONDS]]
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/listen.h"

enum {
	RATE_DEFAULT = 100,
	RATE_MAX = 2000, /* requests a second */
	SECONDS_DEFAULT = 10,
	SECONDS_MAX = 600,
	PATIENCE_MS = 1000,
	ENDED_MAX = 2 * RATE_MAX, /* in one second: begun in this one and in that before */
	READ_BYTES = 512,
};

static const char request[] = "GET /health HTTP/1.1\r\nHost: sample\r\nConnection: close\r\n\r\n";

struct score {
	unsigned int answered, failed;
	unsigned int times; /* of them in ms[] */
	double *ms;
};

struct visitor {
	uv_loop_t loop;
	uv_timer_t ticker;
	struct sockaddr_storage to;
	uint64_t rate, seconds;
	uint64_t begun_ns, begun; /* when, and how many requests since */
	uint64_t second;
	struct score now, all;
};

struct visit {
	struct visitor *visitor;
	uv_tcp_t tcp;
	uv_timer_t patience;
	uv_connect_t connect;
	uv_write_t write;
	uint64_t begun_ns;
	int open_handles;
	bool ended;
	char in[READ_BYTES];
	size_t in_length;
};

static void score_add(struct score *score, bool answered, double ms, unsigned int room)
{
	*(answered ? &score->answered : &score->failed) += 1;
	if (answered && score->times < room)
		score->ms[score->times++] = ms;
}

static void visit_closed(uv_handle_t *handle)
{
	struct visit *v = handle->data;

	if (--v->open_handles == 0)
		free(v);
}

static void visit_end(struct visit *v, bool answered)
{
	struct visitor *visitor = v->visitor;
	double ms = (double)(clock_mono_ns() - v->begun_ns) / 1e6;

	if (v->ended)
		return;
	v->ended = true;
	score_add(&visitor->now, answered, ms, ENDED_MAX);
	score_add(&visitor->all, answered, ms, (unsigned int)(visitor->rate * visitor->seconds));
	uv_close((uv_handle_t *)&v->tcp, visit_closed);
	uv_close((uv_handle_t *)&v->patience, visit_closed);
}

static void on_patience(uv_timer_t *timer)
{
	visit_end(timer->data, false);
}

static void make_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct visit *v = handle->data;

	(void)wanted;
	*ret = uv_buf_init(v->in + v->in_length, (unsigned int)(sizeof(v->in) - v->in_length));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	static const char good[] = "HTTP/1.1 200 ";
	struct visit *v = stream->data;

	(void)buffer;
	if (n < 0) /* the end, so the answer is whole, or it broke off */
		visit_end(v, n == UV_EOF && v->in_length > sizeof(good) &&
				     memcmp(v->in, good, sizeof(good) - 1) == 0);
	else
		v->in_length += (size_t)n;
}

static void on_written(uv_write_t *write, int status)
{
	struct visit *v = write->data;

	if (status < 0)
		visit_end(v, false);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct visit *v = connect->data;
	uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)request, sizeof(request) - 1);

	if (status == UV_ECANCELED)
		return;
	if (status < 0 || uv_read_start((uv_stream_t *)&v->tcp, make_room, on_read) ||
	    uv_write(&v->write, (uv_stream_t *)&v->tcp, &buffer, 1, on_written))
		visit_end(v, false);
}

static void visit_begin(struct visitor *visitor)
{
	struct visit *v = calloc(1, sizeof(*v));

	if (!v)
		return;
	v->visitor = visitor;
	v->begun_ns = clock_mono_ns();
	v->open_handles = 2;
	v->tcp.data = v->patience.data = v->connect.data = v->write.data = v;
	uv_tcp_init(&visitor->loop, &v->tcp);
	uv_timer_init(&visitor->loop, &v->patience);
	uv_timer_start(&v->patience, on_patience, PATIENCE_MS, 0);
	if (uv_tcp_connect(&v->connect, &v->tcp, (const struct sockaddr *)&visitor->to,
			   on_connected))
		visit_end(v, false);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void score_print(struct score *score, const char *when, double seconds)
{
	unsigned int ended = score->answered + score->failed;

	qsort(score->ms, score->times, sizeof(*score->ms), by_value);
	printf("%s  %6.0f answers/s  %5.1f %% answered", when, score->answered / seconds,
	       ended ? 100.0 * score->answered / ended : 0.0);
	if (score->times)
		printf("  p50 %7.2f ms  p99 %7.2f ms", score->ms[score->times / 2],
		       score->ms[(size_t)score->times * 99 / 100]);
	printf("\n");
	fflush(stdout);
}

static void on_tick(uv_timer_t *ticker)
{
	struct visitor *visitor = ticker->data;
	uint64_t passed_ns = clock_mono_ns() - visitor->begun_ns;
	uint64_t due = passed_ns / 1000 * visitor->rate / 1000000;
	char when[32];

	if (passed_ns / 1000000000 > visitor->second) {
		(void)snprintf(when, sizeof(when), "%4llu s",
			       (unsigned long long)++visitor->second);
		score_print(&visitor->now, when, 1);
		visitor->now.answered = visitor->now.failed = visitor->now.times = 0;
	}
	if (visitor->second >= visitor->seconds) {
		uv_close((uv_handle_t *)ticker,
			 NULL); /* what is under way ends, or loses patience */
		return;
	}
	for (; visitor->begun < due; visitor->begun++)
		visit_begin(visitor);
}

int main(int argc, char **argv)
{
	static double now_ms[ENDED_MAX];
	static struct visitor visitor = {
		.rate = RATE_DEFAULT,
		.seconds = SECONDS_DEFAULT,
		.now.ms = now_ms,
	};
	struct err err;

	if (argc < 2 || argc > 4 || listen_address_parse(argv[1], &visitor.to, &err) < 0 ||
	    (argc > 2 && !text_to_u64(argv[2], 1, RATE_MAX, &visitor.rate)) ||
	    (argc > 3 && !text_to_u64(argv[3], 1, SECONDS_MAX, &visitor.seconds))) {
		fprintf(stderr,
			"usage: hatago-visit HOST:PORT [RATE: 1 to %d [SECONDS: 1 to %d]]\n",
			RATE_MAX, SECONDS_MAX);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	visitor.all.ms = calloc(visitor.rate * visitor.seconds, sizeof(double));
	if (!visitor.all.ms || uv_loop_init(&visitor.loop) ||
	    uv_timer_init(&visitor.loop, &visitor.ticker)) {
		perror("hatago-visit");
		return 1;
	}
	visitor.ticker.data = &visitor;
	visitor.begun_ns = clock_mono_ns();
	uv_timer_start(&visitor.ticker, on_tick, 0, 1);
	uv_run(&visitor.loop, UV_RUN_DEFAULT);
	score_print(&visitor.all, "in all", (double)visitor.seconds);
	free(visitor.all.ms);
	return 0;
}
