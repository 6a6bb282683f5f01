// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../now.h"
#include "inbox_private.h"

int fog_inbox_create(
        struct fog_store *store, const struct fog_crypto_ops *ops, struct fog_inbox **out
)
{
	struct fog_inbox *in = calloc(1, sizeof(*in));
	pthread_condattr_t attr;

	if (in == NULL)
		return -ENOMEM;
	in->store = store;
	in->ops = ops;
	pthread_mutex_init(&in->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&in->stored, &attr);
	pthread_condattr_destroy(&attr);
	*out = in;
	return 0;
}

void fog_inbox_epoch_set(struct fog_inbox *in, fog_inbox_epoch *epoch, void *ctx)
{
	in->epoch = epoch;
	in->epoch_ctx = ctx;
}

void fog_inbox_destroy(struct fog_inbox *in)
{
	if (in == NULL)
		return;
	pthread_cond_destroy(&in->stored);
	pthread_mutex_destroy(&in->lock);
	free(in);
}

static void inbox_count(struct fog_inbox *in, enum inbox_end end, bool reply)
{
	struct fog_inbox_counts *c = &in->counts;

	pthread_mutex_lock(&in->lock);
	switch (end) {
	case INBOX_STORED:
		c->received++;
		c->replies += reply;
		pthread_cond_broadcast(&in->stored);
		break;
	case INBOX_DUPLICATE:
		c->duplicates++;
		break;
	case INBOX_MALFORMED:
		c->malformed++;
		break;
	case INBOX_NO_SURB:
		c->unknown_surb++;
		break;
	case INBOX_BAD_REPLY:
		c->bad_reply++;
		break;
	case INBOX_DROPPED:
		c->dropped++;
		break;
	case INBOX_ECHOED:
		c->echoed++;
		break;
	case INBOX_ECHO_REFUSED:
		c->echo_refused++;
		break;
	case INBOX_LIMITED:
		c->answers_limited++;
		break;
	case INBOX_NO_MAILBOX:
		c->no_mailbox++;
		break;
	case INBOX_MAIL: // the mailboxes count
		break;
	}
	pthread_mutex_unlock(&in->lock);
}

// Open a reply in place. Returns INBOX_STORED for "go on", another end, or -errno.
static int inbox_open_reply(
        struct fog_inbox *in, const struct fog_geometry *geo, const uint8_t *surb_id, uint8_t *data,
        int64_t *sent_id
)
{
	struct fog_surb_keys keys;
	int r = fog_store_surb_take(in->store, surb_id, sent_id, &keys);

	if (r == 0)
		r = fog_surb_open(in->ops, geo, &keys, data) == 0 ? INBOX_STORED : INBOX_BAD_REPLY;
	else if (r == -ENOENT || r == -EBADMSG)
		r = INBOX_NO_SURB;
	sodium_memzero(&keys, sizeof(keys));
	return r;
}

// Inside a transaction. Returns an enum inbox_end or -errno.
static int inbox_take(
        struct fog_inbox *in, const struct fog_geometry *geo, const struct fog_deliver *d,
        uint8_t *data
)
{
	struct fog_store_received m = {.time_us = fog_now_unix_us()};
	struct fog_message message;
	int r = INBOX_STORED;

	if (d->flags & FOG_DELIVER_SURB)
		r = inbox_open_reply(in, geo, d->surb_id, data, &m.in_reply_to);
	if (r != INBOX_STORED)
		return r;
	if (fog_message_decode(geo, data + FOG_SPHINX_TAG_LEN, &message) < 0)
		return INBOX_MALFORMED;
	memcpy(m.recipient, d->recipient, sizeof(m.recipient));
	m.data = message.data;
	m.len = message.len;
	m.surb = message.surb;
	m.surb_len = message.surb != NULL ? geo->surb_len : 0;
	m.surb_epoch = in->epoch != NULL ? in->epoch(in->epoch_ctx, message.surb_epoch) : 1;
	return fog_store_receive(in->store, &m);
}

// Inside a transaction, with a copy of the data. Returns an enum inbox_end or -errno.
static int inbox_handle(
        struct fog_inbox *in, const struct fog_geometry *geo, const struct fog_deliver *d,
        uint8_t *data, enum inbox_way way, struct fog_parcel *back
)
{
	if (d->data_len != (uint32_t)FOG_SPHINX_TAG_LEN + geo->payload_len)
		return INBOX_MALFORMED;
	switch (way) {
	case INBOX_TO_ECHO:
		return inbox_echo(in, geo, d, data, back);
	case INBOX_TO_MAIL:
		return inbox_mail(in, geo, d, data, back);
	default:
		return inbox_take(in, geo, d, data);
	}
}

static int inbox_transaction(
        struct fog_inbox *in, const struct fog_geometry *geo, uint32_t worker,
        const uint8_t boot_id[16], uint64_t seq, const struct fog_deliver *d, const uint8_t *data,
        enum inbox_way way, struct fog_parcel *back
)
{
	uint8_t copy[FOG_SPHINX_TAG_LEN + FOG_SPHINX_PACKET_MAX];
	int r = fog_store_begin(in->store), end;

	if (r < 0)
		return r;
	end = fog_store_mark(in->store, boot_id, worker, seq);
	if (end == 1) {
		end = INBOX_DUPLICATE;
	} else if (end == 0) {
		size_t len = d->data_len < sizeof(copy) ? d->data_len : sizeof(copy);
		memcpy(copy, data, len);
		end = inbox_handle(in, geo, d, copy, way, back);
		sodium_memzero(copy, len);
	}
	r = fog_store_end(in->store, end >= 0);
	return end < 0 ? end : r < 0 ? r : end;
}

int fog_inbox_deliver(
        struct fog_inbox *in, const struct fog_geometry *geo, uint32_t worker,
        const uint8_t boot_id[16], uint64_t seq, const struct fog_deliver *d, const uint8_t *data
)
{
	struct fog_parcel back;
	enum inbox_way way = inbox_way(in, d);
	int end = INBOX_DROPPED;

	back.packet_len = 0;
	if (way != INBOX_TO_NOBODY) // of nothing there is nothing to remember
		end = inbox_transaction(in, geo, worker, boot_id, seq, d, data, way, &back);
	if (way == INBOX_TO_MAIL)
		fog_mailboxes_ended(in->ways.mail, end >= 0);
	if (end < 0)
		return end;
	inbox_count(in, (enum inbox_end)end, d->flags & FOG_DELIVER_SURB);
	if (back.packet_len > 0) {
		if (!inbox_answer_now(in, &back))
			inbox_count(in, INBOX_LIMITED, false);
		fog_parcel_wipe(&back);
	}
	return 0;
}

void fog_inbox_counts(struct fog_inbox *in, struct fog_inbox_counts *counts)
{
	pthread_mutex_lock(&in->lock);
	*counts = in->counts;
	pthread_mutex_unlock(&in->lock);
}

uint64_t fog_inbox_wait(struct fog_inbox *in, uint64_t seen, int timeout_ms)
{
	const struct timespec until = fog_deadline(timeout_ms);
	uint64_t received;

	pthread_mutex_lock(&in->lock);
	while (in->counts.received <= seen && !in->stopping &&
	       pthread_cond_timedwait(&in->stored, &in->lock, &until) == 0)
		;
	received = in->counts.received;
	pthread_mutex_unlock(&in->lock);
	return received;
}

void fog_inbox_wake(struct fog_inbox *in)
{
	pthread_mutex_lock(&in->lock);
	in->stopping = true;
	pthread_cond_broadcast(&in->stored);
	pthread_mutex_unlock(&in->lock);
}
