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
};

_Static_assert(STEP % PRIME != 0, "PRIME mixes");

// zmm0 to 11 are sums, 31 is only read, 30 only written.
static void mix(void)
{
	uint64_t steps = LIMIT_STEPS;

	__asm__ volatile("1:\n" LIMIT_BEGIN // clang-format off
		".if kind < %c[madd]\n vpmadd52luq %%zmm31, %%zmm31, %%zmm\\r\n"
		".elseif kind < %c[add]\n vpaddq %%zmm31, %%zmm31, %%zmm30\n"
		".elseif kind < %c[shift]\n vpsrlq $52, %%zmm31, %%zmm30\n"
		".elseif kind < %c[and]\n vpandq %%zmm31, %%zmm31, %%zmm30\n"
		".else\n vpblendmq %%zmm31, %%zmm31, %%zmm30%{%%k1%}\n"
		".endif\n" LIMIT_END "decq %[steps]\n jnz 1b\n vzeroupper"
		: [steps] "+r"(steps)
		: [step] "i"(STEP), [prime] "i"(PRIME), [rounds] "i"(LIMIT_ROUNDS(STEP)),
		  [madd] "i"(MADD), [add] "i"(MADD + ADD), [shift] "i"(MADD + ADD + SHIFT),
		  [and] "i"(MADD + ADD + SHIFT + AND)
		: "cc", LIMIT_CLOBBERED, "xmm30");
	// clang-format on
}

const struct limit limit_avx512 = {.multiplications = LANES, .run = mix};
