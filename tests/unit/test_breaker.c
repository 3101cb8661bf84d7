/* SPDX-License-Identifier: MIT */
/*
 * The circuit breaker: each row of its table, and what must not change its state, as scripts;
 * then how many probes there are, whatever comes at once. Its figures are test_breaker_figures.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/breaker.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define SECOND	   1000000000ULL
#define START	   (1000 * SECOND)
#define SLOW_NS	   (2 * SECOND)
#define PASSES_MAX 64

/* What a row's breaker has in place of the defaults. */
enum preset {
	DEFAULTS,	/* those of the configuration */
	RATE_ONLY,	/* no number of failures in a row opens it */
	CALLS,		/* likewise, over the last 10 calls */
	SLOW,		/* slow calls, half of them at least, over the last 10 calls */
	SLOW_UNCOUNTED, /* slow_call_ns, but no share of them opens it */
	NO_CHECKS,	/* no number of failed checks opens it */
	ONE_PROBE,
	OFF,
};

static struct breaker_options preset_options(enum preset preset)
{
	struct breaker_options o = {
		.enabled = preset != OFF,
		.failure_threshold = preset == DEFAULTS || preset >= NO_CHECKS ? 5 : 0,
		.failure_rate = 0.5,
		.minimum_calls = 10,
		.window_ns = 30 * SECOND,
		.half_open_probes = preset == ONE_PROBE ? 1 : 3,
		.recovery_ns = 60 * SECOND,
		.max_recovery_ns = 600 * SECOND,
		.unhealthy_checks = preset == NO_CHECKS ? 0 : 3,
	};

	if (preset == CALLS || preset == SLOW)
		o.window_calls = 10;
	if (preset == SLOW || preset == SLOW_UNCOUNTED)
		o.slow_call_ns = SLOW_NS;
	if (preset == SLOW)
		o.slow_call_rate = 0.5;
	return o;
}

struct script {
	struct breaker breaker;
	uint64_t now_ns;
	struct breaker_pass passes[PASSES_MAX]; /* that are not reported yet */
	size_t first, count;
};

/* These say whether it went as the step demands. */

static bool script_pass(struct script *s)
{
	return s->count < PASSES_MAX && breaker_may_pass(&s->breaker, s->now_ns) &&
	       breaker_pass(&s->breaker, s->now_ns, &s->passes[s->count++]);
}

static bool script_refused(struct script *s)
{
	struct breaker_pass pass = {12345};

	return !breaker_may_pass(&s->breaker, s->now_ns) &&
	       !breaker_pass(&s->breaker, s->now_ns, &pass) &&
	       pass.generation == 12345; /* untouched */
}

/* The oldest pass ends. */
static bool script_report(struct script *s, enum breaker_outcome outcome, uint64_t took_ns)
{
	if (s->first == s->count)
		return false;
	breaker_report(&s->breaker, &s->passes[s->first++], outcome, took_ns, s->now_ns);
	return true;
}

static bool script_call(struct script *s, enum breaker_outcome outcome, uint64_t took_ns)
{
	struct breaker_pass pass;

	if (!breaker_pass(&s->breaker, s->now_ns, &pass))
		return false;
	breaker_report(&s->breaker, &pass, outcome, took_ns, s->now_ns);
	return true;
}

static bool script_checked(struct script *s, bool is_good)
{
	breaker_checked(&s->breaker, is_good, s->now_ns);
	return true;
}

static bool script_hand(struct script *s, void (*hand)(struct breaker *, uint64_t))
{
	hand(&s->breaker, s->now_ns);
	return true;
}

static bool script_time(struct script *s, uint64_t now_ns)
{
	s->now_ns = now_ns;
	return now_ns < UINT64_MAX - 1; /* it has a time to wait for */
}

