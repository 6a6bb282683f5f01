// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The mix of dataplane/crypto/avx2/x25519.c, counted in its sources; one step (group_step) is
//   5 products      25 pairs of limbs
//   4 squares       15 pairs of limbs, and 4 additions of doubles to double
//   121665 E        5 pairs of limbs, 1 integer multiplication, 1 addition
//   9 foldings      20 additions, 5 shifts
//   10 carries      10 additions, 5 shifts, 10 AND or OR, 5 subtractions of doubles,
//                   1 integer multiplication
//   6 sums          5 additions, and one of doubles
//   2 choices       5 blends, and a shift for both
// and a pair of limbs 2 fused multiply-adds, 1 subtraction of doubles and 2 additions, but for the
// 10 sums of a product or square, and 1 of 121665 E, which begin with what comes first.
#include "limit.h"

enum {
	PAIRS = 5 * 25 + 4 * 15 + 5,
	BEGIN = 9 * 10 + 1,
	FMA = 2 * PAIRS,
	ADD_PD = PAIRS + 4 * 4 + 10 * 5 + 5,
	ADD = 2 * PAIRS - BEGIN + 1 + 9 * 20 + 10 * 10 + 6 * 5,
	SHIFT = 9 * 5 + 10 * 5 + 1,
	LOGIC = 10 * 10,
	MUL = 1 + 10,
	BLEND = 2 * 5,
	STEP = FMA + ADD_PD + ADD + SHIFT + LOGIC + MUL + BLEND,
	PRIME = 887,
	LANES = 4,
};

_Static_assert(STEP % PRIME != 0, "PRIME mixes");

// ymm0 to 11 are sums, 15 is only read, 14 only written; all are zero, for which no instruction
// takes longer.
static void mix(void)
{
	uint64_t steps = LIMIT_STEPS;

	__asm__ volatile("vzeroall\n1:\n" LIMIT_BEGIN // clang-format off
		".if kind < %c[fma]\n vfmadd231pd %%ymm15, %%ymm15, %%ymm\\r\n"
		".elseif kind < %c[addpd]\n vaddpd %%ymm15, %%ymm15, %%ymm14\n"
		".elseif kind < %c[add]\n vpaddq %%ymm15, %%ymm15, %%ymm14\n"
		".elseif kind < %c[shift]\n vpsrlq $51, %%ymm15, %%ymm14\n"
		".elseif kind < %c[logic]\n vpand %%ymm15, %%ymm15, %%ymm14\n"
		".elseif kind < %c[mul]\n vpmuludq %%ymm15, %%ymm15, %%ymm14\n"
		".else\n vblendvpd %%ymm15, %%ymm15, %%ymm15, %%ymm14\n"
		".endif\n" LIMIT_END "decq %[steps]\n jnz 1b\n vzeroupper"
		: [steps] "+r"(steps)
		: [step] "i"(STEP), [prime] "i"(PRIME), [rounds] "i"(LIMIT_ROUNDS(STEP)),
		  [fma] "i"(FMA), [addpd] "i"(FMA + ADD_PD), [add] "i"(FMA + ADD_PD + ADD),
		  [shift] "i"(FMA + ADD_PD + ADD + SHIFT),
		  [logic] "i"(FMA + ADD_PD + ADD + SHIFT + LOGIC),
		  [mul] "i"(FMA + ADD_PD + ADD + SHIFT + LOGIC + MUL)
		: "cc", LIMIT_CLOBBERED, "xmm14", "xmm15");
	// clang-format on
}

const struct limit limit_avx2 = {.multiplications = LANES, .run = mix};
