// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The loop of a worker: the one place that knows the order of the path.
#include "cover.h"
#include "punt.h"

#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <sodium.h>
#include <unistd.h>

enum {
	DRY_ROUNDS = 2, // rounds without work before an adaptive worker sleeps
	SLEEP_MAX_MS = 50, // so that heartbeat and statistics never look dead
	CALL_TRIES = 5, // of which the fastest wasn't interrupted
	CALENDAR_SLOTS = 1 << 16, // 3 to 6 seconds of horizon
};

// What is due leaves now, and not when the round ends.
static bool calendar_poll(struct fog_worker *w, uint64_t now)
{
	if (stage_release(w, now) == 0)
		return false;
	stage_tx(w);
	return true;
}

static void chunk_fill(struct fog_worker *w, struct fog_chunk *c, unsigned n)
{
	c->sphinx.n = n;
	for (unsigned i = 0; i < n; i++) {
		c->mbuf[i] = w->ready[i];
		c->sphinx.pkt[i] = rte_pktmbuf_mtod(w->ready[i], uint8_t *);
		c->sphinx.drop[i] = FOG_DROP_NONE;
	}
	w->ready_n -= n;
	memmove(w->ready, w->ready + n, w->ready_n * sizeof(w->ready[0]));
}

// Whether to call X25519 now, and for how many of the packets in ready[] beside those that wait for
// their blinding: whole widths as soon as there are any, the rest when its time is up. What waits for
// its blinding is never more than a width, and goes first.
static bool lanes_plan(const struct fog_worker *w, uint64_t now, unsigned *keys)
{
	unsigned most = RTE_MIN(w->ready_n, w->chunk_size), blinds = w->opened->waiting;
	unsigned fit = RTE_MIN(fog_lanes_fit(w->crypto, most + blinds), w->call_lanes);

	*keys = fit > 0 ? fit - blinds : most;
	if (fit > 0)
		return true;
	return (most > 0 && now - fog_pkt(w->ready[0])->arrival >= w->hold) ||
	        (blinds > 0 && now - w->opened->since >= w->hold);
}

// One call of X25519 for two chunks, and what stands between it and the next: the older chunk is
// done, the younger is opened up to its blinding.
static void chunks_run(struct fog_worker *w, unsigned keys)
{
	struct fog_chunk *fresh = w->fresh, *opened = w->opened;
	struct fog_lanes lanes;

	fog_lanes_init(&lanes, w->crypto);
	fog_sphinx_blind_add(&opened->sphinx, &lanes);
	unsigned first = lanes.n;
	chunk_fill(w, fresh, keys);
	stage_key_add(w, fresh, &lanes);
	fog_lanes_run(&lanes);
	calendar_poll(w, rte_rdtsc());
	stage_park(w, opened);
	stage_key(w, fresh, &lanes, first);
	stage_rate(w);
	stage_replay(w, fresh);
	stage_open(w, fresh);
	stage_delay(w, fresh);
	w->fresh = opened;
	w->opened = fresh;
}

void fog_worker_publish(struct fog_worker *w, uint64_t now)
{
	struct fog_worker_counters *c = &w->count;

	c->parked = fog_calendar_depth(w->calendar);
	c->overflow = fog_calendar_overflow(w->calendar);
	c->in_batch = w->ready_n + w->opened->waiting + w->seal.n;
	for (unsigned p = 0; p < w->port_count; p++)
		c->in_batch += w->tx[p].n;
	c->buffers_free = rte_mempool_avail_count(w->pool);
	fog_stats_publish(&w->shared->sequence, &w->shared->counters, c, sizeof(*c));
	atomic_store_explicit(&w->shared->heartbeat, now, memory_order_relaxed);
	w->publish_at = now + w->tsc_hz / 100;
}

enum fog_round fog_worker_round(struct fog_worker *w, uint64_t now)
{
	bool worked = false;
	unsigned keys;

