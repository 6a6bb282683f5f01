// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "network.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../directory/clocks.h"
#include "../directory/view.h"
#include "../epoch/clock.h"
#include "../epoch/schedule.h"
#include "../mixnet/path.h"
#include "fetcher.h"

enum {
	NETWORK_RETRY_MS = 1000, // after a fetch that failed, at least
	NETWORK_POLLS = 32, // fetches in an epoch that has nothing new, about
	NETWORK_LATE =
	        3, // answers without it, after which a settled epoch's consensus isn't expected
};

struct client_network {
	const struct fog_topology *file;
	struct fog_schedule schedule;
	struct fog_clock *clock;
	struct fog_view *view;
	struct fog_topology *topology;
	struct fog_path_memory *memory;
	struct client_fetcher *fetcher;
	struct fog_view_moment moment; // of the topology
	uint64_t due_ms; // no fetch before this
	uint64_t late_epoch; // of 'late_answers', to fetches that began when it was settled
	unsigned late_answers;
	bool asked_late; // the fetch under way is one
	unsigned failures;
	char trouble[CLIENT_NETWORK_TEXT_LEN];
	unsigned asked; // number of the authority, FOG_AUTHORITIES_MAX: a node
	struct fog_clocks clocks; // of authorities
	char clock_text[FOG_CLOCKS_TEXT_LEN]; // "": ours is right
};

int client_network_create(
        const struct fog_topology *file, const char *dir, struct client_network **out
)
{
	struct client_network *n = calloc(1, sizeof(*n));
	int r = -ENOMEM;

	if (n == NULL)
		return r;
	n->file = file;
	n->schedule = fog_schedule_of(file);
	r = fog_clock_create(0, &n->clock);
	if (r == 0)
		r = fog_path_memory_create(&n->memory);
	if (r == 0)
		r = fog_view_create(file, dir, &n->view);
	if (r == 0)
		r = client_fetcher_create(&n->fetcher);
	if (r < 0)
		client_network_destroy(n);
	else
		*out = n;
	return r;
}

void client_network_destroy(struct client_network *n)
{
	if (n == NULL)
		return;
	client_fetcher_destroy(n->fetcher);
	fog_topology_free(n->topology);
	fog_view_destroy(n->view);
	fog_path_memory_destroy(n->memory);
	fog_clock_destroy(n->clock);
	free(n);
}

int client_network_fd(const struct client_network *n)
{
	return client_fetcher_fd(n->fetcher);
}

const struct fog_topology *client_network_topology(const struct client_network *n)
{
	return n->topology;
}

const char *client_network_trouble(const struct client_network *n, unsigned *failures)
{
	*failures = n->failures;
	return n->clock_text[0] != '\0' ? n->clock_text : n->trouble;
}

uint64_t client_network_now_ns(const struct client_network *n)
{
	return fog_clock_now_ns(n->clock);
}

// Somebody who may have consensuses: an authority, or a node that has a listener. Counted through twice, as
// nothing else of them is kept.
static bool network_peer(struct client_network *n, uint64_t epoch, struct fog_fetch_peer *out)
{
	const struct fog_consensus *c = fog_view_at(n->view, epoch);
	unsigned nodes = 0, k;

	for (unsigned i = 0; c != NULL && i < c->node_count; i++)
		nodes += c->node[i].descriptor.directory_port != 0;
	k = randombytes_uniform(n->file->authority_count + nodes);
	n->asked = k < n->file->authority_count ? k : FOG_AUTHORITIES_MAX;
	if (k < n->file->authority_count) {
		const struct fog_authority *a = &n->file->authority[k];
		*out = (struct fog_fetch_peer){.address = a->address, .port = a->port};
		memcpy(out->tls_key, a->tls_key, sizeof(out->tls_key));
		return true;
	}
	k -= n->file->authority_count;
	for (unsigned i = 0; c != NULL && i < c->node_count; i++) {
		const struct fog_descriptor *d = &c->node[i].descriptor;
		if (d->directory_port == 0 || k-- > 0)
			continue;
		*out = (struct fog_fetch_peer){.address = d->address, .port = d->directory_port};
		memcpy(out->tls_key, d->tls_key, sizeof(out->tls_key));
		return true;
	}
	return false;
}

