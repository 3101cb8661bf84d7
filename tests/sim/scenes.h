/* SPDX-License-Identifier: MIT */
/* The upstreams and the loads that limiters are compared on. */
#ifndef HATAGO_TESTS_SIM_SCENES_H
#define HATAGO_TESTS_SIM_SCENES_H

#include "sim.h"

enum scene_name {
	SCENE_STEADY,	    /* more is asked for than max, which the upstream bears */
	SCENE_FIXED,	    /* 40 servers, asked for half as much again */
	SCENE_CONSTANT,	    /* the same with work that always takes as long */
	SCENE_DEGRADING,    /* all at once, and less in all the more they are */
	SCENE_BIMODAL,	    /* 10 ms and 2 s, more of the slow for a while; never overloaded */
	SCENE_BIMODAL_OVER, /* the same with 40 servers, overloaded */
	SCENE_ALL_SLOW,	    /* from 10 ms to 2 s at once, all of them; never overloaded */
	SCENE_STALLING,	    /* nothing moves for 2 s */
	SCENE_RECOVERING,   /* 40 servers, 10 from 20 s to 40 s */
	SCENE_RECOVERING_SHARED,
	SCENE_SLOWER, /* each request takes 4 times as long from 20 s to 40 s, and from 60 s on */
	SCENE_LOOP,   /* 200 clients in a closed loop on 40 servers */
	SCENES
};

extern const struct sim_scene scenes[SCENES];

#endif
