// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// X25519 (RFC 7748 section 5) eight at a time: a group is eight lanes, each with its own scalar and
// point. The Montgomery ladder is kept in sums and differences, so that a product is carried once,
// after them. One inversion serves all lanes of all groups of a call.
//
// Constant time: the steps are the same for all scalars, a lane's bit only steers a masked blend;
// which lanes are in use (n) is public.
#define WIPE_BELOW 8192

#include "../curve/invert.h"
#include "../ops.h"
#include "../wipe.h"
#include "avx512.h"
#include "fe.h"

#include <string.h>

enum { LANES = 8, GROUPS = FOG_CRYPTO_BATCH_MAX / LANES, TOGETHER = 2 };

// P2 = X2/Z2 is the point doubled last, P3 the other one of the ladder's pair.
struct group {
	struct fe x1; // the point
	struct fe sum2, diff2; // X2 + Z2, X2 - Z2
	struct fe sum3, diff3;
	__m512i flip[4]; // bit t: whether bits t and t + 1 of the scalar differ
};

struct work {
	struct group group[TOGETHER];
	struct fe x[GROUPS], z[GROUPS]; // results of the ladders
	struct fe product[GROUPS]; // product[g] = z[0] .. z[g]
	__mmask8 infinite[GROUPS]; // lanes where z was 0
	uint64_t words[4][LANES] __attribute__((aligned(64)));
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

static __m512i words_at(const struct work *w, unsigned i)
{
	return _mm512_load_si512(w->words[i]);
}

// The limb that begins at bit 'low' of word i and ends in word i + 1.
static __m512i limb_at(const struct work *w, unsigned i, unsigned low)
{
	__m512i x = _mm512_or_si512(
	        _mm512_srli_epi64(words_at(w, i), low),
	        _mm512_slli_epi64(words_at(w, i + 1), 64 - low)
	);

	return _mm512_and_si512(x, _mm512_set1_epi64(FE_MASK52));
}

// Bit 255 is ignored, values of p and above are taken as they are: RFC 7748 wants both.
static void point_load(struct fe *x, const struct work *w)
{
	x->v[0] = _mm512_and_si512(words_at(w, 0), _mm512_set1_epi64(FE_MASK52));
	x->v[1] = limb_at(w, 0, 52);
	x->v[2] = limb_at(w, 1, 40);
	x->v[3] = limb_at(w, 2, 28);
	x->v[4] = _mm512_and_si512(
	        _mm512_srli_epi64(words_at(w, 3), 16), _mm512_set1_epi64(FE_MASK47)
	);
}

// Clamp, then XOR with itself shifted by one bit. Bit 255 needs no clearing: the ladder begins with
// the difference of bits 253 and 254.
static void scalar_load(struct group *g, const struct work *w)
{
	__m512i k[5];

	k[0] = _mm512_and_si512(words_at(w, 0), _mm512_set1_epi64(-8));
	k[1] = words_at(w, 1);
	k[2] = words_at(w, 2);
	k[3] = _mm512_or_si512(words_at(w, 3), _mm512_set1_epi64(INT64_C(1) << 62));
	k[4] = _mm512_setzero_si512();
	for (unsigned i = 0; i < 4; i++) {
		__m512i next = _mm512_or_si512(
		        _mm512_srli_epi64(k[i], 1), _mm512_slli_epi64(k[i + 1], 63)
		);

		g->flip[i] = _mm512_xor_si512(k[i], next);
	}
}

// Twice the point with sum and difference s and d; x with bias, both wide. 121665 E goes through
// both halves of the multiplier; what leaves limb 4 is below 2^14.
static inline __attribute__((always_inline)) void point_double(
        struct fe *x, struct fe *z, const struct fe *half, struct fe s, struct fe d
)
{
	const __m512i a24 = _mm512_set1_epi64(121665), zero = _mm512_setzero_si512();
	struct fe aa = fe_square(*half, s), bb = fe_square(fe_small(0), d);
	struct fe e = fe_carry(fe_sub(aa, bb)), f = aa;
	__m512i top = _mm512_madd52hi_epu64(zero, e.v[4], a24);

	FE_LO(f.v[0], e.v[0], a24);
	FE_LO(f.v[1], e.v[1], a24);
	FE_LO(f.v[2], e.v[2], a24);
	FE_LO(f.v[3], e.v[3], a24);
	FE_LO(f.v[4], e.v[4], a24);
	FE_LO(f.v[0], top, _mm512_set1_epi64(608));
	FE_HI(f.v[1], e.v[0], a24);
	FE_HI(f.v[2], e.v[1], a24);
	FE_HI(f.v[3], e.v[2], a24);
	FE_HI(f.v[4], e.v[3], a24);
	*x = fe_mul(fe_bias(), fe_carry(aa), fe_carry(bb));
	*z = fe_mul(fe_small(0), e, fe_carry(f));
}

static inline __attribute__((always_inline)) void pair_carry(
        struct fe *sum, struct fe *diff, struct fe x, struct fe z
)
{
	*sum = fe_carry(fe_add(x, z));
	*diff = fe_carry(fe_sub(x, z));
}

// One step. The sum P2 + P3 is the same whichever of the two is doubled (exchanging them changes
// the sign of DA - CB, which is squared), so only the factors of the doubling are chosen.
static inline __attribute__((always_inline)) void group_step(
        struct group *g, const struct fe *half, __mmask8 flip
)
{
	struct fe s, d, x2, z2, x3, z3;

	s = fe_blend(flip, g->sum2, g->sum3);
	d = fe_blend(flip, g->diff2, g->diff3);
	x3 = fe_mul(fe_bias(), g->diff3, g->sum2);
	z3 = fe_mul(fe_small(0), g->sum3, g->diff2);
	point_double(&x2, &z2, half, s, d);
	pair_carry(&s, &d, x3, z3);
	x3 = fe_square(*half, s);
	z3 = fe_mul(fe_small(0), fe_carry(fe_square(fe_small(0), d)), g->x1);
	pair_carry(&g->sum2, &g->diff2, x2, z2);
	pair_carry(&g->sum3, &g->diff3, x3, z3);
}

static __mmask8 group_flip(const struct group *g, unsigned bit)
{
	return _mm512_test_epi64_mask(
	        g->flip[bit / 64], _mm512_set1_epi64((int64_t)(UINT64_C(1) << bit % 64))
	);
}

static struct fe bias_half(void)
{
	struct fe b = fe_bias();

