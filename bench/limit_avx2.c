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
};

_Static_assert(STEP % LIMIT_SUMS == 0 && STEP % PRIME != 0, "whole rounds, and PRIME mixes");

// ymm0 to 7 are sums, 15 is only read, 14 only written; all are zero, for which no instruction
// takes longer.
static void mix(void)
{
	uint64_t steps = LIMIT_STEPS;

	__asm__ volatile("vzeroall\n1:\n" LIMIT_BEGIN // clang-format off
		".if kind < %c[fma]\n vfmadd231pd %%ymm15, %%ymm15, %%ymm\\r\n"
		".elseif kind < %c[sub]\n vsubpd %%ymm15, %%ymm15, %%ymm14\n"
		".elseif kind < %c[add]\n vpaddq %%ymm15, %%ymm15, %%ymm14\n"
		".elseif kind < %c[shift]\n vpsrlq $51, %%ymm15, %%ymm14\n"
		".elseif kind < %c[logic]\n vpand %%ymm15, %%ymm15, %%ymm14\n"
		".elseif kind < %c[mul]\n vpmuludq %%ymm15, %%ymm15, %%ymm14\n"
		".else\n vblendvpd %%ymm15, %%ymm15, %%ymm15, %%ymm14\n"
		".endif\n" LIMIT_END "decq %[steps]\n jnz 1b\n vzeroupper"
		: [steps] "+r"(steps)
		: [step] "i"(STEP), [prime] "i"(PRIME), [rounds] "i"(STEP / LIMIT_SUMS),
		  [fma] "i"(FMA), [sub] "i"(FMA + SUB_PD), [add] "i"(FMA + SUB_PD + ADD),
		  [shift] "i"(FMA + SUB_PD + ADD + SHIFT),
		  [logic] "i"(FMA + SUB_PD + ADD + SHIFT + LOGIC),
		  [mul] "i"(FMA + SUB_PD + ADD + SHIFT + LOGIC + MUL)
		: "cc", LIMIT_CLOBBERED, "xmm14", "xmm15");
	// clang-format on
}

const struct limit limit_avx2 = {.multiplications = LANES, .run = mix};
