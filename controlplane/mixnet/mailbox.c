// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../now.h"
#include "mailbox_private.h"
#include "recipient.h"

enum {
	READER_IDLE_MS = 600000,
	HEARD_EVERY_S = 3600, // how exactly it is written when a client was heard
};

static int mailboxes_recount(struct fog_mailboxes *m)
{
	struct fog_store_boxes all = {0};
	int r = fog_mailboxes_totals(m, &all);

	if (r == 0) {
		m->bytes_all = (int64_t)all.bytes;
		m->boxes = all.boxes;
	}
	return r;
}

int fog_mailboxes_create(
        struct fog_store *store, const struct fog_mailbox_limits *limits,
        const struct fog_mailboxes_ops *ops, void *ctx, struct fog_mailboxes **out
)
{
	static const struct fog_mailbox_limits usual = {
	        FOG_MAILBOX_BYTES_MAX, FOG_MAILBOXES_BYTES_MAX, FOG_MAILBOXES_MAX};
	struct fog_mailboxes *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	m->store = store;
	m->limits = limits != NULL ? *limits : usual;
	m->ops = ops;
	m->ctx = ctx;
	crypto_shorthash_keygen(m->hash_key);
	mailbox_answer_create(m);
	int r = fog_mailboxes_start(m);
	if (r == 0)
		r = mailboxes_recount(m);
	if (r < 0) {
		fog_mailboxes_destroy(m);
		return r;
	}
	*out = m;
	return 0;
}

// Drop those that were not used since 'since_ms'.
static void readers_drop(struct fog_mailboxes *m, uint64_t since_ms)
{
	for (unsigned i = 0; i < MAILBOX_BUCKETS; i++) {
		struct mailbox_reader **at = &m->reader[i];
		while (*at != NULL) {
			struct mailbox_reader *r = *at;
			if (r->used_ms >= since_ms) {
				at = &r->next;
				continue;
			}
			*at = r->next;
			free(r);
			m->readers--;
		}
	}
}

void fog_mailboxes_destroy(struct fog_mailboxes *m)
{
	if (m == NULL)
		return;
	mailbox_answer_destroy(m);
	readers_drop(m, UINT64_MAX);
	free(m);
}

// Forget the one that was not used for longest: its client gets some mail twice.
static void readers_make_room(struct fog_mailboxes *m)
{
	uint64_t oldest = UINT64_MAX;

	for (unsigned i = 0; i < MAILBOX_BUCKETS; i++)
		for (const struct mailbox_reader *r = m->reader[i]; r != NULL; r = r->next)
			oldest = r->used_ms < oldest ? r->used_ms : oldest;
	readers_drop(m, oldest + 1);
}

// NULL: no memory.
static struct mailbox_reader *reader_get(
        struct fog_mailboxes *m, const uint8_t id[FOG_ID_LEN], uint64_t now_ms
)
{
	uint8_t hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, id, FOG_ID_LEN, m->hash_key);
	struct mailbox_reader **at = &m->reader[(hash[0] | hash[1] << 8) % MAILBOX_BUCKETS];
	for (struct mailbox_reader *r = *at; r != NULL; r = r->next) {
		if (memcmp(r->id, id, FOG_ID_LEN) == 0) {
			r->used_ms = now_ms;
			return r;
		}
	}
	if (m->readers >= FOG_MAILBOX_READERS_MAX)
		readers_make_room(m);
	struct mailbox_reader *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	memcpy(r->id, id, FOG_ID_LEN);
	r->used_ms = now_ms;
	r->next = *at;
	*at = r;
	m->readers++;
	return r;
}

// Of the second half of all room each mailbox has its share: who floods his own fills no other's.
static bool mailboxes_room(const struct fog_mailboxes *m, const struct fog_store_box *b)
{
	int64_t half = m->limits.bytes_all / 2;

	return m->bytes_all <= half ||
	        (m->bytes_all <= m->limits.bytes_all && b->bytes < half / m->limits.boxes);
}

