// SPDX-License-Identifier: MIT
/*
 * For pressure.sh: the edge of a configuration with the budget of strangers asked, and
 * nothing else of hatagod, so that what the test finds out is about the edge alone. Trusts
 * the clients that are named as if they had completed a handshake with the gate. Prints
 * `ready`; SIGTERM ends it and takes the edge away.
 *
 *      hatago-press CONFIG [ADDRESS...]
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "base/address.h"
#include "base/clock.h"
#include "config/config.h"
#include "core/connections.h"
#include "core/standing.h"
#include "kern/edge.h"

static volatile sig_atomic_t is_over;

static void on_term(int number)
{
	(void)number;
	is_over = 1;
}

static int complain(const char *what, const struct err *err)
{
	fprintf(stderr, "hatago-press: %s%s\n", what, err ? err->text : "");
	return 1;
}

static int press(struct edge *edge, const struct config *config, char **addresses, struct err *err)
{
	const struct edge_pressure pressure = {.pressure = 1,
					       .scale = 1,
					       .trusted_scale = 1,
					       .strangers_asked = true,
					       .strangers_scale = 1};
	const struct clients clients = view_clients(edge_view(edge));
	struct hatago_prefix prefix;

	for (size_t i = 0; i < config->edge.device_count; i++)
		if (edge_attach(edge, config->edge.devices[i], config->edge.mode, 0, err) < 0)
			return complain("", err);
	for (; *addresses; addresses++)
		if (prefix_parse(*addresses, &prefix) < 0 ||
		    !connections_set(&clients, prefix_client(&prefix, clients.rules), 0,
				     clock_mono_ns(), STANDING_FOR_GOOD))
			return complain(*addresses, NULL);
	edge_set_pressure(edge, &pressure, clock_mono_ns());
	puts("ready");
	fflush(stdout);
	for (; !is_over; poll(NULL, 0, EDGE_HEARTBEAT_MS / 4))
		edge_set_pressure(edge, &pressure, clock_mono_ns());
	return 0;
}

int main(int argc, char **argv)
{
	struct config_problems problems = {};
	struct config *config = NULL;
	struct edge *edge = NULL;
	struct err err = {};
	bool adopted;
	int status;

	signal(SIGTERM, on_term);
	if (argc < 2 || config_load(argv[1], &config, &problems) < 0)
		return complain(problems.count ? problems.lines[0] : "which configuration?", NULL);
	status = edge_open(config, &edge, &adopted, &err) < 0 ? complain("", &err)
							      : press(edge, config, argv + 2, &err);
	if (edge && edge_remove(edge, &err) < 0)
		status = complain("", &err);
	edge_free(edge);
	config_free(config);
	config_problems_done(&problems);
	return status;
}
