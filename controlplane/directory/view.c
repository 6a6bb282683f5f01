// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../log/log.h"
#include "../big_endian.h"
#include "view_form.h"

// A consensus that is verified, and its file ("": it needs none, as one of its epoch is known).
struct fog_view_fresh {
	struct fog_consensus *consensus;
	char name[VIEW_NAME_MAX + 16];
};

int fog_view_create(const struct fog_topology *network, const char *dir, struct fog_view **out)
{
	struct fog_view *v = calloc(1, sizeof(*v));
	int ret;

	*out = NULL;
	if (v == NULL)
		return -ENOMEM;
	v->network = network;
	v->schedule = fog_schedule_of(network);
	if ((v->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		ret = -errno;
		LOG_ERR("folder of consensuses %s: %s: create it, writable for this user", dir,
		        strerror(errno));
		goto err;
	}
	if ((ret = view_files_load(v)) < 0) {
		LOG_ERR("folder of consensuses %s can't be read: %s: make it readable for this user",
		        dir, strerror(-ret));
		goto err;
	}
	*out = v;
	return 0;
err:
	fog_view_destroy(v);
	return ret;
}

void fog_view_destroy(struct fog_view *v)
{
	if (v == NULL)
		return;
	for (unsigned i = 0; i < v->count; i++)
		fog_consensus_free(v->consensus[i]);
	if (v->dir >= 0)
		close(v->dir);
	free(v);
}

static void view_remove(struct fog_view *v, unsigned i)
{
	char name[VIEW_NAME_MAX];

	view_consensus_name(v->consensus[i]->epoch, name);
	view_file_remove(v, name);
	fog_consensus_free(v->consensus[i]);
	v->count--;
	memmove(&v->consensus[i], &v->consensus[i + 1], (v->count - i) * sizeof(v->consensus[0]));
}

void view_insert(struct fog_view *v, struct fog_consensus *c)
{
	unsigned at = 0;

	if (v->count == FOG_VIEW_MAX && c->epoch < v->consensus[0]->epoch) {
		char name[VIEW_NAME_MAX];
		view_consensus_name(c->epoch, name);
		view_file_remove(v, name);
		fog_consensus_free(c);
		return;
	}
	if (v->count == FOG_VIEW_MAX)
		view_remove(v, 0);
	while (at < v->count && v->consensus[at]->epoch < c->epoch)
		at++;
	memmove(&v->consensus[at + 1], &v->consensus[at],
	        (v->count - at) * sizeof(v->consensus[0]));
	v->consensus[at] = c;
	v->count++;
}

const struct fog_consensus *fog_view_exact(const struct fog_view *v, uint64_t epoch)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->consensus[i]->epoch == epoch)
			return v->consensus[i];
	return NULL;
}

const struct fog_consensus *fog_view_newest(const struct fog_view *v, uint64_t epoch)
{
	for (unsigned i = v->count; i-- > 0;)
		if (v->consensus[i]->epoch <= epoch)
			return v->consensus[i];
	return NULL;
}

const struct fog_consensus *fog_view_at(const struct fog_view *v, uint64_t epoch)
{
	const struct fog_consensus *c = fog_view_newest(v, epoch);

	return c != NULL && epoch < c->until ? c : NULL;
}

void fog_view_prune(struct fog_view *v, uint64_t epoch)
{
	const struct fog_consensus *oldest = epoch > 0 ? fog_view_at(v, epoch - 1) : NULL;
	uint64_t from = oldest != NULL ? oldest->epoch : epoch;

	if (fog_view_at(v, epoch) == NULL)
		return;
	while (v->count > 0 && v->consensus[0]->epoch < from)
		view_remove(v, 0);
}

// A consensus that is older than the one of the epoch before counts for nothing any more.
static int view_time(const struct fog_view *v, const struct fog_consensus *c, uint64_t now_ns)
{
	uint64_t now = fog_schedule_epoch(&v->schedule, now_ns);
	const struct fog_consensus *oldest = now > 0 ? fog_view_at(v, now - 1) : NULL;

	if (c->epoch > now && c->epoch - now > 1)
		return FOG_REFUSAL_EPOCH;
	if (oldest != NULL && c->epoch < oldest->epoch)
		return FOG_REFUSAL_ROLLBACK;
	return c->until <= now ? FOG_REFUSAL_EXPIRED : FOG_REFUSAL_NONE;
}