	for (unsigned i = 0; i < 5; i++)
		b.v[i] = _mm512_srli_epi64(b.v[i], 1);
	return b;
}

// Bit 254 of a clamped scalar is 1, so the ladder starts behind it, with P and 2P; bits 0 to 2 are
// 0, so it ends in three doublings.
static void ladder(struct group *g, unsigned count, struct fe *x, struct fe *z)
{
	const struct fe half = bias_half();
	struct fe wide;

	for (unsigned i = 0; i < count; i++) {
		wide = fe_add(g[i].x1, fe_bias());
		pair_carry(&g[i].sum3, &g[i].diff3, wide, fe_small(1));
		point_double(&x[i], &z[i], &half, g[i].sum3, g[i].diff3);
		pair_carry(&g[i].sum2, &g[i].diff2, x[i], z[i]);
	}
	for (unsigned bit = 253; bit >= 3; bit--) {
		for (unsigned i = 0; i < count; i++)
			group_step(&g[i], &half, group_flip(&g[i], bit));
	}
	for (unsigned i = 0; i < count; i++) {
		__mmask8 flip = group_flip(&g[i], 2);

		g[i].sum2 = fe_blend(flip, g[i].sum2, g[i].sum3);
		g[i].diff2 = fe_blend(flip, g[i].diff2, g[i].diff3);
		for (unsigned bit = 0; bit < 3; bit++) {
			point_double(&x[i], &z[i], &half, g[i].sum2, g[i].diff2);
			pair_carry(&g[i].sum2, &g[i].diff2, x[i], z[i]);
		}
		x[i] = fe_carry(x[i]);
		z[i] = fe_carry(z[i]);
	}
}

static void product_tight(struct fe *r, const struct fe *x, const struct fe *y)
{
	*r = fe_carry(fe_mul(fe_small(0), *x, *y));
}

static void limbs_settle(struct fe *x)
{
	const __m512i mask = _mm512_set1_epi64(FE_MASK52);

	for (unsigned i = 0; i < 4; i++) {
		x->v[i + 1] = _mm512_add_epi64(x->v[i + 1], _mm512_srli_epi64(x->v[i], 52));
		x->v[i] = _mm512_and_si512(x->v[i], mask);
	}
}

// The one number below p that a tight x stands for. The first pass makes it less than 2^255, the
// second adds 19 to see whether it is p or more.
static void freeze(struct fe *r, const struct fe *x)
{
	const __m512i nineteen = _mm512_set1_epi64(19), mask = _mm512_set1_epi64(FE_MASK47);
	struct fe y = *x, t;

	for (unsigned i = 0; i < 4; i++)
		y.v[i] = _mm512_and_si512(y.v[i], _mm512_set1_epi64(FE_MASK52));
	FE_LO(y.v[0], _mm512_srli_epi64(y.v[4], 47), nineteen);
	y.v[4] = _mm512_and_si512(y.v[4], mask);
	limbs_settle(&y);
	t = y;
	t.v[0] = _mm512_add_epi64(t.v[0], nineteen);
	limbs_settle(&t);
	FE_LO(y.v[0], _mm512_srli_epi64(t.v[4], 47), nineteen);
	limbs_settle(&y);
	y.v[4] = _mm512_and_si512(y.v[4], mask);
	*r = y;
}

// Lanes where a frozen number is zero.
static __mmask8 zero_lanes(const struct fe *x)
{
	__m512i any = x->v[0];

	for (unsigned i = 1; i < 5; i++)
		any = _mm512_or_si512(any, x->v[i]);
	return _mm512_testn_epi64_mask(any, any);
}

// x with lanes exchanged: each gets what is in lane 'own number XOR distance'.
static struct fe lanes_swapped(const struct fe *x, unsigned distance)
{
	const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
	const __m512i from = _mm512_xor_si512(lane, _mm512_set1_epi64(distance));
	struct fe r;

