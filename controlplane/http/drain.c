// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The order to drain: the data plane takes no more packets, sends what it holds, and ends.
#include <errno.h>
#include <stdlib.h>

#include "http.h"
#include "snapshot.h"
#include "view.h"

// An empty body means the grace of the configuration. Returns 0, or -EINVAL after having answered.
static int drain_read(const struct http_request *req, struct http_response *res, uint64_t *grace_ms)
{
	json_error_t error;
	json_t *body = NULL, *grace = NULL;
	int r = 0;

	*grace_ms = UINT64_MAX;
	if (req->body_len == 0)
		return 0;
	body = json_loadb(req->body, req->body_len, JSON_REJECT_DUPLICATES, &error);
	grace = json_object_get(body, "grace_ms");
	if (!json_is_object(body) || json_object_size(body) != (grace != NULL) ||
	    (grace != NULL &&
	     (!json_is_integer(grace) || json_integer_value(grace) < 0 ||
	      json_integer_value(grace) > FOG_DRAIN_GRACE_MAX_MS))) {
		http_reply_problem(
		        res, 400, "bad_body", "send {\"grace_ms\": 1000}, or nothing",
		        "the body may only hold grace_ms, 0 to %d", FOG_DRAIN_GRACE_MAX_MS
		);
		r = -EINVAL;
	} else if (grace != NULL) {
		*grace_ms = (uint64_t)json_integer_value(grace);
	}
	json_decref(body);
	return r;
}

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
	uint64_t grace_ms;

	if (drain_read(req, res, &grace_ms) < 0)
		return;
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