static bool script_step(struct script *s, char step)
{
	switch (step) {
	case 'g': /* whole calls: good, bad, unknown; slow and good, slow and bad */
		return script_call(s, BREAKER_GOOD, SLOW_NS);
	case 'b':
		return script_call(s, BREAKER_BAD, SLOW_NS);
	case 'u':
		return script_call(s, BREAKER_UNKNOWN, SLOW_NS + 1);
	case 's':
		return script_call(s, BREAKER_GOOD, SLOW_NS + 1);
	case 'S':
		return script_call(s, BREAKER_BAD, SLOW_NS + 1);
	case 'p': /* one begins, or is refused; the oldest ends */
		return script_pass(s);
	case 'r':
		return script_refused(s);
	case 'G':
		return script_report(s, BREAKER_GOOD, 1);
	case 'B':
		return script_report(s, BREAKER_BAD, 1);
	case 'U':
		return script_report(s, BREAKER_UNKNOWN, 1);
	case 'c': /* health checks: passed, failed */
		return script_checked(s, true);
	case 'x':
		return script_checked(s, false);
	case 'O': /* by hand */
		return script_hand(s, breaker_open);
	case 'C':
		return script_hand(s, breaker_close);
	case 'R':
		return script_hand(s, breaker_reset);
	case '+': /* time passes: a second; to the end of the wait, or nearly; beyond any */
		return script_time(s, s->now_ns + SECOND);
	case '>':
		return script_time(s, breaker_next_ns(&s->breaker));
	case '<':
		return script_time(s, breaker_next_ns(&s->breaker) - 1);
	case '~':
		return script_time(s, s->now_ns + 100000 * SECOND);
	case 't': /* a tick that does something, or nothing */
		return breaker_tick(&s->breaker, s->now_ns);
	case 'n':
		return !breaker_tick(&s->breaker, s->now_ns);
	case '.': /* is it closed, open, half-open? */
		return s->breaker.state == BREAKER_CLOSED;
	case '!':
		return s->breaker.state == BREAKER_OPEN;
	case '?':
		return s->breaker.state == BREAKER_HALF_OPEN;
	default:
		return step == ' ';
	}
}

/* "open: failure rate; " for each change, which follow from each other. */
static void script_changes(struct script *s, enum breaker_state *state, char *text, size_t size)
{
	struct breaker_change change;

	while (breaker_changed(&s->breaker, &change)) {
		size_t used = strlen(text);

		assert_int_equal(change.from, *state);
		assert_int_not_equal(change.to, change.from);
		assert_true(change.at_ns == s->now_ns);
		*state = change.to;
		snprintf(text + used, size - used, "%s: %s; ", breaker_state_name(change.to),
			 breaker_reason_name(change.reason));
	}
	assert_int_equal(s->breaker.state, *state);
}

#define OPENS	  "open: consecutive failures; "
#define RATE	  "open: failure rate; "
#define SLOWED	  "open: slow calls; "
#define RECOVERS  "half-open: recovery timeout is over; "
#define PROVEN	  "closed: probes passed; "
#define REOPENS	  "open: failed probe; "
#define UNHEALTHY "open: health checks failed; "
#define HEALTHY	  "half-open: health check passed; "
#define OPENED	  "open: by hand; "
#define CLOSED	  "closed: by hand; "

