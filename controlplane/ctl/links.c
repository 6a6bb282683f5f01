// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl links: the encrypted links of a node, and the order to replace their sessions.
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "rest.h"
#include "table.h"

static const char links_usage[] =
        "usage: fogctl links [-j]\n"
        "       fogctl links rekey [-j]\n"
        "Without a word: the links with nodes and clients. 'clock' is theirs minus ours in ms, 'tries' "
        "counts handshakes begun since the last success.\n"
        "\n"
        "  rekey         replace the sessions with all nodes now\n";

static void links_print(const json_t *answer)
{
	static const char *const keys[] = {
	        "name",  "class",           "state", "protocol", "address",     "port", "age_ms",
	        "tries", "clock_offset_ms", "rx",    "tx",       "refused_for", NULL};

	ctl_table_print(
	        ctl_table_list(
	                "node|class|state|protocol|address|port|age ms|tries|clock|rx|tx|refused for",
	                json_object_get(answer, "links"), keys
	        ),
	        stdout
	);
	if (!json_is_false(json_object_get(answer, "active")))
		return;
	puts(json_is_null(json_object_get(answer, "network"))
	             ? "this node has no topology, so no links: 'fogctl ready' says what it lacks"
	             : "this network has no encrypted links");
}

static void links_ordered(const json_t *answer)
{
	long long nodes = json_integer_value(json_object_get(answer, "nodes"));
	long long up = json_integer_value(json_object_get(answer, "up"));

	printf("sessions with %lld of %lld nodes are being replaced\n", up, nodes);
	if (up < nodes)
		puts("links with the others are not up: 'fogctl links' says what each lacks");
}

int ctl_links(int argc, char **argv)
{
	struct ctl_request request = {.method = "GET", .path = "/v1/links"};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, NULL, links_usage);
	bool rekey = r == CTL_OK && argc == 2 && strcmp(argv[1], "rekey") == 0;

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (rekey) {
		request.method = "POST";
		request.path = "/v1/links/rekey";
	} else if (argc > 1) {
		fputs(links_usage, stderr);
		ctl_client_close(&client);
		return CTL_USAGE;
	}
	r = ctl_client_show(&client, &request, rekey ? links_ordered : links_print);
	ctl_client_close(&client);
	return r;
}
