// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Keys by epoch as they were announced, by us and by others, and proofs of delays.
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "private.h"

enum {
	EPOCHS_KEEP_PROOFS = 10000, // epochs
	EPOCHS_KEEP_DAYS = 7,
	EPOCHS_KEEP_KEYS = 8, // no packet can be made for an epoch so long past
	EPOCHS_FAR = 64, // epochs so far ahead were counted when epochs were shorter
};

// Step a statement that yields one row of one blob. Returns 0, -ENOENT, -EIO.
static int epochs_blob(
        struct fog_store *s, sqlite3_stmt *st, const char *doing, uint8_t *out, int len
)
{
	int r = -ENOENT, e = sqlite3_step(st);

	if (e == SQLITE_ROW && sqlite3_column_bytes(st, 0) == len) {
		memcpy(out, sqlite3_column_blob(st, 0), (size_t)len);
		r = 0;
	} else if (e != SQLITE_ROW && e != SQLITE_DONE) {
		r = store_error(s, doing);
	}
	sqlite3_reset(st);
	return r;
}

int fog_store_announced(
        struct fog_store *s, uint64_t epoch, uint8_t public_key[32], uint8_t network[32]
)
{
	sqlite3_stmt *st = store_statement(s, SQL_ANNOUNCED_GET);
	int r = -ENOENT;

	sqlite3_bind_int64(st, 1, (int64_t)epoch);
	int e = sqlite3_step(st);
	if (e == SQLITE_ROW && sqlite3_column_bytes(st, 0) == 32 &&
	    sqlite3_column_bytes(st, 1) == 32) {
		memcpy(public_key, sqlite3_column_blob(st, 0), 32);
		memcpy(network, sqlite3_column_blob(st, 1), 32);
		r = 0;
	} else if (e != SQLITE_ROW && e != SQLITE_DONE) {
		r = store_error(s, "reading an announced key");
	}
	sqlite3_reset(st);
	return r;
}

static int epochs_announce(
        struct fog_store *s, sqlite3_stmt *st, uint64_t epoch, const uint8_t public_key[32],
        const uint8_t network[32]
)
{
	sqlite3_bind_int64(st, 1, (int64_t)epoch);
	sqlite3_bind_blob(st, 2, public_key, 32, SQLITE_STATIC);
	sqlite3_bind_blob(st, 3, network, 32, SQLITE_STATIC);
	return store_run(s, st, "storing an announced key");
}

int fog_store_announce(
        struct fog_store *s, uint64_t epoch, const uint8_t public_key[32], const uint8_t network[32]
)
{
	return epochs_announce(
	        s, store_statement(s, SQL_ANNOUNCED_PUT), epoch, public_key, network
	);
}

int fog_store_announce_again(
        struct fog_store *s, uint64_t epoch, const uint8_t public_key[32], const uint8_t network[32]
)
{
	return epochs_announce(
	        s, store_statement(s, SQL_ANNOUNCED_AGAIN), epoch, public_key, network
	);
}

int fog_store_announced_open(struct fog_store *s, uint64_t before, uint64_t beyond, uint64_t *epoch)
{
	sqlite3_stmt *st = store_statement(s, SQL_ANNOUNCED_OPEN);
	int r = -ENOENT;

	sqlite3_bind_int64(st, 1, (int64_t)before);
	sqlite3_bind_int64(st, 2, (int64_t)beyond);
	int e = sqlite3_step(st);
	if (e == SQLITE_ROW) {
		*epoch = (uint64_t)sqlite3_column_int64(st, 0);
		r = 0;
	} else if (e != SQLITE_DONE) {
		r = store_error(s, "reading announced keys");
	}
	sqlite3_reset(st);
	return r;
}

int fog_store_announced_end(struct fog_store *s, uint64_t epoch)
{
	sqlite3_stmt *st = store_statement(s, SQL_ANNOUNCED_END);

	sqlite3_bind_int64(st, 1, (int64_t)epoch);
	return store_run(s, st, "ending an announced key");
}

int fog_store_announced_clear(struct fog_store *s)
{
	return store_run(s, store_statement(s, SQL_ANNOUNCED_CLEAR), "forgetting announced keys");
}

int fog_store_identity(struct fog_store *s, const uint8_t node_id[32])
{
	uint8_t known[32];
	bool had = store_meta_get(s, "identity", known, sizeof(known)) == 0;

	if (had && memcmp(known, node_id, sizeof(known)) == 0)
		return 0; // nothing is written: a full disk keeps nobody from starting
	int r = store_meta_put(s, "identity", node_id, 32);
	return r < 0 ? r : had;
}

// With synchronous=NORMAL only a checkpoint waits for the disk.
int fog_store_durable(struct fog_store *s)
{
	pthread_mutex_lock(&s->lock);
	int r = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL) ==
	                SQLITE_OK
	        ? 0
	        : store_error(s, "writing to the disk");
	pthread_mutex_unlock(&s->lock);
	return r;
}

int fog_store_sequence(struct fog_store *s, uint64_t floor, uint64_t *sequence)
{
	uint64_t last = 0;

	store_meta_get(s, "descriptor", &last, sizeof(last));
	*sequence = (last > floor ? last : floor) + 1;
	return store_meta_put(s, "descriptor", sequence, sizeof(*sequence));
}

int fog_store_vrf_from(
        struct fog_store *s, const uint8_t vrf_key[32], uint64_t fresh, uint64_t *from
)
{
	struct {
		uint8_t key[32];
		uint64_t from;
	} known;

	if (store_meta_get(s, "vrf_from", &known, sizeof(known)) < 0 ||
	    memcmp(known.key, vrf_key, 32) != 0) {
		memcpy(known.key, vrf_key, 32);
		known.from = fresh;
	}
	// Counted when epochs were shorter, it would put off the audit for years.
	if (known.from > fresh)
		known.from = fresh;
	*from = known.from;
	return store_meta_put(s, "vrf_from", &known, sizeof(known));
}

