// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pace.h"

#include <math.h>
#include <sodium.h>

enum { PACE_LATE_US = 1000000, PACE_LATE_MEANS = 10 }; // both, and it was a suspension

// Exponential: -ln(u) times the mean, u uniform in (0, 1].
static uint64_t pace_draw(uint64_t mean_us)
{
	uint64_t u;

	randombytes_buf(&u, sizeof(u));
	return (uint64_t)(-log(((double)(u >> 11) + 1) / 0x1p53) * (double)mean_us) + 1;
}

void client_pace_set(struct client_pace *p, uint64_t mean_us, uint64_t now_us)
{
	if (p->mean_us == mean_us)
		return;
	p->mean_us = mean_us;
	p->due_us = mean_us > 0 ? now_us + pace_draw(mean_us) : 0;
}

bool client_pace_due(struct client_pace *p, uint64_t now_us)
{
	if (p->mean_us == 0 || now_us < p->due_us)
		return false;
	if (p->due_us == 0 || now_us - p->due_us > PACE_LATE_US + PACE_LATE_MEANS * p->mean_us)
		p->due_us = now_us;
	p->due_us += pace_draw(p->mean_us);
	return true;
}
