// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_directory_plan.h"

#include <string.h>

enum {
	POLL_MIN_MS = 500,
	POLL_MAX_MS = 60 * 1000,
	POLL_PART = 64, // of an epoch between two questions
	RETRY_MS = 1000,
	RETRY_MAX_MS = 60 * 1000,
	MADE_EIGHTHS = 7, // the next consensus is made from here on
	// Up to here a descriptor is held: half of an epoch, which is the longest overlap, and a 32nd in which the key that is
	// then dead is destroyed and its delays are proved. Authorities take descriptors until 20/32.
	HOLD_32NDS = 17,
	SHOWN_PART = 8, // of an epoch until who has taken a descriptor sees it again
	TAKEN_EIGHTHS = 5, // authorities take descriptors for the next epoch until here
	FIGURES_DIGITS = 100,
	VRF_COUNTS_AFTER = 2, // epochs in the consensus, at most
};

uint64_t directory_plan_jitter(uint64_t ms, uint32_t dice)
{
	return ms / 2 + (ms * dice >> 32);
}

static uint64_t plan_made_ns(const struct fog_schedule *s, uint64_t epoch)
{
	return fog_schedule_start(s, epoch) + s->epoch_ns / 8 * MADE_EIGHTHS;
}

uint64_t directory_plan_want(const struct fog_schedule *s, uint64_t now_ns)
{
	uint64_t epoch = fog_schedule_epoch(s, now_ns);

	return now_ns >= plan_made_ns(s, epoch) ? epoch + 1 : epoch;
}

uint64_t directory_plan_rest(
        const struct fog_schedule *s, uint64_t want, uint64_t now_ns, uint32_t dice
)
{
	uint64_t until = plan_made_ns(s, want);

	if (until <= now_ns)
		return 0;
	return (until - now_ns) / 1000000 +
	        directory_plan_jitter(s->epoch_ns / 1000000 / POLL_PART, dice);
}

bool directory_plan_late(const struct fog_schedule *s, uint64_t now_ns)
{
	uint64_t epoch = fog_schedule_epoch(s, now_ns);

	return now_ns >= fog_schedule_settled(s, epoch) && directory_plan_want(s, now_ns) == epoch;
}

uint64_t directory_plan_gap(const struct fog_schedule *s, uint64_t now_ns, bool some, uint32_t dice)
{
	uint64_t epoch = fog_schedule_epoch(s, now_ns), length_ms = s->epoch_ns / 1000000;
	bool next = directory_plan_want(s, now_ns) != epoch;
	// When there will be none, there is no hurry.
	uint64_t gap = directory_plan_late(s, now_ns) && some ? length_ms / 8
	                                                      : length_ms / POLL_PART;

	gap = gap < POLL_MIN_MS ? POLL_MIN_MS : gap > POLL_MAX_MS ? POLL_MAX_MS : gap;
	gap = directory_plan_jitter(gap, dice);
	// The next one's time may begin sooner.
	uint64_t rest = next ? gap : directory_plan_rest(s, epoch, now_ns, dice);
	return gap < rest ? gap : rest;
}

uint64_t directory_plan_retry(uint64_t gap_ms)
{
	if (gap_ms == 0)
		return RETRY_MS;
	return gap_ms < RETRY_MAX_MS / 2 ? 2 * gap_ms : RETRY_MAX_MS;
}

uint64_t directory_plan_again(const struct fog_schedule *s, uint64_t now_ns, uint32_t dice)
{
	uint64_t start = fog_schedule_start(s, fog_schedule_epoch(s, now_ns));
	uint64_t ms = directory_plan_jitter(s->epoch_ns / 1000000 / SHOWN_PART, dice);

	return now_ns - start + ms * 1000000 < s->epoch_ns / 8 * TAKEN_EIGHTHS ? ms : UINT64_MAX;
}

// The epoch whose proof authorities ask for now, as fog_descriptor_judge does; 0: none.
static uint64_t plan_owed(
        const struct fog_consensus *previous, const uint8_t node_id[FOG_ID_LEN], uint64_t epoch
)
{
	const struct fog_consensus_owed *known = fog_consensus_owed(previous, node_id);
	const struct fog_consensus_node *in = fog_consensus_find(previous, node_id);

	if (known != NULL)
		return known->epoch;
	if (in == NULL || epoch < 2 || epoch - 1 >= previous->until || in->since > epoch - 1 ||
	    (epoch - 1 < in->descriptor.vrf_from && epoch - 1 < in->since + VRF_COUNTS_AFTER))
		return 0;
	return epoch - 1;
}

bool directory_plan_hold(
        const struct fog_schedule *s, uint64_t now_ns, const struct fog_consensus *previous,
        const struct fog_descriptor *own
)
{
	uint64_t epoch = fog_schedule_epoch(s, now_ns);
	uint64_t owed = previous != NULL ? plan_owed(previous, own->node_id, epoch) : 0;

	if (owed == 0 || (own->flags & FOG_DESCRIPTOR_WITHDRAWN) != 0)
		return false;
	for (unsigned i = 0; i < own->proof_count; i++)
		if (own->proof[i].epoch == owed)
			return false;
	return now_ns - fog_schedule_start(s, epoch) < s->epoch_ns / 32 * HOLD_32NDS;
}

void directory_plan_avoid(
        struct directory_avoid *a, const struct fog_fetch_peer *p, uint64_t now_ms
)
{
	unsigned i = 0;

	while (i < DIRECTORY_AVOID_MAX &&
	       (a->at[i].port != p->port ||
	        memcmp(&a->at[i].address, &p->address, sizeof(p->address)) != 0))
		i++;
	if (i == DIRECTORY_AVOID_MAX) {
		i = a->next;
		a->next = (a->next + 1) % DIRECTORY_AVOID_MAX;
	}
	a->at[i].until_ms = now_ms + DIRECTORY_AVOID_MS;
	a->at[i].address = p->address;
	a->at[i].port = p->port;
}

static bool plan_avoided(
        const struct directory_avoid *a, const struct fog_fetch_peer *p, uint64_t now_ms
)
{
	for (unsigned i = 0; i < DIRECTORY_AVOID_MAX; i++)
		if (a->at[i].port == p->port && now_ms < a->at[i].until_ms &&
		    memcmp(&a->at[i].address, &p->address, sizeof(p->address)) == 0)
			return true;
	return false;
}

unsigned directory_plan_source(
        const struct fog_fetch_peer *source, unsigned count, uint64_t asked,
        const struct directory_avoid *avoid, uint64_t now_ms, uint32_t dice
)
{
	unsigned fit = 0, at;

	for (unsigned i = 0; i < count; i++)
		fit += (asked >> i & 1) == 0 && !plan_avoided(avoid, &source[i], now_ms);
	if (fit == 0)
		return count;
	unsigned pick = (unsigned)((uint64_t)fit * dice >> 32);
	for (at = 0; at < count; at++)
		if ((asked >> at & 1) == 0 && !plan_avoided(avoid, &source[at], now_ms) &&
		    pick-- == 0)
			break;
	return at;
}

uint64_t directory_plan_figure(uint64_t v)
{
	uint64_t unit = 1;

	while (v / unit >= FIGURES_DIGITS)
		unit *= 10;
	return v / unit * unit;
}
