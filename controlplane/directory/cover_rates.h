// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The rates of cover as votes and consensuses say them: seven numbers, big-endian, in the order of the
// struct. Inside of this folder.
#pragma once

#include "../big_endian.h"
#include "../mixnet/topology.h"

enum { COVER_RATES = 7, COVER_RATES_LEN = COVER_RATES * 4 };

_Static_assert(sizeof(struct fog_cover_rates) == COVER_RATES_LEN, "numbers only, without gaps");

// In order, so that a median can be taken of each.
static inline uint32_t *cover_rate(struct fog_cover_rates *r, unsigned i)
{
	uint32_t *const all[COVER_RATES] = {
	        &r->loop_us,        &r->drop_us,         &r->dummy_us, &r->client_send_us,
	        &r->client_loop_us, &r->client_fetch_us, &r->slack_ms,
	};
	return all[i];
}

// Both return what is behind it.
static inline uint8_t *cover_rates_put(uint8_t *at, const struct fog_cover_rates *rates)
{
	struct fog_cover_rates r = *rates;

	for (unsigned i = 0; i < COVER_RATES; i++)
		at = fog_be_put(at, *cover_rate(&r, i), 4);
	return at;
}

static inline const uint8_t *cover_rates_get(const uint8_t *at, struct fog_cover_rates *r)
{
	for (unsigned i = 0; i < COVER_RATES; i++)
		*cover_rate(r, i) = (uint32_t)fog_be_get(at + i * 4, 4);
	return at + COVER_RATES_LEN;
}
