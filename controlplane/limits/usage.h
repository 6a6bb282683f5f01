// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a user uses in a day (UTC), and no more than the tier allows: exact over all control planes on a store.
//
// The store counts by user, day and metric. Amounts are taken from it in leases: a hundred at once, of a limit below
// 5,000 a fiftieth of it, and ever less towards its end; the rest of a lease is served from memory, and given back when
// nobody has used it for FOG_USAGE_IDLE_S, and at close. So what is counted is never less than what was used; a control
// plane that is killed leaves what its leases had left as used. A new day has a new row: nothing has to be reset.
//
// Any thread, all functions but open and close.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fog_db;
struct fog_usage;

enum fog_usage_metric {

#define X(name, text) FOG_USAGE_##name,
#include "metrics.def"
#undef X
	FOG_USAGE_METRICS
};

enum {
	FOG_USAGE_LEASE_MAX = 100,
	FOG_USAGE_LEASES = 4096, // in memory, of a user and metric each
	FOG_USAGE_IDLE_S = 5,
	FOG_USAGE_KEEP_DAYS = 400, // older rows are deleted
	FOG_USAGE_USER_LEN = 65, // longest id of a user, with its NUL
};

#define FOG_USAGE_UNLIMITED INT64_C(-1)

extern const char *const fog_usage_metric_name[FOG_USAGE_METRICS]; // "api_calls"

struct fog_usage_params {
	struct fog_db *db; // outlives the object
	unsigned leases; // 0 = FOG_USAGE_LEASES
	// Microseconds since 1970; NULL: the host's clock. It may go back: each day has its own count.
	int64_t (*now_us)(void *ctx);
	void *ctx;
};

int fog_usage_open(struct fog_usage **, const struct fog_usage_params *); // 0, -ENOMEM
void fog_usage_close(struct fog_usage *); // gives leases back; accepts NULL

struct fog_usage_state {
	int64_t used;
	int64_t limit, remaining; // FOG_USAGE_UNLIMITED: there is none
	int64_t resets_at_us; // next midnight, UTC
};

// Take 'amount' (at least 1) for today. Returns 0, -EDQUOT (nothing was taken; 'state', which may be NULL, says what is
// left), -EINVAL (amount, user, or a tier without a row for the metric), or an error of the store: nobody may go on then.
int fog_usage_take(
        struct fog_usage *, const char *user, const char *tier, enum fog_usage_metric,
        int64_t amount, struct fog_usage_state *state
);
// What was taken today for something that did not come about. Returns 0 or as take.
int fog_usage_give_back(
        struct fog_usage *, const char *user, enum fog_usage_metric, int64_t amount
);
// What a user has used today. Leases of other control planes count as used. Returns 0 or as take.
int fog_usage_show(
        struct fog_usage *, const char *user, const char *tier,
        struct fog_usage_state state[FOG_USAGE_METRICS]
);
// The daily limits of a tier (FOG_USAGE_UNLIMITED: none). Returns 0, -EINVAL (there is no such tier), or an error of the store.
int fog_usage_limits(struct fog_usage *, const char *tier, int64_t limit[FOG_USAGE_METRICS]);
int64_t fog_usage_resets_us(struct fog_usage *); // next midnight, UTC, since 1970
// Give back all leases that nobody is using now. Returns 0 or an error of the store.
int fog_usage_settle(struct fog_usage *);