	w->conf = atomic_load_explicit(&w->conf_next, memory_order_acquire);
	w->trace = atomic_load_explicit(&w->trace_next, memory_order_acquire);
	worked |= calendar_poll(w, now);
	worked |= stage_rx(w) > 0;
	worked |= stage_errands(w) > 0;
	worked |= stage_letters(w) > 0;
	if (!atomic_load_explicit(&w->drain, memory_order_relaxed))
		worked |= stage_inject(w) > 0;
	if (lanes_plan(w, rte_rdtsc(), &keys)) {
		chunks_run(w, keys);
		calendar_poll(w, rte_rdtsc());
		worked = true;
	}
	worked |= stage_tx(w) > 0;
	w->count.loops++;
	w->count.idle_loops += !worked;
	if (worked)
		return FOG_ROUND_WORKED;
	return w->ready_n + w->opened->waiting > 0 ? FOG_ROUND_HOLDING : FOG_ROUND_DRY;
}

// Whether packets that the old control plane injected are still to be taken: as many as its ring
// holds at the most, for it may be alive and go on. Without a key none are taken (stage_inject).
static bool inject_left(struct fog_worker *w, const struct fog_worker_rings *old)
{
	if (old->inject_faulty || !fog_ring_pending(&old->inject) || w->conf == NULL ||
	    w->conf->key_count == 0 || atomic_load_explicit(&w->drain, memory_order_relaxed))
		return false;
	if (w->switch_at == 0)
		w->switch_at = w->count.injected + old->inject.mask + 1;
	return w->count.injected < w->switch_at;
}

// Switch to the rings of a new control plane. What the old one had injected is taken first, what it
// had not read goes over to the new one.
static void rings_switch(struct fog_worker *w)
{
	struct fog_ring_handover *h = atomic_load_explicit(&w->handover, memory_order_acquire);
	struct fog_worker_rings *old = w->rings;

	if (h == NULL)
		return;
	if (old != NULL) {
		if (inject_left(w, old))
			return;
		uint32_t from = h->carried;
		fog_session_carry(&old->deliver, &from, old->deliver.head, &h->rings->deliver);
		atomic_store_explicit(&w->ring_doorbell, true, memory_order_relaxed);
	}
	w->rings = h->rings;
	atomic_store_explicit(&w->faults, 0, memory_order_relaxed); // those of the old rings
	w->switch_at = 0;
	atomic_store_explicit(&w->handover, NULL, memory_order_release);
}

static void doorbell(struct fog_worker *w)
{
	uint64_t one = 1;

	if (!atomic_exchange_explicit(&w->ring_doorbell, false, memory_order_acquire))
		return;
	if (write(w->doorbell_fd, &one, sizeof(one)) < 0)
		return; // the counter is full: the bell is ringing already
}

// Sets *patient to whether every event that we wait for shows in a descriptor.
static unsigned sleep_fds(struct fog_worker *w, struct pollfd *fds, bool *patient)
{
	unsigned n = 0;

	*patient = true;
	fds[n++] = (struct pollfd){.fd = w->wake_fd, .events = POLLIN};
	for (unsigned i = 0; i < w->source_count; i++) {
		struct fog_port *port = w->ports[w->source[i].port];
		int fd = port->ops->idle_fd(port, w->source[i].queue);
		if (fd >= 0 && n < FOG_QUEUES_MAX)
			fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
		else
			*patient = false;
	}
	for (unsigned p = 0; p < w->port_count; p++)
		*patient &= w->tx[p].n == 0;
	return n;
}

