// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../config/config.h"
#include "../mixnet/identity.h"
#include "../mixnet/topology.h"

// What check and compile work on. All zero at first; config_done frees it.
struct ctl_config {
	const char *file, *topology_file, *output;
	bool json, any_host;
	struct fog_config *config;
	struct fog_topology *topology;
	struct fog_config_host host; // zero with --any-host
	struct fog_plan plan;
	struct fog_report report;
};

static int config_usage(void)
{
	fputs("usage: fogctl config check FILE [-j] [-t TOPOLOGY] [--any-host]\n"
	      "       fogctl config compile FILE -o BLOB [-t TOPOLOGY] [--any-host]\n"
	      "       fogctl config keys\n"
	      "       fogctl config show [-j]\n"
	      "       fogctl config put FILE [--confirm-within SECONDS] [--comment TEXT] [-j]\n"
	      "       fogctl config history [REVISION] [-j]\n"
	      "       fogctl config diff FROM TO [-j]\n"
	      "       fogctl config revert REVISION [--confirm-within SECONDS] [--comment TEXT] [-j]\n"
	      "       fogctl config confirm [REVISION] [-j]\n"
	      "\n"
	      "check, compile and keys are for files. show, put and what follows ask a control plane, with the options of all\n"
	      "commands that do.\n"
	      "\n"
	      "  -j             one JSON object on standard output\n"
	      "  -o BLOB        file for the data plane, made root-only\n"
	      "  -t TOPOLOGY    instead of the file that FILE names\n"
	      "  --any-host     the file is for another machine: don't check it against this one\n"
	      "  --confirm-within SECONDS  take the change back after so long unless it is confirmed\n"
	      "  --comment TEXT            why, for the history\n",
	      stderr);
	return 2;
}

// Returns 0 or -EINVAL.
static int config_options(struct ctl_config *c, int argc, char **argv)
{
	static const struct option options[] = {
	        {"json", no_argument, NULL, 'j'},
	        {"output", required_argument, NULL, 'o'},
	        {"topology", required_argument, NULL, 't'},
	        {"any-host", no_argument, NULL, 'a'},
	        {0},
	};
	int o;

	optind = 1;
	while ((o = getopt_long(argc, argv, "jo:t:", options, NULL)) != -1) {
		if (o == 'j')
			c->json = true;
		else if (o == 'o')
			c->output = optarg;
		else if (o == 't')
			c->topology_file = optarg;
		else if (o == 'a')
			c->any_host = true;
		else
			return -EINVAL;
	}
	if (optind != argc - 1)
		return -EINVAL;
	c->file = argv[optind];
	return 0;
}

// Read and check both files. A missing topology is only a warning unless 'need_topology'.
static int config_read_both(struct ctl_config *c, bool need_topology)
{
	int ret = fog_config_load(c->file, &c->config, &c->report);

	if (ret < 0)
		return ret;
	const char *path = c->topology_file != NULL ? c->topology_file : c->config->topology;
	if (need_topology || access(path, F_OK) == 0)
		ret = fog_topology_load(path, &c->topology, &c->report);
	else
		fog_report_warning(
		        &c->report, path, 0,
		        "there is no topology yet: what depends on it was not checked, "
		        "arithmetic is for geometry mtu"
		);
	if (!c->any_host)
		fog_config_host_read(c->config, &c->host);
	const struct fog_config_host *host = c->any_host ? NULL : &c->host;
	int checked = fog_config_check(c->config, c->topology, host, &c->report);
	fog_config_plan(c->config, c->topology, host, &c->plan);
	return ret < 0 ? ret : checked;
}

static void config_done(struct ctl_config *c)
{
	fog_topology_free(c->topology);
	fog_config_free(c->config);
}

static json_t *config_findings(const struct fog_report *r)
{
	json_t *list = json_array();

	for (const char *p = r->text; *p != '\0';) {
		size_t len = strcspn(p, "\n");
		json_array_append_new(list, json_stringn(p, len));
		p += len + (p[len] == '\n');
	}
	return list;
}

