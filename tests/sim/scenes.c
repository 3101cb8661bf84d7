// SPDX-License-Identifier: MIT
/* See scenes.h. */
#include "scenes.h"

#define GATE		   .max = 100, .queue = 200, .queue_timeout_ms = 1000, .timeout_ms = 10000
#define ONE_PHASE(seconds) .end_sec = (seconds), .phase_count = 1

const struct sim_scene scenes[SCENES] = {
	[SCENE_STEADY] = {"steady, within capacity", .work_ms = 100, GATE, ONE_PHASE(60),
			  .phases = {{0, 1500, 200, 1, 0, 0}}},
	[SCENE_FIXED] = {"fixed", .work_ms = 100, GATE, ONE_PHASE(60),
			 .phases = {{0, 600, 40, 1, 0, 0}}},
	[SCENE_CONSTANT] = {"fixed, constant work", .is_constant = true, .work_ms = 100, GATE,
			    ONE_PHASE(60), .phases = {{0, 600, 40, 1, 0, 0}}},
	[SCENE_DEGRADING] = {"degrading", SIM_SHARED, .work_ms = 100, .thrash = 0.5, GATE,
			     ONE_PHASE(60), .phases = {{0, 600, 40, 1, 0, 0}}},
	[SCENE_BIMODAL] = {"bimodal, mix changes", .is_constant = true, .work_ms = 10,
			   .slow_ms = 2000, GATE, .end_sec = 60, .phase_count = 3,
			   .phases = {{0, 600, 200, 1, 0.02, 0},
				      {20, 600, 200, 1, 0.5, 0},
				      {40, 600, 200, 1, 0.02, 0}}},
	[SCENE_BIMODAL_OVER] = {"bimodal, overloaded", .is_constant = true, .work_ms = 10,
				.slow_ms = 2000, GATE, ONE_PHASE(60),
				.phases = {{0, 400, 40, 1, 0.1, 0}}},
	[SCENE_ALL_SLOW] = {"all turn slow", .is_constant = true, .work_ms = 10, .slow_ms = 2000,
			    GATE, .end_sec = 60, .phase_count = 2,
			    .phases = {{0, 600, 200, 1, 0, 0}, {20, 100, 200, 1, 1, 0}}},
	[SCENE_STALLING] = {"stalling", .work_ms = 100, GATE, .end_sec = 60, .phase_count = 3,
			    .phases = {{0, 320, 40, 1, 0, 0},
				       {20, 320, 40, 0, 0, 0},
				       {22, 320, 40, 1, 0, 0}}},
	[SCENE_RECOVERING] = {"recovering", .work_ms = 100, GATE, .end_sec = 60, .phase_count = 3,
			      .phases = {{0, 320, 40, 1, 0, 0},
					 {20, 320, 10, 1, 0, 0},
					 {40, 320, 40, 1, 0, 0}}},
	[SCENE_RECOVERING_SHARED] = {"recovering, degrading", SIM_SHARED, .work_ms = 100,
				     .thrash = 0.5, GATE, .end_sec = 60, .phase_count = 3,
				     .phases = {{0, 320, 40, 1, 0, 0},
						{20, 320, 10, 1, 0, 0},
						{40, 320, 40, 1, 0, 0}}},
	[SCENE_SLOWER] = {"slower by itself", .work_ms = 100, GATE, .end_sec = 80, .phase_count = 4,
			  .phases = {{0, 800, 200, 1, 0, 0},
				     {20, 800, 200, 0.25, 0, 0},
				     {40, 800, 200, 1, 0, 0},
				     {60, 800, 200, 0.25, 0, 0}}},
	[SCENE_LOOP] = {"closed loop", .work_ms = 100, .clients = 200, .think_ms = 100, GATE,
			ONE_PHASE(60), .phases = {{0, 0, 40, 1, 0, 0}}},
};
