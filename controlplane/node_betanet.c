// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_betanet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "node_cover.h"
#include "node_directory.h"

enum { LINKS_MAX = FOG_NODES_MAX + FOG_LINK_SLOTS, LOSSES_MAX = 4096 };

struct listed {
	uint8_t node_id[FOG_ID_LEN];
	uint64_t since;
	uint8_t layer;
};

struct node_betanet {
	uint8_t self[FOG_ID_LEN];
	bool attached; // our data plane
	bool consensus; // 'listed' is of one, so who stands there is alive
	unsigned listed, links, losses;
	struct listed *list;
	struct fog_link_status *link;
	struct fog_losses_link *loss;
};

static void look_consensus(
        void *ctx, const struct fog_consensus *c, const struct fog_topology *network
)
{
	struct node_betanet *b = ctx;

	b->list = calloc(c->node_count + 1, sizeof(b->list[0]));
	if (b->list == NULL)
		return;
	b->consensus = true;
	b->listed = c->node_count;
	for (unsigned i = 0; i < c->node_count; i++) {
		memcpy(b->list[i].node_id, c->node[i].descriptor.node_id, FOG_ID_LEN);
		b->list[i].since = c->node[i].since;
		b->list[i].layer = c->node[i].layer;
	}
}

static void look_topology(struct node_betanet *b, struct fog_node *n)
{
	pthread_rwlock_rdlock(&n->lock);
	unsigned count = n->topology != NULL ? n->topology->node_count : 0;
	b->list = calloc(count + 1, sizeof(b->list[0]));
	for (unsigned i = 0; b->list != NULL && i < count; i++) {
		memcpy(b->list[i].node_id, n->topology->node[i].id, FOG_ID_LEN);
		b->list[i].layer = n->topology->node[i].layer;
	}
	b->listed = b->list != NULL ? count : 0;
	pthread_rwlock_unlock(&n->lock);
}

struct node_betanet *node_betanet_look(struct fog_node *n)
{
	struct node_betanet *b = calloc(1, sizeof(*b));
	struct fog_dpclient_status status;
	struct fog_links_summary summary;

	if (b == NULL)
		return NULL;
	memcpy(b->self, n->identity->node_id, FOG_ID_LEN);
	fog_dpclient_status(n->dp, &status);
	b->attached = status.state == FOG_DPCLIENT_ATTACHED;
	if (node_directory_active(n))
		node_directory_use(n, UINT64_MAX, look_consensus, b);
	else
		look_topology(b, n);
	b->link = calloc(LINKS_MAX, sizeof(b->link[0]));
	b->loss = calloc(LOSSES_MAX, sizeof(b->loss[0]));
	if (b->link == NULL || b->loss == NULL) {
		node_betanet_forget(b);
		return NULL;
	}
	b->links = fog_links_status(n->links, &summary, b->link, LINKS_MAX);
	b->links = b->links < LINKS_MAX ? b->links : LINKS_MAX;
	b->losses = node_cover_links(n, b->loss, LOSSES_MAX);
	b->losses = b->losses < LOSSES_MAX ? b->losses : LOSSES_MAX;
	return b;
}

void node_betanet_forget(struct node_betanet *b)
{
	if (b == NULL)
		return;
	free(b->list);
	free(b->link);
	free(b->loss);
	free(b);
}

// By what its links are known: a node by its ID, a client by its static key.
static const uint8_t *link_id(const struct fog_link_status *l)
{
	return l->class == FOG_LINK_CLIENT ? l->static_key : l->node_id;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, FOG_ID_LEN) == 0;
}

void node_betanet_know(
        const struct node_betanet *b, const struct fog_betanet_node *n,
        struct node_betanet_known *out
)
{
	bool client = n->type == FOG_BETANET_CLIENT;

	*out = (struct node_betanet_known){0};
	if (!n->has_node_id)
		return;
	out->self = same(b->self, n->node_id);
	for (unsigned i = 0; i < b->listed && !client && !out->listed; i++) {
		out->listed = same(b->list[i].node_id, n->node_id);
		out->has_since = out->listed && b->consensus;
		out->since = b->list[i].since;
		out->layer = b->list[i].layer;
	}
	for (unsigned i = 0; i < b->links && out->link == NULL; i++) {
		const struct fog_link_status *l = &b->link[i];
		if ((l->class == FOG_LINK_CLIENT) == client && same(link_id(l), n->node_id))
			out->link = l;
	}
	for (unsigned i = 0; i < b->losses && !client; i++) {
		if (!same(b->loss[i].to, n->node_id))
			continue;
		out->loops += b->loss[i].sent;
		out->loops_lost += b->loss[i].lost;
	}
}

int node_betanet_see(const struct node_betanet *b, struct fog_db *db, int64_t now_us)
{
	uint8_t(*seen)[FOG_ID_LEN] = calloc(b->listed + b->links + 1, sizeof(*seen));
	unsigned count = 0;
	int r;

	if (seen == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < b->listed && b->consensus; i++)
		memcpy(seen[count++], b->list[i].node_id, FOG_ID_LEN);
	for (unsigned i = 0; i < b->links; i++)
		if (b->link[i].state == FOG_LINK_STATUS_UP)
			memcpy(seen[count++], link_id(&b->link[i]), FOG_ID_LEN);
	if (b->attached)
		memcpy(seen[count++], b->self, FOG_ID_LEN);
	r = fog_betanet_see(db, (const uint8_t(*)[FOG_ID_LEN])seen, count, now_us);
	free(seen);
	return r;
}
