// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which lists of a ring have members: one bit a list, and one bit for every 64 of them. Private to
// calendar*.c. A ring's lists stand for consecutive numbers (ticks, buckets), list = number mod size;
// its members always lie within one turn, so a list stands for one number only.
#pragma once

#include <stdint.h>

#include "calendar.h"

#define NIL UINT32_MAX
#define NEVER UINT64_MAX

struct ring {
	uint64_t *bit;
	uint64_t *sum;
	struct fog_calendar_item **list;
	uint32_t mask; // how many lists - 1: a power of two - 1, at least 63
};

static inline uint64_t ring_words(uint32_t size)
{
	return size / 64 + (size / 64 + 63) / 64;
}

static inline void ring_set(struct ring *r, uint32_t i)
{
	r->bit[i / 64] |= UINT64_C(1) << (i % 64);
	r->sum[i / 4096] |= UINT64_C(1) << (i / 64 % 64);
}

static inline void ring_clear(struct ring *r, uint32_t i)
{
	r->bit[i / 64] &= ~(UINT64_C(1) << (i % 64));
	if (r->bit[i / 64] == 0)
		r->sum[i / 4096] &= ~(UINT64_C(1) << (i / 64 % 64));
}

// First set bit at or after 'from', without going round; NIL when there is none.
static inline uint32_t ring_find_up(const struct ring *r, uint32_t from)
{
	uint32_t words = (r->mask + 1) / 64, w = from / 64;
	uint64_t bits = r->bit[w] >> (from % 64);

	if (bits != 0)
		return from + (uint32_t)__builtin_ctzll(bits);
	if (++w == words)
		return NIL;
	uint32_t s = w / 64, sums = (words + 63) / 64;
	bits = r->sum[s] >> (w % 64) << (w % 64);
	while (bits == 0 && ++s < sums)
		bits = r->sum[s];
	if (bits == 0)
		return NIL;
	w = s * 64 + (uint32_t)__builtin_ctzll(bits);
	return w * 64 + (uint32_t)__builtin_ctzll(r->bit[w]);
}

// The number at or after 'from' whose list has members; NEVER when all are empty.
static inline uint64_t ring_find(const struct ring *r, uint64_t from)
{
	uint32_t at = (uint32_t)from & r->mask;
	uint32_t found = ring_find_up(r, at);

	if (found == NIL && at > 0)
		found = ring_find_up(r, 0);
	return found == NIL ? NEVER : from + ((found - at) & r->mask);
}
