// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Keys that everybody can compute, for test networks whose traffic is made in advance or by foreign
// tools: BLAKE2b-256 of a label and the seed (8 bytes, little endian). A node has them only when its
// configuration says 'test.key_seed', which 'production: true' refuses.
#pragma once

#include <stdint.h>

// Seed of the Ed25519 identity key.
void fog_test_identity_seed(uint64_t seed, uint8_t out[32]);
// X25519 private mix key.
void fog_test_mix_key(uint64_t seed, uint8_t out[32]);
