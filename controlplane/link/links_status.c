// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What REST, metrics and readiness see: a copy that the control thread makes and any thread reads.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "links_internal.h"

int links_status_room(struct fog_links *l, unsigned nodes)
{
	unsigned room = nodes + FOG_LINK_SLOTS;
	struct fog_link_status *fresh;
	int r = 0;

	pthread_mutex_lock(&l->lock);
	if (room > l->status_room) {
		fresh = realloc(l->status, room * sizeof(*fresh));
		r = fresh != NULL ? 0 : -ENOMEM;
		if (r == 0) {
			l->status = fresh;
			l->status_room = room;
		}
	}
	pthread_mutex_unlock(&l->lock);
	return r;
}

static void status_sessions(
        const struct links_peer *p, struct fog_link_status *out, uint64_t now_ms
)
{
	const struct links_session *s = links_sending(p);

	for (const struct links_session *o = p->session; o != NULL; o = o->next) {
		out->sessions++;
		out->rx += o->rx;
		out->tx += o->tx;
	}
	out->age_ms = UINT64_MAX;
	if (s == NULL)
		return;
	out->state = links_stale(p, now_ms) ? FOG_LINK_STATUS_STALE : FOG_LINK_STATUS_UP;
	out->age_ms = now_ms - s->made_ms;
	out->has_version = s->has_version;
	out->minor = s->minor;
	out->features = s->features;
}

static void status_of(const struct links_peer *p, struct fog_link_status *out, uint64_t now_ms)
{
	memset(out, 0, sizeof(*out));
	out->class = p->class;
	memcpy(out->node_id, p->node_id, sizeof(out->node_id));
	memcpy(out->name, p->name, sizeof(out->name));
	memcpy(out->static_key, p->static_key, sizeof(out->static_key));
	out->ip = p->ip;
	out->port = p->port;
	out->has_offset = p->has_offset;
	out->offset_ms = p->offset_ns / 1000000;
	out->handshake_ago_ms = p->success_ms > 0 ? now_ms - p->success_ms : UINT64_MAX;
	out->tries = p->tries;
	out->refusal = p->refusal;
	status_sessions(p, out, now_ms);
}

static int status_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

// The median, so that a few nodes with wrong clocks do not speak for all.
static void status_clocks(struct fog_links *l, struct fog_links_summary *sum)
{
	int64_t offset[FOG_NODES_MAX];

	for (unsigned i = 0; i < l->nodes && sum->clocks < FOG_NODES_MAX; i++) {
		const struct links_peer *p = l->node[i];
		if (!p->has_offset)
			continue;
		offset[sum->clocks++] = p->offset_ns;
		sum->clocks_off += links_abs(p->offset_ns) > l->tolerance_ns;
	}
	if (sum->clocks == 0)
		return;
	qsort(offset, sum->clocks, sizeof(offset[0]), status_compare);
	sum->offset_ms = offset[sum->clocks / 2] / 1000000;
}

void links_publish(struct fog_links *l, uint64_t now_ms)
{
	struct fog_links_summary sum = {
	        .active = l->active, .nodes = l->nodes, .tolerance_ms = l->tolerance_ms};
	unsigned count = 0;

	status_clocks(l, &sum);
	memcpy(sum.outcome, l->outcome, sizeof(sum.outcome));
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->nodes; i++) {
		status_of(l->node[i], &l->status[count], now_ms);
		if (!l->attached)
			l->status[count].state = FOG_LINK_STATUS_DOWN;
		sum.up += l->status[count++].state == FOG_LINK_STATUS_UP;
	}
	for (unsigned i = 0; i < l->clients; i++) {
		if (l->client[i]->session == NULL)
			continue;
		status_of(l->client[i], &l->status[count++], now_ms);
		sum.clients++;
	}
	l->status_count = count;
	l->summary = sum;
	pthread_mutex_unlock(&l->lock);
}

unsigned fog_links_status(
        struct fog_links *l, struct fog_links_summary *sum, struct fog_link_status *out,
        unsigned max
)
{
	unsigned count;

	pthread_mutex_lock(&l->lock);
	count = l->status_count;
	if (sum != NULL)
		*sum = l->summary;
	if (max > 0)
		memcpy(out, l->status, (count < max ? count : max) * sizeof(*out));
	pthread_mutex_unlock(&l->lock);
	return count;
}
