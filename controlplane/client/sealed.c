// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "sealed.h"

#include <errno.h>
#include <sodium.h>

static const uint8_t seal_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

// Returns 0 or -EDOM: the shared secret would be zero.
static int seal_key(
        const uint8_t private_key[32], const uint8_t other[32], const uint8_t ephemeral[32],
        const uint8_t receiver[32], uint8_t key[32]
)
{
	static const char label[] = "fogline sealed mail v1";
	crypto_generichash_state state;
	uint8_t shared[32];
	int r = crypto_scalarmult(shared, private_key, other) == 0 ? 0 : -EDOM;

	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, (const uint8_t *)label, sizeof(label) - 1);
	crypto_generichash_update(&state, shared, sizeof(shared));
	crypto_generichash_update(&state, ephemeral, 32);
	crypto_generichash_update(&state, receiver, 32);
	crypto_generichash_final(&state, key, 32);
	sodium_memzero(shared, sizeof(shared));
	sodium_memzero(&state, sizeof(state));
	return r;
}

int client_seal(const uint8_t receiver[32], const void *data, size_t len, uint8_t *out)
{
	uint8_t private_key[32], key[32];
	int r;

	randombytes_buf(private_key, sizeof(private_key));
	crypto_scalarmult_base(out, private_key);
	r = seal_key(private_key, receiver, out, receiver, key);
	if (r == 0)
		crypto_aead_chacha20poly1305_ietf_encrypt(
		        out + 32, NULL, data, len, NULL, 0, NULL, seal_nonce, key
		);
	sodium_memzero(private_key, sizeof(private_key));
	sodium_memzero(key, sizeof(key));
	return r;
}

int client_unseal(
        const uint8_t public_key[32], const uint8_t private_key[32], const uint8_t *sealed,
        size_t len, uint8_t *out
)
{
	uint8_t key[32];
	int r = -EBADMSG;

	if (len < CLIENT_SEAL_OVERHEAD)
		return r;
	if (seal_key(private_key, sealed, sealed, public_key, key) == 0 &&
	    crypto_aead_chacha20poly1305_ietf_decrypt(
	            out, NULL, NULL, sealed + 32, len - 32, NULL, 0, seal_nonce, key
	    ) == 0)
		r = 0;
	sodium_memzero(key, sizeof(key));
	return r;
}
