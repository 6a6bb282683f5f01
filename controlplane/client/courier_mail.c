// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What comes back: mail in parts, fragments, answers, loops, pings.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../mixnet/message.h"
#include "../mixnet/recipient.h"
#include "courier_private.h"
#include "sealed.h"

static int mail_fragment(struct courier *c, const uint8_t *data, size_t len, int64_t now_us)
{
	const struct client_keys *k = c->p.keys;
	uint8_t plain[FOG_SPHINX_PACKET_MAX];
	struct client_fragment f;
	int r;

	if (len != CLIENT_SEAL_OVERHEAD + CLIENT_FRAGMENT_HEAD + c->room ||
	    client_unseal(k->mail_public, k->secret->mail_private, data, len, plain) < 0 ||
	    client_fragment_parse(plain, len - CLIENT_SEAL_OVERHEAD, c->room, &f) < 0) {
		c->counts.foreign++;
		return 0;
	}
	if (f.kind == CLIENT_FRAGMENT_LOOP) {
		c->counts.loops_back += sodium_memcmp(f.id, c->loop_key, sizeof(f.id)) == 0;
		return 0;
	}
	r = client_store_fragment(c->p.store, &f, c->room, now_us);
	sodium_memzero(plain, sizeof(plain));
	if (r == -EBADMSG) {
		c->counts.foreign++;
		return 0;
	}
	return r < 0 ? r : 0;
}

// What a gateway says of a fragment, by the SURB that went with it.
static int mail_answer(
        struct courier *c, const uint8_t *surb_id, uint8_t answer, int64_t message, unsigned index,
        int64_t now_us
)
{
	switch (answer) {
	case FOG_MAIL_STORED:
		c->counts.acknowledged++;
		return client_store_acknowledged(c->p.store, message, index, now_us);
	case FOG_MAIL_NO_MAILBOX:
		c->counts.refused++;
		return client_store_failed(
		        c->p.store, message,
		        "the gateway has no such mailbox: ask the receiver for its address of now",
		        now_us
		);
	case FOG_MAIL_FULL:
		c->counts.refused++;
		return client_store_answered(
		        c->p.store, surb_id, message, index, now_us + COURIER_FULL_US
		);
	default:
		c->counts.foreign++;
		return 0;
	}
}

// SURB ID 16 | tag 32 | payload.
static int mail_reply(struct courier *c, const uint8_t *data, size_t len, int64_t now_us)
{
	const struct fog_geometry *geo = c->p.geometry;
	uint8_t reply[FOG_SPHINX_PACKET_MAX], mark[crypto_shorthash_BYTES];
	const uint8_t *payload = reply + FOG_SPHINX_TAG_LEN;
	struct fog_message m;
	int64_t message;
	unsigned index;
	int r;

	if (len != FOG_SPHINX_SURB_ID_LEN + FOG_SPHINX_TAG_LEN + (size_t)geo->payload_len) {
		c->counts.foreign++;
		return 0;
	}
	memcpy(reply, data + FOG_SPHINX_SURB_ID_LEN, len - FOG_SPHINX_SURB_ID_LEN);
	courier_loop_mark(c, data, mark);
	if (sodium_memcmp(mark, data + COURIER_LOOP_MARK_AT, sizeof(mark)) == 0)
		return 0;
	if (courier_ping_back(c, data, reply, now_us))
		return 0;
	r = client_store_surb(c->p.store, data, &c->secret->keys, &message, &index);
	if (r == 0 &&
	    (fog_surb_open(c->crypto, geo, &c->secret->keys, reply) < 0 ||
	     fog_message_decode(geo, payload, &m) < 0 || m.len != 1))
		r = -ENOENT;
	sodium_memzero(&c->secret->keys, sizeof(c->secret->keys));
	if (r == -ENOENT) { // of a message that is over, or nothing of ours
		c->counts.foreign++;
		return 0;
	}
	return r < 0 ? r : mail_answer(c, data, m.data[0], message, index, now_us);
}

int courier_read(struct courier *c, const uint8_t *data, size_t len, int64_t now_us)
{
	if (len > 1 && data[0] == FOG_MAIL_MESSAGE)
		return mail_fragment(c, data + 1, len - 1, now_us);
	if (len > 1 && data[0] == FOG_MAIL_REPLY)
		return mail_reply(c, data + 1, len - 1, now_us);
	c->counts.foreign++;
	return 0;
}

static struct courier_mail *mail_find(struct courier *c, uint64_t number)
{
	for (unsigned i = 0; i < COURIER_MAILS_MAX; i++)
		if (c->mail[i].number == number)
			return &c->mail[i];
	return NULL;
}

// Where to put a part. NULL: nowhere now, it will be sent again.
static struct courier_mail *mail_slot(struct courier *c, const struct fog_mail *m)
{
	struct courier_mail *box = mail_find(c, m->number), *newest = NULL;

