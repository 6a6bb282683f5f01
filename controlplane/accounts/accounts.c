// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "accounts.h"
#include "../../log/log.h"
#include "../now.h"

#include <errno.h>
#include <rhonabwy.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"
#include "wiped.h"

#define SWEEP_US (10 * MINUTE_US)

struct opening {
	struct work work;
	uint8_t proof[HASH_LEN];
	bool fresh, other; // the store has seen no key yet, or another one
};

static int platform_work(struct fog_tx *tx, void *ctx)
{
	struct opening *o = ctx;
	struct fog_rows row;
	int r = fog_db_one(tx, &row, "SELECT name FROM platform", FOG_NONE);

	if (r == 0)
		snprintf(
		        o->work.a->platform, sizeof(o->work.a->platform), "%s",
		        fog_rows_text(&row, 0)
		);
	fog_rows_end(&row);
	if (r < 0)
		return r;
	r = fog_db_one(tx, &row, "SELECT proof FROM platform_key", FOG_NONE);
	o->fresh = r == -ENOENT;
	fog_rows_end(&row);
	return r == -ENOENT ? 0 : r;
}

static int proof_work(struct fog_tx *tx, void *ctx)
{
	struct opening *o = ctx;
	struct fog_rows row;
	size_t len = 0;
	int r = fog_db_run(
	        tx,
	        "INSERT INTO platform_key (only_row, proof) VALUES (1, $1) ON CONFLICT DO NOTHING",
	        FOG_BIND(FOG_BYTES(o->proof, sizeof(o->proof)))
	);

	if (r < 0)
		return r;
	r = fog_db_one(tx, &row, "SELECT proof FROM platform_key", FOG_NONE);
	const uint8_t *proof = r == 0 ? fog_rows_bytes(&row, 0, &len) : NULL;
	o->other = r == 0 && (len != sizeof(o->proof) || sodium_memcmp(proof, o->proof, len) != 0);
	fog_rows_end(&row);
	return r;
}

// A key is made only for a store that has not seen one: another one could open nothing in it.
static int accounts_unseal(struct fog_accounts *a, const struct fog_accounts_params *p)
{
	struct fog_denial refusal = {0};
	struct opening o = {.work = {.a = a, .refusal = &refusal}};
	int r = accounts_read(&o.work, platform_work);

	if (r == 0) {
		r = seal_open(&a->seal, p->key_file, o.fresh, p->error, p->error_len);
		if (r < 0)
			return r;
		seal_hash(a->seal, "platform key", "", 0, o.proof, sizeof(o.proof));
		r = accounts_write(&o.work, proof_work);
	}
	if (r < 0) {
		snprintf(p->error, p->error_len, "%s", refusal.text);
		return r;
	}
	if (o.other) {
		snprintf(
		        p->error, p->error_len,
		        "%s: another key made this store: put that one here, from the backup or from another control plane",
		        p->key_file
		);
		return -EKEYREJECTED;
	}
	return 0;
}

static void accounts_init(struct fog_accounts *a, const struct fog_accounts_params *p)
{
	a->db = p->db;
	a->admins_need_totp = p->admins_need_totp;
	a->access_us = (p->access_minutes > 0 ? p->access_minutes : FOG_ACCESS_MINUTES) * MINUTE_US;
	a->refresh_us = (p->refresh_days > 0 ? p->refresh_days : FOG_REFRESH_DAYS) * DAY_US;
	a->now_us = p->now_us != NULL ? p->now_us : fog_now_unix_us;
	a->steady_ms = p->steady_ms != NULL ? p->steady_ms : fog_now_ms;
	a->note = p->note;
	a->note_ctx = p->note_ctx;
	a->version = -1; // so that the first look takes all
	pthread_mutex_init(&a->follow_lock, NULL);
	pthread_mutex_init(&a->chores_lock, NULL);
	pthread_mutex_init(&a->stop_lock, NULL);
	gate_init(&a->gate);
}

