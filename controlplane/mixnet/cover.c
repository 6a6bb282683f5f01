// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "cover.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../now.h"
#include "cover_private.h"
#include "path.h"

enum {
	STEP_MS = 50, // while there is cover
	IDLE_MS = 500, // while there is none
	// Until a data plane's counters tell all that it has accepted: rings of an earlier connection are empty.
	SETTLE_MS = 500,
	BEHIND_MS = 2000, // what was accepted and is in no stock by then never will be
	STALL_MS = 1000, // a step that comes so much later: this process stood still
	GRACE_MS = 2000, // for the deliveries that waited meanwhile
	MAKE_MAX = 16, // packets of one step, during which the topology can't change
	MORE_MS = 1, // when a step has made as many
	STOCK_MIN = 4,
};

static const size_t LOOPS_SIZE = FOG_COVER_LOOPS_MAX * sizeof(struct cover_loop);

static int cover_alloc(struct fog_cover *c)
{
	c->secrets = sodium_malloc(sizeof(*c->secrets));
	c->loop =
	        mmap(NULL, LOOPS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->loop == MAP_FAILED)
		c->loop = NULL;
	if (c->secrets == NULL || c->loop == NULL)
		return -ENOMEM;
	madvise(c->loop, LOOPS_SIZE, MADV_DONTDUMP);
	return fog_path_memory_create(&c->memory);
}

int fog_cover_create(
        const struct fog_cover_ops *ops, void *ctx, const struct fog_crypto_ops *crypto,
        const uint8_t secret[32], struct fog_cover **out
)
{
	struct fog_cover *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;

	if (c == NULL)
		return -ENOMEM;
	c->ops = ops;
	c->ctx = ctx;
	c->crypto = crypto;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->news, &attr);
	pthread_condattr_destroy(&attr);
	int r = cover_alloc(c);
	if (r < 0) {
		fog_cover_destroy(c);
		return r;
	}
	loop_number_key("fogline cover key v1", secret, c->secrets->key);
	*out = c;
	return 0;
}

void fog_cover_destroy(struct fog_cover *c)
{
	if (c == NULL)
		return;
	fog_cover_stop(c);
	if (c->loop != NULL) {
		sodium_memzero(c->loop, LOOPS_SIZE);
		munmap(c->loop, LOOPS_SIZE);
	}
	fog_path_memory_destroy(c->memory);
	pthread_cond_destroy(&c->news);
	pthread_mutex_destroy(&c->lock);
	sodium_free(c->secrets);
	free(c);
}

static struct cover_loop *cover_loop_at(struct fog_cover *c, uint32_t number)
{
	return &c->loop[number % FOG_COVER_LOOPS_MAX];
}

// Under the lock: counts of 'epoch', which may take the place of the oldest; NULL: it is older than all.
static struct fog_cover_epoch *cover_epoch(struct fog_cover *c, uint64_t epoch)
{
	struct fog_cover_status *s = &c->status;
	unsigned at = 0;

	while (at < s->epoch_count && s->epoch[at].epoch > epoch)
		at++;
	if (at < s->epoch_count && s->epoch[at].epoch == epoch)
		return &s->epoch[at];
	if (at == FOG_COVER_EPOCHS)
		return NULL;
	if (s->epoch_count < FOG_COVER_EPOCHS)
		s->epoch_count++;
	memmove(&s->epoch[at + 1], &s->epoch[at], (s->epoch_count - 1 - at) * sizeof(s->epoch[0]));
	s->epoch[at] = (struct fog_cover_epoch){.epoch = epoch};
	return &s->epoch[at];
}

enum cover_fate { FATE_LEFT, FATE_RETURNED, FATE_LOST, FATE_UNKNOWN };

// Under the lock.
static void cover_count(struct fog_cover *c, uint64_t epoch, enum cover_fate fate)
{
	struct fog_cover_epoch none, *e = cover_epoch(c, epoch);

	if (e == NULL)
		e = &none;
	switch (fate) {
	case FATE_LEFT:
		c->status.sent++;
		e->sent++;
		c->status.flying++;
		return;
	case FATE_RETURNED:
		c->status.returned++;
		e->returned++;
		break;
	case FATE_LOST:
		c->status.lost++;
		e->lost++;
		break;
	case FATE_UNKNOWN:
		c->status.unknown++;
		e->unknown++;
		break;
	}
	c->status.flying--;
}

// Under the lock: the loop has left its stock.
static void loop_left(struct fog_cover *c, struct cover_loop *l, uint64_t now)
{
	l->state = COVER_FLYING;
	l->left_ms = now;
	cover_count(c, l->epoch, FATE_LEFT);
}

