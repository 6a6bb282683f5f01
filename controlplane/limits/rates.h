// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How often somebody may ask: a bucket for each identity and class, full of as many requests as are allowed in a minute,
// filled again evenly in one. What is kept of it is one time, when it will be full again (the virtual scheduling of
// GCRA, ITU-T I.371): each request moves it by 60 s / limit, and one that would move it more than 60 s ahead is refused and
// costs nothing. So a limit that changes keeps the share that was used.
//
// Memory is bounded. What is forgotten for a new identity is a bucket that is full, which is no different from none. When
// all of those used longest ago are not, the new one shares a bucket with others like it. Strangers, of whom anybody can
// be as many as he likes, and those who have said who they are, have a table each.
//
// Control planes on one store add up what they let through (shared.c): every FOG_RATES_SHARE_MS each one writes what its
// own callers took and reads what all took. A store that does not answer leaves each with its own counts.
//
// Any thread, all functions but open and close.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct fog_db;
struct fog_rates;

enum fog_rate_class {
	FOG_RATE_AUTH,
	FOG_RATE_WRITE,
	FOG_RATE_READ,
	FOG_RATE_CLASSES,
	FOG_RATE_UNKNOWN =
	        FOG_RATE_CLASSES, // of a source: tokens that nobody has; as many as reads
};

enum {
	FOG_RATES_IDENTITIES = 32768, // buckets of either table
	FOG_RATES_SHARE_MS =
	        400, // two exchanges are within a second, with time to spare for the store
	FOG_RATES_MAX = 10000000, // requests a minute
	FOG_RATES_ADDRESS_LEN = 64,
	// What strangers get together, in limits of a single one: an IPv6 customer may have a /56 or a /48, full of networks.
	FOG_RATES_56 = 4,
	FOG_RATES_48 = 16,
	FOG_RATES_KEYS = 5, // what all API keys of an account get together, in the account's limits
};

struct fog_rates_params {
	uint32_t a_minute[FOG_RATE_CLASSES]; // 1 to FOG_RATES_MAX
	unsigned identities; // 0 = FOG_RATES_IDENTITIES
	struct fog_db *shared; // outlives the object; NULL: no other control plane is on the store
	// Microseconds of a clock of this process; NULL: CLOCK_MONOTONIC. One that goes back stands still.
	uint64_t (*now_us)(void *ctx);
	void *ctx;
};

// Returns 0, -EINVAL (a rate), -ENOMEM.
int fog_rates_open(struct fog_rates **, const struct fog_rates_params *);
void fog_rates_close(struct fog_rates *); // shares what is left; accepts NULL

struct fog_rate {
	bool allowed;
	uint32_t limit; // requests a minute
	uint32_t remaining; // so many more would be allowed now
	uint32_t reset_s; // until all are allowed again, rounded up
	uint32_t retry_after_s; // of a refusal: until one is allowed, at least 1; else 0
};

// One request. 'identity' is a verified one ("user:..", "key:..", "uid:.."), or where it came from; 'stranger': nobody has
// said who he is, and the wider networks of an IPv6 one have to allow it, too. 'own': a limit of its own, 0 = the class'.
void fog_rates_take(struct fog_rates *, const char *identity, bool stranger, enum fog_rate_class, uint32_t own, struct fog_rate *);

// The same for one of many that 'owner' has (no identity of fog_rates_take): all of them together get FOG_RATES_KEYS times
// 'owner_limit' (0 = the class'), or what this one has of its own if that is more.
void fog_rates_take_owned(
        struct fog_rates *, const char *identity, uint32_t own, const char *owner,
        uint32_t owner_limit, enum fog_rate_class, struct fog_rate *out
);

// What fog_rates_take would say, without taking anything.
void fog_rates_look(
        struct fog_rates *, const char *identity, bool stranger, enum fog_rate_class, uint32_t own,
        struct fog_rate *out
);

// Where a connection comes from, as an identity: an IPv4 address, or the /64 of an IPv6 one, which is what one customer
// has; "unix" for any other family.
void fog_rates_address(const struct sockaddr *, char text[FOG_RATES_ADDRESS_LEN]);

// Exchange with the store now. Returns 0, or the store's error. Without a shared store 0.
int fog_rates_share(struct fog_rates *);
