/* SPDX-License-Identifier: MIT */
/*
 * The keys of the circuit breaker that are like no others: its window and what counts as a
 * failure; and what its keys have to do with each other. It judges them whether the breaker is
 * on or not, since it is switched on by a reload.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "config/draft.h"
#include "config/limits.h"
#include "config/value.h"
#include "core/breaker_window.h"

#define CALLS_TEXT_MAX 8 /* digits, and a NUL; more are too many */

const char *config_failure_name(enum config_failure failure)
{
	static const char *const names[] = {
#define X(name, word) word,
		CONFIG_FAILURES(X)
#undef X
	};

	return failure < CONFIG_FAILURES_COUNT ? names[failure] : NULL;
}

/* "100 calls" */
static bool window_calls(const char *text, uint64_t *ret)
{
	const char *blank = strchr(text, ' ');
	char digits[CALLS_TEXT_MAX] = "";

	if (!blank || strcmp(blank, " calls") != 0 || (size_t)(blank - text) >= sizeof(digits))
		return false;
	memcpy(digits, text, (size_t)(blank - text));
	return text_to_u64(digits, 1, BREAKER_CALLS_MAX, ret);
}

bool value_window(const struct config_key *key, const char *text, struct config_window *ret)
{
	uint64_t v;

	if (window_calls(text, &v))
		*ret = (struct config_window){.calls = (uint32_t)v};
	else if (text_to_duration_ms(text, &v) && v >= key->min && v <= key->max)
		*ret = (struct config_window){.ms = (uint32_t)v};
	else
		return false;
	return true;
}

void draft_add_failure(struct draft *draft, const struct config_key *key, const char *text,
		       struct mark at)
{
	uint32_t *failures = key_field(draft->config, key);
	int failure = 0;

	while (config_failure_name(failure) && strcmp(config_failure_name(failure), text) != 0)
		failure++;
	if (!config_failure_name(failure))
		draft_refuse_item(draft, key, text, at,
				  "connect, reset, timeout, 5xx or rpcInternal");
	else if (*failures & 1u << failure)
		problems_add(&draft->problems, at, key->path, "%s is listed twice; keep one", text);
	else
		*failures |= 1u << failure;
}

static void breaker_check_recovery(struct draft *draft)
{
	static const char path[] = "circuitBreaker.maxRecoveryTimeout";
	struct config_circuit_breaker *breaker = &draft->config->circuit_breaker;
	struct mark at = draft_seen(draft, path);

	if (breaker->max_recovery_timeout_ms >= breaker->recovery_timeout_ms)
		return;
	if (!at.line)
		breaker->max_recovery_timeout_ms = breaker->recovery_timeout_ms;
	else
		problems_add(&draft->problems, at, path,
			     "%" PRIu32 " ms is less than circuitBreaker.recoveryTimeout (%" PRIu32
			     " ms); raise it, or lower that",
			     breaker->max_recovery_timeout_ms, breaker->recovery_timeout_ms);
}

static void breaker_check_window(struct draft *draft)
{
	static const char path[] = "circuitBreaker.window", other[] = "circuitBreaker.minimumCalls";
	const struct config_circuit_breaker *breaker = &draft->config->circuit_breaker;

	if (breaker->window.calls && breaker->window.calls < breaker->minimum_calls)
		problems_add(&draft->problems, draft_seen(draft, path), path,
			     "%" PRIu32 " calls are never as many as %s (%" PRIu32
			     "); raise it, or lower that",
			     breaker->window.calls, other, breaker->minimum_calls);
}

static void breaker_check_status(struct draft *draft)
{
	static const char path[] = "circuitBreaker.healthCheckStatus";
	uint32_t status = draft->config->circuit_breaker.health_check_status;

	if (status && status < CONFIG_STATUS_MIN)
		problems_add(&draft->problems, draft_seen(draft, path), path,
			     "%" PRIu32 " is no status; it must be 0, or from %d to %d", status,
			     CONFIG_STATUS_MIN, CONFIG_STATUS_MAX);
}

void draft_check_breaker(struct draft *draft)
{
	breaker_check_recovery(draft);
	breaker_check_window(draft);
	breaker_check_status(draft);
}