int fog_store_seen_key_get(
        struct fog_store *s, const uint8_t node[32], uint64_t epoch, uint8_t public_key[32]
)
{
	sqlite3_stmt *st = store_statement(s, SQL_SEEN_GET);

	sqlite3_bind_blob(st, 1, node, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)epoch);
	return epochs_blob(s, st, "reading a node's key", public_key, 32);
}

int fog_store_seen_key(
        struct fog_store *s, const uint8_t node[32], uint64_t epoch, uint8_t public_key[32]
)
{
	sqlite3_stmt *st = store_statement(s, SQL_SEEN_PUT);
	uint8_t known[32];

	sqlite3_bind_blob(st, 1, node, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)epoch);
	sqlite3_bind_blob(st, 3, public_key, 32, SQLITE_STATIC);
	int r = store_run(s, st, "storing a node's key");
	if (r == 0)
		r = fog_store_seen_key_get(s, node, epoch, known);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	r = memcmp(known, public_key, 32) == 0 ? 0 : -EEXIST;
	memcpy(public_key, known, 32);
	return r;
}

int fog_store_seen_lost(struct fog_store *s, const uint8_t node[32], uint64_t epoch)
{
	sqlite3_stmt *st = store_statement(s, SQL_SEEN_LOST);

	sqlite3_bind_blob(st, 1, node, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)epoch);
	return store_run(s, st, "storing that a node's key is lost");
}

int fog_store_seen_vrf(
        struct fog_store *s, const uint8_t node[32], const uint8_t vrf_key[32], uint64_t *epoch
)
{
	sqlite3_stmt *st = store_statement(s, SQL_VRF_PUT);

	sqlite3_bind_blob(st, 1, node, 32, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, vrf_key, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, (int64_t)*epoch);
	int r = store_run(s, st, "storing a node's VRF key");
	if (r < 0)
		return r;
	st = store_statement(s, SQL_VRF_GET);
	sqlite3_bind_blob(st, 1, node, 32, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, vrf_key, 32, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		*epoch = (uint64_t)sqlite3_column_int64(st, 0);
	else
		r = store_error(s, "reading a node's VRF key");
	sqlite3_reset(st);
	return r;
}

int fog_store_proof_put(
        struct fog_store *s, const uint8_t node[32], uint64_t epoch, const uint8_t proof[80]
)
{
	sqlite3_stmt *st = store_statement(s, SQL_PROOF_PUT);

	sqlite3_bind_blob(st, 1, node, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)epoch);
	sqlite3_bind_blob(st, 3, proof, 80, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, fog_now_unix_us());
	return store_run(s, st, "storing a proof");
}

int fog_store_proof_get(
        struct fog_store *s, const uint8_t node[32], uint64_t epoch, uint8_t proof[80]
)
{
	sqlite3_stmt *st = store_statement(s, SQL_PROOF_GET);

	sqlite3_bind_blob(st, 1, node, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)epoch);
	return epochs_blob(s, st, "reading a proof", proof, 80);
}

int fog_store_proofs(
        struct fog_store *s, const uint8_t node[32], const uint8_t network[32],
        struct fog_store_proof *out, unsigned max
)
{
	sqlite3_stmt *st = store_statement(s, SQL_PROOF_LIST);
	int n = 0, e;

	sqlite3_bind_blob(st, 1, node, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, max);
	sqlite3_bind_blob(st, 3, network, 32, SQLITE_STATIC);
	while ((e = sqlite3_step(st)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(st, 1) != 80)
			continue;
		out[n].epoch = (uint64_t)sqlite3_column_int64(st, 0);
		memcpy(out[n++].proof, sqlite3_column_blob(st, 1), 80);
	}
	sqlite3_reset(st);
	return e == SQLITE_DONE ? n : store_error(s, "reading proofs");
}

static int epochs_prune_keys(struct fog_store *s, int64_t now)
{
	sqlite3_stmt *st = store_statement(s, SQL_PRUNE_SEEN);

	sqlite3_bind_int64(st, 1, now - EPOCHS_KEEP_KEYS);
	sqlite3_bind_int64(st, 2, now + EPOCHS_FAR);
	return store_run(s, st, "forgetting keys of other epochs");
}

static int epochs_prune(struct fog_store *s, enum store_sql which, int64_t before)
{
	sqlite3_stmt *st = store_statement(s, which);

	sqlite3_bind_int64(st, 1, before);
	return store_run(s, st, "forgetting past epochs");
}

void fog_store_prune_epochs(struct fog_store *s, uint64_t now_epoch)
{
	int64_t week = INT64_C(1000000) * FOG_STORE_DAY_S * EPOCHS_KEEP_DAYS;
	int64_t now = (int64_t)now_epoch;

	if (fog_store_begin(s) < 0)
		return;
	int r = epochs_prune(s, SQL_PRUNE_ANNOUNCED, now - EPOCHS_KEEP_PROOFS);
	if (r == 0)
		r = epochs_prune_keys(s, now);
	if (r == 0)
		r = epochs_prune(s, SQL_PRUNE_PROOFS, now - EPOCHS_KEEP_PROOFS);
	if (r == 0)
		r = epochs_prune(s, SQL_PRUNE_PROOFS_AGE, fog_now_unix_us() - week);
	fog_store_end(s, r == 0);
}
