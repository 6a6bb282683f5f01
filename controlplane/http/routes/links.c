// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Encrypted links: what state each is in, and the order to replace their sessions. Who has links with
// whom, and how much passes, is for operators only.
#include <stdlib.h>
#include <string.h>

#include "../../link/hello.h"
#include "../http.h"
#include "links.h"
#include "metrics.h"
#include "view.h"

static const char *const links_outcome_labels[] = {
#define X(name, label, text) label,
        FOG_LINKS_OUTCOMES(X)
#undef X
};

static json_t *links_features(uint32_t features)
{
	json_t *list = json_array();

	for (unsigned bit = 0; fog_feature_name(bit) != NULL; bit++)
		if (features >> bit & 1)
			json_array_append_new(list, json_string(fog_feature_name(bit)));
	return list;
}

static json_t *links_protocol(const struct fog_link_status *l)
{
	char text[24];

	if (!l->has_version)
		return json_null();
	snprintf(text, sizeof(text), "%d.%u", FOG_PROTOCOL_MAJOR, l->minor);
	return json_string(text);
}

static json_t *links_ms(uint64_t ms)
{
	return ms == UINT64_MAX ? json_null() : json_integer((json_int_t)ms);
}

static json_t *links_one(const struct fog_link_status *l)
{
	static const char *const states[] = {"down", "stale", "up"};
	static const char *const refusals[] = {NULL, "clock", "full"};
	bool client = l->class == FOG_LINK_CLIENT;
	const char *refusal = l->refusal < 3 ? refusals[l->refusal] : "other";

	return json_pack(
	        "{s:o s:o s:s s:s s:o s:o s:i s:o s:o s:o s:o s:I s:I s:I s:I s:o s:o}", "name",
	        client ? json_null() : json_string(l->name), "node_id",
	        client ? json_null() : view_hex(l->node_id, FOG_ID_LEN), "class",
	        client ? "client" : "node", "state", states[l->state], "static_key",
	        view_hex(l->static_key, 32), "address", view_ip(&l->ip), "port", (int)l->port,
	        "protocol", links_protocol(l), "features",
	        l->has_version ? links_features(l->features) : json_null(), "age_ms",
	        links_ms(l->age_ms), "handshake_ago_ms", links_ms(l->handshake_ago_ms), "tries",
	        (json_int_t)l->tries, "sessions", (json_int_t)l->sessions, "rx", (json_int_t)l->rx,
	        "tx", (json_int_t)l->tx, "clock_offset_ms",
	        l->has_offset ? json_integer((json_int_t)l->offset_ms) : json_null(), "refused_for",
	        refusal != NULL ? json_string(refusal) : json_null()
	);
}

static json_t *links_outcomes(const struct fog_links_summary *s)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < FOG_LINKS_OUTCOME_COUNT; i++)
		json_object_set_new(
		        o, links_outcome_labels[i], json_integer((json_int_t)s->outcome[i])
		);
	return o;
}

// The network's name, or null: a node without a topology knows of no links either.
static json_t *links_network(struct fog_node *n)
{
	pthread_rwlock_rdlock(&n->lock);
	json_t *name = n->topology != NULL ? json_string(n->topology->name) : json_null();
	pthread_rwlock_unlock(&n->lock);
	return name;
}

void http_get_links(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	const unsigned room = FOG_NODES_MAX + FOG_LINK_SLOTS;
	struct fog_link_status *all = calloc(room, sizeof(*all));
	struct fog_links_summary s;
	json_t *list = json_array();
	unsigned count;

	if (all == NULL) {
		json_decref(list);
		http_reply_json(res, 500, NULL);
		return;
	}
	count = fog_links_status(n->links, &s, all, room);
	for (unsigned i = 0; i < count && i < room; i++)
		json_array_append_new(list, links_one(&all[i]));
	free(all);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:b s:i s:i s:i s:o s:o s:o}", "network", links_network(n), "active",
	                s.active, "nodes", (int)s.nodes, "up", (int)s.up, "clients", (int)s.clients,
	                "clock_offset_ms",
	                s.clocks > 0 ? json_integer((json_int_t)s.offset_ms) : json_null(),
	                "handshakes", links_outcomes(&s), "links", list
	        )
	);
}

void http_post_links_rekey(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_links_summary s;

	fog_links_status(n->links, &s, NULL, 0);
	if (!s.active) {
		json_t *network = links_network(n);
		if (json_is_null(network))
			http_reply_problem(
			        res, 409, "no_links", "see /readyz", "this node has no topology"
			);
		else
			http_reply_problem(
			        res, 409, "no_links", "set 'links: noise' in the topology",
			        "this network has no encrypted links"
			);
		json_decref(network);
		return;
	}
	fog_links_rekey_all(n->links);
	http_reply_json(res, 202, json_pack("{s:i s:i}", "nodes", (int)s.nodes, "up", (int)s.up));
}

void metrics_links(FILE *f, struct fog_node *n)
{
	struct fog_links_summary s;

	fog_links_status(n->links, &s, NULL, 0);
	if (!s.active)
		return;
	metrics_gauge(f, "links_nodes", "", "other nodes of the topology", s.nodes);
	metrics_gauge(f, "links_up", "", "nodes that this one has a link with", s.up);
	metrics_gauge(f, "links_clients", "", "clients that have a link", s.clients);
	if (s.clocks > 0)
		metrics_gauge(
		        f, "links_clock_offset", "seconds",
		        "median of the other nodes' clocks minus ours", (double)s.offset_ms / 1e3
		);
	metrics_family(f, "links_handshakes", "", "counter", "handshakes, by what came of them");
	for (unsigned i = 0; i < FOG_LINKS_OUTCOME_COUNT; i++)
		fprintf(f, "fog_links_handshakes_total{outcome=\"%s\"} %llu\n",
		        links_outcome_labels[i], (unsigned long long)s.outcome[i]);
}
