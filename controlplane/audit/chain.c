// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#define LOG_MODULE "audit"
#include "chain.h"
#include "../../log/log.h"
#include "../now.h"
#include "chain_private.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int chain_tables(struct fog_audit_chain *c)
{
	c->refusals = calloc(1, sizeof(*c->refusals));
	c->writing = calloc(1, sizeof(*c->writing));
	return c->refusals != NULL && c->writing != NULL ? 0 : -ENOMEM;
}

static int chain_heads(struct fog_audit_chain *c, const struct fog_audit_params *params)
{
	uint8_t public_key[32];

	crypto_sign_ed25519_sk_to_pk(public_key, params->secret_key);
	fog_audit_chain_name(public_key, c->id);
	int r = audit_head_open(&c->heads, params->head_path, params->secret_key, c->id, &c->tail);
	c->head_unread = r == 1;
	memcpy(c->tail.chain, c->id, sizeof(c->id));
	return r < 0 ? r : 0;
}

static void chain_forget(struct audit_queue *l)
{
	while (l->first != NULL) {
		struct audit_pending *next = l->first->next;
		free(l->first);
		l->first = next;
	}
	l->last = &l->first;
}

static void chain_free(struct fog_audit_chain *c)
{
	chain_forget(&c->posted);
	fog_audit_list_free(&c->open);
	audit_head_close(&c->heads);
	pthread_cond_destroy(&c->told);
	pthread_cond_destroy(&c->flushed);
	pthread_cond_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
	free(c->refusals);
	free(c->writing);
	free(c);
}

static void chain_locks(struct fog_audit_chain *c)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->work, &attr);
	pthread_cond_init(&c->told, &attr);
	pthread_cond_init(&c->flushed, NULL);
	pthread_condattr_destroy(&attr);
}

int fog_audit_chain_create(struct fog_audit_chain **out, const struct fog_audit_params *params)
{
	struct fog_audit_chain *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return -ENOMEM;
	c->db = params->db;
	c->brief = params->brief;
	snprintf(c->begun, sizeof(c->begun), "%s", params->begun != NULL ? params->begun : "");
	c->heads.fd = -1;
	c->appended.last = &c->appended.first;
	c->posted.last = &c->posted.first;
	c->minute_ms = fog_now_ms() + AUDIT_MINUTE_MS;
	if (c->brief)
		c->head_ms = fog_now_ms() + UINT64_C(1000) * FOG_AUDIT_HEAD_S;
	atomic_store(&c->away, true);
	chain_locks(c);
	r = chain_tables(c);
	if (r == 0)
		r = chain_heads(c, params);
	if (r == 0)
		*out = c;
	else
		chain_free(c);
	return r;
}

