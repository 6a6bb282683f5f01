// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Arithmetic modulo p = 2^255 - 19 on eight independent numbers at a time, one per 64-bit lane, for
// vpmadd52luq and vpmadd52huq (AVX-512 IFMA), which multiply the low 52 bits of their operands and
// ignore what stands above. Nothing here depends on the values but by data flow.
//
// Radix 2^52, five limbs. Two forms of a number:
// - "wide": what a product, a sum or a difference leaves; every limb below 2^63, read by additions
//   and fe_carry only.
// - "tight": what fe_carry leaves; limbs 0 to 3 count by their low 52 bits (the bits above have
//   been carried on already and are ignored by the multiplier, which saves the masking), limb 4 is
//   below 2^47 + 2^12. Only tight numbers are factors; tight numbers are never added.
//
// In this radix the high half of a product falls exactly on the next limb, so nothing is doubled,
// and 2^260 = 608 (mod p) folds limb i + 5 into limb i.
#pragma once

#include <immintrin.h>
#include <stdint.h>

struct fe {
	__m512i v[5];
};

#define FE_MASK52 ((INT64_C(1) << 52) - 1)
#define FE_MASK47 ((INT64_C(1) << 47) - 1)
#define FE_LO(z, x, y) ((z) = _mm512_madd52lo_epu64((z), (x), (y)))
#define FE_HI(z, x, y) ((z) = _mm512_madd52hi_epu64((z), (x), (y)))

// 2^10 p: as the start of a product's sum it makes every limb larger than any limb of another
// product (below 2^56), which can then be subtracted. All limbs stay below 2^62 + 2^57.
static inline struct fe fe_bias(void)
{
	const __m512i middle = _mm512_set1_epi64((INT64_C(1) << 62) - 1024);

	return (struct fe
	){{_mm512_set1_epi64((INT64_C(1) << 62) - 19 * 1024), middle, middle, middle,
	   _mm512_set1_epi64((INT64_C(1) << 57) - 1024)}};
}

static inline struct fe fe_small(int64_t x)
{
	const __m512i zero = _mm512_setzero_si512();

	return (struct fe){{_mm512_set1_epi64(x), zero, zero, zero, zero}};
}

static inline __attribute__((always_inline)) struct fe fe_add(struct fe x, struct fe y)
{
	return (struct fe
	){{_mm512_add_epi64(x.v[0], y.v[0]), _mm512_add_epi64(x.v[1], y.v[1]),
	   _mm512_add_epi64(x.v[2], y.v[2]), _mm512_add_epi64(x.v[3], y.v[3]),
	   _mm512_add_epi64(x.v[4], y.v[4])}};
}

// x - y; x must carry the bias, y must not.
static inline __attribute__((always_inline)) struct fe fe_sub(struct fe x, struct fe y)
{
	return (struct fe
	){{_mm512_sub_epi64(x.v[0], y.v[0]), _mm512_sub_epi64(x.v[1], y.v[1]),
	   _mm512_sub_epi64(x.v[2], y.v[2]), _mm512_sub_epi64(x.v[3], y.v[3]),
	   _mm512_sub_epi64(x.v[4], y.v[4])}};
}

// y in the lanes of 'mask', x in the others.
static inline __attribute__((always_inline)) struct fe fe_blend(
        __mmask8 mask, struct fe x, struct fe y
)
{
	return (struct fe
	){{_mm512_mask_blend_epi64(mask, x.v[0], y.v[0]),
	   _mm512_mask_blend_epi64(mask, x.v[1], y.v[1]),
	   _mm512_mask_blend_epi64(mask, x.v[2], y.v[2]),
	   _mm512_mask_blend_epi64(mask, x.v[3], y.v[3]),
	   _mm512_mask_blend_epi64(mask, x.v[4], y.v[4])}};
}

// Wide to tight. The top is folded first, so that one pass suffices.
static inline __attribute__((always_inline)) struct fe fe_carry(struct fe x)
{
	__m512i top = _mm512_srli_epi64(x.v[4], 47);

	x.v[4] = _mm512_and_si512(x.v[4], _mm512_set1_epi64(FE_MASK47));
	FE_LO(x.v[0], top, _mm512_set1_epi64(19));
	x.v[1] = _mm512_add_epi64(x.v[1], _mm512_srli_epi64(x.v[0], 52));
	x.v[2] = _mm512_add_epi64(x.v[2], _mm512_srli_epi64(x.v[1], 52));
	x.v[3] = _mm512_add_epi64(x.v[3], _mm512_srli_epi64(x.v[2], 52));
	x.v[4] = _mm512_add_epi64(x.v[4], _mm512_srli_epi64(x.v[3], 52));
	return x;
}

