/* SPDX-License-Identifier: MIT */
/*
 * The commands' functions, for the table (ops_table.c), and what they share: reading
 * arguments that ops_check() has passed, and writing clients, limits and times the same
 * way everywhere. Known to user/ops/ only.
 */
#ifndef HATAGO_OPS_COMMANDS_H
#define HATAGO_OPS_COMMANDS_H

#include "core/clients.h"
#include "ops/ops.h"

#define OPS_MS	   1000000ULL /* ns */
#define OPS_DAY_MS 86400000ULL

int ops_status(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_version(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_why(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_edge_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_edge_attach(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_edge_detach(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_edge_confirm(struct ops_context *ops, const json_t *args, struct json *out,
		     struct err *err);
int ops_client_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_client_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_client_forgive(struct ops_context *ops, const json_t *args, struct json *out,
		       struct err *err);
int ops_ban_add(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_ban_del(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_ban_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_allow_add(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_allow_del(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_allow_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_deny_add(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_deny_del(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_deny_list(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_limit_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_limit_set(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_counter_list(struct ops_context *ops, const json_t *args, struct json *out,
		     struct err *err);
int ops_breaker_show(struct ops_context *ops, const json_t *args, struct json *out,
		     struct err *err);
int ops_breaker_open(struct ops_context *ops, const json_t *args, struct json *out,
		     struct err *err);
int ops_breaker_close(struct ops_context *ops, const json_t *args, struct json *out,
		      struct err *err);
int ops_breaker_reset(struct ops_context *ops, const json_t *args, struct json *out,
		      struct err *err);
int ops_event_follow(struct ops_context *ops, const json_t *args, struct json *out,
		     struct err *err);
int ops_config_check(struct ops_context *ops, const json_t *args, struct json *out,
		     struct err *err);
int ops_config_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err);
int ops_config_reload(struct ops_context *ops, const json_t *args, struct json *out,
		      struct err *err);

/* Are they names of events? */
int ops_check_events(const char *argument, const json_t *names, struct err *err);

/* Arguments; an option that was not given has its row's meaning of that. */
const char *ops_text(const json_t *args, const char *name); /* NULL: not given */
bool ops_flag(const json_t *args, const char *name);
uint64_t ops_count(const json_t *args, const char *name, uint64_t otherwise);
uint64_t ops_duration_ms(const json_t *args, const char *name, uint64_t otherwise);
bool ops_prefix(const json_t *args, const char *name, struct hatago_prefix *ret); /* false: none */
/* What a rate says, in tokens per 1000 s; 0: off. */
uint64_t ops_rate_milli(const json_t *args, const char *name);

/* The view's table, or the reason why there is none. */
int ops_clients(const struct ops_context *ops, struct clients *ret, struct err *err);
/* The same for a change: -EPERM where the pins are not writable. */
int ops_clients_writable(const struct ops_context *ops, struct clients *ret, struct err *err);

/* Adds a problem to the context; index SIZE_MAX: of no prefix in particular. */
void ops_problem(struct ops_context *ops, size_t index, const char *text);

/* What several commands write: members of the object that is open. */
void ops_write_client_id(struct hatago_client_id id, const struct hatago_rules *rules,
			 const char *key, struct json *out);
void ops_write_slot(const struct hatago_slot *slot, const struct clients *clients, uint64_t now_ns,
		    struct json *out);
void ops_write_ban(const struct ops_context *ops, struct hatago_client_id id, uint32_t until,
		   struct json *out);
/* The array `limits`: those of each client, and of the gate. rules: NULL where there is no edge. */
void ops_write_limits(const struct ops_context *ops, const struct hatago_rules *rules,
		      struct json *out);
/* The member `pressure`: what hatagod tells the edge, as it is in force now; ops_pressure.c. */
void ops_write_pressure(const struct ops_context *ops, const struct clients *clients,
			struct json *out);
void ops_write_ports(const struct hatago_rules *rules, const char *key, struct json *out);
void ops_write_device(const struct ops_context *ops, const struct view_device *device,
		      struct json *out);
/* A time to come or gone by, in ms rounded up; UINT64_MAX: null. */
void ops_write_ms(const char *key, uint64_t ns, struct json *out);
void ops_write_time(const char *key, uint64_t real_ns, struct json *out); /* 0: null */

/* Drops of each kind and rates; ops_counter.c. */
void ops_write_rates(struct ops_context *ops, struct json *out);
void ops_sum(const struct ops_context *ops, struct hatago_counters *ret);

/* The member `gate`: what the gate does now, null where there is none; ops_gate.c. */
void ops_write_gate(const struct ops_context *ops, struct json *out);

/* The member `load`: of the machine, null where there is no adaptation; ops_load.c. */
void ops_write_load(const struct ops_context *ops, struct json *out);

/* What `breaker show` tells; ops_breaker.c. */
void ops_write_breakers(const struct ops_context *ops, const struct tally_gate *gate,
			struct json *out);

/* Of the bucket that `initialize` and the lists after it take from first. */
#define OPS_HANDSHAKES "handshakes"

const char *ops_reason_label(uint32_t reason);
const char *ops_reason_help(uint32_t reason);
const char *ops_verdict_label(uint32_t verdict);
const char *ops_dimension_label(uint32_t dimension);
const char *ops_dimension_unit(uint32_t dimension);
/* The configuration of the gate, where its request buckets limit somebody; else NULL. */
const struct config *ops_gate_config(const struct ops_context *ops);

#endif
