/* SPDX-License-Identifier: MIT */
/*
 * How many connections each client has with the gate, for all workers, where that is bounded.
 */
#ifndef HATAGO_GATE_PEERS_H
#define HATAGO_GATE_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "hatago/abi.h"

struct gate;

/* false: it has as many as it may, or memory is short. */
bool peers_enter(struct gate *gate, struct hatago_client_id id, uint32_t max);
void peers_leave(struct gate *gate, struct hatago_client_id id);
void peers_done(struct gate *gate);

#endif
