// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_platform.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "node.h"
#include "now.h"

enum { PLATFORM_RETRY_MS = 1000, PLATFORM_TEXT = 400 };

struct node_platform {
	struct fog_node *node;
	struct fog_db *db;
	struct fog_rates *rates;
	struct fog_accounts *accounts;
	struct fog_usage *usage;
	struct fog_audit_chain *audit;
	_Atomic bool up; // what stands above may be used
	bool running; // the thread is
	pthread_t thread;
	pthread_mutex_t lock; // of 'stop' and 'text'
	pthread_cond_t wake;
	bool stop;
	char text[PLATFORM_TEXT]; // why it isn't up
};

static bool platform_later(int error)
{
	return error == -EAGAIN || error == -EBUSY;
}

static void platform_note(void *ctx, const char *action, const char *object, const char *details)
{
	const struct node_platform *p = ctx;

	node_platform_note(
	        p->node,
	        &(struct fog_audit_event){.action = action, .object = object, .details = details}, 0
	);
}

static int platform_open_accounts(struct node_platform *p, char *error)
{
	const struct fog_config_accounts *c = &p->node->started->accounts;
	char path[FOG_CONFIG_PATH_LEN + 32];
	const struct fog_accounts_params params = {
	        .db = p->db,
	        .key_file = c->key_file[0] != '\0' ? c->key_file : path,
	        .admins_need_totp = c->require_totp,
	        .access_minutes = c->token_minutes,
	        .refresh_days = c->refresh_days,
	        .note = platform_note,
	        .note_ctx = p,
	        .error = error,
	        .error_len = PLATFORM_TEXT,
	};
	int r = fog_node_state_path(p->node, "platform.key", path, sizeof(path));

	if (r == 0)
		r = fog_accounts_open(&p->accounts, &params);
	return r < 0 ? r : fog_accounts_start(p->accounts);
}

// It is there from the start, so that refusals are noted that the store is too late for.
static int platform_create_audit(struct node_platform *p)
{
	char path[FOG_CONFIG_PATH_LEN + 32];
	const struct fog_audit_params params = {
	        .db = p->db,
	        .secret_key = p->node->identity->secret_key,
	        .head_path = path,
	};
	int r = fog_node_state_path(p->node, "audit-head.jsonl", path, sizeof(path));

	return r == 0 ? fog_audit_chain_create(&p->audit, &params) : r;
}

static void platform_shut(struct node_platform *p)
{
	fog_usage_close(p->usage);
	fog_accounts_close(p->accounts);
	p->usage = NULL;
	p->accounts = NULL;
}

// All or nothing, so that it can be tried again.
static int platform_try(struct node_platform *p, char *error)
{
	char details[32];
	int r = fog_db_migrate(p->db, &fog_schema_platform, 0, error, PLATFORM_TEXT);

	snprintf(details, sizeof(details), "{\"steps\":%d}", r);
	if (r > 0)
		platform_note(p, "store.migrate", "store", details);
	if (r >= 0)
		r = platform_open_accounts(p, error);
	if (r == 0)
		r = fog_usage_open(&p->usage, &(struct fog_usage_params){.db = p->db});
	if (r == 0)
		r = fog_audit_chain_start(p->audit);
	if (r < 0) {
		platform_shut(p);
		return r;
	}
	atomic_store_explicit(&p->up, true, memory_order_release);
	return 0;
}

// Wait for the next try. Returns whether there is to be one.
static bool platform_wait(struct node_platform *p, const char *text)
{
	const struct timespec until = fog_deadline(PLATFORM_RETRY_MS);

	pthread_mutex_lock(&p->lock);
	snprintf(p->text, sizeof(p->text), "%s", text);
	while (!p->stop && pthread_cond_timedwait(&p->wake, &p->lock, &until) != ETIMEDOUT)
		continue;
	bool go_on = !p->stop;
	pthread_mutex_unlock(&p->lock);
	return go_on;
}

static void *platform_run(void *arg)
{
	struct node_platform *p = arg;
	char error[PLATFORM_TEXT] = "", said[PLATFORM_TEXT];

	snprintf(said, sizeof(said), "%s", p->text);
	while (platform_wait(p, said)) {
		int r = platform_try(p, error);
		if (r == 0) {
			LOG_INFO("the platform's store answers");
			break;
		}
		if (strcmp(error, said) != 0) // each reason once
			LOG_ERR("the platform's store: %s", error);
		snprintf(said, sizeof(said), "%s", error);
	}
	return NULL;
}

static int platform_open_store(struct fog_node *n, struct node_platform *p)
{
	const struct fog_config_store *c = &n->started->store;
	char path[FOG_CONFIG_PATH_LEN + 32], error[PLATFORM_TEXT] = "";
	struct fog_db_params params = {
	        .url = c->url,
	        .password_file = c->password_file[0] != '\0' ? c->password_file : NULL,
	        .error = error,
	        .error_len = sizeof(error),
	};
	int r = 0;

	if (c->url[0] == '\0') {
		r = fog_node_state_path(n, "platform.db", path, sizeof(path));
		params.url = path;
	}
	if (r == 0 && (r = fog_db_open(&p->db, &params)) < 0)
		LOG_ERR("the platform's store: %s", error);
	return r;
}

