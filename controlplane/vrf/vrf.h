// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A verifiable random function: ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381 section 5, suite 0x03).
// The key's owner computes beta of alpha and proves it; everybody with the public key checks that.
// There is exactly one beta for a key and an alpha.
//
// Verification is stricter than the RFC in three points, none of which an honest prover meets:
// Gamma must lie in the subgroup of prime order (the RFC accepts a component of small order, which
// beta doesn't see), and neither c nor s may be 0.
//
// Any thread, sodium_init() done before. Time depends on alpha and the public key, which are public,
// never on the seed.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	FOG_VRF_PROOF_LEN = 80, // Gamma 32, c 16, s 32
	FOG_VRF_BETA_LEN = 64,
};

// 'seed' is SK of the RFC: an Ed25519 seed (RFC 8032). Returns 0, or -ENOMEM when memory can't be
// locked. (One alpha in 2^256 has no point: -EDOM.)
int fog_vrf_prove(
        const uint8_t seed[32], const uint8_t *alpha, size_t len, uint8_t proof[FOG_VRF_PROOF_LEN]
);
// Check a proof and take beta from it. Returns 0, or -EBADMSG (beta untouched): the proof isn't one
// of this key for this alpha, or the key or the proof isn't in the one form that is accepted.
int fog_vrf_verify(
        const uint8_t public_key[32], const uint8_t *alpha, size_t len,
        const uint8_t proof[FOG_VRF_PROOF_LEN], uint8_t beta[FOG_VRF_BETA_LEN]
);
// Beta of a proof that is known to be right (one's own), without a check of it.
// Returns 0, or -EBADMSG (Gamma isn't a point), beta untouched.
int fog_vrf_beta(const uint8_t proof[FOG_VRF_PROOF_LEN], uint8_t beta[FOG_VRF_BETA_LEN]);
