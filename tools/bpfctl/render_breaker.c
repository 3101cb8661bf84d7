// SPDX-License-Identifier: MIT
/*
 * The breakers of the upstreams, a line or two each: for `breaker` and for `status`.
 */
#include <string.h>

#include "bpfctl.h"
#include "text.h"

static void breaker_state(const json_t *breaker, FILE *out)
{
	const char *state = get_text(breaker, "state"), *held = get_text(breaker, "held");
	char buf[TEXT_NUMBER_MAX];

	text_paint(out, strcmp(state, "closed") == 0 ? PAINT_NONE : PAINT_RED, "%s", state);
	if (*held)
		text_paint(out, PAINT_YELLOW, ", held %s by hand until 'breaker reset'", held);
	else if (json_is_integer(json_object_get(breaker, "retry_ms")))
		fprintf(out, ", tries again in %s", text_ms(get_u64(breaker, "retry_ms"), buf));
	else if (strcmp(state, "half-open") == 0)
		fprintf(out, ", %llu probes on their way, %llu passed",
			(unsigned long long)get_u64(breaker, "probes_in_flight"),
			(unsigned long long)get_u64(breaker, "probes_passed"));
}

static void breaker_counts(const json_t *breaker, FILE *out)
{
	uint64_t opened = get_u64(breaker, "opened");
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];

	fprintf(out, "%s of %s calls failed", text_exact(get_u64(breaker, "failures"), a),
		text_exact(get_u64(breaker, "calls"), b));
	if (get_u64(breaker, "slow"))
		fprintf(out, ", %s were slow", text_exact(get_u64(breaker, "slow"), a));
	if (opened)
		fprintf(out, "; opened %s%s", opened == 1 ? "once" : text_exact(opened, a),
			opened == 1 ? "" : " times");
	if (*get_text(breaker, "last_failure"))
		fprintf(out, "; last failure %s", get_text(breaker, "last_failure"));
}

void render_breaker_lines(const json_t *breakers, FILE *out)
{
	const json_t *breaker;
	size_t i;

	json_array_foreach(json_object_get(breakers, "upstreams"), i, breaker)
	{
		status_label(out, i ? "" : "breaker");
		fprintf(out, "%s: ", get_text(breaker, "upstream"));
		breaker_state(breaker, out);
		fputc('\n', out);
		status_label(out, "");
		breaker_counts(breaker, out);
		fputc('\n', out);
	}
}

void render_breakers(const json_t *result, FILE *out)
{
	render_breaker_lines(result, out);
	render_lasts(result, out);
}
