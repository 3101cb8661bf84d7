// SPDX-License-Identifier: MIT
/*
 * The command line: words and options to a command and its arguments, what is refused,
 * and what is suggested instead. Also that the table of commands is sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops/parse.h"

#define WORDS_MAX 16

/* Splits at blanks; '_' stands for a blank within a word. */
static int split(char *line, char *argv[WORDS_MAX])
{
	int argc = 0;

	argv[argc++] = "hatago-bpfctl";
	for (char *word = strtok(line, " "); word && argc < WORDS_MAX; word = strtok(NULL, " ")) {
		for (char *c = word; *c; c++)
			if (*c == '_')
				*c = ' ';
		argv[argc++] = word;
	}
	return argc;
}

static int parse(const char *text, char line[256], struct parsed *ret, struct err *err)
{
	char *argv[WORDS_MAX];
	int argc;

	snprintf(line, 256, "%s", text);
	argc = split(line, argv);
	return parse_argv(argc, argv, ret, err);
}

static void test_understood(void **state)
{
	static const struct {
		const char *line, *command, *arguments;
	} rows[] = {
		{"status", "status", "{}"},
		{"edge show", "edge show", "{}"},
		{"edge", "edge show", "{}"},
		{"client", "client list", "{}"},
		{"ban", "ban list", "{}"},
		{"allow", "allow list", "{}"},
		{"limit", "limit show", "{}"},
		{"counter", "counter list", "{}"},
		{"config", "config show", "{}"},
		{"edge attach eth0", "edge attach", "{\"device\":\"eth0\"}"},
		{"edge attach eth0 --confirm 60s", "edge attach",
		 "{\"confirm\":\"60s\",\"device\":\"eth0\"}"},
		{"edge attach --confirm=60s eth0 --mode tc", "edge attach",
		 "{\"confirm\":\"60s\",\"device\":\"eth0\",\"mode\":\"tc\"}"},
		{"edge attach -mtc eth0", "edge attach", "{\"device\":\"eth0\",\"mode\":\"tc\"}"},
		{"edge confirm", "edge confirm", "{}"},
		{"edge confirm eth0", "edge confirm", "{\"device\":\"eth0\"}"},
		{"client list -n 5 --sort bytes", "client list",
		 "{\"number\":\"5\",\"sort\":\"bytes\"}"},
		{"client list -n5", "client list", "{\"number\":\"5\"}"},
		{"client -n5", "client list", "{\"number\":\"5\"}"},
		{"counter --all", "counter list", "{\"all\":true}"},
		{"-n5 client", NULL, NULL}, /* an option of a command that is not named yet */
		{"why 192.0.2.1", "why", "{\"address\":\"192.0.2.1\"}"},
		{"ban add 192.0.2.1 --for 10m --reason too_loud", "ban add",
		 "{\"address\":\"192.0.2.1\",\"for\":\"10m\",\"reason\":\"too loud\"}"},
		{"ban add -- 192.0.2.1", "ban add", "{\"address\":\"192.0.2.1\"}"},
		{"allow add 192.0.2.1 2001:db8::/32", "allow add",
		 "{\"prefixes\":[\"192.0.2.1\",\"2001:db8::/32\"]}"},
		{"deny del 192.0.2.1 --file -", "deny del", "{\"prefixes\":[\"192.0.2.1\"]}"},
		{"deny add -f list.txt", "deny add", "{}"},
		{"limit set packets 20000 40000 --refill 100ms", "limit set",
		 "{\"burst\":\"40000\",\"dimension\":\"packets\",\"rate\":\"20000\","
		 "\"refill\":\"100ms\"}"},
		{"limit set bytes off", "limit set", "{\"dimension\":\"bytes\",\"rate\":\"off\"}"},
		{"counter list -a -d eth0", "counter list", "{\"all\":true,\"device\":\"eth0\"}"},
		{"counter list -ad eth0", "counter list", "{\"all\":true,\"device\":\"eth0\"}"},
		{"config check /etc/hatago/hatago.yaml", "config check",
		 "{\"path\":\"/etc/hatago/hatago.yaml\"}"},
		{"event follow", "event follow", "{}"},
		{"event follow onMetrics banAdded -n 3", "event follow",
		 "{\"names\":[\"onMetrics\",\"banAdded\"],\"number\":\"3\"}"},
		{"event", NULL, NULL}, /* it neither lists nor shows */
		{"-j version", "version", "{}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256], name[OPS_NAME_MAX], *arguments;
		struct parsed parsed;
		struct err err;
		int r = parse(rows[i].line, line, &parsed, &err);

		if (rows[i].command) {
			assert_int_equal(r, 0);
			ops_name(parsed.command, name);
			assert_string_equal(name, rows[i].command);
			arguments = json_dumps(parsed.arguments, JSON_COMPACT | JSON_SORT_KEYS);
			assert_string_equal(arguments, rows[i].arguments);
			free(arguments);
		} else {
			assert_int_equal(r, -EINVAL);
		}
		parsed_done(&parsed);
	}
}

static void test_own_options(void **state)
{
	char line[256];
	struct parsed p;
	struct err err;

	(void)state;
	assert_int_equal(parse("-s /run/a.sock client list -j --pins=/sys/fs/bpf/x --color never",
			       line, &p, &err),
			 0);
	assert_string_equal(p.socket, "/run/a.sock");
	assert_string_equal(p.pins, "/sys/fs/bpf/x");
	assert_int_equal(p.color, PARSE_COLOR_NEVER);
	assert_true(p.json);
	assert_false(p.help);
	parsed_done(&p);
	assert_int_equal(parse("allow add --file prefixes.txt", line, &p, &err), 0);
	assert_string_equal(p.file, "prefixes.txt");
	parsed_done(&p);
}

static void test_help(void **state)
{
	static const struct {
		const char *line, *object, *command;
	} rows[] = {
		{"--help", NULL, NULL},
		{"-h", NULL, NULL},
		{"help", NULL, NULL},
		{"edge --help", "edge", NULL},
		{"edge help", "edge", NULL},
		{"edge attach -h", "edge", "edge attach"},
		{"status --help", "status", "status"},
		{"-h ban add", "ban", "ban add"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256], name[OPS_NAME_MAX];
		struct parsed p;
		struct err err;

		assert_int_equal(parse(rows[i].line, line, &p, &err), 0);
		assert_true(p.help);
		if (rows[i].object)
			assert_string_equal(p.object, rows[i].object);
		else
			assert_null(p.object);
		if (rows[i].command) {
			ops_name(p.command, name);
			assert_string_equal(name, rows[i].command);
		} else {
			assert_null(p.command);
		}
		parsed_done(&p);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{"", "a command is missing"},
		{"clinet list", "did you mean 'client'?"},
		{"statsu", "did you mean 'status'?"},
		{"edge atach eth0", "did you mean 'attach'?"},
		{"ban remove 192.0.2.1", "'ban' has no command 'remove'"},
		{"client list --srot bytes", "did you mean 'sort'?"},
		{"client list --check", "there is no option"}, /* hidden, and another's */
		{"allow add --check 192.0.2.1", "there is no option"},
		{"edge attach eth0 eth1", "'edge attach' has no use for 'eth1'"},
		{"status now", "'status' has no use for 'now'"},
		{"client list -n", "-n needs a value"},
		{"client list --sort", "--sort needs a value"},
		{"counter list --all=yes", "--all takes no value"},
		{"status --color=blue", "--color must be auto, always or never"},
		{"client -x list", "there is no option"},
		{"client list -x", "there is no option"},
		{"qqqqqqqqqqqq", "--help lists what there is"},
		{"--nonsense status", "stand behind it"},
		{"ban add 192.0.2.1 --reason \xff", "is no UTF-8 text"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256];
		struct parsed p;
		struct err err;

		assert_int_equal(parse(rows[i].line, line, &p, &err), -EINVAL);
		if (!strstr(err.text, rows[i].says))
			fail_msg("'%s' says '%s'", rows[i].line, err.text);
		parsed_done(&p);
	}
}

/* How to tell an error is known even where it stands behind the error. */
static void test_json_after_error(void **state)
{
	char line[256];
	struct parsed p;
	struct err err;

	(void)state;
	assert_int_equal(parse("clinet list --sort -j", line, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "'client'"));
	parsed_done(&p);
	assert_int_equal(parse("bna list -j", line, &p, &err), -EINVAL);
	assert_true(p.json);
	parsed_done(&p);
}

/* No two rows for one command or letter; what changes says how long; all is explained. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ops_command_count; i++) {
		const struct ops_command *c = &ops_commands[i];
		char name[OPS_NAME_MAX];

		ops_name(c, name);
		assert_ptr_equal(ops_find(name), c);
		assert_non_null(c->run);
		assert_true(strlen(c->help) > 10);
		assert_int_equal(c->right == OPS_CHANGE, c->lasts != NULL);
		for (size_t a = 0; a < OPS_ARGUMENTS_MAX; a++) {
			const struct ops_argument *row = &c->arguments[a];

			if (row->type == OPS_NONE)
				continue;
			assert_true(strlen(row->help) > 4);
			assert_true(row->is_option || row->word);
			assert_int_equal(row->type == OPS_CHOICE, row->choices != NULL);
			for (size_t o = 0; o < parse_option_count; o++) {
				assert_string_not_equal(row->name, parse_options[o].name);
				assert_true(!row->letter || row->letter != parse_options[o].letter);
			}
		}
	}
	assert_null(ops_find("ban"));
	assert_null(ops_find("ban  add"));
	assert_null(ops_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_understood), cmocka_unit_test(test_own_options),
		cmocka_unit_test(test_help),	   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_table),	   cmocka_unit_test(test_json_after_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
