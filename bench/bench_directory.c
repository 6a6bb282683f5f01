// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an authority does once an epoch: judge the descriptor of every node, read the votes, compute the
// consensus and sign it; and what a client does with that.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../controlplane/directory/beacon.h"
#include "../controlplane/directory/consensus.h"
#include "../controlplane/vrf/delay.h"
#include "../controlplane/vrf/vrf.h"
#include "bench.h"

enum { AUTHORITIES = 4, THRESHOLD = 3, EPOCH = 1000, NODES_QUICK = 8 };

static struct bench_option options[] = {{"--nodes", "4 to 1024", "200"}, {0}};

struct member {
	uint8_t secret[64], vrf_seed[32], data[FOG_DESCRIPTOR_MAX];
	size_t len;
	struct fog_descriptor d;
};

static struct {
	struct fog_topology net;
	uint8_t network[32];
	uint8_t secret[AUTHORITIES][64], vrf_seed[AUTHORITIES][32];
	unsigned count;
	struct member *member;
	uint8_t *vote[AUTHORITIES];
	size_t vote_len[AUTHORITIES];
	struct fog_consensus *previous, *made;
	int ret;
} data;

static void keys_make(uint8_t secret[64], uint8_t identity[32], uint8_t seed[32], uint8_t vrf[32])
{
	uint8_t whole[64];

	crypto_sign_keypair(identity, secret);
	randombytes_buf(seed, 32);
	crypto_sign_seed_keypair(vrf, whole, seed);
	sodium_memzero(whole, sizeof(whole));
}

static int network_make(void)
{
	struct fog_topology *t = &data.net;

	snprintf(t->name, sizeof(t->name), "bench");
	t->epoch_s = 10800;
	t->overlap_s = 300;
	t->delay_mean_us = 50000;
	t->delay_max_us = 500000;
	t->authority_count = AUTHORITIES;
	t->threshold = THRESHOLD;
	for (unsigned a = 0; a < AUTHORITIES; a++)
		keys_make(
		        data.secret[a], t->authority[a].identity, data.vrf_seed[a],
		        t->authority[a].vrf_key
		);
	int ret = fog_geometry_init(&t->geometry, 5, 900);
	fog_network_hash(t, data.network);
	return ret;
}

static void member_make(unsigned i)
{
	struct member *m = &data.member[i];
	struct fog_descriptor *d = &m->d;

	keys_make(m->secret, d->identity, m->vrf_seed, d->vrf_key);
	crypto_generichash(d->node_id, 32, d->identity, 32, NULL, 0);
	randombytes_buf(d->link_key, 32);
	memcpy(d->network, data.network, 32);
	d->role = i % 5 == 0 ? FOG_ROLE_GATEWAY : i % 5 == 1 ? FOG_ROLE_SERVICE : FOG_ROLE_MIX;
	snprintf(d->name, sizeof(d->name), "node-%u", i);
	d->mix_port = 9001;
	d->address = (struct fog_ip){.family = 4, .addr = {10, 1, (uint8_t)(i >> 8), (uint8_t)i}};
}

// As at the begin of an epoch; the proof is that of two epochs before.
static int member_sign(struct member *m, uint64_t epoch)
{
	uint8_t alpha[FOG_DELAY_ALPHA_LEN], beacon[32];
	struct fog_descriptor *d = &m->d;
	int ret;

	d->sequence++;
	d->mix_count = FOG_CONSENSUS_LIFE;
	for (unsigned k = 0; k < d->mix_count; k++) {
		d->mix[k].epoch = epoch + k;
		randombytes_buf(d->mix[k].public_key, 32);
	}
	d->proof_count = 1;
	d->proof[0].epoch = epoch - 2;
	fog_consensus_beacon(data.previous, data.network, epoch - 3, beacon);
	fog_delay_alpha(data.network, epoch - 2, beacon, alpha);
	if ((ret = fog_vrf_prove(m->vrf_seed, alpha, sizeof(alpha), d->proof[0].proof)) < 0)
		return ret;
	if ((ret = fog_descriptor_sign(d, m->secret, m->data)) < 0)
		return ret;
	m->len = (size_t)ret;
	return 0;
}

static int vote_make(unsigned a, uint64_t epoch)
{
	const uint8_t *descriptor[FOG_NODES_MAX];
	size_t len[FOG_NODES_MAX];
	uint8_t alpha[FOG_BEACON_SHARE_LEN], beacon[32], share[FOG_VRF_PROOF_LEN];
	struct fog_vote_content c = {
	        .authority = a,
	        .epoch = epoch,
	        .share = share,
	        .count = data.count,
	        .descriptor = descriptor,
	        .descriptor_len = len};
	int ret;

	for (unsigned i = 0; i < data.count; i++) {
		descriptor[i] = data.member[i].data;
		len[i] = data.member[i].len;
	}
	memcpy(c.network, data.network, 32);
	if (data.previous != NULL) {
		c.previous_epoch = data.previous->epoch;
		memcpy(c.previous_digest, data.previous->digest, 32);
	}
	fog_consensus_beacon(data.previous, data.network, epoch - 1, beacon);
	fog_beacon_share(data.network, epoch, beacon, alpha);
	if ((ret = fog_vrf_prove(data.vrf_seed[a], alpha, sizeof(alpha), share)) < 0)
		return ret;
	free(data.vote[a]);
	return fog_vote_make(&c, data.secret[a], &data.vote[a], &data.vote_len[a]);
}