static void scripts(void **state)
{
	static const struct {
		const char *name;
		enum preset preset;
		const char *script, *changes;
	} rows[] = {
		/* closed, by failures in a row */
		{"nothing", DEFAULTS, ". n ~ n g .", ""},
		{"the threshold opens", DEFAULTS, "bbbb. b! r", OPENS},
		{"a good call begins anew", DEFAULTS, "bbbb g bbbb .", ""},
		{"an unknown one does not", DEFAULTS, "bbbb uuu b!", OPENS},
		{"a slow one is good", DEFAULTS, "bbbb s bbbb .", ""},
		{"they need no window", DEFAULTS, "b~b~b~b~. b!", OPENS},
		{"they need no minimum", ONE_PROBE, "bbbb. b!", OPENS},
		/* by their share */
		{"not below the minimum", RATE_ONLY, "bbbbbbbbb. b!", RATE},
		{"a good call may complete it", RATE_ONLY, "gbgbgbgbb. g!", RATE},
		{"half of them", RATE_ONLY, "bgbgbgbgg. b!", RATE},
		{"less than half", RATE_ONLY, "bgbgbgbgg g .", ""},
		{"unknown ones are none", RATE_ONLY, "bbbbbbbbb uuuu .", ""},
		{"they are forgotten in time", RATE_ONLY,
		 "bbbbbbbbb ++++++++++ ++++++++++ ++++++++++ b . bbbbbbbb. b!", RATE},
		{"but not before", RATE_ONLY, "bbbbbbbbb ++++++++++ ++++++++++ +++++++ b!", RATE},
		{"the last 10 calls", CALLS, "gggggggggg bbbb. b!", RATE},
		{"the eleventh is forgotten", CALLS, "bbbb gggggg b. g. ggg bbb. b!", RATE},
		{"in calls, not in time", CALLS, "bbbb~ ggggg. b!", RATE},
		/* by slow calls */
		{"half are slow", SLOW, "sgsgsgsgg. s!", SLOWED},
		{"less than half are", SLOW, "sgsgsgsgg g .", ""},
		{"a failure may be slow", SLOW, "SgSgggggg. s.g.g. g.g. sss. s!", SLOWED},
		{"failures go first", SLOW, "SgSgSgSgg. S!", RATE},
		{"no rate, no slow calls", SLOW_UNCOUNTED, "ssssssssss ssss .", ""},
		/* by health checks */
		{"three failed checks", DEFAULTS, "xx. x!", UNHEALTHY},
		{"in a row", DEFAULTS, "xx c xx . x!", UNHEALTHY},
		{"calls don't matter to them", DEFAULTS, "x g x bb g x!", UNHEALTHY},
		{"a check is no failure", DEFAULTS, "bbbb xx . gbbbb .", ""},
		{"nor is a passed one a good call", DEFAULTS, "bbbb c b!", OPENS},
		{"checks that don't open", NO_CHECKS, "xxxxxxxxxx .", ""},
		/* open */
		{"refuses until it is time", DEFAULTS, "bbbbb! +r+r< r n ! > t ?", OPENS RECOVERS},
		{"turns half-open by a request", DEFAULTS, "bbbbb < r > p ?", OPENS RECOVERS},
		{"failed checks change nothing", DEFAULTS, "bbbbb xxxxx ! r", OPENS},
		{"a passed check ends the wait", DEFAULTS, "bbbbb + c ? p", OPENS HEALTHY},
		{"also after failed ones", DEFAULTS, "xxx xx + c ?", UNHEALTHY HEALTHY},
		/* half-open */
		{"so many probes and no more", DEFAULTS, "bbbbb > ppp r ? r", OPENS RECOVERS},
		{"good ones close it", DEFAULTS, "bbbbb > ppp GG? r G. p", OPENS RECOVERS PROVEN},
		{"one after the other too", DEFAULTS, "bbbbb > gg? g.", OPENS RECOVERS PROVEN},
		{"a good one leaves no place", DEFAULTS, "bbbbb > ppp G r G r", OPENS RECOVERS},
		{"one bad one opens it", DEFAULTS, "bbbbb > ppp GG B! r", OPENS RECOVERS REOPENS},
		{"the others are too late", DEFAULTS, "bbbbb > ppp B! GG ! > ppp r",
		 OPENS RECOVERS REOPENS RECOVERS},
		{"late failures too", DEFAULTS, "bbbbb > ppp B > t? BB ? ppp r",
		 OPENS RECOVERS REOPENS RECOVERS},
		{"an unknown one gives its place back", DEFAULTS, "bbbbb > ppp r U p r GG? G.",
		 OPENS RECOVERS PROVEN},
		{"time doesn't", DEFAULTS, "bbbbb > ppp ~ r n ?", OPENS RECOVERS},
		{"one probe", ONE_PROBE, "bbbbb > p r G .", OPENS RECOVERS PROVEN},
		{"a slow probe is bad", SLOW, "bbbbbbbbbb > gg s!", RATE RECOVERS REOPENS},
		{"unless nothing is slow", SLOW_UNCOUNTED, "bbbbbbbbbb > gg s.",
		 RATE RECOVERS PROVEN},
		{"passed checks close it", DEFAULTS, "bbbbb > t cc? c.", OPENS RECOVERS PROVEN},
		{"the one before doesn't count", DEFAULTS, "bbbbb c cc? c.", OPENS HEALTHY PROVEN},
		{"checks and probes together", DEFAULTS, "bbbbb > g c ? g .",
		 OPENS RECOVERS PROVEN},
		{"a check takes a place", DEFAULTS, "bbbbb > t c pp r", OPENS RECOVERS},
		{"no check counts beside a probe", DEFAULTS, "bbbbb > ppp ccc? r G? c? G? G .",
		 OPENS RECOVERS PROVEN},
		{"a failed check opens it", DEFAULTS, "bbbbb > ppp x! GGG !",
		 OPENS RECOVERS UNHEALTHY},
		/* which checks are believed */
		{"a probe failed while checks pass", DEFAULTS, "bbbbb c? b! c!c! r > p",
		 OPENS HEALTHY REOPENS RECOVERS},
		{"until one fails", DEFAULTS, "bbbbb c? b! c! x c?", OPENS HEALTHY REOPENS HEALTHY},
		{"or it was closed", DEFAULTS, "bbbbb c? b! > ggg. bbbbb! c?",
		 OPENS HEALTHY REOPENS RECOVERS PROVEN OPENS HEALTHY},
		{"a probe failed without checks", DEFAULTS, "bbbbb > b! c?",
		 OPENS RECOVERS REOPENS HEALTHY},
		{"or after failed ones", DEFAULTS, "bbbbb c x! > b! c?",
		 OPENS HEALTHY UNHEALTHY RECOVERS REOPENS HEALTHY},
		/* closed again */
		{"nothing is left of before", DEFAULTS, "bbbbb > ggg. bbbb. b!",
		 OPENS RECOVERS PROVEN OPENS},
		{"nor in the window", RATE_ONLY, "bbbbbbbbbb > ggg. bbbbbbbbb. b!",
		 RATE RECOVERS PROVEN RATE},
		{"nor of failed checks", DEFAULTS, "xxx > ggg. xx. x!",
		 UNHEALTHY RECOVERS PROVEN UNHEALTHY},
		/* results that come late */
		{"from closed to open", DEFAULTS, "pppp bbbbb! GGBU ! > ppp r", OPENS RECOVERS},
		{"from closed to half-open", DEFAULTS, "pppp bbbbb > t? GGGB ? ppp r",
		 OPENS RECOVERS},
		{"from closed to closed", DEFAULTS, "ppppp bbbbb > ggg. BBBBB . bbbb. b!",
		 OPENS RECOVERS PROVEN OPENS},
		{"from half-open to closed", DEFAULTS, "bbbbb > p R. B . bbbb. b!",
		 OPENS RECOVERS CLOSED OPENS},
		/* by hand */
		{"held open", DEFAULTS, "O! r ~ n! r ccc! r", OPENED},
		{"held closed", DEFAULTS, "C bbbbbbbbbb xxx .", ""},
		{"held open though open", DEFAULTS, "bbbbb! O ~ n r c !", OPENS},
		{"held open though half-open", DEFAULTS, "bbbbb > p O! ~ r G !",
		 OPENS RECOVERS OPENED},
		{"opened, then held closed", DEFAULTS, "bbbbb! C. p bbbbb bbbbb .", OPENS CLOSED},
		{"from half-open to held closed", DEFAULTS, "bbbbb > p C. B bbbbb .",
		 OPENS RECOVERS CLOSED},
		{"from one to the other", DEFAULTS, "O! C. b O! r", OPENED CLOSED OPENED},
		{"reset", DEFAULTS, "O! R. bbbb. b!", OPENED CLOSED OPENS},
		{"reset of what held itself", DEFAULTS, "bbbbb! R. bbbb. b!", OPENS CLOSED OPENS},
		{"reset of a closed one", DEFAULTS, "bbbb R bbbb . b!", OPENS},
		{"reset of a held closed one", DEFAULTS, "C bbbbbbb R bbbb . b!", OPENS},
		{"what is under way is forgotten", DEFAULTS, "pp bbbb R BB bbbb . b!", OPENS},
		{"also what checks have said", DEFAULTS, "xx R xx. x!", UNHEALTHY},
		{"opened twice", DEFAULTS, "OO! R.", OPENED CLOSED},
		/* off */
		{"off", OFF, "bbbbbbbbbbbb xxxxx .", ""},
		{"but by hand", OFF, "O! r ~ n C. O! R.", OPENED CLOSED OPENED CLOSED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct breaker_options options = preset_options(rows[i].preset);
		struct script s = {.now_ns = START};
		enum breaker_state seen = BREAKER_CLOSED;
		char changes[512] = "";

		breaker_init(&s.breaker, &options, i);
		for (const char *step = rows[i].script; *step; step++) {
			if (!script_step(&s, *step))
				fail_msg("%s: at '%s' of '%s'", rows[i].name, step, rows[i].script);
			script_changes(&s, &seen, changes, sizeof(changes));
		}
		if (strcmp(changes, rows[i].changes) != 0)
			fail_msg("%s: %s\ngave %s\nnot  %s", rows[i].name, rows[i].script, changes,
				 rows[i].changes);
	}
}

/*
 * Half-open, every order in which up to 10 requests come and up to 10 end, well or unknown:
 * never more than the probes are under way, nor let out beyond those that gave their place
 * back, and it is closed exactly when so many were good.
 */
#define ORDER_STEPS 10
#define ORDER_MOVES 3

static void order_check(uint32_t order, uint32_t probes)
{
	struct breaker_options options = preset_options(DEFAULTS);
	struct script s = {.now_ns = START};
	uint32_t begun = 0, good = 0, unknown = 0;

	options.half_open_probes = probes;
	breaker_init(&s.breaker, &options, 0);
	for (const char *step = "bbbbb>t"; *step; step++)
		assert_true(script_step(&s, *step));
	for (int i = 0; i < ORDER_STEPS && good < probes; i++, order /= ORDER_MOVES) {
		uint32_t ended = good + unknown, move = order % ORDER_MOVES;
		bool is_let;

		if (move == 0) {
			is_let = s.count < PASSES_MAX &&
				 breaker_pass(&s.breaker, s.now_ns, &s.passes[s.count]);
			assert_int_equal(is_let, begun - unknown < probes);
			s.count += is_let;
			begun += is_let;
		} else if (begun > ended) {
			assert_true(script_step(&s, move == 1 ? 'G' : 'U'));
			good += move == 1;
			unknown += move == 2;
		}
		assert_true(begun - good - unknown <= probes);
		assert_int_equal(s.breaker.state,
				 good == probes ? BREAKER_CLOSED : BREAKER_HALF_OPEN);
	}
}

static void probes_in_any_order(void **state)
{
	uint32_t orders = 1;

	(void)state;
	for (int i = 0; i < ORDER_STEPS; i++)
		orders *= ORDER_MOVES;
	for (uint32_t probes = 1; probes <= 4; probes++)
		for (uint32_t order = 0; order < orders; order++)
			order_check(order, probes);
}

/* A thousand come at once, time and again, while nothing is known of the probes. */
static void a_crowd(void **state)
{
	const struct breaker_options options = preset_options(DEFAULTS);
	struct script s = {.now_ns = START};

	(void)state;
	breaker_init(&s.breaker, &options, 7);
	for (const char *step = "bbbbb"; *step; step++)
		assert_true(script_step(&s, *step));
	for (int round = 0; round < 20; round++) {
		size_t before = s.count;

		s.now_ns = breaker_next_ns(&s.breaker);
		for (int i = 0; i < 1000; i++)
			if (s.count < PASSES_MAX &&
			    breaker_pass(&s.breaker, s.now_ns + (uint64_t)i, &s.passes[s.count]))
				s.count++;
		assert_int_equal(s.count - before, 3);
		for (const char *step = "GGB!"; *step; step++)
			assert_true(script_step(&s, *step));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts),
		cmocka_unit_test(probes_in_any_order),
		cmocka_unit_test(a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
