/* SPDX-License-Identifier: MIT */
/*
 * What the edge protects: the items of edge.protect and edge.families. See lists.c, which
 * hands them over one by one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/draft.h"

#define PORT_MAX 65535

void draft_add_family(struct draft *draft, const struct config_key *key, const char *text,
		      struct mark at)
{
	if (strcmp(text, "ipv4") == 0)
		draft->config->edge.ipv4 = true;
	else if (strcmp(text, "ipv6") == 0)
		draft->config->edge.ipv6 = true;
	else
		draft_refuse_item(draft, key, text, at, "ipv4 or ipv6");
}

/* "8080", "6000-7000" */
static bool port_range_parse(const char *text, size_t length, struct config_port_range *ret)
{
	char first[16], *last;
	uint64_t low, high;

	if (length >= sizeof(first))
		return false;
	memcpy(first, text, length);
	first[length] = '\0';
	last = strchr(first, '-');
	if (last)
		*last++ = '\0';
	if (!text_to_u64(first, 1, PORT_MAX, &low) ||
	    !text_to_u64(last ? last : first, low, PORT_MAX, &high))
		return false;
	ret->first = (uint16_t)low;
	ret->last = (uint16_t)high;
	return true;
}

/* 0; -EPROTOTYPE: only the protocol is missing; -EINVAL: anything else. */
static int port_parse(const char *text, struct config_port_range *ret)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct config_port_range range;

	if (!port_range_parse(text, length, &range))
		return -EINVAL;
	if (!slash)
		return -EPROTOTYPE;
	if (strcmp(slash, "/tcp") == 0)
		range.protocol = HATAGO_TCP;
	else if (strcmp(slash, "/udp") == 0)
		range.protocol = HATAGO_UDP;
	else
		return -EINVAL;
	*ret = range;
	return 0;
}

void draft_add_port(struct draft *draft, const struct config_key *key, const char *text,
		    struct mark at)
{
	struct config_edge *edge = &draft->config->edge;
	struct config_port_range range, *ports;
	int r;

	if (strcmp(text, "all") == 0) {
		edge->protect_all = true;
		return;
	}
	if (strcmp(text, "icmp") == 0) {
		edge->protect_icmp = true;
		return;
	}
	r = port_parse(text, &range);
	if (r == -EPROTOTYPE) {
		problems_add(&draft->problems, at, key->path,
			     "'%s' has no protocol; write %s/tcp or %s/udp", text, text, text);
		return;
	}
	if (r < 0) {
		draft_refuse_item(draft, key, text, at,
				  "PORT/tcp, PORT/udp, FIRST-LAST/tcp or FIRST-LAST/udp with "
				  "ports from 1 to 65535, icmp or all");
		return;
	}
	ports = reallocarray(edge->ports, edge->port_count + 1, sizeof(range));
	if (!ports) {
		draft->problems.out_of_memory = true;
		return;
	}
	ports[edge->port_count++] = range;
	edge->ports = ports;
}
