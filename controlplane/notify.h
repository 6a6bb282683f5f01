// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the service manager hears of this process (sd_notify(3)). Without NOTIFY_SOCKET every call is
// a no-op. Control thread only: it is the loop that the watchdog watches.
#pragma once

#include <stdint.h>

#include "node.h"

struct notify {
	uint64_t watchdog_us; // within which WATCHDOG=1 is expected; 0: nobody waits for it
	uint64_t alive_at, tell_at; // CLOCK_MONOTONIC in us of the next WATCHDOG=1, STATUS=
	char status[512]; // that was sent last
};

void notify_open(struct notify *);
// Requests are served from here on.
void notify_ready(struct notify *, struct fog_node *);
// The configuration is read again; notify_ready ends that.
void notify_reloading(void);
void notify_stopping(void);
// At every tick of the loop: still alive, and whether the node is ready.
void notify_tick(struct notify *, struct fog_node *);
