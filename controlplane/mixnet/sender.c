// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "sender.h"
#include "../../log/log.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_MAX = 256 };

// 'lock' is held from before the transaction until the packet has left the outbox, so that flush
// never sees a packet that another thread is handing over.
struct fog_sender {
	struct fog_store *store;
	struct fog_dpclient *dp;
	pthread_mutex_t lock;
	fog_sender_gate *gate; // NULL: everything may leave
	void *gate_ctx;
	pthread_mutex_t paths_lock; // of 'paths'
	struct fog_path_memory *paths;
	unsigned backlog; // packets in the outbox that wait for the data plane, as far as known
};

int fog_sender_create(struct fog_store *store, struct fog_dpclient *dp, struct fog_sender **out)
{
	struct fog_sender *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	if (fog_path_memory_create(&s->paths) < 0) {
		free(s);
		return -ENOMEM;
	}
	s->store = store;
	s->dp = dp;
	pthread_mutex_init(&s->paths_lock, NULL);
	pthread_mutex_init(&s->lock, NULL);
	// What an earlier life left behind goes first; flush finds out how much it is.
	s->backlog = 1;
	*out = s;
	return 0;
}

void fog_sender_destroy(struct fog_sender *s)
{
	if (s == NULL)
		return;
	fog_path_memory_destroy(s->paths);
	pthread_mutex_destroy(&s->paths_lock);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int fog_sender_wrap(
        struct fog_sender *s, const struct fog_crypto_ops *ops, const struct fog_topology *t,
        const struct fog_topology_node *self, const struct fog_letter *letter,
        struct fog_parcel *parcel, char *text
)
{
	struct fog_letter l = *letter;

	pthread_mutex_lock(&s->paths_lock);
	l.paths = s->paths;
	int r = fog_letter_wrap(ops, t, self, &l, parcel, text);
	pthread_mutex_unlock(&s->paths_lock);
	return r;
}

void fog_sender_gate_set(struct fog_sender *s, fog_sender_gate *gate, void *ctx)
{
	s->gate = gate;
	s->gate_ctx = ctx;
}

int fog_sender_begin(struct fog_sender *s)
{
	struct fog_dpclient_status status;
	int r;

	fog_dpclient_status(s->dp, &status);
	if (status.state != FOG_DPCLIENT_ATTACHED)
		return -ENOTCONN;
	pthread_mutex_lock(&s->lock);
	r = s->backlog > FOG_SENDER_BACKLOG_MAX ? -ENOBUFS : fog_store_begin(s->store);
	if (r < 0)
		pthread_mutex_unlock(&s->lock);
	return r;
}

int fog_sender_put(struct fog_sender *s, const struct fog_parcel *p, int64_t *id)
{
	struct fog_store_sent sent = {
	        .bytes = p->bytes,
	        .reply_to = p->reply_to,
	        .inject_type = p->inject_type,
	        .packet = p->packet,
	        .packet_len = p->packet_len,
	        .epoch = p->epoch,
	};
	memcpy(sent.first_hop, p->first_hop, sizeof(sent.first_hop));
	int r = fog_store_send(s->store, &sent, id);
	if (r == 0 && p->has_surb)
		r = fog_store_surb_put(s->store, p->surb_id, *id, &p->keys);
	return r;
}

static int sender_inject(
        struct fog_sender *s, uint32_t type, const uint8_t *first_hop, uint64_t epoch,
        const uint8_t *packet, uint32_t len
)
{
	struct fog_dpclient_geometry now;
	struct fog_geometry geometry;

	int r = s->gate != NULL ? s->gate(s->gate_ctx, epoch, type) : 0;

	if (r < 0)
		return r;
	// A packet of another size makes the data plane take our ring for faulty.
	if (fog_dpclient_geometry(s->dp, &now) == 0 &&
	    fog_geometry_init(&geometry, now.slots, now.payload_len) == 0 &&
	    len != geometry.packet_len)
		return -EMSGSIZE;
	return fog_dpclient_inject(
	        s->dp, type, type == FOG_INJECT_FORWARD ? first_hop : NULL, (uint8_t)epoch, packet,
	        len
	);
}

int fog_sender_pass(
        struct fog_sender *s, uint32_t inject_type, const uint8_t first_hop[FOG_ID_LEN],
        uint64_t epoch, const uint8_t *packet, uint32_t len
)
{
	pthread_mutex_lock(&s->lock);
	int r = sender_inject(s, inject_type, first_hop, epoch, packet, len);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int sender_outbox_done(struct fog_sender *s, int64_t id, bool gone)
{
	int r = fog_store_begin(s->store);

	if (r < 0)
		return r;
	r = gone ? fog_store_outbox_done(s->store, id) : fog_store_outbox_give_up(s->store, id);
	int e = fog_store_end(s->store, r == 0);
	return r < 0 ? r : e;
}

// Returns 1 when a packet has left the outbox, 0 when there is none, or what stopped it.
static int sender_flush_one(struct fog_sender *s)
{
	uint8_t first_hop[FOG_ID_LEN] = {0}, packet[FOG_SPHINX_PACKET_MAX];
	uint32_t type = 0;
	uint64_t epoch = 0;
	int64_t id = 0;
	int n = fog_store_begin(s->store), r;

	if (n < 0)
		return n;
	n = fog_store_outbox_next(s->store, &id, &type, first_hop, &epoch, packet, sizeof(packet));
	fog_store_end(s->store, 0);
	if (n < 0)
		return n == -ENOENT ? 0 : n;
	r = (size_t)n <= sizeof(packet)
	        ? sender_inject(s, type, first_hop, epoch, packet, (uint32_t)n)
	        : -EMSGSIZE;
	sodium_memzero(packet, sizeof(packet));
	if (r == -ENOTCONN || r == -ENOBUFS || r == -EAGAIN)
		return r;
	if (r == -ESTALE)
		LOG_ERR("sent message %lld waited until the key of its epoch %llu was gone, and no node "
		        "takes it any more: it is given up; send it again",
		        (long long)id, (unsigned long long)epoch);
	else if (r < 0)
		LOG_ERR("sent message %lld cannot leave: the data plane takes no packets of %d bytes; "
		        "it is given up",
		        (long long)id, n);
	r = sender_outbox_done(s, id, r == 0);
	return r < 0 ? r : 1;
}

static void sender_flush(struct fog_sender *s)
{
	int r = 1;

	for (int i = 0; s->backlog > 0 && r == 1 && i < FLUSH_MAX; i++) {
		r = sender_flush_one(s);
		if (r == 1 && s->backlog > 1)
			s->backlog--;
		else if (r == 0)
			s->backlog = 0;
	}
}

void fog_sender_flush(struct fog_sender *s)
{
	pthread_mutex_lock(&s->lock);
	sender_flush(s);
	pthread_mutex_unlock(&s->lock);
}

int fog_sender_end(struct fog_sender *s, bool commit, const struct fog_parcel *p, int64_t id)
{
	int r = fog_store_end(s->store, commit);

	if (commit && r == 0) {
		// Behind others that wait, to keep the order.
		if (s->backlog == 0 &&
		    sender_inject(
		            s, p->inject_type, p->first_hop, p->epoch, p->packet, p->packet_len
		    ) == 0) {
			sender_outbox_done(s, id, true);
		} else {
			s->backlog++;
			sender_flush(s);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}
