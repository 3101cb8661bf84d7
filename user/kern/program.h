/* SPDX-License-Identifier: MIT */
/*
 * From the object inside this binary to maps and a program in the kernel. One load serves
 * one device: it shares all maps with the other devices but `device` and `counters`.
 * Attaches and pins nothing.
 */
#ifndef HATAGO_KERN_PROGRAM_H
#define HATAGO_KERN_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "hatago/abi.h"

/* The maps that all devices share. */
struct program_maps {
	int config, clients, sides, allow, deny, notes;
	int syns; /* not pinned */
};

#define PROGRAM_NO_MAPS                                                                         \
	(struct program_maps)                                                                   \
	{                                                                                       \
		.config = -1, .clients = -1, .sides = -1, .allow = -1, .deny = -1, .notes = -1, \
		.syns = -1                                                                      \
	}

/* Makes empty maps for a table of so many sets, but syns; the lists and notes only if asked for. */
int program_make_maps(uint32_t sets, bool with_lists, struct program_maps *ret, struct err *err);
void program_maps_close(struct program_maps *maps);
/* Makes an empty memory of SYNs, of so many sets (bpf/pressure.h). */
int program_make_syns(uint32_t sets, int *ret_fd, struct err *err);
/*
 * Loads the program for a mode. *device_fd and *counters_fd are the device's own maps; where
 * they are -1, they are made. Changes them only if it succeeds.
 * Errors: -EPERM, -ENOMEM, -EOPNOTSUPP (with the verifier's last words).
 */
int program_load(const struct program_maps *maps, enum hatago_attach_mode mode, int *device_fd,
		 int *counters_fd, int *ret_program_fd, struct err *err);

#endif