// From 7/8 of an epoch on the next one's consensus may be there. Who begins or wakes in the middle of one may have
// missed that of this epoch, so some are asked for it however late it is.
static bool network_wants(const struct client_network *n, uint64_t now_ns, uint64_t epoch)
{
	uint64_t into = now_ns - fog_schedule_start(&n->schedule, epoch);
	bool settled = now_ns >= fog_schedule_settled(&n->schedule, epoch);

	if (fog_view_exact(n->view, epoch) == NULL &&
	    (!settled || n->late_epoch != epoch || n->late_answers < NETWORK_LATE))
		return true;
	if (fog_view_at(n->view, epoch) == NULL)
		return true;
	return into >= n->schedule.epoch_ns / 8 * 7 && fog_view_exact(n->view, epoch + 1) == NULL;
}

// Not all clients at once; fast while nothing is known.
static uint64_t network_later(const struct client_network *n, uint64_t now_ms)
{
	uint64_t wait = n->schedule.epoch_ns / 1000000 / NETWORK_POLLS;

	if (wait < NETWORK_RETRY_MS || n->topology == NULL)
		wait = NETWORK_RETRY_MS;
	return now_ms + wait / 2 + randombytes_uniform((uint32_t)wait + 1);
}

static void network_answer(
        struct client_network *n, const struct fog_fetch_answer *a, uint64_t now_ns, bool *news
)
{
	int r;

	*news = false;
	if (a->status != 200) {
		snprintf(
		        n->trouble, sizeof(n->trouble), "a directory answers with status %ld",
		        a->status
		);
		n->failures++;
		return;
	}
	r = fog_view_take(n->view, a->data, a->len, now_ns, news);
	if (r == FOG_REFUSAL_NONE) {
		n->trouble[0] = '\0';
		n->failures = 0;
		return;
	}
	n->failures++;
	if (r > 0)
		snprintf(
		        n->trouble, sizeof(n->trouble), "a consensus is refused, %s: %s",
		        fog_refusal_label((enum fog_refusal)r),
		        fog_refusal_text((enum fog_refusal)r)
		);
	else
		snprintf(
		        n->trouble, sizeof(n->trouble), "a consensus can't be kept: %s%s",
		        strerror(-r), r == -ENOSPC ? ": free some space" : ""
		);
}

// A clock that is off is why consensuses are refused, or none is asked for.
static void network_clock(struct client_network *n, int64_t date_s)
{
	int64_t ahead_ms;

	fog_clocks_hear(&n->clocks, n->asked, date_s, fog_clock_now_ns(n->clock));
	n->clock_text[0] = '\0';
	if (fog_clocks_off(&n->clocks, n->file, &ahead_ms))
		fog_clocks_text(ahead_ms, n->clock_text);
}

static bool network_fetch(
        struct client_network *n, uint64_t now_ms, uint64_t now_ns, uint64_t epoch
)
{
	char text[FOG_FETCH_TEXT_LEN];
	struct fog_fetch_answer answer;
	struct fog_fetch_peer peer;
	bool news = false;
	int error;

	if (client_fetcher_take(n->fetcher, &answer, &error, text)) {
		if (error == 0) {
			network_clock(n, answer.date_s);
			network_answer(n, &answer, now_ns, &news);
			free(answer.data);
			if (n->late_epoch != epoch)
				n->late_answers = 0;
			n->late_epoch = epoch;
			n->late_answers += n->asked_late;
		} else {
			n->failures++;
			snprintf(n->trouble, sizeof(n->trouble), "%s", text);
		}
		n->due_ms = news ? now_ms : network_later(n, now_ms);
	}
	if (now_ms >= n->due_ms && !client_fetcher_busy(n->fetcher) &&
	    network_wants(n, now_ns, epoch) && network_peer(n, epoch, &peer)) {
		n->asked_late = now_ns >= fog_schedule_settled(&n->schedule, epoch);
		client_fetcher_begin(n->fetcher, &peer, "/directory/consensus", FOG_CONSENSUS_MAX);
	}
	return news;
}

bool client_network_tick(struct client_network *n, uint64_t now_ms)
{
	struct fog_topology *topology = NULL;
	struct fog_view_moment moment;
	uint64_t now_ns;
	bool news;

	fog_clock_tick(n->clock, 0);
	now_ns = fog_clock_now_ns(n->clock);
	news = network_fetch(n, now_ms, now_ns, fog_schedule_epoch(&n->schedule, now_ns));
	moment = fog_view_moment(n->view, now_ns);
	moment.before_lives = false; // who has gone is of no use to who relays nothing
	if (fog_view_moment_same(&moment, &n->moment) && !news)
		return false;
	fog_view_prune(n->view, moment.epoch);
	// Without memory the old one goes on; without a consensus there is none.
	int r = fog_view_topology(n->view, &moment, &topology);
	if (r < 0 && r != -ENODATA)
		return false;
	fog_topology_free(n->topology);
	n->topology = r == 0 ? topology : NULL;
	n->moment = moment;
	return true;
}

