// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A hop's work on a batch, one function a stage. Every stage gathers the packets that are still
// wanted into arrays of pointers, so that the primitives always see full lanes.
#include "layout.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "../crypto/equal.h"

// Packets whose routing information is decrypted at once: bounds the scratch space on the stack.
enum { OPEN_CHUNK = 8 };

static unsigned batch_gather(const struct fog_sphinx_batch *b, unsigned live[])
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (b->drop[i] == FOG_DROP_NONE)
			live[n++] = i;
	}
	return n;
}

void fog_sphinx_hop_wipe(struct fog_sphinx_hop *hop, size_t n)
{
	sodium_memzero(hop, n * sizeof(*hop));
}

void fog_sphinx_key_add(
        struct fog_sphinx_batch *b, const uint8_t *const private_key[], struct fog_lanes *lanes
)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (b->drop[i] != FOG_DROP_NONE)
			continue;
		if ((b->pkt[i][0] | b->pkt[i][1]) != 0)
			b->drop[i] = FOG_DROP_BAD_PREFIX;
		else
			fog_lanes_add(
			        lanes, b->hop[i].secret, private_key[i], b->pkt[i] + LAYOUT_POINT
			);
	}
}

void fog_sphinx_key_derive(
        struct fog_sphinx_batch *b, const struct fog_lanes *lanes, unsigned first
)
{
	uint8_t *okm[FOG_SPHINX_BATCH_MAX];
	const uint8_t *prk[FOG_SPHINX_BATCH_MAX];
	unsigned live[FOG_SPHINX_BATCH_MAX], n = batch_gather(b, live), good = 0;

	for (unsigned j = 0; j < n; j++) {
		if (fog_lanes_zero(lanes, first + j)) {
			b->drop[live[j]] = FOG_DROP_ZERO_SECRET;
			continue;
		}
		prk[good] = b->hop[live[j]].secret;
		okm[good++] = b->hop[live[j]].okm;
	}
	if (good > 0)
		b->ops->expand(good, okm, prk);
}

void fog_sphinx_key(struct fog_sphinx_batch *b, const uint8_t private_key[32])
{
	const uint8_t *key[FOG_SPHINX_BATCH_MAX];
	struct fog_lanes lanes;

	for (unsigned i = 0; i < b->n; i++)
		key[i] = private_key;
	fog_lanes_init(&lanes, b->ops);
	fog_sphinx_key_add(b, key, &lanes);
	fog_lanes_run(&lanes);
	fog_sphinx_key_derive(b, &lanes, 0);
}

void fog_sphinx_mac(struct fog_sphinx_batch *b)
{
	const uint8_t *key[FOG_SPHINX_BATCH_MAX], *msg[FOG_SPHINX_BATCH_MAX];
	uint8_t mac[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_MAC_LEN], *out[FOG_SPHINX_BATCH_MAX];
	unsigned live[FOG_SPHINX_BATCH_MAX], n = batch_gather(b, live);

	if (n == 0)
		return;
	for (unsigned j = 0; j < n; j++) {
		key[j] = b->hop[live[j]].okm + OKM_MAC_KEY;
		msg[j] = b->pkt[live[j]];
		out[j] = mac[j];
	}
	b->ops->hmac(n, out, key, msg, layout_mac(b->geo));
	for (unsigned j = 0; j < n; j++) {
		const uint8_t *got = b->pkt[live[j]] + layout_mac(b->geo);

		if (!fog_equal(mac[j], got, FOG_SPHINX_MAC_LEN))
			b->drop[live[j]] = FOG_DROP_BAD_MAC;
	}
	// A right MAC for a forged header must not lie about on the stack.
	sodium_memzero(mac, sizeof(mac));
}

// Decrypt routing information and a slot of zeros behind it: the first slot is this hop's, the
// rest is what the next hop gets.
static void open_some(struct fog_sphinx_batch *b, const unsigned live[], unsigned n)
{
	uint8_t text[OPEN_CHUNK][LAYOUT_ROUTING_MAX + FOG_SPHINX_SLOT_LEN];
	const uint8_t *in[OPEN_CHUNK], *key[OPEN_CHUNK], *iv[OPEN_CHUNK];
	uint8_t *out[OPEN_CHUNK];
	unsigned routing = b->geo->routing_len;

	for (unsigned j = 0; j < n; j++) {
		memcpy(text[j], b->pkt[live[j]] + LAYOUT_ROUTING, routing);
		memset(text[j] + routing, 0, FOG_SPHINX_SLOT_LEN);
		in[j] = out[j] = text[j];
		key[j] = b->hop[live[j]].okm + OKM_CTR_KEY;
		iv[j] = b->hop[live[j]].okm + OKM_IV;
	}
	b->ops->ctr(n, out, in, key, iv, routing + FOG_SPHINX_SLOT_LEN);
	for (unsigned j = 0; j < n; j++) {
		unsigned i = live[j];

		b->drop[i] = fog_sphinx_parse(text[j], FOG_SPHINX_SLOT_LEN, &b->route[i]);
		memcpy(b->pkt[i] + LAYOUT_ROUTING, text[j] + FOG_SPHINX_SLOT_LEN, routing);
		memcpy(b->pkt[i] + layout_mac(b->geo), b->route[i].next_mac, FOG_SPHINX_MAC_LEN);
		sodium_memzero(text[j], routing + FOG_SPHINX_SLOT_LEN);
	}
}

