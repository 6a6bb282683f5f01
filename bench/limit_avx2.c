// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The mix of dataplane/crypto/avx2/x25519.c, counted in its sources; one step (group_step) is
//   5 products      25 pairs of limbs; 15 additions less, as 10 sums begin with what comes first
//   4 squares       15 pairs of limbs, 8 additions to double, 10 sums that begin
//   121665 E        5 pairs of limbs, 1 integer multiplication, 1 sum that begins and 1 addition
//   9 foldings      20 additions, 5 shifts
//   11 carries      10 additions, 5 shifts, 10 AND or OR, 5 subtractions of doubles,
//                   1 integer multiplication
//   7 sums          5 additions
//   2 choices       5 blends
// and a pair of limbs 2 fused multiply-adds, 1 subtraction of doubles and 2 integer additions.
#include "limit.h"

enum {
	PAIRS = 5 * 25 + 4 * 15 + 5,
	BEGIN = 5 * 10 + 4 * 10 + 1, // sums
	FMA = 2 * PAIRS,
	SUB_PD = PAIRS + 11 * 5,
	ADD = 2 * PAIRS - BEGIN + 4 * 8 + 1 + 9 * 20 + 11 * 10 + 7 * 5,
	SHIFT = 9 * 5 + 11 * 5,
	LOGIC = 11 * 10,
	MUL = 1 + 11,
	BLEND = 2 * 5,
	STEP = FMA + SUB_PD + ADD + SHIFT + LOGIC + MUL + BLEND,
	PRIME = 929,
	LANES = 4,
	SUMS = 8, // what the latency of a multiply-add needs
};

_Static_assert(STEP == 1504 && STEP % PRIME != 0, "PRIME mixes STEP instructions");

// Registers by name: the compiler would move sums about. 15 is only read, 14 only written; all are
// zero, for which no instruction takes longer.
#define INTO(op, args, r) __asm__ volatile(op " " args "%%ymm" #r : : : "xmm" #r)
#define FMA_INTO(r) INTO("vfmadd231pd", "%%ymm15, %%ymm15, ", r)

static inline __attribute__((always_inline)) void multiply_add(unsigned sum)
{
	switch (sum) {
	case 0:
		FMA_INTO(0);
		break;
	case 1:
		FMA_INTO(1);
		break;
	case 2:
		FMA_INTO(2);
		break;
	case 3:
		FMA_INTO(3);
		break;
	case 4:
		FMA_INTO(4);
		break;
	case 5:
		FMA_INTO(5);
		break;
	case 6:
		FMA_INTO(6);
		break;
	default:
		FMA_INTO(7);
		break;
	}
}

static inline __attribute__((always_inline)) void other(unsigned kind)
{
	if (kind < SUB_PD)
		INTO("vsubpd", "%%ymm15, %%ymm15, ", 14);
	else if (kind < SUB_PD + ADD)
		INTO("vpaddq", "%%ymm15, %%ymm15, ", 14);
	else if (kind < SUB_PD + ADD + SHIFT)
		INTO("vpsrlq", "$51, %%ymm15, ", 14);
	else if (kind < SUB_PD + ADD + SHIFT + LOGIC)
		INTO("vpand", "%%ymm15, %%ymm15, ", 14);
	else if (kind < SUB_PD + ADD + SHIFT + LOGIC + MUL)
		INTO("vpmuludq", "%%ymm15, %%ymm15, ", 14);
	else
		INTO("vblendvpd", "%%ymm15, %%ymm15, %%ymm15, ", 14);
}

static void mix(void)
{
	__asm__ volatile("vzeroall");
	for (unsigned step = 0; step < LIMIT_STEPS; step++) {
#pragma GCC unroll 2048
		for (unsigned i = 0; i < STEP; i++) {
			unsigned kind = limit_shuffle(i, PRIME, STEP);
			if (kind < FMA)
				multiply_add(i % SUMS);
			else
				other(kind - FMA);
		}
	}
	__asm__ volatile("vzeroupper");
}

const struct limit limit_avx2 = {.multiplications = LANES, .run = mix};
