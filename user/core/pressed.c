// SPDX-License-Identifier: MIT
/*
 * See pressed.h.
 */
#include "core/pressed.h"

#include "hatago/table.h"

uint32_t pressed_inv(double share)
{
	if (!(share > PRESSED_SHARE_MIN)) /* no number either */
		return HATAGO_INV_MAX;
	return share < 1 ? (uint32_t)(HATAGO_INV_ONE / share + 0.5) : HATAGO_INV_ONE;
}

static double pressed_share(uint32_t inv)
{
	if (inv <= HATAGO_INV_ONE)
		return 1;
	return (double)HATAGO_INV_ONE / (inv < HATAGO_INV_MAX ? inv : HATAGO_INV_MAX);
}

static uint64_t pressed_tokens(const __u64 *word, const struct hatago_limit *limit, double share,
			       uint64_t now_ns)
{
	return (uint64_t)((double)bucket_tokens(BUCKET_READ(*word), limit, bucket_time(now_ns)) *
			  share);
}

void pressed_look(const struct hatago_config *config, const struct hatago_rules *rules,
		  uint64_t now_ns, struct pressed *ret)
{
	const struct hatago_pressure *from = &config->pressure;
	struct pressed p = {
		.fresh = pressure_is_fresh(from, now_ns),
		.scale = 1,
		.trusted = 1,
		.has_budget = rules->flags & HATAGO_STRANGERS,
		.is_asked = strangers_are_asked(from, rules, now_ns),
		.strangers = 1,
	};

	if (p.fresh) {
		p.pressure = (double)BUCKET_READ(from->per_mille) / 1000;
		p.scale = pressed_share(BUCKET_READ(from->scale_inv));
	}
	if (p.scale < 1)
		p.trusted = pressed_share(BUCKET_READ(from->trusted_inv));
	if (p.is_asked)
		p.strangers = pressed_share(BUCKET_READ(from->strangers_inv));
	if (p.has_budget && rules->strangers.tau) {
		p.first = pressed_tokens(&config->strangers.first, &rules->strangers, p.strangers,
					 now_ns);
		p.again = pressed_tokens(&config->strangers.again, &rules->strangers, p.strangers,
					 now_ns);
	}
	*ret = p;
}
