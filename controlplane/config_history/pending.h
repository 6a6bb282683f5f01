// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is to come back unless a change is confirmed: a file beside the node's state, so that neither a restart nor a store that is away
// keeps the node from rolling back.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	FOG_CONFIRM_MIN_S = 10,
	FOG_CONFIRM_MAX_S = 3600,
	FOG_CONFIRM_S = 60, // when no time is said
};

struct fog_pending {
	int64_t revision; // that waits; 0: it has none, there is no store
	int64_t deadline_us; // since 1970
	uint32_t confirm_s;
	char digest[65]; // of the text that waits
	char correlation[65]; // of the request that asked for it; "": none
	char *text; // that comes back
	size_t len;
};

// Write it, durable before the return. Returns 0 or -errno.
int fog_pending_write(const char *path, const struct fog_pending *);
// Returns 0 and what fog_pending_free gives back, -ENOENT, -EBADMSG (not such a file), -errno.
int fog_pending_read(const char *path, struct fog_pending *);
void fog_pending_free(struct fog_pending *);
// Milliseconds until its time is over, by the host's clock 'now_us': never more than was asked for, even when that clock was set back.
uint64_t fog_pending_left_ms(const struct fog_pending *, int64_t now_us);
