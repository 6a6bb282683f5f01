// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl betanet: appliances that the platform manages.
#include "betanet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "client.h"
#include "rest.h"
#include "table.h"
#include "verb.h"

enum { PATH_LEN = 256 };

const char betanet_usage[] =
        "usage: fogctl betanet list [--state STATE] [--type TYPE] [--region REGION] [--after NUMBER] [-j]\n"
        "       fogctl betanet show NUMBER [-j]\n"
        "       fogctl betanet history NUMBER [--before CHANGE] [--limit N] [-j]\n"
        "       fogctl betanet status [-j]\n"
        "       fogctl betanet health [-j]\n"
        "       fogctl betanet add [NAME] [--type TYPE] [--region REGION] [--node-id HEX] [-j]\n"
        "       fogctl betanet set NUMBER [--name NAME] [--region REGION] [--node-id HEX]\n"
        "                      [--maintenance yes|no] [-j]\n"
        "       fogctl betanet remove NUMBER\n"
        "       fogctl betanet deploy NUMBER [--address IP] [--port PORT] [--layer LAYER]\n"
        "                      [--device NAME] [--cpus LIST] [--write DIR] [-j]\n"
        "       fogctl betanet enrol --url URL --token-file FILE --state-dir DIR [--write DIR]\n"
        "\n"
        "deploy prints a token, once, which is good for 24 hours. enrol is run on the new host, before\n"
        "its appliance is started, as who owns its state folder. health exits with 1 when this appliance\n"
        "takes no part in the network.\n"
        "\n"
        "  --state STATE      registered, deploying, active, stopped, failed or maintenance\n"
        "  --type TYPE        mixnode, gateway, service or client\n"
        "  --region REGION    where it is, such as eu-west; '' = not said\n"
        "  --after NUMBER     go on behind this node\n"
        "  --before CHANGE    of history: go on with changes before this one\n"
        "  --limit N          of history: how many at most\n"
        "  --name NAME        its new name\n"
        "  --node-id HEX      which node it is; '' = not known\n"
        "  --maintenance yes  an operator works on it; no: not any more\n"
        "  --address IP       of its mix port, as others reach it\n"
        "  --port PORT        UDP, likewise\n"
        "  --layer LAYER      that a mix would like to be in\n"
        "  --device NAME      its network interface, eth1\n"
        "  --cpus LIST        of its workers, such as 2,3\n"
        "  --write DIR        put fogline.yaml and topology.yaml into this folder\n"
        "  --token-file FILE  of enrol: a file with the token that deploy printed\n"
        "  --state-dir DIR    of the new appliance; an identity is made if there is none\n";

static void node_row(struct ctl_table *t, const json_t *node)
{
	static const char *const keys[] = {"id",    "name",  "node_type", "region",
	                                   "state", "layer", NULL};

	ctl_table_row(t, node, keys);
	ctl_table_value(t, json_object_get(json_object_get(node, "link"), "state"));
	ctl_table_value(t, json_object_get(node, "seen_at"));
}

static void list_print(const json_t *answer)
{
	const json_t *nodes = json_object_get(answer, "nodes");
	const json_t *next = json_object_get(answer, "next");
	struct ctl_table *t = ctl_table_new("number|name|type|region|state|layer|link|seen");

	for (size_t i = 0; i < json_array_size(nodes); i++)
		node_row(t, json_array_get(nodes, i));
	ctl_table_print(t, stdout);
	if (json_is_integer(next))
		printf("more: fogctl betanet list --after %lld\n",
		       (long long)json_integer_value(next));
}

// Send a request with a body (taken over, may be NULL) and show the answer.
static int betanet_ask(
        struct ctl_client *c, const char *method, const char *path, json_t *body,
        void (*print)(const json_t *)
)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	struct ctl_request request = {
	        .method = method,
	        .path = path,
	        .body = text,
	        .body_len = text != NULL ? strlen(text) : 0,
	        .header = strcmp(method, "PATCH") == 0 ? "If-Match: *" : NULL,
	};
	struct ctl_answer answer;
	int r;

	json_decref(body);
	if (print != NULL) {
		r = ctl_client_show(c, &request, print);
	} else {
		r = ctl_client_call(c, &request, &answer);
		if (r == CTL_OK)
			ctl_answer_free(&answer);
	}
	free(text);
	return r;
}

struct words {
	const char *state, *type, *region, *name, *node_id, *maintenance, *after;
};

