// SPDX-License-Identifier: MIT
/*
 * The load's lines on the screen of `status`: each signal and its threshold, and what has
 * become of the limits. Nothing where adaptation is off.
 */
#include <string.h>

#include "bpfctl.h"
#include "text.h"

#define LINE_MAX_BYTES 600

/* A number with its unit, which may not break. */
static void load_number(const json_t *number, const char *unit, char ret[TEXT_NUMBER_MAX])
{
	char buf[TEXT_NUMBER_MAX];
	double value = json_number_value(number);

	if (!json_is_number(number))
		snprintf(ret, TEXT_NUMBER_MAX, "?");
	else if (strcmp(unit, "ms") == 0)
		snprintf(ret, TEXT_NUMBER_MAX, "%s", status_ms(value, buf));
	else
		snprintf(ret, TEXT_NUMBER_MAX, "%s %s", text_si(value, buf), unit);
	for (char *blank = ret; (blank = strchr(blank, ' '));)
		*blank = TEXT_GLUE[0];
}

/* "cpu 93 % (80 %), responseTime 53 ms (5s)": in brackets the thresholds. */
static void load_signals(const json_t *signals, FILE *out)
{
	char line[LINE_MAX_BYTES] = "", value[TEXT_NUMBER_MAX], threshold[TEXT_NUMBER_MAX];
	const json_t *row;
	size_t i;

	json_array_foreach(signals, i, row)
	{
		size_t at = strlen(line);

		load_number(json_object_get(row, "value"), get_text(row, "unit"), value);
		load_number(json_object_get(row, "threshold"), get_text(row, "unit"), threshold);
		snprintf(line + at, sizeof(line) - at, "%s%s" TEXT_GLUE "%s" TEXT_GLUE "(%s)",
			 i ? ", " : "", get_text(row, "signal"), value, threshold);
	}
	status_label(out, "load");
	text_wrap(out, STATUS_COLUMN, STATUS_COLUMN, *line ? line : "no signal has a threshold");
}

static bool load_is_over(const json_t *load, const char *signal)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(load, "signals"), i,
			   row) if (strcmp(get_text(row, "signal"), signal) ==
				    0) return get_bool(row, "over");
	return false;
}

/* "limits at 70 % since cpu is over its threshold"; nothing where they are as configured. */
static void load_limits(const json_t *load, FILE *out)
{
	const char *reason = get_text(load, "reason");
	double scale = get_number(load, "scale");

	if (scale >= 1)
		return;
	status_label(out, "");
	text_paint(out, PAINT_YELLOW, "limits at %.0f %%", scale * 100);
	if (!*reason)
		fputs(", growing back\n", out);
	else if (load_is_over(load, reason))
		fprintf(out, " since %s is over its threshold\n", reason);
	else
		fprintf(out, " while %s is still near its threshold\n", reason);
}

void render_load(const json_t *load, FILE *out)
{
	if (!json_is_object(load))
		return;
	load_signals(json_object_get(load, "signals"), out);
	load_limits(load, out);
}
