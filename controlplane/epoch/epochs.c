// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "epochs.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../directory/consensus.h"
#include "../vrf/delay.h"
#include "../vrf/vrf.h"

enum {
	EPOCHS_SWEEP = 64, // dead epochs whose keys are looked for in the keyring
	EPOCHS_FAR = 64, // epochs so far ahead were counted when epochs were shorter: they are dead
	EPOCHS_END_MAX = 8, // proofs made in one tick
	EPOCHS_AHEAD = 1,
	EPOCHS_AHEAD_DIRECTORY = FOG_CONSENSUS_LIFE,
	EPOCHS_COUNTS_AFTER = 2, // a VRF key counts so many epochs after it was first announced
};

struct epochs_own {
	bool set; // 'epoch' was announced
	uint64_t epoch;
	uint8_t public_key[32], network[32];
	struct fog_epoch_key *key; // NULL: lost
};

struct fog_epochs {
	struct fog_epochs_params p;
	struct fog_epochs_ops ops;
	void *ctx;
	bool active, directory, swept, stale;
	bool unsigned_said; // that no descriptor can be made
	unsigned ahead; // keys are announced up to this many epochs after the one of now
	atomic_bool handed;
	uint64_t swept_below; // dead keys of lower epochs are gone
	struct fog_schedule schedule;
	uint8_t network[32];
	uint64_t vrf_from;
	struct fog_descriptor about; // what we are and where, without keys; role 0: not known
	bool owes; // a proof that a consensus has asked for
	uint64_t owed_epoch;
	uint8_t owed_beacon[32];
	struct epochs_own own[FOG_EPOCHS_OWN_MAX]; // at epoch modulo their number
	struct fog_dpclient_key *hand; // FOG_SCHEDULE_LIVE_MAX, locked
	uint64_t handed_epoch[FOG_SCHEDULE_LIVE_MAX];
	unsigned handed_count;
	char text[FOG_EPOCHS_TEXT_LEN];

	pthread_mutex_t lock; // what follows
	struct fog_epochs_view view;
};

// The store is of a node that this one was before its identity was rotated: what that one announced is no
// business of ours, nor are its keys. In a transaction; where it ends early, the next start begins anew.
static int epochs_forget_other(const struct fog_epochs_params *p)
{
	uint64_t epoch;
	int r;

	while ((r = fog_store_announced_open(p->store, INT64_MAX, INT64_MAX, &epoch)) == 0) {
		r = fog_epoch_key_destroy(p->instance, epoch);
		if (r == 0 || r == -ENOENT)
			r = fog_store_announced_end(p->store, epoch);
		if (r < 0)
			return r;
	}
	if (r == -ENOENT)
		r = fog_store_announced_clear(p->store);
	if (r == 0)
		LOG_INFO("another identity than last time: its mix keys are destroyed");
	return r;
}

static int epochs_follow_identity(const struct fog_epochs_params *p)
{
	int r = fog_store_begin(p->store);

	if (r < 0)
		return r;
	r = fog_store_identity(p->store, p->identity->node_id);
	if (r == 1)
		r = epochs_forget_other(p);
	int end = fog_store_end(p->store, r == 0);
	return r < 0 ? r : end;
}

