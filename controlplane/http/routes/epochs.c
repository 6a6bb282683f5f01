// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Epochs: keys and clock of this node, what is known of the others, proofs of delays.
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../node_epochs.h"
#include "../../vrf/delay.h"
#include "../../vrf/vrf.h"
#include "../http.h"
#include "metrics.h"
#include "view.h"

static const char *const epochs_states[] = {
        [FOG_EPOCHS_ANNOUNCED] = "announced",
        [FOG_EPOCHS_LIVE] = "live",
        [FOG_EPOCHS_LOST] = "lost",
};

static const char *const epochs_refusals[] = {
#define X(name, label, text) [FOG_EXCHANGE_##name] = label,
        FOG_EXCHANGE_REFUSALS(X)
#undef X
};

// Whether there are epochs; otherwise the answer is there.
static bool epochs_there(
        struct fog_node *n, struct fog_epochs_view *view, struct http_response *res
)
{
	fog_epochs_look(n->epochs, view);
	if (!view->active)
		http_reply_problem(
		        res, 404, "no_epochs",
		        "see /readyz for the topology; 'links: noise' in it makes epochs",
		        "there is no topology, or its network has 'links: none' and one mix key "
		        "for good"
		);
	return view->active;
}

static json_t *epochs_time(uint64_t ns)
{
	return view_time_us((int64_t)(ns / 1000));
}

static json_t *epochs_own(const struct fog_epochs_view *v)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < v->count; i++) {
		uint64_t epoch = v->own[i].epoch;
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:I s:s s:o s:o s:o s:o}", "epoch", (json_int_t)epoch, "state",
		                epochs_states[v->own[i].state], "public_key",
		                view_hex(v->own[i].public_key, 32), "starts_at",
		                epochs_time(fog_schedule_start(&v->schedule, epoch)), "ends_at",
		                epochs_time(fog_schedule_start(&v->schedule, epoch + 1)),
		                "destroyed_at", epochs_time(fog_schedule_dead(&v->schedule, epoch))
		        )
		);
	}
	return list;
}

static json_t *epochs_refused(const struct fog_exchange_node *node)
{
	json_t *out = json_object();

	for (unsigned i = 0; i < FOG_EXCHANGE_REFUSAL_COUNT; i++)
		json_object_set_new(
		        out, epochs_refusals[i], json_integer((json_int_t)node->refused[i])
		);
	return out;
}

static json_t *epochs_node(const struct fog_exchange_node *node)
{
	json_t *keys = json_array();

	for (unsigned i = 0; i < node->key_count; i++)
		json_array_append_new(
		        keys,
		        json_pack(
		                "{s:I s:o s:b}", "epoch", (json_int_t)node->key[i].epoch,
		                "public_key", view_hex_or_null(node->key[i].public_key, 32), "lost",
		                node->key[i].lost
		        )
		);
	return json_pack(
	        "{s:s s:o s:b s:b s:b s:o s:o s:o s:o}", "name", node->name, "node_id",
	        view_hex(node->id, FOG_ID_LEN), "self", node->own, "known", node->known, "acked",
	        node->acked, "sequence",
	        node->known ? json_integer((json_int_t)node->sequence) : json_null(), "counts_from",
	        node->known ? json_integer((json_int_t)fog_exchange_counts_from(node))
	                    : json_null(),
	        "mix_keys", keys, "refused", epochs_refused(node)
	);
}

void http_get_epochs(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_epochs_view v;
	struct fog_exchange_node node;
	json_t *nodes;
	int64_t ahead = 0;

	if (!epochs_there(n, &v, res))
		return;
	nodes = json_array();
	for (unsigned i = 0; node_epochs_known(n, i, &node) == 0; i++)
		json_array_append_new(nodes, epochs_node(&node));
	uint64_t now = fog_clock_now_ns(n->clock), epoch = fog_schedule_epoch(&v.schedule, now);
	bool stepped = fog_clock_stepped(n->clock, &ahead);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:I s:o s:o s:I s:I s:I s:o s:{s:o s:b s:f} s:o s:o}", "epoch",
	                (json_int_t)epoch, "started_at",
	                epochs_time(fog_schedule_start(&v.schedule, epoch)), "ends_at",
	                epochs_time(fog_schedule_start(&v.schedule, epoch + 1)), "epoch_s",
	                (json_int_t)(v.schedule.epoch_ns / 1000000000), "overlap_s",
	                (json_int_t)(v.schedule.overlap_ns / 1000000000), "counts_from",
	                (json_int_t)v.vrf_from, "lost_until",
	                v.lost_until_ns > 0 ? epochs_time(v.lost_until_ns) : json_null(), "clock",
	                "now", epochs_time(now), "stepped", stepped, "host_ahead_s",
	                (double)ahead / 1e9, "keys", epochs_own(&v), "nodes", nodes
	        )
	);
}

