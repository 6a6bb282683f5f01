// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The thread of an order: draws a path, wraps, waits for the Poisson clock, stamps and sends.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../dataplane/crypto/delay.h"
#include "../../log/log.h"
#include "loops_private.h"
#include "message.h"

enum {
	FULL_WAIT_US = 1000, // until a full ring is asked again
	PATH_WAIT_US = 100000, // until nodes that are off all paths are looked at again
	KEY_TRIES =
	        50, // such waits for the first mix key of a layer; a new consensus takes a moment to be in force
	BEHIND_US = 50000, // that the clock makes up for; whatever took longer has put it off
};

int loop_path(
        const struct fog_topology *t, const struct fog_topology_node *self,
        fog_topology_usable *usable, void *ctx, struct fog_path_memory *memory,
        const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX], char *text
)
{
	const struct fog_path_wish wish = {
	        .to = self, .usable = usable, .ctx = ctx, .max = FOG_SPHINX_SLOTS_MAX};
	const char *why = NULL;
	int n = 0;

	if (t == NULL || self == NULL) {
		why = "there is no topology that lists this node";
		n = -ENOENT;
	} else if (self->role == FOG_ROLE_MIX) {
		why = "no message comes from a mix: send loops from a gateway or a service node";
		n = -EOPNOTSUPP;
	} else if (t->layers < 2) {
		why = "with one layer of mixes a loop goes back to where it came from, which no "
		      "message does: it would show";
		n = -EOPNOTSUPP;
	} else {
		n = fog_path_choose(t, &wish, memory, path);
		if (n == -EHOSTDOWN && !self->off_path && !fog_topology_mixes_off_path(t))
			n = -ENOKEY;
		why = n == -E2BIG     ? "the path has more hops than packets have slots"
		        : n == -EXDEV ? "every path has two nodes of one operator, family or "
		                        "autonomous system"
		        : n == -EHOSTDOWN
		        ? "we, or too many mixes, are off all paths: not everybody knows of them "
		          "yet: try again in a while"
		        : "a layer has no mix, or none whose mix key is known: see fogctl epochs";
	}
	if (n < 0)
		snprintf(text, FOG_LOOPS_TEXT_LEN, "%s", why);
	return n;
}

static int ready_hops(
        struct fog_loops *l, const struct fog_topology_node *const *path, unsigned n,
        struct fog_sphinx_path_hop *hop, char *text
)
{
	struct loop_ready *ready = &l->secrets->ready;

	memset(hop, 0, n * sizeof(*hop));
	for (unsigned i = 0; i < n; i++) {
		memcpy(hop[i].id, path[i]->id, FOG_ID_LEN);
		memcpy(ready->hop[i].id, path[i]->id, FOG_ID_LEN);
		memcpy(ready->hop[i].name, path[i]->name, sizeof(ready->hop[i].name));
		int r = l->ops->mix_key(l->ctx, path[i], ready->epoch, hop[i].public_key);
		if (r < 0) {
			snprintf(
			        text, FOG_LOOPS_TEXT_LEN,
			        "there is no mix key of %s for epoch %llu: see fogctl epochs",
			        path[i]->name, (unsigned long long)ready->epoch
			);
			return r;
		}
	}
	hop[n - 1].has_recipient = 1;
	memcpy(hop[n - 1].recipient, ready->number, FOG_ID_LEN);
	return 0;
}

static int ready_wrap(
        struct fog_loops *l, const struct fog_geometry *geo, struct fog_sphinx_path_hop *hop,
        unsigned n, char *text
)
{
	struct loop_ready *ready = &l->secrets->ready;
	uint8_t mark[LOOP_MARK_LEN], payload[FOG_SPHINX_PACKET_MAX];
	const struct fog_sphinx_wrap_job job = {hop, payload, ready->packet, ready->tag};

	loop_number_mark(l->secrets->key, ready->number, mark);
	int r = fog_message_encode(geo, NULL, mark, sizeof(mark), payload);
	if (r == 0)
		r = fog_sphinx_wrap_batch(
		        l->crypto, geo, n, &job, 1, &l->secrets->wrap, NULL, NULL
		);
	sodium_memzero(payload, sizeof(payload));
	ready->len = geo->packet_len;
	if (r < 0)
		snprintf(
		        text, FOG_LOOPS_TEXT_LEN, "a loop cannot be wrapped: %s",
		        r == -EDOM ? "a node announces an unusable mix key" : strerror(-r)
		);
	return r;
}

