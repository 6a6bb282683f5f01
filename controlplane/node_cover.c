// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_cover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "node.h"
#include "node_epochs.h"
#include "node_links.h"
#include "now.h"

enum { JUDGE_MS = 5000, STALE_MS = 10 * 1000 };

struct node_cover {
	struct fog_cover *cover;
	struct fog_worker_counters counters; // of the cover's thread
	uint64_t judged_ms, judged_epoch; // control thread
	char no_loops[FOG_COVER_TEXT_LEN]; // control thread: what the log has heard

	pthread_mutex_t lock; // everything below; nothing else is taken under it
	struct fog_losses *losses;
	unsigned alert_count;
	struct fog_losses_alert alert[NODE_COVER_ALERTS_MAX];
};

static const struct fog_topology *cover_hold(void *ctx, const struct fog_topology_node **self)
{
	struct fog_node *n = ctx;

	pthread_rwlock_rdlock(&n->lock);
	*self = fog_node_self(n);
	return n->topology;
}

static void cover_release(void *ctx)
{
	struct fog_node *n = ctx;

	pthread_rwlock_unlock(&n->lock);
}

static int cover_mix_key(
        void *ctx, const struct fog_topology_node *node, uint64_t epoch, uint8_t public_key[32]
)
{
	return node_mix_key(ctx, node, epoch, public_key);
}

static uint32_t cover_rate_max(void *ctx)
{
	const struct fog_node *n = ctx;

	return n->config->cover.max_rate;
}

static uint64_t cover_epoch_after(void *ctx, uint64_t ms)
{
	return node_epoch_after(ctx, ms);
}

static uint64_t cover_now_ms(void *ctx)
{
	return fog_now_ms();
}

// Histograms and peers, which are most of a block, stay where they are.
static int cover_look_workers(
        struct node_cover *nc, const struct fog_dpclient_stats *view, struct fog_cover_look *look
)
{
	const size_t len = offsetof(struct fog_worker_counters, owed_us);
	struct fog_worker_counters *c = &nc->counters;

	for (unsigned i = 0; i < view->worker_count; i++) {
		const struct fog_stats_worker *w = &view->worker[i];
		if (fog_stats_copy(&w->sequence, &w->counters, c, len) < 0)
			return -EAGAIN;
		look->worker[i].taken = c->cover_taken;
		look->worker[i].stock = c->cover_stock;
		look->worker[i].dropped = c->drop[FOG_DROP_COVER_FULL] +
		        c->drop[FOG_DROP_COVER_OLD];
	}
	return 0;
}

static int cover_look(void *ctx, struct fog_cover_look *look)
{
	struct fog_node *n = ctx;
	struct fog_dpclient_stats view;

	// A turn of the worker's clock throws away what it has for nodes without a link.
	if (node_links_settling(n))
		return -EAGAIN;
	int r = fog_dpclient_stats_get(n->dp, &view);
	if (r < 0)
		return r;
	look->workers = view.worker_count;
	memcpy(look->boot_id, view.stats->boot_id, sizeof(look->boot_id));
	r = cover_look_workers(n->cover, &view, look);
	fog_dpclient_stats_put(n->dp, &view);
	return r;
}

static int cover_inject(
        void *ctx, unsigned worker, const uint8_t first_hop[FOG_ID_LEN], uint64_t epoch,
        const uint8_t *packet, uint32_t len
)
{
	struct fog_node *n = ctx;

	return fog_dpclient_inject_cover(n->dp, worker, first_hop, (uint8_t)epoch, packet, len);
}

static void cover_finished(
        void *ctx, uint64_t epoch, const uint8_t (*hop)[FOG_ID_LEN], unsigned hops, bool lost
)
{
	struct node_cover *nc = ((struct fog_node *)ctx)->cover;

	pthread_mutex_lock(&nc->lock);
	fog_losses_add(nc->losses, epoch, hop, hops, lost);
	pthread_mutex_unlock(&nc->lock);
}

static const struct fog_cover_ops cover_ops = {
        .hold = cover_hold,
        .release = cover_release,
        .mix_key = cover_mix_key,
        .rate_max = cover_rate_max,
        .epoch_after = cover_epoch_after,
        .now_ms = cover_now_ms,
        .look = cover_look,
        .inject = cover_inject,
        .finished = cover_finished,
};