// Ten limbs to five, wide. The upper five are carried first: as factors only their low 52 bits
// count. The last is below 2^42 + 2^9, its product with 608 below 2^52: it has no high half.
static inline __attribute__((always_inline)) struct fe fe_fold(__m512i z[10])
{
	const __m512i k = _mm512_set1_epi64(608);

	z[6] = _mm512_add_epi64(z[6], _mm512_srli_epi64(z[5], 52));
	FE_LO(z[0], z[5], k);
	FE_HI(z[1], z[5], k);
	z[7] = _mm512_add_epi64(z[7], _mm512_srli_epi64(z[6], 52));
	FE_LO(z[1], z[6], k);
	FE_HI(z[2], z[6], k);
	z[8] = _mm512_add_epi64(z[8], _mm512_srli_epi64(z[7], 52));
	FE_LO(z[2], z[7], k);
	FE_HI(z[3], z[7], k);
	z[9] = _mm512_add_epi64(z[9], _mm512_srli_epi64(z[8], 52));
	FE_LO(z[3], z[8], k);
	FE_HI(z[4], z[8], k);
	FE_LO(z[4], z[9], k);
	return (struct fe){{z[0], z[1], z[2], z[3], z[4]}};
}

#define FE_ROW(i) \
	do { \
		FE_LO(z[(i) + 0], x.v[i], y.v[0]); \
		FE_LO(z[(i) + 1], x.v[i], y.v[1]); \
		FE_LO(z[(i) + 2], x.v[i], y.v[2]); \
		FE_LO(z[(i) + 3], x.v[i], y.v[3]); \
		FE_LO(z[(i) + 4], x.v[i], y.v[4]); \
		FE_HI(z[(i) + 1], x.v[i], y.v[0]); \
		FE_HI(z[(i) + 2], x.v[i], y.v[1]); \
		FE_HI(z[(i) + 3], x.v[i], y.v[2]); \
		FE_HI(z[(i) + 4], x.v[i], y.v[3]); \
		FE_HI(z[(i) + 5], x.v[i], y.v[4]); \
	} while (0)

// start + x y; x and y tight, 'start' zero or the bias, the result wide.
static inline __attribute__((always_inline)) struct fe fe_mul(
        struct fe start, struct fe x, struct fe y
)
{
	const __m512i zero = _mm512_setzero_si512();
	__m512i z[10] = {start.v[0], start.v[1], start.v[2], start.v[3], start.v[4],
	                 zero,       zero,       zero,       zero,       zero};

	FE_ROW(0);
	FE_ROW(1);
	FE_ROW(2);
	FE_ROW(3);
	FE_ROW(4);
	return fe_fold(z);
}

// A product of two different limbs, for squares: both halves.
#define FE_CROSS(i, j) \
	do { \
		FE_LO(z[(i) + (j)], x.v[i], x.v[j]); \
		FE_HI(z[(i) + (j) + 1], x.v[i], x.v[j]); \
	} while (0)
#define FE_TWICE(i) (z[i] = _mm512_add_epi64(z[i], z[i]))

// start + x^2, as fe_mul. What stands left of the diagonal is summed up once and doubled, so
// 'half' is half of what the sum shall start with (exact for the bias, which is even).
static inline __attribute__((always_inline)) struct fe fe_square(struct fe half, struct fe x)
{
	const __m512i zero = _mm512_setzero_si512();
	__m512i z[10] = {half.v[0], half.v[1], half.v[2], half.v[3], half.v[4],
	                 zero,      zero,      zero,      zero,      zero};

	FE_CROSS(0, 4);
	FE_CROSS(1, 4);
	FE_CROSS(0, 1);
	FE_CROSS(2, 4);
	FE_CROSS(0, 3);
	FE_CROSS(3, 4);
	FE_CROSS(0, 2);
	FE_CROSS(2, 3);
	FE_CROSS(1, 3);
	FE_CROSS(1, 2);
	FE_TWICE(0);
	FE_TWICE(1);
	FE_TWICE(2);
	FE_TWICE(3);
	FE_TWICE(4);
	FE_TWICE(5);
	FE_TWICE(6);
	FE_TWICE(7);
	FE_TWICE(8);
	FE_CROSS(0, 0);
	FE_CROSS(1, 1);
	FE_CROSS(2, 2);
	FE_CROSS(3, 3);
	FE_CROSS(4, 4);
	return fe_fold(z);
}
