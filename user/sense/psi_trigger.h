/* SPDX-License-Identifier: MIT */
/*
 * A descriptor that wakes its poller when the kernel has seen too much pressure stall in a
 * window: the agent looks at once instead of at its next check. Documentation/accounting/
 * psi.rst, "Monitoring for pressure thresholds"; Linux 5.2 and later.
 *
 * Poll for POLLPRI (uv_poll with UV_PRIORITIZED); the kernel looks ten times a window and
 * wakes at most once a window. Open before rights are dropped: windows that are no
 * multiple of 2 s take CAP_SYS_RESOURCE, and so does any window before Linux 6.5. What is
 * open stays so.
 */
#ifndef HATAGO_SENSE_PSI_TRIGGER_H
#define HATAGO_SENSE_PSI_TRIGGER_H

#include <stdint.h>

#define PSI_WINDOW_MIN_US	500000u /* the kernel's bounds */
#define PSI_WINDOW_MAX_US	10000000u
#define PSI_WINDOW_RIGHTLESS_US 2000000u /* what may be had without rights */

enum psi_kind { PSI_SOME, PSI_FULL };

struct psi_trigger {
	int fd;				  /* owned by the caller: close() ends the trigger */
	uint32_t threshold_us, window_us; /* as the kernel took them */
};

/*
 * Wakes when stalls of threshold_us (1 to window_us) fall in window_us. Where the kernel
 * refuses that window for want of rights, the threshold's share of a window of 2 s is
 * taken: look at window_us, for that one wakes within seconds and not within a tenth of one,
 * and reading `total` more often may serve better. `path` is sense_psi_path()'s. 0, or what the
 * kernel said: -EINVAL (a bad value, or no `full` for CPU before 5.13), -EPERM, -EACCES, -ENOENT,
 * -EOPNOTSUPP (PSI is off: boot with psi=1), -EBUSY and others; then there is no trigger, and
 * checks alone must do.
 */
int psi_trigger_open(const char *path, enum psi_kind kind, uint32_t threshold_us,
		     uint32_t window_us, struct psi_trigger *ret);
/*
 * After each wake: 0, or -ENODEV: the cgroup is gone, and poll would return for ever; close
 * it.
 */
int psi_trigger_check(const struct psi_trigger *trigger);

#endif
