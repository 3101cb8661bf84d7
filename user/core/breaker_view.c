/* SPDX-License-Identifier: MIT */
/* See breaker.h: what is shown of breakers, in figures and in words. Changes nothing. */
#include "core/breaker.h"

void breaker_look(const struct breaker *b, uint64_t now_ns, struct breaker_view *ret)
{
	uint64_t next_ns = breaker_next_ns(b);
	struct breaker_calls sum;

	breaker_window_sum(&b->window, now_ns, &sum);
	*ret = (struct breaker_view){
		.state = b->state,
		.hold = b->hold,
		.window = sum,
		.consecutive_failures = b->consecutive,
		.probes_in_flight = b->probes_in_flight,
		.probes_passed = b->probes_passed,
		.last_failure_ns = b->last_failure_ns,
		.opened = b->opened,
	};
	if (b->state != BREAKER_OPEN)
		return;
	if (next_ns == UINT64_MAX)
		ret->retry_ns = UINT64_MAX;
	else if (next_ns > now_ns)
		ret->retry_ns = next_ns - now_ns;
}

enum breaker_state breaker_whole(const enum breaker_state *states, size_t count)
{
	size_t open = 0;

	for (size_t i = 0; i < count; i++) {
		if (states[i] == BREAKER_CLOSED)
			return BREAKER_CLOSED;
		open += states[i] == BREAKER_OPEN;
	}
	if (!count)
		return BREAKER_CLOSED;
	return open == count ? BREAKER_OPEN : BREAKER_HALF_OPEN;
}

const char *breaker_state_name(enum breaker_state state)
{
	static const char *const names[] = {
		[BREAKER_CLOSED] = "closed",
		[BREAKER_OPEN] = "open",
		[BREAKER_HALF_OPEN] = "half-open",
	};

	return names[state];
}

const char *breaker_reason_name(enum breaker_reason reason)
{
	static const char *const names[] = {
#define X(name, words) [BREAKER_##name] = words,
		BREAKER_REASONS(X)
#undef X
	};

	return names[reason];
}
