// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stands between libpq and its server on UNIX sockets, and ends one conversation in a COMMIT: before the server
// hears of it, or after it has written and answered.
#pragma once

enum relay_cut { RELAY_NEVER, RELAY_BEFORE, RELAY_AFTER, RELAY_ALWAYS_BEFORE };

struct relay;

// Listens as .s.PGSQL.5433 in 'folder', whose .s.PGSQL.5432 is the server. NULL: it can't. One at a time.
struct relay *relay_start(const char *folder);
void relay_cut(struct relay *, enum relay_cut); // of the next COMMIT
unsigned relay_cuts(const struct relay *); // how many there were
void relay_stop(struct relay *); // no conversation may be going on
