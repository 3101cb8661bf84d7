/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The maps of the packet path; include/hatago/abi.h says what is in them. User space
 * sets the sizes before loading and shares all but `device` and `counters` between
 * the devices.
 */
#ifndef HATAGO_BPF_MAPS_H
#define HATAGO_BPF_MAPS_H

#include <bpf/bpf_helpers.h>

#include "hatago/abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hatago_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hatago_set);
} clients SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hatago_side);
} sides SEC(".maps");

struct hatago_list {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HATAGO_LIST_MAX);
	__type(key, struct hatago_prefix);
	__type(value, struct hatago_listed);
};
struct hatago_list allow SEC(".maps");
struct hatago_list deny SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HATAGO_LIST_MAX);
	__type(key, struct hatago_client_id);
	__type(value, struct hatago_note);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hatago_device);
} device SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hatago_counters);
} counters SEC(".maps");

/* The arrays of one always hold their one: NULL can't be, but the verifier must see it checked. */
static __always_inline struct hatago_config *maps_config_writable(void)
{
	const __u32 only = 0;

	return bpf_map_lookup_elem(&config, &only);
}

static __always_inline const struct hatago_config *maps_config(void)
{
	return maps_config_writable();
}

static __always_inline const struct hatago_device *maps_device(void)
{
	const __u32 only = 0;

	return bpf_map_lookup_elem(&device, &only);
}

/* The rules in force. */
static __always_inline const struct hatago_rules *maps_rules(const struct hatago_config *c)
{
	return &c->rules[c->active & 1];
}

#endif
