// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl host check, init, undo: options, and the way through the table of stages.
#include "../host.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../mixnet/topology.h"
#include "../platform.h"
#include "../verb.h"
#include "init.h"

enum { COMMAND_STAGES_MAX = 32 };

struct command {
	struct host host;
	const char *file, *instance, *cpus, *pages;
	const char *stage[COMMAND_STAGES_MAX];
	unsigned stages;
	struct fog_report report;
	char path[256]; // of the config
};

static int command_usage(FILE *to)
{
	fputs("usage: fogctl host check [STAGE..] [-j]\n"
	      "       fogctl host init [STAGE..] [--force] [--dry-run] [-y]\n"
	      "       fogctl host undo [STAGE..] [--dry-run] [-y]\n"
	      "       fogctl host show [-j]\n"
	      "\n"
	      "check says whether this host is ready; init makes it so until the next boot, and prints\n"
	      "each command before it runs it; undo restores what init changed, and nothing else;\n"
	      "show asks the control plane, which sees less, from anywhere.\n"
	      "\n"
	      "  --config FILE    what the appliance needs; default: the only file of /etc/fogline\n"
	      "  --instance NAME  the same as --config /etc/fogline/NAME.yaml\n"
	      "  --device NAME    PCI address or interface, instead of the config's; several times\n"
	      "  --pages N        hugepages of the default size, instead of what the config needs\n"
	      "  --cpus LIST      CPUs of the workers, instead of the config's\n"
	      "  --force          take a device that the host itself needs, or without an IOMMU\n"
	      "  --dry-run        print the commands only\n"
	      "  -y               don't ask\n"
	      "  -j               one JSON object on standard output\n"
	      "  --undo-file FILE  record of changes [" HOST_UNDO_FILE "]\n"
	      "  --root DIR       look at a copy of another host's /proc and /sys (check, --dry-run)\n"
	      "\n"
	      "stages:\n",
	      to);
	for (unsigned i = 0; i < host_stage_count; i++)
		fprintf(to, "  %-10s %s\n", host_stages[i].name, host_stages[i].help);
	return 2;
}

__attribute__((format(printf, 1, 2))) static int command_refuse(const char *format, ...)
{
	va_list args;

	fputs("fogctl: host: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; see: fogctl host --help\n", stderr);
	return 2;
}

static const struct host_stage *command_stage(const char *name)
{
	for (unsigned i = 0; i < host_stage_count; i++)
		if (strcmp(host_stages[i].name, name) == 0)
			return &host_stages[i];
	return NULL;
}

// Returns 0, 2 after having said why, or -1 when help was asked for.
static int command_options(struct command *c, int argc, char **argv)
{
	static const struct option options[] = {
	        {"config", required_argument, NULL, 'c'},
	        {"instance", required_argument, NULL, 'i'},
	        {"device", required_argument, NULL, 'd'},
	        {"pages", required_argument, NULL, 'p'},
	        {"cpus", required_argument, NULL, 'C'},
	        {"force", no_argument, NULL, 'f'},
	        {"dry-run", no_argument, NULL, 'n'},
	        {"undo-file", required_argument, NULL, 'u'},
	        {"root", required_argument, NULL, 'r'},
	        {"yes", no_argument, NULL, 'y'},
	        {"json", no_argument, NULL, 'j'},
	        {"help", no_argument, NULL, 'h'},
	        {0},
	};
	struct host *h = &c->host;
	int o;

	optind = 1;
	while ((o = getopt_long(argc, argv, "jy", options, NULL)) != -1) {
		if (o == 'c')
			c->file = optarg;
		else if (o == 'i')
			c->instance = optarg;
		else if (o == 'p')
			c->pages = optarg;
		else if (o == 'C')
			c->cpus = optarg;
		else if (o == 'u')
			h->undo_file = optarg;
		else if (o == 'r')
			h->root = optarg;
		else if (o == 'd' && h->devices < HOST_DEVICES_MAX)
			h->device[h->devices++] = optarg;
		else if (o == 'd')
			return command_refuse("%d devices at a time at most", HOST_DEVICES_MAX);
		else if (o == 'h')
			return command_usage(stdout), -1;
		else if (o == '?')
			return command_usage(stderr);
		h->force |= o == 'f';
		h->dry |= o == 'n';
		h->yes |= o == 'y';
		h->json |= o == 'j';
	}
	for (; optind < argc; optind++) {
		if (command_stage(argv[optind]) == NULL)
			return command_refuse("there is no stage '%s'", argv[optind]);
		if (c->stages < COMMAND_STAGES_MAX)
			c->stage[c->stages++] = argv[optind];
	}
	return 0;
}

