// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One inversion modulo p = 2^255 - 19. It is a chain of 254 squarings that wait for each other, so
// what counts is the latency of one: the scalar multiplier has half of that of eight lanes.
// Radix 2^51; "reduced" limbs are below 2^51 + 2^11.
#include "invert.h"

#include <sodium.h>
#include <string.h>

#define MASK51 ((UINT64_C(1) << 51) - 1)

typedef unsigned __int128 wide;

struct num {
	uint64_t v[5];
};

// What stands above bit 51, below 2^64. Written out because compilers take a double shift for it,
// which is slow on AMD.
static inline uint64_t above51(wide s)
{
	return ((uint64_t)(s >> 64) << 13) + ((uint64_t)s >> 51);
}

// Sums of products of reduced limbs, 77 at most and so below 2^109, to reduced limbs. Two passes in
// which all limbs are carried at once: a carry that walks from limb to limb would take longer.
static inline struct num num_carry(wide s0, wide s1, wide s2, wide s3, wide s4)
{
	const uint64_t t0 = ((uint64_t)s0 & MASK51) + 19 * above51(s4);
	const uint64_t t1 = ((uint64_t)s1 & MASK51) + above51(s0);
	const uint64_t t2 = ((uint64_t)s2 & MASK51) + above51(s1);
	const uint64_t t3 = ((uint64_t)s3 & MASK51) + above51(s2);
	const uint64_t t4 = ((uint64_t)s4 & MASK51) + above51(s3);

	return (struct num
	){{(t0 & MASK51) + 19 * (t4 >> 51), (t1 & MASK51) + (t0 >> 51), (t2 & MASK51) + (t1 >> 51),
	   (t3 & MASK51) + (t2 >> 51), (t4 & MASK51) + (t3 >> 51)}};
}

static struct num num_mul(const struct num x, const struct num y)
{
	wide s[5];

	for (unsigned i = 0; i < 5; i++) {
		s[i] = 0;
		for (unsigned j = 0; j < 5; j++)
			s[i] += (wide)x.v[j] * (j <= i ? y.v[i - j] : 19 * y.v[i + 5 - j]);
	}
	return num_carry(s[0], s[1], s[2], s[3], s[4]);
}

// x^(2^times)
static struct num num_squares(struct num x, unsigned times)
{
	while (times-- > 0) {
		const uint64_t a = x.v[0], b = x.v[1], c = x.v[2], d = x.v[3], e = x.v[4];
		const uint64_t d19 = 19 * d, e19 = 19 * e, a2 = 2 * a, b2 = 2 * b;

		x = num_carry(
		        (wide)a * a + (wide)b2 * e19 + (wide)(2 * c) * d19,
		        (wide)a2 * b + (wide)(2 * c) * e19 + (wide)d * d19,
		        (wide)a2 * c + (wide)b * b + (wide)(2 * d) * e19,
		        (wide)a2 * d + (wide)b2 * c + (wide)e * e19,
		        (wide)a2 * e + (wide)b2 * d + (wide)c * c
		);
	}
	return x;
}

// x^(p - 2); what the comments name is the exponent.
static struct num num_invert(const struct num x)
{
	struct num x2 = num_squares(x, 1);
	struct num x9 = num_mul(num_squares(x2, 2), x);
	struct num x11 = num_mul(x9, x2);
	struct num t5 = num_mul(num_squares(x11, 1), x9); // 2^5 - 1
	struct num t10 = num_mul(num_squares(t5, 5), t5); // 2^10 - 1
	struct num t20 = num_mul(num_squares(t10, 10), t10);
	struct num t40 = num_mul(num_squares(t20, 20), t20);
	struct num t50 = num_mul(num_squares(t40, 10), t10);
	struct num t100 = num_mul(num_squares(t50, 50), t50);
	struct num t200 = num_mul(num_squares(t100, 100), t100);
	struct num t250 = num_mul(num_squares(t200, 50), t50); // 2^250 - 1

	return num_mul(num_squares(t250, 5), x11); // 2^255 - 21
}

void curve_invert(uint64_t limb[5])
{
	struct num x;

	memcpy(x.v, limb, sizeof(x.v));
	x = num_invert(x);
	// All limbs but the last are carried on; that has room.
	for (unsigned i = 0; i < 4; i++) {
		x.v[i + 1] += x.v[i] >> 51;
		x.v[i] &= MASK51;
	}
	memcpy(limb, x.v, sizeof(x.v));
	sodium_memzero(&x, sizeof(x));
}
