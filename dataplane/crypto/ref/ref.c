// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The plain table: libsodium's curve, ipsec-mb's SHA-256 and GCM, AES and ChaCha20 one message at a time. What
// every x86-64 with AES-NI runs, what the other tables begin as and are compared with.
#include "ref.h"
#include "../ops.h"
#include "../vec/vec_ops.h"

#include <sodium.h>
#include <string.h>

static uint64_t ref_x25519(
        unsigned n, uint8_t *const out[], const uint8_t *const scalar[],
        const uint8_t *const point[]
)
{
	uint64_t zero = 0;
	uint8_t q[32];

	for (unsigned i = 0; i < n; i++) {
		// libsodium keeps the scalar in the result while it works, so the result must not
		// be the point; and it leaves the result alone for a point of low order.
		if (crypto_scalarmult_curve25519(q, scalar[i], point[i]) != 0) {
			memset(q, 0, sizeof(q));
			zero |= UINT64_C(1) << i;
		}
		memcpy(out[i], q, sizeof(q));
	}
	sodium_memzero(q, sizeof(q));
	return zero;
}

static void ref_x25519_base(unsigned n, uint8_t *const out[], const uint8_t *const scalar[])
{
	uint8_t q[32];

	for (unsigned i = 0; i < n; i++) {
		crypto_scalarmult_curve25519_base(q, scalar[i]);
		memcpy(out[i], q, sizeof(q));
	}
	sodium_memzero(q, sizeof(q));
}

const struct fog_crypto_ops ref_ops = {
        .name = "ref",
        .width = 1,
        .x25519 = ref_x25519,
        .x25519_base = ref_x25519_base,
        .expand = ref_mb_expand,
        .hmac = ref_mb_hmac,
        .ctr = vec1_ctr,
        .aez_encrypt = vec1_aez_encrypt,
        .aez_decrypt = vec1_aez_decrypt,
        .blind_scalar = vec1_blind_scalar,
        .gcm_key = ref_gcm_key,
        .gcm_seal = ref_gcm_seal,
        .gcm_open = ref_gcm_open,
};