// Until a frame, a doorbell, the next calendar slot or the next frame of cover.
static void worker_sleep(struct fog_worker *w, uint64_t now)
{
	struct pollfd fds[FOG_QUEUES_MAX];
	bool patient;
	unsigned n = sleep_fds(w, fds, &patient);
	uint64_t tick = fog_calendar_tick(w->calendar);
	uint64_t until = now + (patient ? w->tsc_hz / 1000 * SLEEP_MAX_MS : tick);
	uint64_t next = fog_calendar_next(w->calendar);
	uint64_t drained;

	if (next < until)
		until = next;
	if (w->cover != NULL && w->cover->next < until)
		until = w->cover->next;
	if (until <= now + tick / 4) // a system call costs about as much
		return;
	fog_worker_publish(w, now);
	doorbell(w);
	uint64_t ns = fog_worker_ns(w, until - now);
	struct timespec t = {
	        .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
	w->count.sleeps++;
	rte_rcu_qsbr_thread_offline(w->qsbr, w->index);
	if (ppoll(fds, n, &t, NULL) > 0 && (fds[0].revents & POLLIN)) {
		if (read(w->wake_fd, &drained, sizeof(drained)) < 0)
			drained = 0; // somebody else emptied it
	}
	rte_rcu_qsbr_thread_online(w->qsbr, w->index);
}

static void drain_check(struct fog_worker *w)
{
	if (!atomic_load_explicit(&w->drain, memory_order_relaxed))
		return;
	if (!w->draining) {
		// The ports are stopped by now: a few rounds take what they still had.
		w->draining = true;
		w->dry_rounds = 0;
	}
	bool held = w->dry_rounds < DRY_ROUNDS || fog_calendar_depth(w->calendar) > 0;

	for (unsigned p = 0; p < w->port_count; p++)
		held |= w->tx[p].n > 0;
	if (!held)
		atomic_store_explicit(&w->drained, true, memory_order_release);
}

int fog_worker_run(void *arg)
{
	struct fog_worker *w = arg;
	int ret = fog_crypto_thread_init();

	if (ret < 0)
		return ret;
	rte_rcu_qsbr_thread_register(w->qsbr, w->index);
	rte_rcu_qsbr_thread_online(w->qsbr, w->index);
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		uint64_t now = rte_rdtsc();
		enum fog_round round = fog_worker_round(w, now);
		rings_switch(w);
		rte_rcu_qsbr_quiescent(w->qsbr, w->index);
		uint64_t end = rte_rdtsc();
		if (round == FOG_ROUND_WORKED)
			fog_hist_add(&w->count.loop_ns, fog_worker_ns(w, end - now));
		if (end >= w->publish_at)
			fog_worker_publish(w, end);
		w->dry_rounds = round == FOG_ROUND_DRY ? w->dry_rounds + 1 : 0;
		drain_check(w);
		if (w->idle == FOG_IDLE_ADAPTIVE && w->dry_rounds >= DRY_ROUNDS)
			worker_sleep(w, end);
	}
	w->trace = NULL; // the manager frees it when nobody runs any more
	fog_worker_publish(w, rte_rdtsc());
	rte_rcu_qsbr_thread_offline(w->qsbr, w->index);
	rte_rcu_qsbr_thread_unregister(w->qsbr, w->index);
	return 0;
}

// Rounded down: the replay table was planned for this rate.
static void rate_init(struct fog_worker *w)
{
	if (w->max_rate == 0)
		return;
	w->tokens_per_cycle = (uint64_t
	)(((unsigned __int128)w->max_rate << FOG_TOKEN_SHIFT) / w->tsc_hz);
	w->tokens_max = fog_plan_burst(w->max_rate) << FOG_TOKEN_SHIFT;
	w->tokens_cycles = w->tokens_max / w->tokens_per_cycle;
	w->tokens = w->tokens_max;
	w->tokens_at = rte_rdtsc();
}

// Two widths share a call when that is over soon enough: it runs a little faster per lane than a
// single width, and nothing leaves while it lasts. Timed here, where the worker will run.
static unsigned call_lanes(const struct fog_worker *w)
{
	uint8_t scalar[32], out[FOG_CRYPTO_BATCH_MAX][32];
	struct fog_lanes lanes;
	uint64_t best = UINT64_MAX;

	randombytes_buf(scalar, sizeof(scalar));
	randombytes_buf(out, sizeof(out));
	fog_lanes_init(&lanes, w->crypto);
	while (lanes.n < 2 * w->crypto->width) {
		uint8_t *point = out[lanes.n];
		fog_lanes_add(&lanes, point, scalar, point);
	}
	for (unsigned i = 0; i < CALL_TRIES; i++) {
		uint64_t start = rte_rdtsc();
		fog_lanes_run(&lanes);
		best = RTE_MIN(best, rte_rdtsc() - start);
	}
	return best <= FOG_CALL_US * w->tsc_hz / 1000000u ? lanes.n : w->crypto->width;
}

