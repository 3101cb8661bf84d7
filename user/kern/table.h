/* SPDX-License-Identifier: MIT */
/*
 * The maps that change together when the client table is made anew: config, clients and
 * sides, mapped for writing, and the content carried over from another table. Decides
 * nothing about when; knows no pins.
 */
#ifndef HATAGO_KERN_TABLE_H
#define HATAGO_KERN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "hatago/abi.h"
#include "kern/program.h"
#include "kern/view.h"

struct table {
	struct program_maps maps; /* the lists and notes only where it is the first table */
	struct hatago_config *config;
	struct hatago_set *sets;
	struct hatago_side *sides;
	uint32_t set_count;
};

struct table_carried {
	uint32_t clients; /* live ones that the new table holds */
	uint32_t lost;	  /* that found no place in it */
	uint32_t lost_bans;
};

/*
 * An empty table with these rules in force. secret: of another table, whose keys are to be
 * carried over, or NULL for a new one.
 */
int table_make(uint32_t max_clients, const uint64_t secret[2], bool with_lists,
	       const struct hatago_rules *rules, struct table *ret, struct err *err);
void table_done(struct table *table);
/*
 * Carries every live client of a view over, banned ones first; for those that stand in the
 * new table already, whichever bucket is emptier, whichever ban is longer. So it may be done
 * again, to take over what happened meanwhile.
 */
void table_carry(const struct view *from, struct table *to, uint64_t now_ns,
		 struct table_carried *ret);
/* How many clients are banned now. */
uint32_t table_bans(const struct view *view, uint64_t now_ns);

#endif
