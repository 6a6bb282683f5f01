// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One call of X25519 in the making. A call costs the same whether its lanes are full or not, so
// multiplications of different stages and packets are collected before they run:
//
//   fog_lanes_init -> fog_lanes_add ... -> fog_lanes_run -> fog_lanes_zero
//
// What does not fill the last width runs under a lane mask inside the implementation. Whether to
// wait for more is the caller's decision: fog_lanes_fit says how many of its candidates fill whole
// widths. Header-only; the object holds pointers, no secrets, and belongs to one thread.
#pragma once

#include "ops.h"

struct fog_lanes {
	const struct fog_crypto_ops *ops;
	unsigned n;
	uint8_t *out[FOG_CRYPTO_BATCH_MAX];
	const uint8_t *scalar[FOG_CRYPTO_BATCH_MAX];
	const uint8_t *point[FOG_CRYPTO_BATCH_MAX];
	uint64_t zero; // valid after fog_lanes_run
};

static inline void fog_lanes_init(struct fog_lanes *l, const struct fog_crypto_ops *ops)
{
	l->ops = ops;
	l->n = 0;
	l->zero = 0;
}

// Add out = scalar * point, 32 bytes each; all three stay where they are until the run, and 'out'
// may be 'scalar' or 'point'. At most FOG_CRYPTO_BATCH_MAX; the caller counts.
static inline void fog_lanes_add(
        struct fog_lanes *l, uint8_t *out, const uint8_t *scalar, const uint8_t *point
)
{
	l->out[l->n] = out;
	l->scalar[l->n] = scalar;
	l->point[l->n++] = point;
}

// All of them by one call.
static inline void fog_lanes_run(struct fog_lanes *l)
{
	if (l->n > 0)
		l->zero = l->ops->x25519(l->n, l->out, l->scalar, l->point);
}

// Whether the result of the multiplication that was added as number 'i' is zero.
static inline int fog_lanes_zero(const struct fog_lanes *l, unsigned i)
{
	return (int)(l->zero >> i & 1);
}

// How many of 'n' candidates fill whole widths.
static inline unsigned fog_lanes_fit(const struct fog_crypto_ops *ops, unsigned n)
{
	return n & ~(ops->width - 1);
}