int fog_mailboxes_put(
        struct fog_mailboxes *m, const uint8_t id[FOG_ID_LEN], enum fog_mail_kind kind,
        const uint8_t *head, size_t head_len, const uint8_t *data, size_t len
)
{
	uint8_t mail[FOG_MAIL_MAX];
	struct fog_store_box b;
	int r = fog_store_box_get(m->store, id, &b);

	if (r < 0)
		return r;
	if (1 + head_len + len > sizeof(mail))
		return -EDQUOT;
	mail[0] = (uint8_t)kind;
	if (head_len > 0)
		memcpy(mail + 1, head, head_len);
	if (len > 0)
		memcpy(mail + 1 + head_len, data, len);
	r = -EDQUOT;
	if (mailboxes_room(m, &b))
		r = fog_store_box_put(
		        m->store, &b, fog_now_unix_us(), mail, 1 + head_len + len,
		        m->limits.bytes_each
		);
	sodium_memzero(mail, 1 + head_len + len);
	m->put += r == 0;
	m->full += r == -EDQUOT;
	if (r == 0)
		m->bytes_all += (int64_t)(1 + head_len + len) + FOG_STORE_MAIL_OVERHEAD;
	return r;
}

int fog_mailboxes_answer(struct fog_mailboxes *m, const struct fog_store_answer_packet *a)
{
	return fog_store_mail_answer_put(m->store, a);
}

void fog_mailboxes_ended(struct fog_mailboxes *m, bool committed)
{
	if (m->put + m->full > 0 && committed) {
		pthread_mutex_lock(&m->lock);
		m->counts.stored += m->put;
		m->counts.full += m->full;
		m->pending = true;
		pthread_cond_signal(&m->wake);
		pthread_mutex_unlock(&m->lock);
	}
	m->put = m->full = 0;
}

// The next part to send: the first one of the window that was not sent, or so long ago that it, or the
// acknowledgement, got lost. An answer is as long with mail as without, so before one leaves empty, the oldest
// mail goes again: one lost mail else holds up the whole window. NULL: none now.
static struct mailbox_sent *reader_next(
        struct mailbox_reader *r, const struct fog_store_box *b, uint64_t now_ms
)
{
	struct mailbox_sent *idle = NULL;

	for (int64_t n = b->first; n < b->next && n - b->first < FOG_MAILBOX_WINDOW; n++) {
		struct mailbox_sent *s = &r->sent[n % FOG_MAILBOX_WINDOW];
		if (s->number != n) {
			*s = (struct mailbox_sent){.number = n};
			return s;
		}
		if (s->part < s->parts)
			return s;
		if (now_ms - s->ms >= FOG_MAILBOX_RESEND_MS) {
			s->part = 0;
			return s;
		}
		if (idle == NULL && now_ms - s->ms >= FOG_MAILBOX_IDLE_RESEND_MS)
			idle = s;
	}
	if (idle != NULL)
		idle->part = 0;
	return idle;
}

// The box of who asks, as it is once what the client has is forgotten; that itself waits until it is answered.
static int mailbox_look(
        struct fog_mailboxes *m, const uint8_t id[FOG_ID_LEN], const struct fog_fetch *f,
        struct fog_store_box *b
)
{
	int64_t have = f->have < INT64_MAX ? (int64_t)f->have : INT64_MAX - 1;
	int r = fog_store_box_get(m->store, id, b);

	if (r == -ENOENT && m->boxes >= m->limits.boxes)
		return -EUSERS;
	if (r == -ENOENT) {
		r = fog_store_box_make(m->store, id, fog_now_unix_us(), b);
		m->boxes += r == 0;
	}
	b->first = b->first > have ? b->first : have + 1;
	b->next = b->next > b->first ? b->next : b->first;
	return r;
}

int fog_mailboxes_answered(struct fog_mailboxes *m)
{
	int64_t now_us = fog_now_unix_us();
	struct fog_store_box b;

	if (!m->unsettled)
		return 0;
	m->unsettled = false;
	int r = fog_store_begin(m->store);
	if (r < 0)
		return r;
	r = fog_store_box_get(m->store, m->settle_id, &b);
	if (r == 0 && now_us - b.heard_us > HEARD_EVERY_S * INT64_C(1000000))
		r = fog_store_box_heard(m->store, &b, now_us);
	if (r == 0)
		r = fog_store_box_forget(m->store, &b, m->settle_have);
	int e = fog_store_end(m->store, r == 0);
	return r < 0 && r != -ENOENT ? r : e;
}

// The part that is due, with its bytes in 'mail'.
static int mailbox_read(
        struct fog_mailboxes *m, const struct fog_store_box *b, const struct mailbox_sent *s,
        size_t room, uint8_t *mail, struct fog_mail *out
)
{
	int len = fog_store_box_mail(m->store, b, s->number, mail, FOG_MAIL_MAX);

	if (len < 0)
		return len;
	out->number = (uint64_t)s->number;
	out->whole = (size_t)len;
	out->part = s->part;
	out->parts = fog_mail_parts((size_t)len, room);
	if (out->parts == 0 || len > FOG_MAIL_MAX)
		return -EMSGSIZE;
	if (out->part >= out->parts) // the network's packets have got larger meanwhile
		out->part = 0;
	fog_mail_cut(out);
	out->data = mail + out->at;
	return 0;
}

