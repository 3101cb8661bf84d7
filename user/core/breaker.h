/* SPDX-License-Identifier: MIT */
/*
 * A circuit breaker: watches how requests to one upstream end, and says whether the next may
 * go there. Decides only: time and the seed of its chance are passed in, the caller holds a
 * lock and tells who is refused. The states are Nygard's ("Release It!"); the window, the
 * minimum of calls and slow calls follow resilience4j, but for half-open, which admits a
 * counted number. The table of its states is in breaker.c.
 */
#ifndef HATAGO_CORE_BREAKER_H
#define HATAGO_CORE_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/breaker_window.h"

#define BREAKER_CHANGES_MAX 8u	/* that wait to be fetched */
#define BREAKER_JITTER	    10u /* a wait differs by up to a tenth from what is configured */

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

enum breaker_outcome {
	BREAKER_GOOD,
	BREAKER_BAD,
	BREAKER_UNKNOWN, /* the client left, say: tells nothing of the upstream */
};

/* Why the state changed: X(name, in words). */
#define BREAKER_REASONS(X)                                   \
	X(CONSECUTIVE_FAILURES, "consecutive failures")      \
	X(FAILURE_RATE, "failure rate")                      \
	X(SLOW_CALLS, "slow calls")                          \
	X(PROBE_FAILED, "failed probe")                      \
	X(RECOVERY_TIMEOUT_OVER, "recovery timeout is over") \
	X(CHECKS_FAILED, "health checks failed")             \
	X(CHECK_PASSED, "health check passed")               \
	X(PROBES_PASSED, "probes passed")                    \
	X(BY_HAND, "by hand")                                \
	X(SWITCHED_OFF, "switched off")

enum breaker_reason {
#define X(name, words) BREAKER_##name,
	BREAKER_REASONS(X)
#undef X
		BREAKER_REASON_COUNT
};

enum breaker_hold { BREAKER_AUTOMATIC, BREAKER_HELD_OPEN, BREAKER_HELD_CLOSED };

/* Two breakers with the same options differ only in what they have seen. */
struct breaker_options {
	bool enabled;		    /* false: it opens by hand only */
	uint32_t failure_threshold; /* failures in a row that open it; 0: any number is borne */
	double failure_rate;	    /* 0 to 1: this share of failures opens it; 0: any is borne */
	uint32_t minimum_calls;	    /* in the window, before a share says anything */
	uint64_t window_ns;	    /* how far back it looks, in ns; not with window_calls */
	uint32_t window_calls;	    /* or over how many calls, up to BREAKER_CALLS_MAX; 0: time */
	uint32_t half_open_probes;  /* 1 or more */
	uint64_t slow_call_ns;	    /* a call is slow that took longer; 0: none is */
	double slow_call_rate;	    /* as failure_rate, of slow calls */
	uint64_t recovery_ns;	    /* open for so long at first; doubled by each failed probe */
	uint64_t max_recovery_ns;   /* at most, jitter apart; recovery_ns or more */
	uint32_t unhealthy_checks;  /* failed health checks in a row that open it; 0: never */
};

/* Leave to send one request, from breaker_pass() until breaker_report(). */
struct breaker_pass {
	uint64_t generation; /* of the state that gave it */
};

struct breaker_change {
	enum breaker_state from, to;
	enum breaker_reason reason;
	uint64_t at_ns;
};

/* A plain value, of about 700 bytes; its fields are private. */
struct breaker {
	struct breaker_options options;
	enum breaker_state state;
	enum breaker_hold hold;
	uint64_t generation;	   /* grows with each change of state */
	uint64_t until_ns;	   /* open: when it tries again */
	uint32_t failed_probes;	   /* since it was closed last: the exponent of the back-off */
	uint32_t consecutive;	   /* failures, while closed */
	uint32_t checks_failed;	   /* in a row, while closed */
	bool last_check_passed;	   /* false also where there was none */
	bool is_check_misleading;  /* a probe failed although checks pass */
	uint32_t probes_in_flight; /* half-open */
	uint32_t probes_passed;
	uint64_t last_failure_ns, opened, random;
	struct breaker_window window;
	struct breaker_change changes[BREAKER_CHANGES_MAX];
	uint32_t change_first, change_count;
};

