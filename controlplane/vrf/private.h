// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Steps of the VRF, for itself and for the test that compares them with the RFC's examples.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "vrf.h"

// H = the point of alpha (section 5.4.1.1). Returns how often it was tried, -EDOM (no point).
int vrf_encode_to_curve(
        const uint8_t public_key[32], const uint8_t *alpha, size_t len, uint8_t h[32]
);
// k: SHA-512 of the upper half of SHA-512(seed) and of H (section 5.4.2.2), before ('wide') and after
// reduction.
void vrf_nonce(const uint8_t upper[32], const uint8_t h[32], uint8_t wide[64], uint8_t k[32]);
// U = s B - c Y, V = s H - c Gamma. Returns 0, -EBADMSG (a scalar or a point isn't acceptable).
int vrf_points(
        const uint8_t public_key[32], const uint8_t h[32], const uint8_t proof[FOG_VRF_PROOF_LEN],
        uint8_t u[32], uint8_t v[32]
);
