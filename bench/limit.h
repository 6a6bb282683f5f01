// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the execution ports allow: the instructions of the X25519 ladder in their numbers, evenly
// mixed, on data that nothing waits for. No dependencies, loads, stores or inversion: code with the
// same instructions cannot be faster, and what is missing to it is latency, spilling and the
// inversion. Each instruction set has a file of its own with its own compiler flags.
#pragma once

#include <stdint.h>

struct limit {
	unsigned multiplications; // that one run stands for: the lanes of the implementation
	void (*run)(void);
};

// The limit for the implementation called 'isa', or NULL when it has none here.
const struct limit *limit_of(const char *isa);

extern const struct limit limit_avx2, limit_avx512;

// The ladder: 251 steps, and 4 doublings of about half a step.
enum { LIMIT_STEPS = 253 };

// The assembler lays out one step, the compiler would move sums about: instruction by instruction,
// 'kind' goes through all numbers below [step] in an order that mixes them evenly ([prime] is near
// 0.6 [step] and does not divide it), and \\r through twelve registers that sum up, more than the
// latency of a multiply-add needs.
#define LIMIT_ROUNDS(step) (((step) + 11) / 12)
#define LIMIT_BEGIN \
	".set at, 0\n.set kind, 0\n" \
	".rept %c[rounds]\n.irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n" \
	".if at < %c[step]\n.set at, at + 1\n" \
	".set kind, kind + %c[prime]\n.if kind >= %c[step]\n.set kind, kind - %c[step]\n.endif\n"
#define LIMIT_END ".endif\n.endr\n.endr\n"
#define LIMIT_CLOBBERED \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
	        "xmm11"