/* What there is to show of it. */
struct breaker_view {
	enum breaker_state state;
	enum breaker_hold hold;
	struct breaker_calls window;
	uint32_t consecutive_failures;		  /* while closed */
	uint32_t probes_in_flight, probes_passed; /* while half-open */
	uint64_t last_failure_ns;		  /* 0: none since the start, or a reset */
	uint64_t retry_ns; /* until it tries again; 0: not open; UINT64_MAX: held open */
	uint64_t opened;   /* times that it has opened; only grows */
};

/* Times are ns of CLOCK_MONOTONIC. Closed, with nothing seen; seed: random, for the jitter. */
void breaker_init(struct breaker *breaker, const struct breaker_options *options, uint64_t seed);
/*
 * In force from now on. State, back-off and history are kept, but for the window's calls where
 * the window itself differs; a wait that is longer than what it would be now is cut to that.
 * Switched off, it closes unless it is held open.
 */
void breaker_set_options(struct breaker *breaker, const struct breaker_options *options,
			 uint64_t now_ns);

/* Would breaker_pass() give leave? */
bool breaker_may_pass(const struct breaker *breaker, uint64_t now_ns);
/*
 * true: the request may go, and each pass MUST be reported exactly once, whatever becomes of
 * the request: half-open waits for its probes without an end. It turns half-open by itself
 * when the time has come.
 */
bool breaker_pass(struct breaker *breaker, uint64_t now_ns, struct breaker_pass *ret);
/*
 * took_ns: how long the upstream had it. A pass from before the last change of state counts
 * for nothing. Half-open, a call that is slow is BAD. An UNKNOWN probe gives its place to
 * another; else no more than half_open_probes are let out before it opens or closes.
 */
void breaker_report(struct breaker *breaker, const struct breaker_pass *pass,
		    enum breaker_outcome outcome, uint64_t took_ns, uint64_t now_ns);
/*
 * An active health check has come to its end. Closed, unhealthy_checks failed ones in a row
 * open it. Open, a passed one ends the wait, unless the last probe failed while checks passed
 * (they don't see what requests see) and none has failed since. Half-open, a passed one counts
 * as a good probe, so that it closes where nobody comes, and a failed one as a bad probe.
 */
void breaker_checked(struct breaker *breaker, bool is_good, uint64_t now_ns);

/* By hand: open until it is closed or reset, whatever the options say. */
void breaker_open(struct breaker *breaker, uint64_t now_ns);
/* By hand: closed until it is opened or reset; results are still counted. */
void breaker_close(struct breaker *breaker, uint64_t now_ns);
/* By hand: left to itself again, closed, with nothing seen (but for how often it has opened). */
void breaker_reset(struct breaker *breaker, uint64_t now_ns);

/* To be called at breaker_next_ns(), or often. true: it has turned half-open. */
bool breaker_tick(struct breaker *breaker, uint64_t now_ns);
/* When there is something for breaker_tick() to do; UINT64_MAX: never. */
uint64_t breaker_next_ns(const struct breaker *breaker);
/*
 * The oldest change that wasn't fetched yet; false: there is none. A call makes one change at
 * most, so none is lost to who fetches after each; beyond BREAKER_CHANGES_MAX the oldest are.
 */
bool breaker_changed(struct breaker *breaker, struct breaker_change *ret);

void breaker_look(const struct breaker *breaker, uint64_t now_ns, struct breaker_view *ret);
/* Of all upstreams together: open where all are, closed where any is; 0 of them: closed. */
enum breaker_state breaker_whole(const enum breaker_state *states, size_t count);

/* "half-open", and the reason's words. */
const char *breaker_state_name(enum breaker_state state);
const char *breaker_reason_name(enum breaker_reason reason);

#endif
