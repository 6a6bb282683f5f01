// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The clock that epochs go by. It is CLOCK_REALTIME at the start and CLOCK_BOOTTIME from then on,
// with what separates the two as its offset. Somebody who sets the host's clock (by hand, by forged
// NTP) must not move a node into another epoch, so a step of CLOCK_REALTIME is refused: the clock goes
// on without it, and who looks at the node is told. Small differences are followed slowly.
//
// Slewing by NTP needs nothing here: Linux applies it to CLOCK_BOOTTIME, too (clock_gettime(2)).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FOG_CLOCK_STEP_NS INT64_C(100000000) // a greater difference is a step

enum { FOG_CLOCK_SLEW_PPM = 500 }; // as fast as a smaller one is followed, like NTP (RFC 5905)

// One look at the kernel's two clocks.
struct fog_clock_reading {
	uint64_t boot_ns, real_ns;
};

struct fog_clock_state {
	int64_t offset_ns; // epoch clock - CLOCK_BOOTTIME
	uint64_t boot_ns; // of the last look
	int64_t ahead_ns; // CLOCK_REALTIME - epoch clock at the last look
	bool stepped; // ... and that is a step
};

// Pure. Begin with what CLOCK_REALTIME says.
void fog_clock_begin(struct fog_clock_state *, const struct fog_clock_reading *);
// Follow a later reading. Boot times must not fall; one that does is taken for no time at all.
void fog_clock_follow(struct fog_clock_state *, const struct fog_clock_reading *);

struct fog_clock;

// 'ahead_ms' is what test.clock_ahead says: CLOCK_REALTIME is read as if the host's clock had been set
// forward by so much. Returns 0 or -ENOMEM.
int fog_clock_create(uint32_t ahead_ms, struct fog_clock **);
void fog_clock_destroy(struct fog_clock *); // accepts NULL
// Look at the kernel's clocks; several times a second. Control thread.
void fog_clock_tick(struct fog_clock *, uint32_t ahead_ms);
// Nanoseconds since 1970, UTC. Any thread. Two calls around a tick may see it fall by the slew of one
// tick (125 us at 250 ms).
uint64_t fog_clock_now_ns(struct fog_clock *);
// Whether a step has been refused and still lasts, and how far CLOCK_REALTIME is ahead. Any thread.
bool fog_clock_stepped(struct fog_clock *, int64_t *ahead_ns);
