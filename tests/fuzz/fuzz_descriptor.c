// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What other nodes send about themselves: notices one after the other into a box (first byte even; each
// is preceded by its length, two bytes), and descriptors (odd), also signed ones with the input's bytes
// laid over by exclusive or.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/epoch/notice.h"
#include "../../controlplane/mixnet/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void notices(const uint8_t *data, size_t size)
{
	struct fog_notice_box box = {0};
	uint64_t sequence;

	while (size >= 2) {
		size_t len = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		// The exact size on the heap, so that a byte too far is found.
		uint8_t *notice = malloc(len > 0 ? len : 1);
		memcpy(notice, data, len);
		int r = fog_notice_take(&box, notice, len, &sequence);
		if (r != 0 && r != -EBADMSG && r != FOG_NOTICE_DESCRIPTOR && r != FOG_NOTICE_ACK)
			abort();
		if (r == FOG_NOTICE_DESCRIPTOR &&
		    (box.len < FOG_DESCRIPTOR_MIN || box.len > FOG_DESCRIPTOR_MAX))
			abort();
		free(notice);
		data += len;
		size -= len;
	}
}

// What parses has one form only: written again, it is the same but for the signature.
static void parsed(const uint8_t *data, size_t len, const uint8_t *secret)
{
	uint8_t again[FOG_DESCRIPTOR_MAX];
	struct fog_descriptor d;

	if (fog_descriptor_parse(data, len, &d) < 0)
		return;
	if (fog_descriptor_sign(&d, secret, again) != (int)len ||
	    memcmp(again, data, len - FOG_DESCRIPTOR_SIGNATURE) != 0)
		abort();
}

static void descriptors(const uint8_t *data, size_t size)
{
	static const uint8_t seed[32] = {7};
	struct fog_topology_node node = {.link_key = {1}, .vrf_key = {2}};
	struct fog_descriptor d;
	uint8_t secret[64], network[32] = {3}, signed_one[FOG_DESCRIPTOR_MAX];
	uint8_t *copy = malloc(size > 0 ? size : 1);

	memcpy(copy, data, size);
	crypto_sign_seed_keypair(node.identity, secret, seed);
	crypto_generichash(node.id, 32, node.identity, 32, NULL, 0);
	parsed(copy, size, secret);
	fog_descriptor_open(copy, size, &node, network, &d);
	free(copy);
	d = (struct fog_descriptor
	){.role = FOG_ROLE_GATEWAY,
	  .name = "n",
	  .address = {.family = 4},
	  .mix_count = 2,
	  .proof_count = 1};
	memcpy(d.network, network, 32);
	memcpy(d.node_id, node.id, 32);
	memcpy(d.identity, node.identity, 32);
	memcpy(d.link_key, node.link_key, 32);
	memcpy(d.vrf_key, node.vrf_key, 32);
	d.mix[1].epoch = 1;
	int len = fog_descriptor_sign(&d, secret, signed_one);
	int changed = 0;
	for (int i = 0; i < len && (size_t)i < size; i++) {
		signed_one[i] ^= data[i];
		changed |= data[i];
	}
	parsed(signed_one, (size_t)len, secret);
	int r = fog_descriptor_open(signed_one, (size_t)len, &node, network, &d);
	if ((r == 0) != (changed == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || sodium_init() < 0)
		return 0;
	if (data[0] & 1)
		descriptors(data + 1, size - 1);
	else
		notices(data + 1, size - 1);
	return 0;
}
