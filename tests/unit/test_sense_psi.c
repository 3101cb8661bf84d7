// SPDX-License-Identifier: MIT
/*
 * PSI triggers: what is written to the kernel, and that the kernel wakes a uv loop when
 * threads have to wait for a CPU, with rights and without. Takes a kernel with PSI.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "sense/psi_trigger.h"

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))
#define PRESSURE      "/proc/pressure/cpu"
#define THRESHOLD_US  20000u
#define PATIENCE_MS   20000
#define BURNERS_MAX   64
#define CHILD_SECONDS 20

static const char no_psi[] = "this kernel has no PSI";

static bool kernel_has_psi(void)
{
	return access(PRESSURE, R_OK) == 0;
}

static void skip_for(const char *reason)
{
	print_message("SKIP: %s\n", reason);
	skip();
}

/* The line goes out as the kernel wants it, with a NUL for the byte that it cuts off. */
static void line(void **state)
{
	static const struct {
		enum psi_kind kind;
		uint32_t threshold_us, window_us;
		int result;
		const char *text;
	} cases[] = {
		{PSI_SOME, 150000, 1000000, 0, "some 150000 1000000"},
		{PSI_FULL, 1, PSI_WINDOW_MIN_US, 0, "full 1 500000"},
		{PSI_SOME, 10000000, 10000000, 0, "some 10000000 10000000"},
		{PSI_SOME, 0, 1000000, -EINVAL, ""},
		{PSI_SOME, 1000001, 1000000, -EINVAL, ""},
		{PSI_SOME, 1, PSI_WINDOW_MIN_US - 1, -EINVAL, ""},
		{PSI_SOME, 1, PSI_WINDOW_MAX_US + 1, -EINVAL, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[] = "/tmp/hatago-psi-XXXXXX", text[64] = "";
		int fd = mkstemp(path);
		struct psi_trigger trigger = {.fd = -1};

		assert_true(fd >= 0);
		assert_int_equal(psi_trigger_open(path, cases[i].kind, cases[i].threshold_us,
						  cases[i].window_us, &trigger),
				 cases[i].result);
		assert_true(read(fd, text, sizeof(text) - 1) >= 0);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(trigger.fd >= 0, cases[i].result == 0);
		if (trigger.fd >= 0)
			close(trigger.fd);
		close(fd);
		unlink(path);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *path;
		int result;
	} cases[] = {
		{"/nowhere/pressure", -ENOENT},
		{"/proc", -EISDIR},
		{"/dev/full", -ENOSPC},
	};
	struct psi_trigger trigger;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(psi_trigger_open(cases[i].path, PSI_SOME, 1, 1000000, &trigger),
				 cases[i].result);
}

static atomic_bool is_over;

static void *burn(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&is_over, memory_order_relaxed))
		;
	return NULL;
}

struct waiter {
	int wakes, status, events;
	bool is_late;
};

static void on_wake(uv_poll_t *poll, int status, int events)
{
	struct waiter *waiter = poll->data;

	waiter->wakes++;
	waiter->status = status;
	waiter->events = events;
	uv_stop(poll->loop);
}

static void on_late(uv_timer_t *timer)
{
	struct waiter *waiter = timer->data;

	waiter->is_late = true;
	uv_stop(timer->loop);
}

