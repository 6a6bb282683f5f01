// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The primitives of the packet path behind one struct of function pointers, so that the best for the
// CPU is chosen once, at start, or another one by name.
//
// All calls work on batches of up to 64 independent messages given as arrays of pointers, run to
// completion, allocate nothing and keep no state between calls but the constant per-thread context
// of the library below. Inputs and outputs of one message may be the same buffer unless said
// otherwise. Lengths are at least 1. Nothing here branches on or indexes by secret data.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gcm.h"

enum { FOG_CRYPTO_BATCH_MAX = 64 };

// Version 14 tears the parameter lists of function pointers apart.
// clang-format off
struct fog_crypto_ops {
	const char *name; // "ref", "avx2", "avx512"
	unsigned width; // messages that fill this implementation's lanes; a power of two

	// out[i] = scalar[i] * point[i] on Curve25519 with RFC 7748 clamping. Returns a bit mask: bit i
	// is set when out[i] is all zero (low-order point); out[i] is written either way.
	uint64_t (*x25519)(
		unsigned n, uint8_t *const out[], const uint8_t *const scalar[],
		const uint8_t *const point[]
	);
	// The same for the base point 9, for senders: public keys of scalars. No result is zero.
	void (*x25519_base)(unsigned n, uint8_t *const out[], const uint8_t *const scalar[]);
	// HKDF-Expand-SHA-256 (RFC 5869 section 2.3) with PRK = secret[i] (32 bytes) and the packet
	// format's info string, 192 bytes each.
	void (*expand)(unsigned n, uint8_t *const okm[], const uint8_t *const secret[]);
	// HMAC-SHA-256, 32-byte keys, all messages of one length.
	void (*hmac)(
		unsigned n, uint8_t *const mac[], const uint8_t *const key[],
		const uint8_t *const msg[], size_t len
	);
	// XOR with the AES-256-CTR key stream; iv[i] is the full 128-bit big-endian counter block.
	void (*ctr)(
		unsigned n, uint8_t *const out[], const uint8_t *const in[],
		const uint8_t *const key[], const uint8_t *const iv[], size_t len
	);
	// AEZ v5 enciphering (AEZ-core: tau 0, no associated data), key 48, nonce 16, len >= 32,
	// in place.
	void (*aez_encrypt)(
		unsigned n, uint8_t *const buf[], const uint8_t *const key[],
		const uint8_t *const nonce[], size_t len
	);
	void (*aez_decrypt)(
		unsigned n, uint8_t *const buf[], const uint8_t *const key[],
		const uint8_t *const nonce[], size_t len
	);
	// First 32 bytes of ChaCha20 (64-bit zero nonce, counter 0) under seed[i] (32 bytes).
	void (*blind_scalar)(unsigned n, uint8_t *const out[], const uint8_t *const seed[]);
	// AES-256-GCM of link frames (gcm.h), texts of one length. gcm_open returns a bit mask: bit i is
	// set when job i's tag is wrong; its text is worthless then.
	void (*gcm_key)(struct fog_gcm_key *out, const uint8_t key[32]);
	void (*gcm_seal)(unsigned n, const struct fog_gcm_job *jobs, size_t len);
	uint64_t (*gcm_open)(unsigned n, const struct fog_gcm_job *jobs, size_t len);
};

// clang-format on

// Prepare the libraries below (libsodium, ipsec-mb). Call once per process before any thread uses
// the ops; calling again is harmless. Returns 0, -ENOTSUP (CPU without AES-NI, SSE4.2 or PCLMUL), -EIO
// (no source of randomness) or -ENOMEM.
int fog_crypto_init(void);

// Make the calling thread's context now. Without this call its first use of the ops makes it, and
// aborts the process when there is no memory: call it where a thread starts, before its loop. The
// context is freed when the thread ends. Returns 0 or -ENOMEM.
int fog_crypto_thread_init(void);

// The implementation called 'name', or the best one for this CPU when NULL. The result is constant
// and lives as long as the process. Returns NULL when there is no such implementation here, or when
// fog_crypto_init fails, which it calls.
const struct fog_crypto_ops *fog_crypto_ops_get(const char *name);
