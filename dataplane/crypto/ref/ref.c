// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The "ref" implementation: libsodium's scalar curve and ChaCha20, ipsec-mb's AES and SHA-256,
// our AEZ. What every x86-64 with AES-NI runs, and what the SIMD versions are compared with.
#include "ref.h"
#include "../ops.h"
#include "aez.h"

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

void ref_aez_encrypt(
        unsigned n, uint8_t *const buf[], const uint8_t *const key[], const uint8_t *const nonce[],
        size_t len
)
{
	for (unsigned i = 0; i < n; i++)
		aez_encipher(buf[i], len, key[i], nonce[i]);
}

void ref_aez_decrypt(
        unsigned n, uint8_t *const buf[], const uint8_t *const key[], const uint8_t *const nonce[],
        size_t len
)
{
	for (unsigned i = 0; i < n; i++)
		aez_decipher(buf[i], len, key[i], nonce[i]);
}

void ref_blind_scalar(unsigned n, uint8_t *const out[], const uint8_t *const seed[])
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	uint8_t scalar[32];

	for (unsigned i = 0; i < n; i++) {
		crypto_stream_chacha20(scalar, sizeof(scalar), nonce, seed[i]);
		memcpy(out[i], scalar, sizeof(scalar));
	}
	sodium_memzero(scalar, sizeof(scalar));
}

const struct fog_crypto_ops ref_ops = {
        .name = "ref",
        .width = 1,
        .x25519 = ref_x25519,
        .expand = ref_mb_expand,
        .hmac = ref_mb_hmac,
        .ctr = ref_mb_ctr,
        .aez_encrypt = ref_aez_encrypt,
        .aez_decrypt = ref_aez_decrypt,
        .blind_scalar = ref_blind_scalar,
};
