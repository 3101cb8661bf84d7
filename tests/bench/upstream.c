// SPDX-License-Identifier: MIT
/*
 * The service behind the proxies that are measured: HTTP/1.1 with keep-alive and a small
 * JSON answer to whatever is asked, on one thread. Fast as it stands; with --time it is a
 * service with a capacity:
 *
 *      upstream HOST:PORT [--time MS [--serve N] [--degrade] [--cut N]]
 *
 * Up to N requests at a time take MS each. Beyond that all of them go slower: n at a time
 * by n/N, so that the capacity stays N / MS; with --degrade by (n/N)^1.5, so that pushing
 * costs throughput, as where threads fight for locks and memory. A request whose client
 * has gone is worked on to its end, as most services do. With --cut it tells each answer, for
 * scripts, as `answer AT-MS TOOK-US` (on the monotonic clock), and SIGUSR1 cuts what it serves
 * at a time to the N given there (`cut AT-MS`), until SIGUSR2 (`restored AT-MS`).
 *
 * All need the same work, so those in service advance alike and end in the order in which they
 * came: one clock that goes slower the more there are (`work_ns`), and a queue by the time on
 * it at which each is done.
 */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/net.h"

enum {
	IN_BYTES = 16384, /* longest request */
	EVENTS = 256,
	JOBS_MAX = 32768, /* in service; a power of two */
	SERVE_MAX = 10000,
	TIME_MS_MAX = 10000,
};

#define BODY                                                                         \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\"," \
	"\"text\":\"forty-two is it\"}]}}"
static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Content-Type: application/json\r\n"
			     "Content-Length: 88\r\n"
			     "\r\n" BODY;
static_assert(sizeof(BODY) - 1 == 88, "Content-Length");

struct connection {
	int fd;		   /* -1: gone, but has jobs */
	unsigned int jobs; /* in service */
	size_t count;
	char in[IN_BYTES];
};

struct job {
	struct connection *connection;
	double done_ns;	   /* on the clock of work */
	uint64_t begun_ns; /* on the real one */
};

struct service {
	int epoll, listener, timer, signals;
	unsigned int serve;	 /* now */
	unsigned int whole, cut; /* its values; cut 0: it stays, and no answer is told */
	double job_ns, exponent; /* job_ns 0: answers at once */
	double work_ns;
	uint64_t looked_ns; /* when work_ns was right */
	struct job jobs[JOBS_MAX];
	uint32_t first, next; /* of jobs, modulo JOBS_MAX */
};

/* Its jobs keep a connection's memory until they are done. */
static void connection_close(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (!c->jobs)
		free(c);
}

/* A peer that does not read its answers is cut off; its next event then ends it. */
static void connection_answer(const struct connection *c)
{
	const ssize_t length = sizeof(answer) - 1;

	if (send(c->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) != length)
		shutdown(c->fd, SHUT_RDWR);
}

static double slowness(const struct service *s)
{
	double load = (double)(s->next - s->first) / (double)s->serve;

	return load > 1 ? pow(load, s->exponent) : 1;
}

/* Lets the work go on until now; jobs that are done by then are answered. */
static void work(struct service *s, uint64_t now_ns)
{
	while (s->first != s->next) {
		struct job *job = &s->jobs[s->first % JOBS_MAX];
		double slow = slowness(s), need_ns = (job->done_ns - s->work_ns) * slow;
		struct connection *c = job->connection;

		if (need_ns > (double)(now_ns - s->looked_ns)) {
			s->work_ns += (double)(now_ns - s->looked_ns) / slow;
			break;
		}
		s->work_ns = job->done_ns;
		s->looked_ns += (uint64_t)(need_ns > 0 ? need_ns : 0);
		s->first++;
		c->jobs--;
		if (s->cut)
			printf("answer %llu %" PRIu64 "\n", now_ns / NET_MS,
			       (now_ns - job->begun_ns) / 1000);
		if (c->fd >= 0)
			connection_answer(c);
		else
			connection_close(c);
	}
	s->looked_ns = now_ns;
}

static void timer_set(struct service *s)
{
	struct itimerspec when = {0};
	double need_ns;

	if (s->first != s->next) {
		need_ns = (s->jobs[s->first % JOBS_MAX].done_ns - s->work_ns) * slowness(s) + 1000;
		when.it_value.tv_sec = (time_t)(need_ns / 1e9);
		when.it_value.tv_nsec = (long)fmod(need_ns, 1e9);
	}
	if (timerfd_settime(s->timer, 0, &when, NULL))
		net_die("timer", strerror(errno));
}

