// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The thread that writes: groups of rows, refusals that were counted, heads.
#define LOG_MODULE "audit"
#include "../../log/log.h"
#include "../now.h"
#include "chain_private.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_TRIES = 3, NOTES_MAX = 3 };

static const char tail_text[] =
        "SELECT sequence, hash FROM audit WHERE chain = $1 ORDER BY sequence DESC LIMIT 1";

static const char insert_text[] =
        "INSERT INTO audit(chain, sequence, time_us, status, duration_us, body_digest,"
#define X(name, max) " " #name ","
#include "texts.def"
#undef X
        " previous, hash) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
        " $16, $17, $18, $19, $20)";

struct group {
	struct audit_pending *first;
};

static int row_insert(struct fog_tx *tx, const struct fog_audit_row *row)
{
	struct fog_value v[8 + FOG_AUDIT_TEXTS] = {
	        FOG_TEXT(row->chain), FOG_INT(row->sequence),    FOG_INT(row->time_us),
	        FOG_INT(row->status), FOG_INT(row->duration_us), FOG_NULL,
	};
	unsigned n = 6;

	if (row->body_digest_len > 0)
		v[5] = FOG_BYTES(row->body_digest, row->body_digest_len);
	for (int i = 0; i < FOG_AUDIT_TEXTS; i++)
		v[n++] = FOG_TEXT(row->text[i]);
	v[n++] = FOG_BYTES(row->previous, sizeof(row->previous));
	v[n++] = FOG_BYTES(row->hash, sizeof(row->hash));
	int r = fog_db_run(tx, insert_text, v, n);
	return r < 0 ? r : 0;
}

static int group_insert(struct fog_tx *tx, void *ctx)
{
	const struct group *g = ctx;
	int r = 0;

	for (const struct audit_pending *p = g->first; p != NULL && r == 0; p = p->next)
		r = row_insert(tx, &p->row);
	return r;
}

struct tail {
	const char *chain;
	struct fog_audit_head head;
};

static int tail_read(struct fog_tx *tx, void *ctx)
{
	struct tail *t = ctx;
	struct fog_rows rows;
	size_t len = 0;
	int r = fog_db_one(tx, &rows, tail_text, FOG_BIND(FOG_TEXT(t->chain)));

	memset(&t->head, 0, sizeof(t->head));
	if (r >= 0) {
		const uint8_t *hash = fog_rows_bytes(&rows, 1, &len);
		t->head.sequence = fog_rows_int(&rows, 0);
		if (hash != NULL && len == sizeof(t->head.hash))
			memcpy(t->head.hash, hash, len);
	}
	fog_rows_end(&rows);
	return r == -ENOENT ? 0 : r < 0 ? r : 0;
}

static void tail_take(struct fog_audit_chain *c, const struct fog_audit_head *from)
{
	c->tail.sequence = from->sequence;
	memcpy(c->tail.hash, from->hash, sizeof(c->tail.hash));
}

static bool tail_same(const struct fog_audit_head *a, const struct fog_audit_head *b)
{
	return a->sequence == b->sequence && memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}

// At the first time 'tail' is what the heads' file says. Rows that are gone leave their numbers behind, so the gap stays to
// be found.
static void tail_first(struct fog_audit_chain *c, const struct fog_audit_head *store)
{
	c->ahead = c->missing = 0;
	if (store->sequence > c->tail.sequence) {
		c->ahead = store->sequence - c->tail.sequence;
		tail_take(c, store);
	} else if (!tail_same(store, &c->tail)) {
		c->missing = c->tail.sequence - store->sequence;
		LOG_ERR("the newest rows of the audit are not those that %s tells of: somebody has changed "
		        "the store, or put back an old one: run fogctl audit verify",
		        c->heads.path);
	}
}

static int tail_know(struct fog_audit_chain *c)
{
	struct tail t = {.chain = c->id};
	int r = fog_db_read(c->db, tail_read, &t);

	if (r < 0)
		return r;
	if (!c->started) {
		tail_first(c, &t.head);
	} else if (t.head.sequence > c->tail.sequence) {
		if (!tail_same(&t.head, &c->doubt))
			c->foreign += t.head.sequence - c->tail.sequence;
		tail_take(c, &t.head);
	}
	c->known = true;
	return c->started ? 0 : audit_left_read(c);
}

static void group_number(
        struct fog_audit_chain *c, struct audit_pending *first, struct fog_audit_head *last
)
{
	*last = c->tail;
	for (struct audit_pending *p = first; p != NULL; p = p->next) {
		p->row.chain = c->id;
		p->row.sequence = ++last->sequence;
		memcpy(p->row.previous, last->hash, sizeof(last->hash));
		fog_audit_row_hash(&p->row, p->row.hash);
		memcpy(last->hash, p->row.hash, sizeof(last->hash));
		last->time_us = p->row.time_us;
	}
}