	for (unsigned i = 0; i < 5; i++)
		r.v[i] = _mm512_permutexvar_epi64(from, x->v[i]);
	return r;
}

// As curve_invert, in radix 2^52: the bits between limbs move by one place a limb, and back.
static void limbs_invert(uint64_t limb[5])
{
	const uint64_t mask51 = (UINT64_C(1) << 51) - 1;
	uint64_t v[5];

	v[0] = limb[0] & mask51;
	v[1] = (limb[0] >> 51 | limb[1] << 1) & mask51;
	v[2] = (limb[1] >> 50 | limb[2] << 2) & mask51;
	v[3] = (limb[2] >> 49 | limb[3] << 3) & mask51;
	v[4] = limb[3] >> 48 | limb[4] << 4;
	curve_invert(v);
	limb[0] = v[0] | (v[1] & 1) << 51;
	limb[1] = v[1] >> 1 | (v[2] & 3) << 50;
	limb[2] = v[2] >> 2 | (v[3] & 7) << 49;
	limb[3] = v[3] >> 3 | (v[4] & 15) << 48;
	limb[4] = v[4] >> 4;
	wipe(v, sizeof(v));
}

// Inverses of eight tight numbers, none zero, by a single one, that of their product: pairs, fours
// and eights are multiplied up, and the way back takes the factors away again.
static void lanes_invert(struct fe *r, const struct fe *x)
{
	struct fe partner[3], part = *x, whole;
	uint64_t limb[5];

	for (unsigned i = 0; i < 3; i++) {
		partner[i] = lanes_swapped(&part, 1u << i);
		product_tight(&part, &part, &partner[i]);
	}
	freeze(&whole, &part);
	for (unsigned i = 0; i < 5; i++)
		limb[i] = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(whole.v[i]));
	limbs_invert(limb);
	for (unsigned i = 0; i < 5; i++)
		whole.v[i] = _mm512_set1_epi64((int64_t)limb[i]);
	for (unsigned i = 3; i-- > 0;)
		product_tight(&whole, &whole, &partner[i]);
	*r = whole;
	wipe(limb, sizeof(limb));
}

// z[g] = 1 / z[g] for all lanes and groups by one inversion (Montgomery's trick). A zero
// would spoil them all: it is made 1 and remembered.
static void invert_all(struct work *w, unsigned groups)
{
	struct fe inverse, frozen;

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
static __mmask8 group_store(struct work *w, unsigned g, unsigned n, uint8_t *const out[])
{
	struct fe r;
	__mmask8 zero;

	product_tight(&r, &w->x[g], &w->z[g]);
	r = fe_blend(w->infinite[g], r, fe_small(0));
	freeze(&r, &r);
	zero = zero_lanes(&r);
	for (unsigned i = 0; i < 4; i++) {
		__m512i low = i == 0 ? r.v[0] : _mm512_srli_epi64(r.v[i], 12 * i);

		_mm512_store_si512(
		        w->words[i],
		        _mm512_or_si512(low, _mm512_slli_epi64(r.v[i + 1], 52 - 12 * i))
		);
	}
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < 4; j++)
			memcpy(out[i] + 8 * j, &w->words[j][i], 8);
	}
	return zero;
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

	for (unsigned g = 0; g < groups; g += TOGETHER) {
		unsigned count = groups - g < TOGETHER ? groups - g : TOGETHER;

		for (unsigned i = 0; i < count; i++) {
			unsigned at = LANES * (g + i), lanes = lanes_of(n, g + i);

			words_gather(w, lanes, scalar + at);
			scalar_load(&w->group[i], w);
			words_gather(w, lanes, point + at);
			point_load(&w->group[i].x1, w);
		}
		ladder(w->group, count, &w->x[g], &w->z[g]);
	}
	invert_all(w, groups);
	for (unsigned g = 0; g < groups; g++) {
		unsigned lanes = lanes_of(n, g);
		uint64_t low = group_store(w, g, lanes, out + LANES * g);

		zero |= (low & ((1u << lanes) - 1)) << LANES * g;
	}
	return zero;
}

uint64_t avx512_x25519(
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

void avx512_x25519_base(unsigned n, uint8_t *const out[], const uint8_t *const scalar[])
{
	static const uint8_t nine[32] = {9};
	const uint8_t *point[FOG_CRYPTO_BATCH_MAX];

	for (unsigned i = 0; i < n; i++)
		point[i] = nine;
	avx512_x25519(n, out, scalar, point);
}
