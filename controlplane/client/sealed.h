// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sealing for the owner of a mail key whom nobody answers to: an ephemeral X25519 key (RFC 7748), and under
// what it shares with the receiver's key ChaCha20-Poly1305 (RFC 8439) with a nonce of zeros, as each key
// seals once.
//
//   ephemeral public key 32 | sealed bytes | tag 16
//   key = BLAKE2b-256("fogline sealed mail v1" | shared secret | ephemeral public key | receiver's)
//
// Who sealed it can't be told. Pure, any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CLIENT_SEAL_OVERHEAD = 32 + 16 };

// 'out' has len + CLIENT_SEAL_OVERHEAD bytes and doesn't overlap 'data'. Returns 0 or -EDOM: the
// receiver's key is of low order.
int client_seal(const uint8_t receiver[32], const void *data, size_t len, uint8_t *out);
// 'out' has len - CLIENT_SEAL_OVERHEAD bytes. Returns 0 or -EBADMSG: too short, or not sealed for this key.
int client_unseal(
        const uint8_t public_key[32], const uint8_t private_key[32], const uint8_t *sealed,
        size_t len, uint8_t *out
);
