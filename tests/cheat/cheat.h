// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What every cheating data plane is made of: one function that sees each packet between the honest
// decision over its delay and the calendar.
#pragma once

#include "../../dataplane/worker.h"

// Change pkt->due as you like. Returns false to have the packet lost.
bool cheat_packet(struct fog_worker *, struct fog_pkt *);

uint64_t cheat_random(void);
uint64_t cheat_cycles(const struct fog_worker *, uint64_t us);

// The linker's names for what is called as stage_park, and for the real one.
void __wrap_stage_park(struct fog_worker *, struct fog_chunk *);
void __real_stage_park(struct fog_worker *, struct fog_chunk *);