/* Runs a loop until the trigger wakes it twice, or patience is at its end. */
static void wait_for(const struct psi_trigger *trigger, struct waiter *waiter)
{
	uv_loop_t loop;
	uv_poll_t poll;
	uv_timer_t timer;

	uv_loop_init(&loop);
	uv_poll_init(&loop, &poll, trigger->fd);
	uv_timer_init(&loop, &timer);
	poll.data = timer.data = waiter;
	uv_poll_start(&poll, UV_PRIORITIZED, on_wake);
	uv_timer_start(&timer, on_late, PATIENCE_MS, 0);
	while (waiter->wakes < 2 && !waiter->is_late)
		uv_run(&loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&poll, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
}

/* More threads than CPUs: one of them always waits. */
static void burn_and_wait(const struct psi_trigger *trigger, struct waiter *waiter)
{
	pthread_t burners[BURNERS_MAX];
	int count = get_nprocs() + 1;

	if (count > BURNERS_MAX)
		count = BURNERS_MAX;
	atomic_store(&is_over, false);
	for (int i = 0; i < count; i++)
		assert_int_equal(pthread_create(&burners[i], NULL, burn, NULL), 0);
	wait_for(trigger, waiter);
	atomic_store(&is_over, true);
	for (int i = 0; i < count; i++)
		pthread_join(burners[i], NULL);
}

static void wakes(void **state)
{
	struct psi_trigger trigger = {.fd = -1};
	struct waiter waiter = {0};

	(void)state;
	if (!kernel_has_psi())
		skip_for(no_psi);
	assert_int_equal(
		psi_trigger_open(PRESSURE, PSI_SOME, THRESHOLD_US, PSI_WINDOW_MIN_US, &trigger), 0);
	burn_and_wait(&trigger, &waiter);
	assert_false(waiter.is_late);
	assert_int_equal(waiter.status, 0);
	assert_int_equal(waiter.events, UV_PRIORITIZED);
	assert_int_equal(psi_trigger_check(&trigger), 0);
	close(trigger.fd);
}

/* The exit status of what the child says. */
static int in_child(int (*child)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		_exit(child());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* 0: without CAP_SYS_RESOURCE the window is 2 s, and the threshold the same share of it. */
static int without_rights(void)
{
	struct psi_trigger trigger = {.fd = -1};
	int r;

	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return 1;
	r = psi_trigger_open(PRESSURE, PSI_SOME, THRESHOLD_US, PSI_WINDOW_MIN_US, &trigger);
	if (r == -EPERM)
		return 2;
	if (r != 0)
		return 3;
	return trigger.window_us == PSI_WINDOW_RIGHTLESS_US &&
			       trigger.threshold_us == THRESHOLD_US * 4
		       ? 0
		       : 4;
}

static void falls_back(void **state)
{
	int status;

	(void)state;
	if (!kernel_has_psi())
		skip_for(no_psi);
	status = in_child(without_rights);
	if (status == 2)
		skip_for("this kernel has no PSI triggers without rights");
	assert_int_equal(status, 0);
}

/* 0: when its cgroup is removed, a trigger says so. In a mount namespace of its own. */
static int removed_cgroup(void)
{
	char at[] = "/tmp/hatago-cgroup-XXXXXX", folder[64], path[96];
	struct psi_trigger trigger = {.fd = -1};
	int r = 1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 2;
	if (!mkdtemp(at))
		return 1;
	if (mount("hatago-test", at, "cgroup2", 0, NULL) == 0) {
		snprintf(folder, sizeof(folder), "%s/hatago-test-%d", at, (int)getpid());
		snprintf(path, sizeof(path), "%s/cpu.pressure", folder);
		if (mkdir(folder, 0755) == 0 &&
		    psi_trigger_open(path, PSI_SOME, THRESHOLD_US, PSI_WINDOW_MIN_US, &trigger) ==
			    0 &&
		    psi_trigger_check(&trigger) == 0 && rmdir(folder) == 0)
			r = psi_trigger_check(&trigger) == -ENODEV ? 0 : 3;
		rmdir(folder);
		umount2(at, MNT_DETACH);
	}
	rmdir(at);
	return r;
}

static void cgroup_goes(void **state)
{
	int status;

	(void)state;
	if (!kernel_has_psi())
		skip_for(no_psi);
	status = in_child(removed_cgroup);
	if (status == 2)
		skip_for("may not make namespaces");
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line),	       cmocka_unit_test(refused),
		cmocka_unit_test(wakes),       cmocka_unit_test(falls_back),
		cmocka_unit_test(cgroup_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
