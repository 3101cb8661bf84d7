/* SPDX-License-Identifier: MIT */
/*
 * The word on pressure that the packet path obeys (struct hatago_pressure), from shares to
 * its fixed point and back. Pure. Who decides what the shares are is not known here.
 */
#ifndef HATAGO_CORE_PRESSED_H
#define HATAGO_CORE_PRESSED_H

#include <stdbool.h>
#include <stdint.h>

#include "hatago/abi.h"

#define PRESSED_SHARE_MIN (1.0 / 256) /* smaller ones, or no numbers, count as this */

/* What is in force. Shares: of rates and bursts as they are set, 1 to PRESSED_SHARE_MIN. */
struct pressed {
	bool fresh;	       /* somebody says so; else all is as it is set */
	double pressure;       /* 0 to 1 */
	double scale;	       /* the share that clients have */
	double trusted;	       /* that trusted ones have */
	bool has_budget;       /* there is one for strangers */
	bool is_asked;	       /* and it is asked now */
	double strangers;      /* the share of it */
	uint64_t first, again; /* SYNs that it has left at this share */
};

/* As it holds at now_ns, CLOCK_MONOTONIC. */
void pressed_look(const struct hatago_config *config, const struct hatago_rules *rules,
		  uint64_t now_ns, struct pressed *ret);
/* What costs are multiplied by, in 256ths, so that a share is left. */
uint32_t pressed_inv(double share);

#endif
