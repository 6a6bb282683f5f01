// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../vrf/delay.h"
#include "../vrf/vrf.h"
#include "beacon.h"
#include "consensus_form.h"
#include "cover_rates.h"
#include "wire.h"

static_assert((int)CONSENSUS_SHARE == (int)FOG_VRF_PROOF_LEN);

static bool read_head(struct fog_consensus *c)
{
	const uint8_t *d = c->data, *at = d + 4;
	uint16_t zero;

	c->authorities = d[1];
	c->threshold = d[2];
	c->layers = d[3];
	at = wire_get(at, c->network, 32);
	at = wire_get_u64(at, &c->epoch);
	at = wire_get_u64(at, &c->until);
	at = wire_get_u64(at, &c->previous_epoch);
	at = wire_get(at, c->previous_digest, 32);
	at = wire_get(at, c->beacon, 32);
	at = wire_get(at, c->beacon_before, sizeof(c->beacon_before));
	at = wire_get_u16(at, &c->voted);
	at = wire_get_u16(at, &c->shared);
	at = wire_get_u16(at, &c->lied);
	at = wire_get_u16(at, &zero);
	at = wire_get_u32(at + CONSENSUS_TOLERANCE_AT, &c->tolerance_ms);
	at = wire_get_u32(at, &c->rekey_s);
	at = wire_get_u64(at, &c->rekey_packets);
	cover_rates_get(at, &c->rates);
	return d[0] == CONSENSUS_VERSION && zero == 0;
}

static bool head_good(const struct fog_consensus *c)
{
	if (c->authorities > FOG_AUTHORITIES_MAX)
		return false;
	unsigned all = (1u << c->authorities) - 1;
	return c->threshold >= 1 && c->threshold <= c->authorities && c->until > c->epoch &&
	        c->until - c->epoch == FOG_CONSENSUS_LIFE &&
	        (sodium_is_zero(c->previous_digest, 32) ? c->previous_epoch == 0
	                                                : c->previous_epoch < c->epoch) &&
	        (c->voted & ~all) == 0 && (c->lied & ~all) == 0 && (c->shared & ~c->voted) == 0 &&
	        (c->voted & c->lied) == 0 && c->layers <= FOG_SPHINX_SLOTS_MAX;
}

static bool read_node(struct fog_consensus *c, size_t *at, size_t end, struct fog_consensus_node *n)
{
	if (end - *at < CONSENSUS_NODE)
		return false;
	n->since = fog_be_get(c->data + *at, 8);
	n->layer = c->data[*at + 8];
	n->len = (uint32_t)fog_be_get(c->data + *at + 10, 2);
	if (c->data[*at + 9] != 0)
		return false;
	*at += CONSENSUS_NODE;
	n->at = (uint32_t)*at;
	if (end - *at < n->len || fog_descriptor_parse(c->data + *at, n->len, &n->descriptor) < 0)
		return false;
	*at += n->len;
	bool placed = n->descriptor.role == FOG_ROLE_MIX && c->layers > 0;
	return n->since <= c->epoch && (n->layer > 0) == placed && n->layer <= c->layers;
}

