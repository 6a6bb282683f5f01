// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl consensus diff: of two epochs of the node, or of files.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus.h"
#include "table.h"

// A value in words; nothing of a stranger's without its quotes and escapes but plain texts.
static void diff_value(const json_t *v)
{
	if (json_is_string(v))
		ctl_print_safe(stdout, json_string_value(v), json_string_length(v));
	else if (json_is_object(v)) // a mix key
		printf("%s of epoch %lld", json_string_value(json_object_get(v, "public_key")),
		       (long long)json_integer_value(json_object_get(v, "epoch")));
	else if (json_is_integer(v))
		printf("%lld", (long long)json_integer_value(v));
	else
		fputs("none", stdout);
}

static void diff_pair(const char *what, const char *field, const json_t *pair)
{
	printf("%s%s: ", what, field);
	diff_value(json_array_get(pair, 0));
	fputs(" -> ", stdout);
	diff_value(json_array_get(pair, 1));
	puts("");
}

static void diff_fields(const char *what, const json_t *fields)
{
	const char *field;
	json_t *pair;

	json_object_foreach((json_t *)fields, field, pair) diff_pair(what, field, pair);
}

static void diff_number(const char *what, const json_t *pair)
{
	if (!json_equal(json_array_get(pair, 0), json_array_get(pair, 1)))
		diff_pair("", what, pair);
}

static void diff_nodes(const char *what, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *n = json_array_get(list, i), *reason = json_object_get(n, "reason");
		printf("%s %s (", what, json_string_value(json_object_get(n, "name")));
		diff_value(json_object_get(n, "role"));
		if (json_integer_value(json_object_get(n, "layer")) > 0)
			printf(" of layer %lld",
			       (long long)json_integer_value(json_object_get(n, "layer")));
		fputs(", ", stdout);
		diff_value(json_object_get(n, "address"));
		printf(" port %lld)",
		       (long long)json_integer_value(json_object_get(n, "mix_port")));
		if (json_is_string(reason))
			printf(": %s", json_string_value(reason));
		printf("  %s\n", json_string_value(json_object_get(n, "node_id")));
	}
}

static void diff_print(const json_t *d)
{
	const json_t *epochs = json_object_get(d, "epochs"),
	             *changed = json_object_get(d, "changed");
	const json_t *parameters = json_object_get(d, "parameters"),
	             *rates = json_object_get(d, "rates");
	bool same = json_is_true(json_object_get(d, "same"));

	printf("epoch %lld -> %lld%s\n", (long long)json_integer_value(json_array_get(epochs, 0)),
	       (long long)json_integer_value(json_array_get(epochs, 1)),
	       same ? ": the same consensus" : "");
	diff_nodes("joined ", json_object_get(d, "joined"));
	diff_nodes("left   ", json_object_get(d, "left"));
	for (size_t i = 0; i < json_array_size(changed); i++) {
		const json_t *n = json_array_get(changed, i);
		char what[64];
		snprintf(
		        what, sizeof(what), "changed %s ",
		        json_string_value(json_object_get(n, "name"))
		);
		diff_fields(what, json_object_get(n, "fields"));
	}
	diff_number("layers", json_object_get(d, "layers"));
	diff_number("threshold", json_object_get(d, "threshold"));
	diff_fields("parameter ", parameters);
	diff_fields("rate ", rates);
	printf("%zu joined, %zu left, %zu changed, %zu parameters and %zu rates changed\n",
	       json_array_size(json_object_get(d, "joined")),
	       json_array_size(json_object_get(d, "left")), json_array_size(changed),
	       json_object_size(parameters), json_object_size(rates));
}

// A decimal number is an epoch of the node, all else a file ("./7" is one, too).
static int diff_get(
        struct ctl_client *c, const char *which, const struct fog_topology *network, json_t **out
)
{
	struct ctl_answer answer;

	*out = NULL;
	if (which[0] == '\0' || which[strspn(which, "0123456789")] != '\0')
		return consensus_of_file(which, network, out);
	bool json = c->json;
	c->json = false; // a problem is for people, the difference is what -j prints
	int r = consensus_of_node(c, which, &answer);
	c->json = json;
	if (r != CTL_OK)
		return r;
	*out = json_incref(answer.json);
	ctl_answer_free(&answer);
	return CTL_OK;
}

static int diff_run(struct ctl_client *c, char **which, const struct fog_topology *network)
{
	json_t *a = NULL, *b = NULL, *d = NULL;
	int r = diff_get(c, which[0], network, &a);

	if (r == CTL_OK)
		r = diff_get(c, which[1], network, &b);
	if (r == CTL_OK && (d = consensus_compare(a, b)) == NULL) {
		fputs("fogctl: there is no memory for the difference\n", stderr);
		r = CTL_REFUSED;
	}
	if (r == CTL_OK && c->json) {
		json_dumpf(d, stdout, JSON_INDENT(2));
		puts("");
	} else if (r == CTL_OK) {
		diff_print(d);
	}
	json_decref(a);
	json_decref(b);
	json_decref(d);
	return r;
}

int consensus_diff(int argc, char **argv, const char *usage)
{
	const char *network_file = NULL;
	const struct ctl_option own[] = {{"--network", &network_file, NULL}, {0}};
	struct fog_topology *network = NULL;
	struct ctl_client c;
	int r = ctl_client_options(&c, &argc, argv, own, usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc != 3) {
		fputs(usage, stderr);
		r = CTL_USAGE;
	} else if (network_file != NULL && consensus_read_network(network_file, &network) < 0) {
		r = CTL_REFUSED;
	} else {
		r = diff_run(&c, argv + 1, network);
	}
	fog_topology_free(network);
	ctl_client_close(&c);
	return r;
}
