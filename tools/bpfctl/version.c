// SPDX-License-Identifier: MIT
/*
 * version: of this program and, where it answers, of hatagod. That nobody answers is no
 * error here.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "bpfctl.h"

static json_t *version_of(char *answer)
{
	_cleanup_free_ char *text = answer;
	json_t *root = text ? json_loads(text, 0, NULL) : NULL;
	json_t *result = json_incref(json_object_get(root, "result"));

	json_decref(root);
	return result ? result : json_null();
}

char *version_run(struct transport *transport, const struct parsed *args)
{
	struct ops_command remote = *args->command;
	json_t *own = version_of(transport_call(transport, args->command, args->arguments));
	json_t *other, *root;
	char *text;

	remote.where = OPS_DAEMON; /* the same, asked of hatagod */
	other = version_of(transport_call(transport, &remote, args->arguments));
	root = json_pack("{s:{s:O, s:O, s:O}}", "result", "version",
			 json_object_get(own, "version"), "abi", json_object_get(own, "abi"),
			 "hatagod", other);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	json_decref(other);
	json_decref(own);
	return text;
}
