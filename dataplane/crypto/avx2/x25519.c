// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// X25519 (RFC 7748 section 5) four at a time: a group is four lanes, each with its own scalar and
// point. The Montgomery ladder is kept in sums and differences, so that a product is carried once,
// after them. One inversion serves all lanes of all groups of a call.
//
// Constant time: the steps are the same for all scalars, a lane's bit only steers a masked blend;
// which lanes are in use (n) is public.
#define WIPE_BELOW 8192

#include "../curve/invert.h"
#include "../ops.h"
#include "../wipe.h"
#include "avx2.h"
#include "fe.h"

#include <stdbool.h>
#include <string.h>

enum { LANES = AVX2_WIDTH, GROUPS = FOG_CRYPTO_BATCH_MAX / LANES };

// P2 = X2/Z2 is the point doubled last, P3 the other one of the ladder's pair.
struct group {
	struct fe x1; // the point
	struct fe sum2, diff2; // X2 + Z2, X2 - Z2
	struct fe sum3, diff3;
	__m256i flip[4]; // bit t: whether bits t and t + 1 of the scalar differ
};

struct work {
	struct group group;
	struct fe x[GROUPS], z[GROUPS]; // results of the ladders
	struct fe product[GROUPS]; // product[g] = z[0] .. z[g]
	__m256i infinite[GROUPS]; // all ones in lanes where z was 0
	uint64_t words[4][LANES] __attribute__((aligned(32)));
};

static void words_gather(struct work *w, unsigned n, const uint8_t *const in[])
{
	memset(w->words, 0, sizeof(w->words));
	for (unsigned i = 0; i < n; i++) {
		uint64_t word[4];

		memcpy(word, in[i], sizeof(word));
		for (unsigned j = 0; j < 4; j++)
			w->words[j][i] = word[j];
		wipe(word, sizeof(word));
	}
}

static __m256i words_at(const struct work *w, unsigned i)
{
	return _mm256_load_si256((const __m256i *)w->words[i]);
}

static __m256i low51(__m256i x)
{
	return _mm256_and_si256(x, _mm256_set1_epi64x(FE_MASK51));
}

// The limb that begins at bit 'low' of word i and ends in word i + 1.
static __m256i limb_at(const struct work *w, unsigned i, unsigned low)
{
	return low51(_mm256_or_si256(
	        _mm256_srli_epi64(words_at(w, i), low),
	        _mm256_slli_epi64(words_at(w, i + 1), 64 - low)
	));
}

// Bit 255 is ignored, values of p and above are taken as they are: RFC 7748 wants both.
static void point_load(struct fe *x, const struct work *w)
{
	x->v[0] = fe_double(low51(words_at(w, 0)));
	x->v[1] = fe_double(limb_at(w, 0, 51));
	x->v[2] = fe_double(limb_at(w, 1, 38));
	x->v[3] = fe_double(limb_at(w, 2, 25));
	x->v[4] = fe_double(low51(_mm256_srli_epi64(words_at(w, 3), 12)));
}

// Clamp, then XOR with itself shifted by one bit. Bit 255 needs no clearing: the ladder begins with
// the difference of bits 253 and 254.
static void scalar_load(struct group *g, const struct work *w)
{
	__m256i k[5];

	k[0] = _mm256_and_si256(words_at(w, 0), _mm256_set1_epi64x(-8));
	k[1] = words_at(w, 1);
	k[2] = words_at(w, 2);
	k[3] = _mm256_or_si256(words_at(w, 3), _mm256_set1_epi64x(INT64_C(1) << 62));
	k[4] = _mm256_setzero_si256();
	for (unsigned i = 0; i < 4; i++) {
		__m256i next = _mm256_or_si256(
		        _mm256_srli_epi64(k[i], 1), _mm256_slli_epi64(k[i + 1], 63)
		);

		g->flip[i] = _mm256_xor_si256(k[i], next);
	}
}

// fe_carry's constants for a square and 121665 e.
#define A24_CONST(i) ((int64_t)(FE_BIAS(i) - FE_EXP_SQUARE(i) - FE_EXP(1, (i) > 0)))

