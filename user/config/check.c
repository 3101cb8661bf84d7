/* SPDX-License-Identifier: MIT */
/*
 * Judges a configuration as a whole: prepares the buckets and finds what single keys
 * can't show; what the gate's keys have to do with each other is check_gate.c's. It keeps silent
 * about what follows from a problem that was told already.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "config/draft.h"
#include "config/limits.h"
#include "hatago/bucket.h"

/* A bucket, wherever in the configuration it is. */
struct check_bucket {
	const char *section;
	bool enabled;
	uint32_t refill_interval_ms;
	struct hatago_limit *limit;
};

static void check_path(const char *section, const char *leaf, char path[CONFIG_KEY_MAX])
{
	snprintf(path, CONFIG_KEY_MAX, "%s.%s", section, leaf);
}

/* Where the key stands, else its section. */
static struct mark check_mark(const struct draft *draft, const char *section, const char *leaf)
{
	char path[CONFIG_KEY_MAX];
	struct mark at;

	check_path(section, leaf, path);
	at = draft_seen(draft, path);
	return at.line ? at : draft_seen(draft, section);
}

/* A key that has no default and isn't there. */
static void check_required(struct draft *draft, const struct check_bucket *bucket, const char *leaf)
{
	char path[CONFIG_KEY_MAX], allowed[KEY_ALLOWED_MAX];

	check_path(bucket->section, leaf, path);
	if (key_find(path)->preset || draft_seen(draft, path).line)
		return;
	key_allowed(key_find(path), allowed);
	problems_add(&draft->problems, draft_seen(draft, bucket->section), path,
		     "is missing; it must be %s", allowed);
}

static void check_refill(struct draft *draft, const struct check_bucket *bucket)
{
	char path[CONFIG_KEY_MAX], fill[TEXT_DURATION_MAX];
	bool given;

	if (bucket->limit->step <= bucket->limit->tau)
		return;
	check_path(bucket->section, "refillInterval", path);
	given = draft_seen(draft, path).line;
	text_duration(bucket->limit->tau >> HATAGO_TIME_SHIFT, fill, sizeof(fill));
	problems_add(&draft->problems, check_mark(draft, bucket->section, "refillInterval"), path,
		     "%" PRIu32 " ms%s is longer than the %s in which the bucket fills; lower it, "
		     "or raise burstCapacity",
		     bucket->refill_interval_ms, given ? "" : " (the default)", fill);
}

void draft_refuse_fill(struct draft *draft, struct mark at, const char *path,
		       const struct hatago_limit *limit)
{
	unsigned __int128 most =
		(unsigned __int128)limit->rate_milli * (BUCKET_FILL_MAX_NS / 1000000000) / 1000;

	problems_add(&draft->problems, at, path,
		     "filling the bucket would take longer than 30 days; at this tokensPerSecond "
		     "it may hold up to %" PRIu64,
		     (uint64_t)most);
}

static void check_fill(struct draft *draft, const struct check_bucket *bucket)
{
	char path[CONFIG_KEY_MAX];

	check_path(bucket->section, "burstCapacity", path);
	draft_refuse_fill(draft, check_mark(draft, bucket->section, "burstCapacity"), path,
			  bucket->limit);
}

/* A bucket that is off is prepared where it can be, and judged when it is switched on. */
static void check_bucket(struct draft *draft, const struct check_bucket *bucket)
{
	struct hatago_limit *limit = bucket->limit;
	int r;

	if (bucket->enabled) {
		check_required(draft, bucket, "tokensPerSecond");
		check_required(draft, bucket, "burstCapacity");
	}
	if (!limit->rate_milli || !limit->burst)
		return;
	r = hatago_limit_make(limit->rate_milli, limit->burst, bucket->refill_interval_ms, limit);
	if (!bucket->enabled)
		return;
	if (r < 0)
		check_fill(draft, bucket);
	else
		check_refill(draft, bucket);
}