// Under the lock. What never left counts as nothing.
static void loop_end(struct fog_cover *c, struct cover_loop *l, enum cover_fate fate)
{
	if (l->state == COVER_FLYING)
		cover_count(c, l->epoch, fate);
	if (l->state == COVER_FLYING && fate != FATE_UNKNOWN)
		c->ops->finished(c->ctx, l->epoch, l->hop, l->hops, fate == FATE_LOST);
	sodium_memzero(l, sizeof(*l)); // COVER_DONE
}

// Under the lock: nothing is known any more of the loops of a worker (-1: of all).
static void cover_forget(struct fog_cover *c, int worker)
{
	for (uint32_t i = c->first; i != c->next; i++) {
		struct cover_loop *l = cover_loop_at(c, i);
		if (worker < 0 || l->worker == worker)
			loop_end(c, l, FATE_UNKNOWN);
	}
}

// Under the lock: records in front that are over give their places back.
static void cover_trim(struct fog_cover *c)
{
	while (c->first != c->next && cover_loop_at(c, c->first)->state == COVER_DONE)
		c->first++;
}

// Under the lock: which loops have left, and which of those are lost. Who left together with dropped ones may
// be one of them.
static void cover_settle(struct fog_cover *c, const struct fog_cover_look *look, uint64_t now)
{
	for (uint32_t i = c->first; i != c->next; i++) {
		struct cover_loop *l = cover_loop_at(c, i);
		if (l->state == COVER_STOCKED && look->worker[l->worker].taken >= l->place) {
			loop_left(c, l, now);
			if (look->worker[l->worker].dropped != c->worker[l->worker].dropped)
				loop_end(c, l, FATE_UNKNOWN);
		} else if (l->state == COVER_FLYING && now >= l->left_ms + l->patience_ms && now >= c->grace_ms) {
			loop_end(c, l, FATE_LOST);
		}
	}
	cover_trim(c);
}

// Under the lock: whether what a worker has in its books is what we placed. Whoever put more in, or lost some
// of it, has made the places of ours wrong.
static void cover_check(
        struct fog_cover *c, unsigned worker, const struct fog_cover_look *look, uint64_t now
)
{
	struct cover_worker *w = &c->worker[worker];
	uint64_t accepted = look->worker[worker].taken + look->worker[worker].stock;

	if (accepted == w->placed)
		w->behind_ms = 0;
	else if (accepted < w->placed && w->behind_ms == 0)
		w->behind_ms = now;
	if (accepted > w->placed || (accepted < w->placed && now >= w->behind_ms + BEHIND_MS)) {
		cover_forget(c, (int)worker);
		w->placed = accepted;
		w->behind_ms = 0;
	}
	w->taken = look->worker[worker].taken;
	w->dropped = look->worker[worker].dropped;
}

// Under the lock. Returns whether the stocks may be filled.
static bool cover_follow(
        struct fog_cover *c, const struct fog_cover_look *look, int r, uint64_t now
)
{
	if (r == -EAGAIN)
		return false;
	if (r < 0 || c->attached != look->workers || memcmp(c->boot_id, look->boot_id, 16) != 0) {
		cover_forget(c, -1);
		cover_trim(c);
		c->attached = r < 0 ? 0 : look->workers;
		c->status.workers = 0;
		c->status.stock = 0;
		c->counts_from_ms = now + SETTLE_MS;
		if (r == 0)
			memcpy(c->boot_id, look->boot_id, 16);
		return false;
	}
	c->status.stock = 0;
	for (unsigned w = 0; w < look->workers; w++)
		c->status.stock += look->worker[w].stock;
	if (now < c->counts_from_ms)
		return false;
	if (c->status.workers == 0) {
		for (unsigned w = 0; w < look->workers; w++)
			c->worker[w] = (struct cover_worker
			){.placed = look->worker[w].taken + look->worker[w].stock};
		c->status.workers = look->workers;
	}
	if (c->waiting || now > c->stepped_ms + STALL_MS)
		c->grace_ms = now + GRACE_MS;
	c->waiting = false;
	cover_settle(c, look, now);
	for (unsigned w = 0; w < look->workers; w++)
		cover_check(c, w, look, now);
	return true;
}

// Mean time between two packets of one worker, in us; 0: there is no cover. Over the cap turns are left out, those
// of dummies for the same part as those of packets.
static uint64_t cover_gap_us(const struct fog_topology *t, unsigned workers, uint32_t rate_max)
{
	uint64_t loop = t->cover.loop_us, drop = t->cover.drop_us, dummy = t->cover.dummy_us;
	uint64_t gap = loop == 0 || drop == 0 ? loop + drop : loop * drop / (loop + drop);

	if (t->links != FOG_LINKS_NOISE || gap == 0)
		return 0;
	double dummies = dummy > 0 ? (double)(t->node_count - 1) / (double)dummy : 0;
	double turns = 1e6 * (1 / (double)gap + dummies); // in a second
	if (rate_max > 0 && turns > rate_max)
		gap = (uint64_t)((double)gap * turns / rate_max);
	return workers * gap;
}

