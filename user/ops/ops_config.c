// SPDX-License-Identifier: MIT
/*
 * config check|show|reload. A check needs nobody but the file; what hatagod runs and the
 * reload itself are hatagod's.
 */
#include <errno.h>
#include <stdint.h>

#include "config/config.h"
#include "config/describe.h"
#include "ops/commands.h"

static void config_tell(struct ops_context *ops, struct config_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		ops_problem(ops, SIZE_MAX, problems->lines[i]);
	config_problems_done(problems);
}

int ops_config_check(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const char *path = ops_text(args, "path");
	struct config_problems problems = {0};
	struct config *config = NULL;
	int r = config_load(path, &config, &problems);

	config_tell(ops, &problems);
	config_free(config);
	if (r < 0)
		return err_set(err, -EINVAL, "%s: %zu problem%s", path, ops->problem_count,
			       ops->problem_count == 1 ? "" : "s");
	json_str(out, "file", path);
	json_bool(out, "valid", true);
	return 0;
}

int ops_config_show(struct ops_context *ops, const json_t *args, struct json *out, struct err *err)
{
	const struct config *config = ops->daemon->config(ops->daemon_ctx);
	struct ops_daemon_info info = {0};

	(void)args;
	if (!config)
		return err_set(err, -ENOENT, "hatagod runs without a configuration");
	ops->daemon->info(ops->daemon_ctx, &info);
	json_str(out, "file", info.config_path);
	config_json(config, "config", out);
	return 0;
}

int ops_config_reload(struct ops_context *ops, const json_t *args, struct json *out,
		      struct err *err)
{
	struct config_problems problems = {0};
	int r;

	(void)args;
	json_array_begin(out, "changes");
	r = ops->daemon->reload(ops->daemon_ctx, out, &problems, err);
	json_array_end(out);
	config_tell(ops, &problems);
	return r;
}
