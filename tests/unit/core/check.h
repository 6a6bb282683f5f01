// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the core tests share: a seeded generator, a chi-squared sum.
#pragma once

#include <stdint.h>

#include "../run.h"

// Reproducible test input (SplitMix64), unrelated to the generator under test.
static inline uint64_t check_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline double check_chi_squared(const uint32_t *seen, unsigned cells, double expected)
{
	double sum = 0;

	for (unsigned i = 0; i < cells; i++)
		sum += (seen[i] - expected) * (seen[i] - expected) / expected;
	return sum;
}
