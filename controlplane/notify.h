// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the service manager hears of a daemon (sd_notify(3)). Without NOTIFY_SOCKET every call is a no-op.
// Main thread only: it is the loop that the watchdog watches.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { FOG_NOTIFY_TEXT_LEN = 512 };

// What STATUS= is now; one line, cut at the first newline.
typedef void fog_notify_say(void *ctx, char text[FOG_NOTIFY_TEXT_LEN]);

struct fog_notify {
	fog_notify_say *say;
	void *ctx;
	uint64_t watchdog_us; // within which WATCHDOG=1 is expected; 0: nobody waits for it
	uint64_t alive_at, tell_at; // CLOCK_MONOTONIC in us of the next WATCHDOG=1, STATUS=
	char status[FOG_NOTIFY_TEXT_LEN]; // that was sent last
};

void fog_notify_open(struct fog_notify *, fog_notify_say *, void *ctx);
// Requests are served from here on.
void fog_notify_ready(struct fog_notify *);
// Files are read again; fog_notify_ready ends that.
void fog_notify_reloading(void);
void fog_notify_stopping(const char *status);
// At every tick of the loop: still alive, and how it is.
void fog_notify_tick(struct fog_notify *);