int node_cover_create(struct fog_node *n)
{
	struct node_cover *nc = calloc(1, sizeof(*nc));
	int r = -ENOMEM;

	if (nc == NULL)
		goto err;
	pthread_mutex_init(&nc->lock, NULL);
	n->cover = nc;
	r = fog_losses_create(&nc->losses);
	if (r == 0)
		r = fog_cover_create(&cover_ops, n, n->ops, n->identity->link_private, &nc->cover);
	if (r == 0)
		return 0;
err:
	LOG_ERR("cover traffic cannot be made: %s: raise RLIMIT_MEMLOCK", strerror(-r));
	return r;
}

int node_cover_start(void *node)
{
	int r = fog_cover_start(((struct fog_node *)node)->cover->cover);

	if (r < 0)
		LOG_ERR("cover traffic cannot be made: %s: raise TasksMax", strerror(-r));
	return r;
}

void node_cover_stop(void *node)
{
	struct fog_node *n = node;

	if (n->cover != NULL)
		fog_cover_stop(n->cover->cover);
}

int node_cover_health(void *node, char text[FOG_SERVICE_TEXT_LEN])
{
	struct fog_node *n = node;
	uint64_t stepped_ms = fog_cover_stepped_ms(n->cover->cover);

	if (stepped_ms == 0 || fog_now_ms() - stepped_ms < STALE_MS)
		return 0;
	snprintf(
	        text, FOG_SERVICE_TEXT_LEN, "its thread has not moved for %llu s",
	        (unsigned long long)(fog_now_ms() - stepped_ms) / 1000
	);
	return -ETIMEDOUT;
}

void node_cover_destroy(struct fog_node *n)
{
	struct node_cover *nc = n->cover;

	if (nc == NULL)
		return;
	fog_cover_destroy(nc->cover);
	fog_losses_destroy(nc->losses);
	pthread_mutex_destroy(&nc->lock);
	free(nc);
	n->cover = NULL;
}

bool node_cover_deliver(struct fog_node *n, const struct fog_deliver *d, const uint8_t *data)
{
	return fog_cover_deliver(n->cover->cover, d, data);
}

void node_cover_deliveries_wait(struct fog_node *n)
{
	fog_cover_deliveries_wait(n->cover->cover);
}

void node_cover_status(struct fog_node *n, struct fog_cover_status *out)
{
	fog_cover_status(n->cover->cover, out);
}

unsigned node_cover_alerts(struct fog_node *n, struct fog_losses_alert *out, unsigned max)
{
	struct node_cover *nc = n->cover;

	pthread_mutex_lock(&nc->lock);
	unsigned count = nc->alert_count < max ? nc->alert_count : max;
	memcpy(out, nc->alert, count * sizeof(*out));
	pthread_mutex_unlock(&nc->lock);
	return count;
}

unsigned node_cover_links(struct fog_node *n, struct fog_losses_link *out, unsigned max)
{
	struct node_cover *nc = n->cover;

	pthread_mutex_lock(&nc->lock);
	unsigned count = fog_losses_links(nc->losses, out, max);
	pthread_mutex_unlock(&nc->lock);
	return count < max ? count : max;
}

