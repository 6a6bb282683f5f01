// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A network whose keys the tests have: authorities, nodes that describe themselves, votes, consensuses.
#pragma once

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/directory/beacon.h"
#include "../../../controlplane/directory/consensus.h"
#include "../../../controlplane/vrf/delay.h"
#include "../../../controlplane/vrf/vrf.h"

enum { PARTS_AUTHORITIES = 4, PARTS_THRESHOLD = 3, PARTS_EPOCH = 1000, PARTS_NODES_MAX = 1100 };

struct parts_keys {
	uint8_t secret[64], identity[32], vrf_seed[32], vrf_key[32];
};

struct parts_node {
	struct parts_keys keys;
	struct fog_descriptor d;
	uint8_t data[FOG_DESCRIPTOR_MAX];
	size_t len;
};

struct parts {
	struct fog_topology net;
	uint8_t network[32];
	struct parts_keys authority[PARTS_AUTHORITIES];
	struct fog_cover_rates rates[PARTS_AUTHORITIES];
	unsigned count;
	struct parts_node *node;
};

static inline void parts_keys_make(struct parts_keys *k, unsigned kind, unsigned number)
{
	uint8_t seed[32] = {(uint8_t)kind, (uint8_t)number, (uint8_t)(number >> 8)}, whole[64];

	crypto_sign_seed_keypair(k->identity, k->secret, seed);
	seed[31] = 1;
	memcpy(k->vrf_seed, seed, 32);
	crypto_sign_seed_keypair(k->vrf_key, whole, seed);
}

// Signed again after a change of node->d.
static inline void parts_sign(struct parts_node *n)
{
	int len = fog_descriptor_sign(&n->d, n->keys.secret, n->data);

	if (len < 0)
		abort();
	n->len = (size_t)len;
}

static inline void parts_mix_keys(struct fog_descriptor *d, uint64_t first, unsigned count)
{
	d->mix_count = count;
	for (unsigned i = 0; i < count; i++) {
		d->mix[i].epoch = first + i;
		crypto_generichash(
		        d->mix[i].public_key, 32, (const uint8_t *)&d->mix[i].epoch, 8, d->identity,
		        32
		);
	}
}

// Number i: every fifth a gateway, every fifth a service, the others mixes.
static inline void parts_node_make(struct parts *p, unsigned i)
{
	struct parts_node *n = &p->node[i];
	struct fog_descriptor *d = &n->d;

	memset(n, 0, sizeof(*n));
	parts_keys_make(&n->keys, 2, i);
	d->role = i % 5 == 0 ? FOG_ROLE_GATEWAY : i % 5 == 1 ? FOG_ROLE_SERVICE : FOG_ROLE_MIX;
	memcpy(d->network, p->network, 32);
	memcpy(d->identity, n->keys.identity, 32);
	crypto_generichash(d->node_id, 32, d->identity, 32, NULL, 0);
	crypto_generichash(d->link_key, 32, d->node_id, 32, NULL, 0);
	memcpy(d->vrf_key, n->keys.vrf_key, 32);
	snprintf(d->name, sizeof(d->name), "node-%u", i);
	snprintf(d->operator, sizeof(d->operator), "operator-%u", i / 3);
	d->as_number = 64500 + i / 4;
	d->bandwidth = (uint8_t)(i % 4);
	d->mix_port = 9001;
	d->address = (struct fog_ip){.family = 4, .addr = {10, 1, (uint8_t)(i >> 8), (uint8_t)i}};
	d->time_ms = 1795670000000;
	d->sequence = 10;
	parts_mix_keys(d, PARTS_EPOCH, 3);
	parts_sign(n);
}

static inline void parts_authorities(struct parts *p)
{
	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++) {
		struct fog_authority *of = &p->net.authority[a];
		parts_keys_make(&p->authority[a], 1, a);
		snprintf(of->name, sizeof(of->name), "auth%u", a + 1);
		memcpy(of->identity, p->authority[a].identity, 32);
		memcpy(of->vrf_key, p->authority[a].vrf_key, 32);
		p->rates[a] = (struct fog_cover_rates){1000 + a, 2000, 3000 - a, 4, 5, 6, 7 * a};
	}
}

