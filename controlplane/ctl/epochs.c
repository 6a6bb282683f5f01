// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl epochs: where the network is in its epochs, and what this node has and knows.
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "rest.h"
#include "table.h"

static const char *epochs_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "-";
}

static void epochs_clock(const json_t *clock)
{
	double ahead = json_real_value(json_object_get(clock, "host_ahead_s"));

	printf("clock    %s", epochs_text(clock, "now"));
	if (json_is_true(json_object_get(clock, "stepped")))
		printf(", the host's clock was set %s by %.3f s: see 'fogctl status'",
		       ahead > 0 ? "forward" : "back", ahead > 0 ? ahead : -ahead);
	puts("");
}

static void epochs_keys(const json_t *keys)
{
	static const char *const columns[] = {"epoch",        "state",      "starts_at", "ends_at",
	                                      "destroyed_at", "public_key", NULL};

	ctl_table_print(
	        ctl_table_list("epoch|state|starts|ends|destroyed|public key", keys, columns),
	        stdout
	);
}

static json_int_t epochs_refused(const json_t *refused)
{
	json_int_t sum = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)refused, key, value) sum += json_integer_value(value);
	return sum;
}

static void epochs_nodes(const json_t *nodes)
{
	struct ctl_table *t = ctl_table_new("node|keys|counts from|has ours|refused");

	for (size_t i = 0; i < json_array_size(nodes); i++) {
		const json_t *n = json_array_get(nodes, i), *keys = json_object_get(n, "mix_keys");
		char text[256] = "";
		size_t at = 0;
		for (size_t k = 0; k < json_array_size(keys) && at < sizeof(text); k++) {
			const json_t *key = json_array_get(keys, k);
			at += (size_t)snprintf(
			        text + at, sizeof(text) - at, "%s%lld%s", k > 0 ? " " : "",
			        (long long)json_integer_value(json_object_get(key, "epoch")),
			        json_is_true(json_object_get(key, "lost")) ? " (lost)" : ""
			);
		}
		ctl_table_value(t, json_object_get(n, "name"));
		ctl_table_text(t, text[0] != '\0' ? text : NULL);
		ctl_table_value(t, json_object_get(n, "counts_from"));
		ctl_table_value(t, json_object_get(n, "acked"));
		json_t *refused = json_integer(epochs_refused(json_object_get(n, "refused")));
		ctl_table_value(t, refused);
		json_decref(refused);
	}
	ctl_table_print(t, stdout);
}

static void epochs_show(const json_t *a)
{
	printf("epoch    %lld, %s to %s\n",
	       (long long)json_integer_value(json_object_get(a, "epoch")),
	       epochs_text(a, "started_at"), epochs_text(a, "ends_at"));
	epochs_clock(json_object_get(a, "clock"));
	if (json_is_string(json_object_get(a, "lost_until")))
		printf("lost     keys went with the last boot: no packets are taken before %s\n",
		       epochs_text(a, "lost_until"));
	puts("");
	epochs_keys(json_object_get(a, "keys"));
	puts("");
	epochs_nodes(json_object_get(a, "nodes"));
}

int ctl_epochs(int argc, char **argv)
{
	return ctl_client_command(
	        argc, argv, "usage: fogctl epochs [-j]\n", "/v1/epochs", epochs_show
	);
}
