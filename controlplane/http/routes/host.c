// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whether the host is ready for the data plane, as far as this process sees it: it has no rights and no devices.
#include "../../host/host.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../now.h"
#include "../http.h"
#include "view.h"

// A check goes through all processes and interrupts; and says 4 KiB.
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static json_t *host_state(enum host_verdict v)
{
	return v != HOST_UNKNOWN ? json_string(host_verdict_name(v)) : json_null();
}

static json_t *host_stage_json(const struct host_stage *stage, const struct host_result *r)
{
	return json_pack(
	        "{s:s s:s s:o s:b s:s s:o}", "name", stage->name, "about", stage->help, "state",
	        host_state(r->verdict), "needs_root", stage->rights, "detail", r->detail, "mend",
	        r->mend[0] != '\0' ? json_string(r->mend) : json_null()
	);
}

// Under the node's lock. Returns the heaviest verdict of those that are known.
static enum host_verdict host_check_all(struct host *h, json_t *list, unsigned *unknown)
{
	struct host_result *r = malloc(sizeof(*r));
	enum host_verdict worst = HOST_SKIP;

	*unknown = 0;
	host_configured(h);
	for (unsigned i = 0; r != NULL && i < host_stage_count; i++) {
		host_check_stage(h, &host_stages[i], r);
		json_array_append_new(list, host_stage_json(&host_stages[i], r));
		if (r->verdict == HOST_UNKNOWN)
			(*unknown)++;
		else if (r->verdict > worst)
			worst = r->verdict;
	}
	free(r);
	return worst;
}

void http_get_host(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct host *h = calloc(1, sizeof(*h));
	json_t *stages = json_array();
	int64_t now_us = fog_now_unix_us();
	enum host_verdict worst;
	unsigned unknown;

	if (h == NULL) {
		json_decref(stages);
		http_reply_problem(res, 500, "no_memory", NULL, "out of memory");
		return;
	}
	h->root = "";
	h->confined = true;
	pthread_mutex_lock(&turn);
	pthread_rwlock_rdlock(&n->lock);
	h->config = n->config;
	h->topology = n->topology;
	worst = host_check_all(h, stages, &unknown);
	pthread_rwlock_unlock(&n->lock);
	pthread_mutex_unlock(&turn);
	free(h);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:s s:i s:o}", "checked_at", view_time_us(now_us), "state",
	                host_verdict_name(worst), "unknown", (int)unknown, "stages", stages
	        )
	);
}
