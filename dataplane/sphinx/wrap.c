// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A sender's work on a batch of packets: the headers from the last hop to the first, then the
// payloads' layers. Each step runs over all packets before the next one begins.
#include "wrap.h"
#include "command.h"
#include "layout.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

// A batch on its way through the steps.
struct wrap_batch {
	const struct fog_crypto_ops *ops;
	const struct fog_geometry *geo;
	unsigned n, count; // hops, packets
	const struct fog_sphinx_wrap_job *job;
	struct fog_sphinx_wrap_state *state;
};

void wrap_random(fog_random_fn *random, void *random_ctx, uint8_t *out, size_t len)
{
	if (random != NULL)
		random(random_ctx, out, len);
	else
		randombytes_buf(out, len);
}

void wrap_wipe(struct fog_sphinx_wrap_state state[], unsigned n, unsigned count)
{
	for (unsigned p = 0; p < count; p++) {
		struct fog_sphinx_wrap_state *s = &state[p];

		sodium_memzero(s->element, n * sizeof(s->element[0]));
		sodium_memzero(s->stream, n * sizeof(s->stream[0]));
		fog_sphinx_hop_wipe(s->hop, n);
		sodium_memzero(s->scalar, sizeof(s->scalar));
		sodium_memzero(s->mac, sizeof(s->mac));
		sodium_memzero(s->block, sizeof(s->block));
	}
}

static int wrap_check_path(
        const struct fog_geometry *geo, const struct fog_sphinx_path_hop *path, unsigned n
)
{
	if (n < 1 || n > geo->slots)
		return -EINVAL;
	for (unsigned i = 0; i + 1 < n; i++) {
		if (path[i].has_recipient || path[i].has_surb)
			return -EINVAL;
	}
	return 0;
}

// Multiplications wait until the lanes are full; '*low_order' isn't 0 when a result was zero.
static void lanes_flush(struct fog_lanes *lanes, uint64_t *low_order)
{
	fog_lanes_run(lanes);
	*low_order |= lanes->zero;
	fog_lanes_init(lanes, lanes->ops);
}

static void lanes_push(
        struct fog_lanes *lanes, uint64_t *low_order, uint8_t *out, const uint8_t *scalar,
        const uint8_t *point
)
{
	fog_lanes_add(lanes, out, scalar, point);
	if (lanes->n == FOG_CRYPTO_BATCH_MAX)
		lanes_flush(lanes, low_order);
}

// What the first hops see: the ephemeral scalars' public keys.
static void wrap_ephemeral(const struct wrap_batch *b)
{
	const uint8_t *scalar[FOG_SPHINX_BATCH_MAX];
	uint8_t *element[FOG_SPHINX_BATCH_MAX];

	for (unsigned p = 0; p < b->count; p++) {
		scalar[p] = b->state[p].scalar;
		element[p] = b->state[p].element[0];
	}
	b->ops->x25519_base(b->count, element, scalar);
}

// Multiply the secrets of hops level..n-1, and behind the first hop the element that hop 'level'
// will see, by the scalar of this level.
static int wrap_multiply(const struct wrap_batch *b, unsigned level)
{
	struct fog_lanes lanes;
	uint64_t low_order = 0;

	fog_lanes_init(&lanes, b->ops);
	for (unsigned p = 0; p < b->count; p++) {
		struct fog_sphinx_wrap_state *s = &b->state[p];

		if (level != 0)
			lanes_push(
			        &lanes, &low_order, s->element[level], s->scalar,
			        s->element[level - 1]
			);
		for (unsigned i = level; i < b->n; i++)
			lanes_push(
			        &lanes, &low_order, s->hop[i].secret, s->scalar,
			        level == 0 ? b->job[p].path[i].public_key : s->hop[i].secret
			);
	}
	lanes_flush(&lanes, &low_order);
	return low_order != 0 ? -EDOM : 0;
}

