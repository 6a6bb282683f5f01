// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl log: what the processes log.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "rest.h"

static const char log_usage[] =
        "usage: fogctl log [level [dataplane|controlplane] LEVEL] [-j]\n"
        "LEVEL: error, warning, info or debug; until the process is started again. For good: the key\n"
        "log.level of the configuration. Without an argument: what the levels are.\n";

static void log_print(const json_t *answer)
{
	const char *data_plane = json_string_value(json_object_get(answer, "data_plane"));

	printf("controlplane %s\ndataplane    %s\n",
	       json_string_value(json_object_get(answer, "control_plane")),
	       data_plane != NULL ? data_plane : "no data: no data plane is attached");
}

// Returns NULL when the words make no sense.
static char *log_body(int argc, char **argv)
{
	const char *which = argc == 4 ? argv[2] : NULL, *level = argv[argc - 1];
	bool data = which == NULL || strcmp(which, "dataplane") == 0;
	bool control = which == NULL || strcmp(which, "controlplane") == 0;
	json_t *json = json_object();

	if (control)
		json_object_set_new(json, "control_plane", json_string(level));
	if (data)
		json_object_set_new(json, "data_plane", json_string(level));
	char *body = control || data ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return body;
}

int ctl_log(int argc, char **argv)
{
	struct ctl_request request = {.method = "GET", .path = "/v1/log"};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, NULL, log_usage);
	char *body = NULL;

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	bool set = (argc == 3 || argc == 4) && strcmp(argv[1], "level") == 0;
	if (set)
		body = log_body(argc, argv);
	if (body != NULL)
		request = (struct ctl_request
		){.method = "PUT", .path = "/v1/log", .body = body, .body_len = strlen(body)};
	if (argc > 1 && body == NULL) {
		fputs(log_usage, stderr);
		ctl_client_close(&client);
		return CTL_USAGE;
	}
	r = ctl_client_show(&client, &request, log_print);
	free(body);
	ctl_client_close(&client);
	return r;
}
