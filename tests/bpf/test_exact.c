// SPDX-License-Identifier: MIT
/*
 * How exact the limits are on the real program: two threads on two CPUs offer one client's
 * frames as fast as they can; what passes in the measured time must be burst + rate * time,
 * to 0.1 %. All bounds come from clocks read around the calls, so that a busy machine makes
 * the measured window longer, and not the test fail. Where both senders stood still for so
 * long that the bucket may have run over, the lower bound allows for that; a measurement
 * that it spoils is made again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "harness.h"

#define SENDERS	      2
#define BATCH	      2000 /* frames a call */
#define WINDOW_NS     1000000000ULL
#define TOLERANCE     0.001
#define DRAINS_MAX    100000
#define MEASURES_MAX  4
#define SPOILED	      0.01 /* of the window, lost in pauses */
#define NS_PER_SECOND 1e9

static struct harness edge;

struct offer {
	enum hatago_dimension dimension;
	bool is_ipv6;
	uint32_t step_ms;
	double rate; /* tokens per second */
	uint64_t burst;
};

struct sender {
	pthread_t thread;
	int cpu;
	enum hook hook;
	uint64_t until_ns;
	const struct offer *offer;
	const struct packet_frame *frame;
	uint64_t frames, batch_ended_ns;
	/* If nobody else took any: tokens in the bucket at most, and how many ran over. */
	double level, lost;
};

/* What was seen. The first take lies between the first two times, the last behind the third. */
struct measure {
	uint64_t begun_ns, first_done_ns, drained_from_ns, ended_ns;
	uint64_t frames;
	double lost;
};

static void pin_to_cpu(int wanted)
{
	cpu_set_t allowed, one;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	wanted %= CPU_COUNT(&allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || wanted--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
		return;
	}
}

static double tokens_in(const struct offer *o, uint64_t from_ns, uint64_t to_ns)
{
	return o->rate * (double)(to_ns - from_ns) / NS_PER_SECOND;
}

static double cost(const struct offer *o, const struct packet_frame *frame)
{
	return o->dimension == HATAGO_DIM_BYTES ? (double)frame->length : 1;
}

/* Offers a batch, at whatever instants in the time that this takes. */
static void send_batch(struct sender *s)
{
	const struct offer *o = s->offer;
	uint64_t began = harness_now_ns(), ended;
	double meanwhile;

	harness_repeat(&edge, s->hook, s->frame, BATCH);
	ended = harness_now_ns();
	s->frames += BATCH;
	s->level += tokens_in(o, s->batch_ended_ns, ended);
	if (s->level > (double)o->burst) {
		s->lost += s->level - (double)o->burst;
		s->level = (double)o->burst;
	}
	s->level -= BATCH * cost(o, s->frame);
	meanwhile = tokens_in(o, began, ended);
	if (s->level < meanwhile)
		s->level = meanwhile;
	s->batch_ended_ns = ended;
}

static void *send_frames(void *arg)
{
	struct sender *s = arg;

	pin_to_cpu(s->cpu);
	do
		send_batch(s);
	while (s->batch_ended_ns < s->until_ns);
	return NULL;
}

static uint64_t tokens(struct hatago_counter c, enum hatago_dimension d)
{
	return d == HATAGO_DIM_BYTES ? c.bytes : c.packets;
}

/* Takes what the senders left in the bucket, until a frame finds it empty. */
static void drain(struct sender *s)
{
	for (int i = 0; i < DRAINS_MAX; i++) {
		uint64_t before = harness_passed(&edge).packets;

		send_batch(s);
		if (harness_passed(&edge).packets - before < BATCH)
			return;
	}
	fail_msg("the bucket doesn't empty: frames pass as fast as they come");
}

static struct measure measure(const struct offer *o, const struct packet_frame *frame)
{
	const struct sender sender = {
		.hook = o->is_ipv6 ? HOOK_TC : HOOK_XDP,
		.frame = frame,
		.offer = o,
		.level = (double)o->burst,
	};
	struct measure m = {.begun_ns = harness_now_ns()};
	struct sender senders[SENDERS];

	harness_repeat(&edge, sender.hook, frame, 1);
	m.first_done_ns = harness_now_ns();
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = sender;
		senders[i].cpu = i;
		senders[i].batch_ended_ns = m.begun_ns;
		senders[i].until_ns = m.begun_ns + WINDOW_NS;
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_frames, &senders[i]),
				 0);
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	m.drained_from_ns = harness_now_ns();
	drain(&senders[0]);
	m.ended_ns = harness_now_ns();
	m.lost = senders[0].lost;
	m.frames = 1 + senders[0].frames + senders[1].frames;
	return m;
}

