// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The plain table, and what its files offer to each other and to ops.c. Contracts in ../ops.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fog_crypto_ops;
struct fog_gcm_job;
struct fog_gcm_key;
struct IMB_MGR;

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
// The calling thread's manager; aborts when there is no memory for it.
struct IMB_MGR *ref_mb_get(void);

void ref_gcm_key(struct fog_gcm_key *out, const uint8_t key[32]);
void ref_gcm_seal(unsigned n, const struct fog_gcm_job *jobs, size_t len);
uint64_t ref_gcm_open(unsigned n, const struct fog_gcm_job *jobs, size_t len);
