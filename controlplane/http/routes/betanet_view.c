// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "betanet_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../node_platform.h"
#include "../../now.h"
#include "../refusal.h"

struct fog_db *betanet_store(const struct fog_node *n, struct http_response *res)
{
	struct fog_db *db = node_platform_store(n);

	if (db == NULL)
		betanet_refused(res, -EAGAIN);
	return db;
}

static const struct http_refusal refusals[] = {
        {-ENOENT, 404, "no_such_node", "see GET /v1/betanet/nodes",
         "there is no managed node of this number"},
        {-EEXIST, 409, "node_exists", "see GET /v1/betanet/nodes",
         "another managed node has this name or this node ID"},
        {-ESTALE, 412, "stale", "read the node again and repeat the change",
         "the node has been changed since"},
        {-EALREADY, 409, "node_active", "remove it from the network first, or set maintenance",
         "the node is in the network"},
        {0},
};

void betanet_refused(struct http_response *res, int error)
{
	http_reply_error(res, error, refusals);
}

struct node_betanet *betanet_begin(
        struct fog_node *n, struct http_response *res, struct fog_db **db
)
{
	struct node_betanet *look;
	int r;

	*db = betanet_store(n, res);
	if (*db == NULL)
		return NULL;
	look = node_betanet_look(n);
	r = look != NULL ? node_betanet_see(look, *db, fog_now_unix_us()) : -ENOMEM;
	if (r == 0)
		return look;
	node_betanet_forget(look);
	betanet_refused(res, r);
	return NULL;
}

json_t *view_betanet_figures(const struct snapshot *s)
{
	struct fog_worker_counters *sum = s != NULL && s->workers_valid ? snapshot_sum(s) : NULL;
	int64_t up_us = s != NULL ? fog_now_unix_us() - (int64_t)(s->start_unix_ns / 1000) : 0;
	json_t *out, *latency = json_null();

	if (sum == NULL)
		return json_pack(
		        "{s:n s:n s:n s:n s:n}", "packets_processed", "packets_forwarded",
		        "packets_dropped", "latency_ms", "uptime_s"
		);
	if (sum->late_ns.count > 0)
		latency = json_real((double)fog_hist_quantile(&sum->late_ns, 0.5) / 1e6);
	out = json_pack(
	        "{s:I s:I s:I s:o s:I}", "packets_processed",
	        (json_int_t)(sum->rx + sum->injected + sum->made), "packets_forwarded",
	        (json_int_t)sum->tx, "packets_dropped", (json_int_t)sum->drops, "latency_ms",
	        latency, "uptime_s", (json_int_t)(up_us > 0 ? up_us / 1000000 : 0)
	);
	free(sum);
	return out;
}

static json_t *betanet_time(int64_t us)
{
	return us != 0 ? view_time_us(us) : json_null();
}

static json_t *betanet_link(const struct fog_link_status *l)
{
	static const char *const states[] = {"down", "stale", "up"};

	if (l == NULL)
		return json_null();
	return json_pack(
	        "{s:s s:o s:I s:I s:o}", "state", states[l->state], "age_ms",
	        l->age_ms == UINT64_MAX ? json_null() : json_integer((json_int_t)l->age_ms), "rx",
	        (json_int_t)l->rx, "tx", (json_int_t)l->tx, "clock_offset_ms",
	        l->has_offset ? json_integer((json_int_t)l->offset_ms) : json_null()
	);
}

static json_t *betanet_loops(const struct node_betanet_known *k)
{
	if (k->loops == 0)
		return json_null();
	return json_pack(
	        "{s:I s:I}", "sent", (json_int_t)k->loops, "lost", (json_int_t)k->loops_lost
	);
}

json_t *view_betanet_node(
        const struct fog_betanet_node *n, const struct node_betanet *look, const struct snapshot *s
)
{
	struct node_betanet_known k;

	node_betanet_know(look, n, &k);
	return json_pack(
	        "{s:I s:s s:s s:o s:s s:b s:o s:b s:o s:o s:o s:o s:o s:o s:o s:b s:o s:o s:o s:o}",
	        "id", (json_int_t)n->id, "name", n->name, "node_type",
	        fog_betanet_type_name(n->type), "region",
	        n->region[0] != '\0' ? json_string(n->region) : json_null(), "state",
	        fog_betanet_state_name(n->state), "maintenance", (int)n->maintenance, "node_id",
	        n->has_node_id ? view_hex(n->node_id, FOG_ID_LEN) : json_null(), "self",
	        (int)k.self, "created_at", view_time_us(n->created_us), "changed_at",
	        view_time_us(n->changed_us), "seen_at", betanet_time(n->seen_us), "deployed_at",
	        betanet_time(n->deployed_us), "enrolment_until",
	        betanet_time(n->enrolment_until_us), "enrolled_at", betanet_time(n->enrolled_us),
	        "figures", view_betanet_figures(k.self ? s : NULL), "listed", (int)k.listed,
	        "layer", k.listed && k.layer > 0 ? json_integer(k.layer) : json_null(),
	        "since_epoch", k.has_since ? json_integer((json_int_t)k.since) : json_null(),
	        "link", betanet_link(k.link), "loops", betanet_loops(&k)
	);
}

void betanet_reply(
        struct fog_node *n, struct http_response *res, int status,
        const struct fog_betanet_node *node, const struct node_betanet *look
)
{
	struct snapshot *s = snapshot_take(n->dp);

	http_etag_number(res, node->version);
	http_reply_json(res, status, view_betanet_node(node, look, s));
	free(s);
}
