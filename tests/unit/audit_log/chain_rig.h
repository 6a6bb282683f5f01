// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A store, a node's key and a folder for its heads; what a test asks of the audit, and raw SQL past it.
#pragma once

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../controlplane/audit/chain.h"
#include "../../../controlplane/audit/search.h"
#include "../../../controlplane/audit/verify.h"
#include "../run.h"
#include "../store/store_rig.h"

struct chain_rig {
	struct fog_db *db;
	char folder[64], heads[96];
	uint8_t public_key[32], secret_key[64];
	char id[FOG_AUDIT_CHAIN_LEN];
	struct fog_audit_chain *chain;
	struct fog_audit_verdict old; // of what was in the store before
};

static inline void chain_open(struct chain_rig *rig)
{
	const struct fog_audit_params p = {rig->db, rig->secret_key, rig->heads, false, NULL};

	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_open(&rig->chain, &p), 0);
}

static inline void chain_close(struct chain_rig *rig)
{
	fog_audit_chain_close(rig->chain);
	rig->chain = NULL;
}

static inline void chain_rig_start_on(struct chain_rig *rig, struct fog_db *db)
{
	uint8_t seed[32] = {1};

	memset(rig, 0, sizeof(*rig));
	rig->db = db;
	const struct fog_audit_verify before = {0};
	CU_ASSERT_EQUAL_FATAL(fog_audit_verify(rig->db, &before, &rig->old), 0);
	CU_ASSERT_EQUAL_FATAL(rig->old.findings, 0);
	snprintf(rig->folder, sizeof(rig->folder), "/tmp/fogline-audit-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(rig->folder));
	snprintf(rig->heads, sizeof(rig->heads), "%s/audit-head.jsonl", rig->folder);
	crypto_sign_seed_keypair(rig->public_key, rig->secret_key, seed);
	fog_audit_chain_name(rig->public_key, rig->id);
	chain_open(rig);
}

static inline void chain_rig_start(struct chain_rig *rig)
{
	chain_rig_start_on(rig, rig_open_migrated());
}

static inline void chain_rig_stop(struct chain_rig *rig)
{
	char command[128];

	chain_close(rig);
	rig_close(rig->db);
	snprintf(command, sizeof(command), "rm -rf %s", rig->folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static inline struct fog_audit_event event_of(const char *action)
{
	return (struct fog_audit_event){
	        .actor_kind = FOG_AUDIT_USER,
	        .actor_id = "17",
	        .actor_name = "alice",
	        .action = action,
	        .object = "user/18",
	        .source = "192.0.2.7",
	        .request_id = "r1",
	        .correlation_id = "c1",
	        .method = "POST",
	        .path = "/v1/users",
	        .status = 201,
	        .outcome = FOG_AUDIT_DONE,
	        .duration_us = 1234,
	        .details = "{\"role\":\"operator\"}",
	};
}

static inline int64_t append(struct chain_rig *rig, const char *action)
{
	const struct fog_audit_event e = event_of(action);
	int64_t sequence = 0;

	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_append(rig->chain, &e, &sequence), 0);
	return sequence;
}

struct found {
	struct fog_audit_verdict verdict;
	unsigned count;

	struct {
		enum fog_audit_fault fault;
		int64_t sequence, last;
	} list[FOG_AUDIT_FINDINGS_MAX];
};

static inline void found_note(void *ctx, const struct fog_audit_finding *f)
{
	struct found *all = ctx;

	if (all->count == FOG_AUDIT_FINDINGS_MAX)
		return;
	all->list[all->count].fault = f->fault;
	all->list[all->count].sequence = f->sequence;
	all->list[all->count++].last = f->last;
}

// Without what was there before. 'own' may be NULL.
static inline struct found verify_by(
        struct chain_rig *rig, const char *own, const char *const *heads, unsigned n
)
{
	struct found all = {0};
	const struct fog_audit_verify v = {
	        .head_path = heads, .heads = n, .own = own, .found = found_note, .ctx = &all};

	CU_ASSERT_EQUAL_FATAL(fog_audit_verify(rig->db, &v, &all.verdict), 0);
	all.verdict.chains -= rig->old.chains;
	all.verdict.rows -= rig->old.rows;
	all.verdict.unwatched -= rig->old.unwatched;
	return all;
}

static inline struct found verify(struct chain_rig *rig)
{
	const char *path = rig->heads;

	return verify_by(rig, rig->id, &path, 1);
}

// Whether exactly this is found.
static inline bool found_only(
        const struct found *f, enum fog_audit_fault fault, int64_t from, int64_t to
)
{
	for (unsigned i = 0; i < f->count; i++)
		printf("    found: %s %lld to %lld\n", fog_audit_fault_name[f->list[i].fault],
		       (long long)f->list[i].sequence, (long long)f->list[i].last);
	return f->verdict.findings == 1 && f->list[0].fault == fault &&
	        f->list[0].sequence == from && f->list[0].last == to;
}

struct raw {
	const char *sql;
	int64_t a, b;
};

static inline int raw_run(struct fog_tx *tx, void *ctx)
{
	const struct raw *raw = ctx;

	return fog_db_run(tx, raw->sql, FOG_BIND(FOG_INT(raw->a), FOG_INT(raw->b)));
}

// 'sql' uses both $1 and $2, or none.
static inline int raw_numbers(struct fog_db *db, const char *sql, int64_t a, int64_t b)
{
	struct raw raw = {sql, a, b};

	return fog_db_write(db, raw_run, &raw);
}

static inline int raw_plain_run(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, ctx, FOG_NONE);
}

static inline int raw(struct fog_db *db, const char *sql)
{
	return fog_db_write(db, raw_plain_run, (void *)sql);
}

// What somebody does who owns the database.
static inline void triggers_drop(struct fog_db *db)
{
	static const char *const sqlite[] = {
	        "DROP TRIGGER audit_update", "DROP TRIGGER audit_delete",
	        "DROP TRIGGER audit_replace"};
	static const char *const postgres[] = {
	        "DROP TRIGGER audit_change ON audit", "DROP TRIGGER audit_truncate ON audit"};

	for (int i = 0; i < 3 && !rig_is_shared(); i++)
		CU_ASSERT_TRUE_FATAL(raw(db, sqlite[i]) >= 0);
	for (int i = 0; i < 2 && rig_is_shared(); i++)
		CU_ASSERT_TRUE_FATAL(raw(db, postgres[i]) >= 0);
}
