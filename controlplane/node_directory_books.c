// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an epoch leaves behind: proofs of other nodes' delays for audits, and how many packets there were.
#include <errno.h>
#include <stdlib.h>

#include "http/routes/snapshot.h"
#include "node_directory_plan.h"
#include "node_directory_private.h"
#include "vrf/delay.h"
#include "vrf/vrf.h"

// Proofs that nodes have put into their descriptors, for audits. In a transaction, under 'lock'. A node may name any
// epoch: of one that isn't over there is no proof, and to draw the beacons up to it may take for ever.
static void directory_keep_proofs(
        struct node_directory *d, const struct fog_consensus_node *c, const uint8_t network[32],
        uint64_t now
)
{
	const struct fog_descriptor *n = &c->descriptor;
	struct fog_store *store = d->node->store;
	uint8_t known[80], beacon[32], alpha[FOG_DELAY_ALPHA_LEN], beta[FOG_VRF_BETA_LEN];

	for (unsigned i = 0; i < n->proof_count; i++) {
		uint64_t epoch = n->proof[i].epoch;
		if (epoch == 0 || epoch >= now ||
		    fog_store_proof_get(store, n->node_id, epoch, known) != -ENOENT)
			continue;
		fog_view_beacon(d->view, epoch - 1, beacon);
		size_t len = fog_delay_alpha(network, epoch, beacon, alpha);
		if (fog_vrf_verify(n->vrf_key, alpha, len, n->proof[i].proof, beta) == 0)
			fog_store_proof_put(store, n->node_id, epoch, n->proof[i].proof);
	}
}

void directory_proofs(struct node_directory *d)
{
	uint64_t epoch = directory_epoch(d);
	uint8_t network[32];

	if (fog_store_begin(d->node->store) < 0)
		return;
	pthread_mutex_lock(&d->lock);
	const struct fog_consensus *c = fog_view_at(d->view, epoch + 1);
	fog_network_hash(d->network, network);
	for (unsigned i = 0; c != NULL && i < c->node_count; i++)
		directory_keep_proofs(d, &c->node[i], network, epoch);
	fog_view_prune(d->view, epoch);
	pthread_mutex_unlock(&d->lock);
	fog_store_end(d->node->store, 1);
}

void directory_figures(struct node_directory *d, uint64_t epoch)
{
	if (d->counted_epoch == epoch)
		return;
	struct snapshot *s = snapshot_take(d->node->dp);
	struct fog_worker_counters *sum = s != NULL && s->workers_valid ? snapshot_sum(s) : NULL;
	uint64_t packets = sum != NULL ? sum->tx : 0;

	if (d->counted_epoch + 1 == epoch && d->counted > 0 && packets >= d->counted) {
		pthread_mutex_lock(&d->lock);
		d->figures_epoch = epoch - 1;
		d->figures_packets = directory_plan_figure(packets - d->counted);
		pthread_mutex_unlock(&d->lock);
	}
	d->counted_epoch = epoch;
	d->counted = packets;
	free(sum);
	free(s);
}
