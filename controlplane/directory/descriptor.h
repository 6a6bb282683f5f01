// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a node says about itself, signed with its identity key, in exactly one form. Integers are
// big-endian, texts are zero-padded to the end of their field:
//
//   version 2 (1) | role 1 | layer wish 1 | bandwidth class 1 | flags 1 | reserved 3, zero |
//   network 32 | node id 32 | identity 32 | link key 32 | vrf key 32 | tls key 32 |
//   name 32 | operator 32 | family 32 | region 8 | software 24 | AS number 4 | protocol minor 2 |
//   mix port 2 | directory port 2 | address family 1 (4 or 6) | reserved 1, zero | address 16 |
//   time 8 (ms since 1970) | vrf_from 8 | sequence 8 | number of mix keys 1 | number of proofs 1 |
//   reserved 2, zero |
//   mix keys, each: epoch 8, public key 32 | proofs, each: epoch 8, proof 80 | signature 64
//
// Epochs ascend in both lists. The signature is Ed25519 (RFC 8032) over
// "fogline descriptor v2" | 0 | everything before the signature.
// Pure, any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/abi.h"

struct fog_topology_node;

enum {
	FOG_DESCRIPTOR_MIX_MAX = 5,
	FOG_DESCRIPTOR_PROOF_MAX = 4,
	FOG_DESCRIPTOR_HEAD = 8 + 6 * 32 + 3 * 32 + 8 + 24 + 4 + 3 * 2 + 2 + 16 + 3 * 8 + 4,
	FOG_DESCRIPTOR_ID_AT = 8 + 32, // where the node ID lies in the bytes
	FOG_DESCRIPTOR_SIGNATURE = 64,
	FOG_DESCRIPTOR_MIN = FOG_DESCRIPTOR_HEAD + FOG_DESCRIPTOR_SIGNATURE,
	FOG_DESCRIPTOR_MAX = FOG_DESCRIPTOR_MIN + FOG_DESCRIPTOR_MIX_MAX * 40 +
	        FOG_DESCRIPTOR_PROOF_MAX * 88,
};

enum {
	FOG_DESCRIPTOR_WITHDRAWN = 1, // bits of 'flags': it wants to be in no further consensus
};

struct fog_descriptor {
	uint8_t role; // enum fog_role
	uint8_t layer_wish; // of a mix: where it would like to be, 0 = anywhere
	uint8_t bandwidth; // class, 0 = not said
	uint8_t flags;
	uint8_t network[32]; // fog_network_hash
	uint8_t node_id[FOG_ID_LEN];
	uint8_t identity[32], link_key[32], vrf_key[32];
	uint8_t tls_key[32]; // Ed25519, of its public listener; zero: it has none
	char name[32], operator[32], family[32], region[8],
	        software[24]; // NUL-terminated, printable
	// ASCII; only operator, family and region may have blanks, and not at their ends
	uint32_t as_number; // 0 = not said
	uint16_t protocol_minor;
	uint16_t mix_port; // UDP
	uint16_t directory_port; // TCP, of its public listener; 0: it has none
	struct fog_ip address;
	uint64_t time_ms; // since 1970: when it was signed
	uint64_t vrf_from; // epoch from which the VRF key counts
	uint64_t sequence; // grows with every descriptor of a node
	unsigned mix_count, proof_count;

	struct {
		uint64_t epoch;
		uint8_t public_key[32];
	} mix[FOG_DESCRIPTOR_MIX_MAX];

	struct {
		uint64_t epoch;
		uint8_t proof[80];
	} proof[FOG_DESCRIPTOR_PROOF_MAX];
};

// Write and sign. 'secret_key' has 64 bytes as libsodium has them. Returns the length, or -EINVAL
// (the lists don't ascend or are too long: such a descriptor has no form).
int fog_descriptor_sign(
        const struct fog_descriptor *, const uint8_t *secret_key, uint8_t out[FOG_DESCRIPTOR_MAX]
);
// Read without looking at the signature. Returns 0 or -EBADMSG: not of this form.
int fog_descriptor_parse(const uint8_t *data, size_t len, struct fog_descriptor *out);
// Read and check what needs nobody else: form and signature. Returns 0 or -EBADMSG (not of this form),
// -EKEYREJECTED (the signature is not its identity's).
int fog_descriptor_verify(const uint8_t *data, size_t len, struct fog_descriptor *out);
// Read a descriptor of node 'of' and check everything that a single one can be checked for.
// Returns 0, -EBADMSG (not of this form, or the signature is wrong), -EXDEV (of another network),
// -EPERM (another node's, or other keys than the topology has for it).
int fog_descriptor_open(
        const uint8_t *data, size_t len, const struct fog_topology_node *of,
        const uint8_t network[32], struct fog_descriptor *out
);
