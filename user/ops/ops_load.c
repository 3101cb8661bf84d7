// SPDX-License-Identifier: MIT
/*
 * The load's part of `status`: each signal with its threshold, and how far the limits are
 * scaled for them. hatagod alone knows it (daemon->pressure), and only with adaptation.
 */
#include "ops/commands.h"

static void write_signal(const struct pressure_view *load, enum pressure_signal signal,
			 struct json *out)
{
	double value = load->load.value[signal], threshold = load->now.options.threshold[signal];
	bool is_known = pressure_load_has(&load->load, signal);

	json_object_begin(out, NULL);
	json_str(out, "signal", pressure_signal_name(signal));
	if (is_known)
		json_rounded(out, "value", value);
	else
		json_nil(out, "value");
	json_double(out, "threshold", threshold);
	json_str(out, "unit", signal == PRESSURE_RESPONSE_TIME ? "ms" : "%");
	json_bool(out, "over", is_known && value > threshold);
	json_object_end(out);
}

void ops_write_load(const struct ops_context *ops, struct json *out)
{
	const struct ops_daemon *daemon = ops->daemon;
	struct pressure_view load = {0};

	if (daemon && daemon->pressure)
		daemon->pressure(ops->daemon_ctx, &load);
	if (!load.is_on) {
		json_nil(out, "load");
		return;
	}
	json_object_begin(out, "load");
	json_rounded(out, "pressure", load.now.pressure);
	json_rounded(out, "scale", load.now.scale);
	json_str(out, "reason", pressure_reason(&load.now));
	json_array_begin(out, "signals");
	for (int signal = 0; signal < PRESSURE_SIGNALS; signal++)
		if (load.now.options.threshold[signal] > 0)
			write_signal(&load, signal, out);
	json_array_end(out);
	json_u64(out, "triggers", load.triggers);
	json_object_end(out);
}
