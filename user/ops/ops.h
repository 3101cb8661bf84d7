/* SPDX-License-Identifier: MIT */
/*
 * What an operator can ask for: one table of commands, which drives hatagod's control
 * socket as well as the command line's parser, its help and its work without hatagod.
 * A command is a function from JSON arguments to a JSON result. This layer decides
 * nobody's rights (may_change is passed in), prints nothing and logs nothing.
 *
 *   request   {"command":"ban add","arguments":{"address":"192.0.2.1","for":"10m"}}
 *   answer    {"result":{...}}
 *             {"error":{"code":"usage","message":"...","problems":[{"message":"..."}]}}
 */
#ifndef HATAGO_OPS_OPS_H
#define HATAGO_OPS_OPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "config/config.h"
#include "core/pressure.h"
#include "core/trend.h"
#include "kern/view.h"

#define OPS_ARGUMENTS_MAX 6
#define OPS_FOLLOW_MAX	  1000000000u /* events */
#define OPS_NAME_MAX	  32	      /* bytes of "object verb" */
#define OPS_PROBLEMS_MAX  100	      /* problems that an answer lists; more are counted */

enum ops_right { OPS_READ, OPS_CHANGE };

enum ops_where {
	OPS_LOCAL, /* needs neither hatagod nor an edge */
	OPS_PINS,  /* works through the pins, also while hatagod is down */
	OPS_DAEMON /* only hatagod can do it */
};

/* In a request each is a string; COUNT, RATE and DURATION also a number, FLAG true or false. */
enum ops_type {
	OPS_NONE, /* ends the rows */
	OPS_TEXT,
	OPS_FLAG,
	OPS_COUNT,    /* a whole number from min to max */
	OPS_CHOICE,   /* one of choices */
	OPS_RATE,     /* a decimal number with up to three places, or off */
	OPS_DURATION, /* "10m"; a bare number is milliseconds; min to max in ms */
	OPS_PREFIX,   /* an address or a prefix */
	OPS_PREFIXES, /* an array of them; on the command line the rest of the words */
	OPS_EVENTS,   /* an array of names of events; likewise */
	OPS_DEVICE,   /* a network device's name */
	OPS_FILE      /* read by the command line, not part of a request */
};

struct ops_argument {
	const char *name; /* in a request, and behind -- */
	const char *word; /* what stands for it in help: ADDR */
	const char *help;
	enum ops_type type;
	char letter;	/* of the short option; 0: none */
	bool is_option; /* else it goes by its position */
	bool is_required;
	bool is_hidden; /* between hatago-bpfctl and hatagod only */
	uint64_t min, max;
	const char *choices; /* "drops|packets|bytes" */
};

struct ops_context;

struct ops_command {
	const char *object;
	const char *verb;  /* NULL: the object alone is the command */
	const char *help;  /* one line */
	const char *lasts; /* of a change: until when it holds; else NULL */
	enum ops_right right;
	enum ops_where where;
	bool is_followed; /* its answer is the first of many lines; control.c sends the others */
	struct ops_argument arguments[OPS_ARGUMENTS_MAX];
	/* Writes the members of the result's object. 0 or a negative errno and its sentence. */
	int (*run)(struct ops_context *ops, const json_t *arguments, struct json *out,
		   struct err *err);
};

extern const struct ops_command ops_commands[];
extern const size_t ops_command_count;

/* What hatagod tells of; those with hooks come first, in the order of enum config_hook_kind. */
#define OPS_EVENTS_LIST(X)                                                          \
	X(onLimitExceeded)                                                          \
	X(onQueueChange)                                                            \
	X(onMetrics)                                                                \
	X(onCircuitOpen)                                                            \
	X(onStateChange)                                                            \
	X(escalationStart) /* a client's new connections are dropped by the edge */ \
	X(escalationEnd)                                                            \
	X(clientForgiven)                                                           \
	X(banAdded)                                                                 \
	X(banDeleted)                                                               \
	X(configReloaded)  /* or could not be */                                    \
	X(pressureChanged) /* the limits are tightened, or let go */                \
	X(limitChanged)	   /* how many requests may run at once, by adaptation */
#define OPS_EVENT_NUMBER(name) OPS_EVENT_##name,
enum ops_event { OPS_EVENTS_LIST(OPS_EVENT_NUMBER) OPS_EVENT_COUNT };
const char *ops_event_name(enum ops_event event);
/* false: there is no event of that name. */
bool ops_event_find(const char *name, enum ops_event *ret);

/* What `event follow` asks for; of arguments that ops_check() has passed. */
struct ops_wanted {
	uint64_t events; /* a bit each, 1 << enum ops_event; all of them: also those of no name here
			  */
	uint64_t count;	 /* ends after so many; UINT64_MAX: never */
};
void ops_event_wanted(const json_t *arguments, struct ops_wanted *ret);

