// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "clocks.h"

#include <stdio.h>
#include <stdlib.h>

void fog_clocks_hear(struct fog_clocks *c, unsigned authority, int64_t date_s, uint64_t now_ns)
{
	// What isn't a date of this millennium is none.
	if (authority >= FOG_AUTHORITIES_MAX || date_s < 946684800 ||
	    date_s > INT32_MAX * INT64_C(8))
		return;
	c->known[authority] = true;
	// It was somewhere within that second.
	c->ahead_ms[authority] = (int64_t)(now_ns / 1000000) - (date_s * 1000 + 500);
}

static int number_compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool fog_clocks_off(
        const struct fog_clocks *c, const struct fog_topology *network, int64_t *ahead_ms
)
{
	int64_t said[FOG_AUTHORITIES_MAX],
	        limit = (int64_t)network->tolerance_ms + FOG_CLOCKS_COARSE_MS;
	unsigned needed = network->authority_count - network->threshold + 1, n = 0;

	for (unsigned i = 0; i < network->authority_count; i++)
		if (c->known[i])
			said[n++] = c->ahead_ms[i];
	if (n < needed)
		return false;
	qsort(said, n, sizeof(said[0]), number_compare);
	if (said[n - needed] > limit)
		*ahead_ms = said[n - needed];
	else if (said[needed - 1] < -limit)
		*ahead_ms = said[needed - 1];
	else
		return false;
	return true;
}

void fog_clocks_text(int64_t ahead_ms, char text[FOG_CLOCKS_TEXT_LEN])
{
	snprintf(
	        text, FOG_CLOCKS_TEXT_LEN,
	        "the clock of this host is %.1f s %s those of the authorities: set it (timedatectl), then "
	        "start again what was started with it",
	        (double)llabs(ahead_ms) / 1000, ahead_ms > 0 ? "ahead of" : "behind"
	);
}
