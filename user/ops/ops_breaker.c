// SPDX-License-Identifier: MIT
/*
 * breaker show, open, close, reset: the circuit breakers of the gate's upstreams, which
 * hatagod alone has.
 */
#include <errno.h>
#include <string.h>

#include "ops/commands.h"

static int breaker_gate(const struct ops_context *ops, struct tally_gate *ret, struct err *err)
{
	const struct ops_daemon *daemon = ops->daemon;
	struct trend_view trend;

	if (daemon && daemon->gate && daemon->gate(ops->daemon_ctx, ret, &trend))
		return 0;
	return err_set(err, -ENOTSUP,
		       "hatagod runs without a gate, so it has no breaker: add a section gate to "
		       "its configuration");
}

static const char *held_name(enum breaker_hold hold)
{
	return hold == BREAKER_HELD_OPEN ? "open" : hold == BREAKER_HELD_CLOSED ? "closed" : NULL;
}

static void write_breaker(const struct ops_context *ops, const struct tally_upstream *upstream,
			  struct json *out)
{
	const struct breaker_view *b = &upstream->breaker;
	uint64_t now_ns = ops->mono_ns();

	json_object_begin(out, NULL);
	json_str(out, "upstream", upstream->name);
	json_str(out, "state", breaker_state_name(b->state));
	json_str(out, "held", held_name(b->hold));
	json_u64(out, "in_flight", upstream->outstanding);
	json_u64(out, "calls", b->window.calls);
	json_u64(out, "failures", b->window.failures);
	json_u64(out, "slow", b->window.slow);
	json_u64(out, "consecutive_failures", b->consecutive_failures);
	json_u64(out, "probes_in_flight", b->probes_in_flight);
	json_u64(out, "probes_passed", b->probes_passed);
	ops_write_time("last_failure",
		       b->last_failure_ns ? ops->real_ns() - (now_ns - b->last_failure_ns) : 0,
		       out);
	if (b->state == BREAKER_OPEN)
		ops_write_ms("retry_ms", b->retry_ns, out);
	else
		json_nil(out, "retry_ms");
	json_u64(out, "opened", b->opened);
	json_object_end(out);
}

void ops_write_breakers(const struct ops_context *ops, const struct tally_gate *gate,
			struct json *out)
{
	json_str(out, "state", breaker_state_name(gate->breaker));
	json_array_begin(out, "upstreams");
	for (size_t i = 0; i < gate->upstream_count; i++)
		write_breaker(ops, &gate->upstreams[i], out);
	json_array_end(out);
}

int ops_breaker_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct tally_gate gate = {0};
	int r = breaker_gate(ops, &gate, err);

	(void)args;
	if (r == 0)
		ops_write_breakers(ops, &gate, out);
	return r;
}

static int breaker_set(struct ops_context *ops, const json_t *args, enum breaker_hold hold,
		       struct json *out, struct err *err)
{
	const char *upstream = ops_text(args, "upstream");
	struct tally_gate gate = {0};
	int r = breaker_gate(ops, &gate, err);

	r = r < 0 ? r : ops->daemon->breaker(ops->daemon_ctx, upstream, hold, err);
	r = r < 0 ? r : breaker_gate(ops, &gate, err);
	if (r == 0)
		ops_write_breakers(ops, &gate, out);
	return r;
}

int ops_breaker_open(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	return breaker_set(ops, args, BREAKER_HELD_OPEN, out, err);
}

int ops_breaker_close(struct ops_context *ops, const json_t *args, struct json *out,
		      struct err *err)
{
	return breaker_set(ops, args, BREAKER_HELD_CLOSED, out, err);
}

int ops_breaker_reset(struct ops_context *ops, const json_t *args, struct json *out,
		      struct err *err)
{
	return breaker_set(ops, args, BREAKER_AUTOMATIC, out, err);
}
