// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From an epoch to the key under which a node draws its delays (DESIGN.md section 5): alpha names
// the epoch of a network, beta is the node's VRF of it (vrf.h), the delay key follows from beta. The
// law itself is dataplane/crypto/delay.h; the network's hash is fog_network_hash (topology.h).
// Any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { FOG_DELAY_ALPHA_LEN = 16 + 32 + 8 + 32 };

// The beacon of a network without a directory: everybody knows it ahead, which is why a VRF key
// counts only from two epochs after its announcement.
// SHA-256("fogline static beacon v1" | network | epoch, 8 bytes big-endian).
void fog_static_beacon(const uint8_t network[32], uint64_t epoch, uint8_t out[32]);
// "fogline delay v1" | network | epoch, 8 bytes big-endian | beacon. Returns FOG_DELAY_ALPHA_LEN.
size_t fog_delay_alpha(
        const uint8_t network[32], uint64_t epoch, const uint8_t beacon[32],
        uint8_t out[FOG_DELAY_ALPHA_LEN]
);
// SHA-512("fogline delay" | beta), its first 32 bytes: an AES-256 key for fog_delay_owed. As secret
// as beta, so the caller wipes it.
void fog_delay_key_of_beta(const uint8_t beta[64], uint8_t out[32]);
