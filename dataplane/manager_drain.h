// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The end of a data plane, in the order in which nothing that was accepted is lost:
//
//   readiness off -> grace, packets go on -> ports take nothing more -> what they still hold is
//   worked off, calendars run empty, everything is sent -> exit 0
//
// SIGTERM, SIGINT and FOG_CMD_DRAIN all come here. Manager thread only.
#pragma once

#include "manager.h"

// Begin to drain after 'grace_ms' of going on as before. While draining: a grace that would end sooner
// counts, everything else is a no-op.
void manager_drain_begin(struct fog_manager *, uint64_t grace_ms);
// The next step, if it is due. Returns true when all is done, or the time for it is over (logged).
bool manager_drain_step(struct fog_manager *, uint64_t now);
// The books of all workers in the log, when none runs any more: both sides of their sum.
void manager_books_tell(const struct fog_manager *);
// What a person should know about it, as STATUS=; and time asked for.
void manager_drain_tell(struct fog_manager *, uint64_t now);
