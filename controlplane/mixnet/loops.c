// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "loops.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../log/log.h"
#include "../now.h"
#include "loops_private.h"

int fog_loops_create(
        const struct fog_loops_ops *ops, void *ctx, const struct fog_crypto_ops *crypto,
        const uint8_t secret[32], struct fog_loops **out
)
{
	struct fog_loops *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;

	if (l == NULL)
		return -ENOMEM;
	l->secrets = sodium_malloc(sizeof(*l->secrets));
	if (l->secrets == NULL || fog_path_memory_create(&l->paths) < 0) {
		sodium_free(l->secrets);
		free(l);
		return -ENOMEM;
	}
	loop_number_key("fogline loop key v1", secret, l->secrets->key);
	l->ops = ops;
	l->ctx = ctx;
	l->crypto = crypto;
	pthread_mutex_init(&l->change, NULL);
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->news, &attr);
	pthread_condattr_destroy(&attr);
	*out = l;
	return 0;
}

void fog_loops_destroy(struct fog_loops *l)
{
	if (l == NULL)
		return;
	fog_loops_forget(l);
	pthread_cond_destroy(&l->news);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->change);
	fog_path_memory_destroy(l->paths);
	sodium_free(l->secrets);
	free(l);
}

// Pages are made as records are written, so a short order of many costs little.
static struct loop_order *order_new(uint32_t count, unsigned hops)
{
	size_t records = sizeof(struct loop_order) + count * sizeof(struct loop_record);
	size_t size = records + (size_t)count * hops * 32;
	struct loop_order *o =
	        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (o == MAP_FAILED)
		return NULL;
	madvise(o, size, MADV_DONTDUMP);
	o->size = size;
	o->hops = hops;
	o->tag = (uint8_t(*)[32])((uint8_t *)o + records);
	return o;
}

static void order_free(struct loop_order *o)
{
	if (o == NULL)
		return;
	size_t size = o->size;
	sodium_memzero(o, size);
	munmap(o, size);
}

// Under 'change'.
static int loops_stop(struct fog_loops *l)
{
	pthread_mutex_lock(&l->lock);
	int r = l->order != NULL ? 0 : -ENOENT;
	l->stop = true;
	pthread_cond_broadcast(&l->news);
	pthread_mutex_unlock(&l->lock);
	if (l->running)
		pthread_join(l->thread, NULL);
	l->running = false;
	pthread_mutex_lock(&l->lock);
	order_free(l->order);
	l->order = NULL;
	l->stop = false;
	l->status = (struct fog_loops_status){.foreign = l->status.foreign};
	pthread_mutex_unlock(&l->lock);
	return r;
}

int fog_loops_forget(struct fog_loops *l)
{
	if (l == NULL)
		return -ENOENT;
	pthread_mutex_lock(&l->change);
	int r = loops_stop(l);
	pthread_mutex_unlock(&l->change);
	return r;
}

// Under the lock: what is overdue is lost. Departures are in order and patience is the same for
// all, so what flies begins at 'settled'.
static void order_settle(struct fog_loops *l)
{
	struct loop_order *o = l->order;
	uint64_t now = loop_tsc();

	if (o == NULL)
		return;
	for (; o->settled < l->status.sent; o->settled++) {
		struct loop_record *r = &o->record[o->settled];
		if (r->fate == FOG_LOOP_FLYING && now - r->departure < o->patience)
			break;
		if (r->fate == FOG_LOOP_FLYING) {
			r->fate = FOG_LOOP_LOST;
			l->status.lost++;
		}
	}
	if (l->status.state == FOG_LOOPS_WAITING && o->settled == l->status.sent)
		l->status.state = FOG_LOOPS_ENDED;
}

// What an order on this topology takes. Returns 0 or as fog_loops_start.
static int order_plan(struct fog_loops *l, unsigned *hops, uint64_t *patience_us, char *text)
{
	const struct fog_topology_node *self, *path[FOG_SPHINX_SLOTS_MAX];
	const struct fog_topology *t = l->ops->hold(l->ctx, &self);
	int n = loop_path(t, self, NULL, NULL, NULL, path, text);

	if (n > 0) {
		*hops = (unsigned)n;
		*patience_us = (uint64_t)t->layers * t->delay_max_us +
		        FOG_LOOPS_PATIENCE_S * UINT64_C(1000000);
	}
	l->ops->release(l->ctx);
	return n < 0 ? n : 0;
}