// x + 121665 e; x is a square, e is loose. The h of this product are below 2^18, so the low half
// of their bit pattern is h.
FE_INLINE struct fe square_add_a24(struct wide x, struct fe e)
{
	const __m256d a24 = _mm256_set1_pd(121665);
	const __m256i zero = _mm256_setzero_si256();
	__m256i z[6] = {x.v[0], x.v[1], x.v[2], x.v[3], x.v[4], zero};

	for (unsigned i = 5; i-- > 0;)
		fe_product(&z[i], &z[i + 1], e.v[i], a24);
	z[0] = _mm256_add_epi64(z[0], _mm256_mul_epi32(z[5], _mm256_set1_epi64x(19)));
	return fe_carry(
	        (struct wide){{z[0], z[1], z[2], z[3], z[4]}}, A24_CONST(0), A24_CONST(1),
	        A24_CONST(2), A24_CONST(3), A24_CONST(4)
	);
}

// Twice the point with sum and difference s and d.
FE_INLINE void point_double(struct wide *x, struct wide *z, struct fe s, struct fe d)
{
	struct wide ss = fe_square(s);
	struct fe aa = FE_CARRY(ss, 0, 1), bb = FE_CARRY(fe_square(d), 0, 1);
	struct fe e = fe_sub(aa, bb);

	*x = fe_mul(aa, bb);
	*z = fe_mul(e, square_add_a24(ss, e));
}

// One step. The sum P2 + P3 is the same whichever of the two is doubled (exchanging them changes
// the sign of DA - CB, which is squared), so only the factors of the doubling are chosen. The CPU
// looks ahead by little more than a product, so what stands side by side should not wait for each
// other: the order is the fastest of some hundred that were measured.
FE_INLINE void group_step(struct group *g, __m256i flip)
{
	struct fe s2 = fe_blend(flip, g->sum2, g->sum3);
	struct wide da = fe_mul(g->diff3, g->sum2);
	struct fe d2 = fe_blend(flip, g->diff2, g->diff3);
	struct wide cb = fe_mul(g->sum3, g->diff2);
	struct fe s3 = FE_CARRY(wide_add(da, cb), 2, 0);
	struct wide dd = fe_square(d2), ss = fe_square(s2), x3 = fe_square(s3);
	struct fe d3 = FE_CARRY(wide_sub(da, cb), 0, 0), aa = FE_CARRY(ss, 0, 1);
	struct wide square3 = fe_square(d3);
	struct fe bb = FE_CARRY(dd, 0, 1), factor3 = FE_CARRY(square3, 0, 1), e = fe_sub(aa, bb);
	struct wide x2 = fe_mul(aa, bb), z3 = fe_mul(g->x1, factor3), z2;
	struct fe f = square_add_a24(ss, e);

	g->diff3 = FE_CARRY(wide_sub(x3, z3), -1, 1);
	g->sum3 = FE_CARRY(wide_add(x3, z3), 1, 1);
	z2 = fe_mul(e, f);
	g->diff2 = FE_CARRY(wide_sub(x2, z2), 0, 0);
	g->sum2 = FE_CARRY(wide_add(x2, z2), 2, 0);
}

// The lanes' bits as fe_blend wants them.
static __m256i group_flip(const struct group *g, unsigned bit)
{
	return _mm256_sll_epi64(g->flip[bit / 64], _mm_cvtsi32_si128(63 - (int)(bit % 64)));
}

static struct wide wide_of(const struct fe *x)
{
	struct wide r;

	for (unsigned i = 0; i < 5; i++)
		r.v[i] = fe_integer(x->v[i]);
	return r;
}

