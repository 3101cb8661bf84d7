/* SPDX-License-Identifier: MIT */
/*
 * Judges the gate's part of a configuration as a whole (see check.c), once the buckets are
 * prepared, and fills in the defaults that other keys decide.
 */
#include <inttypes.h>
#include <string.h>

#include "config/draft.h"

/* Times that are another key's unless they are given. */
static void gate_follow(struct draft *draft)
{
	for (const struct config_key *key = config_keys; key < config_keys + config_key_count;
	     key++)
		if ((key->flags & KEY_FOLLOWS) && !draft_seen(draft, key->path).line)
			*(uint32_t *)key_field(draft->config, key) =
				*(uint32_t *)key_field(draft->config, key_find(key->preset));
}

/* Paths that are never limited unless others are given, or they have limits. */
static void gate_exclude(struct draft *draft)
{
	const struct config_key *exclude = key_find("gate.exclude");
	const struct config_classes *routes = &draft->config->gate.routes;
	static const char health[] = "/health";

	if (draft_seen(draft, exclude->path).line)
		return;
	for (size_t i = 0; i < routes->count; i++)
		if (routes->items[i].name && strcmp(routes->items[i].name, health) == 0)
			return;
	draft_add_excluded(draft, exclude, health, draft_seen(draft, "gate.routes"));
}

/* A list that must have an entry. */
static void gate_require(struct draft *draft, const char *path)
{
	const struct config_key *key = key_find(path);
	struct mark at = draft_seen(draft, path);
	char allowed[KEY_ALLOWED_MAX];

	if (draft->items[key - config_keys])
		return;
	key_allowed(key, allowed);
	problems_add(&draft->problems, at.line ? at : draft_seen(draft, "gate"), path,
		     "is %s; it must be %s", at.line ? "empty" : "missing", allowed);
}

static void gate_check_client_id(struct draft *draft)
{
	const struct config_key *trusted = key_find("gate.trustedProxies");

	if (draft->config->gate.client_id != CONFIG_ID_PEER &&
	    draft->items[trusted - config_keys] == 0)
		problems_add(&draft->problems, draft_seen(draft, "gate.clientId"), "gate.clientId",
			     "a header is believed only from gate.trustedProxies, which is empty; "
			     "list the proxies there, or write peer");
}

/* Something else of hatagod's listens there. */
static void gate_check_listen(struct draft *draft)
{
	const struct config *config = draft->config;
	const struct config_gate *gate = &config->gate;

	for (size_t i = 0; i < gate->listen_count; i++) {
		const char *address = gate->listen[i], *taken = NULL;

		if (config->metrics.enabled && strcmp(address, config->metrics.listen) == 0)
			taken = "metrics.listen";
		else if (strncmp(address, "unix:", 5) == 0 &&
			 strcmp(address + 5, config->control.socket) == 0)
			taken = "control.socket";
		if (taken)
			problems_add(&draft->problems, draft_seen(draft, "gate.listen"),
				     "gate.listen", "%s is taken by %s; choose another", address,
				     taken);
	}
}

/* What costs more than a bucket holds would never pass. */
static void gate_check_costs(struct draft *draft, const char *path,
			     const struct config_classes *classes)
{
	const struct config_rate_limiting *rate = &draft->config->rate_limiting;

	for (size_t i = 0; i < classes->count && rate->enabled; i++) {
		const struct config_class *class = &classes->items[i];

		if (class->name && class->cost > rate->limit.burst)
			problems_add(
				&draft->problems, draft_seen(draft, path), path,
				"%s costs %" PRIu32 ", which the bucket of requests never "
				"holds; lower cost, or raise rateLimiting.burstCapacity (%" PRIu64
				")",
				class->name, class->cost, (uint64_t)rate->limit.burst);
	}
}

static void gate_check_adaptive(struct draft *draft)
{
	uint32_t least = draft->config->adaptive.min_concurrent;
	uint32_t most = draft->config->concurrency.max_concurrent;

	if (least > most)
		problems_add(&draft->problems, draft_seen(draft, "adaptive.minConcurrent"),
			     "adaptive.minConcurrent",
			     "%" PRIu32 " is more than maxConcurrent (%" PRIu32
			     "); lower it, or raise maxConcurrent",
			     least, most);
}

void draft_check_gate(struct draft *draft)
{
	gate_follow(draft);
	gate_check_adaptive(draft);
	gate_exclude(draft);
	if (!draft->config->gate.enabled)
		return;
	gate_require(draft, "gate.listen");
	gate_require(draft, "gate.upstream");
	gate_check_client_id(draft);
	gate_check_listen(draft);
	gate_check_costs(draft, "gate.routes", &draft->config->gate.routes);
	gate_check_costs(draft, "gate.methods", &draft->config->gate.methods);
}