static void check_buckets(struct draft *draft)
{
	static const char *const sections[HATAGO_EDGE_DIMENSIONS] = {
		[HATAGO_DIM_PACKETS] = "edge.packets",
		[HATAGO_DIM_BYTES] = "edge.bytes",
		[HATAGO_DIM_CONNECTIONS] = "edge.connections",
	};
	struct config_dimension *dimensions = draft->config->edge.dimension;
	struct config_rate_limiting *rate = &draft->config->rate_limiting;
	const struct config_dimension *bytes = &dimensions[HATAGO_DIM_BYTES];

	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		check_bucket(draft, &(struct check_bucket){sections[d], dimensions[d].enabled,
							   dimensions[d].refill_interval_ms,
							   &dimensions[d].limit});
	check_bucket(draft,
		     &(struct check_bucket){"edge.strangers", draft->config->edge.strangers.enabled,
					    0, &draft->config->edge.strangers.limit});
	check_bucket(draft, &(struct check_bucket){"rateLimiting", rate->enabled,
						   rate->refill_interval_ms, &rate->limit});
	check_bucket(draft, &(struct check_bucket){"gate.handshake", draft->config->gate.enabled, 0,
						   &draft->config->gate.handshake});
	if (bytes->enabled && bytes->limit.burst && bytes->limit.burst < CONFIG_FRAME_MIN)
		problems_add(&draft->problems, draft_seen(draft, "edge.bytes.burstCapacity"),
			     "edge.bytes.burstCapacity",
			     "%" PRIu64 " is less than a full frame, which could never pass; it "
			     "must be at least %d",
			     (uint64_t)bytes->limit.burst, CONFIG_FRAME_MIN);
}

static void check_protect(struct draft *draft)
{
	const struct config_edge *edge = &draft->config->edge;
	size_t protects = draft->items[key_find("edge.protect") - config_keys];
	size_t families = draft->items[key_find("edge.families") - config_keys];

	if (edge->device_count && protects == 0)
		problems_add(&draft->problems, draft_seen(draft, "edge.devices"), "edge.protect",
			     "is missing or empty, so nothing would be protected; list ports "
			     "such as 443/tcp, or all");
	if (edge->protect_all && protects > 1)
		problems_add(&draft->problems, draft_seen(draft, "edge.protect"), "edge.protect",
			     "'all' holds every port already; list all, or the others");
	if (draft_seen(draft, "edge.families").line && families == 0)
		problems_add(&draft->problems, draft_seen(draft, "edge.families"), "edge.families",
			     "is empty, so nothing would be protected; it must be a list of "
			     "ipv4, ipv6 or both");
}

static void check_pins(struct draft *draft)
{
	const char *pins = draft->config->edge.pins;

	if (pins && strchr(strrchr(pins, '/'), '.'))
		problems_add(&draft->problems, draft_seen(draft, "edge.pins"), "edge.pins",
			     "a BPF file system takes no '.' in a name; choose another");
}

/* Both lists are sorted; a common prefix would be allowed and denied at once. */
static void check_lists(struct draft *draft)
{
	const struct draft_prefixes *allow = &draft->prefixes[key_find("edge.allow") - config_keys];
	const struct draft_prefixes *deny = &draft->prefixes[key_find("edge.deny") - config_keys];
	size_t a = 0, d = 0;

	while (a < allow->count && d < deny->count) {
		int r = draft_prefix_compare(&allow->items[a], &deny->items[d]);
		char text[PREFIX_TEXT_MAX];

		if (r == 0) {
			prefix_format(&allow->items[a].prefix, text);
			problems_add(&draft->problems, deny->items[d].at, "edge.deny",
				     "%s is in edge.allow as well (line %u); keep one of them",
				     text, allow->items[a].at.line);
		}
		a += r < 0;
		d += r >= 0;
	}
}

static void check_services(struct draft *draft)
{
	static const char *const taken[] = {"/", "/metrics", "/healthz", "/readyz"};
	const struct config *config = draft->config;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(config->metrics.endpoint, taken[i]) == 0)
			problems_add(&draft->problems, draft_seen(draft, "metrics.endpoint"),
				     "metrics.endpoint",
				     "%s is taken by something else; choose another path",
				     taken[i]);
	if (config->control.change_group && !config->control.group)
		problems_add(&draft->problems, draft_seen(draft, "control.changeGroup"),
			     "control.changeGroup",
			     "only control.group may open the socket, and it is not set; set it "
			     "too, to the same group or one that holds it");
}

void draft_check(struct draft *draft)
{
	check_buckets(draft);
	check_protect(draft);
	check_pins(draft);
	check_lists(draft);
	check_services(draft);
	draft_check_gate(draft);
	draft_check_breaker(draft);
}