static json_t *config_plan_json(const struct ctl_config *ctl)
{
	const struct fog_config *c = ctl->config;
	const struct fog_plan *p = &ctl->plan;
	uint64_t have = fog_config_replay_have(c, &ctl->host, p);

	return json_pack(
	        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, "
	        "s:I}",
	        "buffers", (json_int_t)c->memory.packet_buffers, "buffers_needed",
	        (json_int_t)p->buffers_need, "buffer_bytes", (json_int_t)p->buffer_size,
	        "pool_bytes", (json_int_t)p->pool, "memory_mib", (json_int_t)c->memory.mib,
	        "memory_mib_needed", (json_int_t)fog_plan_mib(p), "replay_bytes",
	        (json_int_t)p->replay, "rings_bytes", (json_int_t)p->rings, "calendars_bytes",
	        (json_int_t)p->calendars, "cover_bytes", (json_int_t)p->cover, "statistics_bytes",
	        (json_int_t)p->stats, "afxdp_bytes", (json_int_t)p->umem, "total_bytes",
	        (json_int_t)p->total, "numa_nodes", (json_int_t)p->nodes, "replay_tags",
	        (json_int_t)fog_config_tags(c, ctl->topology), "replay_keys",
	        (json_int_t)p->replay_keys, "replay_have_bytes",
	        have != 0 ? json_integer((json_int_t)have) : json_null(), "max_rate",
	        (json_int_t)c->workers.max_rate
	);
}

static void config_check_print(const struct ctl_config *c, bool accepted)
{
	char plan[2048];

	if (c->json) {
		json_t *o = json_pack(
		        "{s:b, s:i, s:i, s:o}", "ok", accepted, "errors", (int)c->report.errors,
		        "warnings", (int)c->report.warnings, "findings", config_findings(&c->report)
		);
		if (c->config != NULL)
			json_object_set_new(o, "plan", config_plan_json(c));
		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(o);
		return;
	}
	fputs(c->report.text, stderr);
	if (!accepted) {
		fprintf(stderr, "%s: refused, %u errors\n", c->file, c->report.errors);
		return;
	}
	fog_config_plan_print(
	        c->config, c->topology, c->any_host ? NULL : &c->host, &c->plan, plan, sizeof(plan)
	);
	printf("%sOK\n", plan);
}

static int config_check(int argc, char **argv)
{
	struct ctl_config c = {0};

	if (config_options(&c, argc, argv) < 0 || c.output != NULL)
		return config_usage();
	int ret = config_read_both(&c, false);
	config_check_print(&c, ret == 0);
	config_done(&c);
	return ret == 0 ? 0 : 1;
}

// Written under another name and renamed, so that nobody ever reads half a blob.
static int config_write(const char *path, const void *data, size_t len)
{
	char temporary[4096];
	int ret = 0, fd;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	if ((fd = mkostemp(temporary, O_CLOEXEC)) < 0) // mode 0600
		return -errno;
	ssize_t n = write(fd, data, len);
	if (n != (ssize_t)len)
		ret = n < 0 ? -errno : -ENOSPC;
	else if (fsync(fd) < 0 || rename(temporary, path) < 0)
		ret = -errno;
	close(fd);
	if (ret < 0)
		unlink(temporary);
	return ret;
}

// Zero while there is no identity: the control plane sends the ID when it connects.
static void config_node_id(const struct fog_config *c, uint8_t node_id[FOG_ID_LEN])
{
	uint8_t public_key[32];
	int ret = fog_identity_public(c->state_dir, public_key, node_id);

	if (ret == 0)
		return;
	memset(node_id, 0, FOG_ID_LEN);
	fprintf(stderr,
	        "%s/identity.pub: %s: the blob has no node ID yet; start fog-controlplane once, "
	        "it makes the identity and sends the ID\n",
	        c->state_dir, strerror(-ret));
}

static int config_compile(int argc, char **argv)
{
	struct ctl_config c = {0};
	struct fog_blob *blob = NULL;
	uint8_t node_id[FOG_ID_LEN];
	size_t len;

	if (config_options(&c, argc, argv) < 0 || c.output == NULL || c.json)
		return config_usage();
	int ret = config_read_both(&c, true);
	if (ret == 0) {
		config_node_id(c.config, node_id);
		ret = fog_config_compile(c.config, c.topology, node_id, 0, &blob, &len, &c.report);
	}
	fputs(c.report.text, stderr);
	if (ret == 0 && (ret = config_write(c.output, blob, len)) < 0)
		fprintf(stderr,
		        "%s: cannot be written: %s: choose a folder that you may write to\n",
		        c.output, strerror(-ret));
	if (ret == 0)
		printf("%s: %zu bytes, %u nodes\n", c.output, len, c.topology->node_count);
	free(blob);
	config_done(&c);
	return ret == 0 ? 0 : 1;
}

static int config_keys(int argc, char **argv)
{
	size_t len = fog_config_describe(NULL, 0) + 1;
	char *text = malloc(len);

	if (argc != 1 || text == NULL) {
		free(text);
		return config_usage();
	}
	fog_config_describe(text, len);
	puts("key\tdefault\tvalues\tchange\tmeaning");
	fputs(text, stdout);
	free(text);
	return 0;
}

int ctl_config(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return config_check(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "compile") == 0)
		return config_compile(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "keys") == 0)
		return config_keys(argc - 1, argv + 1);
	return config_usage();
}
