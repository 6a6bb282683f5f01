// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the rest of the node asks of the consensuses. Any thread.
#include <errno.h>
#include <string.h>

#include "node_directory_private.h"

enum {
	LOOK_MS = 250, // between two ticks of a node
};

static_assert((int)FOG_EXCHANGE_KEYS >= (int)FOG_DESCRIPTOR_MIX_MAX, "keys of a descriptor");

bool node_directory_active(struct fog_node *n)
{
	struct node_directory *d = n->directory;

	if (d == NULL)
		return false;
	pthread_mutex_lock(&d->lock);
	bool active = d->network != NULL;
	pthread_mutex_unlock(&d->lock);
	return active;
}

uint32_t node_directory_settles_s(struct fog_node *n)
{
	struct node_directory *d = n->directory;
	uint64_t left_ns = 0;

	if (d == NULL)
		return 1;
	pthread_mutex_lock(&d->lock);
	if (d->network != NULL) {
		uint64_t now_ns = fog_clock_now_ns(n->clock);
		uint64_t epoch = fog_schedule_epoch(&d->schedule, now_ns);
		// Afterwards those of the next epoch are what is off all paths.
		if (now_ns >= fog_view_settled(d->view, epoch))
			epoch++;
		left_ns = fog_view_settled(d->view, epoch) - now_ns;
	}
	pthread_mutex_unlock(&d->lock);
	return left_ns > 0 ? (uint32_t)((left_ns + 999999999) / 1000000000) : 1;
}

// What depends on it must not be made before it is certain: for as long as the epoch's consensus may still
// come. Nobody asks for delays of long ago, and then it's what the consensuses we have say.
int node_directory_beacon(void *node, uint64_t epoch, uint8_t out[32])
{
	struct node_directory *d = ((struct fog_node *)node)->directory;

	pthread_mutex_lock(&d->lock);
	uint64_t now_ns = fog_clock_now_ns(d->node->clock);
	uint64_t certain = d->view == NULL ? UINT64_MAX : fog_schedule_settled(&d->schedule, epoch);
	bool known = d->view != NULL && fog_view_exact(d->view, epoch) != NULL;
	bool some = d->view != NULL && fog_view_at(d->view, directory_epoch(d)) != NULL;
	int r = known || (some && now_ns >= certain) ? 0 : -EAGAIN;
	if (r == 0)
		fog_view_beacon(d->view, epoch, out);
	pthread_mutex_unlock(&d->lock);
	return r;
}

int node_directory_mix_key(
        struct fog_node *n, const uint8_t node_id[FOG_ID_LEN], uint64_t epoch,
        uint8_t public_key[32]
)
{
	struct node_directory *d = n->directory;
	int r = -ENOENT;

	pthread_mutex_lock(&d->lock);
	if (d->view != NULL)
		r = fog_view_mix_key(d->view, node_id, epoch, public_key);
	pthread_mutex_unlock(&d->lock);
	return r;
}

int node_directory_known(struct fog_node *n, unsigned i, struct fog_exchange_node *out)
{
	struct node_directory *d = n->directory;
	int r = -ENOENT;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&d->lock);
	const struct fog_consensus *c = d->view != NULL ? fog_view_at(d->view, directory_epoch(d))
	                                                : NULL;
	if (c != NULL && i < c->node_count) {
		const struct fog_consensus_node *node = &c->node[i];
		const struct fog_descriptor *s = &node->descriptor;
		uint64_t from = s->vrf_from < node->since + 2 ? s->vrf_from : node->since + 2;
		memcpy(out->name, s->name, sizeof(out->name));
		memcpy(out->id, s->node_id, FOG_ID_LEN);
		out->own = memcmp(s->node_id, n->identity->node_id, FOG_ID_LEN) == 0;
		out->known = out->acked = true;
		out->sequence = s->sequence;
		out->vrf_from = from;
		out->vrf_first_seen = from > 2 ? from - 2 : 0;
		for (unsigned k = 0; k < s->mix_count; k++) {
			out->key[out->key_count].epoch = s->mix[k].epoch;
			memcpy(out->key[out->key_count++].public_key, s->mix[k].public_key, 32);
		}
		r = 0;
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}

// The last epoch that a withdrawn node is in, once a consensus that leaves it out is known.
static void directory_last(
        const struct node_directory *d, uint64_t now, struct node_directory_view *out
)
{
	const uint8_t *id = d->node->identity->node_id;
	const struct fog_consensus *next = fog_view_exact(d->view, now + 1);

	if (next == NULL)
		next = fog_view_at(d->view, now);
	if (next == NULL || fog_consensus_find(next, id) != NULL)
		return;
	for (uint64_t epoch = next->epoch; epoch-- > 0 && epoch + 3 > next->epoch;) {
		const struct fog_consensus *c = fog_view_at(d->view, epoch);
		if (c == NULL || fog_consensus_find(c, id) == NULL)
			continue;
		out->last_epoch = epoch;
		// Their clocks are late by the tolerance at most, and they look four times a second.
		out->gone_ns = fog_schedule_dead(&d->schedule, epoch) +
		        UINT64_C(1000000) * (d->network->tolerance_ms + LOOK_MS);
		return;
	}
}

bool node_directory_look(struct fog_node *n, struct node_directory_view *out)
{
	struct node_directory *d = n->directory;

	memset(out, 0, sizeof(*out));
	if (d == NULL)
		return false;
	pthread_mutex_lock(&d->lock);
	bool active = d->network != NULL;
	if (active) {
		uint64_t now_ns = fog_clock_now_ns(n->clock);
		uint64_t epoch = fog_schedule_epoch(&d->schedule, now_ns);
		const struct fog_consensus *c = fog_view_at(d->view, epoch);
		out->epoch = epoch;
		out->left_ns = fog_schedule_start(&d->schedule, epoch + 1) - now_ns;
		out->consensus = c != NULL ? c->epoch : 0;
		out->until = c != NULL ? c->until : 0;
		out->listed = c != NULL && fog_consensus_find(c, n->identity->node_id) != NULL;
		out->late = c != NULL && c->epoch < epoch &&
		        now_ns >= fog_schedule_settled(&d->schedule, epoch);
		out->withdrawn = d->withdrawn;
		if (d->withdrawn)
			directory_last(d, epoch, out);
		out->clock_off = fog_clocks_off(&d->clocks, d->network, &out->clock_ahead_ms);
		out->authorities = d->network->authority_count;
		for (unsigned i = 0; i < out->authorities; i++)
			out->authority[i] = d->peer[i].said;
		directory_liars(d, out);
	}
	pthread_mutex_unlock(&d->lock);
	return active;
}

int node_directory_use(
        struct fog_node *n, uint64_t epoch,
        void (*use)(void *ctx, const struct fog_consensus *, const struct fog_topology *), void *ctx
)
{
	struct node_directory *d = n->directory;
	int r = -ENODATA;

	if (d == NULL)
		return r;
	pthread_mutex_lock(&d->lock);
	if (d->network != NULL) {
		const struct fog_consensus *c = epoch == UINT64_MAX
		        ? fog_view_at(d->view, directory_epoch(d))
		        : fog_view_exact(d->view, epoch);
		r = c != NULL ? 0 : -ENOENT;
		if (c != NULL)
			use(ctx, c, d->network);
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}
