// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the execution ports allow: the instructions of the X25519 ladder in their numbers, evenly
// mixed, on data that nothing waits for. No dependencies, loads, stores or inversion: code with the
// same instructions cannot be faster, and what is missing to it is latency, spilling and the
// inversion. Each instruction set has a file of its own with its own compiler flags.
#pragma once

struct limit {
	unsigned multiplications; // that one run stands for: the lanes of the implementation
	void (*run)(void);
};

// The limit for the implementation called 'isa', or NULL when it has none here.
const struct limit *limit_of(const char *isa);

extern const struct limit limit_avx2, limit_avx512;

// The ladder: 251 steps, and 4 doublings of about half a step.
enum { LIMIT_STEPS = 253 };

// Number i of 'total' instructions in an order that mixes them evenly: 'prime' is near 0.618 'total'
// and does not divide it, so every number below 'total' comes once.
static inline unsigned limit_shuffle(unsigned i, unsigned prime, unsigned total)
{
	return i * prime % total;
}