// Hop i's secret is its public key times the ephemeral scalar and all blinding scalars before i.
// Clamping at each step forbids to multiply the scalars first.
static int wrap_secrets(const struct wrap_batch *b)
{
	const uint8_t *secret[FOG_SPHINX_BATCH_MAX], *seed[FOG_SPHINX_BATCH_MAX];
	uint8_t *okm[FOG_SPHINX_BATCH_MAX], *scalar[FOG_SPHINX_BATCH_MAX];

	wrap_ephemeral(b);
	for (unsigned level = 0; level < b->n; level++) {
		if (wrap_multiply(b, level) < 0)
			return -EDOM;
		for (unsigned p = 0; p < b->count; p++) {
			struct fog_sphinx_hop *hop = &b->state[p].hop[level];

			secret[p] = hop->secret;
			okm[p] = hop->okm;
			seed[p] = hop->okm + OKM_BLIND_SEED;
			scalar[p] = b->state[p].scalar;
		}
		b->ops->expand(b->count, okm, secret);
		b->ops->blind_scalar(b->count, scalar, seed);
	}
	return 0;
}

static void wrap_filler(struct fog_sphinx_wrap_state *s, unsigned n, size_t len)
{
	for (unsigned i = 1; i < n; i++) {
		size_t before = i * FOG_SPHINX_SLOT_LEN;
		uint8_t *filler = s->stream[i] + len - before - FOG_SPHINX_SLOT_LEN;

		for (size_t j = 0; j < before; j++)
			filler[j] ^= s->stream[i - 1][len - before + j];
	}
}

static void wrap_streams(const struct wrap_batch *b)
{
	size_t len = b->geo->routing_len + FOG_SPHINX_SLOT_LEN;
	const uint8_t *zero[FOG_SPHINX_BATCH_MAX];
	const uint8_t *key[FOG_SPHINX_BATCH_MAX], *iv[FOG_SPHINX_BATCH_MAX];
	uint8_t *stream[FOG_SPHINX_BATCH_MAX];

	for (unsigned i = 0; i < b->n; i++) {
		for (unsigned p = 0; p < b->count; p++) {
			const struct fog_sphinx_hop *hop = &b->state[p].hop[i];

			zero[p] = stream[p] = b->state[p].stream[i];
			memset(stream[p], 0, len);
			key[p] = hop->okm + OKM_CTR_KEY;
			iv[p] = hop->okm + OKM_IV;
		}
		b->ops->ctr(b->count, stream, zero, key, iv, len);
	}
	for (unsigned p = 0; p < b->count; p++)
		wrap_filler(&b->state[p], b->n, len);
}

// Put the slot of hop i in front of the routing information and encrypt what stays inside the block
// at that hop; the filler follows it.
static void wrap_slot(const struct wrap_batch *b, unsigned p, unsigned i)
{
	struct fog_sphinx_wrap_state *s = &b->state[p];
	const struct fog_sphinx_path_hop *path = b->job[p].path;
	uint8_t *routing = s->block + LAYOUT_ROUTING;
	size_t len = b->geo->routing_len, filler = i * FOG_SPHINX_SLOT_LEN, body = len - filler;

	memmove(routing + FOG_SPHINX_SLOT_LEN, routing, body - FOG_SPHINX_SLOT_LEN);
	command_write_slot(routing, &path[i], i + 1 < b->n ? path[i + 1].id : NULL, s->mac);
	for (size_t j = 0; j < body; j++)
		routing[j] ^= s->stream[i][j];
	memset(s->block, 0, FOG_SPHINX_PREFIX_LEN);
	memcpy(s->block + LAYOUT_POINT, s->element[i], FOG_SPHINX_POINT_LEN);
	if (i > 0)
		memcpy(routing + body, s->stream[i - 1] + len + FOG_SPHINX_SLOT_LEN - filler,
		       filler);
}

// Build the routing information from the back, each step authenticated together with the filler.
static void wrap_routing(const struct wrap_batch *b)
{
	const uint8_t *key[FOG_SPHINX_BATCH_MAX], *msg[FOG_SPHINX_BATCH_MAX];
	uint8_t *mac[FOG_SPHINX_BATCH_MAX];

	for (unsigned i = b->n; i-- > 0;) {
		for (unsigned p = 0; p < b->count; p++) {
			wrap_slot(b, p, i);
			key[p] = b->state[p].hop[i].okm + OKM_MAC_KEY;
			msg[p] = b->state[p].block;
			mac[p] = b->state[p].mac;
		}
		b->ops->hmac(b->count, mac, key, msg, LAYOUT_ROUTING + b->geo->routing_len);
	}
}

