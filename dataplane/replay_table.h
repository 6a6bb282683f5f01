// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What replay.c (claims) and replay_file.c (the file and its mapping) share. Private to them.
//
// File: struct replay_header, padded to one page, then 'lines' cache lines of 8 words of 8 bytes in
// host byte order. A word is 0 while free and never changes once it isn't.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "crypto/aes.h"
#include "replay.h"

enum {
	REPLAY_HEADER_LEN = 4096,
	REPLAY_VERSION = 2,
	REPLAY_LINE_LEN = 64,
	REPLAY_SHARDS = 64, // of the credit
};

#define REPLAY_MAGIC UINT64_C(0x31594c5045524746) // "FGREPLY1"
// A word for every possible tag would not fit into memory anyhow; keeps sizes from overflowing.
#define REPLAY_CAPACITY_MAX (UINT64_C(1) << 40)

struct replay_header {
	uint64_t magic;
	uint64_t version;
	uint64_t capacity;
	uint8_t id[FOG_REPLAY_ID_LEN];
	uint8_t key[16]; // of the AES that turns tags into positions; secret
};

_Static_assert(sizeof(struct replay_header) == 72, "layout of a file that outlives the process");

// Credit is the right to fill words. A claim takes one before it fills a word, so that there are
// never more than 'capacity' full words. Each thread has a shard, so that workers keep off each
// other's cache lines; a shard without credit gets more from the pool, or in the end from the other
// shards.
struct replay_credit {
	_Alignas(128) _Atomic uint64_t left; // any worker
};

struct fog_replay {
	_Atomic uint64_t *word; // any worker; free words by compare-and-swap only
	uint64_t lines;
	uint64_t capacity;
	struct fog_aes_key key;
	void *map;
	uint64_t mapped; // bytes
	int fd; // holds the lock on the file
	char *path;
	char *draft; // its name until it is whole; NULL for a table that was found
	uint8_t id[FOG_REPLAY_ID_LEN];
	uint64_t ready; // bytes that are in memory, and counted; at its end those still there
	uint64_t full; // words of these that are not free
	struct replay_credit pool;
	struct replay_credit shard[REPLAY_SHARDS];
};

_Static_assert(
        sizeof(struct fog_replay) % _Alignof(struct fog_replay) == 0,
        "sodium_malloc aligns by the size"
);

uint64_t replay_lines(uint64_t capacity);
// Full words among those of the lines that lie within bytes [from, upto) of the file.
uint64_t replay_full(const struct fog_replay *, uint64_t from, uint64_t upto);
// Set the credit to what 'full' words leave. Before there are workers.
void replay_credit_set(struct fog_replay *, uint64_t full);
