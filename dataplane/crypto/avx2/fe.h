// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Arithmetic modulo p = 2^255 - 19 on four independent numbers at a time, one per 64-bit lane, for
// AVX2 with FMA. Nothing here depends on the values but by data flow.
//
// AVX2 multiplies integers of 32 bits only, but doubles of 53: a product of two integers of about 50
// bits comes exactly out of two fused multiply-adds. The first adds 1.5 2^103, around which the last
// place of a double is 2^51: it leaves 1.5 2^103 + 2^51 h, and h is a b / 2^51 rounded. The second
// computes what is left, l = a b - 2^51 h, from -2^50 to 2^50, and adds 3 2^51, around which the
// last place is 1. Both are the integers h and l on top of a constant: their bit patterns are summed
// up as integers, and the constants taken away from the sum.
//
// The rounding must be to nearest, as the ABI has it. No operand or result is ever subnormal, the
// one case in which these instructions take longer: all are integers.
//
// Radix 2^51, five limbs, so that h falls exactly on the next limb and 2^255 = 19 (mod p) folds
// limb i + 5 into limb i. Three forms of a number:
// - struct fe, "tight": doubles, what fe_carry leaves. Limbs are from -2^50 to 2^50 + 2^14.
// - struct fe, "loose": difference or double of tight numbers, or what comes from outside: limbs
//   within 2^51 + 2^15. A factor may be loose if the other one is tight: a product of limbs is then
//   below 2^101 + 2^67, far from the 2^102 that would make the first sum leave its binade, and |h|
//   is below 2^50 + 2^17.
// - struct wide: integers, what products leave and sums and differences of products are, with the
//   constants of all the bit patterns in them. fe_carry makes them tight and takes what removes
//   these.
#pragma once

#include <immintrin.h>
#include <stdint.h>

struct fe {
	__m256d v[5];
};

struct wide {
	__m256i v[5];
};

#define FE_INLINE static inline __attribute__((always_inline))
#define FE_MASK51 ((INT64_C(1) << 51) - 1)
#define FE_1_0 0x1p52 // a double with the last place 1 and an empty mantissa
#define FE_1_5 0x1.8p52 // the middle of its binade
#define FE_HIGH 0x1.8p103

// What the bit patterns of h and l count too much.
#define FE_EXP_H ((UINT64_C(0x466) << 52) + (UINT64_C(1) << 51))
#define FE_EXP_L ((UINT64_C(0x433) << 52) + (UINT64_C(1) << 51))
// The same for limb i of a product: of the l, i + 1 come from the limb itself and 4 - i from the one
// that is folded in, 19-fold; of the h, one less and one more. A square needs no two products of the
// same limbs.
#define FE_EXP(l, h) ((uint64_t)(l)*FE_EXP_L + (uint64_t)(h)*FE_EXP_H)
#define FE_EXP_MUL(i) FE_EXP((i) + 1 + 19 * (4 - (i)), (i) + 19 * (5 - (i)))
#define FE_EXP_SQUARE(i) \
	FE_EXP((i) / 2 + 1 + 19 * ((5 - (i)) / 2), ((i) + 1) / 2 + 19 * ((6 - (i)) / 2))

// 2^8 p, and 2^50 in every limb, which fe_limb subtracts again. A product's limb is at most 77 times
// l and 95 times h, together below 2^57 + 2^56. With this bias the product, the sum of two products
// and their difference are above 0 and below 2^60, which fe_carry needs.
#define FE_BIAS(i) ((UINT64_C(1) << 59) - ((i) == 0 ? 256 * 19 : 256) + (UINT64_C(1) << 50))

// fe_carry's constants for the sum of so many products and squares; negative if subtracted.
#define FE_CARRY_CONST(i, muls, squares) \
	((int64_t \
	)(FE_BIAS(i) - (uint64_t)(muls)*FE_EXP_MUL(i) - (uint64_t)(squares)*FE_EXP_SQUARE(i)))
#define FE_CARRY(x, muls, squares) \
	fe_carry( \
	        (x), FE_CARRY_CONST(0, muls, squares), FE_CARRY_CONST(1, muls, squares), \
	        FE_CARRY_CONST(2, muls, squares), FE_CARRY_CONST(3, muls, squares), \
	        FE_CARRY_CONST(4, muls, squares) \
	)

FE_INLINE struct fe fe_small(double x)
{
	const __m256d zero = _mm256_setzero_pd();

	return (struct fe){{_mm256_set1_pd(x), zero, zero, zero, zero}};
}

