// SPDX-License-Identifier: MIT
/*
 * The sending half of hatago-flood: paces, then hands frames to an AF_PACKET socket in
 * batches, or opens and closes real TCP connections and counts how they ended.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#include "flood.h"
#include "generator.h"

enum {
	BATCH_MAX = 64,
	KERNEL_RUNS_PER_SECOND = 1, /* one takes 30 ms to begin and end */
	WAKES_PER_SECOND = 1000,
	CONNECTIONS_MAX = 512, /* under way at once */
	CONNECT_NS_MAX = 1000000000,
	SETTLE_MS = 50,
};

/* Sleeps until the next batch is due. How many may be sent now; 0: the flood is over. */
static uint32_t flood_pace(const struct flood *f, uint64_t done, uint32_t batch_max)
{
	uint64_t left = f->count - done, due_ns;
	uint64_t batch = f->rate / (f->in_kernel ? KERNEL_RUNS_PER_SECOND : WAKES_PER_SECOND);
	struct timespec due;

	if (left == 0 || clock_mono_ns() - f->begun_ns >= f->seconds * 1000000000)
		return 0;
	if (f->rate == 0 || batch > batch_max)
		batch = batch_max;
	if (batch == 0)
		batch = 1;
	if (f->rate) {
		due_ns = f->begun_ns + (uint64_t)((unsigned __int128)done * 1000000000 / f->rate);
		due.tv_sec = (time_t)(due_ns / 1000000000);
		due.tv_nsec = (long)(due_ns % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	}
	return (uint32_t)(batch < left ? batch : left);
}

static int packet_socket(const struct flood *f)
{
	struct sockaddr_ll from = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(f->device),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	/* Past the queueing discipline where it can be: nothing there is to be measured. */
	if (fd >= 0)
		(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0)
		return fd;
	fprintf(stderr, "hatago-flood: %s: %s (raw frames need root)\n", f->device,
		strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int flood_frames(struct flood *f)
{
	static uint8_t frames[BATCH_MAX][FRAME_BYTES_MAX];
	struct mmsghdr messages[BATCH_MAX] = {0};
	struct iovec vectors[BATCH_MAX];
	int fd = packet_socket(f), n;
	unsigned int batch;

	if (fd < 0)
		return 1;
	for (int i = 0; i < BATCH_MAX; i++) {
		vectors[i] = (struct iovec){frames[i], f->plan.length};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	while ((batch = flood_pace(f, f->sent, BATCH_MAX)) > 0) {
		for (unsigned int i = 0; i < batch; i++)
			frame_make(&f->plan, f->sent + i, frames[i]);
		n = sendmmsg(fd, messages, batch, 0);
		if (n > 0) {
			f->sent += (uint64_t)n;
		} else if (errno != ENOBUFS && errno != EAGAIN) { /* those: its queue is full */
			perror("hatago-flood: sendmmsg");
			break;
		}
	}
	close(fd);
	return f->sent ? 0 : 1;
}

int flood_in_kernel(struct flood *f)
{
	struct generator *generator = NULL;
	uint32_t batch;
	int r = generator_new(&f->plan, if_nametoindex(f->device), f->rate, &generator);

	while (r == 0 && (batch = flood_pace(f, f->sent, GENERATOR_BATCH_MAX)) > 0) {
		r = generator_run(generator, batch);
		if (r == 0)
			f->sent += batch;
	}
	if (r < 0)
		fprintf(stderr, "hatago-flood: %s: %s (live frames need root and Linux 5.18)\n",
			f->device, strerror(-r));
	generator_free(generator);
	return r < 0 ? 1 : 0;
}

struct attempts {
	struct pollfd polled[CONNECTIONS_MAX]; /* fd -1: free */
	uint64_t begun_ns[CONNECTIONS_MAX];
	unsigned int under_way;
};

static void attempt_end(struct attempts *a, int i)
{
	close(a->polled[i].fd);
	a->polled[i].fd = -1;
	a->under_way--;
}

/* Waits up to `ms` for connections to end; counts and closes those that did. */
static void attempts_settle(struct flood *f, struct attempts *a, int ms)
{
	uint64_t now_ns;
	socklen_t length = sizeof(int);
	int error = 0;

	(void)poll(a->polled, CONNECTIONS_MAX, ms);
	now_ns = clock_mono_ns();
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		if (a->polled[i].fd < 0)
			continue;
		if (a->polled[i].revents) {
			getsockopt(a->polled[i].fd, SOL_SOCKET, SO_ERROR, &error, &length);
			*(error ? &f->refused : &f->connected) += 1;
			attempt_end(a, i);
		} else if (now_ns - a->begun_ns[i] > CONNECT_NS_MAX) {
			f->timed_out++;
			attempt_end(a, i);
		}
	}
}

static int connection_begin(const struct flood *f)
{
	int fd = socket(f->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, f->device,
		       (socklen_t)strlen(f->device) + 1) == 0 &&
	    (connect(fd, (const struct sockaddr *)&f->to, f->to_length) == 0 ||
	     errno == EINPROGRESS))
		return fd;
	close(fd);
	return -1;
}

static void attempt_begin(struct flood *f, struct attempts *a)
{
	int i = 0;

	while (a->polled[i].fd >= 0)
		i++;
	f->sent++;
	a->polled[i].fd = connection_begin(f);
	a->begun_ns[i] = clock_mono_ns();
	if (a->polled[i].fd < 0)
		f->refused++;
	else
		a->under_way++;
}

int flood_connections(struct flood *f)
{
	static struct attempts attempts;
	uint64_t tried = 0; /* or left out, where too many are under way: the pace is kept */
	unsigned int batch;

	for (int i = 0; i < CONNECTIONS_MAX; i++)
		attempts.polled[i] = (struct pollfd){.fd = -1, .events = POLLOUT};
	while ((batch = flood_pace(f, tried, BATCH_MAX)) > 0) {
		tried += batch;
		attempts_settle(f, &attempts, 0);
		while (batch-- > 0 && attempts.under_way < CONNECTIONS_MAX)
			attempt_begin(f, &attempts);
	}
	while (attempts.under_way > 0)
		attempts_settle(f, &attempts, SETTLE_MS);
	return f->sent ? 0 : 1;
}
