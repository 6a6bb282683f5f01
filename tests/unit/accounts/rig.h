// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Accounts on a store as store_rig.h has it, with clocks that a test sets.
#pragma once

#include <CUnit/Basic.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../controlplane/accounts/accounts.h"
#include "../run.h"
#include "../store/store_rig.h"

#define RIG_SECOND ((int64_t)1000000)
#define RIG_MINUTE (60 * RIG_SECOND)
#define RIG_DAY (24 * 60 * RIG_MINUTE)
#define RIG_PASSWORD "an owl in the fog"
#define RIG_HOME "192.0.2.7"

static _Atomic int64_t rig_now_us = 1800000000 * RIG_SECOND;
static _Atomic uint64_t rig_ms = 1000000;

static inline int64_t rig_now(void)
{
	return rig_now_us;
}

static inline uint64_t rig_steady(void)
{
	return rig_ms;
}

static inline const char *rig_key_file(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/fogline-test-%d.key", (int)getpid());
	return path;
}

// What the audit was told, a line each.
static char rig_noted[4096];
static pthread_mutex_t rig_note_lock = PTHREAD_MUTEX_INITIALIZER;

static inline void rig_note(void *ctx, const char *action, const char *object, const char *details)
{
	pthread_mutex_lock(&rig_note_lock);
	size_t len = strlen(rig_noted);
	snprintf(rig_noted + len, sizeof(rig_noted) - len, "%s %s %s\n", action, object, details);
	pthread_mutex_unlock(&rig_note_lock);
}

// Accounts of one more control plane on the store.
static inline struct fog_accounts *rig_accounts_with(struct fog_db *db, bool totp)
{
	char error[256] = "";
	struct fog_accounts *a = NULL;
	struct fog_accounts_params p = {
	        .db = db,
	        .key_file = rig_key_file(),
	        .admins_need_totp = totp,
	        .now_us = rig_now,
	        .steady_ms = rig_steady,
	        .note = rig_note,
	        .error = error,
	        .error_len = sizeof(error)};
	int r = fog_accounts_open(&a, &p);

	if (r < 0)
		fprintf(stderr, "%s\n", error);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	return a;
}

static inline struct fog_accounts *rig_accounts(struct fog_db *db)
{
	return rig_accounts_with(db, false);
}

static inline struct fog_db *rig_store(void)
{
	unlink(rig_key_file());
	rig_put_key(rig_key_file());
	return rig_open_migrated();
}

static inline void rig_end(struct fog_accounts *a, struct fog_db *db)
{
	fog_accounts_close(a);
	rig_close(db);
	unlink(rig_key_file());
}

static inline int64_t rig_user(
        struct fog_accounts *a, const char *name, const char *password, uint32_t roles
)
{
	struct fog_user_new n = {.name = name, .password = password, .roles = roles};
	struct fog_denial refusal;
	struct fog_user u;
	int r = fog_user_add(a, &n, &u, &refusal);

	if (r < 0)
		fprintf(stderr, "%s: %s\n", name, refusal.text);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	return u.id;
}

static inline int rig_login_from(
        struct fog_accounts *a, const char *name, const char *password, const char *code,
        const char *source, struct fog_tokens *t, struct fog_denial *refusal
)
{
	struct fog_login l = {.name = name, .password = password, .code = code, .source = source};

	return fog_login(a, &l, t, refusal);
}

static inline void rig_login(struct fog_accounts *a, const char *name, struct fog_tokens *t)
{
	struct fog_denial refusal;
	int r = rig_login_from(a, name, RIG_PASSWORD, NULL, RIG_HOME, t, &refusal);

	if (r < 0)
		fprintf(stderr, "%s: %s: %s\n", name, refusal.code, refusal.text);
	CU_ASSERT_EQUAL_FATAL(r, 0);
}

static inline int rig_find(
        struct fog_accounts *a, const char *bearer, struct fog_caller *c, struct fog_denial *refusal
)
{
	return fog_caller_find(a, bearer, strlen(bearer), c, refusal);
}

// A refusal of this kind, and nothing else. 'what' is evaluated once.
#define CHECK_REFUSED(what, error, is_code, is_why) \
	do { \
		int refused_r = (what); \
		const char *refused_why = refusal.why != NULL ? refusal.why : refusal.code; \
		CU_ASSERT_EQUAL(refused_r, error); \
		if (refused_r == (error)) { \
			CU_ASSERT_STRING_EQUAL(refusal.code, is_code); \
			CU_ASSERT_STRING_EQUAL(refused_why, is_why); \
			if (strcmp(refusal.code, is_code) != 0 || \
			    strcmp(refused_why, is_why) != 0) \
				fprintf(stderr, "line %d: %s, %s\n", __LINE__, refusal.code, \
				        refused_why); \
		} else { \
			fprintf(stderr, "line %d: %d\n", __LINE__, refused_r); \
		} \
	} while (0)
