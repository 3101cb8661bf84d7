// SPDX-License-Identifier: MIT
/*
 * See stall.h. The kernel looks at a trigger's window ten times; our own looks read the same
 * counters, and take the mean of as many as make up that window.
 */
#include "agent/stall.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define STALL_SIGNALS	6 /* a resource's some and full */
#define STALL_WINDOW_US PSI_WINDOW_MIN_US
#define STALL_LOOK_MS	80
#define STALL_LOOKS	6 /* that make up a window */

_Static_assert(STALL_LOOKS *STALL_LOOK_MS == STALL_WINDOW_US / 1000 / STALL_LOOK_MS * STALL_LOOK_MS,
	       "as many as fit");

struct trigger {
	uv_poll_t poll;
	struct stall *stall;
	struct psi_trigger psi;
	enum pressure_signal signal;
	bool is_open;
};

struct stall {
	struct stall_options options; /* its sense is good for stall_new() alone */
	uv_loop_t *loop;
	struct sense *sense; /* NULL: it is being freed */
	struct trigger triggers[STALL_SIGNALS];
	uv_timer_t timer;
	double recent[STALL_SIGNALS][STALL_LOOKS]; /* percent */
	unsigned int looks;
	unsigned int open; /* handles that are to be closed before this is freed */
};

enum pressure_signal stall_signal(enum sense_resource resource, enum psi_kind kind)
{
	return PRESSURE_PSI_CPU_SOME + (unsigned int)resource * 2 + (unsigned int)kind;
}

_Static_assert(PRESSURE_PSI_IO_FULL - PRESSURE_PSI_CPU_SOME == STALL_SIGNALS - 1 &&
		       (int)SENSE_IO * 2 + (int)PSI_FULL == STALL_SIGNALS - 1,
	       "signals go by resource and kind");

/* --- looks of our own --- */

/* The signal whose mean over the window is furthest over its threshold; or none. */
static enum pressure_signal look_worst(const struct stall *stall)
{
	enum pressure_signal worst = PRESSURE_SIGNALS;
	double most = 1;

	for (unsigned int i = 0; i < STALL_SIGNALS; i++) {
		double threshold = stall->options.threshold[PRESSURE_PSI_CPU_SOME + i], mean = 0;

		for (unsigned int n = 0; n < STALL_LOOKS; n++)
			mean += stall->recent[i][n] / STALL_LOOKS;
		if (threshold <= 0 || mean / threshold <= most)
			continue;
		most = mean / threshold;
		worst = PRESSURE_PSI_CPU_SOME + i;
	}
	return worst;
}

static void on_timer(uv_timer_t *timer)
{
	struct stall *stall = timer->data;
	unsigned int at = stall->looks++ % STALL_LOOKS;
	enum pressure_signal worst;
	struct sense_load load;

	sense_read(stall->sense, clock_mono_ns(), &load);
	for (unsigned int r = 0; r < SENSE_RESOURCES; r++) { /* what is not valid is 0 */
		stall->recent[r * 2 + PSI_SOME][at] = load.psi[r].some_percent;
		stall->recent[r * 2 + PSI_FULL][at] = load.psi[r].full_percent;
	}
	worst = look_worst(stall);
	if (worst < PRESSURE_SIGNALS)
		stall->options.over(stall->options.ctx, worst);
}

/* --- triggers --- */

static void one_closed(struct stall *stall)
{
	if (--stall->open == 0)
		free(stall);
}

static void on_trigger_closed(uv_handle_t *handle)
{
	struct trigger *trigger = handle->data;

	close(trigger->psi.fd);
	trigger->is_open = false;
	one_closed(trigger->stall);
}

static void trigger_close(struct trigger *trigger)
{
	if (trigger->is_open && !uv_is_closing((uv_handle_t *)&trigger->poll))
		uv_close((uv_handle_t *)&trigger->poll, on_trigger_closed);
}

static void on_trigger(uv_poll_t *poll, int status, int events)
{
	struct trigger *trigger = poll->data;
	struct stall *stall = trigger->stall;

	(void)events;
	if (status < 0 || psi_trigger_check(&trigger->psi) < 0)
		trigger_close(trigger);
	else if (stall->sense)
		stall->options.over(stall->options.ctx, trigger->signal);
}

/* false: there is one to be had, but only with a longer window. */
static bool trigger_open(struct stall *stall, enum sense_resource resource, enum psi_kind kind)
{
	enum pressure_signal signal = stall_signal(resource, kind);
	struct trigger *trigger = &stall->triggers[signal - PRESSURE_PSI_CPU_SOME];
	double percent = stall->options.threshold[signal];
	char path[SENSE_PATH_MAX];

	if (percent <= 0 || !sense_psi_path(stall->sense, resource, path) ||
	    psi_trigger_open(path, kind, (uint32_t)(percent / 100 * STALL_WINDOW_US),
			     STALL_WINDOW_US, &trigger->psi) < 0)
		return true; /* not watched */
	if (trigger->psi.window_us > STALL_WINDOW_US ||
	    uv_poll_init(stall->loop, &trigger->poll, trigger->psi.fd) < 0) {
		close(trigger->psi.fd);
		return false;
	}
	trigger->stall = stall;
	trigger->signal = signal;
	trigger->poll.data = trigger;
	trigger->is_open = true;
	stall->open++;
	uv_poll_start(&trigger->poll, UV_PRIORITIZED, on_trigger);
	return true;
}

/* --- begin and end --- */

int stall_new(uv_loop_t *loop, const struct stall_options *options, struct stall **ret,
	      struct err *err)
{
	struct stall *stall = calloc(1, sizeof(*stall));
	struct sense_load load;
	bool has_all = true;
	int r;

	if (!stall)
		return err_set(err, -ENOMEM, "out of memory");
	stall->options = *options;
	stall->loop = loop;
	r = sense_open(&options->sense, &stall->sense, err);
	if (r < 0) {
		free(stall);
		return r;
	}
	stall->timer.data = stall;
	uv_timer_init(loop, &stall->timer);
	stall->open = 1;
	/* Tells no share yet, but which files there are to have triggers on. */
	sense_read(stall->sense, clock_mono_ns(), &load);
	for (unsigned int i = 0; i < STALL_SIGNALS; i++)
		has_all &=
			trigger_open(stall, (enum sense_resource)(i / 2), (enum psi_kind)(i % 2));
	if (!has_all)
		uv_timer_start(&stall->timer, on_timer, STALL_LOOK_MS, STALL_LOOK_MS);
	*ret = stall;
	return 0;
}

uint32_t stall_triggers(const struct stall *stall)
{
	return stall ? stall->open - 1 : 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	one_closed(handle->data);
}

struct stall *stall_free(struct stall *stall)
{
	if (!stall)
		return NULL;
	stall->sense = sense_close(stall->sense);
	for (size_t i = 0; i < STALL_SIGNALS; i++)
		trigger_close(&stall->triggers[i]);
	uv_close((uv_handle_t *)&stall->timer, on_timer_closed);
	return NULL;
}