int fog_epochs_create(
        const struct fog_epochs_params *p, const struct fog_epochs_ops *ops, void *ctx,
        struct fog_epochs **out
)
{
	struct fog_epochs *e;
	int r = epochs_follow_identity(p);

	if (r < 0)
		return r;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return -ENOMEM;
	pthread_mutex_init(&e->lock, NULL);
	e->p = *p;
	e->ops = *ops;
	e->ctx = ctx;
	e->hand = sodium_allocarray(FOG_SCHEDULE_LIVE_MAX, sizeof(*e->hand));
	if (e->hand == NULL) {
		fog_epochs_destroy(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

static void epochs_forget(struct epochs_own *own)
{
	fog_epoch_key_close(own->key);
	memset(own, 0, sizeof(*own));
}

void fog_epochs_destroy(struct fog_epochs *e)
{
	if (e == NULL)
		return;
	for (unsigned i = 0; i < FOG_EPOCHS_OWN_MAX; i++)
		epochs_forget(&e->own[i]);
	sodium_free(e->hand);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

// What everybody can read about us in a network whose file lists the nodes.
static void epochs_about_listed(struct fog_epochs *e, const struct fog_topology *t)
{
	const struct fog_topology_node *self = fog_topology_find(t, e->p.identity->node_id);
	struct fog_descriptor *d = &e->about;

	memset(d, 0, sizeof(*d));
	if (self == NULL)
		return;
	d->role = self->role;
	d->layer_wish = self->layer;
	d->bandwidth = self->bandwidth;
	memcpy(d->name, self->name, sizeof(d->name));
	memcpy(d->operator, self->operator, sizeof(d->operator));
	memcpy(d->family, self->family, sizeof(d->family));
	memcpy(d->region, self->region, sizeof(d->region));
	d->as_number = self->as_number;
	d->address = self->address;
	d->mix_port = self->port;
}

void fog_epochs_topology(struct fog_epochs *e, const struct fog_topology *t)
{
	bool active = t != NULL && t->links == FOG_LINKS_NOISE, directory = false;
	uint8_t network[32] = {0};

	if (active) {
		directory = t->authority_count > 0;
		fog_network_hash(t, network);
	}
	// Each consensus makes a topology, but not another descriptor.
	if (!directory || !e->directory || memcmp(network, e->network, 32) != 0)
		e->stale = true;
	e->active = active;
	e->directory = directory;
	if (!active)
		return;
	e->ahead = directory ? EPOCHS_AHEAD_DIRECTORY : EPOCHS_AHEAD;
	if (!directory)
		epochs_about_listed(e, t);
	e->schedule = fog_schedule_of(t);
	memcpy(e->network, network, 32);
}

void fog_epochs_about(struct fog_epochs *e, const struct fog_descriptor *about)
{
	if (memcmp(&e->about, about, sizeof(*about)) == 0)
		return;
	e->about = *about;
	e->stale = true;
}

void fog_epochs_owe(struct fog_epochs *e, uint64_t epoch, const uint8_t beacon[32])
{
	bool owes = beacon != NULL;

	if (owes == e->owes &&
	    (!owes || (epoch == e->owed_epoch && memcmp(beacon, e->owed_beacon, 32) == 0)))
		return;
	e->owes = owes;
	e->owed_epoch = epoch;
	if (owes)
		memcpy(e->owed_beacon, beacon, 32);
	e->stale = true;
}

void fog_epochs_hand_again(struct fog_epochs *e)
{
	e->handed = false;
}

static struct epochs_own *epochs_slot(struct fog_epochs *e, uint64_t epoch)
{
	return &e->own[epoch % FOG_EPOCHS_OWN_MAX];
}

static struct epochs_own *epochs_find(struct fog_epochs *e, uint64_t epoch)
{
	struct epochs_own *own = epochs_slot(e, epoch);

	return own->set && own->epoch == epoch ? own : NULL;
}

static int epochs_recall(
        struct fog_epochs *e, uint64_t epoch, uint8_t public_key[32], uint8_t network[32]
)
{
	int r = fog_store_begin(e->p.store);

	if (r < 0)
		return r;
	r = fog_store_announced(e->p.store, epoch, public_key, network);
	fog_store_end(e->p.store, 0);
	return r;
}

static int epochs_record(struct fog_epochs *e, const struct fog_epoch_key *key)
{
	int r = fog_store_begin(e->p.store);

	if (r < 0)
		return r;
	r = fog_store_announce(e->p.store, key->epoch, key->public_key, e->network);
	int end = fog_store_end(e->p.store, r == 0);
	return r < 0 ? r : end;
}

static int epochs_record_again(struct fog_epochs *e, const struct fog_epoch_key *key)
{
	int r = fog_store_begin(e->p.store);

	if (r < 0)
		return r;
	r = fog_store_announce_again(e->p.store, key->epoch, key->public_key, e->network);
	int end = fog_store_end(e->p.store, r == 0);
	return r < 0 ? r : end;
}

static void epochs_say(struct fog_epochs *e, const char *text)
{
	if (strcmp(e->text, text) == 0)
		return;
	snprintf(e->text, sizeof(e->text), "%s", text);
	if (text[0] != '\0')
		LOG_ERR("mix keys by epoch: %s", text);
}

static void epochs_lost(const struct epochs_own *own)
{
	LOG_WARN(
	        "the mix key of epoch %" PRIu64
	        " was announced and is gone: keys live in the kernel's "
	        "memory and no reboot; wait for the next epoch",
	        own->epoch
	);
}

// Have the key of 'epoch': out of the keyring; or, if nobody has been told one, a new one; with 'again' also
// in place of one that is gone. Returns 0 also when it is lost, -ENOENT (there is none and none was
// announced), else what stands in the way.
static int epochs_ensure(struct fog_epochs *e, uint64_t epoch, bool create, bool again)
{
	struct epochs_own *own = epochs_slot(e, epoch), fresh = {.set = true, .epoch = epoch};
	char text[FOG_EPOCHS_TEXT_LEN] = "";

	if (epochs_find(e, epoch) != NULL)
		return 0;
	int known = epochs_recall(e, epoch, fresh.public_key, fresh.network);
	if (known < 0 && known != -ENOENT)
		return known;
	int r = fog_epoch_key_fetch(e->p.instance, epoch, &fresh.key, text, sizeof(text));
	if (r == -ENOENT && known != 0 && !create)
		return r;
	if (r == -ENOENT && (known != 0 || again))
		r = fog_epoch_key_open(e->p.instance, epoch, &fresh.key, NULL, text, sizeof(text));
	if (r < 0 && r != -ENOENT) {
		epochs_say(e, text);
		return r;
	}
	// Of another life of this instance, say with another state folder: not what others know.
	bool other = known == 0 && fresh.key != NULL &&
	        memcmp(fresh.key->public_key, fresh.public_key, 32) != 0;
	if (other && !again) {
		fog_epoch_key_close(fresh.key);
		fresh.key = NULL;
	}
	if (known != 0 || (other && again)) {
		memcpy(fresh.public_key, fresh.key->public_key, 32);
		memcpy(fresh.network, e->network, 32);
		r = other ? epochs_record_again(e, fresh.key) : epochs_record(e, fresh.key);
		if (r < 0) {
			fog_epoch_key_close(fresh.key);
			return r;
		}
	}
	epochs_forget(own);
	*own = fresh;
	if (own->key == NULL)
		epochs_lost(own);
	e->stale = true;
	return 0;
}

// Returns the length, or -EAGAIN. The beacons of another network with a directory are known no more.
static int epochs_alpha(
        const struct fog_epochs *e, const uint8_t network[32], uint64_t epoch,
        uint8_t alpha[FOG_DELAY_ALPHA_LEN]
)
{
	uint8_t beacon[32];

	if (!e->directory || epoch == 0 || memcmp(network, e->network, 32) != 0)
		fog_static_beacon(network, epoch, beacon);
	else if (e->ops.beacon(e->ctx, epoch - 1, beacon) < 0)
		return -EAGAIN;
	return (int)fog_delay_alpha(network, epoch, beacon, alpha);
}

static int epochs_delay_key(
        const struct fog_epochs *e, const struct epochs_own *own, uint8_t delay_key[32]
)
{
	uint8_t alpha[FOG_DELAY_ALPHA_LEN], proof[FOG_VRF_PROOF_LEN], beta[FOG_VRF_BETA_LEN];
	int len = epochs_alpha(e, own->network, own->epoch, alpha);
	int r = len < 0 ? len : fog_vrf_prove(e->p.identity->vrf_seed, alpha, (size_t)len, proof);

	if (r == 0)
		r = fog_vrf_beta(proof, beta);
	if (r == 0)
		fog_delay_key_of_beta(beta, delay_key);
	sodium_memzero(proof, sizeof(proof));
	sodium_memzero(beta, sizeof(beta));
	return r;
}

// Hand the live keys that we have to the data plane, when they are others than last time.
static void epochs_hand(struct fog_epochs *e, const struct fog_schedule_view *v)
{
	const struct epochs_own *own[FOG_SCHEDULE_LIVE_MAX];
	bool same = e->handed;
	unsigned n = 0;
	int r = 0;

	for (unsigned i = 0; i < v->live_count; i++) {
		own[n] = epochs_find(e, v->live[i]);
		if (own[n] != NULL && own[n]->key != NULL) {
			same = same && n < e->handed_count && e->handed_epoch[n] == v->live[i];
			n++;
		}
	}
	if (same && n == e->handed_count)
		return;
	for (unsigned i = 0; i < n && r == 0; i++) {
		e->hand[i].epoch = own[i]->epoch;
		memcpy(e->hand[i].private_key, own[i]->key->private_key, 32);
		memcpy(e->hand[i].public_key, own[i]->public_key, 32);
		r = epochs_delay_key(e, own[i], e->hand[i].delay_key);
	}
	if (r == 0)
		r = e->ops.keys_set(e->ctx, e->hand, n);
	sodium_memzero(e->hand, FOG_SCHEDULE_LIVE_MAX * sizeof(*e->hand));
	e->handed = r == 0;
	e->handed_count = n;
	for (unsigned i = 0; i < n; i++)
		e->handed_epoch[i] = own[i]->epoch;
	if (r < 0 && r != -EAGAIN)
		LOG_WARN(
		        "mix keys can't be handed to the data plane now: %s: raise LimitMEMLOCK if it "
		        "lasts",
		        strerror(-r)
		);
}

// Keys that are dead leave memory and keyring, whatever the data plane does.
static void epochs_sweep(struct fog_epochs *e, const struct fog_schedule_view *v)
{
	uint64_t dead = v->live[0];

	for (unsigned i = 0; i < FOG_EPOCHS_OWN_MAX; i++) {
		uint64_t epoch = e->own[i].epoch;
		if (!e->own[i].set || (epoch >= dead && epoch <= v->epoch + EPOCHS_FAR))
			continue;
		epochs_forget(&e->own[i]);
		fog_epoch_key_destroy(e->p.instance, epoch);
	}
	for (uint64_t epoch = dead > EPOCHS_SWEEP ? dead - EPOCHS_SWEEP : 0; epoch < dead;
	     epoch++) {
		int r = fog_epoch_key_destroy(e->p.instance, epoch);
		if (r < 0 && r != -ENOENT)
			LOG_WARN(
			        "mix key of epoch %" PRIu64
			        " can't be removed from the keyring: %s: "
			        "see keyrings(7)",
			        epoch, strerror(-r)
			);
	}
}

// In a transaction. Returns -EAGAIN while the data plane may still have the key.
static int epochs_prove(struct fog_epochs *e, uint64_t epoch)
{
	uint8_t public_key[32], network[32], alpha[FOG_DELAY_ALPHA_LEN], proof[FOG_VRF_PROOF_LEN];
	int r = fog_store_announced(e->p.store, epoch, public_key, network);

	if (r == 0 && !e->ops.key_gone(e->ctx, public_key))
		r = -EAGAIN;
	if (r == 0) {
		int len = epochs_alpha(e, network, epoch, alpha);
		r = len < 0 ? len
		            : fog_vrf_prove(e->p.identity->vrf_seed, alpha, (size_t)len, proof);
	}
	if (r == 0)
		r = fog_store_proof_put(e->p.store, e->p.identity->node_id, epoch, proof);
	return r < 0 ? r : fog_store_announced_end(e->p.store, epoch);
}

// Publish the proofs of dead epochs, also of those that ended while this process was not there.
static void epochs_end(struct fog_epochs *e, const struct fog_schedule_view *v)
{
	for (int i = 0; i < EPOCHS_END_MAX; i++) {
		uint64_t epoch = 0;
		int r = fog_store_begin(e->p.store);
		if (r < 0)
			return;
		r = fog_store_announced_open(e->p.store, v->live[0], v->epoch + EPOCHS_FAR, &epoch);
		// The sweep looks for the last few only.
		if (r == 0) {
			fog_epoch_key_destroy(e->p.instance, epoch);
			r = epochs_prove(e, epoch);
		}
		if (fog_store_end(e->p.store, r == 0) < 0 || r < 0)
			return;
		LOG_INFO(
		        "epoch %" PRIu64 " has ended: its key is destroyed, its delays are proved",
		        epoch
		);
		e->stale = true;
	}
}

// Into its place among the proofs of the descriptor; where there is no room, the oldest goes.
static void proof_insert(struct fog_descriptor *d, uint64_t epoch, const uint8_t proof[80])
{
	unsigned at = 0;

	while (at < d->proof_count && d->proof[at].epoch < epoch)
		at++;
	if (at == d->proof_count || d->proof[at].epoch != epoch) {
		if (d->proof_count == FOG_DESCRIPTOR_PROOF_MAX) {
			unsigned from = at > 0;
			at -= from;
			memmove(&d->proof[0], &d->proof[from], at * sizeof(d->proof[0]));
		} else {
			memmove(&d->proof[at + 1], &d->proof[at],
			        (d->proof_count++ - at) * sizeof(d->proof[0]));
		}
	}
	d->proof[at].epoch = epoch;
	memcpy(d->proof[at].proof, proof, 80);
}

// Made anew from what the consensus says: the epoch may be longer over than the store's last proofs, and the
// beacon that we knew another one. In a transaction.
static void epochs_describe_owed(
        struct fog_epochs *e, const struct fog_schedule_view *v, struct fog_descriptor *d
)
{
	uint8_t public_key[32], network[32], alpha[FOG_DELAY_ALPHA_LEN], proof[FOG_VRF_PROOF_LEN];

	if (!e->owes || e->owed_epoch >= v->live[0])
		return;
	// While the data plane may have the key there is no proof yet, and none is shown.
	if (fog_store_announced(e->p.store, e->owed_epoch, public_key, network) != -ENOENT &&
	    fog_store_proof_get(e->p.store, e->p.identity->node_id, e->owed_epoch, proof) != 0)
		return;
	fog_delay_alpha(e->network, e->owed_epoch, e->owed_beacon, alpha);
	if (fog_vrf_prove(e->p.identity->vrf_seed, alpha, sizeof(alpha), proof) == 0)
		proof_insert(d, e->owed_epoch, proof);
}

static void epochs_describe(
        struct fog_epochs *e, const struct fog_schedule_view *v, struct fog_descriptor *d
)
{
	struct fog_store_proof proof[FOG_DESCRIPTOR_PROOF_MAX];
	const struct fog_identity *id = e->p.identity;

	*d = e->about;
	memcpy(d->network, e->network, 32);
	memcpy(d->node_id, id->node_id, 32);
	memcpy(d->identity, id->public_key, 32);
	memcpy(d->link_key, id->link_public, 32);
	memcpy(d->vrf_key, id->vrf_public, 32);
	d->vrf_from = e->vrf_from;
	for (uint64_t epoch = v->epoch; epoch <= v->epoch + e->ahead; epoch++) {
		const struct epochs_own *own = epochs_find(e, epoch);
		// Where a consensus says which key counts, a lost one needs no saying.
		if (own == NULL || (e->directory && own->key == NULL))
			continue;
		d->mix[d->mix_count].epoch = epoch;
		if (own->key != NULL)
			memcpy(d->mix[d->mix_count].public_key, own->public_key, 32);
		d->mix_count++;
	}
	// Those of epochs of another network, or of another length, would be taken for forged ones.
	int n = fog_store_proofs(
	        e->p.store, id->node_id, e->network, proof, FOG_DESCRIPTOR_PROOF_MAX
	);
	for (int i = n - 1; i >= 0; i--) {
		d->proof[d->proof_count].epoch = proof[i].epoch;
		memcpy(d->proof[d->proof_count++].proof, proof[i].proof, sizeof(proof[i].proof));
	}
	epochs_describe_owed(e, v, d);
}

// A descriptor leaves only when everything in it would survive a power cut: otherwise the next life
// could announce other keys for the same epochs.
static void epochs_announce(
        struct fog_epochs *e, const struct fog_schedule_view *v, uint64_t now_ns
)
{
	struct fog_descriptor d;
	uint8_t data[FOG_DESCRIPTOR_MAX];
	uint64_t sequence;
	int r = e->about.role != 0 ? fog_store_begin(e->p.store) : -ENODATA, len = 0;

	if (r < 0)
		return;
	r = fog_store_vrf_from(
	        e->p.store, e->p.identity->vrf_public, v->epoch + EPOCHS_COUNTS_AFTER, &e->vrf_from
	);
	if (r == 0)
		r = fog_store_sequence(e->p.store, now_ns / 1000000, &sequence);
	if (r == 0) {
		epochs_describe(e, v, &d);
		d.sequence = sequence;
		d.time_ms = now_ns / 1000000;
		len = fog_descriptor_sign(&d, e->p.identity->secret_key, data);
	}
	int end = fog_store_end(e->p.store, r == 0 && len > 0);
	if (len < 0 && !e->unsigned_said)
		LOG_ERR("what the configuration says of this node (section node) is no descriptor, so "
		        "nobody hears of it: use plain letters and digits there");
	e->unsigned_said = len < 0;
	if (r < 0 || end < 0 || len < 0 || fog_store_durable(e->p.store) < 0)
		return;
	fog_exchange_publish(e->p.exchange, &d, data, (size_t)len);
	pthread_mutex_lock(&e->lock);
	memcpy(e->view.descriptor, data, (size_t)len);
	e->view.descriptor_len = (size_t)len;
	pthread_mutex_unlock(&e->lock);
	e->stale = false;
}

static void epochs_show(struct fog_epochs *e, const struct fog_schedule_view *v, uint64_t now_ns)
{
	struct fog_epochs_view *out = &e->view;

	pthread_mutex_lock(&e->lock);
	out->active = e->active;
	out->count = 0;
	out->lost_until_ns = 0;
	if (e->active) {
		out->schedule = e->schedule;
		out->epoch = v->epoch;
		out->now_ns = now_ns;
		out->vrf_from = e->vrf_from;
		memcpy(out->text, e->text, sizeof(out->text));
		for (uint64_t epoch = v->epoch > 0 ? v->epoch - 1 : 0; epoch <= v->epoch + e->ahead;
		     epoch++) {
			const struct epochs_own *own = epochs_find(e, epoch);
			if (own == NULL)
				continue;
			out->own[out->count].epoch = epoch;
			out->own[out->count].state = own->key == NULL ? FOG_EPOCHS_LOST
			        : fog_schedule_lives(v, epoch)        ? FOG_EPOCHS_LIVE
			                                              : FOG_EPOCHS_ANNOUNCED;
			memcpy(out->own[out->count++].public_key, own->public_key, 32);
			if (own->key == NULL && epoch >= v->epoch)
				out->lost_until_ns = fog_schedule_start(&e->schedule, epoch + 1);
		}
	}
	pthread_mutex_unlock(&e->lock);
}

void fog_epochs_tick(struct fog_epochs *e, uint64_t now_ns)
{
	struct fog_schedule_view v = {0};

	if (e->active) {
		int r;
		v = fog_schedule_look(&e->schedule, now_ns);
		if (!e->swept || v.live[0] != e->swept_below)
			epochs_sweep(e, &v);
		e->swept = true;
		e->swept_below = v.live[0];
		if (v.epoch > 0 && fog_schedule_lives(&v, v.epoch - 1))
			epochs_ensure(e, v.epoch - 1, false, false);
		r = epochs_ensure(e, v.epoch, true, false);
		for (unsigned i = 1; i <= e->ahead && r == 0; i++)
			r = epochs_ensure(e, v.epoch + i, true, e->directory);
		if (r == 0)
			epochs_say(e, "");
		epochs_hand(e, &v);
		epochs_end(e, &v);
		if (e->stale || v.epoch != e->view.epoch)
			epochs_announce(e, &v, now_ns);
	}
	epochs_show(e, &v, now_ns);
}

void fog_epochs_look(struct fog_epochs *e, struct fog_epochs_view *out)
{
	pthread_mutex_lock(&e->lock);
	*out = e->view;
	pthread_mutex_unlock(&e->lock);
}

static bool epochs_own_is(
        struct fog_epochs *e, uint64_t epoch, enum fog_epochs_key_state state,
        uint8_t public_key[32]
)
{
	bool is = false;

	pthread_mutex_lock(&e->lock);
	for (unsigned i = 0; i < e->view.count; i++) {
		if (e->view.own[i].epoch != epoch || e->view.own[i].state != state)
			continue;
		memcpy(public_key, e->view.own[i].public_key, 32);
		is = true;
	}
	pthread_mutex_unlock(&e->lock);
	return is;
}

bool fog_epochs_live(struct fog_epochs *e, uint64_t epoch, uint8_t public_key[32])
{
	return epochs_own_is(e, epoch, FOG_EPOCHS_LIVE, public_key);
}

bool fog_epochs_lost(struct fog_epochs *e, uint64_t epoch)
{
	uint8_t public_key[32];

	return epochs_own_is(e, epoch, FOG_EPOCHS_LOST, public_key);
}

bool fog_epochs_over(struct fog_epochs *e, uint64_t epoch, uint64_t now_ns)
{
	pthread_mutex_lock(&e->lock);
	bool active = e->view.active;
	struct fog_schedule s = e->view.schedule;
	pthread_mutex_unlock(&e->lock);
	if (!active)
		return false;
	struct fog_schedule_view v = fog_schedule_look(&s, now_ns);
	return now_ns >= fog_schedule_dead(&s, epoch) || epoch > v.live[v.live_count - 1];
}

int fog_epochs_proof(struct fog_epochs *e, uint64_t epoch, uint8_t network[32], uint8_t proof[80])
{
	uint8_t public_key[32];
	int r = fog_store_begin(e->p.store);

	if (r < 0)
		return r;
	r = fog_store_announced(e->p.store, epoch, public_key, network);
	if (r == 0) {
		r = fog_store_proof_get(e->p.store, e->p.identity->node_id, epoch, proof);
		r = r == -ENOENT ? -EAGAIN : r;
	}
	fog_store_end(e->p.store, 0);
	return r;
}