// Without a name the only config of this host is meant; a host without any has none.
static int command_find_config(struct command *c)
{
	if (c->file == NULL && c->instance == NULL && c->host.root[0] != '\0')
		return 0;
	int r = ctl_config_path(c->file, c->instance, c->path, sizeof(c->path));
	if (r == -EINVAL)
		return command_refuse("give --config or --instance, not both");
	return r < 0 ? command_refuse("several configs are in /etc/fogline: name one by --instance")
	             : 0;
}

static int command_load_config(struct command *c)
{
	struct host *h = &c->host;
	int ret = command_find_config(c);

	if (ret != 0 || c->path[0] == '\0')
		return ret;
	if (fog_config_load(c->path, &h->config, &c->report) < 0) {
		fputs(c->report.text, stderr);
		fprintf(stderr, "fogctl: host: mend %s first: fogctl config check %s\n", c->path,
		        c->path);
		return 1;
	}
	if (access(h->config->topology, F_OK) == 0 &&
	    fog_topology_load(h->config->topology, &h->topology, &c->report) < 0) {
		fputs(c->report.text, stderr);
		return 1;
	}
	host_configured(h);
	return 0;
}

// Returns 0, or an exit code after having said why.
static int command_prepare(struct command *c)
{
	struct host *h = &c->host;
	char *end;
	int ret = command_load_config(c);

	if (ret != 0)
		return ret;
	if (c->cpus != NULL && (host_cpus_parse(&h->cpus, c->cpus) < 0 || *c->cpus == '\0'))
		return command_refuse("--cpus %s: give a list such as 2-5,8", c->cpus);
	if (c->pages != NULL) {
		h->pages = strtoull(c->pages, &end, 10);
		if (*end != '\0' || c->pages[0] == '-' || h->pages == 0 || h->pages > 1u << 24)
			return command_refuse("--pages %s: give a number of pages", c->pages);
	}
	return 0;
}

// Stages named by the operator, or all; with 'i' from 0 up to the first NULL.
static const struct host_stage *command_next(const struct command *c, unsigned *i)
{
	for (; *i < host_stage_count; (*i)++)
		for (unsigned k = 0; k < c->stages || (c->stages == 0 && k == 0); k++)
			if (c->stages == 0 || strcmp(host_stages[*i].name, c->stage[k]) == 0)
				return &host_stages[(*i)++];
	return NULL;
}

static void command_print(const char *name, const struct host_result *r)
{
	printf("%-8s %-10s %s\n", host_verdict_name(r->verdict), name, r->detail);
	if (r->mend[0] != '\0')
		printf("%-8s %-10s mend: %s\n", "", "", r->mend);
}

static int command_check(struct command *c)
{
	const struct host_stage *stage;
	json_t *list = json_array();
	struct host *h = &c->host;
	bool failed = false;

	h->stage = "check";
	if (h->force || h->dry || h->yes) {
		json_decref(list);
		return command_refuse("check changes nothing: no --force, --dry-run, -y");
	}
	if (host_undo_open(h, false) < 0) {
		json_decref(list);
		return 1;
	}
	for (unsigned i = 0; (stage = command_next(c, &i)) != NULL;) {
		struct host_result r;
		host_check_stage(h, stage, &r);
		failed |= r.verdict == HOST_FAIL;
		if (!h->json)
			command_print(stage->name, &r);
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:s, s:s, s:s, s:s}", "name", stage->name, "verdict",
		                host_verdict_name(r.verdict), "detail", r.detail, "mend", r.mend
		        )
		);
	}
	json_t *all = json_pack("{s:o}", "stages", list);
	if (h->json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(all);
	return failed ? 1 : 0;
}