static void group_written(struct fog_audit_chain *c, const struct fog_audit_head *last)
{
	c->tail = *last;
	c->started = true;
	c->foreign = 0;
	fog_audit_list_free(&c->open);
	atomic_store(&c->away, false);
	if (c->away_us != 0)
		LOG_INFO("the store takes rows of the audit again");
	c->away_us = 0;
	int r = audit_head_newest(&c->heads, &c->tail);
	if (r < 0)
		LOG_ERR("%s: cannot say how far the audit has come: %s: free some space, or give it to the "
		        "control plane's user",
		        c->heads.path, strerror(-r));
}

static void group_refused(struct fog_audit_chain *c, int r)
{
	c->known = false;
	c->retry_ms = fog_now_ms() + AUDIT_RETRY_MS;
	atomic_store(&c->away, true);
	if (c->away_us != 0)
		return;
	c->away_us = fog_now_unix_us();
	LOG_ERR("the store takes no rows of the audit: %s: nothing is changed over the API until it does: "
	        "see that the store answers and has space",
	        strerror(-r));
}

// Write 'first' and its followers, with notes. One row that is there already was written by somebody else meanwhile.
static int group_write(struct fog_audit_chain *c, struct audit_pending *first)
{
	struct fog_audit_head last = c->tail;
	int r = -EEXIST;

	for (int i = 0; i < WRITE_TRIES && (r == -EEXIST || r == -EPERM); i++) {
		r = c->known ? 0 : tail_know(c);
		if (r < 0)
			break;
		struct group g = {audit_notes(c, first)};
		group_number(c, g.first, &last);
		c->doubt = last;
		r = g.first != NULL ? fog_db_write(c->db, group_insert, &g) : 0;
		audit_notes_free(g.first, first);
		c->known = r >= 0;
	}
	if (r >= 0)
		group_written(c, &last);
	else
		group_refused(c, r);
	return r < 0 ? r : 0;
}

static void head_write(struct fog_audit_chain *c)
{
	char hash[65], key[65], signature[129];
	struct fog_audit_head h = c->tail;

	h.time_us = fog_now_unix_us();
	int r = audit_head_append(&c->heads, &h);
	if (r < 0) {
		LOG_ERR("%s: cannot keep a head of the audit: %s: free some space, or give it to the control "
		        "plane's user",
		        c->heads.path, strerror(-r));
		return;
	}
	sodium_bin2hex(hash, sizeof(hash), h.hash, sizeof(h.hash));
	sodium_bin2hex(key, sizeof(key), h.key, sizeof(h.key));
	sodium_bin2hex(signature, sizeof(signature), h.signature, sizeof(h.signature));
	LOG_WITH(
	        c->brief ? FOG_LOG_DEBUG : FOG_LOG_INFO,
	        LOG_FIELDS(
	                LOG_TEXT("chain", c->id), LOG_NUMBER("sequence", h.sequence),
	                LOG_NUMBER("time_us", h.time_us), LOG_TEXT("hash", hash),
	                LOG_TEXT("key", key), LOG_TEXT("signature", signature)
	        ),
	        "head of the audit"
	);
}

// A list of rows for the sources in 'writing'; NULL: there are none, or no memory.
static struct audit_pending *refusals_rows(const struct audit_refusals *t)
{
	struct audit_pending *list = NULL;

	for (unsigned i = 0; i < t->count + t->others; i++) {
		const struct audit_source *s =
		        &t->source[i < t->count ? i : (unsigned)FOG_AUDIT_SOURCES_MAX];
		struct audit_pending *p = calloc(1, sizeof(*p));
		struct fog_audit_event e;
		char *details = NULL;
		if (p == NULL || audit_refusals_event(s, &e, &details) < 0) {
			free(p);
			audit_notes_free(list, NULL);
			return NULL;
		}
		audit_pending_fill(p, &e);
		free(details);
		p->next = list;
		list = p;
	}
	return list;
}

// What can't be written is counted on.
static int refusals_write(struct fog_audit_chain *c)
{
	struct audit_refusals *full;
	int r = 0;

	c->minute_ms = fog_now_ms() + AUDIT_MINUTE_MS;
	pthread_mutex_lock(&c->lock);
	full = c->refusals;
	c->refusals = c->writing;
	pthread_mutex_unlock(&c->lock);
	if (audit_refusals_any(full)) {
		struct audit_pending *list = refusals_rows(full);
		r = list != NULL ? group_write(c, list) : -ENOMEM;
		audit_notes_free(list, NULL);
	}
	if (r < 0) {
		pthread_mutex_lock(&c->lock);
		audit_refusals_merge(c->refusals, full);
		pthread_mutex_unlock(&c->lock);
	}
	full->count = 0;
	full->others = false;
	c->writing = full;
	return r;
}

// Under the lock. How long there is nothing to do.
static int write_idle_ms(const struct fog_audit_chain *c)
{
	uint64_t now = fog_now_ms(), due = c->minute_ms;

	if (c->started && c->head_ms < due)
		due = c->head_ms;
	if (atomic_load(&c->away) && c->retry_ms < due)
		due = c->retry_ms;
	return due > now ? (int)(due - now) : 0;
}

