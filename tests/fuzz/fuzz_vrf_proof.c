// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Proofs of others. The input is public key, proof, alpha; for a first byte of an odd value, alpha and
// proof are those of a key that we have, with the input's bytes laid over the proof by exclusive or:
// else no input would come as far as the last comparison.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/vrf/vrf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRONT = 1 + 32 + FOG_VRF_PROOF_LEN };

static const uint8_t seed[32] = {7};

static void check(const uint8_t *key, const uint8_t *alpha, size_t len, const uint8_t *proof)
{
	uint8_t beta[FOG_VRF_BETA_LEN], same[FOG_VRF_BETA_LEN], s[32], ours[FOG_VRF_PROOF_LEN];
	uint8_t public_key[32], secret_key[64];

	int ret = fog_vrf_verify(key, alpha, len, proof, beta);
	if (ret != 0 && ret != -EBADMSG)
		abort();
	if (ret < 0)
		return;
	// Whoever verifies agrees with whoever only reads; a key has one beta for an alpha.
	if (fog_vrf_beta(proof, same) < 0 || memcmp(beta, same, sizeof(beta)) != 0)
		abort();
	memcpy(s, proof + 48, 32);
	if ((s[31] & 0xe0) != 0)
		abort();
	crypto_sign_seed_keypair(public_key, secret_key, seed);
	if (memcmp(key, public_key, 32) != 0)
		return;
	if (fog_vrf_prove(seed, alpha, len, ours) < 0 || fog_vrf_beta(ours, same) < 0 ||
	    memcmp(beta, same, sizeof(beta)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t proof[FOG_VRF_PROOF_LEN], key[32], secret_key[64];

	if (size < FRONT || sodium_init() < 0)
		return 0;
	// The exact size on the heap, so that a byte too far is found.
	size_t len = size - FRONT;
	uint8_t *alpha = malloc(len > 0 ? len : 1);

	memcpy(key, data + 1, 32);
	memcpy(proof, data + 33, sizeof(proof));
	memcpy(alpha, data + FRONT, len);
	if (data[0] & 1) {
		crypto_sign_seed_keypair(key, secret_key, seed);
		if (fog_vrf_prove(seed, alpha, len, proof) < 0)
			abort();
		for (unsigned i = 0; i < sizeof(proof); i++)
			proof[i] ^= data[33 + i];
	}
	check(key, alpha, len, proof);
	free(alpha);
	return 0;
}
