// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What usage.c, leases.c and usage_store.c share.
#pragma once

#include <pthread.h>
#include <sys/queue.h>

#include "../store/db.h"
#include "usage.h"

#define USAGE_DAY_US INT64_C(86400000000)

enum {
	USAGE_CHAINS = 1024,
	USAGE_REFUSED_MS = 1000, // so long a refusal is believed without asking the store again
	USAGE_SETTLE_MAX = 200, // leases of a transaction
};

struct usage_name {
	char user[FOG_USAGE_USER_LEN];
	enum fog_usage_metric metric;
};

struct usage_lease {
	LIST_ENTRY(usage_lease) chain;
	TAILQ_ENTRY(usage_lease) age;
	struct usage_name name;
	bool busy; // somebody asks the store for it, without the lock
	unsigned waiting;
	int64_t day;
	int64_t left; // of what was taken from the store for that day
	int64_t free, limit; // as the store last said: what nobody had taken
	uint64_t used_ms, refused_ms; // refused_ms: until when 'free' is believed
};

LIST_HEAD(usage_chain, usage_lease);
TAILQ_HEAD(usage_ages, usage_lease);

struct fog_usage {
	struct fog_usage_params params;
	pthread_t thread;
	pthread_mutex_t lock; // over what follows
	pthread_cond_t free, wake;
	bool stop;
	unsigned count;
	struct usage_chain chain[USAGE_CHAINS];
	struct usage_ages ages; // the one used longest ago comes first
	uint8_t secret[16];
};

// What goes back to the store.
struct usage_rest {
	struct usage_name name;
	int64_t day, amount;
};

// One lease: 'rest' goes back, 'need' at least is taken. 'granted' 0: so much is not there.
struct usage_order {
	const struct usage_name *name;
	const char *tier;
	int64_t day, need;
	const struct usage_rest *rest;
	unsigned rests;
	int64_t granted, free, limit; // results; free is what is left for others
};

// usage_store.c.
int usage_store_lease(struct fog_db *, struct usage_order *);
int usage_store_return(struct fog_db *, const struct usage_rest *, unsigned count);
int usage_store_show(
        struct fog_db *, const char *user, const char *tier, int64_t day,
        struct fog_usage_state state[FOG_USAGE_METRICS]
);
int usage_store_limits(struct fog_db *, const char *tier, int64_t limit[FOG_USAGE_METRICS]);
int usage_store_forget(struct fog_db *, int64_t before_day);

// leases.c. Under the lock. The lease of 'name', made when there is none; one that had to go for it leaves its rest in
// 'rest' (amount 0: there is none). NULL: no memory, or all are busy.
struct usage_lease *lease_get(
        struct fog_usage *, const struct usage_name *, struct usage_rest *rest
);
struct usage_lease *lease_find(struct fog_usage *, const struct usage_name *);
void leases_free(struct fog_usage *);
