/* SPDX-License-Identifier: MIT */
/*
 * From refusals to the edge: counts how often the gate refused a client lately, and marks
 * in its slot that the packet path drops its new connections while it is in debt
 * (HATAGO_ESCALATED). Pure: chance and time are passed in. The counts are private to the
 * process and bounded; no lock is taken, so one thread at a time.
 */
#ifndef HATAGO_CORE_ESCALATE_H
#define HATAGO_CORE_ESCALATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clients.h"

#define ESCALATE_ENTRIES 4096u /* clients that are counted at one time */
#define ESCALATE_WAYS	 8u    /* of them, where one client may be counted */
#define ESCALATE_SLICES	 8u    /* of a window: what is older than it is forgotten in such parts */

struct escalate;

struct escalate_options {
	uint32_t after;	    /* refusals within the window that are borne; 0: it never escalates */
	uint64_t window_ns; /* at least ESCALATE_SLICES */
};

/* seed: random, so that nobody can aim at another's entry. 0 or -ENOMEM; free accepts NULL. */
int escalate_new(uint64_t seed, struct escalate **ret);
void escalate_free(struct escalate *escalate);

/*
 * Counts a refusal; key: the client's, as table_key() gives it. true: with this one there
 * were more than `after` within the window (of seven to eight eighths of its length).
 * Where all ways are taken, the client whose last refusal is longest ago is forgotten.
 */
bool escalate_refused(struct escalate *escalate, uint64_t key,
		      const struct escalate_options *options, uint64_t now_ns);

/*
 * Escalates a client for as long as it is in debt: for debt_ns, for that of its request
 * buckets, and for one tick, whichever is longest. What it takes meanwhile prolongs that
 * (requests.h). A ban is left as it is; trust is lost. true: it was not escalated before;
 * false also where nothing was done, since it is banned or has no slot of its own.
 */
bool escalate_mark(const struct clients *clients, struct hatago_client_id id, uint64_t debt_ns,
		   uint64_t now_ns);
/* Ends it; the debt stays. true: it was escalated. */
bool escalate_clear(const struct clients *clients, struct hatago_client_id id, uint64_t now_ns);
/* Nanoseconds that it still lasts; 0: it is not escalated. */
uint64_t escalate_remaining_ns(const struct hatago_slot *slot, uint64_t now_ns);

#endif
