// SPDX-License-Identifier: MIT
/*
 * limit show|set: what each client may send. A change goes into the rules in force as a
 * whole and holds from the next packet; the buckets stay, so nobody gets a fresh burst.
 */
#include <errno.h>
#include <string.h>

#include "config/limits.h"
#include "ops/commands.h"

int ops_limit_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	struct clients clients;
	int r = ops_clients(ops, &clients, err);

	(void)args;
	if (r == 0)
		ops_write_limits(ops, clients.rules, out);
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
	ops_write_limits(ops, view_rules(ops->view), out);
	return 0;
}
