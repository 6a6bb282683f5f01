// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "view.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../config/prefix.h"

json_t *view_prefix(const struct fog_prefix *p)
{
	char text[FOG_PREFIX_TEXT_LEN];

	return json_string(fog_prefix_print(p, text));
}

json_t *view_books(const struct fog_worker_counters *c)
{
	return json_pack(
	        "{s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "rx", (json_int_t)c->rx,
	        "injected", (json_int_t)c->injected, "made", (json_int_t)c->made, "tx",
	        (json_int_t)c->tx, "delivered", (json_int_t)c->delivered, "punted",
	        (json_int_t)c->punted, "answered", (json_int_t)c->answered, "drops",
	        (json_int_t)c->drops, "parked", (json_int_t)c->parked, "in_batch",
	        (json_int_t)c->in_batch, "cover_stock", (json_int_t)c->cover_stock,
	        "accounting_gap", (json_int_t)fog_books_gap(c)
	);
}

json_t *view_drops(const struct fog_worker_counters *c)
{
	json_t *drops = json_object();

	for (unsigned i = FOG_DROP_NONE + 1; i < FOG_DROP_COUNT; i++)
		json_object_set_new(drops, fog_drop_label(i), json_integer((json_int_t)c->drop[i]));
	return drops;
}

json_t *view_hist(const struct fog_hist *h)
{
	if (h->count == 0)
		return json_pack("{s:i s:n s:n s:n}", "count", 0, "p50", "p99", "max");
	return json_pack(
	        "{s:I s:I s:I s:I}", "count", (json_int_t)h->count, "p50",
	        (json_int_t)fog_hist_quantile(h, 0.5), "p99",
	        (json_int_t)fog_hist_quantile(h, 0.99), "max", (json_int_t)h->max
	);
}

json_t *view_peers(
        const struct fog_node *n, const struct snapshot *s, const struct fog_worker_counters *c
)
{
	json_t *peers = json_array();

	for (unsigned i = 0; i < FOG_NODES_MAX; i++) {
		if (c->peer[i].tx == 0 && c->peer[i].rx == 0)
			continue;
		json_array_append_new(
		        peers,
		        json_pack(
		                "{s:s? s:o s:I s:I}", "name", snapshot_peer_name(n, s, i),
		                "node_id", view_hex_or_null(s->peer[i], FOG_ID_LEN), "tx",
		                (json_int_t)c->peer[i].tx, "rx", (json_int_t)c->peer[i].rx
		        )
		);
	}
	return peers;
}
