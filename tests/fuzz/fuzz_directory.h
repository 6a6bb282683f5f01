// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A network for the targets that read documents of the directory, with keys that follow from numbers, and
// right documents of it, so that inputs can be laid over them by exclusive or.
#pragma once

#include <stdlib.h>

#include "../unit/directory/parts.h"

enum { FUZZ_NODES = 3 };

// Made once, never freed.
static inline struct parts *fuzz_parts(void)
{
	static struct parts *p;

	if (p == NULL && sodium_init() >= 0)
		p = parts_make(FUZZ_NODES);
	return p;
}

// Its consensus of PARTS_EPOCH, with all signatures. Made once, never freed.
static inline const struct fog_consensus *fuzz_consensus(const struct parts *p)
{
	static struct fog_consensus *c;

	if (c == NULL)
		c = parts_consensus(p, PARTS_EPOCH, NULL);
	if (c == NULL)
		abort();
	return c;
}

// What is read has one form: nothing of it may change and leave it good. Input beyond 'len' is ignored.
// Returns whether the bytes changed.
static inline bool fuzz_lay_over(uint8_t *good, size_t len, const uint8_t *data, size_t size)
{
	uint8_t changed = 0;

	for (size_t i = 0; i < len && i < size; i++) {
		good[i] ^= data[i];
		changed |= data[i];
	}
	return changed != 0;
}