// Bit 254 of a clamped scalar is 1, so the ladder starts behind it, with P and 2P; bits 0 to 2 are
// 0, so it ends in three doublings.
static void ladder(struct group *g, struct fe *x, struct fe *z)
{
	const struct fe one = fe_small(1);
	struct wide x2, z2, u = wide_of(&g->x1), w = wide_of(&one);
	__m256i flip;

	g->sum3 = FE_CARRY(wide_add(u, w), 0, 0);
	g->diff3 = FE_CARRY(wide_sub(u, w), 0, 0);
	point_double(&x2, &z2, g->sum3, g->diff3);
	g->sum2 = FE_CARRY(wide_add(x2, z2), 2, 0);
	g->diff2 = FE_CARRY(wide_sub(x2, z2), 0, 0);
	for (unsigned bit = 253; bit >= 3; bit--)
		group_step(g, group_flip(g, bit));
	flip = group_flip(g, 2);
	g->sum2 = fe_blend(flip, g->sum2, g->sum3);
	g->diff2 = fe_blend(flip, g->diff2, g->diff3);
	for (unsigned bit = 0; bit < 3; bit++) {
		point_double(&x2, &z2, g->sum2, g->diff2);
		g->sum2 = FE_CARRY(wide_add(x2, z2), 2, 0);
		g->diff2 = FE_CARRY(wide_sub(x2, z2), 0, 0);
	}
	*x = FE_CARRY(x2, 1, 0);
	*z = FE_CARRY(z2, 1, 0);
}

// At most one of x and y is loose.
static void product_tight(struct fe *r, const struct fe *x, const struct fe *y)
{
	*r = FE_CARRY(fe_mul(*x, *y), 1, 0);
}

static void limbs_settle(struct wide *x)
{
	for (unsigned i = 0; i < 4; i++) {
		x->v[i + 1] = _mm256_add_epi64(x->v[i + 1], _mm256_srli_epi64(x->v[i], 51));
		x->v[i] = low51(x->v[i]);
	}
}

// x[0] plus 19 times what 'top' has above bit 51.
static void top_fold(struct wide *x, __m256i top)
{
	__m256i above = _mm256_srli_epi64(top, 51);

	x->v[0] = _mm256_add_epi64(x->v[0], _mm256_mul_epu32(above, _mm256_set1_epi64x(19)));
}

// The one number below p that a tight x stands for. With p added no limb is negative, and the first
// pass leaves less than 2^255 + 2^206; the second adds 19 to see whether that is p or more.
static void freeze(struct wide *r, const struct fe *x)
{
	struct wide y = wide_of(x), t;

	for (unsigned i = 0; i < 5; i++)
		y.v[i] =
		        _mm256_add_epi64(y.v[i], _mm256_set1_epi64x(FE_MASK51 - (i == 0 ? 18 : 0)));
	top_fold(&y, y.v[4]);
	y.v[4] = low51(y.v[4]);
	limbs_settle(&y);
	t = y;
	t.v[0] = _mm256_add_epi64(t.v[0], _mm256_set1_epi64x(19));
	limbs_settle(&t);
	top_fold(&y, t.v[4]);
	limbs_settle(&y);
	y.v[4] = low51(y.v[4]);
	*r = y;
}

// All ones in the lanes where a frozen number is zero.
static __m256i zero_lanes(const struct wide *x)
{
	__m256i any = x->v[0];

	for (unsigned i = 1; i < 5; i++)
		any = _mm256_or_si256(any, x->v[i]);
	return _mm256_cmpeq_epi64(any, _mm256_setzero_si256());
}

// x with lanes exchanged: neighbours, or the two halves.
static struct fe lanes_swapped(const struct fe *x, bool halves)
{
	struct fe r;

	for (unsigned i = 0; i < 5; i++)
		r.v[i] = halves ? _mm256_permute4x64_pd(x->v[i], 0x4e)
		                : _mm256_permute4x64_pd(x->v[i], 0xb1);
	return r;
}

// Inverses of four tight numbers, none zero, by a single one, that of their product: pairs and
// fours are multiplied up, and the way back takes the factors away again.
static void lanes_invert(struct fe *r, const struct fe *x)
{
	struct fe partner[2], part = *x;
	struct wide whole;
	uint64_t limb[5];

	for (unsigned i = 0; i < 2; i++) {
		partner[i] = lanes_swapped(&part, i == 1);
		product_tight(&part, &part, &partner[i]);
	}
	freeze(&whole, &part);
	for (unsigned i = 0; i < 5; i++)
		limb[i] = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(whole.v[i]));
	curve_invert(limb);
	for (unsigned i = 0; i < 5; i++)
		part.v[i] = fe_double(_mm256_set1_epi64x((int64_t)limb[i]));
	for (unsigned i = 2; i-- > 0;)
		product_tight(&part, &part, &partner[i]);
	*r = part;
	wipe(limb, sizeof(limb));
}

