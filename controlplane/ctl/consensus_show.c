// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl consensus show, and which of its subcommands is meant.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus.h"
#include "rest.h"
#include "table.h"

static const char consensus_usage[] =
        "usage: fogctl consensus show [--epoch N] [-j]\n"
        "       fogctl consensus show --file FILE [--network NETWORK] [-j]\n"
        "       fogctl consensus verify --network NETWORK [--previous FILE] [--epoch N] [-j] FILE..\n"
        "       fogctl consensus diff [--network NETWORK] [-j] A B\n"
        "What the authorities have agreed on: who is in the network, in which layer, with which keys. "
        "'show' shows the consensus that the running node goes by, or one of a file. 'verify' works on "
        "files alone, consensuses or proofs of equivocation, says what doesn't hold by its name, and "
        "ends with 0 only when everything holds. 'diff' says what is different in B; A and B are epochs "
        "of the running node, or files.\n"
        "\n"
        "  --epoch N          of that epoch; of 'verify': it must be good for it\n"
        "  --file FILE        consensus-EPOCH of a state folder, or what a public listener answers\n"
        "  --network NETWORK  network file (topology.yaml): its authorities' keys verify\n"
        "  --previous FILE    the consensus that FILE must have been made from; among several\n"
        "                     FILEs it is found by itself\n"
        "  --json             as -j\n";

static const char *show_string(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "-";
}

static long long show_number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void show_head(const json_t *a)
{
	printf("network   %s (%.16s..), %lld layers\n", show_string(a, "network"),
	       show_string(a, "network_hash"), show_number(a, "layers"));
	printf("epoch     %lld, good until the end of epoch %lld\n", show_number(a, "epoch"),
	       show_number(a, "until") - 1);
	if (json_is_string(json_object_get(a, "previous_digest")))
		printf("made from the consensus of epoch %lld\n", show_number(a, "previous_epoch"));
	else
		puts("made from no other: it is the first");
	printf("digest    %s\n", show_string(a, "digest"));
	printf("beacon    %s\n", show_string(a, "beacon"));
}

static void show_rates(const json_t *rates)
{
	static const char *const rows[][2] = {
	        {"loop_us", "loops of nodes"},          {"drop_us", "drops of nodes"},
	        {"dummy_us", "dummies on links"},       {"client_send_us", "packets of clients"},
	        {"client_loop_us", "loops of clients"}, {"client_fetch_us", "questions for mail"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		long long us = show_number(rates, rows[i][0]);
		if (us > 0)
			printf("%-20s one in %.6g ms on average\n", rows[i][1], (double)us / 1e3);
		else
			printf("%-20s none\n", rows[i][1]);
	}
}

static void show_parameters(const json_t *p)
{
	printf("epochs of %lld s, overlap %lld s; delay mean %.6g ms, at most %.6g ms; clocks may differ by "
	       "%lld ms\n",
	       show_number(p, "epoch_s"), show_number(p, "overlap_s"),
	       (double)show_number(p, "delay_mean_us") / 1e3,
	       (double)show_number(p, "delay_max_us") / 1e3, show_number(p, "tolerance_ms"));
}

static void show_self(const json_t *self)
{
	static const char *const columns[] = {"name", "answer", "code", "text", NULL};

	if (!json_is_object(self))
		return;
	printf("\nthis node is %sin it%s%s\n",
	       json_is_true(json_object_get(self, "listed")) ? "" : "NOT ",
	       json_is_true(json_object_get(self, "withdrawn"))
	               ? ", and withdrawn (fogctl withdraw)"
	               : "",
	       json_is_true(json_object_get(self, "late"))
	               ? "; a newer consensus should have come by now"
	               : "");
	ctl_table_print(
	        ctl_table_list(
	                "authority|our descriptor|why|in words",
	                json_object_get(self, "authorities"), columns
	        ),
	        stdout
	);
}

static void show_consensus(const json_t *a)
{
	static const char *const authorities[] = {"name",   "voted", "shared",
	                                          "signed", "lied",  NULL};
	static const char *const nodes[] = {"name",      "role",     "layer",  "since", "address",
	                                    "mix_port",  "operator", "family", "as",    "region",
	                                    "bandwidth", "node_id",  NULL};
	static const char *const left[] = {"node_id", "reason", "text", NULL};
	const json_t *out = json_object_get(a, "left_out");

	show_head(a);
	show_parameters(json_object_get(a, "parameters"));
	show_rates(json_object_get(a, "rates"));
	puts("");
	ctl_table_print(
	        ctl_table_list(
	                "authority|voted|gave a share|signed|lied",
	                json_object_get(a, "authorities"), authorities
	        ),
	        stdout
	);
	show_self(json_object_get(a, "self"));
	puts("");
	ctl_table_print(
	        ctl_table_list(
	                "node|role|layer|since|address|port|operator|family|AS|region|bandwidth|node id",
	                json_object_get(a, "nodes"), nodes
	        ),
	        stdout
	);
	if (json_array_size(out) == 0)
		return;
	puts("");
	ctl_table_print(ctl_table_list("left out|why|in words", out, left), stdout);
}

static int show_file(const struct ctl_client *c, const char *file, const char *network_file)
{
	struct fog_topology *network = NULL;
	json_t *a = NULL;

	if (network_file != NULL && consensus_read_network(network_file, &network) < 0)
		return CTL_REFUSED;
	int r = consensus_of_file(file, network, &a);
	if (r == CTL_OK && c->json) {
		json_dumpf(a, stdout, JSON_INDENT(2));
		puts("");
	} else if (r == CTL_OK) {
		show_consensus(a);
	}
	json_decref(a);
	fog_topology_free(network);
	return r;
}

static int show_node(struct ctl_client *c, const char *epoch)
{
	struct ctl_answer answer;
	int r = consensus_of_node(c, epoch, &answer);

	if (r != CTL_OK)
		return r;
	if (c->json)
		puts(answer.body);
	else
		show_consensus(answer.json);
	ctl_answer_free(&answer);
	return CTL_OK;
}

int consensus_show(int argc, char **argv, const char *usage)
{
	const char *file = NULL, *epoch = NULL, *network = NULL;
	const struct ctl_option own[] = {
	        {"--file", &file, NULL},
	        {"--epoch", &epoch, NULL},
	        {"--network", &network, NULL},
	        {0}};
	struct ctl_client c;
	int r = ctl_client_options(&c, &argc, argv, own, usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	bool number = epoch == NULL ||
	        (epoch[0] != '\0' && epoch[strspn(epoch, "0123456789")] == '\0');
	if (argc > 1 || !number || (file != NULL ? epoch != NULL : network != NULL)) {
		fputs(usage, stderr);
		r = CTL_USAGE;
	} else {
		r = file != NULL ? show_file(&c, file, network) : show_node(&c, epoch);
	}
	ctl_client_close(&c);
	return r;
}

int ctl_consensus(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv, const char *usage);
	} commands[] = {
	        {"show", consensus_show}, {"verify", consensus_verify}, {"diff", consensus_diff}};

	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1, consensus_usage);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return consensus_show(argc, argv, consensus_usage);
	fputs(consensus_usage, stderr);
	return CTL_USAGE;
}
