// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A circuit breaker in front of calls to somebody else, who may be away: after FOG_BREAKER_FAILURES failures in a row nobody
// calls him for FOG_BREAKER_OPEN_MS, then a few try. M. Nygard, "Release It!", 2007, chapter 5.
//
//   closed --5 failures in a row--> open --60 s--> half open --3 successes--> closed
//                                     ^----- 1 failure -----'
//
// Any thread. 'now_ms' is CLOCK_MONOTONIC (now.h) and never goes back.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	FOG_BREAKER_FAILURES = 5,
	FOG_BREAKER_TRIALS = 3, // under way at once, and successes in a row that close it
	FOG_BREAKER_OPEN_MS = 60 * 1000,
	FOG_BREAKER_NAME_LEN = 64,
};

enum fog_breaker_state {
	FOG_BREAKER_CLOSED,
	FOG_BREAKER_OPEN,
	FOG_BREAKER_HALF_OPEN,
};

// Of the caller; all members are private.
struct fog_breaker {
	pthread_mutex_t lock; // what follows
	char name[FOG_BREAKER_NAME_LEN];
	enum fog_breaker_state state;
	unsigned failures; // in a row, while it is closed
	unsigned trials; // under way, while it is half open
	unsigned successes; // in a row, likewise
	uint64_t
	        round; // grows with each change of state: who entered before it says nothing of now
	uint64_t opened_ms;
	uint64_t calls, failed, refused; // since init
};

struct fog_breaker_view {
	char name[FOG_BREAKER_NAME_LEN];
	enum fog_breaker_state state;
	unsigned failures; // in a row
	uint64_t calls, failed, refused; // since init
	uint64_t retry_ms; // until trials are let through; 0 when it isn't open
};

// 'name' says who is called, for people; it is cut to FOG_BREAKER_NAME_LEN.
void fog_breaker_init(struct fog_breaker *, const char *name);
void fog_breaker_destroy(struct fog_breaker *);

// Whether the call may be made. If so *ticket is what fog_breaker_leave wants after it, else nothing is due.
bool fog_breaker_enter(struct fog_breaker *, uint64_t now_ms, uint64_t *ticket);
// The call is made in any case (its caller waits long enough by himself, or knows nobody else to ask): a trial when it is
// not closed.
void fog_breaker_insist(struct fog_breaker *, uint64_t now_ms, uint64_t *ticket);
// How it went.
void fog_breaker_leave(struct fog_breaker *, uint64_t ticket, bool success, uint64_t now_ms);
// Whether enter would refuse now. Counts nothing.
bool fog_breaker_refuses(struct fog_breaker *, uint64_t now_ms);

void fog_breaker_look(struct fog_breaker *, uint64_t now_ms, struct fog_breaker_view *);
const char *fog_breaker_state_name(enum fog_breaker_state); // "closed", "open", "half_open"