static json_t *epochs_proved(
        struct fog_node *n, const uint8_t node_id[32], const uint8_t vrf_key[32], uint64_t epoch,
        const uint8_t network[32], const uint8_t proof[80], uint64_t counts_from
)
{
	uint8_t beacon[32], alpha[FOG_DELAY_ALPHA_LEN], beta[FOG_VRF_BETA_LEN], key[32];

	node_epochs_beacon(n, network, epoch, beacon);
	size_t len = fog_delay_alpha(network, epoch, beacon, alpha);
	// What we keep was checked when it came, but the keys may be others by now.
	if (fog_vrf_verify(vrf_key, alpha, len, proof, beta) < 0)
		return NULL;
	fog_delay_key_of_beta(beta, key);
	return json_pack(
	        "{s:I s:o s:o s:I s:o s:o s:o s:o s:o s:o}", "epoch", (json_int_t)epoch, "node_id",
	        view_hex(node_id, 32), "vrf_key", view_hex(vrf_key, 32), "counts_from",
	        (json_int_t)counts_from, "network", view_hex(network, 32), "beacon",
	        view_hex(beacon, 32), "alpha", view_hex(alpha, len), "proof", view_hex(proof, 80),
	        "beta", view_hex(beta, sizeof(beta)), "delay_key", view_hex(key, 32)
	);
}

// Why there is no proof: it lies in the time to come, or it has never come here.
static void epochs_no_proof(
        struct fog_node *n, const struct fog_epochs_view *v, uint64_t epoch,
        struct http_response *res
)
{
	uint64_t now = fog_clock_now_ns(n->clock), due = fog_schedule_dead(&v->schedule, epoch);

	if (now >= due) {
		http_reply_problem(
		        res, 404, "no_proof", "see /v1/epochs for what is known of each node",
		        "no proof of epoch %" PRIu64
		        " is here: it was not sent, or it is forgotten",
		        epoch
		);
		return;
	}
	uint64_t left = (due - now) / 1000000000 + 1;
	http_reply_problem(
	        res, 404, "not_published", "wait until the epoch's key is destroyed",
	        "the proof of epoch %" PRIu64 " is published when its key is destroyed, in %" PRIu64
	        " s",
	        epoch, left
	);
	res->retry_after_s = (int)(left < 86400 ? left : 86400);
}

static void epochs_answer_own(
        struct fog_node *n, const struct fog_epochs_view *v, uint64_t epoch,
        struct http_response *res
)
{
	uint8_t network[32], proof[FOG_VRF_PROOF_LEN];
	int r = fog_epochs_proof(n->epochs, epoch, network, proof);
	json_t *out = r == 0 ? epochs_proved(
	                               n, n->identity->node_id, n->identity->vrf_public, epoch,
	                               network, proof, v->vrf_from
	                       )
	                     : NULL;

	if (out != NULL)
		http_reply_json(res, 200, out);
	else if (r == -EAGAIN && fog_clock_now_ns(n->clock) >= fog_schedule_dead(&v->schedule, epoch))
		http_reply_problem(
		        res, 404, "not_published", "see /readyz",
		        "the proof of epoch %" PRIu64
		        " is published when the data plane has confirmed that the key is destroyed",
		        epoch
		);
	else
		epochs_no_proof(n, v, epoch, res);
}

// No further than times can be told.
static int epochs_number(
        int64_t number, const struct fog_epochs_view *v, struct http_response *res, uint64_t *epoch
)
{
	int64_t most = INT64_MAX / (int64_t)v->schedule.epoch_ns - 2;

	*epoch = (uint64_t)number;
	if (number <= most)
		return 0;
	http_reply_problem(res, 400, "bad_parameter", NULL, "the epoch is at most %" PRId64, most);
	return -ERANGE;
}

void http_get_vrf(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_epochs_view v;
	uint64_t epoch;

	if (epochs_there(n, &v, res) && epochs_number(req->part_number[0], &v, res, &epoch) == 0)
		epochs_answer_own(n, &v, epoch, res);
}