// The caller frees it with parts_free.
static inline struct parts *parts_make(unsigned nodes)
{
	struct parts *p = calloc(1, sizeof(*p));

	if (p == NULL || (p->node = calloc(PARTS_NODES_MAX, sizeof(p->node[0]))) == NULL)
		abort();
	snprintf(p->net.name, sizeof(p->net.name), "parts");
	if (fog_geometry_init(&p->net.geometry, 5, 900) < 0)
		abort();
	p->net.epoch_s = 600;
	p->net.overlap_s = 60;
	p->net.delay_mean_us = 50000;
	p->net.delay_max_us = 500000;
	p->net.tolerance_ms = 500;
	p->net.rekey_s = 120;
	p->net.rekey_packets = 1 << 20;
	p->net.links = FOG_LINKS_NOISE;
	p->net.authority_count = PARTS_AUTHORITIES;
	p->net.threshold = PARTS_THRESHOLD;
	parts_authorities(p);
	fog_network_hash(&p->net, p->network);
	p->count = nodes;
	for (unsigned i = 0; i < nodes; i++)
		parts_node_make(p, i);
	return p;
}

// Nanoseconds since 1970.
static inline uint64_t parts_start(const struct parts *p, uint64_t epoch)
{
	return epoch * p->net.epoch_s * UINT64_C(1000000000);
}

static inline void parts_free(struct parts *p)
{
	free(p->node);
	free(p);
}

static inline void parts_share(
        const struct parts *p, unsigned a, uint64_t epoch, const struct fog_consensus *previous,
        uint8_t share[80]
)
{
	uint8_t alpha[FOG_BEACON_SHARE_LEN], beacon[32];

	fog_consensus_beacon(previous, p->network, epoch - 1, beacon);
	fog_beacon_share(p->network, epoch, beacon, alpha);
	if (fog_vrf_prove(p->authority[a].vrf_seed, alpha, sizeof(alpha), share) < 0)
		abort();
}

// Vote of authority 'a' with the nodes whose numbers are listed, as bytes. The caller frees it.
static inline uint8_t *parts_vote_bytes(
        const struct parts *p, unsigned a, uint64_t epoch, const struct fog_consensus *previous,
        bool share, const struct parts_node *const *node, unsigned count, size_t *len
)
{
	const uint8_t **data = calloc(count + 1, sizeof(*data));
	size_t *lens = calloc(count + 1, sizeof(*lens));
	uint8_t proof[80], *out = NULL;
	struct fog_vote_content c = {
	        .authority = a, .epoch = epoch, .rates = p->rates[a], .count = count};

	for (unsigned i = 0; i < count; i++) {
		data[i] = node[i]->data;
		lens[i] = node[i]->len;
	}
	c.descriptor = data;
	c.descriptor_len = lens;
	memcpy(c.network, p->network, 32);
	if (previous != NULL) {
		c.previous_epoch = previous->epoch;
		memcpy(c.previous_digest, previous->digest, 32);
	}
	if (share) {
		parts_share(p, a, epoch, previous, proof);
		c.share = proof;
	}
	if (fog_vote_make(&c, p->authority[a].secret, &out, len) < 0)
		out = NULL;
	free(data);
	free(lens);
	return out;
}

static inline struct fog_vote *parts_vote(
        const struct parts *p, unsigned a, uint64_t epoch, const struct fog_consensus *previous,
        bool share, const struct parts_node *const *node, unsigned count
)
{
	struct fog_vote *v = NULL;
	size_t len;
	uint8_t *data = parts_vote_bytes(p, a, epoch, previous, share, node, count, &len);

	if (data == NULL || fog_vote_open(data, len, &p->net, &v) != FOG_REFUSAL_NONE)
		abort();
	free(data);
	return v;
}

