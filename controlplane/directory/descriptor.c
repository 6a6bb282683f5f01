// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "descriptor.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "../big_endian.h"
#include "../mixnet/topology.h"

static const char descriptor_label[] = "fogline descriptor v1"; // with its NUL

enum { DESCRIPTOR_VERSION = 1, DESCRIPTOR_PROOF = 80 };

static uint8_t *put(uint8_t *at, const void *data, size_t len)
{
	memcpy(at, data, len);
	return at + len;
}

static const uint8_t *get(const uint8_t *at, void *out, size_t len)
{
	memcpy(out, at, len);
	return at + len;
}

static const uint8_t *get_u64(const uint8_t *at, uint64_t *out)
{
	*out = fog_be_get(at, 8);
	return at + 8;
}

static bool descriptor_ascends(const struct fog_descriptor *d)
{
	for (unsigned i = 1; i < d->mix_count; i++)
		if (d->mix[i].epoch <= d->mix[i - 1].epoch)
			return false;
	for (unsigned i = 1; i < d->proof_count; i++)
		if (d->proof[i].epoch <= d->proof[i - 1].epoch)
			return false;
	return true;
}

// Label and bytes in one piece, which plain Ed25519 asks for.
static size_t descriptor_signed(
        uint8_t out[sizeof(descriptor_label) + FOG_DESCRIPTOR_MAX], const uint8_t *data, size_t len
)
{
	memcpy(out, descriptor_label, sizeof(descriptor_label));
	memcpy(out + sizeof(descriptor_label), data, len);
	return sizeof(descriptor_label) + len;
}

int fog_descriptor_sign(
        const struct fog_descriptor *d, const uint8_t *secret_key, uint8_t out[FOG_DESCRIPTOR_MAX]
)
{
	const uint8_t head[4] = {DESCRIPTOR_VERSION};
	uint8_t counts[4] = {(uint8_t)d->mix_count, (uint8_t)d->proof_count};
	uint8_t text[sizeof(descriptor_label) + FOG_DESCRIPTOR_MAX], *at = out;

	if (d->mix_count > FOG_DESCRIPTOR_MIX_MAX || d->proof_count > FOG_DESCRIPTOR_PROOF_MAX ||
	    !descriptor_ascends(d))
		return -EINVAL;
	at = put(at, head, sizeof(head));
	at = put(at, d->network, 32);
	at = put(at, d->node_id, 32);
	at = put(at, d->identity, 32);
	at = put(at, d->link_key, 32);
	at = put(at, d->vrf_key, 32);
	at = fog_be_put(at, d->vrf_from, 8);
	at = fog_be_put(at, d->sequence, 8);
	at = put(at, counts, sizeof(counts));
	for (unsigned i = 0; i < d->mix_count; i++)
		at = put(fog_be_put(at, d->mix[i].epoch, 8), d->mix[i].public_key, 32);
	for (unsigned i = 0; i < d->proof_count; i++)
		at = put(fog_be_put(at, d->proof[i].epoch, 8), d->proof[i].proof, DESCRIPTOR_PROOF);
	size_t len = descriptor_signed(text, out, (size_t)(at - out));
	crypto_sign_detached(at, NULL, text, len, secret_key);
	return (int)(at - out) + FOG_DESCRIPTOR_SIGNATURE;
}

int fog_descriptor_parse(const uint8_t *data, size_t len, struct fog_descriptor *d)
{
	static const uint8_t head[4] = {DESCRIPTOR_VERSION};
	const uint8_t *at = data;
	uint8_t counts[4], id[FOG_ID_LEN];

	memset(d, 0, sizeof(*d));
	if (len < FOG_DESCRIPTOR_MIN || memcmp(data, head, sizeof(head)) != 0)
		return -EBADMSG;
	at = get(at + sizeof(head), d->network, 32);
	at = get(at, d->node_id, 32);
	at = get(at, d->identity, 32);
	at = get(at, d->link_key, 32);
	at = get(at, d->vrf_key, 32);
	at = get_u64(at, &d->vrf_from);
	at = get_u64(at, &d->sequence);
	at = get(at, counts, sizeof(counts));
	if (counts[0] > FOG_DESCRIPTOR_MIX_MAX || counts[1] > FOG_DESCRIPTOR_PROOF_MAX ||
	    counts[2] != 0 || counts[3] != 0 ||
	    len != FOG_DESCRIPTOR_MIN + counts[0] * 40u + counts[1] * 88u)
		return -EBADMSG;
	d->mix_count = counts[0];
	d->proof_count = counts[1];
	for (unsigned i = 0; i < d->mix_count; i++)
		at = get(get_u64(at, &d->mix[i].epoch), d->mix[i].public_key, 32);
	for (unsigned i = 0; i < d->proof_count; i++)
		at = get(get_u64(at, &d->proof[i].epoch), d->proof[i].proof, DESCRIPTOR_PROOF);
	crypto_generichash(id, sizeof(id), d->identity, 32, NULL, 0);
	return descriptor_ascends(d) && memcmp(id, d->node_id, sizeof(id)) == 0 ? 0 : -EBADMSG;
}

int fog_descriptor_open(
        const uint8_t *data, size_t len, const struct fog_topology_node *of,
        const uint8_t network[32], struct fog_descriptor *d
)
{
	uint8_t text[sizeof(descriptor_label) + FOG_DESCRIPTOR_MAX];
	size_t body = len - FOG_DESCRIPTOR_SIGNATURE;

	if (fog_descriptor_parse(data, len, d) < 0)
		return -EBADMSG;
	if (memcmp(d->node_id, of->id, sizeof(d->node_id)) != 0 ||
	    memcmp(d->identity, of->identity, 32) != 0)
		return -EPERM;
	if (crypto_sign_verify_detached(
	            data + body, text, descriptor_signed(text, data, body), d->identity
	    ) != 0)
		return -EBADMSG;
	if (memcmp(d->network, network, 32) != 0)
		return -EXDEV;
	if (memcmp(d->link_key, of->link_key, 32) != 0 || memcmp(d->vrf_key, of->vrf_key, 32) != 0)
		return -EPERM;
	return 0;
}
