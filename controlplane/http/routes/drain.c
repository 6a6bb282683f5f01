// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The order to drain: the data plane takes no more packets, sends what it holds, and ends.
#include <errno.h>
#include <stdlib.h>

#include "../http.h"
#include "body.h"
#include "snapshot.h"
#include "view.h"

// How many packets are to leave, and the boot that they leave from: when another one is attached, or
// none, that one has ended.
static void drain_accepted(struct fog_node *n, struct http_response *res, uint64_t grace_ms)
{
	struct snapshot *s = snapshot_take(n->dp);
	struct fog_worker_counters *sum = s != NULL && s->workers_valid ? snapshot_sum(s) : NULL;

	pthread_rwlock_rdlock(&n->lock);
	if (grace_ms == UINT64_MAX)
		grace_ms = n->config->drain.grace_ms;
	uint64_t longest = n->topology == NULL
	        ? 0
	        : n->topology->delay_max_us / 1000 + n->topology->delay_cap_ms;
	pthread_rwlock_unlock(&n->lock);
	http_reply_json(
	        res, 202,
	        json_pack(
	                "{s:s s:I s:I s:o s:o}", "state", "draining", "grace_ms",
	                (json_int_t)grace_ms, "longest_delay_ms", (json_int_t)longest, "parked",
	                sum != NULL ? json_integer((json_int_t)sum->parked) : json_null(),
	                "boot_id",
	                s != NULL ? view_hex(s->boot_id, sizeof(s->boot_id)) : json_null()
	        )
	);
	free(sum);
	free(s);
}

void http_post_drain(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	// None means the grace of the configuration.
	uint64_t grace_ms = (uint64_t)http_body_number(req->json, "grace_ms", -1);
	int r = fog_dpclient_command(n->dp, FOG_CMD_DRAIN, grace_ms);
	if (r == 0) {
		drain_accepted(n, res, grace_ms);
		return;
	}
	http_reply_problem(
	        res, 503, r == -ENOTCONN ? "no_data_plane" : "busy",
	        r == -ENOTCONN ? "there is nothing to drain" : "try again", "%s",
	        r == -ENOTCONN ? "no data plane is attached" : "the data plane takes no command now"
	);
	res->retry_after_s = 1;
}
