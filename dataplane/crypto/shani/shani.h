// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// HMAC-SHA-256 and HKDF-Expand with the SHA extensions, for every table of ../ops.h on a CPU that
// has them (with SSE4.1). Contracts in ../ops.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

void shani_expand(unsigned n, uint8_t *const okm[], const uint8_t *const secret[]);
void shani_hmac(
        unsigned n, uint8_t *const mac[], const uint8_t *const key[], const uint8_t *const msg[],
        size_t len
);
