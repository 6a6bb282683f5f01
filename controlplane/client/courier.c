// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The courier's life, and packets on their way out.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../mixnet/message.h"
#include "../mixnet/recipient.h"
#include "courier_private.h"
#include "sealed.h"

int courier_create(
        const struct courier_params *p, const struct courier_ops *ops, void *ctx,
        struct courier **out
)
{
	struct courier *c = calloc(1, sizeof(*c));
	uint8_t have[8] = {0};

	if (c == NULL)
		return -ENOMEM;
	c->p = *p;
	c->ops = *ops;
	c->ctx = ctx;
	c->crypto = fog_crypto_ops_get(NULL);
	c->room = client_fragment_room(p->geometry);
	fog_recipient_mailbox(p->keys->link_public, c->mailbox);
	randombytes_buf(c->loop_key, sizeof(c->loop_key));
	c->secret = sodium_malloc(sizeof(*c->secret));
	if (c->secret == NULL || c->crypto == NULL || c->room == 0) {
		courier_destroy(c);
		return c->room == 0 ? -EMSGSIZE : -ENOMEM;
	}
	memset(c->secret, 0, sizeof(*c->secret));
	if (client_store_get(p->store, "have", have, sizeof(have)) == 0)
		memcpy(&c->have, have, sizeof(c->have));
	c->has_mailbox = courier_has_mailbox(p->store);
	*out = c;
	return 0;
}

void courier_destroy(struct courier *c)
{
	if (c == NULL)
		return;
	sodium_free(c->secret);
	sodium_memzero(c, sizeof(*c));
	free(c);
}

void courier_pace(struct courier *c, int64_t patience_us, int64_t fetch_us)
{
	c->p.patience_us = patience_us;
	c->p.fetch_us = fetch_us;
}

bool courier_has_mailbox(struct client_store *store)
{
	uint8_t yes;

	return client_store_get(store, "mailbox", &yes, sizeof(yes)) == 0;
}

unsigned courier_waiting(const struct courier *c)
{
	return c->waiting;
}

const struct courier_counts *courier_counts(const struct courier *c)
{
	return &c->counts;
}

void courier_loop_mark(
        const struct courier *c, const uint8_t id[COURIER_LOOP_MARK_AT],
        uint8_t mark[COURIER_LOOP_MARK_AT]
)
{
	crypto_shorthash(mark, id, COURIER_LOOP_MARK_AT, c->loop_key);
}

// The way back from node 'from' to our mailbox.
static int post_surb(
        struct courier *c, const uint8_t *from, struct courier_letter *l, uint8_t *surb,
        uint64_t *epoch
)
{
	struct fog_sphinx_path_hop hop[FOG_SPHINX_SLOTS_MAX] = {0}, *last;
	int n = c->ops.way(c->ctx, from, c->p.gateway, hop, epoch);

	if (n <= 0)
		return n < 0 ? n : -ENOENT;
	last = hop + n - 1;
	last->has_recipient = last->has_surb = 1;
	memcpy(last->recipient, c->mailbox, sizeof(last->recipient));
	randombytes_buf(l->surb_id, sizeof(l->surb_id));
	if (l->loop)
		courier_loop_mark(c, l->surb_id, l->surb_id + COURIER_LOOP_MARK_AT);
	memcpy(last->surb_id, l->surb_id, sizeof(l->surb_id));
	return fog_surb_create(
	        c->crypto, c->p.geometry, hop, (unsigned)n, surb, l->keys, NULL, NULL
	);
}

static int post_payload(
        struct courier *c, struct courier_letter *l, uint8_t *payload, uint64_t *surb_epoch
)
{
	uint8_t surb[FOG_SPHINX_PACKET_MAX];
	int r = l->keys != NULL ? post_surb(c, l->to, l, surb, surb_epoch) : 0;

	if (r == 0)
		r = fog_message_encode(
		        c->p.geometry, l->keys != NULL ? surb : NULL, l->data, l->len, payload
		);
	if (r == 0 && l->keys != NULL)
		fog_message_surb_epoch(payload, (uint8_t)*surb_epoch);
	sodium_memzero(surb, sizeof(surb));
	return r;
}

