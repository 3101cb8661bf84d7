/* SPDX-License-Identifier: MIT */
/*
 * A load from many clients on loopback, each with an address, connections and a rate of its
 * own. Open loop: requests are due when they are due (Poisson), however slow the answers;
 * latency counts from then. A client with all its connections busy lets requests wait, and
 * gives each up after a time, as callers do. One thread, epoll; everything is bounded.
 */
#ifndef HATAGO_TESTS_BENCH_LOAD_H
#define HATAGO_TESTS_BENCH_LOAD_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_GROUPS_MAX	     8
#define LOAD_CLIENTS_MAX     1000 /* of a group */
#define LOAD_CONNECTIONS_MAX 1000 /* of a client */
#define LOAD_WAITING_MAX     1024 /* requests of a client without a connection; a power of two */
#define LOAD_SECONDS_MAX     60
#define LOAD_RATE_MAX	     100000 /* a client's */
#define LOAD_SAMPLES_MAX     4000000

/* What became of the requests that were due in the measured time; each is in one of these. */
struct load_result {
	uint64_t good;	  /* 200 */
	uint64_t refused; /* 429 or 503 */
	uint64_t wrong;	  /* another status */
	uint64_t broken;  /* the connection failed, or LOAD_WAITING_MAX were waiting */
	uint64_t late;	  /* no answer in time */
	uint32_t *latency_us;
	size_t latency_count, latency_capacity; /* of the good ones; sorted by load_run() */
};

struct load_group {
	char name[32];
	uint32_t clients, connections; /* connections of each client */
	double rate;		       /* requests a second of each client; 0: closed loop, the next
					  one as soon as a connection is idle */
	struct load_result result;
};

struct load_plan {
	struct sockaddr_in to;
	uint64_t warm_up_ns, measured_ns, patience_ns;
	struct load_group groups[LOAD_GROUPS_MAX];
	size_t group_count;
	uint32_t seed; /* to 65535: when requests are due is the same for the same seed */
	/* Every so often, where it is not NULL; what was counted till then is in the results. */
	void (*on_interval)(const struct load_plan *plan, uint64_t now_ns);
	uint64_t interval_ns;
};

/*
 * Runs it and fills the results; dies on what a bench can't go on from. A client of group
 * G, number N (from 0) comes from 127.G+1.N/250.N%250+1.
 */
void load_run(struct load_plan *plan);
uint64_t load_total(const struct load_result *result);
/* share: 0 to 1. Of an empty list: 0. */
uint32_t load_percentile_us(const struct load_result *result, double share);
void load_plan_done(struct load_plan *plan);

#endif