// Name first, as with messages. Returns 0 with the node's number in the exchange.
static int epochs_find(struct fog_node *n, const char *text, struct fog_exchange_node *node)
{
	uint8_t id[FOG_ID_LEN];
	size_t len = 0;
	bool is_id = strlen(text) == 64 &&
	        sodium_hex2bin(id, sizeof(id), text, 64, NULL, &len, NULL) == 0 &&
	        len == sizeof(id);

	for (unsigned i = 0; node_epochs_known(n, i, node) == 0; i++)
		if (strcmp(node->name, text) == 0 || (is_id && memcmp(node->id, id, 32) == 0))
			return 0;
	return -ENOENT;
}

void http_get_node_vrf(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_epochs_view v;
	struct fog_exchange_node node;
	uint8_t network[32], proof[FOG_VRF_PROOF_LEN], vrf_key[32];
	json_t *out = NULL;
	uint64_t epoch;

	if (!epochs_there(n, &v, res) || epochs_number(req->part_number[1], &v, res, &epoch) < 0)
		return;
	if (epochs_find(n, req->part[0], &node) < 0) {
		http_reply_problem(
		        res, 404, "no_such_node", "see /v1/nodes",
		        "there is no node of that name or ID"
		);
		return;
	}
	if (node.own) {
		epochs_answer_own(n, &v, epoch, res);
		return;
	}
	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology_node *t = n->topology != NULL
	        ? fog_topology_find(n->topology, node.id)
	        : NULL;
	int r = t != NULL ? 0 : -ENOENT;
	if (t != NULL) {
		memcpy(vrf_key, t->vrf_key, 32);
		fog_network_hash(n->topology, network);
	}
	pthread_rwlock_unlock(&n->lock);
	if (r == 0 && (r = fog_store_begin(n->store)) == 0) {
		r = fog_store_proof_get(n->store, node.id, epoch, proof);
		fog_store_end(n->store, 0);
	}
	if (r == 0)
		out = epochs_proved(
		        n, node.id, vrf_key, epoch, network, proof, fog_exchange_counts_from(&node)
		);
	if (out != NULL)
		http_reply_json(res, 200, out);
	else
		epochs_no_proof(n, &v, epoch, res);
}

void http_get_descriptor(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_epochs_view v;

	if (!epochs_there(n, &v, res))
		return;
	if (v.descriptor_len == 0) {
		http_reply_problem(
		        res, 404, "no_descriptor", "see /readyz",
		        "this node has announced nothing yet"
		);
		return;
	}
	http_reply_json(
	        res, 200, json_pack("{s:o}", "descriptor", view_hex(v.descriptor, v.descriptor_len))
	);
}

void metrics_epochs(FILE *f, struct fog_node *n)
{
	uint64_t refused[FOG_EXCHANGE_REFUSAL_COUNT] = {0};
	struct fog_exchange_node node;
	struct fog_epochs_view v;
	unsigned known = 0;
	int64_t ahead = 0;

	bool stepped = fog_clock_stepped(n->clock, &ahead);
	metrics_gauge(
	        f, "clock_stepped", "",
	        "1 while the host's clock is off from the epochs' by a step", stepped
	);
	fog_epochs_look(n->epochs, &v);
	if (!v.active)
		return;
	for (unsigned i = 0; node_epochs_known(n, i, &node) == 0; i++) {
		for (unsigned k = 0; k < node.key_count; k++)
			known += node.key[k].epoch == v.epoch && !node.key[k].lost;
		for (unsigned k = 0; k < FOG_EXCHANGE_REFUSAL_COUNT; k++)
			refused[k] += node.refused[k];
	}
	metrics_gauge(f, "epoch", "", "key epoch that packets are made for", (double)v.epoch);
	metrics_gauge(
	        f, "epoch_keys_lost", "",
	        "1 while this node has no key for the epoch after a reboot", v.lost_until_ns > 0
	);
	metrics_gauge(
	        f, "epoch_nodes_known", "",
	        "nodes whose mix key of the epoch is known, this one too", known
	);
	metrics_family(f, "descriptors_refused", "", "counter", "descriptors or parts not taken");
	for (unsigned k = 0; k < FOG_EXCHANGE_REFUSAL_COUNT; k++)
		fprintf(f, "fog_descriptors_refused_total{reason=\"%s\"} %" PRIu64 "\n",
		        epochs_refusals[k], refused[k]);
}
