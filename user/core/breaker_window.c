/* SPDX-License-Identifier: MIT */
/* See breaker_window.h. */
#include "core/breaker_window.h"

#include <string.h>

void breaker_window_init(struct breaker_window *window, uint64_t span_ns, uint32_t calls)
{
	memset(window, 0, sizeof(*window));
	window->length = calls < BREAKER_CALLS_MAX ? calls : BREAKER_CALLS_MAX;
	window->slice_ns = span_ns < BREAKER_SLICES ? 1 : span_ns / BREAKER_SLICES;
}

static void calls_add(struct breaker_calls *calls, bool is_failure, bool is_slow)
{
	if (calls->calls == UINT32_MAX)
		return;
	calls->calls++;
	calls->failures += is_failure;
	calls->slow += is_slow;
}

/* Forgets what the slices that begin now held before. */
static void slices_move(struct breaker_window *window, uint64_t slice)
{
	uint64_t gone = slice - window->newest;

	if (gone > BREAKER_SLICES)
		gone = BREAKER_SLICES;
	for (uint64_t i = 0; i < gone; i++)
		window->slices[(slice - i) % BREAKER_SLICES] = (struct breaker_calls){0};
	window->newest = slice;
}

/* What the bit said before. */
static bool bit_put(uint64_t *bits, uint32_t at, bool value)
{
	uint64_t mask = 1ULL << at % 64;
	bool was = bits[at / 64] & mask;

	bits[at / 64] = value ? bits[at / 64] | mask : bits[at / 64] & ~mask;
	return was;
}

static void bits_put(struct breaker_window *window, bool is_failure, bool is_slow)
{
	if (window->sum.calls == window->length)
		window->sum.calls--;
	window->sum.failures -= bit_put(window->failed, window->next, is_failure);
	window->sum.slow -= bit_put(window->slow, window->next, is_slow);
	calls_add(&window->sum, is_failure, is_slow);
	window->next = (window->next + 1) % window->length;
}

void breaker_window_put(struct breaker_window *window, bool is_failure, bool is_slow,
			uint64_t now_ns)
{
	uint64_t slice = now_ns / window->slice_ns;

	if (window->length) {
		bits_put(window, is_failure, is_slow);
		return;
	}
	if (slice > window->newest)
		slices_move(window, slice);
	calls_add(&window->slices[window->newest % BREAKER_SLICES], is_failure, is_slow);
}

static uint32_t saturated(uint64_t sum)
{
	return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

void breaker_window_sum(const struct breaker_window *window, uint64_t now_ns,
			struct breaker_calls *ret)
{
	uint64_t slice = now_ns / window->slice_ns, calls = 0, failures = 0, slow = 0;
	uint64_t gone = slice > window->newest ? slice - window->newest : 0;

	if (window->length) {
		*ret = window->sum;
		return;
	}
	/* Those that `gone` newer ones leave in the window, back from the newest. */
	for (uint64_t back = 0; back + gone < BREAKER_SLICES && back <= window->newest; back++) {
		const struct breaker_calls *one =
			&window->slices[(window->newest - back) % BREAKER_SLICES];

		calls += one->calls;
		failures += one->failures;
		slow += one->slow;
	}
	*ret = (struct breaker_calls){saturated(calls), saturated(failures), saturated(slow)};
}
