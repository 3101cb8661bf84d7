// SPDX-License-Identifier: MIT
/*
 * The member `adaptive` in a snapshot's JSON: the load of the machine, its thresholds, and how
 * far the limits are scaled for it. Of the signals those that have a threshold.
 */
#include "metrics/json.h"

static void write_signal(const struct pressure_view *load, enum pressure_signal signal,
			 struct json *out)
{
	json_object_begin(out, pressure_signal_name(signal));
	if (pressure_load_has(&load->load, signal))
		json_rounded(out, "value", load->load.value[signal]);
	else
		json_nil(out, "value");
	json_double(out, "threshold", load->now.options.threshold[signal]);
	json_object_end(out);
}

void metrics_json_load(const struct pressure_view *load, struct json *out)
{
	json_object_begin(out, "adaptive");
	json_bool(out, "enabled", load->is_on);
	json_rounded(out, "pressure", load->now.pressure);
	json_rounded(out, "scale", load->now.scale);
	json_str(out, "reason", pressure_reason(&load->now));
	json_object_begin(out, "signals");
	for (int signal = 0; signal < PRESSURE_SIGNALS; signal++)
		if (load->now.options.threshold[signal] > 0)
			write_signal(load, signal, out);
	json_object_end(out);
	json_u64(out, "triggers", load->triggers);
	json_object_begin(out, "machine");
	json_array_begin(out, "loadAverage");
	for (size_t i = 0; i < 3; i++)
		json_rounded(out, NULL, load->load_average[i]);
	json_array_end(out);
	json_u64(out, "softnetDropped", load->softnet_dropped);
	json_u64(out, "softnetSqueezed", load->softnet_squeezed);
	json_object_end(out);
	json_object_end(out);
}
