// SPDX-License-Identifier: MIT
/*
 * limit show|set: what each client may send, and ask of the gate. A change goes into the
 * rules in force as a whole and holds from the next packet; the buckets stay, so nobody gets
 * a fresh burst.
 */
#include <errno.h>
#include <string.h>

#include "config/limits.h"
#include "ops/commands.h"

const struct config *ops_gate_config(const struct ops_context *ops)
{
	const struct config *config = ops->daemon ? ops->daemon->config(ops->daemon_ctx) : NULL;

	return config && config->gate.enabled && config->rate_limiting.enabled ? config : NULL;
}

/* A limit as it is to be shown. */
struct ops_limit_row {
	const char *label, *unit;
	const struct hatago_limit *limit; /* NULL: off */
	const struct hatago_limit *configured;
	bool is_known; /* what is configured; NULL there: off */
	bool is_shared;
};

static bool ops_is_as_configured(const struct ops_limit_row *row)
{
	const struct hatago_limit *a = row->limit, *b = row->configured;

	if (!a || !b)
		return a == b;
	return a->rate_milli == b->rate_milli && a->burst == b->burst && a->step == b->step;
}

static void ops_write_limit(const struct ops_limit_row *row, struct json *out)
{
	json_object_begin(out, NULL);
	json_str(out, "dimension", row->label);
	json_bool(out, "enabled", row->limit != NULL);
	if (row->limit) {
		json_double(out, "rate", (double)row->limit->rate_milli / 1000);
		json_u64(out, "burst", row->limit->burst);
		ops_write_ms("refill_ms", row->limit->step >> HATAGO_TIME_SHIFT, out);
	}
	json_str(out, "unit", row->unit);
	json_bool(out, "shared", row->is_shared);
	if (row->is_known)
		json_bool(out, "as_configured", ops_is_as_configured(row));
	json_object_end(out);
}

static const struct hatago_limit *ops_configured_limit(const struct config *config, uint32_t d)
{
	if (d == HATAGO_DIM_REQUESTS)
		return config->gate.enabled && config->rate_limiting.enabled
			       ? &config->rate_limiting.limit
			       : NULL;
	return config->edge.dimension[d].enabled ? &config->edge.dimension[d].limit : NULL;
}

/* Without an edge, only what is the gate's. */
void ops_write_limits(const struct ops_context *ops, const struct hatago_rules *rules,
		      struct json *out)
{
	const struct config *config = ops->daemon ? ops->daemon->config(ops->daemon_ctx) : NULL;
	const struct config *gate = ops_gate_config(ops);
	struct ops_limit_row row = {.is_known = config != NULL};

	json_array_begin(out, "limits");
	for (uint32_t d = rules ? 0 : HATAGO_DIM_REQUESTS; d < HATAGO_DIM_COUNT; d++) {
		row.label = ops_dimension_label(d);
		row.unit = ops_dimension_unit(d);
		row.configured = config ? ops_configured_limit(config, d) : NULL;
		row.limit = rules && (rules->dimensions & (1u << d)) ? &rules->limit[d] : NULL;
		if (!rules)
			row.limit = row.configured;
		if (d == HATAGO_DIM_REQUESTS && !row.limit && !row.configured)
			continue; /* no gate */
		row.is_shared =
			d == HATAGO_DIM_REQUESTS && gate && !gate->concurrency.per_client_limits;
		ops_write_limit(&row, out);
	}
	if (gate) {
		row.label = OPS_HANDSHAKES;
		row.unit = "requests that begin a session, which take from here first";
		row.limit = row.configured = &gate->gate.handshake;
		ops_write_limit(&row, out);
	}
	json_array_end(out);
}

int ops_limit_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct clients clients;
	int r = ops_clients(ops, &clients, err);

	(void)args;
	if (r == 0) {
		ops_write_limits(ops, clients.rules, out);
		ops_write_pressure(ops, &clients, out);
	} else if (ops_gate_config(ops)) {
		ops_write_limits(ops, NULL, out);
		r = 0;
	}
	return r;
}

static uint32_t ops_dimension(const char *text)
{
	uint32_t d = 0;

	while (d < HATAGO_EDGE_DIMENSIONS && strcmp(ops_dimension_label(d), text) != 0)
		d++;
	return d;
}

/* The limit that is asked for; *ret_off where it is to be none. */
static int ops_limit_read(const json_t *args, uint32_t d, struct hatago_limit *ret, bool *ret_off,
			  struct err *err)
{
	uint64_t milli = ops_rate_milli(args, "rate"), burst = ops_count(args, "burst", 0);
	uint32_t step_ms = (uint32_t)ops_duration_ms(args, "refill", 0);

	*ret_off = milli == 0;
	if (*ret_off)
		return burst || step_ms ? err_set(err, -EINVAL,
						  "a limit that is off has no burst and no refill")
					: 0;
	if (!burst)
		return err_set(err, -EINVAL,
			       "BURST is missing: the tokens that a client may take at once after "
			       "a pause");
	if (d == HATAGO_DIM_BYTES && burst < CONFIG_FRAME_MIN)
		return err_set(err, -EINVAL,
			       "a burst of %llu bytes would drop every full frame for ever; it "
			       "must be %d at least",
			       (unsigned long long)burst, CONFIG_FRAME_MIN);
	if (hatago_limit_make(milli, burst, step_ms, ret) == 0)
		return 0;
	return err_set(err, -ERANGE,
		       "RATE must be from 0.001 to 10^12 tokens a second and fill BURST within 30 "
		       "days");
}

int ops_limit_set(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	uint32_t d = ops_dimension(ops_text(args, "dimension"));
	struct hatago_rules *rules;
	struct hatago_limit limit = {0};
	struct clients clients;
	bool off = false;
	int r = ops_clients_writable(ops, &clients, err);

	if (r == 0)
		r = ops_limit_read(args, d, &limit, &off, err);
	if (r == 0)
		r = view_rules_begin(ops->view, &rules, err);
	if (r != 0)
		return r;
	if (off) {
		rules->dimensions &= ~(1u << d);
	} else {
		rules->dimensions |= 1u << d;
		rules->limit[d] = limit;
	}
	view_rules_commit(ops->view);
	clients = view_clients(ops->view); /* begin may have taken over another table */
	ops_write_limits(ops, clients.rules, out);
	ops_write_pressure(ops, &clients, out);
	return 0;
}