// Under the lock. What was posted waits for a store that is away.
static bool write_posted(const struct fog_audit_chain *c)
{
	return c->posted.first != NULL && (!atomic_load(&c->away) || fog_now_ms() >= c->retry_ms);
}

static bool write_wanted(const struct fog_audit_chain *c)
{
	return c->appended.first != NULL || write_posted(c) || c->stop ||
	        c->flush_wanted > c->flush_done || !c->opened;
}

// Under the lock. Up to 'max' of a list, without its end. Returns how many.
static unsigned list_take(struct audit_queue *l, unsigned max, struct audit_pending ***end)
{
	unsigned count = 0;

	for (**end = l->first; **end != NULL && count < max; count++)
		*end = &(**end)->next;
	l->first = **end;
	if (l->first == NULL)
		l->last = &l->first;
	**end = NULL;
	return count;
}

// Under the lock. Up to AUDIT_GROUP_MAX of those that wait.
static struct audit_pending *group_take(struct fog_audit_chain *c)
{
	struct audit_pending *first = NULL, **end = &first;
	unsigned count = list_take(&c->appended, AUDIT_GROUP_MAX, &end);

	if (write_posted(c) || c->stop)
		list_take(&c->posted, AUDIT_GROUP_MAX - count, &end);
	return first;
}

// Under the lock. One that was posted is kept when it was not taken.
static void posted_tell(
        struct fog_audit_chain *c, struct audit_pending *p, int result, struct audit_queue *kept
)
{
	p->done = result >= 0;
	p->tried = true;
	c->waiting -= p->done;
	if (p->done && p->left) {
		free(p);
	} else if (!p->done) {
		p->next = NULL;
		*kept->last = p;
		kept->last = &p->next;
	}
}

// Under the lock. Whoever is told may be gone with his row at once.
static void group_tell(struct fog_audit_chain *c, struct audit_pending *first, int result)
{
	struct audit_queue kept = {.last = &kept.first};

	while (first != NULL) {
		struct audit_pending *next = first->next;
		if (first->posted) {
			posted_tell(c, first, result, &kept);
		} else {
			first->result = result;
			first->done = true;
			pthread_cond_signal(&first->written);
		}
		first = next;
	}
	if (kept.first != NULL) {
		*kept.last = c->posted.first;
		if (c->posted.first == NULL)
			c->posted.last = kept.last;
		c->posted.first = kept.first;
	}
	if (result >= 0) {
		c->lost -= c->lost_told;
		c->full = c->lost > 0;
	}
	c->lost_told = 0;
	pthread_cond_broadcast(&c->told);
}

// What is due beside the rows of callers. 'all': whether it is due or not.
static int write_due(struct fog_audit_chain *c, bool all)
{
	uint64_t now = fog_now_ms();
	int r = 0;

	if (all || now >= c->minute_ms)
		r = refusals_write(c);
	if (c->started && (all || now >= c->head_ms)) {
		head_write(c);
		c->head_ms = now + UINT64_C(1000) * FOG_AUDIT_HEAD_S;
	}
	return r < 0 || !atomic_load(&c->away) ? r : -EAGAIN;
}

// What waits, then what has to be said last.
static void write_stop(struct fog_audit_chain *c)
{
	struct audit_pending *note = c->brief ? NULL : audit_note("audit.stop", NULL), *first;
	int r = refusals_write(c);

	pthread_mutex_lock(&c->lock);
	while (r >= 0 && (first = group_take(c)) != NULL) {
		pthread_mutex_unlock(&c->lock);
		r = group_write(c, first);
		pthread_mutex_lock(&c->lock);
		group_tell(c, first, r);
	}
	pthread_mutex_unlock(&c->lock);
	group_write(c, note);
	free(note);
	if (c->started)
		head_write(c);
}

void *audit_write_thread(void *arg)
{
	struct fog_audit_chain *c = arg;

	pthread_mutex_lock(&c->lock);
	while (c->appended.first != NULL || !c->stop) {
		if (!write_wanted(c)) {
			struct timespec until = fog_deadline(write_idle_ms(c));
			pthread_cond_timedwait(&c->work, &c->lock, &until);
		}
		struct audit_pending *first = group_take(c);
		uint64_t flush = c->flush_wanted;
		bool all = flush > c->flush_done, retry = !c->opened;
		pthread_mutex_unlock(&c->lock);
		retry |= atomic_load(&c->away) && fog_now_ms() >= c->retry_ms;
		bool tried = first != NULL || retry || all;
		int r = tried ? group_write(c, first) : 0;
		int flushed = write_due(c, all);
		pthread_mutex_lock(&c->lock);
		if (tried)
			group_tell(c, first, r);
		if (!c->opened || all) {
			c->opened = true;
			c->flush_done = flush;
			c->flush_result = flushed;
			pthread_cond_broadcast(&c->flushed);
		}
	}
	pthread_mutex_unlock(&c->lock);
	write_stop(c);
	return NULL;
}
