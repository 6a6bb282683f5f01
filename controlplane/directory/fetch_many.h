// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Several fetches (fetch.h) at once in one thread: none of them waits for another, and whoever waits for them can
// be woken. One thread at a time, but for fog_fetch_many_wake.
#pragma once

#include <stdbool.h>

#include "fetch.h"

struct fog_fetch_many;

enum { FOG_FETCH_MANY_MAX = 32 }; // that are under way at once

// One that is over.
struct fog_fetch_done {
	void *what; // as it was started
	int error; // as fog_fetch returns
	struct fog_fetch_answer answer; // the caller frees its data
	char text[FOG_FETCH_TEXT_LEN];
};

int fog_fetch_many_create(struct fog_fetch_many **); // 0 or -ENOMEM
void fog_fetch_many_destroy(struct fog_fetch_many *); // breaks off what is under way; accepts NULL

// As fog_fetch, but only begun; peer, path and body are copied. 'what' names it. Returns 0, -EBUSY (FOG_FETCH_MANY_MAX
// are under way), -EINVAL ('path' is too long), -ENOMEM.
int fog_fetch_many_start(
        struct fog_fetch_many *, const struct fog_fetch_peer *, const char *path, const void *body,
        size_t body_len, size_t max, void *what
);
// Go on with all of them until one may be over, 'timeout_ms' have passed, or somebody wakes us.
void fog_fetch_many_wait(struct fog_fetch_many *, int timeout_ms);
// Take one that is over. Returns false when there is none.
bool fog_fetch_many_take(struct fog_fetch_many *, struct fog_fetch_done *);
// End the wait, or the next one when nobody waits now. Any thread, until destroy.
void fog_fetch_many_wake(struct fog_fetch_many *);
