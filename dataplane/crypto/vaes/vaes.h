// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AES-256-GCM with VAES and VPCLMULQDQ on 256 bits, for CPUs that have them and no AVX-512.
// Contracts in ../ops.h and ../gcm.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fog_gcm_job;
struct fog_gcm_key;

void vaes_gcm_key(struct fog_gcm_key *out, const uint8_t key[32]);
void vaes_gcm_seal(unsigned n, const struct fog_gcm_job *jobs, size_t len);
uint64_t vaes_gcm_open(unsigned n, const struct fog_gcm_job *jobs, size_t len);
