// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/api/link.h"
#include "../../log/log.h"
#include "../vrf/delay.h"
#include "../vrf/vrf.h"
#include "notice.h"

struct exchange_key {
	uint64_t epoch;
	uint8_t public_key[32];
	bool set, lost;
};

struct exchange_peer {
	struct fog_topology_node node;
	struct exchange_key key[FOG_EXCHANGE_KEYS]; // at epoch modulo their number
	struct fog_notice_box box;
	uint64_t sequence; // of the newest descriptor taken, 0 = none
	uint8_t digest[32]; // of the same
	uint64_t vrf_from, vrf_first_seen;
	uint64_t acked; // sequence of ours that it has
	uint64_t due_ms, gap_ms; // when ours is sent again
	uint64_t refused[FOG_EXCHANGE_REFUSAL_COUNT];
};

struct fog_exchange {
	struct fog_store *store;
	struct fog_exchange_ops ops;
	void *ctx;
	pthread_mutex_t lock; // everything below
	uint8_t self[FOG_ID_LEN], network[32];
	uint64_t now_epoch;
	size_t room; // of a notice
	unsigned count;
	struct exchange_peer *peer;
	uint64_t sequence; // of our own descriptor, 0 = there is none yet
	size_t len;
	uint8_t data[FOG_DESCRIPTOR_MAX];
};

int fog_exchange_create(
        struct fog_store *store, const struct fog_exchange_ops *ops, void *ctx,
        struct fog_exchange **out
)
{
	struct fog_exchange *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return -ENOMEM;
	d->store = store;
	d->ops = *ops;
	d->ctx = ctx;
	pthread_mutex_init(&d->lock, NULL);
	*out = d;
	return 0;
}

void fog_exchange_destroy(struct fog_exchange *d)
{
	if (d == NULL)
		return;
	pthread_mutex_destroy(&d->lock);
	free(d->peer);
	free(d);
}

static struct exchange_peer *exchange_find(
        const struct fog_exchange *d, const uint8_t id[FOG_ID_LEN]
)
{
	for (unsigned i = 0; i < d->count; i++)
		if (memcmp(d->peer[i].node.id, id, FOG_ID_LEN) == 0)
			return &d->peer[i];
	return NULL;
}

static struct exchange_key *exchange_slot(struct exchange_peer *p, uint64_t epoch)
{
	return &p->key[epoch % FOG_EXCHANGE_KEYS];
}

static void exchange_remember(struct exchange_peer *p, uint64_t epoch, const uint8_t public_key[32])
{
	struct exchange_key *key = exchange_slot(p, epoch);

	if (key->set && key->epoch >= epoch)
		return;
	*key = (struct exchange_key
	){.epoch = epoch, .set = true, .lost = sodium_is_zero(public_key, 32)};
	memcpy(key->public_key, public_key, 32);
}

// What an earlier life of this process has seen, so that a restart forgets no key. In a transaction.
static void exchange_recall(struct fog_exchange *d, struct exchange_peer *p)
{
	uint64_t from = d->now_epoch > 1 ? d->now_epoch - 1 : 0;
	uint8_t key[32];

	for (uint64_t e = from; e <= d->now_epoch + 2; e++)
		if (fog_store_seen_key_get(d->store, p->node.id, e, key) == 0)
			exchange_remember(p, e, key);
}

static bool exchange_same_keys(const struct fog_topology_node *a, const struct fog_topology_node *b)
{
	return memcmp(a->identity, b->identity, 32) == 0 &&
	        memcmp(a->vrf_key, b->vrf_key, 32) == 0 &&
	        memcmp(a->link_key, b->link_key, 32) == 0;
}

