// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Wiping of secrets inside of this folder. Compiled with the flags of the file that includes it.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// As sodium_memzero, whose call and byte loop cost more than some of the primitives. The length is
// hidden from the compiler, or it would choose rep stos, whose start costs more than all of memset.
static inline void wipe(void *mem, size_t len)
{
	__asm__("" : "+r"(len));
	memset(mem, 0, len);
	__asm__ volatile("" : : "r"(mem) : "memory");
}

#define WIPE_FIRST_16 \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
	        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

// How deep the functions go that a file's entry points call. A file may say otherwise.
#ifndef WIPE_BELOW
#define WIPE_BELOW 2048
#endif

// What these functions spilled below the entry point's frame, and left in the vector registers and
// in k1 and k2, the mask registers that GCC takes for blends here. Never inlined, or its array would
// lie beside what it is meant to cover; and never the last call of a function with a frame, as that
// may be a jump after the frame is gone.
static __attribute__((noinline)) void wipe_leftovers(void)
{
	uint8_t below[WIPE_BELOW];

	wipe(below, sizeof(below));
#if defined(__AVX__)
	__asm__ volatile("vzeroall" : : : WIPE_FIRST_16);
#else
	__asm__ volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n\t"
	                 "pxor %%xmm3, %%xmm3\n\tpxor %%xmm4, %%xmm4\n\tpxor %%xmm5, %%xmm5\n\t"
	                 "pxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7\n\tpxor %%xmm8, %%xmm8\n\t"
	                 "pxor %%xmm9, %%xmm9\n\tpxor %%xmm10, %%xmm10\n\tpxor %%xmm11, %%xmm11\n\t"
	                 "pxor %%xmm12, %%xmm12\n\tpxor %%xmm13, %%xmm13\n\t"
	                 "pxor %%xmm14, %%xmm14\n\tpxor %%xmm15, %%xmm15"
	                 :
	                 :
	                 : WIPE_FIRST_16);
#endif
#if defined(__AVX512F__)
	__asm__ volatile("vpxorq %%zmm16, %%zmm16, %%zmm16\n\tvpxorq %%zmm17, %%zmm17, %%zmm17\n\t"
	                 "vpxorq %%zmm18, %%zmm18, %%zmm18\n\tvpxorq %%zmm19, %%zmm19, %%zmm19\n\t"
	                 "vpxorq %%zmm20, %%zmm20, %%zmm20\n\tvpxorq %%zmm21, %%zmm21, %%zmm21\n\t"
	                 "vpxorq %%zmm22, %%zmm22, %%zmm22\n\tvpxorq %%zmm23, %%zmm23, %%zmm23\n\t"
	                 "vpxorq %%zmm24, %%zmm24, %%zmm24\n\tvpxorq %%zmm25, %%zmm25, %%zmm25\n\t"
	                 "vpxorq %%zmm26, %%zmm26, %%zmm26\n\tvpxorq %%zmm27, %%zmm27, %%zmm27\n\t"
	                 "vpxorq %%zmm28, %%zmm28, %%zmm28\n\tvpxorq %%zmm29, %%zmm29, %%zmm29\n\t"
	                 "vpxorq %%zmm30, %%zmm30, %%zmm30\n\tvpxorq %%zmm31, %%zmm31, %%zmm31\n\t"
	                 "kxorw %%k1, %%k1, %%k1\n\tkxorw %%k2, %%k2, %%k2"
	                 :
	                 :
	                 : "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",
	                   "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31",
	                   "k1", "k2");
#endif
}
