// SPDX-License-Identifier: MIT
/*
 * The gate's lines on the screen of `status`: what runs and waits now, how the last minute
 * went, and what was refused or failed since hatagod started.
 */
#include <string.h>

#include "bpfctl.h"
#include "text.h"

#define LINE_MAX_BYTES 600

const char *status_ms(double ms, char buf[TEXT_NUMBER_MAX])
{
	size_t length;

	if (ms >= 999.5)
		return text_ms((uint64_t)ms, buf);
	text_si(ms, buf);
	length = strlen(buf);
	snprintf(buf + length, TEXT_NUMBER_MAX - length, " ms");
	return buf;
}

/* "3 of 10 in flight": yellow once it is full. */
static void gate_of(uint64_t current, uint64_t max, const char *what, FILE *out)
{
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];

	text_paint(out, max && current >= max ? PAINT_YELLOW : PAINT_NONE, "%s of %s %s",
		   text_exact(current, a), text_exact(max, b), what);
}

static void gate_pair(const json_t *gate, const char *key, const char *what, FILE *out)
{
	const json_t *pair = json_object_get(gate, key);

	fputs(", ", out);
	gate_of(get_u64(pair, "current"), get_u64(pair, "max"), what, out);
}

/* Of the limit in force, which adaptation may have put below maxConcurrent. */
static void gate_running(const json_t *gate, FILE *out)
{
	const json_t *pair = json_object_get(gate, "concurrency");
	uint64_t max = get_u64(pair, "max"), limit = get_u64(gate, "limit");
	bool is_lowered = json_is_integer(json_object_get(gate, "limit")) && limit < max;
	char buf[TEXT_NUMBER_MAX];

	gate_of(get_u64(pair, "current"), is_lowered ? limit : max, "in flight", out);
	if (is_lowered)
		text_paint(out, PAINT_YELLOW, " (maxConcurrent %s)", text_exact(max, buf));
}

static void gate_now(const json_t *gate, FILE *out)
{
	char buf[TEXT_NUMBER_MAX];

	status_label(out, "gate");
	gate_running(gate, out);
	gate_pair(gate, "queue", "in the queue", out);
	gate_pair(gate, "streams", "streams", out);
	fputc('\n', out);
	status_label(out, "");
	fprintf(out, "%s connections of clients\n", text_exact(get_u64(gate, "connections"), buf));
}

static void gate_times(const json_t *lately, const char *key, const char *what, FILE *out)
{
	const json_t *times = json_object_get(lately, key);
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];

	if (get_number(times, "p99") <= 0) /* none yet */
		return;
	status_label(out, what);
	fprintf(out, "half within %s, 99 %% within %s\n", status_ms(get_number(times, "p50"), a),
		status_ms(get_number(times, "p99"), b));
}

static void gate_lately(const json_t *lately, FILE *out)
{
	double refused = get_number(lately, "refused_per_second");
	double errors = get_number(lately, "error_rate");
	char buf[TEXT_NUMBER_MAX];

	if (!get_u64(lately, "over_ms"))
		return;
	status_label(out, "");
	fprintf(out, "%s requests/s", text_si(get_number(lately, "requests_per_second"), buf));
	fprintf(out, " of %s on average, ", status_ms(get_number(lately, "average_ms"), buf));
	text_paint(out, errors > 0 ? PAINT_RED : PAINT_NONE, "%s %% errors",
		   text_si(errors * 100, buf));
	fputs(", ", out);
	text_paint(out, refused > 0 ? PAINT_YELLOW : PAINT_NONE, "%s/s refused",
		   text_si(refused, buf));
	fprintf(out, " (last %s)\n", text_ms(get_u64(lately, "over_ms") / 1000 * 1000, buf));
	gate_times(lately, "response_ms", "answers", out);
	gate_times(lately, "queue_wait_ms", "waits", out);
}

/* "refused   1,201 rate_limit, 7 queue_timeout"; nothing where nothing was. */
static void gate_outcomes(const json_t *outcomes, const char *what, enum paint paint, FILE *out)
{
	char line[LINE_MAX_BYTES] = "", buf[TEXT_NUMBER_MAX];
	const json_t *row;
	size_t i;

	json_array_foreach(outcomes, i, row)
	{
		size_t at = strlen(line);

		snprintf(line + at, sizeof(line) - at, "%s%s" TEXT_GLUE "%s", i ? ", " : "",
			 text_exact(get_u64(row, "requests"), buf), get_text(row, "reason"));
	}
	if (!*line)
		return;
	text_paint(out, paint, "%-*s", STATUS_COLUMN, what);
	text_wrap(out, STATUS_COLUMN, STATUS_COLUMN, line);
}

void render_gate(const json_t *gate, FILE *out)
{
	if (!json_is_object(gate))
		return;
	gate_now(gate, out);
	render_breaker_lines(json_object_get(gate, "breaker"), out);
	gate_lately(json_object_get(gate, "lately"), out);
	gate_outcomes(json_object_get(gate, "refused"), "refused", PAINT_YELLOW, out);
	gate_outcomes(json_object_get(gate, "failed"), "failed", PAINT_RED, out);
}
