/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a configuration: they are taken or refused with words, and what is taken,
 * described as JSON, reads back as the same configuration. See corpus/config for a start.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/config.h"
#include "config/describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the run where something that must be so is not. */
static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void demand_words(const struct config_problems *problems)
{
	demand(problems->count > 0);
	for (size_t i = 0; i < problems->count; i++) {
		demand(strncmp(problems->lines[i], "f:", 2) == 0);
		for (const unsigned char *c = (const unsigned char *)problems->lines[i]; *c; c++)
			demand(*c >= 0x20 && *c != 0x7f);
	}
}

static void demand_limit(const struct hatago_limit *limit)
{
	demand(limit->tau && limit->mult && limit->burst && limit->step <= limit->tau);
}

static void demand_classes(const struct config_classes *classes)
{
	demand(classes->count <= CONFIG_CLASSES_MAX);
	for (size_t i = 0; i < classes->count; i++) {
		demand(classes->items[i].name);
		if (classes->items[i].has_limit)
			demand_limit(&classes->items[i].limit);
	}
}

/* What the gate is built on. */
static void demand_gate(const struct config_gate *gate)
{
	demand_classes(&gate->routes);
	demand_classes(&gate->methods);
	demand((gate->client_id == CONFIG_ID_HEADER) == !!gate->client_id_header);
	if (!gate->enabled)
		return;
	demand(gate->listen_count && gate->upstream_count);
	demand_limit(&gate->handshake);
	for (size_t i = 0; i < gate->weight_count; i++)
		demand(gate->weights[i].weight && gate->weights[i].prefix.length);
}

/* The rules can be made of whatever was taken, and every bucket that is on was prepared. */
static void demand_rules(const struct config *config)
{
	static struct hatago_rules rules;

	config_rules(config, &rules);
	for (int d = 0; d < HATAGO_DIM_COUNT; d++)
		if (rules.dimensions & (1u << d))
			demand_limit(&rules.limit[d]);
}

static void demand_same(const struct config *config)
{
	struct config_problems problems = {0};
	struct config *again = NULL;
	struct json j;

	json_init(&j);
	config_json(config, NULL, &j);
	demand(!j.failed);
	demand(config_parse(j.text, j.length, "f", &again, &problems) == 0);
	demand(config_diff(config, again, NULL, 0) == 0);
	config_free(again);
	config_problems_done(&problems);
	json_done(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	int r = config_parse((const char *)data, size, "f", &config, &problems);

	if (r == 0) {
		demand(problems.count == 0);
		demand_rules(config);
		demand_gate(&config->gate);
		demand_same(config);
	} else {
		demand(r == -EINVAL && !config);
		demand_words(&problems);
	}
	config_free(config);
	config_problems_done(&problems);
	return 0;
}
