/* SPDX-License-Identifier: MIT */
/*
 * A configuration out of a text, for tests: it must have no problem. Include after cmocka.h.
 */
#ifndef HATAGO_TESTS_CONFIG_FIXTURE_H
#define HATAGO_TESTS_CONFIG_FIXTURE_H

#include <string.h>

#include "config/config.h"

/* The caller's, config_free(). */
static inline struct config *config_fixture(const char *text)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	int r = config_parse(text, strlen(text), "f", &config, &problems);

	if (r != 0)
		fail_msg("%s\n%d: %s", text, r, problems.count ? problems.lines[0] : "no words");
	assert_int_equal(problems.count, 0);
	config_problems_done(&problems);
	return config;
}

#endif
