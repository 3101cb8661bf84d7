/* SPDX-License-Identifier: MIT */
/*
 * From a checked configuration to what the BPF program reads. Nothing can fail here: all
 * that could was a problem of the file. Neighbours: hatago/abi.h, which says what the
 * fields mean; user/kern/, which puts them in force.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "hatago/table.h"

static void rules_masks(const struct config_edge *edge, struct hatago_rules *rules)
{
	uint8_t bytes[16] = {0};

	for (unsigned int bit = 0; bit < edge->ipv6_prefix; bit++)
		bytes[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	memcpy(&rules->ipv6_mask_hi, bytes, sizeof(rules->ipv6_mask_hi));
	memcpy(&rules->ipv6_mask_lo, bytes + 8, sizeof(rules->ipv6_mask_lo));
	rules->ipv4_mask = htonl((uint32_t)(~0ULL << (32 - edge->ipv4_prefix)));
}

static void rules_ports(const struct config_edge *edge, struct hatago_rules *rules)
{
	for (size_t i = 0; i < edge->port_count; i++) {
		const struct config_port_range *range = &edge->ports[i];

		for (uint32_t port = range->first; port <= range->last; port++)
			rules->port[range->protocol][port / 64] |= 1ULL << (port % 64);
	}
}

static uint32_t rules_flags(const struct config_edge *edge)
{
	uint32_t flags = edge->enforce ? HATAGO_ENFORCE : 0;

	if (edge->protect_all)
		flags |= HATAGO_PROTECT_ALL;
	if (edge->protect_icmp)
		flags |= HATAGO_PROTECT_ICMP;
	if (edge->port_count)
		flags |= HATAGO_PROTECT_PORT;
	if (!(flags & ~HATAGO_ENFORCE)) /* nothing is protected, so no family is */
		return flags;
	if (edge->ipv4)
		flags |= HATAGO_IPV4;
	if (edge->ipv6)
		flags |= HATAGO_IPV6;
	return flags;
}

static uint32_t port_of(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon && strncmp(address, "unix:", 5) != 0 ? (uint32_t)strtoul(colon + 1, NULL, 10)
							  : 0;
}

/* Those of its listeners that are protected. */
static void rules_gate_ports(const struct config_gate *gate, struct hatago_rules *rules)
{
	for (size_t i = 0; i < gate->listen_count; i++) {
		uint32_t port = port_of(gate->listen[i]);
		uint64_t bit = 1ULL << (port % 64);

		if (!port || port > UINT16_MAX)
			continue;
		if (!(rules->flags & HATAGO_PROTECT_ALL) &&
		    !(rules->port[HATAGO_TCP][port / 64] & bit))
			continue;
		rules->gate_port[port / 64] |= bit;
		rules->flags |= HATAGO_GATE_PORTS;
	}
}

/* What takes a gate: it alone knows requests, open connections and whom to trust. */
static void rules_gate(const struct config *config, struct hatago_rules *rules)
{
	if (config->edge.strangers.enabled) {
		rules->flags |= HATAGO_STRANGERS;
		rules->strangers = config->edge.strangers.limit;
	}
	rules->max_connections = config->gate.max_connections_per_client;
	rules_gate_ports(&config->gate, rules);
	if (!config->rate_limiting.enabled)
		return;
	rules->dimensions |= 1u << HATAGO_DIM_REQUESTS;
	rules->limit[HATAGO_DIM_REQUESTS] = config->rate_limiting.limit;
}

void config_rules(const struct config *config, struct hatago_rules *ret)
{
	const struct config_edge *edge = &config->edge;

	memset(ret, 0, sizeof(*ret));
	ret->flags = rules_flags(edge);
	rules_masks(edge, ret);
	rules_ports(edge, ret);
	for (int d = 0; d < HATAGO_EDGE_DIMENSIONS; d++)
		if (edge->dimension[d].enabled) {
			ret->dimensions |= 1u << d;
			ret->limit[d] = edge->dimension[d].limit;
		}
	if (config->gate.enabled)
		rules_gate(config, ret);
	hatago_rules_seal(ret);
}
