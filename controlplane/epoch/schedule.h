// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which epoch's mix keys live when. Epoch n is the n-th stretch of network.mix_key.epoch since 1970.
// A packet is made for the epoch in which it is sent; a node takes packets of epoch n from
// start(n) - tolerance to end(n) + overlap. At most two keys are at the data plane at any time: the
// key of n - 1 goes when overlap has passed since the start of n, and then that of n + 1 comes.
// Pure, any thread. Times are nanoseconds since 1970.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fog_topology;

struct fog_schedule {
	uint64_t epoch_ns, overlap_ns; // 0 < epoch, overlap <= epoch / 2
};

enum { FOG_SCHEDULE_LIVE_MAX = 2 };

struct fog_schedule_view {
	uint64_t epoch; // n: packets are made for it now
	unsigned live_count;
	uint64_t live[FOG_SCHEDULE_LIVE_MAX]; // epochs whose keys are at the data plane, ascending
	uint64_t next_ns; // when this changes; always later than 'now'
};

struct fog_schedule fog_schedule_of(const struct fog_topology *);
uint64_t fog_schedule_epoch(const struct fog_schedule *, uint64_t now_ns);
uint64_t fog_schedule_start(const struct fog_schedule *, uint64_t epoch);
// From here on nobody waits for the consensus of 'epoch' any more: it is made in the first eighth of its epoch or
// never, and whoever lacks it asks once more between that and this, clocks within the tolerance given. Only
// after a standstill of its own does somebody get it later (fog_schedule_grace).
uint64_t fog_schedule_settled(const struct fog_schedule *, uint64_t epoch);
// Nanoseconds for which whoever got a consensus late waits for others: by then most have asked once more, as they do
// each eighth of an epoch by chance from the settled time to 7/8, and have links with who is new.
uint64_t fog_schedule_grace(const struct fog_schedule *);
// When the key of 'epoch' is destroyed: its end and the overlap.
uint64_t fog_schedule_dead(const struct fog_schedule *, uint64_t epoch);
struct fog_schedule_view fog_schedule_look(const struct fog_schedule *, uint64_t now_ns);
bool fog_schedule_lives(const struct fog_schedule_view *, uint64_t epoch);
// The epoch near 'now' whose low byte is 'low': the one between n - 128 and n + 127.
uint64_t fog_schedule_of_byte(uint64_t now, uint8_t low);