// Read all votes and compute, as every authority does for itself. Signed by 'signers' of them.
static int consensus_make(uint64_t epoch, unsigned signers, struct fog_consensus **out)
{
	struct fog_consensus_signature signature[AUTHORITIES];
	struct fog_vote *vote[FOG_AUTHORITIES_MAX] = {NULL};
	int ret = 0;

	for (unsigned a = 0; a < AUTHORITIES && ret == 0; a++)
		ret = fog_vote_open(data.vote[a], data.vote_len[a], &data.net, &vote[a]);
	if (ret == 0)
		ret = fog_consensus_compute(
		        &data.net, epoch, (const struct fog_vote *const *)vote, 0, data.previous,
		        out
		);
	for (unsigned a = 0; a < AUTHORITIES; a++)
		free(vote[a]);
	if (ret != 0)
		return ret;
	struct fog_statement s = fog_consensus_statement(*out);
	for (unsigned a = 0; a < signers; a++) {
		signature[a].authority = (uint8_t)a;
		fog_statement_sign(&s, data.secret[a], signature[a].signature);
	}
	return fog_consensus_set_signatures(*out, signature, signers);
}

// Three epochs, so that the last one's nodes owe proofs.
static int epochs_make(void)
{
	for (uint64_t epoch = EPOCH; epoch < EPOCH + 3; epoch++) {
		struct fog_consensus *c = NULL;
		int ret = 0;
		for (unsigned i = 0; i < data.count && ret == 0; i++)
			ret = member_sign(&data.member[i], epoch);
		for (unsigned a = 0; a < AUTHORITIES && ret == 0; a++)
			ret = vote_make(a, epoch);
		if (ret == 0)
			ret = consensus_make(epoch, THRESHOLD, &c);
		if (ret == 0 && c->node_count != data.count)
			ret = -EDOM;
		if (ret != 0) {
			fog_consensus_free(c);
			return ret;
		}
		if (epoch == EPOCH + 2) {
			data.made = c;
			break;
		}
		fog_consensus_free(data.previous);
		data.previous = c;
	}
	return 0;
}

static void judge(void *ctx, uint64_t lap[])
{
	(void)ctx;
	(void)lap;
	for (unsigned i = 0; i < data.count; i++)
		data.ret |= fog_descriptor_judge(
		        &data.net, data.previous, EPOCH + 2, data.member[i].data,
		        data.member[i].len, NULL, 0, 0, NULL
		);
}

static void compute(void *ctx, uint64_t lap[])
{
	struct fog_consensus *c = NULL;

	(void)ctx;
	(void)lap;
	data.ret |= consensus_make(EPOCH + 2, 1, &c);
	fog_consensus_free(c);
}

static void verify(void *ctx, uint64_t lap[])
{
	struct fog_consensus *c = NULL;

	(void)ctx;
	(void)lap;
	data.ret |= fog_consensus_open(data.made->data, data.made->len, &data.net, &c);
	fog_consensus_free(c);
}

static int measure(struct bench_report *report)
{
	static const char *const name[] = {
	        "judge every descriptor", "read votes, compute, sign", "verify a consensus"};
	struct bench_case cases[] = {{.run = judge}, {.run = compute}, {.run = verify}};

	enum { CASES = sizeof(cases) / sizeof(cases[0]) };

	for (unsigned i = 0; i < CASES; i++) {
		cases[i].ops = 1;
		cases[i].runs = 1;
	}
	int ret = bench_measure(&report->plan, cases, CASES);
	if (ret == 0 && data.ret != 0)
		ret = -EDOM;
	for (unsigned i = 0; i < CASES && ret == 0; i++) {
		const struct bench_figure *ns = &cases[i].ns;
		struct bench_figure ms = {
		        ns->median / 1e6, ns->minimum / 1e6, ns->q1 / 1e6, ns->q3 / 1e6};
		json_t *row = bench_row(report);
		json_object_set_new(row, "work", json_string(name[i]));
		json_object_set_new(row, "nodes", json_integer(data.count));
		bench_row_figure(row, "ms", &ms);
	}
	return ret;
}

static int run(struct bench_report *report)
{
	double nodes = 0;
	int ret = bench_option_list(&options[0], 4, FOG_NODES_MAX, &nodes, 1);

	if (ret < 0)
		return ret;
	data.count = report->plan.quick ? NODES_QUICK : (unsigned)nodes;
	if ((data.member = calloc(data.count, sizeof(data.member[0]))) == NULL)
		return -ENOMEM;
	ret = network_make();
	for (unsigned i = 0; i < data.count; i++)
		member_make(i);
	if (ret == 0)
		ret = epochs_make();
	if (ret == 0)
		ret = measure(report);
	if (ret != 0)
		fprintf(stderr,
		        "bench: a document of the directory was refused, or memory is short\n");
	for (unsigned a = 0; a < AUTHORITIES; a++)
		free(data.vote[a]);
	fog_consensus_free(data.previous);
	fog_consensus_free(data.made);
	free(data.member);
	return ret > 0 ? -EDOM : ret;
}

const struct bench bench_directory = {
        .name = "directory",
        .what = "an authority's work of an epoch, and a client's",
        .key = (const char *const[]){"work", "nodes", NULL},
        .options = options,
        .run = run,
};