// Each packet is a loop with the loops' share of both rates.
static bool cover_draw_loop(const struct fog_topology *t)
{
	uint64_t loop = t->cover.loop_us, drop = t->cover.drop_us;

	if (loop == 0 || drop == 0)
		return drop == 0;
	return (uint64_t)randombytes_uniform((uint32_t)((loop + drop) / 2)) * 2 < drop;
}

// When the turn of the packet at this depth comes, in ms, rather too early: what is sent in the epoch after
// its own is good for the overlap, what is sent before for no longer than clocks may differ. The sum of n
// exponential times deviates by the root of n.
static uint64_t cover_dwell_ms(uint64_t depth, uint64_t gap_us)
{
	double n = (double)depth, turns = n - 3 * sqrt(n);

	return turns <= 0 ? 0 : (uint64_t)(turns * (double)gap_us / 1000);
}

static const char *cover_why(int r)
{
	switch (r) {
	case -ENOKEY:
	case -ENOENT:
		return "a layer, or all gateways and services, have no known mix key for the epoch: see "
		       "fogctl epochs";
	case -EHOSTDOWN:
		return "too many nodes are off all paths, because not everybody knows of them yet, or have "
		       "no known mix key for the epoch (fogctl epochs): it goes on when that has changed";
	case -EXDEV:
		return "every path has two nodes of one operator, family or autonomous system";
	case -E2BIG:
		return "a path has more hops than packets have slots";
	case -EDOM:
		return "a node announces an unusable mix key";
	default:
		return strerror(-r);
	}
}

// Under the lock. The record counts when the ring has the packet.
static int cover_place(struct fog_cover *c, unsigned worker)
{
	const struct cover_ready *ready = &c->secrets->ready;
	struct cover_worker *w = &c->worker[worker];
	int r = c->ops->inject(
	        c->ctx, worker, ready->hop[0], ready->epoch, ready->packet, ready->len
	);

	if (r < 0)
		return r;
	w->placed++;
	c->status.loops_made += ready->loop;
	c->status.drops_made += !ready->loop;
	if (!ready->loop)
		return 0;
	struct cover_loop *l = cover_loop_at(c, c->next++);
	*l = (struct cover_loop){
	        .epoch = ready->epoch,
	        .place = w->placed,
	        .patience_ms = ready->patience_ms,
	        .state = COVER_STOCKED,
	        .worker = (uint8_t)worker,
	        .hops = (uint8_t)(ready->hops - 1),
	};
	memcpy(l->number, ready->number, sizeof(l->number));
	memcpy(l->hop, ready->hop, l->hops * sizeof(l->hop[0]));
	return 0;
}

// Between hold and release.
static int cover_one(
        struct fog_cover *c, const struct fog_topology *t, const struct fog_topology_node *self,
        unsigned worker, uint64_t gap_us
)
{
	const struct cover_worker *w = &c->worker[worker];
	bool loop = cover_draw_loop(t) && cover_no_loops(t, self) == NULL;
	uint64_t epoch = c->ops->epoch_after(c->ctx, cover_dwell_ms(w->placed - w->taken, gap_us));

	// Only this thread makes and ends records by number; one ended meanwhile leaves more room.
	pthread_mutex_lock(&c->lock);
	loop = loop && c->next - c->first < FOG_COVER_LOOPS_MAX;
	uint32_t number = c->next;
	pthread_mutex_unlock(&c->lock);
	int r = cover_make(c, t, self, loop, epoch, number);
	if (r == 0) {
		pthread_mutex_lock(&c->lock);
		r = cover_place(c, worker);
		pthread_mutex_unlock(&c->lock);
	}
	sodium_memzero(&c->secrets->ready, sizeof(c->secrets->ready));
	return r;
}

// Fill what is under its low water. Between hold and release. Returns 1 when there is more to do, or 0, or why
// no packet could be made.
static int cover_fill(
        struct fog_cover *c, const struct fog_topology *t, const struct fog_topology_node *self,
        uint64_t gap_us, uint32_t high
)
{
	int r = 0, made = 0;

	for (unsigned i = 0; i < c->attached; i++) {
		struct cover_worker *w = &c->worker[i];
		w->filling |= w->placed - w->taken <= high / 2;
		for (; r == 0 && w->filling && made < MAKE_MAX; made++) {
			if (w->placed - w->taken >= high) {
				w->filling = false;
				break;
			}
			r = cover_one(c, t, self, i, gap_us);
		}
		if (r == -ENOBUFS) // this ring alone
			r = 0;
	}
	if (r == -ENOTCONN)
		return 0;
	return r < 0 ? r : made == MAKE_MAX;
}

