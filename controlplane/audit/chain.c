// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "chain.h"
#include "../now.h"
#include "chain_private.h"

#include <errno.h>
#include <sodium.h>
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

static void chain_free(struct fog_audit_chain *c)
{
	audit_head_close(&c->heads);
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
	pthread_cond_init(&c->flushed, NULL);
	pthread_condattr_destroy(&attr);
}

int fog_audit_chain_open(struct fog_audit_chain **out, const struct fog_audit_params *params)
{
	struct fog_audit_chain *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return -ENOMEM;
	c->db = params->db;
	c->heads.fd = -1;
	c->last = &c->first;
	c->minute_ms = fog_now_ms() + AUDIT_MINUTE_MS;
	chain_locks(c);
	r = chain_tables(c);
	if (r == 0)
		r = chain_heads(c, params);
	if (r == 0)
		r = -pthread_create(&c->thread, NULL, audit_write_thread, c);
	if (r < 0)
		goto err;
	pthread_mutex_lock(&c->lock);
	while (!c->opened)
		pthread_cond_wait(&c->flushed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	*out = c;
	return 0;
err:
	chain_free(c);
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
	pthread_join(c->thread, NULL);
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

// Under the lock. Whose row it is must not leave before it is done.
static void chain_queue(struct fog_audit_chain *c, struct audit_pending *p)
{
	*c->last = p;
	c->last = &p->next;
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
	chain_queue(c, &p);
	pthread_cond_signal(&c->work);
	while (!p.done)
		pthread_cond_wait(&p.written, &c->lock);
	pthread_mutex_unlock(&c->lock);
	pthread_cond_destroy(&p.written);
	if (p.result == 0 && sequence != NULL)
		*sequence = p.row.sequence;
	return p.result;
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