int fog_exchange_topology(
        struct fog_exchange *d, const struct fog_topology *t, const uint8_t self[FOG_ID_LEN],
        uint64_t now_epoch
)
{
	unsigned count = t != NULL && t->links == FOG_LINKS_NOISE ? t->node_count : 0;
	struct exchange_peer *peer = calloc(count + 1, sizeof(*peer));

	if (peer == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&d->lock);
	d->now_epoch = now_epoch;
	memcpy(d->self, self, sizeof(d->self));
	if (count > 0) {
		fog_network_hash(t, d->network);
		d->room = fog_notice_room(t->geometry.packet_len);
	}
	bool readable = fog_store_begin(d->store) == 0;
	for (unsigned i = 0; i < count; i++) {
		const struct exchange_peer *old = exchange_find(d, t->node[i].id);
		if (old != NULL && exchange_same_keys(&old->node, &t->node[i]))
			peer[i] = *old;
		peer[i].node = t->node[i];
		if (old == NULL && readable)
			exchange_recall(d, &peer[i]);
	}
	if (readable)
		fog_store_end(d->store, 0);
	free(d->peer);
	d->peer = peer;
	d->count = count;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

static bool exchange_is_self(const struct fog_exchange *d, const struct exchange_peer *p)
{
	return memcmp(p->node.id, d->self, sizeof(d->self)) == 0;
}

static void exchange_send(struct fog_exchange *d, struct exchange_peer *p, uint64_t now_ms)
{
	uint8_t notice[FOG_NOTICE_MAX];
	unsigned parts = fog_notice_parts(d->len, d->room);
	int r = 0;

	for (unsigned i = 0; i < parts && r == 0; i++) {
		size_t n = fog_notice_put(d->sequence, d->data, d->len, i, parts, notice);
		r = d->ops.send(d->ctx, p->node.id, notice, n);
	}
	p->gap_ms = p->gap_ms == 0 ? FOG_EXCHANGE_RESEND_MS : 2 * p->gap_ms;
	if (p->gap_ms > FOG_EXCHANGE_RESEND_MAX_MS)
		p->gap_ms = FOG_EXCHANGE_RESEND_MAX_MS;
	p->due_ms = now_ms + p->gap_ms;
}

void fog_exchange_publish(
        struct fog_exchange *d, const struct fog_descriptor *own, const uint8_t *data, size_t len
)
{
	pthread_mutex_lock(&d->lock);
	struct exchange_peer *self = exchange_find(d, own->node_id);
	d->sequence = own->sequence;
	d->len = len;
	memcpy(d->data, data, len);
	for (unsigned i = 0; i < d->count; i++)
		d->peer[i].due_ms = d->peer[i].gap_ms = 0;
	if (self != NULL) {
		self->sequence = own->sequence;
		self->vrf_from = own->vrf_from;
		for (unsigned i = 0; i < own->mix_count; i++) {
			exchange_remember(self, own->mix[i].epoch, own->mix[i].public_key);
			if (sodium_is_zero(own->mix[i].public_key, 32))
				exchange_slot(self, own->mix[i].epoch)->lost = true;
		}
	}
	pthread_mutex_unlock(&d->lock);
}

void fog_exchange_up(struct fog_exchange *d, const uint8_t node_id[FOG_ID_LEN], uint64_t now_ms)
{
	pthread_mutex_lock(&d->lock);
	struct exchange_peer *p = exchange_find(d, node_id);
	// It may have been restarted and know nothing any more.
	if (p != NULL && !exchange_is_self(d, p)) {
		p->acked = p->gap_ms = 0;
		if (d->sequence > 0)
			exchange_send(d, p, now_ms);
	}
	pthread_mutex_unlock(&d->lock);
}

void fog_exchange_tick(struct fog_exchange *d, uint64_t now_epoch, uint64_t now_ms)
{
	pthread_mutex_lock(&d->lock);
	d->now_epoch = now_epoch;
	for (unsigned i = 0; i < d->count; i++) {
		struct exchange_peer *p = &d->peer[i];
		if (d->sequence > 0 && p->acked != d->sequence && now_ms >= p->due_ms &&
		    !exchange_is_self(d, p))
			exchange_send(d, p, now_ms);
	}
	pthread_mutex_unlock(&d->lock);
}

static void exchange_refuse(
        struct exchange_peer *p, enum fog_exchange_refusal why, const char *text
)
{
	// A node that sends nothing else must not fill the log.
	if (p->refused[why]++ == 0)
		LOG_WARN("descriptor of %s refused: %s", p->node.name, text);
}

static void exchange_contradicts(struct exchange_peer *p, uint64_t epoch, const char *what)
{
	if (p->refused[FOG_EXCHANGE_EQUIVOCATION]++ == 0)
		LOG_WARN(
		        "%s contradicts itself about epoch %" PRIu64
		        ": %s; what it said first stays, and "
		        "more of this is counted only (equivocation). A node that tells different nodes "
		        "different things can tell whose packets it holds: ask who runs it, or take it "
		        "out of the topology",
		        p->node.name, epoch, what
		);
}

// In a transaction. Returns 0 or a database error.
static int exchange_take_key(
        struct fog_exchange *d, struct exchange_peer *p, uint64_t epoch, const uint8_t key[32]
)
{
	uint8_t known[32];

	// What is long past or far ahead can't be used, and would only fill the memory.
	if (epoch + 1 < d->now_epoch || epoch > d->now_epoch + 2)
		return 0;
	if (sodium_is_zero(key, 32)) {
		exchange_remember(p, epoch, key);
		exchange_slot(p, epoch)->lost = true;
		return fog_store_seen_lost(d->store, p->node.id, epoch);
	}
	memcpy(known, key, 32);
	int r = fog_store_seen_key(d->store, p->node.id, epoch, known);
	if (r < 0 && r != -EEXIST)
		return r;
	exchange_remember(p, epoch, known);
	if (r == -EEXIST)
		exchange_contradicts(
		        p, epoch,
		        sodium_is_zero(known, 32)
		                ? "it has shown a key after it had said that it lost it"
		                : "it has shown two mix keys"
		);
	return 0;
}

static int exchange_take_proof(
        struct fog_exchange *d, struct exchange_peer *p, uint64_t epoch, const uint8_t proof[80]
)
{
	uint8_t known[80], beacon[32], alpha[FOG_DELAY_ALPHA_LEN], beta[64];

	// A node can prove every epoch since 1970, and could fill the store with them.
	if (epoch + FOG_EXCHANGE_PROOFS_BACK < d->now_epoch)
		return 0;
	int r = fog_store_proof_get(d->store, p->node.id, epoch, known);
	if (r != -ENOENT)
		return r;
	fog_static_beacon(d->network, epoch, beacon);
	size_t len = fog_delay_alpha(d->network, epoch, beacon, alpha);
	if (epoch >= d->now_epoch || fog_vrf_verify(p->node.vrf_key, alpha, len, proof, beta) < 0) {
		exchange_refuse(
		        p, FOG_EXCHANGE_PROOF,
		        "a proof of its delays does not verify, or its epoch has not ended"
		);
		return 0;
	}
	return fog_store_proof_put(d->store, p->node.id, epoch, proof);
}

static int exchange_take(
        struct fog_exchange *d, struct exchange_peer *p, const struct fog_descriptor *desc
)
{
	uint64_t first_seen = d->now_epoch;
	int r = fog_store_begin(d->store);

	if (r < 0)
		return r;
	r = fog_store_seen_vrf(d->store, p->node.id, desc->vrf_key, &first_seen);
	for (unsigned i = 0; i < desc->mix_count && r == 0; i++)
		r = exchange_take_key(d, p, desc->mix[i].epoch, desc->mix[i].public_key);
	for (unsigned i = 0; i < desc->proof_count && r == 0; i++)
		r = exchange_take_proof(d, p, desc->proof[i].epoch, desc->proof[i].proof);
	int e = fog_store_end(d->store, r == 0);
	if (r < 0 || e < 0)
		return r < 0 ? r : e;
	p->sequence = desc->sequence;
	p->vrf_from = desc->vrf_from;
	p->vrf_first_seen = first_seen;
	return 0;
}

// Returns 0 when it may be acknowledged: nothing more will come of sending it again.
static int exchange_open(struct fog_exchange *d, struct exchange_peer *p)
{
	uint8_t digest[sizeof(p->digest)];
	struct fog_descriptor desc;
	int r = fog_descriptor_open(p->box.data, p->box.len, &p->node, d->network, &desc);

	if (r == -EBADMSG)
		exchange_refuse(
		        p, FOG_EXCHANGE_SIGNATURE,
		        "it is not signed by this node, or malformed: does the topology have its "
		        "identity?"
		);
	else if (r == -EXDEV)
		exchange_refuse(
		        p, FOG_EXCHANGE_NETWORK,
		        "it is of another network: use the same topology file on all nodes"
		);
	else if (r < 0)
		exchange_refuse(
		        p, FOG_EXCHANGE_NODE,
		        "its keys are not those of the topology: take them from 'fogctl identity "
		        "show' on that node"
		);
	if (r < 0)
		return r;
	if (desc.sequence != p->box.sequence || desc.sequence < p->sequence) {
		p->refused[FOG_EXCHANGE_OLD]++;
		return -ESTALE;
	}
	crypto_generichash(digest, sizeof(digest), p->box.data, p->box.len, NULL, 0);
	if (desc.sequence == p->sequence) {
		if (memcmp(digest, p->digest, sizeof(digest)) != 0)
			exchange_contradicts(
			        p, d->now_epoch,
			        "it has signed two descriptors with one sequence number"
			);
		return 0;
	}
	r = exchange_take(d, p, &desc);
	if (r == 0)
		memcpy(p->digest, digest, sizeof(digest));
	return r;
}

void fog_exchange_notice(
        struct fog_exchange *d, const uint8_t node_id[FOG_ID_LEN], const uint8_t *data, size_t len
)
{
	uint8_t ack[FOG_NOTICE_HEAD];
	uint64_t sequence = 0;

	pthread_mutex_lock(&d->lock);
	struct exchange_peer *p = exchange_find(d, node_id);
	int r = p != NULL && !exchange_is_self(d, p)
	        ? fog_notice_take(&p->box, data, len, &sequence)
	        : 0;
	if (r == -EBADMSG)
		exchange_refuse(
		        p, FOG_EXCHANGE_MALFORMED,
		        "its notice has no known form: upgrade the older of the two nodes"
		);
	else if (r == FOG_NOTICE_ACK && sequence == d->sequence)
		p->acked = sequence;
	else if (r == FOG_NOTICE_DESCRIPTOR && exchange_open(d, p) == 0)
		d->ops.send(d->ctx, node_id, ack, fog_notice_ack(sequence, ack));
	pthread_mutex_unlock(&d->lock);
}

int fog_exchange_mix_key(
        struct fog_exchange *d, const uint8_t node_id[FOG_ID_LEN], uint64_t epoch,
        uint8_t public_key[32]
)
{
	int r = -ENOENT;

	pthread_mutex_lock(&d->lock);
	struct exchange_peer *p = exchange_find(d, node_id);
	const struct exchange_key *key = p != NULL ? exchange_slot(p, epoch) : NULL;
	if (key != NULL && key->set && key->epoch == epoch && !key->lost) {
		memcpy(public_key, key->public_key, 32);
		r = 0;
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}

static void exchange_keys(const struct exchange_peer *p, struct fog_exchange_node *out)
{
	uint64_t next = 0;

	for (;;) {
		const struct exchange_key *least = NULL;
		for (unsigned i = 0; i < FOG_EXCHANGE_KEYS; i++)
			if (p->key[i].set && p->key[i].epoch >= next &&
			    (least == NULL || p->key[i].epoch < least->epoch))
				least = &p->key[i];
		if (least == NULL)
			return;
		out->key[out->key_count].epoch = least->epoch;
		out->key[out->key_count].lost = least->lost;
		memcpy(out->key[out->key_count++].public_key, least->public_key, 32);
		next = least->epoch + 1;
	}
}

uint64_t fog_exchange_counts_from(const struct fog_exchange_node *n)
{
	uint64_t least = n->vrf_first_seen + 2, most = least + 1;

	if (n->own)
		return n->vrf_from;
	return n->vrf_from < least ? least : n->vrf_from < most ? n->vrf_from : most;
}

int fog_exchange_node(struct fog_exchange *d, unsigned i, struct fog_exchange_node *out)
{
	int r = -ENOENT;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&d->lock);
	if (i < d->count) {
		const struct exchange_peer *p = &d->peer[i];
		memcpy(out->name, p->node.name, sizeof(out->name));
		memcpy(out->id, p->node.id, sizeof(out->id));
		memcpy(out->refused, p->refused, sizeof(out->refused));
		out->own = exchange_is_self(d, p);
		out->known = p->sequence > 0;
		out->acked = out->own || (d->sequence > 0 && p->acked == d->sequence);
		out->sequence = p->sequence;
		out->vrf_from = p->vrf_from;
		out->vrf_first_seen = p->vrf_first_seen;
		exchange_keys(p, out);
		r = 0;
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}