// Both tight, the result loose.
FE_INLINE struct fe fe_sub(struct fe x, struct fe y)
{
	return (struct fe
	){{_mm256_sub_pd(x.v[0], y.v[0]), _mm256_sub_pd(x.v[1], y.v[1]),
	   _mm256_sub_pd(x.v[2], y.v[2]), _mm256_sub_pd(x.v[3], y.v[3]),
	   _mm256_sub_pd(x.v[4], y.v[4])}};
}

FE_INLINE struct wide wide_add(struct wide x, struct wide y)
{
	return (struct wide
	){{_mm256_add_epi64(x.v[0], y.v[0]), _mm256_add_epi64(x.v[1], y.v[1]),
	   _mm256_add_epi64(x.v[2], y.v[2]), _mm256_add_epi64(x.v[3], y.v[3]),
	   _mm256_add_epi64(x.v[4], y.v[4])}};
}

FE_INLINE struct wide wide_sub(struct wide x, struct wide y)
{
	return (struct wide
	){{_mm256_sub_epi64(x.v[0], y.v[0]), _mm256_sub_epi64(x.v[1], y.v[1]),
	   _mm256_sub_epi64(x.v[2], y.v[2]), _mm256_sub_epi64(x.v[3], y.v[3]),
	   _mm256_sub_epi64(x.v[4], y.v[4])}};
}

// y in the lanes where the top bit of 'mask' is set, x in the others.
FE_INLINE struct fe fe_blend(__m256i mask, struct fe x, struct fe y)
{
	const __m256d m = _mm256_castsi256_pd(mask);

	return (struct fe
	){{_mm256_blendv_pd(x.v[0], y.v[0], m), _mm256_blendv_pd(x.v[1], y.v[1], m),
	   _mm256_blendv_pd(x.v[2], y.v[2], m), _mm256_blendv_pd(x.v[3], y.v[3], m),
	   _mm256_blendv_pd(x.v[4], y.v[4], m)}};
}

// The integer x, from 0 to 2^52 - 1, as a double.
FE_INLINE __m256d fe_double(__m256i x)
{
	const __m256d exponent = _mm256_set1_pd(FE_1_0);

	x = _mm256_or_si256(x, _mm256_castpd_si256(exponent));
	return _mm256_sub_pd(_mm256_castsi256_pd(x), exponent);
}

// The double x, an integer from -2^51 to 2^51, as an integer.
FE_INLINE __m256i fe_integer(__m256d x)
{
	const __m256d exponent = _mm256_set1_pd(FE_1_5);

	x = _mm256_add_pd(x, exponent);
	return _mm256_sub_epi64(_mm256_castpd_si256(x), _mm256_castpd_si256(exponent));
}

// A limb's low 51 bits less 2^50, and what comes from the limb below. The carry is added behind the
// exponent, where there is a bit left for it.
FE_INLINE __m256d fe_limb(__m256i x, __m256i carry)
{
	x = _mm256_and_si256(x, _mm256_set1_epi64x(FE_MASK51));
	x = _mm256_or_si256(x, _mm256_castpd_si256(_mm256_set1_pd(FE_1_0)));
	x = _mm256_add_epi64(x, carry);
	return _mm256_sub_pd(_mm256_castsi256_pd(x), _mm256_set1_pd(FE_1_0 + 0x1p50));
}

// Wide to tight: add the constants, then carry every limb once, all at the same time. Limbs are
// below 2^60 by then, carries below 2^9, the one that is folded below 2^14.
FE_INLINE struct fe fe_carry(
        struct wide x, int64_t k0, int64_t k1, int64_t k2, int64_t k3, int64_t k4
)
{
	x.v[0] = _mm256_add_epi64(x.v[0], _mm256_set1_epi64x(k0));
	x.v[1] = _mm256_add_epi64(x.v[1], _mm256_set1_epi64x(k1));
	x.v[2] = _mm256_add_epi64(x.v[2], _mm256_set1_epi64x(k2));
	x.v[3] = _mm256_add_epi64(x.v[3], _mm256_set1_epi64x(k3));
	x.v[4] = _mm256_add_epi64(x.v[4], _mm256_set1_epi64x(k4));
	__m256i top = _mm256_srli_epi64(x.v[4], 51);

	return (struct fe
	){{fe_limb(x.v[0], _mm256_mul_epu32(top, _mm256_set1_epi64x(19))),
	   fe_limb(x.v[1], _mm256_srli_epi64(x.v[0], 51)),
	   fe_limb(x.v[2], _mm256_srli_epi64(x.v[1], 51)),
	   fe_limb(x.v[3], _mm256_srli_epi64(x.v[2], 51)),
	   fe_limb(x.v[4], _mm256_srli_epi64(x.v[3], 51))}};
}

