// SPDX-License-Identifier: MIT
/*
 * The pressure in `status` and `limit show`: what the packet path makes of hatagod's word
 * now, which is nothing at all once that is stale.
 */
#include "core/pressed.h"
#include "ops/commands.h"

void ops_write_pressure(const struct ops_context *ops, const struct clients *clients,
			struct json *out)
{
	const struct hatago_limit *limit = &clients->rules->strangers;
	struct pressed p;

	pressed_look(clients->config, clients->rules, ops->mono_ns(), &p);
	json_object_begin(out, "pressure");
	json_bool(out, "fresh", p.fresh);
	json_double(out, "pressure", p.pressure);
	json_double(out, "scale", p.scale);
	json_double(out, "trusted_scale", p.trusted);
	json_u64(out, "max_connections", clients->rules->max_connections);
	json_object_begin(out, "strangers");
	json_bool(out, "enabled", p.has_budget);
	json_bool(out, "asked", p.is_asked);
	if (p.has_budget) {
		json_double(out, "rate", (double)limit->rate_milli / 1000);
		json_u64(out, "burst", limit->burst);
		json_double(out, "scale", p.strangers);
		json_u64(out, "tokens", p.first);
		json_u64(out, "tokens_again", p.again);
	}
	json_object_end(out);
	json_object_end(out);
}