static bool ready_usable(void *ctx, const struct fog_topology_node *node)
{
	struct fog_loops *l = ctx;
	uint8_t key[32];

	return l->ops->mix_key(l->ctx, node, l->secrets->ready.epoch, key) == 0;
}

// Draw a path and look up its keys. Whoever has no key for this epoch is left out, as messages do.
static int ready_path(
        struct fog_loops *l, const struct fog_topology *t, const struct fog_topology_node *self,
        struct fog_sphinx_path_hop *hop, char *text
)
{
	const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX];
	int r = loop_path(t, self, ready_usable, l, l->paths, path, text);

	if (r > 0 && (unsigned)r != l->order->hops) {
		snprintf(text, FOG_LOOPS_TEXT_LEN, "the network has another number of layers now");
		return -ESTALE;
	}
	return r < 0 ? r : ready_hops(l, path, l->order->hops, hop, text);
}

// Make the packet of loop number 'place' for the epoch that is now.
static int loop_prepare(struct fog_loops *l, uint32_t place, char *text)
{
	struct fog_sphinx_path_hop hop[FOG_SPHINX_SLOTS_MAX];
	struct loop_ready *ready = &l->secrets->ready;
	const struct fog_topology_node *self;
	const struct fog_topology *t = l->ops->hold(l->ctx, &self);

	ready->epoch = l->ops->epoch(l->ctx);
	loop_number_make(l->secrets->key, place, ready->number);
	int r = ready_path(l, t, self, hop, text);
	if (r == 0)
		r = ready_wrap(l, &t->geometry, hop, l->order->hops, text);
	l->ops->release(l->ctx);
	return r;
}

// Under the lock. Place of a node in the order's list, or -1: it is full.
static int order_node(struct loop_order *o, const struct loop_node *node)
{
	for (uint32_t i = 0; i < o->node_count; i++) {
		if (memcmp(o->node[i].id, node->id, FOG_ID_LEN) == 0)
			return (int)i;
	}
	if (o->node_count == FOG_NODES_MAX)
		return -1;
	o->node[o->node_count] = *node;
	return (int)o->node_count++;
}

// Under the lock. The record counts when the ring has the packet.
static int loop_depart(struct fog_loops *l, char *text)
{
	const struct loop_ready *ready = &l->secrets->ready;
	struct loop_order *o = l->order;
	uint32_t place = l->status.sent;
	struct loop_record *record = &o->record[place];

	memset(record, 0, sizeof(*record));
	memcpy(record->number, ready->number, LOOP_NUMBER_LEN);
	record->epoch = ready->epoch;
	for (unsigned i = 0; i < o->hops; i++) {
		int node = order_node(o, &ready->hop[i]);
		if (node < 0) {
			snprintf(
			        text, FOG_LOOPS_TEXT_LEN, "more than %d nodes came and went",
			        FOG_NODES_MAX
			);
			return -ENOSPC;
		}
		record->node[i] = (uint16_t)node;
		memcpy(o->tag[(size_t)place * o->hops + i], ready->tag[i], 32);
	}
	record->departure = loop_tsc();
	int r = l->ops->inject(l->ctx, ready->hop[0].id, ready->epoch, ready->packet, ready->len);
	if (r == 0)
		l->status.sent++;
	else if (r != -ENOBUFS)
		snprintf(
		        text, FOG_LOOPS_TEXT_LEN, "%s",
		        r == -ENOTCONN ? "the data plane has gone"
		                       : "the data plane takes no packets of this size"
		);
	return r;
}