int fog_audit_chain_start(struct fog_audit_chain *c)
{
	int r = -pthread_create(&c->thread, NULL, audit_write_thread, c);

	if (r < 0)
		return r;
	pthread_mutex_lock(&c->lock);
	c->running = true;
	while (!c->opened)
		pthread_cond_wait(&c->flushed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

int fog_audit_chain_open(struct fog_audit_chain **out, const struct fog_audit_params *params)
{
	int r = fog_audit_chain_create(out, params);

	if (r == 0) {
		r = fog_audit_chain_start(*out);
		if (r < 0)
			chain_free(*out);
	}
	return r;
}

void fog_audit_chain_close(struct fog_audit_chain *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	if (c->running)
		pthread_join(c->thread, NULL);
	if (c->waiting > 0 || c->lost > 0)
		LOG_ERR("%llu rows of the audit are lost: the store has taken none until the end",
		        (unsigned long long)c->waiting + c->lost);
	chain_free(c);
}

const char *fog_audit_chain_id(const struct fog_audit_chain *c)
{
	return c->id;
}

bool fog_audit_chain_away(const struct fog_audit_chain *c)
{
	return atomic_load_explicit(&c->away, memory_order_relaxed);
}

// Under the lock.
static void chain_queue(struct audit_queue *l, struct audit_pending *p)
{
	*l->last = p;
	l->last = &p->next;
}

int fog_audit_chain_append(
        struct fog_audit_chain *c, const struct fog_audit_event *e, int64_t *sequence
)
{
	struct audit_pending p = {.written = PTHREAD_COND_INITIALIZER};

	if (e->action == NULL || e->action[0] == '\0')
		return -EINVAL;
	audit_pending_fill(&p, e);
	pthread_mutex_lock(&c->lock);
	if (!c->running) {
		pthread_mutex_unlock(&c->lock);
		return -EAGAIN;
	}
	chain_queue(&c->appended, &p);
	pthread_cond_signal(&c->work);
	while (!p.done)
		pthread_cond_wait(&p.written, &c->lock);
	pthread_mutex_unlock(&c->lock);
	pthread_cond_destroy(&p.written);
	if (p.result == 0 && sequence != NULL)
		*sequence = p.row.sequence;
	return p.result;
}

// Under the lock.
static void chain_lost(struct fog_audit_chain *c, const char *action)
{
	c->lost++;
	c->lost_ever++;
	if (c->full)
		return;
	c->full = true;
	LOG_WARN(
	        "rows of the audit are lost from %s on: %u wait, and the store takes none: see that it answers and has space",
	        action, c->waiting
	);
}

// Under the lock, left without the row. Returns 0 when it is durable in time, or 1.
static int post_wait(struct fog_audit_chain *c, struct audit_pending *p, int wait_ms)
{
	const struct timespec until = fog_deadline(wait_ms);

	while (!p->done && !p->tried && wait_ms > 0 && !atomic_load(&c->away) &&
	       pthread_cond_timedwait(&c->told, &c->lock, &until) == 0)
		continue;
	if (!p->done) {
		p->left = true;
		return 1;
	}
	free(p);
	return 0;
}

int fog_audit_chain_post(struct fog_audit_chain *c, const struct fog_audit_event *e, int wait_ms)
{
	struct audit_pending *p = calloc(1, sizeof(*p));
	int r = 0;

	if (e->action == NULL || e->action[0] == '\0') {
		free(p);
		return -EINVAL;
	}
	if (p != NULL)
		audit_pending_fill(p, e);
	pthread_mutex_lock(&c->lock);
	if (p == NULL || c->waiting == FOG_AUDIT_WAITING_MAX) {
		chain_lost(c, e->action);
		r = p == NULL ? -ENOMEM : -ENOBUFS;
	} else {
		p->posted = true;
		c->waiting++;
		chain_queue(&c->posted, p);
		pthread_cond_signal(&c->work);
		r = post_wait(c, p, wait_ms);
	}
	pthread_mutex_unlock(&c->lock);
	if (r < 0)
		free(p);
	return r;
}

void fog_audit_chain_state(struct fog_audit_chain *c, struct fog_audit_state *s)
{
	pthread_mutex_lock(&c->lock);
	*s = (struct fog_audit_state){atomic_load(&c->away), c->waiting, c->lost_ever};
	pthread_mutex_unlock(&c->lock);
}

void fog_audit_chain_anonymous(
        struct fog_audit_chain *c, const char *source, const char *action, unsigned status
)
{
	int64_t now = fog_now_unix_us();

	pthread_mutex_lock(&c->lock);
	audit_refusals_add(c->refusals, source, action, status, now);
	pthread_mutex_unlock(&c->lock);
}

int fog_audit_chain_flush(struct fog_audit_chain *c)
{
	pthread_mutex_lock(&c->lock);
	uint64_t mine = ++c->flush_wanted;
	pthread_cond_signal(&c->work);
	while (c->flush_done < mine)
		pthread_cond_wait(&c->flushed, &c->lock);
	int r = c->flush_result;
	pthread_mutex_unlock(&c->lock);
	return r;
}
