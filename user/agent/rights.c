// SPDX-License-Identifier: MIT
/*
 * Which rights hatagod keeps once everything is set up: those that the packet program and
 * its devices take. Whoever takes over the process then can't read other people's files,
 * load modules, or get any of that back by starting a program.
 */
#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "agent/agent.h"

int rights_drop(struct err *err)
{
	static const unsigned int kept[] = {CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON};
	bool has[sizeof(kept) / sizeof(kept[0])], may_bound;

	if (capng_get_caps_process() < 0)
		return err_set(err, -EPERM, "can't read the process's capabilities");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		has[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (has[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
	if (capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0)
		return err_set(err, -EPERM, "can't drop the capabilities that are not needed");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "can't give up new privileges: %s", strerror(errno));
	return 0;
}