static struct timespec time_after(struct timespec t, uint64_t us)
{
	t.tv_sec += (time_t)(us / 1000000);
	t.tv_nsec += (long)(us % 1000000) * 1000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

// Whether 'a' is not after 'b'.
static bool time_until(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec <= b->tv_nsec);
}

static uint64_t gap_us(const struct fog_delay_law *law)
{
	uint64_t u;

	randombytes_buf(&u, sizeof(u));
	return fog_delay_quantile(law, u);
}

// When the next loop is due. An order that was held up (nodes off all paths, a full ring, a process that stood
// still) goes on from now: all that was due meanwhile would leave at once, as no message does. Gaps have no
// memory, so what leaves from then on is Poisson again.
static struct timespec due_after(struct timespec due, const struct fog_delay_law *law)
{
	struct timespec now, behind = time_after(due, BEHIND_US);

	clock_gettime(CLOCK_MONOTONIC, &now);
	return time_after(time_until(&behind, &now) ? now : due, gap_us(law));
}

// Whether to go on: false when the order is to end.
static bool loop_wait(struct fog_loops *l, const struct timespec *due)
{
	int r = 0;

	pthread_mutex_lock(&l->lock);
	while (!l->stop && r == 0)
		r = pthread_cond_timedwait(&l->news, &l->lock, due);
	bool stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return !stop;
}

// One loop at 'due'. Returns 0, or what ends the order.
static int loop_one(
        struct fog_loops *l, struct timespec due, const struct timespec *end, char *text
)
{
	int r = -EAGAIN, keyless = 0;

	while ((r == -EAGAIN || r == -ENOBUFS || r == -EHOSTDOWN || r == -ENOKEY) &&
	       time_until(&due, end)) {
		// Only this thread counts 'sent'.
		r = loop_prepare(l, l->status.sent, text);
		if (r == -EHOSTDOWN || (r == -ENOKEY && ++keyless < KEY_TRIES))
			due = time_after(due, PATH_WAIT_US);
		else if (r < 0)
			return r;
		if (!loop_wait(l, &due))
			return -ECANCELED;
		if (r < 0)
			continue;
		// A message would be of the epoch that has begun meanwhile.
		if (l->ops->epoch(l->ctx) != l->secrets->ready.epoch) {
			r = -EAGAIN;
			continue;
		}
		pthread_mutex_lock(&l->lock);
		r = loop_depart(l, text);
		pthread_mutex_unlock(&l->lock);
		if (r == -ENOBUFS) {
			snprintf(text, FOG_LOOPS_TEXT_LEN, "the data plane's rings stay full");
			due = time_after(due, FULL_WAIT_US);
		}
	}
	return r;
}

void *loop_send_run(void *loops)
{
	struct fog_loops *l = loops;
	const struct fog_loops_request q = l->status.request;
	char text[FOG_LOOPS_TEXT_LEN] = "";
	struct timespec due, end;
	struct fog_delay_law law;
	uint32_t mean = 1000000 / q.rate;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &due);
	end = time_after(due, q.seconds * UINT64_C(1000000));
	fog_delay_law_init(&law, mean, 40 * mean, 0);
	for (uint32_t i = 0; i < q.count && r == 0; i++) {
		due = due_after(due, &law);
		if (!time_until(&due, &end))
			break;
		r = loop_one(l, due, &end, text);
	}
	sodium_memzero(&l->secrets->ready, sizeof(l->secrets->ready));
	if (r < 0 && r != -ECANCELED)
		LOG_WARN("loops end early: %s", text);
	pthread_mutex_lock(&l->lock);
	l->status.state = FOG_LOOPS_WAITING;
	snprintf(l->status.why, sizeof(l->status.why), "%s", r == 0 || r == -ECANCELED ? "" : text);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}