static bool request_serve(struct service *s, struct connection *c)
{
	uint64_t now_ns;

	if (s->job_ns == 0) {
		connection_answer(c);
		return true;
	}
	if (s->next - s->first == JOBS_MAX)
		return false;
	now_ns = clock_mono_ns();
	work(s, now_ns);
	s->jobs[s->next++ % JOBS_MAX] = (struct job){c, s->work_ns + s->job_ns, now_ns};
	c->jobs++;
	return true;
}

static void connection_read(struct service *s, struct connection *c)
{
	ssize_t count = recv(c->fd, c->in + c->count, sizeof(c->in) - c->count, 0);
	struct net_message request;
	bool good = count > 0;
	size_t at = 0;

	if (count < 0 && errno == EAGAIN)
		return;
	if (good)
		c->count += (size_t)count;
	while (good && net_message_read(c->in + at, c->count - at, &request) &&
	       request.length <= c->count - at) {
		at += request.length;
		good = request_serve(s, c);
	}
	memmove(c->in, c->in + at, c->count - at);
	c->count -= at;
	if (!good || c->count == sizeof(c->in))
		connection_close(c);
}

static void connection_accept(struct service *s)
{
	int fd = net_accept(s->listener);
	struct connection *c;

	if (fd < 0)
		return;
	c = malloc(sizeof(*c));
	if (!c)
		net_die("memory", "none left");
	c->fd = fd;
	c->jobs = 0;
	c->count = 0;
	net_epoll_add(s->epoll, fd, EPOLLIN, c);
}

static void timer_event(struct service *s)
{
	uint64_t times;

	if (read(s->timer, &times, sizeof(times)) > 0)
		work(s, clock_mono_ns());
}

static void signal_event(struct service *s)
{
	uint64_t now_ns = clock_mono_ns();
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	work(s, now_ns);
	s->serve = info.ssi_signo == SIGUSR1 ? s->cut : s->whole;
	printf("%s %llu\n", info.ssi_signo == SIGUSR1 ? "cut" : "restored", now_ns / NET_MS);
}

static void signals_open(struct service *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signals < 0)
		net_die("signals", strerror(errno));
	net_epoll_add(s->epoll, s->signals, EPOLLIN, &s->signals);
}

static void parse_options(int argc, char **argv, struct service *s)
{
	static const struct option options[] = {{"serve", required_argument, NULL, 's'},
						{"time", required_argument, NULL, 't'},
						{"degrade", no_argument, NULL, 'd'},
						{"cut", required_argument, NULL, 'c'},
						{NULL, 0, NULL, 0}};
	struct sockaddr_in address;
	int option;

	s->serve = 1;
	s->exponent = 1;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 's')
			s->serve = (unsigned int)net_number("--serve", optarg, 1, SERVE_MAX);
		else if (option == 't')
			s->job_ns = 1e6 * (double)net_number("--time", optarg, 1, TIME_MS_MAX);
		else if (option == 'd')
			s->exponent = 1.5;
		else if (option == 'c')
			s->cut = (unsigned int)net_number("--cut", optarg, 1, SERVE_MAX);
		else
			exit(2);
	}
	if (optind + 1 != argc)
		net_die("usage",
			"upstream HOST:PORT [--time MS [--serve N] [--degrade] [--cut N]]");
	s->whole = s->serve;
	address = net_address(argv[optind]);
	s->listener = net_listen(&address);
}

int main(int argc, char **argv)
{
	static struct service s;
	struct epoll_event events[EVENTS];

	parse_options(argc, argv, &s);
	s.epoll = net_epoll_new();
	s.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	net_epoll_add(s.epoll, s.listener, EPOLLIN, &s.listener);
	net_epoll_add(s.epoll, s.timer, EPOLLIN, &s.timer);
	if (s.cut) {
		signals_open(&s);
		(void)setvbuf(stdout, NULL, _IOLBF, 0);
	}
	s.looked_ns = clock_mono_ns();
	for (;;) {
		int count = epoll_wait(s.epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == &s.timer)
				timer_event(&s);
			else if (events[i].data.ptr == &s.signals)
				signal_event(&s);
			else if (events[i].data.ptr == &s.listener)
				connection_accept(&s);
			else
				connection_read(&s, events[i].data.ptr);
		}
		if (s.job_ns > 0)
			timer_set(&s);
	}
}
