// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pacer.h"

#include <math.h>
#include <sodium.h>

void pacer_init(struct pacer *p, double cycles_per_packet, bool poisson)
{
	*p = (struct pacer){.gap = cycles_per_packet, .poisson = poisson};
	do
		randombytes_buf(&p->state, sizeof(p->state));
	while (p->state == 0);
}

void pacer_step(struct pacer *p)
{
	if (!p->poisson) {
		p->due += p->gap;
		return;
	}
	// xorshift64*: the distances between packets are no secret.
	p->state ^= p->state >> 12;
	p->state ^= p->state << 25;
	p->state ^= p->state >> 27;
	uint64_t bits = p->state * UINT64_C(0x2545f4914f6cdd1d) >> 11;
	// In (0, 1]: the logarithm is finite.
	p->due -= p->gap * log(((double)bits + 1) / 0x1p53);
}
