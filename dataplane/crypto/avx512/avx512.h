// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// X25519 for CPUs with AVX-512: what ops.c takes and what its files offer to each other. Contracts
// in ../ops.h.
// Everything here needs AVX-512 F, DQ, VL and IFMA, of the CPU and of the kernel.
#pragma once

#include <stdint.h>

enum { AVX512_WIDTH = 8 };

uint64_t avx512_x25519(
        unsigned n, uint8_t *const out[], const uint8_t *const scalar[],
        const uint8_t *const point[]
);
void avx512_x25519_base(unsigned n, uint8_t *const out[], const uint8_t *const scalar[]);