// The two halves of a b, onto the sums of l and h.
FE_INLINE void fe_product(__m256i *l, __m256i *h, __m256d a, __m256d b)
{
	__m256d high = _mm256_fmadd_pd(a, b, _mm256_set1_pd(FE_HIGH));
	__m256d rest = _mm256_sub_pd(_mm256_set1_pd(FE_HIGH + 0x1.8p52), high);
	__m256d low = _mm256_fmadd_pd(a, b, rest);

	*h = _mm256_add_epi64(*h, _mm256_castpd_si256(high));
	*l = _mm256_add_epi64(*l, _mm256_castpd_si256(low));
}

// x + 19 y
FE_INLINE __m256i fe_fold(__m256i x, __m256i y)
{
	__m256i y3 = _mm256_add_epi64(_mm256_add_epi64(y, y), y);

	return _mm256_add_epi64(_mm256_add_epi64(x, y3), _mm256_slli_epi64(y, 4));
}

FE_INLINE struct wide fe_fold_all(const __m256i z[10])
{
	return (struct wide
	){{fe_fold(z[0], z[5]), fe_fold(z[1], z[6]), fe_fold(z[2], z[7]), fe_fold(z[3], z[8]),
	   fe_fold(z[4], z[9])}};
}

#define FE_PRODUCT(x, i, y, j) fe_product(&z[(i) + (j)], &z[(i) + (j) + 1], (x).v[i], (y).v[j])

// x may be loose if y is tight, and the other way round. The highest limb is made first: few sums
// are open at a time then, and what all wait for, the carry of limb 4, comes early.
FE_INLINE struct wide fe_mul(struct fe x, struct fe y)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i z[10] = {zero, zero, zero, zero, zero, zero, zero, zero, zero, zero};

	FE_PRODUCT(x, 4, y, 4);
	FE_PRODUCT(x, 3, y, 4);
	FE_PRODUCT(x, 4, y, 3);
	FE_PRODUCT(x, 2, y, 4);
	FE_PRODUCT(x, 3, y, 3);
	FE_PRODUCT(x, 4, y, 2);
	FE_PRODUCT(x, 1, y, 4);
	FE_PRODUCT(x, 2, y, 3);
	FE_PRODUCT(x, 3, y, 2);
	FE_PRODUCT(x, 4, y, 1);
	FE_PRODUCT(x, 0, y, 4);
	FE_PRODUCT(x, 1, y, 3);
	FE_PRODUCT(x, 2, y, 2);
	FE_PRODUCT(x, 3, y, 1);
	FE_PRODUCT(x, 4, y, 0);
	FE_PRODUCT(x, 0, y, 3);
	FE_PRODUCT(x, 1, y, 2);
	FE_PRODUCT(x, 2, y, 1);
	FE_PRODUCT(x, 3, y, 0);
	FE_PRODUCT(x, 0, y, 2);
	FE_PRODUCT(x, 1, y, 1);
	FE_PRODUCT(x, 2, y, 0);
	FE_PRODUCT(x, 0, y, 1);
	FE_PRODUCT(x, 1, y, 0);
	FE_PRODUCT(x, 0, y, 0);
	return fe_fold_all(z);
}

// x tight.
FE_INLINE struct wide fe_square(struct fe x)
{
	const __m256i zero = _mm256_setzero_si256();
	const struct fe twice = {
	        {_mm256_add_pd(x.v[0], x.v[0]), _mm256_add_pd(x.v[1], x.v[1]),
	         _mm256_add_pd(x.v[2], x.v[2]), _mm256_add_pd(x.v[3], x.v[3])}};
	__m256i z[10] = {zero, zero, zero, zero, zero, zero, zero, zero, zero, zero};

	FE_PRODUCT(x, 4, x, 4);
	FE_PRODUCT(twice, 3, x, 4);
	FE_PRODUCT(twice, 2, x, 4);
	FE_PRODUCT(x, 3, x, 3);
	FE_PRODUCT(twice, 1, x, 4);
	FE_PRODUCT(twice, 2, x, 3);
	FE_PRODUCT(twice, 0, x, 4);
	FE_PRODUCT(twice, 1, x, 3);
	FE_PRODUCT(x, 2, x, 2);
	FE_PRODUCT(twice, 0, x, 3);
	FE_PRODUCT(twice, 1, x, 2);
	FE_PRODUCT(twice, 0, x, 2);
	FE_PRODUCT(x, 1, x, 1);
	FE_PRODUCT(twice, 0, x, 1);
	FE_PRODUCT(x, 0, x, 0);
	return fe_fold_all(z);
}
