// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Scalar arithmetic modulo 2^255 - 19 that the batched implementations share.
#pragma once

#include <stdint.h>

// limb[] (radix 2^51, a number below p but not 0) becomes its inverse modulo p; limbs 0 to 3 are
// below 2^51, limb 4 below 2^51 + 2^8. Leaves secrets on the stack below its frame.
void curve_invert(uint64_t limb[5]);
