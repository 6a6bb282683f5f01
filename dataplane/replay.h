// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The replay table of one mix key: which packets were accepted under it. No DPDK.
//
// An open-addressed array of 64-bit words in a file on tmpfs or hugetlbfs that only the data plane's
// user may read, mapped MAP_SHARED, so that it outlives a killed process as it is. Position and fingerprint of a tag are
// AES of the tag under a random key that lies in the file's first page and never leaves the node.
// A claim is one compare-and-swap on one word: of any number of simultaneous copies exactly one
// wins, on whichever core. Nothing is evicted while the key lives; a full table refuses.
#pragma once

#include <stdint.h>

struct fog_replay;

enum { FOG_REPLAY_TAG_LEN = 32, FOG_REPLAY_ID_LEN = 32 };

// Bytes of file and memory for 'capacity' tags (load factor one half, header page included); a
// hugetlbfs rounds up to its page size. 0 when the capacity is out of range.
uint64_t fog_replay_footprint(uint64_t capacity);

// Open the table for the mix key identified by 'id' (its public key) at 'path', or make it when
// there is none. Made: mode 0600, zeroed, pre-faulted by the calling thread (never a worker). Found: kept as it is if magic, version and id agree, and with the capacity that it was
// made with, for the key that it belongs to may still be in use: a new 'capacity' counts from the
// next key (fog_replay_capacity tells the one in force). '*found' says which.
// The file is made as PATH.new and renamed: whenever the maker is killed, what stands at 'path' is
// a whole table. It stays locked (flock) while open. Owner means the effective user.
// Returns 0, -EINVAL (capacity 0 or over 2^40), -ENOTSUP (not on tmpfs or hugetlbfs), -ESTALE (a
// table of another key is there: remove it first), -EBADMSG (a file that is damaged or of another
// version: the key may be in use, and without its table every packet of it is accepted again, so
// get a new key first), -EPERM (not the effective user's, or not closed to others),
// -EBUSY (another process has it open), -ELOOP (a symbolic link), -ENOSPC/-ENOMEM, -errno.
int fog_replay_open(
        const char *path, const uint8_t id[FOG_REPLAY_ID_LEN], uint64_t capacity,
        struct fog_replay **, int *found
);
// The same in slices, for a thread that has other things to do: begin, then step until it no longer
// returns 1. No tag may be claimed, nor anything else be asked, before step has returned 0. begin
// returns what open does; step 0 (the table is whole, and stands at 'path'), 1 (more to do) or -errno
// (close it).
int fog_replay_begin(
        const char *path, const uint8_t id[FOG_REPLAY_ID_LEN], uint64_t capacity,
        struct fog_replay **, int *found
);
int fog_replay_step(struct fog_replay *);
// Unmaps; the file stays, but for one that is not whole yet. Accepts NULL.
void fog_replay_close(struct fog_replay *);
// Wipe the table's key, unlink and unmap: for a key that is destroyed. Accepts NULL. Returns 0 or -errno
// (the file stays, but is no table any more).
int fog_replay_destroy(struct fog_replay *);
// The same in slices, for a thread that has other things to do: until it no longer returns 1. The first
// one wipes and unlinks.
int fog_replay_destroy_step(struct fog_replay *);

// Where a tag belongs in one table.
struct fog_replay_place {
	uint64_t line; // cache line that is looked at first
	uint64_t fingerprint; // never 0
};

// Compute the places of 'n' tags of FOG_REPLAY_TAG_LEN bytes each and begin to bring their lines into
// cache; 8 to 32 at a time hide the memory's latency. Any worker.
void fog_replay_prefetch(
        const struct fog_replay *, unsigned n, const uint8_t *const tag[],
        struct fog_replay_place place[]
);
// Claim the tag at 'place', as computed for this table. Any worker, any time, lock-free.
// Returns 0 when this call is the first to see it, -EEXIST for a replay, -ENOSPC when the table is
// full (drop: accepting would open a replay window).
int fog_replay_claim(struct fog_replay *, const struct fog_replay_place *place);

uint64_t fog_replay_count(const struct fog_replay *); // tags claimed, exact after the writers pause
uint64_t fog_replay_capacity(const struct fog_replay *);