static int platform_open_rates(struct node_platform *p)
{
	const struct fog_config_limits *c = &p->node->started->limits;
	const struct fog_rates_params params = {
	        .a_minute =
	                {[FOG_RATE_AUTH] = c->auth,
	                 [FOG_RATE_WRITE] = c->write,
	                 [FOG_RATE_READ] = c->read},
	        .shared = fog_db_shared(p->db) ? p->db : NULL,
	};

	return fog_rates_open(&p->rates, &params);
}

static int platform_begin(struct node_platform *p)
{
	int r = platform_try(p, p->text);

	if (r == 0)
		return 0;
	LOG_ERR("the platform's store: %s", p->text);
	if (!platform_later(r))
		return r;
	LOG_WARN("nobody is let in by TCP until the platform's store answers; packets flow");
	r = -pthread_create(&p->thread, NULL, platform_run, p);
	p->running = r == 0;
	return r;
}

int node_platform_create(struct fog_node *n)
{
	struct node_platform *p = calloc(1, sizeof(*p));
	pthread_condattr_t clock;
	int r;

	if (p == NULL)
		return -ENOMEM;
	p->node = n;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &clock);
	pthread_condattr_destroy(&clock);
	n->platform = p;
	r = platform_open_store(n, p);
	if (r == 0)
		r = platform_open_rates(p);
	if (r == 0)
		r = platform_create_audit(p);
	return r < 0 ? r : platform_begin(p);
}

void node_platform_destroy(struct fog_node *n)
{
	struct node_platform *p = n->platform;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	if (p->running)
		pthread_join(p->thread, NULL);
	platform_shut(p); // its threads write to the audit
	fog_audit_chain_close(p->audit);
	fog_rates_close(p->rates);
	fog_db_close(p->db);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
	n->platform = NULL;
}

static bool platform_up(const struct fog_node *n)
{
	return n->platform != NULL && atomic_load_explicit(&n->platform->up, memory_order_acquire);
}

struct fog_accounts *node_platform_accounts(const struct fog_node *n)
{
	return platform_up(n) ? n->platform->accounts : NULL;
}

struct fog_db *node_platform_store(const struct fog_node *n)
{
	return platform_up(n) ? n->platform->db : NULL;
}

struct fog_usage *node_platform_usage(const struct fog_node *n)
{
	return platform_up(n) ? n->platform->usage : NULL;
}

struct fog_audit_chain *node_platform_audit(const struct fog_node *n)
{
	return n->platform != NULL ? n->platform->audit : NULL;
}

void node_platform_note(const struct fog_node *n, const struct fog_audit_event *event, int wait_ms)
{
	struct fog_audit_event e = *event;

	e.actor_kind = FOG_AUDIT_SYSTEM;
	e.source = "node";
	if (n->platform != NULL)
		fog_audit_chain_post(n->platform->audit, &e, wait_ms);
}

struct fog_rates *node_platform_rates(const struct fog_node *n)
{
	return n->platform != NULL ? n->platform->rates : NULL;
}

static unsigned platform_warn_audit(
        struct node_platform *p, void (*warn)(void *ctx, const char *code, const char *text),
        void *ctx
)
{
	struct fog_audit_state state;
	char text[PLATFORM_TEXT];
	unsigned count = 0;

	if (p->audit == NULL)
		return 0;
	fog_audit_chain_state(p->audit, &state);
	if (state.away && atomic_load_explicit(&p->up, memory_order_acquire)) {
		snprintf(
		        text, sizeof(text),
		        "the audit takes no rows (%u wait): nothing is changed over the API until it does: make room, or bring the store back",
		        state.waiting
		);
		warn(ctx, "audit_away", text);
		count++;
	}
	if (state.lost > 0) {
		snprintf(
		        text, sizeof(text),
		        "%llu rows of refusals are not in the audit: the store was away for too long",
		        (unsigned long long)state.lost
		);
		warn(ctx, "audit_lost", text);
		count++;
	}
	return count;
}

unsigned node_platform_warnings(
        const struct fog_node *n, void (*warn)(void *ctx, const char *code, const char *text),
        void *ctx
)
{
	char text[PLATFORM_TEXT];
	unsigned count;

	if (n->platform == NULL)
		return 0;
	count = platform_warn_audit(n->platform, warn, ctx);
	if (platform_up(n))
		return count;
	pthread_mutex_lock(&n->platform->lock);
	snprintf(text, sizeof(text), "%s", n->platform->text);
	pthread_mutex_unlock(&n->platform->lock);
	warn(ctx, "store_away", text);
	return count + 1;
}