static bool network_usable(void *ctx, const struct fog_topology_node *node)
{
	const struct client_network *n = ctx;
	uint8_t key[32];

	return fog_view_mix_key(n->view, node->id, n->moment.epoch, key) == 0;
}

int client_network_way(
        void *ctx, const uint8_t from[FOG_ID_LEN], const uint8_t to[FOG_ID_LEN],
        struct fog_sphinx_path_hop *hop, uint64_t *epoch
)
{
	struct client_network *n = ctx;
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX];
	struct fog_path_wish wish = {
	        .with_from = true, .usable = network_usable, .ctx = n, .max = FOG_SPHINX_SLOTS_MAX};
	int hops;

	if (n->topology == NULL)
		return -EAGAIN;
	wish.from = fog_topology_find(n->topology, from);
	wish.to = fog_topology_find(n->topology, to);
	if (wish.from == NULL || wish.from->off_path)
		return -EAGAIN;
	if (wish.to == NULL || wish.to->role == FOG_ROLE_MIX)
		return -ENOENT;
	hops = fog_path_choose(n->topology, &wish, n->memory, path);
	for (int i = 0; i < hops; i++) {
		memcpy(hop[i].id, path[i]->id, sizeof(hop[i].id));
		if (fog_view_mix_key(n->view, path[i]->id, n->moment.epoch, hop[i].public_key) < 0)
			return -EAGAIN;
	}
	*epoch = n->moment.epoch;
	return hops > 0 || hops == -EXDEV || hops == -EHOSTDOWN ? hops : -EAGAIN;
}

static bool network_end(const struct client_network *n, const struct fog_topology_node *node)
{
	(void)n;
	return !node->off_path && node->role != FOG_ROLE_MIX;
}

static bool network_is_gateway(const struct client_network *n, const struct fog_topology_node *node)
{
	(void)n;
	return !node->off_path && node->role == FOG_ROLE_GATEWAY;
}

// New ones among them.
static bool network_will_be_gateway(
        const struct client_network *n, const struct fog_topology_node *node
)
{
	uint8_t key[32];

	return node->role == FOG_ROLE_GATEWAY &&
	        fog_view_mix_key(n->view, node->id, n->moment.epoch, key) == 0;
}

static const struct fog_topology_node *network_draw(
        const struct client_network *n,
        bool (*good)(const struct client_network *, const struct fog_topology_node *)
)
{
	unsigned count = 0, k;

	if (n->topology == NULL)
		return NULL;
	for (unsigned i = 0; i < n->topology->node_count; i++)
		count += good(n, &n->topology->node[i]);
	k = count > 0 ? randombytes_uniform(count) : 0;
	for (unsigned i = 0; i < n->topology->node_count; i++)
		if (good(n, &n->topology->node[i]) && k-- == 0)
			return &n->topology->node[i];
	return NULL;
}

int client_network_anybody(void *ctx, uint8_t to[FOG_ID_LEN])
{
	const struct fog_topology_node *node = network_draw(ctx, network_end);

	if (node == NULL)
		return -ENOENT;
	memcpy(to, node->id, FOG_ID_LEN);
	return 0;
}

const struct fog_topology_node *client_network_gateway(const struct client_network *n)
{
	const struct fog_topology_node *node = network_draw(n, network_is_gateway);

	// In a network's first epoch all are new. It won't be another one later, and sends from when all know it.
	return node != NULL ? node : network_draw(n, network_will_be_gateway);
}

const struct fog_topology_node *client_network_node(
        const struct client_network *n, const char *name
)
{
	const struct fog_topology_node *node;
	uint8_t id[FOG_ID_LEN];
	size_t len = 0;

	if (n->topology == NULL)
		return NULL;
	node = fog_topology_find_name(n->topology, name);
	if (node == NULL && strlen(name) == 2 * sizeof(id) &&
	    sodium_hex2bin(id, sizeof(id), name, 2 * sizeof(id), NULL, &len, NULL) == 0 &&
	    len == sizeof(id))
		node = fog_topology_find(n->topology, id);
	return node;
}
