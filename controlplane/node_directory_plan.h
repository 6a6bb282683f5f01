// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// When a node announces itself, when it asks for a consensus, and whom; what it tells everybody. Pure, any thread. 'dice' is a
// random number that the caller draws; epochs go by the epoch clock, waiting by CLOCK_MONOTONIC.
#pragma once

#include "directory/consensus.h"
#include "directory/fetch.h"
#include "epoch/schedule.h"

// Half to one and a half times as long, so that nodes don't come all at once.
uint64_t directory_plan_jitter(uint64_t ms, uint32_t dice);

// The epoch whose consensus should be there or is just being made: from 7/8 of an epoch on the next one's.
uint64_t directory_plan_want(const struct fog_schedule *, uint64_t now_ns);
// Who has the consensus of 'want' asks again after so many milliseconds: when the one after it is made.
// 0: that time has come.
uint64_t directory_plan_rest(
        const struct fog_schedule *, uint64_t want, uint64_t now_ns, uint32_t dice
);
// Whether the consensus of this epoch, if it isn't here, is one that others may have: it is settled, and the next one
// isn't made yet.
bool directory_plan_late(const struct fog_schedule *, uint64_t now_ns);
// Who has asked for it, and been told that there is none, asks again after so many milliseconds. 'some': another
// consensus still counts.
uint64_t directory_plan_gap(const struct fog_schedule *, uint64_t now_ns, bool some, uint32_t dice);
// After the 'gap_ms' that lay before the last try (0: it was the first one) so many lie before the next.
uint64_t directory_plan_retry(uint64_t gap_ms);
// Milliseconds until an authority that has taken a descriptor is shown it again, since one that is started anew has
// forgotten it; UINT64_MAX: not any more, since it would come too late for the next consensus.
uint64_t directory_plan_again(const struct fog_schedule *, uint64_t now_ns, uint32_t dice);

// A node that was in the consensus of the epoch that ended last has to prove that epoch's delays to be in the
// next one (fog_descriptor_judge), and can do so only when its packets are dead: until then authorities would
// refuse what it announces. Who owes an earlier epoch's waits for that proof. Whether to wait with 'own', which is signed already: for a little more than half
// of the epoch at most. 'previous': the newest consensus of an epoch that has begun, NULL: none is known.
bool directory_plan_hold(
        const struct fog_schedule *, uint64_t now_ns, const struct fog_consensus *previous,
        const struct fog_descriptor *own
);

// A source of consensuses that has failed is passed over for some time.
enum { DIRECTORY_AVOID_MAX = 32, DIRECTORY_AVOID_MS = 60 * 1000 };

struct directory_avoid {
	unsigned next; // the place that is taken next, the oldest one

	struct {
		uint64_t until_ms;
		struct fog_ip address;
		uint16_t port; // 0: nobody
	} at[DIRECTORY_AVOID_MAX];
};

void directory_plan_avoid(struct directory_avoid *, const struct fog_fetch_peer *, uint64_t now_ms);
// One of the 'count' sources that is neither to be avoided nor asked at the moment ('asked', as a bit mask of them). Returns its
// number, 'count' when there is none.
unsigned directory_plan_source(
        const struct fog_fetch_peer *, unsigned count, uint64_t asked,
        const struct directory_avoid *, uint64_t now_ms, uint32_t dice
);

// A figure for everybody: two digits and zeros.
uint64_t directory_plan_figure(uint64_t);