int fog_accounts_open(struct fog_accounts **out, const struct fog_accounts_params *p)
{
	struct fog_accounts *a = calloc(1, sizeof(*a));
	int r = -ENOMEM;

	if (a == NULL || sodium_init() < 0 || r_global_init() != RHN_OK) {
		free(a);
		snprintf(p->error, p->error_len, "not enough memory for accounts: free some");
		return -ENOMEM;
	}
	fog_wiped_json(); // librhonabwy gave jansson an allocator of its own
	accounts_init(a, p);
	a->cache = cache_new();
	if (a->cache == NULL || signing_init(&a->signing) < 0) {
		snprintf(
		        p->error, p->error_len,
		        "not enough memory for accounts: free some, or raise LimitMEMLOCK"
		);
		goto err;
	}
	r = fog_db_migrated(p->db, &fog_schema_platform);
	if (r < 0) {
		snprintf(
		        p->error, p->error_len,
		        "the platform's store is not up to date: run 'fogctl store migrate'"
		);
		goto err;
	}
	r = accounts_unseal(a, p);
	if (r < 0)
		goto err;
	r = fog_accounts_follow(a);
	if (r < 0) {
		snprintf(
		        p->error, p->error_len,
		        "cannot read the accounts' keys from the store: see the log"
		);
		goto err;
	}
	*out = a;
	return 0;
err:
	fog_accounts_close(a);
	return r;
}

// What only one thread does, and now and then.
static int accounts_chores(struct fog_accounts *a, struct work *w)
{
	int r = signing_renew(w, false);

	if (r >= 0 && w->now_us - a->used_us >= MINUTE_US) {
		r = key_used(a, w->now_us);
		a->used_us = w->now_us;
	}
	if (r >= 0 && w->now_us - a->swept_us >= SWEEP_US) {
		r = accounts_sweep(w);
		if (r == 0)
			a->swept_us = w->now_us;
	}
	return r;
}

// Said once, not four times a second.
static void accounts_say(struct fog_accounts *a, int r)
{
	if (r < 0 && !a->away)
		LOG_WARN(
		        "accounts: the store does not answer (%s): nobody is let in over TCP while it is away: see that it runs",
		        strerror(-r)
		);
	else if (r >= 0 && a->away)
		LOG_INFO("accounts: the store answers again");
	a->away = r < 0;
}

int fog_accounts_follow(struct fog_accounts *a)
{
	struct fog_denial refusal = {0};
	struct work w = {.a = a, .refusal = &refusal, .now_us = a->now_us()};
	int r = mirror_follow(a);

	pthread_mutex_lock(&a->chores_lock);
	if (r >= 0)
		r = accounts_chores(a, &w);
	accounts_say(a, r);
	pthread_mutex_unlock(&a->chores_lock);
	return r < 0 ? r : 0;
}

static void *accounts_run(void *ctx)
{
	struct fog_accounts *a = ctx;

	pthread_mutex_lock(&a->stop_lock);
	while (!a->stop) {
		struct timespec until = fog_deadline(FOG_MIRROR_MS);

		pthread_cond_timedwait(&a->stop_cond, &a->stop_lock, &until);
		if (a->stop)
			break;
		pthread_mutex_unlock(&a->stop_lock);
		fog_accounts_follow(a);
		pthread_mutex_lock(&a->stop_lock);
	}
	pthread_mutex_unlock(&a->stop_lock);
	return NULL;
}

int fog_accounts_start(struct fog_accounts *a)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->stop_cond, &attr);
	pthread_condattr_destroy(&attr);
	int r = pthread_create(&a->thread, NULL, accounts_run, a);
	a->started = r == 0;
	return -r;
}

void fog_accounts_close(struct fog_accounts *a)
{
	if (a == NULL)
		return;
	if (a->started) {
		pthread_mutex_lock(&a->stop_lock);
		a->stop = true;
		pthread_cond_signal(&a->stop_cond);
		pthread_mutex_unlock(&a->stop_lock);
		pthread_join(a->thread, NULL);
		pthread_cond_destroy(&a->stop_cond);
	}
	if (a->seal != NULL)
		key_used(a, a->now_us());
	gate_destroy(&a->gate);
	pthread_mutex_destroy(&a->stop_lock);
	pthread_mutex_destroy(&a->chores_lock);
	pthread_mutex_destroy(&a->follow_lock);
	signing_destroy(&a->signing);
	cache_free(a->cache);
	seal_close(a->seal);
	r_global_close();
	free(a);
}

const char *fog_accounts_platform(const struct fog_accounts *a)
{
	return a->platform;
}

uint64_t fog_accounts_hashes(struct fog_accounts *a)
{
	return atomic_load(&a->hashes);
}

json_t *fog_accounts_jwks(struct fog_accounts *a)
{
	return signing_jwks(&a->signing, a->now_us());
}

int fog_accounts_rotate(struct fog_accounts *a, struct fog_denial *refusal)
{
	struct work w = {.a = a, .refusal = refusal, .now_us = a->now_us()};

	return signing_renew(&w, true);
}