// z[g] = 1 / z[g] for all lanes and groups by one inversion (Montgomery's trick). A zero
// would spoil them all: it is made 1 and remembered.
static void invert_all(struct work *w, unsigned groups)
{
	struct fe inverse;
	struct wide frozen;

	for (unsigned g = 0; g < groups; g++) {
		freeze(&frozen, &w->z[g]);
		w->infinite[g] = zero_lanes(&frozen);
		w->z[g] = fe_blend(w->infinite[g], w->z[g], fe_small(1));
		if (g == 0)
			w->product[0] = w->z[0];
		else
			product_tight(&w->product[g], &w->product[g - 1], &w->z[g]);
	}
	lanes_invert(&inverse, &w->product[groups - 1]);
	for (unsigned g = groups - 1; g > 0; g--) {
		struct fe z = w->z[g];

		product_tight(&w->z[g], &inverse, &w->product[g - 1]);
		product_tight(&inverse, &inverse, &z);
	}
	w->z[0] = inverse;
}

// x z^-1 of a group to its outputs. Returns the lanes whose result is zero.
static unsigned group_store(struct work *w, unsigned g, unsigned n, uint8_t *const out[])
{
	struct wide r;
	struct fe t;

	product_tight(&t, &w->x[g], &w->z[g]);
	t = fe_blend(w->infinite[g], t, fe_small(0));
	freeze(&r, &t);
	for (unsigned i = 0; i < 4; i++) {
		__m256i low = _mm256_srl_epi64(r.v[i], _mm_cvtsi32_si128(13 * (int)i));
		__m256i high = _mm256_sll_epi64(r.v[i + 1], _mm_cvtsi32_si128(51 - 13 * (int)i));

		_mm256_store_si256((__m256i *)w->words[i], _mm256_or_si256(low, high));
	}
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < 4; j++)
			memcpy(out[i] + 8 * j, &w->words[j][i], 8);
	}
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(zero_lanes(&r)));
}

static unsigned lanes_of(unsigned n, unsigned group)
{
	unsigned left = n - LANES * group;

	return left < LANES ? left : LANES;
}

static __attribute__((noinline)) uint64_t batch(
        struct work *w, unsigned n, uint8_t *const out[], const uint8_t *const scalar[],
        const uint8_t *const point[]
)
{
	unsigned groups = (n + LANES - 1) / LANES;
	uint64_t zero = 0;

	for (unsigned g = 0; g < groups; g++) {
		unsigned lanes = lanes_of(n, g);

		words_gather(w, lanes, scalar + LANES * g);
		scalar_load(&w->group, w);
		words_gather(w, lanes, point + LANES * g);
		point_load(&w->group.x1, w);
		ladder(&w->group, &w->x[g], &w->z[g]);
	}
	invert_all(w, groups);
	for (unsigned g = 0; g < groups; g++) {
		unsigned lanes = lanes_of(n, g);
		uint64_t low = group_store(w, g, lanes, out + LANES * g);

		zero |= (low & ((1u << lanes) - 1)) << LANES * g;
	}
	return zero;
}

uint64_t avx2_x25519(
        unsigned n, uint8_t *const out[], const uint8_t *const scalar[],
        const uint8_t *const point[]
)
{
	struct work w;
	uint64_t zero = 0;

	if (n > 0) {
		zero = batch(&w, n, out, scalar, point);
		wipe(&w, sizeof(w));
		wipe_leftovers();
	}
	return zero;
}

void avx2_x25519_base(unsigned n, uint8_t *const out[], const uint8_t *const scalar[])
{
	static const uint8_t nine[32] = {9};
	const uint8_t *point[FOG_CRYPTO_BATCH_MAX];

	for (unsigned i = 0; i < n; i++)
		point[i] = nine;
	avx2_x25519(n, out, scalar, point);
}
