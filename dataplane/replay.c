// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Claims in the replay table (see replay.h).
//
// Why exactly one of several simultaneous copies wins: all copies walk the same words in the same
// order, and a full word never changes. So all of them come to the same first word that is neither
// full of something else; there, one compare-and-swap succeeds, and whoever loses it to its own
// fingerprint is a replay. The words carry no other data, hence the relaxed order everywhere.
#include "replay.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "replay_table.h"

enum {
	// At load one half the longest run in 10^8 tags has about 100 words.
	PROBES_MAX = 512,
	CREDIT_CHUNK = 64,
};

struct place {
	uint64_t at; // first word to look at
	uint64_t fingerprint; // never 0
};

// CBC-MAC of the two blocks: a pseudorandom function, since all tags have one length. Position and
// fingerprint are different halves, so neither says anything of the other.
static struct place place_of(const struct fog_replay *r, const uint8_t tag[FOG_REPLAY_TAG_LEN])
{
	uint64_t block[2], half[2];

	memcpy(block, tag, sizeof(block));
	fog_aes_encrypt_blocks(&r->key, (const uint8_t(*)[16])block, (uint8_t(*)[16])block, 1);
	memcpy(half, tag + sizeof(block), sizeof(half));
	block[0] ^= half[0];
	block[1] ^= half[1];
	fog_aes_encrypt_blocks(&r->key, (const uint8_t(*)[16])block, (uint8_t(*)[16])block, 1);
	return (struct place){
	        .at = (uint64_t)(((unsigned __int128)block[0] * r->slots) >> 64),
	        .fingerprint = block[1] != 0 ? block[1] : 1,
	};
}

// Take up to 'want' from one account; returns how much it was.
static uint64_t credit_draw(_Atomic uint64_t *left, uint64_t want)
{
	uint64_t have = atomic_load_explicit(left, memory_order_relaxed);

	while (have > 0) {
		uint64_t take = have < want ? have : want;
		if (atomic_compare_exchange_weak_explicit(
		            left, &have, have - take, memory_order_relaxed, memory_order_relaxed
		    ))
			return take;
	}
	return 0;
}

static void credit_give(_Atomic uint64_t *left, uint64_t n)
{
	atomic_fetch_add_explicit(left, n, memory_order_relaxed);
}

static bool credit_take(struct fog_replay *r, unsigned shard)
{
	if (credit_draw(&r->shard[shard].left, 1) > 0)
		return true;
	uint64_t chunk = credit_draw(&r->pool.left, CREDIT_CHUNK);
	if (chunk > 0) {
		credit_give(&r->shard[shard].left, chunk - 1);
		return true;
	}
	// The table is all but full.
	for (unsigned i = 0; i < REPLAY_SHARDS; i++) {
		if (credit_draw(&r->shard[i].left, 1) > 0)
			return true;
	}
	return false;
}

void fog_replay_prefetch(const struct fog_replay *r, const uint8_t tag[FOG_REPLAY_TAG_LEN])
{
	__builtin_prefetch((const void *)&r->slot[place_of(r, tag).at], 1);
}

int fog_replay_claim(struct fog_replay *r, const uint8_t tag[FOG_REPLAY_TAG_LEN])
{
	struct place p = place_of(r, tag);
	unsigned shard = p.fingerprint & (REPLAY_SHARDS - 1);
	bool credit = false;
	int ret = -ENOSPC;

	for (unsigned i = 0; i < PROBES_MAX && i < r->slots; i++) {
		uint64_t word = atomic_load_explicit(&r->slot[p.at], memory_order_relaxed);
		if (word == 0) {
			if (!credit && !(credit = credit_take(r, shard)))
				return -ENOSPC;
			if (atomic_compare_exchange_strong_explicit(
			            &r->slot[p.at], &word, p.fingerprint, memory_order_relaxed,
			            memory_order_relaxed
			    ))
				return 0;
		}
		if (word == p.fingerprint) {
			ret = -EEXIST;
			break;
		}
		if (++p.at == r->slots)
			p.at = 0;
	}
	if (credit)
		credit_give(&r->shard[shard].left, 1);
	return ret;
}

uint64_t replay_slots(uint64_t capacity)
{
	return 2 * capacity;
}

void replay_recount(struct fog_replay *r)
{
	uint64_t full = 0;

	for (uint64_t i = 0; i < r->slots; i++)
		full += atomic_load_explicit(&r->slot[i], memory_order_relaxed) != 0;
	uint64_t left = full < r->capacity ? r->capacity - full : 0;
	atomic_store_explicit(&r->pool.left, left, memory_order_relaxed);
}

uint64_t fog_replay_count(const struct fog_replay *r)
{
	uint64_t left = atomic_load_explicit(&r->pool.left, memory_order_relaxed);

	for (unsigned i = 0; i < REPLAY_SHARDS; i++)
		left += atomic_load_explicit(&r->shard[i].left, memory_order_relaxed);
	// While workers move credit about, the sum may be off by what is on its way.
	return left < r->capacity ? r->capacity - left : 0;
}

uint64_t fog_replay_capacity(const struct fog_replay *r)
{
	return r->capacity;
}
