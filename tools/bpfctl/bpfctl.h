/* SPDX-License-Identifier: MIT */
/*
 * The parts of hatago-bpfctl: main.c reads the command line and ends with its exit code,
 * batch.c sends long lists, follow.c shows events as they come, render*.c turn results into tables,
 * usage.c is the help. All they know of commands is the table in ops/ops.h.
 */
#ifndef HATAGO_BPFCTL_H
#define HATAGO_BPFCTL_H

#include <jansson.h>
#include <stdio.h>

#include "ops/ops.h"
#include "ops/parse.h"
#include "text.h"
#include "transport.h"

/* usage.c */
void usage_print(FILE *out, const char *object, const struct ops_command *command);

/*
 * batch.c: allow|deny add|del with the prefixes of the command line and of a file. All are
 * read and checked before the first is sent. The answer, as transport_call() gives it.
 */
char *batch_run(struct transport *transport, const struct parsed *args);

/* version.c: the answer to `version`, from here and from hatagod. */
char *version_run(struct transport *transport, const struct parsed *args);

/*
 * follow.c: shows events until there were as many as asked for, or SIGINT, which ends the
 * program with 0. NULL: done; else the answer, an error.
 */
char *follow_run(struct transport *transport, const struct parsed *args);

/* render.c: the result of a command, for people. */
void render(const struct ops_command *command, const json_t *result, FILE *out);
/* How long a change holds, and whatever else there is to note. */
void render_lasts(const json_t *result, FILE *out);
/* render_status.c */
void render_status(const json_t *result, FILE *out);
/* The bold word at the beginning of a line of `status`, padded. */
#define STATUS_COLUMN 10
void status_label(FILE *out, const char *label);
/* render_breaker.c: the breakers' lines of `status`, and the answer of `breaker` */
void render_breaker_lines(const json_t *breakers, FILE *out);
void render_breakers(const json_t *result, FILE *out);
/* render_gate.c: the gate's lines of `status`; none without a gate */
void render_gate(const json_t *gate, FILE *out);
/* render_pressure.c: the pressure's lines of `status`, and under `limit show` */
void render_pressure(const json_t *pressure, FILE *out);
/* "53 ms", "0.5 ms", "3m20s" */
const char *status_ms(double ms, char buf[TEXT_NUMBER_MAX]);
/* render_load.c: those of the machine's load; none without adaptation */
void render_load(const json_t *load, FILE *out);
/* render_list.c: tables of many rows */
void render_edge(const json_t *result, FILE *out);
void render_clients(const json_t *result, FILE *out);
void render_bans(const json_t *result, FILE *out);
void render_entries(const json_t *result, FILE *out);
void render_limits(const json_t *result, FILE *out);
void render_counters(const json_t *result, FILE *out);
/* render_client.c: one client */
void render_client(const json_t *result, FILE *out);
void render_why(const json_t *result, FILE *out);
/* render_yaml.c: a value as YAML, `indent` blanks deep */
void render_yaml(const json_t *value, int indent, FILE *out);

/* Members of a result; what is not there reads as "" or 0. */
const char *get_text(const json_t *object, const char *key);
uint64_t get_u64(const json_t *object, const char *key);
double get_number(const json_t *object, const char *key);
bool get_bool(const json_t *object, const char *key);

#endif
