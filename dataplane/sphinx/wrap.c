// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A sender's work: the header from the last hop to the first, then the payload's layers.
#include "wrap.h"
#include "command.h"
#include "layout.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

// Everything a header needs while it is made. Secret as a whole, wiped as a whole.
struct wrap_state {
	uint8_t element[FOG_SPHINX_SLOTS_MAX][FOG_SPHINX_POINT_LEN];
	// Key stream of a hop. Its last 82 * (hop + 1) bytes become the filler that the packet has
	// grown behind its routing information when it leaves that hop.
	uint8_t stream[FOG_SPHINX_SLOTS_MAX][LAYOUT_ROUTING_MAX + FOG_SPHINX_SLOT_LEN];
	uint8_t scalar[32];
	uint8_t block[LAYOUT_ROUTING + LAYOUT_ROUTING_MAX];
	uint8_t slot[FOG_SPHINX_SLOT_LEN];
};

void wrap_random(fog_random_fn *random, void *random_ctx, uint8_t *out, size_t len)
{
	if (random != NULL)
		random(random_ctx, out, len);
	else
		randombytes_buf(out, len);
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

// Multiply the secrets of hops from..n-1, and the element that hop 'from' will see, by one scalar.
static uint64_t wrap_multiply(
        const struct fog_crypto_ops *ops, const uint8_t *in[], uint8_t *out[], unsigned count,
        const uint8_t *scalar
)
{
	const uint8_t *scalars[FOG_SPHINX_SLOTS_MAX + 1];

	for (unsigned i = 0; i < count; i++)
		scalars[i] = scalar;
	return ops->x25519(count, out, scalars, in);
}

// Hop i's secret is its public key times the ephemeral scalar and all blinding scalars before i.
// Clamping at each step forbids to multiply the scalars first.
static int wrap_secrets(
        const struct fog_crypto_ops *ops, const struct fog_sphinx_path_hop *path, unsigned n,
        struct wrap_state *s, struct fog_sphinx_hop hop[]
)
{
	static const uint8_t base[FOG_SPHINX_POINT_LEN] = {9};

	for (unsigned level = 0; level < n; level++) {
		const uint8_t *in[FOG_SPHINX_SLOTS_MAX + 1], *secret = hop[level].secret;
		const uint8_t *seed = hop[level].okm + OKM_BLIND_SEED;
		uint8_t *out[FOG_SPHINX_SLOTS_MAX + 1], *okm = hop[level].okm, *scalar = s->scalar;
		unsigned count = 0;

		in[count] = level == 0 ? base : s->element[level - 1];
		out[count++] = s->element[level];
		for (unsigned i = level; i < n; i++) {
			in[count] = level == 0 ? path[i].public_key : hop[i].secret;
			out[count++] = hop[i].secret;
		}
		if (wrap_multiply(ops, in, out, count, s->scalar) != 0)
			return -EDOM;
		ops->expand(1, &okm, &secret);
		ops->blind_scalar(1, &scalar, &seed);
	}
	return 0;
}

static void wrap_streams(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, unsigned n,
        struct wrap_state *s, const struct fog_sphinx_hop hop[]
)
{
	size_t len = geo->routing_len + FOG_SPHINX_SLOT_LEN;
	uint8_t *stream[FOG_SPHINX_SLOTS_MAX];
	const uint8_t *zero[FOG_SPHINX_SLOTS_MAX];
	const uint8_t *key[FOG_SPHINX_SLOTS_MAX], *iv[FOG_SPHINX_SLOTS_MAX];

	memset(s->stream, 0, sizeof(s->stream));
	for (unsigned i = 0; i < n; i++) {
		zero[i] = stream[i] = s->stream[i];
		key[i] = hop[i].okm + OKM_CTR_KEY;
		iv[i] = hop[i].okm + OKM_IV;
	}
	ops->ctr(n, stream, zero, key, iv, len);
	for (unsigned i = 1; i < n; i++) {
		size_t before = i * FOG_SPHINX_SLOT_LEN;
		uint8_t *filler = stream[i] + len - before - FOG_SPHINX_SLOT_LEN;

		for (size_t j = 0; j < before; j++)
			filler[j] ^= stream[i - 1][len - before + j];
	}
}

// Build the routing information from the back: each step puts a slot in front, encrypts what
// stays inside the block at that hop, and authenticates it together with the filler behind it.
static void wrap_routing(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_sphinx_path_hop *path, unsigned n, struct wrap_state *s,
        const struct fog_sphinx_hop hop[], uint8_t mac[FOG_SPHINX_MAC_LEN]
)
{
	uint8_t *routing = s->block + LAYOUT_ROUTING;
	size_t len = geo->routing_len;

	for (unsigned i = n; i-- > 0;) {
		const uint8_t *key = hop[i].okm + OKM_MAC_KEY, *msg = s->block;
		size_t filler = i * FOG_SPHINX_SLOT_LEN, body = len - filler;

		memmove(routing + FOG_SPHINX_SLOT_LEN, routing, body - FOG_SPHINX_SLOT_LEN);
		command_write_slot(s->slot, &path[i], i + 1 < n ? path[i + 1].id : NULL, mac);
		memcpy(routing, s->slot, FOG_SPHINX_SLOT_LEN);
		for (size_t j = 0; j < body; j++)
			routing[j] ^= s->stream[i][j];
		memset(s->block, 0, FOG_SPHINX_PREFIX_LEN);
		memcpy(s->block + LAYOUT_POINT, s->element[i], FOG_SPHINX_POINT_LEN);
		if (i > 0)
			memcpy(routing + body,
			       s->stream[i - 1] + len + FOG_SPHINX_SLOT_LEN - filler, filler);
		ops->hmac(1, &mac, &key, &msg, LAYOUT_ROUTING + len);
	}
}

int wrap_header(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_sphinx_path_hop *path, unsigned n, uint8_t *header,
        struct fog_sphinx_hop hop[], fog_random_fn *random, void *random_ctx
)
{
	struct wrap_state s;
	uint8_t mac[FOG_SPHINX_MAC_LEN];
	int rc = wrap_check_path(geo, path, n);

	if (rc < 0)
		return rc;
	wrap_random(random, random_ctx, s.scalar, sizeof(s.scalar));
	rc = wrap_secrets(ops, path, n, &s, hop);
	if (rc < 0)
		goto out;
	wrap_streams(ops, geo, n, &s, hop);
	// A path shorter than the slots leaves random bytes where further hops would stand.
	wrap_random(
	        random, random_ctx, s.block + LAYOUT_ROUTING,
	        (size_t)(geo->slots - n) * FOG_SPHINX_SLOT_LEN
	);
	wrap_routing(ops, geo, path, n, &s, hop, mac);
	memcpy(header, s.block, LAYOUT_ROUTING + geo->routing_len);
	memcpy(header + layout_mac(geo), mac, sizeof(mac));
out:
	sodium_memzero(&s, sizeof(s));
	return rc;
}

int fog_sphinx_wrap(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_sphinx_path_hop *path, unsigned n, const uint8_t *payload, uint8_t *pkt,
        fog_random_fn *random, void *random_ctx
)
{
	struct fog_sphinx_hop hop[FOG_SPHINX_SLOTS_MAX];
	uint8_t *text = pkt + geo->header_len;
	int rc = wrap_header(ops, geo, path, n, pkt, hop, random, random_ctx);

	if (rc < 0)
		goto out;
	memcpy(text + FOG_SPHINX_TAG_LEN, payload, geo->payload_len);
	memset(text, 0, FOG_SPHINX_TAG_LEN);
	for (unsigned i = n; i-- > 0;) {
		const uint8_t *key = hop[i].okm + OKM_AEZ_KEY, *iv = hop[i].okm + OKM_IV;

		ops->aez_encrypt(1, &text, &key, &iv, FOG_SPHINX_TAG_LEN + geo->payload_len);
	}
out:
	fog_sphinx_hop_wipe(hop, FOG_SPHINX_SLOTS_MAX);
	return rc;
}