static void text_set(char *to, const char *text)
{
	snprintf(to, FOG_COVER_TEXT_LEN, "%s", text != NULL ? text : "");
}

// Between hold and release.
static unsigned cover_work(
        struct fog_cover *c, const struct fog_topology *t, const struct fog_topology_node *self
)
{
	uint64_t now = c->ops->now_ms(c->ctx), gap_us = 0;
	struct fog_cover_look look;
	struct fog_cover_status *s = &c->status;
	int r = c->ops->look(c->ctx, &look);
	uint32_t high = 0;

	pthread_mutex_lock(&c->lock);
	bool ready = cover_follow(c, &look, r, now);
	c->stepped_ms = now;
	if (t != NULL && self != NULL)
		gap_us = cover_gap_us(
		        t, c->attached > 0 ? c->attached : 1, c->ops->rate_max(c->ctx)
		);
	if (gap_us > 0) {
		uint64_t last = FOG_COVER_STOCK_MS * UINT64_C(1000) / gap_us;
		high = last < STOCK_MIN              ? STOCK_MIN
		        : last > FOG_COVER_STOCK_MAX ? FOG_COVER_STOCK_MAX
		                                     : (uint32_t)last;
	}
	s->loop_us = gap_us > 0 ? t->cover.loop_us : 0;
	s->drop_us = gap_us > 0 ? t->cover.drop_us : 0;
	s->high = high;
	s->low = high / 2;
	text_set(s->no_loops, s->loop_us > 0 ? cover_no_loops(t, self) : NULL);
	pthread_mutex_unlock(&c->lock);
	r = ready && gap_us > 0 ? cover_fill(c, t, self, gap_us, high) : 0;
	pthread_mutex_lock(&c->lock);
	text_set(s->paused, r < 0 ? cover_why(r) : NULL);
	bool flying = c->first != c->next;
	pthread_mutex_unlock(&c->lock);
	return r > 0 ? MORE_MS : gap_us > 0 || flying ? STEP_MS : IDLE_MS;
}

unsigned fog_cover_step(struct fog_cover *c)
{
	const struct fog_topology_node *self = NULL;
	const struct fog_topology *t = c->ops->hold(c->ctx, &self);
	// No path leads home, and whoever got a packet of ours would perhaps not know us.
	if (self != NULL && self->off_path)
		self = NULL;
	unsigned ms = cover_work(c, t, self);

	c->ops->release(c->ctx);
	return ms;
}

static void *cover_run(void *cover)
{
	struct fog_cover *c = cover;
	bool stop = false;

	while (!stop) {
		struct timespec due = fog_deadline((int)fog_cover_step(c));
		int r = 0;
		pthread_mutex_lock(&c->lock);
		while (!c->stop && r == 0)
			r = pthread_cond_timedwait(&c->news, &c->lock, &due);
		stop = c->stop;
		pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

int fog_cover_start(struct fog_cover *c)
{
	if (c->running)
		return 0;
	c->stop = false;
	int r = -pthread_create(&c->thread, NULL, cover_run, c);

	c->running = r == 0;
	return r;
}

void fog_cover_stop(struct fog_cover *c)
{
	if (c == NULL || !c->running)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_broadcast(&c->news);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	c->running = false;
}

bool fog_cover_deliver(struct fog_cover *c, const struct fog_deliver *d, const uint8_t *data)
{
	uint32_t number;

	if (!loop_number_of(c->secrets->key, d, &number))
		return false;
	bool intact = loop_number_intact(c->secrets->key, d, data);
	pthread_mutex_lock(&c->lock);
	struct cover_loop *l = number - c->first < c->next - c->first ? cover_loop_at(c, number)
	                                                              : NULL;
	if (l != NULL && intact && l->state != COVER_DONE &&
	    sodium_memcmp(l->number, d->recipient, LOOP_NUMBER_LEN) == 0) {
		if (l->state == COVER_STOCKED) // the worker's counters are older than its packets
			loop_left(c, l, 0);
		loop_end(c, l, FATE_RETURNED);
	} else {
		c->status.foreign++;
	}
	pthread_mutex_unlock(&c->lock);
	return true;
}

void fog_cover_deliveries_wait(struct fog_cover *c)
{
	pthread_mutex_lock(&c->lock);
	c->waiting = true;
	pthread_mutex_unlock(&c->lock);
}

void fog_cover_status(struct fog_cover *c, struct fog_cover_status *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->status;
	pthread_mutex_unlock(&c->lock);
}

uint64_t fog_cover_stepped_ms(struct fog_cover *c)
{
	pthread_mutex_lock(&c->lock);
	uint64_t ms = c->stepped_ms;
	pthread_mutex_unlock(&c->lock);
	return ms;
}