void fog_sphinx_open(struct fog_sphinx_batch *b)
{
	unsigned live[FOG_SPHINX_BATCH_MAX], n = batch_gather(b, live);

	for (unsigned j = 0; j < n; j += OPEN_CHUNK)
		open_some(b, live + j, n - j < OPEN_CHUNK ? n - j : OPEN_CHUNK);
}

void fog_sphinx_payload(struct fog_sphinx_batch *b)
{
	const uint8_t *key[FOG_SPHINX_BATCH_MAX], *iv[FOG_SPHINX_BATCH_MAX];
	uint8_t *text[FOG_SPHINX_BATCH_MAX];
	unsigned live[FOG_SPHINX_BATCH_MAX], n = batch_gather(b, live);

	if (n == 0)
		return;
	for (unsigned j = 0; j < n; j++) {
		text[j] = b->pkt[live[j]] + b->geo->header_len;
		key[j] = b->hop[live[j]].okm + OKM_AEZ_KEY;
		iv[j] = b->hop[live[j]].okm + OKM_IV;
	}
	b->ops->aez_decrypt(n, text, key, iv, FOG_SPHINX_TAG_LEN + b->geo->payload_len);
	for (unsigned j = 0; j < n; j++) {
		const struct fog_sphinx_route *route = &b->route[live[j]];

		// A reply is still under the creator's keys, only they can judge its tag.
		if (route->has_next_hop || route->has_surb)
			continue;
		if (!fog_all_zero(text[j], FOG_SPHINX_TAG_LEN))
			b->drop[live[j]] = FOG_DROP_BAD_PAYLOAD_TAG;
	}
}

static bool blind_wanted(const struct fog_sphinx_batch *b, unsigned i)
{
	return b->drop[i] == FOG_DROP_NONE && b->route[i].has_next_hop;
}

void fog_sphinx_blind_derive(struct fog_sphinx_batch *b)
{
	uint8_t *scalar[FOG_SPHINX_BATCH_MAX];
	const uint8_t *seed[FOG_SPHINX_BATCH_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (!blind_wanted(b, i))
			continue;
		seed[n] = b->hop[i].okm + OKM_BLIND_SEED;
		scalar[n++] = b->hop[i].blind;
	}
	if (n > 0)
		b->ops->blind_scalar(n, scalar, seed);
}

void fog_sphinx_blind_add(struct fog_sphinx_batch *b, struct fog_lanes *lanes)
{
	// The element is not of low order, or its shared secret would have been zero before.
	for (unsigned i = 0; i < b->n; i++) {
		uint8_t *element = b->pkt[i] + LAYOUT_POINT;

		if (blind_wanted(b, i))
			fog_lanes_add(lanes, element, b->hop[i].blind, element);
	}
}

void fog_sphinx_blind(struct fog_sphinx_batch *b)
{
	struct fog_lanes lanes;

	fog_lanes_init(&lanes, b->ops);
	fog_sphinx_blind_derive(b);
	fog_sphinx_blind_add(b, &lanes);
	fog_lanes_run(&lanes);
}

enum fog_drop fog_sphinx_unwrap(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const uint8_t private_key[32], uint8_t *pkt, size_t len, struct fog_sphinx_route *route,
        struct fog_sphinx_hop *hop
)
{
	struct fog_sphinx_batch b = {
	        .ops = ops, .geo = geo, .n = 1, .pkt = {pkt}, .hop = hop, .route = route};

	if (hop == NULL) {
		struct fog_sphinx_hop own;
		enum fog_drop drop =
		        fog_sphinx_unwrap(ops, geo, private_key, pkt, len, route, &own);

		fog_sphinx_hop_wipe(&own, 1);
		return drop;
	}
	if (len < geo->packet_len)
		return FOG_DROP_UNDERSIZE;
	if (len > geo->packet_len)
		return FOG_DROP_OVERSIZE;
	fog_sphinx_key(&b, private_key);
	fog_sphinx_mac(&b);
	fog_sphinx_open(&b);
	fog_sphinx_payload(&b);
	fog_sphinx_blind(&b);
	return b.drop[0];
}
