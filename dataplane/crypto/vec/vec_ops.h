// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the three builds of this folder offer to ops.c. Contracts in ../ops.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define VEC_DECLARE(name) \
	void name##_ctr( \
	        unsigned n, uint8_t *const out[], const uint8_t *const in[], \
	        const uint8_t *const key[], const uint8_t *const iv[], size_t len \
	); \
	void name##_aez_encrypt( \
	        unsigned n, uint8_t *const buf[], const uint8_t *const key[], \
	        const uint8_t *const nonce[], size_t len \
	); \
	void name##_aez_decrypt( \
	        unsigned n, uint8_t *const buf[], const uint8_t *const key[], \
	        const uint8_t *const nonce[], size_t len \
	); \
	void name##_blind_scalar(unsigned n, uint8_t *const out[], const uint8_t *const seed[])

VEC_DECLARE(vec1); // AES-NI, SSSE3
VEC_DECLARE(vec2); // VAES, AVX2
VEC_DECLARE(vec4); // VAES, AVX-512 F and BW