static int command_root_only(const struct command *c, const char *verb)
{
	if (c->host.root[0] != '\0' && !c->host.dry)
		return command_refuse("%s of another host's files: only with --dry-run", verb);
	if (c->host.json)
		return command_refuse("%s has no -j, what it prints is a shell script", verb);
	if (geteuid() != 0 && !c->host.dry) {
		fprintf(stderr, "fogctl: host %s: only root may do that: run it with sudo\n", verb);
		return 1;
	}
	return 0;
}

struct command_init {
	const char *stage;
	int (*init)(struct host *);
};

// What a command can do about a stage; NULL: nothing.
static int (*command_init_of(const char *stage))(struct host *)
{
	static const struct command_init inits[] = {
	        {"kernel", host_init_kernel},
	        {"sysctl", host_init_sysctl},
	        {"hugepages", host_init_hugepages},
	        {"vfio", host_init_vfio},
	        {"queues", host_init_queues},
	        {"cpus", host_init_cpus},
	        {"irq", host_init_irq},
	};

	for (unsigned i = 0; i < sizeof(inits) / sizeof(inits[0]); i++)
		if (strcmp(inits[i].stage, stage) == 0)
			return inits[i].init;
	return NULL;
}

static int command_init_stages(struct command *c)
{
	const struct host_stage *stage;
	struct host *h = &c->host;

	for (unsigned i = 0; (stage = command_next(c, &i)) != NULL;) {
		int (*init)(struct host *) = command_init_of(stage->name);
		struct host_result r = {0};
		h->result = &r;
		h->stage = stage->name;
		if (init != NULL) {
			if (init(h) < 0)
				return 1;
			continue;
		}
		// Asked for by name: then it must not pass in silence.
		if (c->stages == 0)
			continue;
		stage->check(h);
		if (r.verdict == HOST_FAIL || r.verdict == HOST_WARN) {
			host_stop(h, -ENOTSUP, "no command mends that: %s: %s", r.detail, r.mend);
			return 1;
		}
	}
	return 0;
}

// A person at a terminal sees everything before anything is done.
static bool command_agreed(
        struct host *h, int (*run)(struct command *), struct command *c, int *code
)
{
	char line[16];

	if (h->dry || h->yes || !isatty(STDIN_FILENO))
		return true;
	h->dry = true;
	*code = run(c);
	h->dry = false;
	if (*code != 0)
		return false;
	if (h->changes == 0)
		return true;
	h->changes = 0;
	fputs("Run these? [y/N] ", stdout);
	fflush(stdout);
	*code = 1;
	return fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

static int command_change(struct command *c, const char *verb, int (*run)(struct command *))
{
	struct host *h = &c->host;
	int code = command_root_only(c, verb);

	h->stage = verb;
	if (code != 0)
		return code;
	if (host_undo_open(h, !h->dry) < 0)
		return 1;
	if (command_agreed(h, run, c, &code))
		code = run(c);
	if (code == 0 && h->changes == 0)
		puts("# nothing to do");
	return code;
}

static int command_undo_changes(struct command *c)
{
	return host_undo_run(&c->host, c->stage, c->stages) < 0 ? 1 : 0;
}

static int command_run(struct command *c, const char *verb)
{
	if (strcmp(verb, "undo") == 0)
		return command_change(c, verb, command_undo_changes);
	int ret = command_prepare(c);
	if (ret != 0)
		return ret;
	if (strcmp(verb, "check") == 0)
		return command_check(c);
	return command_change(c, verb, command_init_stages);
}

int ctl_host(int argc, char **argv)
{
	struct command c = {.host = {.root = "", .undo_file = HOST_UNDO_FILE}};
	const char *verb = argc > 1 ? argv[1] : "";

	if (ctl_verbs_find(&ctl_group_host, verb) != NULL)
		return ctl_verbs_run(&ctl_group_host, argc, argv);
	if (strcmp(verb, "--help") == 0)
		return command_usage(stdout), 0;
	if (strcmp(verb, "check") != 0 && strcmp(verb, "init") != 0 && strcmp(verb, "undo") != 0)
		return command_usage(stderr);
	int ret = command_options(&c, argc - 1, argv + 1);
	if (ret == 0)
		ret = command_run(&c, verb);
	json_decref(c.host.undo);
	fog_topology_free(c.host.topology);
	fog_config_free(c.host.config);
	return ret < 0 ? 0 : ret;
}