static void set_limits(const struct offer *o)
{
	harness_reset(&edge);
	harness_protect(&edge, HATAGO_TCP, 80, 80);
	/* The others are on as well, and never the ones that lack tokens. */
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		harness_limit(&edge, (enum hatago_dimension)d, 1000000000000ULL,
			      1000000000000ULL / 4, 0);
	harness_limit(&edge, o->dimension, (uint64_t)(o->rate * 1000), o->burst, o->step_ms);
}

static void build_frame(const struct offer *o, struct packet_frame *frame)
{
	const struct layer ip4 = IP4(), ip6 = IP6();
	const struct layer layers[PACKET_LAYERS_MAX] = {
		ETH(),
		o->is_ipv6 ? ip6 : ip4,
		TCP(.port = 80, .flags = PACKET_SYN),
		RAW(.size = o->dimension == HATAGO_DIM_BYTES ? 943 : 6),
	};

	packet_build(layers, 0, frame);
}

/* Every frame that was sent is counted once, under some verdict and reason. */
static void check_sum(uint64_t frames)
{
	uint64_t sum = 0;

	for (unsigned int v = 0; v < HATAGO_VERDICT_COUNT; v++)
		for (unsigned int r = 0; r < HATAGO_REASON_COUNT; r++)
			sum += harness_count(&edge, v, r).packets;
	assert_int_equal(sum, frames);
}

static void check_passed(const struct offer *o, const struct measure *m,
			 const struct packet_frame *frame)
{
	double passed = (double)tokens(harness_passed(&edge), o->dimension);
	double longest = (double)(m->ended_ns - m->begun_ns) / NS_PER_SECOND;
	double shortest = (double)(m->drained_from_ns - m->first_done_ns) / NS_PER_SECOND;
	double most = ((double)o->burst + o->rate * longest) * (1 + TOLERANCE);
	double least = ((double)o->burst + o->rate * shortest) * (1 - TOLERANCE) - cost(o, frame);

	least -= o->rate * o->step_ms / 1000 + m->lost;
	print_message("           %.0f passed; allowed %.0f to %.0f (%.3f s)\n", passed, least,
		      most, longest);
	if (passed > most || passed < least)
		fail_msg("%.0f passed, which is not within %.0f and %.0f", passed, least, most);
}

static void test_offer(void **state)
{
	const struct offer *o = *state;
	static struct packet_frame frame;
	struct measure m;

	build_frame(o, &frame);
	for (int i = 0; i < MEASURES_MAX; i++) {
		set_limits(o);
		m = measure(o, &frame);
		if (m.lost <= SPOILED * tokens_in(o, m.begun_ns, m.ended_ns))
			break;
		print_message("           spoiled by pauses of the machine; again\n");
	}
	check_sum(m.frames);
	check_passed(o, &m, &frame);
}

#define OFFER(dim, v6, step, rate_, burst_)                                                   \
	&(struct offer)                                                                       \
	{                                                                                     \
		.dimension = HATAGO_DIM_##dim, .is_ipv6 = v6, .step_ms = step, .rate = rate_, \
		.burst = burst_                                                               \
	}
#define EXACT(text, ...)                                                                   \
	{                                                                                  \
		.name = text, .test_func = test_offer, .initial_state = OFFER(__VA_ARGS__) \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXACT("packets, IPv4", PACKETS, false, 0, 100000, 50000),
		EXACT("packets, IPv4, fast", PACKETS, false, 0, 1000000, 500000),
		EXACT("packets, IPv6", PACKETS, true, 0, 400000, 300000),
		EXACT("packets, IPv4, steps", PACKETS, false, 100, 100000, 50000),
		EXACT("packets, IPv6, steps", PACKETS, true, 100, 400000, 300000),
		EXACT("bytes, IPv4", BYTES, false, 0, 50000000, 30000000),
		EXACT("bytes, IPv6", BYTES, true, 0, 125000000, 100000000),
		EXACT("bytes, IPv4, steps", BYTES, false, 100, 50000000, 30000000),
		EXACT("bytes, IPv6, steps", BYTES, true, 100, 1250000000, 1000000000),
		EXACT("connections, IPv4", CONNECTIONS, false, 0, 20000, 10000),
		EXACT("connections, IPv6", CONNECTIONS, true, 0, 50, 100),
		EXACT("connections, IPv4, steps", CONNECTIONS, false, 100, 20000, 10000),
		EXACT("connections, IPv6, steps", CONNECTIONS, true, 100, 50, 100),
	};
	int failed;

	harness_require();
	harness_open(&edge, 8);
	harness_hurry(&edge);
	failed = cmocka_run_group_tests_name("exact", tests, NULL, NULL);
	harness_close(&edge);
	return failed;
}
