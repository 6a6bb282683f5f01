// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What rates.c, buckets.c and shared.c share.
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <sys/queue.h>

#include "rates.h"

enum {
	RATE_KEY_LEN = 16,
	RATE_PERIOD_US = 60 * 1000 * 1000, // in which an empty bucket is filled
	RATE_EVICT_LOOK = 8, // buckets that are looked at for a full one
};

// The first byte says the class and, by its highest bit, the table; the rest is a hash of the identity. The same on all
// control planes.
struct rate_key {
	uint8_t byte[RATE_KEY_LEN];
};

struct rate_bucket {
	LIST_ENTRY(rate_bucket) chain;
	TAILQ_ENTRY(rate_bucket) age;
	struct rate_key key;
	uint64_t full_us; // when it will be full
	uint64_t unshared_us; // part of it that the store does not know of
	uint64_t round; // of sharing, in which it was used last
};

LIST_HEAD(rate_chain, rate_bucket);
TAILQ_HEAD(rate_ages, rate_bucket);

// Under the lock of its owner.
struct rate_table {
	struct rate_bucket *bucket;
	struct rate_chain *chain; // chains of a power of two
	size_t chains;
	unsigned size, used;
	struct rate_ages ages; // the one used longest ago comes first
	struct rate_bucket others[FOG_RATE_CLASSES + 1]; // for those who find no place
	uint8_t secret[16]; // nobody shall choose addresses that meet in one chain
};

// buckets.c. Returns 0 or -ENOMEM.
int rate_table_init(struct rate_table *, unsigned size);
void rate_table_free(struct rate_table *);
// The bucket of 'key', made full when there is none, and now the one that was used last. NULL: there is no place.
struct rate_bucket *rate_table_get(struct rate_table *, const struct rate_key *, uint64_t now_us);
struct rate_bucket *rate_table_find(struct rate_table *, const struct rate_key *);
void rate_table_touch(struct rate_table *, struct rate_bucket *);

// shared.c.
struct rate_sharing {
	pthread_t thread;
	bool runs, stop;
	pthread_cond_t wake; // with the lock of fog_rates
	pthread_mutex_t one; // exchange at a time
	int64_t seen_us; // by the store's clock, up to when changes were read
	uint64_t forget_us; // when old rows are deleted next
};

struct fog_rates {
	struct fog_rates_params params;
	pthread_mutex_t lock;
	struct rate_table table[2]; // [1]: strangers
	uint64_t latest_us, round;
	struct rate_sharing sharing;
};

uint64_t rates_now(struct fog_rates *); // under the lock; never goes back
int rates_sharing_start(struct fog_rates *);
void rates_sharing_stop(struct fog_rates *);
