// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "inbox.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../now.h"

struct fog_inbox {
	struct fog_store *store;
	const struct fog_crypto_ops *ops;
	fog_inbox_epoch *epoch; // NULL: the one of a network without rotation
	void *epoch_ctx;
	pthread_mutex_t lock; // everything below
	pthread_cond_t stored;
	struct fog_inbox_counts counts;
	bool stopping;
};

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

// The kinds of end that a delivered packet may come to.
enum inbox_end { INBOX_STORED, INBOX_DUPLICATE, INBOX_MALFORMED, INBOX_NO_SURB, INBOX_BAD_REPLY };

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

int fog_inbox_deliver(
        struct fog_inbox *in, const struct fog_geometry *geo, uint32_t worker,
        const uint8_t boot_id[16], uint64_t seq, const struct fog_deliver *d, const uint8_t *data
)
{
	uint8_t copy[FOG_SPHINX_TAG_LEN + FOG_SPHINX_PACKET_MAX];
	int r = fog_store_begin(in->store), end;

	if (r < 0)
		return r;
	r = fog_store_mark(in->store, boot_id, worker, seq);
	if (r == 1) {
		end = INBOX_DUPLICATE;
	} else if (r == 0) {
		end = INBOX_MALFORMED;
		if (d->data_len == (uint32_t)FOG_SPHINX_TAG_LEN + geo->payload_len) {
			memcpy(copy, data, d->data_len);
			end = inbox_take(in, geo, d, copy);
			sodium_memzero(copy, d->data_len);
		}
	} else {
		end = r;
	}
	r = fog_store_end(in->store, end >= 0);
	if (end < 0)
		return end;
	if (r < 0)
		return r;
	inbox_count(in, end, d->flags & FOG_DELIVER_SURB);
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
