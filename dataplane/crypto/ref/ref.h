// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Inside of the "ref" implementation: what its files offer to each other, and to the other
// implementations where those have nothing better. Contracts in ../ops.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fog_crypto_ops;

extern const struct fog_crypto_ops ref_ops;

// Call once before any of the functions below. Returns 0 or -ENOMEM.
int ref_mb_init(void);
// Give the calling thread its ipsec-mb manager. Returns 0 or -ENOMEM.
int ref_mb_thread_init(void);

void ref_mb_expand(unsigned n, uint8_t *const okm[], const uint8_t *const secret[]);
void ref_mb_hmac(
        unsigned n, uint8_t *const mac[], const uint8_t *const key[], const uint8_t *const msg[],
        size_t len
);
void ref_mb_ctr(
        unsigned n, uint8_t *const out[], const uint8_t *const in[], const uint8_t *const key[],
        const uint8_t *const iv[], size_t len
);
void ref_aez_encrypt(
        unsigned n, uint8_t *const buf[], const uint8_t *const key[], const uint8_t *const nonce[],
        size_t len
);
void ref_aez_decrypt(
        unsigned n, uint8_t *const buf[], const uint8_t *const key[], const uint8_t *const nonce[],
        size_t len
);
void ref_blind_scalar(unsigned n, uint8_t *const out[], const uint8_t *const seed[]);