// Under 'change', with no order there.
static int order_begin(struct fog_loops *l, const struct fog_loops_request *q, char *text)
{
	uint64_t hz = l->ops->tsc_hz(l->ctx), patience_us = 0;
	struct loop_order *o = NULL;
	unsigned hops = 0;
	int r = order_plan(l, &hops, &patience_us, text);

	if (r < 0)
		return r;
	if (hz == 0) {
		snprintf(text, FOG_LOOPS_TEXT_LEN, "no data plane is attached");
		return -ENOTCONN;
	}
	o = order_new(q->count, hops);
	if (o == NULL) {
		snprintf(text, FOG_LOOPS_TEXT_LEN, "out of memory: ask for fewer loops");
		return -ENOMEM;
	}
	o->tsc_hz = hz;
	o->patience = (uint64_t)((unsigned __int128)patience_us * hz / 1000000);
	o->began = loop_tsc();
	pthread_mutex_lock(&l->lock);
	l->order = o;
	l->status.state = FOG_LOOPS_SENDING;
	l->status.request = *q;
	l->status.began_us = fog_now_unix_us();
	pthread_mutex_unlock(&l->lock);
	r = -pthread_create(&l->thread, NULL, loop_send_run, l);
	l->running = r == 0;
	if (r < 0) {
		loops_stop(l);
		snprintf(text, FOG_LOOPS_TEXT_LEN, "no thread: %s", strerror(-r));
	}
	return r;
}

int fog_loops_start(struct fog_loops *l, const struct fog_loops_request *q, char *text)
{
	pthread_mutex_lock(&l->change);
	pthread_mutex_lock(&l->lock);
	order_settle(l);
	bool busy = l->status.state == FOG_LOOPS_SENDING || l->status.state == FOG_LOOPS_WAITING;
	pthread_mutex_unlock(&l->lock);
	int r = -EBUSY;
	if (busy) {
		snprintf(text, FOG_LOOPS_TEXT_LEN, "loops of an earlier order are on their way");
	} else {
		loops_stop(l);
		r = order_begin(l, q, text);
	}
	pthread_mutex_unlock(&l->change);
	return r;
}

void fog_loops_status(struct fog_loops *l, struct fog_loops_status *out)
{
	pthread_mutex_lock(&l->lock);
	order_settle(l);
	*out = l->status;
	pthread_mutex_unlock(&l->lock);
}

static uint64_t order_us(const struct loop_order *o, uint64_t cycles)
{
	return (uint64_t)((unsigned __int128)cycles * 1000000 / o->tsc_hz);
}

static void record_show(const struct loop_order *o, uint32_t place, struct fog_loop *out)
{
	const struct loop_record *r = &o->record[place];

	memset(out, 0, sizeof(*out));
	out->epoch = r->epoch;
	out->fate = r->fate;
	out->departure_us = order_us(o, r->departure - o->began);
	if (r->fate == FOG_LOOP_ARRIVED)
		out->travel_us = order_us(o, r->arrival - r->departure);
	out->hops = o->hops;
	for (unsigned i = 0; i < o->hops; i++) {
		const struct loop_node *node = &o->node[r->node[i]];
		memcpy(out->hop[i].id, node->id, FOG_ID_LEN);
		memcpy(out->hop[i].name, node->name, sizeof(out->hop[i].name));
		memcpy(out->hop[i].tag, o->tag[(size_t)place * o->hops + i], 32);
	}
}

unsigned fog_loops_read(struct fog_loops *l, uint32_t after, struct fog_loop *out, unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&l->lock);
	order_settle(l);
	for (; l->order != NULL && n < max && after + n < l->status.sent; n++)
		record_show(l->order, after + n, &out[n]);
	pthread_mutex_unlock(&l->lock);
	return n;
}

bool fog_loops_deliver(struct fog_loops *l, const struct fog_deliver *d, const uint8_t *data)
{
	const uint8_t *number = d->recipient;
	uint32_t place;

	if (!loop_number_of(l->secrets->key, d, &place))
		return false;
	bool intact = loop_number_intact(l->secrets->key, d, data);
	pthread_mutex_lock(&l->lock);
	struct loop_record *r = l->order != NULL && place < l->status.sent
	        ? &l->order->record[place]
	        : NULL;
	if (r != NULL && intact && r->fate == FOG_LOOP_FLYING &&
	    sodium_memcmp(r->number, number, LOOP_NUMBER_LEN) == 0) {
		// A stamp before the departure is none of this clock.
		bool stamped = d->arrival >= r->departure;
		r->arrival = d->arrival;
		r->fate = stamped ? FOG_LOOP_ARRIVED : FOG_LOOP_UNKNOWN;
		l->status.arrived += stamped;
		l->status.unknown += !stamped;
	} else {
		l->status.foreign++;
	}
	pthread_mutex_unlock(&l->lock);
	return true;
}

void fog_loops_detached(struct fog_loops *l)
{
	pthread_mutex_lock(&l->lock);
	order_settle(l);
	for (uint32_t i = 0; l->order != NULL && i < l->status.sent; i++) {
		struct loop_record *r = &l->order->record[i];
		if (r->fate != FOG_LOOP_FLYING)
			continue;
		r->fate = FOG_LOOP_UNKNOWN;
		l->status.unknown++;
	}
	pthread_mutex_unlock(&l->lock);
}