int view_proof_add(struct fog_view *v, const uint8_t *data, size_t len)
{
	struct fog_equivocation e;
	uint8_t hash[32];
	unsigned a = 0, of_one = 0;
	int ret = fog_equivocation_open(data, len, &e);

	if (ret < 0)
		return ret;
	fog_network_hash(v->network, hash);
	while (a < v->network->authority_count &&
	       memcmp(v->network->authority[a].identity, e.identity, 32) != 0)
		a++;
	if (a == v->network->authority_count || memcmp(hash, e.network, 32) != 0)
		return -EXDEV;
	// It may sign as many as it likes, but one is a proof.
	for (unsigned i = 0; i < v->proof_count; i++) {
		const uint8_t *known = v->proof[i];
		if (memcmp(known, data, VIEW_PROOF_SAID_AT) == 0)
			return 0;
		of_one += known[1] == data[1] &&
		        memcmp(known + VIEW_PROOF_WHO_AT, data + VIEW_PROOF_WHO_AT, 32) == 0;
	}
	if (of_one >= FOG_VIEW_PROOFS_OF_ONE)
		return -ENOSPC;
	LOG_WARN(
	        "authority '%s' has signed two different %s of epoch %" PRIu64
	        ": one liar can't make two consensuses, but tell the others: fogctl consensus verify "
	        "--network NETWORK equivocation-%" PRIu64 " (beside the consensuses) proves it",
	        v->network->authority[a].name,
	        e.kind == FOG_STATEMENT_VOTE ? "votes" : "consensuses", e.epoch, e.epoch
	);
	memcpy(v->proof[v->proof_count++], data, FOG_EQUIVOCATION_LEN);
	return 1;
}

const uint8_t *fog_view_proofs(const struct fog_view *v, unsigned *count)
{
	*count = v->proof_count;
	return v->proof_count > 0 ? v->proof[0] : NULL;
}

int fog_view_prove(struct fog_view *v, const uint8_t proof[FOG_EQUIVOCATION_LEN])
{
	int ret = view_proof_add(v, proof, FOG_EQUIVOCATION_LEN);

	return ret > 0 ? view_proofs_write(v, fog_be_get(proof + VIEW_PROOF_EPOCH_AT, 8)) : ret;
}

// Returns FOG_REFUSAL_EQUIVOCATION or -errno.
static int view_evidence(
        struct fog_view *v, const struct fog_consensus *known, const struct fog_consensus *other
)
{
	int ret = FOG_REFUSAL_EQUIVOCATION;

	for (unsigned a = 0; a < v->network->authority_count; a++) {
		uint8_t proof[FOG_EQUIVOCATION_LEN];
		struct fog_equivocation e;
		int r;
		if (!fog_consensus_contradiction(known, other, v->network, a, &e))
			continue;
		fog_equivocation_put(&e, proof);
		if ((r = fog_view_prove(v, proof)) < 0 && r != -ENOSPC)
			ret = r;
	}
	return ret;
}

// Takes 'c' over. 'fresh' is its file, if that is written already.
static int view_keep(
        struct fog_view *v, struct fog_consensus *c, const char *fresh, uint64_t now_ns
)
{
	uint64_t now_epoch = fog_schedule_epoch(&v->schedule, now_ns);
	char name[VIEW_NAME_MAX];
	int ret;

	view_consensus_name(c->epoch, name);
	ret = fresh != NULL ? view_file_name(v, fresh, name)
	                    : view_file_write(v, name, c->data, c->len);
	if (ret < 0) {
		LOG_ERR("%s can't be written: %s: free space in the state folder", name,
		        strerror(-ret));
		fog_consensus_free(c);
		return ret;
	}
	if (v->count == FOG_VIEW_MAX)
		fog_view_prune(v, now_epoch);
	if (c->epoch == now_epoch && fog_view_at(v, now_epoch) != NULL) {
		v->late_epoch = now_epoch;
		v->late_ns = now_ns;
	}
	view_insert(v, c);
	return FOG_REFUSAL_NONE;
}

// Takes 'c' over, and its file, as view_keep.
static int view_take(
        struct fog_view *v, struct fog_consensus *c, const char *fresh, uint64_t now_ns, bool *news
)
{
	const struct fog_consensus *known = fog_view_exact(v, c->epoch);
	int ret = view_time(v, c, now_ns);

	if (known != NULL && memcmp(known->digest, c->digest, 32) != 0)
		ret = view_evidence(v, known, c);
	if (ret != FOG_REFUSAL_NONE || known != NULL) {
		if (fresh != NULL)
			view_file_remove(v, fresh);
		fog_consensus_free(c);
		return ret;
	}
	*news = (ret = view_keep(v, c, fresh, now_ns)) == FOG_REFUSAL_NONE;
	return ret;
}

