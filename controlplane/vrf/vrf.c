// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// ECVRF-EDWARDS25519-SHA512-TAI over libsodium's public calls. Which of its calls checks what:
//   core_ed25519_add, _sub        the point is on the curve; y may be 2^255 - 19 or more
//   scalarmult_ed25519_noclamp    canonical, on the curve, of prime order; refuses a scalar or a
//                                 result that is zero. Constant time in the scalar
//   core_ed25519_is_valid_point   canonical, on the curve, of prime order
#include "vrf.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "private.h"

enum { SUITE = 0x03, C_LEN = 16 };

enum { DOMAIN_ENCODE = 0x01, DOMAIN_CHALLENGE = 0x02, DOMAIN_BETA = 0x03, DOMAIN_BACK = 0x00 };

// What prove() must not leave behind.
struct vrf_secret {
	uint8_t hash[64]; // of the seed: the scalar x, clamped, and what the nonce is made of
	uint8_t wide[64];
	uint8_t k[32];
	uint8_t product[32]; // c x
};

static void hash_begin(crypto_hash_sha512_state *state, uint8_t domain)
{
	const uint8_t front[2] = {SUITE, domain};

	crypto_hash_sha512_init(state);
	crypto_hash_sha512_update(state, front, sizeof(front));
}

static void hash_end(crypto_hash_sha512_state *state, uint8_t out[64])
{
	const uint8_t back = DOMAIN_BACK;

	crypto_hash_sha512_update(state, &back, 1);
	crypto_hash_sha512_final(state, out);
}

// Whether the y of an encoded point is below p = 2^255 - 19. The point is public.
static bool y_is_canonical(const uint8_t point[32])
{
	bool ones = (point[31] & 0x7f) == 0x7f;

	for (int i = 30; i > 0; i--)
		ones = ones && point[i] == 0xff;
	return !ones || point[0] < 0xed;
}

static bool is_identity(const uint8_t point[32])
{
	static const uint8_t identity[32] = {1};

	return memcmp(point, identity, 32) == 0;
}

// out = 8 point: the cofactor cleared. Decodes as RFC 8032 section 5.1.3 does, but for the sign of
// x = 0, whose points (y = 1, y = -1) have a small order and become the identity.
static int times_eight(const uint8_t point[32], uint8_t out[32])
{
	if (!y_is_canonical(point) || crypto_core_ed25519_add(out, point, point) != 0 ||
	    crypto_core_ed25519_add(out, out, out) != 0 ||
	    crypto_core_ed25519_add(out, out, out) != 0)
		return -EBADMSG;
	return 0;
}

// Half of all tries aren't on the curve; a try that is must not be asked for its order here, since
// the cofactor is cleared afterwards.
int vrf_encode_to_curve(
        const uint8_t public_key[32], const uint8_t *alpha, size_t len, uint8_t h[32]
)
{
	crypto_hash_sha512_state state;
	uint8_t hash[64];

	for (int i = 0; i < 256; i++) {
		const uint8_t counter = (uint8_t)i;

		hash_begin(&state, DOMAIN_ENCODE);
		crypto_hash_sha512_update(&state, public_key, 32);
		if (len > 0)
			crypto_hash_sha512_update(&state, alpha, len);
		crypto_hash_sha512_update(&state, &counter, 1);
		hash_end(&state, hash);
		if (times_eight(hash, h) == 0 && !is_identity(h))
			return i + 1;
	}
	return -EDOM;
}

static void challenge(
        const uint8_t public_key[32], const uint8_t h[32], const uint8_t gamma[32],
        const uint8_t u[32], const uint8_t v[32], uint8_t c[C_LEN]
)
{
	const uint8_t *const point[] = {public_key, h, gamma, u, v};
	crypto_hash_sha512_state state;
	uint8_t hash[64];

	hash_begin(&state, DOMAIN_CHALLENGE);
	for (unsigned i = 0; i < 5; i++)
		crypto_hash_sha512_update(&state, point[i], 32);
	hash_end(&state, hash);
	memcpy(c, hash, C_LEN);
}

void vrf_nonce(const uint8_t upper[32], const uint8_t h[32], uint8_t wide[64], uint8_t k[32])
{
	crypto_hash_sha512_state state;

	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, upper, 32);
	crypto_hash_sha512_update(&state, h, 32);
	crypto_hash_sha512_final(&state, wide);
	crypto_core_ed25519_scalar_reduce(k, wide);
	sodium_memzero(&state, sizeof(state));
}