static void mailbox_count(struct fog_mailboxes *m, const struct mailbox_sent *s, bool again)
{
	pthread_mutex_lock(&m->lock);
	m->counts.fetches++;
	if (s != NULL && s->part == s->parts) {
		m->counts.sent++;
		m->counts.resent += again;
	}
	pthread_mutex_unlock(&m->lock);
}

static int mailbox_fetch(
        struct fog_mailboxes *m, const uint8_t id[FOG_ID_LEN], const struct fog_fetch *f,
        size_t room, uint64_t now_ms, uint8_t *mail, struct fog_mail *out
)
{
	struct mailbox_reader *reader = reader_get(m, id, now_ms);
	struct mailbox_sent *s = NULL;
	struct fog_store_box b = {0};
	int r = fog_store_begin(m->store);

	if (r < 0)
		return r;
	r = mailbox_look(m, id, f, &b);
	if (r == 0 && reader != NULL && (s = reader_next(reader, &b, now_ms)) != NULL)
		r = mailbox_read(m, &b, s, room, mail, out);
	int e = fog_store_end(m->store, r == 0);
	if (r == 0)
		r = e;
	if (r < 0)
		return r;
	memcpy(m->settle_id, id, sizeof(m->settle_id));
	m->settle_have = b.first - 1;
	m->unsettled = true;
	out->settled = (uint64_t)b.first - 1;
	out->waiting = (uint16_t)(b.next - b.first < UINT16_MAX ? b.next - b.first : UINT16_MAX);
	bool again = s != NULL && s->ms != 0;
	if (s != NULL) {
		s->part = (uint8_t)(out->part + 1);
		s->parts = (uint8_t)out->parts;
		s->ms = now_ms;
	}
	mailbox_count(m, s, again);
	return 0;
}

static void mailbox_refuse(struct fog_mailboxes *m, uint64_t *count)
{
	pthread_mutex_lock(&m->lock);
	++*count;
	pthread_mutex_unlock(&m->lock);
}

int fog_mailboxes_notice(
        struct fog_mailboxes *m, const uint8_t static_key[32], const uint8_t *data, size_t len,
        size_t room, uint64_t now_ms, uint8_t out[FOG_NOTICE_MAX]
)
{
	uint8_t id[FOG_ID_LEN], bytes[FOG_MAIL_MAX];
	struct fog_fetch f;
	int r;

	if (fog_fetch_parse(data, len, &f) < 0 || room < FOG_MAIL_HEAD || room > FOG_NOTICE_MAX) {
		mailbox_refuse(m, &m->counts.malformed);
		return 0;
	}
	if ((r = fog_mailboxes_answered(m)) < 0)
		return r;
	struct fog_mail mail = {.seen = f.seen};
	fog_recipient_mailbox(static_key, id);
	r = mailbox_fetch(m, id, &f, room, now_ms, bytes, &mail);
	if (r == -EUSERS) {
		mailbox_refuse(m, &m->counts.refused);
		return 0;
	}
	if (r == 0)
		r = (int)fog_mail_put(&mail, out);
	sodium_memzero(bytes, mail.whole);
	return r;
}

void fog_mailboxes_prune(struct fog_mailboxes *m, uint64_t now_ms)
{
	fog_store_boxes_prune(
	        m->store, fog_now_unix_us() - FOG_MAILBOX_DAYS * FOG_STORE_DAY_S * INT64_C(1000000)
	);
	readers_drop(m, now_ms > READER_IDLE_MS ? now_ms - READER_IDLE_MS : 0);
	mailboxes_recount(m);
}

void fog_mailboxes_counts(struct fog_mailboxes *m, struct fog_mailboxes_counts *counts)
{
	pthread_mutex_lock(&m->lock);
	*counts = m->counts;
	pthread_mutex_unlock(&m->lock);
}

int fog_mailboxes_totals(struct fog_mailboxes *m, struct fog_store_boxes *all)
{
	int r = fog_store_begin(m->store);

	if (r < 0)
		return r;
	r = fog_store_boxes(m->store, all);
	int e = fog_store_end(m->store, r == 0);
	return r < 0 ? r : e;
}