	if (box == NULL)
		box = mail_find(c, 0);
	// The oldest are what 'have' waits for.
	for (unsigned i = 0; box == NULL && i < COURIER_MAILS_MAX; i++)
		if (newest == NULL || c->mail[i].number > newest->number)
			newest = &c->mail[i];
	if (box == NULL && newest->number > m->number)
		box = newest;
	if (box != NULL &&
	    (box->number != m->number || box->parts != m->parts || box->len != m->whole)) {
		box->number = m->number;
		box->parts = m->parts;
		box->len = m->whole;
		box->have = 0;
		box->done = false;
	}
	return box;
}

// All up to 'have' has arrived: go on over what came before its turn.
static void mail_advance(struct courier *c, uint64_t settled)
{
	struct courier_mail *next;

	if (settled > c->have)
		c->have = settled;
	while ((next = mail_find(c, c->have + 1)) != NULL && next->done)
		c->have++;
	for (unsigned i = 0; i < COURIER_MAILS_MAX; i++)
		if (c->mail[i].number <= c->have)
			c->mail[i].number = 0;
}

static int mail_part(struct courier *c, const struct fog_mail *m, int64_t now_us)
{
	struct courier_mail *box = mail_slot(c, m);
	int r;

	if (box == NULL || box->done)
		return 0;
	memcpy(box->data + m->at, m->data, m->len);
	box->have |= UINT32_C(1) << m->part;
	if (box->have != (UINT32_C(1) << m->parts) - 1)
		return 0;
	r = courier_read(c, box->data, box->len, now_us);
	box->done = r == 0;
	if (r < 0)
		box->number = 0; // and again from its first part
	return r;
}

int courier_notice(struct courier *c, const uint8_t *data, size_t len, int64_t now_us)
{
	uint64_t before = c->have;
	struct fog_mail m;
	int r = fog_mail_parse(data, len, &m);

	if (r < 0)
		return r;
	c->waiting = m.waiting;
	if (!c->has_mailbox) {
		r = client_store_put(c->p.store, "mailbox", "\1", 1);
		c->has_mailbox = r == 0;
	}
	if (r == 0 && m.number > c->have)
		r = mail_part(c, &m, now_us);
	if (r < 0)
		return r;
	mail_advance(c, m.settled);
	return c->have == before ? 0
	                         : client_store_put(c->p.store, "have", &c->have, sizeof(c->have));
}

int courier_ping(struct courier *c, const uint8_t to[FOG_ID_LEN], int64_t now_us)
{
	uint8_t echo[FOG_ID_LEN], data[16];
	struct courier_letter l = {.to = to, .recipient = echo, .data = data, .len = sizeof(data)};
	struct courier_ping *p = NULL;
	int r;

	for (unsigned i = 0; i < COURIER_PINGS_MAX && p == NULL; i++)
		if (!c->secret->ping[i].used)
			p = &c->secret->ping[i];
	if (p == NULL)
		return -EBUSY;
	fog_recipient_echo(echo);
	randombytes_buf(data, sizeof(data));
	l.keys = &p->keys;
	r = courier_post(c, &l, now_us);
	p->used = r == 0;
	p->sent_us = now_us;
	memcpy(p->surb_id, l.surb_id, sizeof(p->surb_id));
	return r;
}

bool courier_ping_back(
        struct courier *c, const uint8_t *surb_id, const uint8_t *reply, int64_t now_us
)
{
	uint8_t opened[FOG_SPHINX_PACKET_MAX];

	for (unsigned i = 0; i < COURIER_PINGS_MAX; i++) {
		struct courier_ping *p = &c->secret->ping[i];
		if (!p->used || sodium_memcmp(p->surb_id, surb_id, sizeof(p->surb_id)) != 0)
			continue;
		memcpy(opened, reply, FOG_SPHINX_TAG_LEN + (size_t)c->p.geometry->payload_len);
		if (fog_surb_open(c->crypto, c->p.geometry, &p->keys, opened) == 0 &&
		    c->pong.back < COURIER_PINGS_MAX)
			c->pong.time_us[c->pong.back++] = now_us - p->sent_us;
		sodium_memzero(p, sizeof(*p));
		return true;
	}
	return false;
}

void courier_pongs(struct courier *c, int64_t now_us, struct courier_pong *out)
{
	for (unsigned i = 0; i < COURIER_PINGS_MAX; i++) {
		struct courier_ping *p = &c->secret->ping[i];
		if (p->used && now_us - p->sent_us > 2 * c->p.patience_us) {
			c->pong.lost++;
			sodium_memzero(p, sizeof(*p));
		}
	}
	*out = c->pong;
	memset(&c->pong, 0, sizeof(c->pong));
}
