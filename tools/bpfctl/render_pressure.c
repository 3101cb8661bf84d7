// SPDX-License-Identifier: MIT
/*
 * The pressure in `status` and under `limit show`: a sentence on rates and, where there is
 * a budget of strangers, one on that.
 */
#include <stdio.h>

#include "bpfctl.h"
#include "text.h"

static void pressure_rates(const json_t *pressure, char *text, size_t size)
{
	double scale = get_number(pressure, "scale"), trusted;
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX], c[TEXT_NUMBER_MAX];

	trusted = get_number(pressure, "trusted_scale");
	if (!get_bool(pressure, "fresh"))
		snprintf(text, size, "nobody tells it: rates as they are set");
	else if (scale >= 1)
		snprintf(text, size, "%s: rates as they are set",
			 text_decimal(get_number(pressure, "pressure"), a));
	else if (trusted >= 1)
		snprintf(text, size, "%s: rates cut to %s of that, but not of trusted clients",
			 text_decimal(get_number(pressure, "pressure"), a), text_decimal(scale, b));
	else
		snprintf(text, size, "%s: rates cut to %s of that, of trusted clients to %s",
			 text_decimal(get_number(pressure, "pressure"), a), text_decimal(scale, b),
			 text_decimal(trusted, c));
}

static void pressure_strangers(const json_t *strangers, char *text, size_t size)
{
	double scale = get_number(strangers, "scale");
	char rate[TEXT_NUMBER_MAX], burst[TEXT_NUMBER_MAX], first[TEXT_NUMBER_MAX],
		again[TEXT_NUMBER_MAX];

	text_si(get_number(strangers, "rate") * scale, rate);
	text_si(get_number(strangers, "burst") * scale, burst);
	if (!get_bool(strangers, "asked"))
		snprintf(text, size, "not asked; else %s/s" TEXT_GLUE "(burst" TEXT_GLUE "%s)",
			 rate, burst);
	else
		snprintf(text, size,
			 "%s/s" TEXT_GLUE "(burst" TEXT_GLUE
			 "%s) for all that are not trusted: %s left, %s for second tries",
			 rate, burst, text_exact(get_u64(strangers, "tokens"), first),
			 text_exact(get_u64(strangers, "tokens_again"), again));
}

void render_pressure(const json_t *pressure, FILE *out)
{
	const json_t *strangers = json_object_get(pressure, "strangers");
	char text[300];

	if (!json_is_object(pressure)) /* of another version */
		return;
	pressure_rates(pressure, text, sizeof(text));
	status_label(out, "pressure");
	text_wrap(out, STATUS_COLUMN, STATUS_COLUMN, text);
	if (!get_bool(strangers, "enabled"))
		return;
	pressure_strangers(strangers, text, sizeof(text));
	status_label(out, "strangers");
	text_wrap(out, STATUS_COLUMN, STATUS_COLUMN, text);
}
