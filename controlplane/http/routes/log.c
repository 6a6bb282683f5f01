// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What both processes log, until their next start.
#include "../../../log/log.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "../../node.h"
#include "../http.h"

enum { WAIT_STEPS = 100, WAIT_STEP_MS = 20 };

// Level of the data plane, or -ENOTCONN.
static int log_data_plane(struct fog_node *n)
{
	struct fog_dpclient_stats view;

	if (fog_dpclient_stats_get(n->dp, &view) < 0)
		return -ENOTCONN;
	uint32_t level = view.stats->log_level;
	fog_dpclient_stats_put(n->dp, &view);
	return level < FOG_LOG_LEVELS ? (int)level : -ENOTCONN;
}

void http_get_log(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	int data_plane = log_data_plane(n);

	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:s s:s?}", "control_plane", fog_log_level_name(fog_log_level()),
	                "data_plane",
	                data_plane >= 0 ? fog_log_level_name((enum fog_log_level)data_plane) : NULL
	        )
	);
}

// -1: to stay as it is.
static int log_field(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text != NULL ? fog_log_level_parse(text) : -1;
}

// Set the data plane's level and wait until it says so.
static int log_send(struct fog_node *n, int level)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};
	struct fog_cmd cmd = {.arg = {(uint32_t)level}};
	int r = fog_dpclient_command_args(n->dp, FOG_CMD_LOG_LEVEL, &cmd);

	for (int i = 0; r == 0 && i < WAIT_STEPS; i++) {
		if (log_data_plane(n) == level)
			return 0;
		nanosleep(&step, NULL);
	}
	return r < 0 ? r : -ETIMEDOUT;
}

void http_put_log(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	int control_plane = log_field(req->json, "control_plane");
	int data_plane = log_field(req->json, "data_plane");

	if (data_plane >= 0 && log_send(n, data_plane) < 0) {
		http_reply_problem(
		        res, 503, "no_data_plane", "see /readyz",
		        "the data plane does not take the level"
		);
		return;
	}
	if (control_plane >= 0)
		fog_log_level_set((enum fog_log_level)control_plane);
	http_get_log(n, req, res);
}