// A node's name, or the first digits of its ID when the topology has it no more.
static void cover_name(struct fog_node *n, const uint8_t id[FOG_ID_LEN], char *name, size_t len)
{
	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology_node *node = n->topology != NULL
	        ? fog_topology_find(n->topology, id)
	        : NULL;
	if (node != NULL)
		snprintf(name, len, "%s", node->name);
	else
		snprintf(name, len, "%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
	pthread_rwlock_unlock(&n->lock);
}

static void cover_alert_text(
        struct fog_node *n, const struct fog_losses_alert *a, char *text, size_t len
)
{
	char name[32];

	cover_name(n, a->node, name, sizeof(name));
	snprintf(
	        text, len,
	        "packets get lost at node %s: about %.0f %% of them since epoch %" PRIu64
	        " (%" PRIu64 " of %" PRIu64
	        " loops over it; chance: %.1g): somebody may keep all but one sender's "
	        "packets from it, to follow that one (n-1 attack), or it is overloaded or cut off: "
	        "ask its operator, and compare with other nodes' fogctl cover",
	        name, 100 * a->loss, a->epoch, a->lost, a->sent, a->p
	);
}

static bool alert_in(const struct fog_losses_alert *list, unsigned count, const uint8_t *node)
{
	for (unsigned i = 0; i < count; i++) {
		if (memcmp(list[i].node, node, FOG_ID_LEN) == 0)
			return true;
	}
	return false;
}

static void cover_judge(struct fog_node *n, uint64_t epoch)
{
	struct fog_losses_alert before[NODE_COVER_ALERTS_MAX], now[NODE_COVER_ALERTS_MAX];
	struct node_cover *nc = n->cover;
	char text[512];

	pthread_mutex_lock(&nc->lock);
	unsigned had = nc->alert_count;
	memcpy(before, nc->alert, sizeof(before));
	unsigned count = fog_losses_judge(nc->losses, epoch, now, NODE_COVER_ALERTS_MAX);
	if (count > NODE_COVER_ALERTS_MAX)
		count = NODE_COVER_ALERTS_MAX;
	memcpy(nc->alert, now, count * sizeof(now[0]));
	nc->alert_count = count;
	pthread_mutex_unlock(&nc->lock);
	for (unsigned i = 0; i < count; i++) {
		if (alert_in(before, had, now[i].node))
			continue;
		cover_alert_text(n, &now[i], text, sizeof(text));
		LOG_WARN("%s", text);
	}
	for (unsigned i = 0; i < had; i++) {
		if (alert_in(now, count, before[i].node))
			continue;
		cover_name(n, before[i].node, text, sizeof(text));
		LOG_INFO("packets through node %s arrive again", text);
	}
}

void node_cover_tick(struct fog_node *n)
{
	uint64_t now = fog_now_ms(), epoch = node_epoch_now(n);
	struct node_cover *nc = n->cover;
	struct fog_cover_status s;

	if (now < nc->judged_ms + JUDGE_MS && epoch == nc->judged_epoch)
		return;
	nc->judged_ms = now;
	nc->judged_epoch = epoch;
	cover_judge(n, epoch);
	fog_cover_status(nc->cover, &s);
	if (strcmp(s.no_loops, nc->no_loops) == 0)
		return;
	memcpy(nc->no_loops, s.no_loops, sizeof(nc->no_loops));
	if (s.no_loops[0] != '\0')
		LOG_WARN("cover has no loops, drop packets go in their place: %s", s.no_loops);
}

// Whether this is a network with links whose cover is none.
static bool cover_missing(struct fog_node *n)
{
	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology *t = n->topology;
	bool missing = t != NULL && t->links == FOG_LINKS_NOISE && t->cover.loop_us == 0 &&
	        t->cover.drop_us == 0 && t->cover.dummy_us == 0;
	pthread_rwlock_unlock(&n->lock);
	return missing;
}

unsigned node_warn_cover(struct fog_node *n, node_say *warn, void *ctx)
{
	struct fog_losses_alert alert[NODE_COVER_ALERTS_MAX];
	unsigned count = node_cover_alerts(n, alert, NODE_COVER_ALERTS_MAX);
	struct fog_cover_status s;
	char text[512];

	for (unsigned i = 0; i < count; i++) {
		cover_alert_text(n, &alert[i], text, sizeof(text));
		warn(ctx, "n1_attack", text);
	}
	if (cover_missing(n)) {
		warn(ctx, "no_cover",
		     "the network has no cover traffic: who watches the links sees when and how much this "
		     "node sends, and nobody notices packets that are kept away from it; set "
		     "network.cover in the topology");
		count++;
	}
	fog_cover_status(n->cover->cover, &s);
	if (s.no_loops[0] != '\0') {
		warn(ctx, "no_loops", s.no_loops);
		count++;
	}
	if (s.paused[0] != '\0') {
		snprintf(text, sizeof(text), "no cover packets are made: %s", s.paused);
		warn(ctx, "cover_paused", text);
		count++;
	}
	return count;
}
