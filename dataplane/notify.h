// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the service manager hears of this process (sd_notify(3)). Without NOTIFY_SOCKET, that is
// outside of a unit of Type=notify, every call is a no-op. Manager thread only: a worker that fed the
// watchdog itself would vouch for itself.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { NOTIFY_TEXT_LEN = 200 };

struct notify {
	uint64_t watchdog_us; // within which WATCHDOG=1 is expected; 0: nobody waits for it
	bool ready; // READY=1 is out
	char status[NOTIFY_TEXT_LEN]; // that was sent last
};

// Read from the environment who listens. Before threads are made.
void notify_open(struct notify *);
// The service is up. Once.
void notify_ready(struct notify *);
// The service is about to end. 'timeout_ms' is how long that may take from now on; call it again,
// before that is over, to ask for more.
void notify_stopping(struct notify *, uint64_t timeout_ms);
// Everything moves.
void notify_alive(const struct notify *);
// One sentence for `systemctl status`; sent when it is another one than the last.
__attribute__((format(printf, 2, 3))) void notify_status(struct notify *, const char *format, ...);