int wrap_headers(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, unsigned n,
        const struct fog_sphinx_wrap_job job[], unsigned count,
        struct fog_sphinx_wrap_state state[], fog_random_fn *random, void *random_ctx
)
{
	const struct wrap_batch b = {ops, geo, n, count, job, state};
	int rc;

	for (unsigned p = 0; p < count; p++)
		if ((rc = wrap_check_path(geo, job[p].path, n)) < 0)
			return rc;
	for (unsigned p = 0; p < count; p++) {
		wrap_random(random, random_ctx, state[p].scalar, sizeof(state[p].scalar));
		// A path shorter than the slots leaves random bytes where further hops would stand.
		wrap_random(
		        random, random_ctx, state[p].block + LAYOUT_ROUTING,
		        (size_t)(geo->slots - n) * FOG_SPHINX_SLOT_LEN
		);
	}
	if ((rc = wrap_secrets(&b)) < 0)
		return rc;
	wrap_streams(&b);
	wrap_routing(&b);
	for (unsigned p = 0; p < count; p++) {
		memcpy(job[p].pkt, state[p].block, LAYOUT_ROUTING + geo->routing_len);
		memcpy(job[p].pkt + layout_mac(geo), state[p].mac, sizeof(state[p].mac));
	}
	return 0;
}

static void wrap_payloads(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, unsigned n,
        const struct fog_sphinx_wrap_job job[], unsigned count,
        const struct fog_sphinx_wrap_state state[]
)
{
	const uint8_t *key[FOG_SPHINX_BATCH_MAX], *iv[FOG_SPHINX_BATCH_MAX];
	uint8_t *text[FOG_SPHINX_BATCH_MAX];

	for (unsigned p = 0; p < count; p++) {
		text[p] = job[p].pkt + geo->header_len;
		memset(text[p], 0, FOG_SPHINX_TAG_LEN);
		memcpy(text[p] + FOG_SPHINX_TAG_LEN, job[p].payload, geo->payload_len);
	}
	for (unsigned i = n; i-- > 0;) {
		for (unsigned p = 0; p < count; p++) {
			key[p] = state[p].hop[i].okm + OKM_AEZ_KEY;
			iv[p] = state[p].hop[i].okm + OKM_IV;
		}
		ops->aez_encrypt(count, text, key, iv, FOG_SPHINX_TAG_LEN + geo->payload_len);
	}
}

int fog_sphinx_wrap_batch(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, unsigned n,
        const struct fog_sphinx_wrap_job job[], unsigned count,
        struct fog_sphinx_wrap_state state[], fog_random_fn *random, void *random_ctx
)
{
	if (count < 1 || count > FOG_SPHINX_BATCH_MAX || n > FOG_SPHINX_SLOTS_MAX)
		return -EINVAL;
	int rc = wrap_headers(ops, geo, n, job, count, state, random, random_ctx);
	if (rc < 0)
		goto out;
	wrap_payloads(ops, geo, n, job, count, state);
	for (unsigned p = 0; p < count; p++)
		for (unsigned i = 0; job[p].tag != NULL && i < n; i++)
			memcpy(job[p].tag[i], fog_sphinx_replay_tag(&state[p].hop[i]), 32);
out:
	wrap_wipe(state, n, count);
	return rc;
}

int fog_sphinx_wrap(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_sphinx_path_hop *path, unsigned n, const uint8_t *payload, uint8_t *pkt,
        fog_random_fn *random, void *random_ctx
)
{
	struct fog_sphinx_wrap_state state;
	const struct fog_sphinx_wrap_job job = {.path = path, .payload = payload, .pkt = pkt};

	return fog_sphinx_wrap_batch(ops, geo, n, &job, 1, &state, random, random_ctx);
}
