// SPDX-License-Identifier: MIT
/*
 * Puts a load of several groups of clients (load/load.h) on a server and prints a line for
 * each group, for scripts:
 *
 *      NAME total=N good=N refused=N wrong=N broken=N late=N per_second=N p50_us=N p99_us=N
 *
 * per_second: good answers. Used by bench-overload.sh, and by bench-gate.sh for latency. With
 * --interval-ms it also prints, as it goes on, how many answers there were since the last such
 * line (AT on the monotonic clock; failed: not good, and not refused):
 *
 *      interval AT-MS NAME GOOD REFUSED FAILED
 *
 *      overload --to HOST:PORT [--seconds N] [--warm-up-ms N] [--patience-ms N] [--seed N]
 *               [--interval-ms N] --group NAME,CLIENTS,RATE-OF-EACH,CONNECTIONS-OF-EACH...
 *
 * RATE 0: a closed loop, every connection asks again as soon as it is answered.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "load/load.h"
#include "net/net.h"

enum { PATIENCE_MS_MAX = 60000 };

static void parse_group(struct load_plan *plan, char *text)
{
	struct load_group *group = &plan->groups[plan->group_count++];
	char *save = NULL, *name = strtok_r(text, ",", &save);
	const char *clients = strtok_r(NULL, ",", &save), *rate = strtok_r(NULL, ",", &save);
	uint64_t milli;

	if (!name || !rate || !text_to_milli(rate, &milli) || milli > 1000ull * LOAD_RATE_MAX)
		net_die("--group", "is NAME,CLIENTS,RATE-OF-EACH,CONNECTIONS-OF-EACH");
	(void)snprintf(group->name, sizeof(group->name), "%s", name);
	group->clients = (uint32_t)net_number("CLIENTS", clients, 1, LOAD_CLIENTS_MAX);
	group->rate = (double)milli / 1000;
	group->connections = (uint32_t)net_number("CONNECTIONS", strtok_r(NULL, ",", &save), 1,
						  LOAD_CONNECTIONS_MAX);
}

static void on_interval(const struct load_plan *plan, uint64_t now_ns)
{
	static struct load_result before[LOAD_GROUPS_MAX];

	for (size_t i = 0; i < plan->group_count; i++) {
		const struct load_result *now = &plan->groups[i].result, *last = &before[i];

		printf("interval %llu %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", now_ns / NET_MS,
		       plan->groups[i].name, now->good - last->good, now->refused - last->refused,
		       now->wrong + now->broken + now->late - last->wrong - last->broken -
			       last->late);
		before[i] = *now;
	}
	(void)fflush(stdout);
}

static void parse_options(int argc, char **argv, struct load_plan *plan)
{
	static const struct option options[] = {{"to", required_argument, NULL, 't'},
						{"seconds", required_argument, NULL, 's'},
						{"warm-up-ms", required_argument, NULL, 'w'},
						{"patience-ms", required_argument, NULL, 'p'},
						{"seed", required_argument, NULL, 'r'},
						{"interval-ms", required_argument, NULL, 'i'},
						{"group", required_argument, NULL, 'g'},
						{NULL, 0, NULL, 0}};
	int option;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 't')
			plan->to = net_address(optarg);
		else if (option == 's')
			plan->measured_ns =
				NET_S * net_number("--seconds", optarg, 1, LOAD_SECONDS_MAX);
		else if (option == 'w')
			plan->warm_up_ns =
				NET_MS * net_number("--warm-up-ms", optarg, 0, PATIENCE_MS_MAX);
		else if (option == 'p')
			plan->patience_ns =
				NET_MS * net_number("--patience-ms", optarg, 1, PATIENCE_MS_MAX);
		else if (option == 'r')
			plan->seed = (uint32_t)net_number("--seed", optarg, 0, UINT16_MAX);
		else if (option == 'i') {
			plan->interval_ns =
				NET_MS * net_number("--interval-ms", optarg, 10, PATIENCE_MS_MAX);
			plan->on_interval = on_interval;
		} else if (option == 'g' && plan->group_count < LOAD_GROUPS_MAX)
			parse_group(plan, optarg);
		else
			exit(2);
	}
	if (!plan->to.sin_port || !plan->group_count || optind != argc)
		net_die("usage", "overload --to HOST:PORT [--seconds N] [--warm-up-ms N] "
				 "[--patience-ms N] [--seed N] [--interval-ms N] --group "
				 "NAME,CLIENTS,RATE,CONNECTIONS...");
}

int main(int argc, char **argv)
{
	static struct load_plan plan = {
		.measured_ns = 5 * NET_S, .warm_up_ns = 500 * NET_MS, .patience_ns = NET_S};

	parse_options(argc, argv, &plan);
	load_run(&plan);
	for (size_t i = 0; i < plan.group_count; i++) {
		const struct load_group *group = &plan.groups[i];
		const struct load_result *result = &group->result;

		printf("%s total=%" PRIu64 " good=%" PRIu64 " refused=%" PRIu64 " wrong=%" PRIu64
		       " broken=%" PRIu64 " late=%" PRIu64 " per_second=%.0f p50_us=%" PRIu32
		       " p99_us=%" PRIu32 "\n",
		       group->name, load_total(result), result->good, result->refused,
		       result->wrong, result->broken, result->late,
		       (double)result->good * (double)NET_S / (double)plan.measured_ns,
		       load_percentile_us(result, 0.5), load_percentile_us(result, 0.99));
	}
	load_plan_done(&plan);
	return 0;
}
