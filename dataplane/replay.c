// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Claims in the replay table (see replay.h).
//
// A tag's place is a cache line; it goes into the first free word of that or, when that is full, of
// the next line, and so on.
//
// Why exactly one of several simultaneous copies wins: a word changes once, from 0 to a fingerprint.
// A claim passes a word over only when it has read another fingerprint in it, which is final. All
// copies walk the same words in the same order, so none gets past the first word that does not end
// up with another fingerprint. Each copy reads that word as 0 or as its own. Of those which read 0,
// and try to swap, one succeeds; whoever fails or reads its own is a replay. That a line is read
// first and swapped later changes nothing: where a claim was wrong in thinking a word free, its swap
// fails and it reads the line again. The words carry no other data, hence the relaxed order.
#include "replay.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "replay_table.h"

enum {
	LINE_WORDS = 8,
	LINES_MAX = 64, // 6.7 * 10^7 tags in 1 GiB needed 8 at the most
	CREDIT_CHUNK = 64,
	GROUP = 16, // tags enciphered at a time
};

// CBC-MAC of the two blocks: a pseudorandom function, since all tags have one length. Line and
// fingerprint are different halves, so neither says anything of the other.
void fog_replay_prefetch(
        const struct fog_replay *r, unsigned n, const uint8_t *const tag[],
        struct fog_replay_place place[]
)
{
	for (; n > 0; tag += GROUP, place += GROUP) {
		uint64_t block[GROUP][2], half[2];
		uint8_t(*bytes)[16] = (uint8_t(*)[16])block;
		unsigned m = n < GROUP ? n : GROUP;

		for (unsigned i = 0; i < m; i++)
			memcpy(block[i], tag[i], 16);
		fog_aes_encrypt_blocks(&r->key, (const uint8_t(*)[16])bytes, bytes, m);
		for (unsigned i = 0; i < m; i++) {
			memcpy(half, tag[i] + 16, 16);
			block[i][0] ^= half[0];
			block[i][1] ^= half[1];
		}
		fog_aes_encrypt_blocks(&r->key, (const uint8_t(*)[16])bytes, bytes, m);
		for (unsigned i = 0; i < m; i++) {
			place[i].line = (uint64_t
			)(((unsigned __int128)block[i][0] * r->lines) >> 64);
			place[i].fingerprint = block[i][1] != 0 ? block[i][1] : 1;
			__builtin_prefetch((const void *)&r->word[place[i].line * LINE_WORDS], 1);
		}
		n -= m;
		// With them whoever reads the stack later could link tags to places.
		explicit_bzero(block, sizeof(block));
		explicit_bzero(half, sizeof(half));
	}
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

// A thread's own account, as long as there are no more threads than accounts.
static unsigned credit_shard(void)
{
	static _Atomic unsigned threads;
	static _Thread_local unsigned shard; // 0: not chosen yet

	if (shard == 0)
		shard = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) %
		                REPLAY_SHARDS +
		        1;
	return shard - 1;
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

// Which words of a line are free and which hold the fingerprint, a bit each.
struct line_state {
	unsigned free, same;
};

static struct line_state line_read(const _Atomic uint64_t *word, uint64_t fingerprint)
{
	struct line_state s = {0};

#pragma GCC unroll 8
	for (unsigned i = 0; i < LINE_WORDS; i++) {
		uint64_t w = atomic_load_explicit(&word[i], memory_order_relaxed);
		s.free |= (unsigned)(w == 0) << i;
		s.same |= (unsigned)(w == fingerprint) << i;
	}
	return s;
}

static bool word_fill(_Atomic uint64_t *word, struct line_state s, uint64_t fingerprint)
{
	uint64_t empty = 0;

	return atomic_compare_exchange_strong_explicit(
	        &word[__builtin_ctz(s.free)], &empty, fingerprint, memory_order_relaxed,
	        memory_order_relaxed
	);
}

// Any case.
static __attribute__((noinline)) int claim_walk(
        struct fog_replay *r, const struct fog_replay_place *p, unsigned shard
)
{
	uint64_t line = p->line, lines = r->lines < LINES_MAX ? r->lines : LINES_MAX;
	bool credit = false;
	int ret = -ENOSPC;

	while (lines > 0) {
		_Atomic uint64_t *word = &r->word[line * LINE_WORDS];
		struct line_state s = line_read(word, p->fingerprint);

		if (s.same != 0) {
			ret = -EEXIST;
			break;
		}
		if (s.free == 0) {
			lines--;
			if (++line == r->lines)
				line = 0;
			continue;
		}
		if (!credit && !(credit = credit_take(r, shard)))
			return -ENOSPC;
		if (word_fill(word, s, p->fingerprint))
			return 0;
	}
	if (credit)
		credit_give(&r->shard[shard].left, 1);
	return ret;
}

int fog_replay_claim(struct fog_replay *r, const struct fog_replay_place *p)
{
	_Atomic uint64_t *word = &r->word[p->line * LINE_WORDS];
	struct line_state s = line_read(word, p->fingerprint);
	unsigned shard = credit_shard();

	// The usual case: a new tag, room in the first line, credit at hand.
	if (s.same == 0 && s.free != 0 && credit_draw(&r->shard[shard].left, 1) > 0) {
		if (word_fill(word, s, p->fingerprint))
			return 0;
		credit_give(&r->shard[shard].left, 1);
	}
	return claim_walk(r, p, shard);
}

uint64_t replay_lines(uint64_t capacity)
{
	return (2 * capacity + LINE_WORDS - 1) / LINE_WORDS;
}

uint64_t replay_full(const struct fog_replay *r, uint64_t from, uint64_t upto)
{
	uint64_t end = REPLAY_HEADER_LEN + r->lines * REPLAY_LINE_LEN, full = 0;

	if (from < REPLAY_HEADER_LEN)
		from = REPLAY_HEADER_LEN;
	if (upto > end)
		upto = end;
	for (; from < upto; from += sizeof(r->word[0]))
		full += atomic_load_explicit(
		                &r->word[(from - REPLAY_HEADER_LEN) / sizeof(r->word[0])],
		                memory_order_relaxed
		        ) != 0;
	return full;
}

void replay_credit_set(struct fog_replay *r, uint64_t full)
{
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
