// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Answers to requests with an Idempotency-Key whose effects lie in the platform's store: what one control plane has done,
// no other does again. Who begins a request holds its key until the answer is kept or the key is dropped; a holder that
// says nothing for FOG_ANSWERS_HELD_S has died. Times are those of the store's clock. Any thread; errors of db.h.
#pragma once

#include <stdint.h>

#include "db.h"

enum {
	FOG_ANSWERS_HELD_S = 15, // a key by a holder of whom nothing is heard
	FOG_ANSWERS_HOLD_S = 4, // how often a holder says that he is still at work
	FOG_ANSWERS_KEPT_S = 24 * 3600,
	FOG_ANSWERS_SWEEP = 500, // rows that are forgotten at once
};

struct fog_answer {
	int status; // HTTP
	char *body; // the caller frees it
};

struct fog_answers_request {
	const char *caller, *key; // unique together
	const uint8_t *digest; // 32 bytes; of the same key twice: whether it is the same request
	const char *
	        control_plane; // unique on a store; has one request with a caller's key at work at a time
};

// Returns 0 (this control plane holds the key now), 1 (it was answered: 'answer', whose body the caller frees),
// -EALREADY (another control plane is at work on it), -EEXIST (the key belongs to another request).
int fog_answers_begin(struct fog_db *, const struct fog_answers_request *, struct fog_answer *);
// Still at work. -ENOENT: the key is somebody else's meanwhile; so for the next one.
int fog_answers_hold(struct fog_db *, const struct fog_answers_request *);
int fog_answers_keep(struct fog_db *, const struct fog_answers_request *, const struct fog_answer *);
int fog_answers_drop(struct fog_db *, const struct fog_answers_request *); // it may be asked for again
// Forget FOG_ANSWERS_SWEEP of those that are over. Returns how many.
int fog_answers_sweep(struct fog_db *);
