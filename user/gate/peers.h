/* SPDX-License-Identifier: MIT */
/*
 * How many connections each client has with the gate, for all workers: to bound them here, and
 * to tell the edge, which trusts whoever completed a handshake and drops the SYN of one too
 * many. The edge is told only of connections that the client itself made: not of those that
 * a proxy vouches for.
 */
#ifndef HATAGO_GATE_PEERS_H
#define HATAGO_GATE_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "hatago/abi.h"

struct gate;

/* max: of one client; 0: no limit. false: it has as many, or memory is short. */
bool peers_enter(struct gate *gate, struct hatago_client_id id, uint32_t max, bool is_direct,
		 uint64_t now_ns);
void peers_leave(struct gate *gate, struct hatago_client_id id, bool is_direct, uint64_t now_ns);
/* A proxy that vouches for others: it completed the handshake, so the edge trusts it. */
void peers_trust(struct gate *gate, struct hatago_client_id proxy, uint64_t now_ns);
/* Keeps up what the edge was told of those who stay connected; to be called about once a second. */
void peers_refresh(struct gate *gate, uint64_t now_ns);
/* The edge has another table, or other rules: it is to be told anew. The lock is held. */
void peers_forget_told(struct gate *gate);
void peers_done(struct gate *gate);

#endif
