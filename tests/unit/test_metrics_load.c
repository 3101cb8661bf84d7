// SPDX-License-Identifier: MIT
/*
 * The machine's load in the metrics: which signals have a series and which a member, with
 * adaptation and without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"

static struct metrics_snapshot *s;

/* cpu and responseTime are known and have a threshold, memory is known, psi.io.full is not. */
static int setup(void **state)
{
	struct pressure_view *load;

	(void)state;
	s = calloc(1, sizeof(*s));
	load = &s->load;
	load->is_on = true;
	load->triggers = 3;
	load->load_average[0] = 1.25;
	load->load_average[2] = 0.5;
	load->softnet_dropped = 7;
	load->softnet_squeezed = 8;
	load->now = (struct pressure){.pressure = 0.625, .scale = 0.8125, .reason = PRESSURE_CPU};
	load->now.options.threshold[PRESSURE_CPU] = 80;
	load->now.options.threshold[PRESSURE_PSI_IO_FULL] = 20.5;
	load->now.options.threshold[PRESSURE_RESPONSE_TIME] = 5000;
	pressure_load_set(&load->load, PRESSURE_CPU, 93.0625);
	pressure_load_set(&load->load, PRESSURE_MEMORY, 41);
	pressure_load_set(&load->load, PRESSURE_RESPONSE_TIME, 0);
	load->load.value[PRESSURE_PSI_IO_FULL] = 77; /* of an earlier look */
	return 0;
}

/* As adaptation tells of itself where it is off. */
static int setup_off(void **state)
{
	(void)state;
	s = calloc(1, sizeof(*s));
	s->load.now.scale = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(s);
	return 0;
}

/* The lines of the load, which are the last ones, without their heads. The caller's. */
static char *lines(void)
{
	char *text, *save = NULL, *ret = NULL;
	size_t length;
	FILE *out = open_memstream(&ret, &length);

	assert_int_equal(metrics_prometheus(s, &text, &length), 0);
	for (char *line = strtok_r(strstr(text, "# HELP hatago_pressure "), "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (line[0] != '#')
			fprintf(out, "%s\n", line);
	fclose(out);
	free(text);
	return ret;
}

static void test_prometheus(void **state)
{
	char *text = lines();

	(void)state;
	assert_string_equal(text, "hatago_pressure 0.625\n"
				  "hatago_limit_scale 0.8125\n"
				  "hatago_load{signal=\"cpu\"} 93.0625\n"
				  "hatago_load{signal=\"memory\"} 41\n"
				  "hatago_load{signal=\"responseTime\"} 0\n"
				  "hatago_load_threshold{signal=\"cpu\"} 80\n"
				  "hatago_load_threshold{signal=\"psi.io.full\"} 20.5\n"
				  "hatago_load_threshold{signal=\"responseTime\"} 5000\n"
				  "hatago_psi_triggers 3\n");
	free(text);
}

static void test_prometheus_off(void **state)
{
	char *text = lines();

	(void)state;
	assert_string_equal(text, "hatago_pressure 0\n"
				  "hatago_limit_scale 1\n"
				  "hatago_psi_triggers 0\n");
	free(text);
}

static void test_promtool(void **state)
{
	size_t length;
	char *text;
	FILE *pipe;

	(void)state;
	if (system("command -v promtool >/dev/null")) {
		print_message("promtool (Debian package prometheus) is not installed\n");
		skip();
		return;
	}
	assert_int_equal(metrics_prometheus(s, &text, &length), 0);
	pipe = popen("promtool check metrics 2>&1", "w");
	assert_non_null(pipe);
	fputs(text, pipe);
	assert_int_equal(pclose(pipe), 0);
	free(text);
}

static void adaptive_is(const char *expected)
{
	json_t *wanted = json_loads(expected, JSON_REJECT_DUPLICATES, NULL), *root;
	struct json out;

	assert_non_null(wanted);
	json_init(&out);
	metrics_json(s, &out);
	root = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_equal(json_object_get(root, "adaptive"), wanted))
		fail_msg("%s", out.text);
	json_done(&out);
	json_decref(root);
	json_decref(wanted);
}

static void test_json(void **state)
{
	(void)state;
	adaptive_is("{\"enabled\":true,\"pressure\":0.625,\"scale\":0.813,\"reason\":\"cpu\","
		    "\"signals\":{\"cpu\":{\"value\":93.063,\"threshold\":80},"
		    "\"psi.io.full\":{\"value\":null,\"threshold\":20.5},"
		    "\"responseTime\":{\"value\":0,\"threshold\":5000}},\"triggers\":3,"
		    "\"machine\":{\"loadAverage\":[1.25,0,0.5],\"softnetDropped\":7,"
		    "\"softnetSqueezed\":8}}");
	s->load.now.pressure = 0; /* well below: nothing is the reason of anything */
	s->load.now.options.threshold[PRESSURE_PSI_IO_FULL] = 0;
	adaptive_is("{\"enabled\":true,\"pressure\":0,\"scale\":0.813,\"reason\":null,"
		    "\"signals\":{\"cpu\":{\"value\":93.063,\"threshold\":80},"
		    "\"responseTime\":{\"value\":0,\"threshold\":5000}},\"triggers\":3,"
		    "\"machine\":{\"loadAverage\":[1.25,0,0.5],\"softnetDropped\":7,"
		    "\"softnetSqueezed\":8}}");
}

static void test_json_off(void **state)
{
	(void)state;
	adaptive_is("{\"enabled\":false,\"pressure\":0,\"scale\":1,\"reason\":null,"
		    "\"signals\":{},\"triggers\":0,"
		    "\"machine\":{\"loadAverage\":[0,0,0],\"softnetDropped\":0,"
		    "\"softnetSqueezed\":0}}");
}

#define ON(test)  cmocka_unit_test_setup_teardown(test, setup, teardown)
#define OFF(test) cmocka_unit_test_setup_teardown(test, setup_off, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON(test_prometheus), OFF(test_prometheus_off), ON(test_promtool),
		ON(test_json),	     OFF(test_json_off),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