int courier_post(struct courier *c, struct courier_letter *l, int64_t now_us)
{
	uint8_t payload[FOG_SPHINX_PACKET_MAX], packet[FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_path_hop hop[FOG_SPHINX_SLOTS_MAX] = {0}, *last;
	uint64_t epoch = 0, surb_epoch = 0;
	int n = c->ops.way(c->ctx, c->p.gateway, l->to, hop, &epoch);
	int r = n > 0 ? post_payload(c, l, payload, &surb_epoch) : n < 0 ? n : -ENOENT;

	if (r == 0) {
		last = hop + n - 1;
		last->has_recipient = 1;
		memcpy(last->recipient, l->recipient, sizeof(last->recipient));
		r = fog_sphinx_wrap(
		        c->crypto, c->p.geometry, hop, (unsigned)n, payload, packet, NULL, NULL
		);
	}
	sodium_memzero(payload, sizeof(payload));
	if (r == 0 && l->before != NULL)
		r = l->before(c, l, now_us);
	if (r == 0)
		c->ops.packet(c->ctx, packet, epoch);
	return r;
}

// Not all fragments of a burst that was lost at once. Fragments take the place of cover, so sending one
// again burdens nobody; but what never is answered must not keep others from leaving.
static int64_t send_again(const struct courier *c, unsigned tries)
{
	unsigned late = tries > COURIER_CHANCE ? tries - COURIER_CHANCE : 0;
	unsigned doublings = late < COURIER_BACK_OFF_MAX ? late : COURIER_BACK_OFF_MAX;
	int64_t wait = (c->p.patience_us + 4 * c->p.fetch_us) << doublings;

	return wait +
	        randombytes_uniform((uint32_t)(wait / 8 < UINT32_MAX ? wait / 8 + 1 : UINT32_MAX));
}

static int send_left(struct courier *c, struct courier_letter *l, int64_t now_us)
{
	return client_store_left(
	        c->p.store, &c->due, l->surb_id, l->keys, now_us,
	        now_us + send_again(c, c->due.tries)
	);
}

// Whether it is because of who it is for, so that another one may have a way.
static bool send_no_way(int r)
{
	return r == -ENOENT || r == -EXDEV || r == -EHOSTDOWN;
}

static int send_fragment(struct courier *c, int64_t now_us)
{
	struct courier_letter l = {
	        .to = c->due.to.gateway,
	        .recipient = c->due.to.mailbox,
	        .data = c->due.data,
	        .len = c->due.len,
	        .keys = &c->secret->keys,
	        .before = send_left,
	};
	int r = courier_post(c, &l, now_us);

	sodium_memzero(&c->secret->keys, sizeof(c->secret->keys));
	// A gateway may come back with a later consensus, so only time ends this. What has no way
	// must not keep others, or cover, from leaving.
	if (send_no_way(r) || r == -EMSGSIZE)
		r = client_store_postpone(
		        c->p.store, c->due.message, c->due.index,
		        now_us + send_again(c, c->due.tries)
		);
	else if (r == 0) {
		c->counts.fragments++;
		c->counts.again += c->due.tries > 0;
		return 1;
	}
	return r;
}

static int send_drop(struct courier *c, int64_t now_us)
{
	uint8_t to[FOG_ID_LEN], nobody[FOG_ID_LEN], data[FOG_SPHINX_PACKET_MAX];
	struct courier_letter l = {.to = to, .recipient = nobody, .data = data};
	int r = -EXDEV;

	l.len = fog_message_room(c->p.geometry, 0);
	randombytes_buf(data, l.len);
	fog_recipient_drop(nobody);
	// Somebody else, where no path leads to the first: a tick without a packet shows that there is no fragment.
	for (unsigned i = 0; i < COURIER_DRAWS && send_no_way(r); i++) {
		r = c->ops.anybody(c->ctx, to);
		if (r < 0)
			break;
		r = courier_post(c, &l, now_us);
	}
	c->counts.drops += r == 0;
	return r;
}

// What is to leave now. A fragment whose answer may be among the mail that waits is put off until that has
// come, once for each time that it leaves: where mail never ends, it would never leave again.
static int send_due(struct courier *c, int64_t now_us)
{
	int64_t mail_us = c->p.fetch_us * ((int64_t)c->waiting + c->waiting / 4 + 4);
	int r = 0;

	for (unsigned i = 0; i < COURIER_LOOKS; i++) {
		r = client_store_due(c->p.store, now_us, &c->due);
		if (r != 1 || c->due.tries == 0 || c->due.waited || c->waiting == 0)
			return r;
		r = client_store_wait(
		        c->p.store, c->due.message, c->due.index,
		        now_us + mail_us + COURIER_RESEND_US
		);
		if (r < 0)
			return r;
	}
	return 0;
}

int courier_send(struct courier *c, int64_t now_us, bool cover)
{
	int r = send_due(c, now_us);

	if (r == 1)
		r = send_fragment(c, now_us);
	if (r == 0 && cover)
		r = send_drop(c, now_us);
	return r;
}

int courier_loop(struct courier *c)
{
	uint8_t plain[FOG_SPHINX_PACKET_MAX], sealed[FOG_SPHINX_PACKET_MAX];
	struct courier_letter l = {
	        .to = c->p.gateway,
	        .recipient = c->mailbox,
	        .data = sealed,
	        .len = CLIENT_FRAGMENT_HEAD + c->room + CLIENT_SEAL_OVERHEAD,
	        .keys = &c->secret->keys,
	        .loop = true,
	};
	int r;

	client_fragment_put_loop(c->loop_key, c->room, plain);
	r = client_seal(c->p.keys->mail_public, plain, CLIENT_FRAGMENT_HEAD + c->room, sealed);
	if (r == 0)
		r = courier_post(c, &l, 0);
	sodium_memzero(&c->secret->keys, sizeof(c->secret->keys));
	c->counts.loops += r == 0;
	return r;
}

void courier_fetch(struct courier *c)
{
	const struct fog_fetch fetch = {.have = c->have, .seen = ++c->seen};
	uint8_t out[FOG_FETCH_LEN];

	fog_fetch_put(&fetch, out);
	c->ops.notice(c->ctx, out, sizeof(out));
}

int courier_accept(
        struct client_store *store, const struct fog_geometry *geo, const struct client_address *to,
        const void *data, size_t len, int64_t now_us, int64_t *id
)
{
	size_t room = client_fragment_room(geo), plain = CLIENT_FRAGMENT_HEAD + room;
	size_t sealed = plain + CLIENT_SEAL_OVERHEAD;
	uint8_t message_id[CLIENT_FRAGMENT_ID], piece[FOG_SPHINX_PACKET_MAX], *all;
	unsigned count;
	int r = 0;

	if (room == 0 || len == 0 || len > FOG_CLIENT_MESSAGE_MAX)
		return -EMSGSIZE;
	count = client_fragment_count(len, room);
	all = malloc(count * sealed);
	if (all == NULL)
		return -ENOMEM;
	randombytes_buf(message_id, sizeof(message_id));
	for (unsigned i = 0; i < count && r == 0; i++) {
		client_fragment_put(message_id, data, len, room, i, piece);
		r = client_seal(to->key, piece, plain, all + i * sealed);
	}
	sodium_memzero(piece, sizeof(piece));
	r = r < 0 ? -EINVAL : client_store_accept(store, to, all, count, sealed, now_us, id);
	free(all);
	return r;
}
