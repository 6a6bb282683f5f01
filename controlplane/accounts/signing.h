// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Keys that sign access tokens (Ed25519). They lie in the store, sealed; every control plane on it has the same. A new one
// each 30 days; the one before verifies for a day more. Any thread.
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

struct fog_accounts;
struct fog_tx;
struct work;

enum {
	SIGNING_KEYS_MAX = 8, // that are known at once
	SIGNING_KID_LEN = 16,
	SIGNING_DAYS = 30,
	SIGNING_SETTLE_S = 5, // a new key signs when every control plane has heard of it
};

struct signing_key {
	char kid[SIGNING_KID_LEN + 1];
	uint8_t public_key[32];
	int64_t created_us, retired_us; // 0: the newest one
};

struct signing {
	pthread_rwlock_t lock; // over what follows
	struct signing_key key[SIGNING_KEYS_MAX]; // newest first
	unsigned count;
	uint8_t (*secret)[64]; // of each, in locked memory
};

int signing_init(struct signing *); // 0 or -ENOMEM
void signing_destroy(struct signing *);
// In a transaction that may run again: take what the store has. Returns 0, -EBADMSG (sealed under another key), or its error.
int signing_load(struct fog_accounts *, struct fog_tx *);
// Make a new key when it is time for one, or in any case.
int signing_renew(struct work *, bool force);
// Sign with the present key, whose 'kid' is told. Returns 0 or -EAGAIN (there is none).
int signing_kid(struct signing *, int64_t now_us, char kid[SIGNING_KID_LEN + 1]);
int signing_sign(
        struct signing *, const char *kid, const uint8_t *text, size_t len, uint8_t signature[64]
);
// Returns 0 or -ENOENT: no key of this name verifies now.
int signing_public(struct signing *, const char *kid, int64_t now_us, uint8_t public_key[32]);
json_t *signing_jwks(struct signing *, int64_t now_us); // NULL: no memory
// RFC 8037. NULL: no memory.
json_t *signing_jwk(const char *kid, const uint8_t public_key[32]);