// All authorities list all nodes.
static inline void parts_votes(
        const struct parts *p, uint64_t epoch, const struct fog_consensus *previous,
        struct fog_vote *vote[FOG_AUTHORITIES_MAX]
)
{
	const struct parts_node **node = calloc(p->count + 1, sizeof(*node));

	memset(vote, 0, FOG_AUTHORITIES_MAX * sizeof(vote[0]));
	for (unsigned i = 0; i < p->count; i++)
		node[i] = &p->node[i];
	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++)
		vote[a] = parts_vote(p, a, epoch, previous, true, node, p->count);
	free(node);
}

static inline void parts_votes_free(struct fog_vote *vote[FOG_AUTHORITIES_MAX])
{
	for (unsigned a = 0; a < FOG_AUTHORITIES_MAX; a++) {
		free(vote[a]);
		vote[a] = NULL;
	}
}

// Authorities of the bits in 'who' sign.
static inline void parts_signatures(const struct parts *p, struct fog_consensus *c, unsigned who)
{
	struct fog_consensus_signature signature[PARTS_AUTHORITIES];
	struct fog_statement s = fog_consensus_statement(c);
	unsigned n = 0;

	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++) {
		if ((who >> a & 1) == 0)
			continue;
		signature[n].authority = (uint8_t)a;
		fog_statement_sign(&s, p->authority[a].secret, signature[n++].signature);
	}
	if (fog_consensus_set_signatures(c, signature, n) < 0)
		abort();
}

static inline struct fog_consensus *parts_compute(
        const struct parts *p, uint64_t epoch, struct fog_vote *const vote[FOG_AUTHORITIES_MAX],
        unsigned lied, const struct fog_consensus *previous
)
{
	struct fog_consensus *c = NULL;

	fog_consensus_compute(
	        &p->net, epoch, (const struct fog_vote *const *)vote, (uint16_t)lied, previous, &c
	);
	return c;
}

// Of votes by all for all nodes, signed by three.
static inline struct fog_consensus *parts_consensus(
        const struct parts *p, uint64_t epoch, const struct fog_consensus *previous
)
{
	struct fog_vote *vote[FOG_AUTHORITIES_MAX];
	struct fog_consensus *c;

	parts_votes(p, epoch, previous, vote);
	c = parts_compute(p, epoch, vote, 0, previous);
	parts_votes_free(vote);
	if (c != NULL)
		parts_signatures(p, c, 7);
	return c;
}

// As a node does when an epoch begins: keys for three epochs from 'epoch' on, and the proof of the
// delays of epoch - 2, whose beacon is that of epoch - 3.
static inline void parts_renew(
        struct parts *p, struct parts_node *n, uint64_t epoch, const struct fog_consensus *previous
)
{
	uint8_t alpha[FOG_DELAY_ALPHA_LEN], beacon[32];

	n->d.sequence++;
	parts_mix_keys(&n->d, epoch, 3);
	n->d.proof_count = 1;
	n->d.proof[0].epoch = epoch - 2;
	fog_consensus_beacon(previous, p->network, epoch - 3, beacon);
	fog_delay_alpha(p->network, epoch - 2, beacon, alpha);
	if (fog_vrf_prove(n->keys.vrf_seed, alpha, sizeof(alpha), n->d.proof[0].proof) < 0)
		abort();
	parts_sign(n);
}

// The proof that a consensus says the node owes, in the place of the one it has.
static inline void parts_pay(
        const struct parts *p, struct parts_node *n, const struct fog_consensus_owed *owed
)
{
	uint8_t alpha[FOG_DELAY_ALPHA_LEN];

	fog_delay_alpha(p->network, owed->epoch, owed->beacon, alpha);
	n->d.proof[0].epoch = owed->epoch;
	if (fog_vrf_prove(n->keys.vrf_seed, alpha, sizeof(alpha), n->d.proof[0].proof) < 0)
		abort();
	parts_sign(n);
}

static inline void parts_renew_all(
        struct parts *p, uint64_t epoch, const struct fog_consensus *previous
)
{
	for (unsigned i = 0; i < p->count; i++)
		parts_renew(p, &p->node[i], epoch, previous);
}