static int prove(
        struct vrf_secret *secret, const uint8_t seed[32], const uint8_t *alpha, size_t len,
        uint8_t proof[80]
)
{
	uint8_t public_key[32], h[32], u[32], v[32], c[32] = {0};
	uint8_t *x = secret->hash, *s = proof + 48;

	crypto_hash_sha512(secret->hash, seed, 32);
	x[0] &= 0xf8;
	x[31] = (uint8_t)((x[31] & 0x7f) | 0x40);
	crypto_scalarmult_ed25519_base_noclamp(public_key, x);
	int ret = vrf_encode_to_curve(public_key, alpha, len, h);
	if (ret < 0)
		return ret;
	vrf_nonce(secret->hash + 32, h, secret->wide, secret->k);
	// H has prime order, so none of these fails but for a k of zero: one in 2^252.
	if (crypto_scalarmult_ed25519_noclamp(proof, x, h) != 0 ||
	    crypto_scalarmult_ed25519_base_noclamp(u, secret->k) != 0 ||
	    crypto_scalarmult_ed25519_noclamp(v, secret->k, h) != 0)
		return -EDOM;
	challenge(public_key, h, proof, u, v, c);
	memcpy(proof + 32, c, C_LEN);
	crypto_core_ed25519_scalar_mul(secret->product, c, x);
	crypto_core_ed25519_scalar_add(s, secret->k, secret->product);
	return 0;
}

int fog_vrf_prove(
        const uint8_t seed[32], const uint8_t *alpha, size_t len, uint8_t proof[FOG_VRF_PROOF_LEN]
)
{
	struct vrf_secret *secret = sodium_malloc(sizeof(*secret));

	if (secret == NULL)
		return -ENOMEM;
	int ret = prove(secret, seed, alpha, len, proof);
	sodium_free(secret); // wipes
	return ret;
}

// Whether a scalar is below the group's order: then reduction changes nothing.
static bool scalar_is_canonical(const uint8_t s[32])
{
	uint8_t wide[64] = {0}, reduced[32];

	memcpy(wide, s, 32);
	crypto_core_ed25519_scalar_reduce(reduced, wide);
	return memcmp(reduced, s, 32) == 0;
}

int vrf_points(
        const uint8_t public_key[32], const uint8_t h[32], const uint8_t proof[FOG_VRF_PROOF_LEN],
        uint8_t u[32], uint8_t v[32]
)
{
	const uint8_t *gamma = proof, *s = proof + 48;
	uint8_t c[32] = {0}, product[32];

	memcpy(c, proof + 32, C_LEN);
	// The multiplications below refuse these points once more; what is refused doesn't hang on it.
	if (!crypto_core_ed25519_is_valid_point(public_key) ||
	    !crypto_core_ed25519_is_valid_point(gamma) || !scalar_is_canonical(s))
		return -EBADMSG;
	if (crypto_scalarmult_ed25519_base_noclamp(u, s) != 0 ||
	    crypto_scalarmult_ed25519_noclamp(product, c, public_key) != 0 ||
	    crypto_core_ed25519_sub(u, u, product) != 0 ||
	    crypto_scalarmult_ed25519_noclamp(v, s, h) != 0 ||
	    crypto_scalarmult_ed25519_noclamp(product, c, gamma) != 0 ||
	    crypto_core_ed25519_sub(v, v, product) != 0)
		return -EBADMSG;
	return 0;
}

int fog_vrf_verify(
        const uint8_t public_key[32], const uint8_t *alpha, size_t len,
        const uint8_t proof[FOG_VRF_PROOF_LEN], uint8_t beta[FOG_VRF_BETA_LEN]
)
{
	uint8_t h[32], u[32], v[32], c[C_LEN];

	if (vrf_encode_to_curve(public_key, alpha, len, h) < 0 ||
	    vrf_points(public_key, h, proof, u, v) < 0)
		return -EBADMSG;
	challenge(public_key, h, proof, u, v, c);
	if (sodium_memcmp(c, proof + 32, C_LEN) != 0)
		return -EBADMSG;
	return fog_vrf_beta(proof, beta);
}

int fog_vrf_beta(const uint8_t proof[FOG_VRF_PROOF_LEN], uint8_t beta[FOG_VRF_BETA_LEN])
{
	crypto_hash_sha512_state state;
	uint8_t point[32];

	if (times_eight(proof, point) < 0)
		return -EBADMSG;
	hash_begin(&state, DOMAIN_BETA);
	crypto_hash_sha512_update(&state, point, sizeof(point));
	hash_end(&state, beta);
	return 0;
}
