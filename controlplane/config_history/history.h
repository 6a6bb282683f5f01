// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Revisions of a node's configuration, in the platform's store. A revision is written as 'applying' before anything is changed, and
// fog_history_settle says what became of it, then or after a crash.
//
// Any thread. Errors besides those that are said: as of store/db.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../store/db.h"

enum {
	FOG_HISTORY_KEPT = 200, // revisions of a node; the oldest go
	FOG_HISTORY_LIST_MAX = 200,
	FOG_HISTORY_ACTOR_LEN = 64,
	FOG_HISTORY_COMMENT_LEN = 1024, // bytes, with the end
	FOG_HISTORY_DIGEST_LEN = 65,
};

enum fog_revision_state {
	FOG_REVISION_APPLYING, // not known yet
	FOG_REVISION_PENDING, // in force, and rolled back unless somebody confirms it
	FOG_REVISION_APPLIED, // in force, or it was
	FOG_REVISION_ROLLED_BACK, // nobody has confirmed it
	FOG_REVISION_FAILED, // it could not be put in force
};

const char *fog_revision_state_name(enum fog_revision_state);

struct fog_history {
	struct fog_db *db; // of the caller
	char node[65]; // whose revisions: its ID in hexadecimal
};

struct fog_revision {
	int64_t number; // from 1, without gaps
	int64_t time_us; // since 1970
	const char *actor; // who has changed it: "uid 0", "file", "commit-confirm"
	const char *comment; // "": none
	const char *digest; // BLAKE2b-256 of the text, hexadecimal: its ETag
	const uint8_t *text; // NULL in lists
	size_t len;
	int64_t reverts; // the revision whose text this is, 0: none
	enum fog_revision_state state;
	int64_t confirm_by_us; // of one that is or was pending, 0: not asked for
	bool in_force;
};

// Write down a new revision, 'state' and 'number' of which are given here. Returns 0.
int fog_history_add(const struct fog_history *, const struct fog_revision *, int64_t *number);

// What is in force: the text with this digest, and of whom. 'pending': the revision that waits for a confirmation, 0: none. All that was 'applying' or
// 'pending' gets its state by that. A text that isn't the newest revision's gets one. Returns the number of the revision in force.
struct fog_history_truth {
	const char *digest;
	const uint8_t *text;
	size_t len;
	const char *actor, *comment; // of a new revision
	int64_t pending;
};

int64_t fog_history_settle(const struct fog_history *, const struct fog_history_truth *);

typedef void fog_history_see(void *ctx, const struct fog_revision *);

// Newest first, numbers below 'before' (0: all), without texts. Returns 1 when there are more, or 0.
int fog_history_list(
        const struct fog_history *, int64_t before, unsigned limit, fog_history_see *see, void *ctx
);
// One with its text, during the call. Returns 0 or -ENOENT.
int fog_history_get(const struct fog_history *, int64_t number, fog_history_see *see, void *ctx);
// The unified difference of two revisions (diff.h). Returns 0, -ENOENT, -ENOMEM.
int fog_history_diff(const struct fog_history *, int64_t from, int64_t to, char **out, size_t *len);
