// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The mix of dataplane/crypto/avx512/x25519.c, counted in its sources; one step (group_step) is
//   5 products      50 multiply-adds each
//   4 squares       30, and 9 additions to double
//   9 foldings      9, 4 additions, 4 shifts
//   11 carries      1, 4 additions, 5 shifts, 1 AND
//   121665 E        11
//   7 sums          5 additions
//   2 choices       5 blends
#include "limit.h"

enum {
	MADD = 5 * 50 + 4 * 30 + 9 * 9 + 11 + 11,
	ADD = 4 * 9 + 9 * 4 + 11 * 4 + 7 * 5,
	SHIFT = 9 * 4 + 11 * 5,
	AND = 11,
	BLEND = 2 * 5,
	STEP = MADD + ADD + SHIFT + AND + BLEND,
	PRIME = 457,
	LANES = 8,
	SUMS = 8, // more than a multiply-add's latency needs
};

_Static_assert(STEP == 736 && STEP % PRIME != 0, "PRIME mixes STEP instructions");

// Registers by name: the compiler would move sums about. 31 is only read, 30 only written.
#define INTO(op, args, r) __asm__ volatile(op " " args "%%zmm" #r : : : "xmm" #r)
#define MADD_INTO(r) INTO("vpmadd52luq", "%%zmm31, %%zmm31, ", r)

static inline __attribute__((always_inline)) void multiply_add(unsigned sum)
{
	switch (sum) {
	case 0:
		MADD_INTO(0);
		break;
	case 1:
		MADD_INTO(1);
		break;
	case 2:
		MADD_INTO(2);
		break;
	case 3:
		MADD_INTO(3);
		break;
	case 4:
		MADD_INTO(4);
		break;
	case 5:
		MADD_INTO(5);
		break;
	case 6:
		MADD_INTO(6);
		break;
	default:
		MADD_INTO(7);
		break;
	}
}

static void mix(void)
{
	for (unsigned step = 0; step < LIMIT_STEPS; step++) {
#pragma GCC unroll 1024
		for (unsigned i = 0; i < STEP; i++) {
			unsigned kind = limit_shuffle(i, PRIME, STEP);
			if (kind < MADD)
				multiply_add(i % SUMS);
			else if (kind < MADD + ADD)
				INTO("vpaddq", "%%zmm31, %%zmm31, ", 30);
			else if (kind < MADD + ADD + SHIFT)
				INTO("vpsrlq", "$52, %%zmm31, ", 30);
			else if (kind < MADD + ADD + SHIFT + AND)
				INTO("vpandq", "%%zmm31, %%zmm31, ", 30);
			else
				__asm__ volatile("vpblendmq %%zmm31, %%zmm31, %%zmm30%{%%k1%}"
				                 :
				                 :
				                 : "xmm30");
		}
	}
	__asm__ volatile("vzeroupper");
}

const struct limit limit_avx512 = {.multiplications = LANES, .run = mix};
