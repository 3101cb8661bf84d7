// SPDX-License-Identifier: MIT
/*
 * hatagod: reads its options and its configuration, and hands over to the agent. Exit codes:
 * 0 it ended as it was told to; 1 it could not start or stop; 2 the options or the
 * configuration are wrong, and nothing was attached.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/log.h"
#include "base/version.h"
#include "config/describe.h"

#define MAIN_TEXT_MAX 1024

struct options {
	const char *config_path;
	enum log_level level;
	bool json, check;
};

enum { OPT_CHECK = 256, OPT_FORMAT, OPT_LEVEL, OPT_KEYS, OPT_METRICS, OPT_REASONS };

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, OPT_CHECK},
	{"log-format", required_argument, NULL, OPT_FORMAT},
	{"log-level", required_argument, NULL, OPT_LEVEL},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{"print-keys", no_argument, NULL, OPT_KEYS},
	{"print-metrics", no_argument, NULL, OPT_METRICS},
	{"print-reasons", no_argument, NULL, OPT_REASONS},
	{0},
};

static void print_help(void)
{
	fputs("usage: hatagod [OPTIONS]\n"
	      "Protects network devices with token buckets per client; hatago-bpfctl controls it.\n"
	      "\n"
	      "  -c, --config FILE         the configuration (" CONFIG_DEFAULT_PATH ")\n"
	      "      --check               checks the configuration and ends; attaches nothing\n"
	      "      --log-format FORMAT   text or json\n"
	      "      --log-level LEVEL     error, warning, info or debug\n"
	      "      --print-keys          the configuration's keys, as a Markdown table\n"
	      "      --print-metrics       the metrics, likewise\n"
	      "      --print-reasons       the reasons and verdicts, likewise\n"
	      "  -V, --version\n"
	      "  -h, --help\n"
	      "\n"
	      "SIGHUP reloads the configuration; SIGTERM detaches everything and ends.\n"
	      "Exit codes: 0 done, 1 failed, 2 options or configuration are wrong.\n",
	      stdout);
}

static bool read_format(const char *text, bool *ret_json)
{
	if (strcmp(text, "text") != 0 && strcmp(text, "json") != 0)
		return false;
	*ret_json = strcmp(text, "json") == 0;
	return true;
}

/* 0 to go on, 1 where an option was answered, -1 where it is wrong (the sentence is out). */
static int read_option(int option, struct options *options)
{
	switch (option) {
	case 'c':
		options->config_path = optarg;
		return 0;
	case OPT_CHECK:
		options->check = true;
		return 0;
	case OPT_FORMAT:
		if (read_format(optarg, &options->json))
			return 0;
		fprintf(stderr, "hatagod: --log-format is text or json, not '%s'\n", optarg);
		return -1;
	case OPT_LEVEL:
		if (log_level_parse(optarg, &options->level))
			return 0;
		fprintf(stderr, "hatagod: --log-level is error, warning, info or debug, not '%s'\n",
			optarg);
		return -1;
	case 'V':
		printf("hatagod %s (maps of version %u)\n", VERSION_TEXT, HATAGO_ABI_VERSION);
		return 1;
	case 'h':
		print_help();
		return 1;
	case OPT_KEYS:
		config_keys_markdown(stdout);
		return 1;
	case OPT_METRICS:
		metrics_markdown(stdout);
		return 1;
	case OPT_REASONS:
		metrics_reasons_markdown(stdout);
		return 1;
	default: /* getopt has said what is wrong */
		fputs("try: hatagod --help\n", stderr);
		return -1;
	}
}

static int read_options(int argc, char **argv, struct options *options)
{
	int option, r;

	while ((option = getopt_long(argc, argv, "c:Vh", long_options, NULL)) != -1) {
		r = read_option(option, options);
		if (r)
			return r;
	}
	if (optind < argc) {
		fprintf(stderr, "hatagod: '%s' is no option; try: hatagod --help\n", argv[optind]);
		return -1;
	}
	return 0;
}

static void print_names(const char *label, char *const *names, size_t count)
{
	printf("  %s: ", label);
	for (size_t i = 0; i < count; i++)
		printf("%s%s", i ? ", " : "", names[i]);
	puts(count ? "" : "none");
}

static void print_edge(const struct config_edge *edge)
{
	char protects[MAIN_TEXT_MAX], limits[MAIN_TEXT_MAX];

	tell_protected(edge, protects, sizeof(protects));
	tell_limits(edge, limits, sizeof(limits));
	print_names("devices", edge->devices, edge->device_count);
	printf("  protects: %s\n  each client: %s\n", protects, limits);
	printf("  %s\n  allow list: %zu, deny list: %zu\n",
	       edge->enforce ? "drops what is over" : "does NOT enforce: counts only",
	       edge->allow.count, edge->deny.count);
}

static void print_gate(const struct config *config)
{
	const struct config_gate *gate = &config->gate;
	char requests[MAIN_TEXT_MAX], permits[MAIN_TEXT_MAX];

	tell_requests(config, requests, sizeof(requests));
	tell_permits(config, permits, sizeof(permits));
	print_names("gate listens on", gate->listen, gate->listen_count);
	print_names("upstream", gate->upstream, gate->upstream_count);
	printf("  at the upstream: %s\n  %s: %s\n", permits,
	       config->concurrency.per_client_limits ? "each client" : "all clients together",
	       requests);
}

static void print_checked(const char *path, const struct config *config)
{
	printf("%s: ok\n", path);
	if (config->edge.enabled)
		print_edge(&config->edge);
	else
		puts("  no edge");
	if (config->gate.enabled)
		print_gate(config);
	else
		puts("  no gate");
	printf("  metrics: %s\n  control: %s\n",
	       config->metrics.enabled ? config->metrics.listen : "off", config->control.socket);
}

int main(int argc, char **argv)
{
	struct options options = {.config_path = CONFIG_DEFAULT_PATH, .level = LEVEL_INFO};
	struct config_problems problems = {0};
	struct config *config = NULL;
	int r = read_options(argc, argv, &options);

	if (r)
		return r > 0 ? AGENT_OK : AGENT_USAGE;
	log_setup(options.level, options.json);
	if (config_load(options.config_path, &config, &problems) < 0) {
		for (size_t i = 0; i < problems.count; i++) {
			if (options.check)
				fprintf(stderr, "%s\n", problems.lines[i]);
			else
				log_line(LEVEL_ERROR, "%s", problems.lines[i]);
		}
		config_problems_done(&problems);
		return AGENT_USAGE;
	}
	config_problems_done(&problems);
	if (!options.check)
		return agent_run(options.config_path, config);
	print_checked(options.config_path, config);
	config_free(config);
	return fflush(stdout) == 0 ? AGENT_OK : AGENT_FAILED;
}
