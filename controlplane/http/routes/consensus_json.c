// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "consensus_json.h"

#include <stdio.h>

#include "view_value.h"

static json_t *consensus_mix_keys(const struct fog_descriptor *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->mix_count; i++)
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:I s:o}", "epoch", (json_int_t)d->mix[i].epoch, "public_key",
		                view_hex(d->mix[i].public_key, 32)
		        )
		);
	return list;
}

static json_t *consensus_node(const struct fog_consensus_node *node)
{
	const struct fog_descriptor *d = &node->descriptor;

	return json_pack(
	        "{s:s s:o s:s s:i s:I s:o s:i s:i s:s s:s s:I s:s s:i s:s s:I s:o s:o s:o s:I s:o s:o}",
	        "name", d->name, "node_id", view_hex(d->node_id, FOG_ID_LEN), "role",
	        fog_role_name(d->role), "layer", node->layer, "since", (json_int_t)node->since,
	        "address", view_ip(&d->address), "mix_port", d->mix_port, "directory_port",
	        d->directory_port, "operator", d->operator, "family", d->family, "as",
	        (json_int_t)d->as_number, "region", d->region, "bandwidth", d->bandwidth,
	        "software", d->software, "sequence", (json_int_t)d->sequence, "identity_key",
	        view_hex(d->identity, 32), "link_key", view_hex(d->link_key, 32), "vrf_key",
	        view_hex(d->vrf_key, 32), "vrf_from", (json_int_t)d->vrf_from, "tls_key",
	        view_hex_or_null(d->tls_key, 32), "mix_keys", consensus_mix_keys(d)
	);
}

static json_t *consensus_nodes(const struct fog_consensus *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->node_count; i++)
		json_array_append_new(list, consensus_node(&c->node[i]));
	return list;
}

static json_t *consensus_left(const struct fog_consensus *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->left_count; i++)
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:o s:s s:s}", "node_id",
		                view_hex(c->left[i].node_id, FOG_ID_LEN), "reason",
		                fog_refusal_label(c->left[i].reason), "text",
		                fog_refusal_text(c->left[i].reason)
		        )
		);
	return list;
}

static json_t *consensus_owed(const struct fog_consensus *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->owed_count; i++)
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:o s:I}", "node_id", view_hex(c->owed[i].node_id, FOG_ID_LEN),
		                "epoch", (json_int_t)c->owed[i].epoch
		        )
		);
	return list;
}

static json_t *consensus_authorities(const struct fog_consensus *c, const struct fog_topology *t)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->authorities; i++) {
		char number[16];
		snprintf(number, sizeof(number), "%u", i);
		bool named = t != NULL && i < t->authority_count;
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:s s:b s:b s:b s:b}", "name",
		                named ? t->authority[i].name : number, "voted", c->voted >> i & 1,
		                "shared", c->shared >> i & 1, "lied", c->lied >> i & 1, "signed",
		                c->signers >> i & 1
		        )
		);
	}
	return list;
}

static json_t *consensus_rates(const struct fog_cover_rates *r)
{
	return json_pack(
	        "{s:I s:I s:I s:I s:I s:I s:I}", "loop_us", (json_int_t)r->loop_us, "drop_us",
	        (json_int_t)r->drop_us, "dummy_us", (json_int_t)r->dummy_us, "client_send_us",
	        (json_int_t)r->client_send_us, "client_loop_us", (json_int_t)r->client_loop_us,
	        "client_fetch_us", (json_int_t)r->client_fetch_us, "slack_ms",
	        (json_int_t)r->slack_ms
	);
}

static json_t *consensus_parameters(const struct fog_consensus *c)
{
	struct fog_topology t;

	fog_consensus_parameters(c, &t);
	return json_pack(
	        "{s:i s:i s:I s:I s:I s:I s:I s:I s:I s:I}", "slots", (int)t.geometry.slots,
	        "payload_len", (int)t.geometry.payload_len, "epoch_s", (json_int_t)t.epoch_s,
	        "overlap_s", (json_int_t)t.overlap_s, "delay_mean_us", (json_int_t)t.delay_mean_us,
	        "delay_max_us", (json_int_t)t.delay_max_us, "delay_cap_ms",
	        (json_int_t)t.delay_cap_ms, "tolerance_ms", (json_int_t)t.tolerance_ms, "rekey_s",
	        (json_int_t)t.rekey_s, "rekey_packets", (json_int_t)t.rekey_packets
	);
}

json_t *fog_consensus_json(const struct fog_consensus *c, const struct fog_topology *network)
{
	return json_pack(
	        "{s:s? s:o s:I s:I s:I s:o s:o s:o s:i s:i s:o s:o s:o s:o s:o s:o}", "network",
	        network != NULL ? network->name : NULL, "network_hash", view_hex(c->network, 32),
	        "epoch", (json_int_t)c->epoch, "until", (json_int_t)c->until, "previous_epoch",
	        (json_int_t)c->previous_epoch, "previous_digest",
	        view_hex_or_null(c->previous_digest, 32), "digest", view_hex(c->digest, 32),
	        "beacon", view_hex(c->beacon, 32), "layers", (int)c->layers, "threshold",
	        (int)c->threshold, "parameters", consensus_parameters(c), "rates",
	        consensus_rates(&c->rates), "authorities", consensus_authorities(c, network),
	        "nodes", consensus_nodes(c), "left_out", consensus_left(c), "owed",
	        consensus_owed(c)
	);
}
