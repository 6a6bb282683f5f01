// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// X25519 for CPUs with AVX2: what ops.c takes. Contracts in ../ops.h.
// Everything here needs AVX2, FMA and BMI2, of the CPU and of the kernel.
#pragma once

#include <stdint.h>

enum { AVX2_WIDTH = 4 };

uint64_t avx2_x25519(
        unsigned n, uint8_t *const out[], const uint8_t *const scalar[],
        const uint8_t *const point[]
);
void avx2_x25519_base(unsigned n, uint8_t *const out[], const uint8_t *const scalar[]);