static const struct fog_consensus *view_known(
        const struct fog_view *v, const uint8_t *data, size_t len
)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->consensus[i]->len == len && memcmp(v->consensus[i]->data, data, len) == 0)
			return v->consensus[i];
	return NULL;
}

bool fog_view_knows(const struct fog_view *v, const uint8_t *data, size_t len)
{
	return view_known(v, data, len) != NULL;
}

int fog_view_take(struct fog_view *v, const uint8_t *data, size_t len, uint64_t now_ns, bool *news)
{
	const struct fog_consensus *known = view_known(v, data, len);
	struct fog_consensus *c;
	int ret;

	*news = false;
	// What is known already costs nothing: everybody serves it.
	if (known != NULL)
		return view_time(v, known, now_ns);
	if ((ret = fog_consensus_open(data, len, v->network, &c)) != FOG_REFUSAL_NONE)
		return ret;
	return view_take(v, c, NULL, now_ns, news);
}

// Not under the lock, both of it.
static int prepare_verify(
        const struct fog_view *v, const uint8_t *data, size_t len, struct fog_view_fresh **out
)
{
	struct fog_view_fresh *f = *out = calloc(1, sizeof(*f));

	return f != NULL ? fog_consensus_open(data, len, v->network, &f->consensus) : -ENOMEM;
}

static int prepare_write(const struct fog_view *v, struct fog_view_fresh *f)
{
	static atomic_uint number; // of those that are under way no two have one name
	char name[VIEW_NAME_MAX];
	int ret;

	view_consensus_name(f->consensus->epoch, name);
	snprintf(f->name, sizeof(f->name), "%s.%u" VIEW_TEMPORARY, name, number++);
	ret = view_file_fresh(v, f->name, f->consensus->data, f->consensus->len);
	if (ret < 0)
		LOG_ERR("%s can't be written: %s: free space in the state folder", f->name,
		        strerror(-ret));
	return ret;
}

int fog_view_prepare(
        const struct fog_view *v, pthread_mutex_t *lock, const uint8_t *data, size_t len,
        uint64_t now_ns, struct fog_view_fresh **out
)
{
	struct fog_view_fresh *f;

	pthread_mutex_unlock(lock);
	int ret = prepare_verify(v, data, len, &f);
	pthread_mutex_lock(lock);
	// What is going to be refused, or is known in other bytes, mustn't cost a write: anybody may have it.
	if (ret == FOG_REFUSAL_NONE && fog_view_exact(v, f->consensus->epoch) == NULL &&
	    (ret = view_time(v, f->consensus, now_ns)) == FOG_REFUSAL_NONE) {
		pthread_mutex_unlock(lock);
		ret = prepare_write(v, f);
		pthread_mutex_lock(lock);
	}
	if (ret != FOG_REFUSAL_NONE && f != NULL) {
		fog_consensus_free(f->consensus);
		free(f);
		f = NULL;
	}
	*out = f;
	return ret;
}

int fog_view_take_prepared(
        struct fog_view *v, struct fog_view_fresh *f, uint64_t now_ns, bool *news
)
{
	*news = false;
	int ret = view_take(v, f->consensus, f->name[0] != '\0' ? f->name : NULL, now_ns, news);

	free(f);
	return ret;
}

void fog_view_beacon(const struct fog_view *v, uint64_t epoch, uint8_t out[32])
{
	const struct fog_consensus *from = NULL;
	uint8_t hash[32];

	fog_network_hash(v->network, hash);
	// The first one that was made for it or knew it; before that, the last one which it follows from.
	for (unsigned i = 0; i < v->count; i++) {
		const struct fog_consensus *c = v->consensus[i];
		if (c->epoch <= epoch)
			from = c;
		else if (from == NULL || from->epoch < epoch)
			from = c->epoch - epoch <= 2 ? c : from;
	}
	fog_consensus_beacon(from, hash, epoch, out);
}

int fog_view_mix_key(
        const struct fog_view *v, const uint8_t node_id[FOG_ID_LEN], uint64_t epoch, uint8_t out[32]
)
{
	const struct fog_consensus *c = fog_view_at(v, epoch);
	const struct fog_consensus_node *n = c != NULL ? fog_consensus_find(c, node_id) : NULL;

	for (unsigned i = 0; n != NULL && i < n->descriptor.mix_count; i++) {
		if (n->descriptor.mix[i].epoch != epoch)
			continue;
		memcpy(out, n->descriptor.mix[i].public_key, 32);
		return 0;
	}
	return -ENOENT;
}
