// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A hop's work on foreign bytes. The first bytes choose a geometry and repairs: without a right
// prefix and MAC nothing behind the MAC check would ever run.
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/sphinx/sphinx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t private_key[32] = {0x77, 0x07, 0x6d, 0x0a, 0x73};

// What a hostile sender knows: the secret it shares with the hop, and so the MAC key.
static void repair(const struct fog_crypto_ops *ops, const struct fog_geometry *g, uint8_t *pkt)
{
	struct fog_sphinx_hop hop;
	uint8_t *secret = hop.secret, *okm = hop.okm, *mac = pkt + 34 + g->routing_len;
	const uint8_t *scalar = private_key, *point = pkt + 2, *prk = hop.secret, *key = hop.okm;
	const uint8_t *msg = pkt;

	pkt[0] = pkt[1] = 0;
	if (ops->x25519(1, &secret, &scalar, &point) != 0)
		return;
	ops->expand(1, &okm, &prk);
	ops->hmac(1, &mac, &key, &msg, 34 + g->routing_len);
}

// Put the input in the slot that the hop will decrypt, so that the parser sees it as it is.
static void repair_slot(
        const struct fog_crypto_ops *ops, const struct fog_geometry *g, uint8_t *pkt
)
{
	struct fog_sphinx_hop hop;
	uint8_t *secret = hop.secret, *okm = hop.okm, *routing = pkt + 34;
	const uint8_t *scalar = private_key, *point = pkt + 2, *prk = hop.secret;
	const uint8_t *key = hop.okm + 32, *iv = hop.okm + 64, *in = routing;

	if (ops->x25519(1, &secret, &scalar, &point) != 0)
		return;
	ops->expand(1, &okm, &prk);
	ops->ctr(1, &routing, &in, &key, &iv, g->routing_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fog_crypto_ops *ops;
	struct fog_sphinx_route route;
	struct fog_geometry g;
	enum fog_drop drop;
	uint8_t *pkt;

	if (ops == NULL) {
		fog_crypto_init();
		ops = fog_crypto_ops_get(NULL);
	}
	if (size < 4 || fog_geometry_init(&g, 1 + data[0] % 5, data[1]) < 0)
		return 0;
	// The exact size on the heap, so that a byte too far is found.
	pkt = calloc(1, g.packet_len);
	memcpy(pkt, data + 3, size - 3 < g.packet_len ? size - 3 : g.packet_len);
	if (data[2] & 1)
		repair_slot(ops, &g, pkt);
	if (data[2] & 2)
		repair(ops, &g, pkt);
	drop = fog_sphinx_unwrap(
	        ops, &g, private_key, pkt, data[2] & 4 ? size - 3 : g.packet_len, &route, NULL
	);
	if (drop >= FOG_DROP_COUNT || fog_drop_label(drop)[0] == '?')
		abort();
	free(pkt);
	return 0;
}
