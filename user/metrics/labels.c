// SPDX-License-Identifier: MIT
/*
 * The words for verdicts, reasons, modes and dimensions, out of the lists that the BPF
 * program counts by, and the README's tables of them. Pure.
 */
#include "metrics/list.h"
#include "metrics/metrics.h"

struct word {
	const char *label, *help;
};

static const struct word verdicts[] = {
#define VERDICT_WORD(name, label, help) {label, help},
	HATAGO_VERDICTS(VERDICT_WORD)
#undef VERDICT_WORD
};

static const struct {
	struct word word;
	enum hatago_verdict asks_for;
} reasons[] = {
#define REASON_WORD(name, label, verdict, help) {{label, help}, HATAGO_VERDICT_##verdict},
	HATAGO_REASONS(REASON_WORD)
#undef REASON_WORD
};

bool metrics_can_occur(enum hatago_verdict verdict, enum hatago_reason reason)
{
	/* DROP also ends as would_drop (enforce: false) or as pass (family not protected). */
	return reasons[reason].asks_for == HATAGO_VERDICT_DROP || verdict == HATAGO_VERDICT_PASS;
}

const char *metrics_verdict_label(enum hatago_verdict verdict)
{
	return verdicts[verdict].label;
}

const char *metrics_reason_label(enum hatago_reason reason)
{
	return reasons[reason].word.label;
}

const char *metrics_mode_label(enum hatago_attach_mode mode)
{
	static const char *const labels[] = {
		[HATAGO_MODE_NATIVE] = "native",
		[HATAGO_MODE_GENERIC] = "generic",
		[HATAGO_MODE_TC] = "tc",
	};

	return (unsigned int)mode < sizeof(labels) / sizeof(labels[0]) ? labels[mode] : "unknown";
}

const char *metrics_dimension_label(enum hatago_dimension dimension)
{
	static const char *const labels[] = {
#define DIMENSION_LABEL(name, label, unit) label,
		HATAGO_DIMENSIONS(DIMENSION_LABEL)
#undef DIMENSION_LABEL
	};

	return labels[dimension];
}

void metrics_markdown(FILE *out)
{
	fputs("| metric | type | labels | meaning |\n|---|---|---|---|\n", out);
#define GAUGE	  "gauge"
#define COUNTER	  "counter"
#define HISTOGRAM "histogram"
#define METRIC_ROW(name, type, labels, help) \
	fputs("| `hatago_" #name "` | " type " | " labels " | " help " |\n", out);
	METRICS_LIST(METRIC_ROW)
#undef METRIC_ROW
#undef HISTOGRAM
#undef COUNTER
#undef GAUGE
	fputs("\n| outcome | meaning |\n|---|---|\n", out);
	for (int outcome = 0; outcome < TALLY_OUTCOME_COUNT; outcome++)
		fprintf(out, "| `%s` | %s |\n", tally_outcome_label(outcome),
			tally_outcome_help(outcome));
}

void metrics_reasons_markdown(FILE *out)
{
	fputs("| reason | asks for | meaning |\n|---|---|---|\n", out);
	for (size_t i = 0; i < HATAGO_REASON_COUNT; i++)
		fprintf(out, "| `%s` | %s | %s |\n", reasons[i].word.label,
			verdicts[reasons[i].asks_for].label, reasons[i].word.help);
	fputs("\n| verdict | meaning |\n|---|---|\n", out);
	for (size_t i = 0; i < HATAGO_VERDICT_COUNT; i++)
		fprintf(out, "| `%s` | %s |\n", verdicts[i].label, verdicts[i].help);
}