static void set_word(json_t *body, const char *field, const char *word)
{
	if (word != NULL)
		json_object_set_new(body, field, word[0] != '\0' ? json_string(word) : json_null());
}

// The node refuses what is no word of its own; what would be another parameter is no word of anybody's.
static int betanet_list(struct ctl_client *c, const struct words *w)
{
	const char *const value[] = {w->state, w->type, w->region, w->after};
	static const char *const name[] = {"state", "node_type", "region", "after"};
	char path[PATH_LEN] = "/v1/betanet/nodes";
	size_t used = strlen(path);

	for (unsigned i = 0; i < 4; i++) {
		if (value[i] == NULL)
			continue;
		if (strlen(value[i]) > 40 || strpbrk(value[i], "&#?% /") != NULL) {
			fprintf(stderr, "fogctl: '%s' is no %s: see fogctl betanet --help\n",
			        value[i], name[i]);
			return CTL_USAGE;
		}
		used += (size_t)snprintf(
		        path + used, sizeof(path) - used, "%c%s=%s",
		        strchr(path, '?') == NULL ? '?' : '&', name[i], value[i]
		);
	}
	return betanet_ask(c, "GET", path, NULL, list_print);
}

static int betanet_set(struct ctl_client *c, const char *path, const struct words *w)
{
	json_t *body = json_object();

	set_word(body, "name", w->name);
	set_word(body, "region", w->region);
	set_word(body, "node_id", w->node_id);
	if (w->maintenance != NULL)
		json_object_set_new(
		        body, "maintenance", json_boolean(strcmp(w->maintenance, "yes") == 0)
		);
	return betanet_ask(c, "PATCH", path, body, ctl_answer_object);
}

static int betanet_add(struct ctl_client *c, const char *name, const struct words *w)
{
	json_t *body = json_object();

	set_word(body, "name", name);
	set_word(body, "node_type", w->type);
	set_word(body, "region", w->region);
	set_word(body, "node_id", w->node_id);
	return betanet_ask(c, "POST", "/v1/betanet/nodes", body, ctl_answer_object);
}

static bool maintenance_good(const char *word)
{
	return word == NULL || strcmp(word, "yes") == 0 || strcmp(word, "no") == 0;
}

static int betanet_do(struct ctl_client *c, int argc, char **argv, const struct words *w)
{
	const char *word = argc > 1 ? argv[1] : "", *object = argc > 2 ? argv[2] : NULL;
	char path[64];

	if (strcmp(word, "list") == 0 && argc == 2)
		return betanet_list(c, w);
	if (strcmp(word, "add") == 0 && argc <= 3)
		return betanet_add(c, object, w);
	if (argc == 3 && ctl_is_number(object) && maintenance_good(w->maintenance)) {
		snprintf(path, sizeof(path), "/v1/betanet/nodes/%s", object);
		if (strcmp(word, "show") == 0)
			return betanet_ask(c, "GET", path, NULL, ctl_answer_object);
		if (strcmp(word, "set") == 0)
			return betanet_set(c, path, w);
		if (strcmp(word, "remove") == 0)
			return betanet_ask(c, "DELETE", path, NULL, NULL);
	}
	fputs(betanet_usage, stderr);
	return CTL_USAGE;
}

int ctl_betanet(int argc, char **argv)
{
	struct words w = {0};
	const struct ctl_option own[] = {
	        {"--state", &w.state, NULL},     {"--type", &w.type, NULL},
	        {"--region", &w.region, NULL},   {"--name", &w.name, NULL},
	        {"--node-id", &w.node_id, NULL}, {"--maintenance", &w.maintenance, NULL},
	        {"--after", &w.after, NULL},     {NULL, NULL, NULL},
	};
	struct ctl_client client;
	int r;

	if (argc > 1 && strcmp(argv[1], "deploy") == 0)
		return betanet_deploy(argc, argv);
	if (argc > 1 && strcmp(argv[1], "enrol") == 0)
		return betanet_enrol(argc, argv);
	if (argc > 1 && ctl_verbs_find(&ctl_group_betanet, argv[1]) != NULL)
		return ctl_verbs_run(&ctl_group_betanet, argc, argv);
	r = ctl_client_open(&client, &argc, argv, own, betanet_usage);
	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	r = betanet_do(&client, argc, argv, &w);
	ctl_client_close(&client);
	return r;
}
