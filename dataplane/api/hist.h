// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A histogram of fixed size for counters in shared memory: log-linear buckets, 16 to the octave, so
// a quantile is at most 1/16 too high. Values from 0 to 2^36 - 1 in whatever unit the owner says;
// greater ones count as 2^36 - 1. Values under 32 are exact.
// One writer. Readers work on a copy; every reader's function takes any bytes for a histogram
// without stepping outside of it. Bucket scheme after HdrHistogram.
#pragma once

#include <assert.h>
#include <stdint.h>

enum {
	FOG_HIST_SUB_BITS = 4, // 16 buckets to the octave
	FOG_HIST_VALUE_BITS = 36,
	FOG_HIST_BUCKETS = (FOG_HIST_VALUE_BITS - FOG_HIST_SUB_BITS + 1) << FOG_HIST_SUB_BITS,
};

#define FOG_HIST_VALUE_MAX ((UINT64_C(1) << FOG_HIST_VALUE_BITS) - 1)

// All zero is an empty histogram.
struct fog_hist {
	uint64_t count; // values added
	uint64_t sum; // of the values; wraps
	uint64_t max; // greatest value
	uint64_t bucket[FOG_HIST_BUCKETS];
};

static_assert(FOG_HIST_BUCKETS == 528, "bucket count is part of the ABI");
static_assert(sizeof(struct fog_hist) == 4248, "size is part of the ABI");

static inline unsigned fog_hist_index(uint64_t value)
{
	if (value > FOG_HIST_VALUE_MAX)
		value = FOG_HIST_VALUE_MAX;
	if (value < 1u << FOG_HIST_SUB_BITS)
		return (unsigned)value;
	unsigned shift = 63 - FOG_HIST_SUB_BITS - (unsigned)__builtin_clzll(value);
	// The leading bit of value >> shift is the 1 that the octave's number is short of.
	return (shift << FOG_HIST_SUB_BITS) + (unsigned)(value >> shift);
}

// Greatest value that falls into bucket 'index' (which is < FOG_HIST_BUCKETS).
static inline uint64_t fog_hist_upper(unsigned index)
{
	if (index < 1u << FOG_HIST_SUB_BITS)
		return index;
	unsigned shift = (index >> FOG_HIST_SUB_BITS) - 1;
	uint64_t lead = (index & ((1u << FOG_HIST_SUB_BITS) - 1)) + (1u << FOG_HIST_SUB_BITS);
	return ((lead + 1) << shift) - 1;
}

static inline void fog_hist_add(struct fog_hist *h, uint64_t value)
{
	if (value > FOG_HIST_VALUE_MAX)
		value = FOG_HIST_VALUE_MAX;
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
	h->bucket[fog_hist_index(value)]++;
}

// Value that at least the fraction 'q' (0 to 1) of the values doesn't exceed: the upper bound of
// its bucket, never more than max. 0 when empty.
static inline uint64_t fog_hist_quantile(const struct fog_hist *h, double q)
{
	double want = q * (double)h->count;
	uint64_t seen = 0;

	for (unsigned i = 0; i < FOG_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > 0 && (double)seen >= want) {
			uint64_t upper = fog_hist_upper(i);
			return upper < h->max ? upper : h->max;
		}
	}
	return h->max;
}

// Arithmetic mean; 0 when empty.
static inline double fog_hist_mean(const struct fog_hist *h)
{
	return h->count > 0 ? (double)h->sum / (double)h->count : 0;
}

// Add all of 'from' to 'into'.
static inline void fog_hist_merge(struct fog_hist *into, const struct fog_hist *from)
{
	into->count += from->count;
	into->sum += from->sum;
	if (from->max > into->max)
		into->max = from->max;
	for (unsigned i = 0; i < FOG_HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}