/* What hatagod says of itself. */
struct ops_daemon_info {
	uint64_t started_ns;	       /* CLOCK_REALTIME */
	uint64_t reloaded_ns;	       /* CLOCK_REALTIME; 0: never */
	const char *config_path;       /* "": none */
	const char *reload_failure;    /* why the last reload failed; NULL: it did not */
	const char *const *complaints; /* sentences on what is not as it was asked for */
	size_t complaint_count;
};

/*
 * What only hatagod can do. Each function but config, info, gate and pressure returns 0 or a
 * negative errno with its sentence. reload: writes a string to `changes` for each thing that
 * changed (json_str(changes, NULL, ...)); on -EINVAL the file's problems are in *problems.
 */
struct ops_daemon {
	int (*attach)(void *ctx, const char *device, enum config_mode mode, uint32_t confirm_ms,
		      struct err *err);
	int (*detach)(void *ctx, const char *device, struct err *err);
	int (*confirm)(void *ctx, const char *device, struct err *err);
	int (*reload)(void *ctx, struct json *changes, struct config_problems *problems,
		      struct err *err);
	const struct config *(*config)(void *ctx); /* the one in force */
	void (*info)(void *ctx, struct ops_daemon_info *ret);
	/* What the gate counted and does now; false: there is none. May be NULL. */
	bool (*gate)(void *ctx, struct tally_gate *ret, struct trend_view *ret_trend);
	/* The machine's load and what it does to the limits. May be NULL. */
	void (*pressure)(void *ctx, struct pressure_view *ret);
	/* Of this upstream, or of all (NULL). There is a gate. */
	int (*breaker)(void *ctx, const char *upstream, enum breaker_hold hold, struct err *err);
};

/* Everything that the devices counted, at an instant. */
struct ops_sample {
	uint64_t at_ns; /* CLOCK_MONOTONIC; 0: none yet */
	struct hatago_counters sum;
};

struct ops_problem {
	size_t index; /* of the prefix in the request; SIZE_MAX: of none */
	char *text;
};

struct ops_context {
	struct view *view; /* NULL: no edge is pinned; then view_code and view_err say why */
	int view_code;	   /* a negative errno */
	struct err view_err;
	const char *pins;		 /* the folder; for what is done without a view */
	const struct ops_daemon *daemon; /* NULL: this is not hatagod */
	void *daemon_ctx;
	uint64_t (*mono_ns)(void), (*real_ns)(void);
	struct ops_sample samples[2]; /* the newest first; see ops_sample() */
	/* Of the command that runs. */
	struct ops_problem problems[OPS_PROBLEMS_MAX];
	size_t problem_count; /* also of those that are not listed */
};

/* daemon, pins and view (or why there is none) are the caller's to set; it owns them. */
void ops_init(struct ops_context *ops);
void ops_done(struct ops_context *ops);

/* "ban add", "status"; NULL: there is none. */
const struct ops_command *ops_find(const char *name);
void ops_name(const struct ops_command *command, char ret[OPS_NAME_MAX]);

/* -EINVAL: an argument is unknown, missing, or not what its row asks for. */
int ops_check(const struct ops_command *command, const json_t *arguments, struct err *err);

/*
 * Runs a command and writes its result as one value to `out`. Where it fails what stands in
 * `out` is to be thrown away, and ops->problems may tell more than err.
 */
int ops_run(struct ops_context *ops, const char *name, const json_t *arguments, bool may_change,
	    struct json *out, struct err *err);

/* What became of a request, for the log. */
struct ops_outcome {
	const struct ops_command *command; /* NULL: no such command, or no request at all */
	json_t *arguments;		   /* the caller's, json_decref(); NULL: none */
	int code;			   /* 0 or a negative errno */
	struct err err;
};

/* A whole request to a whole answer; `out` must be empty. */
void ops_answer(struct ops_context *ops, const char *line, size_t length, bool may_change,
		struct json *out, struct ops_outcome *ret);
/* The answer for an error: {"error":...} with the problems of the context (may be NULL). */
void ops_write_error(const struct ops_context *ops, int code, const char *message,
		     struct json *out);

/* "failed", "usage", "unreachable", "not_found", "not_permitted", and their exit codes 1 to 5. */
const char *ops_error_code(int code);
int ops_exit_code(const char *error_code);

/*
 * Remembers what the counters say now, so that `status` can give rates: once a second from
 * hatagod's timer. A call less than OPS_SAMPLE_MIN_MS after the last one does nothing.
 */
#define OPS_SAMPLE_MIN_MS 400
#define OPS_SAMPLE_MAX_MS 10000 /* an older sample says nothing about now */
void ops_sample(struct ops_context *ops);

/* Forgets the notes of bans that are over: how many, or a negative errno. Once a minute is enough.
 */
int ops_forget_notes(struct ops_context *ops);

#endif