static void constants_init(struct fog_worker *w)
{
	const unsigned __int128 one = UINT64_C(1) << 32;

	// Rounded up, so that no delay comes out shorter than it is owed.
	w->cycles_per_us = (uint64_t)((one * w->tsc_hz + 999999u) / 1000000u);
	w->ns_per_cycle = (uint64_t)((one * 1000000000u + w->tsc_hz - 1) / w->tsc_hz);
	for (unsigned p = 0; p < w->port_count; p++)
		for (unsigned q = w->index; q < w->ports[p]->queues; q += w->workers)
			w->source[w->source_count++] = (struct fog_rx_source
			){(uint16_t)p, (uint16_t)q};
	w->hold = FOG_HOLD_US * w->tsc_hz / 1000000u;
	w->answer_cycles = w->tsc_hz / FOG_ANSWER_RATE;
	w->chunk_size = w->crypto->width;
	w->call_lanes = call_lanes(w);
}

int fog_worker_init(struct fog_worker *w, uint32_t parked_max, uint32_t inject_slot_size)
{
	struct fog_calendar_config cal = {
	        .tsc_hz = w->tsc_hz,
	        .start = rte_rdtsc(),
	        .slots = CALENDAR_SLOTS,
	        .capacity = parked_max,
	};
	int ret;

	if (w->crypto->width > FOG_CHUNK_MAX || 2 * w->crypto->width > FOG_CRYPTO_BATCH_MAX)
		return -EINVAL;
	randombytes_buf(cal.seed, sizeof(cal.seed));
	ret = fog_calendar_create(&cal, &w->calendar);
	sodium_memzero(cal.seed, sizeof(cal.seed));
	if (ret < 0)
		return ret;
	w->inject_slot = calloc(1, inject_slot_size);
	// sodium_malloc ends its objects at a guard page, so the size keeps the alignment.
	if (w->inject_slot != NULL)
		w->chunks = sodium_malloc((2 * sizeof(*w->chunks) + 63u) & ~(size_t)63);
	if (w->chunks == NULL ||
	    (w->links != NULL &&
	     (fog_handshake_create(w->tsc_hz, &w->handshake) < 0 ||
	      fog_cover_create(w->geo.packet_len, &w->cover) < 0))) {
		fog_worker_fini(w);
		return -ENOMEM;
	}
	memset(w->chunks, 0, 2 * sizeof(*w->chunks));
	for (unsigned i = 0; i < 2; i++) {
		w->chunks[i].sphinx.ops = w->crypto;
		w->chunks[i].sphinx.geo = &w->geo;
		w->chunks[i].sphinx.hop = w->chunks[i].hop;
		w->chunks[i].sphinx.route = w->chunks[i].route;
	}
	w->fresh = &w->chunks[0];
	w->opened = &w->chunks[1];
	constants_init(w);
	rate_init(w);
	return 0;
}

// Give up what waits between rx and calendar.
static void held_drop(struct fog_worker *w)
{
	for (unsigned i = 0; i < w->ready_n; i++)
		fog_worker_drop(w, w->ready[i], FOG_DROP_SHUTDOWN);
	w->ready_n = 0;
	for (unsigned i = 0; i < w->seal.n; i++)
		fog_worker_drop(w, w->seal.frame[i], FOG_DROP_SHUTDOWN);
	w->seal.n = 0;
	for (unsigned i = 0; i < w->opened->sphinx.n; i++)
		if (w->opened->mbuf[i] != NULL)
			fog_worker_drop(w, w->opened->mbuf[i], FOG_DROP_SHUTDOWN);
	if (w->cover != NULL)
		stage_cover_empty(w);
	for (unsigned p = 0; p < w->port_count; p++) {
		for (uint16_t i = 0; i < w->tx[p].n; i++)
			fog_worker_drop(w, w->tx[p].frame[i], FOG_DROP_SHUTDOWN);
		w->tx[p].n = 0;
	}
}

void fog_worker_fini(struct fog_worker *w)
{
	void *m;

	while (w->calendar != NULL && (m = fog_calendar_evict_random(w->calendar)) != NULL)
		fog_worker_drop(w, m, FOG_DROP_SHUTDOWN);
	if (w->chunks != NULL) {
		held_drop(w);
		w->opened->waiting = 0;
		fog_worker_publish(w, rte_rdtsc()); // the control plane still maps the block
		sodium_free(w->chunks); // wipes it
		w->chunks = NULL;
	}
	fog_calendar_destroy(w->calendar);
	w->calendar = NULL;
	free(w->inject_slot);
	w->inject_slot = NULL;
	fog_handshake_destroy(w->handshake);
	w->handshake = NULL;
	fog_cover_destroy(w->cover);
	w->cover = NULL;
}