static int read_nodes(struct fog_consensus *c, size_t *at, size_t end)
{
	if (c->node_count > FOG_NODES_MAX ||
	    (end - *at) / (CONSENSUS_NODE + FOG_DESCRIPTOR_MIN) < c->node_count)
		return -EBADMSG;
	if ((c->node = calloc(c->node_count + 1, sizeof(c->node[0]))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->node_count; i++) {
		struct fog_consensus_node *n = &c->node[i];
		if (!read_node(c, at, end, n) ||
		    (i > 0 &&
		     memcmp(n[-1].descriptor.node_id, n->descriptor.node_id, FOG_ID_LEN) >= 0))
			return -EBADMSG;
	}
	return 0;
}

static int read_left(struct fog_consensus *c, size_t *at, size_t end)
{
	if ((end - *at) / CONSENSUS_LEFT < c->left_count)
		return -EBADMSG;
	if ((c->left = calloc(c->left_count + 1, sizeof(c->left[0]))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->left_count; i++, *at += CONSENSUS_LEFT) {
		struct fog_consensus_left *l = &c->left[i];
		memcpy(l->node_id, c->data + *at, FOG_ID_LEN);
		l->reason = c->data[*at + FOG_ID_LEN];
		if (l->reason == FOG_REFUSAL_NONE || l->reason >= FOG_REFUSAL_COUNT ||
		    fog_consensus_find(c, l->node_id) != NULL ||
		    (i > 0 && memcmp(l[-1].node_id, l->node_id, FOG_ID_LEN) >= 0))
			return -EBADMSG;
	}
	return 0;
}

static int read_owed(struct fog_consensus *c, size_t *at, size_t end)
{
	if ((end - *at) / CONSENSUS_OWED < c->owed_count)
		return -EBADMSG;
	if ((c->owed = calloc(c->owed_count + 1, sizeof(c->owed[0]))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->owed_count; i++) {
		struct fog_consensus_owed *o = &c->owed[i];
		const uint8_t *from = wire_get(c->data + *at, o->node_id, FOG_ID_LEN);
		from = wire_get_u64(from, &o->epoch);
		from = wire_get(from, o->vrf_key, 32);
		wire_get(from, o->beacon, 32);
		*at += CONSENSUS_OWED;
		if (o->epoch >= c->epoch || c->epoch - o->epoch > FOG_CONSENSUS_OWED ||
		    fog_consensus_find(c, o->node_id) != NULL ||
		    (i > 0 && memcmp(o[-1].node_id, o->node_id, FOG_ID_LEN) >= 0))
			return -EBADMSG;
	}
	return 0;
}

// Signatures stand at the end, ascending, so each authority has one at most.
static bool read_signers(struct fog_consensus *c)
{
	const uint8_t *at = c->data + c->body_len;
	unsigned count = *at++;

	if (c->len - c->body_len - 1 != count * (size_t)CONSENSUS_SIGNATURE)
		return false;
	for (unsigned i = 0; i < count; i++, at += CONSENSUS_SIGNATURE) {
		if (at[0] >= c->authorities || c->signers >> at[0] != 0)
			return false;
		c->signers |= (uint16_t)(1u << at[0]);
	}
	return true;
}

static int read_all(struct fog_consensus *c)
{
	size_t at = CONSENSUS_HEAD, end = c->len;
	int ret;

	if (!read_head(c) || !head_good(c))
		return -EBADMSG;
	size_t shares = (size_t)__builtin_popcount(c->shared) * CONSENSUS_SHARE;
	if (end - at < shares + CONSENSUS_COUNTS + 1)
		return -EBADMSG;
	at += shares;
	c->node_count = (unsigned)fog_be_get(c->data + at, 2);
	c->left_count = (unsigned)fog_be_get(c->data + at + 2, 2);
	c->owed_count = (unsigned)fog_be_get(c->data + at + 4, 2);
	at += CONSENSUS_COUNTS;
	if ((ret = read_nodes(c, &at, end)) < 0 || (ret = read_left(c, &at, end)) < 0 ||
	    (ret = read_owed(c, &at, end)) < 0)
		return ret;
	if (at >= end)
		return -EBADMSG;
	c->body_len = at;
	crypto_generichash(c->digest, 32, c->data, c->body_len, NULL, 0);
	return read_signers(c) ? 0 : -EBADMSG;
}

int fog_consensus_parse(const uint8_t *data, size_t len, struct fog_consensus **out)
{
	struct fog_consensus *c;
	int ret = -ENOMEM;

	*out = NULL;
	if (len < CONSENSUS_HEAD + CONSENSUS_COUNTS + 1 || len > FOG_CONSENSUS_MAX)
		return -EBADMSG;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	if ((c->data = malloc(len)) == NULL)
		goto err;
	memcpy(c->data, data, len);
	c->len = len;
	if ((ret = read_all(c)) < 0)
		goto err;
	*out = c;
	return 0;
err:
	fog_consensus_free(c);
	return ret;
}

void fog_consensus_parameters(const struct fog_consensus *c, struct fog_topology *out)
{
	const uint8_t *at = c->data + CONSENSUS_PARAMETERS_AT;
	uint16_t slots, payload;

	memset(out, 0, sizeof(*out));
	at = wire_get_u16(at, &slots);
	at = wire_get_u16(at, &payload);
	out->geometry.slots = slots;
	out->geometry.payload_len = payload;
	at = wire_get_u32(at, &out->epoch_s);
	at = wire_get_u32(at, &out->overlap_s);
	at = wire_get_u32(at, &out->delay_mean_us);
	at = wire_get_u32(at, &out->delay_max_us);
	at = wire_get_u32(at, &out->delay_cap_ms);
	at = wire_get_u32(at, &out->tolerance_ms);
	at = wire_get_u32(at, &out->rekey_s);
	wire_get_u64(at, &out->rekey_packets);
	out->cover = c->rates;
}

void fog_consensus_free(struct fog_consensus *c)
{
	if (c == NULL)
		return;
	free(c->node);
	free(c->left);
	free(c->owed);
	free(c->data);
	free(c);
}

const struct fog_consensus_node *fog_consensus_find(
        const struct fog_consensus *c, const uint8_t node_id[FOG_ID_LEN]
)
{
	unsigned low = 0, high = c->node_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = memcmp(c->node[middle].descriptor.node_id, node_id, FOG_ID_LEN);
		if (order == 0)
			return &c->node[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct fog_consensus_owed *fog_consensus_owed(
        const struct fog_consensus *c, const uint8_t node_id[FOG_ID_LEN]
)
{
	unsigned low = 0, high = c->owed_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = memcmp(c->owed[middle].node_id, node_id, FOG_ID_LEN);
		if (order == 0)
			return &c->owed[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct fog_statement fog_consensus_statement(const struct fog_consensus *c)
{
	struct fog_statement s = {.kind = FOG_STATEMENT_CONSENSUS, .epoch = c->epoch};

	memcpy(s.network, c->network, 32);
	memcpy(s.digest, c->digest, 32);
	return s;
}

const uint8_t *fog_consensus_signature(const struct fog_consensus *c, unsigned authority)
{
	const uint8_t *at = c->data + c->body_len + 1;

	for (; at < c->data + c->len; at += CONSENSUS_SIGNATURE)
		if (at[0] == authority)
			return at + 1;
	return NULL;
}

bool fog_consensus_contradiction(
        const struct fog_consensus *a, const struct fog_consensus *b,
        const struct fog_topology *network, unsigned authority, struct fog_equivocation *out
)
{
	const uint8_t *x = fog_consensus_signature(a, authority),
	              *y = fog_consensus_signature(b, authority);

	if (x == NULL || y == NULL || authority >= network->authority_count ||
	    a->epoch != b->epoch || memcmp(a->network, b->network, 32) != 0 ||
	    memcmp(a->digest, b->digest, 32) == 0)
		return false;
	*out = (struct fog_equivocation){.kind = FOG_STATEMENT_CONSENSUS, .epoch = a->epoch};
	memcpy(out->network, a->network, 32);
	memcpy(out->identity, network->authority[authority].identity, 32);
	memcpy(out->said[0].digest, a->digest, 32);
	memcpy(out->said[0].signature, x, 64);
	memcpy(out->said[1].digest, b->digest, 32);
	memcpy(out->said[1].signature, y, 64);
	return true;
}

void fog_consensus_beacon(
        const struct fog_consensus *c, const uint8_t network[32], uint64_t epoch, uint8_t out[32]
)
{
	if (c == NULL)
		fog_static_beacon(network, epoch, out);
	else if (epoch < c->epoch)
		memcpy(out, c->beacon_before[epoch + 1 < c->epoch], 32);
	else
		fog_beacon_extend(network, c->epoch, c->beacon, epoch, out);
}

static int check_signatures(const struct fog_consensus *c, const struct fog_topology *network)
{
	struct fog_statement s = fog_consensus_statement(c);

	for (unsigned a = 0; a < c->authorities; a++)
		if (c->signers >> a & 1 &&
		    fog_statement_verify(
		            &s, network->authority[a].identity, fog_consensus_signature(c, a)
		    ) < 0)
			return FOG_REFUSAL_SIGNATURE;
	return __builtin_popcount(c->signers) >= (int)c->threshold ? FOG_REFUSAL_NONE
	                                                           : FOG_REFUSAL_THRESHOLD;
}

static int check_beacon(const struct fog_consensus *c, const struct fog_topology *network)
{
	const uint8_t *share = c->data + CONSENSUS_HEAD;
	uint8_t alpha[FOG_BEACON_SHARE_LEN], betas[FOG_AUTHORITIES_MAX][64], beacon[32];
	unsigned count = 0;

	fog_beacon_share(c->network, c->epoch, c->beacon_before[0], alpha);
	for (unsigned a = 0; a < c->authorities; a++) {
		if ((c->shared >> a & 1) == 0)
			continue;
		if (fog_vrf_verify(
		            network->authority[a].vrf_key, alpha, sizeof(alpha), share,
		            betas[count++]
		    ) < 0)
			return FOG_REFUSAL_SIGNATURE;
		share += CONSENSUS_SHARE;
	}
	fog_beacon_next(c->network, c->epoch, c->beacon_before[0], betas, count, beacon);
	return memcmp(beacon, c->beacon, 32) == 0 ? FOG_REFUSAL_NONE : FOG_REFUSAL_MALFORMED;
}

static int check_descriptors(const struct fog_consensus *c)
{
	struct fog_descriptor d;

	for (unsigned i = 0; i < c->node_count; i++) {
		if (memcmp(c->node[i].descriptor.network, c->network, 32) != 0)
			return FOG_REFUSAL_NETWORK;
		if (fog_descriptor_verify(c->data + c->node[i].at, c->node[i].len, &d) < 0)
			return FOG_REFUSAL_SIGNATURE;
	}
	return FOG_REFUSAL_NONE;
}

// What many could send comes before what takes time.
static int consensus_check(const struct fog_consensus *c, const struct fog_topology *network)
{
	uint8_t hash[32], parameters[CONSENSUS_PARAMETERS];
	int ret;

	fog_network_hash(network, hash);
	consensus_parameters_put(network, parameters);
	if (memcmp(hash, c->network, 32) != 0)
		return FOG_REFUSAL_NETWORK;
	if (c->authorities != network->authority_count || c->threshold != network->threshold ||
	    memcmp(c->data + CONSENSUS_PARAMETERS_AT, parameters, sizeof(parameters)) != 0)
		return FOG_REFUSAL_PARAMETERS;
	if ((ret = check_signatures(c, network)) != FOG_REFUSAL_NONE ||
	    (ret = check_beacon(c, network)) != FOG_REFUSAL_NONE)
		return ret;
	return check_descriptors(c);
}

int fog_consensus_open(
        const uint8_t *data, size_t len, const struct fog_topology *network,
        struct fog_consensus **out
)
{
	struct fog_consensus *c;
	int ret = fog_consensus_parse(data, len, &c);

	*out = NULL;
	if (ret < 0)
		return ret == -EBADMSG ? FOG_REFUSAL_MALFORMED : ret;
	if ((ret = consensus_check(c, network)) != FOG_REFUSAL_NONE) {
		fog_consensus_free(c);
		return ret;
	}
	*out = c;
	return FOG_REFUSAL_NONE;
}
