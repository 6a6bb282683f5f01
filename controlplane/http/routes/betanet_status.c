// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Managed nodes by state, and how this appliance does in the network.
#include <math.h>
#include <stdlib.h>

#include "../../now.h"
#include "../http.h"
#include "betanet_view.h"

static json_t *status_counts(const int64_t count[FOG_BETANET_STATE_COUNT])
{
	json_t *out = json_object();
	int64_t total = 0;

	for (unsigned i = 0; i < FOG_BETANET_STATE_COUNT; i++) {
		json_object_set_new(out, fog_betanet_state_name(i), json_integer(count[i]));
		total += count[i];
	}
	json_object_set_new(out, "total", json_integer(total));
	return out;
}

static json_t *status_network(struct fog_node *n)
{
	struct fog_links_summary links;
	json_t *out;

	fog_links_status(n->links, &links, NULL, 0);
	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology *t = n->topology;
	out = json_pack(
	        "{s:o s:o s:o s:o}", "name", t != NULL ? json_string(t->name) : json_null(),
	        "nodes", t != NULL ? json_integer(t->node_count) : json_null(), "links",
	        links.active ? json_integer(links.nodes) : json_null(), "links_up",
	        links.active ? json_integer(links.up) : json_null()
	);
	pthread_rwlock_unlock(&n->lock);
	return out;
}

static void status_reply(
        struct fog_node *n, struct http_response *res, const int64_t count[FOG_BETANET_STATE_COUNT]
)
{
	struct snapshot *s = snapshot_take(n->dp);
	struct fog_timing_figures timing;
	struct fog_timing_law law;

	fog_node_timing(n, &law, &timing);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:o s:o s:o s:o s:o}", "nodes", status_counts(count), "network",
	                status_network(n), "figures", view_betanet_figures(s), "throughput_pps",
	                isnan(timing.rate) ? json_null() : json_real(timing.rate), "capacity_pps",
	                view_known(s != NULL ? snapshot_capacity(s) : 0), "updated_at",
	                view_time_us(fog_now_unix_us())
	        )
	);
	free(s);
}

void http_get_betanet_status(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	int64_t count[FOG_BETANET_STATE_COUNT];
	struct fog_db *db;
	struct node_betanet *look = betanet_begin(n, res, &db);
	int r;

	if (look == NULL)
		return;
	node_betanet_forget(look);
	r = fog_betanet_counts(db, fog_now_unix_us(), count);
	if (r < 0)
		betanet_refused(res, r);
	else
		status_reply(n, res, count);
}

static void health_reason(void *ctx, const char *code, const char *text)
{
	json_t *sentence = json_string(text);

	json_array_append_new(
	        ctx,
	        json_pack(
	                "{s:s s:o}", "code", code, "text", sentence != NULL ? sentence : json_null()
	        )
	);
}

static void health_nodes(json_t *reasons, const int64_t count[FOG_BETANET_STATE_COUNT])
{
	static const enum fog_betanet_state bad[] = {FOG_BETANET_STOPPED, FOG_BETANET_FAILED};

	char text[96], code[32];

	for (unsigned i = 0; i < 2; i++) {
		if (count[bad[i]] == 0)
			continue;
		snprintf(code, sizeof(code), "nodes_%s", fog_betanet_state_name(bad[i]));
		snprintf(
		        text, sizeof(text), "%lld managed node(s) %s: see GET /v1/betanet/nodes",
		        (long long)count[bad[i]], fog_betanet_state_name(bad[i])
		);
		health_reason(reasons, code, text);
	}
}

static void health_links(json_t *reasons, struct fog_node *n)
{
	struct fog_links_summary links;
	char text[96];

	fog_links_status(n->links, &links, NULL, 0);
	if (!links.active || links.up >= links.nodes)
		return;
	snprintf(
	        text, sizeof(text), "%u of %u links with other nodes are up: see GET /v1/links",
	        links.up, links.nodes
	);
	health_reason(reasons, "links_down", text);
}

void http_get_betanet_health(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	int64_t count[FOG_BETANET_STATE_COUNT];
	struct fog_db *db;
	struct node_betanet *look = betanet_begin(n, res, &db);
	json_t *reasons;
	bool unready;
	int r;

	if (look == NULL)
		return;
	node_betanet_forget(look);
	r = fog_betanet_counts(db, fog_now_unix_us(), count);
	if (r < 0) {
		betanet_refused(res, r);
		return;
	}
	reasons = json_array();
	unready = fog_node_unready(n, health_reason, reasons) > 0;
	health_links(reasons, n);
	health_nodes(reasons, count);
	http_reply_json(
	        res, unready ? 503 : 200,
	        json_pack(
	                "{s:s s:o}", "status",
	                unready                            ? "unavailable"
	                        : json_array_size(reasons) ? "degraded"
	                                                   : "healthy",
	                "reasons", reasons
	        )
	);
	if (unready)
		res->retry_after_s = 1;
}
